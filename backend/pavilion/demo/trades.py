"""Stones traded before the doors open: one held, one bought and confirmed, one whose owner is asked; for two more
Wen has offered, and one offer has its counter-offer. Three more are on memo: asked for, approved, and out."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select

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
from pavilion.trading import holding, memo_desk, memoing, offering, placing
from pavilion.trading.memo_rules import DAYS
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
    if len(ready) >= 8:
        await _lend(sessions, ready[5:8], wen, sam, company.country, now)
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


async def _lend(
    sessions: Sessions, stones: Sequence[str], wen: Actor, sam: Actor, destination: str, now: datetime
) -> None:
    """Wen's company, which the house trusts with a limit, asks for one stone, may fetch another, and has a third."""
    vic = await _desk(sessions)
    async with sessions.begin() as session:
        wanted = visible_to(HOUSE).with_only_columns(func.sum(Stone.price_total_minor))
        company = await session.get_one(Company, wen.company_id)
        company.trade_limit_minor = 3 * int(await session.scalar(wanted.where(Stone.public_id.in_(stones))) or 0)
    for stone, days_ago, steps in zip(stones, (0, 1, 4), (0, 1, 2), strict=True):
        at = now - timedelta(days=days_ago) - 3 * HOUR
        async with sessions.begin() as session:
            row = (await session.scalars(visible_to(HOUSE).where(Stone.public_id == stone))).one()
            memo = await memoing.ask(
                session, stones=[stone], seen=row.seq, days=DAYS, destination=destination, key=f"demo-{stone}",
                actor=wen, now=at,
            )  # fmt: skip
        if steps:
            async with sessions.begin() as session:
                assert sam.company_id is not None
                await memoing.approve(
                    session, memo=memo.public_id, insured_minor=None, company_id=sam.company_id, actor=sam,
                    now=at + HOUR,
                )  # fmt: skip
        if steps > 1:
            async with sessions.begin() as session:
                await memo_desk.hand_out(
                    session, memo=memo.public_id, weights={stone: row.weight_mct}, to="Wen Zhao, passport seen",
                    actor=vic, now=at + 2 * HOUR,
                )  # fmt: skip


async def _desk(sessions: Sessions) -> Actor:
    async with sessions() as session:
        return await people.actor(session, "vic@pavilion.example")


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
