"""Mails to who uses up an allowance, and to the organisation: at 80 and 100 per cent, once a month each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from bizpbx.directory.extension import Extension
from bizpbx.directory.member import Member
from bizpbx.mail.alerts import alert
from bizpbx.metering.allowance import allowance_of
from bizpbx.metering.terms import Settlement
from bizpbx.metering.thresholds import TOLD, reached
from bizpbx.metering.usage import Key, UsageMonth
from bizpbx.policy.settings import ExtensionType, UsageLimit, UsageLimitKind

USAGE: Final = "usage"


def watch(session: Session, settlements: Iterable[Settlement], now: datetime) -> None:
    """Tell of what these settlements brought over a threshold, in the transaction that settles. One statement where
    there is nothing to tell."""
    keys = {Key(one.organisation_id, one.extension, each.month) for one in settlements for each in one.charges}
    if not keys:
        return
    found = session.execute(
        select(UsageMonth, Extension.usage_limit_kind, Extension.usage_limit_value, Member.email)
        .join(
            Extension,
            and_(Extension.organisation_id == UsageMonth.organisation_id, Extension.key == UsageMonth.extension),
        )
        .outerjoin(Member, Member.id == Extension.assignee_id)
        .where(
            UsageMonth.organisation_id.in_({key.organisation_id for key in keys}),
            UsageMonth.extension.in_({key.extension for key in keys}),
            UsageMonth.month.in_({key.month for key in keys}),
            Extension.type == ExtensionType.NORMAL,
            Extension.usage_limit_kind != UsageLimitKind.NONE,
            Extension.usage_limit_value.is_not(None),
        )
        .order_by(UsageMonth.organisation_id, UsageMonth.extension, UsageMonth.month)
        .execution_options(populate_existing=True)
    )
    for month, kind, value, email in found.all():
        if value is None or Key(month.organisation_id, month.extension, month.month) not in keys:
            continue
        share = reached(month.used_seconds, month.used_amount, allowance_of(UsageLimit(kind, value)))
        if share is not None:
            tell(session, month.organisation_id, month.extension, month.month, share, email, now)


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
