"""Days on which houses and banks work (settlement spec 7); pure."""

from collections.abc import Collection
from datetime import date, timedelta


def is_business_day(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() < 5 and day not in holidays


def business_days_after(start: date, days: int, holidays: Collection[date]) -> date:
    """`days` business days after `start`; the start itself is not counted."""
    day, left = start, days
    while left > 0:
        day += timedelta(days=1)
        left -= is_business_day(day, holidays)
    return day


def business_days_before(start: date, days: int, holidays: Collection[date]) -> date:
    """`days` business days before `start`; the start itself is not counted."""
    day, left = start, days
    while left > 0:
        day -= timedelta(days=1)
        left -= is_business_day(day, holidays)
    return day
