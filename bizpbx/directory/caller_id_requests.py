"""Caller IDs that are asked for: typed in by a user, approved or refused by the operator (product §5).

Until a request is approved the extension presents what it presented before. An approved number is presented with the
mode `request`, as long as the approval stands and the number is no DID of anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from bizpbx import validation
from bizpbx.directory import recording
from bizpbx.directory.caller_id import CallerIdRequest, RequestState
from bizpbx.directory.database import Database
from bizpbx.directory.export import find
from bizpbx.directory.extension import Extension
from bizpbx.directory.member import Member
from bizpbx.directory.number import Number
from bizpbx.directory.recording import Change
from bizpbx.errors import NotFound, Refused
from bizpbx.policy.settings import CallerIdMode

if TYPE_CHECKING:
    from bizpbx.directory.base import AnyRow


@dataclass(frozen=True, slots=True)
class Request:
    """`key` asks to present `number` (E.164). Times are UTC."""

    key: str
    number: str
    state: RequestState
    requested_at: datetime
    requested_by: str
    decided_at: datetime | None
    decided_by: str | None


def requests(session: Session, domain: str, states: Iterable[RequestState] = tuple(RequestState)) -> list[Request]:
    """The organisation's requests, the oldest first. Raises NotFound."""
    query = (
        select(
            Extension.key,
            CallerIdRequest.number,
            CallerIdRequest.state,
            CallerIdRequest.requested_at,
            CallerIdRequest.requested_by,
            CallerIdRequest.decided_at,
            CallerIdRequest.decided_by,
        )
        .join(Extension, Extension.id == CallerIdRequest.extension_id)
        .where(CallerIdRequest.organisation_id == find(session, domain), CallerIdRequest.state.in_(tuple(states)))
        .order_by(CallerIdRequest.requested_at, CallerIdRequest.id)
    )
    return [Request(*row) for row in session.execute(query)]


def request(database: Database, domain: str, key: str, number: str, *, actor: str, at: datetime) -> Request:
    """Ask for a number; one that was refused may be asked for again. What is presented stays as it is.

    Raises InvalidText, NotFound, or Refused if the number needs no asking, was asked for, or is somebody else's.
    """
    number = validation.e164(number)
    with database.writing() as session:
        extension = locked(session, domain, key)
        owner = session.scalar(select(Number.organisation_id).where(Number.e164 == number))
        if owner == extension.organisation_id or extension.mobile == number:
            raise Refused(
                f"{number} needs no asking for; `bizpbx extension set {key} caller_id.number={number}` presents it."
            )
        check_free(number, owner)
        known = stored(session, extension, number)
        if known is not None and known.state is not RequestState.REFUSED:
            raise Refused(f"{key} has asked for {number} already: it is {known.state}.")
        asked = {"state": RequestState.PENDING, "requested_at": at, "requested_by": actor}
        nobody = {"decided_at": None, "decided_by": None}
        if known is None:
            values = {"organisation_id": extension.organisation_id, "extension_id": extension.id, "number": number}
            session.execute(insert(CallerIdRequest).values(**values, **asked, **nobody))
        else:
            session.execute(update(CallerIdRequest).where(CallerIdRequest.id == known.id).values(**asked, **nobody))
        record(session, extension, number, known.state if known else None, RequestState.PENDING, actor, at)
    return Request(key, number, RequestState.PENDING, at, actor, None, None)


def approve(database: Database, domain: str, key: str, number: str, *, actor: str, at: datetime) -> Request:
    """Let the extension present the number it asked for, and present it from the next call on.

    Raises NotFound, or Refused if the request is no longer open or the number is somebody's DID by now.
    """
    with database.writing() as session:
        extension = locked(session, domain, key)
        known = open_request(session, extension, number, (RequestState.PENDING,))
        check_free(number, session.scalar(select(Number.organisation_id).where(Number.e164 == number)))
        decide(session, known.id, RequestState.APPROVED, actor, at)
        present(session, extension, number, known.state, RequestState.APPROVED, number, actor, at)
    return Request(key, number, RequestState.APPROVED, known.requested_at, known.requested_by, at, actor)


def refuse(database: Database, domain: str, key: str, number: str, *, actor: str, at: datetime) -> Request:
    """Refuse a number, or take its approval back; then the extension presents the main number until it chooses again.

    Raises NotFound, or Refused if it is refused already.
    """
    with database.writing() as session:
        extension = locked(session, domain, key)
        known = open_request(session, extension, number, (RequestState.PENDING, RequestState.APPROVED))
        decide(session, known.id, RequestState.REFUSED, actor, at)
        taken_back = extension.caller_id_number == number and known.state is RequestState.APPROVED
        shown = None if taken_back else extension.caller_id_number
        present(session, extension, number, known.state, RequestState.REFUSED, shown, actor, at)
    return Request(key, number, RequestState.REFUSED, known.requested_at, known.requested_by, at, actor)


def locked(session: Session, domain: str, key: str) -> AnyRow:
    """The extension, with the organisation held. Raises NotFound."""
    organisation_id = find(session, domain)
    recording.lock(session, domain.lower())
    query = (
        select(
            Extension.id,
            Extension.key,
            Extension.organisation_id,
            Extension.caller_id_mode,
            Extension.caller_id_number,
            Member.mobile,
        )
        .outerjoin(Member, Member.id == Extension.assignee_id)
        .where(Extension.organisation_id == organisation_id, Extension.key == key)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("extension", key, "`bizpbx extension list` shows all.")
    return found


def stored(session: Session, extension: AnyRow, number: str) -> AnyRow | None:
    query = select(CallerIdRequest.__table__).where(
        CallerIdRequest.organisation_id == extension.organisation_id,
        CallerIdRequest.extension_id == extension.id,
        CallerIdRequest.number == number,
    )
    return session.execute(query).one_or_none()


def open_request(session: Session, extension: AnyRow, number: str, states: tuple[RequestState, ...]) -> AnyRow:
    """Raises NotFound, or Refused if it is in none of these states."""
    known = stored(session, extension, number)
    if known is None:
        raise NotFound("request", f"{extension.key} {number}", "`bizpbx caller-id list` shows all.")
    if known.state not in states:
        raise Refused(f"The request of {extension.key} for {number} is {known.state} already.")
    return known


def check_free(number: str, owner: int | None) -> None:
    """A DID is its owner's. Whose it is stays unsaid."""
    if owner is not None:
        raise Refused(f"{number} is not available as a requested caller ID; it is somebody's DID.")


def decide(session: Session, request_id: int, state: RequestState, actor: str, at: datetime) -> None:
    decided = {"state": state, "decided_at": at, "decided_by": actor}
    session.execute(update(CallerIdRequest).where(CallerIdRequest.id == request_id).values(**decided))


def present(
    session: Session,
    extension: AnyRow,
    asked: str,
    before: RequestState,
    after: RequestState,
    number: str | None,
    actor: str,
    at: datetime,
) -> None:
    """Put the decision on record, with what the extension presents from now on."""
    mode = CallerIdMode.REQUEST if after is RequestState.APPROVED else extension.caller_id_mode
    session.execute(
        update(Extension).where(Extension.id == extension.id).values(caller_id_mode=mode, caller_id_number=number)
    )
    more = [
        Change("extension", extension.key, field, old, new)
        for field, old, new in (
            ("caller_id.mode", str(extension.caller_id_mode), str(mode)),
            ("caller_id.number", extension.caller_id_number, number),
        )
        if old != new
    ]
    record(session, extension, asked, before, after, actor, at, *more)


def record(
    session: Session,
    extension: AnyRow,
    number: str,
    before: RequestState | None,
    after: RequestState,
    actor: str,
    at: datetime,
    *more: Change,
) -> None:
    change = Change("caller-id", extension.key, number, str(before) if before else None, str(after))
    recording.record(session, extension.organisation_id, [change, *more], actor, at)
