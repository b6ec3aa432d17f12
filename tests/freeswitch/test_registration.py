"""A registration leads back to where it came from, or is taken away."""

from __future__ import annotations

import pytest

from bizpbx.freeswitch.registration import expiry, leads_elsewhere

HERE = "192.0.2.7"


@pytest.mark.parametrize(
    "contact",
    [
        f"<sip:100@{HERE}>",
        f'"" <sip:100@{HERE}:5062;transport=tcp;ob>',
        f'"Ann Lee" <sips:100@{HERE}:5061;transport=tls>',
        f"<sip:{HERE}:5062>",
        f"<sip:100@10.0.0.5:5060;fs_nat=yes;fs_path=sip%3A100%40{HERE}%3A1024%3Btransport%3Dtcp>",
        f"<sip:100@10.0.0.5;fs_path=%3Csip%3A{HERE}%3Blr%3E>",
    ],
)
def test_what_leads_back_stays(contact: str) -> None:
    assert not leads_elsewhere(contact, HERE)


@pytest.mark.parametrize(
    "contact",
    [
        "<sip:+93701234567@203.0.113.9:5060>",
        f"<sip:{HERE};x=a@203.0.113.9>",
        f"<sip:100@203.0.113.9;x=@{HERE}>",
        f"<sip:a@{HERE}@203.0.113.9>",
        f"<sip:100@{HERE};maddr=203.0.113.9>",
        f"<sip:100@{HERE};MADDR=203.0.113.9>",
        f"<sip:100@{HERE};fs_path=sip%3A203.0.113.9>",
        f"<sip:100@{HERE};FS_PATH=sip%3A203.0.113.9;fs_nat=yes;fs_path=sip%3A{HERE}>",
        f"<sip:100@{HERE};fs_path=sip%3A{HERE}%3Bmaddr%3D203.0.113.9>",
        f'"a <sip:100@{HERE}>" <sip:1@203.0.113.9>',
        f"<sip:100@{HERE}> <sip:1@203.0.113.9>",
        "<sip:100@phone.example>",
        "<sip:100@192.0.2.007>",
        "<tel:+93701234567>",
        f"<sip:100@{HERE}?Route=%3Csip:203.0.113.9%3E>",
        f"sip:100@{HERE}",
        "",
    ],
)
def test_what_does_not_is_taken_away(contact: str) -> None:
    assert leads_elsewhere(contact, HERE)


def test_an_address_of_ipv6_is_the_same_however_it_is_written() -> None:
    assert not leads_elsewhere("<sip:100@[2001:DB8:0::1]:5060>", "2001:db8::1")
    assert leads_elsewhere("<sip:100@[2001:db8::2]:5060>", "2001:db8::1")


@pytest.mark.parametrize("host", ["acme.example reboot", "a\nb", ""])
def test_nothing_but_a_name_gets_into_the_command(host: str) -> None:
    data = {"contact": "<sip:1@203.0.113.9>", "network-ip": HERE, "profile-name": "internal", "from-user": "100-mobile"}
    assert (
        expiry({**data, "from-host": "acme.example"})
        == "sofia profile internal flush_inbound_reg 100-mobile@acme.example"
    )
    assert expiry({**data, "from-host": host}) is None
