"""The HTTP server under the application: gevent's, with the two things changed that cost it most.

A switch asks on a connection of its own for each call. gevent has the headers of a request parsed as those of a mail,
and sends the head of an answer apart from its body, which wakes the switch twice.
"""

from __future__ import annotations

from typing import Any
from wsgiref.types import WSGIApplication

from gevent.pywsgi import WSGIHandler, WSGIServer

MOST_HEADERS = 100
LONGEST_LINE = 64 * 1024
"""Bytes."""


class Headers:
    """The headers of a request, with what gevent's handler asks of them. Of several with one name the first counts for
    the handler; the application gets all."""

    def __init__(self, lines: Any) -> None:
        """Reads up to the empty line. `status` says what is wrong, and is empty if nothing is."""
        self.status = ""
        self.headers: list[str] = []
        self._values: dict[str, str] = {}
        while (line := lines.readline(LONGEST_LINE + 1)) not in (b"\r\n", b"\n", b""):
            name, colon, value = line.decode("latin-1").partition(":")
            if len(line) > LONGEST_LINE or len(self.headers) >= MOST_HEADERS:
                self.status = "Too much in the headers"
                return
            # No blank may stand before the colon, nor a line be continued: what is in front of us would read it in
            # another way (RFC 9112, 5.1 and 5.2).
            if not colon or name != name.strip() or not name:
                self.status = "Malformed header"
                return
            self.headers.append(f"{name}: {value.strip()}\r\n")
            self._values.setdefault(name.lower(), value.strip())

    @property
    def typeheader(self) -> str | None:
        return self.get("content-type")

    def get(self, name: str, default: str | None = None) -> str | None:
        return self._values.get(name.lower(), default)

    def getheader(self, name: str, default: str | None = None) -> str | None:
        return self.get(name, default)

    def __delitem__(self, name: str) -> None:
        """Raises KeyError if there is none."""
        del self._values[name.lower()]
        self.headers = [one for one in self.headers if one.partition(":")[0].lower() != name.lower()]


# What gevent calls a part that may be subclassed with care has no types.
_WSGIHandler: Any = WSGIHandler


class Handler(_WSGIHandler):  # type: ignore[misc]  # a base without types, see above
    _held: bytearray | None = None
    """What is to be sent in one go."""

    def MessageClass(self, *_: object) -> Headers:  # noqa: N802 - gevent's name
        return Headers(self.rfile)

    def _write_with_headers(self, data: bytes) -> None:
        self._held = bytearray()
        super()._write_with_headers(data)
        held, self._held = self._held, None
        self._sendall(held)

    def _sendall(self, data: bytes | bytearray) -> None:
        if self._held is None:
            super()._sendall(data)
        else:
            self._held += data


def server(address: tuple[str, int], app: WSGIApplication, errors: Any) -> WSGIServer:
    """Not started yet. `errors` has a `write` for what goes wrong in a request."""
    return WSGIServer(address, app, log=None, error_log=errors, handler_class=Handler)
