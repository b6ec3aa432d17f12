"""The controller dies in the middle of a transfer: the speech goes on, and what costs is charged once."""

from __future__ import annotations

import gevent
import pytest

from bizpbx.controller.faults import Point
from bizpbx.testbed.world import EndedBy, answers
from tests.scenarios.conftest import Scene, until
from tests.scenarios.test_attended_transfer import all_ended, calls_out, comes_in
from tests.scenarios.test_metering_survives import comes_back, dies_at
from tests.scenarios.test_transfer import NOBODY_HANGS_UP, OUTSIDE, Books, books, calls, rings, seconds

pytestmark = pytest.mark.thorough

__all__ = ["books"]

CODES = pytest.mark.parametrize("code", ["*1", "*2"], ids=["blind", "attended"])


@CODES
def test_killed_between_the_decision_and_the_transfer_the_two_talk_on(scene: Scene, books: Books, code: str) -> None:
    dies_at(scene, Point.TRANSFERRING)
    placed = calls_out(scene, f",{code},102#", hangup_after=2.5)
    assert scene.installation.controllers[0].died(within=20.0)
    result = placed.result()
    assert (result.code, result.ended_by) == (200, EndedBy.CALLER)
    assert scene.rang() == set()
    comes_back(scene)
    row, taken = books()
    (lease,) = taken["101"]
    assert seconds(lease) == row["talked"] == round(result.duration)
    assert (row["transfers"], row["answered_by"]) == ([], "+6561234567")


@CODES
def test_killed_between_the_decision_and_the_transfer_another_controller_asks_again(
    scene: Scene, books: Books, code: str
) -> None:
    first, second = scene.installation.controllers
    dies_at(scene, Point.TRANSFERRING)
    second.start()
    scene.phone("102-ip_phone", answers(0.2, talks=6.0))
    try:
        placed = calls_out(scene, f",{code},102#,,,,102#", 2.5 if code == "*2" else NOBODY_HANGS_UP)
        placed.result()
        until(lambda: all_ended(*calls(scene, "102-ip_phone"), *scene.carrier.incoming))
        assert first.died(within=0.0)
    finally:
        second.kill()
        comes_back(scene)
    assert len(calls(scene, "102-ip_phone")) == 1
    row, taken = books()
    (lease,) = taken["101"]
    assert seconds(lease) == row["talked"]
    assert row["transfers"] == ["101>102"]


@pytest.mark.parametrize("after", [0.2, 1.5], ids=["ringing", "talking"])
def test_killed_while_a_user_asks_the_two_are_connected_all_the_same(scene: Scene, books: Books, after: float) -> None:
    first = scene.installation.controllers[0]
    scene.phone("102-ip_phone", answers(1.0, talks=4.0))
    placed = calls_out(scene, ",*2,102#", hangup_after=3.5)
    rings(scene, "102-ip_phone")
    gevent.sleep(after)
    first.kill()
    try:
        assert placed.result().ended_by is EndedBy.CALLER
        gevent.sleep(0.5)
        assert not all_ended(*scene.carrier.incoming)
        until(lambda: all_ended(*calls(scene, "102-ip_phone"), *scene.carrier.incoming))
    finally:
        first.start()
    row, taken = books()
    (lease,) = taken["101"]
    assert seconds(lease) == row["talked"] > round(placed.result().duration)
    assert (row["transfers"], row["answered_by"]) == (["101>102"], "102")


def test_killed_while_a_number_is_asked_it_is_charged_to_its_end(scene: Scene, books: Books) -> None:
    first = scene.installation.controllers[0]
    scene.phone("101-ip_phone", answers(0.1, keys=f",*2,{OUTSIDE}#", talks=2.5))
    placed = comes_in(scene, hangup_after=7.0)
    until(lambda: any(call.answered for call in scene.carrier.incoming))
    first.kill()
    try:
        assert placed.result().ended_by is EndedBy.CALLER
        until(lambda: all_ended(*scene.carrier.incoming))
    finally:
        first.start()
    row, taken = books()
    (lease,) = taken["101"]
    assert seconds(lease) >= 3
    assert row["cost"] == f"{seconds(lease) / 100:.2f}"


def test_killed_while_a_user_asks_and_nobody_takes_it_he_is_led_back(scene: Scene, books: Books) -> None:
    first = scene.installation.controllers[0]
    scene.phone("101-ip_phone", answers(0.1, keys=",*2,102#", talks=5.0))
    scene.phone("102-ip_phone", answers(0.5, talks=1.5))
    placed = comes_in(scene)
    rings(scene, "102-ip_phone")
    first.kill()
    try:
        result = placed.result()
        assert result.ended_by is EndedBy.CALLEE
    finally:
        first.start()
    row, taken = books()
    assert taken == {}
    assert (row["transfers"], row["answered_by"]) == ([], "101")
