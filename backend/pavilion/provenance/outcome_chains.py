"""What the chains of stones say of one party: which stones name it, and the rough it sold on."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import inserting
from pavilion.provenance.models import ChainEvent
from pavilion.provenance.outcome_models import ChainParty

DEALS = ("SOLD_ROUGH", "SOLD", "TRANSFERRED")
PARTS = ("by", "issuer", "from", "to", "for")

Event = Mapping[str, Any]


async def know(session: AsyncSession, stones: Sequence[str]) -> set[str]:
    """The parties to the deals of these stones' chains are known, and answered."""
    wanted = select(ChainEvent.stone, ChainEvent.body).where(ChainEvent.stone.in_(stones), ChainEvent.kind.in_(DEALS))
    pairs = {
        (str(party), row.stone)
        for row in await session.execute(wanted)
        for event in (json.loads(row.body),)
        for party in (event.get(part) for part in PARTS)
        if isinstance(party, str) and 0 < len(party) <= 80
    }
    rows = [{"party": party, "stone": stone} for party, stone in sorted(pairs)]
    if rows:
        await session.execute(inserting(session, ChainParty).on_conflict_do_nothing(), rows)
    return {party for party, _ in pairs}


async def chains_of(session: AsyncSession, parties: Sequence[str]) -> dict[str, list[Event]]:
    """The whole chain of every stone that names one of the parties, as it was signed."""
    if not parties:
        return {}
    named = select(ChainParty.stone).where(ChainParty.party.in_(parties))
    wanted = select(ChainEvent.stone, ChainEvent.body).where(ChainEvent.stone.in_(named))
    found: dict[str, list[Event]] = {}
    for row in await session.execute(wanted.order_by(ChainEvent.stone, ChainEvent.seq)):
        found.setdefault(row.stone, []).append(json.loads(row.body))
    return found


async def rough_sales(session: AsyncSession, parties: Sequence[str]) -> dict[str, int]:
    """The mass of rough these parties are seen to sell, by counterpart. A piece whose stones have several chains is
    sold once."""
    sold: dict[tuple[str, str], int] = {}
    for events in (await chains_of(session, parties)).values():
        masses = masses_of(events)
        for event in events:
            if event["t"] == "SOLD_ROUGH" and event.get("by") in parties and isinstance(event.get("to"), str):
                for piece in objects_of(event):
                    sold[event["to"], piece] = masses.get(piece, 0)
    seen: dict[str, int] = {}
    for (party, _), mct in sold.items():
        seen[party] = seen.get(party, 0) + mct
    return {party: mct for party, mct in seen.items() if mct}


def masses_of(events: Iterable[Event]) -> dict[str, int]:
    """The mass of each piece where it was produced."""
    return {piece: mct for event in events for piece, mct in (event.get("out") or {}).items() if isinstance(mct, int)}


def objects_of(event: Event) -> list[str]:
    named = event.get("obj")
    return [named] if isinstance(named, str) else [str(one) for one in named or ()]
