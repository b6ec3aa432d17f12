"""A connection that breaks or falls silent is noticed, and made again."""

from __future__ import annotations

from itertools import count

import gevent
import pytest
import structlog

from bizpbx.freeswitch.esl import (
    InboundESL,
    NotConnectedError,
    ReplyTimeout,
)

from .inbound import answer_all, connected, silent
from .peer import Peer, Switch, until


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
