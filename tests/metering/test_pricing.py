"""What a call costs, to a ten-thousandth of a minor unit."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bizpbx.metering.pricing import LONGEST_TALK, Rate, affordable, cost


def amounts(most: int = 10**9) -> st.SearchStrategy[Decimal]:
    return st.integers(0, most).map(lambda units: Decimal(units).scaleb(-4))


RATES = st.builds(
    Rate,
    prefix=st.just("65"),
    per_minute=amounts(10**8),
    connection_fee=amounts(10**6),
    first=st.integers(1, 3600),
    next=st.integers(1, 3600),
)
TALKS = st.integers(0, 2 * LONGEST_TALK)


def rate(per_minute: str, fee: str = "0", first: int = 1, following: int = 1) -> Rate:
    return Rate("65", Decimal(per_minute), Decimal(fee), first, following)


@pytest.mark.parametrize(
    ("price", "seconds", "expected"),
    [
        (rate("2"), 0, "0"),
        (rate("2"), 60, "2"),
        (rate("2"), 61, "2.0333"),
        (rate("2", fee="5"), 0, "0"),  # nobody answered: no connection fee either
        (rate("2", fee="5"), 1, "5.0333"),
        (rate("2", first=60, following=60), 1, "2"),
        (rate("2", first=60, following=60), 61, "4"),
        (rate("2", first=30, following=6), 30, "1"),
        (rate("2", first=30, following=6), 31, "1.2"),
        (rate("2", first=30, following=6), 36, "1.2"),
        (rate("2", first=30, following=6), 37, "1.4"),
        (rate("0.003"), 1, "0.0001"),  # 0.00005 rounds up
        (rate("0.0029"), 1, "0"),
        (rate("0"), 86400, "0"),
        (rate("0", fee="1.5"), 86400, "1.5"),
    ],
)
def test_calls_cost_what_their_increments_and_fee_make(price: Rate, seconds: int, expected: str) -> None:
    assert cost(price, seconds) == Decimal(expected)


@given(RATES, TALKS)
def test_the_cost_is_the_exact_price_rounded_once(price: Rate, seconds: int) -> None:
    assume(seconds > 0)
    charged = price.first
    while charged < seconds:
        charged += max(1, (seconds - charged) // price.next) * price.next
    exact = price.connection_fee + price.per_minute * charged / 60

    assert cost(price, seconds) == exact.quantize(Decimal("0.0001"), ROUND_HALF_UP)


@given(RATES, TALKS, TALKS)
def test_a_longer_talk_never_costs_less(price: Rate, one: int, other: int) -> None:
    shorter, longer = sorted((one, other))

    assert cost(price, shorter) <= cost(price, longer)


@given(RATES, TALKS)
def test_costs_have_four_decimals_at_most(price: Rate, seconds: int) -> None:
    exponent = cost(price, seconds).as_tuple().exponent

    assert isinstance(exponent, int) and exponent >= -4


@given(RATES, amounts())
@example(rate("2"), Decimal(1))
@example(rate("0.001"), Decimal(0))
@example(rate("0"), Decimal(0))
def test_what_is_affordable_is_the_longest_talk_within_the_amount(price: Rate, amount: Decimal) -> None:
    seconds = affordable(price, amount)

    assert 0 <= seconds <= LONGEST_TALK
    assert seconds == 0 or cost(price, seconds) <= amount
    assert seconds == LONGEST_TALK or cost(price, seconds + 1) > amount


@given(RATES, st.integers(1, LONGEST_TALK))
def test_the_cost_of_a_talk_affords_that_talk(price: Rate, seconds: int) -> None:
    assert affordable(price, cost(price, seconds)) >= seconds


@given(RATES)
def test_nothing_is_affordable_without_money(price: Rate) -> None:
    assert affordable(price, Decimal("-0.0001")) == 0


def test_what_is_finer_than_any_amount_buys_nothing() -> None:
    assert affordable(rate("60"), Decimal("1.00009")) == 1
    assert affordable(rate("60", fee="1"), Decimal("0.99999")) == 0
