"""A rule set is amended for lots without a live bid, by two persons: those lots run by it, the others as before, and
the record proves it."""

import asyncio
import hashlib
import shutil
from dataclasses import replace

import pytest

from pavilion.bidding import amending, folding
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.planning import PlanOrder
from pavilion.bidding.plans import Aim
from pavilion.bidding.publication import publishable
from pavilion.bidding.record import hidden_lots, record_lines
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.texts import canonical_text
from pavilion.kernel.canon import canonical, document_hash, read_json
from pavilion.kernel.instants import from_micros, micros, stamp
from pavilion.kernel.signing import checkpoint_text, sign_note
from pavilion.kernel.tlog import CompactTree, leaf_hash
from tests.bidding.browser_records import agree, by_command
from tests.bidding.room import (
    FIRST_END,
    MINUTE,
    SALE,
    SIGNER,
    VAULT,
    facts,
    key,
    lot_id,
    publication,
    room,
    rules_doc,
)
from tests.bidding.test_clerked import CLERKED, GROUP
from tests.bidding.test_engine import Failing
from tests.make import HOUR, NOON, SECOND

TWO = ("01CORA", "01LENA")
STEEP = [[0, 20_000]]
SOFT = {"window": 1, "extension": 1, "mode": "add", "scope": "lot", "hard_end": None}


def text_of(**changes):
    return canonical_text(rules_doc(**changes))


def hash_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


def amendment(sale, *lots, was=None, ok=TWO, base=None, **changes):
    text = text_of(**((base or {}) | changes))
    facts = {"rules": text, "was": was or sale.rules_hash, "lots": tuple(map(lot_id, lots)), "ok": ok}
    return StaffAct(SALE, "amend", **facts)


async def amend(sale, *lots, **changes):
    return (await sale.writer.place(amendment(sale, *lots, **changes))).code


def later(first=FIRST_END + HOUR):
    return {"first": stamp(first), "interval": 60, "per": 1, "breaks": []}


async def record(sale, doc, withheld=()):
    stored = await sale.store.load(SALE)
    roots = [checkpoint(news) for news in sale.told]
    shown = publishable(folding.Draft(sale.writer.book, 0))
    hidden = hidden_lots(stored.lines, doc, {n for n, *_ in shown.bids}, micros(sale.clock.at))
    hidden |= set(map(lot_id, withheld))
    others = [read_json(text) for name, text in stored.rule_sets.items() if name != stored.book.rules_hash]
    keys = [str(SIGNER.verifier)]
    return list(record_lines(SALE, doc, keys, stored.lines, roots, shown.bids, shown.reserves, hidden, others=others))


def checkpoint(news):
    from pavilion.bidding.book import SignedRoot

    return SignedRoot(int(news.checkpoint.split("\n")[1]), news.at, news.checkpoint)


@pytest.fixture
async def sale(database_url):
    async with room(database_url, publication(3)) as made:
        yield made


async def read_again(sale):
    stored = await sale.store.load(SALE)
    return folding.load(stored, VAULT.of_sale(SALE, stored.book.wrapped_key))


# -- what it does -----------------------------------------------------------------------------------------------------


async def test_the_named_lots_run_by_the_new_rules_and_the_others_by_the_old(sale):
    await sale.bid(1, 60_000, lot=1)
    assert await amend(sale, 2, 3, increments=STEEP) is None
    new = sale.lot(2).rules_hash
    assert new == hash_of(text_of(increments=STEEP)) and sale.lot(1).rules_hash == sale.rules_hash
    assert (await sale.bid(1, 60_000, lot=2)).code == "rules_changed"
    assert (await sale.bid(2, 70_000, lot=1, rules=new)).code == "rules_changed"
    for company, amount in ((1, 60_000), (2, 90_000)):
        assert (await sale.bid(company, amount, lot=2, rules=new)).result == "accepted"
        await sale.bid(company, amount, lot=1)
    assert (sale.lot(2).stands.price, sale.lot(2).stands.ask) == (80_000, 100_000)
    assert (sale.lot(1).stands.price, sale.lot(1).stands.ask) == (65_000, 70_000)
    again = await read_again(sale)
    assert again.lots == sale.writer.book.lots and again.newest == new == sale.writer.book.newest


async def test_ends_move_with_their_plan_and_are_told_in_each_lots_book(sale):
    assert await amend(sale, 2, 3, stagger=later()) is None
    assert [from_micros(sale.lot(k).end) for k in (1, 2, 3)] == [
        FIRST_END, FIRST_END + HOUR + MINUTE, FIRST_END + HOUR + 2 * MINUTE,
    ]  # fmt: skip
    assert sale.types()[-3:] == ["sale.amended", "lot.extended", "lot.extended"]
    await sale.at(FIRST_END + 2 * SECOND)
    assert sale.lot(1).state == "passed" and sale.lot(2).state == "open"


async def test_the_soft_close_the_premium_and_the_gate_of_a_lot_are_its_own(sale):
    soft = {"window": 600, "extension": 900, "mode": "reset", "scope": "lot", "hard_end": stamp(FIRST_END + HOUR)}
    gate = {"gate_bp": 10_000, "lots": "all"}
    assert await amend(sale, 2, soft_close=soft, viewing_gate=gate) is None
    rules = sale.lot(2).rules_hash
    assert (await sale.bid(1, 60_000, lot=2, rules=rules)).code == "viewing_required"
    assert await amend(sale, 2, was=rules, soft_close=soft) is None
    sale.clock.at = FIRST_END - 5 * MINUTE
    await sale.bid(1, 60_000, lot=1)
    await sale.bid(1, 60_000, lot=2, rules=sale.lot(2).rules_hash)
    assert from_micros(sale.lot(1).end) == FIRST_END
    assert from_micros(sale.lot(2).end) == FIRST_END + 10 * MINUTE


async def test_fees_count_against_a_limit_by_the_rules_of_each_lot(database_url):
    known = facts(2)
    known = replace(known, bidders={1: replace(known.bidders[1], limit=125_000)})
    async with room(database_url, publication(2), known) as sale:
        assert (
            await amend(sale, 2, premium={"bands": [[None, 0]], "early_bands": None, "early_before_hours": 48}) is None
        )
        assert (await sale.bid(1, 110_000, lot=1)).code == "over_limit"
        assert (await sale.bid(1, 110_000, lot=2, rules=sale.lot(2).rules_hash)).result == "accepted"


async def test_before_the_sale_opens_listed_lots_are_amended(database_url):
    async with room(database_url, publication(2, **CLERKED)) as sale:
        assert sale.lot(1).state == "listed"
        assert await amend(sale, 1, base=CLERKED, clerked={"final_call": 30}) is None
        await sale.act("open", 1, by="Ada")
        await sale.act("final_call", 1, by="Ada")
        assert sale.lot(1).end - micros(sale.clock.at) in range(30_000_000, 30_001_000)


async def test_a_plan_made_before_does_not_bid_under_rules_its_bidder_has_not_read(sale):
    def plan(rules):
        lots = ((lot_id(1), 200_000), (lot_id(2), 200_000))
        return PlanOrder(SALE, 1, key(), lots, 2, 10**9, "USD", rules)

    sale.clock.at = NOON + MINUTE
    assert await amend(sale, 2, 3, increments=STEEP) is None
    assert (await sale.writer.place(plan(sale.rules_hash))).code == "rules_changed"
    await sale.act("pause", 1)
    await sale.act("pause", 3)
    aims = ((lot_id(3), 200_000),)
    newest = sale.writer.book.newest
    made = await sale.writer.place(PlanOrder(SALE, 1, key(), aims, 1, 10**9, "USD", newest))
    assert made.result == "accepted"
    sale.clock.at += SECOND
    assert await amend(sale, 3, was=newest, hold_results=True) is None  # paused, so the plan has no bid there yet
    await sale.act("resume", 3)
    assert not sale.lot(3).best
    (seen,) = sale.writer.plans(1)
    assert [(lot.state, lot.code) for lot in seen.lots] == [("waiting", "rules_changed")]
    sale.clock.at += SECOND
    assert (await sale.writer.place(plan(sale.rules_hash))).code == "rules_changed"  # lot 2 has other rules
    answer = await sale.writer.place(PlanOrder(SALE, 1, key(), aims, 1, 10**9, "USD", sale.writer.book.newest))
    assert answer.result == "accepted" and sale.lot(3).stands.leader == "A"
    assert Aim(lot_id(3), 200_000) in sale.writer.book.plans.plans[answer.plan].aims


# -- what it may not do -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"currency": "EUR"}, "act_not_allowed"),
        ({"terms": "ab" * 32}, "act_not_allowed"),
        ({"opens_at": stamp(NOON)}, "act_not_allowed"),
        ({"openings": "auditor"}, "act_not_allowed"),
        ({"passed_offer_days": 1}, "act_not_allowed"),
        ({"format": "clerked", "clerked": {"final_call": 10}}, "act_not_allowed"),
        ({"increments": [[5, 1]]}, "act_not_allowed"),
        ({}, "act_not_allowed"),
        ({"stagger": later(FIRST_END - MINUTE)}, "end_not_later"),
        ({"soft_close": SOFT | {"scope": "group"}}, "act_not_allowed"),
        ({"soft_close": SOFT | {"hard_end": stamp(FIRST_END)}}, "hard_end_before_end"),
    ],
)  # fmt: skip
async def test_what_holds_for_the_whole_sale_is_not_amended_and_no_end_comes_earlier(
    sqlite_database_url, changes, code
):
    async with room(sqlite_database_url, publication(2)) as sale:
        size = sale.writer.book.n
        assert await amend(sale, 2, **changes) == code
        assert sale.writer.book.n == size and sale.lot(2).rules_hash == sale.rules_hash


async def test_one_live_bid_among_the_named_lots_refuses_all_and_a_voided_one_does_not(sale):
    await sale.bid(1, 60_000, lot=2)
    size = sale.writer.book.n
    assert await amend(sale, 1, 2, 3, increments=STEEP) == "act_not_allowed"
    assert sale.writer.book.n == size
    assert await sale.act("void", 2, paddle=101, reason="typo", ok=("01ADA", "01BO")) is None
    assert await amend(sale, 1, 2, 3, increments=STEEP) is None
    assert {sale.lot(k).rules_hash for k in (1, 2, 3)} == {sale.writer.book.newest}


async def test_two_persons_a_known_lot_that_runs_and_the_rules_that_were_seen(sale):
    assert await amend(sale, 1, ok=("01CORA",), increments=STEEP) == "second_approval_needed"
    assert await amend(sale, 1, ok=("01CORA", "01CORA"), increments=STEEP) == "second_approval_needed"
    assert await amend(sale, increments=STEEP) == "act_not_allowed"
    assert await amend(sale, 9, increments=STEEP) == "lot_unknown"
    assert await amend(sale, 1, was="ab" * 32, increments=STEEP) == "stale_version"
    await sale.act("withdraw", 3, by="01ADA")
    assert await amend(sale, 3, increments=STEEP) == "lot_withdrawn"
    assert await amend(sale, 1, increments=STEEP) is None
    assert await amend(sale, 1, increments=STEEP) == "stale_version"  # done once
    assert sale.types().count("sale.amended") == 1
    sale.clock.at = FIRST_END + SECOND
    assert await amend(sale, 2, hold_results=True) is None  # ends a minute later
    await sale.at(FIRST_END + 2 * MINUTE)
    assert await amend(sale, 1, was=sale.lot(1).rules_hash) == "lot_closed"
    assert sale.lot(2).state == "closing"  # its result is held for a person
    assert await amend(sale, 2, was=sale.lot(2).rules_hash) == "act_not_allowed"
    assert await sale.act("confirm", 2, by="01ADA") is None
    await sale.running
    assert await amend(sale, 2, was=sale.lot(2).rules_hash) == "act_not_allowed"


async def test_a_group_keeps_one_end(sqlite_database_url):
    async with room(sqlite_database_url, publication(2, **GROUP)) as sale:
        base = GROUP | {"stagger": later() | {"interval": 0}}
        assert await amend(sale, 1, base=base) == "group_ends_differ"
        assert await amend(sale, 1, 2, base=base) is None
        assert {from_micros(sale.lot(k).end) for k in (1, 2)} == {FIRST_END + HOUR}


def test_a_tender_is_only_postponed_and_only_as_a_whole():
    tender = {"sealed": False, "k": 1, "custodians": ["B" + 86 * "A"], "replace": "latest", "withdraw": True,
              "price_rule": "first", "min_bidders": 1, "best_and_final": None}  # fmt: skip

    def rules(**changes):
        doc = rules_doc(
            **{"format": "tender", "tender": tender, "stagger": later(FIRST_END) | {"interval": 0}} | changes
        )
        del doc["soft_close"]
        return parse_rules(doc)

    old = rules()
    moved = rules(stagger=later() | {"interval": 0})
    assert amending.judge(old, moved, every_lot=True) is None
    assert amending.judge(old, moved, every_lot=False) == "group_ends_differ"
    assert amending.judge(old, rules(increments=STEEP), every_lot=True) == "act_not_allowed"
    assert amending.judge(old, rules(tender=tender | {"min_bidders": 2}), every_lot=True) == "act_not_allowed"


def test_every_member_of_a_rule_set_is_the_sales_or_a_lots():
    from pavilion.bidding.rules import RuleSet

    assert sorted((*amending.LASTING, *amending.OF_A_LOT)) == sorted(RuleSet.__slots__)


# -- who comes first --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bid_first", [True, False])
async def test_a_bid_and_an_amendment_at_the_same_moment_are_decided_in_their_order(database_url, bid_first):
    async with room(database_url, publication(1)) as sale:
        act, bid = amendment(sale, 1, increments=STEEP), sale.order(1, 60_000)
        orders = [bid, act] if bid_first else [act, bid]
        answers = await asyncio.gather(*(sale.writer.place(order) for order in orders))
        codes = [answer.code for answer in answers]
        assert codes == ([None, "act_not_allowed"] if bid_first else [None, "rules_changed"])
        assert (await read_again(sale)).lots == sale.writer.book.lots


async def test_twenty_bids_and_an_amendment_race_and_one_of_two_worlds_comes_of_it(database_url):
    async with room(database_url, publication(1)) as sale:
        orders = [sale.order(1 + k % 4, 60_000 + 5_000 * k) for k in range(20)]
        orders.insert(7, amendment(sale, 1, increments=STEEP))
        answers = await asyncio.gather(*(sale.writer.place(order) for order in orders))
        accepted = [answer for answer in answers if answer.result == "accepted"]
        done = any(answer.result == "done" for answer in answers)
        assert done != bool(accepted), "a bid under the old rules and the amendment cannot both stand"
        assert (sale.lot(1).rules_hash != sale.rules_hash) == done


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_crash_around_the_commit_leaves_the_amendment_done_once(database_url, moment):
    async with room(database_url, publication(1), wrap=Failing) as sale:
        setattr(sale.store, moment, [OSError("gone")])
        first = await amend(sale, 1, increments=STEEP)
        assert first == (None if moment == "before" else "stale_version")  # asked again it is found done
        assert sale.types().count("sale.amended") == 1
        assert sale.lot(1).rules_hash == hash_of(text_of(increments=STEEP))
        assert (await read_again(sale)).lots == sale.writer.book.lots


# -- the record -------------------------------------------------------------------------------------------------------


async def played(url):
    """Two amendments, one of them of ends, bids under all three rule sets, everything sold."""
    async with room(url, publication(3, opening=50_000)) as sale:
        await sale.bid(1, 60_000, lot=1)
        await sale.bid(2, 60_000, lot=3)
        await sale.act("void", 3, paddle=102, reason="typo", ok=("01ADA", "01BO"))
        assert await amend(sale, 2, 3, increments=STEEP) is None
        steep = sale.lot(2).rules_hash
        soft = {"window": 600, "extension": 900, "mode": "reset", "scope": "lot", "hard_end": None}
        assert await amend(sale, 3, was=steep, increments=STEEP, soft_close=soft, stagger=later()) is None
        for lot in (1, 2, 3):
            for company, amount in ((2, 90_000), (1, 130_000), (2, 95_000)):
                await sale.bid(company, amount, lot=lot, rules=sale.lot(lot).rules_hash)
        await sale.at(FIRST_END + 2 * MINUTE)
        sale.clock.at = from_micros(sale.lot(3).end) - 5 * MINUTE
        await sale.bid(2, 400_000, lot=3, rules=sale.lot(3).rules_hash)
        end = from_micros(sale.lot(3).end)
        assert end == sale.clock.at + 15 * MINUTE, "the new window extends by the new length"
        await sale.at(end + SECOND)
        await sale.running
        return await record(sale, rules_doc())


def held(records):
    """The command's verdicts; where there is Node, the browser's are the same."""
    if shutil.which("node") is not None:
        agree(records)
    return [by_command(one) for one in records]


async def test_the_record_of_an_amended_sale_is_good_and_every_swap_of_rules_is_found(sqlite_database_url):
    kept = await played(sqlite_database_url)
    kinds = [read_json(line)["kind"] for line in kept]
    assert kinds[:3] == ["header", "rules", "rules"]
    other = read_json(kept[1])
    other["rules"]["increments"] = [[0, 7]]
    swapped = [kept[0], canonical(other) + b"\n", *kept[2:]]
    missing = [kept[0], *kept[2:]]
    doubled = [kept[0], kept[1], *kept[1:]]
    late = [kept[0], *kept[2:10], kept[1], *kept[10:]]
    broken = [kept[0], b'{"kind":"rules","rules":{}}\n', *kept[2:]]
    spare = [*kept[:3], canonical({"kind": "rules", "rules": rules_doc(hold_results=True)}) + b"\n", *kept[3:]]
    exchanged = [kept[0], kept[2], kept[1], *kept[3:]]  # their order says nothing: the hashes do
    said = held([kept, swapped, missing, doubled, late, broken, spare, exchanged])
    assert said[0]["ok"] is True and said[7]["ok"] is True
    lost = f'"to":"{document_hash(read_json(kept[1])["rules"])}"'.encode()
    amended = next(k for k, line in enumerate(kept, 1) if lost in line)
    found = [(one["line"], one["rule"]) for one in said[1:7]]
    assert found == [
        (2, "rules"), (amended - 1, "rules"), (3, "rules"), (10, "order"), (2, "rules"), (4, "rules"),
    ]  # fmt: skip


def signed_anew(kept, change, kind):
    """The record as somebody who holds the key would write it, the first event of this kind being another;
    without one, all that `change` makes another."""
    last, published, tree, lines, done = {None: "0" * 64}, "", CompactTree(), [], False
    for line in kept:
        doc = read_json(line)
        if doc["kind"] == "checkpoint":
            doc["text"] = sign_note(checkpoint_text(f"{SIGNER.name}/sale/{SALE}", tree.size, tree.root()), SIGNER)
        elif doc["kind"] == "event":
            event = doc["event"]
            if kind is None or (event["type"] == kind and not done):
                change(event)
                done = True
            event["prev"] = last.get(event["lot"], published)
            digest = leaf_hash(canonical(event))
            tree.append(digest)
            if event["type"] != "bid.refused":
                last[event["lot"]] = digest.hex()
            if event["type"] == "sale.published":
                published = digest.hex()
        lines.append(canonical(doc) + b"\n")
    return lines


FORGERIES = {
    "one signer": ("approval", lambda data: data.update(ok=data["ok"][:1])),
    "the same person twice": ("approval", lambda data: data.update(ok=[data["ok"][0]] * 2)),
    "a lot with a live bid": ("amendment", lambda data: data["lots"].append(lot_id(1))),
    "a lot named twice": ("amendment", lambda data: data["lots"].append(data["lots"][0])),
    "no lot": ("amendment", lambda data: data.update(lots=[])),
    "an unknown lot": ("amendment", lambda data: data["lots"].append(lot_id(9))),
    "other rules before": ("amendment", lambda data: data.update({"from": "ab" * 32})),
}


async def test_a_house_that_signs_a_false_amendment_is_found(sqlite_database_url):
    kept = await played(sqlite_database_url)
    records = []
    for _, forge in FORGERIES.values():
        records.append(signed_anew(kept, lambda event, forge=forge: forge(event["data"]), "sale.amended"))
    amended = next(k for k, line in enumerate(kept, 1) if b'"sale.amended"' in line)
    for (name, (rule, _)), said in zip(FORGERIES.items(), held(records), strict=True):
        assert (said["ok"], said["rule"], said["line"]) == (False, rule, amended), (name, said)


async def test_a_false_amended_end_is_found(sqlite_database_url):
    kept = await played(sqlite_database_url)

    def forge(event):
        event["data"]["to"] = stamp(FIRST_END + HOUR + 3 * MINUTE)

    at = next(k for k, line in enumerate(kept, 1) if b'"lot.extended"' in line)
    (said,) = held([signed_anew(kept, forge, "lot.extended")])
    assert (said["ok"], said["rule"], said["line"]) == (False, "extension", at)


async def test_a_sale_published_again_under_other_rules_is_a_good_record(sqlite_database_url):
    from tests.bidding.room import OPENS, HandClock, Room, open_store
    from tests.bidding.test_republishing import at_work

    made = Room.__new__(Room)
    made.told, made.clock = [], HandClock(OPENS - SECOND)
    made.store = store = open_store(sqlite_database_url, made.clock)
    first, second = publication(2), publication(2, stagger=later())
    made.rules_hash = first.rules_hash
    await at_work(made, store, first, "one")
    assert await amend(made, 2, increments=STEEP) is None
    assert (await made.act("unpublish", None, ok=TWO, reason="staff")) is None
    await made.running
    await made.writer.lease.release()
    await at_work(made, store, second, "two")
    assert {made.lot(k).rules_hash for k in (1, 2)} == {second.rules_hash}
    made.rules_hash = second.rules_hash
    await made.at(OPENS)
    for lot in (1, 2):
        assert (await made.bid(1, 60_000, lot=lot)).result == "accepted"
    await made.at(FIRST_END + HOUR + 5 * MINUTE)
    await made.running
    kept = await record(made, rules_doc(stagger=later()))
    assert document_hash(read_json(kept[0])["rules"]) == second.rules_hash
    assert [one["ok"] for one in held([kept])] == [True]
    await store.close()
