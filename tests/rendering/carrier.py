"""A carrier that wants to be signed in to: digest on REGISTER and INVITE, over UDP, TCP or TLS. Sends no media."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.rendering.phone import SDP, Message, _md5
from tests.rendering.tls_phone import _first

Send = Callable[[str], None]


@dataclass
class Carrier:
    """Listens on 127.0.0.1:`port`. What it accepted is in `registered` (contacts) and `invites`; an accepted call gets
    the final code `on_invite`."""

    username: str
    password: str
    transport: str = "udp"
    on_invite: int = 486
    certificates: Path | None = None
    registered: list[str] = field(default_factory=list)
    invites: list[Message] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Methods of requests with credentials that are wrong."""
    pings: int = 0

    def __post_init__(self) -> None:
        kind = socket.SOCK_DGRAM if self.transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._open: list[socket.socket] = []
        serve = self._datagrams if self.transport == "udp" else self._connections
        threading.Thread(target=serve, daemon=True).start()

    def close(self) -> None:
        for each in (*self._open, self._socket):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _datagrams(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, source = self._socket.recvfrom(65535)
                if data.strip():
                    self._take(Message.parse(data), lambda text, to=source: self._socket.sendto(text.encode(), to))  # type: ignore[misc]

    def _connections(self) -> None:
        self._socket.listen()
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._stream, args=(connection,), daemon=True).start()

    def _stream(self, connection: socket.socket) -> None:
        if self.transport == "tls":
            assert self.certificates is not None
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificates / "agent.pem")
            connection = context.wrap_socket(connection, server_side=True)
        self._open.append(connection)
        waiting = b""
        with contextlib.suppress(OSError):
            while received := connection.recv(65535):
                waiting = (waiting + received).lstrip(b"\r\n")
                while message := _first(waiting):
                    waiting = waiting[len(message) :].lstrip(b"\r\n")
                    self._take(Message.parse(message), lambda text: connection.sendall(text.encode()))

    def _take(self, request: Message, send: Send) -> None:
        if request.status or request.method == "ACK":
            return
        if request.method == "OPTIONS":
            self.pings += 1
        if request.method not in ("REGISTER", "INVITE"):
            send(_response(request, "200 OK"))
            return
        code, given = ("401", "authorization") if request.method == "REGISTER" else ("407", "proxy-authorization")
        credentials = request.get(given)
        if not self._right(request.method, credentials):
            if credentials:
                self.refused.append(request.method)
            name = "WWW-Authenticate" if code == "401" else "Proxy-Authenticate"
            challenge = f'{name}: Digest realm="carrier", nonce="{len(self.refused)}n", algorithm=MD5, qop="auth"\r\n'
            send(_response(request, f"{code} Who are you", challenge))
        elif request.method == "REGISTER":
            contact = request.get("contact")
            self.registered.append(contact)
            send(_response(request, "200 OK", f"Contact: {contact};expires=300\r\n"))
        else:
            self.invites.append(request)
            send(_response(request, f"{self.on_invite} Decided", body=SDP if self.on_invite == 200 else ""))

    def _right(self, method: str, credentials: str) -> bool:
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', credentials))
        if given.get("username") != self.username or given.get("realm") != "carrier":
            return False
        ha1, ha2 = _md5(f"{self.username}:carrier:{self.password}"), _md5(f"{method}:{given['uri']}")
        expected = _md5(f"{ha1}:{given['nonce']}:{given['nc']}:{given['cnonce']}:auth:{ha2}")
        return given.get("response") == expected


def _response(request: Message, status: str, extra: str = "", body: str = "") -> str:
    vias = "".join(f"Via: {value}\r\n" for name, value in request.headers if name == "via")
    kind = "Content-Type: application/sdp\r\n" if body else ""
    return (
        f"SIP/2.0 {status}\r\n{vias}From: {request.get('from')}\r\nTo: {request.get('to')};tag=c\r\n"
        f"Call-ID: {request.get('call-id')}\r\nCSeq: {request.get('cseq')}\r\n{extra}{kind}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
