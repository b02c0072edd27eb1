"""What was not sold, or not paid, is offered again: always as a new lot, for the old one never leaves its end (bidding
spec 2)."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import curation, queries
from pavilion.auctions.changes import draft
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import LotState, SaleState
from pavilion.catalogue.models import StoneCommitment
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, NotFound, Refusal

UNSOLD = frozenset({LotState.PASSED, LotState.WITHDRAWN})
_STILL_SOLD = (
    select(StoneCommitment.id)
    .where(StoneCommitment.ref == Lot.public_id, StoneCommitment.released_at.is_(None))
    .correlate(Lot)
    .exists()
)
SUFFIXES = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # I and O are taken for figures


class AlreadyReoffered(Refusal):
    """The lot has been offered again; that lot is the one to offer once more, if it is not sold either."""

    status, code = 409, "already_reoffered"


class Unsold(NamedTuple):
    """A passed or withdrawn lot, and where it is offered again."""

    lot: Lot
    again: Lot | None
    again_in: Sale | None


async def unsold_of(session: AsyncSession, sale: str) -> list[Unsold]:
    """The lots of this published sale that ended without a buyer, or whose buyer never paid, by number."""
    rows = await session.scalars(
        select(Lot)
        .join(Sale, Sale.id == Lot.sale_id)
        .where(Sale.public_id == sale, Sale.state != SaleState.DRAFT)
        .where(Lot.state.in_(UNSOLD) | ((Lot.state == LotState.SOLD) & ~_STILL_SOLD))
        .order_by(Lot.number, Lot.suffix)
    )
    lots = rows.all()
    new = select(Lot, Sale).join(Sale, Sale.id == Lot.sale_id)
    again = await session.execute(new.where(Lot.reoffer_of.in_([lot.public_id for lot in lots])))
    found = {lot.reoffer_of: (lot, held) for lot, held in again}
    return [Unsold(lot, *found.get(lot.public_id, (None, None))) for lot in lots]


async def drafts(session: AsyncSession) -> list[Sale]:
    """The sales that can still take a lot, the next to open first."""
    wanted = select(Sale).where(Sale.state == SaleState.DRAFT).order_by(Sale.opens_at, Sale.id)
    return list(await session.scalars(wanted))


async def reoffer(session: AsyncSession, *, lot: str, into: str, actor: Actor, now: datetime) -> Lot:
    """A new lot with the same stones, words and estimate stands at the end of the draft, under the old number with the
    next free suffix. Its reserve is for the owner to say anew."""
    sale = await draft(session, into)
    old = await session.scalar(select(Lot).where(Lot.public_id == lot).with_for_update())  # one at a time
    if old is None:
        raise NotFound()
    if old.state not in UNSOLD and not await _given_back(session, old):
        raise ActNotAllowed(state=old.state)
    if await session.scalar(select(Lot.id).where(Lot.reoffer_of == lot)) is not None:
        raise AlreadyReoffered(lot=lot)
    stones = (await queries.stones_by_lot(session, [old.id]))[old.id]
    ids = [stone.public_id for stone in stones]
    (new,) = await curation.add_stones(session, sale=into, stones=ids, together=True, actor=actor, now=now)
    same_money = await session.scalar(select(Sale.currency).where(Sale.id == old.sale_id)) == sale.currency
    values: dict[str, Any] = {"title_en": old.title_en, "title_zh": old.title_zh, "reoffer_of": lot}
    values["consignor_company_id"] = old.consignor_company_id
    if same_money:
        values |= {"low_minor": old.low_minor, "high_minor": old.high_minor, "opening_minor": old.opening_minor}
    if old.number is not None:
        values |= {"number": old.number, "suffix": await _suffix(session, sale, old)}
    edits = {new.public_id: (new.version, values)}
    await curation.edit_lots(session, sale=into, edits=edits, kind="reoffer", actor=actor, now=now)
    events.record(session, "lot:reoffered", lot, by=actor.public_id, at=now, into=into, new=new.public_id)
    return new


async def _given_back(session: AsyncSession, lot: Lot) -> bool:
    """It was sold, and its stones are promised to it no more: the sale of it was cancelled."""
    gone = select(Lot.id).where(Lot.id == lot.id, Lot.state == LotState.SOLD, ~_STILL_SOLD)
    return await session.scalar(gone) is not None


async def _suffix(session: AsyncSession, sale: Sale, old: Lot) -> str:
    """The letter after the old lot's own that no lot of the draft has under this number."""
    held = select(Lot.suffix).where(Lot.sale_id == sale.id, Lot.number == old.number)
    taken = set(await session.scalars(held)) | {old.suffix}
    start = SUFFIXES.index(old.suffix) + 1 if old.suffix and old.suffix in SUFFIXES else 0
    free = next((letter for letter in SUFFIXES[start:] if letter not in taken), None)
    if free is None:
        raise AlreadyReoffered(lot=old.public_id)
    return free
