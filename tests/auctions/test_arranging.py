"""The order as a whole: sorted, sent under headings, taken back, and told lot by lot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from pavilion.auctions import arranging, board, changes, curation, ranks
from pavilion.auctions.changes import LotsChanged
from pavilion.auctions.models import Command, Lot, LotGroup, LotMove
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound
from pavilion.kernel.events import Event
from tests.auctions import world
from tests.auctions.test_curation import snapshot
from tests.make import NOON


async def drafted(sessions, count=6):
    house = await world.build(sessions, count)
    sale = await world.draft(sessions, house)
    return house, sale, await world.order(sessions, sale)


async def act(sessions, verb, sale, house, **said):
    async with sessions.begin() as session:
        return await verb(session, sale=sale, actor=house.curator, now=NOON, **said)


async def headed(sessions, house, sale, *groups):
    """A heading for each list of lots, and their ids."""
    found = []
    for n, lots in enumerate(groups):
        one = await act(sessions, arranging.name_group, sale, house, names=(f"Part {n + 1}", f"第 {n + 1} 部分"))
        found.append(one.id)
        await act(sessions, arranging.send_lots, sale, house, lots=lots, to=str(one.id))
    return found


async def under(sessions, sale):
    """Each lot in running order with its heading."""
    async with sessions() as session:
        rows = await session.execute(
            select(Lot.public_id, Lot.group_id).where(Lot.sale.has(public_id=sale)).order_by(Lot.rank)
        )
        return [tuple(row) for row in rows]


@given(st.permutations([f"{n:02}1" for n in range(12)]))
def test_any_order_is_written_with_as_few_keys_as_can_be(keys):
    fresh = ranks.keys_for_order(keys)
    after = [fresh.get(at, key) for at, key in enumerate(keys)]
    assert after == sorted(set(after)) and all(map(ranks.well_formed, after))
    kept = [key for at, key in enumerate(keys) if at not in fresh]
    longest = max(sum(1 for _ in run) for run in rising_runs(keys))
    assert kept == sorted(kept) and len(kept) == longest


def rising_runs(keys):
    best = []
    for at, key in enumerate(keys):
        best.append([*max((run for run in best if run[-1] < key), key=len, default=[]), key])
        assert at + 1 == len(best)
    return best


async def test_an_order_is_taken_over_as_one_command_told_lot_by_lot_and_taken_back(sessions):
    house, sale, lots = await drafted(sessions)
    before = await snapshot(sessions, sale)
    await act(sessions, arranging.arrange_lots, sale, house, order=lots[::-1], kind="arrange")
    assert await world.order(sessions, sale) == lots[::-1]
    async with sessions() as session:
        command = await session.scalar(select(Command).order_by(Command.id.desc()).limit(1))
        moves = await session.scalar(select(func.count()).where(LotMove.from_key.is_not(None)))
        told = await session.scalar(select(func.count()).where(Event.name == "lot:moved"))
    assert command.kind == "arrange" and len(command.changes) == moves == 5, "one of six can stay where it is"
    assert told == len(lots) + 5, "each lot came to its place once before"
    await act(sessions, changes.undo, sale, house, command=command.id)
    assert await snapshot(sessions, sale) == before


async def test_an_order_of_other_lots_than_the_sale_holds_is_refused(sessions):
    house, sale, lots = await drafted(sessions, 3)
    with pytest.raises(LotsChanged):
        await act(sessions, arranging.arrange_lots, sale, house, order=lots[:2], kind="arrange")


async def test_lots_are_sorted_by_several_fields_and_a_pinned_one_stays(sessions):
    house, sale, (a, b, c, d, e, f) = await drafted(sessions)
    async with sessions.begin() as session:
        by_id = {lot.public_id: lot for lot in await session.scalars(select(Lot))}
        edits = {lot: (by_id[lot].version, {"low_minor": low}) for lot, low in ((b, 600_000), (d, 600_000))}
        edits[f] = (by_id[f].version, {"pinned": True})
        await curation.edit_lots(session, sale=sale, edits=edits, actor=house.curator, now=NOON)
    await act(sessions, arranging.sort_lots, sale, house, by=["-estimate", "-weight"])
    assert await world.order(sessions, sale) == [d, b, e, c, a, f]
    await act(sessions, arranging.sort_lots, sale, house, by=["weight"], lots=[d, e, a])
    assert await world.order(sessions, sale) == [a, b, d, c, e, f], "the chosen share the places they had"
    for by in ([], ["price"], ["weight"] * 5):
        with pytest.raises(BadInput):
            await act(sessions, arranging.sort_lots, sale, house, by=by)


async def test_lots_stand_under_headings_and_take_the_heading_where_they_land(sessions):
    house, sale, (a, b, c, d, e, f) = await drafted(sessions)
    one, two = await headed(sessions, house, sale, [e, f], [b])
    assert await under(sessions, sale) == [(a, None), (c, None), (d, None), (e, one), (f, one), (b, two)]
    await act(sessions, curation.move_lots, sale, house, lots=[a], position=3)  # between e and f
    assert await under(sessions, sale) == [(c, None), (d, None), (e, one), (a, one), (f, one), (b, two)]
    await act(sessions, curation.move_lots, sale, house, lots=[f], position=0)  # before c: no heading there
    assert (await under(sessions, sale))[0] == (f, None)
    await act(sessions, curation.move_lots, sale, house, lots=[e, a], position=1)  # a whole heading moves as it is
    assert await under(sessions, sale) == [(f, None), (e, one), (a, one), (c, None), (d, None), (b, two)]
    await act(sessions, arranging.send_lots, sale, house, lots=[a], to="none")
    await act(sessions, arranging.send_lots, sale, house, lots=[d, c], to="front")
    assert (await under(sessions, sale))[:2] == [(c, None), (d, None)]
    await act(sessions, arranging.send_lots, sale, house, lots=[c], to="back")
    assert (await under(sessions, sale))[-1] == (c, two)


async def test_sorting_keeps_every_lot_under_its_heading(sessions):
    house, sale, (a, b, c, d, e, f) = await drafted(sessions)
    one, two = await headed(sessions, house, sale, [a, b, c], [d, e, f])
    await act(sessions, arranging.sort_lots, sale, house, by=["-weight"])
    assert await under(sessions, sale) == [(c, one), (b, one), (a, one), (f, two), (e, two), (d, two)]


async def test_a_heading_with_lots_is_not_removed_and_an_undo_needs_the_heading_it_goes_back_to(sessions):
    house, sale, (a, *_) = await drafted(sessions, 2)
    (one,) = await headed(sessions, house, sale, [a])
    with pytest.raises(ActNotAllowed):
        await act(sessions, arranging.remove_group, sale, house, group=str(one))
    with pytest.raises(arranging.HeadingTaken):
        await act(sessions, arranging.name_group, sale, house, names=("Part 1", "又一"))
    await act(sessions, arranging.name_group, sale, house, names=("Whites", "白钻"), group=str(one))
    await act(sessions, arranging.send_lots, sale, house, lots=[a], to="none")
    async with sessions() as session:
        command = await session.scalar(select(func.max(Command.id)))
    await act(sessions, arranging.remove_group, sale, house, group=str(one))
    with pytest.raises(LotsChanged):
        await act(sessions, changes.undo, sale, house, command=command)
    with pytest.raises(NotFound):
        await act(sessions, arranging.send_lots, sale, house, lots=[a], to=str(one))


async def test_the_headings_of_a_published_sale_stand(sessions):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    (one,) = await headed(sessions, house, sale, (await world.order(sessions, sale))[:1])
    await world.decide(sessions, await world.proposed(sessions, house, sale), house.lead)
    for change in (
        LotGroup.__table__.update().values(name_en="Other"),
        LotGroup.__table__.delete(),
        Lot.__table__.update().values(group_id=None),
    ):
        with pytest.raises(DBAPIError):
            async with sessions.begin() as session:
                await session.execute(change)
    async with sessions() as session:
        shown = await board.board_of(session, sale, house.keeper, NOON)
    assert sorted(str(line.lot.group_id) for line in shown.lots) == sorted([str(one), "None"])
