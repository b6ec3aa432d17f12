"""When a gateway counts as failed: what it, or nobody, said of the call; never what the called one said."""

from __future__ import annotations

import pytest

from bizpbx.calls.call import Unanswered
from bizpbx.freeswitch.ring_end import ALIVE_AFTER, unanswered
from bizpbx.policy.plan import Cause


def after(disposition: str, code: int | None = None, *legs: str, seconds: int = 0) -> Unanswered:
    data = {"variable_originate_disposition": disposition}
    if code is not None:
        data["variable_last_bridge_proto_specific_hangup_cause"] = f"sip:{code}"
    if legs:
        data["variable_originate_causes"] = "ARRAY::" + "|:".join(f"leg-{i};{leg}" for i, leg in enumerate(legs))
    return unanswered(data, seconds)


@pytest.mark.parametrize("code", [500, 501, 502, 503, 504, 505, 513, 580])
def test_any_answer_that_says_the_server_failed(code: int) -> None:
    assert after("INTERWORKING", code).gateway_failed


@pytest.mark.parametrize("code", [408, 401, 407])
def test_silence_and_an_account_that_is_refused(code: int) -> None:
    assert after("CALL_REJECTED", code).gateway_failed


@pytest.mark.parametrize("code", [400, 403, 404, 410, 480, 481, 484, 486, 487, 488, 600, 603, 604, 606])
def test_what_is_said_of_the_called_one_or_of_the_call_is_final(code: int) -> None:
    assert not after("NORMAL_TEMPORARY_FAILURE", code).gateway_failed


@pytest.mark.parametrize("disposition", ["GATEWAY_DOWN", "INVALID_GATEWAY", "NETWORK_OUT_OF_ORDER", "PROGRESS_TIMEOUT"])
def test_a_gateway_that_is_known_to_be_away_or_stays_silent(disposition: str) -> None:
    ended = after(disposition)
    assert ended.gateway_failed
    assert ended.cause is Cause.NORMAL_TEMPORARY_FAILURE


@pytest.mark.parametrize("disposition", ["NO_ANSWER", "ALLOTTED_TIMEOUT", "ORIGINATOR_CANCEL", "USER_BUSY"])
def test_our_own_end_of_the_ring_is_no_failure(disposition: str) -> None:
    assert not after(disposition).gateway_failed


def test_a_gateway_that_kept_the_call_for_long_has_made_it_ring() -> None:
    assert after("RECOVERY_ON_TIMER_EXPIRE", 408, seconds=ALIVE_AFTER - 1).gateway_failed
    assert not after("RECOVERY_ON_TIMER_EXPIRE", 408, seconds=ALIVE_AFTER).gateway_failed
    assert not after("NORMAL_TEMPORARY_FAILURE", 503, seconds=90).gateway_failed


def test_of_several_legs_the_gateway_is_the_first() -> None:
    assert after("NO_ANSWER", 487, "NORMAL_TEMPORARY_FAILURE", "NONE").gateway_failed
    assert not after("NO_ANSWER", 503, "NO_ANSWER", "NORMAL_TEMPORARY_FAILURE").gateway_failed


@pytest.mark.parametrize(("cause", "failed"), [("GATEWAY_DOWN", True), ("USER_BUSY", False)])
def test_a_ring_that_ended_before_it_began_has_its_cause_elsewhere(cause: str, failed: bool) -> None:
    data = {"variable_originate_disposition": "failure", "variable_originate_failed_cause": cause}
    assert unanswered(data).gateway_failed is failed


def test_an_ending_that_says_nothing_is_a_failure() -> None:
    assert unanswered({}) == Unanswered(Cause.NORMAL_TEMPORARY_FAILURE, gateway_failed=True)
