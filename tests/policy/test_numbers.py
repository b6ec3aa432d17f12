"""Numbers as carriers and people write them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizpbx.policy.numbers import LONGEST, e164, international, is_token, readings, written


@pytest.mark.parametrize(
    "text", ["+6591234567", "6591234567", "006591234567", "91234567", "+65 9123 4567", "+65-9123-4567", "(65)91234567"]
)
def test_every_way_a_carrier_writes_a_number_of_the_home_country_is_one_number(text: str) -> None:
    assert e164(text, "SG") == "+6591234567"


def test_uri_parameters_after_a_number_are_left_out() -> None:
    assert e164("+6591234567;npdi;cpc=ordinary", "SG") == "+6591234567"


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+84938812345", "SG", "+84938812345"),
        ("84938812345", "SG", "+84938812345"),
        ("0084938812345", "SG", "+84938812345"),
        ("2125552368", "US", "+12125552368"),
        ("12125552368", "US", "+12125552368"),
        ("02079460018", "GB", "+442079460018"),
        ("0612345678", "FR", "+33612345678"),
        ("0669812345", "IT", "+390669812345"),  # an Italian zero is part of the number
    ],
)
def test_national_forms_are_read_with_the_home_country(text: str, country: str, number: str) -> None:
    assert e164(text, country) == number


def test_a_number_that_is_possible_but_in_no_known_range_is_accepted() -> None:
    assert e164("+6511112222", "SG") == "+6511112222"


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "anonymous",
        "Restricted",
        "unavailable",
        "asterisk",
        "+",
        "00",
        "0",
        "100",
        "+65",
        "+999123456789",
        "+6591234567890123",
        "٩١٢٣٤٥٦٧",
        "９１２３４５６７",
        "+65９1234567",
        "9123\n4567",
        "91234567\n",
        "91234567${x}",
        "sip:91234567@example.com",
        "1" * 10_000,
        "\ud800",
    ],
)
def test_what_is_no_number_is_none(text: str | None) -> None:
    assert e164(text, "SG") is None


def test_an_unknown_home_country_leaves_the_international_forms() -> None:
    assert e164("+6591234567", "") == "+6591234567"
    assert e164("91234567", "ZZ") != "+6591234567"


def test_a_local_number_without_its_area_code_is_not_possible() -> None:
    assert international("+15552368") is None


@pytest.mark.parametrize("text", ["+43000000", "43000000"])
def test_a_number_that_reads_differently_each_time_is_none(text: str) -> None:
    assert international(text) is None


def test_a_trunk_prefix_within_an_international_number_is_dropped() -> None:
    assert international("+44 (0)20 7946 0018") == "+442079460018"


def test_a_text_that_means_two_numbers_has_two_readings_with_the_known_one_first() -> None:
    assert readings("6531234567", "US")[0] == "+6531234567"
    assert readings("64291310", "SG")[0] == "+6564291310"


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from(["SG", "US", "DE", "IT", "AR", "ZZ", ""]))
def test_readings_are_plus_and_ascii_digits_whatever_the_text(text: str, country: str) -> None:
    for number in readings(text, country):
        assert number.startswith("+") and number[1:].isascii() and number[1:].isdigit() and len(number) <= 20
        assert is_token(number)


@settings(deadline=None)
@given(st.from_regex(r"\+?[0-9]{5,17}", fullmatch=True), st.sampled_from(["SG", "US", "DE", "IT", "AR"]))
def test_a_number_that_was_read_is_read_as_itself_again(text: str, country: str) -> None:
    for number in readings(text, country):
        assert international(number) == number
        assert e164(number, country) == number


@settings(deadline=None)
@given(st.text(alphabet="0123456789+ -().;a", min_size=LONGEST + 1))
def test_texts_beyond_the_longest_are_not_read(text: str) -> None:
    assert written(text) is None


@pytest.mark.parametrize("text", ["", "a b", "a\n", "a\r", "${x}", "a,b", "a|b", "é", "'", "a" * 65])
def test_a_token_holds_no_syntax(text: str) -> None:
    assert not is_token(text)
