"""What the console of a running sale shows beside the lots themselves: who stands behind the aliases, what waits for a
second person, how the sale fares. Maxima and reserves are nowhere in it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person, Proposal
from pavilion.accounts.rules import APPROVERS, Actor, ProposalState
from pavilion.auctions import fees
from pavilion.auctions.models import Registration, Sale
from pavilion.bidding.acting import ALWAYS_TWO, KINDS, RIGHTS
from pavilion.bidding.models import BookBid, BookEvent, BookLot, Checkpoint, SaleLease
from pavilion.bidding.showing import FINAL, LotShown, SaleShown
from pavilion.bidding.staff_models import StaffOrder
from pavilion.bidding.tape import names_of
from pavilion.bidding.taxes import tax_of
from pavilion.kernel.clock import Clock
from pavilion.kernel.errors import NotFound
from pavilion.kernel.instants import micros

SHOWN = 60  # bids of the lot in hand
REFUSED_FOR = timedelta(minutes=30)  # how long an agreement that the book refused is shown
GROUPS = ("now", "exceptions", "closed")


class Act(NamedTuple):
    """One act of the lot in hand or of the sale: its key, the states it fits, and whether two persons do it."""

    name: str
    key: str
    fits: tuple[str, ...]
    two: bool = False
    formats: tuple[str, ...] = ("timed", "clerked")


LOT_ACTS = (
    Act("open", "G", ("listed",), formats=("clerked",)),
    Act("fair_warning", "F", ("open",), formats=("clerked",)),
    Act("final_call", "C", ("open",), formats=("clerked",)),
    Act("pass", "X", ("open",), formats=("clerked",)),
    Act("bid", "O", ("open",)),
    Act("extend", "E", ("open",), formats=("timed",)),
    Act("pause", "P", ("open",)),
    Act("resume", "P", ("paused",)),
    Act("notice", "T", ("listed", "open", "paused", "closing")),
    Act("confirm", "K", ("closing",)),
    Act("void", "V", ("open", "paused", "closing"), two=True),
    Act("lower_reserve", "R", ("listed", "open", "paused"), two=True),
    Act("reopen", "N", ("closing",), two=True),
    Act("withdraw", "W", ("listed", "open", "paused"), two=True),
)
SALE_ACTS = (
    Act("message", "M", ("published", "open", "paused")),
    Act("pause", "S", ("open",)),
    Act("resume", "S", ("paused",)),
    Act("incident", "I", ("open",), two=True),
    Act("cancel", "", ("published",), two=True),
)


class Head(NamedTuple):
    """As much of a sale as its news need."""

    id: str
    state: str
    zone: str
    currency: str
    inner_id: int


class Reach(NamedTuple):
    """What staff know of a lot beside the room: the paddle that leads, and that a reserve was set."""

    leader: int | None
    reserved: bool


class BidRow(NamedTuple):
    """One bid in the book of the lot in hand. `price` is what the room saw; the bidder's maximum is not here."""

    seq: int
    at: datetime
    alias: str
    paddle: int
    company: str
    price: int | None
    leader: str | None
    code: str | None
    live: bool
    by: str
    mandate: str | None

    @property
    def paddle_text(self) -> str:
        return f"P-{self.paddle:04d}"


class Waiting(NamedTuple):
    """A proposal of this sale that is open."""

    proposal: Proposal
    proposer: str
    own: bool
    decidable: bool


class Health(NamedTuple):
    """What is known of the sale's writer from the database alone."""

    epoch: int | None
    writes: bool
    size: int
    sealed_at: datetime | None


class Behalf(NamedTuple):
    """A bid for somebody else, before it is entered: what it would cost, and what speaks against it."""

    paddle: int
    company: str
    amount: int
    mandate: str
    cost: fees.AllIn
    tax_known: bool


async def head_of(session: AsyncSession, sale: str) -> Head:
    """NotFound for a draft."""
    wanted = select(Sale.public_id, Sale.state, Sale.zone, Sale.currency, Sale.id).where(Sale.public_id == sale)
    row = (await session.execute(wanted.where(Sale.rules_hash.is_not(None)))).one_or_none()
    if row is None:
        raise NotFound()
    return Head(*row)


def group_of(lot: LotShown) -> str:
    """Where a lot stands in the running order; what needs an eye is an exception."""
    if lot.state in FINAL:
        return "closed"
    stands = lot.state in ("paused", "closing")
    return "exceptions" if stands or (lot.state == "open" and lot.bids and lot.reserve_met is False) else "now"


def lot_acts(sale: SaleShown, actor: Actor) -> list[Act]:
    """The acts of one lot that this person has the right to."""
    held = [act for act in LOT_ACTS if sale.rules.format in act.formats and actor.may(RIGHTS[act.name])]
    return [act for act in held if act.name != "confirm" or sale.rules.hold_results]


def sale_acts(actor: Actor) -> list[Act]:
    return [act for act in SALE_ACTS if actor.may(RIGHTS[act.name])]


def needs_two(act: Act, lot: LotShown) -> bool:
    """Withdrawal of a lot without a bid is one person's."""
    return act.two and (act.name in ALWAYS_TWO or lot.bids > 0)


async def reaches(session: AsyncSession, sale: str) -> dict[str, Reach]:
    wanted = select(BookLot.lot, BookLot.leader, BookLot.sealed_reserve.is_not(None)).where(BookLot.sale == sale)
    return {lot: Reach(leader, bool(reserved)) for lot, leader, reserved in await session.execute(wanted)}


async def firms(session: AsyncSession, sale: Head | SaleShown) -> dict[int, str]:
    """The companies behind the paddles."""
    wanted = select(Registration.paddle, Company.name).join(Company, Company.id == Registration.company_id)
    rows = await session.execute(wanted.where(Registration.sale_id == sale.inner_id, Registration.paddle.is_not(None)))
    return {paddle or 0: name for paddle, name in rows}


async def bids_of(session: AsyncSession, sale: Head | SaleShown, lot: str) -> list[BidRow]:
    """The bids of a lot, the newest first, refused ones too; who is behind each, and whether it still stands."""
    wanted = (
        select(BookBid, BookEvent)
        .join(BookEvent, (BookEvent.sale == BookBid.sale) & (BookEvent.n == BookBid.n))
        .where(BookBid.sale == sale.id, BookBid.lot == lot)
        .order_by(BookBid.n.desc())
        .limit(SHOWN)
    )
    rows = [(bid, event) for bid, event in await session.execute(wanted)]
    gone = await _voided(session, lot)
    named, clerks = await firms(session, sale), await names_of(session, {bid.entered_by or "" for bid, _ in rows})
    found = []
    for bid, event in rows:
        data = json.loads(event.body)["data"]
        live = bid.code is None and event.seq not in gone
        by = clerks.get(bid.entered_by or "", "")
        seen = (data.get("price"), data.get("leader"), bid.code, live, by, bid.mandate)
        found.append(BidRow(event.seq, event.at, bid.alias, bid.paddle, named.get(bid.paddle, ""), *seen))
    return found


async def _voided(session: AsyncSession, lot: str) -> set[int]:
    bodies = select(BookEvent.body).where(BookEvent.lot == lot, BookEvent.type == "bid.voided")
    return {seq for body in await session.scalars(bodies) for seq in json.loads(body)["data"]["seqs"]}


def voidable(bids: Sequence[BidRow]) -> list[tuple[str, int, str, list[tuple[int, int | None]]]]:
    """Per bidder (alias, paddle, company) the live bids with the price after each, the last that bid first."""
    held: dict[int, tuple[str, int, str, list[tuple[int, int | None]]]] = {}
    for bid in bids:
        if bid.live:
            held.setdefault(bid.paddle, (bid.alias, bid.paddle, bid.company, []))[3].append((bid.seq, bid.price))
    return list(held.values())


async def waiting(session: AsyncSession, sale: str, actor: Actor, now: datetime) -> list[Waiting]:
    """The open proposals of this sale, the oldest first."""
    wanted = (
        select(Proposal, Person.name)
        .join(Person, Person.id == Proposal.proposed_by)
        .where(Proposal.state == ProposalState.OPEN, Proposal.expires_at > now, Proposal.kind.in_(KINDS.values()))
        .order_by(Proposal.id)
    )
    rows = [(one, name) for one, name in await session.execute(wanted) if one.facts.get("sale") == sale]
    return [
        Waiting(one, name, one.proposed_by == actor.person_id, actor.may(APPROVERS[one.kind])) for one, name in rows
    ]


async def refused_orders(session: AsyncSession, sale: str, now: datetime) -> Sequence[StaffOrder]:
    """What two persons agreed on lately and the book refused."""
    wanted = select(StaffOrder).where(StaffOrder.sale == sale, StaffOrder.code.is_not(None))
    return (await session.scalars(wanted.where(StaffOrder.at > now - REFUSED_FOR).order_by(StaffOrder.id))).all()


async def health(session: AsyncSession, sale: str, now: datetime) -> Health:
    lease = await session.get(SaleLease, sale)
    newest = select(Checkpoint.size, Checkpoint.at).where(Checkpoint.sale == sale).order_by(Checkpoint.size.desc())
    size, at = (await session.execute(newest.limit(1))).one_or_none() or (0, None)
    return Health(lease.epoch if lease else None, bool(lease and lease.expires_at > now), size, at)


async def clock_ahead_us(session: AsyncSession, clock: Clock) -> int | None:
    """How far the house's clock is ahead of the database's; None where the database has no clock of its own."""
    if session.get_bind().dialect.name != "postgresql":
        return None
    before = micros(clock())
    told: datetime | None = await session.scalar(select(func.clock_timestamp()))
    return None if told is None else (before + micros(clock())) // 2 - micros(told)


async def behalf(
    session: AsyncSession, sale: SaleShown, paddle: int, amount: int, mandate: str, now: datetime
) -> Behalf | None:
    """What this bid would cost its bidder; None for a paddle that nobody holds."""
    row = await session.scalar(
        select(Registration).where(Registration.sale_id == sale.inner_id, Registration.paddle == paddle)
    )
    if row is None:
        return None
    name = await session.scalar(select(Company.name).where(Company.id == row.company_id)) or ""
    tax = await tax_of(session, sale.entity, row, now)
    cost = fees.all_in(amount, sale.rules.premium_bands, tax or fees.UNTAXED)
    return Behalf(paddle, name, amount, mandate, cost, tax is not None)


def counts(lots: Sequence[LotShown]) -> Mapping[str, int]:
    groups = [group_of(lot) for lot in lots]
    closed = groups.count("closed")
    return {"now": len(lots) - closed, "exceptions": groups.count("exceptions"), "closed": closed}
