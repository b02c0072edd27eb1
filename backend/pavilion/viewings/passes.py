"""The pass: a random token of one visitor at one appointment, which opens the door once. Only its hash is kept."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import CursorResult, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.errors import NotFound
from pavilion.viewings.models import Appointment, AppointmentVisitor, Visitor
from pavilion.viewings.place_models import Desk, Office, SaleViewing
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.rules import BookingRules
from pavilion.viewings.states import AppointmentState

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: read aloud and typed without a mistake
LENGTH = 26  # of 128 bits
MEANT = str.maketrans("OILU", "011V")  # what a hand writes for what was printed
S = AppointmentState
COMING = frozenset({S.HELD, S.BOOKED, S.CHECKED_IN, S.IN_PROGRESS, S.NO_SHOW})


class PassCode(StrEnum):
    """Why a pass does not open the door."""

    UNKNOWN = "pass_unknown"  # never given out, or another was given out for it
    USED = "pass_used"
    TOO_EARLY = "pass_too_early"
    OTHER_OFFICE = "pass_other_office"
    OVER = "pass_over"  # its appointment is over or was cancelled


@dataclass(frozen=True, slots=True)
class Read:
    """Whose pass it is."""

    link: AppointmentVisitor
    visitor: Visitor
    appointment: Appointment
    desk: Desk
    office: Office


def made() -> str:
    value = secrets.randbits(128)
    return "".join(LETTERS[(value >> shift) & 31] for shift in range(125, -5, -5))


def grouped(token: str) -> str:
    """As it is printed under the code: `4Q7KX-...`."""
    return "-".join(token[at : at + 5] for at in range(0, len(token), 5))


def plain(typed: str) -> str | None:
    """The token that was typed or scanned, whatever its case, blanks and dashes; None for what cannot be one."""
    letters = "".join(typed.split()).replace("-", "").upper().translate(MEANT)
    return letters if len(letters) == LENGTH and all(letter in LETTERS for letter in letters) else None


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def issue(session: AsyncSession, appointment: Appointment, visitor: Visitor) -> str:
    """A new pass; the one given out before it opens nothing any more. Refused after it was used, or when nobody is
    expected any more. The answer is the only copy of the token."""
    link = await session.get(AppointmentVisitor, (appointment.id, visitor.id), with_for_update=True)
    if link is None or visitor.erased_at is not None:
        raise NotFound()
    if appointment.state not in COMING - {S.HELD}:
        raise ViewingRefused(PassCode.OVER, state=appointment.state)
    if link.pass_used_at is not None:
        raise ViewingRefused(PassCode.USED, used_at=link.pass_used_at.isoformat(timespec="minutes"))
    token = made()
    link.pass_sha256 = hash_of(token)
    await session.flush()
    return token


async def of_token(session: AsyncSession, typed: str) -> Read:
    """Whose pass it is, wherever and whenever; pass_unknown for any other token."""
    token = plain(typed)
    row = None
    if token is not None:
        found = await session.execute(
            select(AppointmentVisitor, Visitor, Appointment, Desk, Office)
            .join(Visitor, Visitor.id == AppointmentVisitor.visitor_id)
            .join(Appointment, Appointment.id == AppointmentVisitor.appointment_id)
            .join(Desk, Desk.id == Appointment.desk_id)
            .join(Office, Office.id == Desk.office_id)
            .where(AppointmentVisitor.pass_sha256 == hash_of(token))
        )
        row = found.one_or_none()
    if row is None:
        raise ViewingRefused(PassCode.UNKNOWN)
    return Read(*row)


async def read(session: AsyncSession, office: Office, typed: str, now: datetime) -> Read:
    """The visitor who stands at the door of this office with a pass that is good now."""
    found = await of_token(session, typed)
    if found.office.id != office.id:
        raise ViewingRefused(PassCode.OTHER_OFFICE, office=found.office.name_en)
    if found.link.pass_used_at is not None:
        raise ViewingRefused(PassCode.USED, used_at=found.link.pass_used_at.isoformat(timespec="minutes"))
    if found.appointment.state not in COMING or now >= found.appointment.ends_at:
        raise ViewingRefused(PassCode.OVER, state=found.appointment.state)
    opens = await opens_at(session, found)
    if now < opens:
        raise ViewingRefused(PassCode.TOO_EARLY, opens_at=opens.isoformat(timespec="minutes"))
    return found


async def opens_at(session: AsyncSession, found: Read) -> datetime:
    """From when on the pass is good."""
    sale = await session.get(SaleViewing, found.appointment.sale) if found.appointment.sale else None
    rules = BookingRules.of(found.office.rules, sale.rules if sale is not None else None)
    return found.appointment.starts_at - timedelta(minutes=rules.checkin_early)


async def use(session: AsyncSession, link: AppointmentVisitor, now: datetime) -> None:
    """The pass is spent; of two doors that read it at once, one lets the visitor in."""
    spent = await session.execute(
        update(AppointmentVisitor)
        .where(
            AppointmentVisitor.appointment_id == link.appointment_id,
            AppointmentVisitor.visitor_id == link.visitor_id,
            AppointmentVisitor.pass_used_at.is_(None),
        )
        .values(pass_used_at=now)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(spent, CursorResult)
    if spent.rowcount != 1:
        raise ViewingRefused(PassCode.USED, used_at=now.isoformat(timespec="minutes"))
    await session.refresh(link)
