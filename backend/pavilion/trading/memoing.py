"""A memo before it leaves the house: asked for, answered by the owner, taken back, prolonged (settlement spec 11.5)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.auctions.business_days import business_days_after
from pavilion.auctions.entities import Entity, entities
from pavilion.auctions.queries import HOUSE
from pavilion.auctions.titles import title_of
from pavilion.catalogue import service as catalogue
from pavilion.catalogue import unavailable
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.catalogue.queries import visible_to
from pavilion.kernel import events
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import ActNotAllowed, BadInput, KeyReused, NotAllowed, NotFound, Refusal
from pavilion.kernel.ids import is_ulid, ulid
from pavilion.kernel.numbering import next_number
from pavilion.provenance import warranty_texts
from pavilion.trading import conditions, holding, placing, queueing
from pavilion.trading.desk import desk_of
from pavilion.trading.memo_models import Memo, MemoStone
from pavilion.trading.memo_rules import (
    DAYS,
    MOST_DAYS,
    MOST_STONES,
    SERIES,
    MemoState,
    StoneState,
    end_of,
    memo_may,
    memo_number,
    settled,
    state_at,
)
from pavilion.trading.offering import OF_THE_BUYER, BuyerUnfit

DIAMOND = "diamond"


class StoneAwaited(Refusal):
    """Somebody still comes to see it: it does not leave the house before."""

    status, code = 409, "stone_awaited"


async def ask(
    session: AsyncSession,
    *,
    stones: Sequence[str],
    seen: int,
    days: int | None,
    destination: str,
    key: str,
    actor: Actor,
    now: datetime,
) -> Memo:
    """The company asks the owner for these stones at their asking prices. Nothing is kept for it before the owner has
    said yes. `seen` is the latest change of any of the stones, as read; said twice with one key, it is one memo."""
    company, names = _company(actor), sorted(set(stones))
    if not 0 < len(names) == len(stones) <= MOST_STONES:
        raise BadInput(fields={"stones": "bad_input"})
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise BadInput(fields={"days": "bad_input"})
    said = placing.digest(names, seen, days, destination)
    await one_at_a_time(session, f"trade:{company}")
    known = await session.scalar(select(Memo).where(Memo.company_id == company, Memo.key == key))
    if known is not None and known.body_sha256 != said:
        raise KeyReused()
    if known is not None:
        return known
    found = await _as_seen(session, names, seen, company, now)
    total = sum(stone.price_total_minor or 0 for stone in found)
    await conditions.refuse_unfit(
        session, company_id=company, stones=found, destination=destination, total_minor=total, on_credit=True, now=now
    )
    await _refuse_awaited(session, names, now)
    row = Memo(public_id=ulid(now), company_id=company, seller_company_id=found[0].supplier_company_id)
    row.entity, row.currency, row.destination = conditions.house_of(found).code, found[0].currency, destination
    row.state, row.total_minor = MemoState.REQUESTED, total
    row.days = days or desk_of(entities()[row.entity]).memo_days
    row.key, row.body_sha256, row.asked_by, row.requested_at = key, said, actor.public_id or "", now
    session.add(row)
    await session.flush()
    session.add_all(_line(row, place, stone) for place, stone in enumerate(found, 1))
    await session.flush()
    told(session, row, "requested", actor.public_id, now)
    return row


async def approve(
    session: AsyncSession, *, memo: str, insured_minor: int | None, company_id: int, actor: Actor, now: datetime
) -> Memo:
    """The owner entrusts the stones to the buyer: the memo has its number, its due day and its insured sum, and the
    stones are promised to it alone. What keeps the buyer from it is between the buyer and the house."""
    row = await of_owner(session, memo, company_id)
    if row.state == MemoState.APPROVED:
        return row
    _must(row, MemoState.APPROVED, now)
    if insured_minor is not None and insured_minor < row.total_minor:
        raise BadInput(fields={"insured": "insured_too_low"})
    stones = await stones_of(session, row)
    names = [stone.public_id for stone in stones]
    for name in sorted(names):  # no booking of it is written meanwhile: viewings pass by the same words
        await one_at_a_time(session, f"stone:{name}")
    try:
        await conditions.refuse_unfit(
            session, company_id=row.company_id, stones=stones, destination=row.destination,
            total_minor=row.total_minor, on_credit=True, now=now,
        )  # fmt: skip
    except OF_THE_BUYER as refused:
        raise BuyerUnfit() from refused
    await _refuse_awaited(session, names, now)
    await _number(session, row, stones, now)
    row.insured_minor = insured_minor or row.total_minor
    await holding.lapse(session, names, now)
    for stone in stones:
        await _keep(session, row, stone.public_id, actor.public_id, now)
    await move(session, row, MemoState.APPROVED, actor.public_id, now)
    row.answered_at = now
    return row


async def refuse(
    session: AsyncSession, *, memo: str, reason: str, company_id: int, actor: Actor, now: datetime
) -> Memo:
    """The owner says no, or takes the word back before anything has left the house."""
    row = await of_owner(session, memo, company_id)
    if row.state == MemoState.REFUSED:
        return row
    return await call_off(session, row, reason, actor.public_id, now)


async def withdraw(session: AsyncSession, *, memo: str, company_id: int, actor: Actor, now: datetime) -> Memo:
    """The buyer wants the stones no longer; nothing has left the house."""
    row = await of_buyer(session, memo, company_id)
    if row.state == MemoState.REFUSED:
        return row
    return await call_off(session, row, "memo_withdrawn", actor.public_id, now)


async def call_off(session: AsyncSession, row: Memo, reason: str, by: str | None, now: datetime) -> Memo:
    """Nothing of it leaves the house, and its stones can be had by others."""
    _must(row, MemoState.REFUSED, now)
    row.reason = reason
    for line in await lines_of(session, row):
        await let_go(session, row, line, StoneState.RELEASED, by, now)
    await move(session, row, MemoState.REFUSED, by, now)
    row.ended_at = now
    return row


async def ask_extension(session: AsyncSession, *, memo: str, company_id: int, actor: Actor, now: datetime) -> Memo:
    """The buyer asks the owner for more days."""
    row = await of_buyer(session, memo, company_id)
    _must_be_out(row, now)
    if row.extension_asked_at is None:
        row.extension_asked_at = now
        told(session, row, "extension_asked", actor.public_id, now)
    return row


async def extend(
    session: AsyncSession, *, memo: str, extensions: int, yes: bool, company_id: int, actor: Actor, now: datetime
) -> Memo:
    """Due a week later if the owner says yes, as often as the house agrees to. `extensions`: how many there were when
    it was said, so that said twice it is done once."""
    row = await of_owner(session, memo, company_id)
    if yes and row.extensions == extensions + 1:
        return row
    _must_be_out(row, now)
    if row.extensions != extensions:
        raise ActNotAllowed(state=row.state)
    row.extension_asked_at = None
    if yes:
        await _refuse_awaited(session, [line.stone for line in await lines_of(session, row)], now)
        assert row.due is not None
        row.extensions, row.version = row.extensions + 1, row.version + 1
        due_on(row, row.due + timedelta(days=DAYS))
        await unavailable.say_of(session, row.public_id, kept_until(row))
    await session.flush()
    told(session, row, "extended" if yes else "extension_refused", actor.public_id, now)
    return row


def _must_be_out(row: Memo, now: datetime) -> None:
    if (
        state_at(row.state, row.due_at, now) != MemoState.OUT
        or row.extensions >= desk_of(entities()[row.entity]).memo_extensions
    ):
        raise ActNotAllowed(state=state_at(row.state, row.due_at, now))


async def finish(session: AsyncSession, row: Memo, by: str | None, now: datetime) -> None:
    """The memo has ended once nothing of it is out any more."""
    end = settled([line.state for line in await lines_of(session, row)])
    if end is not None and row.state != end:
        await move(session, row, end, by, now)
        row.ended_at = now


async def let_go(
    session: AsyncSession, row: Memo, line: MemoStone, to: StoneState, by: str | None, now: datetime
) -> None:
    """The stone is promised to this memo no longer; who waits for it is told."""
    line.state = to
    await session.flush()
    if await catalogue.release_stone(session, stone=line.stone, ref=row.public_id, by=by, now=now):
        await queueing.tell_next(session, line.stone, now)


async def of_owner(session: AsyncSession, memo: str, company_id: int) -> Memo:
    row = await locked(session, memo)
    if row.seller_company_id != company_id:
        raise NotFound()
    return row


async def of_buyer(session: AsyncSession, memo: str, company_id: int) -> Memo:
    row = await locked(session, memo)
    if row.company_id != company_id:
        raise NotFound()
    return row


async def locked(session: AsyncSession, public_id: str) -> Memo:
    """One act of its buyer's company at a time, and of the memo too."""
    buyer = (
        await session.scalar(select(Memo.company_id).where(Memo.public_id == public_id)) if is_ulid(public_id) else None
    )
    if buyer is None:
        raise NotFound()
    await one_at_a_time(session, f"trade:{buyer}")
    wanted = select(Memo).where(Memo.public_id == public_id).with_for_update()
    return (await session.scalars(wanted.execution_options(populate_existing=True))).one()


async def lines_of(session: AsyncSession, row: Memo) -> Sequence[MemoStone]:
    wanted = select(MemoStone).where(MemoStone.memo_id == row.id).order_by(MemoStone.place)
    return (await session.scalars(wanted)).all()


async def stones_of(session: AsyncSession, row: Memo) -> Sequence[Stone]:
    """In the order in which they are locked."""
    wanted = visible_to(HOUSE).join(MemoStone, MemoStone.stone == Stone.public_id).where(MemoStone.memo_id == row.id)
    return (await session.scalars(wanted.order_by(Stone.id).execution_options(populate_existing=True))).all()


def due_on(row: Memo, day: date) -> None:
    house = entities()[row.entity]
    row.due_on, row.due_at = day.isoformat(), end_of(day, house.zone)
    row.bill_on = business_days_after(day, desk_of(house).memo_bill_days, house.holidays).isoformat()


def kept_until(row: Memo) -> dict[str, Any]:
    """What may be told to everybody of where the stone is."""
    assert row.due_at is not None
    return {"date": row.due_on, "until": row.due_at.isoformat()}


def told(session: AsyncSession, row: Memo, what: str, by: str | None, now: datetime, **more: Any) -> None:
    """No name and no amount: events are read by more than the two who may know them."""
    facts = {"company_id": row.company_id, "seller_company_id": row.seller_company_id, **more}
    events.record(session, f"memo:{what}", row.public_id, by=by, at=now, **facts)


async def _as_seen(
    session: AsyncSession, names: Sequence[str], seen: int, company: int, now: datetime
) -> Sequence[Stone]:
    """The stones, free for the company or held by it, of one owner, with a price each."""
    wanted = visible_to(HOUSE).where(Stone.public_id.in_(names)).order_by(Stone.id)
    rows = (await session.scalars(wanted.execution_options(populate_existing=True))).all()
    if len(rows) != len(names):
        raise NotFound()
    as_seen, found = holding.as_seen(rows, seen), []
    for stone in rows:
        held = await holding.standing(session, stone.public_id, company, now)
        found.append(await holding.free(
            session, stone.public_id, as_seen[stone.public_id], company, now,
            held_ref=held.public_id if held is not None else None,
        ))  # fmt: skip
    if len({(one.supplier_company_id, one.currency) for one in found}) != 1:
        raise BadInput(fields={"stones": "several_sellers"})
    if any(not one.price_total_minor for one in found):
        raise BadInput(fields={"stones": "price_missing"})
    return found


async def _refuse_awaited(session: AsyncSession, names: Sequence[str], now: datetime) -> None:
    coming = await unavailable.awaited(session, names, now)
    if coming:
        stone = min(coming)
        raise StoneAwaited(stone=stone, until=coming[stone].isoformat())


async def _keep(session: AsyncSession, row: Memo, stone: str, by: str | None, now: datetime) -> None:
    """The buyer's own hold becomes the memo; whatever else the stone is promised to stays."""
    kept: dict[str, Any] = {"kind": CommitmentKind.ON_MEMO, "facts": kept_until(row), "by": by, "now": now}
    held = await holding.standing(session, stone, row.company_id, now)
    if held is None:
        await queueing.refuse_after_others(session, stone, row.company_id, now)
        await catalogue.commit_stone(session, stone=stone, ref=row.public_id, **kept)
    else:
        await catalogue.turn_stone(session, stone=stone, ref=held.public_id, new_ref=row.public_id, **kept)
        await holding.converted(session, ref=held.public_id, by=by, now=now)
    await queueing.served(session, stone, row.company_id, now)


async def _number(session: AsyncSession, row: Memo, stones: Sequence[Stone], now: datetime) -> None:
    """The next of the house's series, never an earlier day than the number before it, and what the paper says."""
    house = entities()[row.entity]
    today = now.astimezone(ZoneInfo(house.zone)).date()
    taken = await next_number(session, f"{SERIES}-{house.code}-{today.year}")
    last = await session.scalar(
        select(Memo.issued_on).where(Memo.number == memo_number(house.code, today.year, taken - 1))
    )
    day = max(today, date.fromisoformat(last)) if last else today
    row.number, row.issued_on = memo_number(house.code, today.year, taken), day.isoformat()
    due_on(row, day + timedelta(days=row.days))
    said: dict[str, Any] = {"due_on": row.due_on, "bill_days": desk_of(house).memo_bill_days}
    for part, company_id in (("owner", row.seller_company_id), ("buyer", row.company_id)):
        firm = await session.get_one(Company, company_id)
        said[part] = {"name": firm.name, "city": firm.city, "country": firm.country, "tax_no": firm.tax_no}
    said["house"] = _house(house)
    if any(stone.species == DIAMOND for stone in stones):
        text = warranty_texts.given_by(house.code, house.name, house.self_assessed(day), day)
        row.warranty_id, row.warranty_sha256 = text["id"], text["sha256"]
        said["warranty"] = text
    row.facts = said


def _house(house: Entity) -> dict[str, Any]:
    return {"name": house.name, "address": list(house.address), "tax_no": house.tax_no}


def _line(row: Memo, place: int, stone: Stone) -> MemoStone:
    line = MemoStone(memo_id=row.id, stone=stone.public_id, place=place, price_minor=stone.price_total_minor)
    line.title_en, line.title_zh = title_of([stone], "en")[:200], title_of([stone], "zh")[:200]
    report = f"{stone.lab} {stone.report_no}" if stone.report_no else ""
    line.facts = {"stock_no": stone.stock_no, "weight_mct": stone.weight_mct, "report": report}
    line.facts |= {"species": stone.species, "mine_country": stone.mine_country}
    line.state = StoneState.WAITING
    return line


def _must(row: Memo, to: MemoState, now: datetime) -> None:
    if not memo_may(row.state, to):
        raise ActNotAllowed(state=state_at(row.state, row.due_at, now))


async def move(session: AsyncSession, row: Memo, to: MemoState, by: str | None, now: datetime) -> None:
    row.state, row.version = to, row.version + 1
    await session.flush()
    told(session, row, str(to), by, now)


def _company(actor: Actor) -> int:
    if actor.company_id is None:
        raise NotAllowed(right="company")
    return actor.company_id
