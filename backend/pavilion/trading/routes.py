"""Pages on which a buyer holds and buys at a fixed price."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.entities import entities, seat
from pavilion.catalogue import plan
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.kernel.ids import is_ulid, ulid
from pavilion.trading import collections, conditions, holding, placing, queries, queueing, showing
from pavilion.trading.desk import desk_of
from pavilion.trading.forms import Country, HoldForm, OrderForm
from pavilion.trading.models import Hold, Order
from pavilion.trading.placing import Line
from pavilion.trading.rules import OrderSource, hold_stands
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["trading"])
T = TypeVar("T")

Buyer = Annotated[Actor, may(Permission.ORDER_PLACE)]
Holder = Annotated[Actor, may(Permission.HOLD_ASK)]
To = Annotated[Country | None, Query()]


@router.get("/stones/{stone}/order")
async def order_page(
    request: Request, stone: str, actor: Buyer, session: Reading, now: Now, destination: To = None
) -> Response:
    """What the stone costs the reader, tax and all, before anything is bought."""
    return await _order_page(
        request, session, await catalogue.asked_stone(session, actor, stone), actor, now, destination
    )


@router.post("/stones/{stone}/order")
async def buy(
    request: Request, stone: str, said: Annotated[OrderForm, Form()], actor: Buyer, session: Writing, now: Now
) -> Response:
    """Bought at the price that the page named; what changed meanwhile is said on that page, and nothing is bought."""
    found = await catalogue.asked_stone(session, actor, stone)
    line = Line(stone, said.seen, said.price, said.hold or None)

    async def place() -> Order:
        return await placing.place_order(
            session, company_id=showing.company_of(actor), destination=said.destination, lines=[line],
            source=OrderSource.BUY_NOW, source_ref=said.hold or None, key=said.key, actor=actor, now=now,
        )  # fmt: skip

    order = await _try(session, place)
    if isinstance(order, Refusal):
        await session.refresh(found)
        return await _order_page(request, session, found, actor, now, said.destination, order)
    return RedirectResponse(f"/desk/orders/{order.public_id}?done=placed", status_code=303)


@router.get("/collections/{sale}/lots/{lot}/order")
async def lot_order_page(
    request: Request, sale: str, lot: str, actor: Buyer, session: Reading, now: Now, destination: To = None
) -> Response:
    return await _lot_page(request, session, sale, lot, actor, now, destination)


@router.post("/collections/{sale}/lots/{lot}/order")
async def buy_lot(
    request: Request, sale: str, lot: str, said: Annotated[OrderForm, Form()], actor: Buyer, session: Writing, now: Now
) -> Response:
    async def place() -> Order:
        return await collections.buy_lot(
            session, lot=lot, seen=said.seen, price_minor=said.price, company_id=showing.company_of(actor),
            destination=said.destination, key=said.key, actor=actor, now=now,
        )  # fmt: skip

    order = await _try(session, place)
    if isinstance(order, Refusal):
        return await _lot_page(request, session, sale, lot, actor, now, said.destination, order)
    return RedirectResponse(f"/desk/orders/{order.public_id}?done=placed", status_code=303)


@router.post("/stones/{stone}/hold")
async def hold(
    request: Request, stone: str, said: Annotated[HoldForm, Form()], actor: Holder, session: Writing, now: Now
) -> Response:
    """Held, or its owner is asked; what is in the way is said, with the way back to the stone as it is now."""
    found = await catalogue.asked_stone(session, actor, stone)

    async def ask() -> Hold:
        return await holding.ask(
            session, stone=stone, seen=said.seen, company_id=showing.company_of(actor), key=said.key, actor=actor,
            now=now,
        )  # fmt: skip

    row = await _try(session, ask)
    if isinstance(row, Refusal):
        await session.refresh(found)
        title = showing.title(found, language(request))
        return page(request, "trading/not_held.html", row.status, stone=found, title=title, refused=row)
    return RedirectResponse(f"/desk/holds?done={row.state}", status_code=303)


@router.post("/stones/{stone}/wait")
async def wait(stone: str, actor: Holder, session: Writing, now: Now) -> Response:
    found = await catalogue.asked_stone(session, actor, stone)
    await queueing.wait(session, stone=found, company_id=showing.company_of(actor), actor=actor, now=now)
    return RedirectResponse("/desk/holds?done=waiting", status_code=303)


@router.get("/desk/holds")
async def holds_page(request: Request, actor: Holder, session: Reading, now: Now) -> Response:
    company = showing.company_of(actor)
    rows = await queries.holds_of(session, company)
    waits = await queries.waits_of(session, company)
    return page(
        request,
        "trading/holds.html",
        rows=rows,
        waits=waits,
        stands=lambda row: hold_stands(row.state, row.expires_at, now),
        titles={stone.public_id: showing.title(stone, language(request)) for stone in [one.stone for one in rows]},
        waited={stone.public_id: showing.title(stone, language(request)) for _, stone in waits},
        zone=lambda stone: showing.zone_of([stone]),
        usual=desk_of(seat()),
        renewals=lambda stone: desk_of(conditions.house_of([stone])).hold_renewals,
        done=request.query_params.get("done", ""),
        now=now,
    )


@router.post("/desk/holds/{hold}/renewal")
async def renew(hold: str, actor: Holder, session: Writing, now: Now) -> Response:
    try:
        await holding.renew(session, hold=hold, company_id=showing.company_of(actor), actor=actor, now=now)
    except holding.HoldExpired:  # nothing was written; the page says so beside what the company still holds
        return RedirectResponse("/desk/holds?done=expired", status_code=303)
    return RedirectResponse("/desk/holds?done=renewed", status_code=303)


@router.post("/desk/holds/{hold}/release")
async def release(hold: str, actor: Holder, session: Writing, now: Now) -> Response:
    await holding.release(session, hold=hold, company_id=showing.company_of(actor), actor=actor, now=now)
    return RedirectResponse("/desk/holds?done=released", status_code=303)


@router.post("/desk/holds/waits/{wait}/end")
async def leave(wait: str, actor: Holder, session: Writing, now: Now) -> Response:
    await queueing.leave(session, wait=wait, company_id=showing.company_of(actor), now=now)
    return RedirectResponse("/desk/holds", status_code=303)


@router.get("/desk/orders")
async def orders_page(request: Request, actor: Buyer, session: Reading) -> Response:
    rows = await queries.bought(session, showing.company_of(actor))
    return page(request, "trading/orders.html", rows=rows, zones=showing.zones())


@router.get("/desk/orders/{order}")
async def one_order(request: Request, order: str, actor: SignedInActor, session: Reading, now: Now) -> Response:
    """For its buyer, its seller and the house; the seller does not learn who bought."""
    row = await queries.order_for(session, actor, order) if is_ulid(order) else None
    if row is None:
        raise NotFound()
    facts = await showing.order_facts(session, row, actor)
    return page(request, "trading/order.html", now=now, done=request.query_params.get("done", ""), **facts)


async def _try(session: AsyncSession, act: Callable[[], Awaitable[T]]) -> T | Refusal:
    """Done, or nothing of it was written."""
    try:
        async with session.begin_nested():
            return await act()
    except Refusal as refused:
        return refused


async def _order_page(
    request: Request, session: AsyncSession, found: Stone, actor: Actor, now: Now, to: str | None,
    refused: Refusal | None = None,
) -> Response:  # fmt: skip
    trade = await showing.of_stone(session, found, actor, now)
    company = await session.get_one(Company, showing.company_of(actor))
    cost = await showing.cost_of(
        session, price_minor=found.price_total_minor or 0, currency=found.currency,
        house=conditions.house_of([found]), company_id=company.id, destination=to or company.country, now=now,
    )  # fmt: skip
    return page(
        request,
        "trading/buy.html",
        refused.status if refused else 200,
        stones=[found],
        title=showing.title(found, language(request)),
        back=(f"/stones/{found.public_id}", found.stock_no),
        action=f"/stones/{found.public_id}/order",
        cost=cost,
        seen=found.seq,
        key=ulid(now),
        hold=trade.held_ref if trade else "",
        possible=trade is not None and trade.may_buy,
        asked=found.availability != placing.GUARANTEED,
        silence_confirms=await conditions.silence_confirms(
            session, conditions.house_of([found]).code, found.supplier_company_id
        ),
        refused=refused,
        plan=plan.plan_of,
    )


async def _lot_page(
    request: Request, session: AsyncSession, sale: str, lot: str, actor: Actor, now: Now, to: str | None,
    refused: Refusal | None = None,
) -> Response:  # fmt: skip
    row = await session.scalar(collections.lot_of(sale, lot))
    if row is None:
        raise NotFound()
    house, stones, open_ = await collections.shown(session, row, actor, now)
    company = await session.get_one(Company, showing.company_of(actor))
    cost = await showing.cost_of(
        session, price_minor=row.opening_minor or 0, currency=house.currency, house=entities()[house.entity],
        company_id=company.id, destination=to or company.country, now=now,
    )  # fmt: skip
    return page(
        request,
        "trading/buy.html",
        refused.status if refused else 200,
        stones=stones,
        title=row.title_zh if language(request) == "zh" and row.title_zh else row.title_en,
        back=(f"/collections/{sale}", house.title_zh if language(request) == "zh" else house.title_en),
        action=f"/collections/{sale}/lots/{lot}/order",
        cost=cost,
        seen=row.version,
        key=ulid(now),
        hold="",
        possible=open_,
        asked=False,
        refused=refused,
        plan=plan.plan_of,
    )
