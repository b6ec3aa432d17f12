"""What a leg that has ended is charged: by its record, or by what was seen of it last."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bizpbx.metering import settling
from bizpbx.metering.allowance import Allowance
from bizpbx.metering.lease import LeaseState
from bizpbx.metering.pricing import cost
from bizpbx.metering.settling import Talk, settle_all
from bizpbx.metering.terms import Denial, Denied
from bizpbx.metering.usage import Usage
from tests.metering.ledger import NOON, RATE, Ledger, counted, minutes


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


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


def test_a_talk_without_an_answer_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="answered"):
        Talk("fs1", "a", None, 5)
    assert settling.FEW >= 1
    assert Allowance().limited is False
