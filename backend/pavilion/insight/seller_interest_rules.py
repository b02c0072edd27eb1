"""What a seller may learn of the interest in a stone: a number of three companies or more, told once a week, and told
anew only when four companies or more differ from those of which it was told (catalogue spec 7). Pure.

Whoever puts one line on a list and takes it off again moves no figure: within a week nothing is told anew, and one
company more or fewer than was told is never enough. Nor are three: of two others who came or went, whoever brought the
third would learn it. Companies with an owner in common are one, so that nobody makes four of himself.

A number does not outlive what it was told of: when everything that it counted is over, whoever came or went, it is
over too, at a time that nobody's coming or going moves. What is told then is told of other acts than before, as if for
the first time."""

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from datetime import UTC, date, datetime, time, timedelta

from pavilion.accounts.rules import owner_key

LEAST_COMPANIES = 3  # of which a number is told
LEAST_DIFFERING = LEAST_COMPANIES + 1  # from those it was told of, to be told anew: three whoever brings one himself
LEAST_SALES = 5  # like stones sold, of which the middle is told
COUNTS_FOR = timedelta(days=90)  # after it was shown, interest counts


def week_of(now: datetime) -> str:
    """The Monday of its week, as ISO 8601 has it; weeks turn at midnight UTC."""
    return (now.date() - timedelta(days=now.weekday())).isoformat()


def over(told: str, now: datetime) -> bool:
    """Whether nothing that was counted in the week of this Monday counts any more. It may have been counted late in
    that week."""
    begun = datetime.combine(date.fromisoformat(told), time(), UTC)
    return now >= begun + timedelta(weeks=1) + COUNTS_FOR


def told_anew(told: Set[int] | None, interested: Set[int]) -> frozenset[int] | None:
    """The companies of whom is told from now on: none where they are too few; None where what was told stands. `told`:
    None where nothing has been, or what has been is over."""
    if told is not None and len(told ^ interested) < LEAST_DIFFERING:
        return None
    return frozenset(interested) if len(interested) >= LEAST_COMPANIES else frozenset()


def parties(owners: Mapping[int, Iterable[object]]) -> dict[int, int]:
    """By company, the first company of those that belong together through their owners, directly or by others."""
    above = {company: company for company in owners}

    def first(company: int) -> int:
        while above[company] != company:
            company = above[company]
        return company

    owned: dict[str, int] = {}
    for company in sorted(owners):
        for key in sorted({owner_key(name) for name in owners[company]}):
            one, other = sorted((first(company), first(owned.setdefault(key, company))))
            above[other] = one
    return {company: first(company) for company in owners}


def foreign(interested: Iterable[int], supplier: int, party_of: Mapping[int, int]) -> frozenset[int]:
    """The parties among the interested that are neither the supplier nor belong to it; a company that the house has
    not approved has no party and counts for nothing."""
    own = party_of.get(supplier, supplier)
    return frozenset(party_of[one] for one in interested if one in party_of) - {own}


def middle_days(own: Sequence[int], others: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """The middle of the days that like stones took, and of how many; None of fewer than five. `others`: company and
    days; of fewer than three companies they are left out, so that nobody's own is what remains without the seller's."""
    companies = {company for company, _ in others}
    days = sorted([*own, *(took for _, took in others)] if len(companies) >= LEAST_COMPANIES else own)
    if len(days) < LEAST_SALES:
        return None
    half = len(days) // 2
    return days[half] if len(days) % 2 else (days[half - 1] + days[half] + 1) // 2, len(days)


def share_bp(part: int, whole: int) -> int | None:
    """In basis points; None of nothing."""
    return (part * 20_000 + whole) // (2 * whole) if whole else None


def sold_within(days: Collection[int], within: int) -> int:
    return sum(took <= within for took in days)
