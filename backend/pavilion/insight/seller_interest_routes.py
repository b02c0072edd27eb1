"""What a supplier learns of its own stones: interest, days on the list, price among like stones. Nobody else's."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import showing
from pavilion.insight import seller_interest
from pavilion.insight.seller_interest import Insight
from pavilion.insight.seller_interest_answers import StockInsightTold
from pavilion.insight.seller_interest_rules import LEAST_COMPANIES, LEAST_DIFFERING, LEAST_SALES
from pavilion.kernel.errors import NotAllowed
from pavilion.webkit.answers import answers
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import language, page

router = APIRouter(tags=["stock"])

Supplier = Annotated[Actor, may(Permission.STOCK_WRITE)]
Most = Annotated[int, Query(ge=1, le=100, description="At most so many stones.", examples=[25])]
Behind = Annotated[str, Query(max_length=80, description="`cursor` of the page before.", examples=["PV-000417"])]


@router.get("/stock/insight")
async def of_own_stones(
    request: Request, actor: Supplier, session: Reading, now: Now, after: Annotated[str, Query(max_length=80)] = ""
) -> Response:
    found = await seller_interest.page_of(session, actor, _company(actor), now, after)
    return page(
        request,
        "insight/own_stones.html",
        found=found,
        names={one.stone.id: showing.name_of(one.stone, language(request)) for one in found.rows},
        week=date.fromisoformat(found.week) if found.week else None,
        least=LEAST_COMPANIES,
        differing=LEAST_DIFFERING,
        told={one.told: date.fromisoformat(one.told) for one in found.rows if one.told and one.told != found.week},
        least_sales=LEAST_SALES,
        further=bool(after),
    )


@router.get("/api/v1/stock-insight", responses=answers({200: StockInsightTold}, NotAllowed))
async def as_json(
    actor: Supplier, session: Reading, now: Now, limit: Most = seller_interest.PAGE, cursor: Behind = ""
) -> JSONResponse:
    """How the company's own listed stones stand, by the same rules as the page: the interest of companies, days on the
    list, and price among like stones."""
    found = await seller_interest.page_of(session, actor, _company(actor), now, cursor, limit)
    told = {
        "counted": found.week or None,
        "least_companies": LEAST_COMPANIES,
        "listed": found.listed,
        "sold_within": [
            {"days": days, "sold": part, "of": whole, "share_bp": share}
            for days, (part, whole, share) in found.shares.items()
        ],
        "items": [_facts(one) for one in found.rows],
        "cursor": found.after or None,
    }
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


def _facts(one: Insight) -> dict[str, Any]:
    asked = one.stone.price_per_carat_minor

    def money(minor: int) -> dict[str, Any]:
        return {"amount_minor": minor, "currency": one.stone.currency}

    return {
        "stone": one.stone.public_id,
        "stock_no": one.stone.stock_no,
        "interested": one.interested,
        "told": one.told,
        "days_listed": one.days,
        "per_carat": money(asked) if asked else None,
        "like_sold": {"days": one.like_days[0], "n": one.like_days[1]} if one.like_days else None,
        "like_ask": one.asked and {"median": money(one.asked[0]), "n": one.asked[1], "against_bp": one.against_bp},
        "withheld": one.withheld,
    }


def _company(actor: Actor) -> int:
    if actor.company_id is None:
        raise NotAllowed(right=Permission.STOCK_WRITE.value)
    return actor.company_id
