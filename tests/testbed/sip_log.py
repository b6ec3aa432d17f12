"""Writes logs the way SIPp does, for tests of what is read from them."""

from __future__ import annotations

RULE = "-" * 47


def entry(sent: bool, message: str, second: float = 0.0) -> bytes:
    """One message of a log, logged `second` seconds (below 60) after some full minute."""
    data = message.replace("\n", "\r\n").encode()
    what = f"sent ({len(data)} bytes)" if sent else f"received [{len(data)}] bytes "
    return f"{RULE} 2026-11-23 21:37:{second:09.6f}\nUDP message {what}:\n\n".encode() + data + b"\n"


def request(method: str, cseq: str, call: str = "one", headers: str = "", uri: str = "sip:100@pbx") -> str:
    return f"{method} {uri} SIP/2.0\nCall-ID: {call}\nCSeq: {cseq}\n{headers}Content-Length: 0\n\n"


def response(status: str, cseq: str, call: str = "one", headers: str = "") -> str:
    return f"SIP/2.0 {status}\nCall-ID: {call}\nCSeq: {cseq}\n{headers}Content-Length: 0\n\n"
