"""A conversation on FreeSWITCH in which a code was keyed in: the Talk interface on a sync outbound socket. Here its
other side is sent on at once; attended.py has it held first.

The `socket` application runs on the leg of the device, in the middle of its bridge; the other leg is held by the
switch meanwhile. When this controller goes away, the dialplan of the code goes on, and at its end the two talk on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import orjson

from bizpbx.calls.call import Arrival, CallGone
from bizpbx.freeswitch.arrival import (
    TRANSFERRED_BY,
    TRANSFERS,
    arrival_of,
    far_end,
    held_by,
    request_of,
    transferred_context,
    transfers_of,
)
from bizpbx.freeswitch.consulting import HELD, HOOK
from bizpbx.freeswitch.esl import NotConnectedError, OutboundSession, OutboundSessionHasGoneAway
from bizpbx.freeswitch.transfer_keys import ATTENDED
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.request import FromDevice, FromTransfer
from bizpbx.prompts import Prompts

CODE: Final = "bizpbx_transfer"
"""On the leg of a device from the code on until it is done with: which code it was."""

TO: Final = "bizpbx_transferred_to"
"""On the leg of a device that has transferred its call, or is going to: the key or number; the record of the leg has it
if the call was transferred."""

DIGITS: Final = "bizpbx_digits"

MOST_TRANSFERS: Final = 8
"""Of one leg. The switch itself ends one that is sent on more often than `max_session_transfers`."""

ENTRY_LIMIT: Final = 120.0
ANNOUNCEMENT_LIMIT: Final = 60.0

_LEG: Final = re.compile(r"[0-9a-f-]{36}")
_NUMBER: Final = re.compile(r"[0-9]{1,24}")
_DEVICE: Final = re.compile(r"[0-9]{2,6}-[a-z_]+")
_DOMAIN: Final = re.compile(r"[a-z0-9.-]+")


T = TypeVar("T")


def is_talk(data: Mapping[str, str]) -> bool:
    """Whether the switch hands over a leg in the middle of a conversation."""
    return bool(data.get(f"variable_{CODE}"))


def number_of(keyed: str) -> str | None:
    """A number or key that was keyed in; None of anything else."""
    return keyed if _NUMBER.fullmatch(keyed) else None


def is_attended(data: Mapping[str, str]) -> bool:
    """Whether the code is that of an attended transfer."""
    return data.get(f"variable_{CODE}") == ATTENDED


class FreeSwitchTalk:
    """Implements `bizpbx.calls.transfer.Talk`. Build it after `session.connect()`."""

    def __init__(self, session: OutboundSession, prompts: Prompts) -> None:
        self._session = session
        self._prompts = prompts
        data = session.session_data
        if data is None:
            raise CallGone
        self._data: Mapping[str, str] = data
        self.own = arrival_of(data)
        self._other = ""
        self._by = ""
        self._transfers = 0

    def ask_number(self) -> str:
        path = self._prompts.path(Prompt.ENTER_NUMBER)
        asked = f"1 24 1 5000 # {path} silence_stream://10 {DIGITS}"
        self._execute("play_and_get_digits", asked, ENTRY_LIMIT)
        self._data = self._tell(self._session.refresh)
        digits = self._data.get(f"variable_{DIGITS}", "")
        # A star is in no number: whoever keys it in has thought better of it.
        return number_of(digits) or ""

    def arrival(self, number: str) -> Arrival | None:
        by = far_end(self._data)
        organisation = self.own.organisation or ""
        if not isinstance(by, FromDevice) or not _DEVICE.fullmatch(by.sip_user) or not _DOMAIN.fullmatch(organisation):
            return None
        other = self._partner()
        if other is None:
            return None
        self._other, self._by = other["Unique-ID"], by.sip_user
        self._transfers = transfers_of(other)
        return self._asked(by, other, organisation, number)

    def _asked(self, by: FromDevice, other: Mapping[str, str], organisation: str, number: str) -> Arrival:
        return Arrival(
            id=self._other,
            organisation=organisation,
            source="",
            request=request_of(other, FromTransfer(by.sip_user, far_end(other)), number),
            switch=self.own.switch,
            transfers=self._transfers + 1,
        )

    def announce(self, prompt: Prompt) -> None:
        self._execute("playback", str(self._prompts.path(prompt)), ANNOUNCEMENT_LIMIT)

    def send_on(self, number: str) -> bool:
        if number_of(number) is None or self._partner() is None:
            return False
        other, context = self._other, transferred_context(self.own.organisation or "")
        # What an attended transfer that came to nothing has left on the two is not to be done any more.
        self._tell(lambda: self._session.set_variables({TO: number, HOOK: ""}))
        noted = f"{TRANSFERRED_BY}={self._by};{TRANSFERS}={self._transfers + 1};{HELD}=;{HOOK}="
        self._api(f"uuid_setvar_multi {other} {noted}")
        if self._api(f"uuid_transfer {other} {number} XML {context}").startswith("+OK"):
            return True
        self._tell(lambda: self._session.set_variables({TO: ""}))
        return False

    def done(self) -> None:
        self._tell(lambda: self._session.set_variables({CODE: ""}))

    def _partner(self) -> dict[str, str] | None:
        """The leg that this one talks with, if it is answered, of the same call, talks with nobody else, has nobody
        else held and may be transferred once more."""
        here, there = self._data.get("Unique-ID", ""), self._data.get("variable_signal_bond", "")
        call = self._data.get("variable_bizpbx_call")
        if not _LEG.fullmatch(there) or not call:
            return None
        dump = self._api(f"uuid_dump {there} json")
        if dump.startswith("-"):
            return None
        other: dict[str, str] = orjson.loads(dump)
        fits = (
            other.get("Answer-State") == "answered"
            and other.get("variable_signal_bond") == here
            and other.get("variable_bizpbx_call") == call
            and held_by(other) in (None, here)
            and transfers_of(other) < MOST_TRANSFERS
        )
        return other if fits else None

    def _execute(self, app: str, arg: str, deadline: float) -> None:
        self._tell(lambda: self._session.execute(app, arg, deadline=deadline))

    def _api(self, command: str) -> str:
        return self._tell(lambda: self._session.api(command))

    def _tell(self, command: Callable[[], T]) -> T:
        try:
            return command()
        except (OutboundSessionHasGoneAway, NotConnectedError):
            raise CallGone from None
