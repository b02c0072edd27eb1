"""The browser's verifier run by node on many records at once, and what the command says of the same bytes."""

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from pavilion.bidding.exporting import record_of
from pavilion.bidding.opened import Failed
from pavilion.bidding.replaying import Undecided
from pavilion.bidding.verifying import NotARecord, verify

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="no Node to run the browser's modules")
MODULES = Path(__file__).parents[2] / "frontend" / "static" / "js"
SCRIPT = """
import { readFileSync } from "node:fs";
import { verifySale } from "./verify-sale-record.js";
const data = new Uint8Array(readFileSync(0)), view = new DataView(data.buffer, data.byteOffset);
for (let at = 0; at < data.length;) {
  const size = view.getUint32(at);
  console.log(JSON.stringify(await verifySale(data.subarray(at + 4, at + 4 + size))));
  at += 4 + size;
}
"""


def in_browser(records):
    """The browser's verdict on each record, in order."""
    sent = b"".join(len(one).to_bytes(4) + one for one in map(b"".join, records))
    node = ["node", "--input-type=module", "--no-warnings", "--eval", SCRIPT]
    run = subprocess.run(node, cwd=MODULES, input=sent, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    return [json.loads(line) for line in run.stdout.splitlines()]


def by_command(lines):
    """What `pavilion verify-sale` says, in the browser's words."""
    try:
        good = verify(lambda: iter(lines))
    except Failed as failed:
        return {"ok": False, "line": failed.line, "n": failed.n, "rule": failed.rule}
    except NotARecord:
        return {"ok": None, "why": "not_a_record"}
    except Undecided:
        return {"ok": None, "why": "undecided"}
    return {
        "ok": True, "events": good.events, "root": good.root, "lots": good.lots, "hidden": good.hidden,
        "hidden_lots": list(good.hidden_lots), "keys": list(good.keys),
    }  # fmt: skip


def agree(records):
    """Both say the same of every record: the verdict, the first failing line, its n and its rule."""
    found = in_browser(records)
    assert len(found) == len(records)
    for k, (said, lines) in enumerate(zip(found, records, strict=True)):
        due = by_command(lines)
        assert {name: said.get(name) for name in due} == due, (k, said, due)
    return found


async def proved(house, lots):
    """The record of the house's finished sale is good, and the browser's verifier says the same."""
    async with house.sessions() as session:
        at = house.clock() + timedelta(days=9)
        lines = list(await record_of(session, house.sale, house.rooms.verifier, at))
    assert verify(lambda: iter(lines)).lots == lots
    if shutil.which("node"):
        assert all(one["ok"] for one in agree([lines])), "the browser's verifier says the same"
