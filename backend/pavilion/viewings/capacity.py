"""The capacity of an office: what holds, what a change would do, and the change itself (viewings spec R16)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.errors import StaleVersion
from pavilion.viewings import (
    capacity_claims,
    facts,
    local_times,
    opening,
    placing,
    planning,
    recording,
    regimes,
    scenes,
)
from pavilion.viewings.models import Appointment
from pavilion.viewings.opening import AHEAD, breaks_of
from pavilion.viewings.place_models import Desk, Office, OpeningException, OpeningHours, Regime, SaleViewing, Window
from pavilion.viewings.planning import (
    Change,
    ClocksChange,
    DayChange,
    HoursChange,
    Outcome,
    PadsChange,
    RegimeChange,
    RegimeEnd,
    Visit,
    World,
)
from pavilion.viewings.refusing import refuse_unless_ok
from pavilion.viewings.rules import Opening
from pavilion.viewings.standing import RegimeSpan
from pavilion.viewings.states import AppointmentState as S

COMING = (S.HELD, S.BOOKED)
MOST_NAMED = 500  # in an event


async def world_of(session: AsyncSession, office: Office, now: datetime) -> World:
    """The office with all that is booked from now on, read in one go."""
    today = local_times.day_of(now, local_times.zone_of(office.zone))
    scene = await scenes.read(
        session, office.id, now - timedelta(days=1), now + timedelta(days=AHEAD),
        scenes.Asked(operators=True, everything=True), now,
    )  # fmt: skip
    assert scene is not None
    mine = {one.id: one for one in scene.sittings if one.desk in scene.places and one.start > now}
    visits = await _visits(session, office, mine, now)
    stones = sorted({stone for visit in visits for stone in visit.sitting.stones})
    rows = await session.scalars(
        select(Window).where(Window.office_id == office.id, Window.closes_at > now - timedelta(days=1))
    )
    windows = list(rows)
    usual = [one for one in windows if one.sale is None and one.session == ""]
    special = [one for one in windows if one not in usual]
    running = await session.scalars(running_regimes(office.id, now))
    sales = sorted({visit.sale for visit in visits if visit.sale})
    differing = await session.execute(select(SaleViewing.sale, SaleViewing.rules).where(SaleViewing.sale.in_(sales)))
    seen = replace(
        scene,
        openings=tuple(_opening(one) for one in usual),
        stones=await facts.stones(session, stones),
        persons=dict(one for visit in visits for one in visit.sitting.visitors),
        operators=scene.operators | {v.sitting.operator for v in visits if v.sitting.operator is not None},
    )
    return World(
        seen, tuple(visits), tuple(await opening.patterns_of(session, office.id)),
        tuple(await opening.others_of(session, office.id, today)),
        tuple((one.sale, _opening(one)) for one in special), dict(office.rules), dict(differing.all()),
        {one.id: RegimeSpan(one.starts_at, one.ends_at, scenes.regime_facts(one)) for one in running},
    )  # fmt: skip


def running_regimes(office: str, now: datetime) -> Any:
    """Those in force or still to come."""
    return (
        select(Regime)
        .where(Regime.office_id == office, Regime.ended_at.is_(None), Regime.ends_at > now)
        .order_by(Regime.id)
    )


def _opening(row: Window) -> Opening:
    return Opening(row.opens_at, row.closes_at, breaks_of(row))


async def _visits(session: AsyncSession, office: Office, mine: dict[int, Any], now: datetime) -> list[Visit]:
    coming = (
        select(Appointment)
        .join(Desk, Desk.id == Appointment.desk_id)
        .where(Desk.office_id == office.id, Appointment.starts_at > now, Appointment.state.in_(COMING))
        .order_by(Appointment.id)
    )
    return [
        Visit(mine[row.id], row.public_id, row.number, row.wall, row.sale)
        for row in await session.scalars(coming)
        if row.id in mine
    ]


async def dry_run(session: AsyncSession, office: Office, change: Change, now: datetime) -> Outcome:
    """What the change would break. Nothing is written."""
    return planning.what_if(await world_of(session, office, now), change, now)


def digest(outcome: Outcome) -> str:
    """What somebody saw before they applied it."""
    seen = [[one.visit.public_id, one.code] for one in outcome.broken]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


async def apply(session: AsyncSession, office: Office, change: Change, *, seen: str, by: str, now: datetime) -> Outcome:
    """The change holds. No appointment is moved: those that it breaks are marked for attention, and their people hear
    of it; the others keep their places, with the pads that now hold. Refused where `seen` is not what it would break
    any more."""
    await placing.open_as_it_is(session, office.id)
    await session.refresh(office, with_for_update=True)
    outcome = await dry_run(session, office, change, now)
    if digest(outcome) != seen:
        raise StaleVersion()
    await _write(session, office, change, by=by, now=now)
    await opening.lay_down(session, office, now=now, new_clocks=isinstance(change, ClocksChange))
    rewritten, left = await capacity_claims.rewrite(session, office.id, outcome.kept)
    await _mark(session, office, outcome, by=by, now=now)
    office.version += 1
    names = [one.visit.public_id for one in outcome.broken[:MOST_NAMED]]
    events.record(
        session, "office:capacity_changed", office.id, by=by, at=now, what=type(change).__name__, broken=names,
        count=len(outcome.broken), rewritten=rewritten, left=left, tz_version=local_times.tz_version(),
    )  # fmt: skip
    return outcome


async def _write(session: AsyncSession, office: Office, change: Change, *, by: str, now: datetime) -> None:
    match change:
        case HoursChange():
            await _new_week(session, office, change)
        case DayChange():
            await _other_day(session, office, change)
        case RegimeChange():
            _, said = await regimes.set_regime(
                session, office.id, frm=change.start, to=change.end, factor_pct=change.facts.factor_pct,
                gap_min=change.facts.gap, companies=change.facts.companies, declaration=change.facts.declaration,
                name_en=change.name_en, name_zh=change.name_zh, by=by, now=now,
            )  # fmt: skip
            refuse_unless_ok(said)
        case RegimeEnd():
            regime = await session.get(Regime, change.regime)
            if regime is not None and regime.office_id == office.id:
                refuse_unless_ok(await regimes.end_regime(session, regime, by=by, now=now))
        case PadsChange():
            office.rules = {**office.rules, **change.rules()}
        case ClocksChange():
            pass  # the windows are laid down again
    await session.flush()


async def _new_week(session: AsyncSession, office: Office, change: HoursChange) -> None:
    mine = OpeningHours.office_id == office.id
    await session.execute(delete(OpeningHours).where(mine, OpeningHours.valid_from >= change.since))
    eve = change.since - timedelta(days=1)
    going_on = OpeningHours.valid_to.is_(None) | (OpeningHours.valid_to >= change.since)
    await session.execute(update(OpeningHours).where(mine, going_on).values(valid_to=eve))
    session.add_all(
        OpeningHours(
            office_id=office.id, weekday=one.weekday, opens=one.opens, closes=one.closes,
            breaks=[list(pause) for pause in one.breaks], valid_from=change.since,
        )
        for one in change.week
    )  # fmt: skip


async def _other_day(session: AsyncSession, office: Office, change: DayChange) -> None:
    mine = (OpeningException.office_id == office.id, OpeningException.day == change.day)
    await session.execute(delete(OpeningException).where(*mine))
    if not change.back:
        session.add(
            OpeningException(
                office_id=office.id, day=change.day, opens=change.opens, closes=change.closes,
                breaks=[list(pause) for pause in change.breaks], reason_en=change.reason_en,
                reason_zh=change.reason_zh,
            )
        )  # fmt: skip


async def _mark(session: AsyncSession, office: Office, outcome: Outcome, *, by: str, now: datetime) -> None:
    """Each that would break says so, beside its state."""
    why = {one.visit.public_id: one.code for one in outcome.broken}
    rows = await session.scalars(
        select(Appointment).where(Appointment.public_id.in_(list(why))).order_by(Appointment.id)
    )
    for row in rows:
        row.attention = why[row.public_id]
        row.version += 1
        recording.happened(
            session, row, "attention", office=office.id, by=by, at=now, cause="capacity", why=row.attention
        )


async def unfit(session: AsyncSession, office: Office, now: datetime) -> Outcome | None:
    """What stands but does not fit what holds now, with other times for it; none: nothing is marked."""
    marked = (
        select(Appointment.public_id)
        .join(Desk, Desk.id == Appointment.desk_id)
        .where(
            Desk.office_id == office.id, Appointment.starts_at > now, Appointment.state.in_(COMING),
            Appointment.attention.is_not(None),
        )
    )  # fmt: skip
    names = set(await session.scalars(marked))
    if not names:
        return None
    return planning.unfit(await world_of(session, office, now), names, now)


async def clocks_of(session: AsyncSession, office: Office, now: datetime) -> Sequence[str]:
    """By which releases of the zone database the coming windows were laid down."""
    versions = select(Window.tz_version).where(Window.office_id == office.id, Window.opens_at > now).distinct()
    return sorted(await session.scalars(versions))
