"""What happens at the desk: trays, incidents, films of a viewing, and a company's own notes."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.kernel.db import Base, append_only, one_of
from pavilion.viewings.states import IncidentKind


class Tray(Base):
    """Stones that go to the desk together. Blocked while an incident about it is open."""

    __tablename__ = "viewing_trays"
    __table_args__ = (UniqueConstraint("office_id", "sale", "label"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    sale: Mapped[str] = mapped_column(String(26), default="")
    label: Mapped[str] = mapped_column(String(20))
    stones: Mapped[list[str]] = mapped_column(JSON, default=list)  # public ids in the order of the tray
    made_at: Mapped[datetime]


class Incident(Base):
    """Something is not as it was when it was handed out. While it is open, its stone and tray are handed to nobody."""

    __tablename__ = "viewing_incidents"
    __table_args__ = (
        one_of("kind", IncidentKind),
        Index("ix_viewing_incidents_office_id", "office_id", "closed_at"),
        Index("ix_viewing_incidents_stone", "stone"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    office_id: Mapped[str] = mapped_column(ForeignKey("offices.id", ondelete="RESTRICT"))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointments.id", ondelete="RESTRICT"))
    kind: Mapped[str] = mapped_column(String(8))
    stone: Mapped[str | None] = mapped_column(String(26))
    tray_id: Mapped[int | None] = mapped_column(ForeignKey("viewing_trays.id", ondelete="RESTRICT"))
    out_mct: Mapped[int | None]
    in_mct: Mapped[int | None]
    words: Mapped[str] = mapped_column(Text, default="")
    opened_by: Mapped[str] = mapped_column(String(40))
    opened_at: Mapped[datetime]
    resolution: Mapped[str] = mapped_column(Text, default="")
    closed_by: Mapped[str | None] = mapped_column(String(40))
    closed_at: Mapped[datetime | None]


class RemoteViewing(Base):
    """A viewing by video: where to join, and what is kept of it."""

    __tablename__ = "remote_viewings"

    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointments.id", ondelete="CASCADE"), primary_key=True)
    link: Mapped[str] = mapped_column(String(400), default="")
    microscope: Mapped[str] = mapped_column(String(40), default="")
    recording_ref: Mapped[str] = mapped_column(String(400), default="")
    recording_sha256: Mapped[str | None] = mapped_column(String(64))
    notes: Mapped[str] = mapped_column(Text, default="")  # the operator's; every registered bidder may read them
    by: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime | None]


class ViewingNote(Base):
    """What a company wrote down about a stone; nobody else reads it, the house neither."""

    __tablename__ = "viewing_notes"
    __table_args__ = (Index("ix_viewing_notes_company_id_stone", "company_id", "stone"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    stone: Mapped[str] = mapped_column(String(26))
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointments.id", ondelete="SET NULL"))
    words: Mapped[str] = mapped_column(Text)
    by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class DeskAct(Base):
    """An act of the desk, once however often a device without a line sends it."""

    __tablename__ = "desk_acts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    answer: Mapped[dict[str, object]] = mapped_column(JSON)
    at: Mapped[datetime]


append_only(DeskAct)
