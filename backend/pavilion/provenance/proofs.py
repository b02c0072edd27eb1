"""The two proofs of a credential: Data Integrity `eddsa-jcs-2022` inside it, and JOSE `vc+jwt` around it. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.kernel.canon import canonical, read_json

MAX_CREDENTIAL = 256 * 1024
SUITE = "eddsa-jcs-2022"
TYP = "vc+jwt"
PURPOSE = "assertionMethod"
_MULTIKEY = b"\xed\x01"  # an Ed25519 public key
_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUE = {digit: value for value, digit in enumerate(_DIGITS)}
_PROOF_NAMES = {"@context", "type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue"}


class BadCredential(ValueError):
    """Not a credential that its issuer's key vouches for. `code` names the check, the text says what failed."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code, self.why = code, why


class Hand(Protocol):
    """Holds an Ed25519 key that never leaves it, and signs with it."""

    @property
    def public(self) -> bytes: ...

    def sign(self, data: bytes) -> bytes: ...


Secret = bytes | Hand  # a seed, or who holds the key


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key and the full DID URL of its public half."""

    kid: str
    seed: Secret

    def sign(self, data: bytes) -> bytes:
        return _private(self.seed).sign(data) if isinstance(self.seed, bytes) else self.seed.sign(data)

    @property
    def public(self) -> bytes:
        if not isinstance(self.seed, bytes):
            return self.seed.public
        return _private(self.seed).public_key().public_bytes_raw()


class Proved(NamedTuple):
    """What a good proof says: the document without it, who signed, and when."""

    document: dict[str, Any]
    kid: str
    created: str | None  # a JWT tells none


def sign_di(document: Mapping[str, Any], signer: Signer, created: str) -> dict[str, Any]:
    """The document with its proof; equal input and key give equal bytes."""
    config = _config(document, signer.kid, created)
    value = signer.sign(config_hash(config) + document_hash(document))
    return {**document, "proof": {**config, "proofValue": f"z{base58(value)}"}}


def verify_di(
    secured: Mapping[str, Any], public: bytes, *, proof: Mapping[str, Any] | None = None, content: bytes | None = None
) -> Proved:
    """BadCredential unless the one proof in the document is of this suite, for assertion, and by this key. Whoever has
    taken it apart already hands in its proof and the canonical bytes of the rest."""
    proof = secured.get("proof") if proof is None else proof
    if not isinstance(proof, dict) or not proof.keys() <= _PROOF_NAMES:
        raise BadCredential("PROOF-DI", "no single proof of known form")
    if (proof.get("type"), proof.get("cryptosuite"), proof.get("proofPurpose")) != (
        "DataIntegrityProof",
        SUITE,
        PURPOSE,
    ):
        raise BadCredential("PROOF-DI", "another suite or purpose")
    kid, created, value = proof.get("verificationMethod"), proof.get("created"), proof.get("proofValue")
    if not isinstance(kid, str) or not isinstance(created, str) or not isinstance(value, str):
        raise BadCredential("PROOF-DI", "a member is missing")
    document = unproved(secured)
    if proof.get("@context") != document.get("@context"):
        raise BadCredential("PROOF-DI", "the proof is of another context")
    config = {name: part for name, part in proof.items() if name != "proofValue"}
    try:
        signature = from_base58(value[1:]) if value.startswith("z") else b""
        hashed = document_hash(document) if content is None else hashlib.sha256(content).digest()
        data = config_hash(config) + hashed
    except ValueError as fault:
        raise BadCredential("PROOF-DI", str(fault)) from None
    if not holds(public, signature, data):
        raise BadCredential("PROOF-DI", "the signature does not hold")
    return Proved(document, kid, created)


def method_of(secured: Mapping[str, Any]) -> str | None:
    """The DID URL of the key that the document says signed it."""
    proof = secured.get("proof")
    kid = proof.get("verificationMethod") if isinstance(proof, dict) else None
    return kid if isinstance(kid, str) else None


def sign_jwt(document: Mapping[str, Any], signer: Signer, typ: str = TYP) -> str:
    unsigned = unsigned_jwt(document, signer.kid, typ)
    return f"{unsigned}.{base64url(signer.sign(unsigned.encode()))}"


def unsigned_jwt(document: Mapping[str, Any], kid: str, typ: str = TYP) -> str:
    header = canonical({"alg": "EdDSA", "kid": kid, "typ": typ})
    return f"{base64url(header)}.{base64url(canonical(document))}"


def verify_jwt(jwt: str, public: bytes, typ: str = TYP) -> Proved:
    """BadCredential unless header, payload and signature are what they must be, each in its one spelling."""
    header, payload, signature = jwt_parts(jwt, typ)
    if not holds(public, signature, jwt.rpartition(".")[0].encode()):
        raise BadCredential("PROOF-JWT", "the signature does not hold")
    return Proved(payload, header["kid"], None)


def jwt_parts(jwt: str, typ: str = TYP) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Header, payload and signature of a token whose form is right; its signature is not looked at here."""
    if len(jwt) > MAX_CREDENTIAL * 4 // 3 + 1024:
        raise BadCredential("PROOF-JWT", "longer than 256 KiB")
    parts = jwt.split(".")
    if len(parts) != 3:
        raise BadCredential("PROOF-JWT", "not three parts")
    try:
        payload = read_json(from_base64url(parts[1]), MAX_CREDENTIAL)
        signature = from_base64url(parts[2])
    except ValueError as fault:
        raise BadCredential("PROOF-JWT", str(fault)) from None
    if not isinstance(payload, dict):
        raise BadCredential("PROOF-JWT", "header or payload is no object")
    return jwt_header(parts[0], typ), payload, signature


def jwt_header(part: str, typ: str = TYP) -> dict[str, Any]:
    """The header of a token, from its first part."""
    try:
        header = read_json(from_base64url(part), MAX_CREDENTIAL)
    except ValueError as fault:
        raise BadCredential("PROOF-JWT", str(fault)) from None
    if not isinstance(header, dict):
        raise BadCredential("PROOF-JWT", "header or payload is no object")
    if header.get("alg") != "EdDSA" or header.get("typ") != typ or not isinstance(header.get("kid"), str):
        raise BadCredential("PROOF-JWT", "another algorithm or type, or no key named")
    if "crit" in header:
        raise BadCredential("PROOF-JWT", "the header asks for what is not known here")
    return header


def read_credential(data: bytes | str) -> dict[str, Any]:
    """The document in the bytes; BadCredential for what is too long, ambiguous or no object."""
    try:
        document = read_json(data, MAX_CREDENTIAL)
    except ValueError as fault:
        raise BadCredential("SCHEMA", str(fault)) from None
    if not isinstance(document, dict):
        raise BadCredential("SCHEMA", "no object")
    return document


def unproved(secured: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in secured.items() if name != "proof"}


def config_hash(config: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(canonical(config)).digest()


def document_hash(document: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(canonical(document)).digest()


def holds(public: bytes, signature: bytes, data: bytes) -> bool:
    if len(signature) != 64 or len(public) != 32:
        return False
    try:
        _public(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def multikey(public: bytes) -> str:
    """`z6Mk...`: the key as did documents spell it."""
    return f"z{base58(_MULTIKEY + public)}"


def from_multikey(text: str) -> bytes:
    data = from_base58(text[1:]) if text.startswith("z") else b""
    if data[:2] != _MULTIKEY or len(data) != 34:
        raise ValueError("not an Ed25519 Multikey")
    return data[2:]


def jwk(public: bytes) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": base64url(public)}


def from_jwk(key: Mapping[str, Any]) -> bytes:
    if (key.get("kty"), key.get("crv")) != ("OKP", "Ed25519") or not isinstance(key.get("x"), str):
        raise ValueError("not an Ed25519 JWK")
    return from_base64url(key["x"])


def base58(data: bytes) -> str:
    """The Bitcoin alphabet; each leading zero byte is a 1."""
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        digits = _DIGITS[digit] + digits
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def from_base58(text: str) -> bytes:
    if len(text) > 200:
        raise ValueError("not base58btc")
    number = 0
    for digit in text:
        if (value := _VALUE.get(digit)) is None:
            raise ValueError("not base58btc")
        number = number * 58 + value
    return b"\0" * (len(text) - len(text.lstrip("1"))) + number.to_bytes((number.bit_length() + 7) // 8)


def _config(document: Mapping[str, Any], kid: str, created: str) -> dict[str, Any]:
    return {
        "@context": document["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": created,
        "verificationMethod": kid,
        "proofPurpose": PURPOSE,
    }


@lru_cache(maxsize=64)
def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


@lru_cache(maxsize=256)
def _public(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)
