"""InboundESL against a small FreeSWITCH on loopback: among others, what plain greenswitch gets wrong."""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
import greenswitch.esl
import pytest
import structlog

from bizpbx.freeswitch import esl_connection
from bizpbx.freeswitch.esl import (
    AuthenticationFailed,
    CommandRefused,
    InboundESL,
    NotConnectedError,
    ReplyTimeout,
    UnsafeArgument,
)

from .inbound import answer_all, connected, silent
from .peer import Peer, Switch, until


def test_it_is_a_greenswitch_inbound_esl() -> None:
    with connected(answer_all) as client:
        assert isinstance(client, greenswitch.InboundESL)
        assert client.send("status").headers["Reply-Text"] == "+OK"
        client.stop()
        with pytest.raises(greenswitch.esl.NotConnectedError):
            client.send("status")


def test_as_a_context_manager() -> None:
    seen: list[list[str]] = []

    def script(peer: Peer) -> None:
        peer.sign_in()
        seen.append(peer.command())
        peer.reply("+OK bye")

    with Switch(script) as switch:
        with InboundESL("127.0.0.1", switch.port, "secret", keepalive=None) as client:
            assert client.connected
        assert not client.connected
    assert seen == [["exit"]]


@pytest.mark.parametrize("user", [None, "ann@acme.example"])
def test_a_wrong_password(user: str | None) -> None:
    lines: list[list[str]] = []

    def refuse(peer: Peer) -> None:
        peer.write(b"Content-Type: auth/request\n\n")
        lines.append(peer.command())
        peer.reply("-ERR invalid")

    with Switch(refuse) as switch, structlog.testing.capture_logs() as logs:
        client = InboundESL("127.0.0.1", switch.port, "top-secret", user=user)
        with pytest.raises(AuthenticationFailed) as refused:
            client.connect()
        # greenswitch raises a ValueError here; programs may rely on it.
        assert isinstance(refused.value, ValueError)
        assert "top-secret" not in str(refused.value) + str(logs)
    assert lines == [["auth top-secret" if user is None else "userauth ann@acme.example:top-secret"]]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(lambda peer: gevent.sleep(1), id="silence"),
        pytest.param(lambda peer: None, id="closed at once"),
        pytest.param(
            lambda peer: peer.write(b"Content-Type: text/rude-rejection\nContent-Length: 4\n\nAcc\n"), id="access list"
        ),
        pytest.param(lambda peer: peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n"), id="something else"),
        pytest.param(lambda peer: (peer.write(b"Content-Type: auth/request\n\n"), gevent.sleep(1)), id="no reply"),
    ],
)
def test_connecting_to_what_is_no_willing_freeswitch_ends(script: Callable[[Peer], object]) -> None:
    with Switch(script) as switch, gevent.Timeout(1.5):
        client = InboundESL("127.0.0.1", switch.port, "secret", 0.2)
        with pytest.raises(NotConnectedError):
            client.connect()
        assert not client.connected


def test_nobody_listens() -> None:
    with Switch(silent) as switch:
        port = switch.port
    with pytest.raises(NotConnectedError, match=str(port)):
        InboundESL("127.0.0.1", port, "secret").connect()


def test_a_line_break_in_an_argument_is_no_second_command() -> None:
    seen: list[list[str]] = []

    def script(peer: Peer) -> None:
        while command := peer.command():
            seen.append(command)
            peer.respond(b"done\n")

    with connected(script) as client:
        for line in ("show x\n\nbgapi shutdown", "show\rx", "show \0"):
            for send in (client.api, client.send, client.bgapi):
                with pytest.raises(UnsafeArgument):
                    send(line)
        assert client.api("show x") == "done"
    assert seen == [["api show x"]]


def test_the_end_inside_a_body_fails_the_waiter_and_does_not_spin() -> None:
    def script(peer: Peer) -> None:
        peer.command()
        peer.write(b"Content-Type: api/response\nContent-Length: 1000\n\nhalf")

    with connected(script) as client:
        with pytest.raises(NotConnectedError, match="middle of a frame"):
            client.api("status")
        used = time.process_time()
        gevent.sleep(0.1)
        assert time.process_time() - used < 0.05
        assert client._receive_events_greenlet.dead


def test_the_end_of_the_connection_fails_every_waiter_at_once() -> None:
    def script(peer: Peer) -> None:
        for _ in range(5):
            peer.command()

    with connected(script, reply_deadline=30.0) as client:
        began = time.monotonic()
        waiting = [gevent.spawn(client.send, "api sleep") for _ in range(5)]
        gevent.joinall(waiting, timeout=2)

        assert [type(greenlet.exception) for greenlet in waiting] == [NotConnectedError] * 5
        assert time.monotonic() - began < 10
        with pytest.raises(NotConnectedError):
            client.send("api status")


def test_a_disconnect_notice_fails_waiters_and_is_told_once() -> None:
    notices: list[str] = []

    def script(peer: Peer) -> None:
        peer.command()
        peer.write(b"Content-Type: text/disconnect-notice\nContent-Length: 4\n\nBye\n")
        gevent.sleep(1)

    with connected(script) as client:
        client.register_handle("DISCONNECT", lambda event: notices.append(event.data))
        with pytest.raises(NotConnectedError):
            client.send("status")
        until(lambda: notices)
    assert notices == ["Bye\n"]


def test_a_connection_that_breaks_is_told_as_a_disconnect_too() -> None:
    notices: list[str] = []
    with connected(lambda peer: peer.command()) as client:
        client.register_handle("DISCONNECT", lambda event: notices.append(event.data))
        with pytest.raises(NotConnectedError):
            client.send("status")
        until(lambda: notices)
    assert notices == ["FreeSWITCH closed the connection."]


def test_a_reply_has_a_deadline_and_a_late_one_is_not_taken_for_the_next() -> None:
    go = gevent.event.Event()

    def script(peer: Peer) -> None:
        peer.command()
        go.wait()
        peer.reply("+OK first")
        peer.command()
        peer.reply("+OK second")

    with connected(script) as client:
        with pytest.raises(ReplyTimeout):
            client.send("first", deadline=0.02)
        go.set()
        assert client.send("second").data == "+OK second"


def test_commands_of_many_greenlets_each_get_their_own_reply() -> None:
    def script(peer: Peer) -> None:
        while command := peer.command():
            peer.respond(command[0].encode() + b"\n")

    with connected(script) as client:
        asked = {number: gevent.spawn(client.api, f"echo {number}") for number in range(50)}
        gevent.joinall(list(asked.values()), timeout=2)
        assert {number: greenlet.value for number, greenlet in asked.items()} == {
            number: f"api echo {number}" for number in range(50)
        }


def test_a_peer_that_reads_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(esl_connection, "WRITE_DEADLINE", 0.1)
    with connected(lambda peer: gevent.sleep(3)) as client:
        with pytest.raises(NotConnectedError, match="did not take"):
            client.send("api " + "x" * (32 << 20))
        assert not client.connected


def test_an_oversized_frame_ends_the_connection_before_it_is_held() -> None:
    def script(peer: Peer) -> None:
        peer.command()
        peer.write(b"Content-Type: api/response\nContent-Length: 2000000000\n\n")
        gevent.sleep(1)

    with connected(script, max_body=1000) as client, pytest.raises(NotConnectedError, match="longer than 1000"):
        client.api("show channels")


def test_a_reply_nobody_waits_for_is_ignored() -> None:
    def script(peer: Peer) -> None:
        peer.reply("+OK what?")
        answer_all(peer)

    with structlog.testing.capture_logs() as logs, connected(script) as client:
        until(lambda: logs)
        assert client.send("status").data == "+OK"


def test_bgapi_waits_for_its_own_job() -> None:
    seen: list[list[str]] = []

    def script(peer: Peer) -> None:
        while command := peer.command():
            seen.append(command)
            peer.reply()
            if command[0].startswith("bgapi"):
                job = command[1].removeprefix("Job-UUID: ")
                peer.event("BACKGROUND_JOB", {"Job-UUID": "another"}, b"-ERR\n")
                peer.event("BACKGROUND_JOB", {"Job-UUID": job}, f"+OK {command[0]}\n".encode())

    with connected(script) as client:
        assert client.bgapi("originate x") == "+OK bgapi originate x"
        assert client.bgapi("status") == "+OK bgapi status"
    assert [command[0] for command in seen[:3]] == ["event BACKGROUND_JOB", "bgapi originate x", "bgapi status"]


def test_bgapi_ends_by_deadline_refusal_and_disconnect() -> None:
    replies = iter(["+OK", "+OK", "-ERR permission denied", "+OK"])

    def script(peer: Peer) -> None:
        for reply in replies:
            peer.command()
            peer.reply(reply)

    with connected(script) as client:
        with pytest.raises(ReplyTimeout):
            client.bgapi("status", deadline=0.02)
        with pytest.raises(CommandRefused, match="permission denied"):
            client.bgapi("status")
        with pytest.raises(NotConnectedError):
            client.bgapi("status", deadline=None)
        assert client._jobs == {}


def test_api_and_subscribe() -> None:
    seen: list[list[str]] = []

    def script(peer: Peer) -> None:
        seen.append(peer.command())
        peer.respond(b"-ERR no such channel\n")
        seen.append(peer.command())
        peer.reply("-ERR permission denied")
        seen.append(peer.command())
        peer.reply("-ERR permission denied")
        silent(peer)

    with connected(script) as client:
        # What a command prints is its result, even if it is an error
        assert client.api("uuid_kill x") == "-ERR no such channel"
        # That it was not run is an error of ours
        with pytest.raises(CommandRefused):
            client.api("shutdown")
        with pytest.raises(CommandRefused):
            client.subscribe(["CHANNEL_ANSWER", "sofia::register"])
    assert seen[2] == ["event json CHANNEL_ANSWER CUSTOM sofia::register"]


def test_a_timeout_of_the_caller_is_the_callers() -> None:
    # A gevent.Timeout around a send is not taken for ours.
    with connected(silent) as client:
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.02):
            client.send("status")
        assert client.connected
