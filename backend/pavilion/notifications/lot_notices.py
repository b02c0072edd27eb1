"""Who hears of a notice of a lot beside its bidders: the companies that view its stones, and those that have them on a
shortlist. In a collection, which has no book, everyone hears of it here."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot
from pavilion.auctions.noticing import GIVEN
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.version_models import LotNotice
from pavilion.catalogue.shortlist_reading import companies_with
from pavilion.kernel.db import Sessions
from pavilion.kernel.events import Event
from pavilion.notifications.hearing import Hearing
from pavilion.notifications.telling import Teller
from pavilion.viewings.models import Appointment, AppointmentStone
from pavilion.viewings.states import AppointmentState as S

FOLLOWER = "lot notices"
VIEWS = (S.REQUESTED, S.HELD, S.BOOKED, S.CHECKED_IN, S.IN_PROGRESS, S.DONE)


def hearing(sessions: Sessions) -> Hearing:
    return Hearing(sessions, FOLLOWER, (GIVEN,), heard)


async def heard(session: AsyncSession, teller: Teller, event: Event) -> None:
    """Of a lot with a book the bidders' own follower tells all of them, once."""
    if event.facts["in_book"]:
        return
    found = select(LotNotice).where(LotNotice.public_id == event.facts["notice"])
    notice = (await session.scalars(found)).one()
    companies = await interested_in(session, notice.lot)
    await teller.tell(
        "lot_notice",
        notice.public_id,
        companies,
        at=event.at,
        sale=notice.sale,
        lot=notice.lot,
        text_en=notice.text_en,
        text_zh=notice.text_zh,
    )


async def interested_in(session: AsyncSession, lot: str) -> list[int]:
    """The companies that view a stone of the lot or viewed it, and those with one on a list of theirs."""
    row = (await session.scalars(select(Lot.id).where(Lot.public_id == lot))).one()
    stones = [stone.public_id for stone in (await stones_by_lot(session, [row]))[row]]
    seen = select(Appointment.company_id).join(AppointmentStone, AppointmentStone.appointment_id == Appointment.id)
    seen = seen.where(AppointmentStone.stone.in_(stones), Appointment.state.in_(VIEWS))
    viewers = set(await session.scalars(seen.where(AppointmentStone.dropped.is_(None))))
    return sorted(viewers | await companies_with(session, stones))
