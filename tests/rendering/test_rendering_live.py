"""A rendered tree on the real switch: what it lets in, what it refuses, what it does when there is no controller."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bizpbx.freeswitch.display_name import display_name
from bizpbx.policy.settings import DeviceKind, Extension
from tests.rendering.hostile import INERT
from tests.rendering.live import OPTIONAL_MODULES, LiveSwitch, switch, wait_for
from tests.rendering.phone import Phone
from tests.rendering.samples import device, extension, gateway, organisation

pytestmark = pytest.mark.freeswitch

ACME, BETA = "acme.example", "beta.example"


@pytest.fixture(scope="module")
def carrier() -> Iterator[Phone]:
    phone = Phone("carrier", "127.0.0.1", ("127.0.0.1", 9))
    yield phone
    phone.close()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, carrier: Phone) -> Iterator[LiveSwitch]:
    trunk = gateway(ACME, carrier.port)
    hostile = [
        extension(str(500 + index), ACME, text, [device(str(500 + index), ACME)])
        for index, text in enumerate(INERT.values())
    ]
    refused = Extension("200", "Refused", devices=(device("200", ACME, active=False),))
    busy = dataclasses.replace(extension("201", ACME), do_not_disturb=True)
    acme = organisation(
        ACME,
        [*(extension(key, ACME) for key in ("100", "101", "102")), refused, busy, *hostile],
        trunk=trunk,
        numbers=(("+6564291310", "100"), ("+6564291311", None), ("+6564291312", "555")),
    )
    beta = organisation(BETA, [extension("100", BETA)], trunk=gateway(BETA, carrier.port), numbers=())
    with switch(tmp_path_factory.mktemp("switch"), [acme, beta]) as running:
        yield running


@pytest.fixture
def phones(live: LiveSwitch) -> Iterator[list[Phone]]:
    opened: list[Phone] = []
    yield opened
    for phone in opened:
        phone.register(expires=0)
        phone.close()


def phone(phones: list[Phone], live: LiveSwitch, user: str, domain: str = ACME, **options: object) -> Phone:
    opened = Phone(user, domain, live.internal, **options)  # type: ignore[arg-type]
    phones.append(opened)
    return opened


def registered(phones: list[Phone], live: LiveSwitch, user: str, domain: str = ACME, **options: object) -> Phone:
    opened = phone(phones, live, user, domain, **options)
    assert opened.register() == 200
    return opened


def test_it_starts_without_a_complaint(live: LiveSwitch, tmp_path: Path) -> None:
    with switch(tmp_path, [organisation()], log="warning") as fresh:
        complaints = [line for line in fresh.log("ERR", "CRIT") if not any(m in line for m in OPTIONAL_MODULES)]
        assert complaints == []
        assert fresh.api("sofia status").count("NOREG") == 1


def test_hostile_labels_come_back_unexpanded(live: LiveSwitch, phones: list[Phone]) -> None:
    for index, text in enumerate(INERT.values()):
        key = str(500 + index)
        read = live.api(f"user_data {key}-ip_phone@{ACME} var effective_caller_id_name")
        assert read == display_name(text)


def test_hostile_labels_are_shown_unexpanded(live: LiveSwitch, phones: list[Phone]) -> None:
    called = registered(phones, live, "100-ip_phone", on_invite=486)
    key = str(500 + list(INERT).index("dollars"))
    assert phone(phones, live, f"{key}-ip_phone").call("100").status == 486
    assert called.invites[0].get("from").startswith(f'"{INERT["dollars"]}" <sip:{key}@')


@pytest.mark.parametrize(
    ("user", "domain", "password"),
    [
        ("100-ip_phone", ACME, "wrong"),
        ("100-ip_phone", "nowhere.example", "correct horse"),
        ("999-ip_phone", ACME, "correct horse"),
        ("200-ip_phone", ACME, "correct horse"),
        ("100", ACME, ""),
        ("100", ACME, "correct horse"),
        ("200-ip_phone", ACME, ""),
    ],
    ids=["wrong-password", "no-organisation", "no-device", "deactivated", "key", "key-password", "deactivated-empty"],
)
def test_who_is_refused(live: LiveSwitch, user: str, domain: str, password: str) -> None:
    stranger = Phone(user, domain, live.internal, password=password)
    assert stranger.register() == 403
    assert stranger.call("100").status == 403
    stranger.close()


def test_nobody_registers_as_another_device(live: LiveSwitch, phones: list[Phone]) -> None:
    assert phone(phones, live, "101-ip_phone").register(to_user="100-ip_phone") == 403


def test_nobody_takes_the_calls_of_the_same_key_in_another_organisation(live: LiveSwitch, phones: list[Phone]) -> None:
    # given: a phone of beta with the same name, that signs in as itself and asks to be found in acme
    ours = registered(phones, live, "100-ip_phone", on_invite=486)
    theirs = phone(phones, live, "100-ip_phone", BETA)
    theirs.register(to_host=ACME)
    # when: acme's 100 is called
    assert phone(phones, live, "101-ip_phone").call("100").status == 486
    # then: acme's phone rang, and beta's did not
    assert len(ours.invites) == 1
    assert theirs.invites == []


def test_signing_out_takes_the_registration_away(live: LiveSwitch, phones: list[Phone]) -> None:
    called = registered(phones, live, "100-ip_phone")
    assert called.register(expires=0) == 200
    wait_for(lambda: "user_not_registered" in live.api(f"sofia_contact internal/100-ip_phone.{ACME}@{ACME}"))
    assert phone(phones, live, "101-ip_phone").call("100").status == 480
    assert called.invites == []


def test_a_key_rings_all_its_devices_and_shows_key_and_label(live: LiveSwitch, phones: list[Phone]) -> None:
    ringing = [registered(phones, live, f"100-{kind}", on_invite=None) for kind in DeviceKind if kind != "desktop"]
    answering = registered(phones, live, "100-desktop", on_invite=None)
    answering.on_invite = 486
    for each in ringing:
        each.on_invite = 486
    assert phone(phones, live, "101-ip_phone").call("100").status == 486
    for each in [*ringing, answering]:
        assert each.invites[0].get("from").startswith('"Extension 101" <sip:101@')


def test_a_conversation_ends_with_either_side(live: LiveSwitch, phones: list[Phone]) -> None:
    called = registered(phones, live, "100-ip_phone")
    caller = phone(phones, live, "101-ip_phone")
    answer = caller.call("100")
    assert answer.status == 200
    caller.hang_up(answer)
    assert called.ended.wait(5)


@pytest.mark.parametrize(
    ("dialled", "status"),
    [
        ("102", 480),
        ("201", 486),
        ("200", 480),
        ("777", 404),
        ("61234567", 403),
        ("+6561234567", 403),
        ("006561234567", 403),
        ("abc", 404),
        ("00%23", 404),
        ("a%5eb", 484),
        ("%24%7bsystem%20id%7d", 484),
        ("100%0a", 484),
        ("9" * 65, 484),
    ],
    ids=[
        "nobody-registered",
        "do-not-disturb",
        "deactivated",
        "no-such-key",
        "national",
        "international",
        "international-00",
        "letters",
        "feature-code",
        "dial-string-syntax",
        "expansion",
        "line-break",
        "too-long",
    ],
)
def test_what_a_device_may_dial_without_a_controller(
    live: LiveSwitch, phones: list[Phone], dialled: str, status: int
) -> None:
    assert phone(phones, live, "101-ip_phone").call(dialled).status == status


def test_an_emergency_call_leaves_through_the_trunk_with_the_main_number(
    live: LiveSwitch, phones: list[Phone], carrier: Phone
) -> None:
    carrier.invites.clear()
    carrier.on_invite = 200
    caller = phone(phones, live, "101-ip_phone")
    answer = caller.call("999")
    assert answer.status == 200
    caller.hang_up(answer)
    (invite,) = carrier.invites
    assert invite.first.startswith("INVITE sip:999@127.0.0.1:")
    assert invite.get("from").startswith('"+6564291310" <sip:+6564291310@')


def test_a_trunk_that_is_busy_is_told_to_the_caller(live: LiveSwitch, phones: list[Phone], carrier: Phone) -> None:
    carrier.on_invite = 486
    assert phone(phones, live, "101-ip_phone").call("995").status == 486


@pytest.mark.parametrize("dialled", ["+6564291310", "6564291310", "006564291310"])
def test_a_did_rings_the_key_it_leads_to(live: LiveSwitch, phones: list[Phone], dialled: str) -> None:
    called = registered(phones, live, "100-ip_phone", on_invite=486)
    outside = Phone("+6591112222", "carrier.example", live.external)
    assert outside.call(dialled).status == 486
    assert called.invites[0].get("from").startswith('"+6591112222" <sip:+6591112222@')
    outside.close()


@pytest.mark.parametrize(
    ("dialled", "status"),
    [("+6564291311", 404), ("+6564291312", 404), ("+6560000000", 404), ("100", 404), ("999", 404), ("a%5eb", 484)],
    ids=["leads-nowhere", "leads-to-no-key", "not-ours", "key", "emergency", "syntax"],
)
def test_what_may_be_dialled_from_outside(live: LiveSwitch, dialled: str, status: int) -> None:
    outside = Phone("+6591112222", "carrier.example", live.external)
    assert outside.call(dialled).status == status
    outside.close()


def test_nobody_registers_from_outside(live: LiveSwitch) -> None:
    outside = Phone("100-ip_phone", ACME, live.external)
    assert outside.register() == 405
    outside.close()


def test_only_gateways_call_from_outside(tmp_path: Path) -> None:
    trunk = dataclasses.replace(gateway(ACME), host="192.0.2.1")
    with switch(tmp_path, [organisation(trunk=trunk)]) as live:
        outside = Phone("+6591112222", "carrier.example", live.external)
        assert outside.call("+6564291310").status == 403
        outside.close()


def test_a_leg_that_is_transferred_in_circles_is_hung_up(live: LiveSwitch, phones: list[Phone]) -> None:
    called = registered(phones, live, "100-ip_phone")
    caller = phone(phones, live, "101-ip_phone")
    assert caller.call("100").status == 200
    wait_for(lambda: len(live.channels()) == 2)
    (uuid,) = (channel["uuid"] for channel in live.channels() if channel["direction"] == "inbound")
    for _ in range(live.parameters.max_session_transfers - 1):
        assert live.api(f"uuid_transfer {uuid} 100 XML {ACME}").startswith("+OK")
        time.sleep(0.2)
    live.api(f"uuid_transfer {uuid} 100 XML {ACME}")
    wait_for(lambda: live.channels() == [])
    assert called.ended.is_set()


def test_a_change_is_taken_over_while_running(tmp_path: Path) -> None:
    with switch(tmp_path, [organisation()]) as live:
        allowed = Phone("100-ip_phone", ACME, live.internal)
        assert allowed.register() == 200
        deactivated = extension("100", ACME, devices=[device("100", ACME, active=False)])
        live.render([organisation(extensions=[deactivated, extension("101", ACME)])])
        assert allowed.register() == 403
        caller = Phone("101-ip_phone", ACME, live.internal)
        assert caller.call("100").status == 480
        assert allowed.invites == []
        allowed.close()
        caller.close()


def test_gateways_come_change_and_go_while_running(tmp_path: Path) -> None:
    # given: a carrier at an address nobody calls from
    away = dataclasses.replace(gateway(ACME), host="192.0.2.1")
    with switch(tmp_path, [organisation(trunk=away)]) as live:
        outside = Phone("+6591112222", "carrier.example", live.external)
        assert outside.call("+6564291310").status == 403
        # when: it moves here, and another organisation gets one
        here = gateway(ACME, outside.port)
        live.render([organisation(trunk=here), organisation(BETA, numbers=())])
        # then: it may call, and is called at its new address
        assert outside.call("+6564291310").status == 480
        wait_for(lambda: f"127.0.0.1:{outside.port}" in live.api(f"sofia status gateway carrier.{ACME}"))
        assert "NOREG" in live.api(f"sofia status gateway carrier.{BETA}")
        caller = Phone("100-ip_phone", ACME, live.internal)
        outside.on_invite = 486
        assert caller.call("999").status == 486
        # and when: the other organisation goes
        live.render([organisation(trunk=here)])
        wait_for(lambda: "Invalid" in live.api(f"sofia status gateway carrier.{BETA}"))
        caller.close()
        outside.close()
