"""Which step leads to which, and what is refused of it."""

from __future__ import annotations

from bizpbx.policy.line import VirtualLine
from bizpbx.policy.line_faults import faults
from bizpbx.policy.line_graph import in_order
from tests.policy.lines import forward, hang_up, hours, line, menu, ring

DID = "+6564291311"


def told(*lines: VirtualLine, numbers: dict[str, str] | None = None) -> list[str]:
    """What is wrong, as a person reads it."""
    known = {each.key: each for each in lines}
    found = faults(lines, lambda called: known.get((numbers or {}).get(called, called)))
    return [f"{fault.node.line} step {fault.node.position + 1} {fault.code}: {fault.sentence}" for fault in found]


def order(*lines: VirtualLine) -> list[tuple[str, int]]:
    known = {each.key: each for each in lines}
    return [(node.line, node.position + 1) for node in in_order(lines[0], known.get)]


def test_steps_that_lead_on_are_taken_as_they_are_written() -> None:
    steps = (hours("closed"), menu(d1="desk", none="end"), ring("100", name="desk"), hang_up(), hang_up("closed"))
    assert told(line(*steps)) == []
    assert order(line(*steps)) == [("800", 1), ("800", 2), ("800", 3), ("800", 4), ("800", 5)]


def test_a_step_that_leads_back_up_the_page_comes_after_what_leads_to_it() -> None:
    steps = (menu(d1="late", none="early"), ring("100", name="early", to="end"), ring("101", name="late", to="early"))
    assert told(line(*steps)) == []
    assert order(line(*steps)) == [("800", 1), ("800", 3), ("800", 2)]


def test_every_step_on_a_way_round_in_a_circle_is_named() -> None:
    steps = (ring("100", name="again"), ring("101", to="again"))
    assert told(line(*steps)) == [
        "800 step 1 loop: leads back to itself by way of 800 step 2; let the call end, or go on elsewhere.",
        "800 step 2 loop: leads back to itself by way of 800 step 1 (again); let the call end, or go on elsewhere.",
    ]


def test_a_step_that_leads_to_itself_is_a_circle() -> None:
    assert told(line(menu(name="menu", d1="end", none="menu"))) == [
        "800 step 1 loop: leads back to itself at once; let the call end, or go on elsewhere."
    ]


def test_lines_that_lead_to_each_other_by_key_or_number_are_a_circle() -> None:
    first, second = line(forward("801", None)), line(ring("100"), forward(DID, None), key="801")
    assert [fault.split(":")[0] for fault in told(first, second, numbers={DID: "800"})] == [
        "800 step 1 loop",
        "801 step 1 loop",
        "801 step 2 loop",
    ]
    assert told(first, second, numbers={DID: "100"}) == []


def test_a_step_that_no_call_comes_to_is_named() -> None:
    assert told(line(hang_up(), ring("100"))) == [
        "800 step 2 unreachable: is a step that no call comes to; lead another one here, or take it out."
    ]
    assert told(line(menu(d1="desk", none="end"), ring("101"), hang_up(), ring("100", name="desk"))) == [
        "800 step 2 unreachable: is a step that no call comes to; lead another one here, or take it out.",
        "800 step 3 unreachable: is a step that no call comes to; lead another one here, or take it out.",
    ]


def test_what_follows_a_forward_outside_is_reached_and_what_follows_another_line_is_not() -> None:
    other = line(ring("100"), key="801")
    assert told(line(forward("+6581234567"), ring("100"))) == []
    assert [fault.split(":")[0] for fault in told(line(forward("801", None), ring("100")), other)] == [
        "800 step 2 unreachable"
    ]


def test_the_steps_of_another_line_come_after_those_that_lead_there() -> None:
    first = line(menu(d1="shop", none="end"), forward("801", None, name="shop"))
    second = line(ring("100"), ring("101"), key="801")
    assert order(first, second) == [("800", 1), ("800", 2), ("801", 1), ("801", 2)]
