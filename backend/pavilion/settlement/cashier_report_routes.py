"""The cashier's lists and reports: refunds, discrepancies, aging, tax, and what happened to one invoice."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.entities import entities
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.settlement import (
    aging,
    cash_queries,
    cash_sheets,
    discrepancies,
    emptying,
    queries,
    refunding,
    tax_report,
    trail,
)
from pavilion.settlement.cash_forms import PaidForm, ReasonForm, RefundsForm, SharesForm
from pavilion.settlement.cashier_routes import csv_file
from pavilion.settlement.receipt_models import Receipt
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(tags=["cashier"])

Reader = Annotated[Actor, may(Permission.LEDGER_SEE)]
Cashier = Annotated[Actor, may(Permission.PAYMENT_BOOK)]
Refunder = Annotated[Actor, may(Permission.REFUND_PROPOSE)]
Ulid = Annotated[str, Path(max_length=26)]
WORD_LEAST, WORD_MOST = 10, 2_000


@router.get("/staff/cashier/refunds")
async def refunds(request: Request, actor: Reader, session: Reading, now: Now) -> Response:
    return await _refunds_page(request, session, now)


@router.get("/staff/cashier/refunds.csv")
async def refunds_csv(actor: Reader, session: Reading) -> Response:
    rows = [*await cash_queries.refunds(session, ended=False), *await cash_queries.refunds(session, ended=True)]
    return csv_file("refunds", cash_sheets.of_refunds(rows))


@router.post("/staff/cashier/refunds")
async def propose_refunds(
    request: Request, said: Annotated[RefundsForm, Form()], actor: Refunder, session: Writing, now: Now
) -> Response:
    """The chosen refunds wait for a second person."""
    try:
        await refunding.propose(session, said.refund, actor=actor, now=now)
    except BadInput as fault:
        return await _refunds_page(request, session, now, fault=fault.fields.get("refund"))
    return RedirectResponse("/staff/cashier/refunds?done=proposed", status_code=303)


@router.post("/staff/cashier/refunds/{refund}/payment")
async def refund_paid(
    refund: Ulid, said: Annotated[PaidForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    """The wire that two agreed on has left the bank under this reference."""
    await refunding.carried_out(session, refund, bank_reference=said.bank_reference, actor=actor, now=now)
    return RedirectResponse("/staff/cashier/refunds?done=paid", status_code=303)


@router.post("/staff/cashier/refunds/{refund}/wire")
async def refund_by_wire(refund: Ulid, actor: Refunder, session: Writing, now: Now) -> Response:
    """A refund that failed is to go by wire."""
    await refunding.replace(session, refund, actor=actor, now=now)
    return RedirectResponse("/staff/cashier/refunds?done=replaced", status_code=303)


async def _refunds_page(request: Request, session: AsyncSession, now: datetime, fault: str | None = None) -> Response:
    return page(
        request,
        "settlement/cashier_refunds.html",
        status_code=422 if fault else 200,
        rows=await cash_queries.refunds(session, ended=False),
        ended=await cash_queries.refunds(session, ended=True),
        proposed=await cash_queries.proposed_refunds(session, now),
        fault=fault,
    )


@router.get("/staff/cashier/discrepancies")
async def discrepancy_list(request: Request, actor: Reader, session: Reading, now: Now) -> Response:
    return await _discrepancies_page(request, session, now)


@router.get("/staff/cashier/discrepancies.csv")
async def discrepancies_csv(actor: Reader, session: Reading) -> Response:
    rows = [
        *await cash_queries.discrepancies(session, closed=False),
        *await cash_queries.discrepancies(session, closed=True),
    ]
    return csv_file("discrepancies", cash_sheets.of_discrepancies(rows))


@router.post("/staff/cashier/discrepancies/{discrepancy}/close")
async def close_discrepancy(
    request: Request,
    discrepancy: Ulid,
    said: Annotated[ReasonForm, Form()],
    actor: Cashier,
    session: Writing,
    now: Now,
) -> Response:
    """A person has looked; what it was stands beside it."""
    if not WORD_LEAST <= len(said.reason) <= WORD_MOST:
        return await _discrepancies_page(request, session, now, wrong=discrepancy)
    await discrepancies.close(session, discrepancy, word=said.reason, by=actor.public_id or "", now=now)
    return RedirectResponse("/staff/cashier/discrepancies?done=closed", status_code=303)


@router.post("/staff/cashier/discrepancies/{discrepancy}/share")
async def share_payout(
    request: Request,
    discrepancy: Ulid,
    said: Annotated[SharesForm, Form()],
    actor: Cashier,
    session: Writing,
    now: Now,
) -> Response:
    """A person says whose the money of a payout was that the provider does not explain."""
    if not WORD_LEAST <= len(said.reason) <= WORD_MOST:
        return await _discrepancies_page(request, session, now, wrong=discrepancy, shares=said)
    try:
        by = actor.public_id or ""
        await emptying.assign(session, discrepancy, said.said, word=said.reason, by=by, now=now)
    except BadInput as fault:
        return await _discrepancies_page(
            request, session, now, wrong=discrepancy, shares=said, fault=fault.fields["parts"]
        )
    return RedirectResponse("/staff/cashier/discrepancies?done=closed", status_code=303)


async def _discrepancies_page(
    request: Request,
    session: AsyncSession,
    now: datetime,
    wrong: str | None = None,
    shares: SharesForm | None = None,
    fault: str | None = None,
) -> Response:
    rows = await cash_queries.discrepancies(session, closed=False)
    return page(
        request,
        "settlement/cashier_discrepancies.html",
        status_code=422 if wrong else 200,
        rows=rows,
        receipts=await cash_queries.receipts_behind(session, rows),
        closed=await cash_queries.discrepancies(session, closed=True),
        wrong=wrong,
        shares=shares,
        fault=fault,
        houses=entities(),
        now=now,
    )


@router.get("/staff/cashier/aging")
async def aging_page(request: Request, actor: Reader, session: Reading, now: Now) -> Response:
    rows = aging.aged(await cash_queries.debts(session), now.date())
    sums = aging.sums(rows)
    return page(request, "settlement/cashier_aging.html", rows=rows, sums=sums, buckets=aging.BUCKETS, now=now)


@router.get("/staff/cashier/aging.csv")
async def aging_csv(actor: Reader, session: Reading, now: Now) -> Response:
    return csv_file("aging", cash_sheets.of_aging(aging.aged(await cash_queries.debts(session), now.date())))


@router.get("/staff/cashier/tax")
async def tax_page(
    request: Request,
    actor: Reader,
    session: Reading,
    now: Now,
    first: str = "",
    last: str = "",
) -> Response:
    start, end, fault = _span(first, last, now)
    rows = await tax_report.report(session, start, end)
    booked = await tax_report.booked(session, start, end, rows)
    return page(
        request,
        "settlement/cashier_tax.html",
        status_code=422 if fault else 200,
        rows=rows,
        booked=booked,
        first=start,
        last=end,
        fault=fault,
    )


@router.get("/staff/cashier/tax.csv")
async def tax_csv(actor: Reader, session: Reading, now: Now, first: str = "", last: str = "") -> Response:
    start, end, fault = _span(first, last, now)
    if fault:
        raise BadInput(fields={"last": fault})
    rows = await tax_report.report(session, start, end)
    return csv_file(f"tax-{start.isoformat()}-{end.isoformat()}", cash_sheets.of_tax(rows))


def _span(first: str, last: str, now: datetime) -> tuple[date, date, str | None]:
    """The days asked for; without them, the present quarter up to today. A fault leaves the present quarter."""
    today = now.date()
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    if not first and not last:
        return quarter, today, None
    try:
        start, end = date.fromisoformat(first[:10]), date.fromisoformat(last[:10])
    except ValueError:
        return quarter, today, "span_wrong"
    if not start <= end <= start + tax_report.LONGEST or not 2000 <= start.year <= 9000:
        return quarter, today, "span_wrong"
    return start, end, None


@router.get("/staff/cashier/trail/{name}.csv")
async def trail_csv(name: Annotated[str, Path(max_length=40)], actor: Reader, session: Reading) -> Response:
    about = await _about(session, actor, name)
    return csv_file(f"trail-{about.name}", cash_sheets.of_trail(await trail.steps(session, about)))


@router.get("/staff/cashier/trail/{name}")
async def trail_page(
    request: Request, name: Annotated[str, Path(max_length=40)], actor: Reader, session: Reading
) -> Response:
    about = await _about(session, actor, name)
    return page(request, "settlement/cashier_trail.html", about=about, steps=await trail.steps(session, about))


async def _about(session: AsyncSession, actor: Actor, name: str) -> trail.About:
    invoice = await queries.invoice_for(session, actor, name)
    if invoice is not None and invoice.number is not None:
        return await trail.about_invoice(session, invoice)
    receipt = await session.scalar(select(Receipt).where(Receipt.public_id == name))
    if receipt is None:
        raise NotFound()
    return await trail.about_receipt(session, receipt)
