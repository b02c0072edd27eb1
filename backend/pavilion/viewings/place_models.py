"""Offices, their rooms, desks, hours and regimes, and who runs them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base


class Office(Base):
    """A place of the house where stones are shown. `rules` holds what differs from the house's booking rules."""

    __tablename__ = "offices"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)  # the word in addresses: ant, hkg
    name_en: Mapped[str] = mapped_column(String(80))
    name_zh: Mapped[str] = mapped_column(String(80))
    zone: Mapped[str] = mapped_column(String(40))  # IANA
    address_en: Mapped[str] = mapped_column(Text)
    address_zh: Mapped[str] = mapped_column(Text)
    directions_en: Mapped[str] = mapped_column(Text, default="")
    directions_zh: Mapped[str] = mapped_column(Text, default="")
    country: Mapped[str] = mapped_column(String(2))
    rules: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    version: Mapped[int] = mapped_column(default=1)


class Room(Base):
    __tablename__ = "viewing_rooms"
    __table_args__ = (
        CheckConstraint("cap > 0 and cap <= 1000", name="cap_counted"),
        CheckConstraint("companies is null or companies > 0", name="companies_counted"),
        Index("ix_viewing_rooms_office_id", "office_id"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    name_en: Mapped[str] = mapped_column(String(80))
    name_zh: Mapped[str] = mapped_column(String(80))
    cap: Mapped[int]  # persons
    companies: Mapped[int | None]  # at once; none: as many as find seats


class Desk(Base):
    """Where somebody sits with a tray; without a room it is a station for viewings by video."""

    __tablename__ = "viewing_desks"
    __table_args__ = (Index("ix_viewing_desks_office_id", "office_id"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    room_id: Mapped[str | None] = mapped_column(ForeignKey("viewing_rooms.id", ondelete="RESTRICT"))
    name_en: Mapped[str] = mapped_column(String(80))
    name_zh: Mapped[str] = mapped_column(String(80))
    equipment: Mapped[list[str]] = mapped_column(JSON, default=list)  # codes: north_light, microscope, camera, scale
    rank: Mapped[int] = mapped_column(default=0)
    closed_at: Mapped[datetime | None]


class OfficeStaff(Base):
    """Who with the role `viewings` acts for this office; operators show stones by video."""

    __tablename__ = "office_staff"

    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), primary_key=True)
    operator: Mapped[bool] = mapped_column(default=False)


class OpeningHours(Base):
    """A weekly opening: local times of the office, `close` may be 24:00."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        CheckConstraint("weekday between 0 and 6", name="weekday_known"),
        CheckConstraint("opens < closes", name="opens_before_it_closes"),
        Index("ix_opening_hours_office_id", "office_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    weekday: Mapped[int]  # Monday is 0
    opens: Mapped[str] = mapped_column(String(5))  # HH:MM
    closes: Mapped[str] = mapped_column(String(5))
    breaks: Mapped[list[list[str]]] = mapped_column(JSON, default=list)  # pairs of HH:MM
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class OpeningException(Base):
    """One date that differs: closed where `opens` is empty."""

    __tablename__ = "opening_exceptions"
    __table_args__ = (UniqueConstraint("office_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    day: Mapped[date] = mapped_column(Date)
    opens: Mapped[str | None] = mapped_column(String(5))
    closes: Mapped[str | None] = mapped_column(String(5))
    breaks: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    reason_en: Mapped[str] = mapped_column(String(160), default="")
    reason_zh: Mapped[str] = mapped_column(String(160), default="")


class Window(Base):
    """An opening of one date as instants, laid down ahead of time; `sale`: for buyers of that sale only."""

    __tablename__ = "viewing_windows"
    __table_args__ = (
        CheckConstraint("opens_at < closes_at", name="opens_before_it_closes"),
        UniqueConstraint("office_id", "opens_at"),
        Index("ix_viewing_windows_office_id_closes_at", "office_id", "closes_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    day: Mapped[date] = mapped_column(Date)
    opens: Mapped[str] = mapped_column(String(5))
    closes: Mapped[str] = mapped_column(String(5))
    breaks: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    breaks_at: Mapped[list[list[str]]] = mapped_column(JSON, default=list)  # pairs of instants as text
    tz_version: Mapped[str] = mapped_column(String(16))
    session: Mapped[str] = mapped_column(String(60), default="")
    sale: Mapped[str | None] = mapped_column(String(26))


class Regime(Base):
    """A span in which fewer may come, or a declaration is asked; the first that covers a start is in force."""

    __tablename__ = "viewing_regimes"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="starts_before_it_ends"),
        CheckConstraint("factor_pct between 1 and 100", name="factor_of_hundred"),
        CheckConstraint("gap_min >= 0 and gap_min % 5 = 0", name="gap_on_grid"),
        Index("ix_viewing_regimes_office_id", "office_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    name_en: Mapped[str] = mapped_column(String(80), default="")
    name_zh: Mapped[str] = mapped_column(String(80), default="")
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    factor_pct: Mapped[int] = mapped_column(default=100)
    gap_min: Mapped[int] = mapped_column(default=0)  # least pad after, in minutes
    companies: Mapped[int | None]
    declaration: Mapped[bool] = mapped_column(default=False)
    by: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # taken back


class SaleViewing(Base):
    """What holds for the viewings of one sale: until when, and rules that differ from the office's."""

    __tablename__ = "sale_viewings"

    sale: Mapped[str] = mapped_column(String(26), primary_key=True)
    ends_at: Mapped[datetime | None]
    rules: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Quota(Base):
    """Places of a kind in a sale, taken and given back one by one."""

    __tablename__ = "viewing_quotas"
    __table_args__ = (CheckConstraint("used >= 0 and used <= cap", name="within_cap"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    sale: Mapped[str | None] = mapped_column(String(26))
    name_en: Mapped[str] = mapped_column(String(80), default="")
    name_zh: Mapped[str] = mapped_column(String(80), default="")
    cap: Mapped[int]
    used: Mapped[int] = mapped_column(default=0)
