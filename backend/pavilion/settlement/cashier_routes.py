"""The cashier's day: what came in, what is late, what does not match, and what is done about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from pavilion.accounts.deps import may
from pavilion.accounts.rules import APPROVERS, Actor, Permission
from pavilion.auctions.entities import entities
from pavilion.kernel.canon import sha256_hex
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, TooLarge
from pavilion.kernel.money import CURRENCIES, parse_minor
from pavilion.kernel.sheet import write_csv
from pavilion.settlement import (
    cash_queries,
    cash_sheets,
    converting,
    matching,
    money_proposals,
    queries,
    receiving,
    reversing,
    scans,
    trail,
    wiring,
)
from pavilion.settlement.cash_forms import ConversionForm, MatchForm, ReasonForm, ReturnForm, TransferForm
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import Receipt
from pavilion.settlement.wiring import Seen
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["cashier"])

Staff = Annotated[Actor, may(Permission.STAFF_SEE)]
Reader = Annotated[Actor, may(Permission.LEDGER_SEE)]
Cashier = Annotated[Actor, may(Permission.PAYMENT_BOOK)]
Refunder = Annotated[Actor, may(Permission.REFUND_PROPOSE)]
Ulid = Annotated[str, Path(max_length=26)]
SLACK = 64 * 1024  # the other fields of a form and its boundaries


def csv_file(name: str, rows: cash_sheets.Rows) -> Response:
    """A table for a spreadsheet; nothing in it runs there."""
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(b"".join(write_csv(iter(rows))), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/staff/cashier")
async def day(request: Request, actor: Reader, session: Reading, now: Now) -> Response:
    came = await cash_queries.came_in(session, now)
    waiting = await cash_queries.waiting(session, now)
    tongue = request.app.state.pages.tongues[language(request)]
    return page(
        request,
        "settlement/cashier.html",
        came=came,
        totals=cash_queries.totals(came),
        late=await cash_queries.late(session, now),
        unplaced=await cash_queries.unplaced(session),
        waiting=waiting,
        did=await money_proposals.lines(session, [proposal for proposal, _ in waiting], tongue),
        decidable={kind for kind, right in APPROVERS.items() if actor.may(right)},
        refunds=await cash_queries.refunds(session, ended=False),
        discrepancies=await cash_queries.discrepancies(session, closed=False),
        fees_waiting=await cash_queries.fees_waiting(session),
        now=now,
    )


@router.get("/staff/cashier/day.csv")
async def day_csv(actor: Reader, session: Reading, now: Now) -> Response:
    return csv_file("receipts-of-the-day", cash_sheets.of_day(await cash_queries.came_in(session, now)))


@router.get("/staff/cashier/invoices")
async def invoices(request: Request, actor: Reader, session: Reading) -> Response:
    return page(request, "settlement/cashier_invoices.html", rows=await queries.invoices(session, actor))


@router.get("/staff/cashier/transfer")
async def transfer(request: Request, actor: Cashier, session: Reading, invoice: str = "") -> Response:
    """An empty form, or one for this invoice with what is left to pay."""
    found = await queries.invoice_by_number(session, invoice[:40]) if invoice else None
    left = await queries.open_minor(session, found) if found is not None else 0
    return await _transfer_page(request, session, found=found, left=left)


@router.post("/staff/cashier/receipts")
async def enter(request: Request, actor: Cashier, session: Writing, now: Now) -> Response:
    """A line of the statement becomes a proposal that a second person confirms."""
    said, upload = await _sent(request)
    try:
        number = said.get("invoice", "").strip().upper()[:40]
        known = {number} if number and await queries.invoice_by_number(session, number) is not None else ()
        form = TransferForm.read(said, known, now)
        amount = parse_minor(form.amount, form.currency)
        if amount is None:
            raise BadInput(fields={"amount": "amount_invalid"})
        media, content = await to_thread.run_sync(scans.read, upload) if upload else ("", b"")
        seen = Seen(
            entity=form.entity,
            amount_minor=amount,
            currency=form.currency,
            value_date=form.value_date,
            bank_reference=form.bank_reference,
            invoice=form.invoice.upper(),
            deposit=form.deposit.upper(),
            payer=form.payer,
            scan=sha256_hex(content) if content else None,
            sender=form.sender,
            sender_account=form.sender_account,
        )
        try:
            entered = await wiring.enter(session, seen, actor=actor, now=now)
        except NotFound:
            raise BadInput(fields={"deposit" if form.deposit else "invoice": "invoice_unknown"}) from None
        if content:
            await scans.keep(session, media, content, now)
    except BadInput as fault:
        return await _transfer_page(request, session, said=said, faults=fault.fields, status=422)
    done = "over" if entered.facts.get("over_minor") else "entered"
    return RedirectResponse(f"/staff/cashier?done={done}", status_code=303)


async def _sent(request: Request) -> tuple[dict[str, str], bytes]:
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or int(declared) > scans.MOST_BYTES + SLACK:
        raise TooLarge(limit=scans.MOST_BYTES)
    async with request.form(max_files=1, max_fields=14, max_part_size=SLACK) as form:
        said = {name[:40]: value for name, value in form.items() if isinstance(value, str)}
        upload = form.get("file")
        content = await upload.read(scans.MOST_BYTES + 1) if isinstance(upload, UploadFile) else b""
    return said, content


async def _transfer_page(
    request: Request,
    session: AsyncSession,
    *,
    found: Invoice | None = None,
    left: int = 0,
    said: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    return page(
        request,
        "settlement/cashier_transfer.html",
        status_code=status,
        found=found,
        left_minor=left,
        said=said or {},
        faults=faults or {},
        entities=sorted((code, entity.name) for code, entity in entities().items()),
        currencies=[(one, one) for one in sorted(CURRENCIES)],
        payers=await cash_queries.payers(session),
    )


@router.get("/staff/cashier/scans/{digest}")
async def scan(digest: str, actor: Staff, session: Reading) -> Response:
    """The picture of a statement line, for those who enter, confirm and audit; only ever a file, never a page."""
    if not (actor.may(Permission.LEDGER_SEE) or actor.may(Permission.PAYMENT_CONFIRM)):
        raise NotAllowed(right=Permission.LEDGER_SEE.value)
    found = await scans.of(session, digest[:64])
    if found is None:
        raise NotFound()
    name = f"statement-{digest[:12]}.{'pdf' if found.media == scans.PDF else 'jpg'}"
    way = "attachment" if found.media == scans.PDF else "inline"
    headers = {"content-disposition": f'{way}; filename="{name}"', "x-content-type-options": "nosniff"}
    return Response(found.content, media_type=found.media, headers={**headers, "cache-control": "private, no-store"})


@router.get("/staff/cashier/unallocated")
async def unallocated(request: Request, actor: Reader, session: Reading) -> Response:
    rows = await cash_queries.unplaced(session)
    return page(request, "settlement/cashier_unallocated.html", rows=rows)


@router.get("/staff/cashier/unallocated.csv")
async def unallocated_csv(actor: Reader, session: Reading) -> Response:
    return csv_file("unallocated", cash_sheets.of_unplaced(await cash_queries.unplaced(session)))


@router.get("/staff/cashier/receipts/{receipt}")
async def receipt_page(request: Request, receipt: Ulid, actor: Reader, session: Reading, now: Now) -> Response:
    return await _receipt_page(request, session, receipt, now)


@router.post("/staff/cashier/receipts/{receipt}/match")
async def match(
    request: Request, receipt: Ulid, said: Annotated[MatchForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    """What is left of the receipt, or as much of it, pays the invoice."""
    try:
        amount = await _part(session, receipt, said.amount)
        number = said.invoice.upper()
        await matching.match(
            session, receipt, number=number, amount_minor=amount, actor=actor, now=now, reason=said.reason
        )
    except BadInput as fault:
        kept = {"match": said.model_dump()}
        return await _receipt_page(request, session, receipt, now, said=kept, faults={"match": fault.fields})
    return RedirectResponse(f"/staff/cashier/receipts/{receipt}?done=matched", status_code=303)


@router.post("/staff/cashier/receipts/{receipt}/conversion")
async def convert(
    request: Request, receipt: Ulid, said: Annotated[ConversionForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    """The conversion waits for a second person."""
    try:
        await converting.propose(
            session,
            receipt,
            to=said.to,
            rate=said.rate,
            rate_source=said.rate_source,
            rate_on=said.rate_on,
            invoice=said.invoice.upper(),
            amount_minor=await _part(session, receipt, said.amount),
            actor=actor,
            now=now,
        )
    except BadInput as fault:
        kept = {"convert": said.model_dump()}
        return await _receipt_page(request, session, receipt, now, said=kept, faults={"convert": fault.fields})
    return RedirectResponse(f"/staff/cashier/receipts/{receipt}?done=proposed", status_code=303)


@router.post("/staff/cashier/receipts/{receipt}/return")
async def give_back(
    request: Request, receipt: Ulid, said: Annotated[ReturnForm, Form()], actor: Refunder, session: Writing, now: Now
) -> Response:
    """What is left of the receipt is owed back to the payer."""
    try:
        await matching.give_back(
            session, receipt, actor=actor, now=now, payee=said.payee, payee_account=said.payee_account
        )
    except BadInput as fault:
        kept = {"back": said.model_dump()}
        return await _receipt_page(request, session, receipt, now, said=kept, faults={"back": fault.fields})
    return RedirectResponse("/staff/cashier/refunds?done=owed", status_code=303)


@router.post("/staff/cashier/receipts/{receipt}/reversal")
async def reverse(
    request: Request, receipt: Ulid, said: Annotated[ReasonForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    """Taking the booked transfer back waits for a second person."""
    try:
        await reversing.propose(session, receipt, reason=said.reason, actor=actor, now=now)
    except BadInput as fault:
        kept = {"reverse": said.model_dump()}
        return await _receipt_page(request, session, receipt, now, said=kept, faults={"reverse": fault.fields})
    return RedirectResponse(f"/staff/cashier/receipts/{receipt}?done=proposed", status_code=303)


async def _part(session: AsyncSession, receipt: str, typed: str) -> int | None:
    """The amount that was typed, in the receipt's currency; None where all of it is meant."""
    if not typed:
        return None
    currency = await session.scalar(select(Receipt.currency).where(Receipt.public_id == receipt))
    if currency is None:
        raise NotFound()
    amount = parse_minor(typed, currency)
    if amount is None:
        raise BadInput(fields={"amount": "amount_invalid"})
    return amount


async def _receipt_page(
    request: Request,
    session: AsyncSession,
    public_id: str,
    now: datetime,
    *,
    said: Mapping[str, Mapping[str, Any]] | None = None,
    faults: Mapping[str, Mapping[str, str]] | None = None,
) -> Response:
    found = await cash_queries.unplaced_one(session, public_id)
    if found is None:
        raise NotFound()
    return page(
        request,
        "settlement/cashier_receipt.html",
        status_code=422 if faults else 200,
        row=found,
        entity=entities()[found.receipt.entity],
        reversed=await reversing.is_reversed(session, found.receipt),
        steps=await trail.steps(session, await trail.about_receipt(session, found.receipt)),
        currencies=[(one, one) for one in sorted(CURRENCIES - {found.receipt.currency})],
        asks_account=matching.asks_account(found.receipt),
        wanted=request.query_params.get("invoice", "")[:40],
        by_wire=receiving.by_wire(found.receipt),
        said=said or {},
        faults=faults or {},
        now=now,
    )
