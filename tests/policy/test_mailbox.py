"""A device dials the code for its voicemail."""

from __future__ import annotations

import pytest

from bizpbx.policy.explain import to_json, to_lines
from bizpbx.policy.mailbox import CODE
from bizpbx.policy.plan import Announce, AskPin, Cause, HangUp, Listen, Stage
from bizpbx.policy.prompt import Prompt
from bizpbx.policy.settings import DialPlanEntry, ExtensionType, NoAnswer, OutboundRule
from tests.policy.tenant import (
    CARRIER,
    MAIN,
    device,
    end_of,
    extension,
    from_inside,
    from_outside,
    rules_of,
    targets_of,
    tenant,
)

ACME = tenant(
    extension("100"),
    extension("101", no_answer=NoAnswer(pin=True)),
    extension("102", type=ExtensionType.CALL_CENTER),
)


def test_the_voicemail_of_the_calling_extension_is_heard_and_nothing_else() -> None:
    plan = from_inside(ACME, "100", CODE)

    assert plan.steps == (Listen(Stage.MAILBOX, "100"), HangUp(Stage.END, Cause.NORMAL_CLEARING))
    assert rules_of(plan) == ["mailbox"]
    assert targets_of(plan) == []


def test_a_pin_is_asked_for_before() -> None:
    plan = from_inside(ACME, "101", CODE)

    assert plan.steps == (
        AskPin(Stage.PASSCODE, "101"),
        Listen(Stage.MAILBOX, "101"),
        HangUp(Stage.END, Cause.NORMAL_CLEARING),
    )
    assert rules_of(plan) == ["mailbox", "pin-asked"]


def test_a_call_centre_extension_has_none() -> None:
    plan = from_inside(ACME, "102", CODE)

    assert plan.steps == (
        Announce(Stage.ANNOUNCE, Prompt.NOT_IN_SERVICE),
        HangUp(Stage.END, Cause.UNALLOCATED_NUMBER),
    )
    assert rules_of(plan) == ["mailbox-none"]


@pytest.mark.parametrize("number", ["+6591112222", None])
def test_a_call_from_outside_never_reaches_it(number: str | None) -> None:
    plan = from_outside(ACME, number, CODE)

    assert not any(isinstance(step, Listen | AskPin) for step in plan.steps)
    assert end_of(plan).cause is Cause.INVALID_NUMBER_FORMAT


def test_nor_does_a_device_that_may_not_call() -> None:
    acme = tenant(extension("100", devices=(device("100", "ip_phone", active=False),)))  # type: ignore[arg-type]

    assert end_of(from_inside(acme, "100", CODE)).cause is Cause.CALL_REJECTED


@pytest.mark.parametrize("dialled", ["**97", "*97*100", "*97100", "%2A97", "97", " *97", "*97#"])
def test_nothing_else_is_taken_for_the_code(dialled: str) -> None:
    plan = from_inside(ACME, "100", dialled)

    assert not any(isinstance(step, Listen | AskPin) for step in plan.steps)


def test_no_dial_plan_can_take_the_code_away() -> None:
    rule = OutboundRule("R", CARRIER, (DialPlanEntry(("9",), 2, 0, "65"),))

    assert rules_of(from_inside(tenant(extension("100", rule=rule)), "100", CODE)) == ["mailbox"]


def test_what_is_explained_names_the_mailbox_and_no_secret() -> None:
    plan = from_inside(ACME, "101", CODE)

    assert to_lines(plan) == [
        "1. answer and ask for the voicemail PIN of 101, 3 tries",
        "2. answer and play the voicemail of 101",
        "3. hang up (NORMAL_CLEARING)",
        "because",
        "   mailbox: 101 dials *97: it hears its voicemail",
        "   pin-asked: the voicemail of 101 has a PIN: it is asked for",
    ]
    assert to_json(plan)["steps"][:2] == [  # type: ignore[index]
        {"stage": "passcode", "section": 0, "action": "ask_pin", "extension": "101", "tries": 3},
        {"stage": "mailbox", "section": 0, "action": "listen", "mailbox": "101"},
    ]


def test_the_number_of_the_organisation_leads_to_no_mailbox() -> None:
    assert rules_of(from_outside(ACME, "+6591112222", MAIN))[0] == "did"
