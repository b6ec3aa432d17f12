"""More time for legs that talk, as long as there is any."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from bizpbx.metering import renewal
from bizpbx.metering.allowance import UNLIMITED
from bizpbx.metering.terms import Extended
from bizpbx.metering.usage import Usage
from tests.metering.ledger import APRIL, MARCH, MIDNIGHT, NOON, Ledger, cents, minutes


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


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


def test_what_was_granted_moves_to_the_month_it_falls_in_whatever_is_left_there(ledger: Ledger) -> None:
    # Given a leg that was to be answered long before midnight of the 1st, and rang until after it,
    assert ledger.seconds("a", minutes(300), MIDNIGHT - after(800)) == 600
    assert ledger.usage(APRIL).reserved_seconds == 0
    # it keeps what it had, though the new month allows a minute.
    assert ledger.renew("a", MIDNIGHT + after(10), minutes(1), MIDNIGHT + after(20)) == Extended(600, 0)
    assert (ledger.usage(MARCH).reserved_seconds, ledger.usage(APRIL).reserved_seconds) == (0, 600)
    ledger.check()
