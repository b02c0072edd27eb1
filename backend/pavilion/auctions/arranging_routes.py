"""Acts on the order of a draft as a whole: sorting, sending, headings. Each comes back to the board."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import arranging
from pavilion.auctions.board_forms import Heading, HeadingGone, Send, Sort
from pavilion.auctions.board_page import done
from pavilion.webkit.deps import Now, Writing

router = APIRouter(prefix="/staff/sales", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]


@router.post("/{sale}/sorting")
async def sort(
    request: Request, sale: str, said: Annotated[Sort, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    """The chosen lots, or all, by up to four fields."""

    async def act() -> None:
        await arranging.sort_lots(session, sale=sale, by=said.by, lots=said.lot, actor=actor, now=now)

    return await done(request, session, sale, actor, now, act)


@router.post("/{sale}/sending")
async def send(
    request: Request, sale: str, said: Annotated[Send, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    """The chosen lots to an end of the sale or under a heading."""
    to = said.heading if said.send == "heading" else said.send

    async def act() -> None:
        await arranging.send_lots(session, sale=sale, lots=said.lot, to=to, actor=actor, now=now)

    return await done(request, session, sale, actor, now, act, to=f"/staff/sales/{sale}#{said.lot[0]}")


@router.post("/{sale}/headings")
async def name_heading(
    request: Request, sale: str, said: Annotated[Heading, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    """A heading stands ready, or is called otherwise."""
    names = (said.name_en, said.name_zh)

    async def act() -> None:
        await arranging.name_group(session, sale=sale, names=names, group=said.heading, actor=actor, now=now)

    return await done(request, session, sale, actor, now, act, to=f"/staff/sales/{sale}#headings")


@router.post("/{sale}/headings/removals")
async def remove_heading(
    request: Request, sale: str, said: Annotated[HeadingGone, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    """A heading without lots is gone."""

    async def act() -> None:
        await arranging.remove_group(session, sale=sale, group=said.heading, actor=actor, now=now)

    return await done(request, session, sale, actor, now, act, to=f"/staff/sales/{sale}#headings")
