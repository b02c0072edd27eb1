"""What the fairness watch found, and what people decided about it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.insight.fairness_findings import Kind
from pavilion.kernel.db import Base, append_only, one_of


class CaseState(StrEnum):
    OPEN = "open"
    CLEARED = "cleared"
    WATCHED = "watched"
    BARRED = "barred"


class Verdict(StrEnum):
    NO_MATTER = "no_matter"
    WATCH = "watch"
    BAR = "bar"


STATE_AFTER = {
    Verdict.NO_MATTER: CaseState.CLEARED,
    Verdict.WATCH: CaseState.WATCHED,
    Verdict.BAR: CaseState.BARRED,
}


class FairnessCase(Base):
    """One pattern of the same parties, with its evidence as it was last found. Found again, it is the same case."""

    __tablename__ = "fairness_cases"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("key"),
        one_of("kind", Kind),
        one_of("state", CaseState),
        CheckConstraint("score >= 0 and score <= 99", name="score_counted"),
        CheckConstraint("last_seen >= first_seen", name="seen_forward"),
        Index("ix_fairness_cases_score", "score", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    key: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    parties: Mapped[list[int]] = mapped_column(JSON)  # companies, in the order in which the pattern names them
    consignor_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    score: Mapped[int]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON)  # the pattern's figures, and of each lot the seqs of bids
    evidence_sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(8), default=CaseState.OPEN)
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]


class FairnessDecision(Base):
    """A named person's word on a case, and the very evidence it was given on."""

    __tablename__ = "fairness_decisions"
    __table_args__ = (one_of("verdict", Verdict), Index("ix_fairness_decisions_case_id", "case_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("fairness_cases.id", ondelete="RESTRICT"))
    verdict: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text)
    score: Mapped[int]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSON)
    evidence_sha256: Mapped[str] = mapped_column(String(64))
    proposals: Mapped[list[str]] = mapped_column(JSON)  # what a second person is asked for
    by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]


append_only(FairnessDecision)
