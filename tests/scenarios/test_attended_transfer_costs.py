"""What an attended transfer costs stays metered on its leg, once, to the user who caused it: within his limit, and
after the passcode that he would be asked for."""

from __future__ import annotations

import gevent
import pytest

from bizpbx.testbed.world import EndedBy, answers
from tests.scenarios.conftest import Scene, until
from tests.scenarios.events import Events, asks, events
from tests.scenarios.test_transfer import (
    CALLER,
    OUTSIDE,
    Books,
    about,
    all_ended,
    books,
    calls,
    calls_out,
    comes_in,
    seconds,
    takes,
)
from tests.scenarios.test_usage_limit import leases, limit

__all__ = ["books", "events"]

ALSO_OUTSIDE = "91112222"
KABUL = "0093701234567"


@pytest.mark.thorough
def test_a_call_out_stays_metered_when_its_user_has_left(scene: Scene, books: Books, events: Events) -> None:
    asked = scene.phone("102-ip_phone", answers())
    placed = calls_out(scene)
    asks(placed, events)
    events.talking(2)
    placed.hang_up()
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    events.talking(3)
    gevent.sleep(2.0)
    asked.hang_up()
    until(lambda: all_ended(*scene.carrier.incoming))
    row, taken = books()
    assert [len(found) for found in taken.values()] == [1]
    (lease,) = taken["101"]
    assert about(row["talked"]) == seconds(lease) > round(result.duration)
    assert (row["direction"], row["from"], row["to"]) == ("outgoing", "101", "+6561234567")
    assert (row["answered_by"], row["transfers"]) == ("102", ["101>102"])
    assert row["cost"] == f"{row['talked'] / 100:.2f}"


@pytest.mark.thorough
def test_a_number_that_is_asked_is_charged_to_who_asks_until_it_hangs_up(
    scene: Scene, books: Books, events: Events
) -> None:
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, OUTSIDE)
    events.talking(2)
    user.hang_up()
    events.talking(3)
    gevent.sleep(3.0)
    placed.hang_up()
    assert placed.result().ended_by is EndedBy.CALLER
    (out,) = scene.carrier.incoming
    assert (out.to_user, out.diversion) == ("+6561234567", None)
    until(lambda: all_ended(*scene.carrier.incoming))
    row, taken = books()
    assert [len(found) for found in taken.values()] == [1]
    assert seconds(taken["101"][0]) >= 3
    assert row["cost"] == f"{seconds(taken['101'][0]) / 100:.2f}"
    assert (row["answered_by"], row["transfers"]) == ("+6561234567", ["101>61234567"])


@pytest.mark.thorough
def test_two_numbers_that_are_connected_are_each_charged_to_who_called_them(
    scene: Scene, books: Books, events: Events
) -> None:
    placed = calls_out(scene)
    asks(placed, events, ALSO_OUTSIDE)
    events.talking(2)
    placed.hang_up()
    events.talking(3)
    gevent.sleep(1.0)
    scene.carrier.hang_up()
    until(lambda: len(scene.carrier.incoming) == 2 and all_ended(*scene.carrier.incoming))
    row, taken = books()
    assert [len(found) for found in taken.values()] == [2]
    first, second = taken["101"]
    assert {first.number, second.number} == {"+6561234567", "+6591112222"}
    assert row["cost"] == f"{(seconds(first) + seconds(second)) / 100:.2f}"
    # They count as two for the guard.
    assert first.call != second.call


@pytest.mark.thorough
def test_who_hangs_up_on_a_number_that_rings_pays_for_the_transfer_once(
    scene: Scene, books: Books, events: Events
) -> None:
    scene.carrier = scene.installation.world.carrier(scene.carrier.port, answers(None))
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, OUTSIDE)
    until(lambda: len(scene.carrier.incoming) == 1)
    user.hang_up()
    until(lambda: len(scene.carrier.incoming) == 2)
    scene.carrier.answer()
    events.talking(2)
    gevent.sleep(1.0)
    scene.carrier.hang_up()
    assert placed.result().ended_by is EndedBy.CALLEE
    assert [call.answered for call in scene.carrier.incoming] == [False, True]
    row, taken = books()
    # The first was never answered.
    assert [lease.answered_at is not None for lease in taken["101"]] == [False, True]
    assert row["cost"] == f"{seconds(taken['101'][1]) / 100:.2f}"
    assert row["transfers"] == ["101>61234567"]


@pytest.mark.thorough
def test_the_limit_cuts_a_number_that_was_asked_after_its_user_has_left(
    scene: Scene, books: Books, events: Events
) -> None:
    limit(scene, "101", 7)
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, OUTSIDE)
    events.talking(2)
    user.hang_up()
    assert placed.result().ended_by is EndedBy.CALLEE
    _, taken = books()
    assert 6 <= seconds(taken["101"][0]) <= 7


@pytest.mark.parametrize("code", ["*1", "*2"], ids=["blind", "attended"])
@pytest.mark.thorough
def test_a_leg_is_renewed_when_its_user_has_left(scene: Scene, books: Books, events: Events, code: str) -> None:
    """Given sixteen seconds, and a limit that is raised when 101 has gone; the two talk for more than that."""
    limit(scene, "101", 16)
    asked = scene.phone("102-ip_phone", answers())
    placed = calls_out(scene)
    asks(placed, events, code=code)
    events.talking(2)
    if code == "*2":
        placed.hang_up()
        events.talking(3)
    placed.result()
    assert leases(scene, "101")[-1].granted_seconds == 16
    limit(scene, "101", 600)
    gevent.sleep(16.5)
    asked.hang_up()
    until(lambda: all_ended(*scene.carrier.incoming))
    row, taken = books()
    (lease,) = taken["101"]
    assert (lease.granted_seconds or 0) > 16
    assert about(row["talked"]) == seconds(lease) > 16


@pytest.mark.thorough
def test_who_cannot_pay_for_the_call_is_told_and_goes_back(scene: Scene, books: Books, events: Events) -> None:
    limit(scene, "101", 0)
    user = scene.phone("101-ip_phone", answers())
    scene.phone("103-ip_phone", answers(0.1, talks=0.5))
    placed = comes_in(scene)
    asks(user, events, OUTSIDE)
    asks(user, events, "103", "*1", talks=2, questions=2)
    assert placed.result().ended_by is EndedBy.CALLEE
    assert [call.answered for call in calls(scene, "103-ip_phone")] == [True]
    assert scene.carrier.incoming == []
    assert books()[1] == {}


@pytest.fixture
def passcode(scene: Scene) -> str:
    """Of 101, for calls to Kabul."""
    scene.set("rule", "Standard", "countries.AF=passcode")
    scene.set("extension", "101", "passcode=24681357")
    return "24681357"


@pytest.mark.thorough
def test_who_calls_where_a_passcode_is_required_is_asked_for_it(
    scene: Scene, books: Books, events: Events, passcode: str
) -> None:
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, KABUL)
    events.runs("play_and_get_digits", 2)
    user.press(f"{passcode}#")
    events.talking(2)
    user.hang_up()
    events.talking(3)
    gevent.sleep(2.0)
    placed.hang_up()
    assert placed.result().ended_by is EndedBy.CALLER
    assert [(call.to_user, call.answered) for call in scene.carrier.incoming] == [("+93701234567", True)]
    row, taken = books()
    assert [(lease.number, seconds(lease) >= 2) for lease in taken["101"]] == [("+93701234567", True)]
    assert row["transfers"] == [f"101>{KABUL}"]


@pytest.mark.thorough
def test_who_hangs_up_instead_has_the_call_back(scene: Scene, books: Books, events: Events, passcode: str) -> None:
    """Nobody else can be asked for it."""
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, KABUL)
    events.runs("play_and_get_digits", 2)
    user.hang_up()
    assert takes(scene, "101-ip_phone", times=2).number == CALLER
    placed.hang_up()
    assert placed.result().code == 200
    assert scene.carrier.incoming == []
    assert books()[1] == {}
