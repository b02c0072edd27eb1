"""The lines of a sale's record, read strictly: one byte form, exact members, known words. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from pavilion.bidding.tender_reading import EnvelopeLine, ShareLine, TenderLine, WeightLine
from pavilion.kernel.canon import canonical, read_json, read_plain
from pavilion.kernel.instants import from_stamp, micros
from pavilion.kernel.money import CURRENCIES, MAX_AMOUNT
from pavilion.kernel.tlog import leaf_hash

MAX_LINE = 1024 * 1024
Doc = dict[str, Any]


class BadLine(Exception):
    """A line that breaks `rule`; `fact` says how."""

    def __init__(self, rule: str, fact: str, n: int | None = None) -> None:
        super().__init__(f"{rule}: {fact}")
        self.rule, self.fact, self.n = rule, fact, n


@dataclass(frozen=True, slots=True)
class Header:
    sale: str
    rules: Doc
    keys: tuple[str, ...]
    openings: str


@dataclass(frozen=True, slots=True)
class RuleSetLine:
    """A rule set that the events name beside the header's: published before it, or given to some lots since."""

    rules: Doc


@dataclass(frozen=True, slots=True)
class Event:
    """One event; instants in its data are microseconds."""

    n: int
    hash: bytes
    lot: str | None
    seq: int
    t: int
    at: int
    type: str
    prev: bytes
    sale: str
    data: Doc


@dataclass(frozen=True, slots=True)
class Leaf:
    """A hidden event: only its place and hash."""

    n: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class SignedRoot:
    text: str


@dataclass(frozen=True, slots=True)
class BidOpening:
    n: int
    amount: int
    nonce: str
    key: str


@dataclass(frozen=True, slots=True)
class ReserveOpening:
    lot: str
    reserve: int
    nonce: str


Line = Header | RuleSetLine | Event | Leaf | SignedRoot | BidOpening | ReserveOpening | TenderLine


def read_line(raw: bytes) -> Line:
    """The line, or BadLine. `raw` is the line with its newline."""
    if len(raw) > MAX_LINE:
        raise BadLine("form", "the line is longer than 1 MiB")
    if not raw.endswith(b"\n"):
        raise BadLine("form", "the line is cut off")
    body = raw[:-1]
    doc = read_plain(body)
    if doc is None:  # not as it should be, or unusual: read again with care
        doc = _read_with_care(body)
    kind = doc.pop("kind", None)
    try:
        if kind == "event":
            return _event(doc, body)
        reader = _READERS.get(kind) if isinstance(kind, str) else None
        if reader is None:
            raise BadLine("form", f"unknown kind {str(kind)[:40]!r}")
        return reader(doc)
    except BadLine:
        raise
    except ValueError as fault:
        raise BadLine("form", str(fault)[:200], _n_of(doc)) from None


def _read_with_care(body: bytes) -> Doc:
    try:
        doc = read_json(body)
        same = canonical(doc) == body
    except ValueError as fault:
        raise BadLine("form", str(fault)[:200]) from None
    if not isinstance(doc, dict):
        raise BadLine("form", "not an object")
    if not same:
        raise BadLine("form", "not the canonical form", _whole_or_none(doc.get("n")))
    return doc


def bid_commitment(sale: str, lot: str, bidder: str, currency: str, opening: BidOpening) -> str:
    doc = {"amount": opening.amount, "bidder": bidder, "currency": currency, "key": opening.key}
    doc |= {"lot": lot, "nonce": opening.nonce, "sale": sale}
    return sha256(b"pavilion/bid/v1\n" + canonical(doc)).hexdigest()


def reserve_commitment(sale: str, currency: str, opening: ReserveOpening) -> str:
    doc = {"currency": currency, "lot": opening.lot, "nonce": opening.nonce, "reserve": opening.reserve, "sale": sale}
    return sha256(b"pavilion/reserve/v1\n" + canonical(doc)).hexdigest()


# -- kinds of line ----------------------------------------------------------------------------------------------------


def _header(doc: Doc) -> Header:
    _members(doc, "v sale rules keys openings")
    keys = doc["keys"]
    if doc["v"] is True or doc["v"] != 1 or not _is_text(doc["sale"]) or not isinstance(doc["rules"], dict):
        raise ValueError("the header is not one of version 1")
    if not isinstance(keys, list) or not 1 <= len(keys) <= 16 or not all(_is_text(key) for key in keys):
        raise ValueError("the header names no keys")
    if doc["openings"] not in ("losing", "auditor"):
        raise ValueError("openings are losing or auditor")
    return Header(doc["sale"], doc["rules"], tuple(keys), doc["openings"])


def _rule_set(doc: Doc) -> RuleSetLine:
    _members(doc, "rules")
    if not isinstance(doc["rules"], dict):
        raise ValueError("the rule set is no document")
    return RuleSetLine(doc["rules"])


_OF_THE_SALE = ("sale.", "incident", "tender.closed", "tender.opened")
_BEFORE, _AFTER = len(b'{"event":'), -len(b',"kind":"event"}')


def _event(doc: Doc, body: bytes) -> Event:
    """The event in its line, whose canonical bytes stand in the line as they are."""
    _members(doc, "event")
    event = doc["event"]
    if not isinstance(event, dict):
        raise ValueError("the event is not an object")
    _members(event, "v sale lot seq n t at type prev data")
    read = _fields(event, "v:count sale:text lot:text? seq:count n:count t:time at:time type:text prev:hash")
    if read["v"] != 1 or not isinstance(event["data"], dict):
        raise ValueError("not an event of version 1")
    data = _data(read["type"], event["data"])
    if (read["type"].startswith(_OF_THE_SALE)) != (read["lot"] is None):
        raise ValueError(f"{read['type']} stands in the wrong book")
    return Event(
        read["n"], leaf_hash(body[_BEFORE:_AFTER]), read["lot"], read["seq"], read["t"], read["at"], read["type"],
        bytes.fromhex(read["prev"]), read["sale"], data,
    )  # fmt: skip


def _leaf(doc: Doc) -> Leaf:
    read = _exactly(doc, "n:count hash:hash")
    return Leaf(read["n"], bytes.fromhex(read["hash"]))


def _signed_root(doc: Doc) -> SignedRoot:
    _members(doc, "text")
    if not isinstance(doc["text"], str):
        raise ValueError("the checkpoint is no text")
    return SignedRoot(doc["text"])


def _opening(doc: Doc) -> BidOpening | ReserveOpening:
    if "lot" in doc:
        read = _exactly(doc, "lot:text reserve:amount nonce:hash")
        return ReserveOpening(read["lot"], read["reserve"], read["nonce"])
    read = _exactly(doc, "n:count amount:whole nonce:hash key:key")
    return BidOpening(read["n"], read["amount"], read["nonce"], read["key"])


def _weight(doc: Doc) -> WeightLine:
    return WeightLine(**_exactly(doc, "lot:text mct:count benchmark:amount?"))


def _envelope(doc: Doc) -> EnvelopeLine:
    _members(doc, "lot bidder envelope")
    if not isinstance(doc["envelope"], dict):
        raise ValueError("the envelope is no document")
    return EnvelopeLine(**_fields(doc, "lot:text bidder:alias"), envelope=doc["envelope"])


def _share(doc: Doc) -> ShareLine:
    return ShareLine(**_exactly(doc, "lot:text bidder:alias x:count share:hash"))


_READERS: Mapping[str, Callable[[Doc], Line]] = {
    "header": _header, "rules": _rule_set, "leaf": _leaf, "checkpoint": _signed_root, "opening": _opening,
    "weight": _weight, "envelope": _envelope, "share": _share,
}  # fmt: skip

# -- data of events ---------------------------------------------------------------------------------------------------

_STANDING = "leader:bidder? price:amount? ask:whole reserve_met:truth?"
_LISTED = "number:text currency:currency opening:amount reserve_commit:hash? end:time? passport:hash"
_DATA: Mapping[str, tuple[str, ...]] = {
    "sale.published": ("rules:hash lots:texts",),
    "sale.opened": ("",),
    "sale.resumed": ("",),
    "sale.closed": ("",),
    "sale.paused": ("by:text reason:text",),
    "sale.unpublished": ("reason:text ok:texts",),
    "sale.amended": ("from:hash to:hash lots:texts ok:texts later:truth", "from:hash to:hash lots:texts ok:texts"),
    "incident": ("kind:text from:time to:time",),
    "tender.closed": ("count:count envelopes:hash",),
    "tender.opened": ("valid:count invalid:count",),
    "tender.sealed": ("bidder:alias envelope:hash",),
    "tender.withdrawn": ("bidder:alias",),
    "lot.listed": (
        f"{_LISTED} reoffer_of:text rules:hash",
        f"{_LISTED} reoffer_of:text",
        f"{_LISTED} rules:hash",
        _LISTED,
    ),
    "lot.opened": ("end:time?",),
    "bid.accepted": (f"bidder:alias commit:hash via:via {_STANDING} end:time? extended:time?",),
    "bid.voided": (f"seqs:counts reason:text ok:texts {_STANDING}",),
    "bid.refused": ("bidder:alias commit:hash code:text after:count",),
    "lot.extended": ("from:time? to:time? cause:text by:text",),
    "lot.paused": ("reason:text by:text",),
    "lot.resumed": ("end:time? by:text",),
    "lot.notice": ("text_en:words text_zh:words passport:hash? by:text",),
    "lot.reserve_lowered": (f"reserve_commit:hash ok:texts {_STANDING}",),
    "lot.closing": ("end:time",),
    "lot.reopened": ("end:time ok:texts",),
    "lot.sold": ("bidder:alias price:amount",),
    "lot.passed": ("reason:text",),
    "lot.withdrawn": ("reason:text ok:texts", "reason:text by:text"),
}


def _data(kind: str, data: Doc) -> Doc:
    forms = _DATA.get(kind)
    if forms is None:
        raise ValueError(f"unknown type {kind[:40]!r}")
    for form in forms[:-1]:
        if data.keys() == _form(form)[0]:
            return _exactly(data, form)
    return _exactly(data, forms[-1])


# -- fields -----------------------------------------------------------------------------------------------------------

_HEX64, _HEX32 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{32}")
_ALIAS, _TEXT = re.compile(r"[A-Z]{1,4}"), re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
_VIA = ("online", "phone", "commission", "floor", "staff", "plan")


def _exactly(doc: Doc, form: str) -> Doc:
    _check_members(doc, _form(form)[0])
    return _fields(doc, form)


@cache
def _form(form: str) -> tuple[frozenset[str], tuple[tuple[str, str, bool], ...]]:
    """The names of a form, and its fields: name, kind, whether null will do."""
    fields = [field.split(":") for field in form.split()]
    return frozenset(name for name, _ in fields), tuple((n, k.rstrip("?"), k.endswith("?")) for n, k in fields)


def _members(doc: Doc, names: str) -> None:
    _check_members(doc, frozenset(names.split()))


def _check_members(doc: Doc, wanted: frozenset[str]) -> None:
    if doc.keys() != wanted:
        odd = sorted(wanted ^ doc.keys())[0]
        raise ValueError(f"member {odd[:40]} {'is missing' if odd in wanted else 'is unknown'}")


def _fields(doc: Doc, form: str) -> Doc:
    read: Doc = {}
    for name, kind, optional in _form(form)[1]:
        value = doc[name]
        if value is None and optional:
            read[name] = None
        elif kind == "time":
            read[name] = _time(name, value)
        elif _FITS[kind](value):
            read[name] = value
        else:
            raise ValueError(f"{name} is not a {kind}")
    return read


def _time(name: str, value: object) -> int:
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a time")
    return micros(from_stamp(value))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and _TEXT.fullmatch(value) is not None


def _is_whole(value: object) -> bool:
    return type(value) is int


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _whole_or_none(value: object) -> int | None:
    return value if type(value) is int else None


def _n_of(doc: Doc) -> int | None:
    event = doc.get("event", doc)
    return _whole_or_none(event.get("n")) if isinstance(event, dict) else None


_FITS: Mapping[str, Callable[[Any], bool]] = {
    "text": _is_text,
    "texts": lambda value: isinstance(value, list) and all(_is_text(one) for one in value),
    "words": lambda value: isinstance(value, str) and len(value) <= 20_000,
    "whole": _is_whole,
    "count": _is_count,
    "counts": lambda value: isinstance(value, list) and all(_is_count(one) for one in value),
    "amount": lambda value: type(value) is int and 1 <= value <= MAX_AMOUNT,
    "hash": lambda value: isinstance(value, str) and _HEX64.fullmatch(value) is not None,
    "key": lambda value: isinstance(value, str) and _HEX32.fullmatch(value) is not None,
    "alias": lambda value: isinstance(value, str) and _ALIAS.fullmatch(value) is not None,
    "bidder": lambda value: isinstance(value, str) and (value == "HOUSE" or _ALIAS.fullmatch(value) is not None),
    "truth": lambda value: type(value) is bool,
    "via": lambda value: isinstance(value, str) and value in _VIA,
    "currency": lambda value: isinstance(value, str) and value in CURRENCIES,
}
