"""More than one gateway: the next one is tried when a gateway fails, and only then."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bizpbx.testbed.world import Carrier, answers, busy, refuses, refuses_as_dialled, rings_only, silent
from tests.scenarios.conftest import Scene

PAGE = Path(__file__).parents[2] / "docs" / "calls.md"
ROW = re.compile(r"^\| ([0-9, ]+) \| (yes|no)[^|]* \| ([0-9]{3}) \|$", re.MULTILINE)
ANSWERS = {
    int(code): (tried == "yes", int(told))
    for codes, tried, told in ROW.findall(PAGE.read_text("utf-8"))
    for code in codes.split(", ")
}
"""Final answer of a gateway → whether the next one is tried, and what the caller gets without one."""


@pytest.fixture(autouse=True)
def second(scene: Scene) -> Carrier:
    """The rule falls back on a second gateway, which answers."""
    scene.set("rule", "Standard", "fallback_gateways=second")
    return scene.installation.world.carrier(scene.installation.second_carrier_port, answers())


@pytest.fixture
def tree(scene: Scene) -> None:
    """The first controller keeps the tree of the switch up to date, as in production."""
    scene.start_controller(BIZPBX_FREESWITCH_CONF=str(scene.installation.tree))


def first(scene: Scene, behaviour: object) -> Carrier:
    scene.carrier = scene.installation.world.carrier(scene.installation.carrier_port, behaviour)  # type: ignore[arg-type]
    return scene.carrier


def eventually(true: Callable[[], object], seconds: float = 20.0) -> None:
    """What is rendered reaches the switch a moment after it was stored."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def gateway_state(scene: Scene, name: str) -> str | None:
    rows = json.loads(scene.installation.bizpbx("gateway", "status", "--organisation", "acme.example", "--json"))
    return next((row["state"] for row in rows if row["gateway"] == name), None)


def numbers(carrier: Carrier) -> list[str]:
    return [call.to_user for call in carrier.incoming]


def test_the_table_has_every_answer() -> None:
    assert len(ANSWERS) > 40
    assert {code for code, (tried, _) in ANSWERS.items() if tried} == {408, 500, 501, 502, 503, 504, 505, 513, 580}


def test_the_second_gateway_is_tried_for_the_answers_of_the_table_alone(scene: Scene, second: Carrier) -> None:
    first(scene, refuses_as_dialled)
    phone = scene.registered("101-ip_phone")
    codes = sorted(ANSWERS)
    found = {}
    for start in range(0, len(codes), 8):
        placed = {code: scene.installation.world.place(phone, f"65000{code}") for code in codes[start : start + 8]}
        found |= {code: call.result().code for code, call in placed.items()}
    tried = {int(number[-3:]) for number in numbers(second)}
    assert tried == {code for code, (tries, _) in ANSWERS.items() if tries}
    assert found == {code: 200 if tries else told for code, (tries, told) in ANSWERS.items()}
    assert sorted(numbers(scene.carrier)) == [f"+6565000{code}" for code in codes]


def test_the_second_gateway_is_told_the_same_of_the_caller(scene: Scene, second: Carrier) -> None:
    first(scene, refuses(503))
    assert scene.from_phone("101-ip_phone", "61234567").code == 200
    there, here = scene.carrier.incoming[0], second.incoming[0]
    assert (here.to_user, here.number, here.pai, here.privacy) == ("+6561234567", "+6564291310", "+6564291310", None)
    assert (there.to_user, there.number, there.pai, there.privacy) == (here.to_user, here.number, here.pai, None)


def test_a_gateway_that_is_not_there_costs_no_time(scene: Scene, second: Carrier) -> None:
    scene.installation.world.close(scene.carrier)
    result = scene.from_phone("101-ip_phone", "61234567")
    assert (result.code, numbers(second)) == (200, ["+6561234567"])
    assert result.time_to_answer is not None and result.time_to_answer < 30


@pytest.mark.thorough
def test_a_gateway_that_says_nothing_at_all_is_given_up_after_five_seconds(scene: Scene, second: Carrier) -> None:
    first(scene, silent)
    result = scene.from_phone("101-ip_phone", "61234567")
    assert (result.code, numbers(second)) == (200, ["+6561234567"])
    assert result.time_to_answer is not None and 4 < result.time_to_answer < 30


@pytest.mark.thorough
def test_a_gateway_comes_changes_and_goes_while_the_switch_runs(scene: Scene, second: Carrier, tree: None) -> None:
    # given: a gateway that is new
    port = scene.installation.second_carrier_port
    add = ("gateway", "add", "third", "host=127.0.0.1", f"port={port}", "ping=null", "--organisation", "acme.example")
    scene.installation.bizpbx(*add)
    scene.set("rule", "Standard", "gateway=third", "fallback_gateways=[]")
    eventually(lambda: gateway_state(scene, "third") == "up")
    # then: calls leave through it
    assert scene.from_phone("101-ip_phone", "61234567").code == 200
    assert numbers(second) == ["+6561234567"]
    # and when: it moves to the other carrier
    scene.set("gateway", "third", f"port={scene.installation.carrier_port}")
    eventually(lambda: scene.from_phone("101-ip_phone", "61234567").code == 200 and numbers(scene.carrier))
    # and when: it goes
    scene.set("rule", "Standard", "gateway=carrier")
    scene.installation.bizpbx("gateway", "remove", "third", "--organisation", "acme.example")
    assert gateway_state(scene, "third") is None
    assert scene.from_phone("101-ip_phone", "61234567").code == 200


def test_all_lines_are_busy_when_the_last_gateway_has_failed(scene: Scene, second: Carrier) -> None:
    first(scene, refuses(503))
    second = scene.installation.world.carrier(scene.installation.second_carrier_port, refuses(500))
    result = scene.from_phone("101-ip_phone", "61234567")
    assert (result.code, 183 in result.provisional) == (503, True)
    assert (numbers(scene.carrier), numbers(second)) == (["+6561234567"], ["+6561234567"])


@pytest.mark.parametrize(("behaviour", "code"), [(busy, 486), (refuses(603, after=0.3), 603)], ids=["busy", "declined"])
def test_what_the_called_one_says_is_final(scene: Scene, second: Carrier, behaviour: object, code: int) -> None:
    first(scene, behaviour)
    assert scene.from_phone("101-ip_phone", "61234567").code == code
    assert numbers(second) == []


def test_a_caller_who_gives_up_is_not_put_through_to_the_second(scene: Scene, second: Carrier) -> None:
    first(scene, rings_only)
    scene.from_phone("101-ip_phone", "61234567", cancel_after=0.5)
    assert scene.carrier.incoming[0].cancelled
    assert numbers(second) == []


def test_an_emergency_call_tries_the_trunk_and_then_the_rule_s_gateways(scene: Scene, second: Carrier) -> None:
    first(scene, refuses(404))
    assert scene.from_phone("101-ip_phone", "995").code == 200
    assert (numbers(scene.carrier), numbers(second)) == (["995"], ["995"])


def test_a_forward_to_a_number_falls_back_and_still_hides_a_withheld_caller(scene: Scene, second: Carrier) -> None:
    scene.set(
        "extension",
        "101",
        "incoming.forwarding.enabled=true",
        "incoming.forwarding.number=+6598765432",
        "caller_id.on_forward=caller",
    )
    first(scene, refuses(503))
    assert scene.from_outside(None, "+6564291311").code == 200
    seen = second.incoming[0]
    assert (seen.to_user, seen.number, seen.pai, seen.privacy) == ("+6598765432", "anonymous", "+6564291310", "id")
    assert seen.diversion == "+6564291310"
    assert sum(name.lower() == "diversion" for name, _ in seen.headers) == 1


def test_a_forward_to_an_extension_and_a_number_rings_both_with_the_second_gateway(
    scene: Scene, second: Carrier
) -> None:
    forwarding = ("incoming.forwarding.extensions=102", "incoming.forwarding.number=+6598765432")
    scene.set("extension", "101", "incoming.forwarding.enabled=true", *forwarding, "no_answer.wait=20")
    first(scene, refuses(503))
    assert scene.from_outside("+6591112222", "+6564291311").code == 200
    assert numbers(second) == ["+6598765432"]
    assert scene.rang() == {"102-ip_phone"}


@pytest.mark.thorough
def test_a_gateway_that_is_known_to_be_down_is_passed_over_before_a_phone_has_rung(
    scene: Scene, second: Carrier, tree: None
) -> None:
    # given: a gateway that nobody answers at, so that signing in fails
    named = ("fourth", "host=127.0.0.1", "port=9", "username=acme", "password=s3cret", "ping=null")
    scene.installation.bizpbx("gateway", "add", *named, "--organisation", "acme.example")
    eventually(lambda: gateway_state(scene, "fourth") != "absent")
    scene.set("rule", "Standard", "gateway=fourth")
    forwarding = ("incoming.forwarding.extensions=102", "incoming.forwarding.number=+6598765432")
    scene.set("extension", "101", "incoming.forwarding.enabled=true", *forwarding, "no_answer.wait=20")
    # when: a forward rings an extension and a number behind it
    result = scene.from_outside("+6591112222", "+6564291311")
    # then: the number is called through the next gateway, and the phone has seen one call
    assert (result.code, numbers(second)) == (200, ["+6598765432"])
    assert len(scene.registered("102-ip_phone").incoming) == 1


def test_a_controller_that_dies_between_the_gateways_leaves_the_call_to_the_next(scene: Scene) -> None:
    before, after = scene.installation.controllers
    after.start()
    first(scene, refuses(503, after=1.0))
    second = scene.installation.world.carrier(scene.installation.second_carrier_port, answers(0.1))
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "61234567", hangup_after=0.2)
    placed.wait_for(180)
    before.kill()
    assert placed.result().code == 200
    assert (numbers(scene.carrier), numbers(second)) == (["+6561234567"], ["+6561234567"])


def test_a_controller_that_dies_while_the_second_gateway_rings_lets_it_ring_on(scene: Scene) -> None:
    before, after = scene.installation.controllers
    after.start()
    first(scene, refuses(503))
    second = scene.installation.world.carrier(scene.installation.second_carrier_port, refuses(486, after=1.0))
    placed = scene.installation.world.place(scene.registered("101-ip_phone"), "61234567")
    placed.wait_for(180)
    before.kill()
    assert placed.result().code == 486
    assert (numbers(scene.carrier), numbers(second)) == (["+6561234567"], ["+6561234567"])
