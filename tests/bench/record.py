"""A finished sale of 100,000 events: how long its record takes to verify, by the command's rules and, where there is
Node, by the browser's modules in the same engine that Chromium has."""

import json
import shutil
import statistics
import subprocess
import time

from pavilion.bidding.verifying import verify
from tests.bidding.browser_records import MODULES
from tests.simulate.house import House

EVENTS, LOTS, BATCH, ROUNDS = 100_000, 300, 50, 3
MOST_SECONDS = 10
SCRIPT = """
import { readFileSync } from "node:fs";
import { verifySale } from "./verify-sale-record.js";
const data = new Uint8Array(readFileSync(0)), from = performance.now();
const verdict = await verifySale(data);
console.log(JSON.stringify({ ...verdict, ms: performance.now() - from }));
"""


def main() -> list[dict[str, object]]:
    lines = big_record()
    found = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        assert verify(lambda: iter(lines)).events >= EVENTS
        found.append(time.perf_counter() - started)
    figures = [_figure("verify-sale, 100,000 events: command", statistics.median(found), found, lines)]
    if shutil.which("node"):
        run = ["node", "--input-type=module", "--eval", SCRIPT]
        data = b"".join(lines)
        ran = [subprocess.run(run, cwd=MODULES, input=data, capture_output=True, check=True) for _ in range(ROUNDS)]
        told = [json.loads(one.stdout) for one in ran]
        assert all(one["ok"] and one["events"] >= EVENTS for one in told)
        seconds = [one["ms"] / 1000 for one in told]
        figures.append(_figure("verify-sale, 100,000 events: modules", statistics.median(seconds), seconds, lines))
    for one in figures:
        print(json.dumps(one))
    return figures


def big_record() -> list[bytes]:
    """One busy sale of many lots, in batches as the engine commits them under load."""
    house = House(5, lots=LOTS, bidders=40, staff=0)
    house.now = house.book.rules.opens_at
    house.batch([])
    while len(house.lines) < EVENTS:
        house.now += 1000
        house.batch([house._order() for _ in range(BATCH)])
    return house.run(0).record(6)


def _figure(name: str, value: float, rounds: list[float], lines: list[bytes]) -> dict[str, object]:
    size = sum(map(len, lines))
    return {
        "name": name, "value": round(value, 2), "unit": "s", "most": MOST_SECONDS, "ok": value <= MOST_SECONDS,
        "rounds": [round(one, 2) for one in rounds], "lines": len(lines), "bytes": size,
    }  # fmt: skip


if __name__ == "__main__":
    main()
