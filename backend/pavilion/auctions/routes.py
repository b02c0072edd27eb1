"""Pages of the sales: the list for everybody, a company's registration, the registrar's queue."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from pavilion.accounts import checks
from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import (
    adding_routes,
    applicants,
    arranging_routes,
    board,
    curation_routes,
    deposits,
    expiring,
    paper_routes,
    presence_routes,
    registering,
    registry,
    sheet_routes,
    version_routes,
    wording_routes,
)
from pavilion.auctions.collection_page import show_collection
from pavilion.auctions.formats import SaleType
from pavilion.auctions.forms import optional_minor
from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.reasons import Why
from pavilion.auctions.registration_forms import Apply, AskOn, Decision
from pavilion.auctions.rules import SECOND_PERSON_ABOVE, LotState, RegistrationState, SaleState
from pavilion.auctions.terms import terms
from pavilion.auctions.wall_clock import local_instant, local_text
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound, Refusal
from pavilion.kernel.ids import is_ulid
from pavilion.kernel.money import of_two_places
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["auctions"])
MOST_MARKED = 2_000  # lots in one registration

Buyer = Annotated[Actor, may(Permission.SALE_REGISTER)]
Registrar = Annotated[Actor, may(Permission.REGISTRATION_DECIDE)]


@router.get("/sales")
async def sales(request: Request, actor: CurrentActor, session: Reading, now: Now) -> Response:
    lines = await board.sale_lines(session, actor)
    groups = [
        ("running", [line for line in lines if line.sale.state in board.RUNNING or _on_offer(line.sale, now)]),
        ("upcoming", [line for line in lines if line.sale.state == "published" and not _on_offer(line.sale, now)]),
        ("finished", [line for line in reversed(lines) if line.sale.state in board.ENDED]),
    ]
    return page(request, "auctions/sales.html", groups=groups, now=now)


def _on_offer(sale: Sale, now: datetime) -> bool:
    """A collection has no engine that opens it: its stones are on offer from its hour on."""
    opens = sale.opens_at is not None and sale.opens_at <= now
    return sale.type == SaleType.COLLECTION and sale.state == SaleState.PUBLISHED and opens


@router.get("/collections/{sale}")
async def collection(request: Request, sale: str, actor: CurrentActor, session: Reading, now: Now) -> Response:
    """Stones with their prices. A stone that lost its verdict is not among them."""
    row = await board.sale_of(session, sale)
    if row.type != SaleType.COLLECTION:
        raise NotFound()
    return await show_collection(request, session, row, actor, LotState.LISTED, on_offer=_on_offer(row, now))


@router.get("/sales/{sale}/registration")
async def registration_page(request: Request, sale: str, actor: Buyer, session: Reading) -> Response:
    row = await _ruled(session, sale)
    return await _registration_page(request, session, row, actor)


@router.post("/sales/{sale}/registration")
async def register(request: Request, sale: str, actor: Buyer, session: Writing, now: Now) -> Response:
    row = await _ruled(session, sale)
    sent = await request.form()
    said = {name: value for name, value in sent.items() if isinstance(value, str) and name != "lots"}
    lots = tuple(dict.fromkeys(lot for lot in sent.getlist("lots") if isinstance(lot, str)))
    try:
        form = Apply.model_validate(said)
        if len(lots) > MOST_MARKED or not all(map(is_ulid, lots)):
            raise BadInput(fields={"lots": "lot_not_offered"})
        asked = _asked(form, row.currency)
        async with session.begin_nested():
            await registering.apply(
                session,
                sale=sale,
                destination=form.destination,
                asked_minor=asked,
                terms_sha256=form.terms,
                note=form.note,
                lots=lots,
                actor=actor,
                now=now,
            )
    except ValidationError as error:
        faults = {str(fault["loc"][0]): "bad_input" for fault in error.errors() if fault["loc"]}
        return await _registration_page(request, session, row, actor, said, lots, faults=faults, status_code=422)
    except BadInput as fault:
        return await _registration_page(request, session, row, actor, said, lots, faults=fault.fields, status_code=422)
    return RedirectResponse(f"/sales/{sale}/registration", status_code=303)


@router.post("/sales/{sale}/registration/extension")
async def ask_on(sale: str, said: Annotated[AskOn, Form()], actor: Buyer, session: Writing, now: Now) -> Response:
    """The approval has ended, and the company asks to bid on."""
    await expiring.ask_on(session, sale=sale, note=said.note, actor=actor, now=now)
    return RedirectResponse(f"/sales/{sale}/registration", status_code=303)


async def _ruled(session: Reading, sale: str) -> Sale:
    """A sale in which one bids; nobody registers for a collection."""
    row = await board.sale_of(session, sale)
    if row.rules is None:
        raise NotFound()
    return row


def _asked(form: Apply, currency: str) -> int | None:
    if len(form.destination) != 2:
        raise BadInput(fields={"destination": "required"})
    try:
        return optional_minor(form.limit, currency)
    except ValueError as fault:
        raise BadInput(fields={"limit": "amount_invalid"}) from fault


async def _registration_page(
    request: Request,
    session: Reading,
    sale: Sale,
    actor: Actor,
    said: dict[str, str] | None = None,
    lots: Sequence[str] | None = None,
    *,
    faults: dict[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    kept = {name: value[:1000] for name, value in (said or {}).items()}
    running, now = sale.state in registering.OPEN_FOR_REGISTRATION, request.app.state.clock()
    registration, rule = await registry.own_registration(session, sale, actor), await deposits.rule_of(session, sale)
    marked = lots if lots is not None else registration.marked if registration else ()
    standings = await _standings(request, session, [registration] if registration else [])
    return page(
        request,
        "auctions/registration.html",
        status_code=status_code,
        sale=sale,
        registration=registration,
        standing=next(iter(standings.values()), None),
        deposit=rule,
        expected=await deposits.asked_of(session, registration, sale) if registration else 0,
        lots=await deposits.offered(session, sale) if rule.counts_lots else [],
        marked=frozenset(marked),
        terms=terms(),
        open=registering.takes_registrations(sale, now) or (running and registration is not None),
        running=running,
        now=now,
        said=kept,
        faults=faults or {},
    )


async def _standings(request: Request, session: Reading, rows: Sequence[Registration]) -> dict[str, str]:
    """How the payment of each deposit stands, as who keeps the books says it."""
    asked = [row.public_id for row in rows if row.deposit_minor]
    found: dict[str, str] = await request.app.state.deposit_standings(session, asked) if asked else {}
    return found


@router.get("/staff/registrations")
async def queue(
    request: Request, actor: Registrar, session: Reading, now: Now, state: str = "", sale: str = ""
) -> Response:
    wanted = RegistrationState(state) if state in set(RegistrationState) else None
    return await _queue_page(request, session, actor, now, wanted, sale)


@router.post("/staff/registrations/{registration}/{act}")
async def decide(
    request: Request,
    registration: str,
    act: str,
    said: Annotated[Decision, Form()],
    actor: Registrar,
    session: Writing,
    now: Now,
    sale: str = "",
) -> Response:
    """Approve with a limit, ask, decline, suspend, resume, or change the limit or the end of the approval."""
    try:
        async with session.begin_nested():
            done = await _decided(session, registration, act, said, actor, now)
    except (BadInput, ActNotAllowed) as refused:
        return await _queue_page(
            request, session, actor, now, None, sale, refused=refused, about=registration, said=said
        )
    back = f"/staff/registrations?sale={sale}" if is_ulid(sale) else "/staff/registrations"
    return RedirectResponse("/staff/proposals" if isinstance(done, Proposal) else back, status_code=303)


async def _decided(session: Writing, registration: str, act: str, said: Decision, actor: Actor, now: Now) -> object:
    facts: dict[str, Any] = {"registration": registration, "actor": actor, "now": now}
    match act:
        case "approval":
            limit = await _limit(session, registration, said, required=False)  # it may be left to the deposit
            until = await _until(session, registration, said)
            return await registering.approve(session, limit_minor=limit, until=until, **facts)
        case "end":
            return await expiring.set_end(session, until=await _until(session, registration, said), **facts)
        case "limit":
            new = await _limit(session, registration, said)
            return await registering.set_limit(session, limit_minor=new or 0, **facts)
        case "question":
            return await registering.ask(session, reason=said.reason, **facts)
        case "decline":
            return await registering.decline(session, why=said.why, note=said.note, **facts)
        case "suspension":
            return await registering.suspend(session, why=said.why, note=said.note, **facts)
        case "resumption":
            return await registering.resume(session, **facts)
        case _:
            raise NotFound()


async def _limit(session: Writing, registration: str, said: Decision, *, required: bool = True) -> int | None:
    currency = (await registry.sale_of(session, registration)).currency
    try:
        limit = optional_minor(said.limit, currency)
    except ValueError as fault:
        raise BadInput(fields={"limit": "amount_invalid"}) from fault
    if limit is None and required:
        raise BadInput(fields={"limit": "required"})
    return limit


async def _until(session: Writing, registration: str, said: Decision) -> datetime | None:
    sale = await registry.sale_of(session, registration)
    try:
        return local_instant(said.until, ZoneInfo(sale.zone))
    except ValueError as fault:
        raise BadInput(fields={"until": "time_unknown"}) from fault


async def _queue_page(
    request: Request,
    session: Reading,
    actor: Actor,
    now: Now,
    state: RegistrationState | None,
    sale: str,
    *,
    refused: Refusal | None = None,
    about: str = "",
    said: Decision | None = None,
) -> Response:
    rows = await registry.registrations(session, state=state, sale=sale if is_ulid(sale) else None)
    companies, days = {row.company.id for row in rows}, request.app.state.settings.screening_days
    return page(
        request,
        "auctions/registrations.html",
        status_code=refused.status if refused else 200,
        rows=rows,
        of_sale=f"?sale={sale}" if is_ulid(sale) else "",
        state=state,
        states=list(RegistrationState),
        now=now,
        refused=refused,
        about=about,
        said=said or Decision(),
        threshold={row.sale.currency: of_two_places(SECOND_PERSON_ABOVE, row.sale.currency) for row in rows},
        standings=await _standings(request, session, [row.registration for row in rows]),
        facts=await applicants.of(session, rows, actor, now),
        payers=await request.app.state.payers_of(session, companies),
        checks=await checks.of_companies(session, companies, now, days),
        days=days,
        sees_checks=checks.may_see(actor),
        until_text=lambda row: local_text(row.registration.approved_until, ZoneInfo(row.sale.zone)),
        whys=list(Why),
        asked={row.registration.id: await deposits.asked_of(session, row.registration, row.sale) for row in rows},
    )


router.include_router(curation_routes.router)
router.include_router(adding_routes.router)
router.include_router(arranging_routes.router)
router.include_router(wording_routes.router)
router.include_router(presence_routes.router)
router.include_router(sheet_routes.router)
router.include_router(paper_routes.router)
router.include_router(version_routes.router)
