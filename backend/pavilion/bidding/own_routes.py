"""What only a bidder sees of own bids: why a lot went as it did, and a receipt's address as a picture; and what only an
owner sees of own lots: their reserves."""

import io
import json
from typing import Annotated

import segno
from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import and_, or_, select

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.bidding import api, own_reserves, queries, showing, tender_why
from pavilion.bidding.models import BookEvent
from pavilion.bidding.why import tell
from pavilion.kernel.errors import NotFound
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["live"])

Supplier = Annotated[Actor, may(Permission.STOCK_WRITE)]
Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$")]


@router.get("/lots/{lot}/why")
async def why(request: Request, lot: Id, session: Reading, actor: SignedInActor, now: Now) -> Response:
    """The reader's own lot once more, in sentences; where the reader's company did not bid there is none."""
    if actor.company_id is None:
        raise NotFound()
    rooms, sale = request.app.state.rooms, await showing.sale_of_lot(session, lot)
    mine = await rooms.mine(sale, actor.company_id)
    shown = await showing.sale_shown(session, sale, actor, mine)
    numbers = await queries.numbers_of_company(session, actor.company_id, lot)
    if not numbers:
        raise NotFound()
    if shown.rules.tender is not None:
        purse = await showing.purse_of(session, shown, actor, mine, now)
        sealed = await tender_why.story(session, shown, lot, purse, actor.company_id)
        return page(request, "bidding/why.html", sale=shown, lot=shown.lot(lot), story=sealed)
    own: dict[int, int | None] = {}
    for n in numbers:
        opening = await rooms.opening(sale, n, actor.company_id)
        own[n] = None if opening is None else opening.amount
    told = and_(BookEvent.lot == lot, or_(BookEvent.seq > 0, BookEvent.n.in_(own)))
    amended = and_(BookEvent.lot.is_(None), BookEvent.type == "sale.amended")
    wanted = select(BookEvent.body).where(BookEvent.sale == sale, or_(told, amended)).order_by(BookEvent.n)
    events = [json.loads(body) for body in await session.scalars(wanted)]
    events = [event for event in events if event["lot"] == lot or lot in event["data"]["lots"]]
    rules = {name: str(doc["reserve_rule"]) for name, doc in shown.changed.documents.items()}
    story = tell(events, own, shown.rules.reserve_rule, rules)
    return page(request, "bidding/why.html", sale=shown, lot=shown.lot(lot), story=story)


@router.get("/stock/reserves")
async def reserves(request: Request, session: Writing, actor: Supplier, now: Now) -> Response:
    """The reserves of the lots that the reader's company owns; of no other company's."""
    if actor.company_id is None:
        raise NotFound()
    rows = await own_reserves.shown_to_owner(session, request.app.state.vault, actor=actor, now=now)
    answer = page(request, "bidding/own_reserves.html", rows=rows)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/sales/{sale}/receipts/{n}.svg")
async def receipt_qr(
    request: Request, sale: Id, n: Annotated[int, Path(ge=0, le=2**53)], session: Reading, actor: SignedInActor
) -> Response:
    """The receipt's address as a QR code, for paper."""
    await api.own_receipt(request, session, sale, n, actor)
    address = f"{request.app.state.settings.public_url.rstrip('/')}/sales/{sale}/receipts/{n}"
    image = io.BytesIO()
    segno.make(address, error="m", micro=False).save(image, kind="svg", scale=4, border=4, light="#fff")
    return Response(image.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "private, max-age=86400"})
