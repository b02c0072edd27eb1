"""The board of one sale as a page, and an act on it that comes back to it."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import again, board, board_filter, board_words, bulk, changes, presence, reoffering
from pavilion.auctions.board_forms import OnBoard
from pavilion.auctions.repairs import repair_of
from pavilion.auctions.sorting import Field
from pavilion.auctions.titles import title_of
from pavilion.auctions.typed import RESERVED_ACTS, PoolAsked
from pavilion.catalogue import plan
from pavilion.catalogue.nomenclature import nomenclature
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.webkit.deps import Reading, Writing
from pavilion.webkit.html import page

Act = Callable[[], Awaitable[object]]


async def board_page(
    request: Request,
    session: Reading,
    sale: str,
    actor: Actor,
    now: datetime,
    *,
    asked: PoolAsked | None = None,
    shown: OnBoard | None = None,
    refused: Refusal | None = None,
) -> Response:
    view = shown or OnBoard()
    whole = await board.board_of(session, sale, actor, now)
    asked, adds = asked or PoolAsked(), changes.takes_lots(whole.sale, now)
    draft = whole.sale.state == "draft"
    ends = again.UNKNOWN if draft else await request.app.state.ends_of(session, sale)
    pool = await board.pool_of(session, whole.sale, asked, actor) if adds else board.Pool([], 0, asked)
    return page(
        request,
        "auctions/board.html",
        status_code=refused.status if refused else 200,
        board=whole,
        sale=whole.sale,
        by_id={line.lot.public_id: line.lot for line in whole.lots},
        pool=pool,
        asked=pool.asked,
        shapes=nomenclature().codes["shape"],
        colors=[*nomenclature().codes["color"][:10], *nomenclature().codes["fancy_color"][:9]],
        plan=plan.plan_of,
        title_of=title_of,
        balance=board.balance(whole.lots),
        owner_choices=[(one.public_id, one.name) for one in await board_words.may_own(session)] if draft else [],
        acts=[act for act in bulk.Act if act not in RESERVED_ACTS or actor.may(Permission.RESERVE_SET)],
        refused=refused,
        adds=adds,
        repair=partial(repair_of, sale=sale, sets_reserves=actor.may(Permission.RESERVE_SET)),
        named=whole.names,
        again_bar=None if draft else await again.bar_of(session, whole.sale, now, ends),
        ends=ends.of,
        listing=[] if draft else await changes.being_listed(session, whole.sale),
        unsold=[] if draft else await reoffering.unsold_of(session, sale),
        drafts=[] if draft else await reoffering.drafts(session),
        open_with=await presence.others_of(session, whole.sale, actor, now),
        now=now,
        fits=board_filter.fitting(whole.lots, view),
        view=view,
        counts_views=any("views" in line.figures for line in whole.lots),
        counts_interest=any(line.figures.keys() - {"views"} for line in whole.lots),
        sorted_by=[f"{turned}{field}" for field in Field for turned in ("", "-")],
    )


async def done(
    request: Request,
    session: Writing,
    sale: str,
    actor: Actor,
    now: datetime,
    act: Act,
    *,
    to: str | None = None,
    asked: PoolAsked | None = None,
) -> Response:
    """The act, or the board with what stood against it; a refused act leaves nothing behind."""
    try:
        async with session.begin_nested():
            await act()
    except NotFound:
        raise
    except Refusal as refused:
        return await board_page(request, session, sale, actor, now, asked=asked, refused=refused)
    return RedirectResponse(to, status_code=303) if to else RedirectResponse(f"/staff/sales/{sale}", status_code=303)
