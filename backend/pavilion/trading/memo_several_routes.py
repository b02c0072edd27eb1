"""The form on which a buyer asks for several stones on memo: from a shortlist, a comparison, or by pasted numbers."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from pavilion.accounts.deps import may
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.entities import seat
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.models import Stone
from pavilion.catalogue.numbered import Named, numbered
from pavilion.catalogue.shortlist_forms import unticked
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.kernel.ids import is_ulid, ulid
from pavilion.trading import conditions, memo_queries, memo_several, showing
from pavilion.trading.desk import desk_of
from pavilion.trading.memo_forms import MemosForm
from pavilion.trading.memo_rules import MOST_DAYS, MOST_STONES
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import language, page

router = APIRouter(tags=["trading"])

Borrower = Annotated[Actor, may(Permission.MEMO_ASK)]
Ids = Annotated[list[str], Query(default_factory=list, max_length=250)]
Numbers = Annotated[str, Query(max_length=4_000)]


@router.get("/desk/memos/new")
async def ask_page(
    request: Request, actor: Borrower, session: Reading, now: Now, ids: Ids, numbers: Numbers = "", back: str = ""
) -> Response:
    """The stones that were ticked, and those whose stock or report numbers were pasted."""
    if not (ids or numbers) and (where := unticked(back, "memo")):
        return RedirectResponse(where, status_code=303)
    named = [one for part in ids for one in part[: 27 * 250].split(",") if is_ulid(one)]
    typed = await numbered(session, actor, numbers)
    stones = await catalogue.stones_of(session, actor, [*named, *(one.public_id for one in typed.stones)])
    return await _page(request, session, [one for one in stones if one.listed], actor, now, typed=typed)


@router.post("/desk/memos")
async def ask(
    request: Request, said: Annotated[MemosForm, Form()], actor: Borrower, session: Writing, now: Now
) -> Response:
    """Each owner is asked for its own stones; where one cannot be had nobody is asked, and the page says which."""
    stones = await catalogue.stones_of(session, actor, said.ids)
    if len(stones) != len(set(said.ids)):
        raise NotFound()
    try:
        async with session.begin_nested():
            rows = await memo_several.ask(
                session, stones=said.ids, seen=said.seen, days=said.days, destination=said.destination, key=said.key,
                actor=actor, now=now,
            )  # fmt: skip
    except Refusal as refused:
        fresh = await catalogue.stones_of(session, actor, said.ids)
        return await _page(request, session, fresh, actor, now, said=said, refused=refused)
    where = f"/desk/memos/{rows[0].public_id}" if len(rows) == 1 else "/desk/memos"
    return RedirectResponse(f"{where}?done=requested", status_code=303)


async def _page(
    request: Request,
    session: Reading,
    stones: Sequence[Stone],
    actor: Actor,
    now: Now,
    *,
    typed: Named | None = None,
    said: MemosForm | None = None,
    refused: Refusal | None = None,
) -> Response:
    company, lang = showing.company_of(actor), language(request)
    told = refused.facts.get("stones", []) if refused else []
    faults = {one["stone"]: _dated(one) for one in told} if isinstance(told, list) else {}
    currencies = sorted({one.currency for one in stones})
    return page(
        request,
        "trading/ask_memos.html",
        refused.status if refused else 200,
        stones=stones[:MOST_STONES],
        left_out=stones[MOST_STONES:],
        names={one.public_id: showing.title(one, lang) for one in stones},
        faults=faults,
        typed=typed,
        sums={
            code: sum(one.price_total_minor or 0 for one in stones[:MOST_STONES] if one.currency == code)
            for code in currencies
        },
        left={code: await memo_queries.left_minor(session, company, code) for code in currencies},
        home=await session.scalar(select(Company.country).where(Company.id == company)),
        seen=max((one.seq for one in stones), default=0),
        key=said.key if said and not refused else ulid(now),
        usual=desk_of(conditions.house_of(stones) if stones else seat()),
        most=MOST_DAYS,
        most_stones=MOST_STONES,
        said=said,
        refused=refused,
    )


def _dated(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is in the way of a stone, as a page says it."""
    return {**told, "date": date.fromisoformat(told["date"])} if "date" in told else dict(told)
