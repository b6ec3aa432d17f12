"""Virtual lines: their steps in order, where keys and hours lead, and whose no-answer settings count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bizpbx.policy.plan import (
    DeviceTarget,
    GatewayTarget,
    Gather,
    HangUp,
    Keep,
    Kept,
    Plan,
    Play,
    Ring,
    Stage,
    kept_by,
)
from bizpbx.policy.settings import (
    DeviceKind,
    Extension,
    ExtensionType,
    Gateway,
    NoAnswer,
    NoAnswerAction,
    OnForward,
)
from tests.policy.lines import (
    acme,
    call,
    forward,
    hang_up,
    hours,
    line,
    menu,
    missed_call,
    play,
    ring,
    rung,
    told,
    walk,
)
from tests.policy.tenant import (
    MAIN,
    extension,
    forward_to,
    forwarding,
    from_inside,
    from_outside,
    gateway_targets,
    rules_of,
)

MOBILE = "+6598765432"
OUT = "+6581234567"
WELCOME, CLOSED = "1" * 64, "2" * 64
STEPS = (ring("100", seconds=5), ring("101", seconds=5))


def sales(**settings: object) -> tuple[object, ...]:
    return extension("100", **settings), extension("101", no_answer=forward_to(MOBILE))


def test_steps_follow_one_another_and_only_the_last_extension_s_no_answer_counts() -> None:
    one = extension("100", no_answer=forward_to(OUT))
    two = extension("101", no_answer=forward_to(MOBILE))

    plan = call(acme([line(*STEPS)], one, two))

    assert told(plan) == [
        "1 ring 100-ip_phone",
        "2 ring 101-ip_phone",
        f"2 no_answer {MOBILE}",
        "2 hang up",
        "3 hang up",
    ]
    assert [step.timeout for step in plan.steps if isinstance(step, Ring)][:2] == [5, 5]
    assert [target.charge for target in gateway_targets(plan)] == ["101"]
    assert plan.callee == "800"


def test_any_step_after_it_puts_an_extension_s_no_answer_out_of_force() -> None:
    one = extension("100", no_answer=forward_to(OUT))
    plan = call(acme([line(ring("100"), hang_up())], one))
    assert rung(plan) == [["100-ip_phone"]]
    assert gateway_targets(plan) == []


def test_a_step_that_leads_to_the_end_is_a_last_step_wherever_it_stands() -> None:
    one = extension("100", no_answer=forward_to(OUT))
    where = acme(
        [line(menu(d1="sales", d2="support"), ring("100", name="sales", to="end"), ring("101", name="support"))], one
    )
    assert rung(call(where), "1") == [["100-ip_phone"], [OUT]]


def test_several_that_ring_as_the_last_step_have_no_no_answer_of_their_own() -> None:
    both = extension("100", no_answer=forward_to(OUT)), extension("101", no_answer=forward_to(MOBILE))
    plan = call(acme([line(ring("100", "101", seconds=12))], *both))
    assert rung(plan) == [["100-ip_phone", "101-ip_phone"]]
    assert plan.steps[-1] == HangUp(Stage.END, section=2)


def test_a_call_centre_extension_rings_for_the_seconds_of_the_step() -> None:
    queue = extension("100", type=ExtensionType.CALL_CENTER)
    plan = call(acme([line(ring("100", seconds=7))], queue))
    assert [step.timeout for step in plan.steps if isinstance(step, Ring)] == [7]


def test_do_not_disturb_forwarding_and_gateways_hold_for_each_extension_that_rings() -> None:
    pbx = Gateway("pbx", "pbx.acme.example", "192.0.2.9", username="acme-77")
    where = acme(
        [line(ring("100", "101", "102", "103", seconds=15), hang_up())],
        extension("100", do_not_disturb=True),
        extension("101", forwarding=forwarding("104", number=MOBILE)),
        extension("102", gateway=pbx),
        extension("103"),
        extension("104"),
    )
    plan = call(where)
    assert rung(plan) == [["104-ip_phone", MOBILE, "acme-77", "103-ip_phone"]]
    # They see different callers, so that the display says what they have in common.
    assert next(step.caller_name for step in plan.steps if isinstance(step, Ring)) == "Main line"
    assert [(target.dial, target.charge) for target in gateway_targets(plan)] == [(MOBILE, "101"), ("acme-77", None)]


def test_a_number_that_rings_beside_phones_is_told_who_forwards_and_a_call_that_comes_back_is_known() -> None:
    one = extension("100", forwarding=forwarding(number=MOBILE), on_forward=OnForward.CALLER)
    where = acme([line(ring("100", "101"), hang_up())], one, extension("101"))
    (first,) = (step for step in call(where).steps if isinstance(step, Ring))
    assert ([target.dial for target in gateway_targets(call(where))], first.diverted_by) == ([MOBILE], MAIN)
    back = from_outside(where, "+6581112222", diverted_by=(str(first.diverted_by),))
    assert gateway_targets(back) == []
    assert rung(back) == [["101-ip_phone"]]


def test_a_vip_rings_the_devices_of_an_extension_that_forwards() -> None:
    one = extension("100", forwarding=forwarding("101", vip=("+6581112222",)))
    assert rung(call(acme([line(ring("100"))], one, extension("101")))) == [["100-ip_phone"]]


def test_the_phone_that_calls_is_passed_over() -> None:
    where = acme([line(ring("100"), ring("100", "101"))], extension("100"), extension("101"))
    plan = from_inside(where, "100", "800")
    assert rung(plan) == [["101-ip_phone"]]
    assert "target-caller" in rules_of(plan)
    assert plan.callee == "800"


def test_a_step_that_leaves_nobody_to_ring_is_passed_over() -> None:
    where = acme([line(ring("100", "199"), ring("101"))], extension("100", devices=()), extension("101"))
    plan = call(where)
    assert rung(plan) == [["101-ip_phone"]]
    assert {"target-unknown", "no-device", "line-nobody"} <= set(rules_of(plan))


@pytest.mark.parametrize(
    ("keys", "rings"),
    [
        ("1", [["100-ip_phone"]]),
        ("2", [["101-ip_phone"], [MOBILE]]),
        ("", [["102-ip_phone"]]),
        ("9", [["102-ip_phone"]]),
    ],
)
def test_a_key_says_where_the_call_goes_on(keys: str, rings: list[list[str]]) -> None:
    steps = (
        menu(d1="sales", d2="support", none="desk"),
        ring("100", name="sales"),
        hang_up(),
        ring("101", name="support", to="end"),
        ring("102", name="desk"),
    )
    where = acme([line(*steps)], *sales(), extension("102"))
    assert rung(call(where), keys) == rings


def test_without_a_word_on_it_no_key_goes_on_with_the_next_step() -> None:
    where = acme([line(menu(d1="end"), ring("100"))], extension("100"))
    assert (rung(call(where), "1"), rung(call(where), "")) == ([], [["100-ip_phone"]])


def test_a_menu_may_lead_on_to_another_menu() -> None:
    steps = (menu(d1="more", none="end"), menu(name="more", d1="desk", d2="end", none="end"), ring("100", name="desk"))
    plan = call(acme([line(*steps)], extension("100")))
    assert [rung(plan, keys) for keys in ("11", "12", "1", "2")] == [[["100-ip_phone"]], [], [], []]


SINGAPORE = timedelta(hours=8)
MONDAY = datetime(2026, 3, 2, tzinfo=UTC) - SINGAPORE
OFFICE = hours("closed", days="01234", begin=9 * 60, end=18 * 60)


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        (timedelta(hours=9), True),
        (timedelta(hours=9) - timedelta(seconds=1), False),
        (timedelta(hours=17, minutes=59, seconds=59), True),
        (timedelta(hours=18), False),
        (timedelta(days=4, hours=12), True),
        (timedelta(days=5, hours=12), False),
    ],
)
def test_hours_are_those_of_the_organisation_s_clock(at: timedelta, open_: bool) -> None:
    where = acme([line(OFFICE, ring("100"), hang_up(), ring("101", name="closed"))], extension("100"), extension("101"))
    plan = call(where, MONDAY + at)
    assert rung(plan) == [["100-ip_phone" if open_ else "101-ip_phone"]]
    assert ("line-within" in rules_of(plan)) is open_


@pytest.mark.parametrize(
    ("at", "night"),
    [
        (timedelta(days=4, hours=22), True),
        (timedelta(days=5, hours=5, minutes=59), True),
        (timedelta(days=5, hours=6), False),
        (timedelta(days=5, hours=22), False),
        (timedelta(hours=5), False),
    ],
    ids=["Friday night", "what is left of it on Saturday", "over", "Saturday night", "what Sunday night would leave"],
)
def test_hours_over_midnight_belong_to_the_day_on_which_they_began(at: timedelta, night: bool) -> None:
    weeknights = hours("closed", days="01234", begin=22 * 60, end=6 * 60)
    where = acme([line(weeknights, ring("100"), hang_up(), hang_up("closed"))], extension("100"))
    assert rung(call(where, MONDAY + at)) == ([["100-ip_phone"]] if night else [])


def test_hours_follow_the_clock_when_it_is_put_forward_and_back() -> None:
    # New York, 9 to 18 on Sundays: at 13:30 UTC it is 8:30 before the clock goes forward and 9:30 after.
    sundays = hours("closed", days="6", begin=9 * 60, end=18 * 60)
    where = acme(
        [line(sundays, ring("100"), hang_up(), hang_up("closed"))], extension("100"), timezone="America/New_York"
    )
    assert rung(call(where, datetime(2026, 3, 1, 13, 30, tzinfo=UTC))) == []
    assert rung(call(where, datetime(2026, 3, 8, 13, 30, tzinfo=UTC))) == [["100-ip_phone"]]
    # 1:30 comes twice on the day it goes back, and 2:30 not at all on the day it goes forward.
    once = hours("closed", days="6", begin=60, end=120)
    where = acme([line(once, ring("100"), hang_up(), hang_up("closed"))], extension("100"), timezone="America/New_York")
    twice = [rung(call(where, datetime(2026, 11, 1, hour, 30, tzinfo=UTC))) for hour in (4, 5, 6, 7)]
    assert twice == [[], [["100-ip_phone"]], [["100-ip_phone"]], []]


def test_a_call_of_an_unknown_moment_is_outside_all_hours() -> None:
    where = acme([line(hours("closed"), ring("100"), hang_up(), hang_up("closed"))], extension("100"))
    assert rung(call(where, None)) == []


def test_a_forward_is_an_outgoing_call_of_the_extension_that_it_is_made_as() -> None:
    where = acme([line(forward(MOBILE, "101"), hang_up())], extension("101", caller_id="+6564291399"))
    plan = call(where)
    target = gateway_targets(plan)[0]
    assert (target.dial, target.charge, target.number, target.asserted) == (MOBILE, "101", "+6564291399", "+6564291399")
    shows_caller = replace(where.extensions["101"], on_forward=OnForward.CALLER)
    target = gateway_targets(call(replace(where, extensions={"101": shows_caller})))[0]
    assert (target.number, target.asserted) == ("+6581112222", "+6564291399")


@pytest.mark.parametrize(
    ("number", "payer", "rule"),
    [
        ("+60123456789", "101", "country-not-listed"),
        ("+93701234567", "101", "passcode-required"),
        (MOBILE, "102", "no-rule"),
        (MOBILE, "199", "line-no-payer"),
        (MOBILE, None, "line-no-payer"),
        ("+6581112222", "101", "loop"),
    ],
)
def test_what_its_extension_may_not_call_is_passed_over(number: str, payer: str | None, rule: str) -> None:
    where = acme(
        [line(forward(number, payer), ring("100"))], extension("100"), extension("101"), extension("102", rule=None)
    )
    plan = call(where)
    assert gateway_targets(plan) == []
    assert rung(plan) == [["100-ip_phone"]]
    assert rule in rules_of(plan)


def test_a_forward_that_fails_over_stays_in_its_section() -> None:
    spare = Gateway("spare", "spare.acme.example", "192.0.2.2")
    rule = replace(extension("101").rule, fallback_gateways=(spare,))  # type: ignore[type-var]
    plan = call(acme([line(forward(MOBILE, "101"), ring("100"))], extension("100"), extension("101", rule=rule)))
    assert told(plan)[:2] == [f"1 ring {MOBILE}", f"1 ring {MOBILE} attempt 1"]


def test_a_forward_to_an_own_number_stays_inside() -> None:
    numbers = {MAIN: "800", "+6564291311": "801", "+6564291312": "101"}
    other = line(ring("102"), key="801")
    first = line(
        menu(d1="shop", d2="desk", none="end"),
        forward("+6564291311", None, name="shop"),
        forward("+6564291312", None, name="desk", to="end"),
    )
    where = acme([first, other], extension("101", no_answer=forward_to(MOBILE)), extension("102"), numbers=numbers)
    plan = call(where)
    assert rung(plan, "1") == [["102-ip_phone"]]
    assert rung(plan, "2") == [["101-ip_phone"], [MOBILE]]
    assert {"line-onward", "forward-inside"} <= set(rules_of(plan))


def test_a_line_may_go_on_with_another_and_does_not_come_back() -> None:
    first = line(menu(d1="second", none="end"), forward("801", None, name="second"), ring("100", name="never"))
    second = line(ring("101"), hang_up(), key="801")
    plan = call(acme([first, second], extension("100"), extension("101")))
    assert rung(plan, "1") == [["101-ip_phone"]]


def test_lines_that_lead_back_to_themselves_end_all_the_same() -> None:
    # They cannot be saved; a call that finds one nonetheless is not held up by it.
    first = line(ring("100"), forward("801", None))
    second = line(ring("101"), forward("800", None), key="801")
    plan = call(acme([first, second], extension("100"), extension("101")))
    assert isinstance(plan.steps[-1], HangUp)
    assert len(plan.steps) < 10


def test_what_is_shown_is_the_caller() -> None:
    plan = call(acme([line(ring("100", "101"), hang_up())], extension("100"), extension("101")))
    rings = [step for step in plan.steps if isinstance(step, Ring)]
    assert {target.number for target in rings[0].targets} == {"+6581112222"}
    assert (rings[0].caller_name, rings[0].diverted_by) == ("+6581112222", None)


def test_a_withheld_caller_stays_withheld() -> None:
    plan = call(acme([line(*STEPS)], extension("100"), extension("101")), number=None)
    assert all(step.withheld for step in plan.steps if isinstance(step, Ring))
    assert rules_of(plan).count("withheld") == 1


def test_all_devices_of_those_that_ring_together_ring() -> None:
    one = extension("100", DeviceKind.IP_PHONE, DeviceKind.MOBILE)
    plan = call(acme([line(ring("100", "101", "100"), hang_up())], one, extension("101")))
    assert rung(plan) == [["100-ip_phone", "100-mobile", "101-ip_phone"]]
    assert not any(
        isinstance(target, GatewayTarget) for step in plan.steps if isinstance(step, Ring) for target in step.targets
    )
    assert all(
        isinstance(target, DeviceTarget) for step in plan.steps if isinstance(step, Ring) for target in step.targets
    )


def kept(plan: Plan, keys: str = "") -> list[str]:
    """What is kept of a caller who leaves at each step, as the flow carries it on: `missed_call 100`."""
    noted: list[Kept | None] = []
    for step in walk(plan, keys):
        noted.append(kept_by(step) or (noted[-1] if noted else None))
    return [f"{each.action} {each.mailbox}" if each is not None else "" for each in noted]


def test_a_message_comes_before_the_first_ring_and_is_heard_by_a_caller_who_was_answered() -> None:
    where = acme([line(play(WELCOME), ring("100"), play(CLOSED, answer=False))], extension("100"))
    plan = call(where)
    assert told(plan) == ["1 message", "2 ring 100-ip_phone", "3 message", "4 hang up"]
    assert [(step.sound, step.answer) for step in plan.steps if isinstance(step, Play)] == [
        (WELCOME, True),
        (CLOSED, False),
    ]
    # A message after it is a step, too: 100's own no-answer settings are not the last word.
    assert rung(plan) == [["100-ip_phone"]]


def test_a_menu_is_heard_while_a_key_is_waited_for() -> None:
    plan = call(acme([line(menu(d1="end", sound=WELCOME))]))
    assert [step.sound for step in plan.steps if isinstance(step, Gather)] == [WELCOME]


def voicemail(key: str) -> Extension:
    return extension(key, no_answer=NoAnswer(NoAnswerAction.VOICEMAIL, 20))


def test_of_two_that_ring_one_after_the_other_the_second_s_voicemail_runs_and_the_first_s_never() -> None:
    plan = call(acme([line(*STEPS)], voicemail("100"), voicemail("101")))
    assert told(plan) == [
        "1 ring 100-ip_phone",
        "2 ring 101-ip_phone",
        "2 message",
        "2 record",
        "2 hang up",
        "3 hang up",
    ]
    # Whoever hangs up while 100 rings would have come to 101's voicemail.
    assert kept(plan) == ["voicemail 101"] * 5


def test_a_missed_call_is_kept_for_an_extension_and_the_line_goes_on() -> None:
    plan = call(acme([line(ring("100", "101"), missed_call("101"), play(CLOSED))], extension("100"), extension("101")))
    assert told(plan) == ["1 ring 100-ip_phone 101-ip_phone", "2 keep", "3 message", "4 hang up"]
    assert kept(plan) == ["missed_call 101"] * 4
    assert next(step.kept for step in plan.steps if isinstance(step, Keep)).caller == "+6581112222"


def test_what_is_kept_of_one_who_leaves_is_clear_once_all_ways_lead_to_the_same() -> None:
    steps = (
        menu(d1="sales", d2="support", none="end"),
        ring("100", name="sales"),
        missed_call("100", to="bye"),
        ring("101", name="support"),
        missed_call("101"),
        play(CLOSED, name="bye"),
    )
    plan = call(acme([line(*steps)], extension("100"), extension("101")))
    assert kept(plan, "1") == ["", *["missed_call 100"] * 4]
    assert kept(plan, "2") == ["", *["missed_call 101"] * 4]
    assert kept(plan, "3") == ["", ""]
    same = (menu(d1="desk", none="late"), ring("100", name="desk"), missed_call("100", name="late"))
    assert kept(call(acme([line(*same)], extension("100"))), "1")[:1] == ["missed_call 100"]


def test_what_comes_later_is_kept_in_place_of_what_was_kept_before() -> None:
    plan = call(acme([line(missed_call("100"), ring("101"))], extension("100"), voicemail("101")))
    assert kept(plan) == ["missed_call 100", *["voicemail 101"] * 4]
    plan = call(acme([line(missed_call("100"), ring("101"))], extension("100"), extension("101")))
    assert kept(plan) == ["missed_call 100"] * 3


def test_a_withheld_caller_is_kept_without_a_number() -> None:
    plan = call(acme([line(missed_call("100"))], extension("100")), number=None)
    assert [step.kept for step in plan.steps if isinstance(step, Keep)] == [
        Kept(NoAnswerAction.MISSED_CALL, "100", None)
    ]
