"""A user transfers a call by keys: still metered on the leg that costs, once, to the user who caused it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from bizpbx.metering.lease import Lease
from bizpbx.testbed.world import EndedBy, Incoming, answers, refuses
from tests.scenarios.conftest import ACME, Scene, until
from tests.scenarios.test_call_records import listed, shown, waiting
from tests.scenarios.test_usage_limit import leases, limit, settled

OUTSIDE, CALLER = "61234567", "+6531234567"
HELD = "102-ip_phone"
NOBODY_HANGS_UP = 60.0
Books = Callable[[], tuple[dict[str, Any], dict[str, list[Lease]]]]


@pytest.fixture
def books(scene: Scene, empty_books: None) -> Books:
    """Waits until the one call of a scenario is on record: its row, and the leases that were taken since, by extension.
    Nothing is wrong with the books then."""
    keys = ("100", "101", "102", "103", "104")
    before = {key: len(leases(scene, key)) for key in keys}
    seen = {row["id"] for row in listed(scene)}

    def read() -> tuple[dict[str, Any], dict[str, list[Lease]]]:
        for key in keys:
            settled(scene, key)
        with gevent.Timeout(10.0):
            while waiting(scene) or not (new := [row for row in listed(scene) if row["id"] not in seen]):
                gevent.sleep(0.05)
        gevent.sleep(0.6)
        (row,) = new
        taken = {key: leases(scene, key)[before[key] :] for key in keys}
        scene.installation.bizpbx("usage", "audit", "--organisation", ACME)
        return shown(scene, row["id"]), {key: found for key, found in taken.items() if found}

    return read


def seconds(lease: Lease) -> int:
    assert lease.answered_at is not None
    assert lease.ended_at is not None
    return round((lease.ended_at - lease.answered_at).total_seconds())


def calls(scene: Scene, user: str) -> list[Incoming]:
    return list(scene.registered(user).incoming)


def rings(scene: Scene, user: str, times: int = 1) -> Incoming:
    """Wait until this phone has rung so often."""
    until(lambda: len(calls(scene, user)) >= times)
    return calls(scene, user)[times - 1]


def takes(scene: Scene, user: str, times: int = 1) -> Incoming:
    """Wait until this phone has answered the call with which it has rung so often."""
    until(lambda: len(calls(scene, user)) >= times and calls(scene, user)[times - 1].answered)
    return calls(scene, user)[times - 1]


@pytest.mark.thorough
def test_a_call_out_that_is_transferred_stays_metered_on_its_leg(scene: Scene, books: Books) -> None:
    """101 calls a number and sends it on to 102, who hangs up two seconds later."""
    scene.phone("102-ip_phone", answers(0.1, talks=2.0))
    result = scene.from_phone("101-ip_phone", OUTSIDE, hangup_after=NOBODY_HANGS_UP, talking=",*1,102#")
    assert (result.code, result.ended_by) == (200, EndedBy.CALLEE)
    (rang,) = calls(scene, "102-ip_phone")
    assert (rang.number, rang.display_name) == ("101", "Sales")
    row, taken = books()
    assert [len(found) for found in taken.values()] == [1]
    (lease,) = taken["101"]
    # 101 has left before; the leg to the number is charged to its end.
    assert seconds(lease) == row["talked"] > round(result.duration)
    assert (row["direction"], row["from"], row["to"]) == ("outgoing", "101", "+6561234567")
    assert (row["answered_by"], row["transfers"]) == ("102", ["101>102"])
    assert row["cost"] == f"{row['talked'] / 100:.2f}"


def test_a_call_from_outside_is_transferred_to_an_extension(scene: Scene, books: Books) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=",*1,102#"))
    scene.phone("102-ip_phone", answers(0.1, talks=0.5))
    result = scene.from_outside(CALLER, "+6564291311", hangup_after=NOBODY_HANGS_UP)
    assert result.ended_by is EndedBy.CALLEE
    assert [(call.number, call.ended) for call in calls(scene, "101-ip_phone")] == [(CALLER, True)]
    assert [(call.number, call.answered) for call in calls(scene, "102-ip_phone")] == [("101", True)]
    row, taken = books()
    assert taken == {}
    assert (row["from"], row["to"], row["callee"]) == (CALLER, "+6564291311", "101")
    assert (row["answered_by"], row["transfers"], row["cost"]) == ("102", ["101>102"], None)
    # Why it went to 101, and why to 102.
    assert row["rules"].index("did") < row["rules"].index("transfer") < row["rules"].index("key")
    assert row["talked"] == round(result.duration)


@pytest.mark.thorough
def test_a_call_from_outside_is_transferred_to_a_number_at_the_cost_of_who_does_so(scene: Scene, books: Books) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=f",*1,{OUTSIDE}#"))
    placed = scene.installation.world.place(scene.carrier.caller(CALLER), "+6564291311", hangup_after=5.0)
    assert placed.result().code == 200
    (out,) = scene.carrier.incoming
    assert (out.to_user, out.number, out.pai, out.diversion) == (
        "+6561234567",
        "+6564291310",
        "+6564291310",
        "+6564291310",
    )
    row, taken = books()
    assert [len(found) for found in taken.values()] == [1]
    assert row["cost"] == f"{seconds(taken['101'][0]) / 100:.2f}"
    assert row["transfers"] == ["101>61234567"]


@pytest.mark.thorough
def test_who_is_called_can_be_sent_on_and_sent_on_again(scene: Scene, books: Books) -> None:
    """101 calls 104 and sends it to 102, who sends it to a number: 102 pays, and nobody else."""
    scene.phone("104-ip_phone", answers(0.1, talks=7.0))
    scene.phone("102-ip_phone", answers(0.1, keys=f",*1,{OUTSIDE}#"))
    result = scene.from_phone("101-ip_phone", "104", hangup_after=NOBODY_HANGS_UP, talking=",*1,102#")
    assert result.ended_by is EndedBy.CALLEE
    with gevent.Timeout(15.0):
        while not all(call.ended for call in (*calls(scene, "104-ip_phone"), *scene.carrier.incoming)):
            gevent.sleep(0.05)
    row, taken = books()
    assert list(taken) == ["102"]
    assert (row["from"], row["to"], row["answered_by"]) == ("101", "104", "+6561234567")
    assert row["transfers"] == ["101>102", "102>61234567"]


def test_the_target_sees_the_caller_where_the_extension_chose_that(scene: Scene) -> None:
    scene.set("extension", "101", "caller_id.on_forward=caller")
    scene.phone("101-ip_phone", answers(0.1, keys=",*1,102#"))
    scene.phone("102-ip_phone", answers(0.1, talks=0.3))
    scene.from_outside(CALLER, "+6564291311", hangup_after=NOBODY_HANGS_UP)
    assert [call.number for call in calls(scene, "102-ip_phone")] == [CALLER]


@pytest.mark.thorough
def test_a_call_that_nobody_takes_comes_back(scene: Scene, books: Books) -> None:
    scene.phone("101-ip_phone", answers(0.1, keys=",*1,103#"))
    scene.phone("103-ip_phone", refuses(480, 0.2))
    placed = scene.installation.world.place(scene.carrier.caller(CALLER), "+6564291311", hangup_after=6.0)
    back = rings(scene, "101-ip_phone", times=2)
    assert (back.number, back.display_name) == (CALLER, CALLER)
    assert placed.result().code == 200
    assert books()[0]["answered_by"] == "101"


@pytest.mark.thorough
def test_the_limit_cuts_a_call_that_was_transferred(scene: Scene, books: Books) -> None:
    limit(scene, "101", 8)
    scene.phone("102-ip_phone", answers(0.1))
    result = scene.from_phone("101-ip_phone", OUTSIDE, hangup_after=NOBODY_HANGS_UP, talking=",*1,102#")
    assert result.duration < 6
    with gevent.Timeout(15.0):
        while not calls(scene, "102-ip_phone")[0].ended:
            gevent.sleep(0.05)
    _, taken = books()
    assert 7 <= seconds(taken["101"][0]) <= 8


@pytest.mark.thorough
def test_who_cannot_pay_for_a_transfer_has_the_call_back(scene: Scene, books: Books) -> None:
    limit(scene, "101", 0)
    scene.phone("101-ip_phone", answers(0.1, keys=f",*1,{OUTSIDE}#"))
    placed = scene.installation.world.place(scene.carrier.caller(CALLER), "+6564291311", hangup_after=6.0)
    rings(scene, "101-ip_phone", times=2)
    assert placed.result().code == 200
    assert scene.carrier.incoming == []
    assert books()[1] == {}


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param("999#", id="emergency"),
        pytest.param("102#", id="to the other side"),
        pytest.param("0060123456789#", id="a country that is not allowed"),
        pytest.param("1*3#", id="given up"),
    ],
)
@pytest.mark.thorough
def test_what_may_not_be_is_told_and_the_two_talk_on(scene: Scene, keys: str) -> None:
    scene.phone("102-ip_phone", answers(0.1, keys=f",*1,{keys}"))
    result = scene.from_phone("101-ip_phone", "102", hangup_after=4.0)
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert result.duration == pytest.approx(4.0, abs=0.5)
    others = [phone for phone in scene.installation.world.phones if (phone.domain, phone.username) != (ACME, HELD)]
    assert [phone.username for phone in others if phone.incoming] == []
    assert scene.carrier.incoming == []


@pytest.mark.parametrize(
    "called", [pytest.param(False, id="calls"), pytest.param(True, id="is called", marks=pytest.mark.thorough)]
)
def test_what_somebody_outside_keys_in_transfers_nothing(scene: Scene, called: bool) -> None:
    scene.phone("101-ip_phone", answers(0.1))
    if called:
        scene.carrier = scene.installation.world.carrier(scene.carrier.port, answers(0.1, keys=",*1,102#"))
        result = scene.from_phone("101-ip_phone", OUTSIDE, hangup_after=4.0)
        scene.carrier = scene.installation.world.carrier(scene.carrier.port)
    else:
        result = scene.from_outside(CALLER, "+6564291311", hangup_after=1.0, talking=",*1,102#")
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert scene.rang() <= {"101-ip_phone"}


def test_an_emergency_call_is_not_transferred(scene: Scene) -> None:
    result = scene.from_phone("101-ip_phone", "999", hangup_after=1.0, talking=",*1,102#")
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert scene.rang() == set()


@pytest.mark.thorough
def test_without_any_controller_the_two_talk_on(scene: Scene) -> None:
    """It dies while the number is asked for; the keys that come then are nobody's."""
    first = scene.installation.controllers[0]
    placed = scene.installation.world.place(
        scene.registered("101-ip_phone"), OUTSIDE, hangup_after=3.0, talking=",*1,,,102#"
    )
    placed.wait_for(200)
    gevent.sleep(2.5)
    first.kill()
    try:
        assert placed.result().code == 200
        assert scene.rang() == set()
        assert len(scene.carrier.incoming) == 1
    finally:
        first.start()


@pytest.mark.thorough
def test_a_controller_that_dies_while_asking_is_replaced_by_one_that_asks_again(scene: Scene) -> None:
    first, second = scene.installation.controllers
    second.start()
    scene.phone("102-ip_phone", answers(0.1, talks=0.5))
    try:
        placed = scene.installation.world.place(
            scene.registered("101-ip_phone"), OUTSIDE, hangup_after=NOBODY_HANGS_UP, talking=",*1,,,,,,,,,,102#"
        )
        placed.wait_for(200)
        gevent.sleep(2.5)
        first.kill()
        rings(scene, "102-ip_phone")
        assert placed.result().ended_by is EndedBy.CALLEE
        with gevent.Timeout(10.0):
            while not all(call.ended for call in (*calls(scene, "102-ip_phone"), *scene.carrier.incoming)):
                gevent.sleep(0.05)
    finally:
        second.kill()
        first.start()


@pytest.mark.thorough
def test_a_transferred_call_needs_no_controller_to_be_talked_and_charged(scene: Scene, books: Books) -> None:
    first = scene.installation.controllers[0]
    scene.phone("102-ip_phone", answers(0.1, talks=2.0))
    placed = scene.installation.world.place(
        scene.registered("101-ip_phone"), OUTSIDE, hangup_after=NOBODY_HANGS_UP, talking=",*1,102#"
    )
    rings(scene, "102-ip_phone")
    gevent.sleep(1.0)
    first.kill()
    try:
        assert placed.result().ended_by is EndedBy.CALLEE
        with gevent.Timeout(10.0):
            while not scene.carrier.incoming[0].ended:
                gevent.sleep(0.05)
    finally:
        first.start()
    row, taken = books()
    assert [seconds(lease) for lease in taken["101"]] == [row["talked"]]
