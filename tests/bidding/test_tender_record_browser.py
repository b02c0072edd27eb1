"""The browser's verifier says of every record of a tender, good or altered, what the command says."""

import json
from functools import partial
from pathlib import Path

import pytest

from pavilion.kernel.base64url import base64url
from pavilion.kernel.canon import canonical, read_json
from tests.bidding import test_tender_finals
from tests.bidding.browser_records import agree, by_command, needs_node
from tests.bidding.room import lot_id
from tests.bidding.tendered import closed, plain_rules, send, tender
from tests.bidding.test_tender_record import (
    CHANGES,
    Rows,
    change,
    docs,
    event_of,
    record_of_a_tender,
    signed_again,
    written,
)  # fmt: skip
from tests.bidding.test_verifying import changed
from tests.luck import Random

FILE = Path(__file__).parents[1] / "vectors" / "tender-records.json"
SECOND_PRICE = {"price_rule": "second", "reserve": 250_000}
# Which changes the house signs: the end of a record is under no signature, and proves itself.
SIGNED = ("another winner", "another price", "passed instead of sold", "another count", "other envelopes counted",
          "more valid bids", "a bid sealed too late", "a bid in clear")  # fmt: skip


def reserve_of(found):
    return next(one for one in found if one["kind"] == "opening" and "reserve" in one)


def envelope_of(found):
    return next(one for one in found if one["kind"] == "envelope")["envelope"]


def other_price(found):
    event_of(found, "lot.sold", lot_id(2))["data"]["price"] = 249_999
    return signed_again(found)


def other_reserve(found):
    reserve_of(found)["reserve"] -= 1
    return found


def no_reserve(found):
    found.remove(reserve_of(found))
    return found


def no_point(found):
    envelope_of(found)["shares"][0]["enc"] = base64url(b"\x04" + b"\x01" * 64)
    return found


def altered(what, found):
    found = change(found, what)
    return signed_again(found) if what in SIGNED else found


def same(found):
    return found


def twice(what, found):
    """A record of two rounds, altered; the house signs it again, but for what stands under no signature."""
    found = what(found)
    return found if what is test_tender_finals.a_final_envelope_left_out else signed_again(found)


def cases():
    """What is done to which of the three records."""
    first = [
        ("nothing", same),
        *((what, partial(altered, what)) for what in CHANGES),
        ("no point of the curve", no_point),
    ]
    second = [("nothing", same), ("another second price", other_price), ("another reserve", other_reserve),
              ("no reserve", no_reserve)]  # fmt: skip
    third = [
        ("nothing", same),
        *((one.__name__.replace("_", " "), partial(twice, one)) for one in test_tender_finals.CHANGES),
    ]
    return [(k, what, act) for k, record in enumerate((first, second, third)) for what, act in record]


def vector(records):
    """The records, and each altered one as what stands between its equal beginning and end; with its verdict."""
    told = []
    for which, what, act in cases():
        record = records[which]
        lines = written(act(docs(record)))
        most = min(len(lines), len(record))
        head = next((k for k in range(most) if lines[k] != record[k]), most)
        tail = next((k for k in range(most - head) if lines[-1 - k] != record[-1 - k]), most - head)
        between = [line.decode() for line in lines[head : len(lines) - tail]]
        told.append(
            {"record": which, "what": what, "head": head, "tail": tail, "lines": between, "verdict": by_command(lines)}
        )
    return {"records": [[line.decode() for line in record] for record in records], "cases": told}


def laid_out(held, case):
    record = [line.encode() for line in held["records"][case["record"]]]
    return [*record[: case["head"]], *(line.encode() for line in case["lines"]), *record[len(record) - case["tail"] :]]


def test_the_command_says_of_the_vectors_what_stands_beside_them():
    held = read_json(FILE.read_bytes())
    assert [(one["record"], one["what"]) for one in held["cases"]] == [case[:2] for case in cases()]
    for case in held["cases"]:
        assert by_command(laid_out(held, case)) == case["verdict"], case["what"]
        assert case["verdict"]["ok"] is (case["what"] == "nothing")


@needs_node
async def test_every_change_of_a_tender_fails_at_the_same_line(sqlite_database_url):
    """Of a record that was written just now, so that a change of its form is noticed here."""
    record = await record_of_a_tender(sqlite_database_url)
    records = [record]
    for what in CHANGES:
        for again in (False, True):
            found = change(docs(record), what)
            records.append(written(signed_again(found) if again else found))
    said = agree(records)
    assert said[0]["ok"] and said[0]["envelopes"] == 5
    assert not any(one["ok"] for one in said[1:])


@needs_node
async def test_every_change_of_a_second_round_fails_at_the_same_line(sqlite_database_url):
    rows, _ = await test_tender_finals.two_rounds(sqlite_database_url)
    records = [rows.lines()]
    for what in test_tender_finals.CHANGES:
        found = what(docs(records[0]))
        records += [written(found), written(signed_again(found))]
    said = agree(records)
    assert said[0]["ok"] and said[0]["lots"] == 4
    assert not any(one["ok"] for one in said[1:])


@needs_node
async def test_a_plain_tender_whose_one_custodian_is_the_house_is_replayed_too(sqlite_database_url):
    rules, made = plain_rules(), []
    sealing = {"k": 1, "custodians": rules["custodians"]}

    def wrap(store):
        made.append(Rows(store))
        return made[0]

    async with tender(sqlite_database_url, wrap=wrap, **rules) as room:
        await send(room, 1, 500_000, **sealing)
        await send(room, 2, 495_000, **sealing)
        await closed(room)
    record = made[0].lines()
    found = docs(record)
    event_of(found, "lot.sold")["data"]["price"] -= 1
    said = agree([record, written(signed_again(found))])
    assert (said[0]["ok"], said[0]["envelopes"], said[1]["rule"]) == (True, 2, "result")


@needs_node
@pytest.mark.parametrize("which", [1, 2])
def test_changed_words_at_the_end_of_a_tender_fail_at_the_same_line(which):
    held = read_json(FILE.read_bytes())
    record = [line.encode() for line in held["records"][which]]
    rng = Random(which)
    ends = [k for k, line in enumerate(record) if read_json(line)["kind"] in ("weight", "envelope", "share", "opening")]
    records = []
    for at in [*rng.choices(ends, k=60), *rng.choices(range(len(record)), k=30)]:
        doc = read_json(record[at])
        target, name = doc, rng.choice(sorted(doc))
        while isinstance(target[name], dict) and target[name]:
            target = target[name]
            name = rng.choice(sorted(target))
        target[name] = changed(rng, target[name] or None)
        try:
            line = canonical(doc) + b"\n"
        except ValueError:
            line = json.dumps(doc).encode() + b"\n"
        records.append([*record[:at], line, *record[at + 1 :]])
    for _ in range(20):
        a, b = sorted(rng.sample(ends, 2))
        records.append([*record[:a], record[b], *record[a + 1 : b], record[a], *record[b + 1 :]])
        records.append([*record[:a], *record[a + 1 :]])
    agree(records)


async def write(folder):
    """The vectors anew: `python -m tests.bidding.test_tender_record_browser`."""
    records = []
    for k, rules in enumerate(({}, SECOND_PRICE)):
        url = sqlite_url(folder / f"{k}.db")
        await make_schema(url)
        records.append(await record_of_a_tender(url, **rules))
    url = sqlite_url(folder / "two.db")
    await make_schema(url)
    rows, _ = await test_tender_finals.two_rounds(url)
    records.append(rows.lines())
    FILE.write_bytes(canonical(vector(records)) + b"\n")


if __name__ == "__main__":
    import asyncio
    import tempfile

    from tests.conftest import make_schema, sqlite_url

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(write(Path(folder)))
