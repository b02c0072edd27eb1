"""Stones as the desk calls them: by lot, weight and shape, with their picture."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.rules import LIVE_LOT
from pavilion.catalogue import plan, snapshots
from pavilion.catalogue import queries as catalogue
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import Refusal
from pavilion.viewings.models import AppointmentStone


class SeveralLots(Refusal):
    """The number alone does not say which stone is meant."""

    status, code = 422, "lot_of_several_sales"


@dataclass(frozen=True, slots=True)
class StoneCard:
    stone: Stone
    plan: str  # the drawing of its cut
    lot: str  # its number in a sale; empty outside one
    lot_id: str
    sale: str

    @property
    def public_id(self) -> str:
        return self.stone.public_id


async def of_stones(session: AsyncSession, actor: Actor, stones: Sequence[str]) -> dict[str, StoneCard]:
    """By public id; a stone that the reader may not see is left out."""
    names = list(dict.fromkeys(stones))
    if not names:
        return {}
    found = await catalogue.stones_of(session, actor, names)
    rows = await session.execute(
        select(LotStone.stone_id, Lot.number, Lot.suffix, Lot.public_id, Lot.state, Sale.public_id)
        .join(Lot, Lot.id == LotStone.lot_id)
        .join(Sale, Sale.id == Lot.sale_id)
        .where(LotStone.stone_id.in_([stone.id for stone in found]), Lot.number.is_not(None))
        .order_by(Lot.state.in_(LIVE_LOT), Lot.id)
    )
    lots = {stone: (f"{number}{suffix}", lot, sale) for stone, number, suffix, lot, _, sale in rows}
    return {stone.public_id: _card(stone, *lots.get(stone.id, ("", "", ""))) for stone in found}


async def of_lines(
    session: AsyncSession, actor: Actor, lines: Iterable[AppointmentStone]
) -> dict[AppointmentStone, StoneCard]:
    """Of the stones of appointments: one that is shown no more is what it was when it was put there, under the number
    of its lot all the same."""
    agreed = list(lines)
    live = await of_stones(session, actor, [line.stone for line in agreed])
    cards = {}
    for line in agreed:
        card = live.get(line.stone)
        if card is not None and not card.stone.listed and line.snapshot:
            card = _card(snapshots.as_it_was(line.snapshot), card.lot, card.lot_id, card.sale)
        if card is not None:
            cards[line] = card
    return cards


def _card(stone: Stone, lot: str, lot_id: str, sale: str) -> StoneCard:
    return StoneCard(stone, plan.plan_of(stone).name, lot, lot_id, sale)


async def named(session: AsyncSession, typed: str) -> str | None:
    """The public id of the stone that staff call so: by the number of its latest lot, by stock number or by itself.
    Refused where lots of two sales that run have this number."""
    wanted = select(Stone.public_id).where((Stone.stock_no_key == typed.casefold()) | (Stone.public_id == typed))
    if typed.isdecimal() and len(typed) < 7:
        live = await session.scalars(
            select(Lot.sale_id).where(Lot.number == int(typed), Lot.state.in_(LIVE_LOT)).distinct().limit(2)
        )
        if len(live.all()) > 1:
            raise SeveralLots()
        in_lot = select(LotStone.stone_id).join(Lot, Lot.id == LotStone.lot_id).where(Lot.number == int(typed))
        wanted = select(Stone.public_id).where(Stone.id.in_(in_lot))
    return await session.scalar(wanted.order_by(Stone.id.desc()).limit(1))
