"""A refusal of the viewing desk, as routes answer it."""

from typing import Any

from pavilion.kernel.errors import Refusal
from pavilion.viewings.wishes import Answer, Code

UNREADABLE = frozenset(
    {Code.BAD_INPUT, Code.NOT_ON_GRID, Code.NONEXISTENT_LOCAL_TIME, Code.AMBIGUOUS_LOCAL_TIME, Code.BAD_WINDOW}
)  # what was asked cannot be meant; everything else can be meant and is not possible now


class ViewingRefused(Refusal):
    """`code` is the answer's own; `next` among the facts: up to three offers that pass every check."""

    status, code = 409, "viewing_refused"

    def __init__(self, code: str, **facts: Any) -> None:
        self.code = code
        self.status = _status(code)
        super().__init__(**facts)


def refuse_unless_ok(answer: Answer, **more: Any) -> Answer:
    """The same answer, if it is ok; else it is raised with its facts and `more`."""
    if not answer.ok:
        raise ViewingRefused(answer.code, **answer.facts, **more)
    return answer


def _status(code: str) -> int:
    if code == Code.UNKNOWN_REFERENCE:
        return 404
    return 422 if code in UNREADABLE else 409
