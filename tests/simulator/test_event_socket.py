"""The inbound event socket: password, commands, events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .benches import PASSWORD, Bench
from .client import Client, eventually, is_goodbye
from .conftest import Controller


@pytest.fixture
def client(bench: Bench) -> Iterator[Client]:
    """A connection that has given the password."""
    connected = bench.client()
    request = connected.read()
    assert request is not None
    assert request.headers == [("Content-Type", "auth/request")]
    assert connected.ask(f"auth {PASSWORD}") == "+OK accepted"
    yield connected
    connected.close()


def test_a_wrong_password_closes_the_connection(bench: Bench) -> None:
    client = bench.client()
    client.read()
    assert client.ask("auth wrong") == "-ERR invalid"
    goodbye = client.read()
    assert goodbye is not None
    assert goodbye.headers == [("Content-Type", "text/disconnect-notice"), ("Content-Length", "67")]
    assert client.read() is None


def test_nothing_is_done_before_the_password(bench: Bench) -> None:
    client = bench.client()
    client.read()
    assert client.ask("api status") == "-ERR command not found"
    client.close()


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("connect", "-ERR command not found"),
        ("myevents", "-ERR command not found"),
        ("api", "-ERR command not found"),
        ("linger", "-ERR not controlling a session"),
        ("sendmsg\nfoo: bar", "-ERR invalid session id []"),
        ("event plain NO_SUCH_EVENT", "-ERR no keywords supplied"),
        ("event json CHANNEL_CREATE CUSTOM sofia::register", "+OK event listener enabled json"),
        ("event plain ALL", "+OK event listener enabled plain"),
        ("nixevent CHANNEL_CREATE", "+OK events nixed"),
        ("nixevent", "-ERR no keywords supplied"),
        ("noevents", "-ERR not listening for events"),
        ("filter Event-Name CHANNEL_ANSWER", "+OK filter added. [Event-Name]=[CHANNEL_ANSWER]"),
        ("filter add Event-Name A", "+OK filter added. [Event-Name]=[A]"),
        ("filter delete Event-Name A", "+OK filter deleted. [Event-Name][A]"),
        ("filter delete all", "+OK filter deleted. [all][]"),
        ("filter x", "-ERR invalid syntax"),
    ],
)
def test_replies(client: Client, command: str, reply: str) -> None:
    assert client.ask(command) == reply


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("uuid_exists no-such", "false"),
        ("uuid_kill no-such", "-ERR No such channel!\n"),
        ("uuid_kill", "-USAGE: <uuid> [cause]\n"),
        ("uuid_dump no-such", "-ERR No such channel!\n"),
        ("uuid_getvar no-such a", "-ERR No such channel!\n"),
        ("uuid_getvar no-such", "-USAGE: <uuid> <var>\n"),
        ("uuid_setvar no-such a b", "-ERR No such channel!\n"),
        ("reloadxml", "+OK [Success]\n"),
        ("sched_api", "-ERR Invalid syntax. USAGE: [+@]<time> <group_name> <command_string>[&]\n"),
        ("sched_del none", "+OK Deleted: 0\n"),
        ("show channels", "\n0 total.\n"),
        ("show channels as json", '{"row_count": 0}\n'),
        ("show calls as json", '{"row_count": 0}\n'),
        ("sofia profile internal rescan", "Reload XML [Success]\n+OK scan complete\n"),
        ("sofia profile no-such rescan", "Invalid Profile [no-such]"),
        ("sofia_contact internal/no-such@acme.example", "error/user_not_registered"),
        ("no_such_command 1", "-ERR no_such_command Command not found!\n"),
        ("global_getvar no_such", "-ERR no reply\n"),
        ("echo a b", "a b"),
    ],
)
def test_api(client: Client, command: str, output: str) -> None:
    eventually(lambda: client.api("show channels") == "\n0 total.\n")
    assert client.api(command) == output


def test_status_and_version_are_what_a_monitor_expects(client: Client) -> None:
    status = client.api("status")
    assert status.startswith("UP 0 years, 0 days, ")
    assert "is ready\n" in status
    assert " session(s) max\n" in status
    assert client.api("version").startswith("FreeSWITCH Version 1.")


def test_bgapi_answers_at_once_and_reports_by_event(client: Client) -> None:
    client.ask("event plain BACKGROUND_JOB")
    client.send("bgapi echo a b", "Job-UUID: our-own")
    reply = client.read()
    assert reply is not None
    assert reply.headers == [
        ("Content-Type", "command/reply"),
        ("Reply-Text", "+OK Job-UUID: our-own"),
        ("Job-UUID", "our-own"),
    ]
    event = client.event()
    assert event is not None
    assert (event["Event-Name"], event["Job-UUID"]) == ("BACKGROUND_JOB", "our-own")
    assert (event["Job-Command"], event["Job-Command-Arg"]) == ("echo", "a b")
    assert event.body == "a b"
    assert event["Content-Length"] == "3"


def test_the_events_of_a_call(bench: Bench, client: Client, controller: Controller) -> None:
    wanted = ["CREATE", "PROGRESS", "ANSWER", "BRIDGE", "UNBRIDGE", "HANGUP", "HANGUP_COMPLETE"]
    client.ask("event json " + " ".join(f"CHANNEL_{name}" for name in wanted))
    bench.phone("201", None)
    bench.phone("202", 200, after=0.1, talks=0.1)
    bench.call(controller.number)
    call = controller.accept()
    uuid = call.connect()["Unique-ID"]
    call.execute("bridge", "sofia/internal/201%acme.example,sofia/internal/202%acme.example")
    events: list[dict[str, Any]] = []
    while not events or (events[-1]["Event-Name"], events[-1]["Unique-ID"]) != ("CHANNEL_HANGUP_COMPLETE", uuid):
        message = client.read()
        assert message is not None
        assert message["Content-Type"] == "text/event-json"
        events.append(json.loads(message.body))

    def of(name: str) -> list[tuple[str, str]]:
        return [
            (event["Event-Name"], event.get("Hangup-Cause", "")) for event in events if event["Channel-Name"] == name
        ]

    assert of("sofia/internal/100@acme.example") == [
        ("CHANNEL_CREATE", ""),
        ("CHANNEL_PROGRESS", ""),
        ("CHANNEL_ANSWER", ""),
        ("CHANNEL_BRIDGE", ""),
        ("CHANNEL_UNBRIDGE", ""),
        ("CHANNEL_HANGUP", "NORMAL_CLEARING"),
        ("CHANNEL_HANGUP_COMPLETE", "NORMAL_CLEARING"),
    ]
    assert of("sofia/internal/201") == [
        ("CHANNEL_CREATE", ""),
        ("CHANNEL_PROGRESS", ""),
        ("CHANNEL_HANGUP", "LOSE_RACE"),
        ("CHANNEL_HANGUP_COMPLETE", "LOSE_RACE"),
    ]
    assert of("sofia/internal/202") == [
        ("CHANNEL_CREATE", ""),
        ("CHANNEL_PROGRESS", ""),
        ("CHANNEL_ANSWER", ""),
        ("CHANNEL_HANGUP", "NORMAL_CLEARING"),
        ("CHANNEL_HANGUP_COMPLETE", "NORMAL_CLEARING"),
    ]
    bridge = next(event for event in events if event["Event-Name"] == "CHANNEL_BRIDGE")
    answered = next(event["Unique-ID"] for event in events if event["Channel-Name"] == "sofia/internal/202")
    assert (bridge["Bridge-A-Unique-ID"], bridge["Bridge-B-Unique-ID"]) == (uuid, answered)
    assert bridge["Other-Type"] == "originatee"
    assert bridge["Other-Leg-Unique-ID"] == answered
    assert bridge["variable_originate_disposition"] == "SUCCESS"
    last = events[-1]
    assert (last["Channel-State"], last["Channel-Call-State"]) == ("CS_REPORTING", "HANGUP")
    assert last["variable_hangup_cause"] == "NORMAL_CLEARING"
    # Whole seconds of the switch's clock, of a call that was over at once.
    assert last["variable_billsec"] in ("0", "1")
    assert is_goodbye(call.read()) or is_goodbye(call.read())


def test_filters_let_through_what_matches(bench: Bench, client: Client, controller: Controller) -> None:
    client.ask("event plain CHANNEL_CREATE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE")
    client.ask("filter Event-Name CHANNEL_HANGUP_COMPLETE")
    placed = bench.call(controller.number)
    uuid = controller.accept().connect()["Unique-ID"]
    placed.cancel()
    event = client.event()
    assert event is not None
    assert (event["Event-Name"], event["Unique-ID"]) == ("CHANNEL_HANGUP_COMPLETE", uuid)


def test_a_call_can_be_looked_at_and_ended(bench: Bench, client: Client, controller: Controller) -> None:
    placed = bench.call(controller.number)
    call = controller.accept()
    uuid = call.connect()["Unique-ID"]
    assert client.api(f"uuid_exists {uuid}") == "true"
    assert client.api(f"uuid_setvar {uuid} mark a b") == "+OK\n"
    assert client.api(f"uuid_getvar {uuid} mark") == "a b"
    assert client.api(f"uuid_setvar {uuid} mark") == "+OK\n"
    assert client.api(f"uuid_getvar {uuid} mark") == "_undef_"
    assert client.api(f"uuid_getvar {uuid} caller_id_number") == "100"
    dump = json.loads(client.api(f"uuid_dump {uuid} json"))
    assert (dump["Event-Name"], dump["Unique-ID"], dump["variable_stage"]) == ("CHANNEL_DATA", uuid, "new")
    assert "Channel-Name: sofia/internal/100%40acme.example\n" in client.api(f"uuid_dump {uuid}")
    eventually(lambda: uuid in client.api("show channels as json"))
    row = next(row for row in json.loads(client.api("show channels as json"))["rows"] if row["uuid"] == uuid)
    assert (row["direction"], row["dest"], row["cid_num"]) == ("inbound", controller.number, "100")
    assert (row["context"], row["callstate"]) == ("acme.example", "RINGING")
    assert client.api(f"uuid_kill {uuid} USER_BUSY") == "+OK\n"
    assert is_goodbye(call.read())
    assert placed.final() == 486


def test_a_scheduled_command_runs_and_a_deleted_one_does_not(
    bench: Bench, client: Client, controller: Controller
) -> None:
    placed = bench.call(controller.number)
    call = controller.accept()
    uuid = call.connect()["Unique-ID"]
    assert client.api(f"sched_api +1 ours uuid_kill {uuid} USER_BUSY").startswith("+OK Added: ")
    assert client.api("sched_del ours") == "+OK Deleted: 1\n"
    with pytest.raises(TimeoutError):
        call.read(2)
    client.api(f"sched_api +1 ours uuid_kill {uuid} CALL_REJECTED")
    assert is_goodbye(call.read(4))
    assert placed.final() == 603


def test_exit(client: Client) -> None:
    assert client.ask("exit") == "+OK bye"
    assert client.read() is not None
    assert client.read() is None
