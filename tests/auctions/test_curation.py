"""A draft in many hands: nothing lost or doubled, everything can be taken back, only verified stones stand in lots."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from pavilion.accounts.models import Company
from pavilion.accounts.rules import RIGHTS, Role
from pavilion.auctions import board, bulk, changes, curation, ranks
from pavilion.auctions.changes import FACTS, LotsChanged, NotVerified
from pavilion.auctions.curation import StoneInSale
from pavilion.auctions.interests import OwnLot
from pavilion.auctions.models import Command, Lot, LotMove, LotStone, Sale
from pavilion.auctions.ruleset import INCREMENTS
from pavilion.kernel.errors import NotAllowed, NotFound, StaleVersion
from tests import make
from tests.auctions import world
from tests.make import NOON

LEAD = RIGHTS[Role.LEAD]


async def test_lots_take_their_titles_owner_and_order_from_the_stones(sessions):
    house = await world.build(sessions, 3)
    sale = await world.draft(sessions, house)
    async with sessions() as session:
        shown = await board.board_of(session, sale, house.keeper, NOON)
    first = shown.lots[0]
    assert [line.stones[0].public_id for line in shown.lots] == house.stones
    assert (first.lot.title_en, first.lot.title_zh) == (
        "1.01 ct G round, VS1",
        "圆形\u00a0· 1.01\u00a0克拉\u00a0· G\u00a0色\u00a0· VS1",
    )
    assert (first.owner, first.lot.number_text, shown.readiness.ready) == ("Karowe Cutting", "11", 3)
    assert [line.closes_at for line in shown.lots][1] - shown.lots[0].closes_at == make.SECOND * 60


async def test_several_stones_can_be_one_lot(sessions):
    house = await world.build(sessions, 3)
    sale = await world.draft(sessions, house, 1)
    async with sessions.begin() as session:
        (lot,) = await curation.add_stones(
            session, sale=sale, stones=house.stones[1:], together=True, actor=house.curator, now=NOON
        )
        assert lot.title_en == "2 round stones, 2.03 ct together"
        assert await session.scalar(select(func.count()).select_from(LotStone).where(LotStone.lot_id == lot.id)) == 2


async def test_an_unverified_stone_cannot_be_added(sessions):
    house = await world.build(sessions, 1)
    sale = await world.draft(sessions, house)
    async with sessions.begin() as session:
        (hidden,) = await world.stones(session, house.supplier, 1, first=50)
    with pytest.raises(NotVerified):
        async with sessions.begin() as session:
            await curation.add_stones(session, sale=sale, stones=[hidden], actor=house.curator, now=NOON)


@pytest.mark.parametrize("link", ["null", "stones.public_id", "(select min(stone) from exposed_stones)"])
async def test_the_database_itself_refuses_an_unverified_stone(sessions, link):
    house = await world.build(sessions, 1)
    await world.draft(sessions, house)
    async with sessions.begin() as session:
        (hidden,) = await world.stones(session, house.supplier, 1, first=50)
    with pytest.raises(DBAPIError):
        async with sessions.begin() as session:
            columns = "insert into lot_stones (lot_id, place, sale_id, stone_id, exposed_id)"
            values = f" select lots.id, 5, lots.sale_id, stones.id, {link} from lots, stones"
            await session.execute(text(columns + values + " where stones.public_id = :hidden"), {"hidden": hidden})


async def test_a_stone_stands_once_in_a_sale(sessions):
    house = await world.build(sessions, 1)
    sale = await world.draft(sessions, house)
    with pytest.raises(StoneInSale):
        async with sessions.begin() as session:
            await curation.add_stones(session, sale=sale, stones=house.stones, actor=house.curator, now=NOON)


async def test_a_move_writes_only_what_moved_and_is_told(sessions):
    house = await world.build(sessions, 6)
    sale = await world.draft(sessions, house)
    a, b, c, d, e, f = await world.order(sessions, sale)
    async with sessions.begin() as session:
        answer = await curation.move_lots(session, sale=sale, lots=[e, b], position=3, actor=house.curator, now=NOON)
    assert answer == await world.order(sessions, sale) == [a, c, d, b, e, f]
    async with sessions() as session:
        moved = (await session.scalars(select(LotMove.lot).where(LotMove.from_key.is_not(None)))).all()
    assert sorted(moved) == sorted([b, e])


async def test_two_curators_moving_at_once_lose_no_lot_and_leave_some_serial_order(postgres_sessions):
    house = await world.build(postgres_sessions, 12)
    sale = await world.draft(postgres_sessions, house)
    start = await world.order(postgres_sessions, sale)

    async def moves(actor, steps):
        for lot, place in steps:
            async with postgres_sessions.begin() as session:
                await curation.move_lots(session, sale=sale, lots=[lot], position=place, actor=actor, now=NOON)

    left = [(start[(7 * k) % 12], (5 * k) % 12) for k in range(30)]
    right = [(start[(11 * k + 3) % 12], (3 * k + 1) % 12) for k in range(30)]
    await asyncio.gather(moves(house.curator, left), moves(house.lead, right))
    after = await world.order(postgres_sessions, sale)
    assert sorted(after) == sorted(start)
    async with postgres_sessions() as session:
        told = (await session.scalars(select(LotMove).order_by(LotMove.id))).all()
    keys = {}
    for move in told:  # the history, told again, is the order
        keys[move.lot] = move.to_key
    assert sorted(keys, key=keys.__getitem__) == after


async def test_keys_that_grow_too_long_are_spread_anew_without_changing_the_order(sessions, monkeypatch):
    monkeypatch.setattr(ranks, "LONGEST", 4)
    house = await world.build(sessions, 4)
    sale = await world.draft(sessions, house)
    start = expected = await world.order(sessions, sale)
    for _ in range(40):
        expected = [expected[0], expected[-1], *expected[1:-1]]
        async with sessions.begin() as session:
            await curation.move_lots(session, sale=sale, lots=[expected[1]], position=1, actor=house.curator, now=NOON)
    assert await world.order(sessions, sale) == expected
    async with sessions() as session:
        assert await session.scalar(select(func.max(func.length(Lot.rank)))) <= 6
        told = {move.lot: move.to_key for move in await session.scalars(select(LotMove).order_by(LotMove.id))}
        commands = (await session.scalars(select(Command.id).order_by(Command.id.desc()).limit(40))).all()
    assert sorted(told, key=told.__getitem__) == expected
    for command in commands:  # what was done before the keys were spread can still be taken back
        async with sessions.begin() as session:
            await changes.undo(session, sale=sale, command=command, actor=house.curator, now=NOON)
    assert await world.order(sessions, sale) == start


async def test_an_edit_of_an_older_version_is_refused_with_what_stands_now(sessions):
    house = await world.build(sessions, 1)
    sale = await world.draft(sessions, house)
    (lot,) = await world.order(sessions, sale)
    async with sessions.begin() as session:
        version = await session.scalar(select(Lot.version))
        await edit(session, house, sale, {lot: (version, {"low_minor": 450_000})})
    with pytest.raises(StaleVersion) as refused:
        async with sessions.begin() as session:
            await edit(session, house, sale, {lot: (version, {"low_minor": 500_000})})
    assert refused.value.facts["now"] == {"low_minor": 450_000}


async def edit(session, house, sale, edits, actor=None):
    await curation.edit_lots(session, sale=sale, edits=edits, actor=actor or house.curator, now=NOON)


async def test_a_letter_behind_the_number_leaves_the_number(sessions):
    house = await world.build(sessions, 1)
    sale = await world.draft(sessions, house)
    (lot,) = await world.order(sessions, sale)
    async with sessions.begin() as session:
        await edit(session, house, sale, {lot: (await session.scalar(select(Lot.version)), {"suffix": "A"})})
    async with sessions() as session:
        assert (await session.scalar(select(Lot))).number_text == "11A"


async def test_only_the_keeper_of_reserves_sets_one(sessions):
    house = await world.build(sessions, 1)
    sale = await world.draft(sessions, house)
    (lot,) = await world.order(sessions, sale)
    async with sessions.begin() as session:
        version = await session.scalar(select(Lot.version))
    with pytest.raises(NotAllowed):
        async with sessions.begin() as session:
            await edit(session, house, sale, {lot: (version, {"reserve_minor": 450_000})})
    async with sessions.begin() as session:
        await edit(session, house, sale, {lot: (version, {"reserve_minor": 450_000})}, actor=house.keeper)
        facts = (await session.execute(text("select facts from events where name = 'lot:edited'"))).all()
    assert not any("450000" in str(row) for row in facts), "the reserve is told to nobody"


@pytest.mark.parametrize("tie", ["works for the owner", "company shares an owner", "is an owner"])
async def test_nobody_with_an_interest_in_a_lot_edits_moves_removes_or_takes_back(sessions, tie):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    lot, _ = await world.order(sessions, sale)
    async with sessions.begin() as session:
        owner = await session.get(Company, house.supplier.id)
        owner.owners = ["Thato  Moss"]
        firm = await make.company(session, "Gaborone Holding", "BW") if "shares" in tie else None
        if firm is not None:
            firm.owners = ["thato moss"]
        mine = {"works for the owner": owner, "company shares an owner": firm}.get(tie)
        actor = await make.actor(session, "moss@karowe.example", (Role.SUPPLIER, Role.CURATOR), mine)
        if "is an" in tie:
            actor = replace(actor, name="THATO MOSS")
        version = await session.scalar(select(Lot.version).where(Lot.public_id == lot))
        command = await session.scalar(select(func.max(Command.id)))
    said = {"sale": sale, "actor": actor, "now": NOON}
    acts = (
        lambda session: curation.edit_lots(session, edits={lot: (version, {"low_minor": 450_000})}, **said),
        lambda session: curation.edit_lots(session, edits={lot: (version, {"consignor_company_id": None})}, **said),
        lambda session: curation.move_lots(session, lots=[lot], position=1, **said),
        lambda session: curation.remove_lots(session, lots=[lot], **said),
        lambda session: changes.undo(session, command=command, **said | {"actor": replace(actor, permissions=LEAD)}),
    )
    before = await snapshot(sessions, sale)
    for act in acts:
        with pytest.raises(OwnLot):
            async with sessions.begin() as session:
                await act(session)
    assert await snapshot(sessions, sale) == before


async def snapshot(sessions, sale):
    """Everything that the lots of a sale say, but for how often they were written."""
    async with sessions() as session:
        lots = (
            await session.scalars(select(Lot).join(Lot.sale).where(Sale.public_id == sale).order_by(Lot.rank))
        ).all()
        held = (await session.execute(select(LotStone.lot_id, LotStone.stone_id, LotStone.place))).all()
    stones = {lot.id: sorted((place, stone) for lot_id, stone, place in held if lot_id == lot.id) for lot in lots}
    return [(lot.public_id, stones[lot.id], *(getattr(lot, name) for name in FACTS)) for lot in lots]


async def test_undo_of_many_commands_restores_the_list_exactly(sessions):
    house = await world.build(sessions, 8)
    sale = await world.draft(sessions, house, 5)
    seen = [await snapshot(sessions, sale)]
    for step in range(24):
        order = await world.order(sessions, sale)
        async with sessions.begin() as session:
            await one_act(session, house, sale, order, step)
        seen.append(await snapshot(sessions, sale))
    async with sessions() as session:
        commands = (await session.scalars(select(Command.id).order_by(Command.id.desc()).limit(24))).all()
    assert len(commands) == 24
    for command in commands:
        assert await snapshot(sessions, sale) == seen.pop()
        async with sessions.begin() as session:
            await changes.undo(session, sale=sale, command=command, actor=house.curator, now=NOON)
    assert await snapshot(sessions, sale) == seen.pop()


async def one_act(session, house, sale, order, step):
    actor = house.curator
    match step % 6:
        case 0:
            await curation.move_lots(session, sale=sale, lots=[order[-1]], position=0, actor=actor, now=NOON)
        case 1:
            versions = {lot.public_id: lot.version for lot in await session.scalars(select(Lot))}
            edits = {lot: (versions[lot], {"low_minor": 400_000 + 25_000 * (step % 4)}) for lot in order[:2]}
            await curation.edit_lots(session, sale=sale, edits=edits, actor=actor, now=NOON)
        case 2:
            await curation.number_lots(session, sale=sale, start=step + 1, actor=actor, now=NOON)
        case 3:
            await curation.remove_lots(session, sale=sale, lots=order[1:3], actor=actor, now=NOON)
        case 4:
            standing = set(await queries_of(session, sale))
            free = [stone for stone in house.stones if stone not in standing][:2]
            await curation.add_stones(session, sale=sale, stones=free, actor=actor, now=NOON)
        case _:
            await curation.move_lots(session, sale=sale, lots=order[1:3], position=9, actor=actor, now=NOON)


async def queries_of(session, sale):
    held = await session.execute(
        text(
            "select stones.public_id from lot_stones join stones on stones.id = lot_stones.stone_id"
            " join sales on sales.id = lot_stones.sale_id where sales.public_id = :sale"
        ),
        {"sale": sale},
    )
    return [row[0] for row in held]


async def test_undo_is_refused_where_others_have_changed_the_lot_since(sessions):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    lot = (await world.order(sessions, sale))[0]
    for actor, low in ((house.curator, 450_000), (house.lead, 425_000)):
        async with sessions.begin() as session:
            version = await session.scalar(select(Lot.version).where(Lot.public_id == lot))
            await edit(session, house, sale, {lot: (version, {"low_minor": low})}, actor=actor)
    async with sessions() as session:
        first, second = (await session.scalars(select(Command.id).order_by(Command.id.desc()).limit(2))).all()[::-1]
    with pytest.raises(LotsChanged) as refused:
        async with sessions.begin() as session:
            await changes.undo(session, sale=sale, command=first, actor=house.curator, now=NOON)
    assert refused.value.facts["lots"] == [lot]
    with pytest.raises(NotAllowed):  # a lead's command is not a curator's to take back
        async with sessions.begin() as session:
            await changes.undo(session, sale=sale, command=second, actor=house.curator, now=NOON)


async def test_a_lead_may_take_back_what_another_did_and_only_once(sessions):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    async with sessions() as session:
        command = await session.scalar(select(func.max(Command.id)))
    async with sessions.begin() as session:
        await changes.undo(session, sale=sale, command=command, actor=house.lead, now=NOON)
    with pytest.raises(NotFound):
        async with sessions.begin() as session:
            await changes.undo(session, sale=sale, command=command, actor=house.lead, now=NOON)


async def test_undo_cannot_put_back_a_stone_that_lost_its_verdict(sessions):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    lots = await world.order(sessions, sale)
    async with sessions.begin() as session:
        await curation.remove_lots(session, sale=sale, lots=lots[:1], actor=house.curator, now=NOON)
        await session.execute(text("delete from exposed_stones"))
        command = await session.scalar(select(func.max(Command.id)))
    with pytest.raises(NotVerified):
        async with sessions.begin() as session:
            await changes.undo(session, sale=sale, command=command, actor=house.curator, now=NOON)


async def test_a_draft_can_be_deleted_and_leaves_its_stones_free(sessions):
    house = await world.build(sessions, 2)
    sale = await world.draft(sessions, house)
    async with sessions.begin() as session:
        await curation.delete_draft(session, sale=sale, actor=house.curator, now=NOON)
    other = await world.draft(sessions, house)
    assert len(await world.order(sessions, other)) == 2


LOTS = st.builds(
    bulk.BulkLot,
    lot=st.just("L"),
    version=st.just(1),
    weight_mct=st.integers(100, 20_000),
    price_minor=st.one_of(st.none(), st.integers(1, 10**10)),
    low=st.one_of(st.none(), st.integers(5_000, 10**9)),
    high=st.just(2 * 10**9),
    reserve=st.none(),
    opening=st.none(),
)


@settings(max_examples=200)
@given(LOTS, st.sampled_from(bulk.Act), st.integers(5_000, 10**7), st.integers(0, 10**7))
def test_a_bulk_change_proposes_only_figures_of_the_ladder(lot, act, first, more):
    percent = act not in (bulk.Act.ESTIMATE, bulk.Act.ESTIMATE_PER_CARAT)
    figures = (first % 90 + 10, first % 90 + 10 + more % 50) if percent else (first, first + more)
    for line in bulk.propose(act, *figures, [lot], INCREMENTS):
        assert line.old != line.new
        assert all(value is None or bulk.step_below(INCREMENTS, value) == value for value in line.new.values())
        if "low_minor" in line.new:
            assert 0 < line.new["low_minor"] <= line.new["high_minor"]
