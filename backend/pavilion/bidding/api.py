"""The rooms for programs: the same engine, keys and codes as on the socket, as JSON."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from pavilion.accounts.deps import CurrentActor, SignedInActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.bidding import queries, unsaid
from pavilion.bidding.answers import ClockTold, EventsTold, ReceiptTold
from pavilion.bidding.deciding import Answer, BidOrder
from pavilion.bidding.exporting import record_of
from pavilion.bidding.messages import Ack, BidForm, Snapshot, ack
from pavilion.bidding.receipts import receipt, tlog_proof
from pavilion.kernel.db import reading
from pavilion.kernel.errors import NotFound
from pavilion.kernel.instants import micros, stamp
from pavilion.webkit.answers import EXAMPLE, KEPT_FOR_EVER, Reason, answers
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.refusals import problem

router = APIRouter(tags=["bidding"])

Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$", description="Its id.", examples=[EXAMPLE])]
Bidder = Annotated[Actor, may(Permission.BID_PLACE)]
KEY = r"^[0-9a-f]{32}$"
BidKey = Annotated[str, Header(alias="idempotency-key", pattern=KEY, description=KEPT_FOR_EVER, examples=["9b" * 16])]
OwnKey = Annotated[str, Path(pattern=KEY, description="The key of the bid.", examples=["9b" * 16])]
LineNo = Annotated[int, Path(ge=0, le=2**53, description="The number of the event in the sale's book.", examples=[41])]
LONGEST_WAIT = 30  # seconds of one long poll

STATUS = {
    "lot_unknown": 404,
    "bad_message": 422,
    "slow_down": 429,
    "engine_away": 503,
    **dict.fromkeys(
        (
            "not_registered",
            "registration_pending",
            "terms_not_accepted",
            "banned",
            "approval_expired",
            "conflict_of_interest",
            "not_eligible",
            "viewing_required",
        ),
        403,
    ),
    **dict.fromkeys(
        (
            "amount_invalid",
            "amount_too_large",
            "wrong_currency",
            "off_ladder",
            "below_opening",
            "below_ask",
            "not_above_own_max",
            "over_limit",
            "confirm_needed",
        ),
        422,
    ),
}


# Why a bid is not taken; refused ones stand in the book too. 409 says that the lot or its rules stand against it.
STANDS_AGAINST = frozenset(
    {
        *("key_reused", "not_open_yet", "lot_paused", "sale_paused", "lot_closed", "lot_withdrawn", "too_late"),
        *("rules_changed", "nothing_to_withdraw", "no_benchmark", "seal_broken", "act_not_allowed"),
    }
)
BID_CODES: tuple[Reason, ...] = (*((status, code) for code, status in STATUS.items()), (409, STANDS_AGAINST))


@router.post("/api/v1/lots/{lot}/bids", responses=answers({200: Ack, 201: Ack}, *BID_CODES))
async def place(
    request: Request,
    lot: Id,
    bid: BidForm,
    session: Reading,
    actor: Bidder,
    key: BidKey,
) -> Response:
    """201 accepted, 200 the same again, else a problem whose code says why."""
    if actor.company_id is None:
        return problem(request, 403, "not_registered", {})
    sale = await queries.sale_of_lot(session, lot)
    if sale is None:
        return problem(request, 404, "lot_unknown", {"lot": lot})
    order = BidOrder(
        sale, lot, actor.company_id, key, bid.max, bid.currency, bid.rules, bid.confirm, person=actor.public_id
    )
    return told(request, await request.app.state.rooms.place(order))


def told(request: Request, answer: Answer) -> Response:
    document = ack(answer).model_dump()
    if answer.result == "accepted":
        return JSONResponse(document, 200 if answer.replayed else 201)
    code = answer.code or "engine_away"
    facts = {name: value for name, value in document.items() if value is not None and name not in ("op", "code")}
    return problem(request, STATUS.get(code, 409), code, facts)


@router.get("/api/v1/bids/{key}", responses=answers({200: Ack}, (503, "engine_away")))
async def own_answer(request: Request, key: OwnKey, session: Reading, actor: SignedInActor) -> Response:
    """What became of the bid with this key, for the company that made it."""
    if actor.company_id is None:
        raise NotFound()
    for sale, _ in await queries.bids_by_key(session, actor.company_id, key):
        answer = await request.app.state.rooms.answer(sale, actor.company_id, key)
        if answer is None:
            return problem(request, 503, "engine_away", {"key": key})
        return JSONResponse(ack(answer).model_dump())
    raise NotFound()


@router.get("/api/v1/lots/{lot}/events", responses=answers({200: EventsTold}), tags=["sales"])
async def events(
    request: Request,
    lot: Id,
    actor: SignedInActor,
    after_seq: Annotated[int, Query(ge=0, le=2**53, description="`seq` of the last one known.", examples=[4])] = 0,
    wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for one.", examples=[20])] = 0,
) -> Response:
    """The lot's events past `after_seq`; without any, the answer waits for the next one so many seconds. Of a notice
    that a withheld lot keeps for itself there is the hash alone."""
    state = request.app.state
    async with reading(state.sessions) as session:
        sale = await queries.sale_of_lot(session, lot)
    if sale is None:
        raise NotFound()
    left = float(wait)
    loop = asyncio.get_running_loop()
    until = loop.time() + left
    while True:
        bell = state.rooms.hub.bell(sale)
        async with reading(state.sessions) as session:  # held for the reading only, never for the wait
            kept = (await unsaid.of_lots(session, [lot], actor)).get(lot, ())
            bodies = await queries.events_after(session, lot, after_seq, kept=kept)
        if bodies or (left := until - loop.time()) <= 0:
            return Response(f'{{"lot":"{lot}","events":[{",".join(bodies)}]}}', media_type="application/json")
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await bell.wait()


@router.get("/api/v1/sales/{sale}/snapshot", responses=answers({200: Snapshot}), tags=["sales"])
async def snapshot(sale: Id, session: Reading, actor: SignedInActor, now: Now) -> Response:
    """Every lot of the sale as its book stands, to go on from with the events."""
    found = await queries.snapshot(session, sale, now)
    if found is None:
        raise NotFound()
    return Response(found.model_dump_json(), media_type="application/json")


@router.get("/api/v1/time", responses=answers({200: ClockTold}), tags=["partners"])
async def time(now: Now) -> dict[str, Any]:
    """The house's clock, by which every bid is judged."""
    return {"t": stamp(now), "us": micros(now)}


@router.get("/api/v1/sales/{sale}/receipts/{n}", responses=answers({200: ReceiptTold}))
@router.get("/sales/{sale}/receipts/{n}.json")
async def receipt_json(request: Request, sale: Id, n: LineNo, session: Reading, actor: SignedInActor) -> Response:
    """The receipt of an own bid: its event, the way to a signed root, and the opening of its commitment."""
    return JSONResponse(await own_receipt(request, session, sale, n, actor))


@router.get("/sales/{sale}/receipts/{n}.tlog-proof")
async def receipt_proof(request: Request, sale: Id, n: LineNo, session: Reading, actor: SignedInActor) -> Response:
    return PlainTextResponse(tlog_proof(await own_receipt(request, session, sale, n, actor)))


async def own_receipt(request: Request, session: Reading, sale: str, n: int, actor: Actor) -> dict[str, Any]:
    """The receipt, for the company whose bid it is; for anybody else there is none."""
    if actor.company_id is None or await queries.company_of_bid(session, sale, n) != actor.company_id:
        raise NotFound()
    opening = await request.app.state.rooms.opening(sale, n, actor.company_id)
    document = await receipt(session, sale, n, opening)
    if document is None:
        raise NotFound()
    return document


@router.get("/sales/{sale}/rules.json")
async def rules(sale: Id, session: Reading) -> Response:
    """The rule set, byte for byte as its hash names it."""
    book = await queries.book_row(session, sale)
    if book is None:
        raise NotFound()
    return Response(book.rules, media_type="application/json")


@router.get("/sales/{sale}/record.jsonl")
async def record(request: Request, sale: Id, session: Reading, now: Now, _actor: CurrentActor) -> Response:
    """The public record of a closed sale."""
    lines = await record_of(session, sale, request.app.state.rooms.verifier, now)
    if lines is None:
        raise NotFound()
    return StreamingResponse(
        lines,
        media_type="application/jsonl",
        headers={"content-disposition": f'attachment; filename="{sale}.record.jsonl"'},
    )
