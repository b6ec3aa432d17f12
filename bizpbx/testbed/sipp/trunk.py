"""One port for all calls of a carrier.

A switch knows a trunk by its address and port, so calls out of the carrier must leave from the port it listens on; but
each call is a SIPp of its own. This stands between them and passes datagrams on by Call-ID, unchanged.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import threading
from collections.abc import Callable

Address = tuple[str, int]
CALL_ID = re.compile(rb"^(?:Call-ID|i)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
LARGEST = 65_535


class Routes:
    """Who talks to whom, by Call-ID. Pure: told of each datagram, it answers where that one goes."""

    def __init__(self, switch: Address, callee: Address) -> None:
        self._switch = switch
        self._callee = callee
        self._calls: dict[bytes, tuple[Address, Address]] = {}
        """Call-ID to (SIPp, switch)."""

    def from_switch(self, datagram: bytes, source: Address) -> Address | None:
        """The SIPp this goes to: the one that has the call, else the one that takes calls. None: no SIP."""
        call = call_id(datagram)
        if call is None:
            return None
        sipp, _ = self._calls.get(call, (self._callee, source))
        self._calls[call] = (sipp, source)
        return sipp

    def from_sipp(self, datagram: bytes, source: Address) -> Address | None:
        """The address of the switch this goes to: where the call came from, else the switch. None: no SIP."""
        call = call_id(datagram)
        if call is None:
            return None
        _, switch = self._calls.get(call, (source, self._switch))
        self._calls[call] = (source, switch)
        return switch


def call_id(datagram: bytes) -> bytes | None:
    found = CALL_ID.search(datagram)
    return found.group(1).strip() if found else None


class Trunk:
    """The running exchange of datagrams between a carrier's port and its SIPps."""

    def __init__(self, port: int, inner_port: int, switch: Address, callee: Address) -> None:
        self.inner: Address = ("127.0.0.1", inner_port)
        self._routes = Routes(switch, callee)
        with contextlib.ExitStack() as undo:
            self._outside = undo.enter_context(bound(port))
            self._inside = undo.enter_context(bound(inner_port))
            self._stopped, self._stop = socket.socketpair()
            undo.pop_all()
        self._thread = threading.Thread(target=self._run, name=f"trunk {port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop passing datagrams on, and let go of the ports."""
        if self._thread.is_alive():
            self._stop.send(b"x")
            self._thread.join()
        for each in (self._outside, self._inside, self._stop, self._stopped):
            each.close()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._outside, self._inside, self._stopped], [], [])
            if self._stopped in ready:
                return
            if self._outside in ready:
                pass_on(self._outside, self._inside, self._routes.from_switch)
            if self._inside in ready:
                pass_on(self._inside, self._outside, self._routes.from_sipp)


def pass_on(source: socket.socket, target: socket.socket, route: Callable[[bytes, Address], Address | None]) -> None:
    """Pass one datagram on. What cannot be sent is lost, as on any network."""
    try:
        datagram, sender = source.recvfrom(LARGEST)
    except OSError:  # an earlier datagram was refused by its receiver
        return
    receiver = route(datagram, sender)
    if receiver is not None:
        with contextlib.suppress(OSError):
            target.sendto(datagram, receiver)


def bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener
