"""The audit says nothing of books that add up, and names what does not."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import update

from bizpbx.metering.audit import Finding, Kind, audit
from bizpbx.metering.call_record import CallRecord
from bizpbx.metering.ingest import ingest
from bizpbx.metering.lease import Charge, LeaseState
from bizpbx.metering.leg import LegRecord
from bizpbx.metering.usage import UsageMonth
from tests.metering.ledger import MARCH, NOON, Ledger, minutes


def recorded(ledger: Ledger, leg: str, seconds: float) -> None:
    """A call of one leg to a gateway, answered at noon, as its switch put it on record."""
    ended = NOON + timedelta(seconds=seconds)
    record = LegRecord(
        switch="fs1",
        leg=leg,
        call=f"call-{leg}",
        organisation="acme.example",
        started=NOON - timedelta(seconds=5),
        answered=NOON if seconds else None,
        ended=ended,
        cause="NORMAL_CLEARING",
        gateway="carrier.acme.example",
    )
    own = LegRecord(
        switch="fs1",
        leg=f"call-{leg}",
        call=f"call-{leg}",
        organisation="acme.example",
        started=NOON - timedelta(seconds=6),
        answered=NOON if seconds else None,
        ended=ended,
        cause="NORMAL_CLEARING",
        caller="100",
        extension="100",
    )
    with ledger.database.writing() as session:
        ingest(session, [own, record], ended)


def found(ledger: Ledger) -> list[Finding]:
    with ledger.database.reading() as session:
        return audit(session, ledger.organisation_id)


def test_books_that_add_up_are_silent(ledger: Ledger) -> None:
    for leg, seconds in (("a", 61.4), ("b", 0), ("c", 0.2)):
        ledger.take(leg, minutes(300))
        recorded(ledger, leg, seconds)
    ledger.take("talking", minutes(300))
    assert found(ledger) == []


def test_a_month_that_is_not_the_sum_of_its_charges_is_named(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    recorded(ledger, "a", 60)
    with ledger.database.writing() as session:
        session.execute(update(UsageMonth).values(used_seconds=59))
    (one,) = found(ledger)
    assert (one.kind, one.extension, one.month, one.fault) == (Kind.MONTH, "100", MARCH, True)
    assert "says 59 s" in one.text and "come to 60 s" in one.text


def test_a_charge_that_is_not_what_the_record_says_is_named(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    recorded(ledger, "a", 60)
    with ledger.database.writing() as session:
        session.execute(update(Charge).values(seconds=30))
        session.execute(update(UsageMonth).values(used_seconds=30))
    (one,) = found(ledger)
    assert (one.kind, one.leg, one.text) == (Kind.TALK, "a", "charged 30 s, and its record says 60 s")


def test_a_call_whose_cost_is_not_that_of_its_legs_is_named(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    recorded(ledger, "a", 60)
    with ledger.database.writing() as session:
        session.execute(update(CallRecord).values(cost=Decimal(1)))
    (one,) = found(ledger)
    assert (one.kind, one.leg) == (Kind.COST, "call-a")


def test_a_leg_that_is_charged_without_a_record_is_told_and_is_no_fault(ledger: Ledger) -> None:
    ledger.take("a", minutes(300))
    ledger.presume("a", NOON + timedelta(seconds=100), NOON + timedelta(seconds=40), NOON)
    (one,) = found(ledger)
    assert (one.kind, one.leg, one.fault) == (Kind.PRESUMED, "a", False)
    # Its record corrects it.
    recorded(ledger, "a", 50)
    assert ledger.lease("a").state is LeaseState.SETTLED
    assert found(ledger) == []
