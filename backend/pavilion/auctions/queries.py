"""Reads of sales, lots and registrations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import VISITOR, Actor, Permission
from pavilion.auctions import facts, reserves
from pavilion.auctions.models import Lot, LotGroup, LotStone, Registration, Sale
from pavilion.auctions.rules import LIVE_LOT, LotState, SaleState
from pavilion.auctions.sequel_models import LotSequel
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to

# What stands where the title of a lot would, while it is withheld.
WITHHELD = {"en": "Origin not confirmed", "zh": "来源未确认"}

# The house itself, where no person asks: the engine and the publication read every stone of a lot.
HOUSE = Actor(None, None, None, None, frozenset(), frozenset({Permission.STAFF_SEE}))


@dataclass(frozen=True, slots=True)
class StonePlan:
    stone: str
    facts_hash: str


@dataclass(frozen=True, slots=True)
class LotPlan:
    """What the engine must know of a lot. Amounts are minor units of the sale's currency."""

    lot_id: int
    lot: str
    number: int
    suffix: str
    number_text: str
    title_en: str
    title_zh: str
    opening: int
    reserve: int | None
    low: int
    high: int
    currency: str
    consignor_company_id: int
    consignor: str
    state: str
    stones: tuple[StonePlan, ...]
    passport_hash: str
    reoffer_of: str | None = None


@dataclass(frozen=True, slots=True)
class RegistrationPlan:
    registration_id: int
    registration: str
    company_id: int
    company: str
    paddle: str  # `P-0417`; empty until approved
    limit: int | None
    state: str
    destination: str
    terms_hash: str


@dataclass(frozen=True, slots=True)
class SalePlan:
    """A published sale for its engine: the frozen rule set, the lots by number, the registrations as they stand."""

    sale_id: int
    sale: str
    state: str
    rules: Mapping[str, Any]
    rules_hash: str
    currency: str
    zone: str
    lots: tuple[LotPlan, ...]
    registrations: tuple[RegistrationPlan, ...]


async def plan_of(session: AsyncSession, sale: str) -> SalePlan | None:
    """None when there is no such sale or it is a draft."""
    row = await session.scalar(select(Sale).where(Sale.public_id == sale))
    if row is None or row.rules is None or row.rules_hash is None:
        return None
    return SalePlan(
        row.id,
        row.public_id,
        row.state,
        row.rules,
        row.rules_hash,
        row.currency,
        row.zone,
        tuple(await _lot_plans(session, row)),
        tuple(await registration_plans(session, row.id)),
    )


async def running_sales(session: AsyncSession) -> Sequence[str]:
    """Public ids of the sales that need an engine: published and not yet closed."""
    running = (SaleState.PUBLISHED, SaleState.OPEN, SaleState.PAUSED)
    return (
        await session.scalars(
            select(Sale.public_id).where(Sale.state.in_(running), Sale.rules_hash.is_not(None)).order_by(Sale.id)
        )
    ).all()


def unverified_lots(sale_id: int, actor: Actor = VISITOR) -> Select[str]:
    """Public ids of the lots of this sale with a stone that does not stand verified now and that this reader may not
    see: staff see every stone, who owns one the own. Of such a lot the number and the state are told, no more."""
    return _unverified(actor).where(Lot.sale_id == sale_id)


async def withheld(session: AsyncSession, lots: Sequence[str], actor: Actor = VISITOR) -> set[str]:
    """Those of these lots, of whatever sales, of which this reader is told no more than number and state."""
    return set(await session.scalars(withheld_lots(actor).where(Lot.public_id.in_(lots)))) if lots else set()


def withheld_lots(actor: Actor) -> Select[str]:
    """Public ids of such lots of all sales. One that was sold keeps its name: who bought it is owed it."""
    became = select(LotSequel.lot).where(LotSequel.lot == Lot.public_id).exists()
    return _unverified(actor).where((Lot.state != LotState.SOLD) | became)


def _unverified(actor: Actor) -> Select[str]:
    lost = select(Lot.public_id).join(LotStone, LotStone.lot_id == Lot.id).where(LotStone.exposed_id.is_(None))
    seen = visible_to(actor).where(Stone.id == LotStone.stone_id).with_only_columns(Stone.id).exists()
    return lost.where(~seen).distinct()


async def live_stones(session: AsyncSession) -> Sequence[str]:
    """The stones of lots that are published and not yet ended."""
    held = select(Stone.public_id).join(LotStone, LotStone.stone_id == Stone.id).join(Lot, Lot.id == LotStone.lot_id)
    return (await session.scalars(held.where(Lot.state.in_(LIVE_LOT)))).all()


async def registration_plans(session: AsyncSession, sale_id: int) -> list[RegistrationPlan]:
    rows = await session.execute(
        select(Registration, Company.public_id)
        .join(Company, Company.id == Registration.company_id)
        .where(Registration.sale_id == sale_id)
        .order_by(Registration.id)
    )
    return [
        RegistrationPlan(
            row.id,
            row.public_id,
            row.company_id,
            company,
            row.paddle_text,
            row.limit_minor,
            row.state,
            row.destination,
            row.terms_hash,
        )
        for row, company in rows
    ]


async def stones_by_lot(session: AsyncSession, lot_ids: Sequence[int], actor: Actor = HOUSE) -> dict[int, list[Stone]]:
    """The stones of each lot in the lot's order, as far as this person may see them."""
    places = select(LotStone.lot_id, LotStone.stone_id).where(LotStone.lot_id.in_(lot_ids))
    rows = (await session.execute(places.order_by(LotStone.lot_id, LotStone.place))).all()
    wanted = visible_to(actor).where(Stone.id.in_({stone_id for _, stone_id in rows}))
    stones = {stone.id: stone for stone in await session.scalars(wanted)}
    found: dict[int, list[Stone]] = {lot_id: [] for lot_id in lot_ids}
    for lot_id, stone_id in rows:
        if stone_id in stones:
            found[lot_id].append(stones[stone_id])
    return found


async def headings_of(session: AsyncSession, sale: str) -> dict[str, tuple[str, str]]:
    """The heading, English and Chinese, of each lot that stands under one."""
    rows = select(Lot.public_id, LotGroup.name_en, LotGroup.name_zh).join(LotGroup, LotGroup.id == Lot.group_id)
    found = await session.execute(rows.join(Sale, Sale.id == Lot.sale_id).where(Sale.public_id == sale))
    return {lot: (en, zh) for lot, en, zh in found}


async def late_plans(session: AsyncSession, sale: Sale, lots: Sequence[str]) -> list[LotPlan]:
    """These drafts of a published sale, as its engine is to list them."""
    return await _lot_plans(session, sale, lots) if lots else []


async def _lot_plans(session: AsyncSession, sale: Sale, late: Sequence[str] | None = None) -> list[LotPlan]:
    rows = (
        await session.execute(
            select(Lot, Company.public_id)
            .join(Company, Company.id == Lot.consignor_company_id)
            .where(Lot.sale_id == sale.id, Lot.state != LotState.DRAFT if late is None else Lot.public_id.in_(late))
            .order_by(Lot.number, Lot.suffix)
        )
    ).all()
    stones = await stones_by_lot(session, [lot.id for lot, _ in rows])
    hashes = await facts.facts_hashes(session, (stone for several in stones.values() for stone in several))
    return [
        _lot_plan(lot, reserves.reserve_of(session, lot), consignor, sale.currency, stones[lot.id], hashes)
        for lot, consignor in rows
    ]


def _lot_plan(
    lot: Lot, reserve: int | None, consignor: str, currency: str, stones: Sequence[Stone], hashes: Mapping[str, str]
) -> LotPlan:
    assert lot.number is not None and lot.opening_minor is not None and lot.consignor_company_id is not None
    assert lot.low_minor is not None and lot.high_minor is not None, "the database lists no incomplete lot"
    plans = tuple(StonePlan(stone.public_id, hashes[stone.public_id]) for stone in stones)
    return LotPlan(
        lot.id,
        lot.public_id,
        lot.number,
        lot.suffix,
        lot.number_text,
        lot.title_en,
        lot.title_zh,
        lot.opening_minor,
        reserve,
        lot.low_minor,
        lot.high_minor,
        currency,
        lot.consignor_company_id,
        consignor,
        lot.state,
        plans,
        facts.lot_hash([plan.facts_hash for plan in plans]),
        lot.reoffer_of,
    )
