"""SD-JWT (RFC 9901): a signed document of which the holder shows what the holder chooses. Pure."""

import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.kernel.canon import canonical, read_json
from pavilion.kernel.instants import micros
from pavilion.provenance import proofs
from pavilion.provenance.proofs import MAX_CREDENTIAL, BadCredential, Signer

TYP, KEY_BINDING = "dc+sd-jwt", "kb+jwt"
SALT_BYTES = 16
DECOYS_TO = 8  # the number of digests is a multiple of this, so that it does not tell how many claims there are
AGE = timedelta(minutes=5)
AHEAD = timedelta(seconds=60)  # how far another clock may be ahead of ours
MOST_DISCLOSED = 200
_OWN = frozenset({"_sd", "_sd_alg", "...", "cnf"})


class Shown(NamedTuple):
    """What a presentation proves."""

    claims: dict[str, Any]  # open and disclosed ones
    disclosed: frozenset[str]
    kid: str
    holder: bytes | None  # the key that must sign presentations
    said: Mapping[str, Any] | None  # when and to whom, as the holder's key signed it over this very presentation

    @property
    def bound(self) -> bool:
        """The holder's key signed this very presentation."""
        return self.said is not None


def issue(
    claims: Mapping[str, Any],
    hidden: Mapping[str, Any],
    signer: Signer,
    *,
    holder: bytes,
    salt: Callable[[int], bytes] = secrets.token_bytes,
) -> str:
    """The token and a disclosure of each hidden claim, each under a salt of its own. `holder` is the public key that
    alone may present it."""
    if _OWN & (claims.keys() | hidden.keys()) or claims.keys() & hidden.keys():
        raise ValueError("a claim has a name of the format's own, or stands twice")
    disclosures = [base64url(canonical([base64url(salt(SALT_BYTES)), name, value])) for name, value in hidden.items()]
    decoys = [base64url(sha256(salt(32)).digest()) for _ in range(-len(disclosures) % DECOYS_TO)]
    digests = sorted([*map(digest_of, disclosures), *decoys])
    payload = {**claims, "_sd": digests, "_sd_alg": "sha-256", "cnf": {"jwk": proofs.jwk(holder)}}
    return "~".join([proofs.sign_jwt(payload, signer, TYP), *disclosures, ""])


def present(sd_jwt: str, names: Collection[str], holder: Signer, *, audience: str, nonce: str, now: datetime) -> str:
    """Only the named claims, for this audience and this question, signed by the holder."""
    token, *disclosures = _parts(sd_jwt)[0]
    chosen = [one for one in disclosures if _read(one)[0] in names]
    told = "~".join([token, *chosen, ""])
    header = canonical({"alg": "EdDSA", "typ": KEY_BINDING})
    said = {"iat": _second(now), "aud": audience, "nonce": nonce, "sd_hash": digest_of(told)}
    unsigned = f"{base64url(header)}.{base64url(canonical(said))}"
    return f"{told}{unsigned}.{base64url(holder.sign(unsigned.encode()))}"


def verify(
    presentation: str,
    public: bytes,
    *,
    now: datetime | None = None,
    audience: str | None = None,
    nonce: str | None = None,
) -> Shown:
    """What is shown; BadCredential unless every disclosure belongs to the token and the holder signed exactly this,
    lately, for this audience. Without `audience` no binding is asked for, but one that is there must hold."""
    (token, *disclosures), binding = _parts(presentation)
    header, payload, _ = proofs.jwt_parts(token, TYP)
    proofs.verify_jwt(token, public, TYP)
    digests = payload.get("_sd", [])
    if payload.get("_sd_alg", "sha-256") != "sha-256" or not _are_texts(digests) or len(set(digests)) != len(digests):
        raise BadCredential("SD-JWT", "digests of another form")
    claims = {name: value for name, value in payload.items() if name not in _OWN}
    disclosed = set()
    for one in disclosures:
        name, value = _read(one)
        if digest_of(one) not in digests or name in claims or name in _OWN:
            raise BadCredential("SD-JWT", "a disclosure that is not the token's")
        claims[name] = value
        disclosed.add(name)
    holder = _holder(payload)
    if audience is not None and (binding is None or holder is None):
        raise BadCredential("SD-JWT", "not bound to its holder")
    bound = None
    if binding is not None:
        told = presentation[: len(presentation) - len(binding)]
        bound = _bound(binding, holder, digest_of(told), now, audience, nonce)
    return Shown(claims, frozenset(disclosed), header["kid"], holder, bound)


def digest_of(text: str) -> str:
    return base64url(sha256(text.encode("ascii")).digest())


def names_in(sd_jwt: str) -> list[str]:
    """What the holder of this token could disclose."""
    return list(disclosed_in(sd_jwt))


def disclosed_in(sd_jwt: str) -> dict[str, Any]:
    """The claims that its disclosures tell. Nothing is verified: for tokens of our own making."""
    return dict(_read(one) for one in _parts(sd_jwt)[0][1:])


def _bound(
    binding: str, holder: bytes | None, sd_hash: str, now: datetime | None, audience: str | None, nonce: str | None
) -> Mapping[str, Any]:
    parts = binding.split(".")
    try:
        header, said = (read_json(from_base64url(part), 10_000) for part in parts[:2])
        signature = from_base64url(parts[2])
    except (ValueError, IndexError):
        raise BadCredential("SD-JWT", "the holder's signature cannot be read") from None
    if len(parts) != 3 or not isinstance(header, dict) or not isinstance(said, dict):
        raise BadCredential("SD-JWT", "the holder's signature cannot be read")
    if header.get("alg") != "EdDSA" or header.get("typ") != KEY_BINDING or "crit" in header:
        raise BadCredential("SD-JWT", "the holder's signature is of another kind")
    if holder is None or not proofs.holds(holder, signature, binding.rpartition(".")[0].encode()):
        raise BadCredential("SD-JWT", "the holder's signature does not hold")
    if said.get("sd_hash") != sd_hash:
        raise BadCredential("SD-JWT", "the holder signed another choice")
    if audience is not None and said.get("aud") != audience:
        raise BadCredential("SD-JWT", "shown to somebody else")
    if nonce is not None and said.get("nonce") != nonce:
        raise BadCredential("SD-JWT", "an answer to another question")
    if now is not None and not _is_fresh(said.get("iat"), now):
        raise BadCredential("SD-JWT", "shown too long ago")
    return said


def _is_fresh(at: object, now: datetime) -> bool:
    if type(at) is not int:
        return False
    return _second(now - AGE) <= at <= _second(now + AHEAD)


def _parts(sd_jwt: str) -> tuple[list[str], str | None]:
    """Token and disclosures, and the holder's signature if there is one."""
    if len(sd_jwt) > 2 * MAX_CREDENTIAL or not sd_jwt.isascii():
        raise BadCredential("SD-JWT", "too long, or not ASCII")
    *told, last = sd_jwt.split("~")
    if not told or len(told) > MOST_DISCLOSED + 1:
        raise BadCredential("SD-JWT", "no token with disclosures")
    return told, last or None


def _read(disclosure: str) -> tuple[str, Any]:
    try:
        read = read_json(from_base64url(disclosure), MAX_CREDENTIAL)
    except ValueError:
        raise BadCredential("SD-JWT", "a disclosure that cannot be read") from None
    if not isinstance(read, list) or len(read) != 3 or not _are_texts(read[:2]):
        raise BadCredential("SD-JWT", "a disclosure of another form")
    return read[1], read[2]


def _holder(payload: Mapping[str, Any]) -> bytes | None:
    confirmation = payload.get("cnf")
    if confirmation is None:
        return None
    try:
        return proofs.from_jwk(confirmation["jwk"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadCredential("SD-JWT", "the holder's key cannot be read") from None


def _are_texts(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _second(at: datetime) -> int:
    return micros(at) // 1_000_000
