"""The controller dies with SIGKILL, at every point of a call's life. The caller never notices."""

from __future__ import annotations

import os
import signal

import gevent
import pytest

from bizpbx.testbed.world import answers
from tests.scenarios.conftest import Scene

FORWARD_ON_NO_ANSWER = ("no_answer.action=forward", "no_answer.number=+6598765432", "no_answer.wait=5")


def hold_undecided(scene: Scene) -> None:
    """Let the first controller take the next call, and decide nothing: stopped, it accepts and stays silent."""
    os.kill(scene.installation.controllers[0].pid, signal.SIGSTOP)


def test_a_bridged_call_goes_on_and_ends_normally(scene: Scene) -> None:
    scene.phone("102-ip_phone", answers(0.1))
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "102", hangup_after=1.5)
    placed.wait_for(200)
    scene.installation.controllers[0].kill()
    result = placed.result()
    assert result.code == 200
    assert result.duration >= 1.4
    assert result.ended_by == "caller"


def test_a_bridged_call_that_the_callee_ends_is_not_carried_on_by_the_next_controller(scene: Scene) -> None:
    scene.installation.controllers[1].start()
    phone = scene.phone("102-ip_phone", answers(0.1, talks=1.0))
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "102", hangup_after=None)
    placed.wait_for(200)
    scene.installation.controllers[0].kill()
    result = placed.result()
    assert (result.code, result.ended_by) == (200, "callee")
    assert len(phone.incoming) == 1


def test_an_undecided_call_is_taken_by_the_second_controller(scene: Scene) -> None:
    scene.installation.controllers[1].start()
    scene.phone("102-ip_phone", answers(0.1))
    hold_undecided(scene)
    placed = scene.installation.world.place(scene.carrier.caller("+6591112222"), "+6564291310", hangup_after=0.2)
    gevent.sleep(0.5)
    assert scene.rang() == set()
    scene.installation.controllers[0].kill()
    assert placed.result().code == 200
    # Decided by a controller, not natively: the forward was followed.
    assert scene.rang() == {"101-ip_phone", "102-ip_phone", "103-ip_phone"}


def test_an_undecided_call_rings_natively_when_there_is_no_other_controller(scene: Scene) -> None:
    phone = scene.phone("102-ip_phone", answers(0.1))
    hold_undecided(scene)
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "102", hangup_after=0.2)
    gevent.sleep(0.5)
    scene.installation.controllers[0].kill()
    assert placed.result().code == 200
    assert phone.incoming[0].answered


def test_without_any_controller_keys_and_dids_ring_natively(scene: Scene) -> None:
    scene.installation.controllers[0].kill()
    scene.phone("101-ip_phone", answers(0.1))
    scene.phone("102-ip_phone", answers(0.1))
    assert scene.from_phone("101-ip_phone", "102").code == 200
    assert scene.from_outside("+6591112222", "+6564291311").code == 200


def test_without_any_controller_a_withheld_caller_stays_withheld(scene: Scene) -> None:
    scene.installation.controllers[0].kill()
    phone = scene.phone("101-ip_phone", answers(0.1))
    caller = scene.carrier.caller("+6591112222", display_name="Ann Lee", withheld=True)
    assert scene.installation.world.call(caller, "+6564291311").code == 200
    assert phone.incoming[0].number == "anonymous"
    assert not any("1112222" in value or "Ann Lee" in value for _, value in phone.incoming[0].headers)


def test_without_any_controller_nothing_that_costs_money_is_dialled(scene: Scene) -> None:
    scene.installation.controllers[0].kill()
    result = scene.from_phone("101-ip_phone", "+6598765432")
    assert (result.code, 183 in result.provisional) == (403, True)
    assert scene.carrier.incoming == []


def test_killed_while_ringing_the_phone_rings_on_and_is_answered(scene: Scene) -> None:
    scene.phone("102-ip_phone", answers(1.0))
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "102", hangup_after=0.2)
    placed.wait_for(180)
    scene.installation.controllers[0].kill()
    assert placed.result().code == 200


@pytest.mark.thorough
def test_killed_while_ringing_the_second_controller_goes_on_after_the_ring(scene: Scene) -> None:
    scene.set("extension", "102", *FORWARD_ON_NO_ANSWER)
    scene.installation.controllers[1].start()
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "102", hangup_after=0.2)
    placed.wait_for(180)
    scene.installation.controllers[0].kill()
    assert placed.result().code == 200
    assert len(scene.registered("102-ip_phone").incoming) == 1
    assert [call.to_user for call in scene.carrier.incoming] == ["+6598765432"]


@pytest.mark.thorough
def test_killed_while_ringing_with_no_other_controller_the_call_ends_as_its_ring_did(scene: Scene) -> None:
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "102", hangup_after=0.2)
    placed.wait_for(180)
    scene.installation.controllers[0].kill()
    assert placed.result().code == 480
    assert len(scene.registered("102-ip_phone").incoming) == 1


def test_a_clean_stop_leaves_a_bridged_call_alone(scene: Scene) -> None:
    scene.phone("102-ip_phone", answers(0.1))
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "102", hangup_after=1.5)
    placed.wait_for(200)
    assert scene.installation.controllers[0].stop() == 0
    assert placed.result().duration >= 1.4
