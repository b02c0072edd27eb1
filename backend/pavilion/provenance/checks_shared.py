"""The checks on what a holder chose to show of a passport (SD-JWT). Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from pavilion.provenance import sdjwt
from pavilion.provenance.checks import Passport
from pavilion.provenance.proofs import BadCredential, jwt_parts
from pavilion.provenance.sdjwt import Shown
from pavilion.provenance.verifying_forms import Key
from pavilion.provenance.verifying_report import Examination

_STONE: Final = re.compile(r"(https?://[^/?#\s]{1,255})/id/stone/([0-9A-HJKMNP-TV-Z]{26})")


def issuer_of(presentation: str) -> str | None:
    """The DID whose key the token says signed it; not yet believed."""
    try:
        header, _, _ = jwt_parts(presentation.partition("~")[0], sdjwt.TYP)
    except BadCredential:
        return None
    kid: str = header["kid"]
    return kid.partition("#")[0]


def presentation(exam: Examination, text: str, keys: Mapping[str, Key]) -> Shown | None:
    """PROOF-JWT over token and disclosures, KEY-PERIOD, and HOLDER over this very choice. When and to whom it was shown
    is said, and the receiver's business: a file may have lain for a year."""
    try:
        header, payload, _ = jwt_parts(text.partition("~")[0], sdjwt.TYP)
        key = keys.get(header["kid"])
        if payload.get("iss", payload.get("issuer")) not in (None, header["kid"].partition("#")[0]):
            raise BadCredential("PROOF-JWT", "signed with a key that is not its issuer's")
        if key is None:
            exam.undecided("PROOF-JWT", "the key %(kid)s is not known here", kid=header["kid"])
            return None
        shown = sdjwt.verify(text, key.public)
    except BadCredential as fault:
        exam.fail("HOLDER" if "holder" in fault.why else "PROOF-JWT", "%(why)s", why=fault.why)
        return None
    names = ", ".join(sorted(shown.disclosed)) or "–"
    exam.ok("PROOF-JWT", "EdDSA; disclosed: %(names)s", names=names)
    _key_period(exam, shown, key)
    if shown.said is None:
        exam.undecided("HOLDER", "nobody says that its holder shows it")
    else:
        at = _moment(shown.said.get("iat"))
        facts = {"who": str(shown.said.get("aud"))[:120], "at": f"{at:%Y-%m-%d %H:%M}" if at is not None else "–"}
        exam.ok("HOLDER", "the holder signed this choice for %(who)s at %(at)s UTC", **facts)
    return shown


def address_of(shown: Shown) -> str | None:
    """Where the passport stands that the token speaks of; None when it names none."""
    subject, n = shown.claims.get("sub"), shown.claims.get("version")
    match = _STONE.fullmatch(subject) if isinstance(subject, str) else None
    return f"{match[1]}/passports/{match[2]}/{n}" if match is not None and type(n) is int and 1 <= n < 10**6 else None


def same(exam: Examination, shown: Shown, passport: Passport) -> None:
    """SCHEMA fails unless the token speaks of this very passport, and says what it says."""
    claims, subject = shown.claims, passport.document["credentialSubject"]
    told: Mapping[str, tuple[Any, Any]] = {
        "passport": (claims.get("passport"), f"sha256:{sha256(passport.raw).hexdigest()}"),
        "iss": (claims.get("iss"), passport.did),
        "sub": (claims.get("sub"), subject["id"]),
        "version": (address_of(shown), passport.document["id"]),
        "verdict": (claims.get("verdict"), passport.origin["verdict"]),
        "grade": (claims.get("grade"), passport.origin["grade"]),
        "status": (claims.get("status"), passport.document["credentialStatus"]),
        "log": (claims.get("log"), passport.log),
    }
    if (other := next((name for name, (ours, theirs) in told.items() if ours != theirs), None)) is not None:
        exam.fail("SCHEMA", "the passport says something else than what was shown: %(name)s", name=other)


def _key_period(exam: Examination, shown: Shown, key: Key) -> None:
    """KEY-PERIOD. Private views are in no log: of a key that was revoked nobody else knows when it signed."""
    at = _moment(shown.claims.get("iat"))
    if at is None:
        exam.fail("KEY-PERIOD", "the proof does not say when it was made")
    elif key.start is not None and at < key.start:
        exam.fail("KEY-PERIOD", "signed before the key was good")
    elif key.end is not None and at > key.end:
        exam.fail("KEY-PERIOD", "signed after the key had ended")
    elif key.revoked is not None and at >= key.revoked:
        exam.fail("KEY-PERIOD", "signed with a revoked key")
    elif key.revoked is not None:
        exam.undecided("KEY-PERIOD", "the key was revoked, and no log says that this was signed before")
    else:
        exam.ok("KEY-PERIOD", "signed %(created)s, while the key was good", created=f"{at:%Y-%m-%dT%H:%M:%SZ}")


def _moment(second: object) -> datetime | None:
    return datetime.fromtimestamp(second, UTC) if type(second) is int and 0 <= second < 2**33 else None
