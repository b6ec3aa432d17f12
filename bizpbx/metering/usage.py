"""What an extension has talked outside in a month, and what its calls under way may still talk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, cast

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from bizpbx.directory.base import Base, MinorUnits
from bizpbx.directory.prepared import Prepared
from bizpbx.metering.allowance import Allowance, Part


class UsageMonth(Base):
    """`month` is `YYYY-MM` in the organisation's zone: a month begins with a row of its own. `used` is the sum of the
    charges, `reserved` that of the grants of leases that are open; seconds and minor units.

    The extension is named by its key, so that what it used outlives it. The row is also the lock of the extension's
    ledger: whoever takes, renews or settles holds it.
    """

    __tablename__ = "usage_month"
    __table_args__ = (
        CheckConstraint("used_seconds >= 0 AND used_amount >= 0", name="used"),
        CheckConstraint("reserved_seconds >= 0 AND reserved_amount >= 0", name="reserved"),
    )

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    extension: Mapped[str] = mapped_column(String(6), primary_key=True)
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    used_seconds: Mapped[int] = mapped_column(BigInteger, default=0)
    used_amount: Mapped[Decimal] = mapped_column(MinorUnits, default=Decimal(0))
    reserved_seconds: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_amount: Mapped[Decimal] = mapped_column(MinorUnits, default=Decimal(0))


class Usage(NamedTuple):
    """What is used and what is reserved of a month: whole seconds, and minor units."""

    used_seconds: int = 0
    used_amount: Decimal = Decimal(0)
    reserved_seconds: int = 0
    reserved_amount: Decimal = Decimal(0)

    @property
    def holds_back(self) -> bool:
        """Whether calls under way hold a part, of which some may be given back."""
        return bool(self.reserved_seconds or self.reserved_amount)

    def left(self, allowance: Allowance) -> Part:
        """What may still be granted, less than nothing if more was talked than allowed. What is not limited is not
        told: it is nothing."""
        seconds, amount = allowance.seconds, allowance.amount
        return Part(
            seconds - self.used_seconds - self.reserved_seconds if seconds is not None else 0,
            amount - self.used_amount - self.reserved_amount if amount is not None else Decimal(0),
        )


class Key(NamedTuple):
    """Of a row. Whoever locks several does so in this order."""

    organisation_id: int
    extension: str
    month: str


@dataclass(slots=True)
class Change:
    """What is to be added to a row; less than nothing takes away."""

    used_seconds: int = 0
    used_amount: Decimal = Decimal(0)
    reserved_seconds: int = 0
    reserved_amount: Decimal = Decimal(0)


def locked(session: Session, organisation_id: int, extension: str, months: Iterable[str]) -> dict[str, Usage]:
    """The usage of an extension in these months, by month, held until the transaction ends. Rows that are not there yet
    are made."""
    wanted = sorted(set(months))
    ours = {"organisation_id": organisation_id, "extension": extension}
    # Around midnight of the 1st there are two. The query sees no row that was made while it waited, and would hold the
    # second month without the first: so both are held one after the other, for a statement more.
    found = _locked(session, ours, wanted) if len(wanted) == 1 else {}
    if len(found) < len(wanted):
        hold(session, [Key(organisation_id, extension, month) for month in wanted])
        found = _locked(session, ours, wanted)
    return found


def hold(session: Session, keys: Iterable[Key]) -> None:
    """Hold rows until the transaction ends, one after the other in their order, and make those that are not there yet.

    Made first and held later, a row of a new month would be held before those of the old one: whoever holds these and
    needs the new one, too, would wait in a circle.
    """
    rows = [{**key._asdict(), **Usage()._asdict()} for key in sorted(set(keys))]
    if rows:
        made = inserting(session, TABLE)
        # To change nothing is what locks a row that is there.
        same = {"used_seconds": TABLE.c.used_seconds}
        session.connection().execute(made.on_conflict_do_update(index_elements=list(Key._fields), set_=same), rows)


def reserve(session: Session, key: Key, more: Part, allowance: Allowance) -> bool:
    """Reserve so much more of a month if what is used and reserved stays within the allowance with it, in one
    statement. Less than nothing gives back, and always succeeds. Returns whether it was done."""
    most_seconds = allowance.seconds if more.seconds > 0 else None
    most_amount = allowance.amount if more.amount > 0 else None
    done = RESERVE.run(
        session,
        {
            **_named(key),
            "more_seconds": more.seconds,
            "more_amount": more.amount,
            "most_seconds": NO_LIMIT if most_seconds is None else most_seconds,
            "most_amount": Decimal(NO_LIMIT) if most_amount is None else most_amount,
        },
    )
    return done == 1


def add(session: Session, changes: Mapping[Key, Change]) -> None:
    """Add to rows that are there, in their order, so that nobody waits in a circle."""
    rows = [
        {
            **_named(key),
            "more_used_seconds": changes[key].used_seconds,
            "more_used_amount": changes[key].used_amount,
            "more_reserved_seconds": changes[key].reserved_seconds,
            "more_reserved_amount": changes[key].reserved_amount,
        }
        for key in sorted(changes)
    ]
    ADD.run_each(session, rows)


def inserting(session: Session, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what to do with a row that is there: the same words, in two dialects of SQLAlchemy."""
    return postgresql.insert(table) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(table)


def _locked(session: Session, ours: dict[str, Any], months: list[str]) -> dict[str, Usage]:
    return {row.month: Usage(*row[1:]) for row in LOCKED.all(session, {**ours, "months": months})}


def _named(key: Key) -> dict[str, Any]:
    return {"of_organisation": key.organisation_id, "of_extension": key.extension, "of_month": key.month}


TABLE = cast("Table", UsageMonth.__table__)
NO_LIMIT = 10**14
"""More than any month comes to, and still a BIGINT in ten-thousandths."""

LOCKED = Prepared(
    select(
        TABLE.c.month,
        TABLE.c.used_seconds,
        TABLE.c.used_amount,
        TABLE.c.reserved_seconds,
        TABLE.c.reserved_amount,
    )
    .where(
        TABLE.c.organisation_id == bindparam("organisation_id"),
        TABLE.c.extension == bindparam("extension"),
        TABLE.c.month.in_(bindparam("months", expanding=True)),
    )
    .order_by(TABLE.c.month)
    .with_for_update()
)

ONE = (
    (TABLE.c.organisation_id == bindparam("of_organisation"))
    & (TABLE.c.extension == bindparam("of_extension"))
    & (TABLE.c.month == bindparam("of_month"))
)

RESERVE = Prepared(
    TABLE.update()
    .where(
        ONE,
        TABLE.c.used_seconds + TABLE.c.reserved_seconds + bindparam("more_seconds", type_=BigInteger)
        <= bindparam("most_seconds", type_=BigInteger),
        TABLE.c.used_amount + TABLE.c.reserved_amount + bindparam("more_amount", type_=MinorUnits)
        <= bindparam("most_amount", type_=MinorUnits),
    )
    .values(
        reserved_seconds=TABLE.c.reserved_seconds + bindparam("more_seconds", type_=BigInteger),
        reserved_amount=TABLE.c.reserved_amount + bindparam("more_amount", type_=MinorUnits),
    )
)

ADD = Prepared(
    TABLE.update()
    .where(ONE)
    .values(
        {column: TABLE.c[column] + bindparam(f"more_{column}", type_=TABLE.c[column].type) for column in Usage._fields}
    )
)
