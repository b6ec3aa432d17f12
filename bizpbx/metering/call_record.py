"""Calls on record: their legs for engineers, and one row a call for people. Rows are added, and a call's row is brought
up to date as its legs come in.

Extensions are named by their keys, so that the record outlives them.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import cast

from sqlalchemy import Index, String, Table, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bizpbx.directory.base import Base, MinorUnits, Owned, UtcDateTime, choice


class Direction(StrEnum):
    """Seen from the organisation."""

    INTERNAL = "internal"
    INCOMING = "incoming"
    OUTGOING = "outgoing"


class CallLeg(Owned, Base):
    """One leg that has ended, as its switch put it on record. bizpbx/metering/leg.py says what each field is."""

    __tablename__ = "call_leg"
    __table_args__ = (UniqueConstraint("switch", "leg"), Index(None, "switch", "call"))

    switch: Mapped[str] = mapped_column(String(64))
    leg: Mapped[str] = mapped_column(String(64))
    call: Mapped[str] = mapped_column(String(64))
    started: Mapped[datetime] = mapped_column(UtcDateTime)
    ringing: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended: Mapped[datetime] = mapped_column(UtcDateTime)
    cause: Mapped[str] = mapped_column(String(40))
    sip_code: Mapped[int | None]
    caller: Mapped[str] = mapped_column(String(64))
    withheld: Mapped[bool]
    dialled: Mapped[str] = mapped_column(String(64))
    extension: Mapped[str | None] = mapped_column(String(6))
    device: Mapped[str | None] = mapped_column(String(64))
    gateway: Mapped[str | None] = mapped_column(String(64))
    callee: Mapped[str | None] = mapped_column(String(6))
    rules: Mapped[str] = mapped_column(Text)
    """Codes, separated by spaces."""
    reason: Mapped[str] = mapped_column(Text)
    transferred_to: Mapped[str | None] = mapped_column(String(64))
    consulted: Mapped[bool] = mapped_column(default=False)


class CallRecord(Owned, Base):
    """One call. bizpbx/metering/summary.py makes it of the legs."""

    __tablename__ = "call_record"
    __table_args__ = (UniqueConstraint("switch", "call"), Index(None, "organisation_id", "started"))

    switch: Mapped[str] = mapped_column(String(64))
    call: Mapped[str] = mapped_column(String(64))
    direction: Mapped[Direction] = mapped_column(choice(Direction))
    caller: Mapped[str | None] = mapped_column(String(64))
    """Key, or number in E.164 where it can be read; None of a withheld caller."""
    called: Mapped[str] = mapped_column(String(64))
    """Key, or number in E.164 where it can be read."""
    dialled: Mapped[str] = mapped_column(String(64))
    """What the caller keyed in."""
    extension: Mapped[str | None] = mapped_column(String(6))
    """Key of the extension that called."""
    callee: Mapped[str | None] = mapped_column(String(6))
    """Key of the extension that was called."""
    answered_by: Mapped[str | None] = mapped_column(String(64))
    """Key of the extension, or number, that answered."""
    started: Mapped[datetime] = mapped_column(UtcDateTime)
    answered: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended: Mapped[datetime] = mapped_column(UtcDateTime)
    rang: Mapped[int]
    """Seconds from the first ring to the answer, or to the end."""
    talked: Mapped[int]
    """Seconds."""
    cause: Mapped[str] = mapped_column(String(40))
    sip_code: Mapped[int | None]
    rules: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    transfers: Mapped[str] = mapped_column(Text)
    """Who transferred it and where to, in order: `101>102 102>+6591234567`."""
    cost: Mapped[Decimal | None] = mapped_column(MinorUnits)
    """Minor units of the organisation's currency; None of a call that is not charged."""
    priced: Mapped[bool]
    """Whether every number that was charged had a rate; `cost` is too little otherwise."""


CALL_LEG = cast("Table", CallLeg.__table__)
CALL_RECORD = cast("Table", CallRecord.__table__)
