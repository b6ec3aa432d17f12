"""FreeSWITCH's hang-up causes, reduced to the ones a caller is told."""

from __future__ import annotations

from bizpbx.policy.plan import Cause

ANSWERED = "SUCCESS"

# What a far end may say, in the words of the closest cause that we pass on. Everything else is a temporary failure:
# the caller may try again, and learns nothing about the inside.
_SAME_AS = {
    "SUBSCRIBER_ABSENT": Cause.USER_NOT_REGISTERED,
    "UNREGISTERED": Cause.USER_NOT_REGISTERED,
    # The device requires TLS, and this switch has no certificate.
    "INVALID_PROFILE": Cause.USER_NOT_REGISTERED,
    "ALLOTTED_TIMEOUT": Cause.NO_ANSWER,
    "NO_USER_RESPONSE": Cause.NO_ANSWER,
    "ORIGINATOR_CANCEL": Cause.NO_ANSWER,
    "NO_ROUTE_DESTINATION": Cause.UNALLOCATED_NUMBER,
    "NUMBER_CHANGED": Cause.UNALLOCATED_NUMBER,
    "INCOMING_CALL_BARRED": Cause.CALL_REJECTED,
}


def cause_of(disposition: str) -> Cause | None:
    """The cause for an `originate_disposition`; None if the call was answered.

    >>> cause_of("USER_BUSY"), cause_of("SUCCESS"), cause_of("GATEWAY_DOWN")
    (<Cause.USER_BUSY: 'USER_BUSY'>, None, <Cause.NORMAL_TEMPORARY_FAILURE: 'NORMAL_TEMPORARY_FAILURE'>)
    """
    if disposition == ANSWERED:
        return None
    if disposition in Cause.__members__:
        return Cause(disposition)
    return _SAME_AS.get(disposition, Cause.NORMAL_TEMPORARY_FAILURE)
