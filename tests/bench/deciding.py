"""What a decided bid costs in processor time: its rules, and what makes its receipt provable. No database, one core.

A decision is: is the amount taken, and how does the lot stand then, on a lot with eight bidders and proxy maxima.
The extra work for receipts is, per batch of fifty accepted bids on a sale of some ten thousand events: their leaves in
the tree, the root, the signed checkpoint, and the inclusion proof of each of the fifty. The floor beside it is what an
event costs without any proof: its canonical text and one hash of it.
"""

import time
from hashlib import sha256

from pavilion.bidding.rules import Increments, LotTerms, judge_amount, standing
from pavilion.kernel.canon import canonical
from pavilion.kernel.merkle import Tree, leaf_hash, verify_inclusion
from pavilion.kernel.signing import SigningKey, checkpoint_text, sign_note
from tests.bench.rounds import best
from tests.luck import Random

BIDDERS, BIDS, BATCH, BATCHES, ROUNDS = 8, 20_000, 50, 40, 5
BEFORE = 10_000  # events of the sale so far
NEEDED_DECISION_US, NEEDED_RECEIPT_US = 10, 20
TERMS = LotTerms(100_000, 900_000, "jump", Increments(((0, 10_000), (1_000_000, 50_000))))
KEY = SigningKey("bench.example", bytes(range(32)))


def offers() -> list[tuple[str, int]]:
    """Who bids, and how many steps over or under the ask."""
    random = Random(2026)
    return [(f"B{random.randrange(BIDDERS)}", random.randrange(-3, 6) * 10_000) for _ in range(BIDS)]


def decide(given: list[tuple[str, int]]) -> int:
    """How many were taken, on lots of two hundred bids each."""
    taken = 0
    for first in range(0, len(given), 200):
        best = dict[str, tuple[int, int]]()
        stands = standing(TERMS, best)
        for seq, (bidder, more) in enumerate(given[first : first + 200], start=1):
            amount = stands.ask + more
            if judge_amount(TERMS, best, stands, bidder, amount) is None:
                best[bidder] = (amount, seq)
                stands = standing(TERMS, best)
                taken += 1
    return taken


def event(n: int) -> dict[str, object]:
    """As the book writes an accepted bid."""
    data = {
        "bidder": "A", "commit": "c" * 64, "via": "web", "leader": "A", "price": 410_000, "ask": 420_000,
        "reserve_met": True, "end": "2026-03-02T15:00:00.000000Z", "extended": None,
    }  # fmt: skip
    return {
        "v": 1, "sale": "01M7Z85APYN1SA12CS184JB4HM", "lot": "01M7Z85APYN1SA12CS184JB4HN", "seq": n, "n": n,
        "t": n, "at": "2026-03-02T14:59:00.000000Z", "type": "bid.accepted", "prev": "d" * 64, "data": data,
    }  # fmt: skip


def proved(batches: list[list[bytes]]) -> float:
    """Seconds for all that receipts need beyond their events."""
    tree = Tree(leaf_hash(n.to_bytes(4)) for n in range(BEFORE))
    begun = time.process_time()
    for leaves in batches:
        first = tree.size
        for leaf in leaves:
            tree.append(leaf)
        root = tree.root()
        sign_note(checkpoint_text("bench.example/sale/1", tree.size, root), KEY)
        proofs = [tree.inclusion_proof(first + place) for place in range(len(leaves))]
    took = time.process_time() - begun
    assert verify_inclusion(leaves[7], first + 7, tree.size, proofs[7], root)
    return took


def main() -> list[dict[str, object]]:
    given = offers()
    taken = decide(given)
    assert BIDS // 4 < taken < BIDS * 3 // 4, taken
    decision = best(lambda: decide(given), ROUNDS) / BIDS * 1e6
    texts = [event(n) for n in range(BATCH * BATCHES)]
    floor = best(lambda: [sha256(b"\0" + canonical(one)).digest() for one in texts], ROUNDS) / len(texts) * 1e6
    leaves = [leaf_hash(canonical(one)) for one in texts]
    batches = [leaves[n : n + BATCH] for n in range(0, len(leaves), BATCH)]
    extra = min(proved(batches) for _ in range(ROUNDS)) / len(leaves) * 1e6
    print(f"decision {decision:.2f} µs ({taken} of {BIDS} taken); receipt {extra:.1f} µs; event {floor:.1f} µs")
    return [
        {"name": "rule decision", "ours_us": round(decision, 2), "ratio_to_event": round(decision / floor, 2),
         "needed_us": NEEDED_DECISION_US, "ok": decision <= NEEDED_DECISION_US},
        {"name": "proof of a receipt", "ours_us": round(extra, 1), "ratio_to_event": round(extra / floor, 2),
         "needed_us": NEEDED_RECEIPT_US, "ok": extra <= NEEDED_RECEIPT_US},
    ]  # fmt: skip
