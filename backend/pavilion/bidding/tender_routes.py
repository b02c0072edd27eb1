"""Sealed tenders for browsers and programs: envelopes in, the custodians' ceremony, the seller's answer."""

import secrets
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.bidding import ceremony, queries, showing, tender_queries, tender_why
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.answers import ShareTaken
from pavilion.bidding.api import BID_CODES, KEY, BidKey, Id, told
from pavilion.bidding.deciding import Answer
from pavilion.bidding.messages import Ack
from pavilion.bidding.news import Mine
from pavilion.bidding.seal_modules import modules
from pavilion.bidding.showing import LotShown, SaleShown
from pavilion.bidding.tender_queries import Closing, OwnSealed
from pavilion.bidding.tendering import LONGEST, STAFF_MAY_OPEN, seal_order
from pavilion.kernel.canon import canonical, read_json
from pavilion.kernel.errors import ActNotAllowed, NotDone, NotFound, TooLarge
from pavilion.kernel.instants import stamp
from pavilion.kernel.money import MAX_AMOUNT, parse_minor
from pavilion.webkit import limits, static
from pavilion.webkit.answers import EXAMPLE, answers, bodies
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page
from pavilion.webkit.refusals import problem
from pavilion.webkit.upload import body_of, sent_file

router = APIRouter(tags=["bidding"])

Bidder = Annotated[Actor, may(Permission.BID_PLACE)]
Runner = Annotated[Actor, may(Permission.LOT_RUN)]
FILES_A_MINUTE = 20
ENVELOPE = {"v": 1, "sale": EXAMPLE, "lot": EXAMPLE, "paddle": "P-0012", "key": "9b" * 16, "box": "q83v", "shares": []}
BIDDING = ("open", "paused")
HALF_DAY = 43_200  # seconds around now in which a clock without its day is understood


# -- envelopes --------------------------------------------------------------------------------------------------------


@router.post(
    "/api/v1/lots/{lot}/envelopes",
    responses=answers({200: Ack, 201: Ack}, *BID_CODES, (422, "seal_broken"), TooLarge),
    openapi_extra=bodies(
        "application/json", about="The envelope (docs/tenders.md), whose `key` is the header's.", example=ENVELOPE
    ),
)
async def seal(request: Request, lot: Id, session: Reading, actor: Bidder, key: BidKey) -> Response:
    """The body is the envelope. 201 taken, 200 the same again, else a problem whose code says why."""
    body = await body_of(request, LONGEST)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return problem(request, 422, "seal_broken", {})
    return told(request, await _placed(request, session, lot, actor, key, text))


@router.delete("/api/v1/lots/{lot}/envelopes", responses=answers({200: Ack, 201: Ack}, *BID_CODES))
async def take_back(request: Request, lot: Id, session: Reading, actor: Bidder, key: BidKey) -> Response:
    """The company's standing sealed bid on this lot is none any more."""
    return told(request, await _placed(request, session, lot, actor, key, ""))


@router.post("/lots/{lot}/envelopes")
async def seal_by_file(request: Request, lot: Id, session: Reading, actor: Bidder) -> Response:
    """An envelope that the bidder sealed with the tool, as a file."""
    sent = await sent_file(request, LONGEST)
    try:
        key = str(read_json(sent.content)["key"])
        answer = await _placed(request, session, lot, actor, key, sent.content.decode())
    except (ValueError, KeyError, TypeError):
        answer = Answer("refused", lot, code="seal_broken")
    return _shown(lot, answer)


@router.post("/lots/{lot}/withdrawal")
async def take_back_by_form(
    request: Request, lot: Id, session: Reading, actor: Bidder, key: Annotated[str, Form(pattern=KEY)]
) -> Response:
    return _shown(lot, await _placed(request, session, lot, actor, key, ""))


async def _placed(request: Request, session: Reading, lot: str, actor: Actor, key: str, envelope: str) -> Answer:
    sale = await queries.sale_of_lot(session, lot)
    if sale is None:
        return Answer("refused", lot, key, "lot_unknown")
    if actor.company_id is None:
        return Answer("refused", lot, key, "not_registered")
    order = seal_order(sale, lot, actor.company_id, key, envelope, actor.public_id)
    answer: Answer = await request.app.state.rooms.place(order)
    return answer


def _shown(lot: str, answer: Answer) -> Response:
    code = "" if answer.result == "accepted" else f"?fault={answer.code or 'engine_away'}"
    return RedirectResponse(f"/lots/{lot}{code}#bid", 303)


# -- the page of a lot ------------------------------------------------------------------------------------------------


async def lot_page(
    request: Request,
    session: Reading,
    sale: SaleShown,
    lot: LotShown,
    actor: Actor,
    mine: Mine | None,
    now: datetime,
    fault: str = "",
) -> Response:
    """A lot of a tender: what it is, when it ends, the reader's sealed bids, and the form that seals."""
    assert sale.rules.tender is not None
    purse = await showing.purse_of(session, sale, actor, mine, now)
    own = await tender_queries.own_sealed(session, sale.id, purse.paddle, lot.id)
    mct, benchmark = await tender_queries.weight_of(session, lot.id) if not lot.withheld else (0, None)
    standing = lot.own is not None and lot.own.state == "sealed"
    closing = await tender_queries.closing_of(session, sale.id)
    floor = lot.own.floor if lot.own is not None else None
    facts = {
        "sale": sale.id,
        "lot": lot.id,
        "paddle": purse.paddle_text,
        "currency": lot.currency,
        "custodians": list(sale.rules.tender.custodians),
        "k": sale.rules.tender.k,
        "mct": mct,
        "benchmark": benchmark,
        "minimum": max(lot.opening, floor or 0),
        "end": stamp(lot.end) if lot.end else None,
        "bands": [list(band) for band in purse.bands],
    }
    return page(
        request,
        "bidding/tender_lot.html",
        sale=sale,
        lot=lot,
        tender=sale.rules.tender,
        modules=modules(static.frontend()),
        purse=purse,
        own=own,
        standing=next((one for one in own if one.hash), None) if standing else None,
        closing=closing,
        came=(await tender_why.own_totals(session, sale, purse, actor.company_id)).get(lot.id),
        final=closing is not None and lot.state in BIDDING,  # the first round takes bids before any closing alone
        secret=sale.rules.tender.sealed and not _was_opened(lot, closing),
        benchmark=benchmark,
        filmed=await request.app.state.filmed(session, sale.id, [stone.public_id for stone in lot.stones], actor),
        mct=mct,
        fault=fault,
        now=now,
        key=secrets.token_hex(16),
        facts=facts,
        stamp=stamp,
        soon=lambda at: abs((at - now).total_seconds()) < HALF_DAY,
    )


def _was_opened(lot: LotShown, closing: Closing | None) -> bool:
    """Whether the reader's standing bid was opened: a first bid is, once there was an opening; a final one not yet."""
    final = lot.state in BIDDING or (lot.own is not None and lot.own.floor is not None)
    return closing is not None and not final and (closing.opened or closing.second)


@router.post("/sales/{sale}/wishes")
async def wish(
    sale: Id,
    session: Writing,
    actor: Bidder,
    now: Now,
    limit: Annotated[str, Form(max_length=24)] = "",
    currency: Annotated[str, Form(max_length=3)] = "",
    lots: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """How much at most, and which lots first: numbers of lots, as they are typed."""
    assert actor.company_id is not None
    amount = parse_minor(limit, currency) if limit.strip() else None
    if limit.strip() and (amount is None or not 0 < amount <= MAX_AMOUNT):
        raise ActNotAllowed(state="amount_invalid")
    named = await tender_queries.lots_named(session, sale, lots.replace(",", " ").split())
    await ceremony.wish(
        session, sale=sale, company_id=actor.company_id, limit_minor=amount, lots=named, by=actor.public_id, now=now
    )
    return RedirectResponse(f"/sales/{sale}/opening#wish", 303)


# -- the ceremony -----------------------------------------------------------------------------------------------------


@router.get("/sales/{sale}/opening")
async def opening(
    request: Request,
    sale: Id,
    session: Reading,
    actor: CurrentActor,
    now: Now,
    done: Annotated[int, Query(ge=0, le=255)] = 0,
) -> Response:
    """Who has handed in shares, what custodians need, and the results once all is opened."""
    mine = None
    if actor.company_id is not None:
        mine = await request.app.state.rooms.mine(sale, actor.company_id)
    shown = await showing.sale_shown(session, sale, actor, mine)
    if shown.rules.tender is None:
        raise NotFound()
    closing = await tender_queries.closing_of(session, sale)
    handed_in = await ceremony.posted(session, sale, closing.hash) if closing else {}
    purse = await showing.purse_of(session, shown, actor, mine, now)
    own = await tender_queries.own_sealed(session, sale, purse.paddle) if closing and closing.opened else []
    return page(
        request,
        "bidding/opening.html",
        sale=shown,
        tender=shown.rules.tender,
        modules=modules(static.frontend()),
        closing=closing,
        second=closing is not None and closing.second,
        final_end=_final_end(shown, closing),
        handed_in=handed_in,
        own=_by_lot(own),
        came=await tender_why.own_totals(session, shown, purse, actor.company_id),
        purse=purse,
        wish=await tender_queries.wish_of(session, sale, actor.company_id),
        results=await tender_queries.results(session, sale) if closing and closing.opened else {},
        verifier=request.app.state.rooms.verifier,
        done=done,
        now=now,
        stamp=stamp,
    )


def _final_end(sale: SaleShown, closing: Closing | None) -> datetime | None:
    """When the second round ends, while it runs: lots that take bids after an opening."""
    running = [lot.end for lot in sale.lots if lot.state in BIDDING and lot.end is not None]
    return max(running) if running and closing is not None and closing.opened else None


def _by_lot(own: list[OwnSealed]) -> dict[str, list[OwnSealed]]:
    found: dict[str, list[OwnSealed]] = {}
    for one in own:
        found.setdefault(one.lot, []).append(one)
    return found


@router.get("/sales/{sale}/tender.json")
async def tender_json(request: Request, sale: Id, session: Reading) -> Response:
    """What custodians open; there is none before the close, and none in plain mode."""
    document = await tender_queries.tender_file(session, sale, [request.app.state.rooms.verifier])
    if document is None:
        raise NotFound()
    headers = {"content-disposition": f'attachment; filename="{sale}.tender.json"'}
    return Response(canonical(document), media_type="application/json", headers=headers)


@router.post(
    "/api/v1/sales/{sale}/shares",
    responses=answers(
        {201: ShareTaken},
        ActNotAllowed,
        TooLarge,
        (422, frozenset({"tender_not_custodian", "shares_bad", "shares_false", "shares_other"})),
    ),
    openapi_extra=bodies(
        "application/json",
        about="A share file that a custodian signed (docs/tenders.md).",
        example={"v": 1, "custodian": "4f" * 16},
    ),
)
async def shares(request: Request, sale: Id, now: Now) -> Response:
    """The body is a share file; its signature says whose. 201 with the custodian's number."""
    await limits.take(request, "shares", per_minute=FILES_A_MINUTE)
    body = await body_of(request, ceremony.MOST_BYTES)
    return JSONResponse({"custodian": await _handed_in(request, sale, body, now)}, 201)


@router.post("/sales/{sale}/shares")
async def shares_by_form(request: Request, sale: Id, now: Now) -> Response:
    """The same from a page without script."""
    await limits.take(request, "shares", per_minute=FILES_A_MINUTE)
    sent = await sent_file(request, ceremony.MOST_BYTES)
    return RedirectResponse(f"/sales/{sale}/opening?done={await _handed_in(request, sale, sent.content, now)}", 303)


async def _handed_in(request: Request, sale: str, file: bytes, now: datetime) -> int:
    async with request.app.state.sessions.begin() as session:
        return await ceremony.hand_in(session, sale=sale, file=file, now=now)


# -- staff ------------------------------------------------------------------------------------------------------------


@router.get("/staff/sales/{sale}/tender")
async def staff_page(request: Request, sale: Id, session: Reading, actor: Runner, now: Now) -> Response:
    """How many envelopes there are, never what is in them; after the opening, the seller's answers."""
    shown = await showing.sale_shown(session, sale, actor, None)
    if shown.rules.tender is None:
        raise NotFound()
    closing = await tender_queries.closing_of(session, sale)
    return page(
        request,
        "bidding/staff_tender.html",
        sale=shown,
        tender=shown.rules.tender,
        closing=closing,
        final_end=_final_end(shown, closing),
        handed_in=await ceremony.posted(session, sale, closing.hash) if closing else {},
        counts=await tender_queries.counts(session, sale),
        benchmarks=await tender_queries.benchmarks(session, [lot.id for lot in shown.lots]),
        below=await tender_queries.below_reserve(session, sale, shown.rules.tender.replace),
        may_open=closing is not None
        and not closing.opened
        and now >= closing.at + timedelta(microseconds=STAFF_MAY_OPEN),
        now=now,
    )


@router.post("/staff/sales/{sale}/tender/opening")
async def open_by_staff(request: Request, sale: Id, actor: Runner) -> Response:
    """Opened with the shares that are there, a day after the closing."""
    answer = await request.app.state.rooms.command(StaffAct(sale, "open_tender", by=actor.public_id))
    if answer.result != "done":
        raise NotDone(answer.code or "engine_away")
    return RedirectResponse(f"/staff/sales/{sale}/tender", 303)


@router.post("/staff/sales/{sale}/tender/benchmarks")
async def benchmark(
    sale: Id,
    session: Writing,
    actor: Runner,
    now: Now,
    lot: Annotated[str, Form(max_length=26)],
    currency: Annotated[str, Form(max_length=3)],
    ppc: Annotated[str, Form(max_length=24)] = "",
) -> Response:
    amount = parse_minor(ppc, currency) if ppc.strip() else None
    if ppc.strip() and (amount is None or not 0 < amount <= MAX_AMOUNT):
        raise ActNotAllowed(state="amount_invalid")
    await ceremony.set_benchmark(session, sale=sale, lot=lot, ppc_minor=amount, by=actor.public_id, now=now)
    return RedirectResponse(f"/staff/sales/{sale}/tender", 303)


@router.post("/staff/sales/{sale}/tender/offers")
async def offer(
    sale: Id,
    session: Writing,
    actor: Runner,
    now: Now,
    lot: Annotated[str, Form(max_length=26)],
    bidder: Annotated[str, Form(max_length=4)],
    answer: Annotated[str, Form(pattern="^(offer|decline)$")],
) -> Response:
    """The seller's answer, in the order of the rank."""
    await ceremony.answer_below_reserve(
        session, sale=sale, lot=lot, bidder=bidder, offered=answer == "offer", by=actor.public_id, now=now
    )
    return RedirectResponse(f"/staff/sales/{sale}/tender", 303)
