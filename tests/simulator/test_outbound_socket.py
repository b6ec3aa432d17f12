"""The sync outbound socket: order of replies, the end of the call, and the end of the controller."""

from __future__ import annotations

import time

import pytest

from .benches import Bench
from .client import is_goodbye
from .conftest import Controller


def test_replies_come_in_order_when_each_application_has_ended(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    begun = time.monotonic()
    client.execute("sleep", "300")
    client.send("getvar stage")
    client.send("api uuid_exists nobody")
    assert client.reply() == "+OK"
    assert time.monotonic() - begun >= 0.28
    assert client.reply() == "new"
    answer = client.read()
    assert answer is not None
    assert (answer["Content-Type"], answer.body) == ("api/response", "false")
    call.cancel()


def test_replies_to_commands(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    assert client.ask("noop") == "-ERR command not found"
    assert client.ask("getvar no_such") == "-ERR command not found"
    assert client.ask("sendmsg no-such-call", "call-command: hangup") == "-ERR invalid session id [no-such-call]"
    assert client.ask("sendmsg", "foo: bar") == "+OK"
    assert client.ask("linger") == "+OK will linger"
    assert client.ask("linger 5") == "+OK will linger 5 seconds"
    assert client.ask("nolinger") == "+OK will not linger"
    assert client.ask("event json CHANNEL_ANSWER") == "+OK event listener enabled json"
    assert client.ask("noevents") == "+OK no longer listening for events"
    assert client.ask("myevents") == "+OK Events Enabled"
    assert client.ask("myevents") == "-ERR aready enabled."
    assert client.api("no_such_command x") == "-ERR no_such_command Command not found!\n"
    call.cancel()


def test_without_full_the_switch_is_out_of_reach(bench: Bench, controller: Controller) -> None:
    call = bench.call(f"restricted-{controller.number}")
    client = controller.accept()
    assert client.connect()["Control"] == "single-channel"
    assert client.ask("api status") == "-ERR command not found"
    assert client.ask("linger") == "-ERR command not found"
    assert client.run("set", "a=1") == "+OK"
    client.close()
    assert call.final() == 486


@pytest.mark.parametrize("how", ["exit", "close"])
def test_the_next_action_follows_when_the_controller_leaves(bench: Bench, controller: Controller, how: str) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    assert "variable_after" not in client.connect()
    if how == "exit":
        assert client.ask("exit") == "+OK bye"
        goodbye = client.read()
        assert is_goodbye(goodbye)
        assert goodbye is not None
        assert goodbye.body == "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
        assert client.read() is None
    client.close()
    second = controller.accept()
    assert second.connect()["variable_after"] == "first"
    second.close()
    assert call.final() == 403


def test_a_conversation_outlives_its_controller(bench: Bench, controller: Controller) -> None:
    bench.phone("202", 200)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.execute("bridge", "sofia/internal/202%acme.example")
    assert call.final() == 200
    client.close()
    with pytest.raises(TimeoutError):
        controller.accept(0.3)
    call.bye()
    with pytest.raises(TimeoutError):
        controller.accept(0.3)


def test_a_ring_outlives_its_controller_and_the_next_one_learns_how_it_ended(
    bench: Bench, controller: Controller
) -> None:
    bench.phone("201", 486, after=0.3)
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.execute("bridge", "sofia/internal/201%acme.example")
    client.close()
    found = controller.accept().variables()
    assert (found["after"], found["originate_disposition"]) == ("first", "USER_BUSY")
    call.cancel()


def test_the_caller_hangs_up_and_the_connection_is_closed(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    uuid = client.connect()["Unique-ID"]
    call.cancel()
    goodbye = client.read()
    assert is_goodbye(goodbye)
    assert goodbye is not None
    assert goodbye["Controlled-Session-UUID"] == uuid
    assert client.read() is None
    assert call.final() == 487


def test_a_lingering_connection_stays_for_the_last_events(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    uuid = client.connect()["Unique-ID"]
    client.ask("linger 1")
    client.ask("myevents")
    call.cancel()
    # On FreeSWITCH in either order, with others between: an event may be there before the channel is seen to be down.
    notice = hangup = None
    while notice is None or hangup is None:
        message = client.event()
        assert message is not None
        if message["Content-Type"] == "text/disconnect-notice":
            notice = message
        elif message["Event-Name"] == "CHANNEL_HANGUP":
            hangup = message
    assert notice.headers == [
        ("Content-Type", "text/disconnect-notice"),
        ("Controlled-Session-UUID", uuid),
        ("Content-Disposition", "linger"),
        ("Channel-Name", "sofia/internal/100@acme.example"),
        ("Linger-Time", "1"),
        ("Content-Length", "0"),
    ]
    assert (hangup["Event-Name"], hangup["Hangup-Cause"]) == ("CHANNEL_HANGUP", "ORIGINATOR_CANCEL")
    client.send("connect")
    while (data := client.event()) is not None and data["Event-Name"] != "CHANNEL_DATA":
        pass
    assert data is not None
    assert data["Answer-State"] == "hangup"
    while (last := client.event()) is not None and last["Event-Name"]:
        pass
    assert is_goodbye(last)
    assert client.read() is None


def test_commands_behind_an_application_that_the_hangup_cut_are_dropped(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    client.execute("sleep", "5000")
    client.send("getvar stage")
    with pytest.raises(TimeoutError):
        client.read(0.2)
    call.cancel()
    assert client.reply() == "+OK"
    assert is_goodbye(client.read())


@pytest.mark.parametrize(
    ("cause", "final"),
    [
        ("USER_BUSY", 486),
        ("NO_ANSWER", 480),
        ("CALL_REJECTED", 603),
        ("UNALLOCATED_NUMBER", 404),
        ("INVALID_NUMBER_FORMAT", 484),
        ("OUTGOING_CALL_BARRED", 403),
        ("USER_NOT_REGISTERED", 480),
        ("NORMAL_TEMPORARY_FAILURE", 503),
        ("NORMAL_CLEARING", 480),
        ("NO_ROUTE_DESTINATION", 404),
        ("EXCHANGE_ROUTING_ERROR", 483),
        ("ALLOTTED_TIMEOUT", 480),
        ("RECOVERY_ON_TIMER_EXPIRE", 504),
        ("DESTINATION_OUT_OF_ORDER", 502),
        ("NO_SUCH_CAUSE", 480),
        ("17", 486),
        ("", 480),
    ],
)
def test_hangup_decides_the_final_code(bench: Bench, controller: Controller, cause: str, final: int) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    assert client.run("hangup", cause) == "+OK"
    assert is_goodbye(client.read())
    assert call.final() == final


def test_hangup_by_message(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    assert client.ask("sendmsg", "call-command: hangup", "hangup-cause: USER_BUSY") == "+OK"
    assert is_goodbye(client.read())
    assert call.final() == 486


def test_respond(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    assert client.run("respond", "483 Too Many Hops") == "+OK"
    assert is_goodbye(client.read())
    assert call.final() == 483


def test_answer(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    assert client.run("answer") == "+OK"
    assert call.final() == 200
    data = client.connect()
    assert (data["Answer-State"], data["variable_endpoint_disposition"]) == ("answered", "ANSWER")
    call.bye()
    assert is_goodbye(client.read())


def test_an_unknown_application_ends_the_call(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    client.connect()
    assert client.run("no_such_application", "x") == "+OK"
    assert is_goodbye(client.read())
    assert call.final() == 502


def test_events_of_the_call_come_behind_the_reply(bench: Bench, controller: Controller) -> None:
    call = bench.call(controller.number)
    client = controller.accept()
    uuid = client.connect()["Unique-ID"]
    client.ask("myevents")
    assert client.run("set", "x=a b") == "+OK"
    events = []
    while not events or events[-1]["Event-Name"] != "CHANNEL_EXECUTE_COMPLETE":
        event = client.event()
        assert event is not None
        # An event of the time before may still be on its way.
        events += [event] if event["Application-Data"] == "x=a b" else []
    assert [event["Event-Name"] for event in events] == ["CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE"]
    assert {event["Unique-ID"] for event in events} == {uuid}
    assert {event["Application"] for event in events} == {"set"}
    assert events[-1]["Application-Response"] == "_none_"
    call.cancel()
