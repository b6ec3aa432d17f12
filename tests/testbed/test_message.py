from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizpbx.testbed.sipp.message import Address, address, parse

INVITE = (
    "INVITE sip:100@127.0.0.1:5060;transport=udp SIP/2.0\r\n"
    "v: SIP/2.0/UDP 127.0.0.1:5080;branch=z9hG4bK1\r\n"
    'From: "Ann \\"A\\" Lee" <sip:%2B6531234567@acme.example>;tag=1\r\n'
    "To: <sip:100@acme.example>\r\n"
    "i: abc@x\r\n"
    "CSeq: 12 INVITE\r\n"
    "Subject: one\r\n"
    "  two\r\n"
    "\r\n"
    "v=0\r\nFrom: not a header\r\n"
)


def test_reads_a_request() -> None:
    message = parse(INVITE)
    assert (message.method, message.uri, message.status) == ("INVITE", "sip:100@127.0.0.1:5060;transport=udp", 0)
    assert message.call_id == "abc@x"
    assert message.cseq == (12, "INVITE")
    assert message.header("subject") == "one two"
    assert [value for name, value in message.headers if name == "From"] == [message.header("from")]


def test_reads_a_response() -> None:
    message = parse("SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\n\r\n")
    assert (message.method, message.status, message.phrase) == ("", 486, "Busy Here")


@pytest.mark.parametrize("text", ["", "\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "SIP/2.0 abc\r\n\r\n"])
def test_refuses_what_is_no_sip(text: str) -> None:
    with pytest.raises(ValueError, match="not the start"):
        parse(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"Ann \\"A\\" Lee" <sip:%2B65@acme.example:5060>;tag=1', Address('Ann "A" Lee', "+65", "acme.example:5060")),
        ("Ann <sip:100@acme.example;user=phone>", Address("Ann", "100", "acme.example")),
        ("<sip:acme.example>", Address("", "", "acme.example")),
        ("sip:100@acme.example;tag=1", Address("", "100", "acme.example")),
        ("<tel:+6531234567;phone-context=x>", Address("", "+6531234567", "")),
        ('"sip:1@a" <sips:2@b>', Address("sip:1@a", "2", "b")),
        ("", Address("", "", "")),
    ],
)
def test_reads_addresses(value: str, expected: Address) -> None:
    assert address(value) == expected


@given(st.text())
def test_any_text_is_an_address_or_none(value: str) -> None:
    address(value)


@given(st.text())
def test_any_text_is_a_message_or_refused(value: str) -> None:
    try:
        parse(value)
    except ValueError:
        return
