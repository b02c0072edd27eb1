"""The cashier's side of an invoice: a draft's charges, tax and issue; credit notes, cancelling and writing off."""

import re
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.fees import Regime
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.kernel.money import parse_minor
from pavilion.settlement import (
    charging,
    clearing,
    correcting,
    credit_parts,
    crediting,
    document,
    queries,
    release_queries,
    stopping,
)
from pavilion.settlement.invoice_forms import (
    CancelForm,
    ChargeForm,
    IssueForm,
    RemovalForm,
    TaxForm,
    WaitForm,
    WriteOffForm,
)
from pavilion.settlement.jobs import NOTE
from pavilion.settlement.models import Invoice
from pavilion.settlement.note_models import Paper
from pavilion.settlement.rules import PAYABLE, InvoiceState
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import Pages, language, page
from pavilion.webkit.i18n import LANGUAGES, Lang

router = APIRouter(tags=["invoices"])

Cashier = Annotated[Actor, may(Permission.PAYMENT_BOOK)]
Name = Annotated[str, Path(max_length=40)]
_RATE = re.compile(r"([0-9]{1,2})(?:\.([0-9]{1,2}))?")


@router.get("/staff/cashier/drafts")
async def drafts(request: Request, actor: Cashier, session: Reading) -> Response:
    rows = await charging.waiting(session)
    return page(request, "settlement/drafts.html", rows=rows)


@router.get("/staff/cashier/drafts/{name}")
async def draft(request: Request, name: Name, actor: Cashier, session: Reading) -> Response:
    found = await queries.invoice_for(session, actor, name)
    if found is None:
        raise NotFound()
    if found.state != InvoiceState.DRAFT:
        return RedirectResponse(f"/desk/invoices/{found.number}", status_code=303)
    return await _draft_page(request, session, found)


@router.post("/staff/cashier/drafts/{name}/charges")
async def add_charge(
    request: Request, name: Name, said: Annotated[ChargeForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    found = await charging.draft(session, name)
    try:
        await charging.add(
            session,
            found,
            kind=said.kind,
            amount_minor=parse_minor(said.amount, found.currency),
            taxed=said.taxed == "yes",
            text_en=said.text_en,
            text_zh=said.text_zh,
            key=said.key,
            by=actor.public_id,
            now=now,
        )
    except BadInput as fault:
        return await _draft_page(request, session, found, charge=said.model_dump(), faults=fault.fields)
    return _back(name, "charged")


@router.post("/staff/cashier/drafts/{name}/charges/removal")
async def remove_charge(
    name: Name, said: Annotated[RemovalForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    found = await charging.draft(session, name)
    await charging.remove(session, found, said.line, by=actor.public_id, now=now)
    return _back(name, "removed")


@router.post("/staff/cashier/drafts/{name}/tax")
async def decide_tax(
    request: Request, name: Name, said: Annotated[TaxForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    found = await charging.draft(session, name)
    try:
        await charging.decide_tax(
            session,
            found,
            regime=said.regime,
            rate_bp=_rate(said.rate),
            text=said.text,
            reason=said.reason,
            by=actor.public_id,
            now=now,
        )
    except BadInput as fault:
        return await _draft_page(request, session, found, tax=said.model_dump(), faults=fault.fields)
    return _back(name, "taxed")


@router.post("/staff/cashier/drafts/{name}/wait")
async def wait(name: Name, said: Annotated[WaitForm, Form()], actor: Cashier, session: Writing, now: Now) -> Response:
    found = await charging.draft(session, name)
    await charging.wait(session, found, said.waits == "yes", by=actor.public_id, now=now)
    return _back(name, "waits" if said.waits == "yes" else "goes")


@router.post("/staff/cashier/drafts/{name}/issue")
async def issue(name: Name, said: Annotated[IssueForm, Form()], actor: Cashier, session: Writing, now: Now) -> Response:
    found = await charging.draft(session, name)
    issued = await charging.issue(session, found, seen_minor=said.total, by=actor.public_id, now=now)
    return RedirectResponse(f"/desk/invoices/{issued.number}", status_code=303)


@router.get("/staff/cashier/invoices/{number}/correction")
async def correction(request: Request, number: Name, actor: Cashier, session: Reading) -> Response:
    return await _correction_page(request, session, await _numbered(session, actor, number))


@router.post("/staff/cashier/invoices/{number}/cancellation")
async def cancellation(
    request: Request, number: Name, said: Annotated[CancelForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    """A credit note of the whole, or of the lots that were ticked, waits for a second person."""
    try:
        lots = None if said.what == "whole" else said.lot
        await correcting.propose_cancel(
            session, number=number, lots=lots, again=said.again == "yes", reason=said.reason, actor=actor, now=now
        )
    except BadInput as fault:
        found = await _numbered(session, actor, number)
        return await _correction_page(request, session, found, said=said.model_dump(), faults=fault.fields)
    return RedirectResponse("/staff/proposals", status_code=303)


@router.post("/staff/cashier/invoices/{number}/write-off")
async def write_off(
    request: Request, number: Name, said: Annotated[WriteOffForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    try:
        await correcting.propose_write_off(session, number=number, reason=said.why, actor=actor, now=now)
    except BadInput as fault:
        faults = {"why": fault.fields.get("reason", "reason_needed")}
        found = await _numbered(session, actor, number)
        return await _correction_page(request, session, found, said=said.model_dump(), faults=faults)
    return RedirectResponse("/staff/proposals", status_code=303)


@router.get("/desk/invoices/{number}/credit-notes/{note}.pdf")
async def note_pdf(
    request: Request, number: Name, note: Name, actor: SignedInActor, session: Reading, lang: str | None = None
) -> Response:
    """The credit note as it was set; a buyer's own, a cashier's any."""
    invoice = await _numbered(session, actor, number)
    found = next((one for one in await crediting.notes_of(session, invoice) if one.number == note), None)
    if found is None:
        raise NotFound()
    chosen: Lang = language(request) if lang not in LANGUAGES else "zh" if lang == "zh" else "en"
    paper = await session.get(Paper, (found.public_id, NOTE, chosen))
    if paper is None:
        raise NotFound()
    headers = {"content-disposition": f'attachment; filename="{found.number}-{chosen}.pdf"'}
    return Response(paper.pdf, media_type="application/pdf", headers=headers)


async def _draft_page(
    request: Request, session: AsyncSession, found: Invoice, *, faults: dict[str, str] | None = None, **said: Any
) -> Response:
    pages: Pages = request.app.state.pages
    lots = {line.lot for line in found.lines if line.lot}
    return page(
        request,
        "settlement/draft.html",
        status_code=422 if faults else 200,
        invoice=found,
        paper=document.data_of(found, pages.tongues[language(request)]),
        charges=[line for line in found.lines if line.kind == "charge"],
        street_missing=await release_queries.street_missing(session, found, found.destination),
        stops=await stopping.stops_of(session, lots),
        kinds=charging.KINDS,
        regimes=list(Regime),
        charge=said.get("charge", {}),
        tax=said.get("tax", {}),
        faults=faults or {},
        key=uuid4().hex,
    )


async def _correction_page(
    request: Request,
    session: AsyncSession,
    found: Invoice,
    *,
    said: dict[str, Any] | None = None,
    faults: dict[str, str] | None = None,
) -> Response:
    billed = await crediting.billed_lines(session, found)
    left = {line.lot for line in billed if line.kind == "hammer" and line.left}
    sums = {lot: sum(credit_parts.of_lots(billed, [lot]).values()) for lot in left if lot}
    return page(
        request,
        "settlement/correction.html",
        status_code=422 if faults else 200,
        invoice=found,
        lots=[line for line in found.lines if line.kind == "hammer" and line.lot in left],
        sums=sums,
        notes=await crediting.notes_of(session, found),
        whole=found.state in PAYABLE,
        single=found.state in crediting.CREDITABLE,
        open_minor=await queries.open_minor(session, found),
        disputed=found.id in await clearing.disputed(session, (found,)),
        said=said or {},
        faults=faults or {},
    )


async def _numbered(session: AsyncSession, actor: Actor, number: str) -> Invoice:
    found = await queries.invoice_for(session, actor, number)
    if found is None or found.number is None:
        raise NotFound()
    return found


def _rate(text: str) -> int | None:
    """Basis points of a typed percentage, `21` or `8.1`; None when nothing or nonsense was typed."""
    if (found := _RATE.fullmatch(text.strip().rstrip("% "))) is None:
        return None
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def _back(name: str, done: str) -> Response:
    return RedirectResponse(f"/staff/cashier/drafts/{name}?done={done}", status_code=303)
