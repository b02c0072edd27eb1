"""A tender in two rounds: who is invited, who learns what, what stands when the engine dies between any two steps, and
a record in which every change is found."""

import asyncio
from dataclasses import replace

import pytest

from pavilion.bidding.custody import Refused, check_tender
from pavilion.bidding.deciding import Wish
from pavilion.bidding.opened import Failed
from pavilion.bidding.tender_queries import ranks
from pavilion.kernel.instants import micros
from tests.bidding import room as rooms
from tests.bidding.browser_records import agree, needs_node
from tests.bidding.room import FIRST_END, SALE, lot_id
from tests.bidding.tendered import (
    answer,
    closed,
    file_of,
    known,
    lines_of,
    place,
    plain_rules,
    results,
    sealed_text,
    send,
    shares_of,
    take_back,
    tender,
)
from tests.bidding.tenders import CUSTODIANS
from tests.bidding.test_tender_record import Rows, docs, event_of, judged, signed_again, written
from tests.luck import Random
from tests.make import HOUR, SECOND

FINAL = {"best_and_final": {"top": 3, "within_bp": 1000, "hours": 24}}


async def until_opened(room, times):
    for _ in range(3000):
        if room.types().count("tender.opened") == times:
            return
        await asyncio.sleep(0.002)
    raise AssertionError("not opened")


async def killed(room):
    """The engine dies; another takes the sale over with what the database holds."""
    room.running.cancel()
    await asyncio.gather(room.running, return_exceptions=True)
    await room.writer.lease.release()
    room.writer = await rooms.take(room.store, rooms.publication(), room.writer.facts, room.clock, room)
    room.running = asyncio.create_task(room.writer.run())
    assert (await take_back(room, 9)).code == "not_registered"  # it has looked at the clock


async def opened(room, *custodians, times=1):
    answer(room, *(shares_of(room, x) for x in custodians))
    await until_opened(room, times)


def second_end(room):
    return next(lot.end for lot in room.writer.book.lots.values() if lot.guests is not None)


async def first_round(room):
    """Lot 1 invites three of five, lot 2 has one bidder near the best, lot 3 none at all, lot 4 two and a void one."""
    for company, value in ((1, 500_000), (2, 480_000), (3, 460_000), (4, 455_000), (5, 449_999)):
        await send(room, company, value)
    for company, value in ((1, 900_000), (2, 300_000)):
        await send(room, company, value, lot=2)
    for company, value in ((3, 200_000), (2, 200_000), (5, 40_000)):
        await send(room, company, value, lot=4)
    await closed(room)
    await opened(room, 1, 3)


async def final_round(room):
    """On lot 1 the second of the first round overtakes; the others stay where they were, each for another reason."""
    assert (await send(room, 2, 520_000)).state == "sealed"
    assert (await send(room, 3, 459_999)).state == "sealed"  # below the own floor
    refused = await send(room, 4, 999_000)
    assert (refused.code, refused.n is not None) == ("lot_closed", True)
    assert (await send(room, 6, 999_000)).code == "lot_closed"
    assert (await take_back(room, 4)).code == "lot_closed"
    assert (await take_back(room, 1)).code == "nothing_to_withdraw"  # the first bid stands
    assert (await send(room, 1, 600_000)).result == "accepted"
    assert (await take_back(room, 1)).state == "invited"
    assert (await take_back(room, 1)).code == "nothing_to_withdraw"
    assert (await send(room, 2, 999_000, lot=2)).code == "lot_closed"


async def two_rounds(url, kill=False, **rules):
    """The whole tender; its record, and the room as it was told."""
    made = []

    def wrap(store):
        made.append(Rows(store))
        return made[0]

    async with tender(url, lots=4, wrap=wrap, **(FINAL | rules)) as room:
        steps = (first_round, final_round)
        await steps[0](room)
        if kill:
            await killed(room)
        await steps[1](room)
        if kill:
            await killed(room)
        end = room.writer.book.lots[lot_id(1)].end
        await room.at(FIRST_END + 24 * HOUR + 5 * SECOND)
        assert room.writer.book.round.waits and end == second_end(room)
        if kill:
            await killed(room)
        check_tender(file_of(room), micros(room.clock.at + SECOND))
        with pytest.raises(Refused, match="tender_early"):
            check_tender(file_of(room), end - 1)
        await opened(room, 2, 3, times=2)
        await asyncio.wait_for(room.running, 5)
        return made[0], room


async def test_the_invited_bid_again_and_a_crash_between_any_two_steps_changes_nothing(database_url):
    _, room = await two_rounds(database_url, kill=True)
    assert results(room) == {
        lot_id(1): ("lot.sold", "B", 520_000),
        lot_id(2): ("lot.sold", "A", 900_000),
        lot_id(3): ("lot.passed", "no_bids"),
        lot_id(4): ("lot.sold", "A", 200_000),
    }
    assert room.writer.book.state == "closed"


async def test_between_the_rounds_nobody_learns_more_than_whether_they_are_invited(sqlite_database_url):
    made = []

    def wrap(store):
        made.append(Rows(store))
        return made[0]

    async with tender(sqlite_database_url, lots=4, wrap=wrap, **FINAL) as room:
        before = len(room.told)
        await first_round(room)
        assert {name: lot.state for name, lot in room.writer.book.lots.items()} == {
            lot_id(1): "open", lot_id(2): "closing", lot_id(3): "passed", lot_id(4): "open",
        }  # fmt: skip
        own = {company: room.writer.mine(company).lots[lot_id(1)] for company in range(1, 6)}
        assert {company: (one.state, one.floor, one.max) for company, one in own.items()} == {
            1: ("invited", 500_000, None),
            2: ("invited", 480_000, None),
            3: ("invited", 460_000, None),
            4: ("not_invited", None, None),
            5: ("not_invited", None, None),
        }
        assert room.writer.mine(1).lots[lot_id(2)].state == "sealed"  # alone near the best: it waits for the award
        told = [one for news in room.told[before:] for one in news.own if one.lot == lot_id(1)]
        assert {(one.company_id, one.state) for one in told[-5:]} == {(k, own[k].state) for k in own}
        public = "".join(line.body for line in lines_of(room))
        assert all(f"{amount}" not in public for amount in (500_000, 480_000, 460_000, 455_000))
        (batch,) = [one for one in made[0].batches if one.kept.held]
        assert not batch.kept.opened and {len(one.sealed) for one in batch.kept.held} == {1536 + 28}
        assert [one.invited for one in batch.kept.held].count(True) == 5
        assert b"500000" not in b"".join(one.sealed for one in batch.kept.held)


async def test_the_record_of_two_rounds_is_found_good_and_every_change_in_it_is_found(sqlite_database_url):
    rows, _ = await two_rounds(sqlite_database_url)
    lines = rows.lines()
    assert judged(lines).lots == 4
    assert judged(written(signed_again(docs(lines)))).lots == 4
    for names in ((3,), (1,), (1, 4), (2,)):  # as long as lots that passed may be offered by hand
        hidden = {lot_id(k) for k in names}
        assert judged(rows.lines(hidden)).lots == 4 - len(names)
    missed = []
    for what in CHANGES:
        for again in (False, True):
            found = what(docs(lines))
            try:
                judged(written(signed_again(found) if again else found))
                missed.append((what.__name__, again))
            except Failed:
                pass
    assert missed == []


def events_of(found, kind):
    return [one["event"] for one in found if one["kind"] == "event" and one["event"]["type"] == kind]


def envelopes_of(found, lot, bidder):
    return [
        k for k, one in enumerate(found) if one["kind"] == "envelope" and (one["lot"], one["bidder"]) == (lot, bidder)
    ]


def a_final_envelope_left_out(found):
    k = envelopes_of(found, lot_id(1), "B")[1]
    del found[k : k + 3]
    return found


def the_winner_pays_the_first_total(found):
    event_of(found, "lot.sold", lot_id(1))["data"] = {"bidder": "B", "price": 480_000}
    return found


def the_bid_below_the_floor_counted(found):
    data = events_of(found, "tender.opened")[1]["data"]
    data["valid"], data["invalid"] = 2, 0
    return found


def who_was_not_invited_wins(found):
    event_of(found, "lot.sold", lot_id(1))["data"] = {"bidder": "D", "price": 455_000}
    return found


def a_shorter_second_round(found):
    for one in events_of(found, "lot.opened")[4:]:
        one["data"]["end"] = one["data"]["end"].replace("T13:00", "T12:00")
    for one in events_of(found, "lot.closing")[4:]:
        one["data"]["end"] = one["data"]["end"].replace("T13:00", "T12:00")
    return found


def a_lot_with_one_guest_opened_again(found):
    event = events_of(found, "lot.opened")[4]
    event["lot"] = lot_id(2)
    return found


def an_invited_one_turned_away(found):
    event = next(one for one in events_of(found, "bid.refused") if one["data"]["bidder"] == "D")
    event["data"]["bidder"] = "C"
    return found


def an_uninvited_one_let_in(found):
    event = [one for one in events_of(found, "tender.sealed") if one["lot"] == lot_id(1)][-1]
    event["data"]["bidder"] = "D"
    return found


def the_second_opening_of_other_envelopes(found):
    events_of(found, "tender.closed")[1]["data"]["envelopes"] = "ab" * 32
    return found


def the_lone_bidder_sold_before_the_award(found):
    sold = next(k for k, one in enumerate(found) if one["kind"] == "event" and one["event"]["type"] == "lot.sold"
                and one["event"]["lot"] == lot_id(2))  # fmt: skip
    line = found.pop(sold)
    first = next(k for k, one in enumerate(found) if one["kind"] == "event" and one["event"]["type"] == "tender.opened")
    line["event"]["t"] = line["event"]["at"] = found[first]["event"]["at"].replace("Z", "")[:-1] + "9Z"
    found.insert(first + 1, line)
    for n, one in enumerate(one["event"] for one in found if one["kind"] == "event"):
        one["n"] = n
    return found


CHANGES = (
    a_final_envelope_left_out, the_winner_pays_the_first_total, the_bid_below_the_floor_counted,
    who_was_not_invited_wins, a_shorter_second_round, a_lot_with_one_guest_opened_again, an_invited_one_turned_away,
    an_uninvited_one_let_in, the_second_opening_of_other_envelopes, the_lone_bidder_sold_before_the_award,
)  # fmt: skip


async def test_a_buying_limit_is_walked_over_the_lots_of_both_rounds_at_once(sqlite_database_url):
    """The lone bid of lot 2 is decided with lot 1, which its bidder wants first."""
    wish = {1: Wish(800_000, (lot_id(1), lot_id(2)))}
    async with tender(sqlite_database_url, lots=2, facts=known(2, wishes=wish), **FINAL) as room:
        await send(room, 1, 500_000)
        await send(room, 2, 495_000)
        await send(room, 1, 600_000, lot=2)
        await send(room, 3, 100_000, lot=2)
        await closed(room)
        await opened(room, 1, 2)
        await send(room, 1, 510_000)
        await room.at(FIRST_END + 24 * HOUR + 5 * SECOND)
        await opened(room, 1, 2, times=2)
        assert results(room) == {
            lot_id(1): ("lot.sold", "A", 510_000),
            lot_id(2): ("lot.sold", "B", 100_000),
        }


async def test_where_nobody_has_a_rival_near_there_is_no_second_round(sqlite_database_url):
    async with tender(sqlite_database_url, lots=2, **(FINAL | {"min_bidders": 2})) as room:
        await send(room, 1, 500_000)
        await send(room, 2, 400_000)
        await send(room, 1, 500_000, lot=2)
        await closed(room)
        await opened(room, 1, 2)
        assert results(room) == {
            lot_id(1): ("lot.sold", "A", 500_000),
            lot_id(2): ("lot.passed", "too_few_bidders"),
        }
        assert room.writer.book.state == "closed"


async def test_a_final_round_whose_lots_are_withdrawn_ends_with_what_is_left(sqlite_database_url):
    made = []

    def wrap(store):
        made.append(Rows(store))
        return made[0]

    async with tender(sqlite_database_url, lots=2, wrap=wrap, **FINAL) as room:
        for company, value in ((1, 500_000), (2, 495_000)):
            await send(room, company, value)
        await send(room, 3, 100_000, lot=2)
        await closed(room)
        await opened(room, 1, 2)
        assert await room.act("withdraw", ok=("a", "b"), reason="staff") is None
        await until_opened(room, 2)  # no envelope waits for a custodian
        assert results(room) == {lot_id(2): ("lot.sold", "A", 100_000)}
    assert judged(made[0].lines()).lots == 2


async def test_a_final_round_with_nothing_left_to_decide_ends_at_once(sqlite_database_url):
    made = []

    def wrap(store):
        made.append(Rows(store))
        return made[0]

    async with tender(sqlite_database_url, wrap=wrap, **FINAL) as room:
        for company, value in ((1, 500_000), (2, 495_000)):
            await send(room, company, value)
        await closed(room)
        await opened(room, 1, 2)
        await send(room, 1, 600_000)
        assert await room.act("withdraw", ok=("a", "b"), reason="staff") is None
        assert room.writer.book.state == "closed"
    assert judged(made[0].lines()).lots == 1


async def test_in_plain_mode_the_house_opens_both_rounds_by_itself(database_url):
    """The same envelopes, events and record; the rules name the one key, which is the house's."""
    made, rules = [], plain_rules()
    sealing = {"k": 1, "custodians": rules["custodians"]}

    def wrap(store):
        made.append(Rows(store))
        return made[0]

    async with tender(database_url, wrap=wrap, **(FINAL | rules)) as room:
        for company, value in ((1, 500_000), (2, 495_000), (3, 100_000)):
            await send(room, company, value, **sealing)
        rubbish = sealed_text(4, 900_000, key="bb" * 16, **sealing)
        broken = replace(rubbish, shares=(rubbish.shares[0]._replace(ct=bytes(48)),))
        assert (await place(room, 4, 1, "bb" * 16, broken)).result == "accepted"
        await room.at(FIRST_END + 3 * SECOND)
        assert room.types()[-3:] == ["tender.closed", "tender.opened", "lot.opened"]
        assert (await send(room, 3, 600_000, **sealing)).code == "lot_closed"
        await send(room, 2, 510_000, **sealing)
        await room.at(FIRST_END + 24 * HOUR + 5 * SECOND)
        assert results(room) == {lot_id(1): ("lot.sold", "B", 510_000)}
    assert judged(made[0].lines()).lots == 1


@needs_node
async def test_the_browser_finds_the_record_of_a_plain_tender_good_as_the_command_does(sqlite_database_url):
    made, rules = [], plain_rules()

    def wrap(store):
        made.append(Rows(store))
        return made[0]

    async with tender(sqlite_database_url, wrap=wrap, **rules) as room:
        await send(room, 1, 500_000, k=1, custodians=rules["custodians"])
        await room.at(FIRST_END + 3 * SECOND)
    good, other = made[0].lines(), docs(made[0].lines())
    event_of(other, "lot.sold")["data"]["price"] += 1
    assert [one["ok"] for one in agree([good, written(signed_again(other))])] == [True, False]


async def test_where_the_rules_name_another_key_than_the_house_has_nothing_opens_by_itself(sqlite_database_url):
    other = {"sealed": False, "k": 1, "custodians": [CUSTODIANS[0]]}
    async with tender(sqlite_database_url, **other) as room:
        await send(room, 1, 500_000, k=1, custodians=other["custodians"])
        await closed(room)
        assert "tender.opened" not in room.types()
        room.clock.at = FIRST_END + 25 * HOUR
        assert await room.act("open_tender", lot=None, by="a") is None
        assert results(room) == {lot_id(1): ("lot.passed", "no_bids")}


async def test_below_the_reserve_the_invited_alone_are_in_the_rank(sqlite_database_url, sqlite_sessions):
    async with tender(sqlite_database_url, reserve=900_000, **FINAL) as room:
        for company, value in ((1, 500_000), (2, 495_000), (3, 100_000)):
            await send(room, company, value)
        await closed(room)
        await opened(room, 1, 2)
        await send(room, 2, 520_000)
        await room.at(FIRST_END + 24 * HOUR + 5 * SECOND)
        async with sqlite_sessions() as session:
            assert await ranks(session, SALE, "latest") == {}
        await opened(room, 2, 3, times=2)
        assert results(room) == {lot_id(1): ("lot.passed", "reserve_not_met")}
        async with sqlite_sessions() as session:
            found = await ranks(session, SALE, "latest")
        assert [(one.bidder, one.total) for one in found[lot_id(1)]] == [("B", 520_000), ("A", 500_000)]


async def test_an_envelope_broken_on_purpose_leaves_the_first_total(sqlite_database_url):
    async with tender(sqlite_database_url, **FINAL) as room:
        for company, value in ((1, 500_000), (2, 495_000)):
            await send(room, company, value)
        await closed(room)
        await opened(room, 1, 2)
        broken = sealed_text(1, 900_000, key="aa" * 16)
        broken = replace(broken, box=broken.box[:-1] + bytes([broken.box[-1] ^ 1]))
        assert (await place(room, 1, 1, "aa" * 16, broken)).result == "accepted"
        await room.at(FIRST_END + 24 * HOUR + 5 * SECOND)
        await opened(room, 1, 2, times=2)
        assert results(room) == {lot_id(1): ("lot.sold", "A", 500_000)}


class Plain:
    """Two rounds by a plain definition: of each lot who bid what, in order, and who may bid again."""

    def __init__(self, lots):
        self.place, self.first, self.live, self.guests = 0, {}, {lot: {} for lot in lots}, {}

    def bid(self, lot, who, total):
        self.place += 1
        held = self.live[lot]
        floor = max(50_000, self.first[lot][who][0] if self.guests else 0)
        if total >= floor and held.get(who, (0,))[0] != total:
            held[who] = (total, self.place)

    def take_back(self, lot, who):
        if self.guests:
            self.live[lot][who] = self.first[lot][who]
        else:
            self.live[lot].pop(who, None)  # or it was below the minimum, which nobody knew

    def rank(self, lot):
        return sorted(self.live[lot], key=lambda who: (-self.live[lot][who][0], self.live[lot][who][1]))

    def invite(self):
        for lot, held in self.live.items():
            near = [who for who in self.rank(lot)[:3] if held[who][0] * 10 >= held[self.rank(lot)[0]][0] * 9]
            if len(near) > 1:
                self.guests[lot] = near
                self.live[lot] = {who: held[who] for who in near}
        self.first = {lot: dict(held) for lot, held in self.live.items()}

    def results(self):
        return {
            lot: ("lot.sold", self.rank(lot)[0], held[self.rank(lot)[0]][0]) if held else ("lot.passed", "no_bids")
            for lot, held in self.live.items()
        }


@pytest.mark.parametrize("seed", range(3))
async def test_two_rounds_of_chance_end_as_the_plain_definition_says(sqlite_database_url, seed):
    luck, made, plain = Random(seed), [], Plain((1, 2, 3))

    def wrap(store):
        made.append(Rows(store))
        return made[0]

    async def some_bids(room, lots):
        for _ in range(18):
            lot, who, total = luck.choice(lots), luck.randint(1, 5), luck.choice(range(45_000, 60_001, 1_000))
            if luck.random() < 0.2:
                if (await take_back(room, who, lot)).result == "accepted":
                    plain.take_back(lot, who)
                continue
            said = await send(room, who, total, lot=lot)
            allowed = not plain.guests or who in plain.guests[lot]
            assert said.code == (None if allowed else "lot_closed")
            if allowed:
                plain.bid(lot, who, total)

    async with tender(sqlite_database_url, lots=3, wrap=wrap, **FINAL) as room:
        await some_bids(room, (1, 2, 3))
        await closed(room)
        await opened(room, 1, 2)
        plain.invite()
        assert {k for k in (1, 2, 3) if room.lot(k).guests is not None} == plain.guests.keys()
        if plain.guests:
            await killed(room)
            await some_bids(room, tuple(plain.guests))
            await room.at(FIRST_END + 24 * HOUR + 5 * SECOND)
            await opened(room, 2, 3, times=2)
        names = {k: {paddle - 100: alias for paddle, alias in room.lot(k).aliases.items()} for k in (1, 2, 3)}
        said = {
            lot_id(k): (kind, names[k][rest[0]], rest[1]) if kind == "lot.sold" else (kind, *rest)
            for k, (kind, *rest) in plain.results().items()
        }
        assert results(room) == said
    assert judged(made[0].lines()).lots == 3
