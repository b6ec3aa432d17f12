"""What a switch put on record about one leg of a call that has ended. No switch's own words, no SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bizpbx.policy.plan import Kept

_SECOND = timedelta(seconds=1)
_HALF = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class LegRecord:
    """One leg. Texts are bounded and hold no control characters; moments are in UTC, exact to the microsecond."""

    switch: str
    """Name of the switch, as it names itself."""
    leg: str
    """The switch's name for the leg, a UUID on FreeSWITCH."""
    call: str
    """Name of the leg that the call came in on; equal to `leg` for that one."""
    organisation: str | None
    """Domain; None if the call became nobody's, such as one to a number that no organisation has."""
    started: datetime
    ended: datetime
    cause: str
    """Hang-up cause in Q.850's names, as the switch spells it."""
    ringing: datetime | None = None
    """When its far end rang, or was first heard."""
    answered: datetime | None = None
    sip_code: int | None = None
    """Final code of the far end, or that it was given; None if SIP did not end the leg."""
    caller: str = ""
    """Key of the extension that calls, or number of the caller as the far end wrote it. On a leg that was called: the
    number that it was shown."""
    withheld: bool = False
    """The caller asked for privacy; `caller` is to be kept to the engineers."""
    dialled: str = ""
    """What the caller asked for. Of a leg that was called: the number that the gateway was asked for, or empty."""
    extension: str | None = None
    """Key of the extension whose device is at the far end."""
    device: str | None = None
    """SIP user of that device."""
    gateway: str | None = None
    """Name on the switch of the gateway that the leg went out through."""
    callee: str | None = None
    """Key of the extension that was called, of the leg that the call came in on."""
    rules: tuple[str, ...] = ()
    """Codes of the rules that decided the call, of the leg that the call came in on; on another leg, those of a
    transfer of it."""
    reason: str = ""
    """The same as sentences."""
    transferred_to: str | None = None
    """Key or number that the user at the far end transferred the call to, which ended this leg."""
    consulted: bool = False
    """Called by a user to ask before he transferred the one whom he had held meanwhile, and not connected with that
    one."""
    kept: Kept | None = None
    """What is to be kept of the call, since nobody took it; of the leg that the call came in on. One that is read
    from the database has none."""

    @property
    def own(self) -> bool:
        """Whether the call came in on this leg."""
        return self.leg == self.call

    @property
    def talked(self) -> int:
        """Talk time in seconds."""
        return talk_time(self.answered, self.ended)


def talk_time(answered: datetime | None, ended: datetime) -> int:
    """Whole seconds from answer to hang-up, rounded to the nearest, at least 1 of an answered leg; 0 of any other.

    >>> talk_time(datetime(2026, 1, 1, 0, 0, 0), datetime(2026, 1, 1, 0, 0, 59, 500_000))
    60
    """
    if answered is None:
        return 0
    return max(1, (ended - answered + _HALF) // _SECOND)
