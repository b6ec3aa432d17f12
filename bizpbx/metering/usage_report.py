"""What each extension of an organisation has used of a month, beside what it may."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from bizpbx.directory.extension import Extension
from bizpbx.metering.usage import UsageMonth
from bizpbx.policy.settings import UsageLimitKind


@dataclass(frozen=True, slots=True)
class ExtensionUsage:
    """One extension in one month. Amounts in minor units, limits as `limit_kind` says: minutes, or minor units."""

    key: str
    label: str | None
    """None: it has calls on record and is no extension any more."""
    limit_kind: UsageLimitKind
    limit: Decimal | None
    used_seconds: int
    used_amount: Decimal
    reserved_seconds: int
    reserved_amount: Decimal

    @property
    def share(self) -> Fraction | None:
        """What is used of the limit, 1 for all of it; None without a limit. More than 1 is what was talked over it."""
        return self._share(self.used_seconds, self.used_amount)

    @property
    def promised(self) -> Fraction | None:
        """What calls under way may still use of it."""
        return self._share(self.reserved_seconds, self.reserved_amount)

    def _share(self, seconds: int, amount: Decimal) -> Fraction | None:
        if self.limit is None or self.limit_kind is UsageLimitKind.NONE:
            return None
        used = Fraction(seconds, 60) if self.limit_kind is UsageLimitKind.MINUTES else Fraction(amount)
        return used / Fraction(self.limit) if self.limit else Fraction(int(used > 0))


def usage(session: Session, organisation_id: int, month: str, key: str | None = None) -> list[ExtensionUsage]:
    """Extensions by key: all that there are, and those that used something in that month and are gone."""
    mine = and_(UsageMonth.organisation_id == organisation_id, UsageMonth.month == month)
    used = {row.extension: row for row in session.scalars(select(UsageMonth).where(mine))}
    extensions = {
        row.key: row
        for row in session.execute(
            select(Extension.key, Extension.label, Extension.usage_limit_kind, Extension.usage_limit_value).where(
                Extension.organisation_id == organisation_id
            )
        )
    }
    found = []
    for one in sorted({*used, *extensions} if key is None else {key} & {*used, *extensions}):
        extension, row = extensions.get(one), used.get(one)
        found.append(
            ExtensionUsage(
                key=one,
                label=None if extension is None else extension.label,
                limit_kind=UsageLimitKind.NONE if extension is None else extension.usage_limit_kind,
                limit=None if extension is None else extension.usage_limit_value,
                used_seconds=0 if row is None else row.used_seconds,
                used_amount=Decimal(0) if row is None else row.used_amount,
                reserved_seconds=0 if row is None else row.reserved_seconds,
                reserved_amount=Decimal(0) if row is None else row.reserved_amount,
            )
        )
    return found
