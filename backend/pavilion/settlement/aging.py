"""How old what is owed is. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

BUCKETS = ("not_due", "to_30", "to_60", "to_90", "over_90")  # calendar days after the due day
_ENDS = (0, 30, 60, 90)


class Debt(NamedTuple):
    """What is open of one invoice."""

    company_id: int
    company: str
    currency: str
    open_minor: int
    due: date | None


class Aged(NamedTuple):
    """What one company owes in one currency, by bucket."""

    company_id: int
    company: str
    currency: str
    parts: tuple[int, ...]

    @property
    def total_minor(self) -> int:
        return sum(self.parts)


def bucket(due: date | None, today: date) -> str:
    """Which one a debt falls into; due today is not late."""
    late = 0 if due is None else (today - due).days
    return next((name for name, end in zip(BUCKETS, _ENDS, strict=False) if late <= end), BUCKETS[-1])


def aged(debts: Iterable[Debt], today: date) -> list[Aged]:
    """By company and currency, the name first; a debt of nothing is none."""
    found: dict[tuple[str, int, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(BUCKETS, 0))
    for debt in debts:
        if debt.open_minor:
            found[debt.company, debt.company_id, debt.currency][bucket(debt.due, today)] += debt.open_minor
    return [Aged(key[1], key[0], key[2], tuple(parts.values())) for key, parts in sorted(found.items())]


def sums(rows: Iterable[Aged]) -> dict[str, tuple[int, ...]]:
    """By currency, the sum of each bucket."""
    found: dict[str, tuple[int, ...]] = {}
    for row in rows:
        before = found.get(row.currency, (0,) * len(BUCKETS))
        found[row.currency] = tuple(one + more for one, more in zip(before, row.parts, strict=True))
    return dict(sorted(found.items()))
