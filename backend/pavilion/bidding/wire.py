"""What travels between processes: sealed, since orders and answers hold maxima, and Redis must hold none."""

import hashlib
import hmac
import json
import os
from dataclasses import asdict
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pavilion.bidding.acts import StaffAct
from pavilion.bidding.deciding import Answer, BidOrder
from pavilion.bidding.news import Mine, OwnLot, OwnState
from pavilion.bidding.tendering import SealOrder

Doc = dict[str, Any]
IV_BYTES = 12


class Sealer:
    """Seals documents for one channel; a message taken from another channel does not open."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(hmac.digest(secret, b"pavilion/bus/v1", hashlib.sha256))

    def seal(self, document: Doc, channel: str) -> bytes:
        iv = os.urandom(IV_BYTES)
        return iv + self._cipher.encrypt(iv, json.dumps(document).encode(), channel.encode())

    def open(self, sealed: bytes, channel: str) -> Doc | None:
        """None for what was not sealed by our own processes."""
        try:
            document: Doc = json.loads(self._cipher.decrypt(sealed[:IV_BYTES], sealed[IV_BYTES:], channel.encode()))
        except (InvalidTag, ValueError):
            return None
        return document


def orders(sale: str) -> str:
    return f"pavilion:orders:{sale}"


def edge(run: str) -> str:
    return f"pavilion:edge:{run}"


def news(sale: str) -> str:
    return f"pavilion:news:{sale}"


def own(sale: str) -> str:
    return f"pavilion:own:{sale}"


def order_out(order: BidOrder | StaffAct) -> Doc:
    kind = "seal" if isinstance(order, SealOrder) else "bid" if isinstance(order, BidOrder) else "act"
    return {"kind": kind, **asdict(order)}


def order_in(document: Doc) -> BidOrder | StaffAct:
    facts = {name: value for name, value in document.items() if name != "kind"}
    if document["kind"] == "bid":
        return BidOrder(**facts)
    if document["kind"] == "seal":
        return SealOrder(**facts)
    return StaffAct(**facts | {"ok": tuple(facts["ok"]), "seqs": tuple(facts["seqs"])})


def answer_out(answer: Answer) -> Doc:
    return answer._asdict()


def answer_in(document: Doc) -> Answer:
    return Answer(**document)


def mine_out(mine: Mine) -> Doc:
    return asdict(mine)


def mine_in(document: Doc) -> Mine:
    lots = {lot: OwnLot(**own) for lot, own in document["lots"].items()}
    return Mine(**document | {"lots": lots})


def own_out(states: list[OwnState]) -> Doc:
    return {"own": [state._asdict() for state in states]}


def own_in(document: Doc) -> list[OwnState]:
    return [OwnState(**state) for state in document["own"]]
