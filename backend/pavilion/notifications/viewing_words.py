"""A notice about a viewing in the language, and on the clock, of its reader; and what their calendar reads of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.kernel.instants import from_stamp
from pavilion.notifications import viewing_times
from pavilion.notifications.rules import NOTICES, Kind
from pavilion.notifications.viewing_notices import people_of
from pavilion.viewings import calendar, calendar_entries
from pavilion.viewings.calendar import Address, Entry, Status
from pavilion.viewings.desk_models import Incident
from pavilion.viewings.models import Appointment
from pavilion.viewings.place_models import Desk, Office
from pavilion.viewings.rules import BookingRules
from pavilion.viewings.states import AppointmentState as S
from pavilion.viewings.states import ViewingMode
from pavilion.viewings.visitors import declaration_wanted
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue

KINDS = frozenset({Kind.VIEWING, Kind.REMINDER, Kind.OFFICE})
OUT = frozenset({"viewing_cancelled", "viewing_unnamed"})  # of the reader's calendar
IN_CALENDARS = OUT | {"viewing_booked", "viewing_moved", "viewing_changed", "viewing_attention"}
COMES = frozenset({"viewing_booked", "viewing_moved", "viewing_changed", "viewing_reminder"})
STATES: Mapping[str, frozenset[str]] = {  # in which a notice still holds
    "viewing_requested": frozenset({S.REQUESTED}),
    "viewing_cancelled": frozenset({S.CANCELLED}),
    "viewing_declined": frozenset({S.CANCELLED}),
    "viewing_no_show": frozenset({S.NO_SHOW}),
    "viewing_offered": frozenset({S.HELD}),
    "viewing_offer_lapsed": frozenset({S.EXPIRED}),
    "viewing_stone_gone": frozenset({S.REQUESTED}),
    "office_requested": frozenset({S.REQUESTED}),
    "office_stone_gone": frozenset({S.BOOKED, S.REQUESTED}),
}


class Told(NamedTuple):
    subject: str
    lines: Sequence[str]
    path: str
    entry: Entry | None


class _Seen(NamedTuple):
    """An appointment with its place; no appointment where a notice is of none."""

    row: Appointment | None
    office: Office


async def told(
    session: AsyncSession,
    payload: Mapping[str, Any],
    tongue: Tongue,
    person: Person,
    zone: str,
    *,
    base: str,
    sender: Address,
) -> Told | None:
    """None when it holds no longer: a later notice says how it stands now."""
    seen = await _seen(session, payload)
    if seen is None or await _moot(session, payload, seen.row, person) or not _concerned(payload, seen.row, person):
        return None
    notice = payload["notice"]
    facts = _facts(payload, tongue, zone, seen)
    lines = [tongue.say(f"notice_{notice}_text", **facts)]
    if (
        seen.row is not None
        and seen.row.state != S.EXPIRED
        and (own := facts["own"])
        and NOTICES[notice] is not Kind.OFFICE
    ):
        lines.append(tongue.say("viewing_own_time", own=own))
    if (was := payload.get("was")) and seen.row is not None:
        before = viewing_times.at_office(tongue, from_stamp(was[0]), from_stamp(was[1]), seen.row.zone)
        lines.append(tongue.say("viewing_was", was=before))
    if why := _why(tongue, str(payload.get("said") or ""), str(payload.get("cause") or "")):
        lines.append(why)
    shows = seen.row is not None and seen.row.operator_id == person.id
    if seen.row is not None and notice in COMES:
        lines += [tongue.say("viewing_you_show")] if shows else _coming(tongue, seen.row, seen.office)
        if not shows and seen.row.mode != ViewingMode.REMOTE and await declaration_wanted(session, seen.row):
            lines.append(tongue.say("viewing_declaration"))
    entry = None
    if notice in OUT or (notice in IN_CALENDARS and seen.row is not None and seen.row.state == S.BOOKED):
        entry = _entry(seen, tongue, person, facts, base=base, sender=sender, out=notice in OUT)
    if entry is not None:
        lines.append(tongue.say("viewing_taken_out" if entry.status is Status.CANCELLED else "viewing_attached"))
    path = _path(payload, seen, shows=shows)
    return Told(tongue.say(f"notice_{notice}", **facts), lines, path, entry and replace(entry, url=f"{base}{path}"))


def sent(entry: Entry, at: datetime) -> tuple[str, str]:
    """The method and the text of the entry as it leaves now."""
    if entry.status is Status.CANCELLED:
        return calendar.Method.CANCEL.value, calendar.cancellation(entry, at)
    return calendar.Method.REQUEST.value, calendar.invitation(entry, at)


async def _seen(session: AsyncSession, payload: Mapping[str, Any]) -> _Seen | None:
    if public_id := payload.get("appointment"):
        found = select(Appointment, Office).join(Desk, Desk.id == Appointment.desk_id)
        found = found.join(Office, Office.id == Desk.office_id).where(Appointment.public_id == public_id)
        row = (await session.execute(found)).one_or_none()
        return None if row is None else _Seen(row[0], row[1])
    office = await session.get(Office, payload.get("office", ""))
    return None if office is None else _Seen(None, office)


async def _moot(session: AsyncSession, payload: Mapping[str, Any], row: Appointment | None, person: Person) -> bool:
    notice = payload["notice"]
    if notice == "office_incident":
        closed = select(Incident.closed_at).where(Incident.public_id == payload["incident"])
        return await session.scalar(closed) is not None
    if row is None:
        return False
    if notice == "viewing_unnamed":  # whatever came later was told to those who come, and so not to this one
        return person.id in await people_of(session, row)
    if payload.get("sequence", row.sequence) < row.sequence and notice != "viewing_declined":
        return True
    if notice in ("viewing_attention", "office_attention", "office_late_cancel"):
        return row.attention is None or row.state not in (S.BOOKED, S.REQUESTED)
    return row.state not in STATES.get(notice, {S.BOOKED})


def _concerned(payload: Mapping[str, Any], row: Appointment | None, person: Person) -> bool:
    """Not who left the company since."""
    if row is None or NOTICES[payload["notice"]] is Kind.OFFICE:
        return True
    return person.company_id == row.company_id or row.operator_id == person.id


def _why(tongue: Tongue, said: str, cause: str) -> str:
    """The reason: somebody's own words, or those of a code."""
    for code in (said, cause):
        if tongue.knows("code", f"viewing_because_{code}"):
            return tongue.say(f"viewing_because_{code}")
    return tongue.say("notice_reason", reason=said) if said and not tongue.knows("code", said) else ""


def _facts(payload: Mapping[str, Any], tongue: Tongue, zone: str, seen: _Seen) -> dict[str, str]:
    row, office = seen
    name = calendar_entries.called(office, tongue.lang)
    facts = {"office": name, "number": "", "when": "", "own": "", "until": "", "by": ""}
    if row is None:
        if start := payload.get("start"):
            facts["when"] = str(Figures(tongue).when(from_stamp(start), office.zone).striptags())
        return facts
    facts["number"] = row.number
    facts["when"] = viewing_times.at_office(tongue, row.starts_at, row.ends_at, row.zone)
    facts["own"] = viewing_times.at_own(tongue, row.starts_at, row.ends_at, zone, row.zone)
    facts["until"] = Figures(tongue).clock(row.ends_at, row.zone)
    if row.expires_at is not None:
        facts["by"] = str(Figures(tongue).when(row.expires_at, zone).striptags())
    return facts


def _coming(tongue: Tongue, row: Appointment, office: Office) -> list[str]:
    """What who comes must know: where, and what to bring."""
    if row.mode == ViewingMode.REMOTE:
        return [tongue.say("viewing_by_video")]
    chinese = tongue.lang == "zh"
    address = " ".join((office.address_zh if chinese else office.address_en).split())
    directions = " ".join((office.directions_zh if chinese else office.directions_en).split())
    early = str(BookingRules.of(office.rules).checkin_early)
    lines = [tongue.say("viewing_where", address=address)] if address else []
    return [*lines, *([directions] if directions else []), tongue.say("viewing_bring", minutes=early)]


def _entry(
    seen: _Seen, tongue: Tongue, person: Person, facts: Mapping[str, str], *, base: str, sender: Address, out: bool
) -> Entry:
    assert seen.row is not None
    lines = [facts["when"]]
    if facts["own"]:
        lines.append(tongue.say("viewing_own_time", own=facts["own"]))
    entry = calendar_entries.for_visitor(
        seen.row, seen.office, tongue.lang, base=base, sender=sender.email,
        attendee=Address(person.name, person.email), description="\n".join(lines),
    )  # fmt: skip
    return replace(entry, status=Status.CANCELLED) if out else entry


def _path(payload: Mapping[str, Any], seen: _Seen, *, shows: bool) -> str:
    row, office = seen
    if payload["notice"] == "office_incident":
        return f"/staff/viewings/{office.id}/incidents"
    if row is None:
        return "/viewings/waitlist"
    if shows or NOTICES[payload["notice"]] is Kind.OFFICE:
        return f"/staff/viewings/{office.id}/appointments/{row.public_id}"
    return (
        "/viewings/waitlist"
        if payload["notice"] == "viewing_offer_lapsed"
        else f"/viewings/appointments/{row.public_id}"
    )
