"""The event-socket protocol without I/O: commands out of bytes, and replies and events into bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

_UNSAFE = frozenset(b'\r\n #%&+:;<=>?@[\\]^`{|}"')
_HEX = frozenset(b"0123456789ABCDEF")


def to_bytes(text: str) -> bytes:
    """Text of the switch as bytes; bytes that are no UTF-8 survive the way in and out."""
    return text.encode("utf-8", "surrogateescape")


def to_text(data: bytes) -> str:
    """Bytes from the socket as text of the switch."""
    return data.decode("utf-8", "surrogateescape")


def url_encode(value: str) -> str:
    """Encode a header's value as FreeSWITCH does. What already looks like an upper-case escape is left alone.

    >>> url_encode("sofia/internal/100@acme.example a,b"), url_encode("%41 %4g")
    ('sofia/internal/100%40acme.example%20a,b', '%41%20%254g')
    """
    data = to_bytes(value)
    out = bytearray()
    for i, byte in enumerate(data):
        escaped = byte == 0x25 and i + 2 < len(data) and data[i + 1] in _HEX and data[i + 2] in _HEX
        if not escaped and (byte < 0x20 or byte > 0x7E or byte in _UNSAFE):
            out += b"%%%02X" % byte
        else:
            out.append(byte)
    return out.decode("ascii")


def array(value: str) -> list[str] | None:
    """The parts of a variable that was pushed to (`ARRAY::a|:b`); None for a plain one."""
    return value.removeprefix("ARRAY::").split("|:") if value.startswith("ARRAY::") else None


@dataclass
class Event:
    """An event: headers in order, and a body. Names may repeat; `get` gives the first."""

    name: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""
    subclass: str = ""

    def get(self, name: str) -> str | None:
        """Value of a header, in any case of letters."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def plain(self) -> bytes:
        """Headers URL-encoded, one a line, and the body behind its length."""
        lines = [f"{name}: {url_encode(value)}\n" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(to_bytes(self.body))}\n\n{self.body}")
        else:
            lines.append("\n")
        return to_bytes("".join(lines))

    def json(self) -> bytes:
        """One object; what was pushed to is a list."""
        content: dict[str, object] = {name: array(value) or value for name, value in self.headers}
        if self.body:
            content |= {"Content-Length": str(len(to_bytes(self.body))), "_body": self.body}
        return orjson.dumps(content)


@dataclass
class Command:
    """What a client sent: the command's line, its headers with their names in lower case, and the body."""

    line: str
    headers: dict[str, str]
    body: str = ""

    @property
    def verb(self) -> str:
        """The first word in lower case."""
        return self.line.partition(" ")[0].lower()


class CommandReader:
    """Fed with bytes, yields commands. Blank lines between commands are skipped."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiting: tuple[Command, int] | None = None

    def feed(self, data: bytes) -> Iterator[Command]:
        """Take in `data` and yield every command that is complete by now."""
        self._buffer += data
        while (command := self._next()) is not None:
            yield command

    def _next(self) -> Command | None:
        if self._waiting is None:
            self._buffer = self._buffer.lstrip(b"\r\n")
            head, end = self._head()
            if head is None:
                return None
            del self._buffer[:end]
            self._waiting = _command(head)
        command, length = self._waiting
        if len(self._buffer) < length:
            return None
        command.body = to_text(bytes(self._buffer[:length]))
        del self._buffer[:length]
        self._waiting = None
        return command

    def _head(self) -> tuple[bytes | None, int]:
        ends = [(i, len(mark)) for mark in (b"\n\n", b"\n\r\n") if (i := self._buffer.find(mark)) >= 0]
        if not ends:
            return None, 0
        at, length = min(ends)
        return bytes(self._buffer[:at]), at + length


def _command(head: bytes) -> tuple[Command, int]:
    lines = [line for line in to_text(head).replace("\r", "\n").split("\n") if line]
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.lower(), value.lstrip(" "))
    length = headers.get("content-length", "0")
    return Command(lines[0].lstrip(" "), headers), int(length) if length.isdigit() else 0


def message(content_type: str, *headers: tuple[str, str], body: str | bytes | None = None) -> bytes:
    """A message to the client; with a body its length is put before it."""
    lines = [f"Content-Type: {content_type}\n", *(f"{name}: {value}\n" for name, value in headers)]
    if body is None:
        return to_bytes("".join(lines) + "\n")
    data = to_bytes(body) if isinstance(body, str) else body
    return to_bytes("".join(lines) + f"Content-Length: {len(data)}\n\n") + data


def reply(text: str, *headers: tuple[str, str]) -> bytes:
    """The answer to a command; of several lines only the first fits into Reply-Text."""
    return message("command/reply", ("Reply-Text", text), *headers)
