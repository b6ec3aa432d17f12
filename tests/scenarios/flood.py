"""A SIP caller that writes into its INVITEs whatever it is told, and has hundreds of calls under way at once."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from bizpbx.testbed.sipp.invite import named
from bizpbx.testbed.sipp.message import SipMessage, parse
from bizpbx.testbed.sipp.trunk import Address
from tests.scenarios.attempts import Attempt, encoded

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
LARGEST = 65_000


@dataclass
class Flood:
    """`user` at `domain` through `switch`, with a password, or as a carrier without one."""

    switch: Address
    user: str
    domain: str
    password: str | None = None
    contact: str = ""
    extra: str = ""
    """Lines that every INVITE has."""
    _calls: dict[str, _Placed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._via = "{}:{}".format(*self._socket.getsockname())
        self.contact = self.contact or self._via

    def place(self, attempts: Iterable[Attempt], rate: float, patience: float = 3.0) -> dict[str, int]:
        """Place the calls, `rate` a second. Final SIP code of each by its name; 0 where none came, `patience` seconds
        after the last message of all."""
        heard = time.monotonic()
        for number, attempt in enumerate(attempts):
            placed = _Placed(attempt, f"{number}-{time.monotonic_ns():x}@{self.domain}")
            self._calls[placed.call_id] = placed
            self._invite(placed)
            heard = self._listen(time.monotonic() + 1 / rate) or heard
        heard = time.monotonic()
        while any(not placed.code for placed in self._calls.values()) and time.monotonic() < heard + patience:
            heard = self._listen(time.monotonic() + 0.1) or heard
        return {placed.attempt.name: placed.code for placed in self._calls.values()}

    def close(self) -> None:
        self._socket.close()

    def _listen(self, until: float) -> float | None:
        """Take what comes until then; when something came last."""
        heard = None
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65535)
            except TimeoutError:
                break
            heard = time.monotonic()
            with contextlib.suppress(ValueError):
                self._take(parse(data.decode("utf-8", "replace")))
        return heard

    def _take(self, message: SipMessage) -> None:
        placed = self._calls.get(message.call_id)
        if message.method:
            if message.method != "ACK":
                self._reply(message)
        elif placed is not None and message.status >= 200 and message.cseq == (placed.cseq, "INVITE"):
            self._final(placed, message)

    def _final(self, placed: _Placed, answer: SipMessage) -> None:
        accepted = answer.status < 300
        contact = re.search(r"<([^>]+)>", answer.header("Contact") or "")
        target = contact.group(1) if accepted and contact else placed.attempt.uri
        to = answer.header("To") or ""
        self._send(self._request("ACK", target, placed, to, branch="A" if accepted else "I"))
        challenge = answer.header("WWW-Authenticate") or answer.header("Proxy-Authenticate")
        if answer.status in (401, 407) and self.password is not None and challenge and placed.cseq == 1:
            placed.cseq = 2
            name = "Authorization" if answer.status == 401 else "Proxy-Authorization"
            self._invite(placed, f"{name}: {self._digest(challenge)}\r\n")
            return
        if not placed.code:
            placed.code = answer.status
            if accepted:
                self._send(self._request("BYE", target, placed, to, cseq=placed.cseq + 1))

    def _invite(self, placed: _Placed, credentials: str = "") -> None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in placed.attempt.headers)
        to = f"<{placed.attempt.uri}>"
        extra = f"{credentials}{self.extra}{lines}Content-Type: application/sdp\r\n"
        self._send(self._request("INVITE", placed.attempt.uri, placed, to, extra, SDP))

    def _request(
        self,
        method: str,
        uri: str,
        placed: _Placed,
        to: str,
        extra: str = "",
        body: str = "",
        branch: str = "I",
        cseq: int | None = None,
    ) -> str:
        attempt = placed.attempt
        number = self.user if attempt.number is None else attempt.number
        sender = named(attempt.display_name, f"sip:{encoded(number)}@{self.domain}{attempt.parameters}")
        kind = branch if method in ("INVITE", "ACK") else method
        transaction = f"z9hG4bK{placed.call_id.partition('@')[0]}{placed.cseq}{kind}"
        return (
            f"{method} {uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self._via};rport;branch={transaction}\r\n"
            f"Max-Forwards: 70\r\nFrom: {sender};tag=1\r\nTo: {to}\r\nCall-ID: {placed.call_id}\r\n"
            f"CSeq: {cseq or placed.cseq} {method}\r\nContact: <sip:{self.contact}>\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _reply(self, request: SipMessage) -> None:
        lines = "".join(
            f"{name}: {value}\r\n"
            for name, value in request.headers
            if name.lower() in ("via", "from", "to", "call-id", "cseq")
        )
        self._send(f"SIP/2.0 200 OK\r\n{lines}Content-Length: 0\r\n\r\n")

    def _send(self, text: str) -> None:
        data = text.encode("utf-8", "surrogateescape")
        assert len(data) < LARGEST, "no datagram is as long as this"
        self._socket.sendto(data, self.switch)

    def _digest(self, challenge: str) -> str:
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
        uri = f"sip:{self.domain}"
        ha1, ha2 = md5(f"{self.user}:{given['realm']}:{self.password}"), md5(f"INVITE:{uri}")
        response = md5(f"{ha1}:{given['nonce']}:00000001:c:auth:{ha2}")
        return (
            f'Digest username="{self.user}", realm="{given["realm"]}", nonce="{given["nonce"]}", uri="{uri}", '
            f'response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"'
        )


@dataclass
class _Placed:
    attempt: Attempt
    call_id: str
    cseq: int = 1
    code: int = 0


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
