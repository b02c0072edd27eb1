"""Sales that a clerk runs, lots that end together, reserves that come down and declared incidents: on both databases,
with a record that the verifier replays."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from pavilion.bidding import folding
from pavilion.bidding.book import VERIFIED_AGAIN, SignedRoot
from pavilion.bidding.closing import NEVER
from pavilion.bidding.deciding import LotFacts
from pavilion.bidding.folding import Draft
from pavilion.bidding.opened import Failed
from pavilion.bidding.publication import publishable
from pavilion.bidding.record import hidden_lots, record_lines
from pavilion.bidding.verifying import verify
from pavilion.kernel.instants import micros
from tests.bidding.room import FIRST_END, MINUTE, SALE, SIGNER, VAULT, facts, lot_id, publication, room, rules_doc
from tests.make import NOON, SECOND

TWO = ("Ada", "Noor")
CLERKED = {"format": "clerked", "clerked": {"final_call": 10}}
GROUP = {
    "soft_close": {"window": 120, "extension": 120, "mode": "reset", "scope": "group", "hard_end": None},
    "stagger": {"first": rules_doc()["stagger"]["first"], "interval": 0, "per": 1, "breaks": []},
}


async def ends(sale):
    return {lot.end for lot in sale.writer.book.lots.values() if lot.state == "open"}


async def told(sale, kind):
    return [json.loads(line.body)["data"] for line in (await sale.store.load(SALE)).lines if line.type == kind]


async def record(sale, **rules):
    """The record of the closed sale, as the house would publish it."""
    stored = await sale.store.load(SALE)
    roots = [SignedRoot(int(news.checkpoint.split("\n")[1]), news.at, news.checkpoint) for news in sale.told]
    shown, doc = publishable(Draft(sale.writer.book, 0)), rules_doc(**rules)
    hidden = hidden_lots(stored.lines, doc, {n for n, *_ in shown.bids}, micros(sale.clock.at))
    keys = [str(SIGNER.verifier)]
    return list(record_lines(SALE, doc, keys, stored.lines, roots, shown.bids, shown.reserves, hidden))


async def good(sale, **rules):
    lines = await record(sale, **rules)
    return verify(lambda: iter(lines))


@pytest.fixture
async def clerked(database_url):
    async with room(database_url, publication(2, reserve=100_000, **CLERKED)) as sale:
        yield sale


async def test_a_clerk_opens_calls_and_sells(clerked):
    sale = clerked
    assert sale.lot(1).state == "listed" and (await sale.bid(1, 80_000)).code == "not_open_yet"
    assert await sale.act("open", 1, by="Ada") is None
    assert sale.lot(1).end == NEVER and (await told(sale, "lot.opened"))[0] == {"end": None}
    assert (await sale.bid(1, 150_000)).state == "winning"
    assert await sale.act("final_call", 1, by="Ada") is None
    assert 0 <= sale.lot(1).end - micros(NOON + 10 * SECOND) < 1000  # each event is a microsecond after the last
    assert await sale.act("final_call", 1, by="Ada") == "act_not_allowed"
    assert (await sale.bid(2, 160_000)).state == "winning"
    assert sale.lot(1).end == NEVER
    assert [one["cause"] for one in await told(sale, "lot.extended")] == ["staff", "bid"]
    assert await sale.act("pass", 1, by="Ada") == "act_not_allowed"  # it would be sold
    assert await sale.act("final_call", 1, by="Ada") is None
    await sale.at(NOON + 11 * SECOND)
    assert sale.lot(1).state == "sold" and sale.lot(1).stands.price == 160_000


async def test_a_maximum_that_changes_nothing_leaves_the_final_call(clerked):
    sale = clerked
    await sale.act("open", 1, by="Ada")
    await sale.bid(1, 150_000)
    await sale.act("final_call", 1, by="Ada")
    await sale.bid(1, 300_000)  # the leader's raise moves neither price nor leader
    assert 0 <= sale.lot(1).end - micros(NOON + 10 * SECOND) < 1000  # each event is a microsecond after the last


async def test_a_clerk_passes_what_nobody_wants_and_the_record_replays(clerked):
    sale = clerked
    await sale.act("open", 1, by="Ada")
    await sale.bid(1, 50_000)
    await sale.act("pause", 1, by="Ada")
    await sale.act("resume", 1, by="Ada")
    assert sale.lot(1).end == NEVER
    assert await sale.act("pass", 1, by="Ada") is None
    assert (await told(sale, "lot.passed"))[0]["reason"] == "reserve_not_met"
    await sale.act("open", 2, by="Ada")
    await sale.bid(2, 200_000, lot=2)
    await sale.act("final_call", 2, by="Ada")
    await sale.bid(3, 120_000, lot=2)
    await sale.act("final_call", 2, by="Ada")
    await sale.at(NOON + 30 * SECOND)
    assert sale.writer.book.closed
    verdict = await good(sale, **CLERKED)
    assert (verdict.lots, len(verdict.hidden_lots)) == (1, 1)


@pytest.mark.parametrize("act", ["open", "final_call", "pass"])
async def test_a_clerks_acts_are_not_those_of_a_timed_sale(sqlite_database_url, act):
    async with room(sqlite_database_url) as sale:
        assert await sale.act(act, 1, by="Ada") == "act_not_allowed"


async def test_lots_of_a_group_end_together(database_url):
    async with room(database_url, publication(3, **GROUP)) as sale:
        assert await ends(sale) == {micros(FIRST_END)}
        sale.clock.at = FIRST_END - MINUTE
        assert (await sale.bid(1, 70_000, lot=2)).state == "winning"
        assert await ends(sale) == {micros(FIRST_END + MINUTE)}
        assert [one["cause"] for one in await told(sale, "lot.extended")] == ["group", "group"]
        await sale.act("pause", 3, by="Ada")
        assert all(lot.state == "paused" for lot in sale.writer.book.lots.values())
        sale.clock.at += timedelta(seconds=30)
        await sale.act("resume", 1, by="Ada")
        assert len(await ends(sale)) == 1 and all(lot.state == "open" for lot in sale.writer.book.lots.values())
        later = micros(FIRST_END + 10 * MINUTE)
        assert await sale.act("extend", 1, by="Ada", to=later) is None
        assert await ends(sale) == {later}
        await sale.at(FIRST_END + 10 * MINUTE)
        assert sale.writer.book.closed and (await good(sale, **GROUP)).events


async def test_a_reserve_comes_down_by_two_and_is_proved(database_url):
    async with room(database_url, publication(1, reserve=300_000)) as sale:
        await sale.bid(1, 200_000)
        assert sale.lot().stands.reserve_met is False
        assert await sale.act("lower_reserve", by="Ada", amount=150_000) == "second_approval_needed"
        assert await sale.act("lower_reserve", ok=TWO, amount=300_000) == "act_not_allowed"
        assert await sale.act("lower_reserve", ok=TWO) == "amount_invalid"
        assert await sale.act("lower_reserve", ok=TWO, amount=250_000) is None
        assert sale.lot().stands.reserve_met is False
        assert await sale.act("lower_reserve", ok=TWO, amount=150_000) is None
        assert sale.lot().stands == ("A", 150_000, 160_000, True)
        assert await sale.act("lower_reserve", ok=TWO, amount=120_000) == "reserve_met"
        assert "150000" not in json.dumps([d["reserve_commit"] for d in await told(sale, "lot.reserve_lowered")])
        stored = await sale.store.load(SALE)
        again = folding.load(stored, VAULT.of_sale(SALE, stored.book.wrapped_key))
        assert next(iter(again.lots.values())).terms.reserve == 150_000
        await sale.at(FIRST_END)
        assert sale.lot().state == "sold" and (await good(sale)).lots == 1


async def test_a_declared_incident_gives_time_back_once(database_url):
    async with room(database_url, publication(2)) as sale:
        sale.clock.at = FIRST_END - MINUTE
        since = micros(FIRST_END - 3 * MINUTE)
        assert await sale.act("incident", None, by="Ada", to=since) == "second_approval_needed"
        assert await sale.act("incident", None, ok=TWO, to=micros(sale.clock.at)) == "outage_too_short"
        assert await sale.act("incident", None, ok=TWO, to=since) is None
        assert sale.lot(1).end == micros(sale.clock.at + 10 * MINUTE)
        assert await sale.act("incident", None, ok=TWO, to=since) == "act_not_allowed"
        assert (await told(sale, "incident"))[0]["kind"] == "declared"
        await sale.at(FIRST_END + 20 * MINUTE)
        assert (await good(sale)).events


async def test_a_call_that_a_bid_did_not_take_back_is_found(clerked):
    sale = clerked
    for number in (1, 2):
        await sale.act("open", number, by="Ada")
        await sale.bid(1, 150_000, lot=number)
        await sale.act("final_call", number, by="Ada")
    await sale.at(NOON + 11 * SECOND)
    lines = await record(sale, **CLERKED)
    with pytest.raises(Failed):
        verify(lambda: iter([line.replace(b'"to":null', b'"to":"2026-03-02T12:00:30.000000Z"') for line in lines[:-1]]))


async def test_a_stone_that_is_verified_again_is_told_to_the_room_once(database_url):
    lost = {lot_id(1): LotFacts(lot_id(1), verified=False, notice=("It is being checked.", "正在核验。"))}
    async with room(database_url) as sale:
        sale.writer.learn(replace(facts(), lots=lost))
        await sale.at(NOON)
        for _ in range(3):  # whatever else the house learns meanwhile
            sale.writer.learn(facts())
            await sale.bid(2, 80_000)
        texts = [one["text_en"] for one in await told(sale, "lot.notice")]
        assert texts == ["It is being checked.", VERIFIED_AGAIN[0]] and sale.lot().state == "paused"
        await sale.act("resume", by="Ada")
        sale.writer.learn(replace(facts(), lots=lost))
        await sale.bid(2, 90_000)
        sale.writer.learn(facts())
        await sale.bid(2, 90_000)
        assert [one["text_en"] for one in await told(sale, "lot.notice")][2:] == texts
