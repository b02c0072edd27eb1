"""Reserves as they stand now: of a published lot the one that its book has, which may be lower than it was published.
Open only to the engine, to people with the right, and to the owner for the own lots (curation spec 4)."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import reserves
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import LotState, SaleState
from pavilion.bidding.models import BookLot, SaleBook
from pavilion.bidding.vault import Vault
from pavilion.kernel import events

MOST = 200  # lots on one page, the latest first


class OwnReserve(NamedTuple):
    sale: Sale
    lot: Lot
    reserve_minor: int | None  # in the currency of the sale
    lowered: bool  # since publication


async def reserve_now(session: AsyncSession, vault: Vault | None, lot: Lot) -> int | None:
    """The lot's reserve as the engine knows it; without a book or a vault as it was published."""
    held = await session.get(BookLot, lot.public_id)
    if held is None or held.sealed_reserve is None or vault is None:
        return reserves.reserve_of(session, lot)
    book = await session.get_one(SaleBook, held.sale)
    return vault.of_sale(book.sale, book.wrapped_key).open_reserve(held.sealed_reserve, held.lot)[0]


async def shown_to_owner(
    session: AsyncSession, vault: Vault | None, *, actor: Actor, now: datetime
) -> Sequence[OwnReserve]:
    """The published lots that this person's company owns, with their reserves. That they were looked at, and by whom,
    is kept; the amounts are not."""
    assert actor.company_id is not None
    wanted = select(Sale, Lot).join(Lot, Lot.sale_id == Sale.id).where(Lot.consignor_company_id == actor.company_id)
    wanted = wanted.where(Sale.state != SaleState.DRAFT, Lot.state != LotState.DRAFT, Sale.type != SaleType.COLLECTION)
    rows = (await session.execute(wanted.order_by(Sale.id.desc(), Lot.number, Lot.suffix).limit(MOST))).all()
    found = []
    for sale, lot in rows:
        amount = await reserve_now(session, vault, lot)
        found.append(OwnReserve(sale, lot, amount, amount != reserves.reserve_of(session, lot)))
    if sealed := [one.lot.public_id for one in found if one.reserve_minor is not None]:
        company = str(actor.company_id)
        events.record(session, "reserve:shown_to_owner", company, by=actor.public_id, at=now, lots=sealed)
    return found
