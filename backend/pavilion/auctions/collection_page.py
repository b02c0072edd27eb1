"""The page of a collection of fixed prices, as it stands or as a preview would have it."""

from typing import Any

from fastapi import Request, Response
from sqlalchemy import select

from pavilion.accounts.rules import Actor
from pavilion.auctions import noticing, queries, versions
from pavilion.auctions.entities import entities
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import LotState
from pavilion.catalogue import plan
from pavilion.webkit.deps import Reading
from pavilion.webkit.html import page


async def show_collection(
    request: Request, session: Reading, row: Sale, actor: Actor, state: LotState, *, on_offer: bool
) -> Response:
    """The page of the collection with its priced lots of this state."""
    held = select(Lot).where(Lot.sale_id == row.id, Lot.state == state, Lot.opening_minor.is_not(None))
    lots = (await session.scalars(held.order_by(Lot.rank))).all()
    stones = await queries.stones_by_lot(session, [lot.id for lot in lots], actor)
    lines = [(lot, stones[lot.id]) for lot in lots if stones[lot.id] and all(one.listed for one in stones[lot.id])]
    facts: dict[str, Any] = {"house": entities()[row.entity], "plan": plan.plan_of, "on_offer": on_offer}
    facts |= {"headings": await queries.headings_of(session, row.public_id)}
    notices = await noticing.of_sale(session, row.public_id)
    facts |= {
        "texts": noticing.texts(notices),
        "titles": noticing.titles(notices),
        "changed": {one.lot for one in notices},
    }
    facts |= {"version": await versions.latest(session, row.public_id)}
    return page(request, "auctions/collection.html", sale=row, lines=lines, **facts)
