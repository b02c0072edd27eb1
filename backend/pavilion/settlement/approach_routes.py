"""Pages on which a buyer offers for a passed lot, and on which owner and house answer."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.sequels import last_offer_day
from pavilion.auctions.told import one_told
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotDone, Refusal
from pavilion.kernel.money import parse_minor
from pavilion.settlement import approach_queries, approaching
from pavilion.settlement.approach_forms import AnswerForm, ApproachForm
from pavilion.settlement.approach_models import Approach
from pavilion.settlement.default_routes import passed_page, vault_of
from pavilion.trading.turns import OfferExists, Side
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["settlement"])

Act = Literal["acceptance", "refusal", "counter", "withdrawal"]
Offerer = Annotated[Actor, may(Permission.OFFER_MAKE)]
Owner = Annotated[Actor, may(Permission.OFFER_ANSWER)]
Cashier = Annotated[Actor, may(Permission.PAYMENT_BOOK)]
TOLD = (BadInput, NotDone, ActNotAllowed, OfferExists)  # nothing of the offer was written when one of these is said


@router.get("/lots/{lot}/offer")
async def lot_offer(request: Request, lot: str, actor: Offerer, session: Reading, now: Now) -> Response:
    """What this company offered for the lot, and whether it can offer now."""
    return await _lot_page(request, lot, actor, session, now)


@router.post("/lots/{lot}/offer")
async def make_offer(
    request: Request, lot: str, said: Annotated[ApproachForm, Form()], actor: Offerer, session: Writing, now: Now
) -> Response:
    """The offer waits for the seller's answer."""
    place = await approaching.place_of(session, lot)
    try:
        price = parse_minor(said.price, place.sale.currency) or 0
        await approaching.make(session, lot=lot, price_minor=price, days=said.days, actor=actor, now=now)
    except TOLD as refused:
        return await _lot_page(request, lot, actor, session, now, said=said, refused=refused)
    return RedirectResponse(f"/lots/{lot}/offer?done=made", status_code=303)


@router.post("/desk/offers/made/{approach}/{act}")
async def buyer_answers(
    request: Request, approach: str, act: Act, said: Annotated[AnswerForm, Form()], actor: Offerer, session: Writing,
    now: Now,
) -> Response:  # fmt: skip
    row, refused = await _act(request, session, Side.BUYER, approach, act, said, actor, now)
    if refused is not None:
        return await _lot_page(request, row.lot, actor, session, now, answer=said, refused=refused)
    if act == "acceptance":
        return RedirectResponse("/desk/invoices", status_code=303)
    return RedirectResponse(f"/lots/{row.lot}/offer?done={act}", status_code=303)


@router.get("/desk/approaches")
async def owners_page(request: Request, actor: Owner, session: Reading, now: Now) -> Response:
    """What is offered for the lots of the reader's company."""
    return await _owners_page(request, actor, session, now)


@router.post("/desk/approaches/{approach}/{act}")
async def owner_answers(
    request: Request, approach: str, act: Act, said: Annotated[AnswerForm, Form()], actor: Owner, session: Writing,
    now: Now,
) -> Response:  # fmt: skip
    row, refused = await _act(request, session, Side.SELLER, approach, act, said, actor, now)
    if refused is not None:
        return await _owners_page(request, actor, session, now, at=row.public_id, answer=said, refused=refused)
    return RedirectResponse(f"/desk/approaches?done={act}", status_code=303)


@router.post("/staff/approaches/{approach}/{act}")
async def house_answers(
    request: Request, approach: str, act: Act, said: Annotated[AnswerForm, Form()], actor: Cashier, session: Writing,
    now: Now,
) -> Response:  # fmt: skip
    """For the owner, with the owner's word."""
    row, refused = await _act(request, session, Side.SELLER, approach, act, said, actor, now)
    if refused is not None:
        return await passed_page(request, session, now, at=row.public_id, answer=said, refused=refused)
    return RedirectResponse(f"/staff/offers?done={act}#lot-{row.lot}", status_code=303)


async def _act(
    request: Request, session: Writing, side: Side, approach: str, act: Act, said: AnswerForm, actor: Actor, now: Now
) -> tuple[Approach, BadInput | None]:
    """The act is done, or what was typed is refused and nothing was written."""
    row = await approaching.seen(session, approach, side, actor)
    try:
        if act == "acceptance":
            await approaching.accept(
                session, vault_of(request), approach, side=side, round_=said.round, approved=said.approved == "yes",
                actor=actor, now=now,
            )  # fmt: skip
        elif act == "counter":
            price = parse_minor(said.price, row.currency) or 0
            await approaching.counter(
                session, vault_of(request), approach, side=side, round_=said.round, price_minor=price, days=said.days,
                approved=said.approved == "yes", actor=actor, now=now,
            )  # fmt: skip
        elif act == "refusal":
            await approaching.decline(session, approach, side=side, round_=said.round, actor=actor, now=now)
        else:
            await approaching.withdraw(session, approach, side=side, actor=actor, now=now)
    except BadInput as fault:
        return row, fault
    return row, None


async def _lot_page(
    request: Request, lot: str, actor: Actor, session: Reading, now: Now, *, said: ApproachForm | None = None,
    answer: AnswerForm | None = None, refused: Refusal | None = None,
) -> Response:  # fmt: skip
    place = await approaching.place_of(session, lot)
    threads = await approach_queries.of_company(session, actor, now, lot)
    standing = next((one for one in threads if one.state == "open"), None)
    return page(
        request,
        "settlement/approach.html",
        status_code=refused.status if refused else 200,
        place=place,
        lot=await one_told(session, place.lot, actor),
        until=last_offer_day(place.stands.end, place.sale.zone, place.days, place.sale.entity),
        why=None if standing else await approaching.why_not(session, place, actor.company_id, now),
        floor=await approaching.floor_of(session, place),
        threads=threads,
        standing=standing,
        said=said,
        answer=answer,
        refused=refused,
        now=now,
        done=request.query_params.get("done", "")[:12],
    )


async def _owners_page(
    request: Request, actor: Actor, session: Reading, now: Now, *, at: str = "", answer: AnswerForm | None = None,
    refused: Refusal | None = None,
) -> Response:  # fmt: skip
    return page(
        request,
        "settlement/approaches.html",
        status_code=refused.status if refused else 200,
        threads=await approach_queries.of_owner(session, actor, now),
        at=at,
        answer=answer,
        refused=refused,
        now=now,
        done=request.query_params.get("done", "")[:12],
    )
