"""Reads of sales and their lots as the viewing desk needs them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.house_papers import Tray as OnPaper
from pavilion.auctions.models import Lot, LotStone, Registration, Sale
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.rules import RegistrationState, SaleState
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import NotFound
from pavilion.viewings.desk_models import Tray
from pavilion.viewings.place_models import Office

MOST_SALES = 50


@dataclass(frozen=True, slots=True)
class LotStones:
    lot: Lot
    stones: Sequence[Stone]

    @property
    def public_ids(self) -> list[str]:
        return [stone.public_id for stone in self.stones]


async def sales(session: AsyncSession, actor: Actor) -> Sequence[Sale]:
    """Those that people come to see: the newest first. Drafts are for those who make them."""
    wanted = select(Sale).order_by(Sale.id.desc()).limit(MOST_SALES)
    if not actor.may(Permission.LOT_CURATE):
        wanted = wanted.where(Sale.state != SaleState.DRAFT)
    return (await session.scalars(wanted)).all()


async def sale_of(session: AsyncSession, actor: Actor, public_id: str) -> Sale:
    """NotFound for one that this person does not see."""
    found = next((sale for sale in await sales(session, actor) if sale.public_id == public_id), None)
    if found is None:
        raise NotFound()
    return found


async def lots_of(session: AsyncSession, actor: Actor, sale: Sale) -> list[LotStones]:
    """By number, with the stones that this person may see; of a stone that was offered again only its later lot."""
    gone = select(LotStone.lot_id).where(LotStone.sale_id == sale.id, LotStone.relotted)
    wanted = select(Lot).where(Lot.sale_id == sale.id, Lot.id.not_in(gone)).order_by(Lot.number, Lot.suffix, Lot.rank)
    lots = (await session.scalars(wanted)).all()
    stones = await stones_by_lot(session, [lot.id for lot in lots], actor)
    return [LotStones(lot, stones[lot.id]) for lot in lots]


async def registered(session: AsyncSession, sale: Sale) -> dict[int, str]:
    """Companies that may bid, by name."""
    rows = await session.execute(
        select(Company.id, Company.name)
        .join(Registration, Registration.company_id == Company.id)
        .where(Registration.sale_id == sale.id, Registration.state == RegistrationState.APPROVED)
        .order_by(Company.name)
    )
    return {row.id: row.name for row in rows}


async def on_paper(session: AsyncSession, sale: Sale) -> list[OnPaper]:
    """The trays of a sale at every office, in the order of offices and labels, for the printed tray lists."""
    rows = await session.execute(
        select(Tray, Office).join(Office, Office.id == Tray.office_id).where(Tray.sale == sale.public_id)
    )
    found = sorted(rows, key=lambda row: (row.Office.id, label_order(row.Tray.label)))
    return [OnPaper(row.Office.name_en, row.Office.name_zh, row.Tray.label, row.Tray.stones) for row in found]


def label_order(label: str) -> tuple[int, str]:
    """Numbers as numbers."""
    digits = re.match(r"\d+", label)
    return (int(digits.group()) if digits else 10**6, label)
