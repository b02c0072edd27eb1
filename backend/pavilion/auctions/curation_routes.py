"""Pages of curation: the list of sales, the board of one, its lots, settings and publication."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import ValidationError

from pavilion.accounts.deps import may
from pavilion.accounts.once import form_once
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import (
    board,
    board_words,
    bulk,
    changes,
    curation,
    numbering,
    publishing,
    rechecking,
    reoffering,
    suggesting,
)
from pavilion.auctions.board_forms import OnBoard
from pavilion.auctions.board_page import board_page, done
from pavilion.auctions.entities import entities
from pavilion.auctions.formats import SaleType
from pavilion.auctions.forms import (
    LotEdit,
    Lots,
    Move,
    Numbers,
    Publication,
    Reason,
    SaleSettings,
    Stones,
    Undo,
    settings_of,
)
from pavilion.auctions.models import Sale
from pavilion.auctions.repairs import repair_of
from pavilion.auctions.typed import (
    BulkSaid,
    Typed,
    bulk_said,
    lot_values,
    picked,
    typed_settings,
    usual_settings,
)
from pavilion.catalogue import plan
from pavilion.kernel.errors import BadInput, NotFound, Refusal, StaleVersion
from pavilion.kernel.money import CURRENCIES
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(prefix="/staff/sales", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]
Builder = Annotated[Actor, may(Permission.SALE_BUILD)]

ZONES = (
    *("Europe/Brussels", "Europe/London", "Europe/Zurich", "Asia/Dubai", "Asia/Jerusalem", "Asia/Kolkata"),
    *("Asia/Hong_Kong", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo", "America/New_York", "Africa/Gaborone"),
    *("Africa/Johannesburg", "Australia/Sydney", "UTC"),
)
STEPS = {"up": -1, "down": 1, "up10": -10, "down10": 10, "first": -10_000, "last": 10_000}


@router.get("")
async def sales(request: Request, actor: Curator, session: Reading, now: Now) -> Response:
    return await _sales_page(request, session, actor, now)


@router.post("")
async def create(request: Request, actor: Builder, session: Writing, now: Now) -> Response:
    texts = await _texts(request)
    once = texts.pop("once", "")
    said, values, faults = typed_settings(texts)
    if faults:
        return await _sales_page(request, session, actor, now, said=said, faults=faults, status_code=422)

    async def act() -> str:
        return (await curation.create_sale(session, values=values, actor=actor, now=now)).public_id

    what = ("sale", sorted(texts.items()))
    made = await form_once(session, actor=actor, name=once, said=what, act=act, now=now)
    return RedirectResponse(f"/staff/sales/{made}", status_code=303)


@router.get("/{sale}")
async def show(
    request: Request, sale: str, actor: Curator, session: Reading, now: Now, said: Annotated[OnBoard, Query()]
) -> Response:
    return await board_page(request, session, sale, actor, now, asked=picked(said), shown=said)


@router.post("/{sale}/stones")
async def add(
    request: Request, sale: str, said: Annotated[Stones, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    asked = picked(said)

    async def apply() -> None:
        await curation.add_stones(session, sale=sale, stones=said.stone, together=said.together, actor=actor, now=now)

    to = f"/staff/sales/{sale}?{urlencode(asked.said)}".rstrip("?")
    return await done(request, session, sale, actor, now, apply, to=to, asked=asked)


@router.post("/{sale}/moves")
async def move(
    request: Request, sale: str, said: Annotated[Move, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    """The chosen lots to a place, or one by a step; a script gets the new order as JSON."""
    order = await board.order_of(session, sale)
    lots, place = list(said.lot), (said.to or 1) - 1
    if said.step:
        lot, _, word = said.step.partition(":")
        if lot not in order:
            raise NotFound()
        lots, place = [lot], max(0, min(len(order) - 1, order.index(lot) + STEPS[word]))
    elif not lots or said.to == "":
        raise BadInput(fields={"to": "required"})
    after = await curation.move_lots(session, sale=sale, lots=lots, position=place, actor=actor, now=now)
    if request.headers.get("accept", "").startswith("application/json"):
        return JSONResponse({"order": after, "headings": await board.headings_by_lot(session, sale)})
    return RedirectResponse(f"/staff/sales/{sale}#{lots[0]}", status_code=303)


@router.post("/{sale}/numbers")
async def number(
    request: Request, sale: str, said: Annotated[Numbers, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    await curation.number_lots(session, sale=sale, start=said.start, step=said.step, actor=actor, now=now)
    return _board(sale)


@router.post("/{sale}/removals")
async def remove(
    request: Request, sale: str, said: Annotated[Lots, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    await curation.remove_lots(session, sale=sale, lots=said.lot, actor=actor, now=now)
    return _board(sale)


@router.post("/{sale}/undo")
async def undo(
    request: Request, sale: str, said: Annotated[Undo, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    async def take_back() -> None:
        await changes.undo(session, sale=sale, command=said.command, actor=actor, now=now)

    return await done(request, session, sale, actor, now, take_back)


@router.post("/{sale}/preview")
async def preview(request: Request, sale: str, actor: Curator, session: Reading, now: Now) -> Response:
    """What a change over the chosen lots would do; nothing is stored."""
    row = await board.sale_of(session, sale, drafts=True)
    said = await _bulk_said(request, row)
    lots = await board.bulk_lots(session, row, said.lots, actor)
    lines = bulk.propose(said.act, said.first, said.second, lots, row.increments)
    titles = await board.titles_of(session, row, [line.lot for line in lines])
    carried = {"act": said.act, "first": said.typed[0], "second": said.typed[1]}
    facts: dict[str, Any] = {
        "action": f"/staff/sales/{sale}/changes",
        "carried": carried,
        "what": said.act,
        "owners": {},
    }
    return page(request, "auctions/preview.html", sale=row, lines=lines, titles=titles, chosen=len(lots), **facts)


@router.post("/{sale}/changes")
async def apply_changes(request: Request, sale: str, actor: Curator, session: Writing, now: Now) -> Response:
    """The previewed change, unless a lot has changed since the preview."""
    row = await board.sale_of(session, sale, drafts=True)
    said = await _bulk_said(request, row)
    lots = await board.bulk_lots(session, row, said.lots, actor)
    lines = bulk.propose(said.act, said.first, said.second, lots, row.increments)
    edits: dict[str, tuple[int, Mapping[str, Any]]] = {
        line.lot: (said.versions.get(line.lot, 0), line.new) for line in lines
    }

    async def apply() -> None:
        await curation.edit_lots(session, sale=sale, edits=edits, kind=said.act, reason=said.why, actor=actor, now=now)

    return await done(request, session, sale, actor, now, apply)


@router.get("/{sale}/settings")
async def settings_page(request: Request, sale: str, actor: Builder, session: Reading) -> Response:
    row = await board.sale_of(session, sale, drafts=True)
    return _settings_page(request, row, settings_of(row), {})


@router.post("/{sale}/settings")
async def settings(request: Request, sale: str, actor: Builder, session: Writing, now: Now) -> Response:
    row = await board.sale_of(session, sale, drafts=True)
    said, values, faults = await _settings_said(request)
    if faults:
        return _settings_page(request, row, said, faults, status_code=422)
    try:
        async with session.begin_nested():
            await curation.change_sale(
                session, sale=sale, version=int(said["version"]), values=values, actor=actor, now=now
            )
    except Refusal as refused:
        row = await board.sale_of(session, sale, drafts=True)
        return _settings_page(request, row, said, {}, refused=refused, status_code=refused.status)
    return _board(sale)


@router.get("/{sale}/lots/{lot}")
async def lot_page(request: Request, sale: str, lot: str, actor: Curator, session: Reading, now: Now) -> Response:
    return await _lot_page(request, session, sale, lot, actor, now)


@router.post("/{sale}/lots/{lot}")
async def edit_lot(request: Request, sale: str, lot: str, actor: Curator, session: Writing, now: Now) -> Response:
    row = await board.sale_of(session, sale, drafts=True)
    said = await _texts(request)
    try:
        form = LotEdit.model_validate(said)
        values = lot_values(form, row.currency, priced=row.type == SaleType.COLLECTION)
        ruled = row.type != SaleType.COLLECTION and ("reserve_minor" not in values or actor.may(Permission.RESERVE_SET))
        steps = bulk.lower_steps(values, row.increments) if ruled else {}
        if steps and form.lower != "yes":
            faults = dict.fromkeys((name.removesuffix("_minor") for name in steps), "between_steps")
            return await _lot_page(
                request, session, sale, lot, actor, now, said=said, faults=faults, steps=steps, status_code=422
            )
        values |= steps
        values |= await board_words.owner_said(session, lot, form.owner)
        async with session.begin_nested():
            await curation.edit_lots(session, sale=sale, edits={lot: (form.version, values)}, actor=actor, now=now)
    except ValidationError as error:
        faults = {str(fault["loc"][0]): "bad_input" for fault in error.errors() if fault["loc"]}
        return await _lot_page(request, session, sale, lot, actor, now, said=said, faults=faults, status_code=422)
    except BadInput as fault:
        facts: dict[str, Any] = {"said": said, "faults": fault.fields, "status_code": 422}
        facts["refused"] = fault if "taken" in fault.facts else None
        return await _lot_page(request, session, sale, lot, actor, now, **facts)
    except StaleVersion as stale:
        return await _lot_page(request, session, sale, lot, actor, now, said=said, refused=stale, status_code=409)
    return RedirectResponse(f"/staff/sales/{sale}#{lot}", status_code=303)


@router.post("/{sale}/publication")
async def publish(
    request: Request, sale: str, said: Annotated[Publication, Form()], actor: Builder, session: Writing, now: Now
) -> Response:
    """The curator's half: a lead finds it on the page of proposals."""

    async def propose() -> None:
        await publishing.propose_publication(session, sale=sale, acknowledged=said.acknowledged, actor=actor, now=now)

    return await done(request, session, sale, actor, now, propose, to="/staff/proposals")


@router.post("/{sale}/origins")
async def ask_again(request: Request, sale: str, actor: Curator, now: Now) -> Response:
    """The registries are asked anew for every stone whose verdict is older than a day."""
    state = request.app.state
    await rechecking.recheck(state.sessions, state.registries, sale=sale, actor=actor, now=now, log=state.log_signer)
    return _board(sale)


@router.post("/{sale}/unpublication")
async def unpublish(
    request: Request, sale: str, said: Annotated[Reason, Form()], actor: Builder, session: Writing, now: Now
) -> Response:
    async def propose() -> None:
        await publishing.propose_unpublication(session, sale=sale, reason=said.reason, actor=actor, now=now)

    return await done(request, session, sale, actor, now, propose, to="/staff/proposals")


@router.post("/{sale}/deletion")
async def delete(request: Request, sale: str, actor: Builder, session: Writing, now: Now) -> Response:
    await curation.delete_draft(session, sale=sale, actor=actor, now=now)
    return RedirectResponse("/staff/sales", status_code=303)


# -- what the pages share ---------------------------------------------------------------------------------------------


def _board(sale: str) -> Response:
    return RedirectResponse(f"/staff/sales/{sale}", status_code=303)


async def _texts(request: Request) -> dict[str, str]:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


async def _sales_page(
    request: Request,
    session: Reading,
    actor: Actor,
    now: datetime,
    *,
    said: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
    status_code: int = 200,
) -> Response:
    lines = await board.sale_lines(session, actor, drafts=True)
    form = {**SaleSettings(title_en="-").model_dump(), "title_en": ""} | dict(said or usual_settings())
    facts = {"form": form, "faults": faults or {}, "running": board.RUNNING, "ended": board.ENDED} | _choices()
    return page(request, "auctions/staff_sales.html", status_code=status_code, lines=lines, now=now, **facts)


async def _lot_page(
    request: Request,
    session: Reading,
    sale: str,
    lot: str,
    actor: Actor,
    now: datetime,
    *,
    said: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    steps: Mapping[str, int] | None = None,
    refused: Refusal | None = None,
    status_code: int = 200,
) -> Response:
    shown = await board.board_of(session, sale, actor, now)
    line = next((line for line in shown.lots if line.lot.public_id == lot), None)
    if line is None:
        raise NotFound()
    suggested = await suggesting.of_lot(session, shown.sale, lot, request.app.state.evidence_of, actor, now)
    late = shown.sale.state != "draft" and line.lot.state == "draft"
    taken = await curation.labels_of(session, shown.sale) - {(line.lot.number or 0, line.lot.suffix)}
    return page(
        request,
        "auctions/lot.html",
        status_code=status_code,
        sale=shown.sale,
        line=line,
        form=said,
        faults=faults or {},
        steps=steps or {},
        refused=refused,
        plan=plan.plan_of,
        suggested=suggested,
        ends={} if shown.sale.state == "draft" else (await request.app.state.ends_of(session, sale)).of,
        proposed=numbering.proposals(taken) if late else [],
        repair=partial(repair_of, sale=sale, sets_reserves=actor.may(Permission.RESERVE_SET)),
        named=shown.names,
        owners=await board_words.may_own(session, also=line.lot.consignor_company_id),
        history=await reoffering.history_of(session, line.lot),
        listing=late and lot in await changes.being_listed(session, shown.sale),
    )


def _settings_page(
    request: Request,
    sale: Sale,
    form: Mapping[str, Any],
    faults: Mapping[str, str],
    *,
    refused: Refusal | None = None,
    status_code: int = 200,
) -> Response:
    facts: dict[str, Any] = {"sale": sale, "form": form, "faults": faults, "refused": refused} | _choices()
    return page(request, "auctions/settings.html", status_code=status_code, **facts)


def _choices() -> dict[str, Any]:
    return {"zones": ZONES, "currencies": sorted(CURRENCIES), "entities": entities().values()}


async def _settings_said(request: Request) -> Typed:
    return typed_settings(await _texts(request))


async def _bulk_said(request: Request, sale: Sale) -> BulkSaid:
    form = await request.form()
    texts = {name: [v for v in form.getlist(name) if isinstance(v, str)] for name in ("lot", "version")}
    return bulk_said(await _texts(request), texts["lot"], texts["version"], sale.currency)
