"""DID documents: those the house serves for itself and its hosted parties, and how the keys of others are looked up."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote

from pavilion.kernel.canon import canonical, read_json, sha256_hex
from pavilion.provenance import proofs
from pavilion.provenance.proofs import BadCredential
from pavilion.provenance.registries.outbound import LOOPBACK, Outbound

CONTEXT = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1", "https://w3id.org/security/jwk/v1")
MAX_DOCUMENT = 64 * 1024
KEPT_FOR = timedelta(minutes=10)
MOST_KEYS = 100
MOST_KEPT = 1_000
_WEB = re.compile(
    r"did:web:(?P<host>[A-Za-z0-9.-]{1,253}(?:%3A[0-9]{1,5})?)(?P<path>(?::[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,99}){0,8})"
)


class Key(NamedTuple):
    """A public key as a DID document lists it, with the time it is good for."""

    kid: str  # the full DID URL
    public: bytes
    valid_from: str | None = None
    valid_to: str | None = None
    revoked: str | None = None


def document(did: str, keys: Sequence[Key]) -> dict[str, Any]:
    """Each key as Multikey and as JWK. Past keys stay, so that what they signed can still be read."""
    methods = [method for key in keys for method in (_multikey(did, key), _jwk(did, key))]
    standing = [key.kid for key in keys if key.revoked is None]
    return {
        "@context": list(CONTEXT),
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [name for kid in standing for name in (kid, f"{kid}-jwk")],
        "authentication": standing,
    }


def keys_in(body: bytes, did: str) -> dict[str, Key]:
    """The Ed25519 keys that a DID document lists for assertions, by their full names; BadCredential if it is none of
    this DID."""
    try:
        found = read_json(body, MAX_DOCUMENT)
    except ValueError as fault:
        raise BadCredential("KEY-PERIOD", f"the DID document cannot be read: {fault}") from None
    if not isinstance(found, dict) or found.get("id") != did:
        raise BadCredential("KEY-PERIOD", "the DID document is another's")
    methods, named = found.get("verificationMethod"), found.get("assertionMethod")
    if not isinstance(methods, list) or not isinstance(named, list) or len(methods) > 2 * MOST_KEYS:
        raise BadCredential("KEY-PERIOD", "the DID document lists no keys")
    wanted = {name if not name.startswith("#") else f"{did}{name}" for name in named if isinstance(name, str)}
    keys = (_key(method, did) for method in methods if isinstance(method, dict))
    return {key.kid: key for key in keys if key is not None and key.kid in wanted}


def is_good(key: Key, at: str) -> bool:
    """Whether the key was good at this instant. Instants are compared as RFC 3339 texts in UTC."""
    if key.valid_from is not None and at < key.valid_from:
        return False
    ends = [end for end in (key.valid_to, key.revoked) if end is not None]
    return all(at <= end for end in ends)


def address_of(did: str) -> str:
    """Where a did:web stands; ValueError for anything else."""
    match = _WEB.fullmatch(did)
    if match is None:
        raise ValueError("not a did:web")
    host, path = unquote(match["host"]), match["path"].replace(":", "/")
    return f"https://{host}{path or '/.well-known'}/did.json"


def host_of(did: str) -> str:
    match = _WEB.fullmatch(did)
    if match is None:
        raise ValueError("not a did:web")
    return unquote(match["host"])


def party_of(issuer: str, did: str) -> str:
    """The DID of a party that the house hosts under its own."""
    return f"{did}:did:{issuer}"


def day_start(day: date | str | None) -> str | None:
    return None if day is None else f"{day}T00:00:00Z"


def day_end(day: date | str | None) -> str | None:
    return None if day is None else f"{day}T23:59:59Z"


class Resolved(NamedTuple):
    body: bytes
    sha256: str
    at: datetime

    def keys(self, did: str) -> Mapping[str, Key]:
        return keys_in(self.body, did)


@dataclass(slots=True)
class Resolver:
    """Looks up the DID documents of others through the house's one door outwards, which knows the hosts that may be
    asked. An answer is kept for ten minutes; when a host is silent its last good copy serves. `loopback` is for
    demonstrations and tests: this machine is asked without https."""

    outbound: Outbound
    loopback: bool = False
    kept: dict[str, Resolved] = field(default_factory=dict)

    async def resolve(self, did: str, now: datetime) -> Resolved:
        last = self.kept.get(did)
        if last is not None and timedelta(0) <= now - last.at < KEPT_FOR:
            return last
        try:
            heard = await self.outbound.get(self._address(did))
            if heard.status != 200 or len(heard.body) > MAX_DOCUMENT:
                raise ValueError(f"answered {heard.status} with {len(heard.body)} bytes")
            keys_in(heard.body, did)
        except (OSError, ValueError) as fault:
            if last is not None:
                return last
            raise BadCredential("KEY-PERIOD", f"{did[:80]} cannot be resolved: {fault}") from None
        if len(self.kept) >= MOST_KEPT:
            self.kept.pop(next(iter(self.kept)))
        self.kept[did] = Resolved(heard.body, sha256_hex(heard.body), now)
        return self.kept[did]

    def _address(self, did: str) -> str:
        address = address_of(did)
        if self.loopback and host_of(did).partition(":")[0] in LOOPBACK:
            return address.replace("https://", "http://", 1)
        return address


def served(keys: Iterable[Key], did: str) -> bytes:
    """The bytes that stand at the DID's address."""
    return canonical(document(did, list(keys)))


def _multikey(did: str, key: Key) -> dict[str, Any]:
    return {
        "id": key.kid,
        "type": "Multikey",
        "controller": did,
        "publicKeyMultibase": proofs.multikey(key.public),
        **_validity(key),
    }


def _jwk(did: str, key: Key) -> dict[str, Any]:
    return {
        "id": f"{key.kid}-jwk",
        "type": "JsonWebKey",
        "controller": did,
        "publicKeyJwk": {**proofs.jwk(key.public), "alg": "EdDSA", "kid": key.kid},
        **_validity(key),
    }


def _validity(key: Key) -> dict[str, str]:
    said = {"validFrom": key.valid_from, "expires": key.valid_to, "revoked": key.revoked}
    return {name: value for name, value in said.items() if value is not None}


def _key(method: Mapping[str, Any], did: str) -> Key | None:
    name = method.get("id")
    if not isinstance(name, str) or method.get("controller", did) != did:
        return None
    kid = f"{did}{name}" if name.startswith("#") else name
    try:
        if isinstance(method.get("publicKeyMultibase"), str):
            public = proofs.from_multikey(method["publicKeyMultibase"])
        elif isinstance(method.get("publicKeyJwk"), dict):
            public = proofs.from_jwk(method["publicKeyJwk"])
        else:
            return None
    except ValueError:
        return None
    said = [method.get(member) for member in ("validFrom", "expires", "revoked")]
    if not all(value is None or isinstance(value, str) for value in said):
        return None
    return Key(kid, public, *said)
