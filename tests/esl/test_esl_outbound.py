"""A call handed over: the session in sync and async mode. The peers do what FreeSWITCH 1.11.1 did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
import greenswitch.esl
import pytest
from gevent import socket
from gevent.event import Event

from bizpbx.freeswitch.esl import (
    CommandRefused,
    ESLEvent,
    OutboundSession,
    OutboundSessionHasGoneAway,
    ReplyTimeout,
    UnsafeArgument,
)

from .peer import Peer, application, until

NOTICE = b"Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\nContent-Length: 4\n\nBye\n"
LINGER = b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nContent-Length: 0\n\n"


@contextmanager
def session(script: Callable[[Peer], object], data: dict[str, str] | None = None) -> Iterator[OutboundSession]:
    """A session that is connected, at the other end of which `script` runs."""
    ours, theirs = socket.socketpair()
    # What is set on TCP sockets only is tried with real ones by the server's tests.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bizpbx.freeswitch.esl_connection._keep_alive", lambda sock: None)
        call = OutboundSession(None, ours, reply_deadline=2.0)

    def serve() -> None:
        peer = Peer(theirs)
        try:
            assert peer.command() == ["connect"]
            peer.channel_data(data)
            script(peer)
        except OSError:
            pass
        finally:
            peer.close()

    serving = gevent.spawn(serve)
    try:
        call.connect()
        yield call
    finally:
        call.close()
        serving.join(timeout=2)
        assert serving.successful()


def noop(peer: Peer) -> None:
    assert peer.command() == ["noop"]
    peer.reply("-ERR command not found")


def test_the_calls_data_is_decoded_once_and_cannot_be_forged() -> None:
    data = {
        "Caller-Caller-ID-Name": "x%0AUnique-ID: 99",
        "Caller-Caller-ID-Number": "%2B6561234567",
        "variable_call_uuid": "33",
        "variable_rule": "100%25",
    }
    with session(lambda peer: peer.command(), data) as call:
        assert isinstance(call, greenswitch.esl.OutboundSession)
        assert (call.uuid, call.call_uuid, call.caller_id_number) == ("11-22", "33", "+6561234567")
        assert call.session_data is not None
        assert call.session_data["variable_rule"] == "100%"
        assert call.connect() is call.session_data
        assert call.sync


def test_execute_returns_when_the_application_has_ended() -> None:
    ended = Event()

    def script(peer: Peer) -> None:
        assert application(peer) == ("playback", "tone.wav")
        gevent.sleep(0.05)
        ended.set()
        peer.reply()
        noop(peer)

    with session(script) as call:
        assert call.execute("playback", "tone.wav").data == "+OK"
        assert ended.is_set()


def test_a_hang_up_during_an_application_is_seen_though_freeswitch_answers_ok() -> None:
    def script(peer: Peer) -> None:
        application(peer)
        peer.reply()
        peer.write(NOTICE)

    with session(script) as call:
        with pytest.raises(OutboundSessionHasGoneAway):
            call.execute("sleep", "5000")
        for use in (call.refresh, call.answer, call.raise_if_disconnected, lambda: call.api("status")):
            with pytest.raises(greenswitch.esl.OutboundSessionHasGoneAway):
                use()
        call.hangup()


def test_a_freeswitch_that_dies_during_an_application_is_seen() -> None:
    with session(lambda peer: application(peer)) as call, pytest.raises(OutboundSessionHasGoneAway):
        call.execute("bridge", "user/100")


def test_with_linger_a_hang_up_is_seen_and_the_data_can_still_be_read() -> None:
    def script(peer: Peer) -> None:
        assert peer.command() == ["linger 5"]
        peer.reply("+OK will linger 5 seconds")
        application(peer)
        peer.reply()
        peer.write(LINGER)
        noop(peer)
        assert peer.command() == ["connect"]
        peer.channel_data({"Hangup-Cause": "USER_BUSY"})

    with session(script) as call:
        call.linger(5)
        with pytest.raises(OutboundSessionHasGoneAway):
            call.execute("sleep", "5000")
        with pytest.raises(OutboundSessionHasGoneAway):
            call.call_command("answer")
        assert call.refresh()["Hangup-Cause"] == "USER_BUSY"


def test_an_application_that_outlasts_its_deadline_leaves_the_replies_in_step() -> None:
    go = Event()

    def script(peer: Peer) -> None:
        application(peer)
        go.wait()
        peer.reply()
        noop(peer)
        assert peer.command() == ["api uuid_dump"]
        peer.respond(b"dump\n")

    with session(script) as call:
        with pytest.raises(ReplyTimeout):
            call.execute("sleep", "5000", deadline=0.02)
        go.set()
        assert call.api("uuid_dump") == "dump"


def test_variables_are_set_in_one_message_and_read_back() -> None:
    def script(peer: Peer) -> None:
        assert application(peer) == ("multiset", "^^|a=1;2|b=x y")
        peer.reply()
        peer.command()
        peer.channel_data({"variable_a": "1%3B2"})

    with session(script) as call:
        with pytest.raises(UnsafeArgument):
            call.set_variables({"a": "1", "b": "${system(ls)}"})
        call.set_variables({"a": "1;2", "b": "x y"})
        assert call.refresh()["variable_a"] == "1;2"
        assert call.session_data is not None
        assert "variable_b" not in call.session_data


def test_digits_are_collected_by_freeswitch_and_read_afterwards() -> None:
    def script(peer: Peer) -> None:
        name, argument = application(peer)
        assert (name, argument) == ("play_and_get_digits", r"4 8 3 5000 # enter.wav wrong.wav code \d+ 2000 None")
        peer.reply()
        noop(peer)
        assert peer.command() == ["connect"]
        peer.channel_data({"variable_code": "2468"})

    with session(script) as call:
        assert call.play_and_get_digits(4, 8, 3, 5000, "#", "enter.wav", "wrong.wav", "code", r"\d+", 2000) == "2468"


def test_hangup() -> None:
    seen: list[list[str]] = []

    def script(peer: Peer) -> None:
        seen.append(peer.command())
        peer.reply()
        peer.write(NOTICE)

    with session(script) as call:
        call.hangup("USER_BUSY")
        call.hangup("USER_BUSY")
    assert seen == [["sendmsg", "call-command: hangup", "hangup-cause: USER_BUSY"]]


def test_an_application_that_ends_the_call_is_not_followed_by_a_question() -> None:
    def script(peer: Peer) -> None:
        assert application(peer) == ("hangup", "CALL_REJECTED")
        peer.reply()
        peer.write(NOTICE)

    with session(script) as call:
        assert call.execute("hangup", "CALL_REJECTED").data == "+OK"


def test_api_that_is_not_run_is_refused() -> None:
    def script(peer: Peer) -> None:
        peer.command()
        peer.reply("-ERR command not found")

    with session(script) as call, pytest.raises(CommandRefused):
        call.api("status")


def test_a_line_break_in_an_argument_is_no_second_command() -> None:
    with session(lambda peer: peer.command()) as call:
        for use in (call.bridge, call.playback, call.api, lambda text: call.execute("set", text), call.hangup):
            with pytest.raises(UnsafeArgument):
                use("x\n\nsendmsg\ncall-command: hangup")


def test_while_connected_is_kept() -> None:
    def script(peer: Peer) -> None:
        assert peer.command() == ["myevents"]
        peer.reply()
        peer.event("CHANNEL_HANGUP", {"Unique-ID": "11-22"})
        peer.command()

    with session(script) as call:
        with call.while_connected():
            pass
        call.myevents()
        until(lambda: not call._outbound_connected)
        with pytest.raises(OutboundSessionHasGoneAway), call.while_connected():
            pass


def test_async_mode_waits_for_the_very_run_of_an_application() -> None:
    def script(peer: Peer) -> None:
        lines = peer.command()
        run = next(line for line in lines if line.startswith("event-uuid: ")).removeprefix("event-uuid: ")
        peer.reply()
        for application_uuid, response in (("another", "wrong"), (run, "FILE PLAYED")):
            headers = {"Application-UUID": application_uuid, "Application-Response": response.replace(" ", "%20")}
            peer.event("CHANNEL_EXECUTE_COMPLETE", headers)
        # The second one ends with the call
        peer.command()
        peer.reply()
        peer.write(LINGER)
        peer.command()

    with session(script, {"Socket-Mode": "async"}) as call:
        assert not call.sync
        assert call.playback("tone.wav").headers["Application-Response"] == "FILE PLAYED"
        with pytest.raises(OutboundSessionHasGoneAway):
            call.bridge("user/100")


def test_async_mode_does_not_wait_unless_asked() -> None:
    def script(peer: Peer) -> None:
        application(peer)
        peer.reply("+OK queued")

    with session(script, {"Socket-Mode": "async"}) as call:
        assert call.call_command("answer").data == "+OK queued"


def test_events_between_applications_reach_handlers() -> None:
    seen: list[ESLEvent] = []

    def script(peer: Peer) -> None:
        peer.event("DTMF", {"DTMF-Digit": "5"})
        peer.command()

    with session(script) as call:
        call.register_handle("DTMF", seen.append)
        until(lambda: seen)
    assert seen[0].headers["DTMF-Digit"] == "5"
