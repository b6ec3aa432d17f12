"""The other end of an event socket, as little of FreeSWITCH as a test needs, over TCP on a port of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import gevent
from gevent import socket
from gevent.server import StreamServer


class Peer:
    """One connection as FreeSWITCH sees it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.file = sock.makefile("rb")
        self.body = ""

    def command(self) -> list[str]:
        """The lines of the next command; an empty list at the end of the connection. Its body is in `body`."""
        lines: list[str] = []
        while line := self.file.readline():
            if line == b"\n":
                length = next((line[16:] for line in lines if line.startswith("content-length: ")), "0")
                self.body = self.file.read(int(length)).decode()
                return lines
            lines.append(line.decode().removesuffix("\n"))
        return []

    def write(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reply(self, text: str = "+OK", more: str = "") -> None:
        self.write(f"Content-Type: command/reply\nReply-Text: {text}\n{more}\n".encode())

    def respond(self, body: bytes) -> None:
        self.write(b"Content-Type: api/response\nContent-Length: %d\n\n" % len(body) + body)

    def event(self, name: str, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.write(plain_event({"Event-Name": name, **(headers or {})}, body))

    def channel_data(self, headers: dict[str, str] | None = None) -> None:
        """The reply to `connect`; the values are written as given, so encode them."""
        block = {"Event-Name": "CHANNEL_DATA", "Unique-ID": "11-22", "Content-Type": "command/reply"}
        block |= {"Reply-Text": "%2BOK%0A", "Socket-Mode": "static", "Control": "full", **(headers or {})}
        self.write("".join(f"{name}: {value}\n" for name, value in block.items()).encode() + b"\n")

    def sign_in(self) -> None:
        self.write(b"Content-Type: auth/request\n\n")
        self.command()
        self.reply("+OK accepted")

    def close(self) -> None:
        # makefile shares the descriptor: both have to go before the other side sees the end.
        self.file.close()
        self.sock.close()


class Switch:
    """A FreeSWITCH that runs `script(peer)` for each connection it accepts, as inbound mode has it."""

    def __init__(self, script: Callable[[Peer], object]) -> None:
        self._script = script
        self.connections = 0
        self._server = StreamServer(("127.0.0.1", 0), self._accept)

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0)

    def _accept(self, sock: socket.socket, _address: object) -> None:
        self.connections += 1
        peer = Peer(sock)
        try:
            self._script(peer)
        except OSError:
            pass
        finally:
            peer.close()


def plain_event(headers: dict[str, str], body: bytes = b"") -> bytes:
    """A frame of text/event-plain; the values are written as given, so encode them."""
    block = "".join(f"{name}: {value}\n" for name, value in headers.items()).encode()
    inner = block + (b"Content-Length: %d\n\n" % len(body) + body if body else b"\n")
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(inner) + inner


def hand_over(address: tuple[str, int]) -> Peer:
    """A call, handed over to the server that listens there."""
    return Peer(socket.create_connection(address))


def until(condition: Callable[[], object], seconds: float = 3.0) -> None:
    """Wait for something that other greenlets bring about."""
    with gevent.Timeout(seconds):
        while not condition():
            gevent.sleep(0.002)


def application(peer: Peer) -> tuple[str, str]:
    """Name and argument of the application that is asked for next."""
    lines = peer.command()
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0] == "sendmsg"
    assert headers["call-command"] == "execute"
    return headers["execute-app-name"], peer.body
