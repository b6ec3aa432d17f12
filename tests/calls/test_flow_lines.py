"""The steps of a virtual line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bizpbx.calls.call import Arrival, CallGone, Talked, Unanswered
from bizpbx.calls.flow import run
from bizpbx.calls.metering import Unmetered
from bizpbx.calls.voicemail import NoVoicemails
from bizpbx.policy.plan import (
    Cause,
    DeviceTarget,
    Gather,
    GoOn,
    HangUp,
    Keep,
    Kept,
    Plan,
    Play,
    Reason,
    Ring,
    Stage,
)
from bizpbx.policy.settings import DeviceKind, NoAnswerAction
from tests.calls.recorded_call import ARRIVAL, PLAN, NobodyAsks, RecordedCall, steps


def of_section(section: int, key: str) -> Ring:
    target = DeviceTarget(key, DeviceKind.IP_PHONE, f"{key}-ip_phone", "acme.example", "101")
    return Ring(Stage.RING, (target,), 20, "Sales", section=section)


MENU = Gather(Stage.GATHER, 2, (("1", 3), ("2", 5)), 6, seconds=5, tries=2)
LINE = Plan(
    (
        of_section(1, "100"),
        MENU,
        of_section(3, "103"),
        GoOn(Stage.ONWARD, 3, 6),
        of_section(5, "105"),
        HangUp(Stage.END, section=6),
    ),
    tuple(Reason(f"step-{section}", f"step {section}", section) for section in range(6)),
    "800",
)
"""A ring, a menu, and where its keys lead."""


@pytest.mark.parametrize(
    ("keys", "rung", "rules"),
    [
        (("1",), ["100", "103"], "step-0 step-1 step-2 step-3 key-pressed"),
        (("7", "2"), ["100", "105"], "step-0 step-1 step-2 step-5 key-pressed"),
        (("", "9"), ["100"], "step-0 step-1 step-2 no-key-pressed"),
    ],
    ids=["first", "second, at the second try", "none"],
)
def test_a_key_leads_past_the_other_branches(keys: tuple[str, ...], rung: list[str], rules: str) -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER, Cause.NO_ANSWER), entries=keys)
    reasons = run(call, lambda _: LINE, NobodyAsks(), Unmetered(), NoVoicemails())
    assert [
        target.extension for ring in call.rung for target in ring.targets if isinstance(target, DeviceTarget)
    ] == rung
    assert " ".join(reason.rule for reason in reasons) == rules
    assert call.done[-2:] == [f"note 6 end 800 {rules}", "hang up NO_ANSWER"]


def test_the_channel_tells_no_reason_of_a_step_before_it_is_come_to() -> None:
    call = RecordedCall(rings=(Talked(),))
    run(call, lambda _: LINE, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done == ["note 1 ring 800 step-0 step-1", "ring ring", "hang up NORMAL_CLEARING"]


@pytest.mark.parametrize(
    ("arrival", "first"),
    [
        (replace(ARRIVAL, section=1, stage=Stage.RING), "note 1 ring 800"),
        (
            replace(ARRIVAL, section=1, stage=Stage.RING, finished=True, last=Unanswered(Cause.USER_BUSY)),
            "note 2 gather",
        ),
        # The ring of the step before has left its mark on the channel; the key is asked for again all the same.
        (
            replace(ARRIVAL, section=2, stage=Stage.GATHER, finished=True, last=Unanswered(Cause.USER_BUSY)),
            "note 2 gather",
        ),
        (replace(ARRIVAL, section=3, stage=Stage.RING), "note 3 ring 800"),
        (
            replace(ARRIVAL, section=3, stage=Stage.RING, finished=True, last=Unanswered(Cause.USER_BUSY)),
            "note 6 end",
        ),
        (
            replace(ARRIVAL, section=5, stage=Stage.RING, finished=True, last=Unanswered(Cause.USER_BUSY)),
            "note 6 end",
        ),
        (
            replace(ARRIVAL, section=6, stage=Stage.END, finished=True, last=Unanswered(Cause.USER_BUSY)),
            "note 6 end",
        ),
    ],
)
def test_another_controller_goes_on_at_the_step_that_is_on_the_channel(arrival: Arrival, first: str) -> None:
    call = RecordedCall(arrival, rings=(Talked(),), entries=("1",))
    run(call, lambda _: LINE, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done[0].startswith(first)


@pytest.mark.parametrize(
    ("section", "keys", "rules"),
    [(5, (), ""), (3, (), ""), (2, ("2",), "key-pressed step-5"), (1, ("9", "9"), "step-2 no-key-pressed")],
)
def test_another_controller_tells_what_has_been_done_since(section: int, keys: tuple[str, ...], rules: str) -> None:
    """Which keys led the call here stands on its channel, and nowhere else."""
    arrival = replace(ARRIVAL, section=section, stage=Stage.GATHER if keys else Stage.RING)
    call = RecordedCall(arrival, rings=(Cause.NO_ANSWER,), entries=keys)
    reasons = run(call, lambda _: LINE, NobodyAsks(), Unmetered(), NoVoicemails())
    assert {reason.rule for reason in reasons} == set(rules.split())


def test_a_caller_who_hangs_up_at_the_menu_ends_the_flow() -> None:
    class Gone(RecordedCall):
        def ask_key(self, sound: str | None, seconds: int) -> str:
            raise CallGone

    call = Gone(rings=(Cause.NO_ANSWER,))
    with pytest.raises(CallGone):
        run(call, lambda _: LINE, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done[-1].startswith("note 2 gather")


MISSED = Kept(NoAnswerAction.MISSED_CALL, "100", "+6581112222")
KEEPING = Plan(
    (
        Play(Stage.MESSAGE, "1" * 64, answer=True, section=1),
        Keep(Stage.KEEP, MISSED, section=2),
        Play(Stage.MESSAGE, "2" * 64, section=3),
        HangUp(Stage.END, section=4),
    ),
    (),
    "800",
)


def test_a_menu_plays_its_message_at_each_try() -> None:
    call = RecordedCall(entries=("", "9"))
    plan = Plan((replace(MENU, sound="1" * 64), HangUp(Stage.END, section=6)), (), "800")
    run(call, lambda _: plan, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == [f"ask for a key, 5 s, playing {'1' * 64}"] * 2 + ["hang up NORMAL_CLEARING"]


def test_what_one_step_keeps_is_kept_through_those_that_follow() -> None:
    call = RecordedCall()
    run(call, lambda _: KEEPING, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.kept == [None, MISSED, MISSED, MISSED]
    assert steps(call) == [f"answer and play {'1' * 64}", f"play {'2' * 64}", "hang up NORMAL_CLEARING"]


def test_another_controller_leaves_what_is_kept_on_the_channel() -> None:
    call = RecordedCall(replace(ARRIVAL, section=3, stage=Stage.MESSAGE, kept=MISSED))
    run(call, lambda _: KEEPING, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.kept == [MISSED, MISSED]
    # A call that is no call to a line keeps what its plan says, and nothing else.
    call = RecordedCall(replace(ARRIVAL, stage=Stage.RING, kept=MISSED), rings=(Talked(),))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.kept == [None]
