"""What a leg is granted before it is dialled, and what is not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bizpbx.metering.pricing import Rate, cost
from bizpbx.metering.terms import Denial, Denied, Granted
from tests.metering.ledger import APRIL, MARCH, MIDNIGHT, NOON, RATE, Ledger, cents, minutes


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


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
