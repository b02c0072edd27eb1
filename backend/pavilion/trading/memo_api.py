"""Memos for programs, as JSON. The verbs and codes are those of the pages."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.once import Repeatable, as_done
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import queries as catalogue
from pavilion.kernel.errors import ActNotAllowed, NotAllowed, NotFound
from pavilion.kernel.instants import stamp
from pavilion.provenance.custody_keeping import NotOut
from pavilion.trading import memo_desk, memo_queries, memoing
from pavilion.trading.answers import Memos, MemoTold
from pavilion.trading.api import BUYING, FRESH, IdempotencyKey
from pavilion.trading.conditions import OverTradeLimit
from pavilion.trading.memo_forms import MemoJson, PurchaseJson, ReturnJson
from pavilion.trading.memo_queries import Lent
from pavilion.trading.memo_rules import StoneState
from pavilion.trading.memoing import StoneAwaited
from pavilion.trading.showing import company_of
from pavilion.webkit import refusals
from pavilion.webkit.answers import PublicId, answers
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.idempotent import Done

router = APIRouter(prefix="/api/v1", tags=["trading"])

Borrower = Annotated[Actor, may(Permission.MEMO_ASK)]
Desk = Annotated[Actor, may(Permission.STAFF_SEE)]


@router.get("/memos", responses=answers({200: Memos}, NotAllowed))
async def memos(actor: SignedInActor, session: Reading, now: Now) -> JSONResponse:
    """What the company asked for or has out; to an owner, what is asked for of its stones."""
    if actor.may(Permission.MEMO_ASK):
        found = await memo_queries.of_company(session, company_of(actor), now)
    elif actor.may(Permission.OFFER_ANSWER):
        found = await memo_queries.of_owner(session, company_of(actor), now)
    else:
        raise NotAllowed(right=Permission.MEMO_ASK.value)
    return JSONResponse({"items": [facts(one) for one in found]}, headers=FRESH)


@router.get("/memos/{memo}", responses=answers({200: MemoTold}, NotFound))
async def one(memo: PublicId, actor: SignedInActor, session: Reading, now: Now) -> JSONResponse:
    """To either side of it and to the house."""
    return await _read(session, memo, actor, now)


@router.post(
    "/memos",
    responses=answers({200: MemoTold, 201: MemoTold}, *BUYING, OverTradeLimit, StoneAwaited),
)
async def ask(said: MemoJson, key: IdempotencyKey, actor: Borrower, session: Writing, now: Now) -> JSONResponse:
    """The owner is asked for the stones at their asking prices. 200 where this was said before."""
    if len(await catalogue.stones_of(session, actor, said.stones)) != len(set(said.stones)):
        raise NotFound()
    row = await memoing.ask(
        session, stones=said.stones, seen=said.seen, days=said.days, destination=said.destination, key=key,
        actor=actor, now=now,
    )  # fmt: skip
    return await _read(session, row.public_id, actor, now, 201 if row.requested_at == now else 200)


@router.post(
    "/memos/{memo}/purchases",
    responses=answers({200: MemoTold}, *BUYING),
)
async def keep(
    memo: PublicId, said: PurchaseJson, once: Repeatable, actor: Borrower, session: Writing, now: Now
) -> JSONResponse:
    """The buyer keeps these stones at the prices of the memo: one order, confirmed at once."""

    async def act() -> Done:
        await memo_desk.buy(session, memo=memo, stones=said.stones, company_id=company_of(actor), actor=actor, now=now)
        found = await memo_queries.seen_by(session, actor, memo, now)
        assert found is not None
        return as_done(200, **facts(found))

    return await once(session, act)


@router.post(
    "/memos/{memo}/returns",
    responses=answers({200: MemoTold}, NotFound, NotAllowed, ActNotAllowed, NotOut, (409, "weight_differs")),
)
async def give_back(
    request: Request, memo: PublicId, said: ReturnJson, actor: Desk, session: Writing, now: Now
) -> JSONResponse:
    """A stone is on the house's scale again: the desk says what it weighs. More than a milli-carat off is
    `weight_differs`: the stone lies there, an incident is open, and it is not returned."""
    line = await memo_desk.weigh_in(
        session, memo=memo, stone=said.stone, mct=said.weight_mct, giver=said.giver, actor=actor, now=now
    )
    if line.state == StoneState.INCIDENT:
        said_of = {"memo": memo, "stone": line.stone, "out_mct": line.out_mct, "in_mct": line.in_mct}
        return refusals.problem(request, 409, "weight_differs", said_of)  # written down all the same
    return await _read(session, memo, actor, now)


async def _read(session: Reading, memo: str, actor: Actor, now: Now, status: int = 200) -> JSONResponse:
    found = await memo_queries.seen_by(session, actor, memo, now)
    if found is None:
        raise NotFound()
    return JSONResponse(facts(found), status, headers=FRESH)


def facts(one: Lent) -> dict[str, Any]:
    """As a side reads it: an owner is told no buyer."""
    row = one.row
    return {
        "id": row.public_id,
        "number": row.number,
        "side": one.side,
        "state": one.state,
        "total": {"amount_minor": row.total_minor, "currency": row.currency},
        "insured": {"amount_minor": row.insured_minor, "currency": row.currency} if row.insured_minor else None,
        "destination": row.destination,
        "days": row.days,
        "due_on": row.due_on,
        "extensions": row.extensions,
        "warranty_sha256": row.warranty_sha256,
        "requested_at": stamp(row.requested_at),
        "out_at": stamp(row.out_at) if row.out_at else None,
        "stones": [
            {
                "stone": line.stone,
                "price": {"amount_minor": line.price_minor, "currency": row.currency},
                "state": line.state,
                "out_mct": line.out_mct,
                "in_mct": line.in_mct,
                "order": line.order if one.side != "seller" else None,
            }
            for line in row.stones
        ],
    }
