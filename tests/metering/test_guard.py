"""The guard against toll fraud, at the ledger: what it counts, what it forgets, and that no two calls share a place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.metering.allowance import UNLIMITED, Allowance
from bizpbx.metering.guard import MEMORY, PROBATION, QUIET, WINDOW, Traffic, judge
from bizpbx.metering.guard_record import GuardCountry, GuardRefusal
from bizpbx.metering.guarding import CALLS_AND_COUNTRIES
from bizpbx.metering.lease import Lease, LeaseState
from bizpbx.metering.taking import take
from bizpbx.metering.terms import Denial, Denied, Draw, Granted, Terms
from bizpbx.policy.settings import Guard
from tests.metering.ledger import MIDNIGHT, NOON, RATE, ZONE, Ledger, counted, minutes

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
NUMBERS = {"SG": "+6561234567", "SG-PREMIUM": "+6519001234567"}
STANDARD = Guard()
CALLS, COUNTRIES = Denied(Denial.TOO_MANY_CALLS), Denied(Denial.TOO_MANY_NEW_COUNTRIES)


def call(
    ledger: Ledger,
    leg: str,
    country: str = "SG",
    now: datetime = NOON,
    *,
    of: str = "",
    guard: Guard = STANDARD,
    extension: str = "100",
    allowance: Allowance = UNLIMITED,
) -> Granted | Denied:
    """A leg of the call `of` (one of its own, unless it is said), under the limits of an organisation at home in SG."""
    number = NUMBERS.get(country, "+84937712345")
    draw = Draw(ledger.organisation_id, "fs1", leg, of or f"call-{leg}", extension, number, country, "carrier")
    terms = Terms(ZONE, RATE, allowance, guard=guard, home="SG")
    with ledger.database.writing() as session:
        return take(session, draw, terms, now)


def goes(ledger: Ledger, leg: str, country: str = "SG", now: datetime = NOON, **more: object) -> bool:
    return isinstance(call(ledger, leg, country, now, **more), Granted)  # type: ignore[arg-type]


def why(answer: Granted | Denied) -> Denial | None:
    return answer.reason if isinstance(answer, Denied) else None


def refusals(ledger: Ledger) -> list[tuple[str, str, str, int]]:
    with ledger.database.reading() as session:
        found = session.scalars(select(GuardRefusal).order_by(GuardRefusal.country, GuardRefusal.reason))
        return [(row.extension, row.country, row.reason, row.times) for row in found]


limits = st.none() | st.integers(0, 5)
traffics = st.builds(Traffic, st.integers(0, 8), st.booleans(), st.integers(0, 8))


@given(limits, limits, traffics)
def test_a_call_that_is_let_through_is_within_both_limits(calls: int | None, new: int | None, seen: Traffic) -> None:
    through = judge(Guard(calls, new), seen) is None
    within_calls = calls is None or seen.calls + 1 <= calls
    within_countries = new is None or not seen.new_country or seen.new_country_calls + 1 <= new
    assert through == (within_calls and within_countries)


def test_a_fifth_call_waits_until_one_has_ended(ledger: Ledger) -> None:
    # Given four calls that ring or talk,
    assert all(goes(ledger, leg) for leg in "abcd")
    # when there is a fifth, it is refused, and those of others are not.
    assert why(call(ledger, "e")) is Denial.TOO_MANY_CALLS
    assert goes(ledger, "f", extension="101")
    # Then one ends: after a talk, or without an answer.
    ledger.settle("a", 30)
    assert goes(ledger, "g")
    assert why(call(ledger, "h")) is Denial.TOO_MANY_CALLS
    ledger.release("b")
    assert goes(ledger, "h")
    assert refusals(ledger) == [("100", "SG", "too-many-calls", 2)]
    ledger.check()


def test_the_legs_of_a_call_count_once(ledger: Ledger) -> None:
    one = Guard(1, 1)
    assert goes(ledger, "a", "VN", guard=one)
    # Another gateway for the same call, and the same leg asked for again by another controller.
    assert goes(ledger, "b", "VN", of="call-a", guard=one)
    assert goes(ledger, "a", "VN", of="call-a", guard=one)
    assert why(call(ledger, "c", "SG", guard=one)) is Denial.TOO_MANY_CALLS
    ledger.release("a")
    assert why(call(ledger, "c", "SG", guard=one)) is Denial.TOO_MANY_CALLS
    ledger.release("b")
    assert goes(ledger, "c", "SG", guard=one)


def test_a_fourth_new_country_within_an_hour_is_refused(ledger: Ledger) -> None:
    for position, country in enumerate(("VN", "SATELLITE", "SG-PREMIUM")):
        assert goes(ledger, country, country, NOON + position * MINUTE)
        ledger.settle(country, 30, NOON + position * MINUTE)
    later = NOON + 10 * MINUTE
    # The home country is never new, others have an hour of their own, and one short call makes no country known.
    assert why(call(ledger, "a", "AF", later)) is Denial.TOO_MANY_NEW_COUNTRIES
    assert goes(ledger, "b", "SG", later)
    assert why(call(ledger, "c", "VN", later)) is Denial.TOO_MANY_NEW_COUNTRIES
    assert goes(ledger, "d", "AF", later, extension="101")
    assert refusals(ledger) == [(*one, "too-many-new-countries", 1) for one in (("100", "AF"), ("100", "VN"))]
    # An hour after the first of them there is a place again: one.
    assert why(call(ledger, "a", "AF", NOON + WINDOW - SECOND)) is Denial.TOO_MANY_NEW_COUNTRIES
    assert goes(ledger, "a", "AF", NOON + WINDOW)
    assert why(call(ledger, "e", "MM", NOON + WINDOW)) is Denial.TOO_MANY_NEW_COUNTRIES


def test_a_country_is_known_from_a_day_to_thirty_days_after_a_call_that_was_charged(ledger: Ledger) -> None:
    one = Guard(None, 1)
    assert goes(ledger, "a", "VN", guard=one)
    # Neither a call under way nor one that nobody answered makes it known; the latter does not count either.
    assert why(call(ledger, "b", "VN", guard=one)) is Denial.TOO_MANY_NEW_COUNTRIES
    ledger.release("a")
    assert goes(ledger, "b", "VN", guard=one)
    ledger.settle("b", 5)
    none = Guard(None, 0)
    assert why(call(ledger, "c", "VN", NOON + PROBATION - SECOND, guard=none)) is Denial.TOO_MANY_NEW_COUNTRIES
    assert goes(ledger, "c", "VN", NOON + PROBATION, guard=none)
    ledger.release("c")
    assert goes(ledger, "d", "VN", NOON + MEMORY - SECOND, guard=none)
    assert why(call(ledger, "e", "VN", NOON + MEMORY, guard=none)) is Denial.TOO_MANY_NEW_COUNTRIES


def test_a_country_that_an_admin_let_through_is_not_new(ledger: Ledger) -> None:
    with ledger.database.writing() as session:
        session.add(
            GuardCountry(organisation_id=ledger.organisation_id, extension="100", country="VN", allowed_at=NOON)
        )
    none = Guard(None, 0)
    assert goes(ledger, "a", "VN", NOON + MINUTE, guard=none)
    assert why(call(ledger, "b", "VN", NOON + MINUTE, guard=none, extension="101")) is Denial.TOO_MANY_NEW_COUNTRIES
    assert why(call(ledger, "c", "AF", NOON + MINUTE, guard=none)) is Denial.TOO_MANY_NEW_COUNTRIES
    assert why(call(ledger, "d", "VN", NOON + MEMORY, guard=none)) is Denial.TOO_MANY_NEW_COUNTRIES


def test_nothing_is_none_and_off_is_everything(ledger: Ledger) -> None:
    assert why(call(ledger, "a", guard=Guard(0, 3))) is Denial.TOO_MANY_CALLS
    off = Guard(None, None)
    assert all(goes(ledger, str(n), country, guard=off) for n, country in enumerate(["SG", "VN", "AF", "MM"] * 3))


def test_the_guard_stands_before_the_allowance_and_beside_it(ledger: Ledger) -> None:
    assert all(goes(ledger, leg, allowance=minutes(300)) for leg in "abcd")
    assert why(call(ledger, "e", allowance=minutes(300))) is Denial.TOO_MANY_CALLS
    ledger.settle("a", 60)
    assert why(call(ledger, "e", allowance=minutes(0))) is Denial.EXHAUSTED
    assert goes(ledger, "e", allowance=minutes(300))
    ledger.check()


def test_one_alarm_for_an_attack_and_another_after_a_quiet_day(ledger: Ledger) -> None:
    none = Guard(0, 0)
    first, second = (call(ledger, leg, guard=none) for leg in "ab")
    assert (first, second) == (Denied(Denial.TOO_MANY_CALLS, alert=True), CALLS)
    last = NOON + QUIET
    assert call(ledger, "c", now=last, guard=none) == CALLS
    assert refusals(ledger) == [("100", "SG", "too-many-calls", 3)]
    assert call(ledger, "d", now=last + QUIET + SECOND, guard=none) == Denied(Denial.TOO_MANY_CALLS, alert=True)
    assert refusals(ledger) == [("100", "SG", "too-many-calls", 1)]
    assert call(ledger, "e", "VN", guard=Guard(None, 0)) == Denied(Denial.TOO_MANY_NEW_COUNTRIES, alert=True)
    assert call(ledger, "f", "VN", guard=Guard(None, 0)) == COUNTRIES


def test_other_organisations_are_neither_counted_nor_held(ledger: Ledger, database: Database) -> None:
    with database.writing() as session:
        bravo = Organisation(domain="bravo.example", name="Bravo", timezone=ZONE, country="SG", currency="SGD")
        session.add(bravo)
        session.flush()
        neighbour = Ledger(database, bravo.id)
    one = Guard(1, 1)
    assert goes(ledger, "a", "VN", guard=one)
    assert goes(neighbour, "b", "VN", guard=one)
    assert not goes(neighbour, "c", "VN", guard=one)


@pytest.mark.parametrize(
    ("country", "guard", "statements"),
    [("SG", Guard(), 4), ("VN", Guard(), 4), ("SG", Guard(None, 3), 3), ("VN", Guard(None, None), 3)],
)
def test_the_guard_asks_one_question(ledger: Ledger, country: str, guard: Guard, statements: int) -> None:
    assert goes(ledger, "first")
    with counted(ledger.database) as sent:
        assert goes(ledger, "a", country, guard=guard)
    assert len(sent) == statements, sent
    with counted(ledger.database) as sent:
        assert not goes(ledger, "b", country, guard=Guard(0, 0))
    # The first refusal of its kind asks who is to be told.
    assert len(sent) == 5, sent
    with counted(ledger.database) as sent:
        assert not goes(ledger, "c", country, guard=Guard(0, 0))
    assert len(sent) == 4, sent


def test_the_question_reads_what_it_counts_and_no_more(sqlite_database: Database) -> None:
    """Leases stay for ever: a question that goes through those of an extension becomes slower with every call."""
    asked = CALLS_AND_COUNTRIES.statement.compile(dialect=sqlite_database.engine.dialect)
    with sqlite_database.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", ("",) * len(asked.positiontup or ())).all()
    searches = [row.detail for row in plan if "lease" in row.detail]
    assert searches == [
        "SEARCH lease USING INDEX ix_lease_open (organisation_id=? AND extension=?)",
        "SEARCH lease USING INDEX ix_lease_new_country (organisation_id=? AND extension=? AND taken_at>?)",
        "SEARCH lease USING INDEX ix_lease_country"
        " (organisation_id=? AND country=? AND extension=? AND taken_at>? AND taken_at<?)",
    ]


THREADS = 32


@pytest.mark.parametrize("around", [NOON, MIDNIGHT - 5 * MINUTE], ids=["in a month", "before its end"])
@pytest.mark.parametrize(("guard", "country", "most"), [(Guard(4, None), "SG", 4), (Guard(None, 3), "VN", 3)])
def test_thirty_two_at_once_never_pass_a_limit(
    ledger: Ledger, guard: Guard, country: str, most: int, around: datetime
) -> None:
    barrier = Barrier(THREADS)

    def attempt(position: int) -> bool:
        barrier.wait()
        # Nobody has the same clock.
        return goes(ledger, str(position), country, around + position * SECOND, guard=guard, allowance=minutes(300))

    with ThreadPoolExecutor(THREADS) as threads:
        through = sum(threads.map(attempt, range(THREADS)))
    with ledger.database.reading() as session:
        query = select(func.count(Lease.id)).where(Lease.state == LeaseState.OPEN)
        assert session.execute(query).scalar_one() == through == most
    assert [times for *_, times in refusals(ledger)] == [THREADS - most]
    ledger.check()
