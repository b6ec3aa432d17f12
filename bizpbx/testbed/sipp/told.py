"""What a SIPp that has a call is told to do: by requests of our own, which no SIP has, under the Call-ID of the call.

Each is sent when the scenario can take it, as its messages show, and what it leads to is waited for.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from bizpbx.testbed.sipp import record
from bizpbx.testbed.sipp.log import Logged
from bizpbx.testbed.sipp.message import SipMessage
from bizpbx.testbed.sipp.process import HOST, Sipp
from bizpbx.testbed.world import Behaviour

PATIENCE: Final = 20.0
"""Seconds until it can be done, and until it is done: on a machine that is busy, too."""
FIRST: Final = 100
"""Above the CSeq of all requests that a scenario sends by itself."""
KEPT: Final = ("Via", "Record-Route", "From", "To", "Call-ID")

Dialog = list[Logged]


class Told:
    """The newest call of a phone or carrier that is not over."""

    def __init__(self, sipp: Sipp, behaviour: Behaviour) -> None:
        self._sipp = sipp
        self._rings = behaviour.rings
        self._keys = len(behaviour.keys.replace(",", ""))

    def answer(self) -> None:
        self._wait(lambda: _said(self._dialog(), 180 if self._rings else None), "ringing")
        self._tell("ANSWER")
        self._wait(lambda: record.seen_by_callee(self._newest()).answered or not self._dialog(), "answering")

    def press(self, keys: str) -> None:
        for key in keys:
            self._wait(lambda: talks(self._dialog(), self._keys), "talking")
            self._tell("PRESS", f"Signal: {key}")
            self._wait(lambda: not self._dialog() or talks(self._dialog(), self._keys), f"pressing {key}")

    def hang_up(self) -> None:
        self._wait(lambda: talks(self._dialog(), self._keys), "talking")
        self._tell("HANGUP")
        self._wait(lambda: not self._dialog(), "hanging up")

    def _newest(self) -> Dialog:
        calls = [one for one in record.dialogs(self._sipp.messages) if record.is_request(one[0], "INVITE", sent=False)]
        return calls[-1] if calls else []

    def _dialog(self) -> Dialog:
        """Empty once it is over."""
        newest = self._newest()
        return [] if newest and record.seen_by_callee(newest).ended else newest

    def _tell(self, method: str, *more: str) -> None:
        dialog = self._newest()
        number = FIRST + len(_requests(dialog, "PRESS"))
        tell(self._sipp, method, number, dialog[0].message, more)

    def _wait(self, true: Callable[[], bool], what: str) -> None:
        self._sipp.wait_until(true, PATIENCE, what)


def hang_up(sipp: Sipp, keys: str) -> None:
    """The one call that this SIPp has placed, with `keys` to key in while talking."""
    count = len(keys.replace(",", ""))

    def over() -> bool:
        return any(record.is_request(entry, "BYE") for entry in sipp.messages)

    sipp.wait_until(lambda: over() or talks(list(sipp.messages), count), PATIENCE, "talking")
    if not over():
        tell(sipp, "HANGUP", FIRST, next(e.message for e in sipp.messages if _is_answer(e)))
    sipp.wait_until(over, PATIENCE, "hanging up")


def tell(sipp: Sipp, method: str, number: int, like: SipMessage, more: tuple[str, ...] = ()) -> None:
    """Send a request with the headers of a message of its dialog."""
    kept = [f"{name}: {value}" for name, value in like.headers if name in KEPT]
    lines = [f"{method} sip:{HOST} SIP/2.0", *kept, f"CSeq: {number} {method}", *more, "Content-Length: 0", "", ""]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto("\r\n".join(lines).encode(), (HOST, sipp.port))


def talks(dialog: Dialog, keys: int) -> bool:
    """Whether the call is up, nothing of it is under way, and so many keys of the scenario's own have been taken."""
    invites, confirmed = ({e.message.cseq[0] for e in _requests(dialog, method)} for method in ("INVITE", "ACK"))
    taken = {entry.message.cseq[0] for entry in dialog if entry.message.status and entry.message.cseq[1] == "INFO"}
    wanted = keys + len(_requests(dialog, "PRESS"))
    return any(map(_is_answer, dialog)) and invites <= confirmed and len(taken) >= wanted


def _requests(dialog: Dialog, method: str) -> Dialog:
    return [entry for entry in dialog if record.is_request(entry, method)]


def _is_answer(entry: Logged) -> bool:
    return entry.message.status == 200 and entry.message.cseq[1] == "INVITE"


def _said(dialog: Dialog, status: int | None) -> bool:
    return bool(dialog) and (status is None or any(entry.message.status == status for entry in dialog))
