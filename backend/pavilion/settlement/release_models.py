"""Where a sold lot is between the hammer and its owner's hands, and who owns a stone."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of


class GoodsState(StrEnum):
    AT_HOUSE = "at_house"
    RESERVED = "reserved"
    RELEASED = "released"
    HANDED_OVER = "handed_over"
    RECEIVED = "received"
    RETURNED = "returned"


LEAVING = (GoodsState.RESERVED, GoodsState.RELEASED)  # a release that the desk still has in hand


class ReleaseMode(StrEnum):
    COLLECTION = "collection"  # in person, with pass and identity document
    CARRIER = "carrier"  # secured carrier, insured


class Goods(Base):
    """One row per lot that was sold once; its state only goes forward, or back to the owner."""

    __tablename__ = "goods"
    __table_args__ = (one_of("state", GoodsState), Index("ix_goods_release", "release"))

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    invoice_id: Mapped[int | None] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(12), default=GoodsState.RESERVED)
    release: Mapped[str | None] = mapped_column(String(26))
    changed_at: Mapped[datetime]


class Release(Base):
    """One hand-over of one or more lots of an invoice: prepared, picked, packed, weighed out, handed over, received."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("pass_sha256"),
        one_of("mode", ReleaseMode),
        one_of("state", GoodsState),
        CheckConstraint("insured_minor is null or insured_minor > 0", name="insured_positive"),
        Index("ix_releases_invoice_id", "invoice_id"),
        Index("ix_releases_state", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    mode: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12), default=GoodsState.RESERVED)
    office: Mapped[str] = mapped_column(String(40))
    destination: Mapped[str] = mapped_column(String(2))  # the actual one
    address: Mapped[str] = mapped_column(Text, default="")
    collector: Mapped[str] = mapped_column(String(120), default="")  # who comes for it
    pass_sha256: Mapped[str | None] = mapped_column(String(64))
    document_seen: Mapped[str] = mapped_column(String(20), default="")  # kind of identity document that was seen
    signature_sha256: Mapped[str | None] = mapped_column(String(64))
    carrier: Mapped[str] = mapped_column(String(80), default="")
    airway_bill: Mapped[str] = mapped_column(String(40), default="")
    insured_minor: Mapped[int | None]
    picked: Mapped[dict[str, Any]] = mapped_column(JSON)  # stone -> {by, at}
    weighed: Mapped[dict[str, Any]] = mapped_column(JSON)  # stone -> {mct, by, at}
    prepared_by: Mapped[str] = mapped_column(String(40))
    prepared_at: Mapped[datetime]
    packed_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    handed_at: Mapped[datetime | None]
    handed_by: Mapped[str | None] = mapped_column(String(40))
    received_at: Mapped[datetime | None]
    export_proof_at: Mapped[datetime | None]  # proof that the goods left (regime `export`)
    version: Mapped[int] = mapped_column(default=1)


class ReleaseFile(Base):
    """A paper of a release as it was set, in each language, or what was seen at its end: a signature, a proof of
    export. Papers belong to one version of the release; what changes is set anew."""

    __tablename__ = "release_files"
    __table_args__ = (UniqueConstraint("release_id", "version", "kind", "lang"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("releases.id", ondelete="RESTRICT"))
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(24))
    lang: Mapped[str] = mapped_column(String(2), default="")  # empty: a picture
    sha256: Mapped[str] = mapped_column(String(64))
    media: Mapped[str] = mapped_column(String(40))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime]


class Ownership(Base):
    """A stone changed hands here: the newest row says whose it is."""

    __tablename__ = "ownerships"
    __table_args__ = (
        UniqueConstraint("stone", "invoice_id", "company_id"),  # there, and back where the sale was taken back
        Index("ix_ownerships_stone_id", "stone", "id"),
        Index("ix_ownerships_company_id", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stone: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    from_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    lot: Mapped[str] = mapped_column(String(26))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id", ondelete="RESTRICT"))
    event_sha256: Mapped[str | None] = mapped_column(String(64))  # the signed SOLD event
    at: Mapped[datetime]


for _model in (ReleaseFile, Ownership):
    append_only(_model)
