from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizpbx import validation
from bizpbx.errors import InvalidText

GOOD: list[tuple[Callable[[str], str], str, str]] = [
    (validation.label, "Réception – 受付 🙂", "Réception – 受付 🙂"),
    (validation.label, "x" * 64, "x" * 64),
    (validation.label, "costs $5 {net}", "costs $5 {net}"),
    (validation.host, "SIP.Example.com", "sip.example.com"),
    (validation.host, "192.0.2.1", "192.0.2.1"),
    (validation.host, "2001:DB8::1", "2001:db8::1"),
    (validation.host, "localhost", "localhost"),
    (validation.network, "203.0.113.7", "203.0.113.7"),
    (validation.network, "203.0.113.0/28", "203.0.113.0/28"),
    (validation.network, "2001:DB8::7/128", "2001:db8::7"),
    (validation.domain, "Acme.Example", "acme.example"),
    (validation.domain, "127.0.0.1", "127.0.0.1"),
    (validation.email, "Ann.O'Brien+x@Acme.Example", "ann.o'brien+x@acme.example"),
    (validation.extension_key, "10", "10"),
    (validation.extension_key, "123456", "123456"),
    (validation.gateway_name, "carrier-1", "carrier-1"),
    (validation.e164, "+6561234567", "+6561234567"),
    (validation.sip_username, "+6561234567@carrier", "+6561234567@carrier"),
    (validation.sip_password, "p'w\"<>&$;,", "p'w\"<>&$;,"),
    (validation.mac, "001565AABBCC", "00:15:65:aa:bb:cc"),
    (validation.mac, "00-15-65-aa-bb-cc", "00:15:65:aa:bb:cc"),
    (validation.timezone, "Asia/Singapore", "Asia/Singapore"),
    (validation.country, "SG", "SG"),
    (validation.currency, "SGD", "SGD"),
    (validation.digits, "65", "65"),
]

BAD: list[tuple[Callable[[str], str], str]] = [
    (validation.network, "203.0.113.5/28"),
    (validation.network, "10.0.0.0/15"),
    (validation.network, "::ffff:203.0.113.7"),
    (validation.network, "::ffff:0.0.0.0/96"),
    (validation.network, "fe80::1%eth0"),
    (validation.network, "2001:db8::/31"),
    (validation.network, "sip.carrier.example"),
    (validation.label, ""),
    (validation.label, "x" * 300),
    (validation.label, " x"),
    (validation.host, "300.1.1.1"),
    (validation.host, "a_b.example"),
    (validation.host, "-a.example"),
    (validation.host, "a..b"),
    (validation.host, "a.b:5060"),
    (validation.host, "http://a.b"),
    (validation.domain, "localhost"),
    (validation.domain, "bizpbx-trunk"),
    (validation.domain, "2001:db8::1"),
    (validation.email, "ann"),
    (validation.email, "ann@"),
    (validation.email, "a b@acme.example"),
    (validation.email, ".a@acme.example"),
    (validation.email, "a..b@acme.example"),
    (validation.extension_key, "1"),
    (validation.extension_key, "1234567"),
    (validation.extension_key, "10a"),
    (validation.extension_key, "١٠٠"),
    (validation.extension_key, "100\n"),
    (validation.gateway_name, "a.b"),
    (validation.gateway_name, "-a"),
    (validation.gateway_name, "A"),
    (validation.gateway_name, "x" * 33),
    (validation.e164, "6561234567"),
    (validation.e164, "+65612"),
    (validation.e164, "+65 6123 4567"),
    (validation.e164, "+٦٥٦١٢٣٤٥٦٧"),
    (validation.e164, "+9999999999"),
    (validation.e164, "+6561234567\n"),
    (validation.e164, "+1234567890123456"),
    (validation.sip_username, "a b"),
    (validation.sip_username, "a'b"),
    (validation.sip_password, "pässword"),
    (validation.sip_password, "pass word"),
    (validation.mac, "00:15:65:aa:bb"),
    (validation.mac, "00:15:65:aa:bb:cg"),
    (validation.timezone, "Mars/Olympus"),
    (validation.timezone, "../../etc/passwd"),
    (validation.timezone, "Asia"),
    (validation.timezone, ""),
    (validation.country, "sg"),
    (validation.country, "XX"),
    (validation.currency, "S$"),
    (validation.digits, ""),
]

HOSTILE = [
    "\x00",
    "\n",
    "\r",
    "\t",
    "\x1b",
    "\x7f",
    "\x85",
    "\u2028",
    "\u202e",
    "\u200b",
    "\ufeff",
    "\ud800",
    "${",
    "$${",
    "<?",
]


@pytest.mark.parametrize(("check", "text", "stored"), GOOD)
def test_good_texts_are_taken(check: Callable[[str], str], text: str, stored: str) -> None:
    assert check(text) == stored
    assert check(stored) == stored


@pytest.mark.parametrize(("check", "text"), BAD)
def test_bad_texts_are_refused_with_one_sentence(check: Callable[[str], str], text: str) -> None:
    with pytest.raises(InvalidText) as refused:
        check(text)
    assert refused.value.sentence.endswith(".")
    assert refused.value.sentence.isprintable()


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(("check", "text"), [(check, text) for check, text, _ in GOOD])
def test_no_text_carries_what_a_switch_would_act_on(check: Callable[[str], str], text: str, hostile: str) -> None:
    for broken in (text + hostile, hostile + text, text[:1] + hostile + text[1:]):
        with pytest.raises(InvalidText):
            check(broken)


@pytest.mark.parametrize(
    ("key", "country"), [("999", "SG"), ("995", "SG"), ("911", "US"), ("112", "DE"), ("000", "AU")]
)
def test_emergency_numbers_of_the_home_country_are_no_keys(key: str, country: str) -> None:
    with pytest.raises(InvalidText, match="emergency"):
        validation.extension_key(key, country)
    assert validation.extension_key(key) == key


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidText) as refused:
        validation.sip_password("secret word")
    assert "secret" not in str(refused.value)


@given(st.text(max_size=400))
def test_whatever_comes_the_answer_is_a_safe_text_or_a_sentence(text: str) -> None:
    for check in {check for check, _, _ in GOOD}:
        try:
            stored = check(text)
        except InvalidText as refused:
            assert len(refused.sentence) < 200
        else:
            assert stored.isprintable()
            assert not any(sequence in stored for sequence in validation.UNSAFE)
