"""The acts by which chosen lots of a draft are split or merged."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import relotting
from pavilion.auctions.board_page import done
from pavilion.auctions.forms import Lots
from pavilion.webkit.deps import Now, Writing

router = APIRouter(prefix="/staff/sales", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]


@router.post("/{sale}/splitting")
async def split(
    request: Request, sale: str, said: Annotated[Lots, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    async def act() -> None:
        await relotting.split_lots(session, sale=sale, lots=said.lot, actor=actor, now=now)

    return await done(request, session, sale, actor, now, act)


@router.post("/{sale}/merging")
async def merge(
    request: Request, sale: str, said: Annotated[Lots, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    async def act() -> None:
        await relotting.merge_lots(session, sale=sale, lots=said.lot, actor=actor, now=now)

    return await done(request, session, sale, actor, now, act)
