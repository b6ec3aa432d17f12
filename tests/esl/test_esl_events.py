"""Events between the connection and those who handle them."""

from __future__ import annotations

import gevent
import pytest
import structlog

from bizpbx.freeswitch.esl import (
    ESLEvent,
)
from bizpbx.freeswitch.esl_dispatch import EventQueue
from bizpbx.freeswitch.esl_wire import Frame

from .inbound import answer_all, connected, event, silent
from .peer import Peer, until


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
