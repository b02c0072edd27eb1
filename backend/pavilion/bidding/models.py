"""The book as tables. SQLAlchemy declares and reads them; only a BookStore writes them."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.bidding.closing import NEVER
from pavilion.kernel.db import Base, append_only, one_of
from pavilion.kernel.instants import micros


class BookState(StrEnum):
    UNPUBLISHED = "unpublished"
    PUBLISHED = "published"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class BookLotState(StrEnum):
    LISTED = "listed"
    OPEN = "open"
    PAUSED = "paused"
    CLOSING = "closing"
    SOLD = "sold"
    PASSED = "passed"
    WITHDRAWN = "withdrawn"


class SaleBook(Base):
    """The book of one sale: the rules it was published under and the data key of its maxima, wrapped."""

    __tablename__ = "sale_books"
    __table_args__ = (one_of("state", BookState),)

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)  # public ids throughout: they stand in the events
    rules: Mapped[str] = mapped_column(Text)  # the canonical text whose hash the events name
    rules_hash: Mapped[str] = mapped_column(String(64))
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(12))
    size: Mapped[int]  # events so far


class SaleLease(Base):
    """Who may write the book. Each batch proves its epoch; a takeover raises it."""

    __tablename__ = "sale_leases"

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    holder: Mapped[str] = mapped_column(String(60))
    epoch: Mapped[int]
    expires_at: Mapped[datetime]
    beat_at: Mapped[datetime]  # the last sign of life, by the database's clock: what an outage is measured from


class BookEvent(Base):
    """One event, exactly as it was hashed. Written once, numbered without gaps per sale and per lot."""

    __tablename__ = "book_events"
    # No foreign key: the lease row that fences each batch already proves the sale, and a check per row would be
    # paid by every bid.
    __table_args__ = (
        Index(
            "uq_book_events_lot_seq",
            "lot",
            "seq",
            unique=True,
            postgresql_where=text("seq > 0"),
            sqlite_where=text("seq > 0"),
        ),
        Index(
            "uq_book_events_sale_seq",
            "sale",
            "seq",
            unique=True,
            postgresql_where=text("lot is null"),
            sqlite_where=text("lot is null"),
        ),
        CheckConstraint("n >= 0 and seq >= 0", name="counted"),
        CheckConstraint("seq > 0 or lot is not null", name="sale_in_order"),
        {"sqlite_with_rowid": False},  # one tree fewer to write per bid
    )

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    lot: Mapped[str | None] = mapped_column(String(26))
    seq: Mapped[int]
    t: Mapped[datetime]
    at: Mapped[datetime]
    type: Mapped[str] = mapped_column(String(24))
    prev: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)


class Checkpoint(Base):
    """The signed root after one batch."""

    __tablename__ = "checkpoints"

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    text: Mapped[str] = mapped_column(Text)


class BookBid(Base):
    """What the events keep secret of a bid: paddle, key and the sealed maximum. One row per paddle and key."""

    __tablename__ = "book_bids"
    __table_args__ = (UniqueConstraint("sale", "n"),)

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    paddle: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    n: Mapped[int]
    lot: Mapped[str] = mapped_column(String(26))
    seq: Mapped[int]  # 0: refused
    alias: Mapped[str] = mapped_column(String(4))
    code: Mapped[str | None] = mapped_column(String(24))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)  # one length for all
    entered_by: Mapped[str | None] = mapped_column(String(26))  # the member of staff who entered it for the bidder
    mandate: Mapped[str | None] = mapped_column(String(10))  # phone, commission or floor


class BookLot(Base):
    """Where a lot stands, kept by the batch that moved it, so that pages read it by SQL."""

    __tablename__ = "book_lots"
    __table_args__ = (one_of("state", BookLotState), Index("ix_book_lots_sale_position", "sale", "position"))

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    sale: Mapped[str] = mapped_column(String(26))
    number: Mapped[str] = mapped_column(String(12))
    position: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    opening: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    seq: Mapped[int]
    price: Mapped[int | None]
    ask: Mapped[int]
    leader: Mapped[int | None]  # paddle; none while nobody or the seller leads
    alias: Mapped[str | None] = mapped_column(String(4))  # as the room sees the leader
    reserve_met: Mapped[bool | None]
    bids: Mapped[int]
    end: Mapped[datetime]
    published_end: Mapped[datetime]
    paused_at: Mapped[datetime | None]
    hash: Mapped[str] = mapped_column(String(64))
    sealed_reserve: Mapped[bytes | None] = mapped_column(LargeBinary)

    @property
    def ends(self) -> datetime | None:
        """None while only a call can end the lot."""
        return None if micros(self.end) == NEVER else self.end


class StaffAlias(Base):
    """The name under which a member of staff stands in the book of a sale."""

    __tablename__ = "staff_aliases"
    __table_args__ = (UniqueConstraint("sale", "alias"),)

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    person: Mapped[str] = mapped_column(String(26), primary_key=True)
    alias: Mapped[str] = mapped_column(String(8))


class BookOpening(Base):
    """What is published of the maxima after the close, so that the record needs no key."""

    __tablename__ = "book_openings"

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    amount: Mapped[int]
    nonce: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(32))


class ReserveOpening(Base):
    """The reserve of a sold lot with the nonce of its commitment, published with the record."""

    __tablename__ = "reserve_openings"

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    sale: Mapped[str] = mapped_column(String(26), index=True)
    reserve: Mapped[int]
    nonce: Mapped[str] = mapped_column(String(64))


class PaidLot(Base):
    """A won lot that is paid: it no longer counts against the buyer's limit. The row goes with the payment."""

    __tablename__ = "paid_lots"

    lot: Mapped[str] = mapped_column(String(26), primary_key=True)
    sale: Mapped[str] = mapped_column(String(26), index=True)
    at: Mapped[datetime]


for _model in (BookEvent, Checkpoint, BookBid, StaffAlias, BookOpening, ReserveOpening):
    append_only(_model)
