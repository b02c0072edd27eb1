"""Presenting a stone under one's own name: a second credential beside the passport, which stays as it was signed."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.events import record
from pavilion.kernel.ids import ulid
from pavilion.kernel.instants import stamp
from pavilion.provenance import contexts, did, passport_queries, proofs, video_making
from pavilion.provenance.hosted import Hosted
from pavilion.provenance.logos import Mark
from pavilion.provenance.passport_models import Countersignature, Logo, Passport
from pavilion.provenance.proofs import BadCredential
from pavilion.provenance.references import CONTENT_CHANGED
from pavilion.provenance.tables import shipped
from pavilion.provenance.words import folded, refused_wordings

TYPE = "StoneCountersignature"
MOST_NAME, MOST_MESSAGE, MOST_JEWEL = 80, 280, 60
JEWELS = ("ring", "necklace", "earrings", "bracelet", "brooch", "other")
LANGUAGES = ("en", "zh")
CLOCKS_APART = timedelta(minutes=5)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SUBJECT = frozenset({"id", "over", "version", "displayName", "logoDigest", "message", "jewel", "date"})
# What only the passport says: grades of colour, clarity and make, the grade of the verdict, and weight.
_FACTS = re.compile(
    r"(?<![A-Za-z])(?:FL|IF|VVS[12]?|VS[12]|SI[12]|I[123])(?![A-Za-z0-9])"
    r"|(?i:(?<![a-z])[d-z][ -]colou?r(?![a-z])|colou?r[ -](?:grade )?[d-z](?![a-z])|(?<![a-z])grade [a-c](?![a-z]))"
    r"|(?i:(?<![a-z])triple (?:x|ex|excellent)(?![a-z])|[0-9] ?(?:ct|carats?)(?![a-z]))"
    r"|[D-Z] ?色|[0-9] ?克拉|(?:来源|可信度)[甲乙丙ABC]级"
)


class PassportNotCurrent(Refusal):
    """Only a passport that stands today, in its newest version, can be presented."""

    status, code = 409, "passport_not_current"


class BadCountersignature(Refusal):
    """The credential that was sent is not one that can stand beside this passport."""

    status, code = 422, "bad_countersignature"


@dataclass(frozen=True, slots=True)
class Words:
    """What the presenter says."""

    name: str
    message: Mapping[str, str] = field(default_factory=dict)
    jewel: Mapping[str, str] | None = None


async def countersign(
    session: AsyncSession,
    *,
    passport: Passport,
    words: Words,
    logo: Mark | None,
    key: Hosted,
    company_id: int,
    base: str,
    by: str,
    now: datetime,
) -> Countersignature:
    """The company's credential over this version stands, signed with the key that the house keeps for it."""
    await _current(session, passport)
    check_words(words, _clarity(passport))
    public_id = ulid(now)
    document = document_of(passport, words, logo, issuer=key.did, base=base, public_id=public_id, now=now)
    signed = proofs.sign_di(document, key.signer, document["validFrom"])
    return await _kept(session, signed, passport, words, logo, company_id, public_id, by, now)


async def accept(
    session: AsyncSession,
    *,
    passport: Passport,
    credential: Mapping[str, Any],
    keys: Mapping[str, did.Key],
    company_id: int,
    by: str,
    now: datetime,
) -> Countersignature:
    """A credential that the company signed with its own key stands beside the passport, exactly as it came. `keys` are
    those of its issuer's DID."""
    await _current(session, passport)
    try:
        words = _read(credential, passport, keys, now)
    except BadCredential as fault:
        raise BadCountersignature(check=fault.code, why=fault.why) from None
    check_words(words, _clarity(passport))
    return await _kept(session, dict(credential), passport, words, None, company_id, ulid(now), by, now)


async def withdraw(
    session: AsyncSession, *, stone: str, public_id: str, company_id: int, by: str, now: datetime
) -> None:
    """The countersignature no longer stands; its author alone can do this, and nobody can change it."""
    wanted = select(Countersignature).where(
        Countersignature.public_id == public_id,
        Countersignature.stone == stone,
        Countersignature.company_id == company_id,
    )
    row = await session.scalar(wanted.with_for_update())
    if row is None:
        raise NotFound()
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        record(session, "passport:countersignature_withdrawn", stone, by=by, at=now, countersignature=public_id)
        record(session, CONTENT_CHANGED, stone, by=by, at=now)
        await session.flush()
        await video_making.again(session, stone, by=by, now=now)


def document_of(
    passport: Passport, words: Words, logo: Mark | None, *, issuer: str, base: str, public_id: str, now: datetime
) -> dict[str, Any]:
    """The credential without its proof."""
    subject: dict[str, Any] = {
        "id": f"{base}/id/stone/{passport.stone}",
        "over": passport.sha256,
        "version": passport.n,
        "displayName": words.name,
        "date": now.date().isoformat(),
    }
    if words.message:
        subject["message"] = dict(words.message)
    if logo is not None:
        subject["logoDigest"] = f"sha256:{logo.sha256}"
    if words.jewel:
        subject["jewel"] = dict(words.jewel)
    return {
        "@context": contexts.of_countersignature(base),
        "id": f"{base}/passports/{passport.stone}/countersignatures/{public_id}",
        "type": ["VerifiableCredential", TYPE],
        "issuer": issuer,
        "validFrom": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "credentialSubject": subject,
    }


def check_words(words: Words, clarity: str | None) -> None:
    """BadInput for what is too long, is worded as a natural catalogue may not word it, or says what only the passport
    says."""
    faults: dict[str, str] = {}
    texts = {"display_name": words.name, **{f"message_{lang}": text for lang, text in words.message.items()}}
    for name, text in texts.items():
        most = MOST_NAME if name == "display_name" else MOST_MESSAGE
        if len(text) > most or not _is_open(text):
            faults[name] = "bad_input"
        elif next(refused_wordings(shipped().words, {"": text}, clarity), None) is not None:
            faults[name] = "wording_refused"
        elif _FACTS.search(folded(text)) is not None:
            faults[name] = "claims_a_fact"
    if not words.name.strip():
        faults["display_name"] = "bad_input"
    if not words.message.keys() <= set(LANGUAGES):
        faults["message_en"] = "bad_input"
    if words.jewel is not None and not _is_jewel(words.jewel):
        faults["jewel_kind"] = "bad_input"
    if faults:
        raise BadInput(fields=faults)


def _is_jewel(jewel: Mapping[str, str]) -> bool:
    """A kind, and the presenter's own number of the piece, which states nothing else."""
    number = jewel.get("id", "")
    known = jewel.keys() <= {"kind", "id"} and jewel.get("kind") in JEWELS
    return known and len(number) <= MOST_JEWEL and _is_open(number) and _FACTS.search(folded(number)) is None


def _is_open(text: str) -> bool:
    """It reads as it is written: no line ends, nothing invisible, nothing that turns the direction around."""
    return not any(unicodedata.category(char) in _HIDDEN for char in text)


def issuer_of(credential: Mapping[str, Any]) -> str:
    """The DID that says it signed; BadCountersignature if none can be read."""
    issuer = credential.get("issuer")
    named = issuer.get("id") if isinstance(issuer, Mapping) else issuer
    try:
        did.host_of(str(named))
    except ValueError:
        raise BadCountersignature(check="SCHEMA", why="the issuer is no did:web") from None
    return str(named)


def _read(credential: Mapping[str, Any], passport: Passport, keys: Mapping[str, did.Key], now: datetime) -> Words:
    contexts.check(credential)
    kinds, subject = credential.get("type"), credential.get("credentialSubject")
    if not isinstance(kinds, list) or TYPE not in kinds or not isinstance(subject, Mapping):
        raise BadCredential("SCHEMA", "not a countersignature")
    if not subject.keys() <= _SUBJECT or "logoDigest" in subject:
        raise BadCredential("SCHEMA", "a member that a countersignature sent from outside does not have")
    stone = passport.content["credentialSubject"]["id"]
    if (subject.get("id"), subject.get("over")) != (stone, passport.sha256):
        raise BadCredential("COUNTERSIGN", "of another stone or version")
    kid = proofs.method_of(credential)
    key = keys.get(kid or "")
    if key is None or not str(kid).startswith(f"{issuer_of(credential)}#"):
        raise BadCredential("KEY-PERIOD", "the key is not its issuer's")
    proved = proofs.verify_di(credential, key.public)
    created = proved.created or ""
    if not did.is_good(key, created) or created > stamp(now + CLOCKS_APART):
        raise BadCredential("KEY-PERIOD", "the key was not good then")
    return _words(subject)


def _words(subject: Mapping[str, Any]) -> Words:
    name, message, jewel = subject.get("displayName"), subject.get("message", {}), subject.get("jewel")
    if not isinstance(name, str) or not _are_texts(message) or not (jewel is None or _are_texts(jewel)):
        raise BadCredential("SCHEMA", "name or message of another form")
    return Words(name, message, jewel)


async def _kept(
    session: AsyncSession,
    signed: Mapping[str, Any],
    passport: Passport,
    words: Words,
    logo: Mark | None,
    company_id: int,
    public_id: str,
    by: str,
    now: datetime,
) -> Countersignature:
    if logo is not None:
        await one_at_a_time(session, f"logo {logo.sha256}")
    if logo is not None and await session.get(Logo, logo.sha256) is None:
        session.add(Logo(sha256=logo.sha256, media_type=logo.media_type, data=logo.data))
    text = canonical(signed)
    row = Countersignature(
        public_id=public_id,
        stone=passport.stone,
        n=passport.n,
        over=passport.sha256,
        company_id=company_id,
        issuer=issuer_of(signed),
        display_name=words.name,
        document=text.decode(),
        sha256=sha256_hex(text),
        logo_sha256=None if logo is None else logo.sha256,
        by=by,
        at=now,
    )
    session.add(row)
    facts = {"countersignature": public_id, "n": passport.n, "issuer": row.issuer, "sha256": row.sha256}
    record(session, "passport:countersigned", passport.stone, by=by, at=now, **facts)
    record(session, CONTENT_CHANGED, passport.stone, by=by, at=now)
    await session.flush()
    await video_making.again(session, passport.stone, by=by, now=now)
    return row


async def _current(session: AsyncSession, passport: Passport) -> None:
    if (await passport_queries.standing_of(session, passport)).state != "current":
        raise PassportNotCurrent()


def _clarity(passport: Passport) -> str | None:
    found: str | None = passport.content["credentialSubject"]["product"]["characteristics"].get("clarity")
    return found


def _are_texts(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(k, str) and isinstance(v, str) for k, v in value.items())
