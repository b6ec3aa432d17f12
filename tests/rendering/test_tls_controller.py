"""Devices that require TLS, on a whole installation: settings in SQL, the controllers' word, the real switch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bizpbx.testbed.installation import Installation, SwitchKind
from tests.rendering import certificates
from tests.rendering.live import wait_for
from tests.rendering.phone import SDP, Phone
from tests.rendering.tls_phone import TlsPhone

pytestmark = pytest.mark.freeswitch

ACME = "acme.example"
SETTINGS = """
organisation: {name: Acme, domain: acme.example, timezone: Asia/Singapore, country: SG, currency: SGD}
licences: {ip_phone: 2, mobile: 1, desktop: 0}
gateways:
  - {name: carrier, host: 127.0.0.1, port: {carrier_port}, transport: udp, username: null, password: null, trunk: true}
extensions:
  - key: "100"
    label: Reception
    devices: {ip_phone: {tls: true}, mobile: {}}
    incoming: {devices: [ip_phone, mobile]}
    no_answer: {action: hang_up, wait: 5}
  - {key: "101", label: Sales, devices: {ip_phone: {}}, incoming: {devices: [ip_phone]}}
"""


class Office:
    """The installation, and its devices by SIP user, with TLS or without it."""

    def __init__(self, installation: Installation, tls: Path) -> None:
        self.installation = installation
        self._tls = tls
        self.passwords: dict[str, str] = {}
        self.phones: list[Phone] = []

    def secure(self, user: str, **behaviour: object) -> TlsPhone:
        switch = ("127.0.0.1", self.installation.tls_port)
        phone = TlsPhone(user, ACME, switch, self.passwords[user], certificates=self._tls, **behaviour)  # type: ignore[arg-type]
        self.phones.append(phone)
        return phone

    def plain(self, user: str, **behaviour: object) -> Phone:
        switch = ("127.0.0.1", self.installation.devices_port)
        phone = Phone(user, ACME, switch, self.passwords[user], **behaviour)  # type: ignore[arg-type]
        self.phones.append(phone)
        return phone

    def rules(self, controller: int) -> list[str]:
        """The rules of the last call that a controller decided."""
        lines = self.installation.controllers[controller].log.read_text().splitlines()
        calls = [said for said in map(json.loads, lines) if said["event"] == "call"]
        return list(calls[-1]["rules"]) if calls else []


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    tls = certificates.make(tmp_path_factory.mktemp("tls"))
    folder = tmp_path_factory.mktemp("installation")
    with Installation(SwitchKind.FREESWITCH, folder, controllers=2, certificates=tls) as installation:
        office = Office(installation, tls)
        installation.apply(SETTINGS)
        for user in ("100-ip_phone", "100-mobile", "101-ip_phone"):
            office.passwords[user] = installation.credentials(ACME, *user.split("-"))[1]
        installation.render()
        for controller in installation.controllers:
            controller.start()
        installation.start_switch()
        yield office


@pytest.fixture
def office(everything: Office) -> Iterator[Office]:
    yield everything
    for phone in everything.phones:
        phone.register(expires=0)
        phone.close()
    everything.phones.clear()


def test_a_device_that_requires_tls_signs_in_with_it_and_not_without(office: Office) -> None:
    assert office.secure("100-ip_phone").register() == 200
    without = office.plain("100-ip_phone")
    assert without.register() == 403
    assert without.call("101").status == 403


def test_a_device_that_does_not_is_told_so_where_no_call_would_find_it(office: Office) -> None:
    assert office.plain("101-ip_phone").register() == 200
    with_tls = office.secure("101-ip_phone")
    assert with_tls.register() == 403
    assert with_tls.call("100").status == 403


def test_all_devices_of_an_extension_ring_each_its_own_way(office: Office) -> None:
    desk = office.secure("100-ip_phone", on_invite=None)
    mobile = office.plain("100-mobile", on_invite=486)
    desk.on_invite = 486
    caller = office.plain("101-ip_phone")
    assert (desk.register(), mobile.register(), caller.register()) == (200, 200, 200)
    assert caller.call("100").status == 486
    assert desk.invites[0].get("via").startswith("SIP/2.0/TLS ")
    assert "m=audio" in desk.invites[0].body
    assert " RTP/AVP " not in desk.invites[0].body
    assert " RTP/SAVP " in desk.invites[0].body
    assert " RTP/AVP " in mobile.invites[0].body


def test_a_call_is_answered_over_tls_and_ends_with_either_side(office: Office) -> None:
    desk, caller = office.secure("100-ip_phone"), office.plain("101-ip_phone")
    assert (desk.register(), caller.register()) == (200, 200)
    answer = caller.call("100")
    assert answer.status == 200
    caller.hang_up(answer)
    assert desk.ended.wait(5)
    answer = desk.call("101")
    assert answer.status == 200
    assert " RTP/SAVP " in answer.body
    desk.hang_up(answer)
    assert caller.ended.wait(5)


def test_an_offer_without_srtp_is_refused_before_anybody_rings(office: Office) -> None:
    desk, called = office.secure("100-ip_phone", sdp=SDP), office.plain("101-ip_phone")
    assert called.register() == 200
    assert desk.call("101").status == 488
    assert called.invites == []


def test_a_setting_that_changes_is_in_force_on_the_very_next_call(office: Office) -> None:
    # given: a phone that registered before TLS was asked of it
    early, caller = office.plain("101-ip_phone", on_invite=486), office.plain("100-mobile")
    assert early.register() == 200
    assert caller.call("101").status == 486
    # when: the admin turns TLS on
    office.installation.bizpbx("extension", "set", "101", "devices.ip_phone.tls=true", "--organisation", ACME)
    try:
        # then: it neither rings nor calls nor renews, and one with TLS does
        assert caller.call("101").status == 480
        assert len(early.invites) == 1
        assert early.call("100").status == 403
        assert early.register() == 403
        assert office.secure("101-ip_phone", on_invite=486).register() == 200
        assert caller.call("101").status == 486
    finally:
        office.installation.bizpbx("extension", "set", "101", "devices.ip_phone.tls=false", "--organisation", ACME)


def test_a_call_that_the_tree_let_in_is_refused_by_the_policy(office: Office) -> None:
    # given: nobody answers about devices, but a controller takes calls
    first = office.installation.controllers[0]
    first.kill()
    called, without = office.plain("101-ip_phone"), office.plain("100-ip_phone")
    try:
        assert called.register() == 200
        assert without.register() == 200
        # when, then
        assert without.call("101").status == 603
        assert called.invites == []
        wait_for(lambda: office.rules(1) == ["device-not-secure"])
        # and with TLS it calls
        secure = office.secure("100-ip_phone")
        answer = secure.call("101")
        assert answer.status == 200
        secure.hang_up(answer)
        wait_for(lambda: "key" in office.rules(1))
    finally:
        first.start()
