"""What was sent is sorted into pieces, each piece is drawn, and what nobody names any more is swept away."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import media, media_matching, media_queries, media_running
from pavilion.catalogue.media_drawing import FRAMES, MEGABYTE
from pavilion.catalogue.media_matching import HEAD, ZIP, Piece, Sent
from pavilion.catalogue.media_models import (
    MediaKind,
    MediaPiece,
    MediaSending,
    PieceState,
    SendingState,
    StoneMedia,
)
from pavilion.catalogue.media_shelf import Shelf
from pavilion.kernel import jobs
from pavilion.kernel.db import Sessions, reading

PIECE_JOB = "stone_media_piece"
MOST_BYTES = {
    MediaKind.PHOTO: 20 * MEGABYTE,
    MediaKind.SPIN: 600 * MEGABYTE,
    MediaKind.VIDEO: 200 * MEGABYTE,
    MediaKind.REPORT: 10 * MEGABYTE,
}
SWEEP_EVERY_S = 600
SWEEP_AFTER_S = 3_600
_AT_ONCE = 500

Making = Callable[..., Awaitable[Mapping[str, Any]]]


class MediaWork:
    """One sending is sorted, or one piece drawn, at each look; now and then the shelf is swept."""

    def __init__(self, shelf: Shelf, making: Making = media_running.made) -> None:
        self.shelf, self.making = shelf, making
        self._swept = 0.0

    async def tick(self, sessions: Sessions, now: datetime) -> int:
        job = await jobs.taken(sessions, now, kinds=[media.JOB, PIECE_JOB])
        if job is None:
            if now.timestamp() - self._swept >= SWEEP_EVERY_S:
                self._swept = now.timestamp()
                await self.sweep(sessions, now)
            return 0
        try:
            if job.kind == media.JOB:
                await self._sort(sessions, job.payload["sending"], job.id, now)
            else:
                await self._draw(sessions, job.payload["piece"], job.id, now)
        except OSError as fault:  # a disk that is full, or away: the work waits
            async with sessions.begin() as session:
                await jobs.failed(session, job.id, f"{type(fault).__name__}: {fault}", now)
        return 1

    async def sweep(self, sessions: Sessions, now: datetime) -> int:
        """Folders of the shelf that no row names are gone, and what is an hour old in the workroom."""
        before = now.timestamp() - SWEEP_AFTER_S
        kept = await asyncio.to_thread(lambda: list(self.shelf.addresses(before)))
        sent = await asyncio.to_thread(lambda: list(self.shelf.sendings(before)))
        async with reading(sessions) as session:
            standing = select(StoneMedia.address).where(StoneMedia.removed_at.is_(None))
            named = await _among(session, standing, StoneMedia.address, kept)
            unread = select(MediaSending.public_id).where(MediaSending.state != SendingState.DONE)
            waiting = await _among(session, unread, MediaSending.public_id, sent)
        orphans = [address for address in kept if address not in named]
        over = [sending for sending in sent if sending not in waiting]
        return await asyncio.to_thread(self.shelf.sweep, orphans, over, before)

    async def _sort(self, sessions: Sessions, public_id: str, job: int, now: datetime) -> None:
        async with reading(sessions) as session:
            sending = await _sending(session, public_id)
        found, refused = await self._opened(sending)
        pieces = media_matching.pieces_of(found)
        async with sessions.begin() as session:
            sending = await _sending(session, public_id, lock=True)
            if sending.state == SendingState.RECEIVED:
                rows = [*refused, *await _rows(session, sending, pieces)]
                for place, row in enumerate(rows):
                    row.sending_id, row.place = sending.id, place
                session.add_all(rows)
                sending.state = SendingState.SORTED
                await session.flush()
                for row in rows:
                    if row.state == PieceState.WAITING:
                        await jobs.enqueue(session, PIECE_JOB, str(row.id), {"piece": row.id}, due_at=now)
                await self._close(session, sending, now)
            await jobs.done(session, job)
        await self._tidy(sending)

    async def _opened(self, sending: MediaSending) -> tuple[list[Sent], list[MediaPiece]]:
        """Every file, those of archives too; and the archives that were refused."""
        folder = self.shelf.sent(sending.public_id)
        found: list[Sent] = []
        refused: list[MediaPiece] = []
        for number, file in enumerate(sending.files):
            path = folder / str(number)
            head = await asyncio.to_thread(_head, path)
            if not head.startswith(ZIP):
                found.append(Sent(str(number), file["name"], "", file["bytes"], head))
                continue
            answer, inside = await self._unpacked(path, folder / f"{number}.d")
            if answer["code"] is not None:
                refused.append(_piece(file["name"], code=answer["code"], facts=answer["facts"]))
                continue
            for place, member in enumerate(answer["members"]):
                head = await asyncio.to_thread(_head, inside / str(place))
                found.append(Sent(f"{number}.d/{place}", member["name"], file["name"], member["bytes"], head))
        return found, refused

    async def _unpacked(self, archive: Path, to: Path) -> tuple[Mapping[str, Any], Path]:
        room = await asyncio.to_thread(self.shelf.room)
        try:
            answer = await self.making(room, "archive", [archive])
            if answer["code"] is None:
                await asyncio.to_thread(self.shelf.forget, to)  # of a sorting that was cut short
                await asyncio.to_thread(shutil.move, room / "out", to)
        finally:
            await asyncio.to_thread(self.shelf.forget, room)
        return answer, to

    async def _draw(self, sessions: Sessions, piece_id: int, job: int, now: datetime) -> None:
        async with reading(sessions) as session:
            piece = await session.get_one(MediaPiece, piece_id)
            sending = await session.get_one(MediaSending, piece.sending_id)
        if piece.state == PieceState.WAITING and piece.kind is not None:
            folder = self.shelf.sent(sending.public_id)
            sources = [folder / path for path in piece.paths]
            room = await asyncio.to_thread(self.shelf.room)
            try:
                container = media_matching.container_of(await asyncio.to_thread(_head, sources[0]))
                drawn = await self.making(room, piece.kind, sources, container=container)
                address = ""
                if drawn["code"] is None:
                    address = await asyncio.to_thread(self.shelf.keep, room / "out", drawn["files"])
            finally:
                await asyncio.to_thread(self.shelf.forget, room)
        async with sessions.begin() as session:
            sending = await _sending(session, sending.public_id, lock=True)
            piece = await session.get_one(MediaPiece, piece_id)
            if piece.state == PieceState.WAITING:
                if drawn["code"] is not None:
                    piece.state, piece.code, piece.facts = PieceState.REFUSED, drawn["code"], drawn["facts"]
                else:
                    await media.place(session, piece, sending, address=address, drawn=drawn, now=now)
            await self._close(session, sending, now)
            await jobs.done(session, job)
        await self._tidy(sending)

    async def _close(self, session: AsyncSession, sending: MediaSending, now: datetime) -> None:
        await session.flush()
        waiting = MediaPiece.sending_id == sending.id, MediaPiece.state == PieceState.WAITING
        if not await session.scalar(select(func.count(MediaPiece.id)).where(*waiting)):
            sending.state, sending.finished_at = SendingState.DONE, now

    async def _tidy(self, sending: MediaSending) -> None:
        if sending.state == SendingState.DONE:
            await asyncio.to_thread(self.shelf.forget, self.shelf.sent(sending.public_id))


async def _rows(session: AsyncSession, sending: MediaSending, pieces: Sequence[Piece]) -> list[MediaPiece]:
    """Each piece with its stone, or with the code that says why it has none."""
    named: dict[str, list[int]] = {}
    if sending.stone_id is None:
        names = (name for piece in pieces for name, _ in piece.called)
        named = await media_queries.named(session, sending.supplier_company_id, names)
    rows = []
    for piece in pieces:
        stones, order = media_matching.chosen(piece, named)
        if sending.stone_id is not None:
            stones, order = [sending.stone_id], None
        row = _piece(piece.name, kind=piece.kind, paths=piece.paths, order=order)
        code, facts = _fault(piece, stones)
        if code is not None:
            row.state, row.code, row.facts = PieceState.REFUSED, code, facts
        if len(stones) == 1:
            row.stone_id = stones[0]
        rows.append(row)
    return rows


def _fault(piece: Piece, stones: Sequence[int]) -> tuple[str | None, dict[str, int | str]]:
    if piece.kind is None:
        return "media_wrong_kind", {}
    if piece.size > MOST_BYTES[piece.kind]:
        return "media_too_large", {"limit": f"{MOST_BYTES[piece.kind] // MEGABYTE} MB"}
    if piece.kind is MediaKind.SPIN and len(piece.paths) not in FRAMES:
        return "media_frames", {"least": FRAMES.start, "most": FRAMES.stop - 1}
    if not stones:
        return "media_unmatched", {}
    if len(stones) > 1:
        return "media_ambiguous", {"stones": len(stones)}
    return None, {}


def _piece(
    name: str,
    *,
    kind: MediaKind | None = None,
    paths: Sequence[str] = (),
    order: int | None = None,
    code: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> MediaPiece:
    state = PieceState.WAITING if code is None else PieceState.REFUSED
    kept = media_matching.printable(name)[-200:] or "-"
    return MediaPiece(
        name=kept, kind=kind, paths=list(paths), nth=order, state=state, code=code, facts=dict(facts or {})
    )


async def _sending(session: AsyncSession, public_id: str, *, lock: bool = False) -> MediaSending:
    wanted = select(MediaSending).where(MediaSending.public_id == public_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(wanted)).one()


async def _among(session: AsyncSession, wanted: Any, column: Any, names: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(names), _AT_ONCE):
        found |= set(await session.scalars(wanted.where(column.in_(names[start : start + _AT_ONCE]))))
    return found


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)
