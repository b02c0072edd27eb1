"""How much interest there is in the lots of a sale: told to curators whole, to sellers of three or more companies."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import SaleState
from pavilion.viewings.models import Appointment, AppointmentStone, WaitEntry
from pavilion.viewings.states import TAKING, AppointmentState, ViewingMode, WaitState
from pavilion.viewings.trays_reading import LotStones

LEAST_COMPANIES = 3  # of which a seller is told


@dataclass(slots=True)
class Interest:
    """`companies`: everybody who saw it, will see it or waits for it."""

    viewings: int = 0
    by_video: int = 0
    minutes: int = 0  # at the desk
    coming: int = 0
    waiting: int = 0
    companies: set[int] = field(default_factory=set)

    def add(self, other: "Interest") -> None:
        self.viewings += other.viewings
        self.by_video += other.by_video
        self.minutes += other.minutes
        self.coming += other.coming
        self.waiting += other.waiting
        self.companies |= other.companies


@dataclass(frozen=True, slots=True)
class OfLot:
    lot: Lot
    interest: Interest


@dataclass(frozen=True, slots=True)
class ForSeller:
    """What the seller may read: lots with enough companies, and the rest as one sum if that has enough."""

    sale: Sale
    lots: Sequence[OfLot]
    rest: Interest | None
    withheld: Sequence[Lot]


async def of_lots(session: AsyncSession, lots: Sequence[LotStones], now: datetime) -> list[OfLot]:
    """By lot; an appointment for two stones of a lot counts once."""
    lot_of = {stone: one.lot.id for one in lots for stone in one.public_ids}
    found: dict[int, Interest] = defaultdict(Interest)
    for row, mine in await _appointments(session, lot_of):
        for lot in mine:
            _count(found[lot], row, now)
    waiting = select(WaitEntry).where(WaitEntry.state == WaitState.WAITING, WaitEntry.starts_at > now)
    for entry in await session.scalars(waiting):
        for lot in {lot_of[stone] for stone in entry.wish.get("stones", ()) if stone in lot_of}:
            found[lot].waiting += 1
            found[lot].companies.add(entry.company_id)
    return [OfLot(one.lot, found[one.lot.id]) for one in lots]


def for_seller(sale: Sale, own: Iterable[OfLot]) -> ForSeller:
    """Nothing of fewer than three other companies, and no sum from which such a figure could be reckoned: what its own
    people looked at the seller knows and could take away."""
    told: list[OfLot] = []
    few: list[OfLot] = []
    for one in own:
        (told if len(one.interest.companies - {one.lot.consignor_company_id}) >= LEAST_COMPANIES else few).append(one)
    rest = Interest()
    for one in few:
        rest.add(one.interest)
    others = rest.companies - {one.lot.consignor_company_id for one in few}
    enough = len(few) > 1 and len(others) >= LEAST_COMPANIES
    return ForSeller(sale, told, rest if enough else None, [one.lot for one in few])


async def sales_of_seller(session: AsyncSession, actor: Actor) -> Sequence[Sale]:
    """Published sales with a lot of the own company; the newest first."""
    own = select(Lot.sale_id).where(Lot.consignor_company_id == actor.company_id)
    wanted = select(Sale).where(Sale.id.in_(own), Sale.state != SaleState.DRAFT).order_by(Sale.id.desc())
    return (await session.scalars(wanted)).all()


async def _appointments(session: AsyncSession, lot_of: dict[str, int]) -> list[tuple[Appointment, set[int]]]:
    states = [*TAKING - {AppointmentState.HELD}, AppointmentState.DONE]
    rows = await session.execute(
        select(Appointment, AppointmentStone.stone)
        .join(AppointmentStone, AppointmentStone.appointment_id == Appointment.id)
        .where(
            AppointmentStone.stone.in_(lot_of), AppointmentStone.dropped.is_(None), Appointment.state.in_(states)
        )
    )  # fmt: skip
    found: dict[int, tuple[Appointment, set[int]]] = {}
    for row, stone in rows:
        found.setdefault(row.id, (row, set()))[1].add(lot_of[stone])
    return list(found.values())


def _count(interest: Interest, row: Appointment, now: datetime) -> None:
    interest.companies.add(row.company_id)
    if row.state != AppointmentState.DONE:
        interest.coming += 1
        return
    interest.viewings += 1
    if row.mode == ViewingMode.REMOTE:
        interest.by_video += 1
        return
    begun, ended = row.checked_in_at or row.starts_at, row.finished_at or row.freed_at or row.ends_at
    interest.minutes += max(0, int((ended - begun).total_seconds()) // 60)
