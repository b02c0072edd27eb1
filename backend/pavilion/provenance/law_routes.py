"""Words while they are typed, where a stone may be sold, and the law table."""

import json
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.canon import sha256_hex
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.provenance import eligibility, law_changing, queries, table_changing
from pavilion.provenance.eligibility import Closed
from pavilion.provenance.law_forms import GrandfatherForm, LawForm, LintForm
from pavilion.provenance.table_models import TableVersion
from pavilion.provenance.table_versions import law_in_force, tables_in_force
from pavilion.provenance.words import lint
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page, sentence
from pavilion.webkit.refusals import wants_json

router = APIRouter(tags=["provenance"])

Staff = Annotated[Actor, may(Permission.STAFF_SEE)]
LawReader = Annotated[Actor, may(Permission.ORIGIN_SEE)]
LawEditor = Annotated[Actor, may(Permission.TRUST_EDIT)]
Decider = Annotated[Actor, may(Permission.ORIGIN_DECIDE)]
Destination = Annotated[str, Query(alias="dest", pattern=r"^[A-Z]{2}$")]


@router.post("/staff/lint")
async def look_through(request: Request, said: LintForm, actor: Staff) -> JSONResponse:
    """Each refused wording with its place, the sentence of its rule and what may stand instead."""
    found = [
        {
            "start": one.start,
            "end": one.end,
            "rule": one.rule,
            "code": one.code,
            "found": one.found,
            "suggestion": one.suggestion,
            "sentence": sentence(request, one.code),
        }
        for one in lint(said.text, said.lang, said.clarity)
    ]
    return JSONResponse({"findings": found})


@router.get("/stones/{stone}/eligibility")
async def stone_eligibility(
    request: Request,
    stone: str,
    actor: CurrentActor,
    session: Reading,
    now: Now,
    dest: Destination = "",
    on: Annotated[date | None, Query()] = None,
) -> Response:
    """ELIGIBLE, or the rules that close the destination to this stone on that day, each with its source."""
    if not await queries.is_exposed(session, stone) and not actor.may(Permission.ORIGIN_SEE):
        raise NotFound()
    if await queries.verdict_of(session, stone) is None:
        raise NotFound()
    day = on or now.date()
    found = await eligibility.of_stone(session, stone, dest, day) if dest else None
    if wants_json(request):
        return JSONResponse(_document(request, stone, dest, day, found or ()))
    tables = await tables_in_force(session)
    return page(
        request,
        "provenance/eligibility.html",
        stone=stone,
        dest=dest,
        on=day.isoformat(),
        found=found,
        law=tables.sha256["law"],
        done=request.query_params.get("done", "")[:12],
    )


def _document(request: Request, stone: str, dest: str, day: date, found: tuple[Closed, ...]) -> dict[str, Any]:
    rules = [
        {"code": one.code, "entry": one.entry, "source": one.source, "detail": sentence(request, f"closed_{one.code}")}
        for one in found
    ]
    answer = "INELIGIBLE" if found or not dest else "ELIGIBLE"
    return {"stone": stone, "destination": dest, "day": day.isoformat(), "answer": answer, "rules": rules}


@router.get("/staff/law")
async def table(request: Request, actor: LawReader, session: Reading, now: Now) -> Response:
    return await _shown(request, session, now)


@router.post("/staff/law")
async def change(
    request: Request, said: Annotated[LawForm, Form()], actor: LawEditor, session: Writing, now: Now
) -> Response:
    try:
        await table_changing.propose(
            session, "law", said.document.replace("\r\n", "\n"), reason=said.reason, actor=actor, now=now
        )
    except BadInput as fault:
        return await _shown(request, session, now, faults=fault.facts, typed=said.document, reason=said.reason)
    return RedirectResponse("/staff/law?done=proposed", status_code=303)


@router.post("/staff/law/grandfathering/{stone}")
async def grandfather(
    stone: str, said: Annotated[GrandfatherForm, Form()], actor: Decider, session: Writing, now: Now
) -> Response:
    await law_changing.claim_grandfather(session, stone, said, actor=actor, now=now)
    return RedirectResponse(f"/stones/{stone}/eligibility?done=claimed", status_code=303)


async def _shown(
    request: Request,
    session: AsyncSession,
    now: datetime,
    *,
    faults: dict[str, object] | None = None,
    typed: str = "",
    reason: str = "",
) -> Response:
    raw = await law_in_force(session)
    versions = (
        await session.scalars(
            select(TableVersion).where(TableVersion.name == "law").order_by(TableVersion.id.desc()).limit(50)
        )
    ).all()
    return page(
        request,
        "provenance/law.html",
        status_code=422 if faults else 200,
        law=json.loads(raw),
        sha256=sha256_hex(raw),
        versions=versions,
        document=typed or raw.decode(),
        reason=reason,
        faults=(faults or {}).get("fields", {}),
        why=(faults or {}).get("fault", ""),
        today=now.date().isoformat(),
        done=request.query_params.get("done", "")[:12],
    )
