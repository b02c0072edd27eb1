"""Passports over HTTP: one address, and the form the reader asks for. The signed forms need nobody to be signed in."""

from datetime import datetime
from typing import Annotated

import anyio
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.ids import is_ulid
from pavilion.provenance import (
    holders,
    log_queries,
    passport_hands,
    passport_pdf,
    passport_queries,
    passport_showing,
    sharing,
    standing,
    video_making,
)
from pavilion.provenance.journey import Sees
from pavilion.provenance.linkset import linkset_of
from pavilion.provenance.negotiating import PDF, SD_JWT, VC, VC_JWT, form_of
from pavilion.provenance.negotiating import Form as Shape
from pavilion.provenance.passport_answers import PassportTold
from pavilion.provenance.passport_models import Passport
from pavilion.provenance.passport_showing import Portrait
from pavilion.provenance.presenting_forms import RevocationForm
from pavilion.provenance.rules import REASON_LEAST
from pavilion.provenance.table_versions import ever_listed
from pavilion.webkit import limits
from pavilion.webkit.answers import PublicId, answers
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page
from pavilion.webkit.i18n import Lang

router = APIRouter(tags=["passports"])

Revoker = Annotated[Actor, may(Permission.ORIGIN_DECIDE)]
LINKSET = "application/linkset+json"
PAPERS_PER_MINUTE = 30
FOREVER = "public, max-age=31536000, immutable"
OPEN = {"Access-Control-Allow-Origin": "*"}  # signed documents say the same to everybody


class NotYetProved(Refusal):
    """The witnesses have not yet seen a checkpoint that covers this passport."""

    status, code = 404, "proof_not_yet"


@router.get("/passports/{stone}/proof")
async def proof(stone: str, actor: CurrentActor, request: Request, session: Reading, n: int | None = None) -> Response:
    """The passport's place in the public log, with the witnesses' signatures."""
    found = await _visible(request, session, actor, stone, n)
    text = None if found.log_index is None else await log_queries.proof(session, found.log_index)
    if text is None:
        raise NotYetProved()
    headers = {
        "Content-Disposition": f'attachment; filename="{stone}-{found.n}.tlog-proof"',
        "Cache-Control": "no-cache",
    }
    return Response(text.encode(), media_type="text/plain; charset=utf-8", headers=headers | OPEN)


@router.get("/passports/{stone}")
async def newest(request: Request, stone: str, actor: CurrentActor, session: Reading, now: Now) -> Response:
    found = await _visible(request, session, actor, stone, None)
    return await _in_form(request, session, actor, found, now, fixed=False)


@router.get("/passports/{stone}/{n:int}")
async def one_version(
    request: Request, stone: str, n: int, actor: CurrentActor, session: Reading, now: Now
) -> Response:
    found = await _visible(request, session, actor, stone, n)
    return await _in_form(request, session, actor, found, now, fixed=True)


@router.get("/id/stone/{stone}")
async def resolver(
    request: Request, stone: str, actor: CurrentActor, session: Reading, now: Now, linkType: str | None = None
) -> Response:
    """Where everything about a stone is found: a set of links for programs, the passport in any form for others."""
    found = await _visible(request, session, actor, stone, None)
    if linkType == "linkset" or LINKSET in request.headers.get("accept", ""):
        links = linkset_of(_base(request), found.content)
        return JSONResponse(links, media_type=LINKSET, headers={"Vary": "Accept", **OPEN})
    return await _in_form(request, session, actor, found, now, fixed=False)


@router.get("/01/{gtin}/21/{stone}")
async def digital_link(gtin: str, stone: str, request: Request) -> Response:
    """A GS1 Digital Link whose serial number is the stone's id."""
    if not is_ulid(stone) or not gtin.isdecimal() or len(gtin) != 14:
        raise NotFound()
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/id/stone/{stone}{query}", status_code=307)


@router.get("/api/v1/stones/{stone}/passport", responses=answers({200: PassportTold}), tags=["stones"])
async def for_programs(request: Request, stone: PublicId, actor: CurrentActor, session: Reading) -> Response:
    """Which versions there are, how the newest stands, and where each form of it is."""
    found = await _visible(request, session, actor, stone, None)
    standing = await passport_queries.standing_of(session, found)
    versions = await passport_queries.versions(session, stone)
    own = f"{_base(request)}/passports/{stone}"
    answer = {
        "stone": stone,
        "n": found.n,
        "state": standing.state,
        "sha256": found.sha256,
        "facts_hash": found.facts_hash,
        "verdict_sha256": found.verdict_sha256,
        "issued_at": found.issued_at.isoformat(),
        "versions": [
            {"n": one.n, "sha256": one.sha256, "issued_at": one.issued_at.isoformat(), "url": f"{own}/{one.n}"}
            for one in versions
        ],
        "links": {
            "document": f"{own}/{found.n}?as=json",
            "jwt": f"{own}/{found.n}?as=jwt",
            "pdf": f"{own}/{found.n}?as=pdf",
            "proof": f"{own}/proof",
            "bundle": f"{own}/bundle",
        },
    }
    return JSONResponse(answer, headers={"Cache-Control": "private, no-cache"})


@router.post("/staff/passports/{stone}/revocation")
async def revoke(
    request: Request, stone: str, said: Annotated[RevocationForm, Form()], actor: Revoker, session: Writing, now: Now
) -> Response:
    """All versions issued so far are revoked, by one person of compliance, with the reason."""
    assert actor.public_id is not None
    if len(said.reason.strip()) < REASON_LEAST:
        raise BadInput(fields={"reason": "bad_input"})
    did = request.app.state.settings.house_did
    await standing.revoke(session, did, stone=stone, reason=said.reason.strip(), by=actor.public_id, now=now)
    return RedirectResponse(f"/staff/exceptions/{stone}?done=revoked", status_code=303)


async def _in_form(
    request: Request, session: AsyncSession, actor: Actor, found: Passport, now: datetime, *, fixed: bool
) -> Response:
    form = form_of(request.headers.get("accept", ""), request.query_params.get("as"))
    if form is Shape.JSON:
        return _signed(request, found, found.document.encode(), VC, found.sha256, fixed)
    if form is Shape.JWT:
        return _signed(request, found, found.jwt.encode(), VC_JWT, f"{found.sha256}.jwt", fixed)
    holds = await holders.may_present(session, actor, found.stone, holders.of_app(request.app))
    if form is Shape.SD_JWT:
        if not holds:
            raise NotFound()
        company = actor.company_id
        assert company is not None
        text = await _private(request, found, company, now)
        headers = {"Cache-Control": "private, no-store", "Vary": "Accept, Cookie"}
        return Response(text, media_type=SD_JWT, headers=headers)
    if form is Shape.PDF:
        await limits.take(request, "passport-paper", per_minute=PAPERS_PER_MINUTE)
        return await _paper(request, session, found, now)
    portrait = await _portrait(request, session, found, language(request))
    facts = await passport_showing.page_facts(
        session,
        found,
        sees=passport_showing.sees_of(actor, holder=holds),
        now=now,
        base=_base(request),
        portrait=portrait,
    )
    film_waits = await video_making.is_coming(session, found.stone)
    answer = page(request, "provenance/passport.html", **facts, holds=holds, film_waits=film_waits)
    answer.headers["Vary"] = "Accept, Accept-Language, Cookie"
    if found.n < facts["standing"].newest:
        answer.headers["Link"] = f'</passports/{found.stone}>; rel="latest-version"'
    return answer


async def _private(request: Request, found: Passport, company: int, now: datetime) -> str:
    state = request.app.state
    seed, hosting = passport_hands.of(state.settings), bytes.fromhex(state.settings.data_key.get_secret_value())
    assert seed is not None
    async with state.sessions.begin() as session:
        view = await sharing.viewed(
            session,
            passport=found,
            company_id=company,
            did=state.settings.house_did,
            seed=seed,
            hosting=hosting,
            now=now,
        )
        return view.sd_jwt


async def _paper(request: Request, session: AsyncSession, found: Passport, now: datetime) -> Response:
    """A paper is handed on: it says what anyone may know, whoever asks for it, and not where the stone lies today."""
    said = request.query_params.get("lang")
    lang: Lang = "zh" if said == "zh" else "en" if said == "en" else language(request)
    portrait = await _portrait(request, session, found, lang)
    facts = await passport_showing.page_facts(
        session,
        found,
        sees=Sees.PUBLIC,
        now=now,
        base=_base(request),
        portrait=None if portrait is None else portrait._replace(here=None),
    )
    index = found.log_index
    text = None if index is None else await log_queries.proof(session, index, reaching=index + 1)
    pages = request.app.state.pages
    data = await anyio.to_thread.run_sync(lambda: passport_pdf.render(pages, facts, lang, proof=text))
    name = f"{found.stone}-{found.n}-{lang}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"', "Vary": "Accept, Accept-Language, Cookie"}
    return Response(data, media_type=PDF, headers={**headers, "Cache-Control": "private, no-cache"})


async def _portrait(request: Request, session: AsyncSession, found: Passport, lang: Lang) -> Portrait | None:
    portraits: passport_showing.Portraits | None = getattr(request.app.state, "portraits", None)
    return None if portraits is None else await portraits(session, found.stone, lang)


def _signed(request: Request, found: Passport, data: bytes, media: str, tag: str, fixed: bool) -> Response:
    """The bytes as they were signed; whoever has them already is told so."""
    headers = {"ETag": f'"{tag}"', "Vary": "Accept", "Cache-Control": FOREVER if fixed else "public, no-cache", **OPEN}
    headers["Link"] = (
        f'</passports/{found.stone}>; rel="latest-version", </passports/{found.stone}/{found.n}>; rel="canonical"'
    )
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    suffix = "jwt" if media == VC_JWT else "json"
    headers["Content-Disposition"] = f'inline; filename="{found.stone}-{found.n}.{suffix}"'
    return Response(data, media_type=media, headers=headers)


async def _visible(request: Request, session: AsyncSession, actor: Actor, stone: str, n: int | None) -> Passport:
    """Stones that may be or once might be seen by all; of others only those who hold them and who judges origins."""
    found = await passport_queries.named(session, stone, n)
    if found is None:
        raise NotFound()
    grade = found.content["credentialSubject"]["stone:origin"]["grade"]
    if grade in await ever_listed(session) or actor.may(Permission.ORIGIN_SEE):
        return found
    if await holders.may_present(session, actor, stone, holders.of_app(request.app)):
        return found
    raise NotFound()


def _base(request: Request) -> str:
    base: str = request.app.state.settings.public_url.rstrip("/")
    return base
