"""The yearly reconciliation of warranties: of a company for itself, of everybody for staff."""

from datetime import date
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import NotAllowed, NotFound
from pavilion.provenance import log_queries, warranty_gathering, warranty_issuing, warranty_showing
from pavilion.provenance.log import LogSigner
from pavilion.provenance.outcome_models import WarrantyYear
from pavilion.provenance.table_versions import tables_in_force
from pavilion.provenance.warranty_gathering import Invoices, Subject, Year
from pavilion.provenance.warranty_report import Way, kept_until
from pavilion.provenance.warranty_showing import DeedRow
from pavilion.webkit import pdf
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import Pages, language, page, with_query

router = APIRouter(tags=["warranties"])

FIRST_YEAR = 2003  # the System of Warranties began
OriginReader = Annotated[Actor, may(Permission.ORIGIN_SEE)]
OriginDecider = Annotated[Actor, may(Permission.ORIGIN_DECIDE)]
YearWanted = Annotated[int | None, Query(ge=FIRST_YEAR, le=9999)]
YearSaid = Annotated[int, Form(ge=FIRST_YEAR, le=9999)]
Name = Annotated[str | None, Query(max_length=26)]
After = Annotated[int, Query(ge=0, le=10**9)]


@router.get("/warranties/{name}")
async def text(request: Request, name: str) -> Response:
    """What a statement says, since when it is valid and for what: for everybody."""
    rows = warranty_gathering.text_rows(name)
    if not rows:
        raise NotFound()
    digest = warranty_gathering.text_hashes().get(name)
    days = [
        (row["scope"], date.fromisoformat(row["from"]), date.fromisoformat(row["to"]) if row["to"] else None)
        for row in rows
    ]
    return page(request, "provenance/warranty_text.html", name=name, row=rows[0], days=days, sha256=digest)


@router.get("/desk/warranties")
async def own(
    request: Request,
    actor: SignedInActor,
    session: Reading,
    now: Now,
    year: YearWanted = None,
    after_in: After = 0,
    after_out: After = 0,
) -> Response:
    return await _page(request, session, await _own(session, actor), now, year, after_in, after_out)


@router.get("/desk/warranties.csv")
async def own_csv(
    request: Request, actor: SignedInActor, session: Reading, now: Now, year: YearWanted = None
) -> Response:
    return await _csv(request, session, await _own(session, actor), now, year)


@router.get("/desk/warranties.pdf")
async def own_pdf(
    request: Request, actor: SignedInActor, session: Reading, now: Now, year: YearWanted = None
) -> Response:
    return await _pdf(request, session, await _own(session, actor), now, year)


@router.post("/desk/warranties")
async def issue_own(
    request: Request, actor: SignedInActor, reading: Reading, session: Writing, now: Now, year: YearSaid
) -> Response:
    """The company has its report of the year signed."""
    found = await _year(request, reading, await _own(reading, actor), now, year)
    row = await _issue(request, session, found, now, actor)
    return RedirectResponse(with_query("/desk/warranties", year=year, done=row.public_id), status_code=303)


@router.get("/desk/warranties/{public_id}.json")
async def kept(public_id: str, actor: SignedInActor, session: Reading) -> Response:
    """The signed report as it was issued: for its company, and for staff who see origins."""
    row = await session.scalar(select(WarrantyYear).where(WarrantyYear.public_id == public_id))
    owns = row is not None and actor.company_id is not None and row.company_id == actor.company_id
    if row is None or not (owns or actor.may(Permission.ORIGIN_SEE)):
        raise NotFound()
    headers = {"content-disposition": f'attachment; filename="warranties-{row.year}-{row.public_id}.json"'}
    return Response(row.document.encode(), media_type="application/json", headers=headers)


@router.get("/staff/warranties")
async def anybodys(
    request: Request,
    actor: OriginReader,
    session: Reading,
    now: Now,
    company: Name = None,
    year: YearWanted = None,
    after_in: After = 0,
    after_out: After = 0,
) -> Response:
    subject = await _named(request, session, company)
    return await _page(request, session, subject, now, year, after_in, after_out, staff=True)


@router.get("/staff/warranties.csv")
async def anybodys_csv(
    request: Request, actor: OriginReader, session: Reading, now: Now, company: Name = None, year: YearWanted = None
) -> Response:
    return await _csv(request, session, await _named(request, session, company), now, year)


@router.get("/staff/warranties.pdf")
async def anybodys_pdf(
    request: Request, actor: OriginReader, session: Reading, now: Now, company: Name = None, year: YearWanted = None
) -> Response:
    return await _pdf(request, session, await _named(request, session, company), now, year)


@router.post("/staff/warranties")
async def issue_anybodys(
    request: Request,
    actor: OriginDecider,
    reading: Reading,
    session: Writing,
    now: Now,
    company: Annotated[str, Form(max_length=26)],
    year: YearSaid,
) -> Response:
    found = await _year(request, reading, await _named(request, reading, company), now, year)
    row = await _issue(request, session, found, now, actor)
    where = with_query("/staff/warranties", company=company, year=year, done=row.public_id)
    return RedirectResponse(where, status_code=303)


# -- parts ------------------------------------------------------------------------------------------------------------


async def _own(session: AsyncSession, actor: Actor) -> Subject:
    if actor.company_id is None:
        raise NotAllowed(right=Permission.ORIGIN_SEE.value)
    return await warranty_gathering.subject_for(session, await session.get_one(Company, actor.company_id))


async def _named(request: Request, session: AsyncSession, name: str | None) -> Subject:
    """The company or entity of that name; without a name the house's first entity."""
    invoices = _invoices(request)
    found = await warranty_gathering.subject_of(session, name or next(iter(invoices.sellers())), invoices)
    if found is None:
        raise NotFound()
    return found


async def _page(
    request: Request,
    session: AsyncSession,
    subject: Subject,
    now: Now,
    wanted: int | None,
    after_in: int,
    after_out: int,
    *,
    staff: bool = False,
) -> Response:
    found = await _year(request, session, subject, now, wanted)
    incoming, outgoing = await _rows(session, found)
    size = warranty_showing.PAGE
    rows = await warranty_issuing.issued(session, subject)
    entries = await log_queries.indices(session, "outcome", [f"warranties/{row.public_id}" for row in rows])
    return page(
        request,
        "provenance/warranties.html",
        found=found,
        balance=found.told.balance,
        bars=warranty_showing.bars(found),
        incoming=incoming[after_in : after_in + size],
        outgoing=outgoing[after_out : after_out + size],
        counts=(len(incoming), len(outgoing)),
        after=(after_in, after_out),
        size=size,
        findings=found.told.findings[:size],
        years=[(number, str(number)) for number in range(now.year, now.year - 6, -1)],
        issued=rows,
        entries={row.public_id: entries.get(f"warranties/{row.public_id}") for row in rows},
        kept_until={row.public_id: kept_until(row.at.date()) for row in rows},
        done=request.query_params.get("done", "")[:26],
        staff=staff,
        subjects=await warranty_gathering.subjects(session, _invoices(request)) if staff else [],
        signs=_signer(request) is not None,
    )


async def _csv(request: Request, session: AsyncSession, subject: Subject, now: Now, wanted: int | None) -> Response:
    found = await _year(request, session, subject, now, wanted)
    incoming, outgoing = await _rows(session, found)
    body = await to_thread.run_sync(warranty_showing.csv, [*incoming, *outgoing])
    name = f"warranties-{found.year}-{subject.public_id}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"', "x-content-type-options": "nosniff"}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


async def _pdf(request: Request, session: AsyncSession, subject: Subject, now: Now, wanted: int | None) -> Response:
    found = await _year(request, session, subject, now, wanted)
    pages: Pages = request.app.state.pages
    incoming, outgoing = await _rows(session, found)
    data = warranty_showing.paper(found, incoming, outgoing, pages.tongues[language(request)], now.date())
    made = await to_thread.run_sync(pdf.render, "warranties.typ", data)
    name = f"warranties-{found.year}-{subject.public_id}.pdf"
    return Response(
        made, media_type="application/pdf", headers={"content-disposition": f'attachment; filename="{name}"'}
    )


async def _issue(request: Request, session: AsyncSession, found: Year, now: Now, actor: Actor) -> WarrantyYear:
    """Counted before, from a session that only reads, so that nobody's writing waits for the count."""
    signer = _signer(request)
    if signer is None:
        raise NotFound()
    settings = request.app.state.settings
    return await warranty_issuing.issue(
        session,
        year=found,
        key=signer.key,
        host=settings.host_name,
        house=settings.house_did,
        by=actor.public_id,
        now=now,
    )


async def _year(request: Request, session: AsyncSession, subject: Subject, now: Now, wanted: int | None) -> Year:
    today = now.date()
    number = min(wanted or today.year, today.year)
    return await warranty_gathering.year(session, subject, number, _invoices(request), today)


async def _rows(session: AsyncSession, found: Year) -> tuple[list[DeedRow], list[DeedRow]]:
    texts = (await tables_in_force(session)).warranties
    return warranty_showing.rows(found, Way.IN, texts), warranty_showing.rows(found, Way.OUT, texts)


def _invoices(request: Request) -> Invoices:
    found: Invoices = request.app.state.invoices
    return found


def _signer(request: Request) -> LogSigner | None:
    found: LogSigner | None = request.app.state.log_signer
    return found
