"""What happened to an appointment: its own line of events, and the house's, which mails and calendars follow."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.instants import stamp
from pavilion.viewings.models import Appointment, AppointmentEvent, WaitEntry
from pavilion.viewings.wishes import Answer


def happened(
    session: AsyncSession,
    appointment: Appointment,
    kind: str,
    *,
    office: str,
    by: str,
    at: datetime,
    reason: str = "",
    cause: str = "",
    **facts: Any,
) -> None:
    """The event stands as the appointment's next, numbered by its version; `cause`: what else brought it about."""
    said = {
        "company_id": appointment.company_id,
        "sequence": appointment.sequence,
        "office": office,
        "start": stamp(appointment.starts_at),
        "end": stamp(appointment.ends_at),
        "state": appointment.state,
        "number": appointment.number,
        "desk": appointment.desk_id,
        "cause": cause,
        **facts,
    }
    session.add(
        AppointmentEvent(
            appointment_id=appointment.id, n=appointment.version, kind=kind, state=appointment.state,
            sequence=appointment.sequence, actor=by, at=at, reason=reason, facts=said,
        )
    )  # fmt: skip
    events.record(
        session, f"appointment:{kind}", appointment.public_id, by=by, at=at, appointment=appointment.public_id,
        reason=reason, **said,
    )  # fmt: skip


def waited(
    session: AsyncSession, entry: WaitEntry, kind: str, *, office: str, by: str, at: datetime, **facts: Any
) -> None:
    """joined, offered, skipped or gone."""
    events.record(
        session, f"waitlist:{kind}", entry.public_id, by=by, at=at, entry=entry.public_id,
        company_id=entry.company_id, office=office, start=stamp(entry.starts_at), end=stamp(entry.ends_at), **facts,
    )  # fmt: skip


def done(appointment: Appointment, **facts: Any) -> Answer:
    """The answer of an act that was carried out."""
    said = {
        "appointment": appointment.public_id, "number": appointment.number, "state": appointment.state,
        "sequence": appointment.sequence,
    }  # fmt: skip
    if appointment.expires_at is not None:
        said["expires"] = stamp(appointment.expires_at)
    return Answer(facts=said | facts)
