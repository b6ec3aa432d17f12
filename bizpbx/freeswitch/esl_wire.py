"""The event-socket protocol without I/O: bytes in, frames out, and commands to bytes.

Written against the behaviour of FreeSWITCH 1.11's mod_event_socket. A frame is a block of `Name: value` lines, an empty
line, and, where the block has a Content-Length, exactly that many bytes of body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from bizpbx.freeswitch.esl_errors import ProtocolError, UnsafeArgument

MAX_BODY: Final = 8 << 20
"""Default cap of a body, in bytes. `show channels as json` with 2,000 calls is about 3 MB."""
MAX_HEADERS: Final = 1 << 20
"""Default cap of a header block, in bytes. The reply to `connect` carries every channel variable in its headers."""

_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*([^\n]*?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
_CONTENT_TYPE = re.compile(rb"^content-type:[ \t]*([^\n]*?)[ \t\r]*$", re.IGNORECASE | re.MULTILINE)
EVENT_BLOCK: Final = re.compile(rb"Content-Length: ([0-9]{1,18})\nContent-Type: ([a-z/-]+)")
"""The block in front of every event, as FreeSWITCH writes it. Reading it at once is worth 15 % of an event's cost."""
_DECIMAL = re.compile(rb"[0-9]{1,18}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]+")
_FORBIDDEN = re.compile("[\r\n\0]")


class Frame(NamedTuple):
    """One frame as it came. `block` is the header block without the empty line that ends it; nothing is decoded yet."""

    content_type: str
    block: bytes
    body: bytes

    @property
    def encoded(self) -> bool:
        """Whether the values in the block are URL-encoded: so is only the reply to `connect`, a serialised event.

        FreeSWITCH writes Event-Name first into every event it makes, and Content-Type or Content-Length first into
        every other frame.
        """
        return self.block.startswith(b"Event-Name:")


class Parser:
    """Bytes to frames, in the manner of h11. The same bytes give the same frames however they were split.

    After an error the parser stays failed: the stream is out of step, and the connection has to be closed.
    """

    def __init__(self, *, max_body: int = MAX_BODY, max_headers: int = MAX_HEADERS) -> None:
        """The caps are in bytes; a frame that passes one is a ProtocolError before any memory is taken for it."""
        self._max_body = max_body
        self._max_headers = max_headers
        self._buffer = bytearray()
        self._at = 0
        self._searched = 0
        self._eof = False
        self._error: ProtocolError | None = None
        self._waiting_for: tuple[str, bytes, int, int] | None = None

    def feed(self, data: bytes) -> None:
        """Take what a recv() returned. Raises nothing; b"" is no end, say that with feed_eof()."""
        self._buffer += data

    def feed_eof(self) -> None:
        """The peer has closed. In the middle of a frame this makes next_event() raise ProtocolError."""
        self._eof = True

    @property
    def buffered(self) -> int:
        """Bytes held for a frame that is not complete."""
        return len(self._buffer) - self._at

    def next_event(self) -> Frame | None:
        """The next complete frame; None when more bytes are needed, or the peer has closed between two frames.

        Raises ProtocolError.
        """
        if self._error is not None:
            raise self._error
        try:
            frame = self._next()
        except ProtocolError as error:
            self._error = error
            self._buffer.clear()
            raise
        if frame is None:
            del self._buffer[: self._at]
            self._searched -= self._at
            self._at = 0
            if self._eof and self._buffer:
                self._error = ProtocolError("The connection was closed in the middle of a frame.")
                self._buffer.clear()
                raise self._error
        return frame

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self.next_event()) is not None:
            yield frame

    def _next(self) -> Frame | None:
        head = self._waiting_for or self._head()
        if head is None:
            return None
        content_type, block, start, length = head
        if len(self._buffer) - self._at < start + length:
            self._waiting_for = head
            return None
        self._waiting_for = None
        body = b""
        if length:
            body = bytes(memoryview(self._buffer)[self._at + start : self._at + start + length])
        self._at += start + length
        self._searched = self._at
        return Frame(content_type, block, body)

    def _head(self) -> tuple[str, bytes, int, int] | None:
        """Content type, header block, where the body starts after the present position, and its length."""
        buffer = self._buffer
        # A reply whose text ends in a line feed leaves an empty line in front of the next frame.
        while self._at < len(buffer) and buffer[self._at] == 0x0A:
            self._at += 1
        end = buffer.find(b"\n\n", max(self._at, self._searched - 1))
        if end < 0:
            self._searched = len(buffer)
            if len(buffer) - self._at > self._max_headers + 1:
                raise ProtocolError(f"A header block is longer than {self._max_headers} bytes.")
            return None
        if end - self._at > self._max_headers:
            raise ProtocolError(f"A header block is longer than {self._max_headers} bytes.")
        block = bytes(memoryview(buffer)[self._at : end])
        if usual := EVENT_BLOCK.fullmatch(block):
            return usual[2].decode(), block, end + 2 - self._at, self._checked(int(usual[1]))
        types = _CONTENT_TYPE.search(block)
        if types is None:
            raise ProtocolError("A frame has no Content-Type.")
        return types[1].decode("utf-8", "replace").lower(), block, end + 2 - self._at, self._length(block)

    def _length(self, block: bytes) -> int:
        lengths = set(_CONTENT_LENGTH.findall(block))
        if not lengths:
            return 0
        text = lengths.pop()
        if lengths or not _DECIMAL.fullmatch(text):
            raise ProtocolError("A frame has no single Content-Length in decimal digits.")
        return self._checked(int(text))

    def _checked(self, length: int) -> int:
        if length > self._max_body:
            raise ProtocolError(f"A body of {length} bytes is longer than {self._max_body}.")
        return length


def refuse_line_breaks(text: str, what: str) -> str:
    """The text itself; UnsafeArgument if it holds CR, LF or NUL, which end a line or the command for FreeSWITCH."""
    if _FORBIDDEN.search(text):
        raise UnsafeArgument(f"{what} holds a line break or a NUL, which would end it early. Remove it.")
    return text


def encode_command(
    line: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] = (), body: str | None = None
) -> bytes:
    """One command for FreeSWITCH, such as `encode_command("sendmsg", {"call-command": "execute", …})`.

    With a body, Content-Type (text/plain unless given) and Content-Length are added. Raises UnsafeArgument for CR, LF
    or NUL in the line or a header, NUL in the body, a bad header name, an empty line, or text that UTF-8 cannot carry.
    """
    if not line.strip():
        # FreeSWITCH skips empty lines and would never answer.
        raise UnsafeArgument("A command cannot be empty.")
    lines = [refuse_line_breaks(line, "A command")]
    names = set()
    for name, value in headers.items() if isinstance(headers, Mapping) else headers:
        if not _HEADER_NAME.fullmatch(name) or name.lower() == "content-length":
            raise UnsafeArgument(f"{name!r} cannot be a header name here.")
        names.add(name.lower())
        lines.append(f"{name}: {refuse_line_breaks(value, f'The header {name}')}")
    try:
        payload = b"" if body is None else body.encode()
        if body is not None:
            if b"\0" in payload:
                raise UnsafeArgument("A body holds a NUL, which would end it early. Remove it.")
            if "content-type" not in names:
                lines.append("content-type: text/plain")
            lines.append(f"content-length: {len(payload)}")
        return "\n".join(lines).encode() + b"\n\n" + payload
    except UnicodeEncodeError:
        raise UnsafeArgument("A command holds a lone surrogate, which UTF-8 cannot carry.") from None
