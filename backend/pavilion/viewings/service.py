"""The verbs of the viewing desk. Each runs in the caller's transaction and answers; a refusal is a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.viewings.models import Appointment, WaitEntry
from pavilion.viewings.states import StoneFate
from pavilion.viewings.wishes import Answer, Wish

Made = tuple[Appointment | None, Answer]


@dataclass(frozen=True, slots=True)
class Ended:
    """Public ids of appointments, sorted: which lost the stone, and which of them have none left."""

    updated: tuple[str, ...]
    needs_attention: tuple[str, ...]


async def hold(
    session: AsyncSession,
    wish: Wish,
    *,
    key: str,
    by: str,
    person_id: int | None = None,
    staff: bool = False,
    now: datetime,
) -> Made:
    raise NotImplementedError


async def book(
    session: AsyncSession,
    wish: Wish,
    *,
    key: str,
    by: str,
    person_id: int | None = None,
    staff: bool = False,
    now: datetime,
) -> Made:
    raise NotImplementedError


async def ask(
    session: AsyncSession,
    wish: Wish,
    *,
    key: str,
    by: str,
    person_id: int | None = None,
    staff: bool = False,
    now: datetime,
) -> Made:
    raise NotImplementedError


async def confirm(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> Answer:
    raise NotImplementedError


async def approve(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> Answer:
    raise NotImplementedError


async def decline(
    session: AsyncSession, appointment: Appointment, *, by: str, reason: str = "", now: datetime
) -> Answer:
    raise NotImplementedError


async def cancel(
    session: AsyncSession, appointment: Appointment, *, by: str, staff: bool = False, reason: str = "", now: datetime
) -> Answer:
    raise NotImplementedError


async def reschedule(
    session: AsyncSession,
    appointment: Appointment,
    *,
    start: datetime,
    end: datetime,
    desk: str | None = None,
    stones: Sequence[str] | None = None,
    visitors: Sequence[int] | None = None,
    by: str,
    staff: bool = False,
    reason: str = "",
    now: datetime,
) -> Answer:
    raise NotImplementedError


async def check_in(
    session: AsyncSession,
    appointment: Appointment,
    *,
    by: str,
    declaration_at: datetime | None = None,
    override: str | None = None,
    now: datetime,
) -> Answer:
    raise NotImplementedError


async def start(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> Answer:
    raise NotImplementedError


async def finish(session: AsyncSession, appointment: Appointment, *, by: str, now: datetime) -> Answer:
    raise NotImplementedError


async def join(
    session: AsyncSession,
    wish: Wish,
    *,
    key: str,
    priority: int = 0,
    by: str,
    person_id: int | None = None,
    now: datetime,
) -> tuple[WaitEntry | None, Answer]:
    raise NotImplementedError


async def leave(session: AsyncSession, entry: WaitEntry, *, by: str, now: datetime) -> Answer:
    raise NotImplementedError


async def end_stone(session: AsyncSession, stone: str, fate: StoneFate, *, by: str, now: datetime) -> Ended:
    raise NotImplementedError
