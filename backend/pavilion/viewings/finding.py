"""What is free: every slot of a span with the answer that a hold would get there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.viewings.states import ViewingMode
from pavilion.viewings.wishes import Code, Wish


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at an office. `desk` is one that is free then, or the one that came nearest; `code` and `facts` are what
    a hold of it would answer now."""

    office: str
    desk: str
    start: datetime
    end: datetime
    code: Code = Code.OK
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def free(self) -> bool:
        return self.code is Code.OK


async def free_slots(
    session: AsyncSession,
    office: str | None,
    stones: Sequence[str],
    party: int,
    frm: datetime,
    to: datetime,
    *,
    company_id: int,
    mode: ViewingMode = ViewingMode.IN_PERSON,
    sale: str | None = None,
    visitors: Sequence[int] = (),
    now: datetime,
) -> list[Slot]:
    """The slots that start in `[frm, to)` at one office or at all, by start and office, each once for all desks."""
    raise NotImplementedError


async def nearest(session: AsyncSession, wish: Wish, now: datetime, n: int = 3) -> list[Slot]:
    """The slots nearest to the wish that pass every check for its company: what a refusal offers instead."""
    raise NotImplementedError
