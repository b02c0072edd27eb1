"""Statements of proceeds: the consignor's own, and the cashier's desk that issues and pays them."""

from collections.abc import Mapping
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts import queries as accounts_queries
from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.kernel.money import CURRENCIES, decimal_text
from pavilion.kernel.sheet import write_csv
from pavilion.settlement import payouts, seller_queries, sellers, statement_paper
from pavilion.settlement.book_forms import AccountForm, BackForm, ConfirmForm, PayForm, SentForm, StateForm
from pavilion.settlement.payouts import REST, NotYou
from pavilion.webkit import limits, pdf
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import Pages, language, page
from pavilion.webkit.i18n import LANGUAGES, Lang

router = APIRouter(tags=["settlement"])

Reader = Annotated[Actor, may(Permission.LEDGER_SEE)]
Issuer = Annotated[Actor, may(Permission.STATEMENT_ISSUE)]
Cashier = Annotated[Actor, may(Permission.PAYMENT_BOOK)]
Number = Annotated[str, Path(pattern=r"^[A-Z0-9-]{1,40}$")]
Id = Annotated[str, Path(pattern=r"^[0-9A-Z]{26}$")]
TRIES = 10  # of a password, a minute


@router.get("/desk/statements")
async def own_statements(request: Request, actor: SignedInActor, session: Reading, now: Now) -> Response:
    return await _own(request, actor, session, now)


async def _own(
    request: Request,
    actor: Actor,
    session: Reading,
    now: Now,
    *,
    status: int = 200,
    faults: Mapping[str, str] | None = None,
    said: Mapping[str, str] | None = None,
    wrong: str | None = None,
) -> Response:
    company = actor.company_id
    if company is None:
        raise NotFound()
    return page(
        request,
        "settlement/statements.html",
        status_code=status,
        rows=await seller_queries.statements(session, actor, now),
        ready=await seller_queries.ready(session, now, actor),
        accounts=await seller_queries.accounts(session, company),
        sells=await seller_queries.sells(session, actor),
        currencies=sorted(CURRENCIES),
        now=now,
        rest=REST,
        faults=faults or {},
        said=said or {},
        wrong=wrong,
    )


@router.post("/desk/statements/accounts")
async def name_account(
    request: Request, said: Annotated[AccountForm, Form()], actor: SignedInActor, session: Writing, now: Now
) -> Response:
    """A bank account of the own company; it is paid to once confirmed."""
    try:
        if said.currency not in CURRENCIES:
            raise BadInput(fields={"currency": "wrong_currency"})
        await payouts.name_account(session, **said.model_dump(), actor=actor, now=now)
    except BadInput as fault:
        return await _own(request, actor, session, now, status=422, faults=fault.fields, said=said.model_dump())
    return RedirectResponse("/desk/statements?done=named#accounts", status_code=303)


@router.post("/desk/statements/accounts/{account}/confirmation")
async def confirm_account(
    request: Request,
    account: Id,
    said: Annotated[ConfirmForm, Form()],
    actor: SignedInActor,
    session: Writing,
    now: Now,
) -> Response:
    """Whoever confirms says the password anew; a wrong one is counted as at the door."""
    await limits.take(request, "confirm_account", str(actor.person_id), per_minute=TRIES)
    found = await payouts.confirm_account(session, account, password=said.password, actor=actor, now=now)
    if found is None:
        return await _own(request, actor, session, now, status=NotYou.status, wrong=account)
    return RedirectResponse("/desk/statements?done=confirmed#accounts", status_code=303)


@router.get("/desk/statements/{number}.pdf")
async def statement_pdf(
    request: Request, number: Number, actor: SignedInActor, session: Reading, lang: str | None = None
) -> Response:
    """The paper as it was set after the issue."""
    row = await seller_queries.statement_for(session, actor, number)
    if row is None:
        raise NotFound()
    chosen: Lang = language(request) if lang not in LANGUAGES else "zh" if lang == "zh" else "en"
    paper = await seller_queries.paper_of(session, row, chosen)
    pages: Pages = request.app.state.pages
    data = statement_paper.data_of(row, pages.tongues[chosen])
    made = paper.pdf if paper else await to_thread.run_sync(pdf.render, statement_paper.TEMPLATE, data)
    headers = {"content-disposition": f'attachment; filename="{row.number}-{chosen}.pdf"'}
    return Response(made, media_type="application/pdf", headers=headers)


@router.get("/desk/statements/{number}")
async def statement_page(
    request: Request, number: Number, actor: SignedInActor, session: Reading, now: Now
) -> Response:
    row = await seller_queries.statement_for(session, actor, number)
    if row is None:
        raise NotFound()
    pages: Pages = request.app.state.pages
    return page(
        request,
        "settlement/statement.html",
        row=await seller_queries.row_of(session, row, now),
        history=await seller_queries.payouts_of(session, row),
        paper=statement_paper.data_of(row, pages.tongues[language(request)]),
    )


@router.get("/staff/cashier/sellers")
async def desk(request: Request, actor: Reader, session: Reading, now: Now) -> Response:
    """What can be stated, what can be paid, what two persons have decided and waits for its transfer."""
    return page(
        request,
        "settlement/sellers.html",
        ready=await seller_queries.ready(session, now),
        rows=await seller_queries.statements(session, actor, now),
        transfers=await _numbered(session, actor),
    )


async def _numbered(session: Reading, actor: Actor) -> list[tuple[object, ...]]:
    """With the account number, for whoever makes the transfer and nobody else."""
    shown = actor.may(Permission.PAYMENT_BOOK)
    return [
        (payout, statement, name, account, await payouts.account_number(session, account) if shown else None)
        for payout, statement, name, account in await seller_queries.transfers(session)
    ]


@router.get("/staff/cashier/sellers.csv")
async def desk_csv(actor: Reader, session: Reading, now: Now) -> Response:
    head = (
        *("number", "issued_on", "company", "sale", "currency", "gross", "forfeits", "commission", "charges", "tax"),
        *("carried", "net", "payable_on", "state", "bank_reference"),
    )
    table: list[tuple[str, ...]] = [head]
    for row, company, state, payout, _ in await seller_queries.statements(session, actor, now, limit=None):
        unit = row.currency
        amounts = (row.gross_minor, row.forfeits_minor, row.commission_minor, row.charges_minor, row.tax_minor)
        table.append(
            (
                *(row.number, row.issued_on, company, row.sale, unit),
                *(decimal_text(one, unit) for one in (*amounts, row.carried_minor, row.net_minor)),
                *(row.payable_on, state, payout.bank_reference if payout else ""),
            )
        )
    headers = {"content-disposition": 'attachment; filename="statements.csv"'}
    return Response(
        b"".join(write_csv(iter(table), figures=True)), media_type="text/csv; charset=utf-8", headers=headers
    )


@router.post("/staff/cashier/sellers/statements")
async def issue(said: Annotated[StateForm, Form()], actor: Issuer, session: Writing, now: Now) -> Response:
    company = await accounts_queries.company_by_public_id(session, said.company)
    if company is None:
        raise NotFound()
    row = await sellers.issue(
        session, company_id=company.id, sale=said.sale, after=said.after, by=actor.public_id, now=now
    )
    return RedirectResponse(f"/desk/statements/{row.number}", status_code=303)


@router.post("/staff/cashier/sellers/payouts")
async def propose(said: Annotated[PayForm, Form()], actor: Cashier, session: Writing, now: Now) -> Response:
    """A second person decides on `/staff/proposals`."""
    await payouts.propose(session, number=said.statement, actor=actor, now=now)
    return RedirectResponse("/staff/cashier/sellers?done=proposed", status_code=303)


@router.post("/staff/cashier/sellers/payouts/{payout}/transfer")
async def sent(payout: Id, said: Annotated[SentForm, Form()], actor: Cashier, session: Writing, now: Now) -> Response:
    await payouts.paid(session, payout, bank_reference=said.bank_reference, actor=actor, now=now)
    return RedirectResponse("/staff/cashier/sellers?done=paid", status_code=303)


@router.post("/staff/cashier/sellers/payouts/{payout}/return")
async def came_back(
    payout: Id, said: Annotated[BackForm, Form()], actor: Cashier, session: Writing, now: Now
) -> Response:
    await payouts.cancel(session, payout, reason=said.reason, actor=actor, now=now)
    return RedirectResponse("/staff/cashier/sellers?done=returned", status_code=303)
