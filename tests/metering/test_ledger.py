"""A lease from its grant to its end, and what all of them come to together."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import event, update

from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.metering import renewal
from bizpbx.metering.allowance import UNLIMITED
from bizpbx.metering.balance import differences
from bizpbx.metering.lease import LeaseState
from bizpbx.metering.terms import Denial, Denied, Granted
from bizpbx.metering.usage import Usage, UsageMonth
from tests.metering.ledger import APRIL, MARCH, NOON, Ledger, counted, minutes


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_what_is_granted_is_reserved_and_what_is_not_talked_is_given_back(ledger: Ledger) -> None:
    # Given a call that is granted ten minutes of many,
    assert isinstance(granted := ledger.take("a", minutes(300)), Granted)
    assert granted.seconds == 600
    assert ledger.usage() == Usage(0, Decimal(0), 600, Decimal(20))
    # when it ends after 90 seconds,
    settled = ledger.settle("a", 90)
    # then it has used those, and nothing is reserved any more.
    assert settled is not None
    assert (settled.seconds, settled.amount, settled.unused, settled.priced) == (90, Decimal(3), 510, True)
    assert ledger.usage() == Usage(90, Decimal(3), 0, Decimal(0))
    assert ledger.lease("a").state is LeaseState.SETTLED
    ledger.check()


def test_a_leg_that_is_never_answered_costs_nothing(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    settled = ledger.release("a")
    assert settled is not None
    assert (settled.charges, settled.unused) == ((), 600)
    assert ledger.usage() == Usage()
    assert ledger.lease("a").state is LeaseState.RELEASED
    ledger.check()


def test_extensions_without_a_limit_have_leases_and_usage_too(ledger: Ledger) -> None:
    granted = ledger.take("a", UNLIMITED)
    assert isinstance(granted, Granted)
    assert granted.seconds is None
    assert ledger.usage() == Usage()
    assert ledger.renew("a", NOON, UNLIMITED, NOON + after(300)) is None
    settled = ledger.settle("a", 86_400 * 30)
    assert settled is not None
    assert settled.unused is None
    # March has 31 days; noon of the 10th is twenty-one and a half days before its end.
    assert [charge.month for charge in settled.charges] == [MARCH, APRIL]
    assert ledger.usage(MARCH).used_seconds == 86_400 * 43 // 2
    assert ledger.usage(APRIL).used_seconds == 86_400 * 17 // 2
    ledger.check()


def test_statements_are_few(ledger: Ledger) -> None:
    for leg in ("first", "other"):  # the first of a month makes its row
        ledger.take(leg, minutes(300))
    for what, most in (
        (lambda: ledger.take("a", minutes(300)), 5),
        (lambda: ledger.take("a", minutes(300)), 2),
        (lambda: ledger.take("b", UNLIMITED), 3),
        (lambda: ledger.renew("a", NOON, minutes(300), NOON + after(300)), 7),
        (lambda: ledger.settle("a", 20), 5),
        (lambda: ledger.settle("b", 20), 5),
        (lambda: ledger.release("other"), 4),
    ):
        with counted(ledger.database) as statements:
            what()
        assert len(statements) == most, statements


def test_what_does_not_add_up_is_told(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    with ledger.database.writing() as session:
        session.execute(update(UsageMonth).values(reserved_seconds=599, used_seconds=3))
    with ledger.database.reading() as session:
        (found,) = differences(session, ledger.organisation_id)
    assert found.key == (ledger.organisation_id, "100", MARCH)
    assert (found.told.used_seconds, found.told.reserved_seconds) == (3, 599)
    assert (found.found.used_seconds, found.found.reserved_seconds) == (0, 600)


def test_organisations_do_not_share(ledger: Ledger) -> None:
    with ledger.database.writing() as session:
        session.add(Organisation(domain="other.example", name="Other", timezone="UTC", country="SG", currency="SGD"))
        session.flush()
    other = Ledger(ledger.database, ledger.organisation_id + 1)
    ledger.take("a", minutes(1))
    ledger.settle("a", 60)
    assert other.seconds("b", minutes(1)) == 60
    # A leg that is another organisation's is never taken over.
    assert other.take("a", minutes(1)) == Denied(Denial.LEG_TAKEN)
    assert other.usage().used_seconds == 0
    ledger.check()
    other.check()


def test_no_table_is_read_from_end_to_end(sqlite_database: Database) -> None:
    """However many leases and charges there are of years before, a step of one leg looks at that leg's. SQLite plans
    alike for tables of any size."""
    ledger = Ledger(sqlite_database)
    plans: set[str] = set()

    def note(connection: Any, _cursor: object, statement: str, parameters: Any, _context: object, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            cursor = connection.connection.driver_connection.cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters[0] if many else parameters)
            plans.update(detail for *_, detail in cursor)

    event.listen(ledger.database.engine, "before_cursor_execute", note)
    ledger.take("a", minutes(300))
    ledger.renew("a", NOON, minutes(300), NOON + after(300))
    ledger.presume("a", NOON + after(900), NOON + after(90), NOON)
    ledger.settle("a", 100)
    ledger.settle("a", 100)
    with ledger.database.reading() as session:
        renewal.due(session, "fs1", NOON)
        renewal.open_on(session, "fs1")
    event.remove(ledger.database.engine, "before_cursor_execute", note)
    assert any(plan.startswith("SEARCH charge") for plan in plans)
    assert {plan for plan in plans if plan.startswith("SCAN")} == {"SCAN CONSTANT ROW"}
