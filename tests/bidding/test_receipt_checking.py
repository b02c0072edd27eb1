"""A bidder checks the receipt of a bid without the house: what was recorded, and what was committed to."""

import base64
import json
import subprocess

import pytest
from typer.testing import CliRunner

from pavilion.bidding import receipt_checking
from pavilion.bidding.reading import BidOpening, bid_commitment
from pavilion.cli import app
from pavilion.kernel.canon import canonical
from pavilion.kernel.merkle import Tree, leaf_hash
from pavilion.kernel.signing import SigningKey, checkpoint_text, sign_note
from tests.bidding.browser_records import MODULES, needs_node
from tests.luck import Random

HOUSE, SALE, LOT, NONCE, KEY = "house.example", "S-1", "L-1", "ab" * 16, "cd" * 16
SIGNER = SigningKey(HOUSE, bytes(32))


def event(**changes):
    opening = BidOpening(2, 300_000, NONCE, KEY)
    data = {
        "ask": 275000, "bidder": "A", "commit": bid_commitment(SALE, LOT, "A", "USD", opening),
        "end": "2026-03-09T14:00:00.000000Z", "extended": None, "leader": "A", "price": 250000, "reserve_met": True,
        "via": "online",
    }  # fmt: skip
    return {
        "at": "2026-03-03T09:14:07.106871Z", "data": data | changes, "lot": LOT, "n": 2, "prev": "91" * 32,
        "sale": SALE, "seq": 2, "t": "2026-03-03T09:14:07.104233Z", "type": "bid.accepted", "v": 1,
    }  # fmt: skip


def receipt(**changes):
    told = event()
    tree = Tree(leaf_hash(one) for one in (b"0", b"1", canonical(told), b"3", b"4"))
    note = sign_note(checkpoint_text(f"{HOUSE}/sale/{SALE}", 5, tree.root()), SIGNER)
    path = [base64.b64encode(part).decode() for part in tree.inclusion_proof(2)]
    proof = {"index": 2, "size": 5, "path": path}
    opening = {"amount": 300_000, "nonce": NONCE, "key": KEY}
    return {"v": 1, "event": told, "proof": proof, "checkpoint": note, "opening": opening} | changes


FALSE = [
    ({"event": event(price=260000)}, "INCLUSION"),
    ({"proof": receipt()["proof"] | {"index": 1}}, "INCLUSION"),
    ({"proof": receipt()["proof"] | {"path": []}}, "INCLUSION"),
    ({"proof": receipt()["proof"] | {"path": ["x"]}}, "SCHEMA"),
    ({"checkpoint": receipt()["checkpoint"].replace("\n5\n", "\n6\n")}, "INCLUSION"),
    ({"checkpoint": "rubbish"}, "CHECKPOINT"),
    ({"opening": {"amount": 310_000, "nonce": NONCE, "key": KEY}}, "OPENING"),
    ({"opening": {"amount": 300_000}}, "OPENING"),
    ({"opening": {"amount": "x", "nonce": 1, "key": []}}, "OPENING"),
    ({"v": 2}, "SCHEMA"),
    ({"event": {}}, "SCHEMA"),
    ({"proof": []}, "SCHEMA"),
]


def checked(document, keys=(SIGNER.verifier,)):
    return receipt_checking.check(document, keys)


def test_a_true_receipt_is_valid_under_the_houses_key_and_open_without_it():
    report = checked(receipt())
    assert (report.exit, report.verdict) == (0, "VALID, bid.accepted recorded as 2 in sale S-1")
    assert "a maximum of USD 3,000.00" in str(report)
    alone = checked(receipt(), keys=())
    assert (alone.exit, alone.verdict) == (2, "NOT DECIDED: CHECKPOINT")


@pytest.mark.parametrize(("changes", "code"), FALSE)
def test_each_falsehood_is_named(changes, code):
    assert checked(receipt(**changes)).verdict == f"NOT VALID: {code}"


def test_a_receipt_signed_by_another_is_false():
    other = SigningKey(HOUSE, bytes(31) + b"\1")
    assert checked(receipt(), keys=(other.verifier,)).verdict == "NOT VALID: CHECKPOINT"


def test_the_command_takes_a_receipt_and_the_houses_key_as_a_line(tmp_path):
    (tmp_path / "r.json").write_text(json.dumps(receipt()))
    (tmp_path / "key").write_text(f"{SIGNER.verifier}\n")
    args = ["verify", "--offline", str(tmp_path / "r.json")]
    assert CliRunner().invoke(app, args).exit_code == 2
    found = CliRunner().invoke(app, [*args, "--policy", str(tmp_path / "key")])
    assert (found.exit_code, found.stdout.splitlines()[-1]) == (0, "VALID, bid.accepted recorded as 2 in sale S-1")


SCRIPT = """
import { verify } from "./verify-checks.js";
let all = "";
for await (const part of process.stdin) all += part;
const { key, files } = JSON.parse(all);
for (const file of files) {
  const data = new TextEncoder().encode(file);
  try {
    const { verdict, lines } = await verify(data, { did: "{}", policy: "", sales: key }, 0);
    console.log(JSON.stringify([verdict, lines.map((line) => `${line.state} ${line.name}`)]));
  } catch (fault) {
    console.log(JSON.stringify([fault.message, []]));
  }
}
"""


def in_browser(files, key):
    """What the page /verify says of each file, by this key."""
    node = ["node", "--input-type=module", "--no-warnings", "--eval", SCRIPT]
    sent = json.dumps({"key": str(key), "files": files}).encode()
    run = subprocess.run(node, cwd=MODULES, input=sent, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    return [json.loads(line) for line in run.stdout.splitlines()]


@needs_node
def test_the_browser_says_of_every_receipt_what_the_command_says():
    sealed = event(bidder="B") | {"type": "tender.sealed", "data": {"bidder": "B", "envelope": "ab" * 32}}
    receipts = [receipt(), receipt(opening=None), receipt(event=sealed, opening=None)]
    receipts += [receipt(**changes) for changes, _ in FALSE]
    told = in_browser([json.dumps(one) for one in receipts], SIGNER.verifier)
    due = [checked(one) for one in receipts]
    assert told == [[one.verdict, [f"{line.state} {line.name}" for line in one.lines]] for one in due]
    other = SigningKey("other.example", bytes(32)).verifier
    assert in_browser([json.dumps(receipt())], other)[0][0] == checked(receipt(), (other,)).verdict


@needs_node
def test_a_receipt_with_one_changed_byte_is_valid_for_neither():
    rng, whole = Random(7), json.dumps(receipt()).encode()
    files = []
    for _ in range(60):
        at = rng.randrange(len(whole))
        bad = whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(7))]) + whole[at + 1 :]
        if json.dumps(receipt()) != bad.decode("latin-1"):
            files.append(bad.decode("latin-1"))
    assert files and not [told for told, _ in in_browser(files, SIGNER.verifier) if told.startswith("VALID")]
