"""Pages of sales and lots, and the way of a bid without script. Every page works as HTML alone."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response

from pavilion.accounts.deps import CurrentActor, SignedInActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.bidding import lines, queries, receipts, showing, tender_routes, tender_why
from pavilion.bidding import own_bids as own
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.closures import closures
from pavilion.bidding.deciding import Answer, BidOrder, Rule
from pavilion.bidding.lanes import lanes_of
from pavilion.bidding.news import Mine
from pavilion.bidding.own_results import own_results
from pavilion.bidding.sale_pages import Told, facts_of, left_after, show_lot, show_sale
from pavilion.bidding.showing import SaleShown
from pavilion.kernel.errors import NotDone, NotFound
from pavilion.kernel.instants import from_stamp
from pavilion.kernel.money import MAX_AMOUNT, parse_minor
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import page

router = APIRouter()

Bidder = Annotated[Actor, may(Permission.BID_PLACE)]
Runner = Annotated[Actor, may(Permission.LOT_RUN)]
Key = Annotated[str, Form(max_length=64)]
Typed = Annotated[str, Form(max_length=40)]
Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$")]
STATUS = {"unknown": 503, "confirm_needed": 422, "slow_down": 429}
RIGHTS = frozenset({"not_registered", "registration_pending", "terms_not_accepted", "banned"}) | {
    "approval_expired",
    "conflict_of_interest",
    "not_eligible",
}
FORM = frozenset({"amount_invalid", "amount_too_large", "bad_message"})


@router.get("/sales/{sale}")
async def sale_page(
    request: Request,
    sale: Id,
    session: Reading,
    actor: CurrentActor,
    now: Now,
    show: Annotated[str, Query(max_length=10)] = "all",
) -> Response:
    """The public page of a sale: its times and its lots."""
    mine = await _mine(request, sale, actor)
    return await show_sale(
        request, session, await showing.sale_shown(session, sale, actor, mine), actor, mine, now, show
    )


@router.get("/sales/{sale}/receipts/{n:int}")
async def receipt_page(
    request: Request, sale: Id, n: Annotated[int, Path(ge=0, le=2**53)], session: Reading, actor: SignedInActor
) -> Response:
    """What the book recorded of the reader's own bid; nobody else has this page."""
    if actor.company_id is None or await queries.company_of_bid(session, sale, n) != actor.company_id:
        raise NotFound()
    document = await receipts.receipt(
        session, sale, n, await request.app.state.rooms.opening(sale, n, actor.company_id)
    )
    if document is None:
        raise NotFound()
    shown = await showing.sale_shown(session, sale, actor, None)
    event = document["event"]
    return page(
        request,
        "bidding/receipt.html",
        key=request.app.state.rooms.verifier,
        sale=shown,
        lot=shown.lot(event["lot"]),
        receipt=document,
        code=event["data"].get("code"),
        arrived=from_stamp(event["t"]),
        decided=from_stamp(event["at"]),
    )


@router.get("/desk/bids")
async def bids_page(request: Request, session: Reading, actor: Bidder, now: Now) -> Response:
    """Every lot this company bid on, sale by sale, with its receipts."""
    found, came = [], dict[str, tender_why.OwnTotal]()
    for sale in await own.sales_bid_in(session, actor.company_id) if actor.company_id is not None else []:
        mine = await _mine(request, sale, actor)
        shown = await showing.sale_shown(session, sale, actor, mine)
        purse = await showing.purse_of(session, shown, actor, mine, now)
        bids = await own.own_bids(session, sale, purse.paddle)
        lots = [(lot, [bid for bid in bids if bid.lot == lot.id]) for lot in shown.lots]
        if held := [(lot, own) for lot, own in lots if own]:
            found.append((shown, purse, held))
            came |= await tender_why.own_totals(session, shown, purse, actor.company_id)
    live = [lot.id for _, _, held in found for lot, _ in held if lot.state in ("paused", "withdrawn")]
    told = await lines.last_notices(session, live, actor)
    shut: dict[str, Rule] = {}
    for _, purse, held in found:
        running = {lot.id: lot.held for lot, _ in held if not lot.is_decided}
        answers = await closures(session, running, {purse.destination} - {""}, now.date())
        shut |= {lot: answer[purse.destination] for lot, answer in answers.items() if purse.destination in answer}
    results = await own_results(session, found)
    bills = await request.app.state.bills_of(session, actor.company_id) if results else {}
    return page(
        request,
        "bidding/desk.html",
        sales=found,
        told=told,
        shut=shut,
        results=results,
        came=came,
        bills=bills,
        now=now,
    )


@router.get("/sales/{sale}/room")
async def room(
    request: Request,
    sale: Id,
    session: Reading,
    actor: CurrentActor,
    now: Now,
    lot: Annotated[str | None, Query(max_length=26)] = None,
    max: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The board of a sale: all lots in lanes, one of them in focus."""
    mine = await _mine(request, sale, actor)
    shown = await showing.sale_shown(session, sale, actor, mine)
    if shown.rules.tender is not None:
        return RedirectResponse(f"/lots/{lot}" if lot else f"/sales/{sale}", 303)  # nothing moves here until the end
    lanes = lanes_of(shown.lots, now)
    if not shown.lots:
        raise NotFound()
    first = next(one for lane in lanes for one in lane.lots)
    focus = shown.lot(lot) if lot else first
    return await show_lot(request, session, shown, focus, actor, mine, now, lanes=lanes, typed=max)


@router.get("/lots/{lot}")
async def lot_page(
    request: Request,
    lot: Id,
    session: Reading,
    actor: CurrentActor,
    now: Now,
    max: Annotated[str, Query(max_length=40)] = "",
    answer: Annotated[str, Query(max_length=32)] = "",
    fault: Annotated[str, Query(max_length=24, pattern="^[a-z_]*$")] = "",
) -> Response:
    """One lot: what it is, how it stands, and the reader's bid."""
    sale = await showing.sale_of_lot(session, lot)
    mine = await _mine(request, sale, actor)
    shown = await showing.sale_shown(session, sale, actor, mine)
    if not answer and not fault:  # after a bid it is the same look
        request.app.state.views.saw(lot, request.headers, staff=actor.is_staff, now=now)
    if shown.rules.tender is not None:
        return await tender_routes.lot_page(request, session, shown, shown.lot(lot), actor, mine, now, fault)
    told = await _told(session, shown, lot, mine, answer) if answer else None
    return await show_lot(request, session, shown, shown.lot(lot), actor, mine, now, typed=max, told=told)


@router.post("/lots/{lot}/bids")
async def place(
    request: Request,
    lot: Id,
    session: Reading,
    actor: Bidder,
    now: Now,
    key: Key = "",
    max: Typed = "",
    currency: Annotated[str, Form(max_length=3)] = "",
    rules: Annotated[str, Form(max_length=64)] = "",
    confirm: Typed = "",
) -> Response:
    """The same engine, key and codes as over the socket. What stands in the book is shown by a GET."""
    sale = await showing.sale_of_lot(session, lot)
    amount, again = parse_minor(max, currency), parse_minor(confirm, currency)
    code = _form_code(key, amount)
    answer = Answer("refused", lot, key, code, sale=sale)
    if code is None:
        assert amount is not None and actor.company_id is not None
        order = BidOrder(sale, lot, actor.company_id, key, amount, currency, rules, again, person=actor.public_id)
        answer = await request.app.state.rooms.place(order)
    if answer.n is not None:
        return RedirectResponse(f"/lots/{lot}?answer={key}", 303)
    mine = await _mine(request, sale, actor)
    shown = await showing.sale_shown(session, sale, actor, mine)
    status = STATUS.get(answer.code or "", 503 if answer.result == "unknown" else 409)
    status = 403 if answer.code in RIGHTS else 422 if answer.code in FORM else status
    asked = {"key": key, "max": max, "currency": currency, "rules": rules}
    if answer.code in ("confirm_needed", "engine_away"):
        shown = shown.ruled(shown.lot(lot))
        purse = (await showing.purse_of(session, shown, actor, mine, now)).of(shown.lot(lot))
        assert amount is not None
        return page(
            request,
            "bidding/confirm.html" if answer.code == "confirm_needed" else "bidding/unknown.html",
            status,
            **facts_of(shown, shown.lot(lot), purse, now),
            asked=asked,
            amount_minor=amount,
            cost=purse.cost(amount),
            left=left_after(shown, shown.lot(lot), purse, amount),
            again=confirm,
        )
    return await show_lot(
        request, session, shown, shown.lot(lot), actor, mine, now, typed=max, fault=answer.code, status=status
    )


@router.post("/lots/{lot}/acts")
async def run_lot(
    request: Request, lot: Id, session: Reading, actor: Runner, act: Annotated[Literal["resume", "withdraw"], Form()]
) -> Response:
    """What one person of the house may do to a lot that stands still; the book says whether it was possible."""
    sale = await showing.sale_of_lot(session, lot)
    answer = await request.app.state.rooms.command(StaffAct(sale, act, lot, by=actor.public_id))
    if answer.code is not None:
        raise NotDone(answer.code)
    return RedirectResponse(f"/lots/{lot}", 303)


def _form_code(key: str, amount: int | None) -> str | None:
    if len(key) != 32 or not set(key) <= set("0123456789abcdef"):
        return "bad_message"
    if amount is None or amount <= 0:
        return "amount_invalid"
    return "amount_too_large" if amount > MAX_AMOUNT else None


async def _mine(request: Request, sale: str, actor: Actor) -> Mine | None:
    """The reader's own maxima, which only the sale's writer can read; None for who has none, or while it is away."""
    if actor.company_id is None:
        return None
    mine: Mine | None = await request.app.state.rooms.mine(sale, actor.company_id)
    return mine


async def _told(session: Reading, sale: SaleShown, lot: str, mine: Mine | None, key: str) -> Told | None:
    """What the book says about the bid of this key."""
    found = await own.own_bids(session, sale.id, mine.paddle if mine else None, lot)
    bid = next((one for one in found if one.key == key), None)
    if bid is None:
        return None
    return Told(bid.code is None, bid.code or "accepted", receipt=f"/sales/{sale.id}/receipts/{bid.n}")
