"""SIP messages as a test reads them: start line and headers. Pure, and forgiving of what a switch may send."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

COMPACT = {
    "f": "From",
    "t": "To",
    "i": "Call-ID",
    "m": "Contact",
    "v": "Via",
    "l": "Content-Length",
    "c": "Content-Type",
}
QUOTED_NAME = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*')
SIP_URI = re.compile(r"sips?:(?:([^@;>?\s]*)@)?([^;>?\s]*)", re.IGNORECASE)
TEL_URI = re.compile(r"tel:([^;>?\s]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """A name and the URI's user and host, as in From, To, Diversion and P-Asserted-Identity."""

    name: str
    user: str
    host: str


@dataclass(frozen=True, slots=True)
class SipMessage:
    """A request (`method` and `uri` set) or a response (`status` set)."""

    method: str
    uri: str
    status: int
    phrase: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str | None:
        """The first value of this header; None if it is not there."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def call_id(self) -> str:
        return self.header("Call-ID") or ""

    @property
    def cseq(self) -> tuple[int, str]:
        """Number and method; (0, "") without a usable header."""
        number, _, method = (self.header("CSeq") or "").partition(" ")
        return (int(number), method.strip()) if number.isdigit() else (0, "")


def parse(text: str) -> SipMessage:
    """Read one message. Raises ValueError if it does not begin like SIP."""
    head = text.replace("\r\n", "\n").partition("\n\n")[0]
    start, *lines = head.split("\n")
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in " \t" and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            name = name.strip()
            headers.append((COMPACT.get(name.lower(), name), value.strip()))
    words = start.split(" ", 2)
    if words[0] == "SIP/2.0" and len(words) > 1 and words[1].isdigit():
        return SipMessage("", "", int(words[1]), words[2] if len(words) > 2 else "", tuple(headers))
    if len(words) == 3 and words[2] == "SIP/2.0":
        return SipMessage(words[0], words[1], 0, "", tuple(headers))
    raise ValueError(f"not the start of a SIP message: {start[:80]!r}")


def address(value: str) -> Address:
    """Read `"Name" <sip:user@host>;params`, with or without name and brackets. Escapes in the user are decoded."""
    quoted = QUOTED_NAME.match(value)
    if quoted:
        name = re.sub(r"\\(.)", r"\1", quoted.group(1))
        rest = value[quoted.end() :]
    else:
        name, bracket, after = value.partition("<")
        name, rest = (name.strip(), bracket + after) if bracket else ("", value)
    uri = SIP_URI.search(rest)
    if uri:
        return Address(name, unquote(uri.group(1) or ""), uri.group(2))
    telephone = TEL_URI.search(rest)
    return Address(name, unquote(telephone.group(1)) if telephone else "", "")
