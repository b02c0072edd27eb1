"""A sealed tender at work: bidders who seal, three custodians who answer, and the engine between them."""

import hashlib
import json
import secrets
from contextlib import asynccontextmanager
from dataclasses import replace

from pavilion.bidding.custody import Logged, Sealed, open_tender, read_tender, signed_shares, tender_document
from pavilion.bidding.folding import Draft
from pavilion.bidding.publication import LotPublication, Publication
from pavilion.bidding.sealing import Payload, seal
from pavilion.bidding.tender_queries import envelope
from pavilion.bidding.tendering import due_envelopes, paddle_text, seal_order
from pavilion.bidding.texts import canonical_text
from pavilion.kernel.base64url import base64url
from pavilion.kernel.canon import canonical
from pavilion.kernel.instants import stamp
from pavilion.kernel.tlog import Tree
from tests.bidding import room as rooms
from tests.bidding.room import FIRST_END, SALE, SIGNER, lot_id, rules_doc
from tests.bidding.tenders import CUSTODIANS, KEYS
from tests.make import NOON, SECOND

MCT = 1_250


def tender_rules(**tender):
    doc = {name: value for name, value in rules_doc().items() if name != "soft_close"}
    usual = {
        "sealed": True, "k": 2, "custodians": list(CUSTODIANS), "replace": "latest", "withdraw": True,
        "price_rule": "first", "min_bidders": 1, "best_and_final": None,
    }  # fmt: skip
    doc["stagger"] = {"first": stamp(FIRST_END), "interval": 0, "per": 1, "breaks": []}
    return doc | {"format": "tender", "tender": usual | tender}


def published(lots=1, opening=50_000, reserve=None, **tender):
    text = canonical_text(tender_rules(**tender))
    listed = [
        LotPublication(lot_id(k), str(k), "USD", opening, reserve, hashlib.sha256(b"%d" % k).hexdigest())
        for k in range(1, lots + 1)
    ]
    return Publication(text, hashlib.sha256(text.encode()).hexdigest(), listed)


def known(lots=1, bidders=6, **changes):
    told = rooms.facts(lots, bidders)
    weighed = {lot: replace(one, mct=MCT, benchmark_ppc=400_000) for lot, one in told.lots.items()}
    return replace(told, lots=weighed, **changes)


def plain_rules():
    """A tender in plain mode: the house's own key is the one custodian's."""
    return {"sealed": False, "k": 1, "custodians": [base64url(rooms.VAULT.amounts.custodian(SALE).point)]}


def sealed_text(company, value, lot=1, key=None, entry="total", k=2, custodians=CUSTODIANS, **place):
    key = key or secrets.token_hex(16)
    at = stamp(NOON)
    payload = Payload(SALE, lot_id(lot), paddle_text(100 + company), key, entry, value, at)
    return seal(payload._replace(**place), custodians, k, secrets.token_bytes)


@asynccontextmanager
async def tender(url, lots=1, opening=50_000, reserve=None, facts=None, wrap=None, **rules):
    async with rooms.room(url, published(lots, opening, reserve, **rules), facts or known(lots), wrap) as room:
        yield room


async def send(room, company, value, lot=1, key=None, **facts):
    """A sealed bid, as the browser would send it."""
    key = key or secrets.token_hex(16)
    envelope = sealed_text(company, value, lot, key, **facts)
    return await place(room, company, lot, key, envelope)


async def place(room, company, lot, key, envelope):
    text = canonical(envelope.document()).decode()
    return await room.writer.place(seal_order(SALE, lot_id(lot), company, key, text))


async def take_back(room, company, lot=1, key=None):
    return await room.writer.place(seal_order(SALE, lot_id(lot), company, key or secrets.token_hex(16)))


async def closed(room, end=FIRST_END):
    """The common end has passed."""
    await room.at(end + 3 * SECOND)
    assert room.writer.book.round.waits or room.running.done() or room.writer.book.state == "closed"


def lines_of(room):
    return [line for news in room.told for line in news.lines]


def file_of(room, custodians=CUSTODIANS):
    """The tender file as the house serves it, from what the room was told."""
    batches = getattr(room.store, "batches", ())  # refusals stand in the log too, and are told nobody
    told = [line for batch in batches for line in batch.lines] or lines_of(room)
    lines = sorted({line.n: line for line in told}.values())
    tree = Tree(bytes.fromhex(line.hash) for line in lines)
    note = room.told[-1].checkpoint

    def logged(line):
        return Logged(json.loads(line.body), tuple(tree.inclusion_proof(line.n, len(lines))))

    found = {line.type: line for line in lines}
    book = room.writer.book
    held = [Sealed(one.lot, one.bidder, envelope(one, len(custodians))) for one in due_envelopes(Draft(book, 0))]
    doc = tender_document(
        SALE, json.loads(book.row.rules), [str(SIGNER.verifier)], note,
        published=logged(found["sale.published"]), closed=logged(found["tender.closed"]), envelopes=held,
        opened=logged(found["tender.opened"]) if "tender.opened" in found else None,
    )  # fmt: skip
    return read_tender(canonical(doc))


def shares_of(room, x, lie=False):
    """What custodian x hands in; one who lies hands in shares of nothing."""
    key = KEYS[x - 1]
    file = open_tender(key, file_of(room))
    if lie:
        file = replace(file, shares=tuple(one._replace(share=secrets.token_bytes(32)) for one in file.shares))
    return canonical(signed_shares(key, file)).decode()


def answer(room, *files):
    """The custodians' files reach the engine."""
    facts = room.writer.facts
    room.writer.learn(replace(facts, shares=(*facts.shares, *files)))


def results(room):
    return {
        line.lot: (line.type, *json.loads(line.body)["data"].values())
        for line in lines_of(room)
        if line.type in ("lot.sold", "lot.passed")
    }
