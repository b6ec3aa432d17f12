"""One connection of the event socket, in either direction: reads commands in order, answers them, sends events between.

As on FreeSWITCH, a command is answered when it has been carried out, and nothing is read meanwhile. Events wait until
no command does.
"""

from __future__ import annotations

import itertools
from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

import gevent
from gevent.queue import Empty, SimpleQueue

from bizpbx.simulator import causes
from bizpbx.simulator.api import execute_api
from bizpbx.simulator.channel import Channel
from bizpbx.simulator.subscription import Subscription, disconnect_notice, linger_notice
from bizpbx.simulator.wire import Command, CommandReader, Event, message, reply

if TYPE_CHECKING:
    from bizpbx.simulator.core import Core
    from bizpbx.simulator.session import Session

FIRST_COMMAND = 25.0
"""Seconds a client has for its first command (outbound) or its password (inbound)."""


class _Sign(Enum):
    """What the reader tells besides data."""

    WAKE = auto()
    END = auto()


class Listener:
    """`session` is the call of an outbound connection; `full` gives it all commands."""

    def __init__(self, switch: Core, sock: Any, session: Session | None = None, full: bool = True) -> None:
        self.switch = switch
        self.session = session
        self.subscription = Subscription()
        self.authenticated = session is not None
        self.running = True
        self._full = full
        self._socket = sock
        self._inbox: SimpleQueue[bytes | _Sign] = SimpleQueue()
        self._reader = CommandReader()
        self._commands: deque[Command] = deque()
        self._events: deque[Event] = deque()
        self._linger: float | None = None
        """Seconds to stay after the call's end; below 0: for as long as the client does."""
        self._over: float | None = None
        """When a lingering connection is closed."""
        self._first = session is not None

    @property
    def channel(self) -> Channel | None:
        return None if self.session is None else self.session.channel

    def serve(self) -> None:
        """Run the connection to its end, and close it."""
        pump = gevent.spawn(self._pump)
        self.switch.bus.subscribe(self._event)
        if self.channel is not None:
            self.channel.ended.rawlink(lambda _: self._inbox.put(_Sign.WAKE))
        try:
            if not self.authenticated:
                self.send(message("auth/request"))
            while self.running and (command := self._next()) is not None:
                self._carry_out(command)
        finally:
            self.switch.bus.unsubscribe(self._event)
            self.send(disconnect_notice(self.channel.uuid if self.channel else None))
            pump.kill()
            self._socket.close()

    def send(self, data: bytes) -> None:
        """Write; a client that has gone away is noticed by the reader."""
        try:
            self._socket.sendall(data)
        except OSError:
            self.running = False

    def _pump(self) -> None:
        try:
            while data := self._socket.recv(65536):
                self._inbox.put(data)
        except OSError:
            pass
        self._inbox.put(_Sign.END)

    def _event(self, event: Event) -> None:
        if self.subscription.wants(event):
            self._events.append(event)
            self._inbox.put(_Sign.WAKE)

    def _next(self) -> Command | None:
        """The next command; None when the connection is over. Sends the events that have come up."""
        waiting = self._first or not self.authenticated
        deadline = self.switch.clock.now() + FIRST_COMMAND if waiting else None
        while True:
            if self._call_is_over():
                return None
            if self._commands:
                return self._commands.popleft()
            if self._inbox.empty():
                while self._events:
                    self.send(self.subscription.encode(self._events.popleft()))
            item = self._receive(deadline if self._over is None else self._over)
            if item is None or item is _Sign.END:
                return None
            if isinstance(item, bytes):
                self._commands.extend(self._reader.feed(item))

    def _receive(self, deadline: float | None) -> bytes | _Sign | None:
        clock = self.switch.clock
        timeout = None if deadline is None else max(deadline - clock.now(), 0.0) / clock.speed
        try:
            return self._inbox.get(timeout=timeout)
        except Empty:
            return None

    def _call_is_over(self) -> bool:
        channel = self.channel
        if channel is None or channel.up or self._over is not None:
            return False
        if self._linger is None:
            return True
        self.send(linger_notice(channel.uuid, channel.name, int(self._linger)))
        self._over = float("inf") if self._linger < 0 else self.switch.clock.now() + self._linger
        return False

    # Commands

    def _carry_out(self, command: Command) -> None:
        answer = self._answer(command)
        if self._first:
            self._first = False
            if command.verb not in ("connect", "api"):
                return  # FreeSWITCH drops the reply to a first command that is not `connect`
        self.send(answer)

    def _answer(self, command: Command) -> bytes:
        line, verb = command.line, command.verb
        words = line.split()[1:]
        if verb.startswith(("exit", "...")):
            self.running = False
            return reply("+OK bye")
        if not self.authenticated:
            return reply(self._authenticate(verb, line))
        if self.channel is not None and (answer := self._about_call(self.channel, verb, words)) is not None:
            return answer
        match verb:
            case "filter":
                return reply(self.subscription.filter(words))
            case "sendmsg":
                return reply(self._message(command, words))
            case "api" if self._full and words:
                return message("api/response", body=self._api(words[0], line) or "-ERR no reply\n")
            case "bgapi" if self._full and words:
                return self._background(command, words)
            case "event" if self._full:
                return reply(self.subscription.event(words))
            case "nixevent" if self._full:
                return reply(self.subscription.nix(words))
            case "noevents" if self._full:
                return reply(self.subscription.none())
            case "myevents" if words and self.switch.channel(words[0]):
                return reply(self.subscription.mine(words[0], words[1:]))
            case "linger" | "nolinger" if self.channel is None:
                return reply("-ERR not controlling a session")
            case "log":
                return reply(f"+OK log level {words[0] if words else ''} [{words[0] if words else '7'}]")
            case "nolog":
                return reply("+OK no longer logging")
        return reply("-ERR command not found")

    def _authenticate(self, verb: str, line: str) -> str:
        if verb != "auth" or " " not in line:
            return "-ERR command not found"
        if line.partition(" ")[2] != self.switch.password:
            self.running = False
            return "-ERR invalid"
        self.authenticated = True
        return "+OK accepted"

    def _about_call(self, channel: Channel, verb: str, words: list[str]) -> bytes | None:
        match verb:
            case "connect":
                return self._channel_data(channel)
            case "getvar":
                return reply((channel.get(words[0]) if words else "") or "-ERR command not found")
            case "myevents":
                return reply(self.subscription.mine(channel.uuid, words))
            case "resume":
                channel.set("socket_resume", "true")
                return reply("+OK")
            case "linger" if self._full:
                self._linger = float(words[0]) if words and words[0].isdigit() else -1.0
                return reply("+OK will linger" + (f" {int(self._linger)} seconds" if self._linger >= 0 else ""))
            case "nolinger" if self._full:
                self._linger = None
                return reply("+OK will not linger")
        return None

    def _channel_data(self, channel: Channel) -> bytes:
        mode = ("Socket-Mode", "static"), ("Control", "full" if self._full else "single-channel")
        headers = [
            *self.switch.bus.common("CHANNEL_DATA"),
            *channel.profile_headers("Channel"),
            *channel.data(),
            ("Content-Type", "command/reply"),
            ("Reply-Text", "+OK\n"),
            *mode,
        ]
        return Event("CHANNEL_DATA", headers).plain()

    def _message(self, command: Command, words: list[str]) -> str:
        uuid = words[0] if words else command.headers.get("session-id", "")
        if self.session is not None and uuid in ("", self.session.channel.uuid):
            self._to_session(self.session, command)
            return "+OK"
        channel = self.switch.channel(uuid)
        if channel is None:
            return f"-ERR invalid session id [{uuid}]"
        if command.headers.get("call-command", "").lower() == "hangup":
            channel.hang_up(causes.cause(command.headers.get("hangup-cause", "")))
        return "+OK"

    def _to_session(self, session: Session, command: Command) -> None:
        headers = command.headers
        match headers.get("call-command", "").lower():
            case "execute":
                argument = headers.get("execute-app-arg") or command.body
                for _ in range(max(int(headers.get("loops", "1")), 1)):
                    session.execute(headers.get("execute-app-name", ""), argument, headers.get("event-uuid", ""))
            case "hangup":
                session.channel.hang_up(causes.cause(headers.get("hangup-cause", "")))

    def _api(self, name: str, line: str) -> str:
        argument = line.split(" ", 2)[2] if line.count(" ") > 1 else ""
        return execute_api(self.switch, name, argument)

    def _background(self, command: Command, words: list[str]) -> bytes:
        job = command.headers.get("job-uuid") or self.switch.new_uuid()
        owner = self.channel.uuid if self.channel else ""

        def run() -> None:
            result = self._api(words[0], command.line)
            headers = [("Job-UUID", job), ("Job-Owner-UUID", owner), ("Job-Command", words[0])]
            if len(words) > 1:
                headers.append(("Job-Command-Arg", " ".join(itertools.islice(words, 1, None))))
            self.switch.bus.fire("BACKGROUND_JOB", headers, result)

        gevent.spawn(run)
        return reply(f"+OK Job-UUID: {job}", ("Job-UUID", job))
