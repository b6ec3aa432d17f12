"""The `socket` application: hands the call to the first controller that accepts, and returns when that one lets go.

Only the sync form is simulated: the controller's commands run in the call's own thread, and when its connection ends,
the next action of the dialplan follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from gevent import socket

from bizpbx.simulator.listener import Listener

if TYPE_CHECKING:
    from bizpbx.simulator.session import Session

DEFAULT_PORT = 8084

log = structlog.get_logger(__name__)


def hand_over(session: Session, data: str) -> None:
    """`socket host:port[|host:port…] [full]`."""
    words = data.split(" ")
    for address in words[0].split("|"):
        host, _, port = address.partition("/")[0].rpartition(":")
        session.channel.set("socket_host", host or port)
        try:
            sock = socket.create_connection((host or port, int(port) if host else DEFAULT_PORT))
        except OSError as error:
            log.info("simulator.controller_unreachable", address=address, error=str(error))
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Listener(session.switch, sock, session, "full" in words[1:]).serve()
        return
