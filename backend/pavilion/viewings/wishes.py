"""What somebody wishes of the viewing desk, and what it answers; pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pavilion.viewings.states import ViewingMode


class Code(StrEnum):
    """Answers of the viewing desk; their sentences stand in `data/viewing_codes.json`."""

    OK = "ok"
    BAD_INPUT = "bad_input"
    NOT_ON_GRID = "not_on_grid"
    UNKNOWN_REFERENCE = "unknown_reference"
    WRONG_STATE = "wrong_state"
    NOTICE_TOO_SHORT = "notice_too_short"
    BEYOND_HORIZON = "beyond_horizon"
    OUTSIDE_WINDOW = "outside_window"
    VIEWING_CLOSED = "viewing_closed"
    COMPANY_DAY_LIMIT = "company_day_limit"
    COMPANY_HOURS = "company_hours"
    COMPANY_BUSY = "company_busy"
    VISITOR_BUSY = "visitor_busy"
    STONE_SOLD = "stone_sold"
    STONE_WITHDRAWN = "stone_withdrawn"
    ON_MEMO = "on_memo"
    STONE_ON_HOLD = "stone_on_hold"
    STONE_ELSEWHERE = "stone_elsewhere"
    STONE_IN_TRANSIT = "stone_in_transit"
    DESK_TAKEN = "desk_taken"
    ROOM_FULL = "room_full"
    ROOM_COMPANIES = "room_companies"
    STONE_TAKEN = "stone_taken"
    OPERATOR_TAKEN = "operator_taken"
    QUOTA_FULL = "quota_full"
    HOLD_EXPIRED = "hold_expired"
    CUTOFF_PASSED = "cutoff_passed"
    TOO_EARLY = "too_early"
    DECLARATION_MISSING = "declaration_missing"
    NO_SHOW = "no_show"
    APPROVAL_NEEDED = "approval_needed"
    NONEXISTENT_LOCAL_TIME = "nonexistent_local_time"
    AMBIGUOUS_LOCAL_TIME = "ambiguous_local_time"
    BAD_WINDOW = "bad_window"


@dataclass(frozen=True, slots=True)
class Wish:
    """A place for so many persons of a company at a desk, with these stones. Instants are UTC."""

    company_id: int
    desk: str
    start: datetime
    end: datetime
    party: int = 1  # persons in the room; 0 by video
    stones: tuple[str, ...] = ()  # public ids, in the order they are checked
    visitors: tuple[int, ...] = ()  # ids of `visitors`
    operator: int | None = None  # person id
    mode: ViewingMode = ViewingMode.IN_PERSON
    quotas: tuple[str, ...] = ()
    sale: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`code` ok, or the first refusal in the order of viewings spec 2. `facts`: what the sentence names, and
    `retry_after` (seconds), `bookable_from`, `clash_from`, `clash_to`, `cutoff_local`, `grid` where they apply."""

    code: Code = Code.OK
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.code is Code.OK
