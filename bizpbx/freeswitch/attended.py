"""The other side of a conversation is held while its user calls somebody, and is sent there when the user hangs up.

One command to the switch sends both legs to contexts of their own; from then on the dialplan does what it can without
us (consulting.py). Just before it the hook is set that sends the other side on when the user hangs up: whoever keys in
a number and hangs up at once would leave it held otherwise, with nobody to fetch it. Where the command is not carried
out the dialplan of the code takes the hook off again.
"""

from __future__ import annotations

from collections.abc import Mapping

from bizpbx.calls.call import Arrival
from bizpbx.freeswitch.arrival import (
    HOLDS,
    TRANSFERRED_BY,
    TRANSFERS,
    consulting_context,
    far_end,
    request_of,
    transferred_context,
)
from bizpbx.freeswitch.consulting import HELD, HELD_BY, HOOK
from bizpbx.freeswitch.talk import MOST_TRANSFERS, TO, FreeSwitchTalk, number_of
from bizpbx.policy.request import FromConsultation, FromDevice

HOLDING = "held"
"""Extension of the context for the leg that is held."""


class AttendedTalk(FreeSwitchTalk):
    """Implements `bizpbx.calls.transfer.Talk`: the number is called by the user himself."""

    def send_on(self, number: str) -> bool:
        """Hold the other side, and call. False: it is not there any more."""
        if number_of(number) is None or self._partner() is None or self.own.transfers >= MOST_TRANSFERS:
            return False
        here, other, organisation = self.own.id, self._other, self.own.organisation or ""
        context = consulting_context(organisation)
        # Sent here once, and on from here once more. Held only from there on, whatever was before.
        noted = f"{TRANSFERRED_BY}={self._by};{TRANSFERS}={self._transfers + 2};{HELD_BY}={here};{HELD}="
        self._api(f"uuid_setvar_multi {other} {noted}")
        hook = f"uuid_transfer {other} {number} XML {transferred_context(organisation)}"
        own = {TO: number, HOLDS: other, TRANSFERS: str(self.own.transfers + 1), HOOK: hook}
        self._tell(lambda: self._session.set_variables(own))
        sent = self._api(f"uuid_dual_transfer {here} {number}/XML/{context} {HOLDING}/XML/{context}")
        return sent.startswith("+OK")

    def _asked(self, by: FromDevice, other: Mapping[str, str], organisation: str, number: str) -> Arrival:
        return Arrival(
            id=self.own.id,
            organisation=organisation,
            source="",
            request=request_of(self._data, FromConsultation(by, far_end(other)), number),
            switch=self.own.switch,
            device=True,
            holds=self._other,
            transfers=self.own.transfers + 1,
        )
