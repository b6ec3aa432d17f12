"""An allowance that is nearly used, and one that is: told once a month, to the assignee and to the organisation."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import insert, select, update

from bizpbx.directory.database import Database
from bizpbx.directory.organisation import Organisation
from bizpbx.mail import queue
from bizpbx.mail.message import message
from bizpbx.mail.outbox import Mail
from bizpbx.metering.allowance import Allowance
from bizpbx.metering.pricing import Rate
from bizpbx.metering.taking import take
from bizpbx.metering.terms import ChargedMonth, Denial, Denied, Draw, Granted, Settlement, Terms
from bizpbx.metering.usage import UsageMonth
from bizpbx.metering.usage_alerts import watch
from tests.settings.samples import NOON, applied, example


def test_thresholds_are_told_once_each(database: Database) -> None:
    data = example()
    data["organisation"]["alerts"] = ["ops@acme.example"]
    data["extensions"][0]["usage_limit"] = {"kind": "minutes", "value": "5"}
    applied(database, data)
    with database.writing() as session:
        organisation = session.scalars(select(Organisation.id)).one()
        for extension in ("100", "101"):
            session.execute(
                insert(UsageMonth).values(organisation_id=organisation, extension=extension, month="2026-03")
            )

    def used(seconds: int) -> list[tuple[str, str]]:
        with database.writing() as session:
            session.execute(update(UsageMonth).values(used_seconds=seconds))
            settled = [
                Settlement(1, organisation, extension, (ChargedMonth("2026-03", 1, Decimal(0)),), None, True)
                for extension in ("100", "101")
            ]
            watch(session, settled, NOON)
        with database.reading() as session:
            return [(mail.key, mail.recipient) for mail in session.scalars(select(Mail).order_by(Mail.id))]

    assert used(239) == []
    eighty = [("usage-80/100/2026-03", "ann@acme.example"), ("usage-80/100/2026-03", "ops@acme.example")]
    assert used(240) == eighty
    assert used(299) == eighty
    full = [("usage-100/100/2026-03", "ann@acme.example"), ("usage-100/100/2026-03", "ops@acme.example")]
    assert used(300) == eighty + full
    assert used(400) == eighty + full
    with database.writing() as session:
        mail = queue.claim(session, "test", NOON)
    assert mail is not None
    assert message(mail, "pbx@acme.example")["Subject"] == "Acme: 100 has used 80 % of its allowance of 2026-03"


def test_a_call_refused_because_nothing_is_left_is_told_once_though_a_rest_was_never_used(database: Database) -> None:
    # Given an allowance of 50 cents of which 49 are used, and a minute that costs two,
    data = example()
    data["extensions"][0]["usage_limit"] = {"kind": "amount", "value": "0.50"}
    applied(database, data)
    terms = Terms("Asia/Singapore", Rate("65", Decimal(2), Decimal(0), 60, 60), Allowance(amount=Decimal(50)))
    with database.writing() as session:
        organisation = session.scalars(select(Organisation.id)).one()
        month = {"organisation_id": organisation, "extension": "100", "month": "2026-03"}
        session.execute(insert(UsageMonth).values(**month, used_seconds=1500, used_amount=Decimal(49)))
    # two calls are refused,
    for leg in ("a", "b"):
        draw = Draw(organisation, "fs1", leg, leg, "100", "+6561234567", "SG", "carrier.acme.example")
        with database.writing() as session:
            assert take(session, draw, terms, NOON) == Denied(Denial.EXHAUSTED)
    # and whoever has to know is told of the first.
    with database.reading() as session:
        told = [(mail.key, mail.recipient) for mail in session.scalars(select(Mail))]
    assert told == [("usage-100/100/2026-03", "ann@acme.example")]


def test_a_call_refused_because_others_hold_the_rest_is_not_told(database: Database) -> None:
    applied(database, example())
    terms = Terms("Asia/Singapore", None, Allowance(seconds=60))
    answers = []
    for leg in ("a", "b"):
        with database.writing() as session:
            organisation = session.scalars(select(Organisation.id)).one()
            draw = Draw(organisation, "fs1", leg, leg, "100", "+6561234567", "SG", "carrier.acme.example")
            answers.append(take(session, draw, terms, NOON))
    assert isinstance(answers[0], Granted)
    assert answers[1] == Denied(Denial.EXHAUSTED)
    with database.reading() as session:
        assert session.scalars(select(Mail)).all() == []
