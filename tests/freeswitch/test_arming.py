"""What the switch is told, so that it ends by itself what was not granted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bizpbx.errors import InvalidText
from bizpbx.freeswitch.arming import armed_with, leg_variables, rearming
from bizpbx.policy.plan import Lease

LEG = "0b5c1b9e-8f0e-5d2a-9c7e-1f0a3c5d7e9b"
WARNING = "/prompts/en/allowance_ending.wav"
ANSWERED = datetime(2026, 11, 24, 1, 0, 0, 900_000, tzinfo=UTC)
SECOND = int(ANSWERED.timestamp())


def test_a_leg_warns_and_ends_itself_from_the_answer_on() -> None:
    assert leg_variables(Lease(LEG, 600), WARNING) == [
        f"origination_uuid={LEG}",
        "bizpbx_metered=true",
        "bizpbx_armed=600",
        f"api_on_answer_1='sched_api +590 {LEG} uuid_displace {LEG} start {WARNING} 0 mr'",
        f"api_on_answer_2='sched_api +600 {LEG} uuid_kill {LEG} ALLOTTED_TIMEOUT'",
    ]


def test_a_leg_without_a_limit_is_only_named() -> None:
    assert leg_variables(Lease(LEG, None), WARNING) == [f"origination_uuid={LEG}", "bizpbx_metered=true"]


@pytest.mark.parametrize(("seconds", "warned"), [(60, 50), (20, 10), (10, 5), (3, 2), (1, 1)])
def test_the_warning_comes_before_the_end_however_short_the_time(seconds: int, warned: int) -> None:
    assert f"sched_api +{warned} {LEG} uuid_displace" in leg_variables(Lease(LEG, seconds), WARNING)[3]


def test_a_renewal_sets_the_later_end_before_it_takes_the_earlier_one_away() -> None:
    assert rearming(LEG, ANSWERED, {60}, 120, WARNING) == [
        f"uuid_setvar {LEG} bizpbx_armed 60,120",
        f"sched_api {SECOND + 120} bizpbx-{LEG} uuid_kill {LEG} ALLOTTED_TIMEOUT",
        f"sched_del {LEG}",
        f"sched_api {SECOND + 110} {LEG} uuid_displace {LEG} start {WARNING} 0 mr",
        f"sched_api {SECOND + 120} {LEG} uuid_kill {LEG} ALLOTTED_TIMEOUT",
        f"sched_del bizpbx-{LEG}",
        f"uuid_setvar {LEG} bizpbx_armed 120",
    ]


@pytest.mark.parametrize("died_after", range(8))
def test_whoever_goes_on_after_a_renewal_that_broke_off_leaves_one_end_and_no_moment_without(died_after: int) -> None:
    # Given a leg with an end at 60 s, and a controller that died somewhere on the way to 120
    tasks = [(LEG, SECOND + 50, "warn"), (LEG, SECOND + 60, "end")]
    for command in rearming(LEG, ANSWERED, {60}, 120, WARNING)[:died_after]:
        scheduled(tasks, command)
        assert any(what == "end" for _, _, what in tasks)
    # When another one arms it with 180
    for command in rearming(LEG, ANSWERED, armed_with("60,120"), 180, WARNING):
        scheduled(tasks, command)
        assert any(what == "end" for _, _, what in tasks)
    # Then nothing is left of what was before, and all of it goes with the leg
    assert tasks == [(LEG, SECOND + 170, "warn"), (LEG, SECOND + 180, "end")]


def scheduled(tasks: list[tuple[str, int, str]], command: str) -> None:
    """What FreeSWITCH's scheduler does with one command."""
    match command.split():
        case ["sched_api", when, group, api, *_]:
            tasks.append((group, int(when), "end" if api == "uuid_kill" else "warn"))
        case ["sched_del", group]:
            tasks[:] = [task for task in tasks if task[0] != group]


@pytest.mark.parametrize("text", ["x", LEG + "'", "${uuid}", LEG.upper()])
def test_nothing_but_a_uuid_gets_into_a_command(text: str) -> None:
    with pytest.raises(InvalidText):
        leg_variables(Lease(text, 60), WARNING)


def test_a_path_with_anything_that_is_syntax_is_refused() -> None:
    with pytest.raises(InvalidText):
        leg_variables(Lease(LEG, 60), "/a b'.wav")
