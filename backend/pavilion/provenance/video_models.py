"""Films: asked for, made by the worker, kept as files."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class Film(Base):
    """A film that exists: of this stone, by this parameter document. Made anew only when a parameter changes."""

    __tablename__ = "films"
    __table_args__ = (Index("ix_films_stone_made_at", "stone", "made_at"),)

    parameters_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    stone: Mapped[str] = mapped_column(String(26))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    frames_sha256: Mapped[str] = mapped_column(String(64))
    frames: Mapped[int]
    made_at: Mapped[datetime]


class FilmFile(Base):
    __tablename__ = "film_files"

    parameters_sha256: Mapped[str] = mapped_column(ForeignKey("films.parameters_sha256"), primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)


append_only(Film)
append_only(FilmFile)
