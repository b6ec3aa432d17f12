"""Wrong passcodes, counted over time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bizpbx.policy.lockout import LONGEST_LOCK, MOST_WRONG, WINDOW, Lockout, after_right, after_wrong, lock_time

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

gaps = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 100_000)), max_size=60)
"""Seconds between entries."""


def wrong(state: Lockout, *minutes: float) -> Lockout:
    for minute in minutes:
        state = after_wrong(state, START + minute * MINUTE)
    return state


def test_five_within_a_quarter_of_an_hour_lock_for_a_quarter_of_an_hour() -> None:
    four = wrong(Lockout(), 0, 1, 2, 3)
    assert not four.locked(START + 3 * MINUTE)
    five = wrong(four, 14)
    assert five.locked_until == START + 29 * MINUTE
    assert five.locked(START + 28 * MINUTE)
    assert not five.locked(START + 29 * MINUTE)


def test_what_a_clock_far_ahead_has_locked_or_counted_ends_when_the_clock_is_right_again() -> None:
    ahead = START + timedelta(days=3650)
    state = Lockout()
    for _ in range(MOST_WRONG):
        state = after_wrong(state, ahead)
    assert state.locked(ahead)
    assert not state.locked(START)
    assert after_wrong(Lockout((ahead,) * 4), START).wrong == (START,)
    # A second between two controllers takes nothing back.
    assert wrong(Lockout(), 1, 1, 1, 1, 0.98).locked(START)


def test_the_window_slides() -> None:
    assert not wrong(Lockout(), 0, 1, 2, 3, 15).locked(START + 15 * MINUTE)
    assert wrong(Lockout(), 0, 10, 11, 12, 15, 16).locked(START + 16 * MINUTE)


def test_a_wrong_one_while_it_is_locked_does_not_make_it_longer() -> None:
    locked = wrong(Lockout(), 0, 0, 0, 0, 0)
    assert wrong(locked, 5, 6, 7, 8, 9, 10) == locked


def test_each_lock_is_twice_as_long_as_the_one_before_up_to_a_day() -> None:
    state, now, hours = Lockout(), START, []
    for _ in range(9):
        for _ in range(MOST_WRONG):
            state = after_wrong(state, now)
        assert state.locked_until is not None
        hours.append((state.locked_until - now) / timedelta(hours=1))
        now = state.locked_until
    assert hours == [0.25, 0.5, 1, 2, 4, 8, 16, 24, 24]


def test_the_right_one_ends_the_doubling_and_keeps_what_still_counts() -> None:
    state = wrong(Lockout(), 0, 0, 0, 0, 0, 20, 21)
    state = after_right(state, START + 22 * MINUTE)
    assert (state.lockouts, len(state.wrong)) == (0, 2)
    state = wrong(state, 23, 24, 25)
    assert state.locked_until == START + 40 * MINUTE


def test_the_right_one_does_not_open_a_lock() -> None:
    locked = wrong(Lockout(), 0, 0, 0, 0, 0)
    assert after_right(locked, START + MINUTE) == locked


def test_a_day_without_a_lock_ends_the_doubling() -> None:
    later = START + timedelta(days=2)
    state = wrong(Lockout(), 0, 0, 0, 0, 0)
    for _ in range(MOST_WRONG):
        state = after_wrong(state, later)
    assert state == Lockout((), later + lock_time(0), 1)


@given(gaps)
def test_whatever_is_guessed_never_more_than_five_in_a_quarter_of_an_hour_are_taken(seconds: list[int]) -> None:
    state, now, taken = Lockout(), START, []
    for gap in seconds:
        now += timedelta(seconds=gap)
        if not state.locked(now):
            taken.append(now)
        state = after_wrong(state, now)
        assert len(state.wrong) < MOST_WRONG
        assert state.locked_until is None or state.locked_until - now <= LONGEST_LOCK
    for at in taken:
        assert sum(at <= other < at + WINDOW for other in taken) <= MOST_WRONG


@given(gaps, st.lists(st.booleans(), min_size=60, max_size=60))
def test_a_lock_always_ends(seconds: list[int], rights: list[bool]) -> None:
    state, now = Lockout(), START
    for gap, right in zip(seconds, rights, strict=False):
        now += timedelta(seconds=gap)
        state = after_right(state, now) if right else after_wrong(state, now)
    assert not state.locked(now + LONGEST_LOCK)
