"""CSV files of rates: what is taken, and each thing that is not, with its line."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizpbx.directory import rates
from bizpbx.directory.rate_csv import ALIASES, COLUMNS, read, write
from bizpbx.directory.rates import RateKey
from bizpbx.errors import InvalidSettings
from bizpbx.metering.decks import ALWAYS, Price
from tests.settings.test_documentation import ROOT

ACME: dict[str, Any] = {"domain": "acme.example", "currency": "SGD", "timezone": "Asia/Singapore"}
NEW_YEAR = datetime.fromisoformat("2027-01-01T00:00:00+08:00")


def price(cents: str, fee: str = "0", first: int = 1, following: int = 1) -> Price:
    return Price(Decimal(cents), Decimal(fee), first, following)


def rows(text: str, effective: str | None = None) -> dict[RateKey, Price | None]:
    return read(text.encode(), ACME, effective)


def problems(data: str | bytes) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidSettings) as refused:
        read(data.encode() if isinstance(data, str) else data, ACME)
    return refused.value.problems


def test_a_plain_file() -> None:
    assert rows(
        "prefix,per_minute,connection_fee,first,next,effective\n65,0.02,0.05,30,6,\n6590,1,,,,2027-01-01\n"
    ) == {
        RateKey("65", ALWAYS): price("2", "5", 30, 6),
        RateKey("6590", NEW_YEAR): price("100"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "prefix,per_minute\n65,0.02\n",
        "\ufeffprefix,per_minute\r\n65,0.02\r\n",
        '"prefix","per_minute"\n"65","0.02"\n',
        "prefix;per_minute\n65;0.02",
        "prefix\tper_minute\n65\t0.02",
        "per_minute,prefix\n0.02,65\n",
        " Prefix , Per Minute \n 65 , 0.02 \n",
        "Destination,Code,Rate\n\"Singapore, all\",+65,0.02\n",
        "dial-code,PRICE,increments\n65,0.0200,1/1\n",
        "\n\nprefix,per_minute\n\n65,0.02\n\n",
    ],
)  # fmt: skip
def test_the_same_rate_in_other_dialects(text: str) -> None:
    assert rows(text) == {RateKey("65", ALWAYS): price("2")}


def test_every_documented_name_of_a_column_is_taken() -> None:
    page = (ROOT / "docs" / "rates.md").read_text()
    for column in COLUMNS:
        line = next(line for line in page.splitlines() if line.startswith(f"| `{column}` |"))
        for alias in ALIASES[column]:
            assert f"`{alias}`" in line
            cells = {
                "prefix": "65",
                "per_minute": "0.02",
                "connection_fee": "",
                "first": "",
                "next": "",
                "effective": "",
            }
            names = [alias if name == column else name for name in cells]
            assert rows(",".join(names) + "\n" + ",".join(cells.values())) == {RateKey("65", ALWAYS): price("2")}


def test_lines_without_a_date_take_the_one_that_is_said() -> None:
    text = "prefix,per_minute,effective\n65,0.02,\n60,null,2027-01-01T08:00\n"

    assert rows(text, effective="2027-01-01") == {
        RateKey("65", NEW_YEAR): price("2"),
        RateKey("60", datetime.fromisoformat("2027-01-01T08:00:00+08:00")): None,
    }


def test_increments_may_be_in_one_column() -> None:
    assert rows("prefix,rate,increments\n65,0.02,30/6\n60,1,\n") == {
        RateKey("65", ALWAYS): price("2", "0", 30, 6),
        RateKey("60", ALWAYS): price("100"),
    }


BAD = """\
prefix,per_minute,connection_fee,first,next,effective
65,0.02,0,1,1,
6x,0.02,0,1,1,
66,-1,0,1,1,
67,"0,02",0,1,1,
68,0.0000001,0,1,1,
69,,0,1,1,
70,1,abc,1,1,
71,1,0,0,1,
72,1,0,1,1.5,
73,1,0,1,1,31/12/2027
74,1,0,1
65,0.03,0,1,1,
,1,0,1,1,
4.4E+11,1,0,1,1,
"""


def test_every_wrong_line_is_named_with_its_reason() -> None:
    assert [(path, code) for path, code, _ in problems(BAD)] == [
        ("line 3, prefix", "invalid-text"),
        ("line 4, per_minute", "invalid-text"),
        ("line 5, per_minute", "invalid-text"),
        ("line 6, per_minute", "invalid-text"),
        ("line 7, per_minute", "invalid-text"),
        ("line 8, connection_fee", "invalid-text"),
        ("line 9, first", "out-of-range"),
        ("line 10, next", "invalid-text"),
        ("line 11, effective", "invalid-text"),
        ("line 12", "invalid-text"),
        ("line 13, prefix", "duplicate"),
        ("line 14, prefix", "invalid-text"),
        ("line 15, prefix", "invalid-text"),
    ]
    told = {path: sentence for path, _, sentence in problems(BAD)}
    assert "negative" in told["line 4, per_minute"]
    assert "comma" in told["line 5, per_minute"]
    assert "amounts in SGD take 6 at most" in told["line 6, per_minute"]
    assert "line 2 already" in told["line 13, prefix"]
    assert all(sentence.endswith((".", ";")) for sentence in told.values())


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    text = 'prefix,per_minute,name\n65,0.02,"two\nlines"\n\n6x,1,\n'

    assert [path for path, _, _ in problems(text)] == ["line 5, prefix"]


def test_after_a_hundred_wrong_lines_only_their_number_is_told() -> None:
    found = problems("prefix,per_minute\n" + "x,1\n" * 250)

    assert len(found) == 101
    assert found[-1] == ("file", "more", "has 150 more problems; mend these first.")


@pytest.mark.parametrize(
    ("data", "path", "code"),
    [
        (b"", "line 1", "missing"),
        (b"65,0.02\n", "line 1", "unknown-field"),
        (b"prefix,name\n65,x\n", "line 1", "missing"),
        (b"prefix,per_minute,per_second\n65,1,1\n", "line 1", "unknown-field"),
        (b"prefix,per_minute,rate\n65,1,1\n", "line 1", "duplicate"),
        (b"prefix,per_minute,first,increments\n65,1,1,1/1\n", "line 1", "duplicate"),
        ("prefix,per_minute\n65,0.02\n".encode("utf-16"), "file", "not-utf-8"),
        (b"prefix,per_minute\n65,\xff\n", "file", "not-utf-8"),
        (b"prefix,per_minute\n65,\0\n", "file", "not-utf-8"),
        (b'prefix,per_minute\n"65,0.02\n', "line 2", "not-csv"),
        (b'prefix,per_minute\n"65"x,0.02\n', "line 2", "not-csv"),
    ],
)
def test_what_is_no_table_of_rates_is_refused(data: bytes, path: str, code: str) -> None:
    assert [(where, what) for where, what, _ in problems(data)] == [(path, code)]


PRICES = st.none() | st.builds(
    Price,
    per_minute=st.integers(0, 10**9).map(lambda units: Decimal(units).scaleb(-4)),
    connection_fee=st.integers(0, 10**9).map(lambda units: Decimal(units).scaleb(-4)),
    first=st.integers(1, 3600),
    next=st.integers(1, 3600),
)
KEYS = st.builds(RateKey, st.from_regex(r"[0-9]{1,15}", fullmatch=True), st.sampled_from([ALWAYS, NEW_YEAR]))


@given(st.dictionaries(KEYS, PRICES, max_size=20))
def test_what_is_written_is_read_again(deck: dict[RateKey, Price | None]) -> None:
    documents = [rates.document(key, price, "SGD", "Asia/Singapore") for key, price in deck.items()]

    assert read(write(documents).encode(), ACME) == deck


@given(st.text(max_size=200))
def test_no_text_is_taken_for_what_it_is_not(text: str) -> None:
    try:
        found = read(("prefix,per_minute\n" + text).encode("utf-8", "surrogatepass"), ACME)
    except InvalidSettings:
        return
    assert all(key.prefix.isascii() and key.prefix.isdigit() for key in found)
