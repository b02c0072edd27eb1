"""Papers of a sale for the house's own hands: of a draft, marked as one, and of a published sale."""

from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import board, house_papers
from pavilion.auctions.house_papers import Kind
from pavilion.auctions.models import Sale
from pavilion.kernel.errors import NotAllowed
from pavilion.webkit import limits
from pavilion.webkit.deps import Reading
from pavilion.webkit.html import page

router = APIRouter(tags=["curation"])

Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$")]
ASKED = 30  # a minute from one address
# Who lays out, who shows, who sells: each sees all three lists.
READERS = (Permission.LOT_CURATE, Permission.LOT_RUN, Permission.VIEWING_RUN, Permission.RESERVE_SEE)


async def _reader(actor: SignedInActor) -> Actor:
    if any(actor.may(right) for right in READERS):
        return actor
    raise NotAllowed(right=Permission.LOT_CURATE.value)


Reader = Annotated[Actor, Depends(_reader)]


@router.get("/staff/sales/{sale}/papers")
async def papers(request: Request, sale: Id, actor: Reader, session: Reading) -> Response:
    """What can be printed, and for whom each is."""
    row = await _sale(session, sale, actor)
    return page(request, "auctions/papers.html", sale=row, kinds=list(Kind))


@router.get("/staff/sales/{sale}/papers/{kind}.pdf")
async def paper(
    request: Request,
    sale: Id,
    kind: Kind,
    actor: Reader,
    session: Reading,
    lang: Annotated[Literal["en", "zh"], Query()] = "en",
) -> Response:
    """Printed as the list stands now."""
    row, state = await _sale(session, sale, actor), request.app.state
    await limits.take(request, "house_paper", sale, per_minute=ASKED)
    trays = await state.trays_of(session, row) if kind == Kind.TRAYS else ()
    said = await house_papers.source(session, row, kind, lang, actor=actor, trays=trays, tongues=state.pages.tongues)
    made = await to_thread.run_sync(house_papers.printed, kind, said)
    headers = {
        "content-disposition": f'inline; filename="pavilion-{sale}-{kind}-{lang}.pdf"',
        "cache-control": "private, no-store",
    }
    return Response(made, media_type="application/pdf", headers=headers)


async def _sale(session: AsyncSession, sale: str, actor: Actor) -> Sale:
    """Drafts are for those who make them."""
    drafts = actor.may(Permission.LOT_CURATE) or actor.may(Permission.RESERVE_SEE)
    return await board.sale_of(session, sale, drafts=drafts)
