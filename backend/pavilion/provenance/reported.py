"""Reading what parties reported to the house themselves."""

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance.lineage import BACK, GONE
from pavilion.provenance.models import ChainUse
from pavilion.provenance.registries.port import PRODUCERS
from pavilion.provenance.reported_models import ReportedEvent, ReportedPiece

REPORTED = "stone:reported"  # subject: a piece; whoever keeps verdicts looks at it again
AT_ONCE = 5_000  # names asked for in one query
HANDLING = ("VIEWED", "TRANSFERRED")  # whoever has a stone in his hands weighs it before and after


async def about(session: AsyncSession, pieces: Sequence[str]) -> list[ReportedEvent]:
    """What was reported about these pieces, in the order in which it happened."""
    touched = select(ReportedPiece.event_id).where(ReportedPiece.piece.in_(pieces))
    wanted = select(ReportedEvent).where(ReportedEvent.id.in_(touched)).order_by(ReportedEvent.at, ReportedEvent.id)
    return list(await session.scalars(wanted))


async def under_notice(session: AsyncSession, pieces: Iterable[str]) -> frozenset[str]:
    """Those of the pieces that somebody reported as lost, stolen or withdrawn and nobody as back (ID-06)."""
    if await session.scalar(select(ReportedEvent.id).where(ReportedEvent.kind.in_(GONE)).limit(1)) is None:
        return frozenset()  # the usual case, without asking for each piece
    names, gone = sorted(set(pieces)), set[str]()
    for start in range(0, len(names), AT_ONCE):
        rows = await session.execute(
            select(ReportedPiece.piece, ReportedEvent.kind)
            .join(ReportedEvent, ReportedEvent.id == ReportedPiece.event_id)
            .where(ReportedPiece.piece.in_(names[start : start + AT_ONCE]), ReportedEvent.kind.in_(GONE | BACK))
            .order_by(ReportedEvent.at, ReportedEvent.id)
        )
        for piece, kind in rows:
            gone.add(piece) if kind in GONE else gone.discard(piece)
    return frozenset(gone)


async def weighed_apart(
    session: AsyncSession, pieces: Iterable[str], limit_mct: int
) -> dict[str, tuple[tuple[int, int], ...]]:
    """For each piece, the masses before and after those reported handlings that changed it by more than the limit, the
    first first (CU-04)."""
    found: dict[str, tuple[tuple[int, int], ...]] = {}
    names = sorted(set(pieces))
    for start in range(0, len(names), AT_ONCE):
        rows = await session.execute(
            select(ReportedPiece.piece, ReportedEvent.body)
            .join(ReportedEvent, ReportedEvent.id == ReportedPiece.event_id)
            .where(ReportedPiece.piece.in_(names[start : start + AT_ONCE]), ReportedEvent.kind.in_(HANDLING))
            .order_by(ReportedEvent.at, ReportedEvent.id)
        )
        for piece, body in rows:
            said = json.loads(body)
            before, after = said.get("mct_before"), said.get("mct_after")
            if type(before) is int and type(after) is int and abs(before - after) > limit_mct:
                found[piece] = (*found.get(piece, ()), (before, after))
    return found


async def stones_with(session: AsyncSession, pieces: Iterable[str]) -> set[str]:
    """The stones whose chains hold one of these pieces."""
    kinds = ("origin", "piece", "rough")
    names = [f"{kind}:{registry}:{piece}"[:160] for kind in kinds for registry in PRODUCERS for piece in pieces]
    return set(await session.scalars(select(ChainUse.stone).where(ChainUse.what.in_(names))))
