"""A call as it arrives, before anything is decided. Built by the switch's adapter from facts the switch vouches for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class FromDevice:
    """A call placed by one of the organisation's own devices, authenticated by the switch as `sip_user`."""

    sip_user: str
    secure: bool = False
    """It came over TLS, and its media are encrypted."""


@dataclass(frozen=True, slots=True)
class FromTrunk:
    """A call that came in through a gateway. `number` and `name` are the caller's own words: untrusted text."""

    number: str | None
    name: str = ""
    withheld: bool = False
    diverted_by: tuple[str, ...] = ()
    """Users of the Diversion headers the call carried, newest first, as they came: untrusted text."""
    gateway: str | None = None
    """Name of the gateway that it can be of alone, by its account or its address; None: it cannot be told."""


@dataclass(frozen=True, slots=True)
class FromTransfer:
    """The other side of a conversation, which the user of one of the organisation's devices sends on."""

    by: str
    """SIP user of that device, as the switch authenticated or called it."""
    party: FromDevice | FromTrunk
    """Who is sent on. Of somebody outside who was called, `number` is the one that was asked for."""


@dataclass(frozen=True, slots=True)
class FromConsultation:
    """The user of a device who has the other side of a conversation held, and calls somebody to ask first."""

    by: FromDevice
    party: FromDevice | FromTrunk | None = None
    """Who is held; None where the switch does not say, which is when the call has been decided once."""


@dataclass(frozen=True, slots=True)
class Request:
    """`dialled` is what the caller asked for, or who transfers: untrusted text."""

    caller: FromDevice | FromTrunk | FromTransfer | FromConsultation
    dialled: str
    chance: int = 0
    """What random choices of this call come from; the same for a call that is decided again."""
    moment: datetime | None = None
    """When the call came in, with its time zone; the same for a call that is decided again. None: not known."""
