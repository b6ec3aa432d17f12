"""The server that FreeSWITCH hands calls over to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import greenswitch.esl
import pytest
import structlog
from gevent.event import Event

from bizpbx.freeswitch.esl import (
    NotConnectedError,
    OutboundESLServer,
    OutboundSession,
)

from .peer import Peer, application, hand_over, until

NOTICE = b"Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\nContent-Length: 4\n\nBye\n"
LINGER = b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nContent-Length: 0\n\n"


@contextmanager
def serving(application: Callable[[OutboundSession], Any], **options: Any) -> Iterator[OutboundESLServer]:
    server = OutboundESLServer("127.0.0.1", 0, application, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop(0.1)


def arrive(server: OutboundESLServer, uuid: str = "1") -> Peer:
    """A call that has arrived and been connected."""
    peer = hand_over(server.address)
    assert peer.command() == ["connect"]
    peer.channel_data({"Unique-ID": uuid})
    return peer


def test_the_server_runs_an_application_for_each_call() -> None:
    class Application:
        def __init__(self, session: OutboundSession) -> None:
            self.session = session

        def run(self) -> None:
            self.session.set_variables({"uuid": self.session.uuid or ""})

    with serving(Application) as server:
        assert isinstance(server, greenswitch.OutboundESLServer)
        for uuid in ("7", "8"):
            peer = arrive(server, uuid)
            assert application(peer) == ("multiset", f"^^|uuid={uuid}")
            peer.reply()
            assert peer.command() == ["exit"]
            peer.reply("+OK bye")
            peer.write(NOTICE)
            peer.close()
        until(lambda: not server.sessions)
        assert server.connection_count == 0


def test_the_first_command_comes_at_once() -> None:
    # greenswitch looks every 100 ms whether a call has come.
    with serving(lambda call: None) as server, gevent.Timeout(1):
        times = []
        for _ in range(5):
            gevent.sleep(0.013)
            began = gevent.get_hub().loop.now()
            peer = hand_over(server.address)
            peer.command()
            gevent.get_hub().loop.update_now()
            times.append(gevent.get_hub().loop.now() - began)
            peer.close()
        assert min(times) < 0.02


def test_an_application_that_raises_ends_its_own_socket_only() -> None:
    def broken(call: OutboundSession) -> None:
        raise RuntimeError("broken")

    with structlog.testing.capture_logs() as logs, serving(broken) as server:
        for _ in range(2):
            peer = arrive(server)
            assert peer.command() == ["exit"]
            peer.close()
        until(lambda: not server.sessions)
    assert [entry["event"] for entry in logs].count("esl.application_failed") == 2


def test_a_caller_who_hangs_up_is_no_failure() -> None:
    with structlog.testing.capture_logs() as logs, serving(lambda call: call.execute("sleep", "5000")) as server:
        peer = arrive(server)
        peer.command()
        peer.close()
        until(lambda: any(entry["event"] == "esl.session_ended" for entry in logs))
        assert not any(entry["log_level"] == "error" for entry in logs)


def test_calls_beyond_the_limit_are_hung_up_with_a_cause() -> None:
    busy = Event()
    with serving(lambda call: busy.wait(), max_connections=1) as server:
        first = arrive(server)
        until(lambda: server.connection_count == 1)
        second = arrive(server, "2")
        assert second.command() == ["sendmsg", "call-command: hangup", "hangup-cause: SWITCH_CONGESTION"]
        second.reply()
        second.close()
        assert server.shed == 1

        # When the first has ended there is room again
        busy.set()
        assert first.command() == ["exit"]
        first.close()
        until(lambda: server.connection_count == 0)
        third = arrive(server, "3")
        assert third.command() == ["exit"]
        third.close()


def test_shedding_may_leave_the_call_to_the_dialplan_and_is_bounded_itself() -> None:
    busy = Event()
    with serving(lambda call: busy.wait(), max_connections=1, shed_cause=None) as server:
        arrive(server)
        second = hand_over(server.address)
        assert second.command() == ["connect"]
        # A third while the second is still being turned away is closed outright
        third = hand_over(server.address)
        assert third.command() == []
        second.channel_data()
        assert second.command() == ["exit"]
        assert server.shed == 2
        busy.set()


def test_a_freeswitch_that_does_not_answer_does_not_hold_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bizpbx.freeswitch.esl_server.CONNECT_DEADLINE", 0.05)
    with serving(lambda call: None) as server:
        peer = hand_over(server.address)
        assert peer.command() == ["connect"]
        assert peer.command() == []
        until(lambda: server.connection_count == 0)


def test_stop_waits_for_decisions_and_lets_go_of_running_calls() -> None:
    # Given one call in a bridge and one that is being decided
    decide = Event()
    ended: list[str] = []

    def flow(call: OutboundSession) -> None:
        try:
            if call.uuid == "talking":
                call.bridge("user/100")
            else:
                decide.wait()
                call.set_variables({"a": "1"})
        finally:
            ended.append(str(call.uuid))

    server = OutboundESLServer("127.0.0.1", 0, flow)
    server.start()
    address = server.address
    talking, deciding = arrive(server, "talking"), arrive(server, "deciding")
    assert application(talking) == ("bridge", "user/100")
    talking.command()
    until(lambda: [call.deciding for call in server.sessions].count(False) == 1)

    # When the server stops
    stopping = gevent.spawn(server.stop, 3)
    gevent.sleep(0.05)

    # Then nobody new is let in, and the decision is awaited
    with pytest.raises(OSError):
        hand_over(address)
    assert not stopping.ready()
    decide.set()
    application(deciding)
    deciding.reply()
    assert deciding.command() == ["exit"]
    deciding.reply()
    stopping.join(timeout=2)
    assert stopping.successful()

    # And the running call was sent nothing: its socket is closed, which FreeSWITCH minds only after the bridge
    assert talking.command() == []
    assert sorted(ended) == ["deciding", "talking"]
    server.stop()


def test_stop_does_not_wait_for_ever() -> None:
    def stubborn(call: OutboundSession) -> None:
        while True:
            gevent.sleep(1)

    server = OutboundESLServer("127.0.0.1", 0, stubborn)
    server.start()
    peer = arrive(server)
    with gevent.Timeout(3):
        server.stop(0.05)
    assert peer.command() == []


def test_listen_runs_until_stop_and_takes_the_first_free_port() -> None:
    with serving(lambda call: None) as other:
        server = OutboundESLServer("127.0.0.1", [other.address[1], 0], lambda call: None)
        with pytest.raises(NotConnectedError):
            _ = server.address
        listening = gevent.spawn(server.listen)
        until(lambda: server.server)
        assert server.address[1] not in (0, other.address[1])
        server.stop()
        listening.join(timeout=1)
        assert listening.successful()

        with pytest.raises(OSError):
            OutboundESLServer("127.0.0.1", other.address[1], lambda call: None).start()
