"""The times a program asks for: instants, or wall times of the office, asked back where two may be meant."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.errors import BadInput
from pavilion.kernel.instants import stamp
from pavilion.viewings import forms, local_times, showing_own
from pavilion.viewings.forms import SlotWish
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.rules import BookingRules
from pavilion.viewings.showing_book import desk_of
from pavilion.viewings.wishes import Code


async def slot(
    session: AsyncSession, desk: str, start: str, end: str | None, sale: str | None, length: timedelta | None
) -> SlotWish:
    """The time meant; local times that do not exist, or exist twice, are refused with both that may be meant."""
    place = await desk_of(session, desk)
    if place is None:
        raise ViewingRefused(Code.UNKNOWN_REFERENCE, field="desk")
    rules: BookingRules = await showing_own.rules_of(session, place[1], sale)
    begins = _meant(start, "start", place[1].zone)
    ends = _meant(end, "end", place[1].zone) if end else begins + (length or timedelta(minutes=rules.sitting))
    if ends <= begins:
        raise BadInput(fields={"end": "bad_input"})
    for name, at in (("start", begins), ("end", ends)):
        if at.second or at.microsecond:
            raise ViewingRefused(Code.NOT_ON_GRID, field=name, grid=_grid(at))
    return SlotWish(desk, begins, ends)


def instant(text: str, field: str) -> datetime:
    """An instant; of a date alone its midnight, UTC."""
    at = _read(text, field)
    return _kept(at if at.tzinfo else at.replace(tzinfo=UTC), field)


def _meant(text: str, field: str, zone: str) -> datetime:
    at = _read(text, field)
    if at.tzinfo is not None:
        return _kept(at, field)
    here = local_times.zone_of(zone)
    typed = local_times.typed(at, here)
    if typed.at is not None:
        return _kept(typed.at, field)
    names = ("before", "after") if typed.code is Code.NONEXISTENT_LOCAL_TIME else ("first", "second")
    local = typed.code is Code.NONEXISTENT_LOCAL_TIME
    said = [one.astimezone(here).isoformat() if local else stamp(one) for one in typed.choices]
    raise ViewingRefused(typed.code, field=field, **dict(zip(names, said, strict=True)))


def _read(text: str, field: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(fields={field: "bad_input"}) from None
    return _years(at, field)


def _kept(at: datetime, field: str) -> datetime:
    """In UTC, where an offset may have led out of the years too."""
    return _years(at.astimezone(UTC), field)


def _years(at: datetime, field: str) -> datetime:
    if not forms.FIRST_YEAR <= at.year <= forms.LAST_YEAR:
        raise BadInput(fields={field: "bad_input"})
    return at


def _grid(at: datetime) -> list[str]:
    before = at - timedelta(minutes=at.minute % 5, seconds=at.second, microseconds=at.microsecond)
    return [stamp(before), stamp(before + timedelta(minutes=5))]
