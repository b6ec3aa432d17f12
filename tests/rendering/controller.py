"""A controller that dies on purpose: scripts for the connections the switch's `socket` application opens."""

from __future__ import annotations

import socket
import struct
import threading
import uuid
from collections.abc import Callable
from urllib.parse import unquote


class Connection:
    """One outbound event socket, spoken synchronously."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._file = connection.makefile("rwb")

    def connect(self) -> dict[str, str]:
        """The channel's data."""
        self._write("connect\n\n")
        return self._headers()

    def start(self, application: str, argument: str) -> None:
        """Have an application run, without waiting for it."""
        body = argument.encode()
        self._write(
            f"sendmsg\ncall-command: execute\nexecute-app-name: {application}\nEvent-UUID: {uuid.uuid4()}\n"
            f"content-type: text/plain\ncontent-length: {len(body)}\n\n{argument}"
        )

    def execute(self, application: str, argument: str) -> None:
        """Have an application run to its end."""
        self.start(application, argument)
        self._headers()

    def die(self) -> None:
        """End as a killed process does: without a word, and with a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._file.close()
        self._socket.close()

    def _write(self, text: str) -> None:
        self._file.write(text.encode())
        self._file.flush()

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        while line := self._file.readline().decode().strip():
            name, _, value = line.partition(":")
            headers[name] = unquote(value.strip())
        return headers


Script = Callable[[Connection], None]


class Controller:
    """Listens on 127.0.0.1; each connection gets the next script, and none are accepted when there are no more."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.seen: list[dict[str, str]] = []
        self.scripts: list[Script] = []
        self.errors: list[BaseException] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            accepted, _ = self._listener.accept()
            connection = Connection(accepted)
            if not self.scripts:
                connection.die()
                continue
            try:
                self.scripts.pop(0)(connection)
            except BaseException as error:
                self.errors.append(error)
                connection.die()

    def see(self, connection: Connection) -> dict[str, str]:
        """Connect, and remember what the switch told."""
        self.seen.append(connection.connect())
        return self.seen[-1]
