"""What companies keep in view before the sale to come: Wen and Vera of Lumen talk over five stones, two more companies
have three of them, and a client of Wen's has a link."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.catalogue import sharing, shortlists
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import stone_of
from pavilion.catalogue.shortlist_models import Shortlist, ShortlistLine
from pavilion.catalogue.shortlists import Maximum
from pavilion.demo import people
from pavilion.demo.people import LUMEN, VAN_DAEL
from pavilion.kernel.db import Sessions

DAY = timedelta(days=1)
WORDS = (  # who, of which stone, verdict, share of the asking price in per cent, for the company, for oneself
    ("wen@lumen.example", 0, "A", 96, "For the Chan ring; the girdle is to be seen before we go higher.", ""),
    ("wen@lumen.example", 1, "B", 88, "", "Only if the first one goes to somebody else."),
    ("vera@lumen.example", 0, "A", 0, "Seen in Hong Kong: face up brighter than on the report.", ""),
    ("vera@lumen.example", 2, "C", 0, "Too shallow for our setting.", ""),
)


async def fill(sessions: Sessions, sale: str, now: datetime) -> None:
    async with sessions.begin() as session:
        stones = await _of_sale(session, sale)
        for firm, most in ((LUMEN, 5), (VAN_DAEL, 3), ("Meridian Gems", 3)):
            who = await people.actor_for(session, firm)
            made = await shortlists.make_list(session, shortlists.member_of(who), "Before the sale", now - 3 * DAY)
            await shortlists.add(session, who, stones[:most], to=made.public_id, otherwise="", now=now - 2 * DAY)
            if firm == LUMEN:
                await _talk(session, made, stones, now - DAY)
                terms = sharing.Terms("Three for your ring", "Mr Chan, Kowloon", 7 * 24, True, 800)
                await sharing.share(session, who, stones[:3], terms, now - DAY)


async def _talk(session: AsyncSession, made: Shortlist, stones: Sequence[str], now: datetime) -> None:
    lines = (
        select(Stone.public_id, ShortlistLine.public_id)
        .join(ShortlistLine, ShortlistLine.stone_id == Stone.id)
        .where(ShortlistLine.list_id == made.id)
    )
    line_of = dict((await session.execute(lines)).all())
    wen = await people.actor(session, "wen@lumen.example")
    for email, n, verdict, percent, shared, own in WORDS:
        who = await people.actor(session, email)
        maximum = await _maximum(session, wen, stones[n], percent)
        await shortlists.say(
            session, who, made.public_id, line_of[stones[n]], verdict=verdict, maximum=maximum, shared_note=shared,
            own_note=own, now=now,
        )  # fmt: skip


async def _maximum(session: AsyncSession, who: Actor, stone: str, percent: int) -> Maximum | None:
    found = await stone_of(session, who, stone)
    if found is None or not found.price_total_minor or not percent:
        return None
    return Maximum(found.price_total_minor * percent // 100 // 10_000 * 10_000, found.currency)


async def _of_sale(session: AsyncSession, sale: str) -> list[str]:
    """The stones of its lots, the first lot's first."""
    wanted = (
        select(Stone.public_id)
        .join(LotStone, LotStone.stone_id == Stone.id)
        .join(Lot, Lot.id == LotStone.lot_id)
        .join(Sale, Sale.id == Lot.sale_id)
        .where(Sale.public_id == sale)
        .order_by(Lot.number, LotStone.place)
    )
    return list(await session.scalars(wanted))
