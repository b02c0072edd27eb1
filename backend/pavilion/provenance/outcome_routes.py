"""Contracts for rough and what became of it: the pages of those who report, and the cases of staff."""

import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal, SignedOut, TooLarge
from pavilion.provenance import outcome_cases, outcome_files, outcome_jobs, outcome_preview, outcome_showing
from pavilion.provenance import outcome_queries as queries
from pavilion.provenance import outcome_service as service
from pavilion.provenance.outcome_files import LIMITS
from pavilion.provenance.outcome_forms import CaseForm, ContractForm, PurchaseForm, ReportForm
from pavilion.provenance.outcome_models import FileState, OutcomeContent, OutcomeFile, OutcomeReport, SupplyContract
from pavilion.provenance.outcome_queries import ContractRow
from pavilion.provenance.passport_answers import OutcomeFileTold
from pavilion.webkit import limits
from pavilion.webkit.answers import PublicId, answers
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page, sentence
from pavilion.webkit.upload import FileEmpty, FileMissing, sent_file

router = APIRouter(tags=["outcomes"])

SENT = 60  # a minute of one company from one address


async def _reader(actor: CurrentActor) -> Actor:
    if actor.may(Permission.OUTCOME_REPORT) or actor.may(Permission.ORIGIN_SEE):
        return actor
    raise NotAllowed(right=Permission.OUTCOME_REPORT.value) if actor.signed_in else SignedOut()


Reader = Annotated[Actor, Depends(_reader)]
Reporter = Annotated[Actor, may(Permission.OUTCOME_REPORT)]
OriginReader = Annotated[Actor, may(Permission.ORIGIN_SEE)]
OriginDecider = Annotated[Actor, may(Permission.ORIGIN_DECIDE)]


@router.get("/outcomes")
async def outcomes(request: Request, actor: Reader, session: Reading, now: Now) -> Response:
    return await _list(request, session, actor, now.date())


@router.post("/outcomes/contracts")
async def open_contract(
    request: Request, said: Annotated[ContractForm, Form()], actor: Reporter, session: Writing, now: Now
) -> Response:
    """The supplier records a contract with one of its buyers."""
    if actor.company_id is None:
        raise NotAllowed(right=Permission.OUTCOME_REPORT.value)
    try:
        buyer = await queries.company_named(session, said.buyer)
        if buyer is None:
            raise BadInput(fields={"buyer": "po_unknown_company"})
        contract = await service.open_contract(
            session,
            supplier_id=actor.company_id,
            buyer=buyer,
            number=said.number,
            category=said.category,
            limit_bp=said.limit_bp(),
            from_day=said.from_day,
            to_day=said.to_day,
            by=actor.public_id,
            now=now,
        )
    except (BadInput, service.ContractTaken) as refused:
        return await _list(request, session, actor, now.date(), refused=refused, typed=said.model_dump())
    if said.party:
        await service.know_party(session, company_id=buyer.id, party=said.party, now=now)
    return RedirectResponse(f"/outcomes/contracts/{contract.public_id}?done=opened", status_code=303)


@router.get("/outcomes/contracts/{public_id}")
async def contract(request: Request, public_id: str, actor: Reader, session: Reading, now: Now) -> Response:
    return await _contract_page(request, session, actor, await _contract(session, actor, public_id), now.date())


@router.post("/outcomes/contracts/{public_id}/purchases")
async def purchase(
    request: Request,
    public_id: str,
    said: Annotated[PurchaseForm, Form()],
    actor: Reporter,
    session: Writing,
    now: Now,
) -> Response:
    row = await _contract(session, actor, public_id)
    if row.contract.supplier_company_id != actor.company_id:
        raise service.NotTheSupplier()
    try:
        facts: dict[str, Any] = said.facts()
        await service.record_purchase(session, contract=row.contract, **facts, by=actor.public_id, now=now)
    except (BadInput, service.LotTaken) as refused:
        typed = said.model_dump()
        return await _contract_page(request, session, actor, row, now.date(), refused=refused, typed=typed)
    return RedirectResponse(f"/outcomes/contracts/{public_id}?done=bought#purchases", status_code=303)


@router.post("/outcomes/contracts/{public_id}/reports")
async def report(
    request: Request, public_id: str, said: Annotated[ReportForm, Form()], actor: Reporter, session: Writing, now: Now
) -> Response:
    row = await _own(session, actor, public_id)
    whole, fields, faults = said.said()
    if whole is None:
        refused = BadInput(fields=fields)
        typed, today = said.model_dump(), now.date()
        return await _contract_page(request, session, actor, row, today, refused=refused, typed=typed, faults=faults)
    if said.back:
        return await _contract_page(request, session, actor, row, now.date(), typed=said.model_dump())
    before = await outcome_preview.replaced(session, row.contract, whole)
    if before is not None and said.confirmed != outcome_preview.token(before, whole):
        return outcome_preview.shown(request, row, before, whole, said)
    made = await service.report(
        session, contract=row.contract, said=whole, house=_house(request), by=actor.public_id, now=now
    )
    return RedirectResponse(f"/outcomes/reports/{made.public_id}?done=reported", status_code=303)


@router.post("/outcomes/contracts/{public_id}/files")
async def send(request: Request, public_id: str, actor: Reporter, session: Writing, now: Now) -> Response:
    """A report as a file; refused unread when it is too large."""
    row = await _own(session, actor, public_id)
    await limits.take(request, "outcomes", str(actor.company_id), per_minute=SENT)
    try:
        sent = await sent_file(request, LIMITS.file_bytes)
        file, again = await outcome_jobs.receive(
            session, contract=row.contract, content=sent.content, filename=sent.name, by=actor.public_id, now=now
        )
    except (FileEmpty, FileMissing, TooLarge) as refused:
        return await _contract_page(request, session, actor, row, now.date(), refused=refused)
    return RedirectResponse(f"/outcomes/files/{file.public_id}{'?again=yes' if again else ''}", status_code=303)


@router.get("/outcomes/reports/{public_id}")
async def one_report(request: Request, public_id: str, actor: Reader, session: Reading, after: int = 0) -> Response:
    found = await queries.report_for(session, actor, public_id)
    if found is None:
        raise NotFound()
    return await _report_page(request, session, actor, found, max(0, min(after, 10**9)))


@router.get("/outcomes/template.csv")
async def template(actor: Reader) -> Response:
    return _csv(b"".join(outcome_files.template()), "outcome-report.csv")


@router.get("/outcomes/files/{public_id}")
async def one_file(request: Request, public_id: str, actor: Reader, session: Reading) -> Response:
    file = await _file(session, actor, public_id)
    reported = await queries.report_of_file(session, file.id)
    contract = await session.get_one(SupplyContract, file.contract_id)
    return page(
        request,
        "provenance/outcome_file.html",
        file=file,
        contract=contract,
        report=reported,
        state=(await queries.states_of(session, [reported]))[reported.id] if reported else None,
        faults=await queries.faults_of(session, file.id),
        percent=outcome_showing.progress(file),
        going=not file.ended,
        again=request.query_params.get("again") == "yes",
    )


@router.get(
    "/api/v1/outcome-files/{public_id}",
    responses=answers({200: OutcomeFileTold}, SignedOut, NotAllowed),
    tags=["stock"],
)
async def file_progress(public_id: PublicId, actor: Reader, session: Reading) -> Response:
    """How far a report of what became of rough is read."""
    file = await _file(session, actor, public_id)
    told = {"state": file.state, "progress": outcome_showing.progress(file), "received": file.rows_read}
    return JSONResponse({"id": file.public_id, **told, "accepted": file.rows_read, "rows_wrong": file.rows_wrong})


@router.get("/outcomes/files/{public_id}/fix.csv")
async def fix(request: Request, public_id: str, actor: Reader, session: Reading) -> Response:
    """The sender's own rows, all of them, with what is wrong beside each."""
    file = await _file(session, actor, public_id)
    if file.state != FileState.FAULTY:
        raise NotFound()
    faults: dict[int, str] = {}
    for fault in await queries.faults_of(session, file.id, outcome_files.FAULTS_KEPT):
        said = f"{fault.column}: {sentence(request, fault.code, **fault.facts)}"
        faults[fault.row] = f"{faults[fault.row]} {said}" if fault.row in faults else said
    content = await session.scalar(select(OutcomeContent.content).where(OutcomeContent.file_id == file.id))

    def mended() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report"
            path.write_bytes(content or b"")
            return b"".join(outcome_files.to_mend(path, faults))

    return _csv(await to_thread.run_sync(mended), f"{file.public_id}-fix.csv")


# -- staff ------------------------------------------------------------------------------------------------------------


@router.get("/staff/outcomes")
async def cases(request: Request, actor: OriginReader, session: Reading, now: Now) -> Response:
    return page(
        request,
        "provenance/outcome_cases.html",
        waiting=await queries.cases(session),
        decided=await queries.cases(session, undecided=False),
        silent=await outcome_showing.silent(session, now.date()),
        contracts=len(await queries.contracts(session, actor)),
    )


@router.post("/staff/outcomes/{public_id}/decision")
async def decide(
    request: Request,
    public_id: str,
    said: Annotated[CaseForm, Form()],
    actor: OriginDecider,
    session: Writing,
    now: Now,
) -> Response:
    case = await queries.case_of(session, public_id)
    if case is None:
        raise NotFound()
    found = await session.get_one(OutcomeReport, case.report_id)
    try:
        await outcome_cases.decide(
            session,
            public_id=public_id,
            accept=said.word == "accept",
            reason=said.reason,
            house=_house(request),
            actor=actor,
            now=now,
        )
    except BadInput as refused:
        return await _report_page(request, session, actor, found, 0, refused=refused, reason=said.reason)
    return RedirectResponse(f"/outcomes/reports/{found.public_id}?done=decided", status_code=303)


# -- parts ------------------------------------------------------------------------------------------------------------


async def _list(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    today: date,
    *,
    refused: Refusal | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    rows = await queries.contracts(session, actor)
    return page(
        request,
        "provenance/outcomes.html",
        status_code=refused.status if refused else 200,
        accounts=await outcome_showing.accounts(session, rows, today),
        supplies=[row for row in rows if row.contract.supplier_company_id == actor.company_id],
        refused=refused.code if refused else None,
        facts=refused.facts if refused else {},
        faults=refused.facts.get("fields", {}) if refused else {},
        typed=typed or {},
        limit=await outcome_showing.resale_limit(session),
        today=today,
    )


async def _contract_page(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    row: ContractRow,
    today: date,
    *,
    refused: Refusal | None = None,
    typed: Mapping[str, Any] | None = None,
    faults: Any = (),
) -> Response:
    reports = await queries.reports_of(session, row.contract.id)
    account = (await outcome_showing.accounts(session, [row], today))[0]
    return page(
        request,
        "provenance/outcome_contract.html",
        status_code=refused.status if refused else 200,
        account=account,
        reports=reports,
        states=await queries.states_of(session, reports),
        files=await queries.files_of(session, row.contract.id),
        is_buyer=row.contract.buyer_company_id == actor.company_id,
        is_supplier=row.contract.supplier_company_id == actor.company_id,
        refused=refused.code if refused else None,
        facts=refused.facts if refused else {},
        wrong=refused.facts.get("fields", {}) if refused else {},
        typed=typed or {},
        faults=faults,
        due_on=lambda sight: date.fromisoformat(sight) + timedelta(days=outcome_showing.DUE_DAYS),
        today=today,
    )


async def _report_page(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    found: OutcomeReport,
    after: int,
    *,
    refused: Refusal | None = None,
    reason: str = "",
) -> Response:
    held = await session.get_one(SupplyContract, found.contract_id)
    row = await queries.contract_for(session, actor, held.public_id)
    assert row is not None, "who sees a report sees its contract"
    cases_ = await queries.cases_of(session, found.id)
    lines, more = await queries.lines_of(session, found.id, after)
    people = {one.decision.by for one in cases_ if one.decision} | ({found.by} if found.by else set())
    return page(
        request,
        "provenance/outcome_report.html",
        status_code=refused.status if refused else 200,
        report=found,
        row=row,
        state=(await queries.states_of(session, [found]))[found.id],
        bar=outcome_showing.bar_of(found, await outcome_showing.bought_of(session, found)),
        cases=cases_,
        people=await queries.named_people(session, people),
        lines=lines,
        more=more,
        log_index=await outcome_showing.log_index(session, found),
        refused=refused.code if refused else None,
        wrong=refused.facts.get("fields", {}) if refused else {},
        reason=reason,
    )


async def _contract(session: AsyncSession, actor: Actor, public_id: str) -> ContractRow:
    row = await queries.contract_for(session, actor, public_id)
    if row is None:
        raise NotFound()
    return row


async def _own(session: AsyncSession, actor: Actor, public_id: str) -> ContractRow:
    row = await _contract(session, actor, public_id)
    if row.contract.buyer_company_id != actor.company_id:
        raise service.NotTheBuyer()
    return row


async def _file(session: AsyncSession, actor: Actor, public_id: str) -> OutcomeFile:
    file = await queries.file_for(session, actor, public_id)
    if file is None:
        raise NotFound()
    return file


def _house(request: Request) -> str:
    did: str = request.app.state.settings.house_did
    return did


def _csv(body: bytes, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"', "x-content-type-options": "nosniff"}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)
