"""The interest in the stones of the list is counted once a week (tick "interest"), and sellers read what was told."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import VISITOR, Actor, CompanyState
from pavilion.catalogue import position, selling
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.insight import seller_interest_rules as rules
from pavilion.insight.price_cells import median
from pavilion.insight.seller_interest_models import InterestTold, InterestWeek
from pavilion.kernel.db import Sessions, inserting, reading
from pavilion.kernel.money import half_up

# Stones and the companies that showed interest in them since a time, by inner ids.
Source = Callable[[AsyncSession, datetime], Awaitable[Iterable[tuple[int, int]]]]
PAGE = 25
SPANS = (30, 90)


class Insight(NamedTuple):
    """One own stone. `interested`: companies, None for too few, as told in the week of the Monday `told`. `like_days`:
    the middle of like stones sold and how many, None for too few. `asked`: what like stones ask per carat, the middle
    in minor units and of how many, None where there is none to be told; `withheld`: there are, of too few companies."""

    stone: Stone
    interested: int | None
    told: str | None
    days: int
    like_days: tuple[int, int] | None
    asked: tuple[int, int] | None
    withheld: bool

    @property
    def against_bp(self) -> int | None:
        """The own price per carat against that middle, in basis points."""
        own = self.stone.price_per_carat_minor
        return half_up((own - self.asked[0]) * 10_000, max(self.asked[0], 1)) if own and self.asked else None


class Page(NamedTuple):
    """`week`: the Monday on which interest was counted last, empty before the first. `shares`: by a number of days,
    how many own stones were sold within it, of how many, and that in basis points."""

    rows: Sequence[Insight]
    after: str
    listed: int
    shares: dict[int, tuple[int, int, int | None]]
    week: str


def ticking(sessions: Sessions, *sources: Source) -> Callable[[datetime], Awaitable[int]]:
    """The tick that counts what these sources say."""
    return partial(tick, sessions, sources)


async def tick(sessions: Sessions, sources: Sequence[Source], now: datetime) -> int:
    """Counts the week that has begun, once; how many stones are told of anew."""
    week = rules.week_of(now)
    async with reading(sessions) as session:
        if await session.get(InterestWeek, week) is not None:
            return 0
    async with sessions.begin() as session:
        begun = inserting(session, InterestWeek).values(week=week, counted_at=now).on_conflict_do_nothing()
        if await session.scalar(begun.returning(InterestWeek.week)) is None:
            return 0
        return await _count(session, sources, week, now)


async def _count(session: AsyncSession, sources: Sequence[Source], week: str, now: datetime) -> int:
    shown: dict[int, set[int]] = defaultdict(set)
    for source in sources:
        for stone, company in await source(session, now - rules.COUNTS_FOR):
            shown[stone].add(company)
    told = {row.stone_id: row for row in await session.scalars(select(InterestTold))}
    suppliers = visible_to(VISITOR).with_only_columns(Stone.id, Stone.supplier_company_id)
    party_of = await _parties(session)
    anew = 0
    for stone, supplier in (await session.execute(suppliers)).all():
        if stone not in shown and stone not in told:
            continue
        before = told.get(stone)
        stands = frozenset(before.companies) if before is not None and not rules.over(before.week, now) else None
        companies = rules.told_anew(stands, rules.foreign(shown[stone], supplier, party_of))
        if companies is None or not (companies or (before is not None and before.n)):
            continue
        if before is None:
            session.add(InterestTold(stone_id=stone, week=week, n=len(companies), companies=sorted(companies)))
        else:
            before.week, before.n, before.companies = week, len(companies), sorted(companies)
        anew += 1
    return anew


async def _parties(session: AsyncSession) -> dict[int, int]:
    approved = select(Company.id, Company.owners).where(Company.state == CompanyState.APPROVED)
    return rules.parties({row.id: row.owners for row in await session.execute(approved)})


async def page_of(
    session: AsyncSession, actor: Actor, company_id: int, now: datetime, after: str = "", most: int = PAGE
) -> Page:
    """What the supplier reads of its own stones, from the stock number behind `after`: at most so many."""
    stones, further = await selling.on_the_list(session, company_id, after=after, most=most)
    told = await _told(session, [stone.id for stone in stones])
    own = await selling.own_sales(session, company_id, now, SPANS)
    shares = {}
    for days in SPANS:
        part, whole = rules.sold_within(own.took[days], days), own.before[days]
        shares[days] = (part, whole, rules.share_bp(part, whole))
    last = await session.scalar(select(InterestWeek.week).order_by(InterestWeek.week.desc()).limit(1))
    rows = [await _insight(session, actor, stone, told.get(stone.id), now) for stone in stones]
    return Page(rows, further, own.listed, shares, last or "")


async def _insight(
    session: AsyncSession, actor: Actor, stone: Stone, told: InterestTold | None, now: datetime
) -> Insight:
    took = await selling.sold_like(session, stone)
    tells_of = told if told is not None and told.n and not rules.over(told.week, now) else None
    own = [days for company, days in took if company == stone.supplier_company_id]
    others = [(company, days) for company, days in took if company != stone.supplier_company_id]
    asked = await position.others(session, actor, stone)
    tells = bool(asked.prices) and not asked.withheld
    return Insight(
        stone,
        tells_of.n if tells_of else None,
        tells_of.week if tells_of else None,
        (now - (stone.listed_at or now)).days,
        rules.middle_days(own, others),
        (median(asked.prices), len(asked.prices)) if tells else None,
        asked.withheld,
    )


async def _told(session: AsyncSession, stones: Collection[int]) -> dict[int, InterestTold]:
    found = select(InterestTold).where(InterestTold.stone_id.in_(stones))
    return {row.stone_id: row for row in await session.scalars(found)}
