"""A user calls before he transfers: his own call, but no message is left, and nobody is called who is held."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizpbx.policy.decide import decide
from bizpbx.policy.line import HangUpStep, LineStep, VirtualLine
from bizpbx.policy.plan import AskPasscode, Cause, HangUp, Keep, Plan, Record, Ring, Stage, kept_by
from bizpbx.policy.request import FromConsultation, FromDevice, FromTransfer, FromTrunk, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import NoAnswer, NoAnswerAction, Tenant
from bizpbx.policy.transfer import goes_through
from tests.policy.random_tenants import dialled, tenants
from tests.policy.tenant import (
    MAIN,
    MemoryTenant,
    extension,
    forwarding,
    from_inside,
    gateway_targets,
    ring_of,
    rules_of,
    shown_to,
    tenant,
    who_rings,
)

OUTSIDE = FromTrunk("+6531234567")
INSIDE = FromDevice("104-ip_phone")
NUMBER = "+6561234567"
ACME = tenant(*(extension(key) for key in ("100", "101", "102", "103", "104")))


def asks(to: str, party: FromDevice | FromTrunk | None = OUTSIDE, by: str = "101", where: Tenant = ACME) -> Plan:
    return decide(Request(FromConsultation(FromDevice(f"{by}-ip_phone"), party), to), where)


@pytest.mark.parametrize("to", ["102", "61234567", "64291310"])
def test_it_is_decided_as_any_call_of_the_user(to: str) -> None:
    plan, own = asks(to), from_inside(ACME, "101", to)
    assert (plan.steps, plan.callee) == (own.steps, own.callee)
    assert plan.reasons[0].text == "101 has +6531234567 held and calls meanwhile"
    assert plan.reasons[1:] == own.reasons


def test_who_is_asked_sees_who_asks_and_the_asker_pays() -> None:
    assert (shown_to(asks("102"), "102-ip_phone"), ring_of(asks("102")).caller_name) == ("101", "Desk 101")
    (target,) = gateway_targets(asks("61234567"))
    assert (target.dial, target.number, target.charge) == (NUMBER, MAIN, "101")


def test_a_country_that_requires_a_passcode_is_asked_for_it() -> None:
    acme = tenant(extension("101", passcode=True))
    assert isinstance(asks("0093701234567", where=acme).steps[0], AskPasscode)


@pytest.mark.parametrize("action", [NoAnswerAction.VOICEMAIL, NoAnswerAction.MISSED_CALL])
def test_nobody_leaves_a_message_and_no_missed_call_is_kept(action: NoAnswerAction) -> None:
    acme = tenant(extension("101"), extension("102", no_answer=NoAnswer(action, message="sound")))
    plan = asks("102", where=acme)
    assert [step.stage for step in plan.steps] == [Stage.RING, Stage.END]
    assert [kept_by(step) for step in plan.steps] == [None, None]


def test_a_forward_rings() -> None:
    acme = tenant(extension("101"), extension("102", forwarding=forwarding("103")), extension("103"))
    assert who_rings(asks("102", where=acme)) == ["103-ip_phone"]


@pytest.mark.parametrize(
    ("to", "party", "rule", "cause"),
    [
        ("999", OUTSIDE, Rule.TRANSFER_EMERGENCY, Cause.OUTGOING_CALL_BARRED),
        ("995", INSIDE, Rule.TRANSFER_EMERGENCY, Cause.OUTGOING_CALL_BARRED),
        ("101", OUTSIDE, Rule.OWN_KEY, Cause.USER_BUSY),
        ("104", INSIDE, Rule.TARGET_CALLER, Cause.USER_BUSY),
        ("64291310", FromDevice("100-ip_phone"), Rule.TARGET_CALLER, Cause.USER_BUSY),
        ("61234567", FromTrunk(NUMBER), Rule.TARGET_CALLER, Cause.USER_BUSY),
        ("61234567", FromTrunk(NUMBER, withheld=True), Rule.TARGET_CALLER, Cause.USER_BUSY),
        ("199", OUTSIDE, Rule.KEY_UNKNOWN, Cause.UNALLOCATED_NUMBER),
        ("0060123456789", OUTSIDE, Rule.COUNTRY_NOT_LISTED, Cause.OUTGOING_CALL_BARRED),
    ],
)
def test_what_is_refused_rings_nobody(to: str, party: FromDevice | FromTrunk, rule: Rule, cause: Cause) -> None:
    plan = asks(to, party)
    assert rule in rules_of(plan)
    assert not goes_through(plan)
    assert plan.steps[-1] == HangUp(Stage.END, cause)


def test_somebody_on_do_not_disturb_is_refused_whatever_is_kept_of_other_calls() -> None:
    voicemail = NoAnswer(NoAnswerAction.VOICEMAIL)
    acme = tenant(extension("101"), extension("102", do_not_disturb=True, no_answer=voicemail))
    assert not goes_through(asks("102", where=acme))


def test_a_virtual_line_can_be_asked() -> None:
    line = VirtualLine("700", "Line", (LineStep(HangUpStep()),))
    acme = MemoryTenant(ACME.organisation, ACME.extensions, ACME.numbers, {"700": line})
    assert asks("700", where=acme).callee == "700"


@pytest.mark.parametrize("by", ["", "199", "x' or 1"])
def test_a_device_that_is_none_asks_nobody(by: str) -> None:
    assert asks("102", by=by).steps == (HangUp(Stage.END, Cause.CALL_REJECTED),)


def test_an_organisation_can_switch_transfers_off() -> None:
    off = replace(ACME, organisation=replace(ACME.organisation, transfers=False))
    for caller in (FromConsultation(FromDevice("101-ip_phone"), OUTSIDE), FromTransfer("101-ip_phone", OUTSIDE)):
        plan = decide(Request(caller, "102"), off)
        assert rules_of(plan) == [Rule.TRANSFERS_OFF]
        assert not goes_through(plan)
    assert not from_inside(off, "101", "102").transfers
    assert from_inside(ACME, "101", "102").transfers


@given(dialled, st.sampled_from([OUTSIDE, INSIDE, FromTrunk(None)]), tenants)
def test_it_rings_nobody_whom_the_user_may_not_call(
    to: str, party: FromDevice | FromTrunk, tenant: MemoryTenant
) -> None:
    plan = asks(to, party, "100", tenant)
    own = from_inside(tenant, "100", to)
    assert [step for step in plan.steps if isinstance(step, Ring)] == [
        replace(step, kept=None) for step in own.steps if isinstance(step, Ring)
    ] or not goes_through(plan)
    assert not any(isinstance(step, Record | Keep) or kept_by(step) for step in plan.steps)
    assert Rule.EMERGENCY not in rules_of(plan)
    assert isinstance(plan.steps[-1], HangUp)
