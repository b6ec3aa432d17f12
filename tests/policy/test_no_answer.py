"""What follows a ring that nobody answered (product §7)."""

import pytest

from bizpbx.policy.plan import Cause, HangUp, Kept, Plan, Play, Record, Ring, Stage, kept_by
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.settings import DeviceKind, ExtensionType, Gateway, NoAnswer, NoAnswerAction, OnForward
from tests.policy.tenant import (
    MAIN,
    device,
    end_of,
    extension,
    forward_to,
    forwarding,
    from_inside,
    from_outside,
    ring_of,
    rules_of,
    shown_to,
    tenant,
    who_rings,
)

MOBILE = "+6581112222"
OTHER_DID = "+6564291311"


@pytest.mark.parametrize(("setting", "seconds"), [(5, 5), (20, 20), (60, 60), (0, 5), (900, 60)])
def test_the_wait_is_the_ring_time(setting: int, seconds: int) -> None:
    plan = from_outside(tenant(extension("100", no_answer=NoAnswer(wait=setting))), None)

    assert ring_of(plan).timeout == seconds


def test_hang_up_ends_with_the_cause_of_the_ring() -> None:
    plan = from_outside(tenant(extension("100")), None)

    assert plan.steps[1:] == (HangUp(Stage.END, None),)


def test_forward_rings_the_number_as_a_call_of_the_owner() -> None:
    plan = from_outside(tenant(extension("100", no_answer=forward_to(MOBILE), caller_id="+6564291399")), "+6591112222")

    assert [step.stage for step in plan.steps] == [Stage.RING, Stage.NO_ANSWER, Stage.END]
    assert who_rings(plan, Stage.NO_ANSWER) == [MOBILE]
    assert shown_to(plan, MOBILE) == "+6564291399"
    assert ring_of(plan, Stage.NO_ANSWER).diverted_by == "+6564291399"


@pytest.mark.parametrize("number", ["+60123456789", "+93701234567", "12", "junk"])
def test_a_forward_that_is_refused_hangs_up(number: str) -> None:
    plan = from_outside(tenant(extension("100", no_answer=forward_to(number))), None)

    assert [step.stage for step in plan.steps] == [Stage.RING, Stage.END]
    assert rules_of(plan)[-1] == "forward-nobody"


def test_a_forward_without_a_number_hangs_up() -> None:
    plan = from_outside(tenant(extension("100", no_answer=NoAnswer(NoAnswerAction.FORWARD))), None)

    assert end_of(plan) == plan.steps[1]


def test_no_answer_is_never_chained() -> None:
    acme = tenant(
        extension("100", no_answer=forward_to(OTHER_DID)),
        extension("101", no_answer=forward_to(MOBILE), forwarding=forwarding("102")),
        extension("102"),
        numbers={MAIN: "100", OTHER_DID: "101"},
    )

    plan = from_outside(acme, None)

    assert who_rings(plan, Stage.NO_ANSWER) == ["101-ip_phone"]
    assert len(plan.steps) == 3


def test_what_rang_already_does_not_ring_again() -> None:
    again = extension("100", forwarding=forwarding("101", number=MOBILE), no_answer=forward_to(MOBILE))
    did = extension("100", forwarding=forwarding("101"), no_answer=forward_to(OTHER_DID))
    numbers = {MAIN: "100", OTHER_DID: "101"}

    for boss in (again, did):
        plan = from_outside(tenant(boss, extension("101"), numbers=numbers), None)
        assert [step.stage for step in plan.steps] == [Stage.RING, Stage.END]
        assert "target-rang" in rules_of(plan)


def test_the_caller_s_own_extension_is_not_rung_by_no_answer() -> None:
    acme = tenant(
        extension("100", no_answer=forward_to(OTHER_DID)), extension("101"), numbers={MAIN: "100", OTHER_DID: "101"}
    )

    assert who_rings(from_inside(acme, "101", "100"), Stage.NO_ANSWER) == []


SOUND = "a" * 64
VOICEMAIL = NoAnswer(NoAnswerAction.VOICEMAIL, 20, message=SOUND, longest=45)
MISSED_CALL = NoAnswer(NoAnswerAction.MISSED_CALL, 20, message=SOUND)
HANG_UP = NoAnswer(NoAnswerAction.HANG_UP, 20, message=SOUND)


def kept_in(plan: Plan) -> set[Kept | None]:
    return {kept_by(step) for step in plan.steps}


def after_ring(plan: Plan) -> list[str]:
    """The steps that are no ring, in words."""
    return [type(step).__name__ for step in plan.steps if not isinstance(step, Ring)]


def test_a_voicemail_answers_plays_the_message_and_records() -> None:
    plan = from_outside(tenant(extension("100", no_answer=VOICEMAIL)), "+6591112222", name="Ann $Lee")
    kept = Kept(NoAnswerAction.VOICEMAIL, "100", "+6591112222", "Ann Lee")

    assert ring_of(plan).timeout == 20
    assert plan.steps[1:] == (
        Play(Stage.MESSAGE, SOUND, answer=True, kept=kept),
        Record(Stage.RECORD, 45, kept),
        HangUp(Stage.END, Cause.NORMAL_CLEARING, kept),
    )
    assert kept_in(plan) == {kept}


def test_a_voicemail_without_a_message_says_what_to_do() -> None:
    plan = from_outside(tenant(extension("100", no_answer=NoAnswer(NoAnswerAction.VOICEMAIL))), None)

    assert [step.sound for step in plan.steps if isinstance(step, Play)] == [Prompt.LEAVE_A_MESSAGE]


@pytest.mark.parametrize(("longest", "seconds"), [(1, 1), (60, 60), (0, 1), (900, 60)])
def test_a_voicemail_lasts_a_minute_at_most(longest: int, seconds: int) -> None:
    settings = NoAnswer(NoAnswerAction.VOICEMAIL, longest=longest)
    plan = from_outside(tenant(extension("100", no_answer=settings)), None)

    assert [step.longest for step in plan.steps if isinstance(step, Record)] == [seconds]


@pytest.mark.parametrize("settings", [MISSED_CALL, HANG_UP])
def test_the_message_is_heard_before_the_call_ends_as_its_ring_did(settings: NoAnswer) -> None:
    plan = from_outside(tenant(extension("100", no_answer=settings)), None)

    message, end = plan.steps[1:]
    assert isinstance(message, Play) and (message.sound, message.answer) == (SOUND, False)
    assert isinstance(end, HangUp) and end.cause is None


def test_only_missed_calls_and_voicemails_are_kept() -> None:
    for settings in (HANG_UP, forward_to(MOBILE)):
        assert kept_in(from_outside(tenant(extension("100", no_answer=settings)), None)) == {None}
    caller = from_inside(tenant(extension("100", no_answer=MISSED_CALL), extension("101")), "101", "100")
    assert kept_in(caller) == {Kept(NoAnswerAction.MISSED_CALL, "100", "101", "Desk 101")}


def test_a_withheld_caller_is_kept_without_number_and_name() -> None:
    plan = from_outside(tenant(extension("100", no_answer=MISSED_CALL)), "+6591112222", name="Ann", withheld=True)

    assert kept_in(plan) == {Kept(NoAnswerAction.MISSED_CALL, "100", None, "")}


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        (HANG_UP, ["Play", "HangUp"]),
        (MISSED_CALL, ["Play", "HangUp"]),
        (VOICEMAIL, ["Play", "Record", "HangUp"]),
        (forward_to(MOBILE), ["HangUp"]),
    ],
)
def test_on_do_not_disturb_no_answer_runs_at_once_unless_it_forwards(settings: NoAnswer, steps: list[str]) -> None:
    plan = from_outside(tenant(extension("100", no_answer=settings, do_not_disturb=True)), None)

    assert [type(step).__name__ for step in plan.steps] == steps
    assert end_of(plan).cause is (Cause.NORMAL_CLEARING if settings is VOICEMAIL else Cause.USER_BUSY)
    assert rules_of(plan)[-2 if len(steps) > 1 else -1] == "do-not-disturb"


def test_a_call_centre_extension_has_no_no_answer() -> None:
    for quiet in (False, True):
        desk = extension("100", no_answer=VOICEMAIL, type=ExtensionType.CALL_CENTER, do_not_disturb=quiet)
        plan = from_outside(tenant(desk), None)
        assert after_ring(plan) == ["HangUp"]
        assert kept_in(plan) == {None}


def test_a_mapped_gateway_and_a_forward_that_nobody_answers_lead_to_the_original_extension_s_no_answer() -> None:
    mapped = extension("100", gateway=Gateway("pbx", "pbx.acme.example", "192.0.2.2"), no_answer=VOICEMAIL)
    forwarded = extension("100", forwarding=forwarding("101"), no_answer=VOICEMAIL)
    target = extension("101", no_answer=NoAnswer(NoAnswerAction.MISSED_CALL))

    for boss in (mapped, forwarded):
        plan = from_outside(tenant(boss, target), None)
        assert after_ring(plan) == ["Play", "Record", "HangUp"]
        assert {kept.mailbox for kept in kept_in(plan) if kept is not None} == {"100"}


def test_what_is_forwarded_shows_nothing_of_the_message() -> None:
    forwards = NoAnswer(NoAnswerAction.FORWARD, 20, MOBILE, message=SOUND)
    plan = from_outside(tenant(extension("100", no_answer=forwards, on_forward=OnForward.CALLER)), None)

    assert [type(step).__name__ for step in plan.steps] == ["Ring", "Ring", "HangUp"]


def test_without_a_device_the_voicemail_answers_at_once() -> None:
    idle = extension("100", no_answer=VOICEMAIL, devices=(device("100", DeviceKind.IP_PHONE, active=False),))

    assert after_ring(from_outside(tenant(idle), None)) == ["Play", "Record", "HangUp"]
    assert who_rings(from_outside(tenant(idle), None)) == []
