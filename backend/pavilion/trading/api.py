"""Holds and orders for programs, as JSON. The verbs and codes are those of the pages."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.accounts.strikes import Banned
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.service import NotAvailable, PriceChanged
from pavilion.catalogue.unavailable import OnMemoUntil
from pavilion.kernel.errors import ActNotAllowed, BadInput, KeyReused, NotFound, StaleVersion
from pavilion.kernel.instants import stamp
from pavilion.trading import collections, holding, placing, queries
from pavilion.trading.answers import Holds, HoldTold, Orders, OrderTold
from pavilion.trading.conditions import KycExpired, NotEligible, OverTradeLimit, OwnStone
from pavilion.trading.forms import KEY, HoldJson, OrderJson
from pavilion.trading.holding import HoldExpired, TooManyHolds
from pavilion.trading.models import Hold, Order
from pavilion.trading.placing import Line
from pavilion.trading.rules import OrderSource
from pavilion.trading.showing import company_of
from pavilion.webkit.answers import KEPT_FOR_EVER, PublicId, answers
from pavilion.webkit.deps import Now, Reading, Writing

router = APIRouter(prefix="/api/v1", tags=["trading"])

Buyer = Annotated[Actor, may(Permission.ORDER_PLACE)]
Holder = Annotated[Actor, may(Permission.HOLD_ASK)]
IdempotencyKey = Annotated[
    str, Header(alias="idempotency-key", pattern=KEY, description=KEPT_FOR_EVER, examples=["order-2026-11-22-0001"])
]
# What may stand between a company and a stone at a fixed price, besides a word of its own that it has broken.
FIT = (
    NotFound, NotAvailable, OnMemoUntil, PriceChanged, StaleVersion, ActNotAllowed, KeyReused, OwnStone, NotEligible,
    KycExpired,
)  # fmt: skip
BUYING = (*FIT, Banned)
FRESH = {"Cache-Control": "no-store"}


@router.get("/holds", responses=answers({200: Holds}))
async def holds(actor: Holder, session: Reading) -> JSONResponse:
    """The company's own, those that stand first."""
    rows = await queries.holds_of(session, company_of(actor))
    return JSONResponse({"items": [hold_facts(row.hold) for row in rows]}, headers=FRESH)


@router.post("/holds", responses=answers({200: HoldTold, 201: HoldTold}, *BUYING, TooManyHolds))
async def ask(said: HoldJson, key: IdempotencyKey, actor: Holder, session: Writing, now: Now) -> JSONResponse:
    """Held at once (`active`), or its owner has been asked (`asked`). 200 where this was said before."""
    if await catalogue.stone_of(session, actor, said.stone) is None:
        raise NotFound()
    row = await holding.ask(
        session, stone=said.stone, seen=said.seen, company_id=company_of(actor), key=key, actor=actor, now=now
    )
    return JSONResponse(hold_facts(row), _status(row.asked_at, now), headers=FRESH)


@router.get("/orders", responses=answers({200: Orders}))
async def orders(actor: Buyer, session: Reading) -> JSONResponse:
    """What the company bought, the newest first."""
    rows = await queries.bought(session, company_of(actor))
    return JSONResponse({"items": [order_facts(row) for row in rows]}, headers=FRESH)


@router.get("/orders/{order}", responses=answers({200: OrderTold}))
async def one(order: PublicId, actor: Buyer, session: Reading) -> JSONResponse:
    """One that the company placed."""
    row = await queries.order_for(session, actor, order)
    if row is None or row.company_id != actor.company_id:
        raise NotFound()
    return JSONResponse(order_facts(row), headers=FRESH)


@router.post("/orders", responses=answers({200: OrderTold, 201: OrderTold}, *BUYING, HoldExpired, OverTradeLimit))
async def place(said: OrderJson, key: IdempotencyKey, actor: Buyer, session: Writing, now: Now) -> JSONResponse:
    """A stone, or a lot of a collection, is bought at the price named. 200 where this was said before."""
    if (said.stone is None) == (said.lot is None):
        raise BadInput(fields={"stone": "bad_input"})
    company = company_of(actor)
    if said.stone is not None:
        found = await catalogue.stone_of(session, actor, said.stone)
        if found is None:
            raise NotFound()
        if said.price.currency != found.currency:
            raise BadInput(fields={"price.currency": "wrong_currency"})
        row = await placing.place_order(
            session, company_id=company, destination=said.destination,
            lines=[Line(said.stone, said.seen, said.price.amount_minor, said.hold)], source=OrderSource.BUY_NOW,
            source_ref=said.hold, key=key, actor=actor, now=now,
        )  # fmt: skip
    else:
        assert said.lot is not None
        row = await collections.buy_lot(
            session, lot=said.lot, seen=said.seen, price_minor=said.price.amount_minor, company_id=company,
            destination=said.destination, key=key, actor=actor, now=now,
        )  # fmt: skip
    placed = await queries.order_for(session, actor, row.public_id)
    assert placed is not None
    return JSONResponse(order_facts(placed), _status(row.placed_at, now), headers=FRESH)


def hold_facts(row: Hold) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "stone": row.stone,
        "state": row.state,
        "asked_at": stamp(row.asked_at),
        "answer_by": _at(row.answer_by),
        "expires_at": _at(row.expires_at),
        "renewed": bool(row.renewed),
        "ended_at": _at(row.ended_at),
    }


def order_facts(row: Order) -> dict[str, Any]:
    """As its buyer reads it."""
    return {
        "id": row.public_id,
        "state": row.state,
        "total": {"amount_minor": row.total_minor, "currency": row.currency},
        "destination": row.destination,
        "source": row.source,
        "placed_at": stamp(row.placed_at),
        "confirm_by": _at(row.confirm_by),
        "invoice": row.invoice,
        "lines": [
            {
                "stones": line.stones,
                "lot": line.lot,
                "price": {"amount_minor": line.price_minor, "currency": row.currency},
                "title_en": line.title_en,
                "title_zh": line.title_zh,
            }
            for line in row.lines
        ],
    }


def _at(instant: datetime | None) -> str | None:
    return stamp(instant) if instant is not None else None


def _status(made: datetime, now: datetime) -> int:
    return 201 if made == now else 200
