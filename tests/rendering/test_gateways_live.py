"""Gateways on a real FreeSWITCH: accounts in both directions, transports, and who is let in from outside."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from bizpbx.policy.settings import Gateway, OrganisationSettings
from tests.rendering import certificates
from tests.rendering.carrier import Carrier
from tests.rendering.live import LiveSwitch, switch, wait_for
from tests.rendering.phone import Phone
from tests.rendering.samples import gateway, organisation

pytestmark = pytest.mark.freeswitch

ACME, BETA, NAMED = "acme.example", "beta.example", "named.example"
ELSEWHERE = "127.0.0.2"
"""An address that no gateway has."""
FURTHER = "127.0.0.3"
"""One that a gateway calls from, and is not called at."""
DID = "+6564291310"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificates.make(tmp_path_factory.mktemp("certificates"))


def account(carrier: Carrier, password: str = "s3cret", **changes: object) -> Gateway:
    made = dataclasses.replace(gateway(ACME, carrier.port), transport=carrier.transport, username="acme")
    return dataclasses.replace(made, password=password, **changes)  # type: ignore[arg-type]


def with_gateways(first: Gateway, *others: Gateway) -> OrganisationSettings:
    settings = organisation(ACME, trunk=first)
    owner = dataclasses.replace(settings.organisation, trunks=(first, *others))
    return dataclasses.replace(settings, organisation=owner, gateways=(first, *others))


def state(live: LiveSwitch, name: str = "carrier") -> str:
    return live.api(f"sofia status gateway {name}.{ACME}")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_a_gateway_is_signed_in_to_and_answers_its_challenges(tmp_path: Path, folder: Path, transport: str) -> None:
    carrier = Carrier("acme", "s3cret", transport, certificates=folder)
    with switch(tmp_path, [organisation(ACME, trunk=account(carrier))], certificates=folder) as live:
        wait_for(lambda: "REGED" in state(live), 10)
        assert f"gw+carrier.{ACME}@" in carrier.registered[0]
        caller = Phone("100-ip_phone", ACME, live.internal)
        assert caller.call("999").status == 486
        assert carrier.invites[0].first.startswith("INVITE sip:999@")
        assert carrier.refused == []
        caller.close()
    carrier.close()


@pytest.mark.parametrize(
    ("host", "authority", "reached"),
    [("127.0.0.1", "its own", True), ("127.0.0.1", "another", False), ("127.0.0.9", "its own", False)],
    ids=["right", "another authority", "another host"],
)
def test_a_gateway_over_tls_has_to_show_a_certificate_that_is_vouched_for(
    tmp_path: Path, folder: Path, host: str, authority: str, reached: bool
) -> None:
    carriers = certificates.make(tmp_path / "carrier", host)
    ours = certificates.trusting(tmp_path / "ours", carriers if authority == "its own" else folder)
    carrier = Carrier("acme", "s3cret", "tls", certificates=carriers)
    trunk = account(carrier, registers=False, ping=None)
    (tmp_path / "switch").mkdir()
    with switch(tmp_path / "switch", [organisation(ACME, trunk=trunk)], gateway_certificates=ours) as live:
        caller = Phone("100-ip_phone", ACME, live.internal)
        assert caller.call("999").status == (486 if reached else 503)
        assert len(carrier.invites) == (1 if reached else 0)
        assert carrier.refused == []
        caller.close()
    carrier.close()


def test_an_account_that_is_not_signed_in_with_only_answers_challenges(tmp_path: Path) -> None:
    carrier = Carrier("acme", "s3cret")
    with switch(tmp_path, [organisation(ACME, trunk=account(carrier, registers=False))]) as live:
        caller = Phone("100-ip_phone", ACME, live.internal)
        assert caller.call("999").status == 486
        assert (len(carrier.invites), carrier.registered) == (1, [])
        assert "NOREG" in state(live)
        caller.close()
    carrier.close()


def test_a_gateway_that_refuses_our_account_is_passed_over(tmp_path: Path) -> None:
    refusing, other = Carrier("acme", "s3cret"), Carrier("acme", "s3cret")
    second = dataclasses.replace(account(other, registers=False), name="second", switch_name=f"second.{ACME}")
    with switch(tmp_path, [with_gateways(account(refusing, "wrong"), second)]) as live:
        wait_for(lambda: "REGISTER" in refusing.refused and "DOWN" in state(live), 10)
        caller = Phone("100-ip_phone", ACME, live.internal)
        assert caller.call("999").status == 486
        assert (refusing.invites, len(other.invites)) == ([], 1)
        caller.close()
    for carrier in (refusing, other):
        carrier.close()


def test_a_gateway_that_stops_answering_options_is_down_until_it_answers_again(tmp_path: Path) -> None:
    carrier = Carrier("acme", "s3cret")
    first = account(carrier, registers=False, ping=5)
    away = dataclasses.replace(first, name="away", switch_name=f"away.{ACME}", port=9)
    with switch(tmp_path, [with_gateways(first, away)]) as live:
        wait_for(lambda: carrier.pings and "DOWN" in state(live, "away"), 20)
        assert "UP" in state(live)
    carrier.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSwitch]:
    """acme has a registered gateway here and beta one far away, both with accounts; the third is known by its name."""
    carrier = Carrier("acme", "s3cret")
    far = dataclasses.replace(gateway(BETA), host="192.0.2.1", addresses=(FURTHER,), registers=False)
    far = dataclasses.replace(far, username="beta", password="b3ta")
    named = dataclasses.replace(gateway(NAMED), host="sip.carrier.example", ping=None)
    organisations = (
        organisation(ACME, trunk=account(carrier)),
        organisation(BETA, trunk=far, numbers=(("+6568880000", "100"),)),
        organisation(NAMED, trunk=named, numbers=()),
    )
    names = {"sip.carrier.example": ["127.0.0.4", "127.0.0.5"]}
    with switch(tmp_path_factory.mktemp("guarded"), organisations, resolved=names) as live:
        yield live
    carrier.close()


def outsider(live: LiveSwitch, user: str = "+6591112222", host: str = ELSEWHERE, **options: object) -> Phone:
    return Phone(user, "carrier.example", live.external, host=host, **options)  # type: ignore[arg-type]


def test_a_registered_gateway_calls_the_contact_it_was_given(guarded: LiveSwitch) -> None:
    carrier = outsider(guarded, host="127.0.0.1")
    contact = f"gw+carrier.{ACME}"
    assert carrier.call(contact, to=f"<sip:{DID}@carrier.example>").status == 480
    assert carrier.call(contact, to="<sip:999@carrier.example>").status == 404
    carrier.close()


def test_a_gateway_calls_from_anywhere_with_its_account(guarded: LiveSwitch) -> None:
    pbx = outsider(guarded, f"carrier.{BETA}", password="b3ta")
    assert pbx.call("+6568880000").status == 480
    pbx.close()


def test_a_gateway_calls_from_its_further_addresses_without_an_account(guarded: LiveSwitch) -> None:
    pbx = outsider(guarded, host=FURTHER)
    assert pbx.call("+6568880000").status == 480
    assert pbx.call("999").status == 404
    pbx.close()


@pytest.mark.parametrize(("host", "code"), [("127.0.0.4", 480), ("127.0.0.5", 480), ("127.0.0.6", 403)])
def test_a_gateway_that_has_a_name_calls_from_every_address_of_it(guarded: LiveSwitch, host: str, code: int) -> None:
    pbx = outsider(guarded, host=host)
    assert pbx.call("+6568880000").status == code
    pbx.close()


@pytest.mark.parametrize("number", ["999", "100", "+6591112222", "0065911122223", "00#"])
def test_an_account_reaches_dids_and_nothing_that_costs(guarded: LiveSwitch, number: str) -> None:
    pbx = outsider(guarded, f"carrier.{BETA}", password="b3ta")
    assert pbx.call(number.replace("#", "%23")).status == 404
    pbx.close()


@pytest.mark.parametrize(
    ("user", "options"),
    [
        ("+6591112222", {}),
        (f"carrier.{BETA}", {"password": "wrong"}),
        (f"carrier.{BETA}", {"password": ""}),
        ("beta", {"password": "b3ta"}),
        ("100-ip_phone", {}),
        (f"carrier.{BETA}", {"password": "b3ta", "realm": BETA}),
    ],
    ids=["a stranger", "a wrong password", "no password", "the account of the far end", "a device", "another realm"],
)
@pytest.mark.parametrize("number", [DID, "+6591112222", "999", f"gw+carrier.{ACME}"])
def test_nobody_else_is_let_in(guarded: LiveSwitch, user: str, options: dict[str, str], number: str) -> None:
    stranger = outsider(guarded, user, **options)
    assert stranger.call(number).status == 403
    stranger.close()


def test_a_device_does_not_come_in_by_the_gateways_port(guarded: LiveSwitch) -> None:
    device = outsider(guarded, "100-ip_phone", realm=ACME)
    assert device.call("101").status in (403, 603)
    assert device.call("999").status in (403, 603)
    device.close()


def test_a_gateway_s_account_registers_nowhere_and_calls_nobody_as_a_device(guarded: LiveSwitch) -> None:
    account = Phone(f"carrier.{BETA}", "bizpbx-gateways", guarded.internal, password="b3ta")
    outside = Phone(f"carrier.{BETA}", "bizpbx-gateways", guarded.external, password="b3ta")
    assert outside.register() == 405
    for number in ("999", "101", "+6591112222"):
        assert account.call(number).status == 404
    account.close()
    outside.close()
