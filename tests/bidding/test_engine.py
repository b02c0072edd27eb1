"""The one writer on both databases: what it answers is on disk, and what is on disk it answers again."""

import asyncio
import json

import pytest

from pavilion.bidding import folding
from pavilion.bidding.book import Fenced
from pavilion.bidding.deciding import Rule
from pavilion.kernel.instants import micros
from tests.bidding import room as rooms
from tests.bidding.room import FIRST_END, SALE, VAULT, facts, lot_id, publication, room
from tests.make import NOON, SECOND


@pytest.fixture
async def sale(database_url):
    async with room(database_url) as made:
        yield made


async def lines(sale):
    return (await sale.store.load(SALE)).lines


async def test_the_book_begins_with_the_sale_and_its_lots(sale):
    stored = await lines(sale)
    assert [line.type for line in stored] == ["sale.published", "lot.listed", "sale.opened", "lot.opened"]
    assert [line.n for line in stored] == [0, 1, 2, 3]
    first, listed = json.loads(stored[0].body), json.loads(stored[1].body)
    assert first["prev"] == "0" * 64 and listed["prev"] == stored[0].hash
    assert listed["data"]["end"] == "2026-03-02T13:00:00.000000Z"


async def test_an_accepted_bid_leads_at_the_opening(sale):
    answer = await sale.bid(1, 80_000)
    assert (answer.result, answer.state, answer.max, answer.seq) == ("accepted", "winning", 80_000, 3)
    assert sale.lot().stands == ("A", 50_000, 55_000, None)
    assert len(answer.nonce) == 64 and answer.receipt == f"/sales/{SALE}/receipts/{answer.n}"


async def test_the_second_bidder_pays_one_step_over_the_first(sale):
    await sale.bid(1, 80_000)
    answer = await sale.bid(2, 120_000)
    assert answer.state == "winning" and sale.lot().stands.price == 85_000
    assert (await sale.bid(3, 86_000)).code == "below_ask"


async def test_bids_that_came_together_are_stored_together(database_url):
    async with room(database_url, known=facts(bidders=40)) as sale:
        before = len(sale.told)
        answers = await asyncio.gather(*(sale.bid(n, 50_000 + 100_000 * n) for n in range(1, 41)))
        assert [answer.seq for answer in answers] == list(range(3, 43))
        assert len(sale.told) == before + 1


async def test_asking_twice_bids_once(sale):
    order = sale.order(1, 70_000)
    first, second = await asyncio.gather(sale.writer.place(order), sale.writer.place(order))
    assert {first.replayed, second.replayed} == {False, True}
    assert (first.n, first.nonce, first.state) == (second.n, second.nonce, second.state)
    assert sum(line.type == "bid.accepted" for line in await lines(sale)) == 1


async def test_a_key_used_for_another_amount_is_refused_and_changes_nothing(sale):
    order = sale.order(1, 70_000)
    await sale.writer.place(order)
    again = await sale.bid(1, 75_000, key=order.key)
    assert (again.code, again.n) == ("key_reused", None)


async def test_a_refusal_is_in_the_log_but_not_in_the_room(sale):
    await sale.bid(1, 70_000)
    answer = await sale.bid(2, 51_000)
    assert (answer.code, answer.seq, answer.ask) == ("below_ask", 3, 55_000)
    last = (await lines(sale))[-1]
    assert (last.type, last.seq, last.prev) == ("bid.refused", 0, sale.lot().hash)
    assert "bid.refused" not in sale.types()
    again = await sale.writer.place(sale.order(2, 51_000, key=answer.key))
    assert again.replayed and (again.code, again.n, again.ask) == (answer.code, answer.n, answer.ask)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"company": 99}, "not_registered"),
        ({"lot": 9}, "lot_unknown"),
        ({"rules": "00" * 32}, "rules_changed"),
        ({"currency": "EUR"}, "wrong_currency"),
        ({"currency": 'U"D'}, "bad_message"),
        ({"rules": ""}, "bad_message"),
        ({"key": "x" * 32}, "bad_message"),
        ({"amount": 2**63}, "bad_message"),
        ({"amount": 0}, "amount_invalid"),
        ({"amount": 10**15}, "amount_too_large"),
        ({"amount": 49_999}, "below_opening"),
        ({"amount": 900_000, "confirm": None}, "confirm_needed"),
        ({"amount": 900_000, "confirm": 800_000}, "confirm_needed"),
    ],
)
async def test_each_check_refuses_with_its_code(sqlite_database_url, changes, code):
    async with room(sqlite_database_url) as sale:
        assert (await sale.bid(**changes)).code == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "applied"}, "registration_pending"),
        ({"state": "more_information"}, "registration_pending"),
        ({"state": "declined"}, "not_registered"),
        ({"state": "suspended"}, "banned"),
        ({"state": "struck"}, "banned"),
        ({"terms": "00" * 32}, "terms_not_accepted"),
        ({"limit": 62_499}, "over_limit"),
        ({"limit": 62_500}, None),  # 50,000 and a quarter of it as premium
    ],
)
async def test_the_registration_decides_who_may_bid(sqlite_database_url, change, code):
    lots = facts().lots
    known = rooms.Facts({1: rooms.bidder(1, **change)}, lots)
    async with room(sqlite_database_url, known=known) as sale:
        assert (await sale.bid(1, 50_000)).code == code


async def test_an_approval_that_ended_takes_nothing_new_and_what_was_bid_stands(sqlite_database_url):
    clock = rooms.HandClock()
    ends = micros(clock.at + 60 * SECOND)
    known = rooms.Facts({1: rooms.bidder(1, until=ends), 2: rooms.bidder(2)}, facts().lots)
    async with room(sqlite_database_url, known=known) as sale:
        order = sale.order(1, 70_000)
        assert (await sale.writer.place(order)).result == "accepted"
        sale.clock.at = clock.at + 60 * SECOND
        refused = await sale.bid(1, 90_000)
        assert (refused.code, refused.n) == ("approval_expired", None), "at that very instant, and not in the book"
        again = await sale.writer.place(order)
        assert (again.result, again.replayed) == ("accepted", True), "what was answered before is answered the same"
        assert (await sale.bid(2, 60_000)).state == "outbid", "the live maximum bids on"
        assert sale.lot().stands.price == 65_000


async def test_nobody_bids_on_own_stones_or_where_they_may_not_go(sqlite_database_url):
    closed = {"US": Rule("SN-01 US-X", "a gazette")}
    barred = {lot_id(1): rooms.LotFacts(lot_id(1), barred=frozenset({1}), closed=closed)}
    people = {1: rooms.bidder(1), 2: rooms.bidder(2, destination="US"), 3: rooms.bidder(3)}
    async with room(sqlite_database_url, known=rooms.Facts(people, barred)) as sale:
        codes = [(await sale.bid(company, 90_000)).code for company in (1, 2, 3)]
        assert codes == ["conflict_of_interest", "not_eligible", None]


async def test_what_a_bidder_leads_counts_against_the_limit_and_what_is_lost_no_more(database_url):
    people = {1: rooms.bidder(1, limit=200_000), 2: rooms.bidder(2)}
    known = rooms.Facts(people, facts(2).lots)
    async with room(database_url, publication(2), known) as sale:
        assert (await sale.bid(1, 100_000, lot=1)).result == "accepted"  # 125,000 with premium
        refused = await sale.bid(1, 70_000, lot=2)
        assert (refused.code, refused.headroom) == ("over_limit", 75_000)
        assert (await sale.bid(1, 100_000 + 60_000, lot=1)).result == "accepted"  # a raise replaces the old amount
        await sale.bid(2, 300_000, lot=1)
        assert (await sale.bid(1, 150_000, lot=2)).result == "accepted"
        assert sale.writer.mine(1).headroom == 200_000 - 187_500


async def test_a_late_bid_extends_and_the_closing_instant_is_too_late(sale):
    sale.clock.at = FIRST_END - 5 * SECOND
    answer = await sale.bid(1, 60_000)
    assert answer.result == "accepted"
    assert sale.lot().end == micros(FIRST_END + 115 * SECOND)
    assert (await sale.bid(2, 80_000)).result == "accepted"
    sale.clock.at = FIRST_END + 115 * SECOND
    assert (await sale.bid(3, 200_000)).code in ("too_late", "lot_closed")


async def test_lots_close_one_after_another_by_themselves_and_then_the_sale(database_url):
    async with room(database_url, publication(3, reserve=100_000), facts(3)) as sale:
        await sale.bid(1, 120_000, lot=1)
        await sale.bid(2, 60_000, lot=2)
        await sale.at(FIRST_END)
        assert [sale.lot(k).state for k in (1, 2, 3)] == ["sold", "open", "open"]
        assert (await sale.bid(3, 500_000, lot=1)).code == "lot_closed"
        await sale.at(FIRST_END + 60 * SECOND)
        assert sale.lot(2).state == "passed"
        await sale.at(FIRST_END + 120 * SECOND)
        await asyncio.wait_for(sale.running, 5)
        stored = await lines(sale)
        assert stored[-1].type == "sale.closed" and sale.writer.book.closed
        results = [json.loads(x.body)["data"] for x in stored if x.type in ("lot.sold", "lot.passed")]
        assert results == [
            {"bidder": "A", "price": 100_000},
            {"reason": "reserve_not_met"},
            {"reason": "no_bids"},
        ]


async def test_replay_is_the_live_state_byte_for_byte(database_url):
    async with room(database_url, publication(3, reserve=90_000), facts(3, 8)) as sale:
        for n in range(40):
            await sale.bid(1 + n % 7, 50_000 + 7_000 * n, lot=1 + n % 3)
        assert await sale.act("pause", 2, by="01PERSON", reason="staff") is None
        sale.clock.at += 60 * SECOND
        assert await sale.act("resume", 2, by="01PERSON") is None
        assert await sale.act("void", 1, paddle=101, ok=("01PERSON", "01OTHER"), reason="typo") is None
        assert await sale.act("withdraw", 3, ok=("01PERSON", "01OTHER"), reason="staff") is None
        stored = await sale.store.load(SALE)
        again = folding.load(stored, VAULT.of_sale(SALE, stored.book.wrapped_key))
        live = sale.writer.book
        for name, lot in live.lots.items():
            lot.slow = False
            assert again.lots[name] == lot
        for told in ("n", "seq", "hash", "at", "state", "held", "given", "staff"):
            assert getattr(again, told) == getattr(live, told)
        assert again.tree.root() == live.tree.root()


async def test_staff_acts_are_refused_by_code_when_the_state_does_not_fit(sale):
    assert await sale.act("resume") == "not_paused"
    assert await sale.act("extend", to=0) == "end_not_later"
    assert await sale.act("void", paddle=101, ok=("a", "b")) == "nothing_to_void"
    assert await sale.act("void", paddle=101) == "second_approval_needed"
    assert await sale.act("pause") is None
    assert await sale.act("pause") == "lot_paused"
    assert (await sale.bid(1, 50_000)).code == "lot_paused"
    assert await sale.act("dance") == "act_not_allowed"
    assert await sale.act("withdraw") is None
    assert await sale.act("resume") == "lot_withdrawn"


async def test_a_lot_with_live_bids_is_withdrawn_by_two(sale):
    await sale.bid(1, 60_000)
    assert await sale.act("withdraw", by="01PERSON") == "second_approval_needed"
    assert await sale.act("withdraw", ok=("01PERSON", "01OTHER"), reason="staff") is None
    assert (await sale.bid(2, 90_000)).code == "lot_withdrawn"


async def test_a_void_lets_the_price_fall_and_revives_nobody_refused(sale):
    await sale.bid(1, 60_000)
    await sale.bid(2, 200_000)
    assert await sale.act("void", paddle=102, ok=("01P", "01O"), reason="typo") is None
    assert sale.lot().stands == ("A", 50_000, 55_000, None)
    own = [state for news in sale.told for state in news.own]
    assert [(x.company_id, x.state) for x in own][-2:] == [(1, "winning"), (2, "voided")]


async def test_a_pause_of_the_sale_pauses_every_lot_and_gives_the_time_back(database_url):
    async with room(database_url, publication(2), facts(2)) as sale:
        assert await sale.act("pause", None, by="01P") is None
        assert (await sale.bid(1, 50_000)).code == "sale_paused"
        sale.clock.at = NOON + 30 * 60 * SECOND
        assert await sale.act("resume", None, by="01P") is None
        assert 0 <= micros(FIRST_END + 30 * 60 * SECOND) - sale.lot(1).end < 100  # events of one batch are 1 µs apart
        assert (await sale.bid(1, 50_000)).result == "accepted"


async def test_a_lot_whose_stone_lost_its_verdict_takes_no_further_bid(sale):
    known = rooms.Facts(sale.writer.facts.bidders, {lot_id(1): rooms.LotFacts(lot_id(1), verified=False)})
    sale.writer.learn(known)
    assert (await sale.bid(1, 50_000)).code == "lot_paused"
    assert await sale.act("resume") == "act_not_allowed"


async def test_a_suspension_stops_the_next_bid(sale):
    await sale.bid(1, 50_000)
    sale.writer.learn(rooms.Facts({1: rooms.bidder(1, state="suspended")}, sale.writer.facts.lots))
    assert (await sale.bid(1, 90_000)).code == "banned"


async def test_a_full_waiting_list_answers_that_nobody_knows(sale):
    sale.writer.room = 0
    assert (await sale.bid(1, 50_000)).code == "engine_away"


class Failing:
    """A real store that can be told to fail before or after it wrote."""

    def __init__(self, store):
        self.store, self.before, self.after = store, [], []

    def __getattr__(self, name):
        return getattr(self.store, name)

    async def write(self, sale, epoch, batch):
        if self.before:
            raise self.before.pop()
        await self.store.write(sale, epoch, batch)
        if self.after:
            raise self.after.pop()


async def test_when_the_store_fails_before_writing_the_bid_is_decided_again(database_url):
    async with room(database_url, wrap=Failing) as sale:
        sale.store.before = [OSError("no space left")]
        answer = await sale.bid(1, 60_000)
        assert (answer.result, answer.seq, answer.replayed) == ("accepted", 3, False)


async def test_when_the_store_fails_after_writing_the_bid_stands_and_is_announced_once(database_url):
    async with room(database_url, wrap=Failing) as sale:
        sale.store.after = [ConnectionError("answer lost")]
        answer = await sale.bid(1, 60_000)
        assert (answer.result, answer.seq, answer.replayed) == ("accepted", 3, False)
        assert sale.types().count("bid.accepted") == 1
        assert [line.type for line in await lines(sale)].count("bid.accepted") == 1


async def test_three_failures_in_a_row_end_the_writer(database_url):
    async with room(database_url, wrap=Failing) as sale:
        sale.store.before = [OSError("one"), OSError("two"), OSError("three")]
        answer = await sale.bid(1, 60_000)
        assert (answer.result, answer.code) == ("unknown", "engine_away")
        with pytest.raises(OSError, match="one"):
            await sale.running
        assert (await sale.bid(1, 60_000)).code == "engine_away"


async def test_a_writer_that_lost_its_lease_stops_and_says_nothing(database_url):
    async with room(database_url, wrap=Failing) as sale:
        before = len(sale.told)
        sale.store.before = [Fenced()]
        assert (await sale.bid(1, 60_000)).code == "engine_away"
        with pytest.raises(Fenced):
            await sale.running
        assert len(sale.told) == before


async def test_an_order_that_breaks_the_engine_does_not_break_the_room(sale):
    broken = sale.order(1, 60_000, rules=None)
    one, two = await asyncio.gather(sale.writer.place(broken), sale.bid(2, 60_000))
    assert one.result in ("unknown", "refused") and two.result == "accepted"


async def test_nothing_announced_holds_a_maximum_or_a_nonce(sale):
    answers = [await sale.bid(n, 61_357 + 10_007 * n) for n in (1, 2, 3)]
    heard = json.dumps([[line.body for line in news.lines] for news in sale.told])
    for answer in answers:
        assert answer.nonce not in heard and f"{answer.max}" not in heard
    stored = await sale.store.load(SALE)
    hidden = b"".join(one.sealed for one in stored.private) + "".join(line.body for line in stored.lines).encode()
    assert all(str(answer.max).encode() not in hidden for answer in answers)
    assert len({len(one.sealed) for one in stored.private}) == 1
