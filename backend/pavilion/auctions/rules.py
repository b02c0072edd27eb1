"""States of sales, lots and registrations, what a lot must satisfy, and what still bars a sale; pure."""

from collections.abc import Mapping
from enum import StrEnum


class SaleState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    SETTLED = "settled"


class LotState(StrEnum):
    DRAFT = "draft"
    LISTED = "listed"
    OPEN = "open"
    PAUSED = "paused"
    CLOSING = "closing"
    SOLD = "sold"
    PASSED = "passed"
    WITHDRAWN = "withdrawn"


class RegistrationState(StrEnum):
    APPLIED = "applied"
    MORE_INFORMATION = "more_information"
    APPROVED = "approved"
    DECLINED = "declined"
    SUSPENDED = "suspended"
    STRUCK = "struck"
    CLOSED = "closed"


class SaleType(StrEnum):
    TIMED = "timed"


class Mode(StrEnum):
    ADD = "add"
    SNAP = "snap"


class ReserveRule(StrEnum):
    JUMP = "jump"
    PUSH = "push"
    HOUSE = "house"


LIVE_LOT = frozenset({LotState.LISTED, LotState.OPEN, LotState.PAUSED, LotState.CLOSING})
FINAL_LOT = frozenset({LotState.SOLD, LotState.PASSED, LotState.WITHDRAWN})

R = RegistrationState
REGISTRATION_TRANSITIONS: Mapping[RegistrationState, frozenset[RegistrationState]] = {
    R.APPLIED: frozenset({R.APPROVED, R.MORE_INFORMATION, R.DECLINED, R.CLOSED}),
    R.MORE_INFORMATION: frozenset({R.APPLIED, R.APPROVED, R.DECLINED, R.CLOSED}),
    R.APPROVED: frozenset({R.SUSPENDED, R.STRUCK, R.CLOSED}),
    R.SUSPENDED: frozenset({R.APPROVED, R.STRUCK, R.CLOSED}),
    R.DECLINED: frozenset({R.APPLIED, R.CLOSED}),
    R.STRUCK: frozenset(),
    R.CLOSED: frozenset(),
}
