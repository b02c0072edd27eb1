"""The checks on what a holder chose to show of a passport (SD-JWT). Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pavilion.provenance import sdjwt
from pavilion.provenance.proofs import BadCredential, jwt_parts
from pavilion.provenance.verifying_forms import Key
from pavilion.provenance.verifying_report import Examination, Report


def issuer_of(presentation: str) -> str | None:
    """The DID whose key the token says signed it; not yet believed."""
    try:
        header, _, _ = jwt_parts(presentation.partition("~")[0], sdjwt.TYP)
    except BadCredential:
        return None
    kid: str = header["kid"]
    return kid.partition("#")[0]


def presentation(exam: Examination, text: str, keys: Mapping[str, Key]) -> Report:
    """PROOF-JWT over token and disclosures, HOLDER over this very choice. When it was shown is the receiver's
    business: a file may have lain for a year."""
    try:
        header, payload, _ = jwt_parts(text.partition("~")[0], sdjwt.TYP)
        key = keys.get(header["kid"])
        if payload.get("iss", payload.get("issuer")) not in (None, header["kid"].partition("#")[0]):
            raise BadCredential("PROOF-JWT", "signed with a key that is not its issuer's")
        if key is None:
            exam.undecided("PROOF-JWT", "the key %(kid)s is not known here", kid=header["kid"])
            return exam.report("")
        shown = sdjwt.verify(text, key.public)
    except BadCredential as fault:
        exam.fail("HOLDER" if "holder" in fault.why else "PROOF-JWT", "%(why)s", why=fault.why)
        return exam.report("")
    names = ", ".join(sorted(shown.disclosed)) or "–"
    exam.ok("PROOF-JWT", "EdDSA; disclosed: %(names)s", names=names)
    if shown.bound:
        exam.ok("HOLDER", "the holder signed this choice")
    else:
        exam.skip("HOLDER", "nobody says that its holder shows it")
    exam.skip("STATUS", "whether it was revoked is told by a bundle, or by its issuer")
    return exam.report(_valid(shown.claims))


def _valid(claims: Mapping[str, Any]) -> str:
    at = claims.get("iat")
    day = datetime.fromtimestamp(at, UTC).date() if type(at) is int and 0 <= at < 2**33 else "–"
    return f"VALID, grade {claims.get('grade', '-')}, as of {day}, witnesses not asked"
