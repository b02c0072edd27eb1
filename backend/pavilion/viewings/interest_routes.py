"""Pages of interest: the curators', and the sellers' own. No bidder and no program of a bidder is told of it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.queries import HOUSE
from pavilion.kernel.errors import NotFound
from pavilion.viewings import interest, trays_reading
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import page

router = APIRouter(tags=["viewings"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]
Seller = Annotated[Actor, may(Permission.STOCK_WRITE)]


@router.get("/staff/viewings/interest")
async def of_sale(
    request: Request, actor: Curator, session: Reading, now: Now,
    sale: Annotated[str, Query(max_length=26)] = "",
) -> Response:  # fmt: skip
    sales = await trays_reading.sales(session, actor)
    chosen = next((one for one in sales if one.public_id == sale), None)
    if sale and chosen is None:
        raise NotFound()
    lots = await trays_reading.lots_of(session, actor, chosen) if chosen else []
    return page(
        request,
        "viewings/interest.html",
        sales=sales,
        sale=chosen,
        rows=await interest.of_lots(session, lots, now),
    )


@router.get("/stock/interest")
async def of_own_lots(request: Request, actor: Seller, session: Reading, now: Now) -> Response:
    """Of the own company's lots, where three companies or more came together."""
    found = []
    for sale in await interest.sales_of_seller(session, actor):
        lots = await trays_reading.lots_of(session, HOUSE, sale)
        own = [one for one in lots if one.lot.consignor_company_id == actor.company_id]
        found.append(interest.for_seller(sale, await interest.of_lots(session, own, now)))
    return page(request, "viewings/interest_own.html", sales=found, least=interest.LEAST_COMPANIES)
