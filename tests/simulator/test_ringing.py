"""`bridge`: who rings, who is cancelled, and what the caller's channel tells of it afterwards."""

from __future__ import annotations

import time

import pytest

from .benches import Bench
from .client import eventually, is_goodbye
from .conftest import Controller

HOW = ("originate_disposition", "DIALSTATUS", "originate_failed_cause", "last_bridge_hangup_cause")


def leg(user: str, variables: str = "") -> str:
    return f"{variables}sofia/internal/{user}%acme.example"


@pytest.mark.parametrize(
    ("code", "cause", "status", "final"),
    [
        (486, "USER_BUSY", "BUSY", 486),
        (603, "CALL_REJECTED", "DONTCALL", 603),
        (403, "CALL_REJECTED", "DONTCALL", 403),
        (404, "UNALLOCATED_NUMBER", "UNALLOCATED_NUMBER", 404),
        (480, "NO_USER_RESPONSE", "NO_USER_RESPONSE", 480),
        (500, "NORMAL_TEMPORARY_FAILURE", "NORMAL_TEMPORARY_FAILURE", 500),
        (488, "INCOMPATIBLE_DESTINATION", "INCOMPATIBLE_DESTINATION", 488),
    ],
)
def test_a_refusal_is_told_and_decides_the_final_code(
    bench: Bench, controller: Controller, code: int, cause: str, status: str, final: int
) -> None:
    bench.phone("201", code)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    assert client.run("bridge", leg("201")) == "+OK"
    found = client.variables()
    assert [found.get(name) for name in HOW] == [cause, status, cause, cause]
    assert found["last_bridge_proto_specific_hangup_cause"] == f"sip:{code}"
    assert found["originate_causes"].endswith(f";{cause}")
    # The far end's code stands, whatever cause the call is hung up with.
    client.run("hangup", "NO_ANSWER")
    assert call.final() == final


def test_the_remote_code_can_be_left_out(bench: Bench, controller: Controller) -> None:
    bench.phone("201", 486)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("set", "sip_ignore_remote_cause=true")
    client.run("bridge", leg("201"))
    client.run("hangup", "NO_ANSWER")
    assert call.final() == 480


@pytest.mark.parametrize(
    ("dialled", "cause", "status"),
    [
        (leg("no-such"), "USER_NOT_REGISTERED", "USER_NOT_REGISTERED"),
        ("sofia/gateway/no.such/+65", "INVALID_GATEWAY", "INVALID_GATEWAY"),
        ("sofia/no-such/x@y.example", "INVALID_PROFILE", "INVALIDARGS"),
        ("user/100@acme.example", "SUBSCRIBER_ABSENT", "SUBSCRIBER_ABSENT"),
        ("error/user_busy", "USER_BUSY", "BUSY"),
        ("bogus/x", "CHAN_NOT_IMPLEMENTED", "CHAN_NOT_IMPLEMENTED"),
        (f"{leg('no-such')},sofia/gateway/no.such/1", "INVALID_GATEWAY", "INVALID_GATEWAY"),
        (f"error/USER_BUSY,{leg('no-such')}", "USER_NOT_REGISTERED", "USER_NOT_REGISTERED"),
        (f"{leg('no-such')},error/USER_BUSY", "USER_BUSY", "BUSY"),
    ],
)
def test_what_cannot_be_tried(bench: Bench, controller: Controller, dialled: str, cause: str, status: str) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    assert client.run("bridge", dialled) == "+OK"
    found = client.variables()
    assert [found.get(name) for name in HOW] == [cause, status, cause, None]
    assert "originate_causes" not in found
    client.run("hangup")
    assert call.final() == 480


def test_the_cause_is_that_of_the_first_leg(bench: Bench, controller: Controller) -> None:
    bench.phone("201", 603, after=0.2)
    bench.phone("202", 486)
    for dialled, cause in (
        (f"{leg('201')},{leg('202')}", "CALL_REJECTED"),
        (f"{leg('202')},{leg('201')}", "USER_BUSY"),
        (f"{leg('no-such')},{leg('202')}", "USER_BUSY"),
        (f"{leg('202')},{leg('no-such')}", "USER_BUSY"),
    ):
        call = bench.call(controller.number)
        client = controller.accept()
        client.connect()
        client.run("bridge", dialled)
        assert client.variables()["originate_disposition"] == cause, dialled
        call.cancel()


def test_the_first_answer_wins_and_the_others_are_told_so(bench: Bench, controller: Controller) -> None:
    bench.phone("201", None)
    bench.phone("202", 200, after=0.1, talks=0.1)
    bench.phone("203", 200, after=5)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    assert client.run("bridge", f"{leg('201')},{leg('202')},{leg('203')}") == "+OK"
    assert call.final() == 200
    assert bench.seen("202") == ['INVITE "100" 100']
    told = ['INVITE "100" 100', 'CANCEL SIP;cause=200;text="Call completed elsewhere"']
    eventually(lambda: bench.seen("201") == bench.seen("203") == told)
    # hangup_after_bridge has ended the call.
    assert is_goodbye(client.read())
    assert client.read() is None
    with pytest.raises(TimeoutError):
        controller.accept(0.2)


def test_without_hangup_after_bridge_the_call_goes_on(bench: Bench, controller: Controller) -> None:
    bench.phone("202", 200, talks=0.1)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("set", "hangup_after_bridge=false")
    client.run("bridge", leg("202"))
    data = client.connect()
    assert (data["Answer-State"], data["Channel-Call-State"]) == ("answered", "ACTIVE")
    assert data["variable_originate_disposition"] == data["variable_DIALSTATUS"] == "SUCCESS"
    assert data["variable_endpoint_disposition"] == "ANSWER"
    assert data["variable_bridge_hangup_cause"] == data["variable_last_bridge_hangup_cause"] == "NORMAL_CLEARING"
    assert data["variable_last_bridge_proto_specific_hangup_cause"] == "sip:200"
    other = data["variable_last_bridge_to"]
    assert data["variable_bridge_uuid"] == data["variable_signal_bond"] == other
    assert data["variable_bridge_channel"] == "sofia/internal/202"
    assert data["variable_originate_causes"] == f"{other};NONE"
    assert data["variable_originated_legs"] == f"{other};Outbound Call;202%acme.example"
    call.bye()


@pytest.mark.parametrize(
    ("dialled", "cause", "reason"),
    [
        ("{originate_timeout=1}" + leg("201"), "NO_ANSWER", 'Q.850;cause=19;text="NO_ANSWER"'),
        (leg("201", "[leg_timeout=1]"), "ALLOTTED_TIMEOUT", 'SIP;cause=802;text="ALLOTTED_TIMEOUT"'),
    ],
)
def test_nobody_answers_in_time(bench: Bench, controller: Controller, dialled: str, cause: str, reason: str) -> None:
    bench.phone("201", None)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    begun = time.monotonic()
    client.run("bridge", dialled)
    # FreeSWITCH counts whole seconds of the clock: up to one less, or one more, than was asked for.
    assert time.monotonic() - begun < 10
    found = client.variables()
    assert [found[name] for name in HOW if name != "DIALSTATUS"] == [cause] * 3
    assert "last_bridge_proto_specific_hangup_cause" not in found
    eventually(lambda: bench.seen("201") == ['INVITE "100" 100', f"CANCEL {reason}"])
    client.run("hangup", "NO_ANSWER")
    assert call.final() == 480


def test_one_busy_phone_among_ringing_ones_decides_the_final_code(bench: Bench, controller: Controller) -> None:
    bench.phone("201", None)
    bench.phone("202", 486)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("set", "call_timeout=1")
    client.run("bridge", f"{leg('201')},{leg('202')}")
    found = client.variables()
    assert found["originate_disposition"] == "NO_ANSWER"
    assert found["last_bridge_hangup_cause"] == "NO_ANSWER"
    assert found["last_bridge_proto_specific_hangup_cause"] == "sip:486"
    client.run("hangup", "NO_ANSWER")
    assert call.final() == 486


def test_groups_are_tried_one_after_another(bench: Bench, controller: Controller) -> None:
    bench.phone("201", 486)
    bench.phone("202", 200, talks=0.1)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("bridge", f"{leg('201')}|{leg('202')}")
    assert call.final() == 200
    assert bench.seen("201") == bench.seen("202") == ['INVITE "100" 100']


def test_leg_variables_decide_what_a_phone_shows(bench: Bench, controller: Controller) -> None:
    bench.phone("201", 486)
    bench.phone("202", 486)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("multiset", "^^|effective_caller_id_name=Zoe, ann & [co]|effective_caller_id_number=7")
    client.run("bridge", f"{leg('201', '[origination_caller_id_number=+6591]')},{leg('202')}")
    assert bench.seen("201") == ['INVITE "Zoe, ann & [co]" +6591']
    # An oddity: after a leg with a number of its own, the effective one no longer counts.
    assert bench.seen("202") == ['INVITE "Zoe, ann & [co]" 100']
    call.cancel()


def test_the_effective_caller_id_holds_for_the_legs_before_one_with_its_own(
    bench: Bench, controller: Controller
) -> None:
    bench.phone("201", 486)
    bench.phone("202", 486)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("multiset", "^^|effective_caller_id_name=Zoe|effective_caller_id_number=7")
    client.run("bridge", f"{leg('202')},{leg('201', '[origination_caller_id_name=Q]')}")
    assert bench.seen("202") == ['INVITE "Zoe" 7']
    assert bench.seen("201") == ['INVITE "Q" 7']
    call.cancel()


def test_the_caller_gives_up_while_it_rings(bench: Bench, controller: Controller) -> None:
    bench.phone("201", None)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.execute("bridge", leg("201"))
    client.send("noop")
    with pytest.raises(TimeoutError):
        client.read(0.5)
    call.cancel()
    # The application's reply still comes, but the command behind it is not carried out any more.
    assert client.reply() == "+OK"
    assert is_goodbye(client.read())
    assert client.read() is None
    assert call.final() == 487
    eventually(lambda: bench.seen("201")[1:] == ['CANCEL SIP;cause=487;text="ORIGINATOR_CANCEL"'])


def test_the_caller_hangs_up_a_conversation(bench: Bench, controller: Controller) -> None:
    bench.phone("202", 200)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.execute("bridge", leg("202"))
    assert call.final() == 200
    call.bye()
    assert client.reply() == "+OK"
    assert is_goodbye(client.read())


def test_without_continue_on_fail_a_failure_ends_the_call(bench: Bench, controller: Controller) -> None:
    bench.phone("201", 486)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("set", "continue_on_fail=false")
    assert client.run("bridge", leg("201")) == "+OK"
    assert is_goodbye(client.read())
    assert call.final() == 486


def test_continue_on_fail_names_causes(bench: Bench, controller: Controller) -> None:
    bench.phone("201", 486)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.run("set", "continue_on_fail=NO_ANSWER,user_busy")
    client.run("bridge", leg("201"))
    assert client.variables()["originate_disposition"] == "USER_BUSY"
    client.run("set", "continue_on_fail=NO_ANSWER")
    client.run("bridge", leg("201"))
    assert is_goodbye(client.read())
    assert call.final() == 486
