"""Pages of suggested estimates: looked at with what they rest on, and taken over as one command."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import board, suggesting
from pavilion.auctions.board_page import done
from pavilion.auctions.suggesting import Parts
from pavilion.auctions.suggesting_forms import AskedEstimates, TakenEstimates
from pavilion.kernel.errors import NotAllowed
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(prefix="/staff/sales", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]


@router.get("/{sale}/estimates")
async def estimates(request: Request, sale: str, actor: Curator, session: Reading, now: Now) -> Response:
    """Of every lot of the draft."""
    return await _page(request, session, sale, (), Parts(), actor, now)


@router.post("/{sale}/estimates")
async def of_chosen(
    request: Request, sale: str, said: Annotated[AskedEstimates, Form()], actor: Curator, session: Reading, now: Now
) -> Response:
    """Of the chosen lots, with other parts of the low estimate; nothing is stored."""
    return await _page(request, session, sale, said.lot, _allowed(said.parts, actor), actor, now)


@router.post("/{sale}/estimates/changes")
async def accept(
    request: Request, sale: str, said: Annotated[TakenEstimates, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    parts = _allowed(said.parts, actor)

    async def act() -> None:
        await suggesting.accept(
            session,
            sale=sale,
            seen=said.chosen,
            parts=parts,
            evidence_of=request.app.state.evidence_of,
            reason=said.why,
            actor=actor,
            now=now,
        )

    return await done(request, session, sale, actor, now, act)


def _allowed(parts: Parts, actor: Actor) -> Parts:
    if parts.reserve is not None and not actor.may(Permission.RESERVE_SET):
        raise NotAllowed(right=Permission.RESERVE_SET.value)
    return parts


async def _page(
    request: Request, session: AsyncSession, sale: str, lots: Sequence[str], parts: Parts, actor: Actor, now: datetime
) -> Response:
    row = await board.sale_of(session, sale, drafts=True)
    found = await suggesting.suggest(session, row, lots, parts, request.app.state.evidence_of, actor, now)
    return page(request, "auctions/suggestions.html", sale=row, lines=found, parts=parts)
