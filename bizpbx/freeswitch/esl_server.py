"""Where FreeSWITCH hands calls over: a server for the `socket` application."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import gevent
import structlog
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer
from greenswitch import esl as greenswitch_esl

from bizpbx.freeswitch.esl_errors import EslError, NotConnectedError
from bizpbx.freeswitch.esl_session import OutboundSession

CONNECT_DEADLINE = 5.0
"""Seconds for FreeSWITCH to answer the first command."""

log = structlog.get_logger(__name__)


class OutboundESLServer(greenswitch_esl.OutboundESLServer):  # type: ignore[misc] # greenswitch has no type information
    """Accepts calls and runs `application(session).run()` for each in a greenlet of its own, as greenswitch does.

    `application` may also be a plain function of the session. Whatever it raises is logged, and ends that socket only:
    FreeSWITCH then goes on with the next dialplan action.
    """

    def __init__(
        self,
        bind_address: str = "127.0.0.1",
        bind_port: int | Sequence[int] = 8000,
        application: Callable[[OutboundSession], Any] | None = None,
        max_connections: int = 100,
        *,
        shed_cause: str | None = "SWITCH_CONGESTION",
        backlog: int = 512,
        **limits: Any,
    ) -> None:
        """Of several ports the first free one is taken; port 0 is any, see `address`. Calls beyond `max_connections`
        are hung up with `shed_cause`, or with None closed, so that the next dialplan action runs. `limits` are those
        of EventSocket, for every session."""
        ports = [bind_port] if isinstance(bind_port, int) else list(bind_port)
        greenswitch_esl.OutboundESLServer.__init__(self, bind_address, ports, application, max_connections)
        self.shed = 0
        """Calls turned away since the start."""
        self.sessions: set[OutboundSession] = set()
        self.server: StreamServer | None = None
        self.bound_port = 0
        self._ended = Event()
        self._shed_cause = shed_cause
        self._backlog = backlog
        self._limits = limits
        self._shedding = 0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on. Raises NotConnectedError before `start`."""
        if self.server is None:
            raise NotConnectedError("The server has not been started.")
        return self.bind_address, self.bound_port

    def start(self) -> None:
        """Bind and accept in the background. Raises OSError when no port is free."""
        listener = self._bind()
        self.bound_port = listener.getsockname()[1]
        self.server = StreamServer(listener, self._accept)
        self.server.start()
        self._ended.clear()
        self._running = True
        log.info("esl.listening", host=self.bind_address, port=self.bound_port)

    def listen(self) -> None:
        """greenswitch's name for running in the foreground: start, and return when the server has been stopped."""
        self.start()
        self._ended.wait()

    def stop(self, timeout: float = 5.0) -> None:
        """Accept no more, wait at most `timeout` seconds for sessions still deciding, then let go of all sockets.

        Calls in a bridge are left alone: FreeSWITCH keeps them, and notices the closed socket only after the
        conversation. A call that was still being decided goes on with its next dialplan action.
        """
        if self.server is None:
            return
        self._running = False
        self.server.close()
        ends = time.monotonic() + timeout
        while any(session.deciding for session in self.sessions) and time.monotonic() < ends:
            gevent.sleep(0.02)
        left = list(self.sessions)
        for session in left:
            session.close()
        gevent.joinall(list(self._greenlets), timeout=1.0)
        gevent.killall(list(self._greenlets), block=False)
        self.server.stop(0)
        self.server = None
        self._ended.set()
        log.info("esl.stopped", sessions_let_go=len(left))

    def _bind(self) -> socket.socket:
        for port in self.bind_port:
            try:
                family = socket.AF_INET6 if ":" in self.bind_address else socket.AF_INET
                return StreamServer.get_listener((self.bind_address, port), self._backlog, family)
            except OSError as error:
                if port == self.bind_port[-1]:
                    raise
                log.info("esl.port_taken", port=port, reason=str(error))
        raise AssertionError("greenswitch has checked that there is a port")

    def _accept(self, sock: socket.socket, client_address: Any) -> None:
        full = len(self.sessions) >= self.max_connections
        if full and self._shedding >= self.max_connections:
            self.shed += 1
            sock.close()
            return
        session = OutboundSession(client_address, sock, **self._limits)
        greenlet = gevent.getcurrent()
        self._greenlets.add(greenlet)
        try:
            if full:
                self._turn_away(session)
            else:
                self._serve(session)
        except EslError as error:
            # A caller may hang up at any moment; that is no fault.
            log.info("esl.session_ended", call=session.uuid, reason=str(error))
        except (Exception, gevent.Timeout):
            log.exception("esl.application_failed", call=session.uuid)
        finally:
            self._greenlets.discard(greenlet)
            session.stop()

    def _serve(self, session: OutboundSession) -> None:
        self.sessions.add(session)
        self.connection_count += 1
        try:
            session.connect(deadline=CONNECT_DEADLINE)
            with structlog.contextvars.bound_contextvars(call=session.uuid):
                application = self.application(session)
                if application is not None:
                    application.run()
        finally:
            self.sessions.discard(session)
            self.connection_count -= 1

    def _turn_away(self, session: OutboundSession) -> None:
        self.shed += 1
        self._shedding += 1
        try:
            session.connect(deadline=CONNECT_DEADLINE)
            log.warning("esl.call_shed", call=session.uuid, handled=self.connection_count, cause=self._shed_cause)
            if self._shed_cause is not None:
                session.hangup(self._shed_cause)
        finally:
            self._shedding -= 1
