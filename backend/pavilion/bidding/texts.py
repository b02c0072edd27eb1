"""The texts that are hashed, in the one form of RFC 8785, and the hashes themselves."""

import hashlib
import json
from functools import lru_cache
from typing import Any

from pavilion.bidding.closing import NEVER
from pavilion.bidding.vault import Opening
from pavilion.kernel.instants import from_micros, from_stamp, micros, stamp

Doc = dict[str, Any]


@lru_cache(maxsize=64)
def _second(s: int) -> str:
    return stamp(from_micros(s * 1_000_000))[:20]


def text_of(us: int) -> str:
    """`stamp` of whole microseconds, fast: a busy room asks for the same second thousands of times."""
    s, part = divmod(us, 1_000_000)
    return f"{_second(s)}{part:06d}Z"


@lru_cache(maxsize=1024)
def end_text(us: int) -> str:
    """`text_of` the end of a lot, which stays the same from bid to bid."""
    return text_of(us)


def end_or_none(us: int) -> str | None:
    """The end as events tell it: null while only a call can end the lot."""
    return None if us == NEVER else end_text(us)


def end_of(text: str | None) -> int:
    return NEVER if text is None else micros_of(text)


def micros_of(text: str) -> int:
    return micros(from_stamp(text))


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical_text(doc: Doc) -> str:
    """RFC 8785 for what the book holds: ASCII member names, texts, whole numbers below 2**53."""
    return _encode(doc)


def event_hash(body: str) -> str:
    return hashlib.sha256(b"\x00" + body.encode()).hexdigest()


# The documents that every bid makes are written by template: every member is a whole number, an id, a code, hex or an
# instant, so nothing needs escaping. A test holds each against the canonical form.


def bid_commitment(sale: str, lot: str, alias: str, key: str, opening: Opening) -> str:
    text = (
        f'pavilion/bid/v1\n{{"amount":{opening.amount},"bidder":"{alias}","currency":"{opening.currency}","key":"{key}",'
        f'"lot":"{lot}","nonce":"{opening.nonce}","sale":"{sale}"}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()


def event_text(sale: str, lot: str | None, n: int, seq: int, t: int, at: int, kind: str, prev: str, data: str) -> str:
    """The canonical text of an event whose data are canonical text."""
    named = "null" if lot is None else f'"{lot}"'
    return (
        f'{{"at":"{text_of(at)}","data":{data},"lot":{named},"n":{n},"prev":"{prev}","sale":"{sale}","seq":{seq},'
        f'"t":"{text_of(t)}","type":"{kind}","v":1}}'
    )


def accepted_text(data: Doc) -> str:
    met = data["reserve_met"]
    return (
        f'{{"ask":{data["ask"]},"bidder":"{data["bidder"]}","commit":"{data["commit"]}","end":{_quoted(data["end"])},'
        f'"extended":{_quoted(data["extended"])},"leader":"{data["leader"]}",'
        f'"price":{data["price"]},"reserve_met":{"null" if met is None else "true" if met else "false"},'
        f'"via":"{data["via"]}"}}'
    )


def _quoted(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'


def refused_text(data: Doc) -> str:
    return (
        f'{{"after":{data["after"]},"bidder":"{data["bidder"]}","code":"{data["code"]}","commit":"{data["commit"]}"}}'
    )


def reserve_commitment(sale: str, lot: str, currency: str, reserve: int, nonce: str) -> str:
    doc = {"currency": currency, "lot": lot, "nonce": nonce, "reserve": reserve, "sale": sale}
    return hashlib.sha256(b"pavilion/reserve/v1\n" + canonical_text(doc).encode()).hexdigest()
