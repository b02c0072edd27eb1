"""Quiet hours, the pace of outbid notices, and who wants what."""

from datetime import UTC, datetime, timedelta

import pytest

from pavilion.notifications.rules import NOTICES, Channel, Kind, Quiet, due_at, next_outbid, wanted
from tests.make import NOON, SECOND

MINUTE = timedelta(minutes=1)
NIGHT = Quiet(22 * 60, 7 * 60, "Asia/Hong_Kong")  # UTC+8


def utc(hour, minute=0, day=2):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (utc(13, 59), utc(13, 59)),  # 21:59 there
        (utc(14), utc(23)),  # 22:00 there: until 7:00 of the next day there
        (utc(22, 59), utc(23)),  # 6:59 there
        (utc(23), utc(23)),
        (utc(1), utc(1)),
    ],
)
def test_quiet_hours_over_midnight_end_in_the_local_morning(now, due):
    assert due_at(now, NIGHT) == due


def test_quiet_hours_within_a_day_and_none_at_all():
    lunch = Quiet(12 * 60, 13 * 60, "UTC")
    assert due_at(utc(12, 30), lunch) == utc(13)
    assert due_at(utc(13), lunch) == utc(13)
    assert due_at(NOON, None) == NOON
    assert due_at(NOON, Quiet(720, 720, "UTC")) == NOON


def test_quiet_hours_follow_the_clock_when_it_is_put_forward():
    night = Quiet(23 * 60, 8 * 60, "Europe/Brussels")
    assert due_at(datetime(2026, 3, 28, 23, tzinfo=UTC), night) == datetime(2026, 3, 29, 6, tzinfo=UTC)


def test_of_one_lot_one_is_told_once_a_minute():
    assert next_outbid(NOON, None) == NOON
    assert next_outbid(NOON + 20 * SECOND, NOON) == NOON + MINUTE, "the next one waits until the minute is over"
    assert next_outbid(NOON + 30 * SECOND, NOON + MINUTE) is None, "one that waits says it all"
    assert next_outbid(NOON + 2 * MINUTE, NOON) == NOON + 2 * MINUTE


def test_every_notice_can_be_switched_off_and_a_checkpoint_never_pops_up():
    assert set(NOTICES.values()) == set(Kind)
    for kind in Kind:
        assert wanted(kind, Channel.MAIL, [], []) and not wanted(kind, Channel.MAIL, [kind.value], [])
        assert not wanted(kind, Channel.PUSH, [], [kind.value])
    assert not wanted(Kind.RECORD, Channel.PUSH, [], [])
