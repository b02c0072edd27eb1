"""What a company changes of its own appointment: who comes, to which time it moves, and what that would lose."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.errors import BadInput
from pavilion.viewings import placing, queries, recording, service, showing_own, visitors
from pavilion.viewings.asking import Asker
from pavilion.viewings.forms import MOST_PERSONS, SlotWish, VisitorsForm
from pavilion.viewings.models import Appointment
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.showing import local_day, stones_shown
from pavilion.viewings.states import AppointmentState, ViewingMode
from pavilion.viewings.wishes import Answer, Code, Wish

LATE = "late_cancel_asked"
OF_A_STONE = frozenset(
    {
        Code.STONE_SOLD, Code.STONE_WITHDRAWN, Code.ON_MEMO, Code.STONE_ON_HOLD, Code.STONE_ELSEWHERE,
        Code.STONE_IN_TRANSIT, Code.STONE_TAKEN,
    }
)  # fmt: skip
S = AppointmentState


class Lost(NamedTuple):
    stone: str
    code: str
    facts: dict[str, object]


class Preview(NamedTuple):
    """What a move would come to: the stones that come along, those that it loses, and what refuses it, if anything."""

    answer: Answer
    kept: list[str]
    lost: list[Lost]


def new_key() -> str:
    return uuid4().hex


def is_held(row: Appointment, now: datetime) -> bool:
    return row.state == S.HELD and row.expires_at is not None and now < row.expires_at


def is_lapsed(row: Appointment, now: datetime) -> bool:
    """A hold that has ended, whether the sweep has come by or not."""
    return row.state == S.EXPIRED or (row.state == S.HELD and not is_held(row, now))


async def has_stone(session: AsyncSession, row: Appointment, stone: str) -> bool:
    return stone in {line.stone for line in (await queries.stones_of(session, [row.id]))[row.id]}


async def wish_again(session: AsyncSession, row: Appointment, now: datetime) -> Wish:
    """The wish of a hold that has ended, for a new one."""
    if not is_lapsed(row, now):
        raise ViewingRefused(Code.WRONG_STATE, state=row.state)
    return await wish_at(session, row, SlotWish(row.desk_id, row.starts_at, row.ends_at))


async def wish_at(session: AsyncSession, row: Appointment, slot: SlotWish) -> Wish:
    """What this appointment wishes, at another time."""
    stones = (await queries.stones_of(session, [row.id]))[row.id]
    persons = (await queries.visitors_of(session, [row.id]))[row.id]
    return Wish(
        company_id=row.company_id,
        desk=slot.desk,
        start=slot.start,
        end=slot.end,
        party=row.party,
        stones=tuple(line.stone for line in stones if line.dropped is None),
        visitors=tuple(person.id for _, person in persons),
        operator=row.operator_id,
        mode=ViewingMode(row.mode),
        quotas=tuple(row.quotas),
        sale=row.sale,
    )


async def bring(session: AsyncSession, asker: Asker, row: Appointment, stones: Sequence[str]) -> tuple[str, ...]:
    """Stones to come along: the appointment's own, and such as its company may see; any other is unknown."""
    own = {line.stone for line in (await queries.stones_of(session, [row.id]))[row.id]}
    new = [one for one in dict.fromkeys(stones) if one not in own]
    if new and len(await stones_shown(session, asker.actor, new, "en")) != len(new):
        raise ViewingRefused(Code.UNKNOWN_REFERENCE, field="stones")
    return tuple(dict.fromkeys(stones))


async def set_visitors(
    session: AsyncSession, asker: Asker, row: Appointment, form: VisitorsForm, now: datetime
) -> Answer:
    """These come and nobody else; the party grows with them, if the room has seats."""
    known = await visitors.of_public_ids(session, asker.company_id, form.known)
    day = local_day(row.starts_at, row.zone)
    new = await visitors.named(session, asker.company_id, form.named, today=day, now=now)
    persons = list(dict.fromkeys([*(one.id for one in known), *new]))
    if len(persons) > MOST_PERSONS:
        raise BadInput(fields={"known": "bad_input"})
    return await service.reschedule(
        session, row, start=row.starts_at, end=row.ends_at, visitors=persons, by=asker.by, now=now
    )


async def ask_to_cancel(session: AsyncSession, row: Appointment, *, by: str, reason: str, now: datetime) -> None:
    """The office sees that the company wishes to cancel; asked again, nothing is added."""
    await placing.locked(session, row)
    if row.state != S.BOOKED or now >= row.starts_at:
        raise ViewingRefused(Code.WRONG_STATE, state=row.state)
    if row.attention == LATE:
        return
    row.attention = LATE
    row.version += 1
    place = await showing_own.place_of(session, row.desk_id)
    recording.happened(session, row, LATE, office=place.office.id, by=by, at=now, reason=reason, cause=LATE)


async def preview(session: AsyncSession, row: Appointment, slot: SlotWish, by: str, now: datetime) -> Preview:
    """The move is tried and taken back, without each stone that refuses it in turn: what is shown is what would be."""
    kept = [line.stone for line in (await queries.stones_of(session, [row.id]))[row.id] if line.dropped is None]
    lost: list[Lost] = []
    while True:
        async with session.begin_nested() as attempt:
            answer = await service.reschedule(
                session, row, start=slot.start, end=slot.end, desk=slot.desk, stones=tuple(kept), by=by, now=now
            )
            await attempt.rollback()
        await session.refresh(row)
        stone = str(answer.facts.get("stone", ""))
        if answer.ok or answer.code not in OF_A_STONE or stone not in kept or len(kept) == 1:
            return Preview(answer, kept, lost)
        kept.remove(stone)
        lost.append(Lost(stone, answer.code, answer.facts))
