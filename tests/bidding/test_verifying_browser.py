"""The verifier of the browser says of every record, good or altered, what the command says."""

import json
import re
import shutil
from pathlib import Path

import pytest

from pavilion.kernel.canon import canonical, read_json
from pavilion.kernel.money import CURRENCIES
from tests.bidding.browser_records import MODULES, agree, in_browser
from tests.bidding.test_verifying import DAYS, HOUSES, RECORDS, SHOWN, changed, split
from tests.luck import Random
from tests.simulate.house import House

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="no Node to run the browser's modules")
FEW = RECORDS[:2]


def test_both_know_the_same_currencies():
    text = Path(MODULES, "verify-sale-lines.js").read_text()
    listed = re.search(r"CURRENCIES = \[(.*?)\]", text, re.DOTALL)
    assert set(re.findall(r'"([A-Z]{3})"', listed[1])) == CURRENCIES


def test_good_records_are_good_in_the_browser():
    houses = [*HOUSES, SHOWN, *(House(seed).run(80) for seed in range(12))]
    records = [house.record(days) for house in houses for days in (0, DAYS)]
    assert all(one["ok"] for one in agree(records))


@pytest.mark.parametrize("seed", range(len(FEW)))
def test_records_with_a_flipped_bit_fail_at_the_same_line(seed):
    rng, record = Random(seed), RECORDS[seed]
    flipped = []
    for at in sorted(rng.sample(range(len(record)), min(50, len(record)))):
        line = record[at]
        place = rng.randrange(len(line))
        bad = line[:place] + bytes([line[place] ^ (1 << rng.randrange(8))]) + line[place + 1 :]
        flipped.append(split(b"".join([*record[:at], bad, *record[at + 1 :]])))
    assert all(one["ok"] is not True for one in agree(flipped))


@pytest.mark.parametrize("seed", range(len(FEW)))
def test_lines_taken_out_put_in_and_exchanged_fail_at_the_same_line(seed):
    rng, record = Random(seed), RECORDS[seed]
    places = sorted(rng.sample(range(1, len(record) - 1), 12))
    out = [record[:at] + record[at + 1 :] for at in [0, *places]]
    turned = [[*record[:at], record[at + 1], record[at], *record[at + 2 :]] for at in places]
    twice = [[*record[:at], record[at], *record[at:]] for at in places]
    cut = [record[:at] for at in places]
    agree([*out, *turned, *twice, *cut, [b""], [b"nothing\n"], [record[0]]])


@pytest.mark.parametrize("seed", range(len(FEW)))
def test_changed_words_in_canonical_form_fail_at_the_same_line(seed):
    rng, record = Random(seed), RECORDS[seed]
    odd = [None, True, -1, 0, 2**53, "", "A", "HOUSE", [], {}, "9999-12-31T23:59:59.999999Z", 1.5, "\u00e9"]
    records = []
    for _ in range(80):
        at = rng.randrange(len(record))
        doc = read_json(record[at])
        target = doc
        while True:
            name = rng.choice(sorted(target))
            if isinstance(target[name], dict) and target[name] and rng.random() < 0.9:
                target = target[name]
                continue
            whole = isinstance(target[name], dict) or rng.random() < 0.3
            target[name] = rng.choice(odd) if whole else changed(rng, target[name])
            break
        if re.search('"(?:9999|1[0-6]..)-', json.dumps(doc)):
            continue  # beyond the whole numbers of a browser, which says so
        try:
            line = canonical(doc) + b"\n"
        except ValueError:
            line = json.dumps(doc).encode() + b"\n"
        records.append([*record[:at], line, *record[at + 1 :]])
    agree(records)


def test_a_time_that_a_browser_cannot_count_is_left_undecided():
    record = RECORDS[0]
    at = next(k for k, line in enumerate(record) if b'"lot.opened"' in line)
    doc = read_json(record[at])
    doc["event"]["data"]["end"] = "9998-01-01T00:00:00.000000Z"
    said = in_browser([[*record[:at], canonical(doc) + b"\n", *record[at + 1 :]]])[0]
    assert (said["ok"], said["why"]) == (None, "undecided")
