"""One call that FreeSWITCH has handed over through the `socket` application.

In **sync** mode (`socket … full`) FreeSWITCH reads the socket from the call's own thread, so an application's reply
comes when the application has ended, and commands sent meanwhile wait. It answers `+OK` even when the caller hung up
during the application, and closes the socket before it carries out the next command. `execute` therefore sends a
command without effect right behind (in the same write): its answer means that the call is still there, the end of the
connection that it is not.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from gevent import socket
from gevent.event import AsyncResult
from greenswitch import esl as greenswitch_esl

from bizpbx.freeswitch import esl_commands
from bizpbx.freeswitch.esl_connection import DEFAULT, Deadline, EventSocket
from bizpbx.freeswitch.esl_errors import CommandRefused, EslError, OutboundSessionHasGoneAway, ReplyTimeout
from bizpbx.freeswitch.esl_event import ESLEvent
from bizpbx.freeswitch.esl_wire import encode_command

_STILL_THERE = encode_command("noop")
_ENDS_THE_CALL = frozenset(("hangup", "respond", "redirect", "deflect"))

log = structlog.get_logger(__name__)


class OutboundSession(EventSocket, greenswitch_esl.OutboundSession):  # type: ignore[misc] # greenswitch has no types
    """One call. Every method raises OutboundSessionHasGoneAway once the caller has hung up or the socket is closed.

    Use it from one greenlet. In sync mode commands queue behind the running application, so `send`, `api` or `refresh`
    from another greenlet meanwhile would run into their deadlines.
    """

    def __init__(self, client_address: Any, sock: socket.socket, **limits: Any) -> None:
        """`sock` is what the server accepted; `limits` are those of EventSocket."""
        EventSocket.__init__(self, **limits)
        self.client_address = client_address
        self.session_data: Mapping[str, str] | None = None
        self.deciding = True
        """Whether this call still needs us: false while a bridge runs and after `release`."""
        self.expected_events: dict[str, AsyncResult[ESLEvent]] = {}
        self._outbound_connected = False
        self.register_handle("CHANNEL_HANGUP", self.on_hangup)
        self._open(sock)

    @property
    def uuid(self) -> str | None:
        """The call's UUID on FreeSWITCH; None before `connect`."""
        return self._datum("Unique-ID") or self._datum("variable_uuid")

    @property
    def call_uuid(self) -> str | None:
        """The UUID that all legs of the call share."""
        return self._datum("variable_call_uuid")

    @property
    def caller_id_number(self) -> str | None:
        """The caller's number as FreeSWITCH has it, unchecked."""
        return self._datum("Caller-Caller-ID-Number")

    @property
    def sync(self) -> bool:
        """Whether applications run in order and in place (`socket … full`), not `async`."""
        return self._datum("Socket-Mode") != "async"

    def connect(self, *, deadline: Deadline = DEFAULT) -> Mapping[str, str]:
        """Take the call, once, and return its data: all channel variables, as `variable_…`. Must come first."""
        if self._outbound_connected and self.session_data is not None:
            return self.session_data
        try:
            data = self.refresh(deadline=deadline)
        except EslError:
            self.close()
            raise
        self._outbound_connected = True
        return data

    def refresh(self, *, deadline: Deadline = DEFAULT) -> Mapping[str, str]:
        """Read the call's data anew, by `connect`, and return it as `session_data`. Values are decoded once, and are
        not cut as those of `getvar` are (at 512 bytes)."""
        self.session_data = self.send("connect", deadline=deadline).headers
        return self.session_data

    def execute(
        self, app: str, arg: str = "", *, variables: Mapping[str, str] | None = None, deadline: float | None = None
    ) -> ESLEvent:
        """Run an application and return when it has ended.

        `variables` are set before it, as by `set_variables`, in the same packet: FreeSWITCH takes one command after the
        other, so there is no need to wait for it in between.
        `deadline` in seconds limits only the waiting: on ReplyTimeout the application goes on, and the next command
        waits for it; end it with `uuid_break` on an InboundESL. None waits for as long as call and connection last.
        FreeSWITCH expands `${…}` in `arg`: never put text from outside there, but through `set_variables`.
        Its `+OK` says nothing about the application's success: read that from `refresh()`.
        """
        if not self.sync:
            self.set_variables(variables or {})
            return self._execute_async(app, arg, deadline)
        settings = [
            encode_command("sendmsg", *esl_commands.execute("multiset", argument))
            for argument in esl_commands.multiset(variables or {})
        ]
        self._check()
        message = encode_command("sendmsg", *esl_commands.execute(app, arg))
        if app in _ENDS_THE_CALL:
            *_, ended = self._write(*settings, message)
            return self._reply(ended, deadline)
        decided, self.deciding = self.deciding, self.deciding and app != "bridge"
        try:
            *_, ended, still_there = self._write(*settings, message, _STILL_THERE)
            reply = self._reply(ended, deadline)
            self._reply(still_there)
        finally:
            self.deciding = decided
        self._check()
        return reply

    def call_command(
        self, app_name: str, app_args: str | None = None, block: bool = False, response_timeout: float | None = None
    ) -> ESLEvent:
        """greenswitch's name for `execute`. In sync mode it always blocks; in async mode only with `block`, which needs
        `myevents`. `response_timeout` is in seconds."""
        if self.sync or block:
            return self.execute(app_name, app_args or "", deadline=response_timeout)
        self._check()
        return self._send_message(esl_commands.execute(app_name, app_args or ""))

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set channel variables to exactly these values, in one message (one for each 200); "" unsets.

        Raises UnsafeArgument, before anything is sent, for what FreeSWITCH would expand or split: see multiset.
        """
        for argument in list(esl_commands.multiset(variables)):
            self._check()
            self._send_message(esl_commands.execute("multiset", argument))

    def api(self, command: str, *, deadline: Deadline = DEFAULT) -> str:
        """What an API command prints, without the last line feed; needs `full`. Raises CommandRefused if not run."""
        reply = self.send(f"api {command}", deadline=deadline)
        if reply.refused:
            raise CommandRefused(f"FreeSWITCH refused the command: {reply.data}")
        return reply.data.rstrip("\n")

    def hangup(self, cause: str = "NORMAL_CLEARING") -> None:
        """End the call. One that has ended already is no error."""
        headers = esl_commands.hangup(cause)
        try:
            self.send("sendmsg", headers=headers)
        except OutboundSessionHasGoneAway:
            log.debug("esl.hangup_of_ended_call", call=self.uuid)

    def raise_if_disconnected(self) -> None:
        """Raise OutboundSessionHasGoneAway if the caller is known to have hung up; `while_connected` uses it."""
        if not self._outbound_connected:
            raise self._gone("The call has ended.")

    def uuid_break(self) -> None:
        """Interrupt what is being played. In async mode only; in sync mode it would wait for that very end."""
        self._check()
        self.api(f"uuid_break {self.uuid}")

    def release(self) -> None:
        """Say that this call needs us no longer: a stopping server does not wait for it."""
        self.deciding = False

    def answer(self) -> str:
        """Answer the call; returns FreeSWITCH's reply text."""
        return self.call_command("answer").data

    def myevents(self) -> None:
        """Ask for the events of this call. In sync mode they come between applications."""
        self.send("myevents")

    def linger(self, timeout: int | None = None) -> None:
        """Keep the socket open after the hang-up, for `timeout` seconds, so that the last events and `refresh` work."""
        self.send("linger" if timeout is None else f"linger {int(timeout)}")

    def bridge(self, args: str, block: bool = True, response_timeout: float | None = None) -> ESLEvent:
        """Connect the call with a dial string; returns when that conversation has ended."""
        return self.call_command("bridge", args, block=block, response_timeout=response_timeout)

    def playback(self, path: str, block: bool = True) -> ESLEvent:
        """Play a file to the caller."""
        return self.call_command("playback", path, block=block)

    def say(
        self,
        module_name: str = "en",
        lang: str | None = None,
        say_type: str = "NUMBER",
        say_method: str = "pronounced",
        gender: str = "FEMININE",
        text: str | None = None,
        block: bool = True,
        response_timeout: float | None = 30,
    ) -> ESLEvent:
        """Speak a number, date or the like with recorded words."""
        module = f"{module_name}:{lang}" if lang else module_name
        arguments = f"{module} {say_type} {say_method} {gender} {text}"
        return self.call_command("say", arguments, block=block, response_timeout=response_timeout)

    def play_and_get_digits(
        self,
        min_digits: int | None = None,
        max_digits: int | None = None,
        max_attempts: int | None = None,
        timeout: int | None = None,
        terminators: str | None = None,
        prompt_file: str | None = None,
        error_file: str | None = None,
        variable: str | None = None,
        digits_regex: str | None = None,
        digit_timeout: int | None = None,
        transfer_on_fail: str | None = None,
        block: bool = True,
        response_timeout: float | None = None,
    ) -> str | None:
        """Play a file and collect digits (times in milliseconds); returns what was keyed in, None for nothing.

        FreeSWITCH itself counts attempts and digits. The default `response_timeout` is none, since it limits them.
        """
        words = [min_digits, max_digits, max_attempts, timeout, terminators, prompt_file, error_file, variable]
        arguments = esl_commands.play_and_get_digits([*words, digits_regex, digit_timeout, transfer_on_fail])
        event = self.call_command("play_and_get_digits", arguments, block=block, response_timeout=response_timeout)
        if self.sync:
            return self.refresh().get(f"variable_{variable}")
        return event.headers.get(f"variable_{variable}") if block else None

    def on_hangup(self, event: ESLEvent) -> None:
        """Handler of CHANNEL_HANGUP, which `myevents` brings: from now on the call has gone away."""
        if event.headers.get("Unique-ID") in (None, self.uuid):
            self._outbound_connected = False

    def _datum(self, name: str) -> str | None:
        return None if self.session_data is None else self.session_data.get(name)

    def _gone(self, sentence: str) -> OutboundSessionHasGoneAway:
        return OutboundSessionHasGoneAway(sentence)

    def _check(self) -> None:
        if self._lingering or not self.connected:
            raise self._gone("The call has ended.")

    def _send_message(self, message: esl_commands.Message) -> ESLEvent:
        return self.send("sendmsg", headers=message.headers, body=message.body)

    def _execute_async(self, app: str, arg: str, deadline: float | None) -> ESLEvent:
        """Async mode: the application runs apart, and its CHANNEL_EXECUTE_COMPLETE carries the UUID it was given."""
        self._check()
        run = str(uuid.uuid4())
        ended: AsyncResult[ESLEvent] = AsyncResult()
        self.expected_events[run] = ended
        try:
            self._send_message(esl_commands.execute(app, arg, run))
            ended.wait(timeout=deadline)
            if not ended.ready():
                raise ReplyTimeout(f"{app} has not ended within {deadline} s.")
            event = ended.get()
            assert event is not None
            return event
        finally:
            del self.expected_events[run]

    def _serve(self, event: ESLEvent) -> None:
        if self.expected_events and event.name == "CHANNEL_EXECUTE_COMPLETE":
            waiting = self.expected_events.get(event.own.get("Application-UUID", ""))
            if waiting is not None:
                waiting.set(event)

    def _interrupt(self, sentence: str) -> None:
        self._outbound_connected = False
        for waiting in self.expected_events.values():
            waiting.set_exception(self._gone(sentence))
