import asyncio
import json
import secrets
import shutil
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from pavilion.bidding.custody import check_tender
from pavilion.bidding.deciding import Wish
from pavilion.kernel.instants import micros
from tests.bidding import room as rooms
from tests.bidding.room import FIRST_END, lot_id
from tests.bidding.tendered import (
    answer,
    closed,
    file_of,
    known,
    lines_of,
    place,
    results,
    sealed_text,
    send,
    shares_of,
    take_back,
    tender,
)
from tests.make import HOUR, SECOND


@pytest.fixture
def url(database_url):
    return database_url


async def opened(room):
    for _ in range(3000):
        if "tender.opened" in room.types():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("not opened")


async def test_six_bidders_seal_three_custodians_answer_two_of_three_and_the_best_bid_wins_each_lot(url):
    async with tender(url, lots=2) as room:
        for company, value in ((1, 300_000), (2, 410_000), (3, 280_000), (4, 409_999), (5, 50_000), (6, 120_000)):
            said = await send(room, company, value)
            assert (said.result, said.state, said.max, said.nonce) == ("accepted", "sealed", None, None)
        await send(room, 1, 200_000, lot=2, entry="per_carat")  # 1.25 carats
        await send(room, 2, 4_000, lot=2, entry="discount")  # 40 % below the benchmark
        await closed(room)
        check_tender(file_of(room), micros(FIRST_END + HOUR))
        assert "lot.sold" not in room.types()
        answer(room, shares_of(room, 1))
        await asyncio.sleep(0.05)
        assert "tender.opened" not in room.types()
        answer(room, shares_of(room, 3))
        await opened(room)
        assert results(room) == {
            lot_id(1): ("lot.sold", "B", 410_000),
            lot_id(2): ("lot.sold", "B", 300_000),
        }
        assert json.loads(lines_of(room)[-1].body)["type"] == "sale.closed"
        assert room.writer.mine(2).lots[lot_id(1)].state == "won"
        assert room.writer.mine(1).lots[lot_id(1)].state == "lost"


async def test_a_custodian_who_lies_opens_nothing_and_stops_nobody(url):
    async with tender(url) as room:
        await send(room, 1, 300_000)
        await closed(room)
        answer(room, shares_of(room, 1, lie=True), shares_of(room, 2))
        await asyncio.sleep(0.05)
        assert "tender.opened" not in room.types()
        answer(room, shares_of(room, 3))
        await opened(room)
        assert results(room) == {lot_id(1): ("lot.sold", "A", 300_000)}


async def test_an_envelope_that_was_broken_on_purpose_is_void_and_spoils_no_other(url):
    async with tender(url) as room:
        broken = sealed_text(1, 900_000, key="aa" * 16)
        broken = replace(broken, box=broken.box[:-1] + bytes([broken.box[-1] ^ 1]))
        assert (await place(room, 1, 1, "aa" * 16, broken)).result == "accepted"
        await send(room, 2, 200_000)
        await closed(room)
        answer(room, shares_of(room, 1), shares_of(room, 2))
        await opened(room)
        (told,) = [line for line in lines_of(room) if line.type == "tender.opened"]
        assert json.loads(told.body)["data"] == {"valid": 1, "invalid": 1}
        assert results(room) == {lot_id(1): ("lot.sold", "B", 200_000)}


async def test_a_later_bid_replaces_and_the_same_total_keeps_its_place(url):
    async with tender(url, lots=2) as room:
        await send(room, 1, 300_000)
        await send(room, 2, 500_000)
        await send(room, 2, 300_000)  # later than A's
        await send(room, 1, 300_000)  # the same total: the first place in time stays
        await send(room, 3, 400_000, lot=2)
        await send(room, 4, 400_000, lot=2)
        await send(room, 3, 390_000, lot=2)
        await closed(room)
        answer(room, shares_of(room, 1), shares_of(room, 2))
        await opened(room)
        assert results(room) == {
            lot_id(1): ("lot.sold", "A", 300_000),
            lot_id(2): ("lot.sold", "B", 400_000),
        }


async def test_a_bid_that_is_taken_back_is_not_opened(url):
    async with tender(url) as room:
        assert (await take_back(room, 1)).code == "nothing_to_withdraw"
        await send(room, 1, 900_000)
        assert (await take_back(room, 1, key="bb" * 16)).state == "taken_back"
        assert (await take_back(room, 1, key="bb" * 16)).replayed
        assert (await take_back(room, 1)).code == "nothing_to_withdraw"
        await send(room, 2, 200_000)
        await closed(room)
        assert [one.bidder for one in file_of(room).envelopes] == ["B"]
        answer(room, shares_of(room, 1), shares_of(room, 2))
        await opened(room)
        assert results(room) == {lot_id(1): ("lot.sold", "B", 200_000)}


async def test_where_taking_back_is_not_allowed_the_bid_stays(url):
    async with tender(url, withdraw=False) as room:
        await send(room, 1, 900_000)
        assert (await take_back(room, 1)).code == "act_not_allowed"
        assert room.writer.mine(1).lots[lot_id(1)].state == "sealed"


async def test_a_buying_limit_takes_the_lots_in_the_order_that_the_bidder_chose(url):
    wish = {1: Wish(700_000, (lot_id(2), lot_id(1)))}
    async with tender(url, lots=2, facts=known(2, wishes=wish)) as room:
        await send(room, 1, 500_000, lot=1)  # 625,000 with the premium
        await send(room, 1, 500_000, lot=2)
        await send(room, 2, 100_000, lot=1)
        await closed(room)
        answer(room, shares_of(room, 1), shares_of(room, 2))
        await opened(room)
        assert results(room) == {
            lot_id(1): ("lot.sold", "B", 100_000),
            lot_id(2): ("lot.sold", "A", 500_000),
        }


@pytest.mark.parametrize(
    ("rules", "values", "reason"),
    [
        ({}, [], "no_bids"),
        ({"min_bidders": 2}, [400_000], "too_few_bidders"),
        ({}, [40_000], "no_bids"),  # below the minimum
        ({"reserve": 450_000}, [400_000], "reserve_not_met"),
    ],
)
async def test_a_lot_without_award_says_the_first_reason_that_fits(sqlite_database_url, rules, values, reason):
    async with tender(sqlite_database_url, **rules) as room:
        for company, value in enumerate(values, start=1):
            await send(room, company, value)
        await closed(room)
        if values:
            answer(room, shares_of(room, 1), shares_of(room, 2))
        await opened(room)
        assert results(room) == {lot_id(1): ("lot.passed", reason)}


async def test_the_second_price_is_the_best_of_the_others(sqlite_database_url):
    async with tender(sqlite_database_url, price_rule="second") as room:
        await send(room, 1, 400_000)
        await send(room, 2, 300_000)
        await closed(room)
        answer(room, shares_of(room, 2), shares_of(room, 3))
        await opened(room)
        assert results(room) == {lot_id(1): ("lot.sold", "A", 300_000)}


async def test_an_envelope_is_taken_once_and_only_for_its_own_place(url):
    async with tender(url, lots=2) as room:
        key = secrets.token_hex(16)
        envelope = sealed_text(1, 300_000, key=key)
        first = await place(room, 1, 1, key, envelope)
        again = await place(room, 1, 1, key, envelope)
        assert again == first._replace(replayed=True)
        assert (await place(room, 1, 1, key, sealed_text(1, 300_000, key=key))).code == "key_reused"
        assert (await place(room, 1, 2, key, envelope)).code == "seal_broken"
        assert (await place(room, 2, 1, key, envelope)).code == "seal_broken"
        assert (await place(room, 1, 1, secrets.token_hex(16), envelope)).code == "seal_broken"
        assert (await place(room, 9, 1, key, envelope)).code == "not_registered"
        assert (await room.bid(1)).code == "act_not_allowed"


async def test_an_envelope_after_the_end_is_refused_and_stands_in_the_book(url):
    async with tender(url) as room:
        room.clock.at = FIRST_END
        said = await send(room, 1, 300_000)
        assert (said.code, said.n is not None) == ("too_late", True)
        await closed(room)
        assert (await send(room, 1, 300_000)).code == "lot_closed"


async def test_closing_is_no_result_and_neither_staff_nor_time_make_it_one(url):
    async with tender(url) as room:
        await send(room, 1, 300_000)
        await closed(room)
        assert await room.act("reopen", ok=("a", "b"), to=micros(FIRST_END + HOUR)) == "act_not_allowed"
        assert await room.act("confirm", by="a") == "act_not_allowed"
        assert await room.act("open_tender", lot=None, by="a") == "act_not_allowed"
        await room.at(FIRST_END + HOUR)
        assert room.lot().state == "closing"
        answer(room, shares_of(room, 1))
        room.clock.at = FIRST_END + 25 * HOUR
        assert await room.act("open_tender", lot=None, by="a") is None
        assert results(room) == {lot_id(1): ("lot.passed", "no_bids")}


async def test_a_lot_withdrawn_with_sealed_bids_needs_two_and_is_never_opened(url):
    async with tender(url, lots=2) as room:
        await send(room, 1, 300_000, lot=1)
        await send(room, 1, 300_000, lot=2)
        assert await room.act("withdraw", by="a") == "second_approval_needed"
        assert await room.act("withdraw", ok=("a", "b"), reason="staff") is None
        await closed(room)
        assert [one.lot for one in file_of(room).envelopes] == [lot_id(2)]


async def test_the_writer_killed_between_closing_and_opening_goes_on_where_it_stood(url):
    async with tender(url) as room:
        await send(room, 1, 300_000)
        await closed(room)
        files = shares_of(room, 1), shares_of(room, 3)
        room.running.cancel()
        await asyncio.gather(room.running, return_exceptions=True)
        await room.writer.lease.release()
        facts = replace(room.writer.facts, shares=files)
        room.writer = await rooms.take(room.store, rooms.publication(), facts, room.clock, room)
        room.running = asyncio.create_task(room.writer.run())
        await opened(room)
        assert results(room) == {lot_id(1): ("lot.sold", "A", 300_000)}


async def test_tenders_that_differ_in_amounts_alone_give_the_same_answers_before_the_close(
    sqlite_database_url, tmp_path
):
    """Byte for byte, but for what is random in every envelope."""

    told = []
    for name, amounts in (("one", (300_000, 999_999_999, 50_001)), ("two", (50_001, 300_000, 999_999_999))):
        copy = tmp_path / f"{name}.db"
        shutil.copy(str(make_url(sqlite_database_url).database), copy)
        async with tender(f"sqlite+aiosqlite:///{copy}") as room:
            said = []
            for company, amount in enumerate(amounts, start=1):
                room.clock.at += SECOND
                answer_ = await send(room, company, amount, key=f"{company:032x}")
                said.append(repr(answer_))
                said.append(repr(room.writer.mine(company)))
                said.append(repr(room.lot().row()._replace(hash="")))
            bodies = [json.loads(line.body) for line in lines_of(room)]
            for body in bodies:
                body["prev"] = ""
                body["data"].pop("envelope", None)
            told.append((said, bodies, [len(one.envelope) for one in room.writer.book.sealed]))
    assert told[0] == told[1]
