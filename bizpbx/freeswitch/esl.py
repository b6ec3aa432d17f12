"""The event socket: greenswitch's classes by their own names, on a transport of our own.

`InboundESL` is a connection of ours to FreeSWITCH (commands, events); `OutboundSession` is one call that FreeSWITCH
hands to us; `OutboundESLServer` is where it hands them over.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Self

import gevent
import structlog
from gevent import socket
from gevent.event import AsyncResult, Event
from greenswitch import esl as greenswitch_esl

from bizpbx.freeswitch import esl_commands
from bizpbx.freeswitch.esl_connection import DEFAULT, Deadline, EventSocket, Handler
from bizpbx.freeswitch.esl_errors import (
    AuthenticationFailed,
    CommandRefused,
    EslError,
    NotConnectedError,
    OutboundSessionHasGoneAway,
    ProtocolError,
    ReplyTimeout,
    UnsafeArgument,
)
from bizpbx.freeswitch.esl_event import ESLEvent
from bizpbx.freeswitch.esl_server import OutboundESLServer
from bizpbx.freeswitch.esl_session import OutboundSession
from bizpbx.freeswitch.esl_wire import refuse_line_breaks

__all__ = [
    "AuthenticationFailed",
    "CommandRefused",
    "ESLEvent",
    "EslError",
    "Handler",
    "InboundESL",
    "NotConnectedError",
    "OutboundESLServer",
    "OutboundSession",
    "OutboundSessionHasGoneAway",
    "ProtocolError",
    "ReplyTimeout",
    "UnsafeArgument",
]

JOB_DEADLINE = 60.0
"""Default seconds for a background job to end."""

log = structlog.get_logger(__name__)


class InboundESL(EventSocket, greenswitch_esl.InboundESL):  # type: ignore[misc] # greenswitch has no type information
    """A connection to FreeSWITCH's event socket. Can be connected again after it was lost; handlers stay registered."""

    _receive_bytes = 1 << 18

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        timeout: float = 5.0,
        *,
        user: str | None = None,
        keepalive: float | None = 20.0,
        **limits: Any,
    ) -> None:
        """`timeout` is the seconds for connecting and signing in together. With a `user` (`name@domain`) it signs in by
        `userauth`, whose rights the directory restricts. After `keepalive` seconds of silence FreeSWITCH is asked for
        a sign of life; None turns that off. `limits` are those of EventSocket."""
        EventSocket.__init__(self, **limits)
        self.host = host
        self.port = port
        self.password = password
        self.timeout = timeout
        self.user = user
        self._keepalive = keepalive
        self._jobs: dict[str, AsyncResult[str]] = {}
        self._hears_jobs = False
        self._stopped = Event()

    def connect(self) -> None:
        """Connect and sign in. Raises NotConnectedError, or AuthenticationFailed, which is one too."""
        if not self.closed.is_set():
            return
        self._auth_request_event.clear()
        self._hears_jobs = False
        ends = time.monotonic() + self.timeout
        try:
            sock = socket.create_connection((self.host, self.port), timeout=self.timeout)
        except OSError as error:
            raise NotConnectedError(f"Cannot connect to FreeSWITCH at {self.host}:{self.port}: {error}") from error
        sock.settimeout(None)
        self._open(sock)
        try:
            self._auth_request_event.wait(timeout=max(0.0, ends - time.monotonic()))
            if self.closed.is_set() or not self._auth_request_event.is_set():
                raise NotConnectedError(
                    f"{self.host}:{self.port} did not ask for a password. Is it FreeSWITCH's event socket, and does "
                    "its access list (apply-inbound-acl) admit this address?"
                )
            self.authenticate(deadline=max(0.1, ends - time.monotonic()))
        except BaseException:
            self.close()
            raise
        if self._keepalive is not None:
            gevent.spawn(self._keep_alive, sock, self._keepalive)

    def authenticate(self, *, deadline: Deadline = DEFAULT) -> None:
        """Sign in; `connect` does it. Raises AuthenticationFailed. The command is never logged."""
        line = f"auth {self.password}" if self.user is None else f"userauth {self.user}:{self.password}"
        try:
            reply = self.send(line, deadline=deadline)
        except ReplyTimeout as error:
            raise NotConnectedError(f"{self.host}:{self.port} did not answer the sign-in.") from error
        if not reply.data.startswith("+OK"):
            raise AuthenticationFailed(f"FreeSWITCH at {self.host}:{self.port} refused the event-socket password.")

    def subscribe(self, events: Iterable[str], json: bool = True) -> None:
        """Ask for events by name, adding to what was asked for; a name with `::` is a subclass of CUSTOM.

        The form, JSON or plain, holds for all events of the connection. A new connection has none: subscribe in
        `on_connect`. Raises CommandRefused, UnsafeArgument.
        """
        line = esl_commands.subscription(events, "json" if json else "plain")
        self._accepted(self.send(line))
        self._hears_jobs = self._hears_jobs or not {"BACKGROUND_JOB", "ALL"}.isdisjoint(line.split(" "))

    def api(self, command: str, *, deadline: Deadline = DEFAULT) -> str:
        """What an API command prints, without the last line feed; that may be an `-ERR …`. Holds up this connection's
        events meanwhile, so prefer bgapi. Raises CommandRefused when FreeSWITCH did not run it (no permission)."""
        return self._accepted(self.send(f"api {command}", deadline=deadline)).data.rstrip("\n")

    def bgapi(self, command: str, *, deadline: float | None = JOB_DEADLINE) -> str:
        """What an API command prints, as `api`, run in the background of FreeSWITCH. Waits for the job to end, at most
        `deadline` seconds; then ReplyTimeout is raised and the job goes on. Can be used in a handler."""
        refuse_line_breaks(command, "A command")
        if not self._hears_jobs:
            self._accepted(self.send("event BACKGROUND_JOB"))
            self._hears_jobs = True
        job = str(uuid.uuid4())
        result: AsyncResult[str] = AsyncResult()
        self._jobs[job] = result
        try:
            self._accepted(self.send(f"bgapi {command}", headers={"Job-UUID": job}))
            result.wait(timeout=deadline)
            if not result.ready():
                raise ReplyTimeout(f"A background job has not ended within {deadline} s.")
            return result.get() or ""
        finally:
            del self._jobs[job]

    def run_forever(
        self,
        on_connect: Callable[[InboundESL], object],
        *,
        first: float = 0.5,
        most: float = 30.0,
        uniform: Callable[[float, float], float] = random.uniform,
        sleep: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Stay connected until `stop` is called: connect, call `on_connect(self)` (subscribe there), wait for the end
        of the connection, and again. What `on_connect` raises ends that connection and is logged.

        Waits between half and all of `first` seconds, doubled each time up to `most`; a connection that lasted `most`
        seconds starts that anew. `uniform`, `sleep` and `clock` are for tests; without `sleep`, `stop` ends a wait.
        After `stop` it returns at once, also when called again.
        """
        wait = first
        while not self._stopped.is_set():
            began = clock()
            try:
                self.connect()
                if self._stopped.is_set():
                    break
                on_connect(self)
                self.closed.wait()
            except (Exception, gevent.Timeout) as error:
                if self._stopped.is_set():
                    break
                log.warning("esl.connect_failed", host=self.host, port=self.port, reason=str(error))
                self.close()
            if self._stopped.is_set():
                break
            if clock() - began >= most:
                wait = first
            (sleep or self._stopped.wait)(uniform(wait / 2, wait))
            wait = min(most, wait * 2)
        self.close()

    def stop(self, timeout: float = 2.0) -> None:
        """As EventSocket.stop, and ends run_forever."""
        self._stopped.set()
        super().stop(timeout)

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accepted(self, reply: ESLEvent) -> ESLEvent:
        if reply.refused:
            raise CommandRefused(f"FreeSWITCH refused the command: {reply.data}")
        return reply

    def _serve(self, event: ESLEvent) -> None:
        if self._jobs and event.name == "BACKGROUND_JOB":
            job = self._jobs.get(event.own.get("Job-UUID", ""))
            if job is not None:
                job.set(event.data.rstrip("\n"))

    def _interrupt(self, sentence: str) -> None:
        for job in self._jobs.values():
            job.set_exception(self._gone(sentence))

    def _keep_alive(self, sock: socket.socket, interval: float) -> None:
        """Ask for a sign of life after each silent interval. While a command is running its own deadline watches; once
        that has passed and nothing at all came since, FreeSWITCH is taken for dead."""
        while not self.closed.wait(timeout=interval) and self.sock is sock:
            if time.monotonic() - self._received_at < interval:
                continue
            waiting = self._commands_sent
            try:
                if not waiting:
                    # Any unknown command is the cheapest: FreeSWITCH answers `-ERR command not found`, whatever the
                    # rights of the user.
                    self.send("noop", deadline=interval)
                elif waiting[0].overdue:
                    raise ReplyTimeout("A reply is overdue.")
            except ReplyTimeout as error:
                self._lost("FreeSWITCH does not answer any more.", error)
            except NotConnectedError:
                return
