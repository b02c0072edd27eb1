"""Pages of a company's shortlists. Every act is a form; a script that sends it stays on the page."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.once import form_once
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import plan, queries, sheet_routes, sheets, shortlists, showing
from pavilion.catalogue import shortlist_reading as reading
from pavilion.catalogue.shortlist_forms import ListForm, NameForm, StarForm, Unticked, WordsForm
from pavilion.catalogue.shortlist_models import Shortlist
from pavilion.catalogue.shortlist_reading import Line
from pavilion.catalogue.shortlists import Maximum
from pavilion.kernel.events import record
from pavilion.kernel.ids import is_ulid
from pavilion.kernel.money import CURRENCIES, MAX_AMOUNT, parse_minor
from pavilion.kernel.xlsx_writing import Cell, write_xlsx
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page, safe_back

router = APIRouter(tags=["shortlists"])

Keeper = Annotated[Actor, may(Permission.SHORTLIST_EDIT)]

FIRST_NAME = {"en": "Shortlist", "zh": "候选清单"}
MOST_SEEN = 20  # stones in one booking of a viewing
SAID = ("added_at", "added_by", "verdicts", "own_verdict", "own_maximum", "maximum_currency", "notes", "own_note")


@router.get("/shortlists")
async def lists_page(request: Request, actor: Keeper, session: Reading) -> Response:
    member, removed = shortlists.member_of(actor), _removed(request)
    return page(
        request,
        "catalogue/shortlists.html",
        lists=await reading.lists_of(session, member),
        present=await shortlists.current(session, member),
        removed=await reading.removed_of(session, member, removed) if removed else None,
    )


@router.post("/shortlists")
async def make(said: Annotated[ListForm, Form()], actor: Keeper, session: Writing, now: Now) -> Response:
    async def act() -> str:
        return (await shortlists.make_list(session, shortlists.member_of(actor), said.name, now)).public_id

    made = await form_once(session, actor=actor, name=said.once, said=("shortlist", said.name), act=act, now=now)
    return RedirectResponse(f"/shortlists/{made}", status_code=303)


@router.post("/shortlists/lines")
async def press(
    request: Request, said: Annotated[StarForm, Form()], actor: Keeper, session: Writing, now: Now
) -> Response:
    """One press on a stone: it stands on the list, or no more. Without script the page is shown again, at the stone."""
    where = "/shortlists"
    if said.act == "remove":
        await shortlists.take_off(session, shortlists.member_of(actor), said.stone, now)
    else:
        name = FIRST_NAME[language(request)]
        row = await shortlists.add(session, actor, said.stone, to=said.to or None, otherwise=name, now=now)
        where = f"/shortlists/{row.public_id}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=204)
    back = safe_back(said.back, where)
    return RedirectResponse(back if back == where else f"{back}#s-{said.stone[0]}", status_code=303)


@router.get("/shortlists/{public_id}")
async def show(
    request: Request,
    public_id: str,
    actor: Keeper,
    session: Reading,
    sort: Literal["added", "verdict", "price", "weight"] = "added",
    verdict: Literal["", "A", "B", "C"] = "",
    state: Literal["", "offered", "changed", "gone"] = "",
    none: Unticked = "",
) -> Response:
    row = await reading.list_of(session, shortlists.member_of(actor), public_id)
    return await _page(request, session, actor, row, sort=sort, verdict=verdict, state=state, unticked=none)


@router.get("/shortlists/{public_id}/version")
async def version(public_id: str, actor: Keeper, session: Reading) -> Response:
    """A number that rises with each change, for a page that stands open beside a colleague's."""
    row = await reading.list_of(session, shortlists.member_of(actor), public_id)
    return JSONResponse({"version": row.version}, headers={"Cache-Control": "no-store"})


@router.post("/shortlists/{public_id}")
async def rename(
    public_id: str, said: Annotated[NameForm, Form()], actor: Keeper, session: Writing, now: Now
) -> Response:
    await shortlists.rename(session, shortlists.member_of(actor), public_id, said.name, now)
    return RedirectResponse(f"/shortlists/{public_id}", status_code=303)


@router.post("/shortlists/{public_id}/removal")
async def remove_list(public_id: str, actor: Keeper, session: Writing, now: Now) -> Response:
    await shortlists.remove_list(session, shortlists.member_of(actor), public_id, now)
    return RedirectResponse(f"/shortlists?removed={public_id}", status_code=303)


@router.post("/shortlists/{public_id}/return")
async def return_list(public_id: str, actor: Keeper, session: Writing, now: Now) -> Response:
    await shortlists.return_list(session, shortlists.member_of(actor), public_id, now)
    return RedirectResponse(f"/shortlists/{public_id}", status_code=303)


@router.post("/shortlists/{public_id}/lines/{line}/removal")
async def remove(public_id: str, line: str, actor: Keeper, session: Writing, now: Now) -> Response:
    await shortlists.remove(session, shortlists.member_of(actor), public_id, line, now)
    return RedirectResponse(f"/shortlists/{public_id}?removed={line}", status_code=303)


@router.post("/shortlists/{public_id}/lines/{line}/return")
async def put_back(public_id: str, line: str, actor: Keeper, session: Writing, now: Now) -> Response:
    await shortlists.put_back(session, shortlists.member_of(actor), public_id, line, now)
    return RedirectResponse(f"/shortlists/{public_id}#l-{line}", status_code=303)


@router.post("/shortlists/{public_id}/lines/{line}/words")
async def say(
    request: Request,
    public_id: str,
    line: str,
    said: Annotated[WordsForm, Form()],
    actor: Keeper,
    session: Writing,
    now: Now,
) -> Response:
    maximum, fault = _maximum(said)
    if fault:
        row = await reading.list_of(session, shortlists.member_of(actor), public_id)
        return await _page(request, session, actor, row, wrong=(line, fault), said=said)
    await shortlists.say(
        session, actor, public_id, line, verdict=said.verdict or None, maximum=maximum,
        shared_note=said.shared_note, own_note=said.own_note, now=now,
    )  # fmt: skip
    return RedirectResponse(f"/shortlists/{public_id}#l-{line}", status_code=303)


@router.get("/shortlists/{public_id}/lines.csv")
async def as_csv(request: Request, public_id: str, actor: Keeper, session: Writing, now: Now) -> Response:
    columns, rows = await _sheet(session, actor, public_id, "csv", now)
    body = sheet_routes.csv_of(columns, _each(rows))
    return StreamingResponse(body, media_type=sheet_routes.CSV, headers=sheet_routes.named("csv", "shortlist"))


@router.get("/shortlists/{public_id}/lines.xlsx")
async def as_workbook(request: Request, public_id: str, actor: Keeper, session: Writing, now: Now) -> Response:
    columns, rows = await _sheet(session, actor, public_id, "xlsx", now)
    body = write_xlsx("Shortlist", columns, _each(rows))
    return StreamingResponse(body, media_type=sheet_routes.XLSX, headers=sheet_routes.named("xlsx", "shortlist"))


async def _page(
    request: Request,
    session: AsyncSession,
    actor: Actor,
    row: Shortlist,
    *,
    sort: str = "added",
    verdict: str = "",
    state: str = "",
    unticked: str = "",
    wrong: tuple[str, str] = ("", ""),
    said: WordsForm | None = None,
) -> Response:
    whole = await reading.lines_of(session, actor, row)
    lang = language(request)
    stones = [line.stone for line in whole if line.stone]
    return page(
        request,
        "catalogue/shortlist.html",
        422 if said else 200,
        row=row,
        whole=whole,
        lines=reading.arranged(whole, sort=sort, verdict=verdict, state=state),
        sort=sort,
        verdict=verdict,
        state=state,
        unticked=unticked,
        wrong=wrong,
        entered=said,
        names={stone.id: showing.name_of(stone, lang) for stone in stones},
        plans={stone.id: plan.plan_of(stone).name for stone in stones},
        seen=",".join(stone.public_id for stone in stones[:MOST_SEEN]),
        prices=queries.sees_prices(actor),
        sealed=await shortlists.seal_for(session, row.company_id) is not None,
        removed=_removed(request),
    )


async def _sheet(
    session: AsyncSession, actor: Actor, public_id: str, kind: str, now: Now
) -> tuple[list[str], Sequence[Sequence[Cell]]]:
    """The stones that are offered, with what was said of them; who takes it along is written down, not what."""
    row = await reading.list_of(session, shortlists.member_of(actor), public_id)
    lines = await reading.lines_of(session, actor, row)
    record(session, "shortlist:exported", row.public_id, by=actor.public_id, at=now, kind=kind)
    prices = queries.sees_prices(actor)
    rows = [
        [*sheets.cells(line.stone, line.promise, prices=prices), *_said_cells(line)] for line in lines if line.stone
    ]
    return [*sheets.columns(prices=prices), *SAID], rows


def _said_cells(line: Line) -> list[Cell]:
    verdicts = "; ".join(f"{one.verdict} {one.name}" for one in line.words if one.verdict)
    notes = "; ".join(f"{one.name}: {one.shared_note}" for one in line.words if one.shared_note)
    own = line.mine.maximum
    maximum = None if own is None else sheets.money(own.amount_minor, own.currency)
    day, currency = line.row.added_at.date().isoformat(), own.currency if own else None
    return [day, line.by, verdicts, line.mine.verdict, maximum, currency, notes, line.mine.own_note]


async def _each(rows: Sequence[Sequence[Cell]]) -> AsyncIterator[Sequence[Cell]]:
    for row in rows:
        yield row


def _removed(request: Request) -> str:
    """What the press before took away, to be brought back."""
    named = request.query_params.get("removed", "")
    return named if is_ulid(named) else ""


def _maximum(said: WordsForm) -> tuple[Maximum | None, str]:
    """What was typed as an amount, or the code of what is wrong with it."""
    if not said.maximum:
        return None, ""
    minor = parse_minor(said.maximum, said.currency) if said.currency in CURRENCIES else None
    if minor is None or not 0 < minor <= MAX_AMOUNT:
        return None, "amount_invalid"
    return Maximum(minor, said.currency), ""
