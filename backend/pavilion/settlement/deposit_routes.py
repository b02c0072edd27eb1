"""Pages of deposits: a company's own, those of a sale, and the terms a sale settles by."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import board
from pavilion.auctions.models import Sale
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal, StaleVersion
from pavilion.kernel.ids import is_ulid
from pavilion.kernel.money import decimal_text
from pavilion.kernel.sheet import write_csv
from pavilion.settlement import agreed, deposit_queries, terms_form, terms_words
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["settlement"])

Buyer = Annotated[Actor, may(Permission.INVOICE_PAY)]
Staff = Annotated[Actor, may(Permission.STAFF_SEE)]
LONGEST = 4_000  # characters of one field


@router.get("/desk/deposits")
async def own_deposits(request: Request, actor: Buyer, session: Reading) -> Response:
    rows = await deposit_queries.own(session, actor)
    connected = request.app.state.payments is not None
    return page(request, "settlement/deposits.html", rows=rows, connected=connected)


@router.get("/staff/sales/{sale}/deposits")
async def deposits_of_sale(request: Request, sale: str, actor: SignedInActor, session: Reading) -> Response:
    row = await _sale_for_house(session, sale, actor)
    rows = await deposit_queries.of_sale(session, actor, sale)
    sums = [sum(amounts) for amounts in zip(*(one.figures for one in rows), strict=True)] or [0] * 5
    terms = (await agreed.stated(session, row)).terms
    asked = sum(one.deposit.asked_minor for one in rows)
    return page(request, "settlement/sale_deposits.html", sale=row, rows=rows, sums=sums, asked=asked, terms=terms)


@router.get("/staff/sales/{sale}/deposits.csv")
async def deposits_csv(sale: str, actor: SignedInActor, session: Reading) -> Response:
    """What became of each deposit, in major units. Nothing in it runs in a sheet."""
    row = await _sale_for_house(session, sale, actor)
    head = ("deposit", "company", "state", "currency", "asked", "received", "applied", "refunded", "forfeited", "held")
    lines = [head]
    for one in await deposit_queries.of_sale(session, actor, sale):
        amounts = (one.deposit.asked_minor, *one.figures)
        told = (one.deposit.public_id, one.company, one.deposit.state, row.currency)
        lines.append((*told, *(decimal_text(amount, row.currency) for amount in amounts)))  # type: ignore[arg-type]
    headers = {"content-disposition": 'attachment; filename="deposits.csv"'}
    return Response(b"".join(write_csv(iter(lines))), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/staff/sales/{sale}/settlement")
async def terms_page(request: Request, sale: str, actor: Staff, session: Reading) -> Response:
    row = await _sale(session, sale)
    return await _terms_page(request, session, row, actor)


@router.post("/staff/sales/{sale}/settlement")
async def change_terms(request: Request, sale: str, actor: Staff, session: Writing, now: Now) -> Response:
    row = await _sale(session, sale)
    sent = await request.form()
    said = {name: value for name, value in sent.items() if isinstance(value, str)}
    version = said.pop("version", "0")
    try:
        _check(said, version)
        async with session.begin_nested():
            await agreed.change(session, sale=sale, version=int(version), said=said, actor=actor, now=now)
    except (BadInput, StaleVersion) as refused:
        return await _terms_page(request, session, row, actor, said=said, refused=refused)
    return RedirectResponse(f"/staff/sales/{sale}/settlement?done=1", status_code=303)


def _check(said: dict[str, str], version: str) -> None:
    """Only what the form has, each of a length a person may type."""
    known = {term.name for term in terms_form.TERMS}
    faults = {name: "bad_input" for name, value in said.items() if name not in known or len(value) > LONGEST}
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        faults["version"] = "bad_input"
    if faults:
        raise BadInput(fields=faults)


async def _terms_page(
    request: Request,
    session: Reading,
    sale: Sale,
    actor: Actor,
    *,
    said: dict[str, str] | None = None,
    refused: Refusal | None = None,
) -> Response:
    stated = await agreed.stated(session, sale)
    kept = {name: value[:LONGEST] for name, value in (said or {}).items()}
    now_said = terms_form.texts(stated.terms, sale.currency)
    told = partial(terms_words.told, tongue=request.app.state.pages.tongues[language(request)])
    return page(
        request,
        "settlement/terms.html",
        status_code=refused.status if refused else 200,
        sale=sale,
        groups=terms_form.GROUPS,
        stated=stated,
        usual=told(stated.usual, sale.currency),
        words=told(stated.terms, sale.currency),
        texts=now_said if said is None else {name: kept.get(name, "") for name in now_said},
        faults=refused.fields if refused else {},
        refused=refused,
        may_change=agreed.may_change(actor, sale),
        history=await agreed.history(session, sale, told),
        done=request.query_params.get("done") == "1",
    )


async def _sale(session: Reading, sale: str) -> Sale:
    if not is_ulid(sale):
        raise NotFound()
    return await board.sale_of(session, sale, drafts=True)


async def _sale_for_house(session: Reading, sale: str, actor: Actor) -> Sale:
    if not (actor.may(Permission.LEDGER_SEE) or actor.may(Permission.REGISTRATION_DECIDE)):
        raise NotAllowed(right=Permission.LEDGER_SEE.value)
    return await _sale(session, sale)
