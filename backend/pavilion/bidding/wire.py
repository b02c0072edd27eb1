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
from pavilion.bidding.hub import Crowd
from pavilion.bidding.news import Mine, OwnLot, OwnState
from pavilion.bidding.orders import Order
from pavilion.bidding.planning import LotSeen, PlanOrder, PlanSeen
from pavilion.bidding.tendering import SealOrder

Doc = dict[str, Any]
IV_BYTES = 12
NO_SALE = "all"  # where an edge says that it lives, whether or not anybody bids there


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


CROWDS = "pavilion:crowds"  # where web processes and edges say who listens to them


def orders(sale: str) -> str:
    return f"pavilion:orders:{sale}"


def edge(run: str) -> str:
    return f"pavilion:edge:{run}"


def news(sale: str) -> str:
    return f"pavilion:news:{sale}"


def own(sale: str) -> str:
    return f"pavilion:own:{sale}"


KINDS: dict[type[Order], str] = {BidOrder: "bid", SealOrder: "seal", StaffAct: "act", PlanOrder: "plan"}


def order_out(order: Order) -> Doc:
    return {"kind": KINDS[type(order)], **asdict(order)}


def order_in(document: Doc) -> Order:
    facts = {name: value for name, value in document.items() if name != "kind"}
    if document["kind"] == "bid":
        return BidOrder(**facts)
    if document["kind"] == "seal":
        return SealOrder(**facts)
    if document["kind"] == "plan":
        return PlanOrder(**facts | {"lots": tuple((lot, most) for lot, most in facts["lots"])})
    return StaffAct(**facts | {name: tuple(facts[name]) for name in ("ok", "seqs", "lots")})


def answer_out(answer: Answer) -> Doc:
    return answer._asdict()


def answer_in(document: Doc) -> Answer:
    return Answer(**document)


def mine_out(mine: Mine) -> Doc:
    return asdict(mine)


def mine_in(document: Doc) -> Mine:
    lots = {lot: OwnLot(**own) for lot, own in document["lots"].items()}
    return Mine(**document | {"lots": lots, "planned": tuple(document["planned"])})


def plans_out(plans: list[PlanSeen]) -> Doc:
    return {"plans": [plan._asdict() for plan in plans]}


def plans_in(document: Doc) -> list[PlanSeen]:
    return [PlanSeen(**one | {"lots": tuple(LotSeen(*lot) for lot in one["lots"])}) for one in document["plans"]]


def crowds_out(crowds: dict[str, Crowd]) -> Doc:
    return {sale: [crowd.sockets, sorted(crowd.companies)] for sale, crowd in crowds.items()}


def crowds_in(document: Doc) -> dict[str, Crowd]:
    return {sale: Crowd(sockets, frozenset(companies)) for sale, (sockets, companies) in document.items()}


def own_out(states: list[OwnState]) -> Doc:
    return {"own": [state._asdict() for state in states]}


def own_in(document: Doc) -> list[OwnState]:
    return [OwnState(**state) for state in document["own"]]
