"""Where a stone is and will be, and when nobody or one company alone may see it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, one_of
from pavilion.viewings.states import BlockKind, StoneFate


class Stay(Base):
    """A stone at an office from its arrival (none: always was) to its departure (none: for good).

    It can be shown `unpack_min` after it arrived until `pack_min` before it leaves; between two stays it travels.
    """

    __tablename__ = "stone_stays"
    __table_args__ = (
        CheckConstraint("arrive is null or depart is null or arrive < depart", name="arrives_before_it_leaves"),
        CheckConstraint("pack_min >= 0 and pack_min % 5 = 0", name="pack_on_grid"),
        CheckConstraint("unpack_min >= 0 and unpack_min % 5 = 0", name="unpack_on_grid"),
        Index("ix_stone_stays_stone", "stone", "arrive"),
        Index("ix_stone_stays_office_id", "office_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stone: Mapped[str] = mapped_column(String(26))  # public id
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    arrive: Mapped[datetime | None]
    depart: Mapped[datetime | None]
    pack_min: Mapped[int] = mapped_column(default=0)
    unpack_min: Mapped[int] = mapped_column(default=0)
    carrier: Mapped[str] = mapped_column(String(80), default="")  # who brings it
    carrier_ref: Mapped[str] = mapped_column(String(80), default="")
    by: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime]


class StoneBlock(Base):
    """On memo nobody else sees it; under an exclusive hold the holder alone."""

    __tablename__ = "stone_blocks"
    __table_args__ = (
        one_of("kind", BlockKind),
        CheckConstraint("starts_at < ends_at", name="starts_before_it_ends"),
        Index("ix_stone_blocks_stone", "stone", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stone: Mapped[str] = mapped_column(String(26))
    kind: Mapped[str] = mapped_column(String(4))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime]


class StoneEnd(Base):
    """Sold or withdrawn: no claim on it from then on."""

    __tablename__ = "stone_ends"
    __table_args__ = (one_of("fate", StoneFate), UniqueConstraint("stone"))

    id: Mapped[int] = mapped_column(primary_key=True)
    stone: Mapped[str] = mapped_column(String(26))
    fate: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]
