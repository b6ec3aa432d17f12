"""A user transfers the other side of a conversation: where it goes, what is shown, who pays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizpbx.policy.decide import decide
from bizpbx.policy.line import HangUpStep, LineStep, VirtualLine
from bizpbx.policy.plan import Cause, HangUp, Plan, Ring, Stage
from bizpbx.policy.request import FromDevice, FromTransfer, FromTrunk, Request
from bizpbx.policy.rules import Rule
from bizpbx.policy.settings import NoAnswer, NoAnswerAction, OnForward, Tenant
from bizpbx.policy.transfer import goes_through
from tests.policy.random_tenants import dialled, tenants
from tests.policy.tenant import (
    DOMAIN,
    MAIN,
    MemoryTenant,
    device_targets,
    end_of,
    extension,
    forwarding,
    gateway_targets,
    ring_of,
    rules_of,
    shown_to,
    targets_of,
    tenant,
    who_rings,
)

OUTSIDE = FromTrunk("+6531234567")
INSIDE = FromDevice("104-ip_phone")
NUMBER = "+6561234567"
ACME = tenant(*(extension(key) for key in ("100", "101", "102", "103", "104")))


def transfer(to: str, party: FromDevice | FromTrunk = OUTSIDE, by: str = "101-ip_phone", where: Tenant = ACME) -> Plan:
    return decide(Request(FromTransfer(by, party), to), where)


def test_a_key_rings_the_extension_and_shows_who_transfers() -> None:
    plan = transfer("102")
    assert who_rings(plan) == ["102-ip_phone"]
    assert (shown_to(plan, "102-ip_phone"), ring_of(plan).caller_name) == ("101", "Desk 101")
    assert (plan.callee, plan.transferred_by) == ("102", "101")
    assert rules_of(plan)[0] == Rule.TRANSFER


@pytest.mark.parametrize(
    ("party", "shown"), [(OUTSIDE, "+6531234567"), (INSIDE, "104"), (FromTrunk(None), "anonymous")]
)
def test_a_key_shows_the_caller_where_the_extension_chose_that(party: FromDevice | FromTrunk, shown: str) -> None:
    acme = tenant(extension("101", on_forward=OnForward.CALLER), extension("102"), extension("104"))
    plan = transfer("102", party, where=acme)
    assert shown_to(plan, "102-ip_phone") == shown
    assert ring_of(plan).withheld is (shown == "anonymous")


def test_a_number_is_an_outgoing_call_of_who_transfers() -> None:
    plan = transfer("61234567")
    (target,) = gateway_targets(plan)
    assert (target.dial, target.number, target.charge) == (NUMBER, MAIN, "101")
    assert ring_of(plan).diverted_by == MAIN


def test_a_number_of_the_organisation_stays_inside() -> None:
    plan = transfer("64291310")
    assert who_rings(plan) == ["100-ip_phone"]
    assert gateway_targets(plan) == []


def test_the_settings_of_the_target_count() -> None:
    acme = tenant(
        extension("101"),
        extension("102", forwarding=forwarding("103", vip=("+6531234567",))),
        extension("103", no_answer=NoAnswer(NoAnswerAction.VOICEMAIL)),
    )
    assert who_rings(transfer("102", where=acme)) == ["102-ip_phone"]
    assert who_rings(transfer("102", FromTrunk("+6531234568"), where=acme)) == ["103-ip_phone"]
    voicemail = transfer("103", where=acme)
    assert [step.stage for step in voicemail.steps] == [Stage.RING, Stage.MESSAGE, Stage.RECORD, Stage.END]
    assert voicemail.steps[0].kept == voicemail.steps[-1].kept  # type: ignore[union-attr]


def test_a_virtual_line_can_be_a_target() -> None:
    line = VirtualLine("700", "Line", (LineStep(HangUpStep()),))
    acme = MemoryTenant(ACME.organisation, ACME.extensions, ACME.numbers, {"700": line})
    plan = transfer("700", where=acme)
    assert (plan.callee, plan.transferred_by) == ("700", "101")


def test_a_call_that_nobody_takes_rings_where_it_came_from() -> None:
    for to in ("102", "61234567"):
        plan = transfer(to)
        assert [step.stage for step in plan.steps] == [Stage.RING, Stage.BACK, Stage.END]
        assert who_rings(plan, Stage.BACK) == ["101-ip_phone"]
        assert ring_of(plan, Stage.BACK).targets[0].number == "+6531234567"
        assert end_of(plan).cause is None


def test_it_does_not_come_back_to_who_is_on_do_not_disturb() -> None:
    acme = tenant(extension("101", do_not_disturb=True), extension("102"))
    assert [step.stage for step in transfer("102", where=acme).steps] == [Stage.RING, Stage.END]


@pytest.mark.parametrize(
    ("to", "rule", "cause"),
    [
        ("999", Rule.TRANSFER_EMERGENCY, Cause.OUTGOING_CALL_BARRED),
        ("995", Rule.TRANSFER_EMERGENCY, Cause.OUTGOING_CALL_BARRED),
        ("101", Rule.OWN_KEY, Cause.USER_BUSY),
        ("104", Rule.TARGET_CALLER, Cause.USER_BUSY),
        ("199", Rule.KEY_UNKNOWN, Cause.UNALLOCATED_NUMBER),
        ("0060123456789", Rule.COUNTRY_NOT_LISTED, Cause.OUTGOING_CALL_BARRED),
        ("0093701234567", Rule.PASSCODE_REQUIRED, Cause.OUTGOING_CALL_BARRED),
        ("0", Rule.NUMBER_INVALID, Cause.OUTGOING_CALL_BARRED),
    ],
)
def test_what_is_refused_rings_nobody_but_who_transfers_should_it_arrive(to: str, rule: Rule, cause: Cause) -> None:
    plan = transfer(to, INSIDE)
    assert rule in rules_of(plan)
    assert not goes_through(plan)
    assert [step.stage for step in plan.steps] == [Stage.BACK, Stage.END]
    assert who_rings(plan, Stage.BACK) == ["101-ip_phone"]
    assert end_of(plan).cause is cause


def test_the_number_that_is_talked_with_is_not_called_again() -> None:
    plan = transfer("61234567", FromTrunk(NUMBER))
    assert Rule.LOOP in rules_of(plan)
    assert not goes_through(plan)


def test_a_target_on_do_not_disturb_is_busy() -> None:
    plan = transfer("102", where=tenant(extension("101"), extension("102", do_not_disturb=True)))
    assert not goes_through(plan)


@pytest.mark.parametrize("by", ["", "199-ip_phone", "101-desktop", "101", "x' or 1"])
def test_a_device_that_is_none_transfers_nothing(by: str) -> None:
    assert transfer("102", by=by).steps == (HangUp(Stage.END, Cause.CALL_REJECTED),)


parties: st.SearchStrategy[FromDevice | FromTrunk] = st.one_of(
    st.builds(FromTrunk, st.one_of(st.none(), dialled), withheld=st.booleans()),
    st.sampled_from([FromDevice(f"{key}-ip_phone") for key in ("100", "101", "102")]),
)
transfers = st.builds(
    lambda by, party, to: Request(FromTransfer(f"{by}-ip_phone", party), to),
    st.sampled_from(["100", "101", "102", "199"]),
    parties,
    dialled,
)


@given(transfers, tenants)
def test_whoever_transfers_pays_or_who_forwards_after_him_and_only_what_their_rules_allow(
    request: Request, tenant: MemoryTenant
) -> None:
    caller = request.caller
    assert isinstance(caller, FromTransfer)
    plan = decide(request, tenant)
    by = caller.by.partition("-")[0]
    for target in gateway_targets(plan):
        if target.charge is not None:
            assert target.charge in {by, plan.callee}
    assert isinstance(plan.steps[-1], HangUp)
    # Stages come in order, and everything that rings is of this organisation.
    rings = [step for step in plan.steps if isinstance(step, Ring)]
    assert [step.stage for step in rings] == sorted((step.stage for step in rings), key=list(Stage).index)
    assert all(target.domain == DOMAIN for target in device_targets(plan))
    assert all(target.dial not in ("995", "999", "112", "911") for target in gateway_targets(plan))


@given(st.sampled_from(["995", "999", "112", "911"]), parties, tenants)
def test_no_emergency_number_is_transferred_to(
    number: str, party: FromDevice | FromTrunk, tenant: MemoryTenant
) -> None:
    plan = decide(Request(FromTransfer("100-ip_phone", party), number), tenant)
    assert Rule.EMERGENCY not in rules_of(plan)
    assert number not in [target.dial for target in gateway_targets(plan)]


@given(st.one_of(st.none(), dialled), tenants)
def test_a_withheld_number_is_shown_to_nobody(number: str | None, tenant: MemoryTenant) -> None:
    plan = decide(Request(FromTransfer("100-ip_phone", FromTrunk(number, withheld=True)), "101"), tenant)
    own = {MAIN, *(tenant.extensions[key].caller_id for key in tenant.extensions), *tenant.numbers}
    for target in targets_of(plan):
        assert target.number in {"anonymous", *tenant.extensions, *own} or target.number != number
