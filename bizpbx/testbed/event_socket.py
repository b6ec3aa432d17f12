"""Just enough of the event socket to ask a switch something. The controller's own is in bizpbx.freeswitch."""

from __future__ import annotations

import socket

TIMEOUT = 10.0


class EventSocket:
    """An authenticated connection for `api` commands, one at a time. Raises OSError when the switch does not play."""

    def __init__(self, port: int, password: str) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._stream = self._connection.makefile("rb")
        try:
            self._read()
            if "+OK" not in self._ask(f"auth {password}")[0].get("Reply-Text", ""):
                raise ConnectionRefusedError("the password of its event socket is another one")
        except BaseException:
            self.close()
            raise

    def api(self, command: str) -> str:
        """The output of an api command, blocking the connection until it has ended."""
        return self._ask(f"api {command}")[1]

    def close(self) -> None:
        self._stream.close()
        self._connection.close()

    def _ask(self, line: str) -> tuple[dict[str, str], str]:
        if "\n" in line or "\r" in line:
            raise ValueError("a command is one line")
        self._connection.sendall(f"{line}\n\n".encode())
        return self._read()

    def _read(self) -> tuple[dict[str, str], str]:
        headers: dict[str, str] = {}
        while line := self._stream.readline().decode("utf-8", "replace").rstrip("\r\n"):
            name, _, value = line.partition(": ")
            headers[name] = value
        if not headers:
            raise ConnectionResetError("it closed the connection")
        return headers, self._stream.read(int(headers.get("Content-Length", "0"))).decode("utf-8", "replace")
