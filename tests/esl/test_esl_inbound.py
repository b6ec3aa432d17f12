"""InboundESL against a small FreeSWITCH on loopback: among others, what plain greenswitch gets wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import gevent
import greenswitch.esl
import pytest
import structlog

from bizpbx.freeswitch import esl_connection
from bizpbx.freeswitch.esl import (
    AuthenticationFailed,
    CommandRefused,
    ESLEvent,
    InboundESL,
    NotConnectedError,
    ReplyTimeout,
    UnsafeArgument,
)
from bizpbx.freeswitch.esl_dispatch import EventQueue
from bizpbx.freeswitch.esl_wire import Frame

from .peer import Peer, Switch, plain_event, until


@contextmanager
def connected(script: Callable[[Peer], object], **options: Any) -> Iterator[InboundESL]:
    """A client that has signed in to a switch which then runs `script`."""

    def serve(peer: Peer) -> None:
        peer.sign_in()
        script(peer)

    options = {"keepalive": None, "reply_deadline": 2.0, **options}
    with Switch(serve) as switch:
        client = InboundESL("127.0.0.1", switch.port, "secret", 2.0, **options)
        client.connect()
        try:
            yield client
        finally:
            client.close()


def answer_all(peer: Peer) -> None:
    while peer.command():
        peer.reply()


def silent(peer: Peer) -> None:
    while peer.command():
        pass


def event(number: int, channel: str = "c", size: int = 0) -> ESLEvent:
    data = plain_event({"Event-Name": "X", "Unique-ID": channel, "Number": str(number), "Fill": "x" * size})
    return ESLEvent(Frame("text/event-plain", b"Content-Type: text/event-plain", data.partition(b"\n\n")[2]))


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


def test_handlers_are_chosen_as_in_greenswitch() -> None:
    seen: list[tuple[str, str]] = []

    def script(peer: Peer) -> None:
        peer.command()
        peer.event("CHANNEL_ANSWER")
        peer.event("CUSTOM", {"Event-Subclass": "sofia%3A%3Aregister"})
        peer.event("HEARTBEAT")
        peer.write(b"Content-Type: log/data\nContent-Length: 3\n\nlog")
        peer.reply()
        silent(peer)

    with connected(script) as client:
        for name in ("CHANNEL_ANSWER", "sofia::register", "*", "log"):
            client.register_handle(name, lambda event, name=name: seen.append((name, event.name or event.data)))
        handler = client.event_handlers["*"][0]
        client.register_handle("*", handler)
        client.send("go")
        until(lambda: len(seen) == 4)

        client.unregister_handle("*", handler)
        with pytest.raises(ValueError, match="No handlers"):
            client.unregister_handle("*", handler)
    assert seen == [
        ("CHANNEL_ANSWER", "CHANNEL_ANSWER"),
        ("sofia::register", "CUSTOM"),
        ("*", "HEARTBEAT"),
        ("log", "log"),
    ]


def test_a_handler_that_raises_harms_nothing_and_its_event_is_not_logged() -> None:
    steps: list[str] = []

    def script(peer: Peer) -> None:
        peer.command()
        peer.event("A", {"variable_passcode": "2468"})
        peer.event("A")
        peer.reply()
        silent(peer)

    def fails(event: ESLEvent) -> None:
        steps.append("fails")
        raise RuntimeError("broken") if len(steps) < 4 else gevent.Timeout(1)

    with connected(script) as client, structlog.testing.capture_logs() as logs:
        client.before_handle = lambda event: steps.append("before")
        client.after_handle = lambda event: steps.append("after")
        client.register_handle("A", fails)
        client.register_handle("A", lambda event: steps.append("next"))
        client.send("go")
        until(lambda: len(steps) == 8)
    assert steps == ["before", "fails", "next", "after"] * 2
    assert [entry["event"] for entry in logs] == ["esl.handler_failed"] * 2
    assert "2468" not in str(logs)


def test_an_unreadable_event_is_passed_over() -> None:
    seen: list[str] = []

    def script(peer: Peer) -> None:
        peer.command()
        peer.write(b"Content-Length: 1\nContent-Type: text/event-json\n\n{")
        peer.event("GOOD")
        peer.reply()
        silent(peer)

    with connected(script) as client:
        client.register_handle("*", lambda event: seen.append(event.name))
        client.send("go")
        until(lambda: seen)
        assert client.connected
    assert seen == ["GOOD"]


def test_a_handler_may_send_commands_and_stop() -> None:
    replies: list[str] = []

    def script(peer: Peer) -> None:
        peer.command()
        peer.reply()
        peer.event("A")
        answer_all(peer)

    with connected(script) as client:

        def handler(_: ESLEvent) -> None:
            replies.append(client.send("status").data)
            client.stop()
            replies.append("stopped")

        client.register_handle("A", handler)
        client.send("go")
        until(lambda: len(replies) == 2)


def test_waiting_events_are_bounded_and_replies_come_through() -> None:
    # Given a handler that never comes back, and far more events than may wait
    seen: list[str] = []
    stuck = gevent.event.Event()

    def script(peer: Peer) -> None:
        peer.command()
        for number in range(1000):
            peer.event("A", {"Number": str(number)})
        peer.reply()
        answer_all(peer)

    def handler(event: ESLEvent) -> None:
        seen.append(event.headers["Number"])
        stuck.wait()

    with connected(script, max_events=100) as client:
        client.register_handle("A", handler)

        # When they have all arrived, a command still gets its reply
        client.send("go")
        assert client.send("status").data == "+OK"

        # Then no more than the bound waits, the oldest were dropped, and every one was counted
        until(lambda: seen)
        assert len(client._queue) <= 100
        stuck.set()
        until(lambda: seen[-1] == "999")
        assert len(seen) + client.events_dropped == 1000
        assert client.events_dropped >= 800
        assert seen == sorted(seen, key=int)


def test_the_bound_in_bytes_drops_the_oldest_but_no_disconnect_notice() -> None:
    handled: list[ESLEvent] = []
    queue = EventQueue(handled.append, max_bytes=5000)
    notice = ESLEvent(Frame("text/disconnect-notice", b"Content-Type: text/disconnect-notice", b""))
    queue.put(notice)
    for number in range(20):
        queue.put(event(number, size=1000))
    until(lambda: len(handled) + queue.dropped == 21)

    assert handled[0] is notice
    assert [each.headers["Number"] for each in handled[1:]] == [str(number) for number in range(queue.dropped, 20)]
    assert queue.dropped >= 15
    queue.stop()


def test_several_workers_keep_the_order_of_each_channel() -> None:
    handled: list[tuple[str, int]] = []
    blocked = gevent.event.Event()

    def handler(event: ESLEvent) -> None:
        if event.headers["Unique-ID"] == "slow":
            blocked.wait()
        gevent.sleep(0)
        handled.append((event.headers["Unique-ID"], int(event.headers["Number"])))

    queue = EventQueue(handler, workers=4)
    channels = ["slow", "a", "b", "c", "d", "e", "f", "g"]
    for number in range(20):
        for channel in channels:
            queue.put(event(number, channel))
    # One slow channel holds up its own worker only
    until(lambda: len(handled) >= 60)
    blocked.set()
    until(lambda: len(handled) == 160)

    for channel in channels:
        assert [number for name, number in handled if name == channel] == list(range(20))
    queue.stop()


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


def test_silence_is_noticed() -> None:
    with connected(silent, keepalive=0.05) as client:
        until(lambda: not client.connected, 1.0)
        with pytest.raises(NotConnectedError):
            client.send("status")


def test_an_overdue_reply_and_silence_end_the_connection() -> None:
    with connected(silent, keepalive=0.05) as client:
        with pytest.raises(ReplyTimeout):
            client.send("status", deadline=0.01)
        until(lambda: not client.connected, 1.0)


def test_a_sign_of_life_keeps_the_connection() -> None:
    seen: list[list[str]] = []

    def script(peer: Peer) -> None:
        while command := peer.command():
            seen.append(command)
            peer.reply("-ERR command not found")

    with connected(script, keepalive=0.1) as client:
        until(lambda: len(seen) >= 2)
        assert client.connected
    assert seen[0] == ["noop"]


def test_run_forever_connects_again_with_growing_jittered_waits() -> None:
    # Given a switch that ends the first three connections, and a sleep that is only noted
    waits: list[float] = []
    connects: list[int] = []
    drawn: list[tuple[float, float]] = []
    numbers = count()

    def script(peer: Peer) -> None:
        peer.sign_in()
        if next(numbers) < 3:
            return
        answer_all(peer)

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return high

    with Switch(script) as switch:
        client = InboundESL("127.0.0.1", switch.port, "secret", keepalive=None)
        running = gevent.spawn(
            client.run_forever,
            lambda one: (connects.append(1), one.send("status")),
            first=1.0,
            most=3.0,
            uniform=uniform,
            sleep=waits.append,
            clock=lambda: 0.0,
        )
        until(lambda: len(connects) == 4 and client.connected)

        # Then it waited longer each time, up to the limit, and subscribed anew on each connection
        assert waits == [1.0, 2.0, 3.0]
        assert drawn == [(0.5, 1.0), (1.0, 2.0), (1.5, 3.0)]

        # And stop ends it
        client.stop()
        running.join(timeout=1)
        assert running.successful()
        assert switch.connections == 4


def test_run_forever_that_is_stopped_while_it_connects_ends() -> None:
    signing_in, go_on = gevent.event.Event(), gevent.event.Event()

    def script(peer: Peer) -> None:
        signing_in.set()
        go_on.wait()
        peer.sign_in()
        answer_all(peer)

    with Switch(script) as switch:
        client = InboundESL("127.0.0.1", switch.port, "secret", keepalive=None)
        running = gevent.spawn(client.run_forever, lambda _: None, sleep=lambda _: gevent.sleep(0))
        signing_in.wait(timeout=1)
        client._stopped.set()
        go_on.set()
        running.join(timeout=1)
        assert running.successful()
        assert not client.connected


def test_after_a_stop_it_connects_and_hears_events_again() -> None:
    seen: list[str] = []

    def script(peer: Peer) -> None:
        peer.sign_in()
        peer.event("HEARTBEAT")
        answer_all(peer)

    with Switch(script) as switch:
        client = InboundESL("127.0.0.1", switch.port, "secret", keepalive=None)
        client.register_handle("HEARTBEAT", lambda event: seen.append(event.name))
        for times in (1, 2):
            client.connect()
            until(lambda times=times: len(seen) == times)
            client.stop()


def test_run_forever_survives_refusals_and_stops_while_it_waits() -> None:
    with Switch(silent) as switch:
        port = switch.port
    client = InboundESL("127.0.0.1", port, "secret")
    with structlog.testing.capture_logs() as logs:
        running = gevent.spawn(client.run_forever, lambda _: None, first=30.0)
        until(lambda: logs)
        client.stop()
        running.join(timeout=1)
    assert running.successful()
    assert [entry["event"] for entry in logs] == ["esl.connect_failed"]


def test_a_timeout_of_the_caller_is_the_callers() -> None:
    # A gevent.Timeout around a send is not taken for ours.
    with connected(silent) as client:
        with pytest.raises(gevent.Timeout), gevent.Timeout(0.02):
            client.send("status")
        assert client.connected
