"""Pages on which an owner answers, and the house looks on and calls off."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts.deps import may
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput
from pavilion.trading import holding, placing, queries, showing
from pavilion.trading.forms import ReasonForm
from pavilion.trading.rules import hold_stands
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["trading"])

Owner = Annotated[Actor, may(Permission.OFFER_ANSWER)]
Staff = Annotated[Actor, may(Permission.STAFF_SEE)]
Cashier = Annotated[Actor, may(Permission.PAYMENT_BOOK)]


@router.get("/stock/orders")
async def owners_page(request: Request, actor: Owner, session: Reading, now: Now) -> Response:
    """Orders and holds of the reader's own stones, those that wait for a word first. Nobody's name stands there."""
    company = showing.company_of(actor)
    holds = await queries.holds_asked_of(session, company)
    return page(
        request,
        "trading/stock.html",
        silence_refuses=(await session.get_one(Company, company)).silence_refuses,
        orders=await queries.sold_by(session, company),
        holds=holds,
        titles=_titles(request, holds),
        zone=lambda stone: showing.zone_of([stone]),
        zones=showing.zones(),
        stands=lambda row: hold_stands(row.state, row.expires_at, now),
        done=request.query_params.get("done", ""),
        now=now,
    )


@router.post("/stock/orders/{order}/{act}")
async def answer_order(
    order: str, act: Literal["confirmation", "refusal"], said: Annotated[ReasonForm, Form()], actor: Owner,
    session: Writing, now: Now,
) -> Response:  # fmt: skip
    await placing.answer(
        session, order=order, yes=act == "confirmation", reason=" ".join(said.reason.split()),
        company_id=showing.company_of(actor), actor=actor, now=now,
    )  # fmt: skip
    return RedirectResponse(f"/stock/orders?done={act}", status_code=303)


@router.post("/stock/holds/{hold}/{act}")
async def answer_hold(
    hold: str, act: Literal["grant", "refusal"], actor: Owner, session: Writing, now: Now
) -> Response:
    await holding.answer(
        session, hold=hold, yes=act == "grant", company_id=showing.company_of(actor), actor=actor, now=now
    )
    return RedirectResponse(f"/stock/orders?done={act}", status_code=303)


@router.get("/staff/orders")
async def staff_page(request: Request, actor: Staff, session: Reading, now: Now) -> Response:
    holds = await queries.all_holds(session)
    return page(
        request,
        "trading/staff.html",
        orders=await queries.all_orders(session),
        holds=holds,
        titles=_titles(request, holds),
        zone=lambda stone: showing.zone_of([stone]),
        zones=showing.zones(),
        now=now,
    )


@router.post("/staff/orders/{order}/cancellation")
async def propose_cancellation(
    request: Request, order: str, said: Annotated[ReasonForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    """The order is called off once a second person agrees."""
    try:
        await placing.propose_cancel(session, order=order, reason=said.reason, actor=actor, now=now)
    except BadInput as refused:
        row = await queries.order_for(session, actor, order)
        assert row is not None
        facts = await showing.order_facts(session, row, actor) | {
            "done": "",
            "faults": refused.fields,
            "said": said.reason,
        }
        return page(request, "trading/order.html", refused.status, now=now, **facts)
    return RedirectResponse(f"/desk/orders/{order}?done=proposed", status_code=303)


def _titles(request: Request, holds: list[queries.HoldRow]) -> dict[str, str]:
    return {one.stone.public_id: showing.title(one.stone, language(request)) for one in holds}
