"""An organisation in a fresh database, and the ledger's functions on it, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import event, func, select

from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.metering import renewal, settling
from bizpbx.metering.allowance import Allowance
from bizpbx.metering.balance import differences
from bizpbx.metering.call_record import CallLeg
from bizpbx.metering.lease import Lease, LeaseState
from bizpbx.metering.pricing import Rate
from bizpbx.metering.settling import Talk
from bizpbx.metering.taking import take
from bizpbx.metering.terms import Denied, Draw, Extended, Granted, Settlement, Terms
from bizpbx.metering.usage import Usage, UsageMonth

ZONE = "Asia/Singapore"
NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
"""In Singapore."""
MIDNIGHT = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
"""There the 1st of April begins."""
MARCH, APRIL = "2026-03", "2026-04"
RATE = Rate("65", Decimal(2))
"""Two cents a minute."""
IN_STEPS = Rate("84", Decimal("7.5"), Decimal("1.25"), first=30, next=6)


def minutes(many: int) -> Allowance:
    return Allowance(seconds=60 * many)


def cents(many: str) -> Allowance:
    return Allowance(amount=Decimal(many))


class Ledger:
    """Everything an extension does here is done by 100 of acme.example on the switch `fs1`, unless it is said."""

    def __init__(self, database: Database, organisation_id: int | None = None, switch: str = "fs1") -> None:
        self.database = database
        self.switch = switch
        if organisation_id is None:
            with database.writing() as session:
                owner = Organisation(domain="acme.example", name="Acme", timezone=ZONE, country="SG", currency="SGD")
                session.add(owner)
                session.flush()
                organisation_id = owner.id
        self.organisation_id = organisation_id

    def take(
        self,
        leg: str,
        allowance: Allowance,
        now: datetime = NOON,
        *,
        rate: Rate | None = RATE,
        extension: str = "100",
        ring: int = 60,
        slice: int = 600,
        number: str = "+6561234567",
    ) -> Granted | Denied:
        draw = Draw(
            self.organisation_id, self.switch, leg, f"call-{leg}", extension, number, "SG", "carrier.acme.example"
        )
        with self.database.writing() as session:
            return take(session, draw, Terms(ZONE, rate, allowance, ring, slice), now)

    def seconds(self, leg: str, allowance: Allowance, now: datetime = NOON, **more: object) -> int:
        """What a leg is granted; 0 if it is denied."""
        granted = self.take(leg, allowance, now, **more)  # type: ignore[arg-type]
        return granted.seconds or 0 if isinstance(granted, Granted) else 0

    def renew(
        self, leg: str, answered: datetime, allowance: Allowance, now: datetime, preferred: int = 600
    ) -> Extended | None:
        with self.database.writing() as session:
            return renewal.renew(session, self.switch, leg, answered, allowance, now, preferred)

    def settle(self, leg: str, seconds: int, answered: datetime = NOON) -> Settlement | None:
        talk = Talk(self.switch, leg, answered if seconds else None, seconds)
        with self.database.writing() as session:
            return settling.settle(session, talk, answered + timedelta(seconds=seconds))

    def release(self, leg: str, now: datetime = NOON) -> Settlement | None:
        with self.database.writing() as session:
            return settling.release(session, self.switch, leg, now)

    def presume(
        self, leg: str, now: datetime, until: datetime | None, answered: datetime | None = None
    ) -> Settlement | None:
        with self.database.writing() as session:
            return settling.presume(session, self.switch, leg, now, answered, until)

    def put_on_record(self, call: str) -> None:
        """The leg that a call came in on."""
        leg = CallLeg(
            organisation_id=self.organisation_id,
            switch=self.switch,
            leg=call,
            call=call,
            started=NOON,
            ended=NOON,
            cause="NORMAL_CLEARING",
            caller="100",
            withheld=False,
            dialled="61234567",
            rules="",
            reason="",
        )
        with self.database.writing() as session:
            session.add(leg)

    def usage(self, month: str = MARCH, extension: str = "100") -> Usage:
        with self.database.reading() as session:
            row = session.get(UsageMonth, (self.organisation_id, extension, month))
            if row is None:
                return Usage()
            return Usage(row.used_seconds, row.used_amount, row.reserved_seconds, row.reserved_amount)

    def lease(self, leg: str) -> Lease:
        with self.database.reading() as session:
            return session.execute(select(Lease).where(Lease.switch == self.switch, Lease.leg == leg)).scalar_one()

    def count(self, state: LeaseState | None = None) -> int:
        query = select(func.count(Lease.id)).where(Lease.switch == self.switch)
        with self.database.reading() as session:
            return session.execute(query.where(Lease.state == state) if state else query).scalar_one()

    def check(self) -> None:
        """It adds up."""
        with self.database.reading() as session:
            assert differences(session, self.organisation_id) == []


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that run meanwhile, as they are sent: one for many rows counts as one."""
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, _p: object, _context: object, _many: bool) -> None:
        if not statement.startswith(("BEGIN", "COMMIT")):
            statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)
