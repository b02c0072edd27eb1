"""What stands beside a stone's price: its position among like stones with what another price would make of it, and the
house's page of price lists, where a file is looked at first, then taken in, and ended when it no longer holds."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import benchmark_sheets, benchmarks, position, queries, showing
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.catalogue.position import Others, Position
from pavilion.catalogue.price_answers import PositionTold
from pavilion.kernel.errors import BadInput, NotFound, Refusal, TooLarge
from pavilion.kernel.ids import is_ulid
from pavilion.kernel.money import CURRENCIES, MAX_AMOUNT, decimal_text, exponent, half_up, parse_minor
from pavilion.kernel.sheet import SheetFault
from pavilion.webkit.answers import PublicId, answers
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page
from pavilion.webkit.upload import sent_file

router = APIRouter(tags=["stones"])

LONGEST = 40  # characters of a typed price
Tried = Annotated[str, Query(max_length=200)]
PerCarat = Annotated[
    int | None, Query(ge=1, le=MAX_AMOUNT, description="A price per carat to try, in minor units.", examples=[650_000])
]
HERE = "/staff/settings/benchmarks"
SHOWN = 200  # rows and faults of a preview
StaffActor = Annotated[Actor, may(Permission.STAFF_SEE)]
Keeper = Annotated[Actor, may(Permission.SETTING_EDIT)]
Text = Annotated[str, StringConstraints(max_length=200)]


@router.get("/stones/{stone}/position")
async def stood(request: Request, stone: str, actor: CurrentActor, session: Reading, ppc: Tried = "") -> Response:
    """Where the stone stands, and where it would at the price that was typed."""
    found = await _priced(session, actor, stone)
    others = await position.others(session, actor, found)
    typed = ppc.strip()[:LONGEST]
    tried = parse_minor(typed, found.currency) if typed else None
    fault = bool(typed) and (tried is None or not 0 < tried <= MAX_AMOUNT)
    if fault:
        tried = None
    asked = found.price_per_carat_minor
    ends = [price for price in (asked, tried, others.prices[0] if others.prices else None) if price]
    unit = 10 ** exponent(found.currency)
    return page(
        request,
        "catalogue/position.html",
        422 if fault else 200,
        partial="tried",
        stone=found,
        name=showing.name_of(found, language(request)),
        band=position.band_of(found.weight_mct),
        others=others,
        stands=position.position(others.prices, asked) if asked else None,
        tries=position.position(others.prices, tried) if tried else None,
        asked=asked,
        tried=tried,
        totals={price: _total(found, price) for price in (asked, tried) if price},
        typed=typed or (decimal_text(asked, found.currency).removesuffix(".00") if asked else ""),
        fault="position_price" if fault else None,
        strip=position.strip(others, asked, tried),
        slide=(min(ends) * 7 // (10 * unit), max(ends) * 14 // (10 * unit) + 1) if ends else None,
        lists=await benchmarks.beside(session, found),
        own=not queries.sees_prices(actor),
    )


@router.get("/api/v1/stones/{stone}/position", responses=answers({200: PositionTold}, NotFound))
async def position_as_json(
    stone: PublicId, actor: CurrentActor, session: Reading, per_carat_minor: PerCarat = None
) -> JSONResponse:
    """The same for programs: `asked` by the stone's own price, `tried` by the one that was given, none where there is
    no like stone."""
    found = await _priced(session, actor, stone)
    others = await position.others(session, actor, found)
    least, upto = position.band_of(found.weight_mct)
    asked = found.price_per_carat_minor
    lists = await benchmarks.beside(session, found)
    told = {
        "stone": found.public_id,
        "currency": found.currency,
        "band": {"from_mct": least, "below_mct": upto},
        "others": len(others.prices),
        "withheld": others.withheld,
        "asked": _facts(found, others, asked),
        "tried": _facts(found, others, per_carat_minor),
        "lists": [_listed(one) for one in lists],
    }
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


def _facts(stone: Stone, others: Others, ppc: int | None) -> dict[str, Any] | None:
    stands: Position | None = position.position(others.prices, ppc) if ppc else None
    if stands is None or ppc is None:
        return None

    def money(minor: int) -> dict[str, Any]:
        return {"amount_minor": minor, "currency": stone.currency}

    return {
        "per_carat": money(ppc),
        "total": money(_total(stone, ppc)),
        "rank": stands.rank,
        "of": stands.n + 1,
        "cheaper": stands.cheaper,
        "equal": stands.equal,
        "dearer": stands.dearer,
        "asks_more_bp": stands.share_bp,
        "average": money(stands.average),
        "best": money(stands.best),
        "mean_of_best": {"of": stands.best_of, **money(stands.best_mean)},
    }


def _listed(one: benchmarks.Beside) -> dict[str, Any]:
    return {
        "owner": one.owner,
        "name": one.name,
        "day": one.day.isoformat(),
        "per_carat": {"amount_minor": one.ppc_minor, "currency": one.currency},
        "against_pct": one.pct,
    }


def _total(stone: Stone, ppc: int) -> int:
    return half_up(ppc * stone.weight_mct, 1000)


async def _priced(session: AsyncSession, actor: Actor, public_id: str) -> Stone:
    """The stone, for who sees what it asks, while it is to be had."""
    found = await queries.stone_of(session, actor, public_id) if is_ulid(public_id) else None
    if found is None or not position.may_see(actor, found):
        raise NotFound()
    promised = (await queries.commitments_of(session, [found.id])).get(found.id)
    if promised is not None and promised.kind == CommitmentKind.SOLD:
        raise NotFound()
    return found


class Unreadable(Refusal):
    """The file is no price list; `code` says why."""

    status, code = 422, "benchmark_file_not_a_table"

    def __init__(self, fault: SheetFault) -> None:
        self.code = fault.code if fault.code.startswith("benchmark_") else f"benchmark_file_{fault.code}"
        super().__init__(**fault.facts)


class TakeIn(BaseModel):
    """What a preview handed out, to be stored as it was seen."""

    model_config = ConfigDict(extra="forbid")

    owner: Text = ""
    name: Text = ""
    day: Text = ""
    currency: Text = ""
    document: Annotated[str, StringConstraints(max_length=1_000_000)] = ""


@router.get(HERE)
async def lists(request: Request, actor: StaffActor, session: Reading, now: Now) -> Response:
    return await _page(request, session, actor, {"day": now.date().isoformat(), "currency": "USD"})


@router.post(HERE)
async def preview(request: Request, actor: Keeper, session: Reading, now: Now) -> Response:
    """What the file says, row by row; nothing is stored."""
    typed: dict[str, str] = {"day": now.date().isoformat(), "currency": "USD"}
    try:
        sent = await sent_file(request, benchmark_sheets.LIMITS.file_bytes)
        typed = {name: text[:200] for name, text in sent.said.items()}
        about = benchmarks.named(typed, now.date())
        read = await to_thread.run_sync(_read, sent.content, about.currency)
        if not read.rows and not read.faults:
            raise BadInput(fields={"file": "benchmark_empty"})
        stands = await benchmarks.stands(session, about)
        if stands is not None and stands.sha256 != read.sha256:
            raise benchmarks.OtherList(day=about.day.isoformat())
        covered = await benchmarks.covered(session, read, about.currency)
    except Refusal as refused:
        return await _page(request, session, actor, typed, refused=refused)
    except SheetFault as fault:
        return await _page(request, session, actor, typed, refused=Unreadable(fault))
    return await _page(request, session, actor, typed, read=read, about=about, covered=covered)


@router.post(f"{HERE}/imports")
async def take_in(said: Annotated[TakeIn, Form()], actor: Keeper, session: Writing, now: Now) -> Response:
    """The previewed list stands from now on."""
    about = benchmarks.named(said.model_dump(), now.date())
    read = benchmark_sheets.read_document(said.document)
    kept = await benchmarks.take_in(session, about=about, read=read, actor=actor, now=now)
    return RedirectResponse(f"{HERE}/{kept.public_id}?done=taken", status_code=303)


@router.get(f"{HERE}/{{benchmark}}")
async def one_list(request: Request, benchmark: str, actor: StaffActor, session: Reading) -> Response:
    if not is_ulid(benchmark):
        raise NotFound()
    found, rows = await benchmarks.rows_of(session, benchmark)
    kept = next(one for one in await benchmarks.kept(session) if one.row.id == found.id)
    return page(
        request,
        "catalogue/benchmark.html",
        kept=kept,
        rows=rows[:SHOWN],
        total=len(rows),
        keeps=actor.may(Permission.SETTING_EDIT),
    )


@router.post(f"{HERE}/{{benchmark}}/end")
async def end(benchmark: str, actor: Keeper, session: Writing, now: Now) -> Response:
    if not is_ulid(benchmark):
        raise NotFound()
    await benchmarks.end(session, public_id=benchmark, actor=actor, now=now)
    return RedirectResponse(f"{HERE}/{benchmark}?done=ended", status_code=303)


async def _page(
    request: Request,
    session: Reading,
    actor: Actor,
    typed: dict[str, str],
    *,
    refused: Refusal | None = None,
    read: benchmark_sheets.ListRead | None = None,
    **more: Any,
) -> Response:
    status = 200 if refused is None else 422 if isinstance(refused, TooLarge) else refused.status
    facts = {"about": None, "covered": 0} | more
    return page(
        request,
        "catalogue/benchmarks.html",
        status,
        kept=await benchmarks.kept(session),
        typed=typed,
        refused=refused,
        faults=refused.facts.get("fields", {}) if isinstance(refused, BadInput) else {},
        read=read,
        shown=SHOWN,
        currencies=sorted(CURRENCIES),
        keeps=actor.may(Permission.SETTING_EDIT),
        **facts,
    )


def _read(content: bytes, currency: str) -> benchmark_sheets.ListRead:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        path.write_bytes(content)
        return benchmark_sheets.read_file(path, currency)
