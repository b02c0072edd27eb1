"""The private view of a passport, and the links by which its holder shows chosen parts of it."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.events import record
from pavilion.kernel.ids import ulid
from pavilion.kernel.instants import micros
from pavilion.provenance import hosted, passport_keys, passport_queries, passport_sources, sdjwt
from pavilion.provenance.hosted import Hosted
from pavilion.provenance.passport_facts import Step
from pavilion.provenance.passport_models import Passport, PrivateView, Share, ShareOpening
from pavilion.provenance.proofs import Secret

PRIVATE = (
    *("cutter_name", "cutter_years", "plant", "rough_mct", "rough_scan", "kp_numbers", "intermediaries"),
    *("invoice_numbers", "mine_coordinates", "owner_history"),
)
MOST_DAYS, MOST_USES, MOST_NOTE = 90, 100, 120
MOST_LINKS = 50  # of one company for one stone that still work
_MOVES = ("SOLD_ROUGH", "SOLD", "TRANSFERRED")


class LinkEnded(Refusal):
    """The link was opened as often as it may be, its time is over, or its maker ended it."""

    status, code = 410, "share_ended"


class Opened(NamedTuple):
    """What whoever opened a link is shown, and the presentation that proves it."""

    passport: Passport
    claims: Mapping[str, Any]
    presentation: str
    by: str  # name of the company that shares


async def viewed(
    session: AsyncSession, *, passport: Passport, company_id: int, did: str, seed: Secret, hosting: bytes, now: datetime
) -> PrivateView:
    """The company's private view of this version stands, issued to its key. `seed` is the house's for passports,
    `hosting` the one from which the keys follow that it keeps for companies."""
    name = (passport.stone, passport.n, company_id)
    if (kept := await session.get(PrivateView, name)) is not None:
        return kept
    await one_at_a_time(session, f"private view {name}")
    if (kept := await session.get(PrivateView, name)) is not None:
        return kept
    holder = await hosted.of_company(session, company_id, did=did, seed=hosting, now=now)
    signer = await passport_keys.current(session, did, seed, now)
    steps = (await passport_sources.steps_of(session, [passport.stone])).get(passport.stone, [])
    text = sdjwt.issue(open_claims(passport, now), private_claims(steps), signer, holder=holder.signer.public)
    kept = PrivateView(stone=passport.stone, n=passport.n, company_id=company_id, sd_jwt=text, at=now)
    session.add(kept)
    record(session, "passport:viewed_privately", passport.stone, by="passports", at=now, n=passport.n)
    await session.flush()
    return kept


async def share(
    session: AsyncSession,
    *,
    view: PrivateView,
    claims: Sequence[str],
    days: int,
    uses: int,
    note: str,
    by: str,
    now: datetime,
) -> tuple[Share, str]:
    """A link stands that shows these claims; the token that opens it is told once."""
    faults = {}
    if not set(claims) <= set(sdjwt.names_in(view.sd_jwt)) or len(set(claims)) != len(claims):
        faults["claims"] = "bad_input"
    if not 1 <= days <= MOST_DAYS:
        faults["days"] = "bad_input"
    if not 1 <= uses <= MOST_USES:
        faults["uses"] = "bad_input"
    if len(note) > MOST_NOTE:
        faults["note"] = "bad_input"
    if faults:
        raise BadInput(fields=faults)
    made = await shares_of(session, view.stone, view.company_id)
    if sum(1 for one in made if is_open(one, now)) >= MOST_LINKS:
        raise BadInput(fields={"claims": "too_many_links"})
    token = secrets.token_urlsafe(32)
    row = Share(
        public_id=ulid(now),
        token_sha256=_sha256(token),
        stone=view.stone,
        n=view.n,
        company_id=view.company_id,
        claims=list(claims),
        note=note,
        most_uses=uses,
        uses=0,
        expires_at=now + timedelta(days=days),
        made_by=by,
        made_at=now,
    )
    session.add(row)
    record(session, "passport:shared", view.stone, by=by, at=now, share=row.public_id, claims=list(claims))
    await session.flush()
    return row, token


async def end(session: AsyncSession, *, stone: str, company_id: int, public_id: str, by: str, now: datetime) -> None:
    """The link opens nothing any more."""
    wanted = select(Share).where(Share.public_id == public_id, Share.stone == stone, Share.company_id == company_id)
    row = await session.scalar(wanted.with_for_update())
    if row is None:
        raise NotFound()
    if row.ended_at is None:
        row.ended_at = now
        record(session, "passport:share_ended", stone, by=by, at=now, share=public_id)


async def behind(session: AsyncSession, token: str, now: datetime, *, lock: bool = False) -> Share:
    """The share of a link that still works."""
    wanted = select(Share).where(Share.token_sha256 == _sha256(token))
    if lock:  # also what this session read before is read anew: others may have opened the link meanwhile
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    row = await session.scalar(wanted)
    if row is None:
        raise NotFound()
    if not is_open(row, now):
        raise LinkEnded()
    return row


async def open_link(
    session: AsyncSession,
    *,
    token: str,
    person: str | None,
    browser: str,
    audience: str,
    nonce: str,
    did: str,
    hosting: bytes,
    now: datetime,
) -> Opened:
    """One use is spent, its holder can see when and by whom, and the chosen claims are shown."""
    row = await behind(session, token, now, lock=True)
    passport = await passport_queries.version(session, row.stone, row.n)
    view = await session.get(PrivateView, (row.stone, row.n, row.company_id))
    assert passport is not None and view is not None
    row.uses += 1
    session.add(ShareOpening(share_id=row.id, person=person, browser=browser[:200], at=now))
    record(session, "passport:share_opened", row.stone, by=person, at=now, share=row.public_id, use=row.uses)
    holder: Hosted = await hosted.of_company(session, row.company_id, did=did, seed=hosting, now=now)
    text = sdjwt.present(view.sd_jwt, row.claims, holder.signer, audience=audience, nonce=nonce, now=now)
    disclosed = sdjwt.disclosed_in(text)
    await session.flush()
    return Opened(passport, {name: disclosed[name] for name in PRIVATE if name in disclosed}, text, holder.name)


async def shares_of(session: AsyncSession, stone: str, company_id: int) -> Sequence[Share]:
    """The company's links for a stone, the newest first."""
    wanted = select(Share).where(Share.stone == stone, Share.company_id == company_id).order_by(Share.id.desc())
    return (await session.scalars(wanted.limit(200))).all()


async def openings_of(session: AsyncSession, shares: Sequence[Share]) -> dict[int, list[ShareOpening]]:
    """Who opened each link, the first first."""
    wanted = select(ShareOpening).where(ShareOpening.share_id.in_([one.id for one in shares]))
    found: dict[int, list[ShareOpening]] = {one.id: [] for one in shares}
    for row in await session.scalars(wanted.order_by(ShareOpening.id)):
        found[row.share_id].append(row)
    return found


async def offered(session: AsyncSession, stone: str) -> dict[str, Any]:
    """What the holder could show, with its contents."""
    return private_claims((await passport_sources.steps_of(session, [stone])).get(stone, []))


async def openers_of(session: AsyncSession, shares: Sequence[Share]) -> dict[str, str]:
    """The names of the people who opened these links signed in, with their companies."""
    wanted = (
        select(Person.public_id, Person.name, Company.name)
        .join(ShareOpening, ShareOpening.person == Person.public_id)
        .outerjoin(Company, Company.id == Person.company_id)
        .where(ShareOpening.share_id.in_([one.id for one in shares]))
    )
    rows = await session.execute(wanted)
    return {person: f"{name}, {company}" if company else name for person, name, company in rows}


def is_open(row: Share, now: datetime) -> bool:
    return row.ended_at is None and now < row.expires_at and row.uses < row.most_uses


def open_claims(passport: Passport, now: datetime) -> dict[str, Any]:
    """What every presentation tells: which stone, what the verdict is, and where it stands in status list and log.
    `iat` is when this view is signed: by it a verifier asks whether the key was good then."""
    content = passport.content
    subject = content["credentialSubject"]
    origin = subject["stone:origin"]
    return {
        "iss": content["issuer"]["id"],
        "iat": micros(now) // 1_000_000,
        "vct": content["@context"][-1],
        "sub": subject["id"],
        "verdict": origin["verdict"],
        "grade": origin["grade"],
        "version": passport.n,
        "passport": f"sha256:{passport.sha256}",
        "status": content["credentialStatus"],
        "log": subject["stone:log"],
    }


def private_claims(steps: Sequence[Step]) -> dict[str, Any]:
    """What the chain tells beyond the public passport; what it does not hold is not claimed."""
    nothing: Mapping[str, Any] = {}
    mined = next((step.body for step in steps if step.kind == "MINED"), nothing)
    made = next((step.body for step in reversed(steps) if step.kind in ("POLISHED", "RECUT")), nothing)
    cutter = made["cutter"] if isinstance(made.get("cutter"), Mapping) else nothing
    moves = [step.body for step in steps if step.kind in _MOVES]
    ends = {mined.get("by"), made.get("by")}
    owners = [{"party": one["to"], "from": str(one["at"])[:10], "by": one["t"]} for one in moves if one.get("to")]
    told = {
        "cutter_name": cutter.get("name"),
        "cutter_years": cutter.get("years"),
        "plant": made.get("plant"),
        "rough_mct": sum((mined.get("out") or {}).values()) or None,
        "rough_scan": mined.get("scan"),
        "kp_numbers": sorted({str(s.body["kp"]["no"]) for s in steps if isinstance(s.body.get("kp"), Mapping)}),
        "intermediaries": sorted({str(one["to"]) for one in moves if one.get("to")} - ends),
        "invoice_numbers": [str(one["invoice"]) for one in moves if one.get("invoice")],
        "mine_coordinates": mined.get("geo"),
        "owner_history": owners,
    }
    return {name: value for name, value in told.items() if value not in (None, [], "")}


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
