"""Storing stones in bulk, showing and withdrawing them, and promising each to one thing at a time."""

import asyncio

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from pavilion.catalogue import awaiting, replacing, service
from pavilion.catalogue.models import AwaitedStone, CommitmentKind, Stone
from tests import make
from tests.catalogue import stones
from tests.make import HOUR, NOON

LOT, OTHER_LOT = "01KJQ6PSG0HV0AR049QXJ3GC01", "01KJQ6PSG0HV0AR049QXJ3GC02"


async def stored_by(sessions, rows, now=NOON):
    async with sessions.begin() as session:
        return await service.store_stones(session, rows, supplier_company_id=1, now=now)


@pytest.fixture
async def firm(sessions):
    async with sessions.begin() as session:
        return await make.company(session)


async def the(sessions, public_id):
    async with sessions() as session:
        return await session.scalar(select(Stone).where(Stone.public_id == public_id))


async def promised(sessions, stone, ref, kind=CommitmentKind.IN_SALE):
    async with sessions.begin() as session:
        return await service.commit_stone(session, stone=stone, kind=kind, ref=ref, facts={}, by=None, now=NOON)


async def listed(sessions, count=1):
    async with sessions.begin() as session:
        return await stones.listed(session, [stones.row(number) for number in range(1, count + 1)], 1)


async def test_a_stone_is_one_stone_however_its_number_is_spelt(sessions, firm):
    (first,) = await stored_by(sessions, [stones.row(stock_no="pv-1")])
    (again,) = await stored_by(sessions, [stones.row(stock_no="PV-1", color="H")])
    assert (first.change, again.change) == ("added", "changed")
    assert first.public_id == again.public_id and again.seq > first.seq
    assert (await the(sessions, first.public_id)).color == "H"


async def test_the_same_row_again_changes_nothing(sessions, firm):
    (first,) = await stored_by(sessions, [stones.row()])
    (again,) = await stored_by(sessions, [stones.row()], now=NOON + HOUR)
    assert (again.change, again.seq) == ("unchanged", first.seq)
    assert (await the(sessions, first.public_id)).updated_at == NOON


async def test_what_a_row_does_not_name_stays(sessions, firm):
    (stone,) = await stored_by(sessions, [stones.row(city="Antwerp")])
    await stored_by(sessions, [{"stock_no": stones.row()["stock_no"], "color": "J"}])
    kept = await the(sessions, stone.public_id)
    assert (kept.color, kept.city, kept.weight_mct) == ("J", "Antwerp", 1020)


async def test_the_other_price_and_the_ratio_follow_from_the_row(sessions, firm):
    each = stones.row(1, weight_mct=1270, price_per_carat_minor=695_000, length_um=7000, width_um=5000)
    total = stones.row(2, weight_mct=1270, price_per_carat_minor=None, price_total_minor=882_650)
    first, second = await stored_by(sessions, [each, total])
    one, two = await the(sessions, first.public_id), await the(sessions, second.public_id)
    assert (one.price_total_minor, one.ratio) == (882_650, 140)
    assert two.price_per_carat_minor == 695_000


async def test_storing_shows_nothing(sessions, firm):
    (stone,) = await stored_by(sessions, [stones.row()])
    async with sessions.begin() as session:
        assert await service.expose_stones(session, [stone.public_id], now=NOON) == set()
    assert not (await the(sessions, stone.public_id)).listed


async def test_a_report_is_listed_once(sessions, firm):
    twice = [stones.row(1, report_no="1"), stones.row(2, report_no="1")]
    async with sessions.begin() as session:
        stored = await service.store_stones(session, twice, supplier_company_id=1, now=NOON)
        both = [stone.public_id for stone in stored]
        await stones.expose(session, both)
        assert await service.expose_stones(session, both, now=NOON) == {both[0]}
        assert await service.expose_stones(session, both[1:], now=NOON) == set()


async def test_the_database_shows_no_stone_that_is_not_exposed(sessions, firm):
    (stone,) = await stored_by(sessions, [stones.row()])
    with pytest.raises(IntegrityError):
        async with sessions.begin() as session:
            kept = await session.scalar(select(Stone).where(Stone.public_id == stone.public_id))
            kept.exposed_id = kept.public_id


async def test_a_withdrawn_stone_comes_back_with_the_next_file(sessions, firm):
    (stone,) = await listed(sessions)
    async with sessions.begin() as session:
        await service.withdraw_stones(session, supplier_company_id=1, stock_nos=[stone.stock_no], by=None, now=NOON)
    assert not (await the(sessions, stone.public_id)).listed
    await stored_by(sessions, [stones.row()])
    assert (await the(sessions, stone.public_id)).listed


async def test_a_promised_stone_is_not_withdrawn(sessions, firm):
    first, second = await listed(sessions, 2)
    await promised(sessions, first.public_id, LOT)
    async with sessions.begin() as session:
        gone = await service.withdraw_stones(
            session, supplier_company_id=1, stock_nos=[first.stock_no, second.stock_no], by=None, now=NOON
        )
    assert gone == [second.public_id]


async def test_a_stone_that_somebody_will_come_to_see_is_not_withdrawn_by_a_file(sessions, firm):
    (stone,) = await listed(sessions)
    for until in (NOON + 2 * HOUR, NOON + HOUR):
        async with sessions.begin() as session:
            await awaiting.await_stones(session, [stone.public_id], until)

    async def withdrawn(now):
        async with sessions.begin() as session:
            missing = await replacing.missing_stock_nos(session, 1, (), now)
            numbers = [stone.stock_no]
            gone = await service.withdraw_stones(session, supplier_company_id=1, stock_nos=numbers, by=None, now=now)
            return missing, gone

    assert await withdrawn(NOON + HOUR) == ([], [])
    async with sessions.begin() as session:
        await awaiting.awaited_until(session, {stone.public_id: NOON + HOUR}, now=NOON)
        assert await session.scalar(select(AwaitedStone.until)) == NOON + HOUR
        await awaiting.awaited_until(session, {stone.public_id: None}, now=NOON)
    assert await withdrawn(NOON) == ([stone.stock_no.casefold()], [stone.public_id])


async def test_a_stone_is_promised_once_and_to_one_thing(sessions, firm):
    (stone,) = await listed(sessions)
    first = await promised(sessions, stone.public_id, LOT)
    assert (await promised(sessions, stone.public_id, LOT)).id == first.id
    with pytest.raises(service.NotAvailable) as refused:
        await promised(sessions, stone.public_id, OTHER_LOT, CommitmentKind.HELD)
    assert refused.value.facts["reason"] == "in_sale"


async def test_a_released_stone_may_be_promised_again_and_a_sold_one_not(sessions, firm):
    (stone,) = await listed(sessions)
    await promised(sessions, stone.public_id, LOT)
    async with sessions.begin() as session:
        assert await service.release_stone(session, stone=stone.public_id, ref=LOT, by=None, now=NOON)
        assert not await service.release_stone(session, stone=stone.public_id, ref=LOT, by=None, now=NOON)
    await promised(sessions, stone.public_id, OTHER_LOT)
    async with sessions.begin() as session:
        assert await service.sell_stone(session, stone=stone.public_id, ref=OTHER_LOT, by=None, now=NOON)
    with pytest.raises(service.NotAvailable):
        await promised(sessions, stone.public_id, LOT)


async def test_a_stone_that_is_not_listed_cannot_be_promised(sessions, firm):
    (stone,) = await stored_by(sessions, [stones.row()])
    with pytest.raises(service.NotAvailable):
        await promised(sessions, stone.public_id, LOT)


async def test_of_two_who_want_a_stone_at_once_one_gets_it(sessions, firm):
    (stone,) = await listed(sessions)
    wanted = [promised(sessions, stone.public_id, ref) for ref in (LOT, OTHER_LOT)]
    outcomes = await asyncio.gather(*wanted, return_exceptions=True)
    assert sum(isinstance(outcome, service.NotAvailable) for outcome in outcomes) == 1
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
