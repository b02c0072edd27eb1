"""An appointment as an entry of a calendar: office and reference, and nothing that is shown there."""

from collections.abc import Mapping
from datetime import datetime

from pavilion.viewings.calendar import Address, Entry, Status
from pavilion.viewings.models import Appointment
from pavilion.viewings.place_models import Desk, Office
from pavilion.viewings.states import AppointmentState as S
from pavilion.viewings.states import ViewingMode

HOUSE = "Pavilion"
SHOWN: Mapping[str, Status] = {
    S.REQUESTED: Status.TENTATIVE,
    S.BOOKED: Status.CONFIRMED,
    S.CHECKED_IN: Status.CONFIRMED,
    S.IN_PROGRESS: Status.CONFIRMED,
    S.DONE: Status.CONFIRMED,
    S.NO_SHOW: Status.CONFIRMED,
    S.CANCELLED: Status.CANCELLED,
}  # a hold of minutes is nothing for a calendar


def called(office: Office, lang: str) -> str:
    return office.name_zh if lang == "zh" else office.name_en


def for_visitor(
    appointment: Appointment,
    office: Office,
    lang: str,
    *,
    base: str,
    sender: str,
    attendee: Address | None = None,
    description: str = "",
    changed: datetime | None = None,
) -> Entry:
    """As who comes sees it."""
    name = called(office, lang)
    address = " ".join((office.address_zh if lang == "zh" else office.address_en).split())
    remote = appointment.mode == ViewingMode.REMOTE or not address
    return Entry(
        uid=appointment.uid,
        sequence=appointment.sequence,
        start=appointment.starts_at,
        end=appointment.ends_at,
        zone=appointment.zone,
        status=SHOWN[appointment.state],
        summary=f"{HOUSE} {name} · {appointment.number}",
        location=name if remote else f"{name}, {address}",
        description=description,
        url=f"{base}/viewings/appointments/{appointment.public_id}",
        organizer=Address(f"{HOUSE} {name}", sender),
        attendee=attendee,
        changed=changed,
    )


def for_office(
    appointment: Appointment, office: Office, desk: Desk, lang: str, *, base: str, sender: str, changed: datetime
) -> Entry:
    """As the staff of the office see it: reference and desk; who comes stands on the board, behind their sign-in."""
    name, place = called(office, lang), desk.name_zh if lang == "zh" else desk.name_en
    day = appointment.wall[:10]
    return Entry(
        uid=appointment.uid,
        sequence=appointment.sequence,
        start=appointment.starts_at,
        end=appointment.ends_at,
        zone=appointment.zone,
        status=SHOWN[appointment.state],
        summary=f"{appointment.number} · {place}",
        location=name,
        url=f"{base}/staff/viewings/{office.id}/{day}",
        organizer=Address(f"{HOUSE} {name}", sender),
        changed=changed,
    )
