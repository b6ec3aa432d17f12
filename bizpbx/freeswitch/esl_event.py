"""Events and replies, read lazily: a handler that looks at three of 150 headers pays for three."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload
from urllib.parse import unquote_to_bytes

import orjson

from bizpbx.freeswitch.esl_errors import ProtocolError
from bizpbx.freeswitch.esl_wire import EVENT_BLOCK, Frame

_T = TypeVar("_T")


class Names:
    """Names of headers that are asked for together, to be found in one pass. Make it once."""

    def __init__(self, names: Iterable[str]) -> None:
        self.all = frozenset(names)
        variables = [re.escape(name.removeprefix(_VARIABLE)) for name in self.all if name.startswith(_VARIABLE)]
        others = [re.escape(name) for name in self.all if not name.startswith(_VARIABLE)]
        either = [f"{_VARIABLE}(?:{'|'.join(sorted(variables))})"] if variables else []
        # Most lines are decided by their first letter.
        self.pattern = re.compile(f"\n({'|'.join([*either, *sorted(others)])}): ([^\n]*)".encode())


_VARIABLE = "variable_"


class HeaderBlock(Mapping[str, str]):
    """The headers of a serialised event: `Name: url-encoded-value` lines, split first and decoded once, on demand.
    `raw` may go on with an empty line and a body.

    Of duplicated headers the first wins. An empty value, which FreeSWITCH writes as `_undef_`, reads as "". FreeSWITCH
    does not encode a `%` that two hex digits follow (switch_url_encode), so a text `%0A` arrives as a line feed; it
    cannot become a header.
    """

    __slots__ = ("_all", "_cache", "_clear", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._cache: dict[str, Any] = {}
        self._all: dict[str, str] | None = None
        self._clear = 0  # up to here there is no empty line

    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: str, /) -> str: ...
    @overload
    def get(self, name: str, default: _T, /) -> str | _T: ...
    def get(self, name: str, default: Any = None, /) -> Any:
        value = self._cache.get(name, self)
        if value is self:
            value = self._cache[name] = self._find(name)
        return default if value is None else value

    def find(self, names: Names) -> None:
        """Look for all of these in one pass. A search for each reads the whole block for one that is not there."""
        raw = self._raw.partition(b"\n\n")[0]
        found = names.pattern.findall(b"\n" + raw)
        self._cache |= dict.fromkeys(names.all)
        # Backwards, so that of several the first counts.
        for name, value in reversed(found):
            self._cache[name.decode()] = _decode(value)

    def __getitem__(self, name: str) -> str:
        if (value := self.get(name)) is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed())

    def __len__(self) -> int:
        return len(self._parsed())

    def __repr__(self) -> str:
        return repr(self._parsed())

    def _find(self, name: str) -> str | None:
        if self._all is not None:
            return self._all.get(name)
        if ": " in name or "\n" in name:
            return None
        raw, key = self._raw, name.encode("utf-8", "replace") + b": "
        if raw.startswith(key):
            start = len(key)
        else:
            start = raw.find(b"\n" + key)
            if start < 0:
                return None
            if start >= self._clear:
                if raw.find(b"\n\n", self._clear, start + 1) >= 0:
                    return None  # it stands in the body
                self._clear = start
            start += len(key) + 1
        end = raw.find(b"\n", start)
        return _decode(raw[start : end if end >= 0 else len(raw)])

    def _parsed(self) -> dict[str, str]:
        if self._all is None:
            found: dict[str, str] = {}
            for line in self._raw.partition(b"\n\n")[0].split(b"\n"):
                name, colon, value = line.partition(b": ")
                if colon:
                    found.setdefault(name.decode("utf-8", "replace"), _decode(value))
            self._all = found
        return self._all


def find(headers: Mapping[str, str], names: Names) -> Mapping[str, str]:
    """The same headers, with these found beforehand where that is worth something."""
    if isinstance(headers, HeaderBlock):
        headers.find(names)
    return headers


class _Layered(Mapping[str, str]):
    """The frame's own headers before those of the event in its body: a body never overwrites what framed it."""

    __slots__ = ("_event", "_frame")

    def __init__(self, frame: Mapping[str, str], event: Mapping[str, str]) -> None:
        self._frame = frame
        self._event = event

    def get(self, name: str, default: Any = None, /) -> Any:
        value = self._frame.get(name)
        return value if value is not None else self._event.get(name, default)

    def __getitem__(self, name: str) -> str:
        value = self._frame.get(name)
        return value if value is not None else self._event[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._event, **self._frame})

    def __len__(self) -> int:
        return len({**self._event, **self._frame})

    def __repr__(self) -> str:
        return repr({**self._event, **self._frame})


class ESLEvent:
    """One event or reply, with greenswitch's two attributes: `headers` (str to str) and `data`."""

    __slots__ = ("_data", "_headers", "_own", "content_type", "frame")

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.content_type = frame.content_type
        self._headers: Mapping[str, str] | None = None
        self._own: Mapping[str, str] | None = None
        self._data: str | None = None

    @property
    def own(self) -> Mapping[str, str]:
        """The headers of the event itself, without those of the frame that carried it.

        Raises ProtocolError for a JSON event that is not a JSON object.
        """
        if self._own is None:
            if self.content_type == "text/event-plain":
                self._own = HeaderBlock(self.frame.body)
            elif self.content_type == "text/event-json":
                self._own = _from_json(self.frame.body)
            else:
                self._own = HeaderBlock(self.frame.block) if self.frame.encoded else _plain(self.frame.block)
        return self._own

    @property
    def headers(self) -> Mapping[str, str]:
        """All headers, those of the frame first. Raises ProtocolError for a JSON event that is not a JSON object."""
        if self._headers is None:
            own = self.own
            if self.content_type in ("text/event-plain", "text/event-json"):
                own = _Layered(_plain(self.frame.block), own)
            self._headers = own
        return self._headers

    @property
    def name(self) -> str:
        """Event-Name, or "" for what is not an event."""
        return self.own.get("Event-Name", "")

    @property
    def handle(self) -> str:
        """What handlers are registered under: Event-Subclass for CUSTOM, otherwise Event-Name."""
        own = self.own
        name = own.get("Event-Name", "")
        return own.get("Event-Subclass", "") if name == "CUSTOM" else name

    @property
    def data(self) -> str:
        """Body of an event, a log line or an api/response; the Reply-Text of a command/reply. "" without one."""
        if self._data is None:
            self._data = self._read_data()
        return self._data

    @property
    def refused(self) -> bool:
        """Whether this is a command/reply with `-ERR`: the command was not carried out."""
        return self.content_type == "command/reply" and self.data.startswith("-ERR")

    def __repr__(self) -> str:
        return f"<ESLEvent {self.content_type} {self.name if 'event' in self.content_type else ''}>"

    def _read_data(self) -> str:
        if self.content_type == "command/reply":
            return self.own.get("Reply-Text", "").strip()
        if self.content_type == "text/event-json":
            return self.own.get("_body", "")
        body = self.frame.body
        if self.content_type == "text/event-plain":
            body = body.partition(b"\n\n")[2]
        return body.decode("utf-8", "replace")


def _decode(value: bytes) -> str:
    if value == b"_undef_":
        return ""
    return (unquote_to_bytes(value) if b"%" in value else value).decode("utf-8", "replace")


def _plain(block: bytes) -> dict[str, str]:
    """The headers of a frame, whose values FreeSWITCH does not encode. A line without `: ` continues the one before."""
    if usual := EVENT_BLOCK.fullmatch(block):
        return {"Content-Length": usual[1].decode(), "Content-Type": usual[2].decode()}
    found: dict[str, str] = {}
    last, mine = "", False
    for line in block.decode("utf-8", "replace").split("\n"):
        name, colon, value = line.partition(": ")
        if colon:
            mine = name not in found
            last = name
            if mine:
                found[name] = value.strip()
        elif line.endswith(":") and line[:-1] not in found:
            found[line[:-1]] = ""
        elif mine:
            found[last] += "\n" + line
    return found


def _from_json(body: bytes) -> dict[str, str]:
    try:
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            # FreeSWITCH passes on the bytes of a display name whatever their charset is.
            found = orjson.loads(body.decode("utf-8", "replace"))
    except orjson.JSONDecodeError as error:
        raise ProtocolError("An event is not valid JSON.") from error
    if not isinstance(found, dict):
        raise ProtocolError("An event is not a JSON object.")
    if not {str}.issuperset(map(type, found.values())):
        found = {name: value if isinstance(value, str) else _text(value) for name, value in found.items()}
    return found


def _text(value: object) -> str:
    """Several values under one name as the plain form has them: `ARRAY::one|:two`."""
    if isinstance(value, list):
        return "ARRAY::" + "|:".join(item if isinstance(item, str) else _text(item) for item in value)
    return "" if value is None else orjson.dumps(value).decode()
