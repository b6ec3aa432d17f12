"""Legs become rows, each once, in whatever order they come and whoever brings them."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import func, select

from bizpbx.directory.database import Database
from bizpbx.freeswitch import records
from bizpbx.metering.allowance import Allowance
from bizpbx.metering.call_record import CallLeg, CallRecord, Direction
from bizpbx.metering.ingest import Outcome, ingest
from bizpbx.metering.leg import LegRecord
from bizpbx.metering.pricing import Rate
from bizpbx.metering.taking import take
from bizpbx.metering.terms import Draw, Granted, Terms
from bizpbx.metering.usage import UsageMonth
from tests.records import samples

NOW = datetime(2026, 5, 1, 2, tzinfo=UTC)


def read(*variables: dict[str, str]) -> list[LegRecord]:
    return [records.from_file(samples.file(one)) for one in variables]


def put(database: Database, *legs: LegRecord) -> Outcome:
    with database.writing() as session:
        return ingest(session, legs, NOW)


def calls(database: Database) -> list[CallRecord]:
    with database.reading() as session:
        return list(session.scalars(select(CallRecord).order_by(CallRecord.call)))


def columns(record: CallRecord) -> dict[str, object]:
    return {column.name: getattr(record, column.name) for column in CallRecord.__table__.columns if column.name != "id"}


def test_a_leg_is_taken_once(settings: Database) -> None:
    legs = read(samples.calling(), samples.called())
    assert put(settings, *legs).added == {("local", "a"), ("local", "b")}
    assert put(settings, *legs).added == frozenset()
    assert put(settings, *legs, *read(samples.called("c"))).added == {("local", "c")}
    with settings.reading() as session:
        assert session.scalar(select(func.count()).select_from(CallLeg)) == 3
    assert len(calls(settings)) == 1


def test_the_same_name_on_two_switches_is_two_legs(settings: Database) -> None:
    one, other = (records.from_file(samples.file(samples.calling(), switch)) for switch in ("one", "other"))
    assert len(put(settings, one, other).added) == 2
    assert len(calls(settings)) == 2


def test_in_whatever_order_legs_come_the_call_is_the_same(settings: Database) -> None:
    made = []
    for number, order in enumerate(itertools.permutations(range(3))):
        call = f"call{number}"
        legs = read(
            samples.calling(call),
            samples.called(f"{call}-1", call, answered=None, hangup_cause="USER_BUSY"),
            samples.called(f"{call}-2", call),
        )
        for index in order:
            put(settings, legs[index])
    for record in calls(settings):
        made.append(columns(record) | {"call": ""})
    assert len(made) == 6
    assert all(one == made[0] for one in made)
    assert (made[0]["caller"], made[0]["called"], made[0]["answered_by"]) == ("101", "102", "102")
    assert (made[0]["rang"], made[0]["talked"], made[0]["cause"]) == (2, 10, "NORMAL_CLEARING")


def test_legs_that_rang_in_vain_are_no_call_before_the_call_has_ended(settings: Database) -> None:
    put(settings, *read(samples.called(answered=None, hangup_cause="NO_ANSWER")))
    assert calls(settings) == []
    put(settings, *read(samples.calling(answered=None, hangup_cause="NO_ANSWER")))
    (record,) = calls(settings)
    assert (record.answered, record.answered_by, record.talked, record.cause) == (None, None, 0, "NO_ANSWER")


def test_numbers_are_told_in_e164_and_withheld_ones_not_at_all(settings: Database) -> None:
    put(settings, *read(samples.from_gateway("a", "91112222"), samples.called("a1", "a")))
    put(settings, *read(samples.from_gateway("b", "91112222", bizpbx_withheld="true")))
    put(settings, *read(samples.calling("c", bizpbx_dialled="61234567", bizpbx_callee="", bizpbx_rule="dial-plan")))
    put(settings, *read(samples.to_gateway("c1", "c")))
    a, b, c = calls(settings)
    assert (a.direction, a.caller, a.called, a.dialled) == (
        Direction.INCOMING,
        "+6591112222",
        "+6564291310",
        "6564291310",
    )
    assert (b.direction, b.caller) == (Direction.INCOMING, None)
    assert (c.direction, c.caller, c.called, c.answered_by) == (
        Direction.OUTGOING,
        "101",
        "+6561234567",
        "+6561234567",
    )


def test_calls_of_nobody_and_of_nobody_here_are_told_apart(settings: Database) -> None:
    nobodys, strangers = (
        samples.from_gateway("a", bizpbx_domain=""),
        samples.from_gateway("b", bizpbx_domain="x.example"),
    )
    outcome = put(settings, *read(nobodys, strangers, samples.calling("c")))
    assert outcome == Outcome(frozenset({("local", "c")}), frozenset({("local", "a")}), frozenset({("local", "b")}))
    assert len(calls(settings)) == 1


def test_two_controllers_that_bring_parts_of_the_same_calls_make_whole_ones(settings: Database) -> None:
    numbers = range(40)
    own = [read(samples.calling(f"call{n}"))[0] for n in numbers]
    others = [read(samples.called(f"leg{n}", f"call{n}"))[0] for n in numbers]

    def bring(legs: list[LegRecord]) -> None:
        for start in range(0, len(legs), 5):
            put(settings, *legs[start : start + 5])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(bring, [own, others, own, others]))
    found = calls(settings)
    assert len(found) == len(numbers)
    assert {record.answered_by for record in found} == {"102"}


def test_a_leg_that_was_granted_time_is_settled_with_its_record_once(settings: Database) -> None:
    draw = Draw(1, "local", "b", "a", "101", "+6561234567", "SG", "carrier.acme.example")
    terms = Terms("Asia/Singapore", Rate("65", Decimal(2)), Allowance(seconds=6000))
    answered = datetime.fromtimestamp(samples.BEGAN, UTC)
    with settings.writing() as session:
        assert isinstance(take(session, draw, terms, answered), Granted)
    own = samples.calling(bizpbx_dialled="61234567", bizpbx_callee="", bizpbx_rule="dial-plan", ended=92.0)
    legs = read(samples.to_gateway(ended=92.0), own)
    for order in (legs[:1], legs, legs[1:]):
        put(settings, *order)
    (record,) = calls(settings)
    assert (record.talked, record.cost, record.priced) == (90, Decimal(3), True)
    with settings.reading() as session:
        (month,) = session.scalars(select(UsageMonth))
        assert (month.used_seconds, month.used_amount, month.reserved_seconds) == (90, Decimal(3), 0)


def test_a_leg_that_nobody_answered_gives_back_what_it_was_granted(settings: Database) -> None:
    draw = Draw(1, "local", "b", "a", "101", "+6561234567", "SG", "carrier.acme.example")
    terms = Terms("Asia/Singapore", None, Allowance(seconds=6000))
    with settings.writing() as session:
        assert isinstance(take(session, draw, terms, datetime.fromtimestamp(samples.BEGAN, UTC)), Granted)
    put(settings, *read(samples.to_gateway(answered=None, hangup_cause="NO_ANSWER")))
    with settings.reading() as session:
        (month,) = session.scalars(select(UsageMonth))
        assert (month.used_seconds, month.reserved_seconds) == (0, 0)


def test_a_call_to_a_number_without_a_rate_is_told_so(settings: Database) -> None:
    draw = Draw(1, "local", "b", "a", "101", "+6561234567", "SG", "carrier.acme.example")
    with settings.writing() as session:
        take(session, draw, Terms("Asia/Singapore", None), datetime.fromtimestamp(samples.BEGAN, UTC))
    put(settings, *read(samples.to_gateway(), samples.calling(bizpbx_callee="", bizpbx_rule="dial-plan")))
    (record,) = calls(settings)
    assert (record.cost, record.priced) == (Decimal(0), False)


def test_a_call_that_was_transferred_says_by_whom_and_goes_on(settings: Database) -> None:
    """101 calls a number, sends it on to 102, who sends it on to 103."""
    own = samples.calling(ended=12.0, bizpbx_callee="", bizpbx_rule="dial-plan", bizpbx_transferred_to="102")
    trunk = samples.to_gateway(ended=40.0, bizpbx_rule="transfer key", bizpbx_reason="102 transfers the call")
    second = samples.called("c", ended=20.0, answered=13.0, bizpbx_transferred_to="103")
    third = samples.called("d", ended=40.0, answered=21.0, bizpbx_target="103-ip_phone")
    for legs in ((own, trunk, second, third), (third, second, own, trunk)):
        put(settings, *read(*legs))
    (call,) = calls(settings)
    assert (call.transfers, call.answered_by, call.talked) == ("101>102 102>103", "103", 38)
    assert (call.rules, call.extension) == ("dial-plan transfer key", "101")
    assert call.reason.endswith("102 transfers the call")


def test_whom_a_user_only_asked_did_not_take_the_call(settings: Database) -> None:
    """101 calls a number, asks 102 and goes back."""
    asks = "dial-plan consultation key devices"
    own = samples.calling(ended=30.0, bizpbx_callee="", bizpbx_rule=asks)
    trunk = samples.to_gateway(ended=30.0)
    asked = samples.called("c", ended=20.0, answered=13.0, bizpbx_consulted_by="101")
    put(settings, *read(own, trunk, asked))
    (call,) = calls(settings)
    # The key was dialled later.
    assert (call.direction, call.called) == (Direction.OUTGOING, "+6561234567")
    assert (call.answered_by, call.transfers, call.talked) == ("+6561234567", "", 28)


def test_of_two_numbers_the_one_that_was_called_first_is_whom_the_call_was_to(settings: Database) -> None:
    own = samples.calling(ended=12.0, bizpbx_callee="", bizpbx_rule="dial-plan", bizpbx_transferred_to="91112222")
    first = samples.to_gateway("z", ended=40.0)
    second = samples.to_gateway("c", ended=40.0, answered=10.0, bizpbx_target="+6591112222")
    second |= {"bizpbx_target": "+6591112222", "start_uepoch": first["answer_uepoch"]}
    for legs in ((second, own, first), (first, second, own)):
        put(settings, *read(*legs))
    (call,) = calls(settings)
    assert (call.called, call.answered_by) == ("+6561234567", "+6591112222")


def test_what_a_caller_writes_is_no_transfer(settings: Database) -> None:
    put(settings, *read(samples.calling(bizpbx_transferred_to="102 999>1")))
    assert calls(settings)[0].transfers == ""
