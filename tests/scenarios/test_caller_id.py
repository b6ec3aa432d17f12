"""The number that a call presents, as the carrier's and the phones' INVITEs have it."""

from __future__ import annotations

from bizpbx.testbed.world import answers
from tests.scenarios.conftest import Scene

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


def test_random_presents_every_number(scene: Scene) -> None:
    scene.set("extension", "101", "caller_id.mode=random")
    # Fourteen calls miss one of two numbers once in eight thousand runs.
    assert set(presented(scene, 14)) == {"+6564291310", "+6564291311"}
    scene.set("extension", "101", "caller_id.assigned=+6564291311")
    assert set(presented(scene, 3)) == {"+6564291311"}


def test_a_requested_number_is_presented_from_its_approval_until_that_is_taken_back(scene: Scene) -> None:
    asked = ("101", "+6561110000", "--organisation", "acme.example")
    scene.changed.add("acme.example")
    scene.set("extension", "101", "caller_id.number=+6564291311")
    seen = []
    for step in ("request", "approve", "refuse"):
        scene.installation.bizpbx("caller-id", step, *asked)
        seen += presented(scene)
    assert seen == ["+6564291311", "+6561110000", "+6564291310"]
