"""Orders: placed in one transaction, answered by the owner, settled, called off (settlement spec 11.4)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor
from pavilion.auctions.titles import title_of
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.kernel import events
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import ActNotAllowed, BadInput, KeyReused, NotFound
from pavilion.kernel.ids import ulid
from pavilion.trading import conditions, holding, queueing
from pavilion.trading.models import Order, OrderLine
from pavilion.trading.rules import CANCELLABLE, CONFIRM_FOR, OrderSource, OrderState, order_may, short, unanswered

GUARANTEED = "guaranteed"  # the owner's word that a listed stone is there to be bought
MOST_LINES = 100
REASON_LEAST, REASON_MOST = 10, 2_000


class Line(NamedTuple):
    """A stone as its buyer saw it. `held_ref`: the hold, offer or memo that keeps it for the buyer."""

    stone: str
    seen: int
    price_minor: int
    held_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """What is bought for one price, its stones locked and found free."""

    stones: tuple[Stone, ...]
    price_minor: int
    title_en: str
    title_zh: str
    held_ref: str | None = None
    lot: str | None = None


async def place_order(
    session: AsyncSession,
    *,
    company_id: int,
    destination: str,
    lines: Sequence[Line],
    source: OrderSource,
    source_ref: str | None,
    key: str,
    actor: Actor,
    now: datetime,
) -> Order:
    """The stones are sold to the company at these prices, all of them or none; said twice with one key, once."""
    said = digest(destination, [list(line) for line in lines], source, source_ref)
    if (known := await known_order(session, company_id, key, said)) is not None:
        return known
    if not 0 < len(lines) <= MOST_LINES or len({line.stone for line in lines}) != len(lines):
        raise BadInput(fields={"stones": "bad_input"})
    await holding.keep_on(session, [line.held_ref for line in lines if line.held_ref], company_id, now)
    pieces = [await _piece(session, line, company_id, source, now) for line in await _in_order(session, lines)]
    sellers = {(piece.stones[0].supplier_company_id, piece.stones[0].currency) for piece in pieces}
    if len(sellers) != 1:
        raise BadInput(fields={"stones": "several_sellers"})
    asked = source == OrderSource.BUY_NOW and any(one.stones[0].availability != GUARANTEED for one in pieces)
    return await write_order(
        session,
        company_id=company_id,
        destination=destination,
        pieces=pieces,
        entity=conditions.house_of([one for piece in pieces for one in piece.stones]).code,
        currency=pieces[0].stones[0].currency,
        seller_company_id=pieces[0].stones[0].supplier_company_id,
        confirm_by=now + CONFIRM_FOR if asked else None,
        source=source,
        source_ref=source_ref,
        key=key,
        body_sha256=said,
        actor=actor,
        now=now,
    )


async def write_order(
    session: AsyncSession,
    *,
    company_id: int,
    destination: str,
    pieces: Sequence[Piece],
    entity: str,
    currency: str,
    seller_company_id: int,
    confirm_by: datetime | None,
    source: OrderSource,
    source_ref: str | None,
    key: str,
    body_sha256: str,
    actor: Actor,
    now: datetime,
) -> Order:
    """The order of these pieces stands, and its stones are promised to nothing else."""
    total = sum(piece.price_minor for piece in pieces)
    stones = [stone for piece in pieces for stone in piece.stones]
    await conditions.refuse_unfit(
        session, company_id=company_id, stones=stones, destination=destination, total_minor=total, on_credit=False,
        now=now,
    )  # fmt: skip
    order = Order(public_id=ulid(now), company_id=company_id, seller_company_id=seller_company_id, entity=entity)
    order.currency, order.destination, order.total_minor = currency, destination, total
    order.source, order.source_ref, order.key, order.body_sha256 = source, source_ref, key, body_sha256
    order.placed_by, order.placed_at, order.confirm_by = actor.public_id, now, confirm_by
    order.state = OrderState.PLACED if confirm_by else OrderState.CONFIRMED
    session.add(order)
    await session.flush()
    for place, piece in enumerate(pieces, 1):
        session.add(_line(order, place, piece, now))
        await _sell(session, order, piece, actor.public_id, now)
    await session.flush()
    _told(session, order, "placed", actor.public_id, now)
    if order.state == OrderState.CONFIRMED:
        _told(session, order, "confirmed", None, now)
    return order


async def known_order(session: AsyncSession, company_id: int, key: str, body_sha256: str) -> Order | None:
    """What this key has done already. One act of a company at a time, so that the second finds the first."""
    await one_at_a_time(session, f"trade:{company_id}")
    order = await session.scalar(select(Order).where(Order.company_id == company_id, Order.key == key))
    if order is not None and order.body_sha256 != body_sha256:
        raise KeyReused()
    return order


def digest(*said: object) -> str:
    return sha256(json.dumps(said, default=str, separators=(",", ":")).encode()).hexdigest()


async def answer(
    session: AsyncSession, *, order: str, yes: bool, reason: str, company_id: int, actor: Actor, now: datetime
) -> Order:
    """The owner confirms, or refuses, and then the stones are free again. After its day silence has answered."""
    row = await locked(session, order)
    if row.seller_company_id != company_id:
        raise NotFound()
    if row.state == OrderState.CONFIRMED and yes:
        return row
    if row.state == OrderState.REFUSED and not yes:
        return row
    if row.state != OrderState.PLACED or unanswered(row.confirm_by, now):
        raise ActNotAllowed(state=row.state)
    return await _answered(session, row, yes, reason, actor.public_id, now)


async def answer_for_the_silent(session: AsyncSession, order: str, *, now: datetime) -> bool:
    """The owner's day is over: what silence means for this house and this owner has been done."""
    row = await locked(session, order)
    if row.state != OrderState.PLACED or not unanswered(row.confirm_by, now):
        return False
    yes = await conditions.silence_confirms(session, row.entity, row.seller_company_id)
    await _answered(session, row, yes, "", None, now)
    return True


async def move(
    session: AsyncSession, order: Order, to: OrderState, *, by: str | None, now: datetime, invoice: str | None = None
) -> None:
    """Settlement says how far the order has come; the caller has locked it. A step it has made already is none."""
    if order.state == to:
        return
    if not order_may(order.state, to):
        raise ActNotAllowed(state=order.state)
    order.state, order.version = to, order.version + 1
    order.invoice = invoice or order.invoice
    await session.flush()
    _told(session, order, str(to), by, now)


async def cancel(session: AsyncSession, order: Order, *, reason: str, by: str | None, now: datetime) -> None:
    """The order is called off and its stones can be sold to others. The caller has locked it, and seen to the money."""
    await move(session, order, OrderState.CANCELLED, by=by, now=now)
    order.reason = reason
    await _free(session, order, by, now)


async def propose_cancel(session: AsyncSession, *, order: str, reason: str, actor: Actor, now: datetime) -> Proposal:
    """The order is called off once a second person agrees; only while it is not paid."""
    row = await locked(session, order)
    if OrderState(row.state) not in CANCELLABLE:
        raise ActNotAllowed(state=row.state)
    reason = " ".join(reason.split())
    if not REASON_LEAST <= len(reason) <= REASON_MOST:
        raise BadInput(fields={"reason": "reason_needed"})
    facts = {"order": order, "name": short(order), "amount_minor": row.total_minor, "currency": row.currency}
    return await accounts.propose(
        session, kind="order.cancel", subject=order, facts=facts, actor=actor, now=now, reason=reason
    )


async def locked(session: AsyncSession, public_id: str) -> Order:
    wanted = select(Order).where(Order.public_id == public_id).with_for_update()
    row = await session.scalar(wanted.execution_options(populate_existing=True))
    if row is None:
        raise NotFound()
    return row


async def lines_of(session: AsyncSession, order: Order) -> Sequence[OrderLine]:
    return (
        await session.scalars(select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.place))
    ).all()


async def _in_order(session: AsyncSession, lines: Sequence[Line]) -> list[Line]:
    """As their stones are locked, so that two buyers never wait for each other in a ring."""
    ids = select(Stone.public_id, Stone.id).where(Stone.public_id.in_([line.stone for line in lines]))
    turn = {row.public_id: row.id for row in await session.execute(ids)}
    if missing := {line.stone for line in lines} - turn.keys():
        raise NotFound(stone=min(missing))
    return sorted(lines, key=lambda line: turn[line.stone])


async def _piece(session: AsyncSession, line: Line, company_id: int, source: OrderSource, now: datetime) -> Piece:
    """An agreed price stands whatever the list says now; a buyer at the listed price must have seen that one."""
    listed = line.price_minor if source == OrderSource.BUY_NOW else None
    found = await holding.free(
        session, line.stone, line.seen, company_id, now, price_minor=listed, held_ref=line.held_ref
    )
    if line.price_minor <= 0:
        raise BadInput(fields={"price": "amount_invalid"})
    return Piece((found,), line.price_minor, title_of([found], "en"), title_of([found], "zh"), line.held_ref)


def _line(order: Order, place: int, piece: Piece, now: datetime) -> OrderLine:
    line = OrderLine(public_id=ulid(now), order_id=order.id, place=place, lot=piece.lot, price_minor=piece.price_minor)
    line.stones = [stone.public_id for stone in piece.stones]
    line.title_en, line.title_zh, line.facts = piece.title_en[:200], piece.title_zh[:200], _facts(piece.stones)
    return line


def _facts(stones: Sequence[Stone]) -> dict[str, Any]:
    """As the stones stood when they were bought."""
    return {
        "stones": [stone.public_id for stone in stones],
        "stock_no": ", ".join(stone.stock_no for stone in stones),
        "weight_mct": sum(stone.weight_mct for stone in stones),
        "report": ", ".join(f"{stone.lab} {stone.report_no}" for stone in stones if stone.report_no),
        "species": stones[0].species,
        "mine_country": stones[0].mine_country,
    }


async def _sell(session: AsyncSession, order: Order, piece: Piece, by: str | None, now: datetime) -> None:
    """The promise of each stone passes from what kept it to the order, in the same instant."""
    kind = CommitmentKind.SOLD
    for stone in (one.public_id for one in piece.stones):
        if piece.held_ref is None:
            await catalogue.commit_stone(session, stone=stone, kind=kind, ref=order.public_id, facts={}, by=by, now=now)
            events.record(session, "stone:sold", stone, by=by, at=now, ref=order.public_id)
        else:
            await catalogue.turn_stone(
                session, stone=stone, ref=piece.held_ref, kind=kind, new_ref=order.public_id, facts={}, by=by, now=now
            )
        await queueing.gone(session, stone, now)
    if piece.held_ref is not None and await holding.is_hold(session, piece.held_ref):
        await holding.converted(session, ref=piece.held_ref, by=by, now=now)


async def _answered(
    session: AsyncSession, order: Order, yes: bool, reason: str, by: str | None, now: datetime
) -> Order:
    await move(session, order, OrderState.CONFIRMED if yes else OrderState.REFUSED, by=by, now=now)
    order.answered_at, order.reason = now, reason
    if not yes:
        await _free(session, order, by, now)
    return order


async def _free(session: AsyncSession, order: Order, by: str | None, now: datetime) -> None:
    for line in await lines_of(session, order):
        for stone in sorted(line.stones):
            await catalogue.release_stone(session, stone=stone, ref=order.public_id, by=by, now=now)
    await session.flush()


def _told(session: AsyncSession, order: Order, what: str, by: str | None, now: datetime) -> None:
    facts = {"company_id": order.company_id, "seller_company_id": order.seller_company_id, "source": order.source}
    events.record(session, f"order:{what}", order.public_id, by=by, at=now, **facts, state=str(order.state))
