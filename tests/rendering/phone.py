"""A SIP phone with digest authentication, enough to see what a rendered switch lets in. Sends no media."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import uuid
from dataclasses import dataclass, field
from typing import ClassVar

from tests.rendering.samples import PASSWORD

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n"
TIMEOUT = 10.0


@dataclass(frozen=True)
class Message:
    first: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Message:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        lines = head.split("\r\n")
        pairs = (line.partition(":") for line in lines[1:])
        return cls(lines[0], tuple((name.strip().lower(), value.strip()) for name, _, value in pairs), body)

    def get(self, name: str) -> str:
        return next((value for found, value in self.headers if found == name.lower()), "")

    @property
    def status(self) -> int:
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        return self.first.split()[0]


@dataclass
class Phone:
    """`user` at `domain`, over UDP. `on_invite` is what an incoming call gets: a final code; None rings until it is
    cancelled."""

    user: str
    domain: str
    switch: tuple[str, int]
    password: str = PASSWORD
    on_invite: int | None = 200
    realm: str | None = None
    """Realm it answers a challenge with; None: the one it was asked for."""
    invites: list[Message] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Methods of the requests that came."""
    rang: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    sdp: str = SDP
    host: str = "127.0.0.1"
    """Address it calls from."""

    transport: ClassVar[str] = "UDP"
    uri_parameters: ClassVar[str] = ""

    def __post_init__(self) -> None:
        self._open()
        self._tag = uuid.uuid4().hex[:8]
        self._finals: dict[tuple[str, str], Message] = {}
        self._arrived = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _open(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.host, self.port))
        self.port = self._socket.getsockname()[1]

    def close(self) -> None:
        self._closing = True
        self._socket.sendto(b"\r\n", (self.host, self.port))
        self._thread.join()
        self._socket.close()

    @property
    def contact(self) -> str:
        return f"<sip:{self.user}@{self.host}:{self.port}{self.uri_parameters}>"

    def register(self, *, to_host: str | None = None, to_user: str | None = None, expires: int = 300) -> int:
        """Register; the final code. The To header may name another account than the one that is authenticated."""
        uri = f"sip:{self.domain}"
        to = f"<sip:{to_user or self.user}@{to_host or self.domain}>"
        return self._authenticated("REGISTER", uri, to, f"Expires: {expires}\r\n").status

    def call(self, number: str, timeout: float = TIMEOUT, extra: str = "", to: str = "") -> Message:
        """Call a number and wait for the final answer. The To header may name another one."""
        uri = f"sip:{number}@{self.domain}"
        return self._authenticated("INVITE", uri, to or f"<{uri}>", extra, self.sdp, timeout)

    def hang_up(self, answer: Message) -> None:
        """End a call that was placed and answered."""
        self._send(self._request("BYE", _uri(answer.get("contact")), answer.get("call-id"), 9, answer.get("to")))

    def _authenticated(
        self, method: str, uri: str, to: str, extra: str = "", body: str = "", timeout: float = TIMEOUT
    ) -> Message:
        call_id = uuid.uuid4().hex
        self._send(self._request(method, uri, call_id, 1, to, extra, body))
        answer = self._final(call_id, f"1 {method}", timeout)
        if answer.status not in (401, 407):
            return answer
        header = "Authorization" if answer.status == 401 else "Proxy-Authorization"
        challenge = answer.get("www-authenticate") or answer.get("proxy-authenticate")
        credentials = f"{header}: {self._digest(challenge, method, uri)}\r\n"
        self._send(self._request(method, uri, call_id, 2, to, extra + credentials, body))
        return self._final(call_id, f"2 {method}", timeout)

    def _digest(self, challenge: str, method: str, uri: str) -> str:
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
        realm = self.realm or given["realm"]
        nonce, cnonce, count = given["nonce"], uuid.uuid4().hex[:8], "00000001"
        ha1, ha2 = _md5(f"{self.user}:{realm}:{self.password}"), _md5(f"{method}:{uri}")
        response = _md5(f"{ha1}:{nonce}:{count}:{cnonce}:auth:{ha2}")
        return (
            f'Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}", '
            f'algorithm=MD5, qop=auth, nc={count}, cnonce="{cnonce}"'
        )

    def _final(self, call_id: str, cseq: str, timeout: float) -> Message:
        with self._arrived:
            assert self._arrived.wait_for(lambda: (call_id, cseq) in self._finals, timeout), f"no answer to {cseq}"
            return self._finals[call_id, cseq]

    def _request(self, method: str, uri: str, call_id: str, cseq: int, to: str, extra: str = "", body: str = "") -> str:
        branch = f"z9hG4bK{call_id[:12]}{'INVITE' if method == 'ACK' else method}{cseq}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{self.transport} {self.host}:{self.port};rport;branch={branch}\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{self.user}@{self.domain}>;tag={self._tag}\r\nTo: {to}\r\n"
            f"Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nContact: {self.contact}\r\n"
            f"{extra}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _send(self, text: str, to: tuple[str, int] | None = None) -> None:
        self._socket.sendto(text.encode(), to or self.switch)

    def _read(self) -> None:
        while True:
            data, source = self._socket.recvfrom(65535)
            if self._closing:
                return
            if data.strip():
                self._take(Message.parse(data), source)

    def _take(self, message: Message, source: tuple[str, int]) -> None:
        if message.status:
            self._response(message)
        else:
            self._incoming(message, source)

    def _response(self, message: Message) -> None:
        if message.status < 200:
            return
        call_id, cseq = message.get("call-id"), message.get("cseq")
        if cseq.endswith("INVITE"):
            uri = _uri(message.get("contact")) if message.status < 300 else f"sip:{self.domain}"
            self._send(self._request("ACK", uri, call_id, int(cseq.split()[0]), message.get("to")))
        with self._arrived:
            self._finals.setdefault((call_id, cseq), message)
            self._arrived.notify_all()

    def _incoming(self, request: Message, source: tuple[str, int]) -> None:
        self.asked.append(request.method)
        if request.method == "INVITE":
            known = any(seen.get("call-id") == request.get("call-id") for seen in self.invites)
            if known:
                return
            self.invites.append(request)
            self._reply(request, source, "180 Ringing")
            self.rang.set()
            if self.on_invite is not None:
                body = self.sdp if self.on_invite == 200 else ""
                self._reply(request, source, f"{self.on_invite} Decided", body)
        elif request.method != "ACK":
            self._reply(request, source, "200 OK")
            if request.method == "CANCEL":
                invite = next(seen for seen in self.invites if seen.get("call-id") == request.get("call-id"))
                self._reply(invite, source, "487 Request Terminated")
            if request.method in ("BYE", "CANCEL"):
                self.ended.set()

    def _reply(self, request: Message, source: tuple[str, int], status: str, body: str = "") -> None:
        to = request.get("to")
        tagged = to if ";tag=" in to else f"{to};tag={self._tag}"
        vias = "".join(f"Via: {value}\r\n" for name, value in request.headers if name == "via")
        kind = "Content-Type: application/sdp\r\n" if body else ""
        self._send(
            f"SIP/2.0 {status}\r\n{vias}From: {request.get('from')}\r\nTo: {tagged}\r\n"
            f"Call-ID: {request.get('call-id')}\r\nCSeq: {request.get('cseq')}\r\n"
            f"Contact: {self.contact}\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}",
            source,
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _uri(header: str) -> str:
    found = re.search(r"<([^>]+)>", header)
    return found.group(1) if found else header
