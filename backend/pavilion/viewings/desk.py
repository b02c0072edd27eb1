"""At the desk: stones are weighed out and in, and what the viewing was is told when all of them are back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.catalogue import queries as catalogue
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.provenance import custody_keeping, handling
from pavilion.provenance.custody_keeping import Load, Weighed
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.provenance.handling import HouseHand, Viewed
from pavilion.viewings import incidents, queries, service
from pavilion.viewings.desk_models import Incident, Tray
from pavilion.viewings.models import Appointment, AppointmentStone
from pavilion.viewings.place_models import Office
from pavilion.viewings.refusing import ViewingRefused, refuse_unless_ok
from pavilion.viewings.states import AppointmentState, IncidentKind
from pavilion.viewings.wishes import Code

CUT_OFF_MCT = 9  # what the two decimals of a report leave out
ALLOWED_MCT = 1  # what a scale may differ by; an office may say otherwise in its rules (`allowed_mct`)
S = AppointmentState


class WeightDiffers(Refusal):
    """Nothing was taken in: weigh again, or take it in as it is and open an incident."""

    status, code = 409, "weight_differs"


class StonesStillOut(Refusal):
    """A viewing ends when everything that was handed out is back."""

    status, code = 409, "stones_still_out"


class WeightUnlike(Refusal):
    """The scale says another weight than the stone's record: perhaps it is another stone."""

    status, code = 409, "weight_unlike"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What the scale said; `incident`: what follows where it said too much else."""

    entry: CustodyEntry
    difference: int
    incident: Incident | None


def allowed_mct(office: Office) -> int:
    said = (office.rules or {}).get("allowed_mct")
    return said if type(said) is int and said >= 0 else ALLOWED_MCT


async def hand_out(
    session: AsyncSession,
    office: Office,
    appointment: Appointment,
    weighed: Weighed,
    *,
    stone: str | None = None,
    tray: str | None = None,
    as_it_is: bool = False,
    by: str,
    to: str,
    now: datetime,
) -> CustodyEntry:
    """The stone, or the tray with all of its stones, lies before the visitor; with the first one the viewing has begun.
    `to` is the visitor's public id, which goes with him when he is forgotten. A stone that weighs other than its record
    says goes out only when somebody says that it is the right one."""
    if appointment.state not in (S.CHECKED_IN, S.IN_PROGRESS):
        raise ViewingRefused(Code.WRONG_STATE, state=appointment.state)
    shown = await shown_stones(session, appointment)
    whole = await _tray(session, office, tray) if tray is not None else None
    load = Load((stone or "",)) if whole is None else Load(tuple(whole.stones), whole.public_id)
    if not set(load.stones) <= set(shown):
        raise NotFound()
    around = await trays_of(session, office, load.stones)
    blocking = await incidents.open_about(session, load.stones, [one.id for one in around])
    if blocking is not None:
        raise incidents.StoneBlocked(incident=blocking.public_id)
    low, high = (await expected(session, office, load.stones))[load.stones[0]] if whole is None else (0, 0)
    if whole is None and not low <= weighed.mct <= high and not as_it_is:
        raise WeightUnlike(low=low, high=high)
    if weighed.count != len(load.stones):
        raise CountDiffers(counted=weighed.count, expected=len(load.stones))
    entry = await custody_keeping.hand_out(
        session,
        load,
        weighed,
        holder="viewer",
        place=office.id,
        ref=appointment.public_id,
        by=by,
        to=to,
        trays=[one.public_id for one in around],
        now=now,
    )
    if appointment.state == S.CHECKED_IN:
        refuse_unless_ok(await service.start(session, appointment, by=by, now=now))
    return entry


class CountDiffers(Refusal):
    """A tray goes out whole or not at all."""

    status, code = 409, "count_differs"


async def take_in(
    session: AsyncSession,
    office: Office,
    appointment: Appointment,
    weighed: Weighed,
    *,
    stone: str | None = None,
    tray: str | None = None,
    as_it_is: bool = False,
    by: str,
    now: datetime,
) -> TakenIn:
    """Accepted and sealed. Where the scale or the count says otherwise, nothing is taken in until somebody says that
    it is to be taken in as it is; then an incident is open and nobody gets the stone or its tray."""
    entry = await custody_keeping.open_entry(session, stone=stone, tray=tray)
    if entry is None or entry.ref != appointment.public_id:
        raise custody_keeping.NotOut()
    difference, missing = weighed.mct - entry.out_mct, weighed.count - entry.count
    apart = abs(difference) > allowed_mct(office) or missing != 0
    if apart and not as_it_is:
        raise WeightDiffers(difference=difference, allowed=allowed_mct(office), counted=weighed.count)
    await custody_keeping.hand_in(session, entry, weighed, by=entry.out_to, to=by, now=now)
    incident = None
    if apart:
        whole = await _tray(session, office, tray) if tray is not None else None
        around = [whole] if whole is not None else await trays_of(session, office, [stone or ""])
        incident = await incidents.open_incident(
            session,
            office,
            IncidentKind.COUNT if missing else IncidentKind.WEIGHT,
            stone=stone,
            tray=around[0] if around else None,
            appointment=appointment,
            out_mct=entry.out_mct,
            in_mct=weighed.mct,
            by=by,
            now=now,
        )
    return TakenIn(entry, difference, incident)


async def finish(
    session: AsyncSession,
    office: Office,
    appointment: Appointment,
    *,
    hand: HouseHand | None,
    by: str,
    now: datetime,
) -> None:
    """The viewing is over, everybody has left, and each stone's record tells that it was seen. A house without its
    data key signs nothing."""
    if await custody_keeping.out_now(session, ref=appointment.public_id):
        raise StonesStillOut()
    refuse_unless_ok(await service.finish(session, appointment, by=by, now=now))
    for link, _visitor in (await queries.visitors_of(session, [appointment.id]))[appointment.id]:
        if link.document_seen_at is not None and link.left_at is None:
            link.left_at = now
    await session.flush()
    if hand is not None:
        await handling.record_viewed(session, await _viewed(session, office, appointment), hand=hand, by=by, now=now)


async def expected(session: AsyncSession, office: Office, stones: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Between which masses each stone should weigh: as when it was last taken in; of one never weighed here as it is
    listed, in hundredths of a carat that a laboratory cuts off below the ninth thousandth."""
    margin = allowed_mct(office)
    listed = await catalogue.weights_of(session, stones)
    found = {stone: (mct - margin, mct + CUT_OFF_MCT + margin) for stone, mct in listed.items()}
    for stone, mct in (await custody_keeping.last_weights(session, stones)).items():
        found[stone] = (mct - margin, mct + margin)
    return {stone: found.get(stone, (0, custody_keeping.HEAVIEST_MCT)) for stone in stones}


async def shown_stones(session: AsyncSession, appointment: Appointment) -> list[str]:
    """What may be handed out: the stones of the appointment that were not dropped, in order."""
    rows = await session.scalars(
        select(AppointmentStone)
        .where(AppointmentStone.appointment_id == appointment.id, AppointmentStone.dropped.is_(None))
        .order_by(AppointmentStone.place)
    )
    return [row.stone for row in rows]


async def trays_of(session: AsyncSession, office: Office, stones: Sequence[str]) -> list[Tray]:
    """The trays of this office in which one of these stones lies."""
    rows = await session.scalars(select(Tray).where(Tray.office_id == office.id).order_by(Tray.label, Tray.id))
    return [tray for tray in rows if set(stones) & set(tray.stones)]


async def tray_called(session: AsyncSession, office: Office, label: str) -> Tray | None:
    """The newest tray of that label."""
    wanted = select(Tray).where(Tray.office_id == office.id, Tray.label == label).order_by(Tray.id.desc())
    return await session.scalar(wanted.limit(1))


async def _tray(session: AsyncSession, office: Office, public_id: str) -> Tray:
    tray = await session.scalar(select(Tray).where(Tray.public_id == public_id, Tray.office_id == office.id))
    if tray is None or not tray.stones:
        raise NotFound()
    return tray


async def _viewed(session: AsyncSession, office: Office, appointment: Appointment) -> list[Viewed]:
    """One event for each stone that lay before them: from its first going out to its last coming back. What was seen in
    a tray has no weight of its own."""
    entries = [
        e for e in await custody_keeping.entries_for(session, [appointment.public_id]) if e.closed_at is not None
    ]
    company = await session.get_one(Company, appointment.company_id)
    names = [entry.tray for entry in entries if entry.tray is not None]
    trays = {tray.public_id: tray for tray in await session.scalars(select(Tray).where(Tray.public_id.in_(names)))}
    by_stone: dict[str, list[CustodyEntry]] = {}
    for entry in entries:
        for stone in trays[entry.tray].stones if entry.tray is not None else [entry.stone or ""]:
            by_stone.setdefault(stone, []).append(entry)
    found = []
    for stone, each in by_stone.items():
        weighed = [entry for entry in each if entry.stone is not None]
        last = each[-1]
        assert last.closed_at is not None
        found.append(
            Viewed(
                stone=stone,
                place=office.id,
                country=office.country,
                appointment=appointment.public_id,
                viewer=company.public_id,
                out_at=each[0].opened_at,
                back_at=last.closed_at,
                mct_before=weighed[0].out_mct if weighed else None,
                mct_after=weighed[-1].in_mct if weighed else None,
            )
        )
    return found
