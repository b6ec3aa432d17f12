"""A user transfers a call by keys: still metered on the leg that costs, once, to the user who caused it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from bizpbx.metering.lease import Lease
from bizpbx.testbed.world import Callee, EndedBy, Incoming, PlacedCall, answers, refuses
from tests.scenarios.conftest import ACME, Scene, until
from tests.scenarios.events import MOMENT, Events, asks, events
from tests.scenarios.test_call_records import listed, shown, waiting
from tests.scenarios.test_usage_limit import leases, limit, settled

__all__ = ["events"]

OUTSIDE, CALLER = "61234567", "+6531234567"
DID = "+6564291311"
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
        until(lambda: not waiting(scene) and any(row["id"] not in seen for row in listed(scene)))
        # What comes too often would come now.
        gevent.sleep(0.6)
        (row,) = (row for row in listed(scene) if row["id"] not in seen)
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


def comes_in(scene: Scene, hangup_after: float = NOBODY_HANGS_UP, listens: bool = False) -> PlacedCall:
    """Somebody outside calls 101."""
    return scene.installation.world.place(scene.carrier.caller(CALLER), DID, hangup_after=hangup_after, listens=listens)


def calls_out(scene: Scene) -> PlacedCall:
    """101 calls a number."""
    return scene.installation.world.place(scene.registered("101-ip_phone"), OUTSIDE, hangup_after=NOBODY_HANGS_UP)


def all_ended(*seen: Incoming) -> bool:
    return all(call.ended for call in seen)


def about(measured: float) -> object:
    """Seconds that a record tells in whole ones, and a phone has measured by itself."""
    return pytest.approx(measured, abs=1.0)


def is_over(events: Events) -> None:
    """The question for a number was answered by nothing that is done, and codes are heard again."""
    events.runs("digit_action_set_realm", 2)


@pytest.mark.thorough
def test_a_call_out_that_is_transferred_stays_metered_on_its_leg(scene: Scene, books: Books, events: Events) -> None:
    """101 calls a number and sends it on to 102, who hangs up two seconds later."""
    target = scene.phone("102-ip_phone", answers())
    placed = calls_out(scene)
    asks(placed, events, code="*1")
    events.talking(2)
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLEE)
    gevent.sleep(2.0)
    target.hang_up()
    (rang,) = target.incoming
    assert (rang.number, rang.display_name) == ("101", "Sales")
    row, taken = books()
    assert [len(found) for found in taken.values()] == [1]
    (lease,) = taken["101"]
    # 101 has left before; the leg to the number is charged to its end.
    assert about(row["talked"]) == seconds(lease) > round(result.duration)
    assert (row["direction"], row["from"], row["to"]) == ("outgoing", "101", "+6561234567")
    assert (row["answered_by"], row["transfers"]) == ("102", ["101>102"])
    assert row["cost"] == f"{row['talked'] / 100:.2f}"


def test_a_call_from_outside_is_transferred_to_an_extension(scene: Scene, books: Books, events: Events) -> None:
    user, target = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, code="*1")
    events.talking(2)
    gevent.sleep(0.5)
    target.hang_up()
    result = placed.result()
    assert result.ended_by is EndedBy.CALLEE
    assert [(call.number, call.ended) for call in user.incoming] == [(CALLER, True)]
    assert [(call.number, call.answered) for call in target.incoming] == [("101", True)]
    row, taken = books()
    assert taken == {}
    assert (row["from"], row["to"], row["callee"]) == (CALLER, DID, "101")
    assert (row["answered_by"], row["transfers"], row["cost"]) == ("102", ["101>102"], None)
    # Why it went to 101, and why to 102.
    assert row["rules"].index("did") < row["rules"].index("transfer") < row["rules"].index("key")
    assert row["talked"] == about(result.duration)


@pytest.mark.thorough
def test_a_call_from_outside_is_transferred_to_a_number_at_the_cost_of_who_does_so(
    scene: Scene, books: Books, events: Events
) -> None:
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, OUTSIDE, "*1")
    events.talking(2)
    gevent.sleep(1.0)
    placed.hang_up()
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
def test_who_is_called_can_be_sent_on_and_sent_on_again(scene: Scene, books: Books, events: Events) -> None:
    """101 calls 104 and sends it to 102, who sends it to a number: 102 pays, and nobody else."""
    first, second = scene.phone("104-ip_phone", answers()), scene.phone("102-ip_phone", answers())
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "104", hangup_after=NOBODY_HANGS_UP)
    asks(placed, events, code="*1")
    asks(second, events, OUTSIDE, "*1", talks=2, questions=2)
    assert placed.result().ended_by is EndedBy.CALLEE
    events.talking(3)
    gevent.sleep(1.0)
    first.hang_up()
    until(lambda: all_ended(*first.incoming, *scene.carrier.incoming))
    row, taken = books()
    assert list(taken) == ["102"]
    assert (row["from"], row["to"], row["answered_by"]) == ("101", "104", "+6561234567")
    assert row["transfers"] == ["101>102", "102>61234567"]


def test_the_target_sees_the_caller_where_the_extension_chose_that(scene: Scene, events: Events) -> None:
    scene.set("extension", "101", "caller_id.on_forward=caller")
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, code="*1")
    assert rings(scene, "102-ip_phone").number == CALLER
    placed.hang_up()
    placed.result()


@pytest.mark.thorough
def test_a_call_that_nobody_takes_comes_back(scene: Scene, books: Books, events: Events) -> None:
    user = scene.phone("101-ip_phone", answers())
    scene.phone("103-ip_phone", refuses(480, 0.2))
    placed = comes_in(scene)
    asks(user, events, "103", "*1")
    back = takes(scene, "101-ip_phone", times=2)
    assert (back.number, back.display_name) == (CALLER, CALLER)
    events.talking(2)
    placed.hang_up()
    assert placed.result().code == 200
    assert books()[0]["answered_by"] == "101"


@pytest.mark.thorough
def test_the_limit_cuts_a_call_that_was_transferred(scene: Scene, books: Books, events: Events) -> None:
    limit(scene, "101", 8)
    target = scene.phone("102-ip_phone", answers())
    placed = calls_out(scene)
    asks(placed, events, code="*1")
    events.talking(2)
    assert placed.result().ended_by is EndedBy.CALLEE
    assert not all_ended(*target.incoming)
    until(lambda: all_ended(*target.incoming))
    _, taken = books()
    assert 7 <= seconds(taken["101"][0]) <= 8


@pytest.mark.thorough
def test_who_cannot_pay_for_a_transfer_has_the_call_back(scene: Scene, books: Books, events: Events) -> None:
    limit(scene, "101", 0)
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, OUTSIDE, "*1")
    takes(scene, "101-ip_phone", times=2)
    placed.hang_up()
    assert placed.result().code == 200
    assert scene.carrier.incoming == []
    assert books()[1] == {}


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("999", id="emergency"),
        pytest.param("102", id="to the other side"),
        pytest.param("0060123456789", id="a country that is not allowed"),
        pytest.param("1*3", id="given up"),
    ],
)
@pytest.mark.thorough
def test_what_may_not_be_is_told_and_the_two_talk_on(scene: Scene, events: Events, number: str) -> None:
    user = scene.phone(HELD, answers())
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "102", hangup_after=NOBODY_HANGS_UP)
    asks(user, events, number, "*1")
    is_over(events)
    gevent.sleep(0.5)
    placed.hang_up()
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    others = [phone for phone in scene.installation.world.phones if (phone.domain, phone.username) != (ACME, HELD)]
    assert [phone.username for phone in others if phone.incoming] == []
    assert scene.carrier.incoming == []


def keys_in_both_codes(who: Callee | PlacedCall, events: Events) -> None:
    """Once the two talk; and what would be done about it would be done by the end."""
    events.talking()
    gevent.sleep(MOMENT)
    for code in "*1", "*2":
        who.press(code)
        gevent.sleep(1.0)
        who.press("102#")
    gevent.sleep(0.5)


@pytest.mark.parametrize(
    "called", [pytest.param(False, id="calls"), pytest.param(True, id="is called", marks=pytest.mark.thorough)]
)
def test_what_somebody_outside_keys_in_transfers_nothing(scene: Scene, events: Events, called: bool) -> None:
    scene.phone("101-ip_phone", answers(0.1))
    placed = calls_out(scene) if called else comes_in(scene)
    keys_in_both_codes(scene.carrier if called else placed, events)
    placed.hang_up()
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert scene.rang() <= {"101-ip_phone"}


def test_an_emergency_call_is_not_transferred(scene: Scene, events: Events) -> None:
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "999", hangup_after=NOBODY_HANGS_UP)
    keys_in_both_codes(placed, events)
    placed.hang_up()
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert scene.rang() == set()


def is_asked(placed: PlacedCall, events: Events) -> None:
    """For the number to which the other side is to be sent."""
    events.talking()
    gevent.sleep(MOMENT)
    placed.press("*1")
    events.runs("play_and_get_digits")


@pytest.mark.thorough
def test_without_any_controller_the_two_talk_on(scene: Scene, events: Events) -> None:
    """It dies while the number is asked for; the keys that come then are nobody's."""
    first = scene.installation.controllers[0]
    placed = calls_out(scene)
    is_asked(placed, events)
    first.kill()
    try:
        is_over(events)
        placed.press("102#")
        gevent.sleep(1.0)
        placed.hang_up()
        assert (placed.result().code, placed.result().ended_by) == (200, EndedBy.CALLER)
        assert scene.rang() == set()
        assert len(scene.carrier.incoming) == 1
    finally:
        first.start()


@pytest.mark.thorough
def test_a_controller_that_dies_while_asking_is_replaced_by_one_that_asks_again(scene: Scene, events: Events) -> None:
    first, second = scene.installation.controllers
    second.start()
    target = scene.phone("102-ip_phone", answers())
    try:
        placed = calls_out(scene)
        is_asked(placed, events)
        first.kill()
        events.runs("play_and_get_digits", 2)
        placed.press("102#")
        events.talking(2)
        target.hang_up()
        assert placed.result().ended_by is EndedBy.CALLEE
        until(lambda: all_ended(*target.incoming, *scene.carrier.incoming))
    finally:
        second.kill()
        first.start()


@pytest.mark.thorough
def test_a_transferred_call_needs_no_controller_to_be_talked_and_charged(
    scene: Scene, books: Books, events: Events
) -> None:
    first = scene.installation.controllers[0]
    target = scene.phone("102-ip_phone", answers())
    placed = calls_out(scene)
    asks(placed, events, code="*1")
    events.talking(2)
    gevent.sleep(0.5)
    first.kill()
    try:
        gevent.sleep(1.0)
        assert not all_ended(*target.incoming)
        target.hang_up()
        assert placed.result().ended_by is EndedBy.CALLEE
        until(lambda: all_ended(*scene.carrier.incoming))
    finally:
        first.start()
    row, taken = books()
    assert [seconds(lease) for lease in taken["101"]] == [row["talked"]]
