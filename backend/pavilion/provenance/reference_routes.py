"""Papers of others about a stone: its holder and the house name them, everyone reads them in the passport."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.provenance import holders, passport_queries, references, reverifying
from pavilion.provenance.passport_models import Passport, ReferenceKind
from pavilion.provenance.presenting_forms import ReferenceForm
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["references"])


@router.get("/passports/{stone}/references")
async def papers(request: Request, stone: str, actor: SignedInActor, session: Reading) -> Response:
    return await _shown(request, session, await _kept_by(request, session, actor, stone))


@router.post("/passports/{stone}/references")
async def add(
    request: Request,
    stone: str,
    said: Annotated[ReferenceForm, Form()],
    actor: SignedInActor,
    session: Writing,
    now: Now,
) -> Response:
    """The paper stands beside the stone, and its origin is judged again with it."""
    found = await _kept_by(request, session, actor, stone)
    assert actor.public_id is not None
    try:
        await references.add(session, stone=stone, paper=said.paper(), data=None, by=actor.public_id, now=now)
    except BadInput as fault:
        return await _shown(request, session, found, said=said, faults=fault.facts["fields"], status_code=422)
    await reverifying.mark(session, [stone], why="reference", now=now)
    return RedirectResponse(f"/passports/{stone}/references?done=added", status_code=303)


@router.post("/passports/{stone}/references/{public_id}/withdrawal")
async def withdraw(
    request: Request, stone: str, public_id: str, actor: SignedInActor, session: Writing, now: Now
) -> Response:
    await _kept_by(request, session, actor, stone)
    assert actor.public_id is not None
    await references.withdraw(session, stone=stone, public_id=public_id[:26], by=actor.public_id, now=now)
    await reverifying.mark(session, [stone], why="reference", now=now)
    return RedirectResponse(f"/passports/{stone}/references?done=withdrawn", status_code=303)


async def _shown(
    request: Request,
    session: AsyncSession,
    found: Passport,
    *,
    said: ReferenceForm | None = None,
    faults: object = None,
    status_code: int = 200,
) -> Response:
    answer = page(
        request,
        "provenance/references.html",
        status_code=status_code,
        passport=found,
        papers=await references.of_stone(session, found.stone),
        kinds=list(ReferenceKind),
        said=said or ReferenceForm(),
        faults=faults or {},
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


async def _kept_by(request: Request, session: AsyncSession, actor: Actor, stone: str) -> Passport:
    """The stone's newest passport, for whoever holds the stone and for who judges origins."""
    found = await passport_queries.named(session, stone)
    if found is None:
        raise NotFound()
    if not actor.may(Permission.ORIGIN_DECIDE):
        await holders.holder(session, actor, stone, holders.of_app(request.app))
    return found
