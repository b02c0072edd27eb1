"""What buyers offer for stones, and what the two sides answered (settlement spec 11.3)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of
from pavilion.kernel.money import MAX_AMOUNT
from pavilion.trading.turns import MOST_ROUNDS, Side, Standing, ThreadState

_OPEN = text("state = 'open'")
_SPOKEN = f"round >= 1 and round <= {MOST_ROUNDS}"
_PRICED = f"price_minor > 0 and price_minor <= {MAX_AMOUNT}"


class Offer(Base):
    """What one company offers for these stones together; `price_minor` is the last proposal's, and `turn` says who has
    to answer it."""

    __tablename__ = "offers"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("company_id", "key"),
        one_of("state", ThreadState),
        one_of("turn", Side),
        CheckConstraint("company_id <> seller_company_id", name="of_another"),
        CheckConstraint(_PRICED, name="price_counted"),
        CheckConstraint(_SPOKEN, name="round_counted"),
        CheckConstraint("length(destination) = 2", name="destination_two_letters"),
        Index("uq_offers_open", "company_id", "stones_key", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("ix_offers_seller_company_id", "seller_company_id"),
        Index("ix_offers_state_expires_at", "state", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    seller_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    stones_key: Mapped[str] = mapped_column(String(64))  # of the set, whatever order it was named in
    currency: Mapped[str] = mapped_column(String(3))
    destination: Mapped[str] = mapped_column(String(2))
    price_minor: Mapped[int]
    round: Mapped[int]
    turn: Mapped[str] = mapped_column(String(6))
    state: Mapped[str] = mapped_column(String(10), default=ThreadState.OPEN)
    expires_at: Mapped[datetime]
    locked: Mapped[bool] = mapped_column(default=False)  # the owner keeps the stones for this offer
    key: Mapped[str] = mapped_column(String(64))  # the buyer's own: said twice, done once
    body_sha256: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    order: Mapped[str | None] = mapped_column(String(26))  # that it became

    @property
    def standing(self) -> Standing:
        return Standing(self.state, self.turn, self.round, self.expires_at)


class OfferStone(Base):
    """A stone among those of an offer."""

    __tablename__ = "offer_stones"
    __table_args__ = (Index("ix_offer_stones_stone", "stone"),)

    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id", ondelete="RESTRICT"), primary_key=True)
    stone: Mapped[str] = mapped_column(String(26), primary_key=True)


class OfferRound(Base):
    """A proposal as it was said."""

    __tablename__ = "offer_rounds"
    __table_args__ = (
        one_of("side", Side),
        CheckConstraint(_PRICED, name="price_counted"),
        CheckConstraint(_SPOKEN, name="round_counted"),
    )

    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id", ondelete="RESTRICT"), primary_key=True)
    round: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    side: Mapped[str] = mapped_column(String(6))
    price_minor: Mapped[int]
    terms: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    expires_at: Mapped[datetime]


class OfferAnswer(Base):
    """What a program answered under a key of its own, so that said twice it is done once."""

    __tablename__ = "offer_answers"

    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id", ondelete="RESTRICT"), primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class OfferFloor(Base):
    """Below this share of the asking price the owner's stones are declined by themselves; without a row nothing is."""

    __tablename__ = "offer_floors"
    __table_args__ = (CheckConstraint("share_bp >= 1 and share_bp <= 10000", name="share_of_the_price"),)

    company_id: Mapped[int] = mapped_column(
        ForeignKey("companies.id", ondelete="RESTRICT"), primary_key=True, autoincrement=False
    )
    share_bp: Mapped[int]
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]


append_only(OfferRound)
append_only(OfferAnswer)
