"""Viewings by video: where to join, who shows, and what is kept for everybody who may bid on the stones."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.rules import RegistrationState
from pavilion.kernel.errors import BadInput
from pavilion.kernel.events import record
from pavilion.viewings import service
from pavilion.viewings.desk_models import RemoteViewing
from pavilion.viewings.models import Appointment, AppointmentStone
from pavilion.viewings.place_models import Desk, Office
from pavilion.viewings.refusing import ViewingRefused, refuse_unless_ok
from pavilion.viewings.states import AppointmentState, ViewingMode
from pavilion.viewings.wishes import Code

_SHA256 = re.compile(r"[0-9a-f]{64}")
LONGEST_LINK = 400


@dataclass(frozen=True, slots=True)
class Said:
    """What staff wrote of a viewing by video."""

    link: str = ""
    microscope: str = ""
    recording_ref: str = ""
    recording_sha256: str = ""
    notes: str = ""

    def faults(self) -> dict[str, str]:
        faults = {}
        if self.link and not _is_address(self.link):
            faults["link"] = "link_not_https"
        if self.recording_sha256 and _SHA256.fullmatch(self.recording_sha256.lower()) is None:
            faults["recording_sha256"] = "not_a_sha256"
        if bool(self.recording_ref) != bool(self.recording_sha256):
            faults.setdefault("recording_sha256", "recording_with_hash")
        return faults


@dataclass(frozen=True, slots=True)
class Told:
    """What a bidder reads on the page of the lot: nobody who took part is named."""

    stone: str
    at: datetime
    zone: str
    office_en: str
    office_zh: str
    microscope: str
    recording_ref: str
    recording_sha256: str | None
    notes: str


async def of(session: AsyncSession, appointment: Appointment) -> RemoteViewing | None:
    return await session.get(RemoteViewing, appointment.id)


async def begin(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> None:
    """The call has begun; nobody stands at a door, and no declaration is asked."""
    if appointment.mode != ViewingMode.REMOTE:
        raise ViewingRefused(Code.WRONG_STATE, state=appointment.state)
    refuse_unless_ok(await service.check_in(session, appointment, by=by, override="by video", now=now))


async def write(
    session: AsyncSession, appointment: Appointment, said: Said, *, by: str, now: datetime
) -> RemoteViewing:
    """The link stands beside the appointment; recording and notes are for every registered bidder once it is done."""
    if appointment.mode != ViewingMode.REMOTE:
        raise ViewingRefused(Code.WRONG_STATE, state=appointment.state)
    if faults := said.faults():
        raise BadInput(fields=faults)
    row = await session.get(RemoteViewing, appointment.id) or RemoteViewing(appointment_id=appointment.id)
    row.link, row.microscope, row.notes = said.link, said.microscope, said.notes
    row.recording_ref, row.recording_sha256 = said.recording_ref, said.recording_sha256.lower() or None
    row.by, row.at = by, now
    session.add(row)
    await session.flush()
    record(
        session, "appointment:recorded", appointment.public_id, by=by, at=now,
        recording_sha256=row.recording_sha256, notes=bool(row.notes), link=bool(row.link),
    )  # fmt: skip
    return row


async def told_of(session: AsyncSession, sale: str, stones: Sequence[str], actor: Actor) -> list[Told]:
    """Recordings and notes of these stones, for staff and for the companies that may bid in the sale; else nothing."""
    if not stones or not (actor.is_staff or await _bids_in(session, sale, actor)):
        return []
    rows = await session.execute(
        select(AppointmentStone.stone, Appointment, RemoteViewing, Office)
        .join(Appointment, Appointment.id == AppointmentStone.appointment_id)
        .join(RemoteViewing, RemoteViewing.appointment_id == Appointment.id)
        .join(Desk, Desk.id == Appointment.desk_id)
        .join(Office, Office.id == Desk.office_id)
        .where(
            AppointmentStone.stone.in_(stones),
            Appointment.state == AppointmentState.DONE,
            (RemoteViewing.notes != "") | RemoteViewing.recording_sha256.is_not(None),
        )
        .order_by(Appointment.starts_at.desc(), AppointmentStone.place)
    )
    return [
        Told(
            stone=stone,
            at=visit.starts_at,
            zone=visit.zone,
            office_en=office.name_en,
            office_zh=office.name_zh,
            microscope=kept.microscope,
            recording_ref=kept.recording_ref,
            recording_sha256=kept.recording_sha256,
            notes=kept.notes,
        )
        for stone, visit, kept, office in rows
    ]


async def _bids_in(session: AsyncSession, sale: str, actor: Actor) -> bool:
    if actor.company_id is None:
        return False
    found = (
        select(Registration.id)
        .join(Sale, Sale.id == Registration.sale_id)
        .where(
            Sale.public_id == sale,
            Registration.company_id == actor.company_id,
            Registration.state == RegistrationState.APPROVED,
        )
    )
    return await session.scalar(found) is not None


def _is_address(link: str) -> bool:
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and len(link) <= LONGEST_LINK and link.isprintable()
