"""Finding events for those who ask in the words of EPCIS, each told as far as the reader may know it."""

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.instants import stamp
from pavilion.provenance.disclosure import is_open, is_told
from pavilion.provenance.epcis import Ids, told, told_in_part
from pavilion.provenance.log_models import LogEntry
from pavilion.provenance.models import ChainEvent, ExposedStone
from pavilion.provenance.passport_facts import PROCESSES
from pavilion.provenance.reported_models import ReportedEvent, ReportedPiece

PAGE, MOST = 30, 100


class Wanted(NamedTuple):
    """What the events must be; None asks nothing."""

    epc: str | None = None  # address of a stone or piece, or its name
    kind: str | None = None
    since: datetime | None = None
    before: datetime | None = None


class Found(NamedTuple):
    events: Sequence[dict[str, Any]]
    after: tuple[int, int] | None  # where the next page begins


async def events_of(
    session: AsyncSession, actor: Actor, wanted: Wanted, ids: Ids, *, after: tuple[int, int] | None, limit: int
) -> Found:
    """The events of one stone in the order of its chain, and behind them what was reported about its name. Without an
    `epc`, what was reported, for those who may see it."""
    first, rest = after or (0, -1)
    found: list[tuple[tuple[int, int], dict[str, Any]]] = []
    if wanted.epc is not None and first == 0:
        name = _name(wanted.epc)
        if await _may_see(session, actor, name):
            for row in await session.scalars(_narrow(_chain(actor, name, rest), ChainEvent, wanted).limit(limit + 1)):
                found.append(((0, row.seq), shown(row, actor, ids)))
    if len(found) <= limit:
        begin = rest if first == 1 else -1
        for reported in await session.scalars(_reported(actor, wanted, begin).limit(limit + 1 - len(found))):
            found.append(((1, reported.id), _frame(told(json.loads(reported.body), ids), reported.sha256, ids)))
    page = found[:limit]
    return Found([event for _, event in page], page[-1][0] if len(found) > limit else None)


async def event(session: AsyncSession, actor: Actor, name: str, ids: Ids) -> dict[str, Any] | None:
    """The event of that name: `KIND-PLACE` by its place in the log, or the hash of a reported one."""
    kind, _, place = name.rpartition("-")
    if kind and place.isdecimal() and place.isascii() and len(place) < 16:
        entry = await session.get(LogEntry, int(place))
        stone, _, seq = entry.subject.partition("/") if entry is not None and entry.kind == "event" else ("", "", "")
        if not seq.isdecimal() or not await _may_see(session, actor, stone):
            return None
        row = await session.get(ChainEvent, (stone, int(seq)))
        if row is None or row.kind != kind or not (actor.may(Permission.ORIGIN_SEE) or is_told(kind)):
            return None
        return shown(row, actor, ids, name)
    wanted = _reported(actor, Wanted(), -1).where(ReportedEvent.sha256 == name[:64])
    reported = await session.scalar(wanted)
    return None if reported is None else _frame(told(json.loads(reported.body), ids), reported.sha256, ids)


def shown(row: ChainEvent, actor: Actor, ids: Ids, name: str | None = None) -> dict[str, Any]:
    body = json.loads(row.body)
    inside = actor.may(Permission.ORIGIN_SEE) or is_open(row.kind, body)
    said = told(body, ids) if inside else told_in_part(body, ids, row.stone)
    return _frame({**said, "recordTime": stamp(row.recorded_at)}, name or f"{row.stone}.{row.seq}", ids)


def cursor_text(place: tuple[int, int]) -> str:
    return base64.urlsafe_b64encode(f"{place[0]} {place[1]}".encode()).decode()


def cursor_place(text: str) -> tuple[int, int] | None:
    """ValueError never: a cursor that is none begins anew."""
    try:
        part, at = base64.urlsafe_b64decode(text[:60]).decode("ascii").split(" ")
        place = int(part), int(at)
    except ValueError:
        return None
    return place if place[0] in (0, 1) and abs(place[1]) < 2**62 else None


def _frame(said: dict[str, Any], name: str, ids: Ids) -> dict[str, Any]:
    return {"eventID": ids.event(name), **said}


def _name(epc: str) -> str:
    return unquote(epc.rpartition("/id/stone/")[2])[:80]


async def _may_see(session: AsyncSession, actor: Actor, stone: str) -> bool:
    return actor.may(Permission.ORIGIN_SEE) or await session.get(ExposedStone, stone) is not None


def _chain(actor: Actor, stone: str, after: int) -> Select[Any]:
    """Who may not see origins is told what the passport tells: sales and moves between owners did not happen."""
    wanted = select(ChainEvent).where(ChainEvent.stone == stone, ChainEvent.seq > after)
    if not actor.may(Permission.ORIGIN_SEE):
        wanted = wanted.where(ChainEvent.kind.in_(PROCESSES))
    return wanted.order_by(ChainEvent.seq)


def _reported(actor: Actor, wanted: Wanted, after: int) -> Select[Any]:
    """Staff see what anyone reported, a reporter what came from the own hand, others nothing."""
    query = select(ReportedEvent).where(ReportedEvent.id > after).order_by(ReportedEvent.id)
    if not actor.may(Permission.ORIGIN_SEE):
        query = query.where(ReportedEvent.by == (actor.public_id or "-"))
    if wanted.epc is not None:
        touched = select(ReportedPiece.event_id).where(ReportedPiece.piece == _name(wanted.epc))
        query = query.where(ReportedEvent.id.in_(touched))
    return _narrow(query, ReportedEvent, wanted)


def _narrow(query: Select[Any], table: type[ChainEvent] | type[ReportedEvent], wanted: Wanted) -> Select[Any]:
    if wanted.kind is not None:
        query = query.where(table.kind == wanted.kind)
    if wanted.since is not None:
        query = query.where(table.at >= wanted.since)
    return query if wanted.before is None else query.where(table.at < wanted.before)
