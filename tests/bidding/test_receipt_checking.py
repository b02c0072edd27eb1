"""A bidder checks the receipt of a bid without the house: what was recorded, and what was committed to."""

import base64
import json

import pytest
from typer.testing import CliRunner

from pavilion.bidding import receipt_checking
from pavilion.bidding.reading import BidOpening, bid_commitment
from pavilion.cli import app
from pavilion.kernel.canon import canonical
from pavilion.kernel.merkle import Tree, leaf_hash
from pavilion.kernel.signing import SigningKey, checkpoint_text, sign_note

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


def checked(document, keys=(SIGNER.verifier,)):
    return receipt_checking.check(document, keys)


def test_a_true_receipt_is_valid_under_the_houses_key_and_open_without_it():
    report = checked(receipt())
    assert (report.exit, report.verdict) == (0, "VALID, bid.accepted recorded as 2 in sale S-1")
    assert "300000 in the smallest unit of USD" in str(report)
    alone = checked(receipt(), keys=())
    assert (alone.exit, alone.verdict) == (2, "NOT DECIDED: CHECKPOINT")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
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
    ],
)
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
