"""A collection is bought lot by lot: the first committed order wins, and with the last lot it closes."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import select

from pavilion.auctions.models import Lot, Sale
from pavilion.catalogue.models import StoneCommitment
from pavilion.catalogue.service import NotAvailable, PriceChanged
from pavilion.kernel.errors import NotFound
from pavilion.settlement import ordered
from pavilion.settlement.models import Invoice
from pavilion.trading import collections
from pavilion.trading.models import Order
from tests.auctions import world
from tests.make import HOUR, NOON

PRICE = 400_000
OPEN = NOON + 2 * HOUR


@pytest.fixture
async def sale(sessions):
    made = await world.build(sessions, 2)
    number = await world.draft(sessions, made, type="collection", increments=[], first_close_at=None)
    await world.decide(sessions, await world.proposed(sessions, made, number), made.lead)
    return number


async def buy(sessions, who, lot, price=PRICE, now=OPEN, key=None, seen=None):
    async with sessions() as session:
        version = await session.scalar(select(Lot.version).where(Lot.public_id == lot))
    async with sessions.begin() as session:
        return await collections.buy_lot(
            session, lot=lot, seen=seen or version, price_minor=price, company_id=who.company_id, destination="HK",
            key=key or uuid4().hex, actor=who, now=now,
        )  # fmt: skip


async def states(sessions, model=Lot):
    async with sessions() as session:
        return [row.state for row in await session.scalars(select(model).order_by(model.id))]


async def test_of_many_buyers_the_first_committed_order_wins_and_the_last_lot_closes(sessions, sale):
    first, second = await world.order(sessions, sale)
    crowd = [await world.buyer(sessions, number) for number in range(1, 5)]
    answers = await asyncio.gather(*(buy(sessions, who, first) for who in crowd), return_exceptions=True)
    assert sorted(type(one).__name__ for one in answers) == ["NotAvailable"] * 3 + ["Order"]
    assert await states(sessions) == ["sold", "listed"]
    order = await buy(sessions, crowd[0], second, key="k")
    assert (await buy(sessions, crowd[0], second, key="k")).id == order.id
    assert (await states(sessions), await states(sessions, Sale)) == (["sold", "sold"], ["closed"])
    while await ordered.follow(sessions, OPEN):
        pass
    async with sessions() as session:
        live = await session.scalars(select(StoneCommitment).where(StoneCommitment.released_at.is_(None)))
        assert {one.kind for one in live} == {"sold"}
        assert set(await session.scalars(select(Order.state))) == {"invoiced"}
        assert set(await session.scalars(select(Invoice.total_minor))) == {PRICE}


async def test_a_lot_is_bought_at_its_price_once_the_collection_is_open(sqlite_sessions):
    made = await world.build(sqlite_sessions, 1)
    number = await world.draft(sqlite_sessions, made, type="collection", increments=[], first_close_at=None)
    (lot,) = await world.order(sqlite_sessions, number)
    who = await world.buyer(sqlite_sessions)
    with pytest.raises(NotFound):
        await buy(sqlite_sessions, who, lot)
    await world.decide(sqlite_sessions, await world.proposed(sqlite_sessions, made, number), made.lead)
    with pytest.raises(NotAvailable):
        await buy(sqlite_sessions, who, lot, now=NOON)
    with pytest.raises(PriceChanged):
        await buy(sqlite_sessions, who, lot, price=PRICE - 1)
    assert await states(sqlite_sessions) == ["listed"]
