"""docs/first-call.md, command by command, on the settings of the README."""

from __future__ import annotations

import pytest

from tests.docs.terminal import Terminal


@pytest.fixture
def ready(terminal: Terminal) -> Terminal:
    terminal.run("prepare")
    terminal.run("settings")
    return terminal


def test_a_carrier_brings_calls_in_and_out(ready: Terminal) -> None:
    ready.run("carrier")
    assert "rings on ip_phone" in ready.say("bizpbx explain call --from +6531234567 --to +6564291310")
    assert "carrier.acme.example" in ready.say("bizpbx explain call --from 100 --to +6591234567")
    assert "country-not-listed" in ready.say("bizpbx explain call --from 100 --to +4930123456")


def test_forwarding_leaves_vips_alone(ready: Terminal) -> None:
    ready.run("carrier")
    ready.run("forwarding")
    assert "forwarding:" in ready.say("bizpbx explain call --from +6591112222 --to +6564291310")
    assert "vip:" in ready.say("bizpbx explain call --from +6531234567 --to +6564291310")


def test_phones_on_the_network_change_where_the_switch_listens(ready: Terminal) -> None:
    ready.run("network")
    assert "192.0.2.10" in (ready.folder / "freeswitch/sip_profiles/internal.xml").read_text()
