"""What a client that bids by program checks for itself: receipts and what an event changes of its lot. Pure."""

import base64
from hashlib import sha256
from typing import Any

from pavilion.kernel.canon import canonical
from pavilion.kernel.signing import BadNote, VerifierKey, parse_checkpoint, verify_note
from pavilion.kernel.tlog import leaf_hash, verify_inclusion

Doc = dict[str, Any]


class Broken(Exception):
    """The house contradicts itself, or says what it did not sign. Keep what this client holds: it is the proof."""


def check_receipt(document: Doc, key: VerifierKey | None, currency: str) -> None:
    """Broken unless the event stands in the tree whose root is signed, and the opening is of its commitment."""
    event, proof, opening = document["event"], document["proof"], document["opening"]
    try:
        note = document["checkpoint"]
        signed = parse_checkpoint(verify_note(note, [key]) if key else note.partition("\n\n")[0] + "\n")
    except BadNote as fault:
        raise Broken(f"the receipt's checkpoint: {fault}") from None
    path = [_unbase64(part) for part in proof["path"]]
    leaf = leaf_hash(canonical(event))
    if proof["size"] != signed.size or not verify_inclusion(leaf, proof["index"], signed.size, path, signed.root):
        raise Broken("the receipt does not lead to the signed root")
    if opening is None:
        return
    doc = {
        "bidder": event["data"]["bidder"],
        "lot": event["lot"],
        "sale": event["sale"],
        "currency": currency,
    } | opening
    if sha256(b"pavilion/bid/v1\n" + canonical(doc)).hexdigest() != event["data"]["commit"]:
        raise Broken("the receipt is of another bid")


def told_of(event: Doc) -> Doc:
    """What an event changes of its lot."""
    kind, data = event["type"], event["data"]
    kept = ("leader", "price", "ask", "reserve_met", "end", "reason")
    facts = {name: data[name] for name in kept if name in data}
    match kind:
        case "lot.extended":
            facts["end"] = data["to"]
        case "lot.opened" | "lot.resumed" | "lot.reopened":
            facts["state"] = "open"
        case "lot.sold":
            facts |= {"leader": data["bidder"], "state": "sold"}
        case "lot.listed" | "lot.paused" | "lot.closing" | "lot.passed" | "lot.withdrawn":
            facts["state"] = kind.removeprefix("lot.")
    return facts


def other_rules(event: Doc) -> dict[str, str]:
    """The lots that run from this event on by other rules than the sale's, with the hash of theirs."""
    data = event["data"]
    if event["type"] == "sale.amended":
        return dict.fromkeys(data["lots"], data["to"])
    return {event["lot"]: data["rules"]} if event["type"] == "lot.listed" and "rules" in data else {}


def _unbase64(words: str) -> bytes:
    return base64.b64decode(words, validate=True)
