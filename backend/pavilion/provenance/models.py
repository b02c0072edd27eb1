"""Chains, what registries answered, verdicts, and which stones may be seen."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of
from pavilion.provenance.findings import VerdictCode
from pavilion.provenance.registries.port import Status

_OPEN = text("verdict <> 'verified'")


class ChainEvent(Base):
    """One event of a stone's chain. `body` is the event exactly as it was signed, `sha256` the hash of those bytes,
    `prev_sha256` that of the event before it: none can be changed, and none left out unseen."""

    __tablename__ = "chain_events"
    __table_args__ = {"sqlite_with_rowid": False}

    stone: Mapped[str] = mapped_column(String(26), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    at: Mapped[datetime]
    body: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    prev_sha256: Mapped[str | None] = mapped_column(String(64))
    recorded_at: Mapped[datetime]


class RegistryAnswer(Base):
    """What a registry said about a stone, known by the hash of the bytes it sent."""

    __tablename__ = "registry_answers"
    __table_args__ = (
        one_of("status", Status),
        Index("ix_registry_answers_stone_id", "stone", "id"),
        Index("ix_registry_answers_registry_name_at", "registry_name", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stone: Mapped[str] = mapped_column(String(26))
    registry_name: Mapped[str] = mapped_column(String(60))
    claim_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(20))
    differs: Mapped[str] = mapped_column(String(200))  # fields of the claim that it contradicts, parted by blanks
    raw_sha256: Mapped[str | None] = mapped_column(String(64))
    signature: Mapped[str | None] = mapped_column(String(100))
    simulated: Mapped[bool]
    at: Mapped[datetime]
    ms: Mapped[int | None]  # how long it took
    quota_left: Mapped[int | None]  # questions that the registry still allowed


class VerdictRecord(Base):
    """Every verdict ever given. `document` is its canonical bytes, `sha256` their hash."""

    __tablename__ = "verdicts"
    __table_args__ = (one_of("verdict", VerdictCode), Index("ix_verdicts_stone_id", "stone", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    stone: Mapped[str] = mapped_column(String(26))
    verdict: Mapped[str] = mapped_column(String(10))
    grade: Mapped[str] = mapped_column(String(1))
    document: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class VerdictInput(Base):
    """A document that verdicts rest on, known by the hash of its bytes: cases, key and trust tables, decisions, and
    events that never became part of a stone's chain."""

    __tablename__ = "verdict_inputs"
    __table_args__ = {"sqlite_with_rowid": False}

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    document: Mapped[str] = mapped_column(Text)


class StoneVerdict(Base):
    """The verdict that stands for a stone now, and the listing's facts it was given on."""

    __tablename__ = "stone_verdicts"
    __table_args__ = (
        one_of("verdict", VerdictCode),
        CheckConstraint("(grade = '-') = (verdict <> 'verified')", name="grade_only_when_verified"),
        UniqueConstraint("stone", "verdict"),
        Index("ix_stone_verdicts_open", "decided_at", "stone", postgresql_where=_OPEN, sqlite_where=_OPEN),
        Index("ix_stone_verdicts_registry_name_next_try", "registry_name", "next_try"),
    )

    stone: Mapped[str] = mapped_column(String(26), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(10))
    grade: Mapped[str] = mapped_column(String(1))
    assurance: Mapped[str] = mapped_column(String(1))  # the grade it has once verified
    ruleset: Mapped[str] = mapped_column(String(40))
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    codes: Mapped[str] = mapped_column(String(400))  # of the findings, each between blanks
    claim: Mapped[dict[str, Any]] = mapped_column(JSON)
    registry_name: Mapped[str] = mapped_column(String(60))
    simulated: Mapped[bool]  # the registry is a simulator, and says so wherever its word is shown
    inputs_sha256: Mapped[str] = mapped_column(String(64))
    verdict_sha256: Mapped[str] = mapped_column(String(64))
    decided_at: Mapped[datetime]
    attempts: Mapped[int]  # how often an absent registry was asked again
    pending_since: Mapped[datetime | None]
    next_try: Mapped[datetime | None]
    weakest: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # place, kind, evidence of a link


class ExposedStone(Base):
    """A stone that may be seen by others than its supplier and staff. The database holds it to its verdict: the pair
    must exist as `verified`, and cannot change while this row stands."""

    __tablename__ = "exposed_stones"
    __table_args__ = (
        CheckConstraint("verdict = 'verified'", name="only_verified"),
        ForeignKeyConstraint(
            ["stone", "verdict"],
            ["stone_verdicts.stone", "stone_verdicts.verdict"],
            name="fk_exposed_stones_verdict",
            onupdate="RESTRICT",
            ondelete="RESTRICT",
        ),
    )

    stone: Mapped[str] = mapped_column(String(26), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(10))
    exposed_at: Mapped[datetime]


class ChainUse(Base):
    """What the chain of a stone that was not rejected lays claim to: its origin id, report and inscription, the pieces
    it consumed, its share of the rough and of the certificate. No other stone may claim the same."""

    __tablename__ = "chain_uses"
    __table_args__ = (Index("ix_chain_uses_stone", "stone"), {"sqlite_with_rowid": False})

    what: Mapped[str] = mapped_column(String(160), primary_key=True)
    piece: Mapped[str] = mapped_column(String(80), primary_key=True)
    stone: Mapped[str] = mapped_column(String(26), primary_key=True)
    mct: Mapped[int]
    detail: Mapped[str] = mapped_column(String(64))


class ReviewDecision(Base):
    """The word of a compliance person on a stone in review. It holds for exactly these codes and inputs."""

    __tablename__ = "review_decisions"
    __table_args__ = (Index("ix_review_decisions_stone_id", "stone", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    stone: Mapped[str] = mapped_column(String(26))
    accepted: Mapped[bool]
    codes: Mapped[list[str]] = mapped_column(JSON)
    reason: Mapped[str] = mapped_column(Text)
    inputs_sha256: Mapped[str] = mapped_column(String(64))
    verdict_sha256: Mapped[str] = mapped_column(String(64))  # the verdict that was looked at
    by: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime]


for _model in (ChainEvent, RegistryAnswer, VerdictRecord, VerdictInput, ReviewDecision):
    append_only(_model)
