"""The ledger, statements of accounts and their files; a company's own account."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.kernel.sheet import write_csv
from pavilion.settlement import accounts_of, exporting, ledger, proving, queries
from pavilion.settlement.accounts_of import SHOWN, USUAL
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import language, page

router = APIRouter(tags=["settlement"])

LedgerReader = Annotated[Actor, may(Permission.LEDGER_SEE)]
Account = Annotated[str, Path(max_length=120, pattern=r"^[a-z]+:[A-Za-z0-9:_-]+$")]
From = Annotated[date | None, Query(alias="from")]
To = Annotated[date | None, Query(alias="to")]
Currency = Annotated[str | None, Query(pattern=r"^[A-Z]{3}$")]
Ref = Annotated[str | None, Query(max_length=80, pattern=r"^[^\x00-\x1f]*$")]
EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)


def _days(since: date | None, until: date | None) -> tuple[date | None, date | None]:
    """As they were said, refused where they lie beyond any book or the wrong way round."""
    if any(day is not None and not EARLIEST <= day <= LATEST for day in (since, until)):
        raise BadInput(fields={"from": "days_invalid"})
    if since is not None and until is not None and since > until:
        raise BadInput(fields={"from": "days_invalid"})
    return since, until


async def _span(now: Now, since: From = None, until: To = None) -> tuple[date, date]:
    """The last ninety days where none are said."""
    since, until = _days(since, until)
    last = until or max(now.date(), since or EARLIEST)
    return since or last - USUAL, last


async def _currency(session: Reading, account: Account, currency: Currency = None) -> str:
    """The one asked for, else the first in which anything moved; an account on which nothing ever moved is none."""
    known = await accounts_of.currencies_of(session, account)
    if not known or (currency is not None and currency not in known):
        raise NotFound()
    return currency or known[0]


Span = Annotated[tuple[date, date], Depends(_span)]
Chosen = Annotated[str, Depends(_currency)]


@router.get("/staff/ledger")
async def ledger_page(request: Request, actor: LedgerReader, session: Reading, ref: Ref = None) -> Response:
    """Balances and the newest entries, or every entry that names this reference."""
    balances = await ledger.balances(session)
    rows = await queries.journal(session, ref=ref or None)
    accounts = {account for account, _, _ in balances} | {row.account for row in rows}
    return page(
        request,
        "settlement/ledger.html",
        balances=balances,
        sums=ledger.sums(balances),
        names=await queries.account_names(session, sorted(accounts)),
        rows=rows,
        ref=ref or "",
        proves=await ledger.proves(session),
        proof=await proving.last_proof(session),
    )


@router.get("/staff/ledger/journal.csv")
async def journal_csv(actor: LedgerReader, session: Reading, since: From = None, until: To = None) -> Response:
    """Every entry, oldest first; Σ debit = Σ credit per transaction and currency. Nothing in it runs in a sheet."""
    return _sheet(exporting.journal(await exporting.rows(session, *_days(since, until))), "journal.csv")


@router.get("/staff/ledger/general-journal.csv")
async def general_journal(
    request: Request, actor: LedgerReader, session: Reading, since: From = None, until: To = None
) -> Response:
    """The same as a general journal: a voucher a transaction, major units, names of accounts."""
    found = await exporting.rows(session, *_days(since, until))
    accounts = sorted({row.account for row in found})
    tongue = request.app.state.pages.tongues[language(request)]
    own = {one: f"account_{one.split(':')[1]}" for one in accounts}
    names = {one: tongue.say(code) for one, code in own.items() if tongue.knows("code", code)}
    names |= await queries.account_names(session, accounts)
    return _sheet(exporting.general(found, names), "general-journal.csv")


@router.get("/staff/ledger/journal.ledger")
async def plain_text_journal(actor: LedgerReader, session: Reading, since: From = None, until: To = None) -> Response:
    """The same as plain-text double entry, for hledger and ledger-cli."""
    told = exporting.plain_text(await exporting.rows(session, *_days(since, until)))
    return Response(told, media_type="text/plain; charset=utf-8", headers=_named("journal.ledger"))


@router.get("/staff/ledger/accounts/{account}.csv")
async def account_csv(
    account: Account, actor: LedgerReader, session: Reading, currency: Chosen, span: Span
) -> Response:
    found = await accounts_of.statement(session, account, currency, since=span[0], until=span[1])
    return _sheet(accounts_of.table(found), f"{account.replace(':', '-')}-{currency}.csv")


@router.get("/staff/ledger/accounts/{account}")
async def account_page(
    request: Request, account: Account, actor: LedgerReader, session: Reading, currency: Chosen, span: Span
) -> Response:
    """What stood there, what moved, what stands there."""
    return page(
        request,
        "settlement/account.html",
        statement=await accounts_of.statement(session, account, currency, since=span[0], until=span[1], most=SHOWN),
        currencies=await accounts_of.currencies_of(session, account),
        name=await accounts_of.name_of(session, account),
    )


@router.get("/desk/account")
async def own_account(request: Request, actor: SignedInActor, session: Reading, span: Span) -> Response:
    """Everything that stands between the reader's company and the house, account by account."""
    company, (first, last) = _company(actor), span
    return page(
        request,
        "settlement/own_account.html",
        statements=await accounts_of.own(session, company, since=first, until=last, most=SHOWN),
        sales=await accounts_of.sale_titles(session, company),
        since=first,
        until=last,
    )


@router.get("/desk/account.csv")
async def own_account_csv(actor: SignedInActor, session: Reading, span: Span) -> Response:
    found = await accounts_of.own(session, _company(actor), since=span[0], until=span[1])
    return _sheet(accounts_of.tables(found), "account.csv")


def _company(actor: Actor) -> int:
    if actor.company_id is None:
        raise NotAllowed(right=Permission.INVOICE_PAY.value)
    return actor.company_id


def _sheet(rows: Iterable[Sequence[str]], name: str) -> Response:
    body = b"".join(write_csv(iter(rows), figures=True))
    return Response(body, media_type="text/csv; charset=utf-8", headers=_named(name))


def _named(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}
