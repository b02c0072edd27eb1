"""What the pages of curation show: the list of sales, the board of one draft, the stones that may join it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person, Proposal
from pavilion.accounts.rules import Actor, Permission, ProposalState
from pavilion.auctions import queries, reserves, viewed
from pavilion.auctions.bulk import BulkLot
from pavilion.auctions.changes import UNDOABLE
from pavilion.auctions.formats import SaleType, options_of
from pavilion.auctions.models import Command, Lot, LotGroup, LotStone, Registration, Sale
from pavilion.auctions.publishing import Readiness, readiness_of
from pavilion.auctions.rules import Finding, LotState, SaleState, closing_plan
from pavilion.auctions.typed import PoolAsked
from pavilion.catalogue.models import Stone, StoneCommitment
from pavilion.catalogue.queries import LISTED, visible_to
from pavilion.kernel.errors import NotFound

POOL = 24  # stones offered beside the order
# What a higher domain counts of interest: asked of the sale and the stones of each lot (public ids), told by lot.
Figures = Callable[
    [AsyncSession, Sale, Mapping[str, Sequence[str]], datetime], Awaitable[Mapping[str, Mapping[str, int]]]
]

RUNNING = (SaleState.OPEN, SaleState.PAUSED)
ENDED = (SaleState.CLOSED, SaleState.SETTLED)


class SaleLine(NamedTuple):
    sale: Sale
    lots: int
    low_minor: int
    high_minor: int
    last_close_at: datetime | None
    registration: Registration | None


class BoardLot(NamedTuple):
    lot: Lot
    stones: Sequence[Stone]
    findings: Sequence[Finding]
    closes_at: datetime | None
    owner: str | None
    reserve_minor: int | None  # only for those with the right `reserve:see`
    figures: Mapping[str, int]  # of interest, by name: what higher domains counted

    @property
    def weight_mct(self) -> int:
        return sum(stone.weight_mct for stone in self.stones)


class Done(NamedTuple):
    command: Command
    by: str
    mine: bool


class Board(NamedTuple):
    sale: Sale
    headings: Mapping[int, LotGroup]
    lots: Sequence[BoardLot]
    readiness: Readiness
    history: Sequence[Done]
    proposal: Proposal | None

    @property
    def options(self) -> dict[str, Any]:
        """Every option of the sale's format, as set or as usual."""
        return options_of(self.sale.type, self.sale.options)

    @property
    def low_minor(self) -> int:
        return sum(line.lot.low_minor or 0 for line in self.lots)

    @property
    def high_minor(self) -> int:
        return sum(line.lot.high_minor or 0 for line in self.lots)

    @property
    def reserve_minor(self) -> int:
        return sum(line.reserve_minor or 0 for line in self.lots)

    @property
    def names(self) -> dict[str, str]:
        """What people call each stone: its number with its supplier, by public id."""
        return {stone.public_id: stone.stock_no for line in self.lots for stone in line.stones}

    @property
    def numbers_follow(self) -> bool:
        """Whether the numbers, as far as given, rise in running order."""
        given = [(line.lot.number, line.lot.suffix) for line in self.lots if line.lot.number]
        return given == sorted(given)

    @property
    def undoable(self) -> Done | None:
        return next((done for done in self.history if done.mine and done.command.undone_at is None), None)


async def sale_lines(session: AsyncSession, actor: Actor, *, drafts: bool = False) -> list[SaleLine]:
    """Published sales for everybody, drafts for those who build them; the next to open first."""
    wanted = select(Sale).order_by(Sale.opens_at, Sale.id)
    if not drafts:
        wanted = wanted.where(Sale.state != SaleState.DRAFT)
    sales = (await session.scalars(wanted)).all()
    told, counted = ~Lot.on_request, Lot.state != LotState.DRAFT
    if drafts:
        told = counted = true()
    sums = {
        row.sale_id: row
        for row in await session.execute(
            select(
                Lot.sale_id,
                func.count().label("lots"),
                func.coalesce(func.sum(Lot.low_minor).filter(told), 0).label("low"),
                func.coalesce(func.sum(Lot.high_minor).filter(told), 0).label("high"),
            )
            .where(counted)
            .group_by(Lot.sale_id)
        )
    }
    mine = await _own_registrations(session, actor)
    return [_line(sale, sums.get(sale.id), mine.get(sale.id)) for sale in sales]


async def sale_of(session: AsyncSession, public_id: str, *, drafts: bool = False) -> Sale:
    """The sale; an unknown one and a draft for those who may not see it are alike not found."""
    row = await session.scalar(select(Sale).where(Sale.public_id == public_id))
    if row is None or (row.state == SaleState.DRAFT and not drafts):
        raise NotFound()
    return row


async def board_of(session: AsyncSession, public_id: str, actor: Actor, now: datetime) -> Board:
    sale = await sale_of(session, public_id, drafts=True)
    lots = (await session.scalars(select(Lot).where(Lot.sale_id == sale.id).order_by(Lot.rank))).all()
    stones = await queries.stones_by_lot(session, [lot.id for lot in lots], actor)
    readiness = await readiness_of(session, sale, now)
    named = select(Company.id, Company.name).where(Company.id.in_({lot.consignor_company_id for lot in lots}))
    owners = dict((await session.execute(named)).all())
    ends = _ends(sale, lots)
    sees = actor.may(Permission.RESERVE_SEE)
    held = {lot.public_id: [stone.public_id for stone in stones[lot.id]] for lot in lots}
    figures: Figures | None = session.info.get("figures")  # handed in by `main.py`
    counted = await figures(session, sale, held, now) if figures else {}
    views = await viewed.of_lots(session, list(held))
    lines = [
        BoardLot(
            lot,
            stones[lot.id],
            readiness.of(lot.public_id),
            ends.get(lot.id),
            owners.get(lot.consignor_company_id or 0),
            reserves.reserve_of(session, lot) if sees else None,
            {**counted.get(lot.public_id, {}), **({"views": views[lot.public_id]} if lot.public_id in views else {})},
        )
        for lot in lots
    ]
    headings = {one.id: one for one in await headings_of(session, sale)}
    history = await _history(session, sale, actor)
    return Board(sale, headings, lines, readiness, history, await _open_proposal(session, sale, now))


async def headings_of(session: AsyncSession, sale: Sale) -> Sequence[LotGroup]:
    """As they were made; those under which lots stand are shown where the lots stand."""
    return (await session.scalars(select(LotGroup).where(LotGroup.sale_id == sale.id).order_by(LotGroup.id))).all()


async def headings_by_lot(session: AsyncSession, public_id: str) -> dict[str, int]:
    """The heading of each lot that stands under one."""
    rows = select(Lot.public_id, Lot.group_id).join(Sale, Sale.id == Lot.sale_id)
    under = await session.execute(rows.where(Sale.public_id == public_id, Lot.group_id.is_not(None)))
    return {lot: group for lot, group in under if group is not None}


async def bulk_lots(session: AsyncSession, sale: Sale, lots: Sequence[str], actor: Actor) -> list[BulkLot]:
    rows = (
        await session.scalars(select(Lot).where(Lot.sale_id == sale.id, Lot.public_id.in_(lots)).order_by(Lot.rank))
    ).all()
    if len(rows) != len(set(lots)):
        raise NotFound()
    stones = await queries.stones_by_lot(session, [lot.id for lot in rows], actor)
    sees = actor.may(Permission.RESERVE_SEE)
    return [
        BulkLot(
            lot.public_id,
            lot.version,
            sum(stone.weight_mct for stone in stones[lot.id]),
            _asked(stones[lot.id], sale.currency),
            lot.low_minor,
            lot.high_minor,
            reserves.reserve_of(session, lot) if sees else None,
            lot.opening_minor,
        )
        for lot in rows
    ]


class Pool(NamedTuple):
    """One page of the picker and how many stones there are on all."""

    stones: list[Stone]
    total: int
    asked: PoolAsked

    @property
    def last(self) -> int:
        return self.asked.at + len(self.stones)

    @property
    def before(self) -> PoolAsked | None:
        return self.asked._replace(at=max(0, self.asked.at - POOL)) if self.asked.at else None

    @property
    def after(self) -> PoolAsked | None:
        return self.asked._replace(at=self.last) if self.last < self.total else None


async def pool_of(session: AsyncSession, sale: Sale, asked: PoolAsked, actor: Actor) -> Pool:
    """Listed stones that no lot of this sale holds and nothing promises, heaviest first.

    A place beyond the last stone, as when the last page has just been added, is the last page.
    """
    wanted = _pool(sale, asked, actor)
    count = await session.scalar(select(func.count()).select_from(wanted.with_only_columns(Stone.id).subquery()))
    at = max(0, min(asked.at, ((count or 0) - 1) // POOL * POOL))
    rows = await session.scalars(wanted.order_by(Stone.weight_mct.desc(), Stone.id).offset(at).limit(POOL))
    return Pool(list(rows), count or 0, asked._replace(at=at))


def _pool(sale: Sale, asked: PoolAsked, actor: Actor) -> Select[Stone]:
    promised = select(StoneCommitment.stone_id).where(StoneCommitment.released_at.is_(None))
    standing = select(LotStone.stone_id).where(LotStone.sale_id == sale.id)
    found = visible_to(actor).where(LISTED, Stone.id.not_in(promised), Stone.id.not_in(standing))
    if asked.shape:
        found = found.where(Stone.shape == asked.shape)
    if asked.color:
        found = found.where(or_(Stone.color == asked.color, Stone.fancy_color == asked.color))
    if asked.least_mct is not None:
        found = found.where(Stone.weight_mct >= asked.least_mct)
    if asked.most_mct is not None:
        found = found.where(Stone.weight_mct <= asked.most_mct)
    for word in asked.words.split()[:6]:
        found = found.where(_matches(word))
    return found


def _matches(word: str) -> ColumnElement[bool]:
    """Numbers from their beginning, words as they are: both can use an index."""
    return or_(
        Stone.stock_no_key.startswith(word.casefold(), autoescape=True),
        Stone.report_no.startswith(word, autoescape=True),
        Stone.clarity == word.upper(),
        Stone.city.ilike(f"{_plain(word)}%"),
        Stone.public_id == word.upper(),
    )


def _plain(word: str) -> str:
    return word.replace("\\", "").replace("%", "").replace("_", "")


def _line(sale: Sale, sums: object, registration: Registration | None) -> SaleLine:
    lots, low, high = (getattr(sums, name, 0) for name in ("lots", "low", "high"))
    last = None
    if sale.first_close_at is not None and lots:
        last = closing_plan(sale.first_close_at, sale.stagger_s, sale.stagger_per, sale.breaks, lots)[-1]
    return SaleLine(sale, lots, int(low), int(high), last, registration)


def _ends(sale: Sale, lots: Sequence[Lot]) -> dict[int, datetime]:
    """By number once all have one, else by the order they stand in; what came after publication and is not listed yet
    comes last."""
    if sale.first_close_at is None or sale.type == SaleType.COLLECTION:  # what has a price does not close
        return {}
    order = sorted(lots, key=lambda lot: (lot.number or 0, lot.suffix)) if all(lot.number for lot in lots) else lots
    if sale.state != SaleState.DRAFT:
        order = sorted(order, key=lambda lot: lot.state == LotState.DRAFT)
    plan = closing_plan(sale.first_close_at, sale.stagger_s, sale.stagger_per, sale.breaks, len(lots))
    return {lot.id: end for lot, end in zip(order, plan, strict=True)}


def _asked(stones: Sequence[Stone], currency: str) -> int | None:
    """The suppliers' asking prices together, when all are known in the sale's currency."""
    prices = [stone.price_total_minor if stone.currency == currency else None for stone in stones]
    known = [price for price in prices if price]
    return sum(known) if known and len(known) == len(prices) else None


async def _own_registrations(session: AsyncSession, actor: Actor) -> dict[int, Registration]:
    if actor.company_id is None:
        return {}
    rows = await session.scalars(select(Registration).where(Registration.company_id == actor.company_id))
    return {row.sale_id: row for row in rows}


async def _history(session: AsyncSession, sale: Sale, actor: Actor) -> list[Done]:
    rows = await session.execute(
        select(Command, Person.name)
        .join(Person, Person.id == Command.by)
        .where(Command.sale_id == sale.id)
        .order_by(Command.id.desc())
        .limit(UNDOABLE)
    )
    lead = actor.may(Permission.SALE_APPROVE)
    return [Done(command, by, lead or command.by == actor.person_id) for command, by in rows]


async def _open_proposal(session: AsyncSession, sale: Sale, now: datetime) -> Proposal | None:
    return await session.scalar(
        select(Proposal)
        .where(Proposal.subject == sale.public_id, Proposal.kind.in_(("sale.publish", "sale.unpublish")))
        .where(Proposal.state == ProposalState.OPEN, Proposal.expires_at > now)
    )


async def order_of(session: AsyncSession, public_id: str) -> list[str]:
    """Public ids of the sale's lots in running order."""
    sale = await sale_of(session, public_id, drafts=True)
    return list(await session.scalars(select(Lot.public_id).where(Lot.sale_id == sale.id).order_by(Lot.rank)))


async def titles_of(session: AsyncSession, sale: Sale, lots: Sequence[str]) -> dict[str, Lot]:
    rows = await session.scalars(select(Lot).where(Lot.sale_id == sale.id, Lot.public_id.in_(lots)))
    return {lot.public_id: lot for lot in rows}


class Bar(NamedTuple):
    """One lot in the balance of the sale: heights of the high and the low estimate in a drawing 62 units high."""

    x: int
    high: int
    low: int
    number: str


def balance(lots: Sequence[BoardLot]) -> list[Bar]:
    """Estimates in running order; drawn only when all can be told apart."""
    top = max((line.lot.high_minor or 0 for line in lots), default=0)
    if not top or len(lots) > 60:
        return []
    return [
        Bar(
            4 + 28 * at,
            62 * (line.lot.high_minor or 0) // top,
            62 * (line.lot.low_minor or 0) // top,
            line.lot.number_text,
        )
        for at, line in enumerate(lots)
    ]
