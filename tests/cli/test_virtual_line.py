"""`bizpbx virtual-line`, and what `explain call` says of a call to one."""

from __future__ import annotations

import pytest
import yaml

from tests.cli.test_commands import Run, acme, answer, bizpbx
from tests.settings.lines import MOBILE, Step, forward, hours, line, menu, missed_call, ring, with_lines

__all__ = ["acme", "bizpbx"]

STEPS: tuple[Step, ...] = (
    hours("closed"),
    menu({"1": "sales"}, "desk"),
    ring("100", "101", name="sales", next="end"),
    ring("102", name="desk"),
    forward(MOBILE, "102"),
    missed_call("102", name="closed"),
)


@pytest.fixture
def office(acme: Run) -> Run:
    """The worked example, whose DID leads to a line."""
    acme("apply", "-", text=yaml.safe_dump(with_lines(line(*STEPS))))
    return acme


def test_lines_are_listed_and_shown(office: Run) -> None:
    assert office("virtual-line", "list").stdout.splitlines() == ["key\tlabel\tsteps", "800\tMain line\t6"]
    (listed,) = answer(office("virtual-line", "list", "--json"))
    assert listed == answer(office("virtual-line", "show", "800", "--json"))
    assert listed["steps"][5] == {"name": "closed", "next": None, "missed_call": {"extension": "102"}}
    assert office("virtual-line", "show", "800").stdout.splitlines() == [
        "key = 800",
        "label = Main line",
        "",
        "Steps",
        "step\tname\tdoes\tnext",
        "steps[0]\t\twithin mon tue wed thu fri 09:00 to 18:00, otherwise → closed\t",
        "steps[1]\t\task for a key (2 × 5 s): 1 → sales, none → desk\t",
        "steps[2]\tsales\tring 100, 101 for 5 s\tend",
        "steps[3]\tdesk\tring 102 for 5 s\t",
        f"steps[4]\t\tforward to {MOBILE} for 30 s, charged to 102\t",
        "steps[5]\tclosed\tkeep the call as a missed call of 102\t",
    ]


def test_one_step_is_changed_by_its_position(office: Run) -> None:
    done = office("virtual-line", "set", "800", "steps[2].ring.seconds=9", "label=Office")
    assert done.stdout.splitlines() == [
        "virtual-line 800: label: Main line → Office",
        "virtual-line 800: steps[2].ring.seconds: 5 → 9",
    ]
    assert office("virtual-line", "set", "800", "steps[2].ring.extensions[1]=103").stdout == (
        "virtual-line 800: steps[2].ring.extensions: 100, 101 → 100, 103\n"
    )
    refused = office("virtual-line", "set", "800", "steps[6].ring.seconds=9", code=1).stderr
    assert refused == "steps[6]: is not there; steps has 6 entries. [usage]\n"
    refused = office("virtual-line", "set", "800", "steps[2].ring.seconds=90", code=1).stderr
    assert refused == "steps[2].ring.seconds: must be 60 or less, not 90. [out-of-range]\n"
    refused = office("virtual-line", "set", "800", "steps[2].next=desk", "steps[3].next=sales", code=1).stderr
    assert (
        "steps[2]: leads back to itself by way of 800 step 4 (desk); let the call end, or go on elsewhere." in refused
    )


def test_a_line_is_added_and_removed(office: Run) -> None:
    steps = 'steps=[{ring: {extensions: ["101"]}}, {hang_up: true}]'
    assert office("virtual-line", "add", "801", "label=Sales", steps).stdout == "virtual-line 801: added\n"
    assert "801: removed" in office("virtual-line", "remove", "801").stdout
    refused = office("virtual-line", "remove", "800", code=1).stderr
    assert refused == (
        "virtual_lines.800: 800 takes the calls to +6564291310; send that number elsewhere first. [in-use]\n"
    )
    assert "[not-found]" in office("virtual-line", "show", "801", code=1).stderr


def test_a_call_is_explained_step_by_step_at_a_time_of_the_day(office: Run) -> None:
    call = ("explain", "call", "--from", "+6591112222", "--to", "+6564291310", "--at")
    told = office(*call, "2026-03-02T10:00").stdout.splitlines()
    assert told[:3] == [
        "call to 800",
        "2. answer and wait for a key (2 tries of 5 s): 1 goes on with step 3, anything else with step 4",
        "3. ring 2 together for 5 s as 'Main line', diverted by +6564291310",
    ]
    assert "5. ring for 30 s as '+6564291310', diverted by +6564291310" in told
    assert "6. keep the call as a missed call of 102" in told
    assert (
        "   1. line-within: the call came at mon 10:00 in Asia/Singapore, within the hours of 800 step 1: "
        "mon tue wed thu fri 09:00 to 18:00" in told
    )
    assert "   5. line-forward: 800 step 5 forwards to +6598765432 for 30 s" in told
    assert told[-3].startswith("price") or any(line.startswith(f"   {MOBILE}, charged to 102") for line in told)
    told = office(*call, "2026-03-02T20:00").stdout.splitlines()
    assert told[:3] == [
        "call to 800",
        "6. keep the call as a missed call of 102",
        "7. hang up (cause of the last ring)",
    ]
    by_key = answer(office("explain", "call", "--from", "101", "--to", "800", "--at", "2026-03-01", "--json"))
    assert (by_key["callee"], by_key["kept"]) == ("800", [{"action": "missed_call", "mailbox": "102"}])
    assert {"rule": "line-missed-call", "section": 6} in [
        {name: reason[name] for name in ("rule", "section")} for reason in by_key["reasons"]
    ]
