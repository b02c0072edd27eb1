"""Pages of deposits: a company's own, those of a sale, and the terms a sale settles by."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts.deps import SignedInActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import board
from pavilion.auctions.forms import optional_minor
from pavilion.auctions.models import Sale
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal, StaleVersion
from pavilion.kernel.ids import is_ulid
from pavilion.kernel.money import decimal_text
from pavilion.kernel.sheet import write_csv
from pavilion.settlement import agreed, deposit_queries, deposits, terms_form, terms_words, topping_up
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["settlement"])

Buyer = Annotated[Actor, may(Permission.INVOICE_PAY)]
Staff = Annotated[Actor, may(Permission.STAFF_SEE)]
Registrar = Annotated[Actor, may(Permission.REGISTRATION_DECIDE)]
LONGEST = 4_000  # characters of one field
MOST_MARKED = 2_000  # lots in one request


@router.get("/desk/deposits")
async def own_deposits(request: Request, actor: Buyer, session: Reading) -> Response:
    rows = await deposit_queries.own(session, actor)
    connected = request.app.state.payments is not None
    return page(request, "settlement/deposits.html", rows=rows, connected=connected, faults={}, said={})


@router.post("/desk/deposits/{deposit}/raise")
async def raise_own(request: Request, deposit: str, actor: Buyer, session: Writing, now: Now) -> Response:
    """The company puts down more for a higher limit, or for more lots."""
    sent = await request.form()
    limit, lots = sent.get("limit"), [lot for lot in sent.getlist("lots") if isinstance(lot, str)]
    row = await deposits.locked(session, deposit)
    if row.company_id != actor.company_id:
        raise NotFound()
    try:
        if len(lots) > MOST_MARKED or not all(map(is_ulid, lots)):
            raise BadInput(fields={"lots": "lot_not_offered"})
        wished = _wished(limit if isinstance(limit, str) else "", row.currency)
        marked = tuple(dict.fromkeys(lots)) if "counted" in sent else None
        if wished is None and not marked:
            raise BadInput(fields={"limit": "required"})
        async with session.begin_nested():
            await topping_up.raise_it(
                session, row, wished_minor=wished, lots=marked or None, by_house=False, actor=actor, now=now
            )
    except BadInput as refused:
        said = {"about": deposit, "limit": str(limit or "")[:40], "lots": lots}
        rows = await deposit_queries.own(session, actor)
        connected = request.app.state.payments is not None
        return page(
            request,
            "settlement/deposits.html",
            status_code=422,
            rows=rows,
            connected=connected,
            faults=refused.fields,
            said=said,
        )
    return RedirectResponse(f"/desk/deposits#{row.public_id}", status_code=303)


@router.post("/staff/deposits/{deposit}/raise")
async def raise_for(request: Request, deposit: str, actor: Registrar, session: Writing, now: Now) -> Response:
    """The house asks a company to put down what a limit needs."""
    sent = await request.form()
    limit = sent.get("limit")
    row = await deposits.locked(session, deposit)
    try:
        wished = _wished(limit if isinstance(limit, str) else "", row.currency)
        if wished is None:
            raise BadInput(fields={"limit": "required"})
        async with session.begin_nested():
            await topping_up.raise_it(session, row, wished_minor=wished, lots=None, by_house=True, actor=actor, now=now)
    except BadInput as refused:
        said = {"about": deposit, "limit": str(limit or "")[:40]}
        return await _sale_page(request, session, row.sale, actor, faults=refused.fields, said=said)
    return RedirectResponse(f"/staff/sales/{row.sale}/deposits#{row.public_id}", status_code=303)


def _wished(limit: str, currency: str) -> int | None:
    try:
        return optional_minor(limit[:40], currency)
    except ValueError as fault:
        raise BadInput(fields={"limit": "amount_invalid"}) from fault


@router.get("/staff/sales/{sale}/deposits")
async def deposits_of_sale(request: Request, sale: str, actor: SignedInActor, session: Reading) -> Response:
    return await _sale_page(request, session, sale, actor)


async def _sale_page(
    request: Request,
    session: Reading,
    sale: str,
    actor: Actor,
    *,
    faults: Mapping[str, str] | None = None,
    said: Mapping[str, str] | None = None,
) -> Response:
    row = await _sale_for_house(session, sale, actor)
    rows = await deposit_queries.of_sale(session, actor, sale)
    sums = [sum(amounts) for amounts in zip(*(one.figures for one in rows), strict=True)] or [0] * 5
    terms = (await agreed.stated(session, row)).terms
    may_raise = actor.may(Permission.REGISTRATION_DECIDE)
    return page(
        request,
        "settlement/sale_deposits.html",
        status_code=422 if faults else 200,
        sale=row,
        rows=rows,
        sums=sums,
        asked=sum(one.deposit.wanted_minor for one in rows),
        terms=terms,
        grows={one.deposit.id: await topping_up.open_for(session, one.deposit) for one in rows if may_raise},
        faults=faults or {},
        said=said or {},
    )


@router.get("/staff/sales/{sale}/deposits.csv")
async def deposits_csv(sale: str, actor: SignedInActor, session: Reading) -> Response:
    """What became of each deposit, in major units. Nothing in it runs in a sheet."""
    row = await _sale_for_house(session, sale, actor)
    head = ("deposit", "company", "state", "currency", "asked", "received", "applied", "refunded", "forfeited", "held")
    lines = [head]
    for one in await deposit_queries.of_sale(session, actor, sale):
        amounts = (one.deposit.wanted_minor, *one.figures)
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
