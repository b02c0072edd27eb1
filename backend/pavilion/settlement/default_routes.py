"""Pages of what was not paid and of what is offered: staff's, and the buyer's own."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.models import Lot, Sale
from pavilion.bidding import voiding
from pavilion.bidding.vault import Vault
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, SignedOut
from pavilion.kernel.money import parse_minor
from pavilion.settlement import accepting, approach_queries, default_queries, offering, queries, remedies, waiving
from pavilion.settlement.approach_forms import AnswerForm
from pavilion.settlement.default_forms import PassedOfferForm, RemedyForm, VoidForm, WaiverForm
from pavilion.settlement.default_models import LotOffer
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["settlement"])

VOIDS = {"barred": "default", "deposit": "deposit_not_held"}  # why a bid is to be voided, as the record says it
READERS = (Permission.LEDGER_SEE, Permission.PAYMENT_CONFIRM, Permission.BID_VOID)


async def reader(actor: CurrentActor) -> Actor:
    """Cashiers, leads, auditors and auctioneers."""
    if any(actor.may(right) for right in READERS):
        return actor
    raise NotAllowed(right=READERS[0].value) if actor.signed_in else SignedOut()


Reader = Annotated[Actor, Depends(reader)]
Cashier = Annotated[Actor, may(Permission.PAYMENT_BOOK)]
Confirmer = Annotated[Actor, may(Permission.PAYMENT_CONFIRM)]
Voider = Annotated[Actor, may(Permission.BID_VOID)]
Buyer = Annotated[Actor, may(Permission.BID_PLACE)]


def vault_of(request: Request) -> Vault:
    vault = request.app.state.vault
    assert isinstance(vault, Vault), "a house that sells has a data key"
    return vault


@router.get("/staff/defaults")
async def defaults(request: Request, actor: Reader, session: Reading, now: Now) -> Response:
    """What is late, what was not paid, and who leads although barred."""
    return page(
        request,
        "settlement/defaults.html",
        late=await default_queries.late(session),
        rows=await default_queries.defaulted(session, now),
        leads=await default_queries.live_leads(session),
        done=request.query_params.get("done", "")[:12],
    )


@router.post("/staff/defaults/voids")
async def propose_void(said: Annotated[VoidForm, Form()], actor: Voider, session: Writing, now: Now) -> Response:
    """A second person is asked to void the bids of a company on a running lot that it could not bid for now."""
    leads = await default_queries.live_leads(session)
    found = next((one for one in leads if (one.live.lot.public_id, one.live.paddle) == (said.lot, said.paddle)), None)
    if found is None:
        raise NotFound()
    await voiding.propose_void(session, live=found.live, told="", actor=actor, now=now, reason=VOIDS[found.why])
    return RedirectResponse("/staff/proposals", status_code=303)


@router.get("/staff/defaults/{number}")
async def default_page(request: Request, number: str, actor: Reader, session: Reading, now: Now) -> Response:
    return await _default_page(request, number, session, now)


@router.post("/staff/defaults/{number}/remedies")
async def choose_remedy(
    request: Request, number: str, said: Annotated[RemedyForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    """The sale of the lot to the defaulter is cancelled, and the lot goes the chosen way."""
    vault = vault_of(request)
    await remedies.choose(session, vault, number=number, lot=said.lot, choice=said.choice, actor=actor, now=now)
    return RedirectResponse(f"/staff/defaults/{number}?done={said.choice}#lot-{said.lot}", status_code=303)


@router.post("/staff/defaults/{number}/waiver")
async def propose_waiver(
    request: Request, number: str, said: Annotated[WaiverForm, Form()], actor: Confirmer, session: Writing, now: Now
) -> Response:
    """A second person is asked to forgive the strike."""
    try:
        await waiving.propose(session, number=number, reason=said.reason, actor=actor, now=now)
    except BadInput as fault:
        return await _default_page(request, number, session, now, faults=fault.fields, said=said.reason)
    return RedirectResponse("/staff/proposals", status_code=303)


@router.get("/staff/offers")
async def passed_lots(request: Request, actor: Reader, session: Reading, now: Now) -> Response:
    """Passed lots that may still be offered, and the offers made."""
    return await passed_page(request, session, now)


@router.post("/staff/offers")
async def offer_passed(
    request: Request, said: Annotated[PassedOfferForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    """The next by rank is offered the lot, at the reserve or at a price the seller approved; first the page says to
    whom and for how much, and what was seen there is what goes out."""
    currency = await session.scalar(
        select(Sale.currency).join(Lot, Lot.sale_id == Sale.id).where(Lot.public_id == said.lot)
    )
    if currency is None:
        raise NotFound()
    try:
        price = parse_minor(said.price, currency) if said.price else None
        if said.price and not price:
            raise BadInput(fields={"price": "amount_invalid"})
        if price is not None and said.approved != "yes":
            raise BadInput(fields={"approved": "seller_not_asked"})
        vault = vault_of(request)
        if not said.seen:
            found = await offering.next_of(session, vault, lot=said.lot, price_minor=price, now=now)
            return await passed_page(request, session, now, said=said, asked=found)
        await offering.offer_passed(
            session, vault, lot=said.lot, price_minor=price, actor=actor, now=now, seen=said.seen
        )  # fmt: skip
    except BadInput as fault:
        return await passed_page(request, session, now, faults=fault.fields, said=said)
    return RedirectResponse(f"/staff/offers?done=made#lot-{said.lot}", status_code=303)


@router.post("/staff/offers/{offer}/withdrawal")
async def withdraw_offer(offer: str, actor: Cashier, session: Writing, now: Now) -> Response:
    row = await session.scalar(select(LotOffer).where(LotOffer.public_id == offer).with_for_update())
    if row is None:
        raise NotFound()
    await offering.withdraw(session, row, actor=actor, now=now)
    return RedirectResponse("/staff/offers?done=withdrawn", status_code=303)


@router.get("/desk/offers")
async def own_offers(request: Request, actor: Buyer, session: Reading, now: Now) -> Response:
    rows = await default_queries.own_offers(session, actor, now)
    return page(
        request,
        "settlement/offers.html",
        rows=rows,
        threads=await approach_queries.of_company(session, actor, now),
        stone_offers=await request.app.state.offers_of(session, actor, now),
        now=now,
        done=request.query_params.get("done", "")[:12],
    )


@router.post("/desk/offers/{offer}/acceptance")
async def accept_offer(
    offer: str, price: Annotated[int, Form(gt=0, le=2**53 - 1)], actor: Buyer, session: Writing, now: Now
) -> Response:
    """Binding: the lot is bought at the price that the buyer was shown, and invoiced."""
    mine = await accepting.own_offer(session, offer, actor)
    if mine.price_minor != price:
        raise BadInput(fields={"price": "amount_invalid"})
    invoice = await accepting.accept(session, offer, actor=actor, now=now)
    return RedirectResponse(f"/desk/invoices/{invoice.number or invoice.public_id}", status_code=303)


@router.post("/desk/offers/{offer}/refusal")
async def decline_offer(offer: str, actor: Buyer, session: Writing, now: Now) -> Response:
    await accepting.decline(session, offer, actor=actor, now=now)
    return RedirectResponse("/desk/offers?done=declined", status_code=303)


async def _default_page(
    request: Request, number: str, session: Reading, now: Now, faults: dict[str, str] | None = None, said: str = ""
) -> Response:
    invoice = await default_queries.defaulted_invoice(session, number)
    rows = await default_queries.lot_lines(session, vault_of(request), invoice, now)
    companies = {one.company_id for row in rows for one in row.offers} | {invoice.company_id}
    companies |= {row.outlook.candidate.behind.company_id for row in rows if row.outlook and row.outlook.candidate}
    return page(
        request,
        "settlement/default.html",
        status_code=422 if faults else 200,
        invoice=invoice,
        rows=rows,
        names=await queries.company_names(session, companies),
        standing=await default_queries.standing_of(session, invoice),
        open_minor=await queries.open_minor(session, invoice),
        state_of=offering.state_of,
        now=now,
        faults=faults or {},
        said=said,
        done=request.query_params.get("done", "")[:12],
    )


async def passed_page(
    request: Request,
    session: Reading,
    now: Now,
    faults: dict[str, str] | None = None,
    said: PassedOfferForm | None = None,
    asked: offering.Next | None = None,
    at: str = "",
    answer: AnswerForm | None = None,
    refused: BadInput | None = None,
) -> Response:
    """Passed lots with every offer of them; `at`: the buyer's offer of which the answer was refused."""
    rows = await default_queries.passed(session, now)
    companies = {one.company_id for row in rows for one in row.offers}
    next_company = int(asked.behind.company_id) if asked is not None else 0
    companies |= {next_company} if next_company else set()
    threads = await approach_queries.of_lots(session, [row.lot.public_id for row in rows], now)
    companies |= {one.row.company_id for held in threads.values() for one in held}
    return page(
        request,
        "settlement/passed.html",
        asked=asked,
        next_company=next_company,
        threads=threads,
        at=at,
        answer=answer,
        refused=refused,
        status_code=422 if faults or refused else 200,
        rows=rows,
        names=await queries.company_names(session, companies),
        state_of=offering.state_of,
        now=now,
        faults=faults or {},
        said=said,
        done=request.query_params.get("done", "")[:12],
    )
