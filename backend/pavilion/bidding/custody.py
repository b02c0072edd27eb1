"""What a custodian of a tender holds and hands over: a key file, the tender file of the house, the share file. Pure.

A custodian believes the house nothing that can be checked: that the tender was closed stands in the signed log of the
sale, under the rules that the log names, and the custodian's own clock has passed the end that these rules set."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from pavilion.bidding.rules import RuleSet
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.sealing import Envelope, Luck, envelopes_hash, open_share, read_envelope
from pavilion.kernel import hpke
from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.kernel.canon import canonical, document_hash, read_json
from pavilion.kernel.hpke import NotSealed, PrivateKey
from pavilion.kernel.instants import from_micros, from_stamp, micros, stamp
from pavilion.kernel.merkle import leaf_hash, verify_inclusion
from pavilion.kernel.signing import BadNote, Checkpoint, parse_checkpoint, parse_vkey, unbase64, verify_note

MOST_BYTES = 64 * 1024 * 1024  # of a tender file: some fifteen thousand envelopes
MOST_HASHES, MOST_KEYS, MOST_EVENT = 63, 16, 1024 * 1024
HOUR = 3_600_000_000
_SIGNED = b"pavilion/tender/v1/shares\n"
_ALIAS, _HASH = re.compile(r"[A-Z]{1,4}"), re.compile(r"[0-9a-f]{64}")
_EVENT = ("v", "sale", "lot", "seq", "n", "t", "at", "type", "prev", "data")
_SHARES = ("v", "kind", "sale", "x", "custodian", "closed", "shares", "sig")

Doc = Mapping[str, Any]


class Refused(Exception):
    """Why a custodian's tool does nothing; `code` has a sentence in both languages, `fact` says which and what."""

    def __init__(self, code: str, fact: str) -> None:
        super().__init__(f"{code}: {fact}")
        self.code, self.fact = code, fact


# -- the key file -----------------------------------------------------------------------------------------------------


def new_key(luck: Luck) -> PrivateKey:
    return PrivateKey.derived(luck(hpke.SCALAR_BYTES))


def key_document(key: PrivateKey) -> dict[str, Any]:
    """The key file: short enough to be printed and typed in again; the public half shows a slip of the pen."""
    return {"v": 1, "kind": "custodian", "public": base64url(key.point), "private": base64url(key.to_bytes())}


def read_key(data: bytes) -> PrivateKey:
    try:
        doc = _members(read_json(data, 10_000), ("v", "kind", "public", "private"))
        key = PrivateKey.from_bytes(from_base64url(str(doc["private"])))
        if doc["v"] != 1 or doc["kind"] != "custodian" or doc["public"] != base64url(key.point):
            raise ValueError("the two halves do not belong together")
    except ValueError as fault:
        raise Refused("custodian_key_bad", str(fault)[:160]) from None
    return key


# -- the tender file --------------------------------------------------------------------------------------------------


class Sealed(NamedTuple):
    """One envelope, under the name that the book gives its bidder."""

    lot: str
    bidder: str
    envelope: Envelope


class Logged(NamedTuple):
    """An event and its way to the root of the checkpoint."""

    event: Doc
    path: tuple[bytes, ...]

    @property
    def at(self) -> int:
        return micros(from_stamp(str(self.event["at"])))

    @property
    def leaf(self) -> bytes:
        return leaf_hash(canonical(self.event))

    def document(self) -> dict[str, Any]:
        return {"event": self.event, "path": [base64.b64encode(part).decode() for part in self.path]}


@dataclass(frozen=True, slots=True)
class Tender:
    """A tender file, read. `opened` is there in the second round only: it says when that round began."""

    sale: str
    rules: Doc
    rule_set: RuleSet
    keys: tuple[str, ...]
    checkpoint: str
    published: Logged
    opened: Logged | None
    closed: Logged
    envelopes: tuple[Sealed, ...]

    @property
    def custodians(self) -> tuple[str, ...]:
        return () if self.rule_set.tender is None else self.rule_set.tender.custodians

    @property
    def round(self) -> int:
        return 1 if self.opened is None else 2

    @property
    def due(self) -> int:
        """The earliest instant at which this round could end: ends are never brought forward."""
        if self.opened is None:
            return self.rule_set.stagger.first
        final = None if self.rule_set.tender is None else self.rule_set.tender.best_and_final
        if final is None:
            raise Refused("tender_false", "a second round, which the rules do not know")
        return max(self.rule_set.stagger.first, self.opened.at) + final.hours * HOUR


def tender_document(
    sale: str,
    rules: Doc,
    keys: Sequence[str],
    checkpoint: str,
    *,
    published: Logged,
    closed: Logged,
    envelopes: Iterable[Sealed],
    opened: Logged | None = None,
) -> dict[str, Any]:
    """The tender file. `published` is the event that names the rules in force; all events lead to one checkpoint;
    `envelopes` stand in the order of the book."""
    return {
        "v": 1,
        "kind": "tender",
        "sale": sale,
        "rules": rules,
        "keys": list(keys),
        "checkpoint": checkpoint,
        "published": published.document(),
        "opened": None if opened is None else opened.document(),
        "closed": closed.document(),
        "envelopes": [{"lot": one.lot, "bidder": one.bidder, "envelope": one.envelope.document()} for one in envelopes],
    }


def read_tender(data: bytes) -> Tender:
    """The tender file as it reads; nothing of it is believed yet."""
    try:
        return _read_tender(read_json(data, MOST_BYTES))
    except (ValueError, KeyError, TypeError) as fault:
        raise Refused("tender_bad", str(fault)[:160]) from None


def check_tender(
    tender: Tender,
    now: int,
    *,
    house: str | None = None,
    rules: Doc | None = None,
    answered: Mapping[int, str] | None = None,
) -> None:
    """Returns when this tender was closed, by its log, its rules and the own clock; else Refused says what is not so.

    `house` and `rules` are what the custodian was handed beforehand. Without them the file's own count, and a house
    that lies in its log is found out only when the record is published. `answered`: the hash of the closing of each
    round that this custodian opened before. A second first round would be final bids, opened before their time."""
    if house is not None and house not in tender.keys:
        raise Refused("tender_other_house", house)
    if rules is not None and document_hash(rules) != document_hash(tender.rules):
        raise Refused("tender_other_rules", document_hash(tender.rules))
    root = _signed_root(tender, tender.keys if house is None else (house,))
    for logged in filter(None, (tender.published, tender.opened, tender.closed)):
        if not verify_inclusion(logged.leaf, logged.event["n"], root.size, logged.path, root.root):
            raise Refused("tender_false", f"{logged.event['type']} does not stand in the log")
    _check_story(tender)
    if (known := (answered or {}).get(tender.round, tender.closed.leaf.hex())) != tender.closed.leaf.hex():
        raise Refused("tender_twice", known)
    if now < tender.due or tender.closed.at < tender.due:
        raise Refused("tender_early", stamp(from_micros(tender.due)))
    if now < tender.closed.at:
        raise Refused("tender_clock", stamp(from_micros(tender.closed.at)))


# -- the share file ---------------------------------------------------------------------------------------------------


class Share(NamedTuple):
    """A custodian's share of one envelope, or None where it could not be opened."""

    lot: str
    bidder: str
    envelope: str
    share: bytes | None


@dataclass(frozen=True, slots=True)
class ShareFile:
    sale: str
    x: int
    closed: str  # leaf hash of the closing that it answers
    shares: tuple[Share, ...]


def open_tender(key: PrivateKey, tender: Tender) -> ShareFile:
    """The shares of this custodian in every envelope. Only after `check_tender`."""
    custodian = base64url(key.point)
    if custodian not in tender.custodians:
        raise Refused("tender_not_custodian", custodian)
    x = tender.custodians.index(custodian) + 1
    shares = tuple(
        Share(one.lot, one.bidder, one.envelope.hash, _opened(key, tender.custodians, one.envelope, x))
        for one in tender.envelopes
    )
    return ShareFile(tender.sale, x, tender.closed.leaf.hex(), shares)


def signed_shares(key: PrivateKey, shares: ShareFile) -> dict[str, Any]:
    """The share file, signed with the key that the rules name."""
    doc: dict[str, Any] = {
        "v": 1,
        "kind": "shares",
        "sale": shares.sale,
        "x": shares.x,
        "custodian": base64url(key.point),
        "closed": shares.closed,
        "shares": [
            {"lot": one.lot, "bidder": one.bidder, "envelope": one.envelope, "share": one.share and one.share.hex()}
            for one in shares.shares
        ],
    }
    r, s = decode_dss_signature(key.signing.sign(_SIGNED + canonical(doc), ec.ECDSA(SHA256())))
    return doc | {"sig": base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}


def read_shares(document: object, custodians: Sequence[str]) -> ShareFile:
    """The share file of one of these custodians, its signature verified; Refused for any other."""
    try:
        doc = _members(document, _SHARES)
        if doc["v"] != 1 or doc["kind"] != "shares" or type(doc["x"]) is not int:
            raise ValueError("not a share file of version 1")
        if not 1 <= doc["x"] <= len(custodians) or doc["custodian"] != custodians[doc["x"] - 1]:
            raise Refused("tender_not_custodian", str(doc["custodian"])[:100])
        shares = tuple(_read_share(one) for one in _list(doc["shares"]))
        found = ShareFile(_text(doc["sale"]), doc["x"], _hash(doc["closed"]), shares)
        signature = from_base64url(_text(doc["sig"]))
        signed = _SIGNED + canonical({name: doc[name] for name in _SHARES if name != "sig"})
    except (ValueError, KeyError, TypeError) as fault:
        raise Refused("shares_bad", str(fault)[:160]) from None
    if not _verifies(doc["custodian"], signature, signed):
        raise Refused("shares_false", doc["custodian"])
    return found


def _verifies(custodian: str, signature: bytes, signed: bytes) -> bool:
    if len(signature) != 64:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key = hpke.public_key(from_base64url(custodian))
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _opened(key: PrivateKey, custodians: Sequence[str], envelope: Envelope, x: int) -> bytes | None:
    try:
        return open_share(key, custodians, envelope, x)
    except NotSealed:
        return None  # the bidder sealed rubbish to this custodian: k others may still open it


# -- checking ---------------------------------------------------------------------------------------------------------


def _signed_root(tender: Tender, keys: Sequence[str]) -> Checkpoint:
    """What the checkpoint says, signed by the house whose log of this sale it is."""
    try:
        known = [parse_vkey(key) for key in keys]
        root = parse_checkpoint(verify_note(tender.checkpoint, known))
    except BadNote as fault:
        raise Refused("tender_false", f"the checkpoint: {fault}") from None
    if root.origin not in {f"{key.name}/sale/{tender.sale}" for key in known}:
        raise Refused("tender_false", "the checkpoint is of another log")
    return root


def _check_story(tender: Tender) -> None:
    """The events say what the file says: these rules, this closing, these envelopes and no others."""
    published, opened, closed = tender.published.event, tender.opened, tender.closed.event
    named = {"sale.published": "rules", "sale.amended": "to"}.get(published["type"], "")
    if published["data"].get(named) != document_hash(tender.rules):
        raise Refused("tender_false", "the log names other rules")
    order = [published["n"], *([opened.event["n"]] if opened else []), closed["n"]]
    if order != sorted(set(order)) or closed["type"] != "tender.closed" or closed["lot"] is not None:
        raise Refused("tender_false", "not the closing of this tender")
    if opened is not None and opened.event["type"] != "tender.opened":
        raise Refused("tender_false", "not the end of the first round")
    hashes = [one.envelope.hash for one in tender.envelopes]
    if closed["data"] != {"count": len(hashes), "envelopes": envelopes_hash(hashes)}:
        raise Refused("tender_false", "not the envelopes that the closing counted")


# -- forms ------------------------------------------------------------------------------------------------------------


def _read_tender(document: object) -> Tender:
    doc = _members(
        document,
        ("v", "kind", "sale", "rules", "keys", "checkpoint", "published", "opened", "closed", "envelopes"),
    )
    if doc["v"] != 1 or doc["kind"] != "tender":
        raise ValueError("not a tender file of version 1")
    rule_set = parse_rules(doc["rules"])
    if rule_set.tender is None or not rule_set.tender.sealed:
        raise ValueError("these are not the rules of a sealed tender")
    sale, keys = _text(doc["sale"]), tuple(_text(key) for key in _list(doc["keys"]))
    if not 1 <= len(keys) <= MOST_KEYS:
        raise ValueError(f"1 to {MOST_KEYS} keys of the house are needed")
    envelopes = tuple(_sealed(one, sale, len(rule_set.tender.custodians)) for one in _list(doc["envelopes"]))
    return Tender(
        sale,
        doc["rules"],
        rule_set,
        keys,
        _text(doc["checkpoint"]),
        _logged(doc["published"], sale),
        None if doc["opened"] is None else _logged(doc["opened"], sale),
        _logged(doc["closed"], sale),
        envelopes,
    )


def _sealed(value: object, sale: str, custodians: int) -> Sealed:
    doc = _members(value, ("lot", "bidder", "envelope"))
    envelope = read_envelope(doc["envelope"], custodians)
    if envelope.sale != sale or envelope.lot != doc["lot"] or _ALIAS.fullmatch(_text(doc["bidder"])) is None:
        raise ValueError("an envelope of another lot")
    return Sealed(envelope.lot, doc["bidder"], envelope)


def _logged(value: object, sale: str) -> Logged:
    doc = _members(value, ("event", "path"))
    event = _members(doc["event"], _EVENT)
    if event["sale"] != sale or type(event["n"]) is not int:
        raise ValueError("an event of another sale")
    if not isinstance(event["data"], dict):
        raise ValueError("an event without data")
    _text(event["type"])
    from_stamp(_text(event["at"]))
    path = tuple(unbase64(_text(part)) for part in _list(doc["path"]))
    if len(path) > MOST_HASHES or len(canonical(event)) > MOST_EVENT:
        raise ValueError("an event or a proof longer than any")
    return Logged(event, path)


def _read_share(value: object) -> Share:
    doc = _members(value, ("lot", "bidder", "envelope", "share"))
    share = None if doc["share"] is None else bytes.fromhex(_hash(doc["share"]))
    if _ALIAS.fullmatch(_text(doc["bidder"])) is None:
        raise ValueError("not a bidder")
    return Share(_text(doc["lot"]), doc["bidder"], _hash(doc["envelope"]), share)


def _members(value: object, names: Sequence[str]) -> Doc:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise ValueError(f"not the members {' '.join(names)}")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("a list is needed")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is needed")
    return value


def _hash(value: object) -> str:
    if not isinstance(value, str) or _HASH.fullmatch(value) is None:
        raise ValueError("not a hash")
    return value
