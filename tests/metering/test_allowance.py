"""What is reserved for a leg is enough, whenever it is answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import example, given
from hypothesis import strategies as st

from bizpbx.metering.allowance import Part, charges, possible
from bizpbx.metering.pricing import Rate

ZONE = "Asia/Singapore"
MIDNIGHT = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
"""There the 1st of April begins."""

rates = st.builds(
    Rate,
    prefix=st.just("65"),
    per_minute=st.decimals("0.0001", "500", places=4),
    connection_fee=st.decimals("0", "50", places=2),
    first=st.sampled_from((1, 6, 30, 60)),
    next=st.sampled_from((1, 6, 30, 60)),
)


@given(
    rate=st.none() | rates,
    before=st.integers(-300, 1500),
    ring=st.integers(1, 120),
    rings=st.floats(0, 1),
    seconds=st.integers(1, 1200),
)
# The old month's part is rounded down, or ends within the first increment: the rest is more than it would cost alone.
@example(rate=Rate("65", Decimal(60), Decimal(0), 30, 60), before=2, ring=1, rings=0.0, seconds=811)
@example(rate=Rate("65", Decimal("0.0001"), Decimal(0), 1, 1), before=29, ring=1, rings=0.0, seconds=30)
def test_no_month_is_charged_more_than_was_reserved_of_it(
    rate: Rate | None, before: int, ring: int, rings: float, seconds: int
) -> None:
    taken = MIDNIGHT - timedelta(seconds=before)
    reserved = possible(taken, ring, seconds, rate, ZONE)
    answered = taken + timedelta(seconds=round(ring * rings))
    for month, charged in charges(answered, seconds, rate, ZONE).items():
        held = reserved.get(month, Part())
        assert charged.seconds <= held.seconds
        assert charged.amount <= held.amount
