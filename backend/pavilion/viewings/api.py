"""Viewings for programs: slots, appointments and the wait list as JSON. The verbs and codes are those of the pages."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.errors import BadInput, KeyReused, NotAllowed, NotFound
from pavilion.kernel.instants import stamp
from pavilion.viewings import (
    asking,
    changing,
    desk_acts,
    finding,
    forms,
    local_times,
    queries,
    service,
    showing,
    showing_own,
    times_asked,
)
from pavilion.viewings.answers import Appointments, Slots, WaitTold, WholeAppointment
from pavilion.viewings.asking import Asker
from pavilion.viewings.forms import KEY, BookForm, DeskId, NamedVisitor, PublicId, Reason
from pavilion.viewings.models import Appointment, WaitEntry
from pavilion.viewings.place_models import Office
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.states import ViewingMode
from pavilion.viewings.wishes import Answer, Code, Wish
from pavilion.webkit.answers import KEPT_FOR_EVER, answers
from pavilion.webkit.answers import PublicId as AppointmentId
from pavilion.webkit.answers import Reason as Refusing
from pavilion.webkit.deps import Now, Reading

router = APIRouter(prefix="/api/v1/viewings", tags=["viewings"])
Booker = Annotated[Actor, may(Permission.VIEWING_BOOK)]
IdempotencyKey = Annotated[
    str, Header(alias="idempotency-key", pattern=KEY, description=KEPT_FOR_EVER, examples=["viewing-2026-11-22-0001"])
]
# What the desk says to a wish: what cannot be meant, what it does not know, what is not possible now.
ASKED: tuple[Refusing, ...] = (
    NotAllowed,
    NotFound,
    *((ViewingRefused(one).status, one.value) for one in Code if one is not Code.OK),
)
REFUSED: tuple[Refusing, ...] = (*ASKED, (409, "act_not_allowed"))
LONGEST = timedelta(days=31)  # of a question about slots
INSIDE = frozenset({"visitor", "operator"})
STONES = "Public ids, parted by commas: times at which all of them can be seen."
FROM = "An instant with its offset; none: now."
TO = "An instant with its offset, at most 31 days later; none: seven days later."
FRESH = {"Cache-Control": "no-store"}
Time = Annotated[str, StringConstraints(max_length=40), Field(examples=["2026-11-24T10:00"])]


class _Json(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WishJson(_Json):
    """`start` and `end` with an offset are instants; without one they are the office's wall time."""

    desk: DeskId
    start: Time
    end: Time | None = None
    stones: Annotated[list[PublicId], Field(min_length=1, max_length=forms.MOST_STONES)]
    party: Annotated[int, Field(ge=0, le=forms.MOST_PERSONS)] = 1
    mode: ViewingMode = ViewingMode.IN_PERSON
    visitors: Annotated[list[NamedVisitor], Field(max_length=forms.MOST_PERSONS)] = []
    known_visitors: Annotated[list[PublicId], Field(max_length=forms.MOST_PERSONS)] = []
    confirm: bool = False  # book at once, without a hold between


class MoveJson(_Json):
    start: Time
    end: Time | None = None
    desk: DeskId | None = None
    stones: Annotated[list[PublicId], Field(min_length=1, max_length=forms.MOST_STONES)] | None = None
    reason: Reason = ""


class CancelJson(_Json):
    reason: Reason = ""


@router.get("/slots", responses=answers({200: Slots}, *ASKED))
async def slots(
    request: Request,
    actor: Booker,
    session: Reading,
    now: Now,
    stones: Annotated[str, Query(max_length=2000, description=STONES, examples=["01KAR9T5M0Q8ZJ4W7X2C6V1B3N"])] = "",
    frm: Annotated[str, Query(alias="from", max_length=40, description=FROM, examples=["2026-11-24T09:00Z"])] = "",
    to: Annotated[str, Query(max_length=40, description=TO, examples=["2026-11-26T18:00Z"])] = "",
    office: Annotated[str, Query(max_length=12, description="At this office alone.", examples=["ant"])] = "",
    party: Annotated[int, Query(ge=0, le=forms.MOST_PERSONS, description="Persons who come.", examples=[2])] = 1,
    mode: Annotated[ViewingMode, Query(description="In the room, or by video.")] = ViewingMode.IN_PERSON,
) -> JSONResponse:
    """Every slot of the span with its code; those that are free have `ok`."""
    asker = asking.asker_of(actor)
    named, wrong = forms.stones_asked([stones])
    begins = times_asked.instant(frm, "from") if frm else now
    ends = times_asked.instant(to, "to") if to else begins + timedelta(days=7)
    if wrong:
        raise BadInput(fields={"stones": "bad_input"})
    if party == 0 and mode is ViewingMode.IN_PERSON:
        raise BadInput(fields={"party": "bad_input"})
    if ends <= begins or ends - begins > LONGEST:
        raise BadInput(fields={"to": "bad_input"})
    if office and await session.get(Office, office) is None:
        raise ViewingRefused(Code.UNKNOWN_REFERENCE, field="office")
    shown = await showing.stones_shown(session, actor, named, "en")
    if len(shown) != len(named):
        raise ViewingRefused(Code.UNKNOWN_REFERENCE, field="stones")
    found = await finding.free_slots(
        session, office or None, named, 0 if mode is ViewingMode.REMOTE else party, begins, ends,
        company_id=asker.company_id, mode=mode, sale=showing.sale_of_stones(shown), now=now,
    )  # fmt: skip
    zones = {one.id: one.zone for one in await offices(session)}
    return JSONResponse({"slots": [slot_facts(one, zones[one.office]) for one in found]}, headers=FRESH)


@router.get("/appointments", responses=answers({200: Appointments}, NotAllowed))
async def appointments(actor: Booker, session: Reading) -> JSONResponse:
    """The company's own appointments."""
    asker = asking.asker_of(actor)
    rows = list(await queries.of_company(session, asker.company_id))[:250]
    stones = await queries.stones_of(session, [row.id for row in rows])
    items = [facts_of(row, [one.stone for one in stones[row.id] if one.dropped is None]) for row in rows]
    return JSONResponse({"items": items}, headers=FRESH)


@router.get("/appointments/{appointment}", responses=answers({200: WholeAppointment}, NotAllowed))
async def appointment(appointment: AppointmentId, actor: Booker, session: Reading) -> JSONResponse:
    """One of the company's own appointments, with who comes."""
    asker = asking.asker_of(actor)
    row = await showing_own.found(session, appointment, asker.company_id)
    return JSONResponse(await _full(session, row), headers=FRESH)


@router.post("/appointments", responses=answers({200: WholeAppointment, 201: WholeAppointment}, *REFUSED, KeyReused))
async def make(request: Request, said: WishJson, actor: Booker, key: IdempotencyKey, now: Now) -> JSONResponse:
    """201: held for five minutes, or booked with `confirm`; repeated with the same key, 200 and the same answer."""
    asker = asking.asker_of(actor)
    verb, own = service.book if said.confirm else service.hold, key_of(asker, key, "make")
    async with request.app.state.sessions.begin() as session:
        known = await _already(session, asker, own)

        async def act() -> dict[str, object]:
            wish = await _wish(session, asker, said, now)
            made, answer = None, Answer(Code.OPERATOR_TAKEN)
            for one in await asking.with_operators(session, wish):
                made, answer = await verb(session, one, key=own, by=asker.by, person_id=asker.person_id, now=now)
                if answer.code != Code.OPERATOR_TAKEN:
                    break
            if made is None or not answer.ok:
                raise ViewingRefused(answer.code, **told(answer.facts), **await _offers(session, wish, answer, now))
            return await _full(session, made)

        facts = await desk_acts.once(session, own, "api make", said.model_dump(mode="json"), act, now=now)
    return JSONResponse(dict(facts), 200 if known else 201, headers=FRESH)


@router.post(
    "/appointments/{appointment}/confirmation", responses=answers({200: WholeAppointment}, *REFUSED, KeyReused)
)
async def confirm(
    request: Request, appointment: AppointmentId, actor: Booker, key: IdempotencyKey, now: Now
) -> JSONResponse:
    """What was held is booked."""
    asker = asking.asker_of(actor)

    async def act(session: AsyncSession, row: Appointment) -> Answer:
        return await service.confirm(session, row, by=asker.by, now=now)

    return await _act(request, asker, appointment, key, "confirm", {}, act, now)


@router.post(
    "/appointments/{appointment}/cancellation", responses=answers({200: WholeAppointment}, *REFUSED, KeyReused)
)
async def cancel(
    request: Request,
    appointment: AppointmentId,
    actor: Booker,
    key: IdempotencyKey,
    now: Now,
    said: Annotated[CancelJson | None, Body()] = None,
) -> JSONResponse:
    """The appointment is given back; its time is free for others."""
    asker, reason = asking.asker_of(actor), said.reason if said else ""

    async def act(session: AsyncSession, row: Appointment) -> Answer:
        return await service.cancel(session, row, by=asker.by, staff=False, reason=reason, now=now)

    return await _act(request, asker, appointment, key, "cancel", {"reason": reason}, act, now)


@router.post("/appointments/{appointment}/move", responses=answers({200: WholeAppointment}, *REFUSED, KeyReused))
async def move(
    request: Request, appointment: AppointmentId, said: MoveJson, actor: Booker, key: IdempotencyKey, now: Now
) -> JSONResponse:
    """One transaction: moved, or nothing changed."""
    asker = asking.asker_of(actor)

    async def act(session: AsyncSession, row: Appointment) -> Answer:
        length = row.ends_at - row.starts_at
        slot = await times_asked.slot(session, said.desk or row.desk_id, said.start, said.end, row.sale, length)
        stones = await changing.bring(session, asker, row, said.stones) if said.stones else None
        answer = await service.reschedule(
            session, row, start=slot.start, end=slot.end, desk=slot.desk,
            stones=stones, by=asker.by, reason=said.reason, now=now,
        )  # fmt: skip
        if answer.ok:
            return answer
        wish = await changing.wish_at(session, row, slot)
        wish = wish if stones is None else replace(wish, stones=stones)
        return replace(answer, facts={**answer.facts, **await _offers(session, wish, answer, now)})

    return await _act(request, asker, appointment, key, "move", said.model_dump(mode="json"), act, now)


@router.post("/waitlist", responses=answers({201: WaitTold}, *REFUSED, KeyReused))
async def wait(request: Request, said: WishJson, actor: Booker, key: IdempotencyKey, now: Now) -> JSONResponse:
    """A place on the wait list for a time that is taken; who comes first is offered it first."""
    asker = asking.asker_of(actor)
    async with request.app.state.sessions.begin() as session:
        async with session.begin_nested() as attempt:
            wish = await _wish(session, asker, said, now)
            tried = await asking.join(session, asker, wish, key_of(asker, key, "wait"), now)
            if tried.entry is None:
                await attempt.rollback()
        facts = entry_facts(tried.entry) if tried.entry is not None else {}
        offers = await _offers(session, wish, tried.answer, now)
    if not tried.answer.ok:
        raise ViewingRefused(tried.answer.code, **told(tried.answer.facts), **offers)
    return JSONResponse(facts, 201, headers=FRESH)


def key_of(asker: Asker, key: str, what: str) -> str:
    return asking.key_of(asker, key, f"api {what}")


async def offices(session: AsyncSession) -> list[Office]:
    return list(await session.scalars(select(Office)))


def slot_facts(slot: finding.Slot, zone: str) -> dict[str, Any]:
    return {
        "office": slot.office,
        "desk": slot.desk,
        "start": stamp(slot.start),
        "end": stamp(slot.end),
        "zone": zone,
        "wall": local_times.wall(slot.start, local_times.zone_of(zone)),
        "offset": showing.offset_words(slot.start, zone),
        "code": str(slot.code),
        "facts": plain(slot.facts),
    }


def facts_of(row: Appointment, stones: list[str]) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "number": row.number,
        "state": row.state,
        "mode": row.mode,
        "desk": row.desk_id,
        "start": stamp(row.starts_at),
        "end": stamp(row.ends_at),
        "zone": row.zone,
        "wall": row.wall,
        "party": row.party,
        "stones": stones,
        "sequence": row.sequence,
        "attention": row.attention,
        "expires_at": stamp(row.expires_at) if row.expires_at else None,
    }


def entry_facts(entry: WaitEntry) -> dict[str, Any]:
    return {
        "id": entry.public_id,
        "state": entry.state,
        "desk": entry.desk_id,
        "start": stamp(entry.starts_at),
        "end": stamp(entry.ends_at),
        "stones": entry.wish.get("stones", []),
        "skipped": entry.skipped,
    }


def plain(value: Any) -> Any:
    """Facts as JSON knows them."""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def told(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a refusal says outside: people are numbers of the house's own, and stay inside."""
    return {name: plain(value) for name, value in facts.items() if name not in INSIDE}


Verb = Callable[[AsyncSession, Appointment], Awaitable[Answer]]


async def _act(
    request: Request,
    asker: Asker,
    public_id: str,
    key: str,
    kind: str,
    asked: dict[str, object],
    verb: Verb,
    now: datetime,
) -> JSONResponse:
    """The verb once for its key: sent again, the answer is the one it got."""
    async with request.app.state.sessions.begin() as session:
        row = await showing_own.found(session, public_id, asker.company_id)

        async def act() -> dict[str, object]:
            answer = await verb(session, row)
            if not answer.ok:
                raise ViewingRefused(answer.code, **told(answer.facts))
            await session.flush()
            return await _full(session, row)

        facts = await desk_acts.once(
            session, key_of(asker, key, f"{kind} {row.public_id}"), f"api {kind}", asked, act, now=now
        )
    return JSONResponse(dict(facts), headers=FRESH)


async def _full(session: AsyncSession, row: Appointment) -> dict[str, Any]:
    stones = (await queries.stones_of(session, [row.id]))[row.id]
    persons = (await queries.visitors_of(session, [row.id]))[row.id]
    return {
        **facts_of(row, [one.stone for one in stones if one.dropped is None]),
        "lost_stones": [{"stone": one.stone, "code": one.dropped} for one in stones if one.dropped is not None],
        "visitors": [{"id": person.public_id, "name": person.name} for _, person in persons],
    }


async def _already(session: AsyncSession, asker: Asker, key: str) -> bool:
    mine = select(Appointment.id).where(Appointment.company_id == asker.company_id, Appointment.request_key == key)
    return await session.scalar(mine) is not None


async def _wish(session: AsyncSession, asker: Asker, said: WishJson, now: datetime) -> Wish:
    shown = await showing.stones_shown(session, asker.actor, said.stones, "en")
    slot = await times_asked.slot(session, said.desk, said.start, said.end, showing.sale_of_stones(shown), None)
    form = BookForm(
        key="unused-here", slot=slot.text, stones=said.stones, mode=said.mode,
        party=said.party, known=said.known_visitors, named=said.visitors,
    )  # fmt: skip
    wish = await asking.wish_of(session, asker, form, now)
    if isinstance(wish, Answer):
        raise ViewingRefused(wish.code, **wish.facts)
    return wish


async def _offers(session: AsyncSession, wish: Wish, answer: Answer, now: datetime) -> dict[str, Any]:
    found = await asking.offers(session, wish, answer, now)
    zones = {one.id: one.zone for one in await offices(session)} if found else {}
    return {"next": [slot_facts(one, zones[one.office]) for one in found]} if found else {}
