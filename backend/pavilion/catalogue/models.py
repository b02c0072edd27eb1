"""Stones as their suppliers listed them, and what each is promised to."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pavilion.kernel.db import Base, append_only, one_of


class CommitmentKind(StrEnum):
    """What takes a stone off the market (settlement spec 11.1)."""

    IN_SALE = "in_sale"
    HELD = "held"
    OFFERED_LOCK = "offered_lock"
    ON_MEMO = "on_memo"
    SOLD = "sold"


class ChangeKind(StrEnum):
    """What became of a stone. A price is told before anything else that changed with it; coming on the list and going
    off it are told before the price. A viewing that became free is told as a change of `viewing`."""

    LISTED = "listed"
    CHANGED = "changed"
    PRICED = "priced"
    COMMITTED = "committed"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    UNLISTED = "unlisted"


_LISTED = text("exposed_id is not null and withdrawn_at is null")
_LIVE = text("released_at is null")


class Stone(Base):
    """One stone of one supplier. It is listed while `exposed_id` is set and `withdrawn_at` is not.

    Codes are those of `data/enumerations.json`. Money is in minor units of `currency`, weight in milli-carats, length
    in micrometres, percent, ratio and angles in hundredths.
    """

    __tablename__ = "stones"
    __table_args__ = (
        UniqueConstraint("supplier_company_id", "stock_no_key"),
        CheckConstraint("weight_mct > 0", name="weight_positive"),
        CheckConstraint("price_per_carat_minor >= 0 and price_total_minor >= 0", name="price_not_negative"),
        CheckConstraint("length_um >= width_um", name="length_is_the_longer"),
        CheckConstraint("exposed_id = public_id", name="exposed_as_itself"),
        Index("ix_stones_seq", "seq"),
        Index("ix_stones_lab_report_no", "lab", "report_no"),
        Index("ix_stones_origin_id", "origin_id"),
        Index("ix_stones_exposed_id", "exposed_id"),
        Index("ix_stones_like", "shape", "color", "clarity", "weight_mct"),
        Index(
            "uq_stones_listed_report", "lab", "report_no", unique=True, postgresql_where=_LISTED, sqlite_where=_LISTED
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    supplier_company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    stock_no: Mapped[str] = mapped_column(String(32))
    stock_no_key: Mapped[str] = mapped_column(String(32))  # case-folded

    species: Mapped[str] = mapped_column(String(20), default="diamond")
    variety: Mapped[str | None] = mapped_column(String(20))
    shape: Mapped[str] = mapped_column(String(20))
    weight_mct: Mapped[int]
    color: Mapped[str | None] = mapped_column(String(4))
    clarity: Mapped[str | None] = mapped_column(String(20))
    cut: Mapped[str | None] = mapped_column(String(20))
    polish: Mapped[str | None] = mapped_column(String(20))
    symmetry: Mapped[str | None] = mapped_column(String(20))
    fluor_intensity: Mapped[str | None] = mapped_column(String(20))
    fluor_color: Mapped[str | None] = mapped_column(String(20))
    fancy_color: Mapped[str | None] = mapped_column(String(20))  # the dominant hue
    fancy_secondary: Mapped[str | None] = mapped_column(String(20))
    fancy_intensity: Mapped[str | None] = mapped_column(String(20))
    fancy_overtone: Mapped[str | None] = mapped_column(String(120))  # modifiers in order, parted by spaces
    treatment: Mapped[str | None] = mapped_column(String(20))
    lab: Mapped[str] = mapped_column(String(20))
    report_no: Mapped[str] = mapped_column(String(40))

    length_um: Mapped[int | None]
    width_um: Mapped[int | None]
    depth_um: Mapped[int | None]
    depth_pct: Mapped[int | None]
    table_pct: Mapped[int | None]
    ratio: Mapped[int | None]  # length to width; derived from the two when a row is stored
    crown_angle: Mapped[int | None]
    crown_height_pct: Mapped[int | None]
    pavilion_angle: Mapped[int | None]
    pavilion_depth_pct: Mapped[int | None]
    girdle_pct: Mapped[int | None]
    girdle_min: Mapped[str | None] = mapped_column(String(20))  # the thinnest
    girdle_max: Mapped[str | None] = mapped_column(String(20))
    culet: Mapped[str | None] = mapped_column(String(20))
    girdle_condition: Mapped[str | None] = mapped_column(String(20))
    culet_condition: Mapped[str | None] = mapped_column(String(20))
    shade: Mapped[str | None] = mapped_column(String(20))
    milky: Mapped[str | None] = mapped_column(String(20))
    eye_clean: Mapped[str | None] = mapped_column(String(20))
    black_inclusion: Mapped[str | None] = mapped_column(String(20))
    white_inclusion: Mapped[str | None] = mapped_column(String(20))
    open_inclusion: Mapped[str | None] = mapped_column(String(20))
    key_to_symbols: Mapped[str | None] = mapped_column(Text)
    inscription: Mapped[str | None] = mapped_column(String(100))
    report_date: Mapped[str | None] = mapped_column(String(10))  # year, month, day
    treatment_degree: Mapped[str | None] = mapped_column(String(20))

    gem_hue: Mapped[str | None] = mapped_column(String(20))  # of a coloured stone
    gem_tone: Mapped[str | None] = mapped_column(String(20))
    gem_saturation: Mapped[str | None] = mapped_column(String(20))
    color_term: Mapped[str | None] = mapped_column(String(20))  # the laboratory's own: pigeon blood
    transparency: Mapped[str | None] = mapped_column(String(20))
    gem_clarity: Mapped[str | None] = mapped_column(String(20))
    origin_opinion: Mapped[str | None] = mapped_column(String(20))  # of the laboratory; an opinion is no proof

    price_per_carat_minor: Mapped[int | None]
    price_total_minor: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    list_pct: Mapped[int | None]  # against a price list; negative is below it
    list_price_minor: Mapped[int | None]  # per carat, on the list the supplier goes by
    cash_price_minor: Mapped[int | None]  # per carat, for payment at once
    cash_list_pct: Mapped[int | None]
    availability: Mapped[str] = mapped_column(String(30), default="subject_to_prior_sale")  # the supplier's word
    city: Mapped[str | None] = mapped_column(String(80))
    region: Mapped[str | None] = mapped_column(String(80))  # state or province
    country: Mapped[str | None] = mapped_column(String(2))
    brand: Mapped[str | None] = mapped_column(String(60))
    pair_stock_no: Mapped[str | None] = mapped_column(String(32))  # the same supplier's stone that belongs to it
    pair_separable: Mapped[bool | None]
    image_ref: Mapped[str | None] = mapped_column(Text)  # where the supplier says that its files lie
    video_ref: Mapped[str | None] = mapped_column(Text)
    report_ref: Mapped[str | None] = mapped_column(Text)

    origin_id: Mapped[str] = mapped_column(String(64))
    origin_registry: Mapped[str | None] = mapped_column(String(60))
    mine_country: Mapped[str | None] = mapped_column(String(2))
    mine: Mapped[str | None] = mapped_column(String(120))
    producer: Mapped[str | None] = mapped_column(String(120))
    rough_weight_mct: Mapped[int | None]
    cutter_name: Mapped[str | None] = mapped_column(String(120))
    cutter_years: Mapped[int | None]
    cutter_named: Mapped[bool] = mapped_column(default=False, server_default=false())  # agreed to be named
    kp_no: Mapped[str | None] = mapped_column(String(24))  # Kimberley certificate of the rough

    picture: Mapped[str | None] = mapped_column(String(80))  # file name of a drawn picture
    media: Mapped[int] = mapped_column(SmallInteger, server_default="0")  # bits: photo, turn, video, report
    photo: Mapped[str | None] = mapped_column(String(26))  # public id of the first photograph
    office: Mapped[str | None] = mapped_column(String(12))  # of the house, where it lies now
    lies: Mapped[str | None] = mapped_column(String(400))  # on which days in which office, as `staying` writes it
    words: Mapped[dict[str, str] | None] = mapped_column(JSON)  # the laboratory's own words beside our codes
    comment: Mapped[str | None] = mapped_column(Text)
    supplier_said: Mapped[dict[str, str] | None] = mapped_column(
        JSON
    )  # by column, where the laboratory's value is used

    listed_at: Mapped[datetime | None]  # when it was first shown to buyers
    updated_at: Mapped[datetime]
    seq: Mapped[int]  # the change that touched it last; rises over all stones
    withdrawn_at: Mapped[datetime | None]
    exposed_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("exposed_stones.stone", ondelete="SET NULL"))

    commitments: Mapped[list["StoneCommitment"]] = relationship(lazy="raise", viewonly=True)

    @property
    def listed(self) -> bool:
        return self.exposed_id is not None and self.withdrawn_at is None

    @property
    def overtones(self) -> list[str]:
        return (self.fancy_overtone or "").split()


class AwaitedStone(Base):
    """Somebody has an appointment to see the stone, the last of them until then; no stock file takes it off the list
    before."""

    __tablename__ = "awaited_stones"

    stone_id: Mapped[int] = mapped_column(ForeignKey("stones.id", ondelete="CASCADE"), primary_key=True)
    until: Mapped[datetime]


class OfficeName(Base):
    """How an office of the house is called, for whoever asks for the stones that lie there."""

    __tablename__ = "office_names"

    office: Mapped[str] = mapped_column(String(12), primary_key=True)
    name_en: Mapped[str] = mapped_column(String(80))
    name_zh: Mapped[str] = mapped_column(String(80))


class StoneCommitment(Base):
    """A stone is promised to one thing at a time: the lot, hold, memo or order named by `ref`."""

    __tablename__ = "stone_commitments"
    __table_args__ = (
        one_of("kind", CommitmentKind),
        Index("uq_stone_commitments_live", "stone_id", unique=True, postgresql_where=_LIVE, sqlite_where=_LIVE),
        Index("ix_stone_commitments_ref", "ref"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stone_id: Mapped[int] = mapped_column(ForeignKey("stones.id", ondelete="RESTRICT"))
    exposed_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("exposed_stones.stone", ondelete="SET NULL"))
    kind: Mapped[str] = mapped_column(String(16))
    ref: Mapped[str] = mapped_column(String(26))  # public id of the lot, hold, memo or order
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)  # public: for a lot its number, its sale's id and titles
    made_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class StoneChange(Base):
    """One stone at one change: what it was before and after, where the two differ. `listed` says whether it stood on
    the list, `promised` what it was promised to; everything else is a column of the stone."""

    __tablename__ = "stone_changes"
    __table_args__ = (one_of("kind", ChangeKind), Index("ix_stone_changes_stone_id", "stone_id", "seq"))

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stone_id: Mapped[int] = mapped_column(ForeignKey("stones.id", ondelete="RESTRICT"), primary_key=True)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(16))
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)


append_only(StoneChange)
