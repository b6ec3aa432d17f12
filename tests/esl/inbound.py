"""An InboundESL connected to a peer that does as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bizpbx.freeswitch.esl import (
    ESLEvent,
    InboundESL,
)
from bizpbx.freeswitch.esl_wire import Frame

from .peer import Peer, Switch, plain_event


@contextmanager
def connected(script: Callable[[Peer], object], **options: Any) -> Iterator[InboundESL]:
    """A client that has signed in to a switch which then runs `script`."""

    def serve(peer: Peer) -> None:
        peer.sign_in()
        script(peer)

    options = {"keepalive": None, "reply_deadline": 2.0, **options}
    with Switch(serve) as switch:
        client = InboundESL("127.0.0.1", switch.port, "secret", 2.0, **options)
        client.connect()
        try:
            yield client
        finally:
            client.close()


def answer_all(peer: Peer) -> None:
    while peer.command():
        peer.reply()


def silent(peer: Peer) -> None:
    while peer.command():
        pass


def event(number: int, channel: str = "c", size: int = 0) -> ESLEvent:
    data = plain_event({"Event-Name": "X", "Unique-ID": channel, "Number": str(number), "Fill": "x" * size})
    return ESLEvent(Frame("text/event-plain", b"Content-Type: text/event-plain", data.partition(b"\n\n")[2]))
