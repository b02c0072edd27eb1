"""Offers for stones, for programs, as JSON. The verbs and codes are those of the pages."""

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import queries as catalogue
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.kernel.instants import stamp
from pavilion.trading import offer_queries, offering
from pavilion.trading.answers import Offers, OfferTold
from pavilion.trading.api import BUYING, FRESH, IdempotencyKey
from pavilion.trading.conditions import OverTradeLimit
from pavilion.trading.offer_forms import AnswerJson, OfferJson
from pavilion.trading.offer_queries import Thread
from pavilion.trading.offering import BuyerUnfit
from pavilion.trading.showing import company_of
from pavilion.trading.turns import Act, AnsweredAlready, OfferExists, PriceUnlikely, RoundChanged, Side
from pavilion.webkit.answers import PublicId, answers
from pavilion.webkit.deps import Now, Reading, Writing

router = APIRouter(prefix="/api/v1", tags=["trading"])

Offerer = Annotated[Actor, may(Permission.OFFER_MAKE)]


@router.get("/offers", responses=answers({200: Offers}, NotAllowed))
async def offers(actor: SignedInActor, session: Reading, now: Now) -> JSONResponse:
    """Those the company made, or those made for its stones, open ones first."""
    side = Side.BUYER if actor.may(Permission.OFFER_MAKE) else Side.SELLER
    _refuse_right(actor, side)
    read = offer_queries.of_company if side is Side.BUYER else offer_queries.of_owner
    found = await read(session, company_of(actor), now)
    return JSONResponse({"items": [facts(one, side) for one in found]}, headers=FRESH)


@router.get("/offers/{offer}", responses=answers({200: OfferTold}, NotAllowed))
async def one(offer: PublicId, actor: SignedInActor, session: Reading, now: Now) -> JSONResponse:
    """One that the company made, or that was made for its stones, round by round."""
    side = await offering.side_of(session, offer, actor)
    _refuse_right(actor, side)
    return await _read(session, offer, actor, side, now)


@router.post("/offers", responses=answers(
    {200: OfferTold, 201: OfferTold}, *BUYING, OfferExists, OverTradeLimit, PriceUnlikely
))  # fmt: skip
async def make(said: OfferJson, key: IdempotencyKey, actor: Offerer, session: Writing, now: Now) -> JSONResponse:
    """The offer waits for the owner, or has been declined at once where it is below the owner's floor. 200 where this
    was said before."""
    found = await catalogue.stones_of(session, actor, said.stones)
    if len(found) != len(set(said.stones)):
        raise NotFound()
    if any(stone.currency != said.price.currency for stone in found):
        raise BadInput(fields={"price.currency": "wrong_currency"})
    row = await offering.make(
        session, stones=said.stones, seen=said.seen, price_minor=said.price.amount_minor, days=said.days,
        terms=said.terms, destination=said.destination, key=key, actor=actor, now=now, confirm=said.confirm,
    )  # fmt: skip
    return await _read(session, row.public_id, actor, Side.BUYER, now, 201 if row.made_at == now else 200)


@router.post(
    "/offers/{offer}/answers",
    responses=answers(
        {200: OfferTold}, *BUYING, RoundChanged, AnsweredAlready, BuyerUnfit, OverTradeLimit, PriceUnlikely
    ),
)
async def answer(
    offer: PublicId, said: AnswerJson, key: IdempotencyKey, actor: SignedInActor, session: Writing, now: Now
) -> JSONResponse:
    """Counter-offer, acceptance, refusal or withdrawal by the side of the reader's company."""
    side = await offering.side_of(session, offer, actor)
    _refuse_right(actor, side)
    thread = await offer_queries.seen_by(session, company_of(actor), offer, now)
    assert thread is not None
    if said.act is Act.COUNTER and (said.price is None or said.days is None):
        raise BadInput(fields={"price" if said.price is None else "days": "bad_input"})
    if said.price is not None and said.price.currency != thread.row.currency:
        raise BadInput(fields={"price.currency": "wrong_currency"})
    await offering.answer(
        session, offer=offer, side=side, act=said.act, round_=said.round, seen=said.seen,
        price_minor=said.price.amount_minor if said.price else 0, days=said.days or 0, terms=said.terms, key=key,
        actor=actor, now=now, confirm=said.confirm,
    )  # fmt: skip
    return await _read(session, offer, actor, side, now)


async def _read(session: Reading, offer: str, actor: Actor, side: Side, now: Now, status: int = 200) -> JSONResponse:
    found = await offer_queries.seen_by(session, company_of(actor), offer, now)
    assert found is not None
    return JSONResponse(facts(found, side), status, headers=FRESH)


def facts(one: Thread, side: Side) -> dict[str, Any]:
    """As a side reads it: the other is named by its part alone."""
    row = one.row
    return {
        "id": row.public_id,
        "side": side,
        "stones": [stone.public_id for stone in one.stones],
        "seen": one.seen,
        "state": one.state,
        "turn": row.turn if one.state == "open" else None,
        "round": row.round,
        "price": {"amount_minor": row.price_minor, "currency": row.currency},
        "destination": row.destination,
        "valid_until": stamp(row.expires_at),
        "locked": row.locked,
        "made_at": stamp(row.made_at),
        "order": row.order,
        "rounds": [
            {
                "round": said.round,
                "side": said.side,
                "price": {"amount_minor": said.price_minor, "currency": row.currency},
                "terms": said.terms,
                "at": stamp(said.at),
                "valid_until": stamp(said.expires_at),
            }
            for said in one.rounds
        ],
    }


def _refuse_right(actor: Actor, side: Side) -> None:
    right = Permission.OFFER_MAKE if side is Side.BUYER else Permission.OFFER_ANSWER
    if not actor.may(right):
        raise NotAllowed(right=right.value)
