"""The worked example that is published with the format of the book: to the byte."""

from hashlib import sha256

from pavilion.bidding import reading, texts
from pavilion.bidding.vault import Opening
from pavilion.kernel.canon import canonical, read_json
from pavilion.kernel.signing import SigningKey, checkpoint_text, sign_note, verify_note
from pavilion.kernel.tlog import CompactTree, leaf_hash

NONCE = bytes(range(32)).hex()
OPENED = "2026-03-02T10:00:00.000000Z"
END = "2026-03-09T14:00:00.000000Z"
RESERVE = {"currency": "USD", "lot": "L-0001", "nonce": NONCE, "reserve": 250000, "sale": "S-DEMO"}
BID = {
    "amount": 300000, "bidder": "A", "currency": "USD", "key": "7f9c1e0a5b3d4c2e8f6a7b8c9d0e1f20",
    "lot": "L-0001", "nonce": NONCE, "sale": "S-DEMO",
}  # fmt: skip
RESERVE_COMMIT = "f425ea00610547b873bb6f096acf0072ba8c12d310a55b88a7260656ff1fad75"
COMMIT = "62478fe2a419f0a11ad8196d88e7cd0fa997aa5b7cab0fd369e4b605475b256d"
HASHES = [
    "dda0366cb451d2c72bcea5c5deac0c9bd52a3a2200979065cc2406b7516fa9de",
    "919bd93b3f03837d4f1895ba6cff9efbf218d0eb9bfa9902c881e6e61f616661",
    "bbf92c03d24d5e4730a529b89d79ec4a9385f552d5225b46c03283c7f8e46af4",
]
CHECKPOINT = """auctions.example/sale/S-DEMO
3
n3fJnnbeRQJRPECdFIvj0U0K6Z0CBuZhyLDFGCxrdhw=

— auctions.example PRiX7OcvXXqm+ZIpRsoaFmcAM2y+aFLCjZssLe98e8BqFLsel+ILYoWgmFe+SGDLXWOASU0aqvcepPqULyUD9Zsldwc=
"""


def event(n, lot, seq, t, at, kind, prev, data):
    where = {"v": 1, "sale": "S-DEMO", "lot": lot, "seq": seq, "n": n}
    return where | {"t": t, "at": at, "type": kind, "prev": prev, "data": data}


LISTED = {
    "number": "1",
    "currency": "USD",
    "opening": 50000,
    "reserve_commit": RESERVE_COMMIT,
    "end": END,
    "passport": "cd" * 32,
}
BEST = {"leader": "A", "price": 250000, "ask": 275000, "reserve_met": True}
TAKEN = {"bidder": "A", "commit": COMMIT, "via": "online", "end": END, "extended": None} | BEST
BID_T, BID_AT = "2026-03-03T09:14:07.104233Z", "2026-03-03T09:14:07.106871Z"
EVENTS = [
    event(0, None, 1, OPENED, OPENED, "sale.published", "0" * 64, {"rules": "ab" * 32, "lots": ["L-0001"]}),
    event(1, "L-0001", 1, OPENED, OPENED, "lot.listed", HASHES[0], LISTED),
    event(2, "L-0001", 2, BID_T, BID_AT, "bid.accepted", HASHES[1], TAKEN),
]


def test_the_commitments_are_those_published():
    assert sha256(b"pavilion/reserve/v1\n" + canonical(RESERVE)).hexdigest() == RESERVE_COMMIT
    assert sha256(b"pavilion/bid/v1\n" + canonical(BID)).hexdigest() == COMMIT


def test_the_book_and_the_verifier_commit_alike():
    opening = Opening(300000, "USD", "ab" * 32, NONCE, None, None)
    assert texts.bid_commitment("S-DEMO", "L-0001", "A", BID["key"], opening) == COMMIT
    assert texts.reserve_commitment("S-DEMO", "L-0001", "USD", 250000, NONCE) == RESERVE_COMMIT
    shown = reading.BidOpening(2, 300000, NONCE, BID["key"])
    assert reading.bid_commitment("S-DEMO", "L-0001", "A", "USD", shown) == COMMIT
    reserve = reading.ReserveOpening("L-0001", 250000, NONCE)
    assert reading.reserve_commitment("S-DEMO", "USD", reserve) == RESERVE_COMMIT
    assert [texts.event_hash(texts.canonical_text(one)) for one in EVENTS] == HASHES


def test_the_events_hash_to_what_is_published():
    assert [leaf_hash(canonical(one)).hex() for one in EVENTS] == HASHES
    assert [leaf_hash(canonical(read_json(canonical(one)))).hex() for one in EVENTS] == HASHES


def test_the_checkpoint_is_the_published_one_to_the_byte():
    key = SigningKey("auctions.example", bytes(range(32)))
    tree = CompactTree()
    for one in EVENTS:
        tree.append(leaf_hash(canonical(one)))
    assert tree.root().hex() == "9f77c99e76de4502513c409d148be3d14d0ae99d0206e661c8b0c5182c6b761c"
    note = sign_note(checkpoint_text("auctions.example/sale/S-DEMO", tree.size, tree.root()), key)
    assert note == CHECKPOINT
    assert str(key.verifier) == "auctions.example+3d1897ec+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
    assert verify_note(CHECKPOINT, [key.verifier]).startswith("auctions.example/sale/S-DEMO\n3\n")
