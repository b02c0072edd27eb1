"""Who may sign what, and with which keys: acts of two persons, kept for ever."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of


class TrustDeed(StrEnum):
    ADD = "add"
    REMOVE = "remove"
    STOP = "stop"  # by one person at once; lasts a day unless a removal follows
    RESUME = "resume"  # by two persons; ends every stop before it


class TrustAct(Base):
    """One act on the trust table. `row` is the public id of the act that added the row it speaks of."""

    __tablename__ = "trust_acts"
    __table_args__ = (
        one_of("act", TrustDeed),
        CheckConstraint(
            "(act = 'stop' and approved_by is null) or (act <> 'stop' and approved_by is not null "
            "and approved_by <> proposed_by)",
            name="two_persons",
        ),
        CheckConstraint("(act = 'stop') = (\"until\" is not null)", name="a_stop_ends"),
        Index("ix_trust_acts_row", "row"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    act: Mapped[str] = mapped_column(String(6))
    row: Mapped[str] = mapped_column(String(26))
    issuer: Mapped[str] = mapped_column(String(80))
    types: Mapped[list[str]] = mapped_column(JSON)
    cc: Mapped[str | None] = mapped_column(String(2))
    lab: Mapped[str | None] = mapped_column(String(20))
    from_day: Mapped[str] = mapped_column(String(10))
    to_day: Mapped[str | None] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(40))
    approved_by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]
    until: Mapped[datetime | None]


class KeyDeed(StrEnum):
    ADD = "add"
    REVOKE = "revoke"


class IssuerKeyAct(Base):
    """One act on the key table. A hosted key is kept by the house for its party and needs no second person."""

    __tablename__ = "issuer_keys"
    __table_args__ = (
        one_of("act", KeyDeed),
        CheckConstraint(
            "hosted or act = 'revoke' or (approved_by is not null and approved_by <> proposed_by)", name="two_persons"
        ),
        Index("uq_issuer_keys_kid_act", "kid", "act", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    act: Mapped[str] = mapped_column(String(6))
    issuer: Mapped[str] = mapped_column(String(80))
    kid: Mapped[str] = mapped_column(String(100))
    public: Mapped[str] = mapped_column(String(64))  # hex
    from_day: Mapped[str] = mapped_column(String(10))  # of a revocation: the first day on which the key no longer holds
    to_day: Mapped[str | None] = mapped_column(String(10))
    hosted: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(40))
    approved_by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]


append_only(TrustAct)
append_only(IssuerKeyAct)
