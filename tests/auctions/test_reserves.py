"""Reserves stand sealed: in the lot, in the history of what was changed, through undo, publication and its way back."""

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from pavilion.accounts.rules import Role
from pavilion.auctions import bulk, changes, curation, publishing, queries
from pavilion.auctions.board import board_of, bulk_lots, sale_of
from pavilion.auctions.models import Command, Lot
from pavilion.auctions.reserves import reserve_of
from pavilion.kernel.errors import BadInput, NotAllowed
from tests import make
from tests.auctions import world
from tests.make import NOON


async def house_of(sessions, lots=1):
    """A draft of so many lots."""
    made = await world.build(sessions, lots)
    return made, await world.draft(sessions, made)


async def reserves(sessions, sale):
    async with sessions() as session:
        lots = await session.scalars(select(Lot).where(Lot.sale.has(public_id=sale)).order_by(Lot.rank))
        return [reserve_of(session, lot) for lot in lots]


async def latest(sessions):
    async with sessions() as session:
        return await session.scalar(select(Command).order_by(Command.id.desc()).limit(1))


async def undo(sessions, sale, command, actor):
    async with sessions.begin() as session:
        await changes.undo(session, sale=sale, command=command.id, actor=actor, now=NOON)


async def test_the_lot_and_its_history_keep_the_sealed_form_alone(sessions):
    made, sale = await house_of(sessions)
    await world.reserved(sessions, made, sale, {0: 425_000})
    await world.reserved(sessions, made, sale, {0: 450_000})
    assert await reserves(sessions, sale) == [450_000]
    async with sessions() as session:
        rows = (await session.execute(text("select reserve_minor, reserve_sealed from lots"))).all()
        told = str((await session.execute(text("select changes from curation_commands"))).all())
        told += str((await session.execute(text("select facts from events"))).all())
    assert [minor for minor, _ in rows] == [None] and rows[0].reserve_sealed in told
    assert not any(figure in told for figure in ("450000", "425000", "reserve_minor"))


async def test_saying_what_stands_is_no_change(sessions):
    made, sale = await house_of(sessions)
    await world.reserved(sessions, made, sale, {0: 425_000})
    before = await latest(sessions)
    await world.reserved(sessions, made, sale, {0: 425_000})
    assert (await latest(sessions)).id == before.id


async def test_each_change_is_taken_back_to_the_very_amount(sessions):
    made, sale = await house_of(sessions)
    await world.reserved(sessions, made, sale, {0: 425_000})
    first = await latest(sessions)
    await world.reserved(sessions, made, sale, {0: 450_000})
    second = await latest(sessions)
    with pytest.raises(NotAllowed):
        await undo(sessions, sale, second, made.lead)  # takes back what others did, but not a reserve
    with pytest.raises(changes.LotsChanged):
        await undo(sessions, sale, first, made.keeper)
    await world.reserved(sessions, made, sale, {0: 425_000})  # sealed anew, and yet what the first command left
    await undo(sessions, sale, first, made.keeper)
    assert await reserves(sessions, sale) == [None]


async def test_a_removed_lot_comes_back_with_its_reserve(sessions):
    made, sale = await house_of(sessions, 2)
    await world.reserved(sessions, made, sale, {0: 425_000, 1: 450_000})
    lots = await world.order(sessions, sale)
    async with sessions.begin() as session:
        await curation.remove_lots(session, sale=sale, lots=lots[:1], actor=made.curator, now=NOON)
    assert await reserves(sessions, sale) == [450_000]
    await undo(sessions, sale, await latest(sessions), made.curator)
    assert await reserves(sessions, sale) == [425_000, 450_000]


async def test_a_bulk_change_sets_and_clears_reserves_for_those_with_the_right(sessions):
    made, sale = await house_of(sessions, 2)
    lots = await world.order(sessions, sale)

    async def apply(act, percent):
        async with sessions.begin() as session:
            row = await sale_of(session, sale, drafts=True)
            found = await bulk_lots(session, row, lots, made.keeper)
            lines = bulk.propose(act, percent, percent, found, row.increments)
            edits = {line.lot: (line.version, line.new) for line in lines}
            await curation.edit_lots(session, sale=sale, edits=edits, kind=act, actor=made.keeper, now=NOON)
            return [line.old["reserve_minor"] for line in lines]

    assert await apply(bulk.Act.RESERVE, 90) == [None, None]
    assert await reserves(sessions, sale) == [450_000, 450_000]
    assert await apply(bulk.Act.NO_RESERVE, 0) == [450_000, 450_000]
    assert await reserves(sessions, sale) == [None, None]


async def test_the_board_opens_reserves_for_the_right_alone(sessions):
    made, sale = await house_of(sessions, 2)
    await world.reserved(sessions, made, sale, {0: 425_000})
    async with sessions.begin() as session:
        desk = await make.actor(session, "rosa@pavilion.example", (Role.RESERVE,))
        for actor, seen in ((made.keeper, 425_000), (desk, 425_000), (made.curator, None), (made.lead, None)):
            shown = await board_of(session, sale, actor, NOON)
            assert [line.reserve_minor for line in shown.lots] == [seen, None]
            row = await sale_of(session, sale, drafts=True)
            lots = [line.lot.public_id for line in shown.lots]
            assert [lot.reserve for lot in await bulk_lots(session, row, lots, actor)] == [seen, None]


@pytest.mark.parametrize("amount", [0, -5, 10**15])
async def test_what_is_no_amount_is_no_reserve(sqlite_sessions, amount):
    made, sale = await house_of(sqlite_sessions)
    with pytest.raises(BadInput) as refused:
        await world.reserved(sqlite_sessions, made, sale, {0: amount})
    assert refused.value.facts["fields"] == {"reserve": "amount_invalid"}


@pytest.mark.parametrize(("amount", "fault"), [(375_000, "opening_above_reserve"), (550_000, "reserve_above_low")])
async def test_a_reserve_out_of_order_bars_the_publication(sessions, amount, fault):
    """What the database compared while it could is kept by the program, in both halves of the publication."""
    made, sale = await house_of(sessions)
    proposal = await world.proposed(sessions, made, sale)
    await world.reserved(sessions, made, sale, {0: amount})
    with pytest.raises(publishing.NotReady) as refused:
        await world.proposed(sessions, made, sale)
    assert refused.value.facts["codes"] == ["invariant_broken"]
    async with sessions() as session:
        row = await sale_of(session, sale, drafts=True)
        found = (await publishing.readiness_of(session, row, NOON)).blocks
    assert [(one.code, one.fact) for one in found] == [("invariant_broken", fault)]
    async with sessions.begin() as session:  # nor was it agreed on before
        await session.execute(text("update proposals set state = 'open'"))
    with pytest.raises(publishing.NotReady):
        await world.decide(sessions, proposal, made.lead)


async def test_a_sale_goes_back_to_a_draft_and_out_again_with_its_reserves(sessions):
    made, sale = await house_of(sessions, 2)
    await world.reserved(sessions, made, sale, {1: 450_000})
    for again in (False, True):
        await world.decide(sessions, await world.proposed(sessions, made, sale), made.lead)
        async with sessions() as session:
            plan = await queries.plan_of(session, sale)
        assert [lot.reserve for lot in plan.lots] == [None, 450_000]
        if again:
            return
        async with sessions.begin() as session:
            proposal = await publishing.propose_unpublication(
                session, sale=sale, reason="typo", actor=made.curator, now=NOON
            )
        await world.decide(sessions, proposal.public_id, made.lead)
        assert await reserves(sessions, sale) == [None, 450_000]


async def test_the_database_takes_no_reserve_in_clear(sessions):
    await house_of(sessions)
    columns = "sale_id, suffix, title_en, title_zh, state, version, public_id, rank, reserve_minor"
    same = "sale_id, 'Z', title_en, title_zh, state, version, 'L2', '~~', 450000"
    for statement in (
        "update lots set reserve_minor = 450000",
        f"insert into lots ({columns}) select {same} from lots",
    ):
        with pytest.raises(DBAPIError, match="a reserve stands sealed"):
            async with sessions.begin() as session:
                await session.execute(text(statement))


async def test_the_reserve_of_one_lot_opens_at_no_other(sessions):
    made, sale = await house_of(sessions, 2)
    await world.reserved(sessions, made, sale, {0: 425_000})
    async with sessions.begin() as session:
        moved = select(func.max(Lot.reserve_sealed)).scalar_subquery()
        await session.execute(update(Lot).values(reserve_sealed=moved))
    with pytest.raises(InvalidTag):
        await reserves(sessions, sale)
