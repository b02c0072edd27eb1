"""The file from which the browser's modules are tested is what this side makes, byte for byte."""

import json
from pathlib import Path

from pavilion.bidding.custody import key_document, open_tender, read_tender
from pavilion.bidding.sealing import seal
from pavilion.kernel.canon import canonical
from pavilion.kernel.hpke import PrivateKey
from tests.bidding.tenders import CUSTODIANS, KEYS, LOT, OTHER, luck, payload, rules, sealed, tender

FILE = Path(__file__).parents[1] / "vectors" / "sealed-tender.json"


def vector():
    """Keys, a bid with the randomness it was sealed with, and the tender files of two rounds."""
    drawn, random = luck(1), []

    def told(count):
        random.append(drawn(count))
        return random[-1]

    bid = payload()
    envelope = seal(bid, CUSTODIANS, 2, told)
    assert envelope == sealed(1)
    file = tender()
    early = rules()
    early["stagger"]["first"] = "2026-03-05T14:00:00.000000Z"
    return {
        "bid": bid._asdict(),
        "random": [random[0].hex(), random[1].hex()],
        "ephemeral": [key_document(PrivateKey.derived(one)) for one in random[2:]],
        "envelope": envelope.document(),
        "hash": envelope.hash,
        "keys": [key_document(key) for key in KEYS],
        "tender": file,
        "final": tender(final=True),
        "forged": tender(doc=early, at="2026-03-05T14:00:01.000000Z"),
        "closed": read_tender(canonical(file)).closed.leaf.hex(),
        "shares": [[one.share.hex() for one in open_tender(key, read_tender(canonical(file))).shares] for key in KEYS],
        "lots": [LOT, OTHER],
    }


def test_the_vector_of_the_browser_is_what_the_command_makes():
    assert json.loads(FILE.read_bytes()) == vector()


if __name__ == "__main__":
    FILE.write_bytes(canonical(vector()) + b"\n")
