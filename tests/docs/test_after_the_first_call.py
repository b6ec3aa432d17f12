"""docs/first-call.md, command by command, on the settings of the README."""

from __future__ import annotations

import pytest

from tests.docs.terminal import Terminal


@pytest.mark.thorough
def test_what_comes_after_the_first_call_goes_as_the_page_says(terminal: Terminal) -> None:
    terminal.run("prepare")
    terminal.run("settings")
    # Phones on the network: the switch listens elsewhere.
    terminal.run("network")
    assert "192.0.2.10" in (terminal.folder / "freeswitch/sip_profiles/internal.xml").read_text()
    # A carrier: calls come in, and go out to the countries on the list.
    terminal.run("carrier")
    assert "rings on ip_phone" in terminal.say("bizpbx explain call --from +6531234567 --to +6564291310")
    assert "carrier.acme.example" in terminal.say("bizpbx explain call --from 100 --to +6591234567")
    assert "country-not-listed" in terminal.say("bizpbx explain call --from 100 --to +4930123456 --json")
    # Forwarding leaves VIPs alone.
    terminal.run("forwarding")
    assert "forwarding:" in terminal.say("bizpbx explain call --from +6591112222 --to +6564291310")
    assert "vip:" in terminal.say("bizpbx explain call --from +6531234567 --to +6564291310")
