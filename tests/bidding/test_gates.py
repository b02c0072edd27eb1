"""What a lot asks of its bidders beside an amount: that it was seen, and that a changed passport is agreed to."""

from dataclasses import replace

import pytest

from pavilion.bidding.deciding import Rule
from tests.bidding import room as rooms
from tests.bidding.room import lot_id, publication
from tests.make import HOUR, NOON, SECOND

LOW = 100_000
PEOPLE = rooms.facts(1).bidders
GATE = {"gate_bp": 15000, "lots": "all"}
LONG = {"first": rooms.stamp(NOON + 72 * HOUR), "interval": 60, "per": 1, "breaks": []}


def known(**lot):
    return rooms.Facts(PEOPLE, {lot_id(1): rooms.LotFacts(lot_id(1), low=LOW, **lot)})


async def test_above_the_gate_only_those_bid_who_have_seen_the_lot(database_url):
    async with rooms.room(database_url, publication(viewing_gate=GATE), known(viewed=frozenset({2}))) as sale:
        assert (await sale.bid(1, 150_001)).code == "viewing_required"
        assert (await sale.bid(1, 150_000)).result == "accepted"
        assert (await sale.bid(2, 900_000)).result == "accepted"
        sale.writer.learn(known(viewed=frozenset({1, 2})))
        assert (await sale.bid(1, 800_000)).code is None


async def test_a_gate_may_stand_before_some_lots_only(database_url):
    gate = {"gate_bp": 10000, "lots": [lot_id(2)]}
    facts = rooms.Facts(PEOPLE, {lot_id(n): rooms.LotFacts(lot_id(n), low=LOW) for n in (1, 2)})
    async with rooms.room(database_url, publication(2, viewing_gate=gate), facts) as sale:
        assert (await sale.bid(1, 500_000, 1)).result == "accepted"
        assert (await sale.bid(1, 500_000, 2)).code == "viewing_required"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"rules": "0" * 64}, "rules_changed"),  # before the gate
        ({"company_id": 3}, "conflict_of_interest"),
        ({"company_id": 4}, "not_eligible"),
        ({"currency": "EUR"}, "viewing_required"),  # and after it
        ({"max": 10**12}, "viewing_required"),
    ],
)
async def test_the_gate_has_its_place_among_the_checks(database_url, change, code):
    lot = rooms.LotFacts(lot_id(1), low=LOW, barred=frozenset({3}), closed={"US": Rule("X", "")})
    facts = rooms.Facts({**PEOPLE, 4: rooms.bidder(4, destination="US")}, {lot_id(1): lot})
    async with rooms.room(database_url, publication(viewing_gate=GATE), facts) as sale:
        assert (await sale.bid(1, 300_000)).code == "viewing_required"
        assert (await sale.writer.place(replace(sale.order(1, 300_000), **change))).code == code


def passport(sale):
    return sale.lot().passport


async def learned(sale, **lot):
    sale.writer.learn(known(**lot))
    await sale.at(sale.clock.at)
    await seen(lambda: sale.writer._looked_at == sale.writer._news)


async def seen(true):
    """The writer works beside the test: what it decides is there a moment later."""
    for _ in range(2000):
        if true():
            return
        await rooms.asyncio.sleep(0.002)
    raise AssertionError("the writer did not look")


async def test_a_changed_passport_pauses_the_lot_until_its_bidders_confirm(database_url):
    async with rooms.room(database_url, publication(stagger=LONG), known()) as sale:
        await sale.bid(1, 200_000)
        await sale.bid(2, 300_000)
        before = passport(sale)
        await learned(sale, passport=before)
        assert sale.lot().state == "open"
        await learned(sale, passport="ab" * 32)
        assert (sale.lot().state, sale.lot().pause_reason) == ("paused", "passport_changed")
        assert passport(sale) == "ab" * 32
        assert await sale.act("resume", by="S") == "act_not_allowed"
        await learned(sale, passport="ab" * 32, confirmed=frozenset({1, 2}))
        assert await sale.act("resume", by="S") is None
        assert len(sale.lot().live) == 2 and (await sale.bid(3, 400_000)).result == "accepted"


async def test_what_is_not_confirmed_in_a_day_is_void_and_then_the_lot_goes_on(database_url):
    async with rooms.room(database_url, publication(stagger=LONG), known()) as sale:
        await sale.bid(1, 200_000)
        await sale.bid(2, 300_000)
        await learned(sale, passport="ab" * 32)
        await learned(sale, passport="ab" * 32, confirmed=frozenset({1}))
        await sale.at(sale.clock.at + 24 * HOUR - SECOND)
        assert "bid.voided" not in sale.types()
        await sale.at(sale.clock.at + 2 * SECOND)
        await seen(lambda: sale.types().count("bid.voided") == 1)
        assert sale.lot().leader() == 101 and sale.lot().stands.price == 50_000
        assert await sale.act("resume", by="S") is None
        stored = await sale.store.load(rooms.SALE)
        book = rooms.folding.load(stored, rooms.VAULT.of_sale(rooms.SALE, stored.book.wrapped_key))
        assert book.lots[lot_id(1)].row() == sale.lot().row()
        assert '"ok":[]' in next(line.body for line in stored.lines if line.type == "bid.voided")


async def test_without_a_bid_a_changed_passport_is_told_and_nothing_waits(database_url):
    async with rooms.room(database_url, publication(stagger=LONG), known()) as sale:
        await learned(sale, passport="ab" * 32)
        assert sale.lot().state == "open" and sale.types()[-1] == "lot.notice"
        assert (await sale.bid(1, 200_000)).result == "accepted"
        await sale.at(sale.clock.at + 25 * HOUR)
        assert sale.lot().leader() == 101
