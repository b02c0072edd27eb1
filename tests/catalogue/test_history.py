"""What became of a stone is written once, where it changes, and reads the same for ever after."""

import runpy

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from pavilion.catalogue import history, service
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.kernel import migrating
from tests import make
from tests.catalogue import stones
from tests.make import HOUR, NOON

K = CommitmentKind


async def lines(session, after=0):
    return [(one.kind.value, one.before, one.after) for one in await history.changes(session, after, 1000)]


async def test_every_act_on_a_stone_is_one_line_with_what_it_was_and_what_it_is(sessions):
    async with sessions.begin() as session:
        firm = await make.company(session, name="Supplier BV")
        (stone,) = await service.store_stones(session, [stones.row(1)], supplier_company_id=firm.id, now=NOON)
        assert await lines(session) == [], "a stone that is only stored has no history yet"
        await stones.expose(session, [stone.public_id])
        await service.expose_stones(session, [stone.public_id], now=NOON)
        off, on = {"listed": False}, {"listed": True}
        since = {"listed_at": "2026-03-02T12:00:00.000000Z"}
        assert await lines(session) == [("listed", off | {"listed_at": None}, on | since)]
        at = await history.head(session)

        async def stored(**facts):
            await service.store_stones(session, [stones.row(1) | facts], supplier_company_id=firm.id, now=NOON + HOUR)

        cheaper = {"price_per_carat_minor": 600_000, "price_total_minor": 612_000}
        await stored()
        assert await lines(session, at) == [], "the same again is no change"
        await stored(city="Hong Kong")
        await stored(city="Hong Kong", **cheaper)
        await service.commit_stone(
            session, stone=stone.public_id, kind=K.HELD, ref="A" * 26, facts={}, by=None, now=NOON + HOUR
        )
        await service.turn_stone(
            session, stone=stone.public_id, ref="A" * 26, kind=K.IN_SALE, new_ref="B" * 26, facts={"sale": "S"},
            by=None, now=NOON + HOUR,
        )  # fmt: skip
        await service.release_stones(session, {stone.public_id: "B" * 26}, by=None, now=NOON + HOUR)
        gone = {"supplier_company_id": firm.id, "stock_nos": ["pv-000001"], "by": None, "now": NOON + HOUR}
        await service.withdraw_stones(session, **gone)
        await stored(city="Antwerp", **cheaper)
        held, sale = {"kind": "held", "facts": {}}, {"kind": "in_sale", "facts": {"sale": "S"}}
        prices = ({"price_per_carat_minor": 650_000, "price_total_minor": 663_000},
                  {"price_per_carat_minor": 600_000, "price_total_minor": 612_000})  # fmt: skip
        assert await lines(session, at) == [
            ("changed", {"city": "Antwerp"}, {"city": "Hong Kong"}),
            ("priced", *prices),
            ("committed", {"promised": None}, {"promised": held}),
            ("committed", {"promised": held}, {"promised": sale}),
            ("released", {"promised": sale}, {"promised": None}),
            ("withdrawn", on, off),
            ("listed", off | {"city": "Hong Kong"}, on | {"city": "Antwerp"}),
        ]
        told = await history.changes(session, at, 1000)
        assert {one.stone for one in told} == {stone.public_id} and {one.at for one in told} == {NOON + HOUR}
        assert told[-1].seq == await history.head(session)
        assert told[-1].seq == await session.scalar(select(Stone.seq).where(Stone.public_id == stone.public_id))


async def test_a_stone_whose_exposure_ends_goes_off_the_list_once(sessions):
    async with sessions.begin() as session:
        firm = await make.company(session, name="Supplier BV")
        shown, never = await stones.listed(session, [stones.row(1), stones.row(2)], firm.id, but=frozenset({1}))
        at = await history.head(session)
        await stones.revoke(session, shown.public_id)
        for _ in range(2):
            await service.verdicts_changed(session, [shown.public_id, never.public_id], now=NOON + HOUR)
        assert await lines(session, at) == [("unlisted", {"listed": True}, {"listed": False})]
        assert (await history.changes(session, at, 5))[0].stone == shown.public_id


async def test_a_change_of_many_stones_is_never_cut_in_two(sessions):
    async with sessions.begin() as session:
        firm = await make.company(session, name="Supplier BV")
        for start in (1, 11):
            await stones.listed(session, [stones.row(n) for n in range(start, start + 5)], firm.id)
        whole = await history.changes(session, 0, 1000)
        assert [len({one.seq for one in whole}), len(whole)] == [2, 10]
        assert await history.changes(session, 0, 1) == whole[:5] == await history.changes(session, 0, 5)
        assert await history.changes(session, whole[0].seq, 7) == whole[5:]
        assert await history.changes(session, await history.head(session), 7) == []


@pytest.mark.parametrize("act", ["update stone_changes set kind = 'changed'", "delete from stone_changes"])
async def test_what_is_written_is_never_altered(sessions, act):
    async with sessions.begin() as session:
        firm = await make.company(session, name="Supplier BV")
        await stones.listed(session, [stones.row(1)], firm.id)
    with pytest.raises(DBAPIError, match="append only"):
        async with sessions.begin() as session:
            await session.execute(text(act))


async def test_what_had_gone_before_histories_were_kept_is_not_taken_for_listed(sessions):
    migration = runpy.run_path(str(migrating.scripts() / "versions" / "0013_changes.py"))
    async with sessions.begin() as session:
        firm = await make.company(session, name="Supplier BV")
        stock = await stones.listed(session, [stones.row(n) for n in range(3)], firm.id)
        gone = ({"withdrawn_at": NOON}, {"exposed_id": None})
        for seq, (stone, facts) in enumerate(zip(stock, gone, strict=False), 100):
            await session.execute(update(Stone).where(Stone.id == stone.id).values(seq=seq, **facts))
        await session.execute(text(migration["GONE"]))
        await session.execute(text(migration["BEGINS"]))
        told = await history.changes(session, 99, 10)
        assert [(one.seq, one.stone_id, one.kind) for one in told] == [
            (100, stock[0].id, "withdrawn"),
            (101, stock[1].id, "unlisted"),
        ]
        assert {one.at for one in told} == {NOON} and {one.after["listed"] for one in told} == {False}
        assert await history.begins(session) == await history.head(session) > 0
        await service.verdicts_changed(session, [stone.public_id for stone in stock], now=NOON)
        assert await history.changes(session, 101, 10) == []
