"""What the passport's page and paper show: one version of a passport, its way, its status and who presents it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import segno
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.provenance import journey, log_queries, passport_queries, queries, references
from pavilion.provenance.facts import day_or_none
from pavilion.provenance.journey import Journey, Sees
from pavilion.provenance.passport_facts import PROCESSES
from pavilion.provenance.passport_models import Countersignature, Passport, StatusEntry
from pavilion.webkit.i18n import Lang

FINGERPRINT = 16  # hex digits of the passport's hash behind the address in its code
_QUIET = 2  # modules of paper around the code


class Portrait(NamedTuple):
    """How a stone looks and is called, in one language. Handed in by the catalogue, which knows stones."""

    title: str
    picture: str | None  # file name of a traced picture
    plan: str  # name of the plan whose drawing stands in for it
    plates: tuple[tuple[str, str], ...]  # crown, pavilion and profile as drawn lines: our own SVG
    measured: bool  # the plates are drawn to the stone's own angles
    here: tuple[str, str | None] | None  # country and city where it lies
    photo: str | None = None  # address of a photograph that everybody may see


# A link cannot say which form it accepts: `?as=` says it.
FORMS = {"json": "application/vc", "jwt": "application/vc+jwt", "pdf": "application/pdf"}

Portraits = Callable[[AsyncSession, str, Lang], Awaitable[Portrait | None]]


class Code(NamedTuple):
    """A QR code as one path, `size` units wide."""

    path: str
    size: int
    url: str


class Presented(NamedTuple):
    """A jeweller's or retailer's name over this stone: it never changes a fact."""

    name: str
    message: Mapping[str, str]
    logo: str | None
    jewel: Mapping[str, str] | None
    at: datetime
    issuer: str
    n: int
    matches: bool  # it was signed over the version that is shown
    address: str  # of its signed document


async def page_facts(
    session: AsyncSession,
    passport: Passport,
    *,
    sees: Sees,
    now: datetime,
    base: str,
    portrait: Portrait | None = None,
) -> dict[str, Any]:
    """Everything `provenance/passport.html` needs besides what every page has."""
    document = passport.content
    subject = document["credentialSubject"]
    standing = await passport_queries.standing_of(session, passport)
    versions = await passport_queries.versions(session, passport.stone)
    signatures = await passport_queries.countersignatures(session, passport.stone)
    state = "expired" if standing.state == "current" and _ended(document, now) else standing.state
    return {
        "passport": passport,
        "document": document,
        "characteristics": subject["product"]["characteristics"],
        "origin": subject["stone:origin"],
        "as_of": day_or_none(subject["stone:origin"]["asOf"]),
        "tested_on": day_or_none((subject["stone:origin"]["naturalTest"] or {}).get("on")),
        "reports": _reports(subject["stone:reports"], now),
        "lapsed": await references.ended(session, passport.stone),
        "media": subject.get("stone:media", []),
        "log": subject["stone:log"],
        "valid_until": datetime.fromisoformat(document["validUntil"]),
        "state": state,
        "standing": standing,
        "stopped": stopped(standing.entry),
        "versions": versions,
        "presented": [_presented(one, passport) for one in signatures],
        "journey": await journey_of_version(session, document, sees, here=portrait.here if portrait else None),
        "simulated": await _simulated(session, passport.stone),
        "portrait": portrait,
        "code": code_of(f"{base.rstrip('/')}/id/stone/{passport.stone}#{passport.sha256[:FINGERPRINT]}"),
        "fingerprint": passport.sha256[:FINGERPRINT],
        "sees": sees.value,
    }


def stopped(entry: StatusEntry) -> str | None:
    """Whether the house vouches for no version in this place any more, or for now; a newer version changes nothing."""
    if entry.revoked_at is not None:
        return "revoked"
    return "suspended" if entry.suspended_at is not None else None


async def with_passport(session: AsyncSession, stones: Sequence[str]) -> frozenset[str]:
    """Those of the stones that have a passport."""
    return frozenset(await session.scalars(select(Passport.stone).where(Passport.stone.in_(stones)).distinct()))


def sees_of(actor: Actor, *, holder: bool = False) -> Sees:
    if actor.may(Permission.ORIGIN_SEE):
        return Sees.INSIDE
    return Sees.HOLDER if holder else Sees.PUBLIC


async def journey_of(
    session: AsyncSession,
    stone: str,
    sees: Sees,
    *,
    here: tuple[str, str | None] | None = None,
) -> Journey:
    """The stone's way up to now."""
    steps = await queries.chain_of(session, stone)
    indices = await log_queries.indices(session, "event", [f"{stone}/{step.seq}" for step in steps])
    places = {step.seq: indices[subject] for step in steps if (subject := f"{stone}/{step.seq}") in indices}
    return journey.told(steps, sees, indices=places, here=here)


async def journey_of_version(
    session: AsyncSession, document: Mapping[str, Any], sees: Sees, *, here: tuple[str, str | None] | None = None
) -> Journey:
    """The way as far as this version of the passport knows it: later events belong to later versions."""
    subject = document["credentialSubject"]
    steps = await queries.chain_of(session, subject["product"]["registeredId"])
    known = [(one["type"], one["index"]) for one in subject["stone:events"]]
    places, last = _matched(steps, known), -1
    if places:
        last = max(places)
    upto = [step for step in steps if step.seq <= last or step.kind not in PROCESSES]
    return journey.told(upto, sees, indices=places, here=here)


def code_of(url: str) -> Code:
    """The address as a code that still reads with a quarter of it dirty."""
    rows = [bytes(row) for row in segno.make_qr(url, error="q", boost_error=False).matrix]
    path = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            end = x
            while end < len(row) and row[end]:
                end += 1
            path.append(f"M{x + _QUIET} {y + _QUIET}h{end - x}v1h-{end - x}z")
            x = end
    return Code("".join(path), len(rows) + 2 * _QUIET, url)


def _matched(steps: Sequence[queries.ChainStep], known: Sequence[tuple[str, int]]) -> dict[int, int]:
    """Place in the log of each event the passport lists; both stand in the same order."""
    found: dict[int, int] = {}
    waiting = list(known)
    for step in steps:
        if waiting and waiting[0][0] == step.kind:
            found[step.seq] = waiting.pop(0)[1]
    return found


def _ended(document: Mapping[str, Any], now: datetime) -> bool:
    return now >= datetime.fromisoformat(document["validUntil"])


def _reports(reports: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Each with its days read, and whether its own last day has passed."""
    found = []
    for one in reports:
        until = day_or_none(one.get("validTo"))
        ended = until is not None and until < now.date()
        found.append({**one, "on": day_or_none(one.get("date")), "until": until, "ended": ended})
    return found


def _presented(row: Countersignature, passport: Passport) -> Presented:
    subject = row.content.get("credentialSubject", {})
    return Presented(
        row.display_name,
        subject.get("message") or {},
        f"/passports/{row.stone}/logos/{row.logo_sha256}" if row.logo_sha256 else None,
        subject.get("jewel"),
        row.at,
        row.issuer,
        row.n,
        row.over == passport.sha256,
        f"/passports/{row.stone}/countersignatures/{row.public_id}",
    )


async def _simulated(session: AsyncSession, stone: str) -> bool:
    verdict = await queries.verdict_of(session, stone)
    return verdict is not None and verdict.simulated
