"""Photographs, turns, videos and reports of stones, and what became of each file that a supplier sent."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, one_of


class MediaKind(StrEnum):
    PHOTO = "photo"
    SPIN = "spin"  # frames of a whole turn
    VIDEO = "video"
    REPORT = "report"


BITS = {MediaKind.PHOTO: 1, MediaKind.SPIN: 2, MediaKind.VIDEO: 4, MediaKind.REPORT: 8}  # of `Stone.media`


class SendingState(StrEnum):
    RECEIVED = "received"
    SORTED = "sorted"  # each piece is known, and the stone it belongs to
    DONE = "done"


class PieceState(StrEnum):
    WAITING = "waiting"
    PLACED = "placed"
    AGAIN = "again"  # the stone had it already
    REFUSED = "refused"


_STANDING = text("removed_at is null")


class MediaSending(Base):
    """Files that came together. `stone_id`: all of them are of this stone, whatever they are called."""

    __tablename__ = "media_sendings"
    __table_args__ = (
        one_of("state", SendingState),
        Index("ix_media_sendings_supplier_company_id_id", "supplier_company_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    supplier_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    stone_id: Mapped[int | None] = mapped_column(ForeignKey("stones.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(10), default=SendingState.RECEIVED)
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # name, bytes and SHA-256 of each, in the order sent
    sent_by: Mapped[str | None] = mapped_column(String(26))
    at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class MediaPiece(Base):
    """One photograph, turn, video or report of a sending, or one file that is none of them. `paths`: where its bytes
    lie until they are read, beneath the folder of the sending."""

    __tablename__ = "media_pieces"
    __table_args__ = (
        one_of("state", PieceState),
        UniqueConstraint("sending_id", "place"),
        Index("ix_media_pieces_stone_id", "stone_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sending_id: Mapped[int] = mapped_column(ForeignKey("media_sendings.id", ondelete="CASCADE"))
    place: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))  # of the file, or of the first of a turn
    kind: Mapped[str | None] = mapped_column(String(8))
    paths: Mapped[list[str]] = mapped_column(JSON)
    nth: Mapped[int | None]  # what the file's name says: the third photograph
    stone_id: Mapped[int | None] = mapped_column(ForeignKey("stones.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(8), default=PieceState.WAITING)
    code: Mapped[str | None] = mapped_column(String(40))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class StoneMedia(Base):
    """One thing to look at, drawn again by us from what was sent. `address` is the hash of all that was drawn, and the
    folder where it lies; `sha256` is that of the original, which is not kept."""

    __tablename__ = "stone_media"
    __table_args__ = (
        one_of("kind", MediaKind),
        CheckConstraint("width > 0 and height > 0", name="size_positive"),
        CheckConstraint("(removed_at is null) = (removed_by is null)", name="removed_by_somebody"),
        Index(
            "uq_stone_media_standing",
            *("stone_id", "kind", "sha256"),
            unique=True,
            postgresql_where=_STANDING,
            sqlite_where=_STANDING,
        ),
        Index("ix_stone_media_address", "address"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    stone_id: Mapped[int] = mapped_column(ForeignKey("stones.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(String(8))
    position: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))  # as its sender called it
    width: Mapped[int]
    height: Mapped[int]
    frames: Mapped[int | None]  # of a turn; of a report its pages
    millis: Mapped[int | None]  # how long a video lasts
    bytes: Mapped[int]  # of all that was drawn
    sent_by: Mapped[str | None] = mapped_column(String(26))
    at: Mapped[datetime]
    removed_by: Mapped[str | None] = mapped_column(String(26))
    removed_at: Mapped[datetime | None]
