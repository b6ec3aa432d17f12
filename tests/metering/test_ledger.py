"""Leases of one extension, one step at a time, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, update

from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.metering import renewal, settling
from bizpbx.metering.allowance import UNLIMITED, Allowance
from bizpbx.metering.balance import differences
from bizpbx.metering.lease import LeaseState
from bizpbx.metering.pricing import Rate, cost
from bizpbx.metering.settling import Talk, settle_all
from bizpbx.metering.terms import Denial, Denied, Extended, Granted
from bizpbx.metering.usage import Usage, UsageMonth
from tests.metering.ledger import APRIL, MARCH, MIDNIGHT, NOON, RATE, Ledger, cents, minutes


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


def test_taken_again_it_is_the_same_lease(ledger: Ledger) -> None:
    first = ledger.take("a", minutes(300))
    again = ledger.take("a", minutes(300), NOON + after(5))
    assert isinstance(first, Granted)
    assert again == Granted(first.lease_id, 600, again=True)
    assert ledger.usage().reserved_seconds == 600
    # Once it has ended, or for another number, the name is taken.
    assert ledger.take("a", minutes(300), number="+6561234568") == Denied(Denial.LEG_TAKEN)
    ledger.settle("a", 10)
    assert ledger.take("a", minutes(300)) == Denied(Denial.LEG_TAKEN)
    ledger.check()


def test_settled_again_it_stays_what_it_is(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    first = ledger.settle("a", 61)
    assert ledger.settle("a", 61) == first
    assert ledger.settle("a", 3000) == first
    assert ledger.release("a") == first
    assert ledger.usage().used_seconds == 61
    assert ledger.settle("unknown", 61) is None
    ledger.check()


def test_a_leg_that_talked_longer_is_charged_what_it_talked(ledger: Ledger) -> None:
    ledger.take("a", minutes(1))
    settled = ledger.settle("a", 75)
    assert settled is not None
    assert (settled.seconds, settled.unused) == (75, 0)
    assert ledger.usage().used_seconds == 75
    assert ledger.take("b", minutes(1)) == Denied(Denial.EXHAUSTED)
    ledger.check()


def test_a_record_of_a_leg_that_was_given_up_is_charged(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    ledger.release("a")
    settled = ledger.settle("a", 30)
    assert settled is not None
    assert settled.seconds == 30
    assert ledger.usage() == Usage(30, Decimal(1), 0, Decimal(0))
    ledger.check()


def test_a_small_rest_is_shared_to_its_last_second(ledger: Ledger) -> None:
    given = []
    while seconds := ledger.seconds(str(len(given)), minutes(60)):
        given.append(seconds)
    # The first of many does not take it all, nobody gets a sliver, and nothing is left over.
    assert sum(given) == 3600
    assert given == sorted(given, reverse=True)
    assert given[0] == 450
    assert min(given[:-1]) == 60
    assert len(given) > 20
    ledger.check()


def test_a_small_rest_of_money_is_shared_to_its_last_second(ledger: Ledger) -> None:
    given = []
    while seconds := ledger.seconds(str(len(given)), cents("120")):
        given.append(seconds)
    assert sum(cost(RATE, seconds) for seconds in given) <= 120
    assert sum(given) == pytest.approx(3600, abs=5)
    assert len(given) > 20
    ledger.check()


def test_an_increment_that_is_paid_is_given(ledger: Ledger) -> None:
    # Five seconds would cost the whole minute.
    rate = Rate("65", Decimal(2), first=60, next=60)
    assert ledger.seconds("a", cents("4"), rate=rate) == 60
    assert ledger.seconds("b", cents("4"), rate=rate) == 60
    assert ledger.take("c", cents("4"), rate=rate) == Denied(Denial.EXHAUSTED)
    ledger.check()


def test_less_than_a_connection_costs_is_exhausted(ledger: Ledger) -> None:
    rate = Rate("65", Decimal(2), connection_fee=Decimal(10))
    assert ledger.take("a", cents("10"), rate=rate) == Denied(Denial.EXHAUSTED)
    assert ledger.seconds("b", cents("10.1"), rate=rate) == 3
    ledger.check()


def test_what_has_no_price_is_refused_to_those_who_are_limited_by_amount_alone(ledger: Ledger) -> None:
    assert ledger.take("a", cents("1000"), rate=None) == Denied(Denial.UNPRICED)
    assert ledger.seconds("b", minutes(300), rate=None) == 600
    settled = ledger.settle("b", 60)
    assert settled is not None
    assert (settled.amount, settled.priced) == (Decimal(0), False)
    ledger.check()


def test_an_amount_that_is_used_up_ends_free_calls_too(ledger: Ledger) -> None:
    free = Rate("65800", Decimal(0))
    assert ledger.seconds("a", cents("1"), rate=free) == 600
    assert ledger.take("b", cents("0"), rate=free) == Denied(Denial.EXHAUSTED)
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


def test_extensions_and_months_have_allowances_of_their_own(ledger: Ledger) -> None:
    ledger.take("a", minutes(1), extension="100")
    ledger.settle("a", 60)
    assert ledger.take("b", minutes(1), extension="100") == Denied(Denial.EXHAUSTED)
    assert ledger.seconds("c", minutes(1), extension="101") > 0
    assert ledger.seconds("d", minutes(1), MIDNIGHT) > 0
    ledger.check()


def test_a_lease_that_may_pass_the_first_reserves_in_both_months(ledger: Ledger) -> None:
    # Given 200 s to the end of the month and a minute of ringing,
    assert ledger.seconds("a", minutes(300), MIDNIGHT - after(200)) == 600
    # then all of it may fall into March but 400 s, and all of it but 140 s into April.
    assert ledger.usage(MARCH).reserved_seconds == 200
    assert ledger.usage(APRIL).reserved_seconds == 460
    # Answered 50 s before midnight, it is charged to each what fell into it.
    settled = ledger.settle("a", 80, MIDNIGHT - after(50))
    assert settled is not None
    assert [(one.month, one.seconds) for one in settled.charges] == [(MARCH, 50), (APRIL, 30)]
    assert settled.amount == cost(RATE, 80)
    assert ledger.usage(MARCH).reserved_seconds == ledger.usage(APRIL).reserved_seconds == 0
    ledger.check()


def test_a_new_month_does_not_help_before_it_begins(ledger: Ledger) -> None:
    ledger.take("a", minutes(1))
    ledger.settle("a", 60)
    assert ledger.take("b", minutes(1), MIDNIGHT - after(1)) == Denied(Denial.EXHAUSTED)
    assert ledger.seconds("b", minutes(1), MIDNIGHT) > 0
    ledger.check()


def test_it_is_renewed_at_half_life(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    answered = NOON + after(20)
    # Granted before the answer, it may be looked at when half of it is over at the earliest.
    assert ledger.lease("a").renew_at == NOON + after(300)
    with ledger.database.writing() as session:
        renewal.answered(session, "fs1", "a", answered)
        renewal.answered(session, "fs1", "a", answered + after(9))
        renewal.answered(session, "fs1", "unknown", answered)
    assert ledger.lease("a").answered_at == answered
    assert ledger.lease("a").renew_at == answered + after(300)
    with ledger.database.reading() as session:
        assert renewal.due(session, "fs1", answered + after(299)) == []
        assert [one.leg for one in renewal.due(session, "fs1", answered + after(300))] == ["a"]
        assert renewal.due(session, "fs2", answered + after(300)) == []
        assert [one.leg for one in renewal.open_on(session, "fs1")] == ["a"]
    # When it is renewed, it has ten minutes before it again,
    assert ledger.renew("a", answered, minutes(300), answered + after(300)) == Extended(900, 300)
    assert ledger.lease("a").renew_at == answered + after(600)
    assert ledger.usage().reserved_seconds == 900
    # and once more.
    assert ledger.renew("a", answered, minutes(300), answered + after(600)) == Extended(1200, 300)
    assert ledger.usage() == Usage(0, Decimal(0), 1200, Decimal(40))
    ledger.settle("a", 1000, answered)
    assert ledger.renew("a", answered, minutes(300), answered + after(600)) is None
    ledger.check()


def test_what_is_refused_runs_out_at_what_was_granted_unless_something_comes_back(ledger: Ledger) -> None:
    assert ledger.seconds("a", minutes(3)) == 60
    # Given other calls that hold the rest,
    assert [ledger.seconds(other, minutes(3)) for other in ("b", "c")] == [60, 60]
    assert ledger.renew("a", NOON, minutes(3), NOON + after(30)) == Extended(60, 0)
    # it is looked at again, halfway to its end,
    assert ledger.lease("a").renew_at == NOON + after(45)
    for other in ("b", "c"):
        ledger.release(other)
    # and gets of what came back, until all is gone.
    assert ledger.renew("a", NOON, minutes(3), NOON + after(45)) == Extended(120, 60)
    total, now = 120, NOON + after(45)
    while (renew_at := ledger.lease("a").renew_at) is not None:
        now = renew_at
        renewed = ledger.renew("a", NOON, minutes(3), now)
        assert renewed is not None
        total += renewed.more
    assert total == 180
    assert ledger.usage().reserved_seconds == 180
    ledger.check()


def test_a_renewal_across_midnight_takes_from_the_new_month(ledger: Ledger) -> None:
    # Given a limit of ten minutes, of which March has ten seconds left,
    answered = MIDNIGHT - after(300)
    ledger.take("old", minutes(10))
    ledger.settle("old", 310)
    assert ledger.seconds("a", minutes(10), answered) == 60
    total, now = 60, answered
    while (renew_at := ledger.lease("a").renew_at) is not None:
        now = renew_at
        renewed = ledger.renew("a", answered, minutes(10), now)
        assert renewed is not None
        total += renewed.more
    # then March gives what it has left, to the second, and the call is cut before midnight.
    assert total == 290
    assert ledger.usage(MARCH).reserved_seconds == 290
    assert ledger.usage(APRIL).reserved_seconds == 0
    # With enough left to reach midnight it goes on in April.
    ledger.settle("a", 290, answered)
    assert ledger.seconds("b", minutes(20), answered, slice=240) > 60
    now = answered
    while now < MIDNIGHT and (renew_at := ledger.lease("b").renew_at) is not None:
        now = renew_at
        ledger.renew("b", answered, minutes(20), now, 240)
    assert ledger.usage(APRIL).reserved_seconds > 0
    assert ledger.usage(MARCH).reserved_seconds == 300
    ledger.check()


def test_a_limit_that_was_lowered_takes_nothing_away_and_gives_nothing_more(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    assert ledger.renew("a", NOON, minutes(1), NOON + after(300)) == Extended(600, 0)
    assert ledger.renew("a", NOON, cents("1"), NOON + after(300)) == Extended(600, 0)
    assert ledger.usage().reserved_seconds == 600
    # Without any limit it goes on.
    assert ledger.renew("a", NOON, UNLIMITED, NOON + after(300)) == Extended(900, 300)
    ledger.check()


def test_a_lost_leg_is_settled_by_the_last_word_and_corrected_by_its_record(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    # Given a leg that is gone, and was last seen talking after a minute,
    settled = ledger.presume("a", NOON + after(500), NOON + after(60.4), NOON)
    assert settled is not None
    assert settled.seconds == 60
    assert ledger.lease("a").state is LeaseState.PRESUMED
    ledger.check()
    # the same word changes nothing, nor does a later one;
    assert ledger.presume("a", NOON + after(900), NOON + after(90), NOON) == settled
    # its record does, once.
    corrected = ledger.settle("a", 100)
    assert corrected is not None
    assert corrected.seconds == 100
    assert ledger.usage() == Usage(100, cost(RATE, 100), 0, Decimal(0))
    assert ledger.settle("a", 99) == corrected
    ledger.check()


def test_a_lost_leg_is_charged_no_more_than_it_was_granted(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    ledger.take("b", minutes(300))
    settled = ledger.presume("a", NOON + after(9000), NOON + after(9000))
    assert settled is not None
    assert settled.seconds == 600
    # Never seen talking, it is charged nothing; whether it talked nobody knows.
    assert ledger.presume("b", NOON + after(9000), None) is not None
    assert (ledger.lease("b").state, ledger.lease("b").answered_at) == (LeaseState.PRESUMED, None)
    assert ledger.presume("unknown", NOON, NOON) is None
    ledger.check()


def test_a_leg_that_is_not_on_record_beside_its_call_was_never_dialled(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    ledger.put_on_record(ledger.lease("a").call)
    assert ledger.presume("a", NOON + after(300), None) is not None
    assert ledger.lease("a").state is LeaseState.RELEASED
    ledger.check()
    # Nor does another controller that looks later find it lost.
    ledger.presume("a", NOON + after(400), None)
    assert ledger.lease("a").state is LeaseState.RELEASED


def test_many_are_settled_together_in_as_many_statements_as_one(ledger: Ledger) -> None:
    for position in range(40):
        assert ledger.seconds(str(position), minutes(3000), extension=str(100 + position % 3)) == 600
    talks = [Talk("fs1", str(position), NOON if position % 4 else None, position % 4) for position in range(40)]
    with ledger.database.writing() as session, counted(ledger.database) as statements:
        settled = settle_all(session, [*talks, Talk("fs1", "unknown", None, 0)], NOON)
    assert len(settled) == 40
    assert sum(one.seconds for one in settled.values()) == 60
    assert len(statements) == 5
    with ledger.database.reading() as session:
        assert settle_all(session, talks, NOON) == settled
    ledger.check()


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


def test_a_talk_without_an_answer_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="answered"):
        Talk("fs1", "a", None, 5)
    assert settling.FEW >= 1
    assert Allowance().limited is False


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
