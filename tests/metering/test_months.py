"""The month of each second of a talk, by the clock of the organisation."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizpbx.metering.months import month_of, split, starts

SECOND = timedelta(seconds=1)
ZONES = st.sampled_from(sorted(zone for zone in available_timezones() if zone != "localtime"))
INSTANTS = st.integers(86_400, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
TALKS = st.integers(1, 100 * 86_400)


@st.composite
def near_a_month(draw: st.DrawFn) -> tuple[datetime, str]:
    """Where months meet is where they can go wrong."""
    zone = draw(ZONES)
    begin = starts(draw(st.integers(1971, 2099)), draw(st.integers(1, 12)), zone)
    return begin + timedelta(milliseconds=draw(st.integers(-8_000_000, 8_000_000))), zone


@pytest.mark.parametrize(
    ("instant", "zone", "month"),
    [
        ("2026-11-30T15:59:59+00:00", "Asia/Singapore", "2026-11"),
        ("2026-11-30T16:00:00+00:00", "Asia/Singapore", "2026-12"),
        ("2026-12-31T15:59:59.999999+00:00", "Asia/Singapore", "2026-12"),
        ("2026-12-31T16:00:00+00:00", "Asia/Singapore", "2027-01"),
        ("2027-01-01T04:59:59+00:00", "America/New_York", "2026-12"),
        ("2027-01-01T00:00:00+08:00", "America/New_York", "2026-12"),
        # The clocks of Damascus went from midnight of 1 November back to 23:00: that hour is October's.
        ("2008-10-31T21:30:00+00:00", "Asia/Damascus", "2008-10"),
        ("2008-10-31T22:00:00+00:00", "Asia/Damascus", "2008-11"),
        # Those of St. John's went back at 00:01: November has begun, and it stays.
        ("2009-11-01T02:30:00+00:00", "America/St_Johns", "2009-11"),
        ("2009-11-01T02:29:59+00:00", "America/St_Johns", "2009-10"),
        ("2009-11-01T03:00:00+00:00", "America/St_Johns", "2009-11"),
        # Those of Asuncion skipped midnight, from 00:00 to 01:00.
        ("2017-10-01T03:59:59+00:00", "America/Asuncion", "2017-09"),
        ("2017-10-01T04:00:00+00:00", "America/Asuncion", "2017-10"),
    ],
)
def test_an_instant_is_of_the_month_that_the_clock_shows(instant: str, zone: str, month: str) -> None:
    assert month_of(datetime.fromisoformat(instant), zone) == month


def test_a_talk_across_midnight_of_the_first_is_split() -> None:
    answered = datetime(2026, 11, 30, 23, 58, 30, tzinfo=ZoneInfo("Asia/Singapore"))

    assert split(answered, 200, "Asia/Singapore") == (("2026-11", 90), ("2026-12", 110))
    assert split(answered, 90, "Asia/Singapore") == (("2026-11", 90),)
    assert split(answered, 0, "Asia/Singapore") == ()


def test_a_second_belongs_to_the_month_in_which_it_began() -> None:
    answered = datetime(2026, 11, 30, 23, 59, 58, 500_000, tzinfo=ZoneInfo("Asia/Singapore"))

    assert split(answered, 4, "Asia/Singapore") == (("2026-11", 2), ("2026-12", 2))


def test_a_leap_second_is_none() -> None:
    # 2016 ended with 23:59:60 UTC.
    answered = datetime(2016, 12, 31, 23, 59, 55, tzinfo=UTC)

    assert split(answered, 10, "UTC") == (("2016-12", 5), ("2017-01", 5))


def test_a_talk_longer_than_a_month_is_in_three() -> None:
    months = split(datetime(2026, 12, 31, 12, tzinfo=UTC), 40 * 86_400, "UTC")

    assert months == (("2026-12", 43_200), ("2027-01", 31 * 86_400), ("2027-02", 40 * 86_400 - 43_200 - 31 * 86_400))


@given(near_a_month(), TALKS)
def test_the_parts_sum_to_the_talk_and_follow_each_other(when: tuple[datetime, str], seconds: int) -> None:
    answered, zone = when
    parts = split(answered, seconds, zone)

    assert sum(part for _, part in parts) == seconds
    assert all(part > 0 for _, part in parts)
    assert [month for month, _ in parts] == sorted({month for month, _ in parts})


@given(near_a_month(), st.integers(1, 20_000), st.data())
def test_each_second_is_in_the_month_in_which_it_began(
    when: tuple[datetime, str], seconds: int, data: st.DataObject
) -> None:
    answered, zone = when
    nth = data.draw(st.integers(0, seconds - 1))
    passed = 0
    for month, part in split(answered, seconds, zone):
        if passed <= nth < passed + part:
            assert month == month_of(answered + nth * SECOND, zone)
        passed += part


@given(near_a_month(), st.integers(0, 10_000_000))
def test_months_never_go_back(when: tuple[datetime, str], seconds: int) -> None:
    instant, zone = when

    assert month_of(instant, zone) <= month_of(instant + seconds * SECOND, zone)


@given(INSTANTS, ZONES)
def test_away_from_the_first_the_month_is_what_the_clock_shows(instant: datetime, zone: str) -> None:
    local = instant.astimezone(ZoneInfo(zone))
    if 2 <= local.day <= 27:
        assert month_of(instant, zone) == f"{local:%Y-%m}"


@given(near_a_month())
def test_months_begin_where_the_month_changes(when: tuple[datetime, str]) -> None:
    instant, zone = when
    year, month = map(int, month_of(instant + timedelta(days=3), zone).split("-"))
    begin = starts(year, month, zone)

    assert month_of(begin, zone) == f"{year:04}-{month:02}"
    assert month_of(begin - timedelta(microseconds=1), zone) < f"{year:04}-{month:02}"


@given(INSTANTS, TALKS, ZONES, ZONES)
def test_an_organisation_that_moves_to_another_zone_loses_no_second(
    answered: datetime, seconds: int, before: str, after: str
) -> None:
    first, second = split(answered, seconds, before), split(answered, seconds, after)

    assert sum(part for _, part in first) == sum(part for _, part in second) == seconds
    assert abs(_count(first[0][0]) - _count(second[0][0])) <= 1


def _count(month: str) -> int:
    year, number = map(int, month.split("-"))
    return 12 * year + number
