"""Legs become rows, each once, in whatever order they come and whoever brings them."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from bizpbx.directory.database import Database
from bizpbx.freeswitch import records
from bizpbx.metering.call_record import CallLeg, CallRecord, Direction
from bizpbx.metering.ingest import Outcome, ingest
from bizpbx.metering.leg import LegRecord
from tests.records import samples


def read(*variables: dict[str, str]) -> list[LegRecord]:
    return [records.from_file(samples.file(one)) for one in variables]


def put(database: Database, *legs: LegRecord) -> Outcome:
    with database.writing() as session:
        return ingest(session, legs)


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
