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
        f"api_on_answer_1='sched_api +590 bizpbx-warn-{LEG}-600 uuid_displace {LEG} start {WARNING} 0 mr'",
        f"api_on_answer_2='sched_api +600 bizpbx-cut-{LEG}-600 uuid_kill {LEG} ALLOTTED_TIMEOUT'",
    ]


def test_a_leg_without_a_limit_is_only_named() -> None:
    assert leg_variables(Lease(LEG, None), WARNING) == [f"origination_uuid={LEG}", "bizpbx_metered=true"]


@pytest.mark.parametrize(("seconds", "warned"), [(60, 50), (20, 10), (10, 5), (3, 2), (1, 1)])
def test_the_warning_comes_before_the_end_however_short_the_time(seconds: int, warned: int) -> None:
    assert f"sched_api +{warned} bizpbx-warn" in leg_variables(Lease(LEG, seconds), WARNING)[3]


def test_a_renewal_sets_the_later_end_before_it_takes_the_earlier_one_away() -> None:
    assert rearming(LEG, ANSWERED, {60}, 120, WARNING) == [
        f"uuid_setvar {LEG} bizpbx_armed 60,120",
        f"sched_api {SECOND + 110} bizpbx-warn-{LEG}-120 uuid_displace {LEG} start {WARNING} 0 mr",
        f"sched_api {SECOND + 120} bizpbx-cut-{LEG}-120 uuid_kill {LEG} ALLOTTED_TIMEOUT",
        f"sched_del bizpbx-warn-{LEG}-60",
        f"sched_del bizpbx-cut-{LEG}-60",
        f"uuid_setvar {LEG} bizpbx_armed 120",
    ]


def test_a_leg_that_was_armed_halfway_loses_all_earlier_ends() -> None:
    commands = rearming(LEG, ANSWERED, armed_with("60,120"), 180, WARNING)
    assert [command for command in commands if command.startswith("sched_del")] == [
        f"sched_del bizpbx-{task}-{LEG}-{seconds}" for seconds in (60, 120) for task in ("warn", "cut")
    ]
    assert "-180" not in " ".join(command for command in commands if command.startswith("sched_del"))


@pytest.mark.parametrize("text", ["x", LEG + "'", "${uuid}", LEG.upper()])
def test_nothing_but_a_uuid_gets_into_a_command(text: str) -> None:
    with pytest.raises(InvalidText):
        leg_variables(Lease(text, 60), WARNING)


def test_a_path_with_anything_that_is_syntax_is_refused() -> None:
    with pytest.raises(InvalidText):
        leg_variables(Lease(LEG, 60), "/a b'.wav")
