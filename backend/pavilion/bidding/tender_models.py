"""What a sealed tender keeps: envelopes, the custodians' answers, what was opened, and what the seller said below the
reserve."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only


class TenderEnvelope(Base):
    """A sealed bid as it came. The house holds no key to it."""

    __tablename__ = "tender_envelopes"

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # of its event
    lot: Mapped[str] = mapped_column(String(26))
    bidder: Mapped[str] = mapped_column(String(4))  # alias
    hash: Mapped[str] = mapped_column(String(64))
    envelope: Mapped[str] = mapped_column(Text)  # the canonical text that was hashed


class TenderShares(Base):
    """A custodian's answer to a closing, as it was handed in; its signature was checked."""

    __tablename__ = "tender_shares"
    __table_args__ = (Index("ix_tender_shares_sale_closed", "sale", "closed"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sale: Mapped[str] = mapped_column(String(26))
    closed: Mapped[str] = mapped_column(String(64))  # leaf hash of the closing
    x: Mapped[int]  # which custodian, from 1
    document: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    at: Mapped[datetime]


class TenderOpened(Base):
    """What an envelope held, with the shares that opened it; published with the record."""

    __tablename__ = "tender_opened"

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str | None] = mapped_column(String(24))
    entry: Mapped[str | None] = mapped_column(String(12))
    value: Mapped[int | None]
    total: Mapped[int | None]
    shares: Mapped[str] = mapped_column(Text)


class TenderHeld(Base):
    """What an envelope of the first round held, for the engine alone until the award; and whether its bidder is
    invited to the second one. Where there is one round, nothing is held."""

    __tablename__ = "tender_held"

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    invited: Mapped[bool]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)  # one length for all


class TenderWeight(Base):
    """What turned the entries of a lot into totals, as it stood at the opening."""

    __tablename__ = "tender_weights"

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    mct: Mapped[int]
    benchmark_ppc: Mapped[int | None]


class TenderBenchmark(Base):
    """The price per carat from which a discount on this lot counts; set before the sale opens."""

    __tablename__ = "tender_benchmarks"
    __table_args__ = (CheckConstraint("ppc_minor > 0", name="ppc_positive"),)

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    ppc_minor: Mapped[int]
    at: Mapped[datetime]


class TenderWish(Base):
    """How much a bidder wants to spend at most, and on which lots first. The last one before the end counts."""

    __tablename__ = "tender_wishes"
    __table_args__ = (
        CheckConstraint("limit_minor > 0", name="limit_positive"),
        Index("ix_tender_wishes_sale_company_id", "sale", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sale: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int]
    limit_minor: Mapped[int | None]
    lots: Mapped[list[Any]] = mapped_column(JSON)
    at: Mapped[datetime]


class TenderOffer(Base):
    """The seller's answer below the reserve, for one bidder of the rank: offered at that bidder's total, or not."""

    __tablename__ = "tender_offers"

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    bidder: Mapped[str] = mapped_column(String(4), primary_key=True)
    sale: Mapped[str] = mapped_column(String(26), index=True)
    total_minor: Mapped[int]
    offered: Mapped[bool]
    by: Mapped[str | None] = mapped_column(String(26))
    at: Mapped[datetime]


for _model in (TenderEnvelope, TenderShares, TenderOpened, TenderHeld, TenderWeight, TenderWish, TenderOffer):
    append_only(_model)
