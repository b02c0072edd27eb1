"""Appointments, what they claim, who comes, and who waits for a place."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from pavilion.catalogue.shortlist_models import guard
from pavilion.kernel.db import Base, append_only, one_of
from pavilion.viewings.states import AppointmentState, GapMode, ViewingMode, WaitState


class Appointment(Base):
    """A company at a desk with stones. The state is the fold of its events; the row carries their result."""

    __tablename__ = "appointments"
    __table_args__ = (
        one_of("state", AppointmentState),
        one_of("mode", ViewingMode),
        one_of("gap_mode", GapMode),
        CheckConstraint("starts_at < ends_at", name="starts_before_it_ends"),
        CheckConstraint("party between 0 and 20", name="party_counted"),
        CheckConstraint("(state = 'held') = (expires_at is not null)", name="held_until"),
        UniqueConstraint("company_id", "request_key"),
        Index("ix_appointments_state_starts_at", "state", "starts_at"),
        Index("ix_appointments_desk_id_starts_at", "desk_id", "starts_at"),
        Index("ix_appointments_company_id_starts_at", "company_id", "starts_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    uid: Mapped[str] = mapped_column(String(80), unique=True)  # iTIP; never changes
    sequence: Mapped[int] = mapped_column(default=0)  # iTIP; one more for each change that was sent
    number: Mapped[str] = mapped_column(String(20), unique=True)  # what people say: HKG-0417
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    party: Mapped[int]  # persons; 0 by video
    desk_id: Mapped[str] = mapped_column(ForeignKey("viewing_desks.id", ondelete="RESTRICT"))
    mode: Mapped[str] = mapped_column(String(10), default=ViewingMode.IN_PERSON)
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    freed_at: Mapped[datetime | None]  # from here on its places are free: finished early, or nobody came
    pad_before: Mapped[int] = mapped_column(default=0)  # minutes, as its claims were written
    pad_after: Mapped[int] = mapped_column(default=0)
    gap_mode: Mapped[str] = mapped_column(String(3), default=GapMode.MAX)  # of its claims
    zone: Mapped[str] = mapped_column(String(40))
    wall: Mapped[str] = mapped_column(String(16))  # YYYY-MM-DDTHH:MM at the office, as it was agreed
    tz_version: Mapped[str] = mapped_column(String(16))
    sale: Mapped[str | None] = mapped_column(String(26))
    quotas: Mapped[list[str]] = mapped_column(JSON, default=list)
    state: Mapped[str] = mapped_column(String(12))
    attention: Mapped[str | None] = mapped_column(String(40))  # a code: why somebody must look at it
    expires_at: Mapped[datetime | None]
    declaration_at: Mapped[datetime | None]
    checked_in_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    request_key: Mapped[str] = mapped_column(String(64))
    booked_by: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    note: Mapped[str] = mapped_column(Text, default="")  # the company's own wish, in its words
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class AppointmentStone(Base):
    """A stone to be shown, in the order asked; `dropped`: a code, once it cannot be shown any more. `exposed_id` is
    emptied when its origin is no longer confirmed; `snapshot` says what it was when it was put there."""

    __tablename__ = "appointment_stones"
    __table_args__ = (
        CheckConstraint("exposed_id = stone", name="exposed_as_itself"),
        Index("ix_appointment_stones_stone", "stone"),
        Index("ix_appointment_stones_exposed_id", "exposed_id"),
    )

    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointments.id", ondelete="CASCADE"), primary_key=True)
    stone: Mapped[str] = mapped_column(String(26), primary_key=True)  # public id
    exposed_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("exposed_stones.stone", ondelete="SET NULL"))
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSON)
    place: Mapped[int]
    dropped: Mapped[str | None] = mapped_column(String(40))
    dropped_at: Mapped[datetime | None]


class Visitor(Base):
    """A named person for whom a company answers. Erased 90 days after the sale: `name` empty, `born` none."""

    __tablename__ = "visitors"
    __table_args__ = (Index("ix_visitors_company_id", "company_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(120))
    born: Mapped[date | None] = mapped_column(Date)
    document_kind: Mapped[str] = mapped_column(String(20), default="passport")  # the kind alone; never the document
    email: Mapped[str] = mapped_column(String(254), default="")
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class AppointmentVisitor(Base):
    """Who comes. The pass is a random token of which only the hash is kept; it opens the door once."""

    __tablename__ = "appointment_visitors"
    __table_args__ = (
        UniqueConstraint("pass_sha256"),
        UniqueConstraint("link_sha256"),
        Index("ix_appointment_visitors_visitor_id", "visitor_id"),
    )

    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointments.id", ondelete="CASCADE"), primary_key=True)
    visitor_id: Mapped[int] = mapped_column(ForeignKey("visitors.id", ondelete="RESTRICT"), primary_key=True)
    place: Mapped[int]
    pass_sha256: Mapped[str | None] = mapped_column(String(64))
    link_sha256: Mapped[str | None] = mapped_column(String(64))
    pass_used_at: Mapped[datetime | None]
    document_seen_at: Mapped[datetime | None]
    document_seen_by: Mapped[str | None] = mapped_column(String(40))
    declared_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]


class AppointmentEvent(Base):
    """What happened to an appointment, by whom and why."""

    __tablename__ = "appointment_events"
    __table_args__ = (UniqueConstraint("appointment_id", "n"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointments.id", ondelete="RESTRICT"))
    n: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40))  # held, booked, moved, cancelled, checked_in, done, ...
    state: Mapped[str] = mapped_column(String(12))  # after it
    sequence: Mapped[int]
    actor: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)


class Claim(Base):
    """One resource in one quantum of five minutes belongs to one appointment (viewings spec 3).

    A company's place in a room is shared by its appointments there: `sharers` counts them, and `company_id` says whose
    place it is; such a row belongs to no single appointment.
    """

    __tablename__ = "viewing_claims"
    __table_args__ = (
        CheckConstraint("(appointment_id is null) = (company_id is not null)", name="one_owner"),
        CheckConstraint("sharers > 0", name="sharers_counted"),
        Index("ix_viewing_claims_appointment_id", "appointment_id"),
    )

    resource: Mapped[str] = mapped_column(String(80), primary_key=True)
    quantum: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # Unix seconds / 300
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointments.id", ondelete="RESTRICT"))
    company_id: Mapped[int | None]
    sharers: Mapped[int] = mapped_column(default=1)


class WaitEntry(Base):
    """A whole wish that waits for its place. Offered, it is a held appointment."""

    __tablename__ = "viewing_waitlist"
    __table_args__ = (
        one_of("state", WaitState),
        UniqueConstraint("company_id", "request_key"),
        Index("ix_viewing_waitlist_state_priority", "state", "priority", "created_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="RESTRICT"))
    desk_id: Mapped[str] = mapped_column(ForeignKey("viewing_desks.id", ondelete="RESTRICT"))
    mode: Mapped[str] = mapped_column(String(10), default=ViewingMode.IN_PERSON)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    party: Mapped[int]
    wish: Mapped[dict[str, Any]] = mapped_column(JSON)  # stones, visitors, operator, quotas
    sale: Mapped[str | None] = mapped_column(String(26))
    priority: Mapped[int] = mapped_column(default=0)  # smaller comes first
    created_at: Mapped[datetime]
    lapses: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(8), default=WaitState.WAITING)
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointments.id", ondelete="RESTRICT"))
    skipped: Mapped[str | None] = mapped_column(String(40))  # why it did not fit the last time
    skipped_at: Mapped[datetime | None]
    request_key: Mapped[str] = mapped_column(String(64))
    joined_by: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))


class CalendarFeed(Base):
    """A secret address of a calendar: of a person, or of an office. Only the hash of the secret is kept."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (
        CheckConstraint("(person_id is null) <> (office_id is null)", name="one_owner"),
        Index("ix_calendar_feeds_person_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    office_id: Mapped[str | None] = mapped_column(ForeignKey("offices.id", ondelete="CASCADE"))
    made_by: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="RESTRICT"))
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


guard(AppointmentStone, "new.stone")
append_only(AppointmentEvent)
