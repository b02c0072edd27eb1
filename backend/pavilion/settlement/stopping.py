"""Between hammer and capture the origin is asked once more: what no longer holds stops, and a person decides."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import sequels
from pavilion.auctions.models import Lot, LotStone, Registration, Sale
from pavilion.auctions.sequel_models import After
from pavilion.bidding import queries as book
from pavilion.bidding.models import BookLot, BookLotState, PaidLot
from pavilion.catalogue.models import Stone
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotFound, Refusal
from pavilion.kernel.events import Cursor, Event, cursor_of, news
from pavilion.provenance import eligibility
from pavilion.provenance.law import NOT_PUBLIC
from pavilion.provenance.models import ExposedStone, StoneVerdict
from pavilion.provenance.rules import REASON_LEAST, REASON_MOST
from pavilion.settlement.models import Invoice
from pavilion.settlement.stop_models import SettlementStop, StopState
from pavilion.trading import queries as trade
from pavilion.trading.models import Order
from pavilion.trading.queries import OrderFacts
from pavilion.trading.rules import UNPAID

FOLLOWER = "settlement:stops"
WATCHED = ("stone:verdict_changed", "law:changed", "law:grandfather_claimed", "lot:owed")
AT_ONCE = 500


class SettlementStopped(Refusal):
    """Nothing is issued or captured for a lot whose origin or destination no longer holds, until a person decides."""

    status, code = 409, "settlement_stopped"


class _Sold(NamedTuple):
    lot: str
    number: str
    sale: str
    company_id: int
    destination: str
    stones: tuple[str, ...]


async def follow(sessions: Sessions, now: datetime) -> int:
    """After a verdict or the law changed, or a payment was taken back, and on each new day, every sold and unpaid lot
    has been asked again."""
    today = now.astimezone(UTC).date()
    async with reading(sessions) as session:
        day = await session.get(Cursor, f"{FOLLOWER}:day")
    if day is not None and day.last_id == today.toordinal() and not await news(sessions, FOLLOWER, [*WATCHED]):
        return 0
    async with sessions.begin() as session:
        read = await cursor_of(session, FOLLOWER, from_now=True)
        day = await cursor_of(session, f"{FOLLOWER}:day")
        fresh = select(Event.id).where(Event.name.in_(WATCHED), Event.id > read.last_id)
        ids = (await session.scalars(fresh.order_by(Event.id).limit(AT_ONCE))).all()
        if not ids and day.last_id == today.toordinal():
            return 0
        for sale in await _unsettled(session):
            await look(session, sale, now)
        read.last_id, day.last_id = ids[-1] if ids else read.last_id, today.toordinal()
        return len(ids)


async def look(session: AsyncSession, sale: str, now: datetime) -> set[str]:
    """Every sold and unpaid lot of the sale that no longer holds is stopped; answers the lots that stand stopped."""
    stops = (await session.scalars(select(SettlementStop).where(SettlementStop.sale == sale))).all()
    standing = {stop.lot for stop in stops if stop.state != StopState.RELEASED}
    accepted = {(stop.lot, reason["code"], reason["entry"]) for stop in stops for reason in stop.reasons}
    for sold in await _sold(session, sale):
        if sold.lot in standing:
            continue
        found = await _reasons(session, sold, now.astimezone(UTC).date())
        if all((sold.lot, reason["code"], reason["entry"]) in accepted for reason in found):
            continue  # nothing that a person has not already looked at
        stop = SettlementStop(lot=sold.lot, sale=sale, number=sold.number, company_id=sold.company_id, made_at=now)
        stop.destination, stop.reasons, stop.state, stop.reason = sold.destination, found, StopState.OPEN, ""
        session.add(stop)
        await session.flush()
        codes = [reason["code"] for reason in found]
        events.record(session, "settlement:stopped", sold.lot, by=None, at=now, sale=sale, codes=codes)
        standing.add(sold.lot)
    return standing


async def refuse_stopped(session: AsyncSession, invoice: Invoice) -> None:
    """Nothing of an invoice is issued or captured while one of its lots stands stopped."""
    lots = {line.lot for line in invoice.lines if line.lot}
    held = select(SettlementStop).where(SettlementStop.lot.in_(lots), SettlementStop.state != StopState.RELEASED)
    if stops := (await session.scalars(held.order_by(SettlementStop.id))).all():
        codes = sorted({r["code"] for stop in stops for r in stop.reasons if r["code"] not in NOT_PUBLIC})
        raise SettlementStopped(lots=[stop.number for stop in stops], codes=codes)


async def stops_of(session: AsyncSession, lots: Collection[str]) -> Sequence[SettlementStop]:
    """The stops under which these lots stand now."""
    held = select(SettlementStop).where(SettlementStop.lot.in_(lots), SettlementStop.state != StopState.RELEASED)
    return (await session.scalars(held.order_by(SettlementStop.id))).all()


async def all_stops(session: AsyncSession) -> Sequence[SettlementStop]:
    """Those that wait first, then the decided ones, the latest first."""
    turn = (SettlementStop.state != StopState.OPEN, SettlementStop.id.desc())
    return (await session.scalars(select(SettlementStop).order_by(*turn).limit(200))).all()


async def decide(
    session: AsyncSession, stop: int, *, release: bool, reason: str, actor: Actor, now: datetime
) -> SettlementStop:
    """A named compliance person has released the lot to be settled all the same, or cancelled its sale."""
    if not actor.may(Permission.ORIGIN_DECIDE) or actor.public_id is None:
        raise NotAllowed(right=Permission.ORIGIN_DECIDE.value)
    reason = " ".join(reason.split())
    if not REASON_LEAST <= len(reason) <= REASON_MOST:
        raise BadInput(fields={"reason": "reason_length"})
    row = await session.scalar(select(SettlementStop).where(SettlementStop.id == stop).with_for_update())
    if row is None:
        raise NotFound()
    if row.state != StopState.OPEN:
        raise ActNotAllowed(state=row.state)
    row.state = StopState.RELEASED if release else StopState.CANCELLED
    row.decided_by, row.decided_at, row.reason = actor.public_id, now, reason
    await session.flush()
    events.record(session, f"settlement:{row.state}", row.lot, by=actor.public_id, at=now, sale=row.sale, reason=reason)
    if not release:
        await sequels.became(session, lot=row.lot, sale=row.sale, what=After.CANCELLED, by=actor.public_id, now=now)
    return row


async def _sold(session: AsyncSession, sale: str) -> list[_Sold]:
    if (order := await trade.order_of(session, sale)) is not None:
        return _ordered(order) if order.state in UNPAID else []
    paid = set(await session.scalars(select(PaidLot.lot).where(PaidLot.sale == sale)))
    results = [one for one in await book.results(session, sale) if one.lot_public_id not in paid]
    registered = select(Registration).join(Sale, Sale.id == Registration.sale_id).where(Sale.public_id == sale)
    buyers = {row.id: row for row in await session.scalars(registered)}
    wanted = select(Lot.public_id, Stone.public_id).join(LotStone, LotStone.lot_id == Lot.id)
    wanted = wanted.join(Stone, Stone.id == LotStone.stone_id)
    wanted = wanted.where(Lot.public_id.in_([one.lot_public_id for one in results])).order_by(LotStone.place)
    stones: dict[str, list[str]] = {}
    for lot, stone in await session.execute(wanted):
        stones.setdefault(lot, []).append(stone)
    return [
        _Sold(
            one.lot_public_id,
            one.number,
            sale,
            buyers[one.registration_id].company_id,
            buyers[one.registration_id].destination,
            tuple(stones.get(one.lot_public_id, ())),
        )
        for one in results
    ]


def _ordered(order: OrderFacts) -> list[_Sold]:
    """The lines of an order at a fixed price, as lots of a sale of its own."""
    return [
        _Sold(
            line.public_id, str(line.place), order.public_id, order.company_id, order.destination,
            tuple(line.facts["stones"]),
        )
        for line in order.lines
    ]  # fmt: skip


async def _reasons(session: AsyncSession, sold: _Sold, day: date) -> list[dict[str, Any]]:
    """Why the lot no longer holds, as codes; empty if it does."""
    shown = set(await session.scalars(select(ExposedStone.stone).where(ExposedStone.stone.in_(sold.stones))))
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for stone in sold.stones:
        if stone not in shown:
            verdict = await session.get(StoneVerdict, stone)
            codes = verdict.codes.split() if verdict is not None else []
            for code in codes or ["verdict_lost"]:
                found[code, ""] = {"code": code, "entry": "", "source": ""}
    answers = await eligibility.closed(session, sold.stones, day, [sold.destination])
    for closed in answers.values():
        if (why := closed.get(sold.destination)) is not None:
            found[why.code, why.entry] = why._asdict()
    return list(found.values())


async def _unsettled(session: AsyncSession) -> Sequence[str]:
    paid = select(PaidLot.lot).where(PaidLot.lot == BookLot.lot)
    sold = select(BookLot.sale).where(BookLot.state == BookLotState.SOLD, ~paid.exists()).distinct()
    orders = select(Order.public_id).where(Order.state.in_(UNPAID))
    return (await session.scalars(sold.union(orders))).all()
