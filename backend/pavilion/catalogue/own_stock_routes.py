"""A supplier's own stones and chosen meanings as pages, and what is decided about a file that was read."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import own_stock, uploads
from pavilion.catalogue import upload_queries as queries
from pavilion.catalogue.nomenclature import column_name, nomenclature, term
from pavilion.catalogue.own_stock import Standing
from pavilion.catalogue.upload_forms import ChooseMeanings, ForgetMeaning
from pavilion.catalogue.upload_models import StockFile
from pavilion.catalogue.uploads import SETTINGS, Chosen
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page, sentence

router = APIRouter(tags=["stock"])


Supplier = Annotated[Actor, may(Permission.STOCK_WRITE)]


@router.get("/stock/stones")
async def stones(
    request: Request,
    actor: Supplier,
    session: Reading,
    standing: str = "",
    q: Annotated[str, Query(max_length=80)] = "",
    after: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """Every own stone, whatever stands in its way; nobody else's."""
    company = _company(actor)
    wanted = Standing(standing) if standing in set(Standing) else None
    rows, further = await own_stock.stones_of(session, company, standing=wanted, words=q.strip(), after=after)
    counts = await own_stock.counts_of(session, company)
    said: dict[str, Any] = {"rows": rows, "further": further, "counts": counts}
    said |= {"standing": wanted, "q": q.strip(), "after": after}
    return page(request, "catalogue/own_stones.html", **said)


@router.get("/stock/meanings")
async def meanings(request: Request, actor: Supplier, session: Reading) -> Response:
    lang = language(request)
    rows = [
        (one, _meant(request, one.column, one.meaning, lang))
        for one in await own_stock.meanings_of(session, _company(actor))
    ]
    named = partial(column_name, lang=lang)
    return page(
        request, "catalogue/own_meanings.html", rows=rows, named=named, forgotten="forgotten" in request.query_params
    )


@router.post("/stock/meanings/removals")
async def forget(said: Annotated[ForgetMeaning, Form()], actor: Supplier, session: Writing, now: Now) -> Response:
    company = _company(actor)
    await uploads.forget(
        session, supplier_company_id=company, column=said.column, word=said.word, by=actor.public_id, now=now
    )
    return RedirectResponse("/stock/meanings?forgotten", status_code=303)


@router.post("/stock/imports/{public_id}/meanings")
async def choose(
    public_id: str, said: Annotated[ChooseMeanings, Form()], actor: Supplier, session: Writing, now: Now
) -> Response:
    """All that was chosen on the file's page at once; what was left open stays so."""
    file = await _file(session, actor, public_id)
    if not len(said.column) == len(said.word) == len(said.meaning):
        raise BadInput(fields={"meaning": "bad_input"})
    chosen = [Chosen(*one) for one in zip(said.column, said.word, said.meaning, strict=True) if one[2]]
    if not chosen:
        raise BadInput(fields={"meaning": "required_missing"})
    again = await uploads.choose_all(session, file=file, chosen=chosen, by=actor.public_id, now=now)
    return RedirectResponse(f"/stock/imports/{again.file.public_id}", status_code=303)


@router.post("/stock/imports/{public_id}/storing")
async def store(public_id: str, actor: Supplier, session: Writing, now: Now) -> Response:
    """A file that was only checked is imported as it was sent."""
    file = await _file(session, actor, public_id)
    stored = await uploads.store(session, file=file, by=actor.public_id, now=now)
    return RedirectResponse(f"/stock/imports/{stored.file.public_id}", status_code=303)


def _company(actor: Actor) -> int:
    if actor.company_id is None:
        raise NotAllowed(right=Permission.STOCK_WRITE.value)
    return actor.company_id


async def _file(session: Writing, actor: Actor, public_id: str) -> StockFile:
    file = await queries.file_of(session, actor, public_id)
    if file is None:
        raise NotFound()
    return file


def _meant(request: Request, column: str, meaning: str, lang: str) -> str:
    """In the trade's words where it has them."""
    if column in SETTINGS:
        return sentence(request, f"upload_{meaning}")
    if column == "@headers":
        return column_name(meaning, lang)
    spec = nomenclature().columns.get(column)
    return meaning if spec is None else term(spec.enumeration, meaning, lang)
