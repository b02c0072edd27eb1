"""Stones traded before the doors open: one held, one bought and confirmed, one whose owner is asked; for two more
Wen has offered, and one offer has its counter-offer."""

from datetime import datetime, timedelta

from sqlalchemy import select

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.auctions.queries import HOUSE
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.demo import people, sales
from pavilion.demo.people import LUMEN
from pavilion.kernel.db import Sessions
from pavilion.provenance import eligibility
from pavilion.settlement import ordered
from pavilion.trading import holding, offering, placing
from pavilion.trading.offer_models import Offer
from pavilion.trading.placing import Line
from pavilion.trading.rules import OrderSource
from pavilion.trading.turns import Act, Side

HOUR = timedelta(hours=1)
OWNER = "sam@scheldt.example"


async def play(sessions: Sessions, now: datetime) -> None:
    """Wen's company holds a stone, has bought another, and waits for the word on a third."""
    async with sessions() as session:
        noor = await people.actor(session, "noor@pavilion.example")
        wen, sam = await people.actor_for(session, LUMEN), await people.actor(session, OWNER)
        company = await session.get_one(Company, wen.company_id)
        free = await sales.free_stones(session, noor, jewels=False, most=500)
        closed = await eligibility.closed(session, free, now.date(), [company.country])
        own = select(Stone.public_id).where(
            Stone.availability == "subject_to_prior_sale",
            Stone.supplier_company_id == sam.company_id,
            Stone.price_total_minor > 0,
            Stone.public_id.in_(free),
        )
        ready = [
            one for one in await session.scalars(own.order_by(Stone.id.desc())) if company.country not in closed[one]
        ]
    if len(ready) < 5:
        return
    held, bought, asked, bargained, offered = ready[:5]
    await _hold(sessions, held, wen, now - 2 * HOUR)
    order = await _buy(sessions, bought, wen, company.country, now - 5 * HOUR)
    async with sessions.begin() as session:
        assert sam.company_id is not None
        await placing.answer(
            session, order=order, yes=True, reason="", company_id=sam.company_id, actor=sam, now=now - 4 * HOUR
        )
    await _buy(sessions, asked, wen, company.country, now - HOUR)
    while await ordered.follow(sessions, now - HOUR):
        pass
    offer = await _offer(sessions, bargained, wen, company.country, 8_500, now - 3 * HOUR)
    async with sessions.begin() as session:
        row = (await session.scalars(select(Offer).where(Offer.public_id == offer))).one()
        await offering.answer(
            session, offer=offer, side=Side.SELLER, act=Act.COUNTER, round_=1, price_minor=row.price_minor * 108 // 100,
            days=3, terms="Payment within five business days.", actor=sam, now=now - HOUR,
        )  # fmt: skip
    await _offer(sessions, offered, wen, company.country, 9_000, now - 2 * HOUR)


async def _offer(sessions: Sessions, stone: str, who: Actor, destination: str, share_bp: int, at: datetime) -> str:
    """At this share of the asking price, in whole hundreds."""
    async with sessions.begin() as session:
        row = (await session.scalars(visible_to(HOUSE).where(Stone.public_id == stone))).one()
        price = max((row.price_total_minor or 0) * share_bp // 10_000 // 10_000, 1) * 10_000
        made = await offering.make(
            session, stones=[stone], seen=row.seq, price_minor=price, days=5, terms="", destination=destination,
            key=f"demo-{stone}", actor=who, now=at,
        )  # fmt: skip
        return made.public_id


async def _hold(sessions: Sessions, stone: str, who: Actor, at: datetime) -> None:
    async with sessions.begin() as session:
        assert who.company_id is not None
        row = (await session.scalars(visible_to(HOUSE).where(Stone.public_id == stone))).one()
        await holding.ask(
            session, stone=stone, seen=row.seq, company_id=who.company_id, key=f"demo-{stone}", actor=who, now=at
        )


async def _buy(sessions: Sessions, stone: str, who: Actor, destination: str, at: datetime) -> str:
    async with sessions.begin() as session:
        assert who.company_id is not None
        row = (await session.scalars(visible_to(HOUSE).where(Stone.public_id == stone))).one()
        order = await placing.place_order(
            session, company_id=who.company_id, destination=destination,
            lines=[Line(stone, row.seq, row.price_total_minor or 0)], source=OrderSource.BUY_NOW, source_ref=None,
            key=f"demo-{stone}", actor=who, now=at,
        )  # fmt: skip
        return order.public_id
