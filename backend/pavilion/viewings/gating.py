"""What a viewing opens: once a company has seen a stone, its lots take bids above the gate (bidding spec 5.7)."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.bidding import service as bidding
from pavilion.bidding.request_models import ViewingKind
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.viewings.desk_models import Tray
from pavilion.viewings.models import Appointment, AppointmentStone
from pavilion.viewings.states import AppointmentState, ViewingMode

KINDS = {ViewingMode.IN_PERSON: ViewingKind.IN_PERSON, ViewingMode.REMOTE: ViewingKind.REMOTE}


async def open_gates(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> list[str]:
    """The appointment is done, and every undecided lot with a stone that was shown in it takes the company's bids at
    any height. Said twice, nothing more happens. Answers the lots."""
    assert appointment.state == AppointmentState.DONE
    return await bidding.open_gate(
        session,
        stones=await shown(session, appointment),
        company_id=appointment.company_id,
        kind=KINDS[ViewingMode(appointment.mode)],
        at=now,
        by=by,
    )


async def shown(session: AsyncSession, appointment: Appointment) -> list[str]:
    """The stones that were seen: those handed out at the desk; where nothing was, as by video, all of them."""
    rows = select(AppointmentStone.stone).where(
        AppointmentStone.appointment_id == appointment.id, AppointmentStone.dropped.is_(None)
    )
    agreed = list(await session.scalars(rows.order_by(AppointmentStone.place)))
    entries = select(CustodyEntry.stone, CustodyEntry.tray).where(CustodyEntry.ref == appointment.public_id)
    handed = (await session.execute(entries)).all()
    if not handed:
        return agreed
    trays = {tray for _, tray in handed if tray is not None}
    laid = await session.scalars(select(Tray.stones).where(Tray.public_id.in_(trays)))
    out = {stone for stone, _ in handed if stone is not None} | {stone for stones in laid for stone in stones}
    return sorted(out)
