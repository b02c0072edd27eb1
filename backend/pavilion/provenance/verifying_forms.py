"""What a verifier is handed, told apart by its first bytes: passport, token, paper, bundle, proof or receipt. Pure."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from pavilion.kernel.canon import read_json
from pavilion.kernel.cosigning import BadPolicy, Policy, parse_policy
from pavilion.kernel.signing import BadNote, parse_vkey
from pavilion.kernel.tlogproof import HEADER
from pavilion.provenance import bundle
from pavilion.provenance.bundle import Bundle
from pavilion.provenance.proofs import MAX_CREDENTIAL, from_jwk, from_multikey

MOST_BYTES: Final = bundle.MOST_BYTES
MOST_POLICY: Final = 256 * 1024
_JWT: Final = re.compile(rb"[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\s*")
_PRESENTATION: Final = re.compile(rb"[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+~[A-Za-z0-9_.~-]*\s*")
_EXTRA: Final = re.compile(rb'\{"kind":"([a-z]{1,10})","salt":"([0-9a-f]{32})"\}')


class Unreadable(ValueError):
    """Nothing that a verifier knows how to read, and why."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The parts that were found, not yet believed. `proofs` maps a name to its log entry, if it came, and its proof."""

    passport: bytes | None = None
    jwt: str | None = None
    presentation: str | None = None
    receipt: Mapping[str, Any] | None = None
    proofs: Mapping[str, tuple[bytes | None, str]] = field(default_factory=dict)
    bundle: Bundle | None = None

    @property
    def of_passport(self) -> bool:
        return self.passport is not None or self.jwt is not None


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the time it is good for, as its owner's DID document says."""

    kid: str
    public: bytes
    start: datetime | None
    end: datetime | None
    revoked: datetime | None


@dataclass(frozen=True, slots=True)
class Anchors:
    """What is believed before anything is read: a policy for the log, and keys by the DID they belong to."""

    policy: Policy | None = None
    keys: Mapping[str, Mapping[str, Key]] = field(default_factory=dict)


def evidence_of(data: bytes, entry: bytes | None = None) -> Evidence:
    """The parts in a file; Unreadable for anything else. `entry`: what goes with a bare proof, the log entry or
    the passport itself, from which its entry follows."""
    if len(data) > MOST_BYTES:
        raise Unreadable("longer than 64 MiB")
    head = data[:64].lstrip()
    try:
        if data.startswith(b"PK"):
            return _of_bundle(bundle.read(data))
        if data.startswith(b"%PDF-"):
            return _of_paper(data)
        if head.startswith(b"{"):
            return _of_document(data)
        if head.startswith(HEADER.encode()):
            if entry is not None and entry.startswith(b'{"@context"'):
                return Evidence(passport=entry, proofs={"passport": (None, _text(data))})
            return Evidence(proofs={"proof": (entry, _text(data))})
    except bundle.BadBundle as fault:
        raise Unreadable(f"not a bundle: {fault}") from None
    if len(data) <= 2 * MAX_CREDENTIAL:
        if _JWT.fullmatch(data):
            return Evidence(jwt=data.decode().strip())
        if _PRESENTATION.fullmatch(data):
            return Evidence(presentation=data.decode().strip())
    raise Unreadable("not a passport, token, presentation, paper, bundle, proof or receipt")


def anchors_of(files: Mapping[str, bytes]) -> Anchors:
    """What the files pin: C2SP policies and DID documents. Unreadable names the file that is neither."""
    policy: Policy | None = None
    keys: dict[str, Mapping[str, Key]] = {}
    for name, data in files.items():
        try:
            if data.lstrip().startswith(b"{"):
                did, found = keys_of(data)
                keys[did] = found
            elif policy is None:
                policy = read_policy(data)
            else:
                raise Unreadable("a second policy")
        except ValueError as fault:
            raise Unreadable(f"{name}: {fault}") from None
    return Anchors(policy, keys)


@lru_cache(maxsize=64)
def read_policy(data: bytes) -> Policy:
    """A policy, or one that believes the one verifier key in the file and asks for no witness."""
    if len(data) > MOST_POLICY:
        raise BadPolicy("longer than 256 KiB")
    text = _text(data)
    if "\n" in text.strip():
        return parse_policy(text)
    try:
        return parse_policy(f"log {parse_vkey(text.strip())}\nquorum none\n")
    except BadNote:
        return parse_policy(text)


@lru_cache(maxsize=64)
def keys_of(data: bytes) -> tuple[str, Mapping[str, Key]]:
    """The DID and the Ed25519 keys of its document that may sign assertions, or might before they were revoked; a
    ValueError for anything else."""
    document = read_json(data, MOST_POLICY)
    if not isinstance(document, dict) or not isinstance(did := document.get("id"), str):
        raise ValueError("not a DID document")
    assertion, methods = document.get("assertionMethod"), document.get("verificationMethod", [])
    if not isinstance(methods, list):
        raise ValueError("not a DID document")
    allowed = {_name(did, one) for one in assertion} if isinstance(assertion, list) else set()
    keys: dict[str, Key] = {}
    for method in methods:
        if not isinstance(method, dict) or not isinstance(method.get("id"), str):
            raise ValueError("not a DID document")
        kid = _name(did, method["id"])
        if kid is None or not (kid in allowed or method.get("revoked")) or (public := _public(method)) is None:
            continue
        end = method.get("validUntil") or method.get("expires")
        times = (_moment(said) for said in (method.get("validFrom"), end, method.get("revoked")))
        if keys.setdefault(kid, Key(kid, public, *times)).public != public:
            raise ValueError("two keys of one name")
    if any(f"{kid}-jwk" in keys and keys[f"{kid}-jwk"].public != key.public for kid, key in keys.items()):
        raise ValueError("a key is spelled as two")
    return did, keys


def opening(extra: bytes | None) -> tuple[str, bytes] | None:
    """Kind and salt that came with a proof, in their one spelling; None if none came. ValueError for another text."""
    if extra is None:
        return None
    if (match := _EXTRA.fullmatch(extra)) is None:
        raise ValueError("what came with the proof cannot be read")
    return match[1].decode(), bytes.fromhex(match[2].decode())


def _moment(text: object) -> datetime | None:
    """An instant or a day, as DID documents say from when and until when; a ValueError for anything else."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError("a key's time is no text")
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _name(did: str, said: object) -> str | None:
    """The full name of a method; a fragment alone belongs to the document it stands in."""
    if isinstance(said, dict):
        said = said.get("id")
    if not isinstance(said, str):
        return None
    kid = did + said if said.startswith("#") else said
    return kid if kid.startswith(f"{did}#") else None


def _public(method: Mapping[str, Any]) -> bytes | None:
    """The key, where both spellings of it agree."""
    found: set[bytes] = set()
    if isinstance(text := method.get("publicKeyMultibase"), str):
        found.add(from_multikey(text))
    if isinstance(jwk := method.get("publicKeyJwk"), dict):
        found.add(from_jwk(jwk))
    if len(found) > 1:
        raise ValueError("a key is spelled as two")
    return found.pop() if found and len(next(iter(found))) == 32 else None


def _of_bundle(found: Bundle) -> Evidence:
    proofs = found.within("proofs")
    pairs = {
        name.removesuffix(".tlog-proof"): (proofs.get(f"{name.removesuffix('.tlog-proof')}.entry"), _text(data))
        for name, data in proofs.items()
        if name.endswith(".tlog-proof")
    }
    jwt = found.get("passport.jwt")
    return Evidence(
        passport=found.get("passport.json"), jwt=None if jwt is None else _text(jwt), proofs=pairs, bundle=found
    )


def _of_document(data: bytes) -> Evidence:
    """A passport, or a bid's receipt; both are told apart from everything else before they are read as either."""
    try:
        document = read_json(data, MAX_CREDENTIAL)
    except ValueError as fault:
        raise Unreadable(f"not JSON that two readers read alike: {fault}") from None
    if isinstance(document, dict) and {"event", "checkpoint", "proof"} <= document.keys():
        return Evidence(receipt=document)
    if isinstance(document, dict) and {"@context", "credentialSubject"} <= document.keys():
        return Evidence(passport=data)
    raise Unreadable("JSON, but neither a passport nor a receipt")


def _of_paper(data: bytes) -> Evidence:
    """What the PDF carries in it: the passport and its proof."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    passport: bytes | None = None
    proofs: dict[str, tuple[bytes | None, str]] = {}
    try:
        for attached in PdfReader(io.BytesIO(data), strict=False).attachment_list:
            name = attached.name  # its content is unpacked only if it is one of the two that are looked for
            if name.endswith(".json") and passport is None:
                passport = attached.content
            elif name.endswith(".tlog-proof") and not proofs:
                proofs["passport"] = (None, _text(attached.content))
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, OSError) as fault:
        raise Unreadable(f"a PDF that cannot be read: {type(fault).__name__}") from None
    if passport is None:
        raise Unreadable("a PDF without a passport in it")
    return Evidence(passport=passport, proofs=proofs)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("text that is not UTF-8") from None
