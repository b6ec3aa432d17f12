"""The longest prefix of a number, at a moment."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bizpbx.metering.decks import ALWAYS, DatedPrice, Price, RateDeck
from bizpbx.metering.pricing import Rate

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
DAY = timedelta(days=1)


def price(per_minute: str) -> Price:
    return Price(Decimal(per_minute), Decimal(0), 1, 1)


def rate(prefix: str, per_minute: str) -> Rate:
    return Rate(prefix, Decimal(per_minute))


def deck(*rows: tuple[str, datetime, str | None]) -> RateDeck:
    return RateDeck(DatedPrice(prefix, at, price(text) if text else None) for prefix, at, text in rows)


def test_the_longest_prefix_wins() -> None:
    rates = deck(("65", ALWAYS, "2"), ("6590", ALWAYS, "5"), ("1", ALWAYS, "1"))

    assert rates.find("+6561234567", NOW) == rate("65", "2")
    assert rates.find("+6590123456", NOW) == rate("6590", "5")
    assert rates.find("6590123456", NOW) == rate("6590", "5")
    assert rates.find("+12125550123", NOW) == rate("1", "1")
    assert rates.find("+4420", NOW) is None
    assert rates.find("+6", NOW) is None
    assert RateDeck().find("+65", NOW) is None


def test_the_newest_rate_whose_moment_has_come_is_in_force() -> None:
    rates = deck(("65", NOW + DAY, "3"), ("65", ALWAYS, "1"), ("65", NOW, "2"))

    assert rates.find("+6561234567", NOW - DAY / 2) == rate("65", "1")
    assert rates.find("+6561234567", NOW) == rate("65", "2")
    assert rates.find("+6561234567", NOW + DAY) == rate("65", "3")


def test_a_rate_of_the_future_hides_no_shorter_prefix() -> None:
    rates = deck(("65", ALWAYS, "2"), ("6590", NOW + DAY, "5"))

    assert rates.find("+6590123456", NOW) == rate("65", "2")
    assert rates.find("+6590123456", NOW + DAY) == rate("6590", "5")


def test_a_prefix_that_was_taken_back_leaves_the_call_to_a_shorter_one() -> None:
    rates = deck(("65", ALWAYS, "2"), ("6590", ALWAYS, "5"), ("6590", NOW, None))

    assert rates.find("+6590123456", NOW - DAY) == rate("6590", "5")
    assert rates.find("+6590123456", NOW) == rate("65", "2")


MOMENTS = st.sampled_from([ALWAYS, NOW - DAY, NOW, NOW + DAY])
ROWS = st.dictionaries(
    st.tuples(st.text("12", min_size=1, max_size=6), MOMENTS), st.sampled_from(["1", "2", None]), max_size=60
)


@given(ROWS, st.text("12", min_size=1, max_size=8), MOMENTS)
def test_it_finds_what_reading_all_rows_finds(
    rows: dict[tuple[str, datetime], str | None], number: str, at: datetime
) -> None:
    in_force: dict[str, tuple[datetime, str | None]] = {}
    for (prefix, effective), text in rows.items():
        if number.startswith(prefix) and effective <= at:
            in_force[prefix] = max(in_force.get(prefix, (effective, text)), (effective, text), key=lambda row: row[0])
    priced = {prefix: text for prefix, (_, text) in in_force.items() if text is not None}
    longest = max(priced, key=len, default=None)
    expected = None if longest is None else rate(longest, priced[longest])

    assert deck(*((prefix, effective, text) for (prefix, effective), text in rows.items())).find(number, at) == expected
