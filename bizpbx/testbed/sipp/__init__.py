"""Phones and carriers made of SIPp: real SIP, with digest credentials, against any switch."""

from bizpbx.testbed.sipp.real_world import SippWorld

__all__ = ["SippWorld"]
