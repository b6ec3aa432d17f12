"""Mails to who uses up an allowance, and to the organisation: at 80 and 100 per cent, once a month each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, cast

from sqlalchemy import Table, and_, bindparam, select
from sqlalchemy.orm import Session

from bizpbx.directory.extension import Extension
from bizpbx.directory.member import Member
from bizpbx.directory.prepared import Prepared
from bizpbx.mail.alerts import alert
from bizpbx.metering.allowance import allowance_of
from bizpbx.metering.terms import Settlement
from bizpbx.metering.thresholds import TOLD, reached
from bizpbx.metering.usage import TABLE as MONTHS
from bizpbx.metering.usage import Key
from bizpbx.policy.settings import ExtensionType, UsageLimit, UsageLimitKind

USAGE: Final = "usage"


def watch(session: Session, settlements: Iterable[Settlement], now: datetime) -> None:
    """Tell of what these settlements brought over a threshold, in the transaction that settles. One statement where
    there is nothing to tell."""
    keys = {Key(one.organisation_id, one.extension, each.month) for one in settlements for each in one.charges}
    if not keys:
        return
    asked = {
        "organisations": sorted({key.organisation_id for key in keys}),
        "extensions": sorted({key.extension for key in keys}),
        "months": sorted({key.month for key in keys}),
    }
    for month in LIMITED.all(session, asked):
        if Key(month.organisation_id, month.extension, month.month) not in keys:
            continue
        allowance = allowance_of(UsageLimit(month.usage_limit_kind, month.usage_limit_value))
        share = reached(month.used_seconds, month.used_amount, allowance)
        if share is not None:
            tell(session, month.organisation_id, month.extension, month.month, share, month.email, now)


def used_up(session: Session, organisation_id: int, extension: str, month: str, now: datetime) -> None:
    """Tell that a call was refused because nothing is left of the month, in the transaction that refuses it. The rest
    may be less than the shortest call costs, and so never be used."""
    email = session.execute(
        select(Member.email)
        .join(Extension, Extension.assignee_id == Member.id)
        .where(Extension.organisation_id == organisation_id, Extension.key == extension)
    ).scalar_one_or_none()
    tell(session, organisation_id, extension, month, TOLD[0], email, now)


def tell(
    session: Session, organisation_id: int, extension: str, month: str, share: int, email: str | None, now: datetime
) -> None:
    details = {"extension": extension, "month": month, "share": share}
    also = (email,) if email is not None else ()
    alert(session, organisation_id, f"{USAGE}-{share}/{extension}/{month}", USAGE, details, now, also)


EXTENSIONS = cast("Table", Extension.__table__)
MEMBERS = cast("Table", Member.__table__)

LIMITED = Prepared(
    select(
        MONTHS.c.organisation_id,
        MONTHS.c.extension,
        MONTHS.c.month,
        MONTHS.c.used_seconds,
        MONTHS.c.used_amount,
        EXTENSIONS.c.usage_limit_kind,
        EXTENSIONS.c.usage_limit_value,
        MEMBERS.c.email,
    )
    .join(
        EXTENSIONS,
        and_(EXTENSIONS.c.organisation_id == MONTHS.c.organisation_id, EXTENSIONS.c.key == MONTHS.c.extension),
    )
    .outerjoin(MEMBERS, MEMBERS.c.id == EXTENSIONS.c.assignee_id)
    .where(
        MONTHS.c.organisation_id.in_(bindparam("organisations", expanding=True)),
        MONTHS.c.extension.in_(bindparam("extensions", expanding=True)),
        MONTHS.c.month.in_(bindparam("months", expanding=True)),
        EXTENSIONS.c.type == ExtensionType.NORMAL,
        EXTENSIONS.c.usage_limit_kind != UsageLimitKind.NONE,
        EXTENSIONS.c.usage_limit_value.is_not(None),
    )
    .order_by(MONTHS.c.organisation_id, MONTHS.c.extension, MONTHS.c.month)
)
