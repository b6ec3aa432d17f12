"""The transport under both directions of the event socket: one socket, one reader, replies in order, handlers apart.

Uses gevent's sockets and locks by name, as greenswitch does, so it works in a patched process and in an unpatched one.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import gevent
import structlog
from gevent import socket
from gevent.event import AsyncResult, Event
from gevent.lock import BoundedSemaphore
from greenswitch import esl as greenswitch_esl

from bizpbx.freeswitch.esl_dispatch import MAX_BYTES, MAX_EVENTS, EventQueue
from bizpbx.freeswitch.esl_errors import EslError, NotConnectedError, ProtocolError, ReplyTimeout
from bizpbx.freeswitch.esl_event import ESLEvent
from bizpbx.freeswitch.esl_wire import MAX_BODY, MAX_HEADERS, Frame, Parser, encode_command

REPLY_DEADLINE: Final = 10.0
"""Default seconds for FreeSWITCH to reply to a command."""
WRITE_DEADLINE: Final = 10.0
"""Seconds for the kernel to take a command. A peer that reads nothing for so long is given up."""
_EVENTS = frozenset(("text/event-plain", "text/event-json", "text/event-xml", "log/data"))

Handler = Callable[[ESLEvent], object]

log = structlog.get_logger(__name__)


if TYPE_CHECKING:
    _Result = AsyncResult[ESLEvent]
else:  # gevent's class is generic for type checkers only
    _Result = AsyncResult


class Waiter(_Result):
    """Who waits for one reply. Overdue once its deadline has passed; it keeps its place in line nevertheless."""

    overdue = False


class _Default:
    """`deadline` was not given: that of the connection applies. None is something else: wait without a limit."""


DEFAULT: Final = _Default()
Deadline = float | None | _Default


class EventSocket(greenswitch_esl.ESLProtocol):  # type: ignore[misc] # greenswitch has no type information
    """What InboundESL and OutboundSession share. Handlers, `send` and `stop` behave as in greenswitch, made safe:

    - replies are matched in order even when a caller stopped waiting for one;
    - the end of the connection fails every waiter at once;
    - a handler that raises is logged and harms nothing else. Commands and their arguments are never logged.
    """

    _receive_bytes = 1 << 14
    """What one recv() may return. A session gets little; a stream of events is read in larger pieces."""

    def __init__(
        self,
        *,
        reply_deadline: float = REPLY_DEADLINE,
        workers: int = 1,
        max_events: int = MAX_EVENTS,
        max_event_bytes: int = MAX_BYTES,
        max_body: int = MAX_BODY,
        max_headers: int = MAX_HEADERS,
    ) -> None:
        greenswitch_esl.ESLProtocol.__init__(self)
        self.connected: bool = False
        self.reply_deadline = reply_deadline
        self.event_handlers: dict[str, list[Handler]] = {}
        self.closed = Event()
        """Set while there is no connection."""
        self.closed.set()
        self.sock: socket.socket | None = None
        self._limits = {"max_body": max_body, "max_headers": max_headers}
        self._queue_limits = {"workers": workers, "max_events": max_events, "max_bytes": max_event_bytes}
        self._queue = EventQueue(self._process, **self._queue_limits)
        self._commands_sent: deque[Waiter] = deque()
        self._lock = BoundedSemaphore(1)
        self._received_at = 0.0
        self._notice_seen = False

    @property
    def events_dropped(self) -> int:
        """Events that were dropped since the start because handlers were too slow. See EventQueue."""
        return self._queue.dropped

    def register_handle(self, name: str, handler: Handler) -> None:
        """Call `handler(event)` for events of this name, the Event-Subclass for CUSTOM, `DISCONNECT`, `log`, or `*`.

        `*` gets what has no handler of its own. The same handler is registered once.
        """
        handlers = self.event_handlers.setdefault(name, [])
        if handler not in handlers:
            handlers.append(handler)

    def unregister_handle(self, name: str, handler: Handler) -> None:
        """Undo register_handle. Raises ValueError for what is not registered."""
        if name not in self.event_handlers:
            raise ValueError(f"No handlers found for event: {name}")
        self.event_handlers[name].remove(handler)
        if not self.event_handlers[name]:
            del self.event_handlers[name]

    def send(
        self,
        data: str,
        *,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: str | None = None,
        deadline: Deadline = DEFAULT,
    ) -> ESLEvent:
        """Send one command and return its reply, an `-ERR` too (see `ESLEvent.refused`).

        `deadline` is in seconds, None waits for as long as the connection lasts. Raises UnsafeArgument, ReplyTimeout,
        NotConnectedError (OutboundSessionHasGoneAway on a session). Unlike greenswitch's, a line break in `data` is
        refused: what follows the first line goes into `headers`.
        """
        (waiter,) = self._write(encode_command(data, headers, body))
        return self._reply(waiter, deadline)

    def stop(self, timeout: float = 2.0) -> None:
        """Say goodbye and close, taking at most about `timeout` seconds. Safe to call twice and from a handler."""
        self._run = False
        if self.connected:
            with contextlib.suppress(EslError):
                self.send("exit", deadline=timeout)
        self.close()
        self._queue.stop(timeout)

    def close(self) -> None:
        """Close at once, without a goodbye. In sync mode a running application, such as a bridge, goes on."""
        self._lost("The connection was closed on this side.")

    def _open(self, sock: socket.socket) -> None:
        """Take a connected socket into use and start reading it."""
        _keep_alive(sock)
        self.sock = sock
        self._run = True
        self.connected = True
        self._lingering = False
        self._notice_seen = False
        self._commands_sent = deque()
        self._received_at = time.monotonic()
        self._queue.start()
        self.closed.clear()
        self._receive_events_greenlet = gevent.spawn(self._receive, sock, Parser(**self._limits))

    def _gone(self, sentence: str) -> NotConnectedError:
        return NotConnectedError(sentence)

    def _write(self, *messages: bytes) -> Sequence[Waiter]:
        """Send all messages in one go and return who waits for their replies, in the same order."""
        waiters = [Waiter() for _ in messages]
        with self._lock:
            sock = self.sock
            if not self.connected or sock is None:
                raise self._gone("There is no connection to FreeSWITCH.")
            self._commands_sent.extend(waiters)
            stalled = gevent.Timeout(WRITE_DEADLINE)
            try:
                with stalled:
                    sock.sendall(b"".join(messages))
            except BaseException as error:
                # Part of a command may be out: the stream cannot be used any more.
                sentence = "FreeSWITCH did not take a command."
                self._lost(sentence, error)
                if error is stalled or isinstance(error, OSError):
                    raise self._gone(sentence) from error
                raise
        return waiters

    def _reply(self, waiter: Waiter, deadline: Deadline = DEFAULT) -> ESLEvent:
        seconds = self.reply_deadline if isinstance(deadline, _Default) else deadline
        waiter.wait(timeout=seconds)
        if not waiter.ready():
            # Left in line, so that the late reply is not taken for the next command's.
            waiter.overdue = True
            raise ReplyTimeout(f"FreeSWITCH has not replied within {seconds} s.")
        reply = waiter.get()
        assert reply is not None
        return reply

    def _receive(self, sock: socket.socket, parser: Parser) -> None:
        sentence, cause = "FreeSWITCH closed the connection.", None
        try:
            while data := sock.recv(self._receive_bytes):
                self._received_at = time.monotonic()
                parser.feed(data)
                for frame in parser:
                    self._on_frame(frame)
                # Always readable sockets never yield by themselves; the handlers must have their turn.
                gevent.sleep(0)
            parser.feed_eof()
            parser.next_event()
        except (OSError, ProtocolError) as error:
            sentence, cause = f"The connection to FreeSWITCH broke: {error}", error
        if sock is self.sock:
            self._lost(sentence, cause)

    def _on_frame(self, frame: Frame) -> None:
        event = ESLEvent(frame)
        kind = frame.content_type
        if kind in _EVENTS:
            self._on_event(event)
        elif kind in ("command/reply", "api/response"):
            if self._commands_sent:
                self._commands_sent.popleft().set(event)
            else:
                log.warning("esl.unexpected_reply", content_type=kind)
        elif kind == "text/disconnect-notice":
            self._on_notice(event)
        elif kind == "auth/request":
            self._auth_request_event.set()
        elif kind == "text/rude-rejection":
            self._lost("FreeSWITCH's access list refuses this address (apply-inbound-acl).")
        else:
            log.warning("esl.unknown_content_type", content_type=kind[:80])

    def _on_notice(self, event: ESLEvent) -> None:
        if event.headers.get("Content-Disposition") == "linger":
            self._lingering = True
            self._queue.put(event)
            self._interrupt("The call has ended; its socket lingers.")
        else:
            self._notice_seen = True
            self._queue.put(event)
            self._lost("FreeSWITCH ended the connection.")

    def _on_event(self, event: ESLEvent) -> None:
        """In the reading greenlet, so it must not block. Who waits for an event is served here, handlers later."""
        try:
            self._serve(event)
            self._queue.put(event)
        except ProtocolError:
            self._unreadable(event)

    def _serve(self, event: ESLEvent) -> None:
        """Hook: hand the event to a greenlet that waits for it."""

    def _interrupt(self, sentence: str) -> None:
        """Hook: what else to fail when the call or the connection has ended."""

    def _lost(self, sentence: str, cause: BaseException | None = None) -> None:
        """The end of this connection: fail everyone who waits, once."""
        if self.closed.is_set():
            return
        self.connected = False
        self.closed.set()
        if self.sock is not None:
            self.sock.close()
        self._auth_request_event.set()
        waiting, self._commands_sent = self._commands_sent, deque()
        for waiter in waiting:
            waiter.set_exception(self._gone(sentence))
        self._interrupt(sentence)
        if cause is not None:
            log.warning("esl.connection_lost", reason=sentence, cause=type(cause).__name__)
        if not self._notice_seen and self._run:
            block = b"Content-Type: text/disconnect-notice\nContent-Disposition: disconnect"
            self._queue.put(ESLEvent(Frame("text/disconnect-notice", block, sentence.encode())))

    def _handlers(self, event: ESLEvent) -> Sequence[Handler]:
        handlers = self.event_handlers
        if event.content_type == "text/disconnect-notice":
            found = handlers.get("DISCONNECT")
        elif event.content_type == "log/data":
            found = handlers.get("log")
        else:
            found = handlers.get(event.handle)
        return tuple(found or handlers.get("*") or ())

    def _process(self, event: ESLEvent) -> None:
        try:
            handlers = self._handlers(event)
        except ProtocolError:
            self._unreadable(event)
            return
        if handlers:
            for handler in (getattr(self, "before_handle", None), *handlers, getattr(self, "after_handle", None)):
                if handler is not None:
                    self._call(handler, event)

    def _unreadable(self, event: ESLEvent) -> None:
        log.warning("esl.unreadable_event", content_type=event.content_type, length=len(event.frame.body))

    def _call(self, handler: Handler, event: ESLEvent) -> None:
        try:
            handler(event)
        except (Exception, gevent.Timeout):
            # A Timeout is no Exception, and would end the greenlet that serves all handlers.
            name = getattr(handler, "__qualname__", type(handler).__name__)
            log.exception("esl.handler_failed", handler=name, event_name=event.name)


def _keep_alive(sock: Any) -> None:
    """Let the kernel find a peer that vanished, within about 30 s: while an application runs in sync mode, FreeSWITCH
    reads nothing, so nothing else can. Each option is set where the system has it."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    options = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 30_000}
    for name, value in options.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
