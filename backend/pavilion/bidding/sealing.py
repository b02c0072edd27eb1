"""Sealed bids that nobody at the house can read before the close. Pure: randomness is handed in.

A bid is locked under a key K made for it alone. K is split so that any k of the n custodians together find it again,
and each custodian's share is sealed to that custodian's public key. There is no dealer and no master key.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pavilion.kernel import hpke
from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.kernel.canon import canonical, document_hash, read_json
from pavilion.kernel.hpke import NotSealed, PrivateKey
from pavilion.kernel.instants import from_stamp

Luck = Callable[[int], bytes]  # so many random bytes
SealCode = Literal["seal_broken", "seal_unopened"]
PAYLOAD_BYTES, KEY_BYTES, IV_BYTES = 512, 32, 12  # every payload has the same length: an amount shows in no size
BOX_BYTES = IV_BYTES + PAYLOAD_BYTES + hpke.TAG_BYTES
MOST_BYTES = 4096  # of an envelope
_SALT = b"pavilion/tender/v1"
_SHARE = b"pavilion/tender/v1/share"
_ENTRIES = {"total": "amount", "per_carat": "amount", "discount": "bp"}
_PLACE = ("sale", "lot", "paddle", "key")
_NAME, _KEY, _HASH = re.compile(r"[!-~]{1,64}"), re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{64}")


class Payload(NamedTuple):
    """What the bidder sealed. `value` is an amount or basis points, whatever was written: the rules judge it."""

    sale: str
    lot: str
    paddle: str
    key: str
    entry: str
    value: object
    at: str


class SealedShare(NamedTuple):
    """The share of custodian `x`, sealed to that custodian, and the value by which everybody knows it."""

    x: int
    enc: bytes
    ct: bytes
    check: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    sale: str
    lot: str
    paddle: str
    key: str
    box: bytes
    shares: tuple[SealedShare, ...]

    def document(self) -> dict[str, Any]:
        shares = [
            {"x": one.x, "enc": base64url(one.enc), "ct": base64url(one.ct), "c": one.check.hex()}
            for one in self.shares
        ]
        return {"v": 1, "box": base64url(self.box), "shares": shares} | {name: getattr(self, name) for name in _PLACE}

    @property
    def hash(self) -> str:
        """What the book holds of it."""
        return document_hash(self.document())


# -- sealing ----------------------------------------------------------------------------------------------------------


def seal(payload: Payload, custodians: Sequence[str], k: int, luck: Luck) -> Envelope:
    """The envelope of a bid, for these custodians' public keys; any k of them can open it. A ValueError says what
    cannot be sealed."""
    plain = canonical(_document(payload)).ljust(PAYLOAD_BYTES)
    if len(plain) != PAYLOAD_BYTES:
        raise ValueError(f"the bid is longer than {PAYLOAD_BYTES} bytes")
    points = _points(custodians)
    aad = _bound_to(payload, custodians)
    lock, iv = luck(KEY_BYTES), luck(IV_BYTES)
    shares = []
    for x, (point, share) in enumerate(zip(points, split(lock, k, len(points)), strict=True), start=1):
        enc, ct = hpke.seal(point, _SHARE + bytes([x]), aad, share, PrivateKey.derived(luck(hpke.SCALAR_BYTES)))
        shares.append(SealedShare(x, enc, ct, check_value(x, share)))
    box = iv + AESGCM(lock).encrypt(iv, plain, aad)
    envelope = Envelope(payload.sale, payload.lot, payload.paddle, payload.key, box, tuple(shares))
    if len(canonical(envelope.document())) > MOST_BYTES:
        raise ValueError(f"the envelope is longer than {MOST_BYTES} bytes: too many custodians")
    return envelope


def read_envelope(document: object, custodians: int) -> Envelope:
    """The envelope in a document from outside; a ValueError for anything that no honest browser makes."""
    doc = _members(document, ("v", "box", "shares", *_PLACE), "the envelope")
    if doc["v"] != 1 or type(doc["v"]) is not int or len(canonical(doc)) > MOST_BYTES:
        raise ValueError("not an envelope of version 1")
    _check_place(doc)
    shares = doc["shares"]
    if not isinstance(shares, list) or len(shares) != custodians:
        raise ValueError("not one share for each custodian")
    box = _bytes(doc["box"], BOX_BYTES, "box")
    read = tuple(_share(share, x) for x, share in enumerate(shares, start=1))
    return Envelope(doc["sale"], doc["lot"], doc["paddle"], doc["key"], box, read)


def envelopes_hash(hashes: Sequence[str]) -> str:
    """The one hash of all envelopes' hashes, in the order of the book; `tender.closed` holds it."""
    return document_hash(list(hashes))


# -- opening ----------------------------------------------------------------------------------------------------------


def open_share(private: PrivateKey, custodians: Sequence[str], envelope: Envelope, x: int) -> bytes:
    """The share that was sealed to custodian `x`; NotSealed when it was not, or not for this bid."""
    if not 1 <= x <= len(custodians) or custodians[x - 1] != base64url(private.point):
        raise NotSealed("the key is not that custodian's")
    sealed = next((one for one in envelope.shares if one.x == x), None)
    if sealed is None:
        raise NotSealed("the envelope has no share for this custodian")
    info = _SHARE + bytes([x])
    share = hpke.unseal(private, info, _bound_to(envelope, custodians), sealed.enc, sealed.ct)
    if not is_share(envelope, x, share):
        raise NotSealed("what was sealed is not the share that the envelope promises")
    return share


def is_share(envelope: Envelope, x: int, share: bytes) -> bool:
    """Whether this is the share of custodian `x` that the bidder promised in the envelope."""
    promised = {one.x: one.check for one in envelope.shares}
    return x in promised and check_value(x, share) == promised[x]


def combine(
    envelope: Envelope, custodians: Sequence[str], k: int, shares: Iterable[tuple[int, bytes]]
) -> Payload | SealCode:
    """The bid, from any k good shares (x, share) whichever they are; or why there is none. Shares that are not the
    promised ones, of another lot, of nobody, or given twice count for nothing."""
    good = {x: share for x, share in shares if is_share(envelope, x, share)}
    if len(good) < k:
        return "seal_unopened"
    lock = joined(sorted(good.items())[:k])
    again = dict(enumerate(split(lock, k, len(custodians)), start=1))
    # Only if every share follows from this one key would any other k custodians have found the same key.
    if len(envelope.shares) != len(custodians) or not all(is_share(envelope, x, one) for x, one in again.items()):
        return "seal_broken"
    try:
        iv, box = envelope.box[:IV_BYTES], envelope.box[IV_BYTES:]
        payload = _read_payload(AESGCM(lock).decrypt(iv, box, _bound_to(envelope, custodians)))
    except (InvalidTag, ValueError):
        return "seal_broken"
    meant = (envelope.sale, envelope.lot, envelope.paddle, envelope.key)
    return payload if payload[:4] == meant else "seal_broken"


# -- splitting a key (Shamir over GF(2^8), polynomial 0x11B) -----------------------------------------------------------


def split(lock: bytes, k: int, n: int) -> list[bytes]:
    """The shares of custodians 1 to n. The coefficients follow from the key, so that whoever has it can check all."""
    if not 1 <= k <= n <= 255:
        raise ValueError("k custodians of n: 1 to n")
    prk = hpke.extract(_SALT, lock)
    coefficients = [lock, *(hpke.expand(prk, b"coef" + bytes([d]), KEY_BYTES) for d in range(1, k))]
    shares = []
    for x in range(1, n + 1):
        value = bytes(KEY_BYTES)
        for coefficient in reversed(coefficients):
            value = _xor(value.translate(_times(x)), coefficient)
        shares.append(value)
    return shares


def joined(shares: Sequence[tuple[int, bytes]]) -> bytes:
    """The key that these shares (x, share) of different custodians lie on."""
    lock = bytes(KEY_BYTES)
    for x, share in shares:
        weight = 1
        for other, _ in shares:
            if other != x:
                weight = _product(_product(weight, other), _inverse(other ^ x))
        lock = _xor(lock, share.translate(_times(weight)))
    return lock


def check_value(x: int, share: bytes) -> bytes:
    return sha256(_SHARE + b"\n" + bytes([x]) + share).digest() if 1 <= x <= 255 else b""


def _xor(a: bytes, b: bytes) -> bytes:
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(KEY_BYTES, "big")


def _product(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11B
        b >>= 1
    return product


def _inverse(a: int) -> int:
    assert a, "nothing has no inverse"
    power = 1
    for _ in range(254):
        power = _product(power, a)
    return power


@lru_cache(maxsize=256)
def _times(factor: int) -> bytes:
    """The table that multiplies each byte by `factor`."""
    return bytes(_product(byte, factor) for byte in range(256))


# -- forms ------------------------------------------------------------------------------------------------------------


def _bound_to(place: Payload | Envelope, custodians: Sequence[str]) -> bytes:
    """What box and shares are bound to: this bid, at this place, for these custodians."""
    doc = {"custodians": list(custodians)} | {name: getattr(place, name) for name in _PLACE}
    return sha256(canonical(doc)).digest()


def _document(payload: Payload) -> dict[str, Any]:
    if payload.entry not in _ENTRIES:
        raise ValueError(f"entry: {payload.entry[:40]} is not among {' '.join(_ENTRIES)}")
    doc = {name: getattr(payload, name) for name in _PLACE}
    _check_place(doc)
    from_stamp(payload.at)
    return doc | {"v": 1, "entry": payload.entry, _ENTRIES[payload.entry]: payload.value, "at": payload.at}


def _read_payload(plain: bytes) -> Payload:
    text = plain.rstrip(b" ")
    doc = read_json(text)
    named = _ENTRIES.get(str(doc.get("entry"))) if isinstance(doc, dict) else None
    doc = _members(doc, ("v", "entry", named or "amount", "at", *_PLACE), "the bid")
    _check_place(doc)
    if doc["v"] is True or doc["v"] != 1 or named is None or not isinstance(doc["at"], str) or canonical(doc) != text:
        raise ValueError("not a bid of version 1")
    from_stamp(doc["at"])
    return Payload(doc["sale"], doc["lot"], doc["paddle"], doc["key"], doc["entry"], doc[named], doc["at"])


def _check_place(doc: Mapping[str, Any]) -> None:
    for name in _PLACE:
        form = _KEY if name == "key" else _NAME
        if not isinstance(doc[name], str) or form.fullmatch(doc[name]) is None:
            raise ValueError(f"{name}: not of the form {form.pattern}")


def _points(custodians: Sequence[str]) -> list[bytes]:
    points = [from_base64url(text) for text in custodians]
    for point in points:
        hpke.public_key(point)
    return points


def _share(document: object, x: int) -> SealedShare:
    doc = _members(document, ("x", "enc", "ct", "c"), f"share {x}")
    if type(doc["x"]) is not int or doc["x"] != x:
        raise ValueError("the shares are not in the order of the custodians")
    if not isinstance(doc["c"], str) or _HASH.fullmatch(doc["c"]) is None:
        raise ValueError("c: not a hash")
    enc = _bytes(doc["enc"], hpke.POINT_BYTES, "enc")
    hpke.public_key(enc)
    return SealedShare(x, enc, _bytes(doc["ct"], KEY_BYTES + hpke.TAG_BYTES, "ct"), bytes.fromhex(doc["c"]))


def _bytes(text: object, length: int, name: str) -> bytes:
    data = from_base64url(text) if isinstance(text, str) and text.isascii() else b""
    if len(data) != length:
        raise ValueError(f"{name}: {length} bytes in base64url are needed")
    return data


def _members(value: object, names: Iterable[str], what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or value.keys() != set(names):
        raise ValueError(f"{what}: not its members")
    return value
