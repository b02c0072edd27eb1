"""Sales and lots before the hammer, and who may bid in them."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pavilion.auctions import frozen
from pavilion.auctions.formats import SaleType
from pavilion.auctions.reasons import told
from pavilion.auctions.rules import LotState, Mode, RegistrationState, ReserveRule, SaleState
from pavilion.kernel.db import Base, append_only, one_of
from pavilion.kernel.money import MAX_AMOUNT
from pavilion.kernel.seals import SEALED_BYTES

# Ranks are compared byte by byte on both databases.
Rank = String(120).with_variant(postgresql.VARCHAR(120, collation="C"), "postgresql")

_COMPLETE = (
    "state = 'draft' or (number is not null and title_en <> '' and title_zh <> '' and consignor_company_id is not null "
    "and opening_minor is not null and low_minor is not null and high_minor is not null "
    "and opening_minor <= low_minor and low_minor <= high_minor)"
)


class Sale(Base):
    """A numbered list of lots under one rule set. `rules` is written once, at publication."""

    __tablename__ = "sales"
    __table_args__ = (
        one_of("type", SaleType),
        one_of("state", SaleState),
        one_of("mode", Mode),
        one_of("reserve_rule", ReserveRule),
        CheckConstraint("stagger_s >= 0 and stagger_per > 0", name="stagger_forward"),
        CheckConstraint("(state = 'draft' or type = 'collection') = (rules_hash is null)", name="published_with_rules"),
        CheckConstraint("rules_hash is null or length(rules_hash) = 64", name="rules_hash_sha256"),
        Index("ix_sales_state_opens_at", "state", "opens_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    type: Mapped[str] = mapped_column(String(12), default=SaleType.TIMED)
    state: Mapped[str] = mapped_column(String(12), default=SaleState.DRAFT)
    title_en: Mapped[str] = mapped_column(String(160))
    title_zh: Mapped[str] = mapped_column(String(160), default="")
    text_en: Mapped[str] = mapped_column(Text, default="")
    text_zh: Mapped[str] = mapped_column(Text, default="")
    currency: Mapped[str] = mapped_column(String(3))
    zone: Mapped[str] = mapped_column(String(40))  # IANA name: the clock of the sale's city
    place_city: Mapped[str] = mapped_column(String(80), default="")
    entity: Mapped[str] = mapped_column(String(3))  # the selling house, as it stands in invoice numbers
    langs: Mapped[list[str]] = mapped_column(JSON, default=lambda: ["en", "zh"])  # of its catalogue, one or both
    registers_from: Mapped[datetime | None]  # none: from publication on
    registers_until: Mapped[datetime | None]  # none: as long as it runs
    opens_at: Mapped[datetime | None]
    first_close_at: Mapped[datetime | None]
    stagger_s: Mapped[int] = mapped_column(default=60)
    stagger_per: Mapped[int] = mapped_column(default=1)
    breaks: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    increments: Mapped[list[list[int]]] = mapped_column(JSON, default=list)
    mode: Mapped[str] = mapped_column(String(4), default=Mode.ADD)
    soft_close: Mapped[dict[str, Any]] = mapped_column(JSON)
    premium: Mapped[dict[str, Any]] = mapped_column(JSON)
    reserve_rule: Mapped[str] = mapped_column(String(5), default=ReserveRule.JUMP)
    options: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # none: all as usual
    rules: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    rules_hash: Mapped[str | None] = mapped_column(String(64))
    snapshot_hash: Mapped[str | None] = mapped_column(String(64))  # of the published version, curation spec 8
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]

    lots: Mapped[list["Lot"]] = relationship(lazy="raise", order_by="Lot.rank", viewonly=True)


class LotGroup(Base):
    """A heading of the sale: the lots under it stand together where the curator puts them."""

    __tablename__ = "lot_groups"
    __table_args__ = (UniqueConstraint("sale_id", "name_en"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sale_id: Mapped[int] = mapped_column(ForeignKey("sales.id", ondelete="CASCADE"))
    name_en: Mapped[str] = mapped_column(String(80))
    name_zh: Mapped[str] = mapped_column(String(80))


class Lot(Base):
    """What is sold under one number. Order is `rank`, the number is a label, identity is `public_id`."""

    __tablename__ = "lots"
    __table_args__ = (
        UniqueConstraint("sale_id", "rank"),
        UniqueConstraint("sale_id", "number", "suffix"),
        UniqueConstraint("id", "sale_id"),
        one_of("state", LotState),
        CheckConstraint("number is null or number > 0", name="number_positive"),
        CheckConstraint("opening_minor > 0", name="opening_positive"),
        CheckConstraint("reserve_minor > 0", name="reserve_positive"),
        CheckConstraint("low_minor > 0", name="low_positive"),
        CheckConstraint(f"high_minor > 0 and high_minor <= {MAX_AMOUNT}", name="high_positive"),
        CheckConstraint(_COMPLETE, name="complete_when_listed"),
        Index("ix_lots_consignor_company_id", "consignor_company_id"),
        Index("uq_lots_reoffer_of", "reoffer_of", unique=True),
        Index("ix_lots_group_id", "group_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    sale_id: Mapped[int] = mapped_column(ForeignKey("sales.id", ondelete="RESTRICT"))
    rank: Mapped[str] = mapped_column(Rank)
    number: Mapped[int | None]
    suffix: Mapped[str] = mapped_column(String(2), default="")
    title_en: Mapped[str] = mapped_column(String(200), default="")
    title_zh: Mapped[str] = mapped_column(String(200), default="")
    text_en: Mapped[str] = mapped_column(Text, default="")
    text_zh: Mapped[str] = mapped_column(Text, default="")
    low_minor: Mapped[int | None]
    high_minor: Mapped[int | None]
    on_request: Mapped[bool] = mapped_column(default=False)  # the estimate is told to who asks; the house still has one
    # `reserves.py` alone reads and writes these two. The first holds what an earlier version left, until the first
    # start of this one has sealed it; the database takes nothing new there.
    reserve_in_clear: Mapped[int | None] = mapped_column("reserve_minor")
    reserve_sealed: Mapped[str | None] = mapped_column(String(2 * SEALED_BYTES))
    opening_minor: Mapped[int | None]
    consignor_company_id: Mapped[int | None] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(10), default=LotState.DRAFT)
    version: Mapped[int] = mapped_column(default=1)
    reoffer_of: Mapped[str | None] = mapped_column(String(26))  # the passed or withdrawn lot that is offered once more
    group_id: Mapped[int | None] = mapped_column(ForeignKey("lot_groups.id", ondelete="RESTRICT"))
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)  # the curators' own words, shown to nobody else
    pinned: Mapped[bool] = mapped_column(default=False)  # sorting leaves it where it stands

    sale: Mapped[Sale] = relationship(lazy="raise", viewonly=True)
    stones: Mapped[list["LotStone"]] = relationship(lazy="raise", order_by="LotStone.place", viewonly=True)

    @property
    def number_text(self) -> str:
        return "" if self.number is None else f"{self.number}{self.suffix}"


_STANDS_ALONE: dict[str, Any] = {"sqlite_where": text("not relotted"), "postgresql_where": text("not relotted")}


class LotStone(Base):
    """A stone of a lot; of a sale's lots it stands in one alone, but for those that were offered again. `exposed_id` is
    set while its origin stands verified; losing that empties it."""

    __tablename__ = "lot_stones"
    __table_args__ = (
        ForeignKeyConstraint(["lot_id", "sale_id"], ["lots.id", "lots.sale_id"], ondelete="CASCADE"),
        CheckConstraint("place >= 0", name="place_counted"),
        Index("uq_lot_stones_sale_id_stone_id", "sale_id", "stone_id", unique=True, **_STANDS_ALONE),
        Index("ix_lot_stones_stone_id", "stone_id"),
        Index("ix_lot_stones_exposed_id", "exposed_id"),
    )

    lot_id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    sale_id: Mapped[int]
    stone_id: Mapped[int] = mapped_column(ForeignKey("stones.id", ondelete="RESTRICT"))
    exposed_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("exposed_stones.stone", ondelete="SET NULL"))
    relotted: Mapped[bool] = mapped_column(default=False)  # a later lot of the same sale offers it again


class Registration(Base):
    """A company's wish to bid in a sale and what the house answered. Approval gives the paddle."""

    __tablename__ = "registrations"
    __table_args__ = (
        UniqueConstraint("sale_id", "company_id"),
        UniqueConstraint("sale_id", "paddle"),
        one_of("state", RegistrationState),
        CheckConstraint("paddle is null or paddle > 0", name="paddle_positive"),
        CheckConstraint(f"limit_minor >= 0 and limit_minor <= {MAX_AMOUNT}", name="limit_counted"),
        CheckConstraint(
            "state not in ('approved', 'suspended', 'struck') or (paddle is not null and limit_minor is not null)",
            name="approved_with_paddle",
        ),
        CheckConstraint("length(destination) = 2", name="destination_two_letters"),
        CheckConstraint("not awaits_deposit or limit_minor = 0", name="no_limit_before_deposit"),
        Index("ix_registrations_state_id", "state", "id"),
        Index("ix_registrations_company_id", "company_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    sale_id: Mapped[int] = mapped_column(ForeignKey("sales.id", ondelete="RESTRICT"))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    state: Mapped[str] = mapped_column(String(20), default=RegistrationState.APPLIED)
    paddle: Mapped[int | None]
    limit_minor: Mapped[int | None]
    asked_minor: Mapped[int | None]  # the limit the company asked for
    destination: Mapped[str] = mapped_column(String(2))  # where the stones are delivered, ISO 3166-1 alpha-2
    terms_hash: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, default="")  # the company's own words
    reason: Mapped[str] = mapped_column(Text, default="")  # what the house asked, or the code of why it declined
    applied_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    applied_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    marked: Mapped[list[str]] = mapped_column(JSON, default=list)  # the lots from which the deposit is counted
    deposit_minor: Mapped[int | None]  # asked with the approval; none: nothing is
    granted_minor: Mapped[int | None]  # the limit as soon as the deposit is held
    awaits_deposit: Mapped[bool] = mapped_column(default=False)
    approved_until: Mapped[datetime | None]  # from then on no new bids; none: as long as the sale takes some

    def expired(self, now: datetime) -> bool:
        """Approved, and its time is over: what was bid stands, nothing new is taken."""
        ends = self.approved_until if self.state == RegistrationState.APPROVED else None
        return ends is not None and now >= ends

    @property
    def asks_on(self) -> bool:
        """Its approval ended, and the company asked since to bid on."""
        ends = self.approved_until if self.state == RegistrationState.APPROVED else None
        return ends is not None and self.applied_at >= ends

    @property
    def paddle_text(self) -> str:
        return "" if self.paddle is None else f"P-{self.paddle:04d}"

    @property
    def question(self) -> str:
        """What the house wants to know, word for word."""
        return self.reason if self.state == RegistrationState.MORE_INFORMATION else ""

    @property
    def why(self) -> str:
        """Why it was declined or suspended, as the code of general words; none while it is neither."""
        return told(self.reason) if self.state in (RegistrationState.DECLINED, RegistrationState.SUSPENDED) else ""


class LotMove(Base):
    """One move of a lot in the running order; the order of any moment can be told again from them."""

    __tablename__ = "lot_moves"
    __table_args__ = (Index("ix_lot_moves_sale_id_id", "sale_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sale_id: Mapped[int]
    lot: Mapped[str] = mapped_column(String(26))
    from_key: Mapped[str | None] = mapped_column(String(120))  # none: the lot was added
    to_key: Mapped[str | None] = mapped_column(String(120))  # none: the lot was removed
    by: Mapped[str | None] = mapped_column(String(40))
    at: Mapped[datetime]


class Command(Base):
    """One act of curation with what it changed, so that its author or a lead can take it back until publication."""

    __tablename__ = "curation_commands"
    __table_args__ = (Index("ix_curation_commands_sale_id_id", "sale_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sale_id: Mapped[int] = mapped_column(ForeignKey("sales.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # per lot: before and after
    reason: Mapped[str] = mapped_column(Text, default="")
    undone_at: Mapped[datetime | None]


append_only(LotMove)
for _model in (Sale, LotGroup, Lot, LotStone):
    frozen.keep(cast(Table, _model.__table__))
