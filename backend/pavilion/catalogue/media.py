"""Verbs on photographs, turns, videos and reports: receive, place, order, remove. The caller commits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import media_queries, service
from pavilion.catalogue.media_models import (
    BITS,
    MediaKind,
    MediaPiece,
    MediaSending,
    PieceState,
    SendingState,
    StoneMedia,
)
from pavilion.catalogue.models import Stone
from pavilion.kernel import events, jobs
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.kernel.ids import is_ulid, ulid

JOB = "stone_media"
MOST_WAITING = 20  # sendings of one company that are not read yet


class TooMuchWaiting(Refusal):
    """What the company sent before is read first."""

    status, code = 429, "media_too_much_waiting"


async def may_receive(session: AsyncSession, supplier_company_id: int) -> None:
    """Refused while too much that the company sent waits."""
    unread = MediaSending.supplier_company_id == supplier_company_id, MediaSending.state != SendingState.DONE
    waiting = await session.scalar(select(func.count(MediaSending.id)).where(*unread)) or 0
    if waiting >= MOST_WAITING:
        raise TooMuchWaiting(most=MOST_WAITING)


async def receive(
    session: AsyncSession,
    *,
    public_id: str,
    supplier_company_id: int,
    stone: Stone | None,
    files: Sequence[Mapping[str, Any]],
    by: str | None,
    now: datetime,
) -> MediaSending:
    """The files, which lie on the shelf under this public id, wait to be read."""
    sending = MediaSending(
        public_id=public_id,
        supplier_company_id=supplier_company_id,
        stone_id=stone.id if stone else None,
        state=SendingState.RECEIVED,
        files=[dict(file) for file in files],
        sent_by=by,
        at=now,
    )
    session.add(sending)
    await session.flush()
    await jobs.enqueue(session, JOB, public_id, {"sending": public_id}, due_at=now)
    events.record(session, "stock:media_received", public_id, by=by, at=now, files=len(files))
    return sending


async def place(
    session: AsyncSession,
    piece: MediaPiece,
    sending: MediaSending,
    *,
    address: str,
    drawn: Mapping[str, Any],
    now: datetime,
) -> None:
    """What was drawn of this piece stands with its stone; already there, it stands there once."""
    assert piece.stone_id is not None and piece.kind is not None
    stone = await _locked(session, piece.stone_id)
    standing = await media_queries.of_stone(session, stone.id)
    if any((one.kind, one.sha256) == (piece.kind, drawn["sha256"]) for one in standing):
        piece.state = PieceState.AGAIN
        return
    last = max((one.position for one in standing if one.kind == piece.kind), default=0)
    made = StoneMedia(
        public_id=ulid(now),
        stone_id=stone.id,
        kind=piece.kind,
        position=last + 1 if piece.nth is None else piece.nth,
        address=address,
        name=piece.name[-200:],
        sent_by=sending.sent_by,
        at=now,
        **{name: drawn[name] for name in ("sha256", "width", "height", "frames", "millis", "bytes")},
    )
    session.add(made)
    piece.state = PieceState.PLACED
    await session.flush()
    facts = {"media": made.public_id, "kind": piece.kind, "sha256": made.sha256}
    events.record(session, "stone:media_placed", stone.public_id, by=sending.sent_by, at=now, **facts)
    await _settle(session, stone, now)


async def remove(session: AsyncSession, stone: Stone, public_id: str, *, by: str, now: datetime) -> None:
    """It is shown no longer, and its bytes are swept; removed before, nothing changes."""
    stone = await _locked(session, stone.id)
    found = await _one(session, stone, public_id)
    if found.removed_at is not None:
        return
    found.removed_at, found.removed_by = now, by
    await session.flush()
    events.record(session, "stone:media_removed", stone.public_id, by=by, at=now, media=public_id)
    await _settle(session, stone, now)


async def bring_forward(session: AsyncSession, stone: Stone, public_id: str, *, by: str, now: datetime) -> None:
    """It is the first of its kind; the others follow in the order they had."""
    stone = await _locked(session, stone.id)
    found = await _one(session, stone, public_id)
    standing = await media_queries.of_stone(session, stone.id)
    mine = [one for one in standing if one.kind == found.kind]
    if found not in mine or mine[0] is found:
        return
    for position, one in enumerate([found, *(one for one in mine if one is not found)], 1):
        one.position = position
    await session.flush()
    events.record(session, "stone:media_ordered", stone.public_id, by=by, at=now, first=public_id)
    await _settle(session, stone, now)


async def _settle(session: AsyncSession, stone: Stone, now: datetime) -> None:
    """The stone itself says what there is of it, and which photograph comes first."""
    standing = await media_queries.of_stone(session, stone.id)
    bits = sum({BITS[MediaKind(one.kind)] for one in standing})
    first = next((one.public_id for one in standing if one.kind == MediaKind.PHOTO), None)
    if (bits, first) != (stone.media, stone.photo):
        await service.set_media(session, stone, bits, first, now=now)


async def _locked(session: AsyncSession, stone_id: int) -> Stone:
    """Two who change what is shown of one stone do so one after the other."""
    wanted = select(Stone).where(Stone.id == stone_id).with_for_update()
    found = await session.scalar(wanted.execution_options(populate_existing=True))
    assert found is not None
    return found


async def _one(session: AsyncSession, stone: Stone, public_id: str) -> StoneMedia:
    wanted = select(StoneMedia).where(StoneMedia.stone_id == stone.id, StoneMedia.public_id == public_id)
    found = await session.scalar(wanted) if is_ulid(public_id) else None
    if found is None:
        raise NotFound()
    return found
