"""What a bidder states and asks about a lot beside its bids: that it read a notice, that it keeps its maximum under a
changed passport, that a bid be voided. None of it changes the book; a void goes the way of two persons."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.auctions.facts import lot_hash
from pavilion.auctions.models import Registration, Sale
from pavilion.bidding import rules
from pavilion.bidding.models import BookBid, BookEvent, BookLot
from pavilion.bidding.request_models import Acknowledgement, Confirmation, Decision, Ground, Retraction
from pavilion.bidding.staff_models import StaffOrder
from pavilion.kernel import events
from pavilion.kernel.db import Base, inserting
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.provenance.passport_models import Passport

RUNNING = ("open", "paused")


class NotPossible(Refusal):
    status, code = 409, "act_not_allowed"


class NothingToVoid(Refusal):
    status, code = 409, "nothing_to_void"


class NoSlip(Refusal):
    """The amount is not so far above what was meant."""

    status, code = 422, "retraction_no_slip"


class TooLate(Refusal):
    status, code = 409, "retraction_too_late"


class NothingChanged(Refusal):
    """The description is the one that was bid on."""

    status, code = 409, "retraction_no_change"


class AskedBefore(Refusal):
    status, code = 409, "retraction_asked"


# -- what the engine is told ------------------------------------------------------------------------------------------


async def passports_of(session: AsyncSession, lots: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The facts hash of each lot by the newest passports of its stones; a lot with a stone that has none is left
    out."""
    newest = select(Passport.stone, func.max(Passport.n).label("n")).group_by(Passport.stone).subquery()
    wanted = {stone for held in lots.values() for stone in held}
    rows = await session.execute(
        select(Passport.stone, Passport.facts_hash)
        .join(newest, (newest.c.stone == Passport.stone) & (newest.c.n == Passport.n))
        .where(Passport.stone.in_(wanted))
    )
    known = dict(rows.all())
    whole = {lot: held for lot, held in lots.items() if held and all(stone in known for stone in held)}
    return {lot: lot_hash([known[stone] for stone in held]) for lot, held in whole.items()}


async def confirmed(session: AsyncSession, passports: Mapping[str, str]) -> dict[str, frozenset[int]]:
    """Who keeps its maximum under the passport that the lot has now."""
    rows = await session.execute(
        select(Confirmation.lot, Confirmation.company_id, Confirmation.passport).where(Confirmation.lot.in_(passports))
    )
    found: dict[str, set[int]] = {}
    for lot, company, passport in rows:
        if passports[lot] == passport:
            found.setdefault(lot, set()).add(company)
    return {lot: frozenset(companies) for lot, companies in found.items()}


# -- what a bidder says -----------------------------------------------------------------------------------------------


async def acknowledge(session: AsyncSession, *, lot: str, seq: int, actor: Actor, now: datetime) -> int:
    """The company has read the lot's notices up to `seq`; the seq of the last one that it has read."""
    last = await session.scalar(
        select(func.max(BookEvent.seq)).where(
            BookEvent.lot == lot, BookEvent.type == "lot.notice", BookEvent.seq <= seq
        )
    )
    if last is None or actor.company_id is None:
        raise NotFound()
    facts = {"lot": lot, "company_id": actor.company_id, "seq": last, "at": now, "by": actor.public_id}
    await _once(session, Acknowledgement, facts)
    events.record(session, "notice:read", lot, by=actor.public_id, at=now, company=actor.company_id, seq=last)
    return last


async def read_up_to(session: AsyncSession, lot: str, company_id: int | None) -> int:
    """The newest notice of the lot that this company has read; 0 without one."""
    own = (Acknowledgement.lot == lot) & (Acknowledgement.company_id == company_id)
    return await session.scalar(select(func.max(Acknowledgement.seq)).where(own)) or 0


class Change(NamedTuple):
    """A passport that changed under a live bid, and until when its bidder may confirm."""

    passport: str
    seq: int
    until: datetime
    done: bool


async def change_of(session: AsyncSession, lot: str, paddle: int | None, company_id: int | None) -> Change | None:
    """What this bidder is asked to confirm, or has; None when nothing changed under its bids."""
    if paddle is None or company_id is None:
        return None
    told = await session.scalars(
        select(BookEvent).where(BookEvent.lot == lot, BookEvent.type == "lot.notice").order_by(BookEvent.seq.desc())
    )
    for notice in told:
        passport = json.loads(notice.body)["data"]["passport"]
        if passport is None:
            continue
        live = [bid for bid in await _live_bids(session, lot, paddle) if bid.seq < notice.seq]
        if not live:
            return None
        key = {"lot": lot, "company_id": company_id, "passport": passport}
        done = await session.get(Confirmation, key) is not None
        return Change(passport, notice.seq, notice.at + timedelta(hours=24), done)
    return None


async def confirm(session: AsyncSession, *, lot: str, actor: Actor, now: datetime) -> Change:
    """The company keeps its maximum under the changed passport. Said twice, nothing more happens."""
    change = await change_of(session, lot, await _paddle(session, lot, actor), actor.company_id)
    if change is None or actor.company_id is None or (not change.done and now >= change.until):
        raise NotPossible(state="nothing_to_confirm")
    if not change.done:
        facts = {"lot": lot, "company_id": actor.company_id, "passport": change.passport, "at": now}
        await _once(session, Confirmation, facts | {"by": actor.public_id})
        events.record(session, "maximum:confirmed", lot, by=actor.public_id, at=now, company=actor.company_id)
    return change._replace(done=True)


class Slip(NamedTuple):
    """What a bidder says of a bid that it did not mean: what it was, and what was meant. Neither is kept."""

    amount: int
    meant: int


def judge_retraction(
    window: rules.Retraction, ground: Ground, slip: Slip | None, *, placed: datetime, end: datetime | None,
    corrected: bool, now: datetime,
) -> type[Refusal] | None:  # fmt: skip
    """Why staff need not even look at it, or None (bidding spec 4.6)."""
    if ground is Ground.DESCRIPTION:
        return None if corrected else NothingChanged
    if now > placed + timedelta(minutes=window.within_minutes):
        return TooLate
    if end is not None and now + timedelta(hours=window.before_end_hours) >= end:
        return TooLate
    return None if slip and slip.meant > 0 and slip.amount >= window.slip_factor * slip.meant else NoSlip


async def ask_retraction(
    session: AsyncSession, *, window: rules.Retraction, lot: str, n: int, ground: Ground, slip: Slip | None,
    words: str, actor: Actor, now: datetime,
) -> Retraction:  # fmt: skip
    """Staff are asked to void one bid of the company's own."""
    paddle = await _paddle(session, lot, actor)
    bid = next((one for one in await _live_bids(session, lot, paddle or 0) if one.n == n), None)
    stands = await session.get(BookLot, lot)
    if bid is None or stands is None or stands.state not in RUNNING or actor.company_id is None:
        raise NothingToVoid()
    placed = await session.scalar(select(BookEvent.at).where(BookEvent.sale == bid.sale, BookEvent.n == n))
    later = (BookEvent.lot == lot) & (BookEvent.type == "lot.notice") & (BookEvent.seq > bid.seq)
    corrected = await session.scalar(select(func.count()).select_from(BookEvent).where(later)) or 0
    assert placed is not None
    why = judge_retraction(window, ground, slip, placed=placed, end=stands.ends, corrected=corrected > 0, now=now)
    if why is not None:
        raise why()
    if await session.scalar(select(Retraction.id).where(Retraction.sale == bid.sale, Retraction.n == n)):
        raise AskedBefore()
    row = Retraction(public_id=ulid(now), sale=bid.sale, lot=lot, company_id=actor.company_id, n=n, seq=bid.seq)
    row.ground, row.words, row.at, row.by = ground.value, words, now, actor.public_id or ""
    session.add(row)
    told = {"request": row.public_id, "ground": row.ground}
    events.record(session, "retraction:asked", lot, by=actor.public_id, at=now, **told)
    return row


async def grounds_of(
    session: AsyncSession, *, window: rules.Retraction, lot: str, end: datetime | None, paddle: int, now: datetime
) -> dict[int, frozenset[Ground]]:
    """The live bids of this paddle by their number in the sale, each with the grounds on which the house could still
    be asked to void it."""
    bids = await _live_bids(session, lot, paddle)
    if not bids:
        return {}
    placed = select(BookEvent.n, BookEvent.at).where(BookEvent.lot == lot, BookEvent.n.in_([bid.n for bid in bids]))
    at = dict((await session.execute(placed)).all())
    noticed = select(func.max(BookEvent.seq)).where(BookEvent.lot == lot, BookEvent.type == "lot.notice")
    last = await session.scalar(noticed) or 0
    slip = Slip(window.slip_factor, 1)  # as clear as a slip can be: what was meant is not known yet
    return {
        bid.n: frozenset(
            ground
            for ground in Ground
            if judge_retraction(window, ground, slip, placed=at[bid.n], end=end, corrected=last > bid.seq, now=now)
            is None
        )
        for bid in bids
    }


# -- what staff decide ------------------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """A request as staff and its bidder see it. `state`: waiting, declined, proposed, voided or refused by the book."""

    row: Retraction
    company: str
    paddle: int | None
    number: str
    state: str


async def asked_in(session: AsyncSession, sale: str, company_id: int | None = None) -> list[Asked]:
    """The requests of a sale, those that wait first."""
    wanted = (
        select(Retraction, Company.name, Registration.paddle, BookLot.number, StaffOrder)
        .join(Company, Company.id == Retraction.company_id)
        .join(Sale, Sale.public_id == Retraction.sale)
        .join(BookLot, BookLot.lot == Retraction.lot)
        .outerjoin(Registration, (Registration.sale_id == Sale.id) & (Registration.company_id == Retraction.company_id))
        .outerjoin(StaffOrder, StaffOrder.proposal == Retraction.proposal)
        .where(Retraction.sale == sale)
    )
    if company_id is not None:
        wanted = wanted.where(Retraction.company_id == company_id)
    rows = await session.execute(wanted.order_by(Retraction.decided_at.is_not(None), Retraction.id))
    return [Asked(row, name, paddle, number, _state(row, order)) for row, name, paddle, number, order in rows]


async def how_many_wait(session: AsyncSession, sale: str) -> int:
    """The requests of this sale that nobody has decided."""
    waits = select(func.count(Retraction.id)).where(Retraction.sale == sale, Retraction.decision.is_(None))
    return await session.scalar(waits) or 0


async def waiting(session: AsyncSession, sale: str, request: str, *, held: bool = False) -> Retraction:
    """The undecided request, held until the transaction ends if it is to be decided."""
    wanted = select(Retraction).where(Retraction.public_id == request, Retraction.sale == sale)
    row = await session.scalar(wanted.with_for_update() if held else wanted)
    if row is None:
        raise NotFound()
    if row.decision is not None:
        raise NotPossible(state=row.decision)
    return row


def decide(
    session: AsyncSession, row: Retraction, decision: Decision, *, actor: Actor, now: datetime,
    reason: str = "", proposal: str | None = None,
) -> None:  # fmt: skip
    """The decision stands with the request and in the house's log."""
    row.decision, row.decided_at, row.decided_by, row.proposal = decision.value, now, actor.public_id, proposal
    facts = {"request": row.public_id, "reason": reason, "proposal": proposal}
    events.record(session, f"retraction:{decision.value}", row.lot, by=actor.public_id, at=now, **facts)


def _state(row: Retraction, order: StaffOrder | None) -> str:
    if row.decision is None or row.decision == Decision.DECLINED:
        return row.decision or "waiting"
    if order is None or order.done_at is None:
        return "proposed"
    return "voided" if order.code is None else "refused"


async def _live_bids(session: AsyncSession, lot: str, paddle: int) -> list[BookBid]:
    """The accepted bids of this paddle that no void took away."""
    voids = await session.scalars(select(BookEvent.body).where(BookEvent.lot == lot, BookEvent.type == "bid.voided"))
    gone = {seq for body in voids for seq in json.loads(body)["data"]["seqs"]}
    bids = await session.scalars(
        select(BookBid).where(BookBid.lot == lot, BookBid.paddle == paddle, BookBid.seq > 0).order_by(BookBid.n)
    )
    return [bid for bid in bids if bid.seq not in gone]


async def _paddle(session: AsyncSession, lot: str, actor: Actor) -> int | None:
    """The paddle of the actor's company in the sale of this lot."""
    return await session.scalar(
        select(Registration.paddle)
        .join(Sale, Sale.id == Registration.sale_id)
        .join(BookLot, BookLot.sale == Sale.public_id)
        .where(BookLot.lot == lot, Registration.company_id == actor.company_id)
    )


async def _once(session: AsyncSession, model: type[Base], facts: Mapping[str, object]) -> None:
    await session.execute(inserting(session, model).values(**facts).on_conflict_do_nothing())
