"""A lot that ended without a buyer comes back into its own sale: as a further lot of the same stones, by one curator,
with the notice that says so; no other lot moves, and the record proves it."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from pavilion.auctions import adding, changes, noticing, reoffering
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.version_models import LotNotice, LotNoticeGiven
from pavilion.bidding import notice_giving
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.models import BookEvent
from pavilion.catalogue.models import StoneCommitment
from pavilion.kernel.instants import from_micros
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import watching
from tests.bidding.browser_records import proved
from tests.bidding.test_late_lots import FIRST_CLOSE, MINUTE, OPENS, listed, live, post, state_of  # noqa: F401
from tests.make import HOUR, SECOND


async def until_state(live, lot, state):  # noqa: F811
    async def so():
        return await state_of(live, lot) == state

    await live.house.until(so)


async def withdrawn(live, lot):  # noqa: F811
    house = live.house
    answer = await house.rooms.command(StaffAct(house.sale, "withdraw", lot, by="01STAFF", reason="staff"))
    assert answer.code is None
    await until_state(live, lot, "withdrawn")


async def offer(live, lot, actor=None):  # noqa: F811
    async with live.browser(actor or live.house.world.curator) as curator:
        asked = {"accept": "application/json", "origin": live.origin}
        return await curator.post(f"/staff/lots/{lot}/reoffers", data={"into": live.house.sale}, headers=asked)


async def offered_again(live, lot):  # noqa: F811
    answer = await offer(live, lot)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[2]


async def row_of(live, lot):  # noqa: F811
    async with live.house.sessions() as session:
        return await session.scalar(select(Lot).where(Lot.public_id == lot))


async def test_a_withdrawn_lot_comes_back_before_the_sale_opens_under_its_number_with_a_letter(live):  # noqa: F811
    house, first = live.house, live.house.lots[0]
    assert (await offer(live, first)).status_code == 409, "a lot that has not ended is not offered again"
    await withdrawn(live, first)
    both = await asyncio.gather(*(offer(live, first, one) for one in (house.world.curator, house.world.keeper)))
    assert sorted(one.status_code for one in both) == [303, 409]
    lost = next(one for one in both if one.status_code == 409)
    assert (lost.json()["code"], lost.json()["facts"]["number"]) == ("already_reoffered", "11A")
    won = next(one for one in both if one.status_code == 303)
    lot = won.headers["location"].rpartition("/")[2]
    new, old = await row_of(live, lot), await row_of(live, first)
    assert (new.number_text, new.reoffer_of, new.state, new.reserve_sealed) == ("11A", first, "draft", None)
    assert (new.low_minor, new.opening_minor, new.title_en) == (old.low_minor, old.opening_minor, old.title_en)

    async with live.browser(house.world.keeper) as keeper:
        form = (await keeper.get(f"/staff/sales/{house.sale}/lots/{lot}")).text
        assert 'id="history"' in form and f"/lots/{first}" in form and "13, at the end" in form and "12A" in form
        assert f"/lots/{lot}" in (await keeper.get(f"/staff/sales/{house.sale}/lots/{first}")).text, "and the way back"
        assert '/reoffers"' not in (await keeper.get(f"/staff/sales/{house.sale}")).text, "nothing is left to offer"
    said = {"version": new.version, "number": 12, "title_en": "Once more", "title_zh": "再次", "high": "9,000"}
    said |= {"low": "4,500", "opening": "3,000", "reserve": "4,000"}
    clash = await post(live, house.world.keeper, f"lots/{lot}", **said)
    assert clash.status_code == 422 and "12 is taken" in clash.text and "12A" in clash.text
    saved = await post(live, house.world.keeper, f"lots/{lot}", **(said | {"label": "11A"}))
    assert saved.status_code == 303, saved.text
    book = await listed(live, lot)
    assert (book.number, book.terms.reserve, book.terms.opening) == ("11A", 400_000, 300_000)
    assert from_micros(book.end) == FIRST_CLOSE + 2 * MINUTE, "after the last; the others stay"
    await until_state(live, lot, "listed")
    await told(live, lot, first)
    async with live.browser(house.buyers[0]) as buyer:
        page = (await buyer.get(f"/lots/{lot}")).text
        assert "is offered again as lot 11A" in page and "11 → 11A" in page
    async with house.sessions() as session:
        assert (await reoffering.history_of(session, new))[0][0].public_id == first
        stones = await session.scalars(select(LotStone.relotted).join(Lot).where(Lot.public_id.in_([first, lot])))
        assert sorted(stones) == [False, True]


async def told(live, lot, first):  # noqa: F811
    """The book tells the notice with the listing; it is given, and mailed with it."""
    house = live.house
    await notice_giving.tick(house.sessions, house.clock())
    assert await notice_giving.tick(house.sessions, house.clock()) == 0, "once"
    await watching.follow(house.sessions, house.clock())
    async with house.sessions() as session:
        (notice,) = (await session.scalars(select(LotNotice).where(LotNotice.lot == lot))).all()
        assert (notice.field, notice.before, notice.after) == (
            "again",
            "11",
            "11A",
        ) and "offered again" in notice.text_en
        assert await session.get(LotNoticeGiven, notice.id) is not None
        assert [one.lot for one in await noticing.of_sale(session, house.sale)] == [lot]
        bodies = await session.scalars(select(BookEvent.body).where(BookEvent.lot == lot).order_by(BookEvent.seq))
        lines = [json.loads(body) for body in bodies]
        assert [one["type"] for one in lines][:2] == ["lot.listed", "lot.notice"]
        assert lines[0]["data"]["reoffer_of"] == first and lines[1]["data"]["by"].startswith("S")
        mailed = (await session.scalars(select(Outbox))).all()
        assert {"lot_added"} <= {row.payload["notice"] for row in mailed if row.payload.get("lot") == lot}


async def test_a_lot_withdrawn_from_the_running_sale_comes_back_and_its_record_holds(live):  # noqa: F811
    house, (first, second) = live.house, live.house.lots
    house.clock.at = OPENS + SECOND
    writer = house.rooms.engine.writers[house.sale]
    await house.until(lambda: writer.book.lots[second].state == "open")
    assert (await house.bid(1, 420_000, lot=0)).result == "accepted"
    await withdraw_by_two(live, first)
    lot = await offered_again(live, first)
    end_of_other = writer.book.lots[second].end
    house.clock.at = FIRST_CLOSE + MINUTE - 30 * SECOND  # the other ends in half a minute
    assert (await post(live, house.world.curator, f"lots/{lot}/listing")).status_code == 303
    assert (await post(live, house.world.curator, f"lots/{lot}/listing")).status_code in (303, 409), "said twice"
    await house.until(lambda: lot in writer.book.lots and writer.book.lots[lot].state == "open")
    book = writer.book.lots[lot]
    assert timedelta(minutes=10) <= from_micros(book.end) - house.clock() < timedelta(minutes=11), "time enough to bid"
    assert writer.book.lots[second].end == end_of_other, "a lot that comes later moves none"
    house.lots.append(lot)
    assert (await house.bid(0, 470_000, lot=2)).result == "accepted"
    await watching.follow(house.sessions, house.clock())
    async with house.sessions() as session:
        rows = [row.payload for row in (await session.scalars(select(Outbox))).all()]
        heard = {row["notice"] for row in rows if row.get("lot") == lot}
        assert {"lot_added", "lot_notice"} <= heard, "who bid on it before hears of it"
    house.clock.at = FIRST_CLOSE + HOUR

    async def closed():
        return await house.sale_state() == "closed"

    await house.until(closed)
    assert (await state_of(live, lot), await state_of(live, second)) == ("sold", "passed")
    await proved(house, 3)
    async with house.sessions() as session:
        live_promises = await session.scalars(
            select(StoneCommitment.ref).where(StoneCommitment.released_at.is_(None), StoneCommitment.kind == "sold")
        )
        assert list(live_promises) == [lot]
    async with live.browser(house.world.curator) as curator:
        board = (await curator.get(f"/staff/sales/{house.sale}")).text
        assert "offered again as 11A" in board and '/reoffers"' not in board, "a sale that is over takes nothing"
    assert (await offer(live, second)).status_code == 409


async def withdraw_by_two(live, lot):  # noqa: F811
    house = live.house
    act = StaffAct(house.sale, "withdraw", lot, ok=("01ONE", "01TWO"), reason="staff")
    assert (await house.rooms.command(act)).code is None
    await until_state(live, lot, "withdrawn")


async def test_what_was_begun_is_whole_or_nothing(live):  # noqa: F811
    """A draft that is never listed goes with the sale; taken out it leaves the old lot as it was; the database itself
    keeps a stone out of two lots of a sale."""
    house, first = live.house, live.house.lots[0]
    await withdrawn(live, first)
    lot = await offered_again(live, first)
    async with house.sessions.begin() as session:
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                old = select(Lot.id).where(Lot.public_id == first)
                await session.execute(update(LotStone).where(LotStone.lot_id.in_(old)).values(relotted=False))
        with pytest.raises(IntegrityError):
            async with session.begin_nested():
                other = select(Lot.id).where(Lot.public_id == house.lots[1])
                await session.execute(update(LotStone).where(LotStone.lot_id.in_(other)).values(relotted=True))
    assert (await post(live, house.world.curator, "removals", lot=lot)).status_code == 303
    async with house.sessions() as session:
        assert not (await session.scalars(select(LotStone.relotted).where(LotStone.relotted))).all()
    again = await offered_again(live, first)
    house.clock.at = OPENS + SECOND
    await house.until(lambda: house.rooms.engine.writers[house.sale].book.state == "open")

    async def opened():
        async with house.sessions() as session:
            return await session.scalar(select(Sale.state).where(Sale.public_id == house.sale)) == "open"

    await house.until(opened)
    assert (await row_of(live, again)).state == "draft", "it can still be listed"
    house.clock.at = FIRST_CLOSE + HOUR
    await until_state(live, again, None)
    async with house.sessions() as session:
        left = select(StoneCommitment.id).where(StoneCommitment.released_at.is_(None), StoneCommitment.ref == again)
        assert await session.scalar(left) is None


async def test_a_lot_that_passed_is_listed_again_whole_whatever_fails_on_the_way(live, monkeypatch):  # noqa: F811
    """The act fails: the lot is the draft it was and its stone is promised to nobody. The writer's command fails before
    and after it was written: the book has the lot and its notice once."""
    house, first = live.house, live.house.lots[0]
    house.clock.at = FIRST_CLOSE + SECOND
    await until_state(live, first, "passed")

    async def open_too():  # the list of lots may learn of the lot first
        return await house.sale_state() == "open"

    await house.until(open_too)
    lot = await offered_again(live, first)
    writer = house.rooms.engine.writers[house.sale]

    async def broken(*_, **__):
        raise RuntimeError("killed")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(noticing, "announce_again", broken)
        async with house.sessions.begin() as session:
            await adding.list_lot(session, sale=house.sale, lot=lot, actor=house.world.curator, now=house.clock())
    async with house.sessions() as session:
        assert await promised(session, lot) == []
        row = (await session.scalars(select(Sale).where(Sale.public_id == house.sale))).one()
        assert list(await changes.being_listed(session, row)) == []
        assert await session.scalar(select(LotNotice).where(LotNotice.lot == lot)) is None
    assert (await row_of(live, lot)).state == "draft" and lot not in writer.book.lots

    faults, write = iter(("before", "after")), writer.store.write

    async def failing(*batch):
        fault = next(faults, None)
        if fault == "before":
            raise ConnectionError("nothing was written")
        await write(*batch)
        if fault == "after":
            raise ConnectionError("it was written, and nobody heard so")

    monkeypatch.setattr(writer.store, "write", failing)
    await listed(live, lot)
    await house.until(lambda: writer.book.lots[lot].state == "open")
    assert next(faults, None) is None, "both faults were met"
    monkeypatch.undo()
    async with house.sessions() as session:
        bodies = await session.scalars(select(BookEvent.body).where(BookEvent.lot == lot).order_by(BookEvent.seq))
        said = [json.loads(body)["type"] for body in bodies]
        assert (said.count("lot.listed"), said.count("lot.notice")) == (1, 1)
        assert len(await promised(session, lot)) == 1
        stone = select(LotStone.stone_id).join(Lot).where(Lot.public_id == lot)
        live_lots = select(Lot.public_id).join(LotStone).where(LotStone.stone_id.in_(stone))
        live_lots = live_lots.where(LotStone.relotted.is_(False))
        assert list(await session.scalars(live_lots)) == [lot], "the stone has one live lot"
        notice = (await session.scalars(select(LotNotice).where(LotNotice.lot == lot))).one()
        assert (notice.reason, notice.before, notice.after) == ("passed", "11", "11A")
    house.lots.append(lot)
    assert (await house.bid(0, 470_000, lot=2)).result == "accepted"
    house.clock.at = FIRST_CLOSE + HOUR
    await until_state(live, lot, "sold")
    await house.until(lambda: writer.book.state == "closed")
    await proved(house, 3)


async def promised(session, lot):
    wanted = select(StoneCommitment.id).where(StoneCommitment.released_at.is_(None), StoneCommitment.ref == lot)
    return list(await session.scalars(wanted))
