"""The phone over TLS: one connection, that it opens, for everything in both directions."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.rendering.phone import SDP, TIMEOUT, Message, Phone

SRTP = SDP.replace("RTP/AVP", "RTP/SAVP") + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{'A' * 40}\r\n"


@dataclass
class TlsPhone(Phone):
    """Trusts the authority in `certificates` and no other. Offers and answers SRTP unless told otherwise."""

    certificates: Path = Path()
    sdp: str = SRTP

    transport: ClassVar[str] = "TLS"
    uri_parameters: ClassVar[str] = ";transport=tls"

    def _open(self) -> None:
        context = ssl.create_default_context(cafile=str(self.certificates / "root.pem"))
        plain = socket.create_connection(self.switch, timeout=TIMEOUT)
        self._tls = context.wrap_socket(plain, server_hostname=self.switch[0])
        self._tls.setblocking(False)
        # OpenSSL's connections are not made for two threads at once.
        self._one_at_a_time = threading.Lock()
        self.port = self._tls.getsockname()[1]

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._tls.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._tls.close()

    def _send(self, text: str, to: tuple[str, int] | None = None) -> None:
        with self._one_at_a_time:
            self._tls.sendall(text.encode())

    def _read(self) -> None:
        waiting = b""
        for received in self._received():
            waiting = (waiting + received).lstrip(b"\r\n")
            while message := _first(waiting):
                waiting = waiting[len(message) :].lstrip(b"\r\n")
                self._take(Message.parse(message), self.switch)

    def _received(self) -> Iterator[bytes]:
        with contextlib.suppress(OSError):
            while not self._closing:
                select.select([self._tls], [], [])
                try:
                    with self._one_at_a_time:
                        received = self._tls.recv(65535)
                except ssl.SSLWantReadError:
                    continue
                if not received:
                    return
                yield received


def _first(waiting: bytes) -> bytes:
    """The first whole message; nothing if it has not all arrived."""
    head, end, body = waiting.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
    size = int(length[1]) if length else 0
    return head + end + body[:size] if end and len(body) >= size else b""
