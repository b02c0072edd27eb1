"""A sealed tender of three custodians, closed and logged, for whoever tests its opening."""

import copy
from hashlib import sha256

from pavilion.bidding.custody import Logged, Sealed, tender_document
from pavilion.bidding.sealing import Payload, envelopes_hash, seal
from pavilion.kernel.base64url import base64url
from pavilion.kernel.canon import canonical, document_hash
from pavilion.kernel.hpke import PrivateKey
from pavilion.kernel.instants import from_stamp, micros
from pavilion.kernel.merkle import Tree, leaf_hash
from pavilion.kernel.signing import SigningKey, checkpoint_text, sign_note
from tests.bidding.test_ruleset import RULES

SALE, LOT, OTHER = "S-9", "L-1", "L-2"
SIGNER = SigningKey("house.example", bytes(range(32)))
KEYS = [PrivateKey.derived(sha256(b"custodian %d" % x).digest()) for x in (1, 2, 3)]
CUSTODIANS = tuple(base64url(key.point) for key in KEYS)
END, CLOSED = "2026-03-09T14:00:00.000000Z", "2026-03-09T14:00:02.000000Z"
LATER = micros(from_stamp("2026-03-09T14:05:00.000000Z"))


def luck(seed):
    """The same random bytes each time: only for tests."""
    state = [sha256(str(seed).encode()).digest()]

    def more(count):
        state[0] = sha256(state[0]).digest()
        return (state[0] * (count // 32 + 1))[:count]

    return more


def rules(**tender):
    doc = {name: value for name, value in copy.deepcopy(RULES).items() if name != "soft_close"}
    usual = {
        "sealed": True, "k": 2, "custodians": list(CUSTODIANS), "replace": "latest", "withdraw": True,
        "price_rule": "first", "min_bidders": 1, "best_and_final": {"top": 3, "within_bp": 1000, "hours": 24},
    }  # fmt: skip
    doc["stagger"] |= {"first": END, "interval": 0}
    return doc | {"format": "tender", "tender": usual | tender}


def payload(lot=LOT, paddle="P-0417", entry="total", value=300_000, key="7f" * 16):
    return Payload(SALE, lot, paddle, key, entry, value, "2026-03-08T09:00:00.000000Z")


def sealed(seed=1, custodians=CUSTODIANS, k=2, **facts):
    return seal(payload(**facts), custodians, k, luck(seed))


def event(n, kind, data, lot=None, at=CLOSED):
    return {
        "v": 1, "sale": SALE, "lot": lot, "seq": n + 1, "n": n, "t": at, "at": at, "type": kind, "prev": "0" * 64,
        "data": data,
    }  # fmt: skip


def tender(doc=None, envelopes=None, closing=None, signer=SIGNER, at=CLOSED, final=False, **changed):
    """A tender file as the house would serve it; every part can be made another."""
    doc = rules() if doc is None else doc
    envelopes = (
        [Sealed(LOT, "A", sealed(1)), Sealed(OTHER, "B", sealed(2, lot=OTHER))] if envelopes is None else envelopes
    )
    hashes = [one.envelope.hash for one in envelopes]
    listed = {"rules": document_hash(doc), "lots": [LOT, OTHER]}
    events = [event(0, "sale.published", listed, at="2026-03-01T09:00:00.000000Z")]
    events += [
        event(n, "tender.sealed", {"bidder": "A", "envelope": one}, LOT) for n, one in enumerate(hashes, start=1)
    ]
    if final:
        events.append(event(len(events), "tender.opened", {"valid": 2, "invalid": 0}, at="2026-03-09T15:00:00.000000Z"))
        at = "2026-03-10T15:00:01.000000Z" if at == CLOSED else at
    counted = closing or {"count": len(hashes), "envelopes": envelopes_hash(hashes)}
    events.append(event(len(events), "tender.closed", counted, at=at))
    tree = Tree(leaf_hash(canonical(one)) for one in events)
    note = sign_note(checkpoint_text(f"house.example/sale/{SALE}", tree.size, tree.root()), signer)
    logged = [Logged(one, tuple(tree.inclusion_proof(one["n"]))) for one in events]
    return tender_document(
        SALE, doc, [str(signer.verifier)], note,
        published=logged[0], closed=logged[-1], opened=logged[-2] if final else None, envelopes=envelopes,
    ) | changed  # fmt: skip
