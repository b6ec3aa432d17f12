"""The number that a call presents, as the carrier's and the phones' INVITEs have it."""

from __future__ import annotations

from collections import Counter

import pytest

from bizpbx.testbed.sipp import SippWorld, load
from bizpbx.testbed.world import answers, busy
from tests.scenarios.conftest import ACME, HERE, SETTINGS, Scene

HIDDEN = "+6591112222"
OUT = ("incoming.forwarding.enabled=true", "incoming.forwarding.vip=", "incoming.forwarding.number=+6598765432")
OUT_ONLY = (*OUT, "incoming.forwarding.extensions=")
OUT_AND_IN = (*OUT, "incoming.forwarding.extensions=101,102")


def test_a_forward_that_shows_the_extension_asserts_and_diverts_by_the_same_number(scene: Scene) -> None:
    scene.set("extension", "100", *OUT_ONLY)
    assert scene.from_outside("+6591112222").code == 200
    seen = scene.carrier.incoming[0]
    assert (seen.number, seen.pai, seen.privacy) == ("+6564291310", "+6564291310", None)
    assert seen.header("Diversion") == "<sip:+6564291310@acme.example>;reason=unconditional"


def test_a_forward_that_shows_the_caller_asserts_the_number_that_answers_for_it(scene: Scene) -> None:
    scene.set("extension", "100", *OUT_ONLY, "caller_id.on_forward=caller")
    assert scene.from_outside("+6591112222").code == 200
    seen = scene.carrier.incoming[0]
    assert (seen.number, seen.pai, seen.diversion) == ("+6591112222", "+6564291310", "+6564291310")


def test_a_forward_to_the_mobile_number_that_the_extension_presents_is_not_called_in_its_own_name(
    scene: Scene,
) -> None:
    scene.installation.bizpbx(
        "member", "add", "ann@acme.example", "name=Ann", "mobile=+6598765432", "--organisation", ACME
    )
    scene.set("extension", "100", *OUT_ONLY, "assignee=ann@acme.example", "caller_id.number=+6598765432")
    assert scene.from_outside("+6591112222").code == 200
    seen = scene.carrier.incoming[0]
    assert (seen.to_user, seen.number, seen.pai, seen.diversion) == (
        "+6598765432",
        "+6564291310",
        "+6564291310",
        "+6564291310",
    )
    assert scene.from_phone("100-ip_phone", "61234567").code == 200
    assert scene.carrier.incoming[1].number == "+6598765432"


@pytest.mark.thorough
def test_a_forward_after_no_answer_says_so(scene: Scene) -> None:
    scene.set("extension", "101", "no_answer.action=forward", "no_answer.number=+6598765432")
    assert scene.from_outside("+6591112222", "+6564291311").code == 200
    assert scene.carrier.incoming[0].header("Diversion") == "<sip:+6564291310@acme.example>;reason=no-answer"


def test_a_withheld_caller_is_forwarded_in_private(scene: Scene) -> None:
    for shows in ("caller", "extension"):
        scene.set("extension", "100", *OUT_AND_IN, f"caller_id.on_forward={shows}")
        inside = [scene.phone(user, answers(3)) for user in ("101-ip_phone", "102-ip_phone")]
        scene.installation.world.forget()
        caller = scene.carrier.caller(HIDDEN, display_name="Ann Lee", withheld=True)
        assert scene.installation.world.call(caller, "+6564291310").code == 200
        outside = scene.carrier.incoming[0]
        expected = ("anonymous", "id") if shows == "caller" else ("+6564291310", None)
        assert (outside.number, outside.privacy, outside.pai) == (*expected, "+6564291310")
        # Nothing in any INVITE tells who called: not in From, not in an identity, not in a header of another name.
        for seen in (outside, *(call for phone in inside for call in phone.incoming)):
            assert not any("1112222" in value or "Ann Lee" in value for _, value in seen.headers)
        assert {call.number for phone in inside for call in phone.incoming} == {
            "anonymous" if shows == "caller" else "100"
        }


def test_a_withheld_caller_is_anonymous_on_the_devices(scene: Scene) -> None:
    scene.set("extension", "100", "incoming.forwarding.enabled=false")
    phones = [scene.phone(user, answers(0.2)) for user in ("100-ip_phone", "100-mobile")]
    caller = scene.carrier.caller(HIDDEN, display_name="Ann Lee", withheld=True)
    assert scene.installation.world.call(caller, "+6564291310").code == 200
    for phone in phones:
        assert phone.incoming[0].number == "anonymous"
        assert not any("1112222" in value or "Ann Lee" in value for _, value in phone.incoming[0].headers)


def presented(scene: Scene, calls: int = 1) -> list[str]:
    """What the carrier sees of calls of 101."""
    scene.carrier.forget()
    for _ in range(calls):
        assert scene.from_phone("101-ip_phone", "61234567").code == 200
    assert all(seen.pai == seen.number for seen in scene.carrier.incoming)
    return [seen.number for seen in scene.carrier.incoming]


def test_existing_presents_the_number_that_was_chosen(scene: Scene) -> None:
    assert presented(scene) == ["+6564291310"]
    scene.set("extension", "101", "caller_id.number=+6564291311")
    assert presented(scene) == ["+6564291311"]


def test_assigned_presents_what_was_picked_of_the_list(scene: Scene) -> None:
    scene.set("extension", "101", "caller_id.mode=assigned", "caller_id.assigned=+6564291311,+6564291310")
    assert presented(scene) == ["+6564291311"]
    scene.set("extension", "101", "caller_id.number=+6564291310")
    assert presented(scene) == ["+6564291310"]


@pytest.mark.thorough
def test_random_presents_every_number_of_its_list_over_two_hundred_calls(scene: Scene) -> None:
    own, more = "+6564291311", [f"+65642913{number}" for number in range(20, 30)]
    plain = (HERE / SETTINGS[ACME]).read_text()
    line = f'  - {{number: "{own}", to: "101"}}\n'
    assert line in plain
    scene.installation.apply(plain.replace(line, line + "".join(f'  - {{number: "{number}"}}\n' for number in more)))
    scene.set("extension", "101", "caller_id.mode=random", f"caller_id.assigned={','.join(more)}")
    scene.carrier = scene.installation.world.carrier(scene.installation.carrier_port, busy)
    assert all_busy(scene, "101-ip_phone", "61234567", 200)
    seen = scene.carrier.incoming
    scene.carrier = scene.installation.world.carrier(scene.installation.carrier_port)
    # Two hundred draws miss one of ten numbers once in a hundred million runs.
    assert Counter(call.number for call in seen).keys() == set(more)
    assert len(seen) == 200
    assert all(call.pai == call.number and call.to_user == "+6561234567" for call in seen)
    # Without a list: all numbers of the organisation.
    scene.set("extension", "101", "caller_id.assigned=")
    assert set(presented(scene, 5)) <= {"+6564291310", own, *more}


def all_busy(scene: Scene, user: str, to: str, calls: int) -> bool:
    """Place many calls, fifty at a time or fifty a second; whether each was told that it is busy there."""
    world, caller = scene.installation.world, scene.registered(user)
    if isinstance(world, SippWorld):
        return dict(load(world, caller, to, calls=calls, rate=50).failures) == {486: calls}
    codes = [
        placed.result().code for _ in range(calls // 50) for placed in [world.place(caller, to) for _ in range(50)]
    ]
    return codes == [486] * calls


def test_a_requested_number_is_presented_from_its_approval_until_that_is_taken_back(scene: Scene) -> None:
    asked = ("101", "+6561110000", "--organisation", "acme.example")
    scene.set("extension", "101", "caller_id.number=+6564291311")
    seen = []
    for step in ("request", "approve", "refuse"):
        scene.installation.bizpbx("caller-id", step, *asked)
        seen += presented(scene)
    assert seen == ["+6564291311", "+6561110000", "+6564291310"]
