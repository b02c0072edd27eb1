"""The buyer's invoices and their papers; the stops of the staff."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import NotFound
from pavilion.settlement import (
    checkouts,
    clearing,
    crediting,
    deposits,
    document,
    legal,
    queries,
    service,
    stopping,
    unanswered,
)
from pavilion.settlement.forms import StopForm
from pavilion.settlement.models import Invoice
from pavilion.trading import queries as trade
from pavilion.webkit import pdf
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import Pages, language, page
from pavilion.webkit.i18n import LANGUAGES, Lang

router = APIRouter(tags=["settlement"])

StopReader = Annotated[Actor, may(Permission.STAFF_SEE)]
StopDecider = Annotated[Actor, may(Permission.ORIGIN_DECIDE)]


@router.get("/desk/invoices")
async def own_invoices(request: Request, actor: SignedInActor, session: Reading) -> Response:
    return page(request, "settlement/invoices.html", rows=await queries.invoices(session, actor))


@router.get("/desk/invoices/{name}.pdf")
async def invoice_pdf(
    request: Request, name: str, actor: SignedInActor, session: Reading, lang: str | None = None
) -> Response:
    """The paper as it was set at the issue; a draft is set on the spot."""
    invoice = await _found(session, actor, name)
    chosen: Lang = language(request) if lang not in LANGUAGES else "zh" if lang == "zh" else "en"
    paper = await queries.paper_of(session, invoice, chosen)
    pages: Pages = request.app.state.pages
    if paper is None:
        made = await to_thread.run_sync(pdf.render, "invoice.typ", document.data_of(invoice, pages.tongues[chosen]))
    else:
        made = paper.pdf
    file = f"{invoice.number or 'pro-forma'}-{chosen}.pdf"
    return Response(
        made, media_type="application/pdf", headers={"content-disposition": f'attachment; filename="{file}"'}
    )


@router.get("/desk/invoices/{name}/papers/{kind}/{stone}.pdf")
async def legal_paper(
    request: Request, name: str, kind: str, stone: str, actor: SignedInActor, session: Reading, lang: str | None = None
) -> Response:
    """A paper that the destination's law asks for, as it was given with the invoice."""
    invoice = await _found(session, actor, name)
    chosen: Lang = language(request) if lang not in LANGUAGES else "zh" if lang == "zh" else "en"
    papers = await legal.kept(session, invoice, chosen)
    paper = next((one for one in papers if (one.kind, one.stone) == (kind, stone)), None)
    if paper is None:
        raise NotFound()
    file = f"{invoice.number}-{kind}-{stone}-{chosen}.pdf"
    return Response(
        paper.pdf, media_type="application/pdf", headers={"content-disposition": f'attachment; filename="{file}"'}
    )


@router.get("/desk/invoices/{name}")
async def invoice_page(request: Request, name: str, actor: SignedInActor, session: Reading) -> Response:
    invoice = await _found(session, actor, name)
    pages: Pages = request.app.state.pages
    payments = await queries.payments_of(session, invoice)
    return page(
        request,
        "settlement/invoice.html",
        invoice=invoice,
        paper=document.data_of(invoice, pages.tongues[language(request)]),
        payments=payments,
        notes=await crediting.notes_of(session, invoice),
        legal_papers=await legal.kept(session, invoice, language(request)),
        stops=await stopping.stops_of(session, {line.lot for line in invoice.lines if line.lot}),
        open_minor=await queries.open_minor(session, invoice),
        disputed=invoice.id in await clearing.disputed(session, (invoice,)),
        uncounted_minor=invoice.credits_minor - await deposits.applied_minor(session, invoice),
        kept_minor=await deposits.forfeited_minor(session, invoice),
        unanswered=await unanswered.waits(session, invoice),
        ways=await checkouts.ways_of(session, invoice) if _pays(request, actor, invoice) else None,
    )


def _pays(request: Request, actor: Actor, invoice: Invoice) -> bool:
    """Whether this reader may pay it here."""
    own = invoice.company_id == actor.company_id and actor.may(Permission.INVOICE_PAY)
    return own and request.app.state.payments is not None


async def _found(session: Reading, actor: Actor, name: str) -> Invoice:
    invoice = await queries.invoice_for(session, actor, name)
    if invoice is None:
        raise NotFound()
    return invoice


@router.get("/staff/stops")
async def stops(request: Request, actor: StopReader, session: Reading) -> Response:
    """Sold lots whose settlement waits for a person's word."""
    rows = await stopping.all_stops(session)
    closed = await queries.closed_bids(session)
    companies = {row.company_id for row in rows} | {bid.company_id for bid in closed}
    names, done = await queries.company_names(session, companies), request.query_params.get("done", "")[:12]
    orders = await trade.orders_by_line(session, [row.lot for row in rows])
    return page(request, "settlement/stops.html", rows=rows, closed=closed, names=names, orders=orders, done=done)


@router.post("/staff/stops/{stop}/decision")
async def decide_stop(
    stop: Annotated[int, Path(ge=1, le=2**53)],
    said: Annotated[StopForm, Form()],
    actor: StopDecider,
    session: Writing,
    now: Now,
) -> Response:
    await service.decide_stop(session, stop, release=said.word == "release", reason=said.reason, actor=actor, now=now)
    return RedirectResponse(f"/staff/stops?done={said.word}", status_code=303)
