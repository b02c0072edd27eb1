"""Who is told of holds and orders, in the reader's language, and what nobody is told."""

import pytest
from sqlalchemy import select

from pavilion.accounts import strikes
from pavilion.accounts.models import Person
from pavilion.catalogue import service as catalogue
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import trade_notices
from pavilion.notifications.rules import Channel
from pavilion.notifications.wording import Author
from pavilion.settlement import ordered
from pavilion.trading import holding, jobs, queueing
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests.catalogue import stones as listing
from tests.make import HOUR, NOON
from tests.trading.market import Market

AUTHOR = Author(pages_of(static.frontend()), "https://pavilion.example", b"secret")
DAY = 24 * HOUR


@pytest.fixture
async def market(sqlite_sessions):
    return await Market(sqlite_sessions).open()


async def told(market, now=NOON):
    """(reader, subject, text) of what was told and still holds."""
    hearing = trade_notices.hearing(market.sessions)
    while await hearing.tick(now):
        pass
    found = []
    async with market.sessions() as session:
        rows = (await session.scalars(select(Outbox).where(Outbox.kind == Channel.MAIL).order_by(Outbox.id))).all()
        for row in rows:
            said = await AUTHOR.worded(session, row.payload, Channel.MAIL)
            if said is not None:
                found.append((said.address.partition("@")[0], said.subject, " ".join(said.lines)))
    return found


async def test_an_order_is_told_to_its_owner_and_the_answer_to_its_buyer(market):
    async with market.sessions.begin() as session:
        (await session.scalars(select(Person).where(Person.email == "sam@scheldt.example"))).one().lang = "zh"
    order = await market.buy()
    ((who, subject, text),) = await told(market)
    assert (who, subject) == ("sam", "您的裸石有新订单") and "1.02\u00a0克拉" in text and "lumen" not in text
    await market.answer(order, yes=True)
    assert [(who, subject) for who, subject, _ in await told(market)] == [
        ("wen", f"Order {order.public_id[-6:]} is confirmed")
    ]


async def test_a_buyer_hears_that_an_order_waits_for_a_person(market):
    order = await market.buy()
    await market.answer(order, yes=True)
    async with market.sessions.begin() as session:
        await listing.revoke(session, market.stones[0])
    while await ordered.follow(market.sessions, NOON):
        pass
    assert ("wen", f"Order {order.public_id[-6:]} waits") in {(who, subject) for who, subject, _ in await told(market)}


async def test_who_waited_is_told_when_it_is_the_turn_and_who_held_that_it_ended(market):
    await market.hold()
    other = await market.buyer("ilse@vandael.example")
    async with market.sessions.begin() as session:
        stone = await session.get_one(holding.Stone, 1)
        await queueing.wait(session, stone=stone, company_id=other.company_id, actor=other, now=NOON)
    assert await told(market) == []  # what is granted at once needs no letter
    await jobs.tick(market.sessions, NOON + DAY)
    said = {(who, subject) for who, subject, _ in await told(market, NOON + DAY)}
    assert said == {("wen", "Your hold has ended"), ("ilse", "It is your turn")}


async def test_a_letter_calls_a_stone_that_is_shown_no_more_as_it_was_called_then(market):
    await market.hold()
    async with market.sessions.begin() as session:
        await listing.revoke(session, market.stones[0])
        changed = [{"stock_no": "PV-000001", "weight_mct": 9_990}]
        await catalogue.store_stones(session, changed, supplier_company_id=market.seller, now=NOON + HOUR)
    await jobs.tick(market.sessions, NOON + DAY)
    ((_, _, text),) = await told(market, NOON + DAY)
    assert "1.02" in text and "9.99" not in text and market.stones[0] not in text


async def test_an_owner_is_asked_and_the_asker_hears_the_answer(market):
    async with market.sessions.begin() as session:
        await strikes.strike(session, company_id=market.wen.company_id, invoice="INV-1", now=NOON)
    hold = await market.hold()
    assert [who for who, *_ in await told(market)] == ["sam"]
    await market.act(holding.answer, hold, market.sam, yes=True, now=NOON + HOUR)
    assert [(who, subject) for who, subject, _ in await told(market, NOON + HOUR)] == [
        ("wen", "The stone is held for you")
    ]
