"""A lot that is listed after an amendment runs by it, if no lot without a live bid was left out, or if it brings back
a lot that was amended; the record proves that too, and one from before the rule is still good."""

from dataclasses import replace

from pavilion.bidding.deciding import Listing, LotFacts
from pavilion.bidding.ruled import Ruled
from pavilion.kernel.canon import document_hash, read_json
from pavilion.kernel.instants import from_micros, stamp
from tests.bidding.room import (
    FIRST_END,
    MINUTE,
    OPENS,
    HandClock,
    Room,
    lot_id,
    open_store,
    publication,
    room,
    rules_doc,
)  # fmt: skip
from tests.bidding.test_amending import amend, held, read_again, record, signed_anew
from tests.bidding.test_republishing import at_work
from tests.make import HOUR, SECOND

CAP, LATER = FIRST_END + 3 * MINUTE + 30 * SECOND, FIRST_END + 2 * HOUR
SOFT = {"window": 120, "extension": 120, "mode": "reset", "scope": "lot", "hard_end": stamp(CAP)}
ALONE, ALL = SOFT | {"hard_end": stamp(LATER)}, SOFT | {"hard_end": stamp(LATER + HOUR)}
PUBLISHED = rules_doc(soft_close=SOFT)


async def withdrawn_and_back(sale, old, new):
    """The lot is withdrawn and its stones come back as another, listed by the writer; answers that lot."""
    assert await sale.act("withdraw", old, by="01ADA", reason="staff") is None
    back = Listing(lot_id(new), f"{old}A", "USD", 50_000, None, "ab" * 32, lot_id(old))
    known = sale.writer.facts
    lots = {**known.lots, back.lot: LotFacts(back.lot)}
    sale.writer.facts = replace(known, lots=lots, late=[*known.late, back])
    assert await sale.act("list_late", new) is None
    return sale.lot(new)


async def played(url):
    """Lot 4 is amended alone and comes back; lot 1 comes back by the rules as published; the others without a bid are
    amended together, and lot 2 comes back. Everything is sold."""
    async with room(url, publication(4, soft_close=SOFT)) as sale:
        assert await amend(sale, 4, soft_close=ALONE) is None
        alone = sale.lot(4).rules_hash
        fourth = await withdrawn_and_back(sale, 4, 14)
        assert (fourth.rules_hash, from_micros(fourth.hard_end)) == (alone, LATER)
        assert from_micros(fourth.end) == FIRST_END + 4 * MINUTE, "after the last of the plan"
        first = await withdrawn_and_back(sale, 1, 11)
        assert (first.rules_hash, from_micros(first.end)) == (sale.rules_hash, CAP), "an exception of lot 4 alone"
        await sale.at(sale.clock.at + SECOND)
        assert (await sale.bid(1, 60_000, lot=14)).code == "rules_changed"
        assert (await sale.bid(1, 60_000, lot=14, rules=alone)).result == "accepted"
        assert await amend(sale, 2, 3, 11, was=sale.rules_hash, soft_close=ALL) is None
        newest = sale.lot(3).rules_hash
        second = await withdrawn_and_back(sale, 2, 12)
        assert (second.rules_hash, from_micros(second.hard_end)) == (newest, LATER + HOUR)
        assert from_micros(second.end) > CAP
        await sale.at(sale.clock.at + SECOND)
        for lot in (3, 11, 12):
            assert (await sale.bid(1, 60_000, lot=lot, rules=newest)).result == "accepted"
        again = await read_again(sale)
        assert (again.lots, again.ruled) == (sale.writer.book.lots, sale.writer.book.ruled)
        await sale.at(LATER + 2 * HOUR)
        await sale.running
        return [await record(sale, PUBLISHED, withheld) for withheld in ((), (4, 14), (12,), (14,))]


def told(kept, kind):
    events = [read_json(line).get("event") for line in kept]
    return [event["data"] for event in events if event and event["type"] == kind]


def forged(kept, change):
    """Signed anew by who has the key, every event of the book gone through."""
    return signed_anew(kept, change, None)


def of_lot(number, **facts):
    def change(event):
        if event["lot"] == lot_id(number) and event["type"] == "lot.listed":
            event["data"] |= facts

    return change


def without_rules(number):
    def change(event):
        if event["lot"] == lot_id(number):
            event["data"].pop("rules", None)

    return change


def said_of_later(n, later):
    def change(event):
        if event["type"] == "sale.amended" and event["data"]["later"] is not later and event["n"] >= n:
            event["data"]["later"] = later

    return change


def as_before(event):
    """What the writer of before would have written: no word of later lots, and the ends as published."""
    data = event["data"]
    data.pop("later", None)
    if event["lot"] in (lot_id(12), lot_id(14)):
        data.pop("rules", None)
        if "end" in data:
            data["end"] = stamp(CAP)


async def test_both_verifiers_hold_a_later_listing_to_the_rules_that_are_due(sqlite_database_url):
    kept, *withheld = await played(sqlite_database_url)
    assert [data["later"] for data in told(kept, "sale.amended")] == [False, True]
    listed = told(kept, "lot.listed")[4:]
    assert [data.get("rules") for data in listed] == [
        document_hash(rules_doc(soft_close=ALONE)), None, document_hash(rules_doc(soft_close=ALL)),
    ]  # fmt: skip
    published = document_hash(PUBLISHED)
    records = {
        None: [kept, forged(kept, as_before), *withheld],
        "end": [forged(kept, of_lot(12, end=stamp(CAP))), forged(kept, of_lot(11, end=listed[2]["end"]))],
        "rules": [
            forged(kept, without_rules(12)), forged(kept, without_rules(14)),
            forged(kept, of_lot(12, rules=published)), forged(kept, of_lot(11, rules=listed[0]["rules"])),
        ],
        "amendment": [forged(kept, said_of_later(0, True)), forged(kept, said_of_later(1, False))],
    }  # fmt: skip
    due = [rule for rule, some in records.items() for _ in some]
    said = held([one for some in records.values() for one in some])
    assert [one.get("rule") if not one["ok"] else None for one in said] == due
    assert said[2]["hidden_lots"] == [lot_id(4)] and lot_id(14).encode() not in b"".join(withheld[0])


async def test_a_lot_added_after_one_that_is_withheld_keeps_its_place_in_the_plan_of_ends(sqlite_database_url):
    """The record does not show how many came before it."""
    made = Room.__new__(Room)
    made.told, made.clock = [], HandClock(OPENS - 2 * HOUR)
    made.store = store = open_store(sqlite_database_url, made.clock)
    first = publication(2)
    made.rules_hash = first.rules_hash
    await at_work(made, store, first, "one")
    late = [Listing(lot_id(k), str(k), "USD", 50_000, None, "ab" * 32) for k in (3, 4)]
    known = made.writer.facts
    lots = known.lots | {one.lot: LotFacts(one.lot) for one in late}
    made.writer.facts = replace(known, lots=lots, late=late)
    assert await made.act("list_late", 4) is None
    await made.at(OPENS)
    for lot in (1, 2, 3, 4):
        assert (await made.bid(1, 60_000, lot=lot)).result == "accepted"
    await made.at(FIRST_END + HOUR)
    await made.running
    kept = [await record(made, rules_doc(), withheld) for withheld in ((), (3,), (4,), (1, 3))]
    wrong = forged(kept[0], of_lot(4, end=stamp(FIRST_END + 2 * MINUTE)))
    assert [one.get("rule", "good") for one in held([*kept, wrong])] == ["good"] * 4 + ["end"]
    await store.close()


def test_the_last_amendment_that_names_the_lot_or_holds_for_later_ones_decides():
    made = Ruled((0, "published"))
    assert made.due("L") == made.due() == "published"
    assert made.amended(1, "old", ["L"], None).due("L") == "published", "it says nothing of later lots"
    alone = made.amended(1, "alone", ["L"], False)
    assert (alone.due("L"), alone.due("M"), alone.due()) == ("alone", "published", "published")
    everyone = alone.amended(2, "all", ["M"], True)
    assert (everyone.due("L"), everyone.due()) == ("all", "all")
    assert everyone.amended(3, "late", ["L"], False).due("L") == "late"
    assert alone.listed("LA", "L").due("LA") == "alone", "and so on through every time it comes back"
    assert alone.open() == {"published", "alone"} and everyone.open() == {"all"}
    assert alone.listed("LB", "unseen", "alone").due("LB") == "alone", "as told, where its former lot is not shown"
    assert alone.listed("X", None) is alone
