"""Simulated rival bidders: each knows what a lot is worth to it and bids through the same door as everybody."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random  # noqa: TID251 - seeded by its caller; plays, guards nothing

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.auctions.rules import RegistrationState
from pavilion.bidding import rule_sets
from pavilion.bidding.bus import Rooms
from pavilion.bidding.deciding import BidOrder
from pavilion.bidding.models import BookLot, BookLotState, BookState, SaleBook
from pavilion.demo.people import RIVALS
from pavilion.kernel.db import Sessions, reading

LAST_CALL = timedelta(minutes=3)  # when rivals wake up on a lot
CALM_ONE_IN = 150  # looks at a lot before a rival bids on it in calm hours
HURRIED_ONE_IN = 12


@dataclass(frozen=True, slots=True)
class Chance:
    """A lot that a rival could bid on now."""

    sale: str
    lot: str
    rules: str
    currency: str
    ask: int
    low: int
    leader: int | None
    end: datetime


def worth(lot: str, company: int, low: int) -> int:
    """What this lot is worth to this company: 55 to 118 % of the low estimate, always the same."""
    draw = int.from_bytes(sha256(f"{lot}:{company}".encode()).digest()[:4])
    return low * (55 + draw % 64) // 100


async def chances(session: AsyncSession, sale: str | None = None) -> list[Chance]:
    """Every open lot of the open sales, or of this one."""
    rows = await session.execute(
        select(BookLot, SaleBook.rules_hash, Lot.low_minor)
        .join(SaleBook, SaleBook.sale == BookLot.sale)
        .join(Lot, Lot.public_id == BookLot.lot)
        .join(Sale, Sale.id == Lot.sale_id)
        .where(SaleBook.state == BookState.OPEN, BookLot.state == BookLotState.OPEN, Sale.type != "tender")
        .order_by(BookLot.position)
    )
    found = [(lot, rules, low) for lot, rules, low in rows if sale is None or lot.sale == sale]
    changed = {one: await rule_sets.amended(session, one) for one in {lot.sale for lot, _, _ in found}}
    return [
        Chance(
            lot.sale, lot.lot, changed[lot.sale].hash_of(lot.lot) or rules, lot.currency, lot.ask, low or lot.opening,
            lot.leader, lot.end,
        )
        for lot, rules, low in found
    ]  # fmt: skip


async def paddles(session: AsyncSession) -> dict[str, dict[int, int]]:
    """Per sale the rivals' companies with their paddles."""
    rows = await session.execute(
        select(Sale.public_id, Registration.company_id, Registration.paddle)
        .join(Sale, Sale.id == Registration.sale_id)
        .join(Company, Company.id == Registration.company_id)
        .where(Company.name.in_(RIVALS), Registration.state == RegistrationState.APPROVED)
    )
    found: dict[str, dict[int, int]] = {}
    for sale, company, paddle in rows:
        found.setdefault(sale, {})[company] = paddle or 0
    return found


def orders(
    open_lots: Sequence[Chance],
    held: Mapping[str, Mapping[int, int]],
    luck: Random,
    now: datetime,
    calm_one_in: int = CALM_ONE_IN,
) -> list[BidOrder]:
    """What the rivals do at this look: now and then one bids what is asked, more often near the end."""
    found = []
    for chance in open_lots:
        odds = HURRIED_ONE_IN if chance.end - now < LAST_CALL else calm_one_in
        if luck.randrange(odds):
            continue
        rivals = list(held.get(chance.sale, {}).items())
        luck.shuffle(rivals)
        for company, paddle in rivals:
            if paddle != chance.leader and chance.ask <= worth(chance.lot, company, chance.low):
                found.append(order_of(chance, company, chance.ask))
                break
    return found


def order_of(chance: Chance, company: int, amount: int) -> BidOrder:
    key = secrets.token_hex(16)
    return BidOrder(chance.sale, chance.lot, company, key, amount, chance.currency, chance.rules, confirm=amount)


class Rivals:
    """A tick of the worker: looks at the open lots about every two seconds."""

    def __init__(self, sessions: Sessions, rooms: Rooms, luck: Random) -> None:
        self._sessions, self._rooms, self._luck = sessions, rooms, luck

    async def tick(self, now: datetime) -> int:
        async with reading(self._sessions) as session:
            open_lots, held = await chances(session), await paddles(session)
        for order in orders(open_lots, held, self._luck, now):
            await self._rooms.place(order)
        return 0
