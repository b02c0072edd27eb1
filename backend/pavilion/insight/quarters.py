"""The fixed calendar: a quarter is published once, some days after its end, and never again. Pure."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

DAYS_AFTER = 15  # in which cases are decided
_NAME = re.compile(r"(20\d\d)-Q([1-4])")


class Quarter(NamedTuple):
    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"

    @property
    def first_day(self) -> date:
        return date(self.year, self.number * 3 - 2, 1)

    @property
    def next(self) -> "Quarter":
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def before(self) -> "Quarter":
        return Quarter(self.year - (self.number == 1), (self.number - 2) % 4 + 1)

    @property
    def end(self) -> datetime:
        """The first instant after it; what is reported from then on belongs to the next."""
        return datetime.combine(self.next.first_day, datetime.min.time(), UTC)

    @property
    def published_at(self) -> datetime:
        return self.end + timedelta(days=DAYS_AFTER)


def quarter_of(at: datetime) -> Quarter:
    return Quarter(at.year, (at.month + 2) // 3)


def named(name: str) -> Quarter | None:
    match = _NAME.fullmatch(name)
    return Quarter(int(match[1]), int(match[2])) if match else None


def latest_due(now: datetime) -> Quarter:
    """The last quarter whose day of publication has come."""
    quarter = quarter_of(now).before
    return quarter if quarter.published_at <= now else quarter.before
