"""Questions about the calls on record of one organisation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from bizpbx.metering.call_record import CallLeg, CallRecord, Direction

CHUNK = 1000
"""Rows that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls; what is None does not matter. Everything there is to ask for is a field here."""

    caller: str | None = None
    """Key or number that called, or the start of it followed by `*`."""
    called: str | None = None
    """Key or number that was called, or that was dialled, in the same way."""
    extension: str | None = None
    """Key of an extension that called, was called or answered."""
    since: datetime | None = None
    """Began then or later."""
    until: datetime | None = None
    """Began before then."""
    cause: str | None = None
    direction: Direction | None = None
    min_talked: int | None = None
    """Seconds."""
    answered: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: after the call that began then and has this number."""

    started: datetime
    id: int


def find(
    session: Session, organisation_id: int, wanted: Wanted, limit: int | None, after: Place | None = None
) -> Iterator[CallRecord]:
    """Calls, the newest first, at most `limit`. Read in parts, so that any number of them can be gone through."""
    left = limit
    place = after
    while left is None or left > 0:
        size = CHUNK if left is None else min(CHUNK, left)
        part = _part(session, organisation_id, wanted, size, place)
        yield from part
        if len(part) < size:
            return
        place = Place(part[-1].started, part[-1].id)
        left = None if left is None else left - len(part)


def _part(
    session: Session, organisation_id: int, wanted: Wanted, size: int, place: Place | None
) -> Sequence[CallRecord]:
    query = (
        select(CallRecord)
        .where(CallRecord.organisation_id == organisation_id, *_conditions(wanted))
        .order_by(CallRecord.started.desc(), CallRecord.id.desc())
        .limit(size)
    )
    if place is not None:
        query = query.where(
            or_(
                CallRecord.started < place.started,
                (CallRecord.started == place.started) & (CallRecord.id < place.id),
            )
        )
    session.expunge_all()
    return session.scalars(query).all()


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.caller is not None:
        yield _like(CallRecord.caller, wanted.caller)
    if wanted.called is not None:
        yield or_(_like(CallRecord.called, wanted.called), _like(CallRecord.dialled, wanted.called))
    if wanted.extension is not None:
        keys = (CallRecord.extension, CallRecord.callee, CallRecord.answered_by)
        yield or_(*(column == wanted.extension for column in keys))
    if wanted.since is not None:
        yield CallRecord.started >= wanted.since
    if wanted.until is not None:
        yield CallRecord.started < wanted.until
    if wanted.cause is not None:
        yield CallRecord.cause == wanted.cause
    if wanted.direction is not None:
        yield CallRecord.direction == wanted.direction
    if wanted.min_talked is not None:
        yield CallRecord.talked >= wanted.min_talked
    if wanted.answered is not None:
        yield CallRecord.answered.is_not(None) if wanted.answered else CallRecord.answered.is_(None)


def _like(column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], text: str) -> ColumnElement[bool]:
    return column.startswith(text[:-1], autoescape=True) if text.endswith("*") else column == text


def call(session: Session, organisation_id: int, name: str) -> tuple[CallRecord, Sequence[CallLeg]] | None:
    """One call by its number in the list or by the switch's name for it, with its legs as they began."""
    own = CallRecord.organisation_id == organisation_id
    which = CallRecord.id == int(name) if name.isascii() and name.isdigit() and len(name) < 19 else None
    record = session.scalars(
        select(CallRecord).where(own, CallRecord.call == name if which is None else which).limit(1)
    ).one_or_none()
    if record is None:
        return None
    legs = session.scalars(
        select(CallLeg)
        .where(
            CallLeg.organisation_id == organisation_id,
            tuple_(CallLeg.switch, CallLeg.call) == (record.switch, record.call),
        )
        .order_by(CallLeg.call != CallLeg.leg, CallLeg.started, CallLeg.id)
    ).all()
    return record, legs
