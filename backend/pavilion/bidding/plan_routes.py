"""Plans for programs and as a page that works without a script. Only a plan's own company ever sees it."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.models import Registration, Sale
from pavilion.bidding import queries, showing
from pavilion.bidding.answers import PlanNow, PlansTold, PlanTold
from pavilion.bidding.api import STANDS_AGAINST, STATUS, BidKey, Id
from pavilion.bidding.deciding import Answer
from pavilion.bidding.news import Mine
from pavilion.bidding.plan_forms import CutForm, PlanForm
from pavilion.bidding.plan_models import BookPlan
from pavilion.bidding.planning import PlanOrder, PlanSeen
from pavilion.bidding.plans import MOST_LOTS
from pavilion.bidding.showing import LotShown, SaleShown
from pavilion.kernel.errors import NotFound
from pavilion.kernel.money import decimal_text, parse_minor
from pavilion.webkit.answers import EXAMPLE, Reason, answers
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import page
from pavilion.webkit.refusals import problem

router = APIRouter(tags=["bidding"])

Bidder = Annotated[Actor, may(Permission.BID_PLACE)]
PlanId = Annotated[str, Path(pattern=r"^[0-9A-Z]{26}$", description="Its id.", examples=[EXAMPLE])]
Typed = Annotated[str, Form(max_length=40)]
Rows = Annotated[
    list[Annotated[str, StringConstraints(max_length=40)]], Form(max_length=MOST_LOTS, default_factory=list)
]
CODES = STATUS | {"plan_invalid": 422, "not_found": 404, "stale_version": 409}
REFUSED: tuple[Reason, ...] = (*((status, code) for code, status in CODES.items()), (409, STANDS_AGAINST))


# -- for programs -----------------------------------------------------------------------------------------------------


@router.post("/api/v1/plans", responses=answers({200: PlanNow, 201: PlanNow}, *REFUSED))
async def make(request: Request, said: PlanForm, session: Reading, actor: Bidder, key: BidKey) -> Response:
    """201 with the plan as it stands, 200 when it was made before, else a problem whose code says why."""
    if actor.company_id is None:
        return problem(request, 403, "not_registered", {})
    if await queries.book_row(session, said.sale) is None:
        raise NotFound()
    lots = tuple((one.lot, one.max) for one in said.lots)
    facts = (said.win_at_most, said.budget, said.currency, said.rules)
    return await _told(request, PlanOrder(said.sale, actor.company_id, key, lots, *facts))


@router.get("/api/v1/plans", responses=answers({200: PlansTold}, NotFound, (503, "engine_away")))
async def all_plans(
    request: Request,
    session: Reading,
    actor: Bidder,
    sale: Annotated[str, Query(pattern=r"^[0-9A-Za-z]{1,40}$", description="Its id.", examples=[EXAMPLE])],
) -> Response:
    """The company's own plans in this sale, the first made first."""
    if await queries.book_row(session, sale) is None:
        raise NotFound()
    found = await request.app.state.rooms.plans(sale, actor.company_id or 0)
    if found is None:
        return problem(request, 503, "engine_away", {"sale": sale})
    return JSONResponse({"plans": [_document(sale, plan) for plan in found]})


@router.get("/api/v1/plans/{plan}", responses=answers({200: PlanTold}, (503, "engine_away")))
async def one_plan(request: Request, plan: PlanId, session: Reading, actor: Bidder) -> Response:
    """One of the company's own plans, lot by lot."""
    sale = await _sale_of(session, plan, actor)
    found = await request.app.state.rooms.plans(sale, actor.company_id or 0)
    if found is None:
        return problem(request, 503, "engine_away", {"plan": plan})
    own = next((one for one in found if one.id == plan), None)
    if own is None:
        raise NotFound()
    return JSONResponse(_document(sale, own))


@router.patch("/api/v1/plans/{plan}", responses=answers({200: PlanNow}, *REFUSED))
async def cut(request: Request, plan: PlanId, said: CutForm, session: Reading, actor: Bidder, key: BidKey) -> Response:
    """200 with the plan after the cut; what a bid was placed for stays."""
    sale, lots = await _sale_of(session, plan, actor), tuple((one.lot, one.max) for one in said.lots)
    less = PlanOrder(
        sale, actor.company_id or 0, key, lots, said.win_at_most, said.budget, plan=plan, version=said.version
    )
    return await _told(request, less)


async def _told(request: Request, order: PlanOrder) -> Response:
    answer: Answer = await request.app.state.rooms.plan(order)
    if answer.result != "accepted":
        code = answer.code or "engine_away"
        facts = {"plan": answer.plan, "lot": answer.lot, "headroom": answer.headroom, "version": answer.seq}
        return problem(request, CODES.get(code, 409), code, {k: v for k, v in facts.items() if v is not None})
    found = await request.app.state.rooms.plans(order.sale, order.company_id) or []
    own = next((plan for plan in found if plan.id == answer.plan), None)
    document = _document(order.sale, own) if own else {"plan": answer.plan, "sale": order.sale}
    return JSONResponse(document | {"replayed": answer.replayed}, 200 if answer.replayed or order.plan else 201)


def _document(sale: str, plan: PlanSeen) -> dict[str, Any]:
    lots = [{"lot": lot.lot, "max": lot.max, "state": lot.state, "code": lot.code} for lot in plan.lots]
    facts = plan._asdict() | {"lots": lots, "sale": sale, "plan": plan.id, "free": plan.free}
    del facts["id"]
    return facts


async def _sale_of(session: AsyncSession, plan: str, actor: Actor) -> str:
    """The sale of a plan of this actor's company; for anybody else there is none."""
    own = (Registration.sale_id == Sale.id) & (Registration.paddle == BookPlan.paddle)
    found = await session.scalar(
        select(BookPlan.sale)
        .join(Sale, Sale.public_id == BookPlan.sale)
        .join(Registration, own)
        .where(BookPlan.plan == plan, BookPlan.version == 1, Registration.company_id == actor.company_id)
    )
    if found is None:
        raise NotFound()
    return found


# -- the page ---------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """A line of the plan being made."""

    lot: LotShown
    max: str


class Sketch(NamedTuple):
    """A plan on its way: as typed so far, nothing of it kept."""

    rows: list[Row]
    win_at_most: str = "1"
    budget: str = ""
    code: str | None = None
    lot: str | None = None  # the one that the code is about
    faults: Mapping[str, str] = {}  # codes by field: a lot's maximum by its id, `win_at_most`, `budget`


class Less(NamedTuple):
    """A cut that was refused, as typed."""

    plan: str
    code: str
    typed: Mapping[str, str]
    faults: Mapping[str, str]


@router.get("/sales/{sale}/plans")
async def plans_page(
    request: Request, sale: Id, session: Reading, actor: Bidder, now: Now,
    add: Annotated[str, Query(max_length=26)] = "", done: Annotated[str, Query(max_length=10)] = "",
) -> Response:  # fmt: skip
    """The company's plans in this sale, and a new one to be made."""
    shown, mine = await _sale(request, session, sale, actor)
    rows = [Row(lot, "") for lot in shown.lots if lot.id == add and not lot.is_decided]
    return await _page(request, session, shown, mine, actor, now, Sketch(rows), done=done)


@router.post("/sales/{sale}/plans")
async def sketch(
    request: Request, sale: Id, session: Reading, actor: Bidder, now: Now, lot: Rows, max: Rows,
    add: Typed = "", act: Typed = "make", key: Typed = "", win_at_most: Typed = "", budget: Typed = "",
) -> Response:  # fmt: skip
    """A line added, moved or taken out, and the page again; or the plan made."""
    shown, mine = await _sale(request, session, sale, actor)
    known = {one.id: one for one in shown.lots}
    rows = [Row(known[one], most) for one, most in zip(lot, max, strict=False) if one in known]
    drawn = Sketch(_moved(rows, act, known.get(add)), win_at_most, budget)
    if act != "make":
        return await _page(request, session, shown, mine, actor, now, drawn)
    aims = [(row.lot.id, parse_minor(row.max, shown.currency) or 0) for row in rows]
    most = parse_minor(budget, shown.currency) or 0
    places = int(win_at_most) if win_at_most.isdecimal() and len(win_at_most) < 4 else 0
    faults = {name: "amount_invalid" for name, amount in [*aims, ("budget", most)] if amount <= 0}
    if not 1 <= places <= len(rows):
        faults["win_at_most"] = "plan_places"
    if faults and rows:
        drawn = drawn._replace(code="bad_input", faults=faults)
        return await _page(request, session, shown, mine, actor, now, drawn, status=422)
    facts = (tuple(aims), places, most, shown.currency, shown.changed.newest or shown.rules_hash)
    answer = await request.app.state.rooms.plan(PlanOrder(sale, actor.company_id or 0, _key(key), *facts))
    if answer.result == "accepted":
        return RedirectResponse(f"/sales/{sale}/plans?done=made", 303)
    marked = {answer.lot: answer.code} if answer.lot is not None and answer.code is not None else {}
    drawn = drawn._replace(code=answer.code, lot=answer.lot, faults=marked)
    return await _page(request, session, shown, mine, actor, now, drawn, status=CODES.get(answer.code or "", 409))


@router.post("/sales/{sale}/plans/{plan}")
async def cut_on_page(
    request: Request, sale: Id, plan: PlanId, session: Reading, actor: Bidder, now: Now, lot: Rows, max: Rows,
    out: Typed = "", key: Typed = "", win_at_most: Typed = "", budget: Typed = "",
    version: Annotated[int | None, Form(ge=0, le=10**6)] = None,
) -> Response:  # fmt: skip
    """Less of the plan. `out` takes one lot out; an empty field leaves what it is about."""
    shown, mine = await _sale(request, session, sale, actor)
    lots = [(one, parse_minor(most, shown.currency)) for one, most in zip(lot, max, strict=False) if most.strip()]
    named = ((out, 0),) if out else tuple((one, -1 if most is None else most) for one, most in lots)
    places = -1 if win_at_most.strip() else None
    if win_at_most.isdecimal() and len(win_at_most) < 4:
        places = int(win_at_most)
    most = parse_minor(budget, shown.currency)
    most = most if most is not None else -1 if budget.strip() else None
    if out:
        places = most = None
    typed = dict(zip(lot, max, strict=False)) | {"win_at_most": win_at_most, "budget": budget}
    faults = {name: "amount_invalid" for name, amount in [*named, ("budget", most)] if amount == -1}
    if places == -1:
        faults["win_at_most"] = "plan_places"
    if faults:
        wrong = Less(plan, "bad_input", typed, faults)
        return await _page(request, session, shown, mine, actor, now, Sketch([]), cut=wrong, status=422)
    less = PlanOrder(sale, actor.company_id or 0, _key(key), named, places, most, plan=plan, version=version)
    answer = await request.app.state.rooms.plan(less)
    if answer.result == "accepted":
        return RedirectResponse(f"/sales/{sale}/plans?done=cut#plan-{plan}", 303)
    status = CODES.get(answer.code or "", 409)
    refused = Less(plan, answer.code or "engine_away", typed, {})
    return await _page(request, session, shown, mine, actor, now, Sketch([]), cut=refused, status=status)


def _moved(rows: list[Row], act: str, added: LotShown | None) -> list[Row]:
    """The lines after one act: `up:LOT`, `down:LOT`, `out:LOT` or `add`."""
    kind, _, name = act.partition(":")
    at = next((k for k, row in enumerate(rows) if row.lot.id == name), None)
    if kind == "out":
        return [row for row in rows if row.lot.id != name]
    if at is not None and kind in ("up", "down"):
        to = min(len(rows) - 1, max(0, at + (1 if kind == "down" else -1)))
        rest = rows[:at] + rows[at + 1 :]
        return [*rest[:to], rows[at], *rest[to:]]
    if added is not None and all(row.lot.id != added.id for row in rows):
        return [*rows, Row(added, "")]
    return rows


async def _sale(request: Request, session: AsyncSession, sale: str, actor: Actor) -> tuple[SaleShown, Mine | None]:
    mine = None if actor.company_id is None else await request.app.state.rooms.mine(sale, actor.company_id)
    return await showing.sale_shown(session, sale, actor, mine), mine


async def _page(
    request: Request, session: AsyncSession, sale: SaleShown, mine: Mine | None, actor: Actor, now: datetime,
    drawn: Sketch, *, done: str = "", cut: Less | None = None, status: int = 200,
) -> Response:  # fmt: skip
    purse = await showing.purse_of(session, sale, actor, mine, now)
    found = await request.app.state.rooms.plans(sale.id, actor.company_id) if actor.company_id is not None else []
    chosen = {row.lot.id for row in drawn.rows}
    return page(
        request,
        "bidding/plans.html",
        status,
        sale=sale,
        purse=purse,
        now=now,
        plans=found,
        sketch=drawn,
        addable=[lot for lot in sale.lots if not lot.is_decided and lot.id not in chosen],
        done=done,
        cut=cut,
        key=lambda: secrets.token_hex(16),
        cost=lambda amount: purse.cost(amount).total if sale.rules.limits_include_fees else amount,
        typed=lambda minor: _typed(minor, sale.currency),
        most=MOST_LOTS,
    )


def _typed(minor: int, currency: str) -> str:
    """An amount as a person would type it: `12,000`, with its places only where they are not all nought."""
    whole, _, part = decimal_text(minor, currency).partition(".")
    return f"{int(whole):,}" + (f".{part}" if part.strip("0") else "")


def _key(text: str) -> str:
    """The key that the form was made with; a form that lost it gets a new one."""
    fits = len(text) == 32 and set(text) <= set("0123456789abcdef")
    return text if fits else secrets.token_hex(16)
