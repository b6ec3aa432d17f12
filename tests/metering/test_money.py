"""Amounts and moments as people write them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizpbx.directory.currencies import CURRENCIES
from bizpbx.errors import InvalidText
from bizpbx.metering import money
from bizpbx.metering.moments import moment, written
from bizpbx.metering.money import currency_decimals, is_amount, major, minor

CURRENCY = st.sampled_from(sorted(CURRENCIES))


def test_currencies_with_other_decimals_are_currencies() -> None:
    assert CURRENCIES >= money._NONE | money._THREE
    assert [currency_decimals(one) for one in ("SGD", "JPY", "KWD")] == [2, 0, 3]


@pytest.mark.parametrize(
    ("text", "currency", "units", "again"),
    [
        ("0.0200", "SGD", "2", "0.02"),
        ("0.013512", "SGD", "1.3512", "0.013512"),
        ("50", "SGD", "5000", "50.00"),
        ("007", "SGD", "700", "7.00"),
        ("0", "SGD", "0", "0.00"),
        ("12.5", "JPY", "12.5", "12.5"),
        ("1.0", "JPY", "1", "1"),
        ("0.0000001", "KWD", "0.0001", "0.0000001"),
        ("999999999.99", "SGD", "99999999999", "999999999.99"),
    ],
)
def test_an_amount_is_kept_in_minor_units(text: str, currency: str, units: str, again: str) -> None:
    assert minor(text, currency) == Decimal(units)
    assert major(minor(text, currency), currency) == again


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("-1", "negative"),
        ("0,02", "comma"),
        ("1,000.50", "comma"),
        ("1e3", "must be an amount"),
        ("NaN", "must be an amount"),
        ("Infinity", "must be an amount"),
        ("+1", "must be an amount"),
        (".5", "must be an amount"),
        ("5.", "must be an amount"),
        ("0x10", "must be an amount"),
        (" 1", "must be an amount"),
        ("1\n", "must be an amount"),
        ("٣", "must be an amount"),  # a digit, but not one of ours
        ("$1", "must be an amount"),
        ("1_000", "must be an amount"),
        ("1000000000", "digits before the point"),
        ("9" * 5000, "digits before the point"),
    ],
)
def test_what_is_no_amount_is_told(text: str, words: str) -> None:
    with pytest.raises(InvalidText, match=words):
        is_amount(text)


@pytest.mark.parametrize(("text", "currency"), [("0.0000001", "SGD"), ("0.00001", "JPY"), ("0.00000001", "KWD")])
def test_what_is_finer_than_is_counted_is_refused(text: str, currency: str) -> None:
    with pytest.raises(InvalidText, match=f"amounts in {currency} take"):
        minor(text, currency)


@given(st.integers(0, 10**15), CURRENCY)
def test_amounts_survive_being_written_and_read(units: int, currency: str) -> None:
    amount = Decimal(units).scaleb(-4)
    text = major(amount, currency)
    if len(text.partition(".")[0]) <= 9:
        assert minor(text, currency) == amount


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2027-01-01", "2026-12-31T16:00:00Z"),
        ("2027-01-01T08:00", "2027-01-01T00:00:00Z"),
        ("2027-01-01 08:00:30", "2027-01-01T00:00:30Z"),
        ("2027-01-01T08:00:00+01:00", "2027-01-01T07:00:00Z"),
        ("2027-01-01T08:00Z", "2027-01-01T08:00:00Z"),
    ],
)
def test_a_moment_without_an_offset_is_by_the_clock_of_the_organisation(text: str, instant: str) -> None:
    assert moment(text, "Asia/Singapore") == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2027-13-01", "2027-02-30", "01/02/2027", "2027-01", "20270101", "1969-12-31", "2027-1-1"]
)
def test_what_is_no_moment_is_told(text: str) -> None:
    with pytest.raises(InvalidText, match="must be a date"):
        moment(text, "UTC")


@given(st.integers(0, 4_000_000_000), st.sampled_from(["UTC", "Asia/Singapore", "America/St_Johns"]))
def test_moments_survive_being_written_and_read(seconds: int, zone: str) -> None:
    instant = datetime.fromtimestamp(seconds, UTC)

    assert moment(written(instant, zone), "Asia/Kathmandu") == instant
