"""What a supplier learns of its own stones: interest, days on the list, price among like stones. Nobody else's."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import showing
from pavilion.insight import seller_interest
from pavilion.insight.seller_interest_rules import LEAST_COMPANIES, LEAST_SALES
from pavilion.kernel.errors import NotAllowed
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import language, page

router = APIRouter(tags=["stock"])

Supplier = Annotated[Actor, may(Permission.STOCK_WRITE)]


@router.get("/stock/insight")
async def of_own_stones(
    request: Request, actor: Supplier, session: Reading, now: Now, after: Annotated[str, Query(max_length=80)] = ""
) -> Response:
    if actor.company_id is None:
        raise NotAllowed(right=Permission.STOCK_WRITE.value)
    found = await seller_interest.page_of(session, actor, actor.company_id, now, after)
    return page(
        request,
        "insight/own_stones.html",
        found=found,
        names={one.stone.id: showing.name_of(one.stone, language(request)) for one in found.rows},
        week=date.fromisoformat(found.week) if found.week else None,
        least=LEAST_COMPANIES,
        least_sales=LEAST_SALES,
        further=bool(after),
    )
