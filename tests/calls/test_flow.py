"""A plan carried out step by step, from the start and from wherever an earlier controller left the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bizpbx.calls.call import Arrival, CallGone, Talked, Unanswered
from bizpbx.calls.flow import run
from bizpbx.calls.metering import Charged, NotGranted, Unmetered
from bizpbx.calls.passcode import Verdict
from bizpbx.calls.voicemail import NoVoicemails
from bizpbx.policy.plan import (
    Announce,
    AskPasscode,
    Cause,
    DeviceTarget,
    GatewayTarget,
    Gather,
    GoOn,
    HangUp,
    Keep,
    Kept,
    Lease,
    Plan,
    Play,
    Reason,
    Record,
    Ring,
    Stage,
)
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.request import FromDevice, Request
from bizpbx.policy.settings import DeviceKind, NoAnswerAction

DEVICES = Ring(
    Stage.RING,
    (DeviceTarget("100", DeviceKind.IP_PHONE, "100-ip_phone", "acme.example", "101"),),
    timeout=20,
    caller_name="Sales",
)
MOBILE = Ring(Stage.NO_ANSWER, (GatewayTarget("carrier.acme.example", "+6591234567", "+6564291310"),), 30, "Sales")
PLAN = Plan((DEVICES, MOBILE, HangUp(Stage.END)), (Reason("devices", "100 rings"),), "100")
ARRIVAL = Arrival("leg", "acme.example", "127.0.0.1:5060", Request(FromDevice("101-ip_phone"), "100"))


class RecordedCall:
    """A call whose rings end as they are told to; it remembers what was asked of it, in order."""

    def __init__(
        self,
        arrival: Arrival = ARRIVAL,
        rings: tuple[Cause | Unanswered | Talked, ...] = (),
        gone: bool = False,
        entries: tuple[str, ...] = (),
    ) -> None:
        self.arrival = arrival
        self.done: list[str] = []
        self.rung: list[Ring] = []
        self.kept: list[Kept | None] = []
        self._rings = iter(rings)
        self._gone = gone
        self._entries = iter(entries)

    def note(
        self,
        stage: Stage,
        reasons: tuple[Reason, ...],
        plan: Plan,
        attempt: int = 0,
        kept: Kept | None = None,
        section: int = 0,
    ) -> None:
        self.kept.append(kept)
        again = f" {attempt}" if attempt else ""
        where = f"{section} " if section else ""
        self.done.append(f"note {where}{stage}{again} {plan.callee} {' '.join(reason.rule for reason in reasons)}")

    def ring(self, ring: Ring) -> Unanswered | Talked:
        if self._gone:
            raise CallGone
        again = f" {ring.attempt} {ring.timeout} s" if ring.attempt else ""
        self.done.append(f"ring {ring.stage}{again}")
        self.rung.append(ring)
        ended = next(self._rings)
        return Unanswered(ended) if isinstance(ended, Cause) else ended

    def play(self, sound: Prompt | str, answer: bool) -> None:
        self.done.append(f"{'answer and ' if answer else ''}play {sound}")

    def record(self, longest: int) -> None:
        self.done.append(f"record {longest} s")

    def announce(self, prompt: Prompt) -> None:
        self.done.append(f"announce {prompt}")

    def ask_digits(self, prompt: Prompt, tries: int) -> str:
        self.done.append(f"ask {prompt} {tries}")
        return next(self._entries)

    def ask_key(self, sound: str | None, seconds: int) -> str:
        self.done.append(f"ask for a key, {seconds} s" + (f", playing {sound}" if sound else ""))
        return next(self._entries)

    def answer(self) -> None:
        self.done.append("answer")

    def say(self, sounds: Sequence[Prompt | Path]) -> None:
        self.done.append(f"say {' '.join(map(str, sounds))}")

    def offer(self, sounds: Sequence[Prompt | Path], seconds: int, fresh: bool = False) -> str:
        self.done.append(f"offer {' '.join(map(str, sounds))}, {seconds} s")
        return next(self._entries)

    def hang_up(self, cause: Cause) -> None:
        self.done.append(f"hang up {cause}")


class NobodyAsks:
    """Passcodes of which nothing is asked."""

    def locked(self, organisation: str, key: str) -> bool:
        raise AssertionError

    def check(self, organisation: str, key: str, digits: str) -> Verdict:
        raise AssertionError


class Known:
    """One passcode, 2468, that so many wrong entries lock."""

    def __init__(self, left: int = 5) -> None:
        self.left = left
        self.seen: list[str] = []

    def locked(self, organisation: str, key: str) -> bool:
        assert (organisation, key) == ("acme.example", "101")
        return self.left <= 0

    def check(self, organisation: str, key: str, digits: str) -> Verdict:
        assert not self.locked(organisation, key)
        self.seen.append(digits)
        if digits == "2468":
            return Verdict.RIGHT
        self.left -= 1
        return Verdict.LOCKED if self.left <= 0 else Verdict.WRONG


OUT = Ring(Stage.RING, (GatewayTarget("carrier.acme.example", "+93701234567", "+6564291310"),), 120, "+6564291310")
ASKED = Plan(
    (AskPasscode(Stage.PASSCODE, "101"), OUT, Announce(Stage.ANNOUNCE), HangUp(Stage.END)),
    (Reason("passcode-asked", "101 is asked for its passcode"),),
)


def steps(call: RecordedCall) -> list[str]:
    return [line for line in call.done if not line.startswith("note")]


def test_an_answered_ring_ends_the_plan() -> None:
    call = RecordedCall(rings=(Talked(),))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done == ["note ring 100 devices", "ring ring", "hang up NORMAL_CLEARING"]


def test_nobody_answers_and_the_next_step_follows_until_the_caller_hears_how_the_last_ring_ended() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER, Cause.USER_BUSY))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert [line for line in call.done if not line.startswith("note")] == [
        "ring ring",
        "ring no_answer",
        "hang up USER_BUSY",
    ]


def test_each_step_is_noted_on_the_channel_before_it_is_carried_out() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER, Cause.NO_ANSWER))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert [line.split()[0] for line in call.done] == ["note", "ring", "note", "ring", "note", "hang"]


def test_a_cause_of_the_plan_beats_the_one_of_the_ring() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER,))
    run(
        call,
        lambda _: Plan((DEVICES, HangUp(Stage.END, Cause.CALL_REJECTED)), ()),
        NobodyAsks(),
        Unmetered(),
        NoVoicemails(),
    )
    assert call.done[-1] == "hang up CALL_REJECTED"


def test_a_ring_that_ended_under_an_earlier_controller_is_not_repeated() -> None:
    arrival = replace(ARRIVAL, stage=Stage.RING, finished=True, last=Unanswered(Cause.NO_ANSWER))
    call = RecordedCall(arrival, rings=(Cause.USER_BUSY,))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done[:2] == ["note no_answer 100 devices", "ring no_answer"]


def test_a_ring_that_an_earlier_controller_announced_but_never_asked_for_is_made_now() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.RING, finished=False), rings=(Talked(),))
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done == ["note ring 100 devices", "ring ring", "hang up NORMAL_CLEARING"]


def test_a_resumed_call_with_nothing_left_but_the_end_gets_the_cause_of_the_earlier_ring() -> None:
    arrival = replace(ARRIVAL, stage=Stage.NO_ANSWER, finished=True, last=Unanswered(Cause.USER_BUSY))
    call = RecordedCall(arrival)
    run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done == ["note end 100 devices", "hang up USER_BUSY"]


def test_a_caller_who_hangs_up_ends_the_flow_at_once() -> None:
    call = RecordedCall(gone=True)
    with pytest.raises(CallGone):
        run(call, lambda _: PLAN, NobodyAsks(), Unmetered(), NoVoicemails())
    assert call.done == ["note ring 100 devices"]


def test_nothing_is_dialled_before_the_passcode_is_right() -> None:
    call = RecordedCall(rings=(Talked(),), entries=("1111", "2468"))
    reasons = run(call, lambda _: ASKED, Known(), Unmetered(), NoVoicemails())
    assert steps(call) == ["ask enter_passcode 0", "ask enter_passcode_again 1", "ring ring", "hang up NORMAL_CLEARING"]
    assert reasons == ASKED.reasons


def test_three_wrong_ones_end_the_call_with_the_reason_on_record() -> None:
    call = RecordedCall(entries=("1111", "2222", "3333"))
    reasons = run(call, lambda _: ASKED, Known(), Unmetered(), NoVoicemails())
    assert steps(call)[2:] == ["ask enter_passcode_again 2", "announce wrong_passcode", "hang up OUTGOING_CALL_BARRED"]
    assert [reason.rule for reason in reasons] == ["passcode-asked", "passcode-wrong"]
    assert "note announce None passcode-asked passcode-wrong" in call.done


def test_an_entry_that_locks_ends_the_call_at_once() -> None:
    call = RecordedCall(entries=("1111", "2222"))
    reasons = run(call, lambda _: ASKED, Known(left=2), Unmetered(), NoVoicemails())
    assert steps(call)[2:] == ["announce passcode_locked", "hang up OUTGOING_CALL_BARRED"]
    assert reasons[-1].rule == "passcode-locked"


def test_a_locked_passcode_is_not_asked_for() -> None:
    call = RecordedCall()
    run(call, lambda _: ASKED, Known(left=0), Unmetered(), NoVoicemails())
    assert steps(call) == ["announce passcode_locked", "hang up OUTGOING_CALL_BARRED"]


def test_silence_is_a_try_but_no_wrong_passcode() -> None:
    call, known = RecordedCall(entries=("", "", "")), Known()
    run(call, lambda _: ASKED, known, Unmetered(), NoVoicemails())
    assert steps(call)[:3] == ["ask enter_passcode 0", "ask enter_passcode 1", "ask enter_passcode 2"]
    assert (known.seen, known.left) == ([], 5)
    assert steps(call)[-1] == "hang up OUTGOING_CALL_BARRED"


def test_the_next_controller_asks_again_with_the_tries_that_are_left() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.PASSCODE, tries=2), rings=(Talked(),), entries=("2468",))
    run(call, lambda _: ASKED, Known(), Unmetered(), NoVoicemails())
    assert steps(call) == ["ask enter_passcode_again 2", "ring ring", "hang up NORMAL_CLEARING"]


def test_the_next_controller_does_not_ask_once_the_ring_was_announced() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.RING), rings=(Talked(),))
    run(call, lambda _: ASKED, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == ["ring ring", "hang up NORMAL_CLEARING"]


def test_a_call_that_was_refused_never_rings_whoever_takes_it_over() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.ANNOUNCE))
    run(call, lambda _: ASKED, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == ["hang up NORMAL_CLEARING"]


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (Cause.NORMAL_TEMPORARY_FAILURE, ["announce lines_busy"]),
        (Cause.UNALLOCATED_NUMBER, ["announce not_in_service"]),
        (Cause.USER_BUSY, []),
    ],
)
def test_a_failed_ring_is_told_where_tones_do_not_tell_it(cause: Cause, told: list[str]) -> None:
    call = RecordedCall(rings=(cause,))
    run(call, lambda _: Plan(ASKED.steps[1:], ()), NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == ["ring ring", *told, f"hang up {cause}"]


def test_a_denied_call_is_told_before_it_ends() -> None:
    call = RecordedCall()
    denied = (Announce(Stage.ANNOUNCE, Prompt.NOT_ALLOWED), HangUp(Stage.END, Cause.OUTGOING_CALL_BARRED))
    run(call, lambda _: Plan(denied, ()), NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == ["announce not_allowed", "hang up OUTGOING_CALL_BARRED"]


def through(gateway: str, attempt: int, insists: bool = False) -> Ring:
    target = GatewayTarget(f"{gateway}.acme.example", "+6561234567", "+6564291310")
    return Ring(Stage.RING, (target,), 30, "Sales", attempt=attempt, insists=insists)


GATEWAYS = Plan(
    (
        through("carrier", 0),
        through("second", 1),
        through("third", 2),
        Announce(Stage.ANNOUNCE),
        HangUp(Stage.END),
    ),
    (),
)
FAILED = Unanswered(Cause.NORMAL_TEMPORARY_FAILURE, gateway_failed=True, seconds=4)


def test_the_next_gateway_is_tried_while_it_is_the_gateway_that_fails() -> None:
    call = RecordedCall(rings=(FAILED, FAILED, Talked()))
    reasons = run(call, lambda _: GATEWAYS, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call) == ["ring ring", "ring ring 1 26 s", "ring ring 2 22 s", "hang up NORMAL_CLEARING"]
    assert [line for line in call.done if line.startswith("note")] == [
        "note ring None ",
        "note ring 1 None gateway-failed",
        "note ring 2 None gateway-failed gateway-failed",
    ]
    assert [reason.text for reason in reasons] == [
        "the gateway before it failed: the call goes on through second.acme.example",
        "the gateway before it failed: the call goes on through third.acme.example",
    ]


def test_all_gateways_failed_and_the_caller_is_told_that_all_lines_are_busy() -> None:
    call = RecordedCall(rings=(FAILED, FAILED, FAILED))
    run(call, lambda _: GATEWAYS, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call)[3:] == ["announce lines_busy", "hang up NORMAL_TEMPORARY_FAILURE"]


@pytest.mark.parametrize("cause", [Cause.USER_BUSY, Cause.CALL_REJECTED, Cause.NO_ANSWER, Cause.UNALLOCATED_NUMBER])
def test_what_the_called_one_says_ends_the_call_at_any_gateway(cause: Cause) -> None:
    first, second = RecordedCall(rings=(cause,)), RecordedCall(rings=(FAILED, cause))
    for call in (first, second):
        run(call, lambda _: GATEWAYS, NobodyAsks(), Unmetered(), NoVoicemails())
    assert [line for line in steps(first) if line.startswith("ring")] == ["ring ring"]
    assert [line for line in steps(second) if line.startswith("ring")] == ["ring ring", "ring ring 1 26 s"]


def test_a_gateway_that_used_up_the_time_leaves_the_next_one_a_moment() -> None:
    slow = replace(FAILED, seconds=29)
    call = RecordedCall(rings=(slow, Talked()))
    run(call, lambda _: GATEWAYS, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call)[1] == "ring ring 1 5 s"


@pytest.mark.parametrize(
    ("arrival", "resumed"),
    [
        (replace(ARRIVAL, stage=Stage.RING, finished=True, last=FAILED), ["ring ring 1 30 s"]),
        (replace(ARRIVAL, stage=Stage.RING, attempt=1), ["ring ring 1 30 s"]),
        (replace(ARRIVAL, stage=Stage.RING, attempt=1, finished=True, last=FAILED), ["ring ring 2 30 s"]),
        (
            replace(ARRIVAL, stage=Stage.RING, attempt=1, finished=True, last=Unanswered(Cause.USER_BUSY)),
            ["hang up USER_BUSY"],
        ),
    ],
    ids=["the first one failed", "the second one was not asked yet", "the second one failed", "the second one is busy"],
)
def test_a_controller_that_died_between_the_gateways_leaves_the_call_to_the_right_one(
    arrival: Arrival, resumed: list[str]
) -> None:
    call = RecordedCall(arrival, rings=(Talked(),))
    run(call, lambda _: GATEWAYS, NobodyAsks(), Unmetered(), NoVoicemails())
    assert steps(call)[0] == resumed[0]
    assert steps(call)[-1].startswith("hang up")


@pytest.mark.parametrize(
    ("ended", "rings"),
    [(Cause.CALL_REJECTED, 2), (Cause.UNALLOCATED_NUMBER, 2), (Cause.USER_BUSY, 1), (Cause.NO_ANSWER, 1)],
)
def test_an_emergency_call_is_tried_again_after_any_refusal(ended: Cause, rings: int) -> None:
    plan = Plan((through("first", 0, True), through("second", 1, True), HangUp(Stage.END)), ())
    call = RecordedCall(rings=(ended, Cause.NO_ANSWER))
    run(call, lambda _: plan, NobodyAsks(), Unmetered(), NoVoicemails())
    assert sum(line.startswith("ring") for line in steps(call)) == rings


class Allowance:
    """Grants so many seconds to each leg of 101, and nothing to anybody else."""

    def __init__(self, seconds: int | None) -> None:
        self.seconds = seconds
        self.asked: list[Charged] = []
        self.returned: list[str] = []

    def give_back(self, switch: str, leg: str) -> None:
        self.returned.append(leg)

    def take(self, charged: Charged) -> Lease | NotGranted:
        self.asked.append(charged)
        if self.seconds is None or charged.extension != "101":
            return NotGranted(Reason("allowance-exhausted", "nothing is left"), Prompt.ALLOWANCE_EXHAUSTED)
        return Lease(charged.leg, self.seconds)


PAID = GatewayTarget("carrier.acme.example", "+6561234567", "+6564291310", domain="acme.example", charge="101")
OUTGOING = Plan(
    (Ring(Stage.RING, (PAID,), 120, "+6564291310"), Announce(Stage.ANNOUNCE), HangUp(Stage.END)), (Reason("r", "r"),)
)
FORWARDED = Plan(
    (Ring(Stage.RING, (*DEVICES.targets, replace(PAID, charge="102")), 20, "x"), HangUp(Stage.END)), (), "102"
)


def test_a_leg_that_costs_something_is_dialled_with_a_lease() -> None:
    call, meter = RecordedCall(rings=(Talked(),)), Allowance(600)
    run(call, lambda _: OUTGOING, NobodyAsks(), meter, NoVoicemails())
    asked = meter.asked[0]
    assert (asked.organisation, asked.extension, asked.number) == ("acme.example", "101", "+6561234567")
    assert call.rung[0].targets == (replace(PAID, lease=Lease(asked.leg, 600)),)


@pytest.mark.parametrize(("ended", "returned"), [(FAILED, 1), (Cause.NO_ANSWER, 0)])
def test_what_was_granted_to_a_leg_that_no_gateway_made_is_given_back(ended: Cause | Unanswered, returned: int) -> None:
    call, meter = RecordedCall(rings=(ended,)), Allowance(600)
    run(call, lambda _: OUTGOING, NobodyAsks(), meter, NoVoicemails())
    assert meter.returned == [asked.leg for asked in meter.asked][:returned]


def test_the_next_controller_asks_for_the_same_leg() -> None:
    meter = Allowance(600)
    for arrival in (ARRIVAL, replace(ARRIVAL, stage=Stage.RING)):
        run(RecordedCall(arrival, rings=(Talked(),)), lambda _: OUTGOING, NobodyAsks(), meter, NoVoicemails())
    assert meter.asked[0] == meter.asked[1]


def test_nothing_is_dialled_when_nothing_is_left_and_the_caller_is_told() -> None:
    call = RecordedCall()
    reasons = run(call, lambda _: OUTGOING, NobodyAsks(), Allowance(None), NoVoicemails())
    assert call.done == [
        "note announce None r allowance-exhausted",
        "announce allowance_exhausted",
        "hang up OUTGOING_CALL_BARRED",
    ]
    assert reasons[-1].rule == "allowance-exhausted"


def test_a_forward_that_its_owner_cannot_pay_for_leaves_the_other_targets_ringing() -> None:
    call = RecordedCall(rings=(Cause.NO_ANSWER,))
    run(call, lambda _: FORWARDED, NobodyAsks(), Allowance(600), NoVoicemails())
    assert call.rung[0].targets == DEVICES.targets
    assert call.done[0] == "note ring 102 allowance-exhausted"


def test_a_forward_to_nothing_but_what_its_owner_cannot_pay_for_is_a_call_that_nobody_answered() -> None:
    forwarded = replace(FORWARDED, steps=(Ring(Stage.RING, (replace(PAID, charge="102"),), 20, "x"), HangUp(Stage.END)))
    call = RecordedCall()
    run(call, lambda _: forwarded, NobodyAsks(), Allowance(600), NoVoicemails())
    assert steps(call) == ["hang up NO_ANSWER"]


@pytest.mark.parametrize(("plan", "told"), [(OUTGOING, ["announce allowance_exhausted"]), (FORWARDED, [])])
def test_one_who_called_out_and_was_cut_off_hears_why(plan: Plan, told: list[str]) -> None:
    call = RecordedCall(rings=(Talked(cut=True),))
    run(call, lambda _: plan, NobodyAsks(), Allowance(60), NoVoicemails())
    assert steps(call) == ["ring ring", *told, "hang up NORMAL_CLEARING"]


def test_a_controller_that_comes_after_the_conversation_ends_the_call() -> None:
    call = RecordedCall(replace(ARRIVAL, stage=Stage.RING, finished=True, last=Talked(cut=True)))
    run(call, lambda _: OUTGOING, NobodyAsks(), Allowance(60), NoVoicemails())
    assert call.done == ["announce allowance_exhausted", "hang up NORMAL_CLEARING"]


KEPT = Kept(NoAnswerAction.VOICEMAIL, "100", "101", "Sales")
VOICEMAIL = Plan(
    (
        replace(DEVICES, kept=KEPT),
        Play(Stage.MESSAGE, "0" * 64, answer=True, kept=KEPT),
        Record(Stage.RECORD, 30, KEPT),
        HangUp(Stage.END, Cause.NORMAL_CLEARING, KEPT),
    ),
    (),
    "100",
    "acme.example",
)


class Entered:
    """Voicemails that are written into the call's own list of what was done."""

    def __init__(self, call: RecordedCall) -> None:
        self._call = call

    def begin(self, arrival: Arrival, plan: Plan, step: Record) -> None:
        assert step.kept == KEPT
        self._call.done.append(f"enter {arrival.id} of {plan.organisation}")


def recorded(arrival: Arrival, *rings: Cause | Talked) -> RecordedCall:
    call = RecordedCall(arrival, rings=rings)
    run(call, lambda _: VOICEMAIL, NobodyAsks(), Unmetered(), Entered(call))
    return call


def test_a_recording_is_entered_before_it_is_made() -> None:
    call = recorded(ARRIVAL, Cause.NO_ANSWER)

    assert steps(call) == [
        "ring ring",
        f"answer and play {'0' * 64}",
        "enter leg of acme.example",
        "record 30 s",
        "hang up NORMAL_CLEARING",
    ]
    assert call.kept == [KEPT] * 4


def test_what_was_answered_is_not_recorded() -> None:
    assert steps(recorded(ARRIVAL, Talked())) == ["ring ring", "hang up NORMAL_CLEARING"]


@pytest.mark.parametrize(
    ("stage", "finished", "left"),
    [
        (Stage.RING, True, 4),
        (Stage.MESSAGE, False, 4),
        (Stage.MESSAGE, True, 3),
        (Stage.RECORD, False, 3),
        (Stage.RECORD, True, 1),
        (Stage.END, True, 1),
    ],
)
def test_another_controller_goes_on_after_what_was_finished(stage: Stage, finished: bool, left: int) -> None:
    call = recorded(replace(ARRIVAL, stage=stage, finished=finished, last=Unanswered(Cause.NO_ANSWER)))

    assert steps(call) == steps(recorded(ARRIVAL, Cause.NO_ANSWER))[-left:]


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


def test_two_forwards_of_one_line_are_two_legs() -> None:
    paid = Ring(Stage.RING, (replace(PAID, charge="102"),), 20, "x", section=1)
    plan = Plan((paid, replace(paid, section=2), HangUp(Stage.END, section=3)), (), "800")
    meter = Allowance(None)
    run(RecordedCall(), lambda _: plan, NobodyAsks(), meter, NoVoicemails())
    assert len({charged.leg for charged in meter.asked}) == 2
