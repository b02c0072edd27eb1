"""The origin log as rows: its entries and their salts, the tree above them, what was signed and who witnessed it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class LogEntry(Base):
    """One entry. `entry` is its bytes, `leaf` their hash; `subject` is what the entry is about and is told to nobody
    who only reads the log."""

    __tablename__ = "log_entries"
    __table_args__ = (Index("ix_log_entries_subject", "kind", "subject", "place"),)

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(String(160))
    entry: Mapped[str] = mapped_column(Text)
    leaf: Mapped[bytes] = mapped_column(LargeBinary(32))


class LogSalt(Base):
    """What opens the commitment of an entry. Erased, the entry says nothing any more and the tree stays whole."""

    __tablename__ = "log_salts"

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    salt: Mapped[bytes] = mapped_column(LargeBinary(16))


class LogHead(Base):
    """The one row that is locked to append or to sign: how far the log goes, and why nothing is signed any more."""

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int]
    frontier: Mapped[str] = mapped_column(Text)  # one hash per full subtree in hex, the largest first
    halted: Mapped[str | None] = mapped_column(String(40))
    halted_at: Mapped[datetime | None]


class LogNode(Base):
    """The root of 256 ** level leaves, written once they are all there."""

    __tablename__ = "log_nodes"

    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class LogCheckpoint(Base):
    """A signed note, stored before anyone sees it; no size is ever signed twice."""

    __tablename__ = "log_checkpoints"

    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    root: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class LogCosignature(Base):
    """The line by which a witness says that it saw this checkpoint and that it continues what it saw before."""

    __tablename__ = "log_cosignatures"
    __table_args__ = (Index("ix_log_cosignatures_witness_size", "witness", "size"),)

    size: Mapped[int] = mapped_column(ForeignKey("log_checkpoints.size"), primary_key=True, autoincrement=False)
    witness: Mapped[str] = mapped_column(String(255), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    line: Mapped[str] = mapped_column(Text)


class LogCover(Base):
    """A checkpoint that satisfied a policy: what it covers counts as logged."""

    __tablename__ = "log_covers"

    size: Mapped[int] = mapped_column(ForeignKey("log_checkpoints.size"), primary_key=True, autoincrement=False)
    policy_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


for _model in (LogEntry, LogNode, LogCheckpoint, LogCosignature, LogCover):
    append_only(_model)
