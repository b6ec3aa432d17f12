"""The meter of live calls: what it asks the ledger for, what the caller is told, and what an operator hears of."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from bizpbx.calls.metering import Charged, NotGranted
from bizpbx.controller.changes import Changes
from bizpbx.controller.metering import LedgerMeter
from bizpbx.controller.queries import Queries
from bizpbx.directory.database import Database
from bizpbx.directory.lookup import SettingsReader
from bizpbx.policy.plan import Lease
from bizpbx.policy.prompt import Prompt
from tests.settings.given import given
from tests.settings.samples import NOON, example

ACME = "acme.example"
HOME, ABROAD = "+6561234567", "+84937712345"


@pytest.fixture
def meter(database: Database) -> Iterator[LedgerMeter]:
    data = example()
    data["organisation"]["guard"] = {"concurrent_calls": 2, "new_country_calls": 1}
    data["extensions"][2]["guard"] = {"concurrent_calls": "off"}
    given(database, data)
    changes = Changes(database.url.render_as_string(hide_password=False))
    yield LedgerMeter(Queries(database), changes, SettingsReader(), lambda: NOON)
    changes.close()


def leg(number: str, extension: str = "101", call: str = "") -> Charged:
    name = str(uuid.uuid4())
    return Charged("fs1", name, call or name, ACME, extension, number, "carrier.acme.example")


def counted(reason: str) -> float:
    labels = {"organisation": ACME, "reason": reason}
    return REGISTRY.get_sample_value("bizpbx_guard_refused_total", labels) or 0.0


def test_calls_beyond_the_limit_are_refused_with_one_alarm(meter: LedgerMeter) -> None:
    before = counted("too-many-calls")
    assert all(isinstance(meter.take(leg(HOME)), Lease) for _ in range(2))
    with capture_logs() as logs:
        answers = [meter.take(leg(HOME)) for _ in range(3)]
    for answer in answers:
        assert isinstance(answer, NotGranted)
        assert (answer.reason.rule, answer.prompt) == ("too-many-calls", Prompt.TOO_MANY_CALLS)
        assert answer.reason.text == "101 has 2 calls outside, as many as the guard lets it have"
    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("guard.refused", "warning"),
        ("guard.refused", "info"),
        ("guard.refused", "info"),
    ]
    assert (logs[0]["extension"], logs[0]["country"], logs[0]["number"]) == ("101", "SG", HOME)
    assert counted("too-many-calls") == before + 3


def test_an_extension_s_own_limit_counts(meter: LedgerMeter) -> None:
    assert all(isinstance(meter.take(leg(HOME, "102")), Lease) for _ in range(5))


def test_a_second_new_country_is_refused_and_the_caller_is_told(meter: LedgerMeter) -> None:
    assert isinstance(meter.take(leg(ABROAD)), Lease)
    answer = meter.take(leg("+881612345678"))
    assert isinstance(answer, NotGranted)
    assert (answer.reason.rule, answer.prompt) == ("too-many-new-countries", Prompt.NEW_COUNTRY)
    assert answer.reason.text == (
        "SATELLITE is new to 101, and the guard lets it make no more than 1 such calls an hour"
    )


def test_what_is_given_back_frees_its_place(meter: LedgerMeter) -> None:
    first = leg(HOME)
    assert isinstance(meter.take(first), Lease)
    assert isinstance(meter.take(leg(HOME)), Lease)
    assert isinstance(meter.take(leg(HOME)), NotGranted)
    meter.give_back(first.switch, first.leg)
    assert isinstance(meter.take(leg(HOME)), Lease)


def test_a_database_that_is_away_does_not_end_a_call_that_gives_back(meter: LedgerMeter) -> None:
    def fails(_: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("gone"))

    meter._changes.make = fails  # type: ignore[method-assign,assignment]
    with capture_logs() as logs:
        meter.give_back("fs1", "leg")
    assert [line["event"] for line in logs] == ["lease.not_given_back"]
