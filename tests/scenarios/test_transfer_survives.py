"""The controller dies in the middle of a transfer: the speech goes on, and what costs is charged once."""

from __future__ import annotations

import gevent
import pytest

from bizpbx.controller.faults import Point
from bizpbx.testbed.world import EndedBy, answers
from tests.scenarios.conftest import Scene, until
from tests.scenarios.events import Events, asks, events
from tests.scenarios.test_metering_survives import comes_back, dies_at
from tests.scenarios.test_transfer import (
    OUTSIDE,
    Books,
    about,
    all_ended,
    books,
    calls_out,
    comes_in,
    is_over,
    rings,
    seconds,
)

pytestmark = pytest.mark.thorough

__all__ = ["books", "events"]

CODES = pytest.mark.parametrize("code", ["*1", "*2"], ids=["blind", "attended"])


@CODES
def test_killed_between_the_decision_and_the_transfer_the_two_talk_on(
    scene: Scene, books: Books, events: Events, code: str
) -> None:
    dies_at(scene, Point.TRANSFERRING)
    placed = calls_out(scene)
    asks(placed, events, code=code)
    assert scene.installation.controllers[0].died(within=20.0)
    is_over(events)
    gevent.sleep(1.0)
    placed.hang_up()
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert scene.rang() == set()
    comes_back(scene)
    row, taken = books()
    (lease,) = taken["101"]
    assert seconds(lease) == about(result.duration)
    assert row["talked"] == about(result.duration)
    assert (row["transfers"], row["answered_by"]) == ([], "+6561234567")


@CODES
def test_killed_between_the_decision_and_the_transfer_another_controller_asks_again(
    scene: Scene, books: Books, events: Events, code: str
) -> None:
    first, second = scene.installation.controllers
    dies_at(scene, Point.TRANSFERRING)
    second.start()
    target = scene.phone("102-ip_phone", answers())
    try:
        placed = calls_out(scene)
        asks(placed, events, code=code)
        assert first.died(within=20.0)
        events.runs("play_and_get_digits", 2)
        placed.press("102#")
        events.talking(2)
        if code == "*2":
            placed.hang_up()
            events.talking(3)
        placed.result()
        gevent.sleep(1.0)
        target.hang_up()
        until(lambda: all_ended(*target.incoming, *scene.carrier.incoming))
    finally:
        second.kill()
        comes_back(scene)
    assert len(target.incoming) == 1
    row, taken = books()
    (lease,) = taken["101"]
    assert seconds(lease) == about(row["talked"])
    assert row["transfers"] == ["101>102"]


@pytest.mark.parametrize("talks", [False, True], ids=["ringing", "talking"])
def test_killed_while_a_user_asks_the_two_are_connected_all_the_same(
    scene: Scene, books: Books, events: Events, talks: bool
) -> None:
    first = scene.installation.controllers[0]
    target = scene.phone("102-ip_phone", answers(None))
    placed = calls_out(scene)
    asks(placed, events)
    rings(scene, "102-ip_phone")
    if talks:
        target.answer()
        events.talking(2)
    first.kill()
    try:
        if not talks:
            target.answer()
            events.talking(2)
        placed.hang_up()
        assert placed.result().ended_by is EndedBy.CALLER
        events.talking(3)
        gevent.sleep(2.0)
        assert not all_ended(*scene.carrier.incoming)
        target.hang_up()
        until(lambda: all_ended(*target.incoming, *scene.carrier.incoming))
    finally:
        first.start()
    row, taken = books()
    (lease,) = taken["101"]
    assert about(row["talked"]) == seconds(lease) > round(placed.result().duration)
    assert (row["transfers"], row["answered_by"]) == (["101>102"], "102")


def test_killed_while_a_number_is_asked_it_is_charged_to_its_end(scene: Scene, books: Books, events: Events) -> None:
    first = scene.installation.controllers[0]
    user = scene.phone("101-ip_phone", answers())
    placed = comes_in(scene)
    asks(user, events, OUTSIDE)
    events.talking(2)
    first.kill()
    try:
        user.hang_up()
        events.talking(3)
        gevent.sleep(3.0)
        placed.hang_up()
        assert placed.result().ended_by is EndedBy.CALLER
        until(lambda: all_ended(*scene.carrier.incoming))
    finally:
        first.start()
    row, taken = books()
    (lease,) = taken["101"]
    assert seconds(lease) >= 3
    assert row["cost"] == f"{seconds(lease) / 100:.2f}"


def test_killed_while_a_user_asks_and_nobody_takes_it_he_is_led_back(
    scene: Scene, books: Books, events: Events
) -> None:
    first = scene.installation.controllers[0]
    user, asked = scene.phone("101-ip_phone", answers()), scene.phone("102-ip_phone", answers(None))
    placed = comes_in(scene)
    asks(user, events)
    rings(scene, "102-ip_phone")
    first.kill()
    try:
        asked.answer()
        events.talking(2)
        asked.hang_up()
        events.talking(3)
        gevent.sleep(0.5)
        user.hang_up()
        assert placed.result().ended_by is EndedBy.CALLEE
    finally:
        first.start()
    row, taken = books()
    assert taken == {}
    assert (row["transfers"], row["answered_by"]) == ([], "101")
