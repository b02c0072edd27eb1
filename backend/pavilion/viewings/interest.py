"""How much interest there is in the lots of a sale: told to curators whole, to sellers of three or more companies."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import SaleState
from pavilion.catalogue import shortlist_reading
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
    behind: dict[str, set[int]] = field(default_factory=dict)  # by figure: the companies that it rests on

    def count(self, figure: str, company: int, more: int = 1) -> None:
        setattr(self, figure, getattr(self, figure) + more)
        self.behind.setdefault(figure, set()).add(company)
        self.companies.add(company)


@dataclass(frozen=True, slots=True)
class OfLot:
    lot: Lot
    interest: Interest


Figures = dict[str, int | None]  # by name; none: of fewer companies than may be told
TOLD = ("viewings", "minutes", "coming", "waiting")


@dataclass(frozen=True, slots=True)
class ForSeller:
    """What the seller may read: each figure that rests on enough companies, and of each column the rest as one sum if
    that does. `withheld`: lots without one figure to tell."""

    sale: Sale
    lots: Sequence[tuple[Lot, Figures]]
    rest: Figures | None
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
            found[lot].count("waiting", entry.company_id)
    return [OfLot(one.lot, found[one.lot.id]) for one in lots]


async def figures(
    session: AsyncSession, sale: Sale, lots: Mapping[str, Sequence[str]], now: datetime
) -> dict[str, dict[str, int]]:
    """For the curators' board, by lot and of the stones that stand in it now: how often it was seen, by how many
    companies, how many appointments are still to come, and on the shortlists of how many companies it stands, where
    that may be told. Lots without any are left out."""
    names = list(lots)
    lot_of = {stone: at for at, name in enumerate(names) for stone in lots[name]}
    found: dict[int, Interest] = defaultdict(Interest)
    for row, mine in await _appointments(session, lot_of):
        for at in mine:
            _count(found[at], row, now)
    told = {
        names[at]: {"viewings": one.viewings, "coming": one.coming, "companies": len(one.companies)}
        for at, one in found.items()
    }
    for lot, n in (await shortlist_reading.companies_by_lot(session, lots)).items():
        told.setdefault(lot, {})["shortlists"] = n
    return told


def for_seller(sale: Sale, own: Iterable[OfLot]) -> ForSeller:
    """No figure of fewer than three other companies, and no sum from which one could be reckoned: what its own people
    looked at the seller knows and could take away."""
    lots = list(own)
    shown: list[Figures] = [
        {name: getattr(one.interest, name) if _others(name, one) >= LEAST_COMPANIES else None for name in TOLD}
        for one in lots
    ]
    rest = {
        name: _rest(name, [one for one, cells in zip(lots, shown, strict=True) if cells[name] is None]) for name in TOLD
    }
    told = [any(value is not None for value in cells.values()) for cells in shown]
    return ForSeller(
        sale,
        [(one.lot, cells) for one, cells, is_told in zip(lots, shown, told, strict=True) if is_told],
        rest if any(value is not None for value in rest.values()) else None,
        [one.lot for one, is_told in zip(lots, told, strict=True) if not is_told],
    )


def _others(name: str, *lots: OfLot) -> int:
    """How many companies but the seller the figure of these lots rests on."""
    behind = {company for one in lots for company in one.interest.behind.get(name, ())}
    return len(behind - {one.lot.consignor_company_id for one in lots})


def _rest(name: str, few: Sequence[OfLot]) -> int | None:
    if len(few) < 2 or _others(name, *few) < LEAST_COMPANIES:
        return None
    return sum(int(getattr(one.interest, name)) for one in few)


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
    if row.state != AppointmentState.DONE:
        interest.count("coming", row.company_id)
        return
    interest.count("viewings", row.company_id)
    if row.mode == ViewingMode.REMOTE:
        interest.count("by_video", row.company_id)
        return
    begun, ended = row.checked_in_at or row.starts_at, row.finished_at or row.freed_at or row.ends_at
    interest.count("minutes", row.company_id, max(0, int((ended - begun).total_seconds()) // 60))
