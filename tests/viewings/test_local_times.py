from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavilion.viewings import local_times
from pavilion.viewings.local_times import UnknownZone
from pavilion.viewings.wishes import Code

BRUSSELS, APIA = ZoneInfo("Europe/Brussels"), ZoneInfo("Pacific/Apia")
OFFICES = [ZoneInfo(name) for name in (
    "Europe/Brussels", "Asia/Hong_Kong", "Asia/Dubai", "America/New_York", "Asia/Jerusalem", "Australia/Lord_Howe",
)]  # fmt: skip


def test_a_time_that_does_not_exist_is_asked_with_both_neighbours():
    said = local_times.typed(datetime.fromisoformat("2027-03-28T02:30"), BRUSSELS)
    assert said.code is Code.NONEXISTENT_LOCAL_TIME and said.at is None
    assert [local_times.wall(at, BRUSSELS) for at in said.choices] == ["2027-03-28T01:30", "2027-03-28T03:30"]


def test_a_time_that_exists_twice_is_asked_with_both_instants():
    said = local_times.typed(datetime.fromisoformat("2026-10-25T02:30"), BRUSSELS)
    assert said.code is Code.AMBIGUOUS_LOCAL_TIME
    assert said.choices[1] - said.choices[0] == timedelta(hours=1)
    assert {local_times.wall(at, BRUSSELS) for at in said.choices} == {"2026-10-25T02:30"}


def test_a_whole_day_that_never_was_is_asked_too():
    said = local_times.typed(datetime.fromisoformat("2011-12-30T09:00"), APIA)
    assert said.code is Code.NONEXISTENT_LOCAL_TIME
    assert [local_times.wall(at, APIA) for at in said.choices] == ["2011-12-29T09:00", "2011-12-31T09:00"]


@given(
    st.sampled_from(OFFICES),
    st.datetimes(datetime.fromisoformat("2026-01-01T00:00"), datetime.fromisoformat("2030-01-01T00:00")),
)
def test_a_typed_time_is_shown_as_it_was_typed_or_asked(zone, local):
    local = local.replace(second=0, microsecond=0)
    said = local_times.typed(local, zone)
    text = local.strftime("%Y-%m-%dT%H:%M")
    if said.at is not None:
        assert local_times.wall(said.at, zone) == text and local_times.to_utc(local, zone) == said.at
    elif said.code is Code.AMBIGUOUS_LOCAL_TIME:
        assert local_times.to_utc(local, zone) == said.choices[0]
    else:
        assert local_times.to_utc(local, zone) == said.choices[1]  # what is derived moves forward


@pytest.mark.parametrize(("day", "hours"), [
    (date(2026, 3, 28), 24), (date(2026, 3, 29), 23), (date(2026, 10, 25), 25),
])  # fmt: skip
def test_a_day_has_the_hours_it_has(day, hours):
    since, until = local_times.day_span(day, BRUSSELS)
    assert until - since == timedelta(hours=hours) and local_times.day_of(since, BRUSSELS) == day


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../etc/passwd", "localtime", "Europe", "\x00", "x" * 900])
def test_a_zone_nobody_knows_is_refused(name):
    with pytest.raises(UnknownZone):
        local_times.zone_of(name)


def test_the_release_of_the_zone_database_is_known():
    assert local_times.tz_version()[:4].isdigit() and len(local_times.tz_version()) <= 16


@pytest.mark.parametrize(("text", "clock"), [
    ("09:00", "09:00"), ("24:00", "24:00"), ("00:05", "00:05"), ("9:00", None), ("09:03", None), ("25:00", None),
    ("24:05", None), ("09:60", None), ("", None), ("09:0a", None), ("０９:００", None), ("0900", None),
])  # fmt: skip
def test_a_clock_is_read_on_the_five_minute_grid(text, clock):
    assert local_times.clock_of(text) == clock


def test_years_are_bounded():
    assert local_times.known_year(datetime(2100, 12, 31, tzinfo=UTC)) and not local_times.known_year(date(2101, 1, 1))
