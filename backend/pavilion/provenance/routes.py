"""The queue of stones whose origin is in doubt: look, decide, ask the registry again."""

import json
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.provenance import external, passport_queries, queries, service
from pavilion.provenance.external import LONGEST
from pavilion.provenance.findings import VerdictCode
from pavilion.provenance.forms import DecisionForm
from pavilion.provenance.journey import Sees
from pavilion.provenance.passport_showing import journey_of
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.rules import CODES
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page, with_query

router = APIRouter(tags=["provenance"])

OriginReader = Annotated[Actor, may(Permission.ORIGIN_SEE)]
OriginDecider = Annotated[Actor, may(Permission.ORIGIN_DECIDE)]


class RegistryNotConnected(Refusal):
    """The registry that this stone's origin id belongs to is not connected to this house."""

    status, code = 409, "registry_not_connected"


@router.get("/staff/exceptions")
async def exceptions(
    request: Request,
    actor: OriginReader,
    session: Reading,
    verdict: str | None = None,
    code: str | None = None,
    name: str | None = None,
    after: str | None = None,
) -> Response:
    verdict = verdict if verdict in set(queries.QUEUE) else None
    code = code if code in CODES else None
    name = name.strip()[:LONGEST].replace("\0", "") or None if name else None
    found = await queries.exceptions(
        session, verdict=verdict, code=code, name=name, after=after[:80] if after else None
    )
    asked = {"verdict": verdict, "code": code, "name": name}
    following = with_query(request.url.path, **asked, after=found.after) if found.after else None
    return page(
        request,
        "provenance/exceptions.html",
        rows=found.rows,
        counts=await queries.counts(session),
        verdict=verdict,
        code=code,
        codes=CODES,
        name=name,
        following=following,
        first=after is None,
    )


@router.get("/staff/exceptions/{stone}")
async def exception(request: Request, stone: str, actor: OriginReader, session: Reading) -> Response:
    return await _shown(request, session, stone)


@router.get("/staff/exceptions/{stone}/documents/{sha256}")
async def document(stone: str, sha256: str, actor: OriginReader, session: Reading) -> Response:
    """A verdict, or what it rests on, byte for byte: its SHA-256 is its name."""
    found = await queries.document_named(session, stone, sha256)
    if found is None:
        raise NotFound()
    headers = {
        "Content-Disposition": f'attachment; filename="{sha256[:16]}.json"',
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(found.encode(), media_type="application/json", headers=headers)


@router.post("/staff/exceptions/{stone}/decision")
async def decide(
    request: Request,
    stone: str,
    said: Annotated[DecisionForm, Form()],
    actor: OriginDecider,
    session: Writing,
    now: Now,
) -> Response:
    try:
        await service.decide_review(
            session,
            stone=stone,
            accept=said.word == "accept",
            codes=said.codes,
            reason=said.reason,
            actor=actor,
            now=now,
            log=request.app.state.log_signer,
        )
    except BadInput as fault:
        return await _shown(request, session, stone, status_code=422, faults=fault.fields, reason=said.reason)
    return RedirectResponse(f"/staff/exceptions/{stone}?done=decided", status_code=303)


@router.post("/staff/exceptions/{stone}/confirmation")
async def confirm_again(
    request: Request, stone: str, actor: OriginDecider, reading: Reading, session: Writing, now: Now
) -> Response:
    """The registry is asked before the writing session is first used: no transaction waits for it."""
    standing = await queries.standing(reading, stone)
    if standing is None:
        raise NotFound()
    claim = await queries.claim_of(reading, stone)
    assert claim is not None
    registries: Registries = request.app.state.registries
    if claim.origin_registry not in registries.names:
        raise RegistryNotConnected(registry=claim.origin_registry)
    log = request.app.state.log_signer
    dossiers = await service.ask([claim], registries, now)
    await request.app.state.settle(session, dossiers=dossiers, now=now, log=log)
    return RedirectResponse(f"/staff/exceptions/{stone}?done=asked", status_code=303)


async def _shown(
    request: Request,
    session: AsyncSession,
    stone: str,
    *,
    status_code: int = 200,
    faults: object = None,
    reason: str = "",
) -> Response:
    verdict = await queries.verdict_of(session, stone)
    if verdict is None:
        raise NotFound()
    decisions = await queries.decisions_of(session, stone)
    passport = await passport_queries.latest(session, stone)
    held = [finding["code"] for finding in verdict.findings if finding["severity"] == "hold"]
    return page(
        request,
        "provenance/exception.html",
        status_code=status_code,
        verdict=verdict,
        claim=verdict.claim,
        lines=queries.rule_by_rule(verdict, inside=True),
        journey=await journey_of(session, stone, Sees.INSIDE),
        passport=passport,
        standing=None if passport is None else await passport_queries.standing_of(session, passport),
        compared=await queries.typed_and_told(session, verdict),
        external=await external.of_stone(session, stone),
        answers=await queries.answers_of(session, stone),
        history=[(one, json.loads(one.document)) for one in await queries.history_of(session, stone)],
        decisions=decisions,
        deciders=await queries.deciders_of(session, decisions),
        exposed=await queries.is_exposed(session, stone),
        held=held,
        in_review=verdict.verdict == VerdictCode.REVIEW,
        acceptable=not any(code.startswith("RG-") for code in held),
        faults=faults or {},
        reason=reason,
    )
