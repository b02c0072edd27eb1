"""Sales and lots for programs: what the public pages say of them, as JSON. No reserve, no maximum, no draft."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import CurrentActor
from pavilion.accounts.rules import Actor
from pavilion.auctions import queries as auctions
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import LotState
from pavilion.bidding import showing
from pavilion.bidding.answers import SalesTold, WholeLot, WholeSale
from pavilion.bidding.api import Id
from pavilion.bidding.showing import LotShown
from pavilion.catalogue.api import stone_facts
from pavilion.catalogue.models import Stone
from pavilion.catalogue.origins import of_stones
from pavilion.catalogue.queries import sold_among
from pavilion.kernel.errors import NotFound
from pavilion.kernel.instants import stamp
from pavilion.webkit.answers import EXAMPLE, Limit, answers
from pavilion.webkit.deps import Reading
from pavilion.webkit.etags import tagged

router = APIRouter(prefix="/api/v1", tags=["sales"])
ULID = r"^[0-9A-HJKMNP-TV-Z]{26}$"


@router.get("/sales", responses=answers({200: SalesTold, 304: None}))
async def sales(
    request: Request,
    session: Reading,
    cursor: Annotated[str | None, Query(pattern=ULID, description="Of the page before.", examples=[EXAMPLE])] = None,
    limit: Annotated[int, Limit] = 50,
) -> Response:
    """Every published sale, the newest first."""
    wanted = select(Sale).where(Sale.state.in_(showing.PUBLIC)).order_by(Sale.public_id.desc())
    if cursor is not None:
        wanted = wanted.where(Sale.public_id < cursor)
    rows = (await session.scalars(wanted.limit(limit + 1))).all()
    shown = rows[:limit]
    more = shown[-1].public_id if len(rows) > limit else None
    return tagged(request, {"items": [sale_facts(row) for row in shown], "cursor": more})


@router.get("/sales/{sale}", responses=answers({200: WholeSale, 304: None}))
async def one_sale(request: Request, sale: Id, session: Reading, actor: CurrentActor) -> Response:
    """The sale and its lots as they stand."""
    row = await _sale(session, sale)
    lots = [facts for facts, _ in await _lots_of(session, row, actor)]
    return tagged(request, sale_facts(row) | {"lots": lots})


@router.get("/lots/{lot}", responses=answers({200: WholeLot, 304: None}))
async def one_lot(request: Request, lot: Id, session: Reading, actor: CurrentActor) -> Response:
    """The lot as it stands, with those of its stones that the reader may see."""
    row = await _sale(session, await showing.sale_of_lot(session, lot))
    for facts, stones in await _lots_of(session, row, actor):
        if facts["id"] == lot:
            origins = await of_stones(session, stones, request.app.state.settings.public_url)
            sold = await sold_among(session, stones)
            told = [stone_facts(one, actor, sold=one.id in sold) | {"origin": origins[one.public_id]} for one in stones]
            return tagged(request, facts | {"sale": row.public_id, "stones": told})
    raise NotFound()


def sale_facts(row: Sale) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "type": row.type,
        "state": row.state,
        "title": {"en": row.title_en, "zh": row.title_zh or row.title_en},
        "text": {"en": row.text_en, "zh": row.text_zh},
        "currency": row.currency,
        "zone": row.zone,
        "city": row.place_city,
        "house": row.entity,
        "opens_at": stamp(row.opens_at) if row.opens_at else None,
        "first_close_at": stamp(row.first_close_at) if row.first_close_at else None,
        "published_at": stamp(row.published_at) if row.published_at else None,
        "rules_hash": row.rules_hash,
    }


async def _sale(session: AsyncSession, sale: str) -> Sale:
    row = await session.scalar(select(Sale).where(Sale.public_id == sale, Sale.state.in_(showing.PUBLIC)))
    if row is None:
        raise NotFound()
    return row


async def _lots_of(session: AsyncSession, row: Sale, actor: Actor) -> list[tuple[dict[str, Any], list[Stone]]]:
    """Each lot of the published sale, with its stones as far as this reader may see them."""
    if row.type == SaleType.COLLECTION:
        return await _collection(session, row, actor)
    shown = await showing.sale_shown(session, row.public_id, actor, None)
    quiet = shown.rules.tender is not None  # of a tender nobody is told who came before it is opened
    seen = [[one for one in lot.stones if one.public_id not in lot.hidden] for lot in shown.lots]
    return [
        (_lot_facts(lot, stones, quiet and not lot.is_decided), stones)
        for lot, stones in zip(shown.lots, seen, strict=True)
    ]


def _lot_facts(lot: LotShown, stones: list[Stone], quiet: bool) -> dict[str, Any]:
    def money(minor: int | None) -> dict[str, Any] | None:
        return None if minor is None else {"amount_minor": minor, "currency": lot.currency}

    running = not quiet and not lot.is_decided
    return {
        "id": lot.id,
        "number": lot.number,
        "title": None if lot.withheld else {"en": lot.title("en"), "zh": lot.title("zh")},
        "withheld": lot.withheld,
        "state": lot.state,
        "estimate": None if lot.on_request else {"low": money(lot.low), "high": money(lot.high)},
        "opening": None if lot.withheld else money(lot.opening),
        "price": None if quiet else money(lot.price),
        "ask": money(lot.ask) if running else None,
        "bids": None if quiet else lot.bids,
        "ends_at": stamp(lot.end) if lot.end else None,
        "rules_hash": lot.rules_hash,
        "version": None,
        "stone_ids": [stone.public_id for stone in stones],
    }


async def _collection(session: AsyncSession, row: Sale, actor: Actor) -> list[tuple[dict[str, Any], list[Stone]]]:
    """What is on offer at a price. A lot with a stone that lost its verdict is not among it."""
    held = select(Lot).where(Lot.sale_id == row.id, Lot.state == LotState.LISTED).order_by(Lot.rank)
    lots = (await session.scalars(held)).all()
    stones = await auctions.stones_by_lot(session, [lot.id for lot in lots], actor)
    kept = [(lot, found) for lot in lots if (found := stones[lot.id]) and all(one.listed for one in found)]
    return [(_collected(lot, found, row.currency), found) for lot, found in kept]


def _collected(lot: Lot, stones: list[Stone], currency: str) -> dict[str, Any]:
    assert lot.opening_minor is not None, "the database lists no lot without its price"
    return {
        "id": lot.public_id,
        "number": lot.number_text,
        "title": {"en": lot.title_en, "zh": lot.title_zh or lot.title_en},
        "withheld": False,
        "state": lot.state,
        "estimate": None,
        "opening": None,
        "price": {"amount_minor": lot.opening_minor, "currency": currency},
        "ask": None,
        "bids": None,
        "ends_at": None,
        "rules_hash": None,
        "version": lot.version,
        "stone_ids": [stone.public_id for stone in stones],
    }
