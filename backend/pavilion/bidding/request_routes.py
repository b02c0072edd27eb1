"""What a bidder states and asks about a lot, for programs and as forms; and the list on which staff decide."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.once import Repeatable, as_done
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.bidding import acting, lot_requests, rule_sets, showing, viewing_gate
from pavilion.bidding.answers import ConfirmedTold, ReadTold, RequestTold
from pavilion.bidding.api import Id
from pavilion.bidding.messages import Count, Whole
from pavilion.bidding.request_models import Decision, Ground, ViewingKind
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.staff_forms import ActForm
from pavilion.kernel.db import reading
from pavilion.kernel.errors import BadInput, KeyReused, NotDone, NotFound
from pavilion.kernel.instants import stamp
from pavilion.kernel.money import parse_minor
from pavilion.webkit.answers import answers
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page
from pavilion.webkit.idempotent import Done

router = APIRouter()

Bidder = Annotated[Actor, may(Permission.BID_PLACE)]
Voider = Annotated[Actor, may(Permission.BID_VOID)]
Clerk = Annotated[Actor, may(Permission.BID_BEHALF)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=120)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReadForm(_Said):
    seq: Count


class RetractForm(_Said):
    """`meant`: what the bidder meant instead, compared once and not kept."""

    n: Count
    ground: Ground
    meant: Whole | None = None
    words: Words = ""


UNHEARD = (
    *(lot_requests.NothingToVoid, lot_requests.NoSlip, lot_requests.TooLate),
    *(lot_requests.NothingChanged, lot_requests.AskedBefore),
)

# -- for programs -----------------------------------------------------------------------------------------------------


@router.post(
    "/api/v1/lots/{lot}/acknowledgements",
    responses=answers({200: ReadTold, 201: ReadTold}, KeyReused),
    tags=["bidding"],
)
async def read(lot: Id, said: ReadForm, session: Writing, actor: Bidder, now: Now, once: Repeatable) -> Response:
    """The bidder has read the lot's notices up to `seq`."""

    async def act() -> Done:
        seq = await lot_requests.acknowledge(session, lot=lot, seq=said.seq, actor=actor, now=now)
        return as_done(201, lot=lot, seq=seq)

    return await once(session, act)


@router.post(
    "/api/v1/lots/{lot}/confirmations",
    responses=answers({200: ConfirmedTold, 201: ConfirmedTold}, lot_requests.NotPossible, KeyReused),
    tags=["bidding"],
)
async def confirm(lot: Id, session: Writing, actor: Bidder, now: Now, once: Repeatable) -> Response:
    """The own maximum stands, though the passport of a stone has a new version."""

    async def act() -> Done:
        change = await lot_requests.confirm(session, lot=lot, actor=actor, now=now)
        return as_done(201, lot=lot, passport=change.passport, until=stamp(change.until))

    return await once(session, act)


@router.post(
    "/api/v1/lots/{lot}/retractions",
    responses=answers({200: RequestTold, 201: RequestTold}, *UNHEARD, KeyReused),
    tags=["bidding"],
)
async def retract(
    request: Request, lot: Id, said: RetractForm, session: Writing, actor: Bidder, now: Now, once: Repeatable
) -> Response:
    """The house is asked to void an own bid, for a slip or a changed description."""

    async def act() -> Done:
        row = await _ask(request, session, lot, said.n, said.ground, said.meant, said.words, actor, now)
        return as_done(201, request=row, lot=lot, n=said.n, state="waiting")

    return await once(session, act)


# -- forms of a lot ---------------------------------------------------------------------------------------------------


@router.post("/lots/{lot}/acknowledgements")
async def read_on_page(
    lot: Id, session: Writing, actor: Bidder, now: Now, seq: Annotated[int, Form(ge=1, le=2**53)]
) -> Response:
    await lot_requests.acknowledge(session, lot=lot, seq=seq, actor=actor, now=now)
    return RedirectResponse(f"/lots/{lot}", 303)


@router.post("/lots/{lot}/confirmations")
async def confirm_on_page(lot: Id, session: Writing, actor: Bidder, now: Now) -> Response:
    await lot_requests.confirm(session, lot=lot, actor=actor, now=now)
    return RedirectResponse(f"/lots/{lot}", 303)


@router.post("/lots/{lot}/retractions")
async def retract_on_page(
    request: Request, lot: Id, session: Writing, actor: Bidder, now: Now,
    n: Annotated[int, Form(ge=0, le=2**53)], ground: Annotated[Ground, Form()],
    meant: Annotated[str, Form(max_length=40)] = "", words: Annotated[Words, Form()] = "",
) -> Response:  # fmt: skip
    currency = await session.scalar(select(Sale.currency).join(Lot, Lot.sale_id == Sale.id).where(Lot.public_id == lot))
    amount = parse_minor(meant, currency or "USD")
    if ground is Ground.SLIP and amount is None:
        raise BadInput(fields={"meant": "amount_invalid"})
    await _ask(request, session, lot, n, ground, amount, words, actor, now)
    return RedirectResponse(f"/lots/{lot}#retractions", 303)


@router.post("/lots/{lot}/waiver")
async def waive(
    lot: Id, session: Writing, actor: Bidder, now: Now,
    name: Annotated[Name, Form()], agreed: Annotated[Literal["yes"], Form()],
) -> Response:  # fmt: skip
    """The buyer signs that it bids without having seen the lot."""
    await _known(session, lot)
    assert actor.company_id is not None and actor.public_id is not None and agreed
    company, by = actor.company_id, actor.public_id
    await viewing_gate.record(
        session, lot=lot, company_id=company, kind=ViewingKind.WAIVER, at=now, by=by, signed_as=name
    )
    return RedirectResponse(f"/lots/{lot}", 303)


@router.post("/lots/{lot}/viewings")
async def note_viewing(
    lot: Id, session: Writing, actor: Clerk, now: Now,
    paddle: Annotated[int, Form(ge=1, le=999_999)], kind: Annotated[Literal["in_person", "remote"], Form()],
) -> Response:  # fmt: skip
    """Staff note that somebody of this paddle's company saw the lot."""
    sale = await _known(session, lot)
    company = await session.scalar(
        select(Registration.company_id).where(Registration.sale_id == sale.id, Registration.paddle == paddle)
    )
    if company is None:
        raise BadInput(fields={"paddle": "not_registered"})
    by = actor.public_id or ""
    await viewing_gate.record(session, lot=lot, company_id=company, kind=ViewingKind(kind), at=now, by=by)
    return RedirectResponse(f"/lots/{lot}", 303)


# -- staff ------------------------------------------------------------------------------------------------------------


@router.get("/staff/sales/{sale}/requests")
async def requests(request: Request, sale: Id, session: Reading, actor: Voider, now: Now) -> Response:
    """What bidders of this sale asked to have voided, and what came of it."""
    shown = await showing.sale_shown(session, sale, actor, None)
    return page(request, "bidding/requests.html", sale=shown, asked=await lot_requests.asked_in(session, sale), now=now)


@router.post("/staff/sales/{sale}/requests/{asked}")
async def decide(
    request: Request, sale: Id, asked: Id, actor: Voider, now: Now,
    act: Annotated[Literal["decline", "void"], Form()], reason: Annotated[Words, Form()] = "",
) -> Response:  # fmt: skip
    """Declined, or the void proposed to a second person. Decided twice, the first decision stands."""
    state, proposal = request.app.state, None
    if act == "void":
        async with reading(state.sessions) as session:
            row = await lot_requests.waiting(session, sale, asked)
        why = "typo" if row.ground == Ground.SLIP else "description_changed"
        said = ActForm(act="void", lot=row.lot, seqs=str(row.seq), reason=why)
        # The proposal is a transaction of its own; proposed twice it is the same one.
        desk = acting.Desk(state.sessions, state.rooms, state.vault)
        outcome = await acting.carry_out(desk, sale, said, actor, now)
        if outcome.result == "refused":
            raise NotDone(outcome.code or "act_not_allowed")
        proposal = outcome.proposal
    decision = Decision.VOID_PROPOSED if act == "void" else Decision.DECLINED
    async with state.sessions.begin() as session:
        row = await lot_requests.waiting(session, sale, asked, held=True)
        lot_requests.decide(session, row, decision, actor=actor, now=now, reason=reason, proposal=proposal)
    return RedirectResponse(f"/staff/sales/{sale}/requests", 303)


async def _ask(
    request: Request, session: AsyncSession, lot: str, n: int, ground: Ground, meant: int | None, words: str,
    actor: Actor, now: datetime,
) -> str:  # fmt: skip
    sale = await _known(session, lot)
    slip = None
    if ground is Ground.SLIP and meant is not None and actor.company_id is not None:
        opening = await request.app.state.rooms.opening(sale.public_id, n, actor.company_id)
        if opening is None:
            raise lot_requests.NothingToVoid()
        slip = lot_requests.Slip(opening.amount, meant)
    changed = await rule_sets.amended(session, sale.public_id)
    window = parse_rules(changed.document_of(lot) or sale.rules).retraction
    facts: dict[str, Any] = {"lot": lot, "n": n, "ground": ground, "slip": slip, "words": words}
    row = await lot_requests.ask_retraction(session, window=window, actor=actor, now=now, **facts)
    return row.public_id


async def _known(session: AsyncSession, lot: str) -> Sale:
    """The published sale of the lot."""
    wanted = select(Sale).join(Lot, Lot.sale_id == Sale.id).where(Lot.public_id == lot, Sale.rules_hash.is_not(None))
    sale = await session.scalar(wanted)
    if sale is None:
        raise NotFound()
    return sale
