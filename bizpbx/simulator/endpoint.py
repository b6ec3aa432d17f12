"""A simulated phone or carrier: does with each call what its behaviour says, and remembers what it saw."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import gevent
from gevent.event import Event as Flag

from bizpbx.simulator import causes
from bizpbx.simulator.channel import Channel
from bizpbx.simulator.clock import Clock
from bizpbx.simulator.endpoints import Invite
from bizpbx.testbed.world import BETWEEN_KEYS, COMMA, FIRST_KEY, Behaviour, Incoming

_USER = re.compile(r"sips?:([^@;>]+)@")


@dataclass
class Seen:
    """A call that arrived. `ended_here`: this end said goodbye first."""

    invite: Invite
    leg: Channel
    to_user: str
    told: Flag = field(default_factory=Flag)
    """Set where it is to be answered, and waits to be told."""
    talks: Flag = field(default_factory=Flag)
    """Set when it is answered and the keys of the behaviour have been pressed."""
    ended_here: bool = False

    def hang_up(self) -> None:
        """Say goodbye."""
        self.ended_here = self.leg.up
        self.leg.hang_up("NORMAL_CLEARING", 200)

    def incoming(self) -> Incoming:
        """As the testbed tells it."""
        leg, headers = self.leg, dict(self.invite.headers)
        cancelled = leg.ended.is_set() and not leg.answered.is_set() and not self.ended_here
        return Incoming(
            number=self.invite.number,
            display_name=self.invite.display_name,
            to_user=self.to_user,
            diversion=_user(headers.get("Diversion")),
            privacy=headers.get("Privacy"),
            pai=_user(headers.get("P-Asserted-Identity")),
            rang=leg.ringing.is_set(),
            answered=leg.answered.is_set(),
            cancelled=cancelled,
            cancel_reason=causes.reason(leg.cause) if cancelled else None,
            ended=leg.ended.is_set(),
            headers=self._headers(),
        )

    def _headers(self) -> tuple[tuple[str, str], ...]:
        number, name = self.invite.number, self.invite.display_name
        display = f'"{name}" ' if name else ""
        return (
            ("From", f"{display}<sip:{number}@127.0.0.1>"),
            ("To", f"<sip:{self.to_user}@127.0.0.1>"),
            *self.invite.headers.items(),
        )


class SimulatedEndpoint:
    """What a phone and a carrier have in common. `name` is a phone's user; None takes calls for any."""

    def __init__(self, clock: Clock, behaviour: Behaviour, name: str | None) -> None:
        self.behaviour = behaviour
        self._clock = clock
        self._name = name
        self._seen: list[Seen] = []

    @property
    def incoming(self) -> list[Incoming]:
        """The calls it saw since it was made or last told to forget, in order."""
        return [seen.incoming() for seen in self._seen]

    def forget(self) -> None:
        """Let `incoming` start anew."""
        self._seen.clear()

    def invited(self, leg: Channel, invite: Invite) -> None:
        """Take a call and return at once."""
        seen = Seen(invite, leg, self._name or invite.to_user)
        self._seen.append(seen)
        gevent.spawn(self._take, seen)

    def hang_up_all(self) -> None:
        """Say goodbye to every call that is still there."""
        for seen in self._seen:
            seen.leg.hang_up("NORMAL_CLEARING", 200)

    def _take(self, seen: Seen) -> None:
        behaviour, leg = self.behaviour, seen.leg
        if behaviour.rings:
            leg.ring()
        if behaviour.code is None or not self._is_due(seen):
            return
        code = int(seen.to_user[-3:]) if behaviour.as_dialled else behaviour.code
        if code != 200:
            seen.ended_here = leg.up
            leg.hang_up(causes.from_sip(code), code)
            return
        leg.answer()
        if press(leg, behaviour.keys):
            return
        seen.talks.set()
        if behaviour.talks is not None and not leg.wait(behaviour.talks):
            seen.hang_up()

    def _is_due(self, seen: Seen) -> bool:
        """Wait until the final response is to be given; False if the call is over before."""
        if self.behaviour.after is not None:
            return not seen.leg.wait(self.behaviour.after)
        gevent.wait([seen.told, seen.leg.ended], count=1)
        return not seen.leg.ended.is_set()


def press(leg: Channel, keys: str) -> bool:
    """Key in, with the pauses of the testbed; whether the leg has ended meanwhile."""
    wait = FIRST_KEY
    for key in keys:
        if key == ",":
            wait += COMMA
        elif leg.wait(wait):
            return True
        else:
            leg.key_in(key)
            wait = BETWEEN_KEYS
    return leg.ended.is_set()


def _user(header: str | None) -> str | None:
    found = _USER.search(header or "")
    return found[1] if found else None
