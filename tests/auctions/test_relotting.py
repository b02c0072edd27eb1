"""Lots of a draft are split and merged by new lots, in one command that can be taken back to the same lots."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select

from pavilion.auctions import changes, relotting
from pavilion.auctions.changes import facts_of
from pavilion.auctions.models import Command, Lot
from pavilion.auctions.queries import stones_by_lot
from tests.auctions import world
from tests.auctions.test_pages import house as house
from tests.make import NOON


async def standing(sessions, sale):
    """Every lot in order, with all it says and its stones."""
    async with sessions() as session:
        lots: Sequence[Lot] = (
            await session.scalars(select(Lot).where(Lot.sale.has(public_id=sale)).order_by(Lot.rank))
        ).all()
        stones = await stones_by_lot(session, [lot.id for lot in lots])
        return [(lot.public_id, facts_of(lot), [one.public_id for one in stones[lot.id]]) for lot in lots]


async def take_back(sessions, found, sale):
    async with sessions.begin() as session:
        last = await session.scalar(select(Command.id).order_by(Command.id.desc()).limit(1))
        await changes.undo(session, sale=sale, command=last, actor=found.curator, now=NOON)


async def test_lots_are_merged_then_split_and_each_step_taken_back_restores_the_same_lots(sessions):
    found = await world.build(sessions, 4)
    sale = await world.draft(sessions, found)
    first = await standing(sessions, sale)
    chosen = [first[1][0], first[2][0]]
    async with sessions.begin() as session:
        await relotting.merge_lots(session, sale=sale, lots=chosen, actor=found.curator, now=NOON)
    merged = await standing(sessions, sale)
    assert len(merged) == 3 and merged[1][0] not in {lot for lot, _, _ in first}
    assert merged[1][2] == found.stones[1:3] and merged[1][1]["number"] == 12
    assert (merged[1][1]["low_minor"], merged[1][1]["opening_minor"]) == (1_000_000, 800_000)
    assert merged[1][1]["text_en"] == "Bright and well cut."
    async with sessions.begin() as session:
        await relotting.split_lots(session, sale=sale, lots=[merged[1][0]], actor=found.curator, now=NOON)
    split = await standing(sessions, sale)
    assert [stones for _, _, stones in split] == [[one] for one in found.stones]
    assert [facts["number"] for _, facts, _ in split] == [11, 12, None, 14]
    assert split[1][1]["low_minor"] is None and len({lot for lot, _, _ in split} & {lot for lot, _, _ in first}) == 2
    await take_back(sessions, found, sale)
    assert await standing(sessions, sale) == merged
    async with sessions.begin() as session:
        done = await session.scalar(select(Command.id).where(Command.kind == "merge"))
        await changes.undo(session, sale=sale, command=done, actor=found.curator, now=NOON)
    assert await standing(sessions, sale) == first


async def test_one_stone_is_not_split_one_lot_not_merged_and_a_published_sale_neither(sessions):
    found = await world.build(sessions, 2)
    sale = await world.draft(sessions, found)
    lots = await world.order(sessions, sale)
    facts = {"sale": sale, "actor": found.curator, "now": NOON}
    async with sessions() as session:
        with pytest.raises(relotting.OneStone):
            await relotting.split_lots(session, lots=lots, **facts)
        with pytest.raises(relotting.OneLot):
            await relotting.merge_lots(session, lots=[lots[0], lots[0]], **facts)
    await world.decide(sessions, await world.proposed(sessions, found, sale), found.lead)
    async with sessions() as session:
        with pytest.raises(changes.ActNotAllowed):
            await relotting.merge_lots(session, lots=lots, **facts)


async def test_the_board_merges_and_splits_without_script_and_says_why_not(house):
    found = await world.build(house.sessions, 2)
    sale = await world.draft(house.sessions, found)
    lots = await world.order(house.sessions, sale)
    async with await house.browser("noor@pavilion.example") as browser:
        refused = await browser.post(f"/staff/sales/{sale}/splitting", data={"lot": lots})
        assert refused.status_code == 409 and "cannot be split" in refused.text
        merged = await browser.post(f"/staff/sales/{sale}/merging", data={"lot": lots}, follow_redirects=True)
        assert merged.status_code == 200 and "Undo: Lots merged" in merged.text and "2 stones" in merged.text
        (lot,) = await world.order(house.sessions, sale)
        await browser.post(f"/staff/sales/{sale}/splitting", data={"lot": [lot]})
    assert len(await world.order(house.sessions, sale)) == 2
