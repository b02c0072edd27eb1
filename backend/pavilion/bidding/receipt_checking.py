"""The receipt of a bid, checked by whoever holds it: that the event was recorded, and that the opening is of its
commitment. Pure."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from pavilion.bidding.reading import BadLine, BidOpening, Event, bid_commitment, read_line
from pavilion.kernel.canon import canonical
from pavilion.kernel.merkle import verify_inclusion
from pavilion.kernel.money import CURRENCIES, decimal_text
from pavilion.kernel.signing import BadNote, VerifierKey, parse_checkpoint, parse_note, verify_note
from pavilion.provenance.verifying_report import Examination, Report

MEMBERS = frozenset({"v", "event", "proof", "checkpoint", "opening"})
TYPES = ("bid.accepted", "bid.refused", "tender.sealed", "tender.withdrawn")
MOST_HASHES = 63


def check(document: Mapping[str, Any], keys: Sequence[VerifierKey]) -> Report:
    """The report on a receipt. `keys`: those of houses that are believed; with none of them nothing is decided."""
    exam = Examination()
    try:
        event, index, size, path = _read(document)
    except (BadLine, ValueError, KeyError, TypeError) as fault:
        exam.fail("SCHEMA", "not a receipt: %(why)s", why=str(fault)[:160])
        return exam.report("")
    exam.ok("SCHEMA", "%(type)s, number %(n)s of the sale's book", type=event.type, n=event.n)
    _signed(exam, str(document["checkpoint"]), event, index, size, path, keys)
    _opened(exam, document["opening"], event)
    return exam.report(f"VALID, {event.type} recorded as {event.n} in sale {event.sale}")


def _read(document: Mapping[str, Any]) -> tuple[Event, int, int, list[bytes]]:
    if document.keys() != MEMBERS or document["v"] != 1:
        raise ValueError("not the members of a receipt")
    line = read_line(canonical({"kind": "event", "event": document["event"]}) + b"\n")
    proof = document["proof"]
    if not isinstance(line, Event) or line.type not in TYPES:
        raise ValueError("not a decided bid")
    if not isinstance(proof, dict) or proof.keys() != {"index", "size", "path"} or len(proof["path"]) > MOST_HASHES:
        raise ValueError("not a proof")
    return line, proof["index"], proof["size"], [_unbase64(part) for part in proof["path"]]


def _signed(
    exam: Examination, note: str, event: Event, index: int, size: int, path: list[bytes], keys: Sequence[VerifierKey]
) -> None:
    """INCLUSION and CHECKPOINT."""
    try:
        checkpoint = parse_checkpoint(parse_note(note).text)
    except BadNote as fault:
        exam.fail("CHECKPOINT", "%(why)s", why=str(fault))
        return
    if (index, size) != (event.n, checkpoint.size):
        exam.fail("INCLUSION", "the proof is of another place or another tree")
    elif not verify_inclusion(event.hash, index, size, path, checkpoint.root):
        exam.fail("INCLUSION", "the way does not lead to the signed root")
    else:
        exam.ok("INCLUSION", "the event is leaf %(index)s of %(size)s", index=index, size=size)
    ours = [key for key in keys if checkpoint.origin == f"{key.name}/sale/{event.sale}"]
    if not ours:
        exam.undecided("CHECKPOINT", "no key is known here for %(origin)s: pin one", origin=checkpoint.origin[:120])
        return
    try:
        verify_note(note, ours)
    except BadNote as fault:
        exam.fail("CHECKPOINT", "%(why)s", why=str(fault))
    else:
        exam.ok("CHECKPOINT", "signed by %(origin)s", origin=checkpoint.origin)


def _opened(exam: Examination, opening: object, event: Event) -> None:
    """OPENING: the maximum that the bidder committed to. Its currency is the sale's, which a receipt does not name."""
    commit = event.data.get("commit")
    if opening is None or commit is None:
        exam.skip("OPENING", "the receipt does not open the bid's commitment")
        return
    if not isinstance(opening, dict) or opening.keys() != {"amount", "nonce", "key"} or event.lot is None:
        exam.fail("OPENING", "the opening cannot be read")
        return
    said = BidOpening(event.n, opening["amount"], str(opening["nonce"]), str(opening["key"]))
    for currency in sorted(CURRENCIES):
        if bid_commitment(event.sale, event.lot, str(event.data["bidder"]), currency, said) == commit:
            whole, dot, part = decimal_text(said.amount, currency).partition(".")
            facts = {"amount": f"{int(whole):,}{dot}{part}", "currency": currency}
            exam.ok("OPENING", "a maximum of %(currency)s %(amount)s", **facts)
            return
    exam.fail("OPENING", "the opening is not of the bid's commitment")


def _unbase64(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("not base64")
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if len(data) != 32 or base64.b64encode(data).decode() != text:
        raise ValueError("not a hash")
    return data
