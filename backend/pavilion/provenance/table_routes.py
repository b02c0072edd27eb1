"""The settings of the house and the tables of its rules: what is in force, what became of it, and what shall be."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.canon import read_json, sha256_hex
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, SignedOut
from pavilion.provenance import table_changing, table_queries, table_settings
from pavilion.provenance.house import ALL, shipped_of
from pavilion.provenance.rules import REASON_LEAST, REASON_MOST
from pavilion.provenance.table_forms import TableForm
from pavilion.provenance.table_settings import Change
from pavilion.provenance.table_versions import bytes_in_force
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["provenance"])

TableEditor = Annotated[Actor, may(Permission.TRUST_EDIT)]
WHOLE = tuple(name for name in ALL if name not in (*table_settings.TABLES, "law"))  # changed as a whole
_BASES = tuple(f"base_{name}" for name in table_settings.TABLES)
_FORM = {*table_settings.BY_NAME, *_BASES, "reason", "act"}


@router.get("/staff/settings")
async def settings(request: Request, actor: CurrentActor, session: Reading) -> Response:
    _may_see(actor)
    return await _shown(request, session, actor)


@router.post("/staff/settings")
async def propose(request: Request, actor: CurrentActor, session: Writing, now: Now) -> Response:
    """Looked over first, or proposed: all that differs from what is in force, as one proposal."""
    _may_see(actor)
    said = await _said(request)
    values = {name: text for name, text in said.items() if name in table_settings.BY_NAME}
    bases = {name: said.get(f"base_{name}", "") for name in table_settings.TABLES}
    reason = " ".join(said.get("reason", "").split())
    try:
        if not REASON_LEAST <= len(reason) <= REASON_MOST or not reason.isprintable():
            raise BadInput(fields={"reason": "reason_length"})
        if said.get("act") == "propose":
            await table_changing.propose_settings(session, values, bases, reason=reason, actor=actor, now=now)
            return RedirectResponse("/staff/settings?done=proposed", status_code=303)
        changes = await table_changing.changes_of(session, values, bases, actor)
    except BadInput as fault:
        faults: Any = fault.facts.get("fields", {})
        return await _shown(request, session, actor, said=said, faults=faults, reason=reason)
    return await _shown(request, session, actor, said=said, reason=reason, changes=changes)


@router.get("/staff/settings/tables/{name}")
async def table(request: Request, name: str, actor: CurrentActor, session: Reading) -> Response:
    _may_see(actor)
    return await _table(request, session, name)


@router.post("/staff/settings/tables/{name}")
async def propose_table(
    request: Request,
    name: str,
    said: Annotated[TableForm, Form()],
    actor: TableEditor,
    session: Writing,
    now: Now,
) -> Response:
    if name not in WHOLE:
        raise NotFound()
    document = said.document.replace("\r\n", "\n")
    try:
        await table_changing.propose(session, name, document, reason=said.reason, actor=actor, now=now)
    except BadInput as fault:
        return await _table(request, session, name, faults=fault.facts, typed=document, reason=said.reason)
    return RedirectResponse(f"/staff/settings/tables/{name}?done=proposed", status_code=303)


def _may_see(actor: Actor) -> None:
    if not actor.signed_in:
        raise SignedOut()
    if not (actor.may(Permission.ORIGIN_SEE) or actor.may(Permission.SETTING_EDIT)):
        raise NotAllowed(right=Permission.SETTING_EDIT.value)


async def _said(request: Request) -> dict[str, str]:
    """The form's fields, each once and each known."""
    form = await request.form(max_fields=len(_FORM), max_files=0)
    found = {name: text for name, text in form.multi_items() if isinstance(text, str)}
    if len(found) != len(form.multi_items()) or found.keys() - _FORM or any(len(t) > 4_000 for t in found.values()):
        raise BadInput(fields={"reason": "bad_input"})
    return found


async def _shown(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    *,
    said: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    reason: str = "",
    changes: list[Change] | None = None,
) -> Response:
    figures, bases = await table_changing.figures_in_force(session)
    defaults: dict[str, Any] = {}
    for name in table_settings.TABLES:
        defaults |= read_json(shipped_of(name))[name]
    hashes = {name: sha256_hex(await bytes_in_force(session, name)) for name in ("law", *WHOLE)}
    trusted, setting = actor.may(Permission.TRUST_EDIT), actor.may(Permission.SETTING_EDIT)
    return page(
        request,
        "provenance/settings.html",
        status_code=422 if faults else 200,
        groups=[(g, [s for s in table_settings.SETTINGS if s.group == g]) for g in table_settings.GROUPS],
        figures=figures,
        defaults=defaults,
        bases=bases,
        hashes=hashes,
        mine=[name for name in table_settings.TABLES if trusted or (setting and name == "house")],
        typed=said or {},
        faults=faults or {},
        reason=reason,
        changes=changes,
        lines=await table_queries.history(session, ALL),
        done=request.query_params.get("done", "")[:12],
    )


async def _table(
    request: Request,
    session: AsyncSession,
    name: str,
    *,
    faults: Mapping[str, Any] | None = None,
    typed: str = "",
    reason: str = "",
) -> Response:
    if name not in WHOLE:
        raise NotFound()
    raw = await bytes_in_force(session, name)
    return page(
        request,
        "provenance/table.html",
        status_code=422 if faults else 200,
        name=name,
        sha256=sha256_hex(raw),
        document=typed or raw.decode(),
        reason=reason,
        faults=(faults or {}).get("fields", {}),
        why=(faults or {}).get("fault", ""),
        lines=await table_queries.history(session, [name]),
        done=request.query_params.get("done", "")[:12],
    )
