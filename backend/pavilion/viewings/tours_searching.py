"""The search for the tour that serves most: asked on a page, made by the worker, taken over in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from anyio import from_thread, to_thread
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import BadInput, StaleVersion
from pavilion.kernel.ids import ulid
from pavilion.kernel.instants import stamp
from pavilion.viewings import lines, tours, tours_solver, travelling, travelling_reading
from pavilion.viewings.facts import rules_for
from pavilion.viewings.lines import Draft, Line, LineFault, Stop
from pavilion.viewings.models import Appointment, AppointmentStone
from pavilion.viewings.place_models import Window
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.states import TAKING
from pavilion.viewings.stone_models import StoneBlock
from pavilion.viewings.tours import Item, NoTour, Task, Tour
from pavilion.viewings.travelling_models import SearchState, TourSearch
from pavilion.viewings.travelling_reading import Waiting

MOST_STONES, MOST_WEEKS = 50, 12
STALLED = timedelta(minutes=10)  # a search of a worker that died is begun again
GRID = timedelta(minutes=5)


class TourRefused(ViewingRefused):
    """These stones cannot travel together, or what stands fixed cannot be kept."""

    status, code = 409, "tour_apart"


async def ask(
    session: AsyncSession, stones: Sequence[str], *, weeks: int, pack: int, unpack: int, by: str, now: datetime
) -> TourSearch:
    """The search waits for the worker. TourRefused at once where there is nothing to search."""
    names = list(dict.fromkeys(stones))
    faults: dict[str, str] = {}
    if not names or len(names) > MOST_STONES:
        faults["stones"] = "required" if not names else "bad_input"
    if not 1 <= weeks <= MOST_WEEKS:
        faults["weeks"] = "bad_input"
    if faults:
        raise BadInput(fields=faults)
    since = now + (GRID - (now - lines.EVER) % GRID)
    asked = {
        "stones": names, "since": stamp(since), "until": stamp(since + timedelta(weeks=weeks)), "pack": pack,
        "unpack": unpack,
    }  # fmt: skip
    search = TourSearch(public_id=ulid(now), asked=asked, by=by, at=now, state=SearchState.DUE, answer={}, done_pct=0)
    session.add(search)
    await task_of(session, asked, now)
    await session.flush()
    return search


async def tick(sessions: Sessions, now: datetime) -> int:
    """One waiting search is made; how far it is stands in its row."""
    due = or_(
        TourSearch.state == SearchState.DUE,
        (TourSearch.state == SearchState.RUNNING) & (TourSearch.at < now - STALLED),
    )
    async with reading(sessions) as session:
        waiting = await session.scalar(select(TourSearch.id).where(due).order_by(TourSearch.id).limit(1))
    if waiting is None:
        return 0
    async with sessions.begin() as session:
        search = await session.get_one(TourSearch, waiting, with_for_update=True)
        if search.state not in (SearchState.DUE, SearchState.RUNNING):
            return 0
        search.state, asked = SearchState.RUNNING, dict(search.asked)
    async with reading(sessions) as session:
        try:
            task, wishes = await task_of(session, asked, now)
        except TourRefused as refused:
            return await _finish(sessions, waiting, {"code": refused.code}, now)
    try:
        tour = await to_thread.run_sync(_search, task, sessions, waiting)
    except NoTour as none:
        return await _finish(sessions, waiting, {"code": "tour_kept", "one": none.one, "other": none.other}, now)
    return await _finish(sessions, waiting, _answer(tour, wishes), now)


async def accept(session: AsyncSession, search: TourSearch, *, by: str, now: datetime) -> None:
    """The stones travel so, all or none. StaleVersion if a booking has come that it would break, or a line changed."""
    if search.state != SearchState.DONE or not search.answer.get("stops"):
        raise StaleVersion()
    draft = await draft_of(session, search)
    try:
        outlook = await travelling.look_ahead(session, draft, moves=False, now=now)
    except travelling.LineRefused as refused:
        raise StaleVersion() from refused
    if outlook.broken:
        raise StaleVersion()
    await travelling.change(session, draft, seen=outlook.seen, by=by, now=now)
    search.state, search.applied_by, search.applied_at = SearchState.APPLIED, by, now
    events.record(
        session, "tour:taken_over", search.public_id, by=by, at=now, stones=list(draft.lines),
        served=len(search.answer["served"]),
    )  # fmt: skip


async def draft_of(session: AsyncSession, search: TourSearch) -> Draft:
    """The lines of the stones with the tour in them. StaleVersion where it does not fit into them any more."""
    known = await travelling_reading.lines_of(session, search.asked["stones"])
    since, until = (datetime.fromisoformat(search.asked[name]) for name in ("since", "until"))
    stops = [stop_of(said) for said in search.answer["stops"]]
    try:
        return Draft({stone: _with_tour(line, stops, since, until) for stone, line in known.items()})
    except LineFault as fault:
        raise StaleVersion() from fault


def stop_of(said: Mapping[str, Any]) -> Stop:
    arrive, depart = (datetime.fromisoformat(said[name]) if said[name] else None for name in ("arrive", "depart"))
    return Stop(said["office"], arrive, depart, said["pack"], said["unpack"])


async def task_of(session: AsyncSession, asked: Mapping[str, Any], now: datetime) -> tuple[Task, list[Waiting]]:
    """What is to be searched, from what stands now; with the wishes that some tour could serve."""
    stones = tuple(asked["stones"])
    since, until = (datetime.fromisoformat(asked[name]) for name in ("since", "until"))
    known = await travelling_reading.lines_of(session, stones)
    home, ready = _together(known, since)
    back, _ = _together(known, until)
    blocked = select(StoneBlock.id).where(
        StoneBlock.stone.in_(stones), StoneBlock.starts_at < until, StoneBlock.ends_at > since
    )
    if await session.scalar(blocked.limit(1)) is not None:
        raise TourRefused("tour_blocked")
    wishes = [one for one in await travelling_reading.waiting(session, now) if set(one.stones) & set(stones)]
    fixed = await _bookings(session, stones, since, until)
    free = await _servable(session, wishes, stones, (since, until), now)
    windows: dict[str, tuple[tours.Span, ...]] = {}
    opened = select(Window).where(Window.closes_at > since, Window.opens_at < until).order_by(Window.opens_at)
    for window in await session.scalars(opened):
        windows[window.office_id] = (*windows.get(window.office_id, ()), (window.opens_at, window.closes_at))
    task = Task(
        home, max(since, ready), back, until, (*fixed, *free), windows, await travelling_reading.ways(session),
        asked["pack"], asked["unpack"],
    )  # fmt: skip
    return task, wishes


def _together(known: Mapping[str, Line], at: datetime) -> tuple[str, datetime]:
    """The office at which all of them are then, and from when on they are all unpacked there."""
    stays = [lines.place_at(line, at) for line in known.values()]
    offices = {stay.office if stay else None for stay in stays}
    office = offices.pop() if len(offices) == 1 else None
    if office is None:
        raise TourRefused("tour_apart")
    return office, max(stay.shown_from for stay in stays if stay)


async def _bookings(session: AsyncSession, stones: Sequence[str], since: datetime, until: datetime) -> list[Item]:
    """What is never broken: appointments of any of the stones."""
    visits = [one for one in await travelling_reading.visits(session, stones, since) if one.row.starts_at < until]
    return [
        Item(
            one.row.number, one.office.id, one.row.starts_at, one.row.freed_at or one.row.ends_at,
            _things(one.stones, one.row.desk_id, one.row.company_id), one.row.pad_before, one.row.pad_after, fixed=True,
        )
        for one in visits if one.row.attention not in travelling.AWAY
    ]  # fmt: skip


async def _servable(
    session: AsyncSession, wishes: Sequence[Waiting], stones: Sequence[str], span: tours.Span, now: datetime
) -> list[Item]:
    """The wishes for which all but these stones is there: the other stones stand at that office, the desk is free."""
    found: list[Item] = []
    others = sorted({stone for one in wishes for stone in one.stones} - set(stones))
    known = await travelling_reading.lines_of(session, others)
    for one in wishes:
        rules = await rules_for(session, one.desk, one.sale)
        item = Item(
            one.key, one.office, one.start, one.end, _things(one.stones, one.desk, one.company_id), rules.before,
            rules.after,
        )  # fmt: skip
        inside = span[0] < item.needed_from and item.needed_until < span[1]
        rest = [stone for stone in one.stones if stone not in stones]
        there = all(_stands(known[stone], item, stone) for stone in rest)
        if inside and there and not await _taken(session, item, one, stones):
            found.append(item)
    return found


def _stands(line: Line, item: Item, stone: str) -> bool:
    shown = lines.Shown(0, stone, item.office, item.start, item.end, item.before, item.after)
    return lines.elsewhere(line, shown) is None


async def _taken(session: AsyncSession, item: Item, wish: Waiting, stones: Sequence[str]) -> bool:
    """Whether somebody else has the desk then, or one of the stones that stay."""
    rest = [stone for stone in wish.stones if stone not in stones]
    theirs = select(AppointmentStone.appointment_id).where(
        AppointmentStone.stone.in_(rest), AppointmentStone.dropped.is_(None)
    )
    busy = select(Appointment.id).where(
        Appointment.state.in_(TAKING), Appointment.starts_at < item.needed_until,
        Appointment.ends_at > item.needed_from,
        or_(Appointment.desk_id == wish.desk, Appointment.id.in_(theirs)),
    )  # fmt: skip
    return await session.scalar(busy.limit(1)) is not None


def _things(stones: Sequence[str], desk: str, company_id: int) -> frozenset[str]:
    return frozenset((*(f"stone:{stone}" for stone in stones), f"desk:{desk}", f"company:{company_id}"))


def _search(task: Task, sessions: Sessions, search: int) -> Tour:
    """In a thread of its own; each tenth part of the way is written down."""
    told = [0]

    def report(done: int) -> None:
        if done // 10 > told[0] // 10:
            told[0] = done
            from_thread.run(_write_done, sessions, search, done)

    return tours.suggest(task, tours_solver.solve if tours_solver.installed() else None, report)


async def _write_done(sessions: Sessions, search: int, done: int) -> None:
    async with sessions.begin() as session:
        await session.execute(update(TourSearch).where(TourSearch.id == search).values(done_pct=min(100, done)))


async def _finish(sessions: Sessions, search: int, answer: dict[str, Any], now: datetime) -> int:
    async with sessions.begin() as session:
        row = await session.get_one(TourSearch, search)
        row.answer, row.finished_at, row.done_pct = answer, now, 100
        row.state = SearchState.FAILED if "code" in answer else SearchState.DONE
    return 1


def _answer(tour: Tour, wishes: Sequence[Waiting]) -> dict[str, Any]:
    return {
        "stops": [
            {
                "office": stop.office, "arrive": stamp(stop.arrive) if stop.arrive else None,
                "depart": stamp(stop.depart) if stop.depart else None, "pack": stop.pack, "unpack": stop.unpack,
            }
            for stop in tour.stops
        ] if tour.moves else [],
        "served": list(tour.served), "of": len(wishes), "how": tour.how,
        "unserved": [one.key for one in wishes if one.key not in tour.served],
    }  # fmt: skip


def _with_tour(line: Line, stops: Sequence[Stop], since: datetime, until: datetime) -> Line:
    """In the span of the search the tour stands in place of what stood there; at its ends it meets the line."""
    first, last = lines.place_at(line, since), lines.place_at(line, until)
    if first is None or last is None or first.office != stops[0].office or last.office != stops[-1].office:
        raise LineFault(lines.LineCode.NOT_HERE)
    kept = [stop for stop in line if stop.until <= since or stop.since >= until]
    leaves = Stop(
        first.office, first.arrive, stops[0].depart, stops[0].pack, first.unpack, first.carrier, first.carrier_ref,
        first.id,
    )  # fmt: skip
    back = Stop(
        last.office,
        stops[-1].arrive,
        last.depart,
        last.pack,
        stops[-1].unpack,
        id=last.id if last is not first else None,
    )
    return lines.in_order([*(stop for stop in kept if stop.id != first.id), leaves, *stops[1:-1], back])
