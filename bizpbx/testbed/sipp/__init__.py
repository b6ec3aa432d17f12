"""Phones and carriers made of SIPp: real SIP, with digest credentials, against any switch."""

from bizpbx.testbed.sipp.load import Delays, LoadResult, load
from bizpbx.testbed.sipp.real_world import SippWorld

__all__ = ["Delays", "LoadResult", "SippWorld", "load"]
