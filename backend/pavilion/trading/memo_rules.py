"""Stones out on memo: what may follow what, and when it is late (settlement spec 11.5). Pure; `now` is an argument."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAYS, MOST_DAYS = 7, 30  # that a memo runs, and at most
MOST_EXTENSIONS = 12  # whatever a house agrees to
MOST_STONES = 20
SCALE_MCT = 1  # two weighings of one stone differ by no more
SERIES = "MEM"


class MemoState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    OUT = "out"
    OVERDUE = "overdue"
    RETURNED = "returned"
    INVOICED = "invoiced"
    REFUSED = "refused"


_M = MemoState
MEMO_TRANSITIONS: dict[MemoState, frozenset[MemoState]] = {
    _M.REQUESTED: frozenset({_M.APPROVED, _M.REFUSED}),
    _M.APPROVED: frozenset({_M.OUT, _M.REFUSED}),  # what nobody fetches is given back, and nothing has left the house
    _M.OUT: frozenset({_M.RETURNED, _M.INVOICED, _M.OVERDUE}),
    _M.OVERDUE: frozenset({_M.RETURNED, _M.INVOICED}),
    _M.RETURNED: frozenset(),
    _M.INVOICED: frozenset(),
    _M.REFUSED: frozenset(),
}
COMMITTED = frozenset({_M.APPROVED, _M.OUT, _M.OVERDUE})  # its stones are promised, and count against the trade limit
AWAY = frozenset({_M.OUT, _M.OVERDUE})


class StoneState(StrEnum):
    WAITING = "waiting"  # not handed out
    OUT = "out"
    RETURNED = "returned"
    INCIDENT = "incident"  # came back with another weight; not accepted
    INVOICED = "invoiced"
    RELEASED = "released"  # was never handed out


_S = StoneState
STONE_TRANSITIONS: dict[StoneState, frozenset[StoneState]] = {
    _S.WAITING: frozenset({_S.OUT, _S.RELEASED}),
    _S.OUT: frozenset({_S.RETURNED, _S.INCIDENT, _S.INVOICED}),
    _S.INCIDENT: frozenset({_S.RETURNED, _S.INVOICED}),
    _S.RETURNED: frozenset(),
    _S.INVOICED: frozenset(),
    _S.RELEASED: frozenset(),
}
OPEN_STONES = frozenset({_S.WAITING, _S.OUT, _S.INCIDENT})


def memo_may(state: str, to: MemoState) -> bool:
    return to in MEMO_TRANSITIONS[MemoState(state)]


def stone_may(state: str, to: StoneState) -> bool:
    return to in STONE_TRANSITIONS[StoneState(state)]


def weights_differ(out_mct: int, in_mct: int) -> bool:
    return abs(in_mct - out_mct) > SCALE_MCT


def settled(stones: Collection[str]) -> MemoState | None:
    """How a memo has ended whose stones stand so; none while one of them is still open."""
    if any(state in OPEN_STONES for state in stones):
        return None
    return MemoState.INVOICED if StoneState.INVOICED in stones else MemoState.RETURNED


def state_at(state: str, due_at: datetime | None, now: datetime) -> MemoState:
    """A memo is overdue from the end of its due day, whether or not a job has noticed."""
    late = state == MemoState.OUT and due_at is not None and now >= due_at
    return MemoState.OVERDUE if late else MemoState(state)


def end_of(day: date, zone: str) -> datetime:
    """The instant at which this day is over at that place."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))


def memo_number(entity: str, year: int, number: int) -> str:
    """`MEM-ANT-2026-000123`."""
    return f"{SERIES}-{entity}-{year}-{number:06d}"
