"""Amending the rules of lots without a live bid: the form of who proposes it, and every rule set at its hash."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.models import Lot, Sale
from pavilion.bidding import amend_proposing, rule_sets
from pavilion.bidding.amend_forms import AmendForm, said_of
from pavilion.bidding.models import BookLot
from pavilion.kernel.errors import BadInput, NotFound, Refusal
from pavilion.kernel.instants import from_stamp
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page
from pavilion.webkit.refusals import wants_json

router = APIRouter(tags=["bidding"])

Builder = Annotated[Actor, may(Permission.SALE_BUILD)]
Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$")]
Hash = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@router.get("/staff/sales/{sale}/amendment")
async def form(
    request: Request,
    sale: Id,
    session: Reading,
    _actor: Builder,
    of: Annotated[str, Query(pattern=r"^([0-9a-f]{64})?$")] = "",
) -> Response:
    return await _page(request, session, sale, of, {}, {})


@router.post("/staff/sales/{sale}/amendment")
async def propose(request: Request, sale: Id, session: Writing, actor: Builder, now: Now) -> Response:
    """A second person is asked, or the form says what is wrong; a program gets the proposal or a problem."""
    form = await request.form()
    said: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str) and name != "lot"}
    said["lot"] = [value for value in form.getlist("lot") if isinstance(value, str)]
    try:
        try:
            asked = AmendForm.model_validate(said)
        except ValidationError as error:
            fields = {str(fault["loc"][0]): "bad_input" for fault in error.errors() if fault["loc"]}
            raise BadInput(fields=fields) from error
        async with session.begin_nested():
            proposal = await amend_proposing.propose(session, sale=sale, said=asked, actor=actor, now=now)
    except Refusal as refused:
        if wants_json(request) or refused.status in (403, 404):
            raise
        kept = {name: value[:5000] for name, value in said.items() if isinstance(value, str)} | {"lot": said["lot"]}
        return await _page(request, session, sale, str(said.get("of", ""))[:64], kept, refused.fields, refused)
    if wants_json(request):
        told = {"result": "proposed", "code": "second_approval_needed", "proposal": proposal.public_id}
        return JSONResponse(told | {"to": proposal.facts["to"]}, 202)
    return RedirectResponse(f"/staff/sales/{sale}/amendment?done=proposed", 303)


@router.get("/sales/{sale}/rules/{name}.json")
async def rule_set(sale: Id, name: Hash, session: Reading) -> Response:
    """A rule set of this sale, byte for byte as its hash names it."""
    text = await rule_sets.text_of(session, sale, name)
    if text is None:
        raise NotFound()
    return Response(text, media_type="application/json", headers={"cache-control": "public, max-age=31536000"})


@router.get("/sales/{sale}/rules/{name}")
async def rules_page(request: Request, sale: Id, name: Hash, session: Reading) -> Response:
    """The amended rules in words, with the lots that run by them now."""
    row = await session.scalar(select(Sale).where(Sale.public_id == sale, Sale.rules_hash.is_not(None)))
    changed = await rule_sets.amended(session, sale)
    found = next((one for one in reversed(changed.amendments) if one.to == name), None)
    if row is None or found is None:
        raise NotFound()
    lots = [lot for lot in changed.by_lot if changed.hash_of(lot) == name]
    numbers = select(BookLot.number).where(BookLot.lot.in_(lots)).order_by(BookLot.position)
    doc = changed.documents[name]
    hard_end = doc.get("soft_close", {}).get("hard_end")
    facts: dict[str, Any] = {"sale": row, "doc": doc, "preview": False, "amendment": found}
    facts |= {"opens_at": from_stamp(doc["opens_at"]), "first_end": from_stamp(doc["stagger"]["first"])}
    facts |= {"hard_end": from_stamp(hard_end) if hard_end else None}
    return page(request, "auctions/rules.html", **facts, numbers=(await session.scalars(numbers)).all())


async def _page(
    request: Request,
    session: AsyncSession,
    sale: str,
    of: str,
    said: dict[str, Any],
    faults: dict[str, str],
    refused: Refusal | None = None,
) -> Response:
    try:
        known = await amend_proposing.under(session, sale, of)
    except NotFound:
        known = await amend_proposing.under(session, sale)
    titles = select(Lot.public_id, Lot.title_en, Lot.title_zh).where(Lot.public_id.in_([lot.lot for lot in known.lots]))
    named = {row.public_id: row for row in await session.execute(titles)}
    return page(
        request,
        "bidding/amendment.html",
        refused.status if refused else 200,
        sale=known.sale,
        known=known,
        named=named,
        form=said_of(known.document) | said,
        chosen=set(said.get("lot", ())),
        faults=faults,
        refused=refused,
        running=known.sale.state in amend_proposing.STATES,
    )
