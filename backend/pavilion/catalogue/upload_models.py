"""Stock files as they were sent, what became of each row, and the meanings a supplier has chosen once."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of


class Mode(StrEnum):
    ADD = "add"
    UPDATE = "update"
    REPLACE = "replace"


class FileState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"  # for the sender's confirmation
    DONE = "done"
    STOPPED = "stopped"  # a file-level code: nothing was applied


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    WITH_WARNINGS = "accepted_with_warnings"
    CHANGED = "accepted_changed"
    PENDING_LAB = "pending_lab"
    PENDING_ORIGIN = "pending_origin"
    REVIEW = "review"
    DUPLICATE = "duplicate_in_file"
    DUPLICATE_OF_OTHER = "duplicate_of_other_supplier"
    REJECTED = "rejected"
    UNCHANGED = "unchanged"


WAITING = text("outcome in ('pending_lab', 'pending_origin')")  # rows that a late answer completes


class StockContent(Base):
    """The bytes of a file, kept once however often it is sent, so that it can be read again without a new upload."""

    __tablename__ = "stock_contents"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class StockFile(Base):
    """One upload. The same file of the same supplier, mode, profile and mapping is the same upload."""

    __tablename__ = "stock_files"
    __table_args__ = (
        UniqueConstraint("supplier_company_id", "sha256", "mode", "profile", "mapping_version", "dry_run"),
        one_of("mode", Mode),
        one_of("state", FileState),
        Index("ix_stock_files_supplier_company_id_id", "supplier_company_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    supplier_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    sha256: Mapped[str] = mapped_column(ForeignKey("stock_contents.sha256", ondelete="RESTRICT"))
    filename: Mapped[str] = mapped_column(String(200))
    mode: Mapped[str] = mapped_column(String(8))
    profile: Mapped[str] = mapped_column(String(12))
    mapping_version: Mapped[int] = mapped_column(default=0)
    dry_run: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(8), default=FileState.QUEUED)
    sent_by: Mapped[str | None] = mapped_column(String(26))
    header_map: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    unknown_headers: Mapped[list[str]] = mapped_column(JSON, default=list)
    file_issues: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    counts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)  # rows by outcome
    received: Mapped[int] = mapped_column(default=0)  # rows in the file
    done: Mapped[int] = mapped_column(default=0)  # rows answered so far
    row_reached: Mapped[int] = mapped_column(default=1)  # the last record answered; a new run goes on after it
    withdrawn_by_replace: Mapped[int] = mapped_column(default=0)
    confirmed: Mapped[int | None]  # the number of stones the sender agreed to withdraw
    queued_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def ended(self) -> bool:
        return self.state in (FileState.DONE, FileState.STOPPED)


class StockRow(Base):
    """What became of one row, and why."""

    __tablename__ = "stock_rows"
    __table_args__ = (
        one_of("outcome", Outcome),
        Index("ix_stock_rows_file_id_outcome_row", "file_id", "outcome", "row"),
        Index("ix_stock_rows_waiting", "stone", postgresql_where=WAITING, sqlite_where=WAITING),
        {"sqlite_with_rowid": False},
    )

    file_id: Mapped[int] = mapped_column(ForeignKey("stock_files.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    stock_no: Mapped[str] = mapped_column(String(80))  # as the sender wrote it
    outcome: Mapped[str] = mapped_column(String(30))
    issues: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    first_row: Mapped[int | None]
    stone: Mapped[str | None] = mapped_column(String(26))
    verdict: Mapped[str | None] = mapped_column(String(10))
    grade: Mapped[str | None] = mapped_column(String(1))
    verdict_sha256: Mapped[str | None] = mapped_column(String(64))
    graded: Mapped[dict[str, str] | None] = mapped_column(JSON)  # of a row that waits: its cells, by column of a grade


class StockMapping(Base):
    """A supplier's choices of meaning as they stood at a version; the highest version is in force."""

    __tablename__ = "stock_mappings"
    __table_args__ = (UniqueConstraint("supplier_company_id", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    supplier_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    version: Mapped[int]
    choices: Mapped[dict[str, Any]] = mapped_column(JSON)
    by: Mapped[str | None] = mapped_column(String(26))
    at: Mapped[datetime]


append_only(StockContent)
append_only(StockMapping)
