"""The client's end of an event-socket connection, as bare as can be."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import gevent


@dataclass
class Message:
    """Headers as they came, undecoded, and the body."""

    headers: list[tuple[str, str]]
    body: str = ""

    def __getitem__(self, name: str) -> str:
        return unquote(next((value for key, value in self.headers if key == name), ""))

    def __contains__(self, name: str) -> bool:
        return any(key == name for key, _ in self.headers)

    def raw(self, name: str) -> str:
        """A value as it is on the wire."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.headers]


class Client:
    """Reads one message at a time; None is the end of the connection."""

    def __init__(self, sock: Any) -> None:
        self.socket = sock
        self._buffer = b""
        sock.settimeout(10)

    def send(self, *lines: str) -> None:
        self.socket.sendall(("\n".join(lines) + "\n\n").encode())

    def execute(self, application: str, argument: str = "") -> None:
        """Send a `sendmsg execute`; do not wait for its reply."""
        lines = ["sendmsg", "call-command: execute", f"execute-app-name: {application}"]
        self.send(*lines, *([f"execute-app-arg: {argument}"] if argument else []))

    def run(self, application: str, argument: str = "") -> str:
        """Execute an application and give the text of the reply."""
        self.execute(application, argument)
        return self.reply()

    def ask(self, *lines: str) -> str:
        """Send a command and give the text of its reply."""
        self.send(*lines)
        return self.reply()

    def api(self, command: str) -> str:
        """What an api command prints."""
        self.send(f"api {command}")
        message = self.read()
        assert message is not None
        assert message["Content-Type"] == "api/response"
        return message.body

    def reply(self) -> str:
        message = self.read()
        assert message is not None, "the connection has ended"
        assert message["Content-Type"] == "command/reply", message
        return message.raw("Reply-Text")

    def connect(self) -> Message:
        self.send("connect")
        message = self.read()
        assert message is not None
        assert message["Event-Name"] == "CHANNEL_DATA", message
        return message

    def variables(self) -> dict[str, str]:
        """All channel variables, by `connect`."""
        data = self.connect()
        return {name.removeprefix("variable_"): data[name] for name in data.names if name.startswith("variable_")}

    def read(self, timeout: float = 10) -> Message | None:
        """The next message. Raises TimeoutError."""
        self.socket.settimeout(timeout)
        while b"\n\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\n\n")
        pairs = [line.partition(": ") for line in head.decode().split("\n")]
        message = Message([(name, value) for name, _, value in pairs])
        length = 0 if message["Event-Name"] == "CHANNEL_DATA" else int(message["Content-Length"] or 0)
        while len(self._buffer) < length:
            assert self._more(), "the connection ended inside a body"
        message.body = self._buffer[:length].decode()
        self._buffer = self._buffer[length:]
        return message

    def event(self, timeout: float = 10) -> Message | None:
        """The next event, as the message that its body holds."""
        message = self.read(timeout)
        if message is None or not message["Content-Type"].startswith("text/event-"):
            return message
        pairs = [line.partition(": ") for line in message.body.split("\n\n")[0].split("\n")]
        return Message([(name, value) for name, _, value in pairs], message.body.partition("\n\n")[2])

    def close(self) -> None:
        self.socket.close()

    def _more(self) -> bool:
        data = self.socket.recv(65536)
        self._buffer += data
        return bool(data)


def eventually(condition: Callable[[], bool], seconds: float = 3) -> None:
    """Return once something holds; fail if it does not come to."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        gevent.sleep(0.005)


def is_goodbye(message: Message | None) -> bool:
    """Whether this is the notice that the switch closes the connection."""
    return message is not None and message["Content-Disposition"] == "disconnect"
