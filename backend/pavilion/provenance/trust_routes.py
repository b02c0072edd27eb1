"""The trust table: look, propose, stop."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.provenance import trust_queries, trust_reach, trusting
from pavilion.provenance.facts import KINDS
from pavilion.provenance.table_versions import house_in_force
from pavilion.provenance.trust_forms import KeyForm, ReasonForm, RevocationForm, RowForm
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["provenance"])

TrustReader = Annotated[Actor, may(Permission.ORIGIN_SEE)]
TrustEditor = Annotated[Actor, may(Permission.TRUST_EDIT)]
PROPOSED = "/staff/trust?done=proposed"


@router.get("/staff/trust")
async def table(request: Request, actor: TrustReader, session: Reading, now: Now) -> Response:
    return await _shown(request, session, now)


@router.post("/staff/trust/rows")
async def add_row(request: Request, actor: TrustEditor, session: Writing, now: Now) -> Response:
    form = await request.form()
    said: dict[str, Any] = {name: form[name] for name in form if name != "types"}
    said["types"] = form.getlist("types")
    try:
        row = RowForm.model_validate(said)
    except ValidationError as fault:
        return await _shown(request, session, now, faults=_fields(fault), row=said)
    await trusting.propose_row(session, row, actor=actor, now=now)
    return RedirectResponse(PROPOSED, status_code=303)


@router.get("/staff/trust/rows/{row}")
async def one_row(request: Request, row: str, actor: TrustReader, session: Reading, now: Now) -> Response:
    """The row with its deeds, and how many stones and lots hang on it, before and after an act."""
    found = await trust_queries.one(session, row, now)
    lots_with = request.app.state.lots_with
    return page(
        request,
        "provenance/trust_row.html",
        one=found,
        table=await trust_queries.shown(session, now),
        stop_hours=(await house_in_force(session)).stop_hours,
        reach=await trust_reach.reach(session, found.row.issuer, found.row.types, lots_with),
        done=request.query_params.get("done", "")[:12],
    )


@router.post("/staff/trust/rows/{row}/removal")
async def remove_row(
    request: Request, row: str, said: Annotated[ReasonForm, Form()], actor: TrustEditor, session: Writing, now: Now
) -> Response:
    lots_with = request.app.state.lots_with
    await trusting.propose_removal(session, row, reason=said.reason, actor=actor, lots_with=lots_with, now=now)
    return RedirectResponse(f"/staff/trust/rows/{row}?done=proposed", status_code=303)


@router.post("/staff/trust/rows/{row}/resumption")
async def resume_row(
    request: Request, row: str, said: Annotated[ReasonForm, Form()], actor: TrustEditor, session: Writing, now: Now
) -> Response:
    lots_with = request.app.state.lots_with
    await trusting.propose_resumption(session, row, reason=said.reason, actor=actor, lots_with=lots_with, now=now)
    return RedirectResponse(f"/staff/trust/rows/{row}?done=proposed", status_code=303)


@router.post("/staff/trust/rows/{row}/stop")
async def stop_row(
    request: Request, row: str, said: Annotated[ReasonForm, Form()], actor: TrustEditor, session: Writing, now: Now
) -> Response:
    house = request.app.state.settings.house_did
    await trusting.stop(session, row, reason=said.reason, actor=actor, house=house, now=now)
    return RedirectResponse(f"/staff/trust/rows/{row}?done=stopped", status_code=303)


@router.post("/staff/trust/keys")
async def add_key(request: Request, actor: TrustEditor, session: Writing, now: Now) -> Response:
    form = await request.form()
    said = {name: form[name] for name in form}
    try:
        key = KeyForm.model_validate(said)
    except ValidationError as fault:
        return await _shown(request, session, now, key_faults=_fields(fault), key=said)
    await trusting.propose_key(session, key, actor=actor, now=now)
    return RedirectResponse(PROPOSED, status_code=303)


@router.post("/staff/trust/keys/{party}/{number}/revocation")
async def revoke_key(
    party: str, number: int, said: Annotated[RevocationForm, Form()], actor: TrustEditor, session: Writing, now: Now
) -> Response:
    await trusting.propose_revocation(session, f"{party}#{number}", said, actor=actor, now=now)
    return RedirectResponse(PROPOSED, status_code=303)


def _fields(fault: ValidationError) -> dict[str, str]:
    """Each field that is wrong, by name; one that concerns the whole form stands at its last day."""
    names = {str(error["loc"][0]) if error["loc"] else "end" for error in fault.errors()}
    return {name: f"trust_{name}" for name in names}


async def _shown(
    request: Request,
    session: AsyncSession,
    now: datetime,
    *,
    faults: dict[str, str] | None = None,
    key_faults: dict[str, str] | None = None,
    row: dict[str, Any] | None = None,
    key: dict[str, Any] | None = None,
) -> Response:
    return page(
        request,
        "provenance/trust.html",
        status_code=422 if faults or key_faults else 200,
        table=await trust_queries.shown(session, now),
        kinds=sorted(KINDS),
        faults=faults or {},
        key_faults=key_faults or {},
        row_said=row or {},
        key=key or {},
        stop_hours=(await house_in_force(session)).stop_hours,
        done=request.query_params.get("done", "")[:12],
        today=now.date().isoformat(),
    )
