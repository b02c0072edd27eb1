"""Pages on which a buyer offers for a stone, its owner answers, and the house looks on."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts.deps import may
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import plan
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.ids import is_ulid, ulid
from pavilion.kernel.money import decimal_text, parse_minor
from pavilion.trading import offer_days, offer_queries, offering, showing
from pavilion.trading.offer_forms import AnswerForm, FloorForm, OfferForm
from pavilion.trading.turns import Act, Side
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["trading"])

Offerer = Annotated[Actor, may(Permission.OFFER_MAKE)]
Owner = Annotated[Actor, may(Permission.OFFER_ANSWER)]
Staff = Annotated[Actor, may(Permission.STAFF_SEE)]


@router.get("/stones/{stone}/offer")
async def offer_page(request: Request, stone: str, actor: Offerer, session: Reading, now: Now) -> Response:
    """What the company would pay for the stone, said before anything is offered."""
    return await _offer_page(request, session, await catalogue.asked_stone(session, actor, stone), actor, now)


@router.post("/stones/{stone}/offer")
async def make_offer(
    request: Request, stone: str, said: Annotated[OfferForm, Form()], actor: Offerer, session: Writing, now: Now
) -> Response:
    """The offer waits for the owner; what is refused is said on the page, and nothing was offered."""
    found = await catalogue.asked_stone(session, actor, stone)
    try:
        async with session.begin_nested():
            row = await offering.make(
                session, stones=[stone], seen=said.seen, price_minor=parse_minor(said.price, found.currency) or 0,
                days=said.days, terms=said.terms, destination=said.destination, key=said.key, actor=actor, now=now,
                confirm=parse_minor(said.confirm, found.currency),
            )  # fmt: skip
    except Refusal as refused:
        await session.refresh(found)
        return await _offer_page(request, session, found, actor, now, said, refused)
    return RedirectResponse(f"/desk/offers/stones/{row.public_id}?done=made", status_code=303)


@router.get("/desk/offers/stones/{offer}")
async def own_offer(request: Request, offer: str, actor: Offerer, session: Reading, now: Now) -> Response:
    return await _own_page(request, session, offer, actor, now)


@router.post("/desk/offers/stones/{offer}/{act}")
async def buyer_answers(
    request: Request, offer: str, act: Act, said: Annotated[AnswerForm, Form()], actor: Offerer, session: Writing,
    now: Now,
) -> Response:  # fmt: skip
    refused = await _act(session, offer, Side.BUYER, act, said, actor, now)
    if refused is not None:
        return await _own_page(request, session, offer, actor, now, said, refused)
    return RedirectResponse(f"/desk/offers/stones/{offer}?done={act}", status_code=303)


@router.get("/stock/offers")
async def owners_page(request: Request, actor: Owner, session: Reading, now: Now) -> Response:
    """What is offered for the reader's own stones. Nobody's name stands there."""
    return await _owners_page(request, session, actor, now)


@router.post("/stock/offers/floor")
async def set_floor(
    request: Request, said: Annotated[FloorForm, Form()], actor: Owner, session: Writing, now: Now
) -> Response:
    try:
        await offering.set_floor(session, share_bp=_share(said.share), actor=actor, now=now)
    except BadInput as refused:
        return await _owners_page(request, session, actor, now, floor=said.share, refused=refused)
    return RedirectResponse("/stock/offers?done=floor", status_code=303)


@router.post("/stock/offers/{offer}/lock")
async def lock(offer: str, actor: Owner, session: Writing, now: Now) -> Response:
    """The stones are kept for this offer."""
    await offering.lock(session, offer=offer, on=True, actor=actor, now=now)
    return RedirectResponse(f"/stock/offers?done=locked#offer-{offer}", status_code=303)


@router.post("/stock/offers/{offer}/unlock")
async def unlock(offer: str, actor: Owner, session: Writing, now: Now) -> Response:
    await offering.lock(session, offer=offer, on=False, actor=actor, now=now)
    return RedirectResponse(f"/stock/offers?done=unlocked#offer-{offer}", status_code=303)


@router.post("/stock/offers/{offer}/{act}")
async def owner_answers(
    request: Request, offer: str, act: Act, said: Annotated[AnswerForm, Form()], actor: Owner, session: Writing,
    now: Now,
) -> Response:  # fmt: skip
    refused = await _act(session, offer, Side.SELLER, act, said, actor, now)
    if refused is not None:
        return await _owners_page(request, session, actor, now, at=offer, answer=said, refused=refused)
    return RedirectResponse(f"/stock/offers?done={act}", status_code=303)


@router.get("/staff/orders/offers")
async def staff_page(request: Request, actor: Staff, session: Reading, now: Now) -> Response:
    """What stands between buyers and owners; the house looks on."""
    return page(request, "trading/staff_offers.html", threads=await offer_queries.of_house(session, now), now=now)


async def _act(
    session: Writing, offer: str, side: Side, act: Act, said: AnswerForm, actor: Actor, now: Now
) -> Refusal | None:
    """The act is done, or what was said is refused and nothing was written. Who is not of this side finds nothing."""
    if await offering.side_of(session, offer, actor) is not side:
        raise NotFound()
    thread = await offer_queries.seen_by(session, showing.company_of(actor), offer, now)
    assert thread is not None
    try:
        async with session.begin_nested():
            await offering.answer(
                session, offer=offer, side=side, act=act, round_=said.round, seen=said.seen,
                price_minor=parse_minor(said.price, thread.row.currency) or 0, days=said.days, terms=said.terms,
                actor=actor, now=now, confirm=parse_minor(said.confirm, thread.row.currency),
            )  # fmt: skip
    except Refusal as refused:
        return refused
    return None


async def _offer_page(
    request: Request, session: Reading, found: Stone, actor: Actor, now: Now, said: OfferForm | None = None,
    refused: Refusal | None = None,
) -> Response:  # fmt: skip
    trade = await showing.of_stone(session, found, actor, now)
    company = await session.get_one(Company, showing.company_of(actor))
    return page(
        request,
        "trading/offer.html",
        refused.status if refused else 200,
        stone=found,
        title=showing.title(found, language(request)),
        possible=trade is not None and trade.may_offer,
        standing=await offer_days.open_for(session, company.id, found.public_id, now),
        seen=found.seq,
        key=ulid(now),
        home=company.country,
        said=said,
        refused=refused,
        plan=plan.plan_of,
    )


async def _own_page(
    request: Request, session: Reading, offer: str, actor: Actor, now: Now, answer: AnswerForm | None = None,
    refused: Refusal | None = None,
) -> Response:  # fmt: skip
    company = showing.company_of(actor)
    thread = await offer_queries.one_of(session, company, offer, now) if is_ulid(offer) else None
    if thread is None:
        raise NotFound()
    return page(
        request,
        "trading/own_offer.html",
        refused.status if refused else 200,
        thread=thread,
        answer=answer,
        refused=refused,
        now=now,
        done=request.query_params.get("done", "")[:12],
    )


async def _owners_page(
    request: Request, session: Reading, actor: Actor, now: Now, *, at: str = "", answer: AnswerForm | None = None,
    floor: str | None = None, refused: Refusal | None = None,
) -> Response:  # fmt: skip
    company = showing.company_of(actor)
    share = await offering.floor_of(session, company)
    return page(
        request,
        "trading/offers_answered.html",
        refused.status if refused else 200,
        threads=await offer_queries.of_owner(session, company, now),
        floor=floor if floor is not None else decimal_text(share, "USD") if share else "",
        at=at,
        answer=answer,
        refused=refused,
        now=now,
        done=request.query_params.get("done", "")[:12],
    )


def _share(typed: str) -> int | None:
    """Hundredths of a per cent, which are written as cents are; None where nothing was typed."""
    if not typed:
        return None
    if (share := parse_minor(typed.removesuffix("%"), "USD")) is None:
        raise BadInput(fields={"share": "share_invalid"})
    return share
