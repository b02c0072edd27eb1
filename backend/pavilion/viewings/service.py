"""The verbs of the viewing desk. Each runs in the caller's transaction and answers; a refusal is a value."""

from pavilion.viewings.attending import check_in, finish, start
from pavilion.viewings.booking import approve, ask, book, confirm, hold
from pavilion.viewings.ending import Ended, end_stone
from pavilion.viewings.moving import cancel, decline, reschedule
from pavilion.viewings.placing import Made
from pavilion.viewings.waiting import join, leave

__all__ = [
    "Ended", "Made", "approve", "ask", "book", "cancel", "check_in", "confirm", "decline", "end_stone", "finish",
    "hold", "join", "leave", "reschedule", "start",
]  # fmt: skip
