"""Who signed an event: the keys of the parties, and whether a signature holds. Pure.

An event document carries `sig: {"kid": "PARTY#N", "value": BASE64}`. It is an Ed25519 signature over the event without
that member, spelled by `registries.port.plain_bytes`; `PARTY` is the issuer, who acted unless the event says otherwise.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pavilion.provenance.registries.port import Event, plain_bytes

SIGNATURE = "sig"
NO_SIGNATURE: Mapping[str, Any] = {"ok": False}


class IssuerKey(NamedTuple):
    """A public key of a party. Days are calendar days, both ends inclusive; a revoked key ends the day before."""

    issuer: str
    kid: str
    public: bytes
    start: date | None
    end: date | None
    revoked: date | None

    def document(self) -> dict[str, Any]:
        """The row as it is kept, hashed and handed out."""
        return {
            "issuer": self.issuer,
            "kid": self.kid,
            "public": self.public.hex(),
            "from": _text(self.start),
            "to": _text(self.end),
            "revoked_at": _text(self.revoked),
        }


class IssuerKeys:
    """The keys in force, found by their names. `sha256` names this state of the table."""

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """ValueError for a row that is no key, or for two keys of one name."""
        self._by_kid: dict[str, IssuerKey] = {}
        for row in rows:
            key = _key(row)
            if self._by_kid.setdefault(key.kid, key) != key:
                raise ValueError(f"two keys are named {key.kid}")
        self.document = plain_bytes([self._by_kid[kid].document() for kid in sorted(self._by_kid)])
        self.sha256 = hashlib.sha256(self.document).hexdigest()

    def find(self, kid: str) -> IssuerKey | None:
        return self._by_kid.get(kid)

    def of(self, issuer: str) -> list[IssuerKey]:
        """All keys of a party, past ones too, by name."""
        return [key for kid, key in sorted(self._by_kid.items()) if key.issuer == issuer]

    def with_(self, other: "IssuerKeys") -> "IssuerKeys":
        """Both tables in one; where both name a key, this one's word stands."""
        if not other._by_kid or other is self:
            return self
        return _merged(self, other)

    def rows(self) -> list[dict[str, Any]]:
        return [key.document() for _, key in sorted(self._by_kid.items())]


NO_KEYS = IssuerKeys()


class Signed(NamedTuple):
    """A signature that has the form of one, whose it says it is, and the bytes it must cover."""

    key: IssuerKey
    value: bytes
    text: bytes


def signature_of(event: Mapping[str, Any], keys: IssuerKeys) -> Mapping[str, Any]:
    """What the rules are told about an event's signature: whether it holds, and on which days its key is valid."""
    signed = signed_by(event, keys)
    return worth_of(signed, signed is not None and holds(signed))


def signed_by(event: Mapping[str, Any], keys: IssuerKeys) -> Signed | None:
    """What remains to be checked with the issuer's key; None where nothing could hold."""
    said = event.get(SIGNATURE)
    if not isinstance(said, Mapping) or said.keys() != {"kid", "value"}:
        return None
    key = keys.find(said["kid"]) if isinstance(said["kid"], str) else None
    value = _decoded(said["value"])
    if key is None or value is None or key.issuer != event.get("issuer", event.get("by")):
        return None
    return Signed(key, value, plain_bytes({name: value for name, value in event.items() if name != SIGNATURE}))


def holds(signed: Signed) -> bool:
    try:
        _public(signed.key.public).verify(signed.value, signed.text)
    except (InvalidSignature, ValueError):
        return False
    return True


def worth_of(signed: Signed | None, held: bool) -> Mapping[str, Any]:
    """The same as `signature_of`, where somebody else has checked whether it holds."""
    if signed is None or not held:
        return NO_SIGNATURE
    return _worth(signed.key)


@dataclass(frozen=True, slots=True)
class SimulatedIssuers:
    """Signs in the name of invented parties; each has the one key that follows from the seed."""

    seed: bytes

    def sign(self, event: Mapping[str, Any]) -> Event:
        """The event with its issuer's signature; one that stood there before is replaced."""
        issuer = event.get("issuer", event["by"])
        plain = {name: value for name, value in event.items() if name != SIGNATURE}
        value = base64.b64encode(_private(self.seed, issuer).sign(plain_bytes(plain))).decode()
        return {**plain, SIGNATURE: {"kid": f"{issuer}#1", "value": value}}

    def row(self, issuer: str) -> dict[str, Any]:
        """The key's row for the key table."""
        public = _private(self.seed, issuer).public_key().public_bytes_raw()
        return IssuerKey(issuer, f"{issuer}#1", public, date(2000, 1, 1), None, None).document()


def key_of(seed: bytes, issuer: str) -> Ed25519PrivateKey:
    """The private key that follows from a seed for this party."""
    return Ed25519PrivateKey.from_private_bytes(
        hashlib.sha256(b"pavilion/issuer/v1\n" + seed + issuer.encode()).digest()
    )


@lru_cache(maxsize=512)
def _private(seed: bytes, issuer: str) -> Ed25519PrivateKey:
    return key_of(seed, issuer)


@lru_cache(maxsize=8)
def _merged(ours: IssuerKeys, others: IssuerKeys) -> IssuerKeys:
    known = {row["kid"]: row for row in others.rows()} | {row["kid"]: row for row in ours.rows()}
    return IssuerKeys(known.values())


@lru_cache(maxsize=512)
def _public(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


@lru_cache(maxsize=512)
def _worth(key: IssuerKey) -> Mapping[str, Any]:
    last = min((day for day in (key.end, _before(key.revoked)) if day is not None), default=None)
    return {"ok": True, "key_from": _text(key.start), "key_to": _text(last)}


def _decoded(value: object) -> bytes | None:
    if not isinstance(value, str) or len(value) != 88:
        return None
    try:
        signature = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(signature) != 64 or base64.b64encode(signature).decode() != value:
        return None  # another spelling of the same bytes is another document
    return signature


def _key(row: Mapping[str, Any]) -> IssuerKey:
    issuer, kid = row.get("issuer"), row.get("kid")
    if not isinstance(issuer, str) or not isinstance(kid, str) or not kid.startswith(f"{issuer}#"):
        raise ValueError("a key is named after its issuer")
    public = bytes.fromhex(row["public"])
    if len(public) != 32:
        raise ValueError("not an Ed25519 key")
    return IssuerKey(issuer, kid, public, _day(row.get("from")), _day(row.get("to")), _day(row.get("revoked_at")))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text[:10])


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _before(day: date | None) -> date | None:
    return None if day is None else date.fromordinal(day.toordinal() - 1)
