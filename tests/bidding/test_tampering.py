"""Records of every kind of sale, altered in every way: each is found by the command, with line and rule, and the
browser names the same line."""

import shutil
from itertools import pairwise

import pytest

from pavilion.kernel.canon import canonical, document_hash, read_json
from pavilion.kernel.instants import micros
from tests.bidding.browser_records import agree, by_command
from tests.bidding.room import FIRST_END, MINUTE, publication, room
from tests.bidding.test_clerked import CLERKED, GROUP, record
from tests.bidding.test_verifying import SHOWN, changed
from tests.luck import Random
from tests.make import SECOND
from tests.simulate.house import House

TWO = ("Ada", "Noor")


async def clerked(url):
    async with room(url, publication(1, reserve=100_000, **CLERKED)) as sale:
        await sale.act("open", 1, by="Ada")
        await sale.bid(1, 150_000)
        await sale.act("final_call", 1, by="Ada")
        await sale.bid(2, 200_000)
        await sale.act("final_call", 1, by="Ada")
        await sale.at(sale.clock.at + 11 * SECOND)
        return await record(sale, **CLERKED)


async def grouped(url):
    async with room(url, publication(2, **GROUP)) as sale:
        sale.clock.at = FIRST_END - MINUTE
        await sale.bid(1, 70_000, lot=2)
        await sale.bid(1, 80_000, lot=1)
        await sale.bid(2, 90_000, lot=1)
        await sale.bid(2, 1, lot=1)
        await sale.act("extend", 1, by="Ada", to=micros(FIRST_END + 10 * MINUTE))
        await sale.at(FIRST_END + 10 * MINUTE)
        return await record(sale, **GROUP)


async def lowered(url):
    async with room(url, publication(1, reserve=300_000)) as sale:
        await sale.bid(1, 150_000)
        assert await sale.act("lower_reserve", ok=TWO, amount=140_000) is None
        await sale.bid(2, 180_000)
        await sale.at(FIRST_END)
        await sale.at(FIRST_END + 10 * MINUTE)
        return await record(sale)


KINDS = {"clerked": clerked, "grouped": grouped, "lowered": lowered}


@pytest.fixture(params=KINDS)
async def kept(request, sqlite_database_url):
    return await KINDS[request.param](sqlite_database_url)


def held(records):
    """The command's verdicts; where there is Node, the browser's are the same."""
    if shutil.which("node") is not None:
        agree(records)
    return [by_command(one) for one in records]


def kind(line):
    return read_json(line)["kind"]


def test_deleted_reordered_edited_and_inserted_events_are_found(kept):
    rng, events = Random(3), [at for at, line in enumerate(kept) if kind(line) == "event"]
    assert held([kept])[0]["ok"]
    deleted = [kept[:at] + kept[at + 1 :] for at in events]
    swapped = [[*kept[:a], kept[b], *kept[a + 1 : b], kept[a], *kept[b + 1 :]] for a, b in pairwise(events)]
    edited, inserted = [], []
    for at in events:
        doc = read_json(kept[at])
        data = doc["event"]["data"]
        if data:
            name = rng.choice(sorted(data))
            data[name] = changed(rng, data[name])
        else:
            doc["event"]["seq"] += 1
        edited.append([*kept[:at], canonical(doc) + b"\n", *kept[at + 1 :]])
        inserted.append([*kept[:at], canonical(doc) + b"\n", *kept[at:]])
    for how, records in (("deleted", deleted), ("swapped", swapped), ("edited", edited), ("inserted", inserted)):
        for at, said in zip(events, held(records), strict=False):
            assert said["ok"] is False and said["rule"], (how, at, said)
            exact = {at + 1, at + 2} if how == "inserted" else {at + 1}
            assert said["line"] in exact or how in ("edited", "swapped"), (how, at, said)


def test_other_rules_are_found_also_when_their_hash_is_written_in(kept):
    header = read_json(kept[0])
    header["rules"]["increments"] = [[0, 7]]
    at = next(k for k, line in enumerate(kept) if b'"sale.published"' in line)
    doc = read_json(kept[at])
    doc["event"]["data"]["rules"] = document_hash(header["rules"])
    plain = [canonical(header) + b"\n", *kept[1:]]
    clever = [canonical(header) + b"\n", *kept[1:at], canonical(doc) + b"\n", *kept[at + 1 :]]
    first, second = held([plain, clever])
    assert (first["line"], first["rule"]) == (1, "rules") and (second["line"], second["ok"]) == (at + 1, False)


def test_stripped_openings_are_missed(kept):
    openings = [at for at, line in enumerate(kept) if kind(line) == "opening"]
    bare = kept[: openings[0]]
    without = [kept[:at] + kept[at + 1 :] for at in openings]
    said = held([bare, *without])
    assert (said[0]["ok"], said[0]["rule"]) == (False, "opening")
    assert sum(one["ok"] is False for one in said[1:]) >= len(openings) - 1  # a winner's secret may look stripped


def test_two_records_merged_are_two_records():
    one, other = SHOWN.record(6), House(41, lots=2).run(30).record(6)
    merged = [one + other, one[: len(one) // 2] + other[len(other) // 2 :], one[:1] + other[1:]]
    merged.append([line for pair in zip(one, other, strict=False) for line in pair])
    assert all(said["ok"] is False for said in held(merged))


def test_another_sales_clerk_cannot_lend_an_event(kept):
    foreign = next(line for line in SHOWN.record(6) if b'"bid.accepted"' in line)
    at = next(k for k, line in enumerate(kept) if b'"bid.accepted"' in line)
    said = held([[*kept[:at], foreign, *kept[at + 1 :]]])[0]
    assert said["ok"] is False and said["line"] <= at + 2
