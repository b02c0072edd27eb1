"""Verbs on stones: store, show, withdraw, promise, release. The caller opens the transaction and commits it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import String, Table, bindparam, column, func, select, table, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import history
from pavilion.catalogue.history import CHANGES, Told
from pavilion.catalogue.models import AwaitedStone, ChangeKind, CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.unavailable import NotAvailable as NotAvailable
from pavilion.catalogue.unavailable import promised_elsewhere
from pavilion.kernel import events, numbering
from pavilion.kernel.errors import NotFound, Refusal, StaleVersion
from pavilion.kernel.ids import ulid
from pavilion.kernel.money import half_up
from pavilion.kernel.putting import put
from pavilion.kernel.weight import per_carat_minor

MOST_ROWS = 1000  # of one call

_STONES: Table = Stone.__table__  # type: ignore[assignment]
_EXPOSED = table("exposed_stones", column("stone", String(26)))  # provenance's
_SHOWN = (Stone.exposed_id, Stone.listed_at, Stone.withdrawn_at)
_OURS = {"id", "public_id", "supplier_company_id", "stock_no_key", "ratio", "seq"} | {
    "listed_at", "updated_at", "withdrawn_at", "exposed_id", "media", "photo", "office", "lies",
}  # fmt: skip
_GIVEN = [column.key for column in _STONES.columns if column.key not in _OURS]
_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(_GIVEN),
    "species": "diamond",
    "currency": "USD",
    "availability": "subject_to_prior_sale",
    "cutter_named": False,
}


class PriceChanged(Refusal):
    """The price is another than the one that was agreed to; `price` is the one it is now, in minor units."""

    status, code = 409, "price_changed"


class Stored(NamedTuple):
    id: int
    public_id: str
    stock_no: str
    change: str  # added | changed | unchanged
    seq: int


async def store_stones(
    session: AsyncSession, rows: list[dict[str, Any]], *, supplier_company_id: int, now: datetime
) -> list[Stored]:
    """Each row is the supplier's stone of that stock number, in the order given; a withdrawn one comes back.

    Keys are column names of `Stone`; a column that a row does not name stays as it is. A stone is not shown by being
    stored: `expose_stones` does that once its origin is confirmed.
    """
    assert len(rows) <= MOST_ROWS and all(row.keys() <= _DEFAULTS.keys() for row in rows)
    if not rows:
        return []
    keys = [row["stock_no"].casefold() for row in rows]
    assert len(set(keys)) == len(keys), "one row per stock number"
    mine = select(*_STONES.columns).where(
        _STONES.c.supplier_company_id == supplier_company_id, _STONES.c.stock_no_key.in_(keys)
    )
    known = {found["stock_no_key"]: found for found in (await session.execute(mine)).mappings()}
    seq = await _next_seq(session)
    fresh, changed, outcomes, told = [], [], {}, []
    for key, row in zip(keys, rows, strict=True):
        before = known.get(key)
        if before is None:
            facts = _settled(_DEFAULTS | row)
            facts |= {"public_id": ulid(now), "supplier_company_id": supplier_company_id, "stock_no_key": key}
            fresh.append(facts | {"seq": seq, "updated_at": now})
            continue
        facts = _settled({name: before[name] for name in _GIVEN} | row)
        same = before["withdrawn_at"] is None and all(before[name] == value for name, value in facts.items())
        if not same:
            changed.append(facts | {"row_id": before["id"], "seq": seq, "updated_at": now, "withdrawn_at": None})
            told.append(history.stored(before, facts))
        outcomes[key] = Stored(
            before["id"],
            before["public_id"],
            facts["stock_no"],
            "unchanged" if same else "changed",
            before["seq"] if same else seq,
        )
    if fresh:
        await put(session, Stone, fresh)
        made = await session.execute(select(_STONES.c.public_id, _STONES.c.id).where(_STONES.c.seq == seq))
        ids = {row.public_id: row.id for row in made}
        for facts in fresh:
            public_id = facts["public_id"]
            outcomes[facts["stock_no_key"]] = Stored(ids[public_id], public_id, facts["stock_no"], "added", seq)
    if changed:
        await session.execute(update(_STONES).where(_STONES.c.id == bindparam("row_id")), changed)
        await history.record(session, seq, told, now=now)
    return [outcomes[key] for key in keys]


async def expose_stones(session: AsyncSession, stones: Sequence[str], *, now: datetime) -> set[str]:
    """Those of these stones (public ids) that provenance exposes are listed from now on; the answer names them.

    A laboratory report is listed once: a stone whose report another listed stone carries is left out.
    """
    exposed = select(_EXPOSED.c.stone).where(_EXPOSED.c.stone.in_(stones))
    found = await session.execute(
        select(Stone.id, Stone.public_id, Stone.lab, Stone.report_no, *_SHOWN)
        .where(Stone.public_id.in_(exposed))
        .order_by(Stone.id)
    )
    candidates = found.all()
    taken = {(row.lab, row.report_no) for row in candidates if row.exposed_id}
    reports = select(Stone.lab, Stone.report_no).where(
        Stone.report_no.in_({row.report_no for row in candidates}),
        Stone.exposed_id.is_not(None),
        Stone.withdrawn_at.is_(None),
    )
    taken |= {(row.lab, row.report_no) for row in await session.execute(reports)}
    first: dict[tuple[str, str], Any] = {}
    for row in candidates:
        if row.exposed_id is None and (row.lab, row.report_no) not in taken:
            first.setdefault((row.lab, row.report_no), row)
    fresh = [row.public_id for row in first.values()]
    if fresh:
        seq = await _next_seq(session)
        await session.execute(
            update(_STONES)
            .where(_STONES.c.public_id.in_(fresh))
            .values(
                exposed_id=_STONES.c.public_id,
                listed_at=func.coalesce(_STONES.c.listed_at, bindparam("at", now, _STONES.c.listed_at.type)),
                updated_at=now,
                seq=seq,
            )
        )
        await history.record(session, seq, history.shown(first.values(), now), now=now)
    return {row.public_id for row in candidates if row.exposed_id} | set(fresh)


async def verdicts_changed(session: AsyncSession, stones: Sequence[str], *, now: datetime) -> None:
    """Stones (public ids) whose verdict changed are listed or not as it says, and readers of changes learn of it."""
    shown = await expose_stones(session, stones, now=now)
    if lost := [stone for stone in stones if stone not in shown]:
        await touch(session, lost, now=now, told=await history.unlisted(session, lost))


async def withdraw_stones(
    session: AsyncSession, *, supplier_company_id: int, stock_nos: Iterable[str], by: str | None, now: datetime
) -> list[str]:
    """The supplier's stones of these stock numbers are off the list, but for promised ones and those that somebody has
    an appointment to see; the answer names them."""
    keys = [stock_no.casefold() for stock_no in stock_nos]
    promised = select(StoneCommitment.stone_id).where(StoneCommitment.released_at.is_(None))
    wanted = select(Stone.id, Stone.public_id, Stone.exposed_id).where(
        Stone.supplier_company_id == supplier_company_id,
        Stone.stock_no_key.in_(keys),
        Stone.withdrawn_at.is_(None),
        Stone.id.not_in(promised),
        Stone.id.not_in(select(AwaitedStone.stone_id).where(AwaitedStone.until > now)),
    )
    rows = (await session.execute(wanted)).all()
    found = [row.public_id for row in rows]
    if found:
        told = [history.withdrawn(row.id, listed=row.exposed_id is not None) for row in rows]
        await touch(session, found, now=now, told=told, withdrawn_at=now)
        for public_id in found:
            events.record(session, "stone:withdrawn", public_id, by=by, at=now)
    return found


async def commit_stone(
    session: AsyncSession,
    *,
    stone: str,
    kind: CommitmentKind,
    ref: str,
    facts: dict[str, Any],
    by: str | None,
    now: datetime,
) -> StoneCommitment:
    """The stone (public id) is promised to `ref`. Asked twice it is promised once; promised elsewhere it is refused."""
    found = await _locked(session, stone)
    live = await _live_commitment(session, found.id)
    if live is not None and (live.kind, live.ref) == (kind, ref):
        return live
    if live is not None:
        raise promised_elsewhere(stone, live)
    if not found.listed:
        raise NotAvailable(stone=stone, reason="withdrawn" if found.withdrawn_at else "not_verified")
    made = StoneCommitment(stone_id=found.id, exposed_id=found.exposed_id, kind=kind, ref=ref, facts=facts, made_at=now)
    session.add(made)
    await session.flush()  # the partial unique index speaks here, while we can still listen
    await touch(session, [stone], now=now, told=[history.promised(found.id, None, (kind, facts))])
    events.record(session, "stone:committed", stone, by=by, at=now, kind=kind, ref=ref)
    return made


async def set_media(session: AsyncSession, stone: Stone, bits: int, photo: str | None, *, now: datetime) -> None:
    """What there is to look at of the stone (`media_models.BITS`), and the public id of its first photograph."""
    facts = {"media": bits, "photo": photo}
    was = {name: getattr(stone, name) for name in facts}
    told = [Told(stone.id, ChangeKind.CHANGED, was, facts)] if stone.listed_at else []
    await touch(session, [stone.public_id], now=now, told=told, **facts)


class Promise(NamedTuple):
    """A stone (public id), what it is promised to, and what may be told of that."""

    stone: str
    ref: str
    facts: dict[str, Any]


async def commit_stones(
    session: AsyncSession, promises: Sequence[Promise], *, kind: CommitmentKind, by: str | None, now: datetime
) -> None:
    """Every stone is promised, or none: as `commit_stone`, in a handful of statements for a whole list."""
    wanted = {promise.stone: promise for promise in promises}
    live, told = await _promised(session, list(wanted)), []
    for found, standing in live:
        promise = wanted[found.public_id]
        if standing is not None and (standing.kind, standing.ref) == (kind, promise.ref):
            continue
        if standing is not None:
            raise promised_elsewhere(found.public_id, standing)
        if not found.listed:
            raise NotAvailable(stone=found.public_id, reason="withdrawn" if found.withdrawn_at else "not_verified")
        facts = {"kind": kind, "ref": promise.ref, "facts": promise.facts, "made_at": now}
        session.add(StoneCommitment(stone_id=found.id, exposed_id=found.exposed_id, **facts))
        told.append(history.promised(found.id, None, (kind, promise.facts)))
        events.record(session, "stone:committed", found.public_id, by=by, at=now, kind=kind, ref=promise.ref)
    await session.flush()  # the partial unique index speaks here, while we can still listen
    await touch(session, list(wanted), now=now, told=told)


async def release_stones(session: AsyncSession, refs: dict[str, str], *, by: str | None, now: datetime) -> None:
    """The promises of these stones to the thing named beside each are over; other promises stand."""
    freed = [(stone, live) for stone, live in await _promised(session, list(refs)) if live is not None]
    told = []
    for stone, live in freed:
        if live.ref == refs[stone.public_id]:
            live.released_at = now
            told.append(history.promised(stone.id, (live.kind, live.facts), None))
            events.record(session, "stone:released", stone.public_id, by=by, at=now, kind=live.kind, ref=live.ref)
    await session.flush()
    await touch(session, list(refs), now=now, told=told)


async def release_stone(session: AsyncSession, *, stone: str, ref: str, by: str | None, now: datetime) -> bool:
    """The promise to `ref` is over; false when there was none."""
    found = await _locked(session, stone)
    live = await _live_commitment(session, found.id)
    if live is None or live.ref != ref:
        return False
    live.released_at = now
    await session.flush()
    await touch(session, [stone], now=now, told=[history.promised(found.id, (live.kind, live.facts), None)])
    events.record(session, "stone:released", stone, by=by, at=now, kind=live.kind, ref=ref)
    return True


async def sell_stone(session: AsyncSession, *, stone: str, ref: str, by: str | None, now: datetime) -> bool:
    """The promise to `ref` ended in a sale and stays for good; false when there was no such promise."""
    found = await _locked(session, stone)
    live = await _live_commitment(session, found.id)
    if live is None or live.ref != ref:
        return False
    if live.kind != CommitmentKind.SOLD:
        before, live.kind = live.kind, CommitmentKind.SOLD
        await session.flush()
        told = history.promised(found.id, (before, live.facts), (live.kind, live.facts))
        await touch(session, [stone], now=now, told=[told])
        events.record(session, "stone:sold", stone, by=by, at=now, ref=ref)
    return True


async def turn_stone(
    session: AsyncSession,
    *,
    stone: str,
    ref: str,
    kind: CommitmentKind,
    new_ref: str,
    facts: dict[str, Any],
    by: str | None,
    now: datetime,
) -> None:
    """What was promised to `ref` is promised to `new_ref` from this instant; NotAvailable if `ref` has it not."""
    found = await _locked(session, stone)
    live = await _live_commitment(session, found.id)
    if live is not None and (live.kind, live.ref) == (kind, new_ref):
        return
    if live is None or live.ref != ref or live.kind == CommitmentKind.SOLD:
        raise promised_elsewhere(stone, live) if live is not None else NotAvailable(stone=stone, reason="not_promised")
    if not found.listed:
        raise NotAvailable(stone=stone, reason="withdrawn" if found.withdrawn_at else "not_verified")
    live.released_at = now
    await session.flush()
    made = {"kind": kind, "ref": new_ref, "facts": facts, "made_at": now}
    session.add(StoneCommitment(stone_id=found.id, exposed_id=found.exposed_id, **made))
    await session.flush()
    told = history.promised(found.id, (live.kind, live.facts), (kind, facts))
    await touch(session, [stone], now=now, told=[told])
    events.record(session, "stone:released", stone, by=by, at=now, kind=live.kind, ref=ref)
    events.record(session, "stone:committed", stone, by=by, at=now, kind=kind, ref=new_ref)
    if kind == CommitmentKind.SOLD:
        events.record(session, "stone:sold", stone, by=by, at=now, ref=new_ref)


async def refuse_changed(
    session: AsyncSession, *, stone: str, seen: int, price_minor: int | None, held_ref: str | None = None
) -> Stone:
    """The stone, locked, as the one who asks saw it at change `seen` and at this price (None: at that which it had
    then). Promised to another than
    `held_ref` or off the list: NotAvailable; another price: PriceChanged; anything else of it changed: StaleVersion."""
    found = await _locked(session, stone)
    live = await _live_commitment(session, found.id)
    if live is not None and live.ref != held_ref:
        raise promised_elsewhere(stone, live)
    if not found.listed:
        raise NotAvailable(stone=stone, reason="withdrawn" if found.withdrawn_at else "not_verified")
    if price_minor is not None and found.price_total_minor != price_minor:
        raise PriceChanged(stone=stone, price=found.price_total_minor, currency=found.currency, seen=found.seq)
    if price_minor is None and await history.repriced(session, found, seen):
        raise PriceChanged(stone=stone, price=found.price_total_minor, currency=found.currency, seen=found.seq)
    if seen != found.seq:
        raise StaleVersion(stone=stone, seen=found.seq)
    return found


async def _next_seq(session: AsyncSession) -> int:
    """The counter row stays locked until commit, so a reader that saw n has seen everything below n."""
    return await numbering.next_number(session, CHANGES)


async def touch(
    session: AsyncSession, stones: Sequence[str], *, now: datetime, told: Sequence[Told] = (), **values: Any
) -> None:
    """Of the catalogue's own verbs: the stones stand at the next change; `told` is what of it is history."""
    seq = await _next_seq(session)
    values |= {"seq": seq, "updated_at": now}
    await session.execute(update(_STONES).where(_STONES.c.public_id.in_(stones)).values(**values))
    await history.record(session, seq, told, now=now)


async def _hold_verdicts(session: AsyncSession, stones: Sequence[str]) -> None:
    """None of these loses its verdict until the transaction ends; one that is just losing it is waited for. Whoever
    stops a stone locks in this order too: first that it is shown, then the stone."""
    shown = table("exposed_stones", column("stone", String))
    held = select(shown.c.stone).where(shown.c.stone.in_(stones)).order_by(shown.c.stone)
    await session.execute(held.with_for_update(read=True, key_share=True))


async def _locked(session: AsyncSession, stone: str) -> Stone:
    await _hold_verdicts(session, [stone])
    locked = select(Stone).where(Stone.public_id == stone).with_for_update()
    found = await session.scalar(locked.execution_options(populate_existing=True))  # as it is now, not as it was read
    if found is None:
        raise NotFound(stone=stone)
    return found


async def _promised(session: AsyncSession, stones: Sequence[str]) -> list[tuple[Stone, StoneCommitment | None]]:
    """The stones, locked in one order so that two callers never wait for each other in a ring, and their promises."""
    await _hold_verdicts(session, stones)
    locked = select(Stone).where(Stone.public_id.in_(stones)).order_by(Stone.id).with_for_update()
    rows = (await session.scalars(locked.execution_options(populate_existing=True))).all()
    if missing := set(stones) - {row.public_id for row in rows}:
        raise NotFound(stone=min(missing))
    ids = [row.id for row in rows]
    live = select(StoneCommitment).where(StoneCommitment.stone_id.in_(ids), StoneCommitment.released_at.is_(None))
    by_stone = {row.stone_id: row for row in await session.scalars(live)}
    return [(row, by_stone.get(row.id)) for row in rows]


async def _live_commitment(session: AsyncSession, stone_id: int) -> StoneCommitment | None:
    return await session.scalar(
        select(StoneCommitment).where(StoneCommitment.stone_id == stone_id, StoneCommitment.released_at.is_(None))
    )


def _settled(facts: dict[str, Any]) -> dict[str, Any]:
    """The row with what follows from it: the other price, the ratio, modifiers as one text."""
    weight, each, total = facts["weight_mct"], facts["price_per_carat_minor"], facts["price_total_minor"]
    if each is None and total is not None:
        facts["price_per_carat_minor"] = per_carat_minor(total, weight)
    elif total is None and each is not None:
        facts["price_total_minor"] = half_up(each * weight, 1000)
    length, width = facts["length_um"], facts["width_um"]
    facts["ratio"] = half_up(length * 100, width) if length and width else None
    if isinstance(facts["fancy_overtone"], list):
        facts["fancy_overtone"] = " ".join(facts["fancy_overtone"]) or None
    return facts
