"""The inbound event socket: clients connect, give the password, send commands and receive events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gevent import socket
from gevent.pool import Pool
from gevent.server import StreamServer

from bizpbx.simulator.listener import Listener

if TYPE_CHECKING:
    from bizpbx.simulator.core import Core


class EslServer:
    """Listens from `start` on; `port` is the one that was taken where 0 was asked for."""

    def __init__(self, switch: Core, host: str = "127.0.0.1", port: int = 0) -> None:
        self._switch = switch
        self._clients = Pool()
        self._server = StreamServer((host, port), self._serve, spawn=self._clients)

    @property
    def address(self) -> tuple[str, int]:
        return str(self._server.server_host), int(self._server.server_port or 0)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        """Stop listening and cut all clients."""
        self._server.stop(timeout=0)
        self._clients.kill()

    def _serve(self, sock: Any, address: object) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Listener(self._switch, sock).serve()
