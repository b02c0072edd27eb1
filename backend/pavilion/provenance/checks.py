"""The checks on a passport itself: form, contexts, both proofs, the time of its key, validity and status. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.kernel.canon import canonical, no_fraction, read_json
from pavilion.provenance import contexts, proofs, status
from pavilion.provenance.proofs import MAX_CREDENTIAL, BadCredential
from pavilion.provenance.verifying_forms import Key
from pavilion.provenance.verifying_report import Examination

TYPES: Final = ("DigitalProductPassport", "VerifiableCredential")
ISSUER_NAMES: Final = frozenset({"type", "id", "name", "issuerAlsoKnownAs"})
VERDICTS: Final = frozenset({"VERIFIED", "REVIEW", "PENDING", "REJECTED"})
AFTER_WITNESSES: Final = timedelta(hours=24)
OLD_HOURS: Final = 48
_ID: Final = re.compile(r"https?://[^/?#\s]{1,255}/passports/([0-9A-HJKMNP-TV-Z]{26})/([1-9][0-9]{0,5})")
_SECOND: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_LEAF: Final = re.compile(r"[0-9a-f]{64}")

Keys = Mapping[str, Key]
Fetch = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Passport:
    """A passport whose form is right. `raw` is empty when only a token was given."""

    raw: bytes
    document: Mapping[str, Any]  # without its proof
    proof: Mapping[str, Any] | None
    content: bytes  # the canonical bytes of `document`

    @property
    def did(self) -> str:
        did: str = self.document["issuer"]["id"]
        return did

    @property
    def origin(self) -> Mapping[str, Any]:
        origin: Mapping[str, Any] = self.document["credentialSubject"]["stone:origin"]
        return origin

    @property
    def stone(self) -> str:
        match = _ID.fullmatch(self.document["id"])
        assert match is not None
        return match[1]

    @property
    def events(self) -> Mapping[int, str]:
        """Place in the log and leaf hash of every event that it names."""
        return {event["index"]: event["leaf"] for event in self.document["credentialSubject"]["stone:events"]}

    @property
    def log(self) -> Mapping[str, Any]:
        log: Mapping[str, Any] = self.document["credentialSubject"]["stone:log"]
        return log

    @property
    def verdict_digest(self) -> str:
        return str(self.origin["verdictDigest"])[7:]


def read_passport(exam: Examination, raw: bytes) -> Passport | None:
    """SCHEMA and CONTEXT; None when nothing further can be asked of it."""
    try:
        document = _json(raw)
        fault = "not in its canonical bytes (RFC 8785)" if canonical(document) != raw else _fault(document)
    except ValueError as refused:
        exam.fail("SCHEMA", "%(why)s", why=str(refused))
        return None
    if fault is not None:
        exam.fail("SCHEMA", "%(why)s", why=fault)
        return None
    proof = document.pop("proof", None)
    exam.ok("SCHEMA", "a digital product passport, %(bytes)s bytes", bytes=len(raw))
    return _in_context(exam, Passport(raw, document, proof, _without(raw, document, proof)))


def read_token(exam: Examination, jwt: str) -> Passport | None:
    """The same, of a passport that came as a token alone."""
    try:
        _, document, _ = proofs.jwt_parts(jwt)
        content = canonical(document)
    except ValueError as refused:
        exam.fail("SCHEMA", "%(why)s", why=str(refused))
        return None
    if (fault := _fault(document)) is not None:
        exam.fail("SCHEMA", "%(why)s", why=fault)
        return None
    exam.ok("SCHEMA", "a digital product passport, %(bytes)s bytes", bytes=len(content))
    return _in_context(exam, Passport(b"", document, None, content))


def named_in(passport: bytes | None, token: str | None) -> str | None:
    """The address a passport gives itself, not yet believed; None where nothing readable does."""
    try:
        body = passport if passport is not None else from_base64url((token or "").split(".")[1])
        named = _json(body)["id"]
    except (ValueError, KeyError, IndexError, BadCredential):
        return None
    return named if isinstance(named, str) else None


def proof_di(exam: Examination, passport: Passport, keys: Keys) -> Key | None:
    """PROOF-DI; the key that signed."""
    if passport.proof is None:
        exam.fail("PROOF-DI", "the passport has no proof in it")
        return None
    kid = passport.proof.get("verificationMethod")
    key = _key(exam, "PROOF-DI", passport, kid, keys)
    if key is None:
        return None
    try:
        proofs.verify_di(passport.document, key.public, proof=passport.proof, content=passport.content)
    except BadCredential as fault:
        exam.fail("PROOF-DI", "%(why)s", why=fault.why)
        return None
    exam.ok("PROOF-DI", "eddsa-jcs-2022, signed with %(kid)s", kid=key.kid)
    return key


def proof_jwt(exam: Examination, passport: Passport, jwt: str | None, keys: Keys) -> Key | None:
    """PROOF-JWT: the token is over the same document, to the byte."""
    if jwt is None:
        exam.skip("PROOF-JWT", "no token came along")
        return None
    signed, _, last = jwt.rpartition(".")
    try:
        header, signature = proofs.jwt_header(signed.partition(".")[0]), from_base64url(last)
    except ValueError as fault:
        exam.fail("PROOF-JWT", "%(why)s", why=fault.why if isinstance(fault, BadCredential) else str(fault))
        return None
    key = _key(exam, "PROOF-JWT", passport, header["kid"], keys)
    if key is None:
        return None
    if not proofs.holds(key.public, signature, signed.encode()):
        exam.fail("PROOF-JWT", "%(why)s", why="the signature does not hold")
    elif signed.partition(".")[2] != base64url(passport.content):
        exam.fail("PROOF-JWT", "the token is not over the same document")
    elif passport.proof is not None and passport.proof.get("verificationMethod") != header["kid"]:
        exam.fail("PROOF-JWT", "the two proofs name two keys")
    else:
        exam.ok("PROOF-JWT", "EdDSA, over the same document")
        return key
    return None


def key_period(exam: Examination, passport: Passport, key: Key, seen_at: datetime | None) -> None:
    """KEY-PERIOD: signed while the key was good, and no later than a day after the witnesses saw it."""
    said = passport.proof["created"] if passport.proof is not None else passport.document["validFrom"]
    created = instant(said)
    if created is None:
        exam.fail("KEY-PERIOD", "the proof does not say when it was made")
    elif key.start is not None and created < key.start:
        exam.fail("KEY-PERIOD", "signed before the key was good")
    elif key.end is not None and created > key.end:
        exam.fail("KEY-PERIOD", "signed after the key had ended")
    elif key.revoked is not None and created >= key.revoked:
        exam.fail("KEY-PERIOD", "signed with a revoked key")
    elif seen_at is not None and created > seen_at + AFTER_WITNESSES:
        exam.fail("KEY-PERIOD", "signed more than a day after the log had it")
    else:
        exam.ok("KEY-PERIOD", "signed %(created)s, while the key was good", created=said)


def validity(exam: Examination, passport: Passport, now: datetime) -> None:
    start, end = instant(passport.document["validFrom"]), instant(passport.document["validUntil"])
    assert start is not None and end is not None
    if now < start - timedelta(minutes=5):
        exam.fail("VALIDITY", "not valid before %(day)s", day=start.date())
    elif now > end:
        exam.fail("VALIDITY", "ended on %(day)s", day=end.date())
    else:
        exam.ok("VALIDITY", "valid until %(day)s", day=end.date())


class StatusList(NamedTuple):
    id: str
    purpose: str
    bits: bytes
    issuer: str
    kid: str
    at: datetime
    until: datetime


def status_of(
    exam: Examination,
    passport: Passport,
    tokens: Mapping[str, bytes],
    keys: Keys,
    now: datetime,
    *,
    only: str | None = None,
    fetch: Fetch | None = None,
) -> None:
    """STATUS: neither revoked nor suspended, by the lists that came along or, when those are stale, by what the issuer
    says now. `only`: the one key that may have signed them, where the others were not pinned."""
    lists: list[StatusList] = []
    for entry in passport.document["credentialStatus"]:
        url, number = entry["statusListCredential"], entry["statusListCredential"].rpartition("/")[2]
        token = tokens.get(f"{number}.jwt")
        try:
            found = None if token is None else _list(token, passport.did, keys, only)
            if fetch is not None and (found is None or now > found.until):
                fresh = fetch(url)
                found = found if fresh is None else _list(fresh.strip(), passport.did, keys, only)
            if found is None:
                exam.undecided("STATUS", "no list at hand that tells whether it was revoked or suspended")
                return
            if (found.id, found.purpose) != (url, entry["statusPurpose"]):
                raise BadCredential("STATUS", "a list of another passport or purpose")
            if status.is_set(found.bits, int(entry["statusListIndex"])):
                exam.fail("STATUS", "%(what)s", what=_MARKS[found.purpose])
                return
        except _UnknownKey as unknown:
            exam.undecided("STATUS", "the list is signed with a key that is not known here: %(kid)s", kid=str(unknown))
            return
        except BadCredential as fault:
            exam.fail("STATUS", "%(why)s", why=fault.why)
            return
        lists.append(found)
    oldest = min(one.at for one in lists)
    at, hours = oldest.strftime("%Y-%m-%d %H:%M"), max(0, (now - oldest) // timedelta(hours=1))
    if hours < OLD_HOURS:
        exam.ok("STATUS", "neither revoked nor suspended at %(at)s UTC, %(hours)s h ago", at=at, hours=hours)
    else:
        old = "neither revoked nor suspended at %(at)s UTC, but that is %(days)s days old"
        exam.ok("STATUS", old, at=at, days=hours // 24)


_MARKS: Final = {"revocation": "it was revoked", "suspension": "it is suspended"}


class _UnknownKey(Exception):
    pass


def _list(token: bytes, did: str, keys: Keys, only: str | None) -> StatusList:
    kid = _kid(token)
    key = keys.get(kid)
    if key is None or (only is not None and kid != only):
        raise _UnknownKey(kid)
    found = _read_list(token, key.public)
    if found.issuer != did:
        raise BadCredential("STATUS", "a list of another issuer")
    return found


@lru_cache(maxsize=64)
def _kid(token: bytes) -> str:
    try:
        header = read_json(from_base64url(token.split(b".", 1)[0][:4000].decode("ascii")), 4000)
        return str(header["kid"])
    except (ValueError, TypeError, KeyError):
        raise BadCredential("STATUS", "not a list") from None


@lru_cache(maxsize=64)
def _read_list(token: bytes, public: bytes) -> StatusList:
    """The same list stands in the bundles of many stones: its signature is checked once."""
    try:
        proved = proofs.verify_jwt(token.decode("ascii"), public)
        document = proved.document
        subject = document["credentialSubject"]
        start, end = instant(document["validFrom"]), instant(document["validUntil"])
        if subject["type"] != "BitstringStatusList" or start is None or end is None:
            raise BadCredential("STATUS", "not a list")
        bits = status.decode(subject["encodedList"])
        purpose = subject["statusPurpose"]
        if purpose not in _MARKS:
            raise BadCredential("STATUS", "a list for another purpose")
        return StatusList(document["id"], purpose, bits, document["issuer"], proved.kid, start, end)
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError):
        raise BadCredential("STATUS", "not a list") from None


def instant(text: object) -> datetime | None:
    """Exactly a second in UTC, or nothing."""
    if not isinstance(text, str) or _SECOND.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _without(raw: bytes, document: Mapping[str, Any], proof: object) -> bytes:
    """The canonical bytes of the document without its proof: what is left of its own bytes where that is plain."""
    part = b'"proof":' + canonical(proof) + b","
    return raw.replace(part, b"") if raw.count(part) == 1 else canonical(document)


def _in_context(exam: Examination, passport: Passport) -> Passport | None:
    try:
        contexts.check(passport.document)
    except BadCredential as fault:
        exam.fail("CONTEXT", "%(why)s", why=fault.why)
        return None
    exam.ok("CONTEXT", "all contexts are known here")
    return passport


def _key(exam: Examination, name: str, passport: Passport, kid: object, keys: Keys) -> Key | None:
    if not isinstance(kid, str) or not kid.startswith(f"{passport.did}#"):
        exam.fail(name, "signed with a key that is not the issuer's")
        return None
    if (key := keys.get(kid)) is None:
        exam.undecided(name, "the key %(kid)s is not known here", kid=kid)
    return key


def _json(raw: bytes) -> dict[str, Any]:
    document = read_json(raw, MAX_CREDENTIAL, fraction=no_fraction)
    if not isinstance(document, dict):
        raise ValueError("not an object")
    return document


def _fault(document: Mapping[str, Any]) -> str | None:
    """The first member on which later checks would stumble."""
    try:
        return _first_fault(document)
    except (KeyError, TypeError, AttributeError) as missing:
        return f"a member is missing or of another kind: {str(missing)[:60]}"


def _first_fault(document: Mapping[str, Any]) -> str | None:
    issuer, subject = document["issuer"], document["credentialSubject"]
    origin, log, events = subject["stone:origin"], subject["stone:log"], subject["stone:events"]
    entries = document["credentialStatus"]
    rules = {
        "type": list(document["type"]) == list(TYPES),
        "id": _ID.fullmatch(document["id"]) is not None,
        "issuer": issuer.keys() <= ISSUER_NAMES and issuer["id"].startswith("did:web:"),
        "validFrom": instant(document["validFrom"]) is not None,
        "validUntil": instant(document["validUntil"]) is not None,
        "credentialStatus": len(entries) == 2 and all(_is_entry(entry) for entry in entries),
        "statusPurpose": sorted(entry["statusPurpose"] for entry in entries) == sorted(_MARKS),
        "stone:origin": origin["verdict"] in VERDICTS and origin["grade"] in ("A", "B", "C", "-"),
        "asOf": _DAY.fullmatch(origin["asOf"]) is not None,
        "verdictDigest": _DIGEST.fullmatch(origin["verdictDigest"]) is not None,
        "stone:log": isinstance(log["origin"], str) and type(log["treeSize"]) is int,
        "stone:events": isinstance(events, list) and all(_is_event(event) for event in events),
        "proof": "proof" not in document or isinstance(document["proof"], dict),
    }
    return next((f"{name} is not as it should be" for name, good in rules.items() if not good), None)


def _is_entry(entry: Mapping[str, Any]) -> bool:
    number = entry["statusListIndex"]
    url = entry["statusListCredential"]
    return isinstance(url, str) and isinstance(number, str) and re.fullmatch(r"[0-9]{1,9}", number) is not None


def _is_event(event: Mapping[str, Any]) -> bool:
    return type(event["index"]) is int and event["index"] >= 0 and _LEAF.fullmatch(event["leaf"]) is not None
