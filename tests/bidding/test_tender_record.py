"""The record of a tender proves itself: any change of an envelope, a share, a weight, an event or a result is found."""

import json
from dataclasses import replace

import pytest

from pavilion.bidding import folding
from pavilion.bidding.deciding import Wish
from pavilion.bidding.opened import Failed
from pavilion.bidding.record import record_lines
from pavilion.bidding.tender_reading import record_tail
from pavilion.bidding.verifying import verify
from pavilion.kernel.canon import canonical
from pavilion.kernel.signing import checkpoint_text, sign_note
from pavilion.kernel.tlog import Tree
from tests.bidding.room import FIRST_END, SALE, SIGNER, lot_id
from tests.bidding.tendered import answer, closed, known, place, sealed_text, send, shares_of, take_back, tender
from tests.bidding.test_tendering import opened


class Rows:
    """What the store was given, in order."""

    def __init__(self, store):
        self.store, self.batches = store, []

    def __getattr__(self, name):
        return getattr(self.store, name)

    async def write(self, sale, epoch, batch):
        await self.store.write(sale, epoch, batch)
        self.batches.append(batch)

    def lines(self, hidden=()):
        batches = self.batches
        events = [line for batch in batches for line in batch.lines]
        envelopes = {one.n: one for batch in batches for one in batch.kept.envelopes}
        held = [(envelopes[one.n], one) for batch in batches for one in batch.kept.opened]
        tail = record_tail(
            sorted(one for batch in batches for one in batch.kept.weighed),
            [(one.lot, one.bidder, one.envelope, other.shares) for one, other in held],
            hidden,
        )
        bids = [one for batch in batches for one in batch.published.bids]
        reserves = [one for batch in batches for one in batch.published.reserves]
        rules = json.loads(self.batches[0].rules[0])
        roots = [batch.root for batch in batches]
        return list(record_lines(SALE, rules, [str(SIGNER.verifier)], events, roots, bids, reserves, hidden, tail))


async def record_of_a_tender(url, **rules):
    made = []

    def wrap(store):
        made.append(Rows(store))
        return made[0]

    wish = {1: Wish(700_000, (lot_id(2),))}
    async with tender(url, lots=2, facts=known(2, wishes=wish), wrap=wrap, **rules) as room:
        await send(room, 1, 500_000, lot=1)  # passed over for the limit
        await send(room, 1, 400_000, lot=2, entry="per_carat")
        await send(room, 2, 300_000, lot=1)
        await send(room, 3, 240_000, lot=1, entry="per_carat")
        await send(room, 4, 200_000, lot=1)
        await take_back(room, 4, lot=1)
        broken = sealed_text(5, 900_000, key="aa" * 16)
        await place(room, 5, 1, "aa" * 16, replace(broken, box=broken.box[:-1] + bytes([broken.box[-1] ^ 1])))
        room.clock.at = FIRST_END
        assert (await send(room, 6, 300_000, lot=1)).code == "too_late"
        await closed(room)
        answer(room, shares_of(room, 1), shares_of(room, 3))
        await opened(room)
    return made[0].lines()


def judged(lines):
    return verify(lambda: iter(lines))


def docs(lines):
    return [json.loads(line) for line in lines]


def written(found):
    return [canonical(one) + b"\n" for one in found]


def signed_again(found):
    """The house lies: its chains, its tree and its signatures fit what it now says."""
    last, prev, tree = {}, {}, []
    for one in found:
        if one["kind"] == "event":
            event = one["event"]
            book = event["lot"]
            if book in prev:
                event["prev"] = prev[book]
            elif book is not None:
                event["prev"] = last["published"]
            leaf = folding.event_hash(canonical(event).decode())
            tree.append(bytes.fromhex(leaf))
            if event["seq"]:
                prev[book] = leaf
            if event["type"] == "sale.published":
                last["published"] = leaf
        elif one["kind"] == "checkpoint":
            root = Tree(tree).root()
            one["text"] = sign_note(checkpoint_text(f"{SIGNER.name}/sale/{SALE}", len(tree), root), SIGNER)
    return found


async def test_a_good_record_is_found_good(sqlite_database_url):
    lines = await record_of_a_tender(sqlite_database_url)
    assert judged(lines).lots == 2
    assert judged(written(signed_again(docs(lines)))).lots == 2


def event_of(found, kind, lot=None):
    events = (one["event"] for one in found if one["kind"] == "event")
    return next(one for one in events if one["type"] == kind and lot in (None, one["lot"]))


def change(found, what):
    tail = [k for k, one in enumerate(found) if one["kind"] in ("weight", "envelope", "share")]
    envelopes = [k for k in tail if found[k]["kind"] == "envelope"]
    match what:
        case "an envelope left out":
            k = envelopes[1]
            del found[k : k + 3]
        case "a share left out":
            del found[envelopes[1] + 1]
        case "a share changed":
            found[envelopes[1] + 1]["share"] = "ab" * 32
        case "an envelope changed":
            found[envelopes[1]]["envelope"]["key"] = "cd" * 16
        case "envelopes swapped":
            a, b = envelopes[0], envelopes[2]
            found[a]["bidder"], found[b]["bidder"] = found[b]["bidder"], found[a]["bidder"]
        case "another weight":
            found[tail[1]]["mct"] += 500
        case "no weight":
            del found[tail[0]]
        case "another winner":
            event_of(found, "lot.sold", lot_id(1))["data"]["bidder"] = "D"
        case "another price":
            event_of(found, "lot.sold", lot_id(1))["data"]["price"] -= 1
        case "passed instead of sold":
            event = event_of(found, "lot.sold", lot_id(1))
            event["type"], event["data"] = "lot.passed", {"reason": "no_bids"}
        case "another count":
            event_of(found, "tender.closed")["data"]["count"] += 1
        case "other envelopes counted":
            event_of(found, "tender.closed")["data"]["envelopes"] = "ab" * 32
        case "more valid bids":
            data = event_of(found, "tender.opened")["data"]
            data["valid"], data["invalid"] = data["valid"] + 1, data["invalid"] - 1
        case "a bid sealed too late":
            event = event_of(found, "tender.sealed")
            event["t"] = event["at"] = event_of(found, "tender.closed")["at"]
        case "a bid in clear":
            event_of(found, "tender.sealed")["type"] = "bid.accepted"
    return found


CHANGES = (
    "an envelope left out", "a share left out", "a share changed", "an envelope changed", "envelopes swapped",
    "another weight", "no weight", "another winner", "another price", "passed instead of sold", "another count",
    "other envelopes counted", "more valid bids", "a bid sealed too late", "a bid in clear",
)  # fmt: skip


async def test_every_change_is_found_even_when_the_house_signs_it(sqlite_database_url):
    lines = await record_of_a_tender(sqlite_database_url)
    missed = []
    for what in CHANGES:
        for again in (False, True):
            found = change(docs(lines), what)
            try:
                judged(written(signed_again(found) if again else found))
                missed.append((what, again))
            except Failed:
                pass
    assert missed == []


async def test_the_price_of_a_second_price_tender_follows_too(sqlite_database_url):
    lines = await record_of_a_tender(sqlite_database_url, price_rule="second")
    assert judged(lines).lots == 2
    found = docs(lines)
    assert event_of(found, "lot.sold", lot_id(1))["data"] == {"bidder": "B", "price": 300_000}
    event_of(found, "lot.sold", lot_id(1))["data"]["price"] = 299_999
    with pytest.raises(Failed, match="the price is 300000"):
        judged(written(signed_again(found)))
