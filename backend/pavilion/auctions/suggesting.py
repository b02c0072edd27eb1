"""Estimates that like results suggest for the lots of a draft, and their acceptance as one command."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import bulk, curation, queries, reserves
from pavilion.auctions.changes import draft
from pavilion.auctions.evidence import Evidence, EvidenceOf
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import Broken, SaleState, broken
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import ActNotAllowed, NotFound, Refusal

OPENING, RESERVE = 80, 90  # percent of the low estimate, usual in the house


class SuggestionChanged(Refusal):
    """What was looked at is not what would be suggested now; `lots` names where."""

    status, code = 409, "suggestion_changed"


class Parts(NamedTuple):
    """What follows from the low estimate, in percent of it; none leaves it as it is."""

    opening: int | None = OPENING
    reserve: int | None = None


class Seen(NamedTuple):
    version: int
    low: int
    high: int


class Suggested(NamedTuple):
    """`new` is empty where nothing can be suggested: of a lot of several stones, or of too few results."""

    lot: Lot
    stones: Sequence[Stone]
    evidence: Evidence | None
    old: Mapping[str, int | None]
    new: Mapping[str, int]
    broken: Sequence[Broken]

    @property
    def changes(self) -> bool:
        return any(self.old[name] != value for name, value in self.new.items())

    @property
    def seen(self) -> str:
        return f"{self.lot.public_id}:{self.lot.version}:{self.new.get('low_minor', 0)}:{self.new.get('high_minor', 0)}"


async def suggest(
    session: AsyncSession,
    sale: Sale,
    lots: Sequence[str],
    parts: Parts,
    evidence_of: EvidenceOf,
    actor: Actor,
    now: datetime,
) -> list[Suggested]:
    """For the named lots of a draft, or all, in running order."""
    if sale.state != SaleState.DRAFT or sale.type == SaleType.COLLECTION:
        raise ActNotAllowed(state=sale.state)
    wanted = select(Lot).where(Lot.sale_id == sale.id).order_by(Lot.rank)
    rows = (await session.scalars(wanted.where(Lot.public_id.in_(lots)) if lots else wanted)).all()
    if lots and len(rows) != len(set(lots)):
        raise NotFound()
    stones = await queries.stones_by_lot(session, [lot.id for lot in rows], actor)
    single = [held[0] for held in stones.values() if len(held) == 1]
    told = await evidence_of(session, single, sale.currency, now)
    sees = actor.may(Permission.RESERVE_SEE)
    return [
        _suggested(
            sale,
            lot,
            stones[lot.id],
            told.get(stones[lot.id][0].public_id) if len(stones[lot.id]) == 1 else None,
            parts,
            reserves.reserve_of(session, lot) if sees else None,
        )
        for lot in rows
    ]


async def of_lot(
    session: AsyncSession, sale: Sale, lot: str, evidence_of: EvidenceOf, actor: Actor, now: datetime
) -> Suggested | None:
    """For one lot; none where nothing is suggested any more."""
    if sale.state != SaleState.DRAFT or sale.type == SaleType.COLLECTION:
        return None
    return (await suggest(session, sale, [lot], Parts(), evidence_of, actor, now))[0]


async def accept(
    session: AsyncSession,
    *,
    sale: str,
    seen: Mapping[str, Seen],
    parts: Parts,
    evidence_of: EvidenceOf,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """The lots have the figures that were looked at, as one command; a suggestion that is another one by now is
    refused."""
    row = await draft(session, sale)
    found = await suggest(session, row, list(seen), parts, evidence_of, actor, now)
    if other := [one.lot.public_id for one in found if not _as_seen(one, seen[one.lot.public_id])]:
        raise SuggestionChanged(lots=other)
    edits: dict[str, tuple[int, Mapping[str, Any]]] = {
        one.lot.public_id: (seen[one.lot.public_id].version, one.new) for one in found
    }
    await curation.edit_lots(session, sale=sale, edits=edits, kind="estimates", reason=reason, actor=actor, now=now)


def _as_seen(one: Suggested, seen: Seen) -> bool:
    return bool(one.new) and (one.new["low_minor"], one.new["high_minor"]) == (seen.low, seen.high)


def _suggested(
    sale: Sale, lot: Lot, stones: Sequence[Stone], evidence: Evidence | None, parts: Parts, reserve: int | None
) -> Suggested:
    span = evidence.span if evidence else None
    if span is None or span.low <= 0:
        return Suggested(lot, stones, evidence, {}, {}, ())
    low, high = bulk.outwards(span.low, span.high, sale.increments)
    said = {
        "low_minor": low,
        "high_minor": high,
        "opening_minor": bulk.part_of(sale.increments, low, parts.opening) if parts.opening else None,
        "reserve_minor": bulk.part_of(sale.increments, low, parts.reserve) if parts.reserve else None,
    }
    new = {name: value for name, value in said.items() if value is not None}
    stands = {
        "low_minor": lot.low_minor,
        "high_minor": lot.high_minor,
        "opening_minor": lot.opening_minor,
        "reserve_minor": reserve,
    }
    after = {name.removesuffix("_minor"): value for name, value in (stands | new).items()}
    faults = broken(sale.increments, **after)
    return Suggested(lot, stones, evidence, {name: stands[name] for name in new}, new, faults)
