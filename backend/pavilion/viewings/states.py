"""The words in which appointments, waiting wishes and incidents are told; pure."""

from enum import StrEnum


class AppointmentState(StrEnum):
    REQUESTED = "requested"
    HELD = "held"
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    IN_PROGRESS = "in_progress"
    DONE = "done"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    NO_SHOW = "no_show"


S = AppointmentState
TRANSITIONS: dict[AppointmentState, frozenset[AppointmentState]] = {
    S.REQUESTED: frozenset({S.BOOKED, S.CANCELLED}),
    S.HELD: frozenset({S.BOOKED, S.EXPIRED, S.CANCELLED}),
    S.BOOKED: frozenset({S.CHECKED_IN, S.CANCELLED, S.NO_SHOW}),
    S.CHECKED_IN: frozenset({S.IN_PROGRESS, S.DONE}),
    S.IN_PROGRESS: frozenset({S.DONE}),
    S.NO_SHOW: frozenset({S.CHECKED_IN}),
    S.DONE: frozenset(),
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
}
TAKING = frozenset({S.HELD, S.BOOKED, S.CHECKED_IN, S.IN_PROGRESS})  # these occupy desk, stones and seats
COUNTING = TAKING | {S.DONE, S.NO_SHOW}  # these count for hours, day limits and quotas


class ViewingMode(StrEnum):
    IN_PERSON = "in_person"
    REMOTE = "remote"


class WaitState(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    GONE = "gone"


class BlockKind(StrEnum):
    MEMO = "memo"
    HOLD = "hold"


class StoneFate(StrEnum):
    """Why a stone can be seen by nobody any more."""

    SOLD = "sold"
    WITHDRAWN = "withdrawn"


class IncidentKind(StrEnum):
    WEIGHT = "weight"
    COUNT = "count"
    OTHER = "other"


class GapMode(StrEnum):
    MAX = "max"
    SUM = "sum"
