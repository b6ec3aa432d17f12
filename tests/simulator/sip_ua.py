"""A small SIP user agent over UDP for tests on the real switch: registers, calls, answers. It sends no media."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent import socket
from gevent.event import Event

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


@dataclass
class Message:
    """One SIP message: its first line, headers as they came, and the body."""

    first: str
    headers: list[tuple[str, str]]
    body: str = ""

    @classmethod
    def parse(cls, data: bytes) -> Message:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        lines = head.split("\r\n")
        pairs = [line.partition(":") for line in lines[1:] if ":" in line]
        return cls(lines[0], [(name.strip(), value.strip()) for name, _, value in pairs], body)

    def get(self, name: str) -> str:
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        return [v for n, v in self.headers if n.lower() == name.lower()]

    @property
    def status(self) -> int:
        return int(self.first.split(" ")[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        return "" if self.status else self.first.split(" ")[0]


@dataclass
class UserAgent:
    """`on_invite` decides what an incoming call gets: (seconds to ring, final code or None to ring for ever)."""

    user: str
    proxy: tuple[str, int]
    domain: str = "127.0.0.1"
    on_invite: tuple[float, int | None] = (0.05, 200)
    hang_up_after: float | None = None
    seen: list[Message] = field(default_factory=list)
    ended: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.socket: Any = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.tag = uuid.uuid4().hex[:8]
        self.final: dict[str, int] = {}
        self.answered: dict[str, Message] = {}
        self.dead: set[str] = set()
        self.waiting: dict[str, Event] = {}
        self.reader = gevent.spawn(self._read)

    def close(self) -> None:
        self.reader.kill()
        self.socket.close()

    def _send(self, text: str, to: tuple[str, int] | None = None) -> None:
        self.socket.sendto(text.encode(), to or self.proxy)

    def _request(self, method: str, uri: str, call_id: str, cseq: int, to: str, extra: str = "", body: str = "") -> str:
        branch = f"z9hG4bK{call_id[:8]}{'INVITE' if method in ('CANCEL', 'ACK') else method}{cseq}"
        return (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{self.port};branch={branch}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{self.user}@{self.domain}>;tag={self.tag}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {cseq} {method}\r\nContact: <sip:{self.user}@127.0.0.1:{self.port}>\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def register(self) -> int:
        """Register without credentials; the final code."""
        call_id = uuid.uuid4().hex
        self.waiting[call_id] = Event()
        to = f"<sip:{self.user}@{self.domain}>"
        self._send(self._request("REGISTER", f"sip:{self.domain}", call_id, 1, to, "Expires: 300\r\n"))
        assert self.waiting[call_id].wait(5), "no answer to REGISTER"
        return self.final[call_id]

    def invite(self, number: str) -> str:
        """Start a call; the Call-ID."""
        call_id = uuid.uuid4().hex
        self.waiting[call_id] = Event()
        to = f"<sip:{number}@{self.domain}>"
        body = SDP.format(port=20000)
        self._send(
            self._request(
                "INVITE", f"sip:{number}@{self.domain}", call_id, 1, to, "Content-Type: application/sdp\r\n", body
            )
        )
        return call_id

    def result(self, call_id: str, seconds: float = 20) -> int:
        """Final code of a call that was started."""
        assert self.waiting[call_id].wait(seconds), "no final answer"
        return self.final[call_id]

    def cancel(self, call_id: str, number: str) -> None:
        uri = f"sip:{number}@{self.domain}"
        self._send(self._request("CANCEL", uri, call_id, 1, f"<{uri}>"))

    def bye(self, call_id: str) -> None:
        """End a call that was placed and answered."""
        answer = self.answered[call_id]
        self._send(self._request("BYE", _uri(answer.get("Contact")), call_id, 2, answer.get("To")))

    def _read(self) -> None:
        while True:
            data, source = self.socket.recvfrom(65535)
            message = Message.parse(data)
            if message.status:
                self._response(message)
            else:
                self._incoming(message, source)

    def _response(self, message: Message) -> None:
        call_id = message.get("Call-ID")
        if message.status < 200 or call_id not in self.waiting:
            return
        if message.get("CSeq").endswith("INVITE"):
            target = _uri(message.get("Contact")) if message.status < 300 else f"sip:x@{self.domain}"
            self._send(self._request("ACK", target, call_id, 1, message.get("To")))
            self.answered[call_id] = message
        if message.get("CSeq").endswith(("INVITE", "REGISTER")):
            self.final[call_id] = message.status
            self.waiting[call_id].set()

    def _reply(self, request: Message, source: tuple[str, int], status: str, extra: str = "", body: str = "") -> None:
        to = request.get("To")
        if ";tag=" not in to:
            to += f";tag={self.tag}"
        vias = "".join(f"Via: {v}\r\n" for v in request.all("Via"))
        records = "".join(f"Record-Route: {v}\r\n" for v in request.all("Record-Route"))
        self._send(
            f"SIP/2.0 {status}\r\n{vias}{records}From: {request.get('From')}\r\nTo: {to}\r\n"
            f"Call-ID: {request.get('Call-ID')}\r\nCSeq: {request.get('CSeq')}\r\n"
            f"Contact: <sip:{self.user}@127.0.0.1:{self.port}>\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}",
            source,
        )

    def _incoming(self, request: Message, source: tuple[str, int]) -> None:
        call_id = request.get("Call-ID")
        if request.method == "INVITE":
            if not any(m.method == "INVITE" and m.get("Call-ID") == call_id for m in self.seen):
                gevent.spawn(self._ring, request, source)
        elif request.method == "CANCEL":
            self._reply(request, source, "200 OK")
            self.dead.add(call_id)
            invite = next(m for m in self.seen if m.method == "INVITE" and m.get("Call-ID") == call_id)
            self._reply(invite, source, "487 Request Terminated")
        elif request.method != "ACK":
            self._reply(request, source, "200 OK")
        if request.method == "BYE":
            self.ended.set()
        self.seen.append(request)

    def _ring(self, request: Message, source: tuple[str, int]) -> None:
        delay, code = self.on_invite
        call_id = request.get("Call-ID")
        self._reply(request, source, "180 Ringing")
        gevent.sleep(delay)
        if code is None or call_id in self.dead:
            return
        if code == 200:
            body = SDP.format(port=20002)
            self._reply(request, source, "200 OK", "Content-Type: application/sdp\r\n", body)
            if self.hang_up_after is not None:
                gevent.sleep(self.hang_up_after)
                target = _uri(request.get("Contact"))
                swapped = self._request("BYE", target, call_id, 9, request.get("From"))
                swapped = re.sub(r"From: .*\r\n", f"From: {request.get('To')};tag={self.tag}\r\n", swapped, count=1)
                self._send(swapped, source)
        else:
            self._reply(request, source, f"{code} Refused")

    def methods(self) -> list[str]:
        """Requests that arrived, in order, without repetitions and ACK."""
        return list(dict.fromkeys(m.method for m in self.seen if m.method != "ACK"))


def _uri(header: str) -> str:
    found = re.search(r"<([^>]+)>", header)
    return found.group(1) if found else header
