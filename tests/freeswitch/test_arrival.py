"""Channel data becomes an arrival: who calls is what the switch vouches for, never what the caller wrote."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bizpbx.calls.call import Talked, Unanswered
from bizpbx.freeswitch.arrival import arrival_of
from bizpbx.freeswitch.causes import cause_of
from bizpbx.policy.plan import Cause, Stage
from bizpbx.policy.request import FromConsultation, FromDevice, FromTransfer, FromTrunk

DEVICE = {
    "Unique-ID": "leg-1",
    "Caller-Destination-Number": "101",
    "Caller-Caller-ID-Number": "anything the phone likes",
    "variable_bizpbx_organisation": "acme.example",
    "variable_bizpbx_device": "100-ip_phone",
    "variable_sip_network_ip": "192.0.2.7",
    "variable_sip_network_port": "5062",
    "variable_bizpbx_stage": "new",
}
TRUNK = {
    "Unique-ID": "leg-2",
    "Caller-Destination-Number": "+6564291310",
    "Caller-Caller-ID-Number": "+6531234567",
    "Caller-Caller-ID-Name": "Somebody",
    "variable_sip_network_ip": "192.0.2.9",
    "variable_sip_network_port": "5060",
}


def test_a_device_is_who_the_directory_says() -> None:
    arrival = arrival_of(DEVICE)
    assert arrival.id == "leg-1"
    assert arrival.organisation == "acme.example"
    assert arrival.request.caller == FromDevice("100-ip_phone")
    assert arrival.request.dialled == "101"
    assert arrival.source == "192.0.2.7:5062"


@pytest.mark.parametrize(
    ("data", "secure"),
    [
        ({}, False),
        ({"variable_sofia_profile_name": "internal"}, False),
        ({"variable_sofia_profile_name": "internal-tls"}, True),
        ({"variable_sip_h_X-sofia_profile_name": "internal-tls", "variable_sip_via_protocol": "tls"}, False),
    ],
    ids=["unknown", "plain", "tls", "said-by-the-caller"],
)
def test_a_device_is_secure_where_the_switch_takes_nothing_else(data: dict[str, str], secure: bool) -> None:
    assert arrival_of({**DEVICE, **data}).request.caller == FromDevice("100-ip_phone", secure)


def test_a_trunk_call_has_no_organisation_and_the_callers_own_words() -> None:
    arrival = arrival_of(TRUNK)
    assert arrival.organisation is None
    assert arrival.request.caller == FromTrunk("+6531234567", "Somebody")


@pytest.mark.parametrize(
    "privacy",
    [{"Caller-Privacy-Hide-Number": "true"}, {"variable_sip_Privacy": "id"}, {"variable_sip_Privacy": "user;ID"}],
)
def test_privacy_asked_for_in_any_way_is_withheld(privacy: dict[str, str]) -> None:
    caller = arrival_of({**TRUNK, **privacy}).request.caller
    assert isinstance(caller, FromTrunk) and caller.withheld


def test_diversions_are_read_in_order() -> None:
    header = '"Reception" <sip:+6564291310@acme.example>;reason=unconditional, <sip:200@b.example;user=phone>'
    caller = arrival_of({**TRUNK, "variable_sip_h_Diversion": header}).request.caller
    assert isinstance(caller, FromTrunk) and caller.diverted_by == ("+6564291310", "200")


def test_a_call_nobody_has_touched_is_new() -> None:
    arrival = arrival_of(DEVICE)
    assert (arrival.stage, arrival.finished, arrival.last) == (Stage.NEW, False, None)


def test_a_ring_that_ended_is_told_from_one_that_was_never_asked_for() -> None:
    announced = {**DEVICE, "variable_bizpbx_stage": "ring"}
    assert not arrival_of(announced).finished
    ended = arrival_of({**announced, "variable_originate_disposition": "NO_ANSWER"})
    assert (ended.finished, ended.last) == (True, Unanswered(Cause.NO_ANSWER))


def test_a_ring_through_a_gateway_that_failed_is_told_with_its_place_among_the_gateways() -> None:
    died = {
        **DEVICE,
        "variable_bizpbx_stage": "ring",
        "variable_bizpbx_attempt": "1",
        "variable_originate_disposition": "NORMAL_TEMPORARY_FAILURE",
        "variable_last_bridge_proto_specific_hangup_cause": "sip:503",
    }
    ended = arrival_of(died)
    assert ended.attempt == 1
    assert ended.last == Unanswered(Cause.NORMAL_TEMPORARY_FAILURE, gateway_failed=True)


def test_a_call_that_was_answered_has_nothing_unanswered() -> None:
    talked = arrival_of({**DEVICE, "variable_bizpbx_stage": "ring", "variable_originate_disposition": "SUCCESS"})
    assert (talked.finished, talked.last) == (True, Talked())


def test_tries_for_a_passcode_are_of_the_call_that_is_being_asked_for_it() -> None:
    # A leg whose user calls somebody else from it, before a transfer, was asked for its first call.
    tried = {**DEVICE, "variable_bizpbx_tries": "2"}
    assert arrival_of({**tried, "variable_bizpbx_stage": "passcode"}).tries == 2
    assert arrival_of(tried).tries == 0


def test_a_stage_that_we_never_wrote_counts_as_new() -> None:
    assert arrival_of({**DEVICE, "variable_bizpbx_stage": "system"}).stage is Stage.NEW


@pytest.mark.parametrize(
    ("disposition", "cause"),
    [
        ("SUCCESS", None),
        ("USER_BUSY", Cause.USER_BUSY),
        ("ORIGINATOR_CANCEL", Cause.NO_ANSWER),
        ("SUBSCRIBER_ABSENT", Cause.USER_NOT_REGISTERED),
        ("INVALID_PROFILE", Cause.USER_NOT_REGISTERED),
        ("GATEWAY_DOWN", Cause.NORMAL_TEMPORARY_FAILURE),
        ("something new", Cause.NORMAL_TEMPORARY_FAILURE),
    ],
)
def test_dispositions_become_the_causes_a_caller_is_told(disposition: str, cause: Cause | None) -> None:
    assert cause_of(disposition) is cause


@pytest.mark.parametrize(
    ("created", "moment"),
    [
        ("1772442000123456", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("0", None),
        ("", None),
        ("-5", None),
        ("nonsense", None),
        ("9" * 30, None),
    ],
)
def test_the_moment_of_a_call_is_when_its_channel_was_made(created: str, moment: datetime | None) -> None:
    assert arrival_of(TRUNK | {"Caller-Channel-Created-Time": created}).request.moment == moment


def test_the_step_of_a_line_is_read_from_the_channel() -> None:
    at_a_step = TRUNK | {"variable_bizpbx_step": "7"}
    assert arrival_of(at_a_step | {"variable_bizpbx_stage": "ring"}).section == 7
    # One that a transferred call brings along is of another call.
    assert arrival_of(at_a_step).section == 0


TRANSFERRED = {
    **TRUNK,
    "Caller-Context": "transferred:acme.example",
    "Caller-Destination-Number": "102",
    "variable_bizpbx_organisation": "acme.example",
    "variable_bizpbx_transferred_by": "101-ip_phone",
    "variable_bizpbx_transfers": "2",
    "variable_bizpbx_stage": "new",
}


@pytest.mark.parametrize(
    ("data", "party"),
    [
        ({}, FromTrunk("+6531234567", "Somebody")),
        ({"Caller-Privacy-Hide-Number": "true"}, FromTrunk("+6531234567", "Somebody", withheld=True)),
        ({"variable_bizpbx_device": "104-ip_phone"}, FromDevice("104-ip_phone")),
        ({"Call-Direction": "outbound", "variable_bizpbx_target": "104-mobile"}, FromDevice("104-mobile")),
        (
            {
                "Call-Direction": "outbound",
                "variable_bizpbx_target": "+6591112222",
                "variable_sip_gateway_name": "carrier.acme.example",
            },
            FromTrunk("+6591112222"),
        ),
    ],
    ids=["from outside", "withheld", "a device that called", "a device that was called", "a number that was called"],
)
def test_a_call_that_was_transferred_is_of_its_far_end(data: dict[str, str], party: FromDevice | FromTrunk) -> None:
    arrival = arrival_of({**TRANSFERRED, **data})
    assert arrival.request.caller == FromTransfer("101-ip_phone", party)
    assert (arrival.organisation, arrival.request.dialled, arrival.transfers) == ("acme.example", "102", 2)
    assert arrival.device is isinstance(party, FromDevice)


@pytest.mark.parametrize("context", ["acme.example", "transferred:bravo.example", "bizpbx-trunk", ""])
def test_no_variable_makes_a_call_one_that_was_transferred(context: str) -> None:
    arrival = arrival_of({**TRANSFERRED, **DEVICE, "Caller-Context": context})
    assert arrival.request.caller == FromDevice("100-ip_phone")


HELD = "11111111-2222-3333-4444-555555555555"
CONSULTING = {**DEVICE, "Caller-Context": "consulting:acme.example", "variable_bizpbx_holds": HELD}


def test_a_user_who_has_somebody_held_calls_as_his_device() -> None:
    arrival = arrival_of({**CONSULTING, "variable_bizpbx_transfers": "1"})
    assert arrival.request.caller == FromConsultation(FromDevice("100-ip_phone"))
    assert (arrival.holds, arrival.transfers, arrival.request.dialled) == (HELD, 1, "101")


def test_so_does_one_whose_device_was_called() -> None:
    called = {"Call-Direction": "outbound", "variable_bizpbx_target": "101-ip_phone"}
    arrival = arrival_of({**CONSULTING, **called})
    assert arrival.request.caller == FromConsultation(FromDevice("101-ip_phone"))


@pytest.mark.parametrize("context", ["acme.example", "consulting:bravo.example", "transferred:acme.example"])
def test_no_variable_makes_a_call_one_that_somebody_is_held_for(context: str) -> None:
    arrival = arrival_of({**CONSULTING, "Caller-Context": context})
    assert not isinstance(arrival.request.caller, FromConsultation)
    assert arrival.holds is None


def test_nobody_outside_has_anybody_held() -> None:
    arrival = arrival_of({**CONSULTING, "variable_bizpbx_device": "", "Caller-Caller-ID-Number": "+6531234567"})
    assert arrival.request.caller == FromConsultation(FromDevice(""))
