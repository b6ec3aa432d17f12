"""What a SIPp that has a call is told to do: by requests of our own, which no SIP has, under the Call-ID of the call.

Each is sent when the scenario can take it, as its messages show, and what it leads to is waited for.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Final

from bizpbx.testbed.sipp import record
from bizpbx.testbed.sipp.log import Logged
from bizpbx.testbed.sipp.message import SipMessage
from bizpbx.testbed.sipp.process import HOST, Sipp
from bizpbx.testbed.world import BETWEEN_KEYS, Behaviour

PATIENCE: Final = 20.0
"""Seconds until it can be done, and until it is done: on a machine that is busy, too."""
FIRST: Final = 100
"""CSeq, above all that a scenario keys in by itself."""
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
            time.sleep(BETWEEN_KEYS)
            self._wait(lambda: talks(self._dialog(), self._keys), "talking")
            count = pressed(self._newest())
            self._tell("PRESS", f"Signal: {key}")
            self._wait(lambda: not self._dialog() or taken(self._newest()) > self._keys + count, f"pressing {key}")  # noqa: B023 - at once

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
        tell(self._sipp, method, FIRST + pressed(dialog), dialog[0].message, more)

    def _wait(self, true: Callable[[], bool], what: str) -> None:
        self._sipp.wait_until(true, PATIENCE, what)


class ToldCaller:
    """The one call that a SIPp has placed, with `talking` to key in by itself."""

    def __init__(self, sipp: Sipp, talking: str) -> None:
        self._sipp = sipp
        self._keys = len(talking.replace(",", ""))

    def press(self, keys: str) -> None:
        for key in keys:
            time.sleep(BETWEEN_KEYS)
            self._wait(lambda: talks(self._dialog(), self._keys), "talking")
            count = pressed(self._dialog())
            self._tell("PRESS", f"Signal: {key}")
            self._wait(lambda: self._is_over() or taken(self._dialog()) > self._keys + count, f"pressing {key}")  # noqa: B023 - at once

    def hang_up(self) -> None:
        self._wait(lambda: self._is_over() or talks(self._dialog(), self._keys), "talking")
        if not self._is_over():
            self._tell("HANGUP")
        self._wait(self._is_over, "hanging up")

    def _dialog(self) -> Dialog:
        return list(self._sipp.messages)

    def _is_over(self) -> bool:
        return bool(_requests(self._dialog(), "BYE"))

    def _tell(self, method: str, *more: str) -> None:
        answer = next(entry.message for entry in self._dialog() if _is_answer(entry))
        tell(self._sipp, method, FIRST + pressed(self._dialog()), answer, more)

    def _wait(self, true: Callable[[], bool], what: str) -> None:
        self._sipp.wait_until(true, PATIENCE, what)


def tell(sipp: Sipp, method: str, number: int, like: SipMessage, more: tuple[str, ...] = ()) -> None:
    """Send a request with the headers of a message of its dialog."""
    kept = [f"{name}: {value}" for name, value in like.headers if name in KEPT]
    lines = [f"{method} sip:{HOST} SIP/2.0", *kept, f"CSeq: {number} {method}", *more, "Content-Length: 0", "", ""]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto("\r\n".join(lines).encode(), (HOST, sipp.port))


def talks(dialog: Dialog, keys: int) -> bool:
    """Whether the call is up, nothing of it is under way, and so many keys of the scenario's own have been taken."""
    invites, confirmed = ({e.message.cseq[0] for e in _requests(dialog, method)} for method in ("INVITE", "ACK"))
    return any(map(_is_answer, dialog)) and invites <= confirmed and taken(dialog) >= keys + pressed(dialog)


def pressed(dialog: Dialog) -> int:
    """How many keys it was told to press."""
    return len(_requests(dialog, "PRESS"))


def taken(dialog: Dialog) -> int:
    """How many keys, of its own and told, have been confirmed by the switch."""
    return len({entry.message.cseq[0] for entry in dialog if entry.message.status and entry.message.cseq[1] == "INFO"})


def _requests(dialog: Dialog, method: str) -> Dialog:
    return [entry for entry in dialog if record.is_request(entry, method)]


def _is_answer(entry: Logged) -> bool:
    return entry.message.status == 200 and entry.message.cseq[1] == "INVITE"


def _said(dialog: Dialog, status: int | None) -> bool:
    return bool(dialog) and (status is None or any(entry.message.status == status for entry in dialog))
