"""How a ring ended, read from the variables that `bridge` leaves on the caller's channel. Pure.

docs/calls.md has what FreeSWITCH makes of each SIP code, as it was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bizpbx.calls.call import Talked, Unanswered
from bizpbx.freeswitch.arming import CUT
from bizpbx.freeswitch.causes import ANSWERED, cause_of
from bizpbx.policy.plan import Cause

DISPOSITION: Final = "originate_disposition"
SIP_CODE: Final = "last_bridge_proto_specific_hangup_cause"
"""`sip:503`, of the leg that ended last; absent where there was no leg or no answer to it."""

LEGS: Final = "originate_causes"
"""`<uuid>;<cause>` for each leg that was made, in the order of the dial string."""

UNTOLD: Final = "failure"
"""Disposition of a ring that ended before it began, since a leg that ends all the others could not be made."""

FAILED_CAUSE: Final = "originate_failed_cause"
"""The cause of it, then."""

ENDING: Final = (DISPOSITION, SIP_CODE, LEGS, FAILED_CAUSE)
"""Taken off the channel before a ring, so that what is there afterwards is of that ring: the switch adds legs to those
of earlier rings, and leaves the code of one where the next has none."""

FAILED_GATEWAY: Final = (
    "GATEWAY_DOWN",
    "INVALID_GATEWAY",
    "NETWORK_OUT_OF_ORDER",
    "NORMAL_TEMPORARY_FAILURE",
    "PROGRESS_TIMEOUT",
    "RECOVERY_ON_TIMER_EXPIRE",
)
"""Causes of a gateway that is away, silent or out of order."""

ALIVE_AFTER: Final = 20
"""Seconds. A gateway that kept a call for this long has made it ring: what it says then is about the called one."""


TALK_END: Final = "last_bridge_hangup_cause"
"""Cause that the leg which was talked with ended with."""


def ring_end(data: Mapping[str, str], seconds: int = 0) -> Unanswered | Talked:
    """What the channel's data say of a ring that has ended, and that took `seconds` (0: not known)."""
    if data.get(f"variable_{DISPOSITION}") == ANSWERED:
        return Talked(cut=data.get(f"variable_{TALK_END}") == CUT)
    return unanswered(data, seconds)


def unanswered(data: Mapping[str, str], seconds: int = 0) -> Unanswered:
    """What the channel's data say of a ring that was not answered, and that took `seconds` (0: not known)."""
    disposition = data.get(f"variable_{DISPOSITION}") or Cause.NORMAL_TEMPORARY_FAILURE
    if disposition == UNTOLD:
        disposition = data.get(f"variable_{FAILED_CAUSE}") or Cause.NORMAL_TEMPORARY_FAILURE
    failed = seconds < ALIVE_AFTER and gateway_failed(
        disposition, _code(data.get(f"variable_{SIP_CODE}", "")), _causes(data.get(f"variable_{LEGS}", ""))
    )
    return Unanswered(cause_of(disposition) or Cause.NORMAL_TEMPORARY_FAILURE, failed, seconds)


def gateway_failed(disposition: str, code: int | None, legs: tuple[str, ...]) -> bool:
    """Whether a ring ended because its gateway, the first of the legs, failed and not because of the called one.

    >>> gateway_failed("NORMAL_TEMPORARY_FAILURE", 503, ()), gateway_failed("USER_BUSY", 486, ())
    (True, False)
    """
    if len(legs) > 1:
        return disposition in FAILED_GATEWAY or legs[0] in FAILED_GATEWAY
    if code is not None:
        return code in (401, 407, 408) or 500 <= code <= 599
    return disposition in FAILED_GATEWAY


def _code(text: str) -> int | None:
    digits = text.removeprefix("sip:")
    return int(digits) if digits != text and digits.isascii() and digits.isdigit() else None


def _causes(text: str) -> tuple[str, ...]:
    """The causes of an array variable, `ARRAY::<uuid>;<cause>|:<uuid>;<cause>`."""
    entries = text.removeprefix("ARRAY::").split("|:") if text else []
    return tuple(entry.rpartition(";")[2] for entry in entries)
