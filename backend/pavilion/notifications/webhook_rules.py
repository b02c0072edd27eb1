"""What addresses are called for, how often a call is tried, and when an address is left in peace. Pure."""

from datetime import timedelta
from enum import StrEnum

M, H = timedelta(minutes=1), timedelta(hours=1)
WAITS = (M, 5 * M, 30 * M, 2 * H, 6 * H, 12 * H, 24 * H)  # after each try that failed; after one more it is given up
PAUSED_AFTER = 36 * H  # of calls none of which was taken
OLD_SECRET = 24 * H  # signs beside the new one
KEPT = timedelta(days=30)  # a settled call can be sent again so long
MOST = 10  # addresses of one company
MOST_REPLAYED = 1000  # calls in one go


class EventKind(StrEnum):
    STONE_LISTED = "stone.listed"
    STONE_WITHDRAWN = "stone.withdrawn"
    VERDICT_CHANGED = "stone.verdict_changed"
    PRICE_CHANGED = "price.changed"
    UPLOAD_FINISHED = "upload.finished"
    LOT_LISTED = "lot.listed"
    LOT_SOLD = "lot.sold"
    LOT_PASSED = "lot.passed"
    APPOINTMENT_CHANGED = "appointment.changed"


TEST = "test"  # the kind of a call that somebody asked for to try an address


def wait_after(attempts: int, call: int) -> timedelta | None:
    """Until the next try; None: there is none. Calls that failed together come back apart."""
    if attempts > len(WAITS):
        return None
    wait = WAITS[attempts - 1]
    return wait + wait * (call * 7919 % 100) / 1000
