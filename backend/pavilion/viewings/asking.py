"""From a form to a wish, and from a wish to a held place: what the booking page and the programs' door share."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.kernel.errors import BadInput, NotAllowed
from pavilion.viewings import finding, service, showing_places, visitors
from pavilion.viewings.forms import BookForm, SlotWish, slot_of
from pavilion.viewings.models import Appointment, Visitor, WaitEntry
from pavilion.viewings.place_models import OfficeStaff
from pavilion.viewings.showing import local_day, sale_of_stones, stones_shown
from pavilion.viewings.showing_book import desk_of
from pavilion.viewings.states import ViewingMode
from pavilion.viewings.wishes import Answer, Code, Wish

OFFERS = 3
CROWDED = frozenset({Code.DESK_TAKEN, Code.ROOM_FULL, Code.ROOM_COMPANIES})  # another desk may do
KEY_LENGTH = 56  # the wait list adds to a key


class Asker(NamedTuple):
    """Who books, for which company."""

    actor: Actor
    company_id: int
    by: str
    person_id: int


def asker_of(actor: Actor) -> Asker:
    """A person of the house has no company to book for."""
    if actor.company_id is None or actor.person_id is None or actor.public_id is None:
        raise NotAllowed(right="viewing:book")
    return Asker(actor, actor.company_id, actor.public_id, actor.person_id)


def key_of(asker: Asker, form_key: str, what: str) -> str:
    """The same form sent again for the same is the same request; the form kept open and sent for another is another."""
    return sha256(f"{asker.company_id}\n{form_key}\n{what}".encode()).hexdigest()[:KEY_LENGTH]


class Tried(NamedTuple):
    wish: Wish
    answer: Answer
    appointment: Appointment | None = None
    entry: WaitEntry | None = None


async def wish_of(session: AsyncSession, asker: Asker, form: BookForm, now: datetime) -> Wish | Answer:
    """The wish behind a form; a stone that the asker may not see is unknown."""
    slot = slot_of(form.slot)
    if not form.stones:
        raise BadInput(fields={"stones": "missing"})
    place = await desk_of(session, slot.desk)
    if place is None:
        return Answer(Code.UNKNOWN_REFERENCE, {"field": "slot"})
    _, office = place
    shown = await stones_shown(session, asker.actor, form.stones, "en")
    if len(shown) != len(form.stones):
        return Answer(Code.UNKNOWN_REFERENCE, {"field": "stones"})
    if slot.part is not None:
        lines = await showing_places.lines_of(session, form.stones)
        there = [one for one in shown if at_office(lines[one.stone.public_id], office.id, slot)]
        if len(there) != slot.part:
            return Answer(Code.STONE_ELSEWHERE, {"stone": form.stones[0]})
        shown = there
    known = await visitors.of_public_ids(session, asker.company_id, form.known)
    new = await visitors.named(session, asker.company_id, form.named, today=local_day(slot.start, office.zone), now=now)
    persons = tuple(dict.fromkeys([*(row.id for row in known), *new]))
    if form.mode is ViewingMode.IN_PERSON and not max(1, len(persons)) <= form.party:
        raise BadInput(fields={"party": "bad_input"})
    return Wish(
        company_id=asker.company_id,
        desk=slot.desk,
        start=slot.start,
        end=slot.end,
        party=form.persons,
        stones=tuple(one.stone.public_id for one in shown),
        visitors=persons,
        mode=form.mode,
        sale=sale_of_stones(shown),
    )


def at_office(line: showing_places.Line, office: str, slot: SlotWish) -> bool:
    """Whether the stone's stay there lasts from the start to the end."""
    return showing_places.standing(line, office, slot.start, slot.end, None).kind in ("here", "hold")


async def hold(session: AsyncSession, asker: Asker, wish: Wish, key: str, now: datetime) -> Tried:
    """Held, by video with the first operator of the office who is free; refused, nothing is left behind."""
    answer, made = Answer(Code.OPERATOR_TAKEN), None
    for one in await with_operators(session, wish):
        async with session.begin_nested() as attempt:
            made, answer = await service.hold(session, one, key=key, by=asker.by, person_id=asker.person_id, now=now)
            if not answer.ok and made is None:
                await attempt.rollback()
        if answer.code != Code.OPERATOR_TAKEN:
            return Tried(one, answer, made)
    return Tried(wish, answer, made)


async def hold_near(session: AsyncSession, asker: Asker, wish: Wish, key: str, now: datetime) -> Tried:
    """As `hold`; where the desk or its room is full, at another desk then, or the true reason why not."""
    elsewhere = f"{key}~near"  # sent again, the form is answered with the desk that was found the first time
    desk = await session.scalar(
        select(Appointment.desk_id).where(
            Appointment.company_id == wish.company_id, Appointment.request_key == elsewhere
        )
    )
    if desk is not None:
        return await hold(session, asker, replace(wish, desk=desk), elsewhere, now)
    tried = await hold(session, asker, wish, key, now)
    if tried.appointment is not None or tried.answer.code not in CROWDED:
        return tried
    place = await desk_of(session, wish.desk)
    assert place is not None
    found = await finding.free_slots(
        session, place[1].id, wish.stones, wish.party, wish.start, wish.end, company_id=wish.company_id, mode=wish.mode,
        sale=wish.sale, visitors=wish.visitors, duration=wish.end - wish.start, now=now,
    )  # fmt: skip
    best = next((slot for slot in found if slot.start == wish.start), None)
    if best is None or best.code in CROWDED:
        return tried
    if best.free:
        return await hold(session, asker, replace(wish, desk=best.desk), elsewhere, now)
    return tried._replace(answer=Answer(best.code, best.facts))


async def join(session: AsyncSession, asker: Asker, wish: Wish, key: str, now: datetime) -> Tried:
    """The whole wish waits for its place."""
    one = (await with_operators(session, wish))[0]
    entry, answer = await service.join(session, one, key=key, by=asker.by, person_id=asker.person_id, now=now)
    return Tried(one, answer, entry=entry)


async def with_operators(session: AsyncSession, wish: Wish) -> list[Wish]:
    if wish.mode is not ViewingMode.REMOTE or wish.operator is not None:
        return [wish]
    place = await desk_of(session, wish.desk)
    office = place[1].id if place else ""
    wanted = select(OfficeStaff.person_id).where(OfficeStaff.office_id == office, OfficeStaff.operator.is_(True))
    operators = (await session.scalars(wanted.order_by(OfficeStaff.person_id))).all()
    return [replace(wish, operator=one) for one in operators] or [wish]


async def offers(session: AsyncSession, wish: Wish, answer: Answer, now: datetime) -> Sequence[finding.Slot]:
    """The nearest slots that pass every check, where another time can help."""
    if answer.ok or answer.code in (Code.BAD_INPUT, Code.UNKNOWN_REFERENCE, Code.APPROVAL_NEEDED):
        return ()
    kept = await session.scalars(select(Visitor.id).where(Visitor.id.in_(wish.visitors)))
    known = set(kept)  # whoever was named only in a form that was refused is not kept
    visitors_kept = tuple(one for one in wish.visitors if one in known)
    return await finding.nearest(session, replace(wish, visitors=visitors_kept), now, OFFERS)
