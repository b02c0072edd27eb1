"""How the registries are doing, from what they answered: the same whichever process asked them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from statistics import median_low
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance.house import House, shipped_house
from pavilion.provenance.models import RegistryAnswer, StoneVerdict
from pavilion.provenance.registries.port import NAMES, Reason
from pavilion.provenance.table_versions import house_in_force

TIMED = 500  # answers whose times make the median
PENDING_MOST = 5_000
_FAILED = (Reason.TIMEOUT.value, Reason.DOWN.value, Reason.BREAKER_OPEN.value)


class Breaker(StrEnum):
    ASKED = "asked"
    RESTING = "resting"  # left in peace after failing again and again
    TRIED = "tried"  # its rest is over; the next question decides


class Health(NamedTuple):
    name: str
    address: str | None  # empty: in this process; None: not connected
    simulated: bool
    last_at: datetime | None
    last_status: str | None
    last_reason: str | None
    today: Mapping[str, int]  # answers by status
    breaker: Breaker
    quota_left: int | None
    median_ms: int | None
    pending: int  # stones that wait for it


class _Answer(NamedTuple):
    at: datetime
    status: str
    reason: str | None
    simulated: bool
    ms: int | None


async def health(session: AsyncSession, addresses: Mapping[str, str | None], now: datetime) -> list[Health]:
    """One line for each registry there is, connected or not."""
    today, waiting = await _today(session, now), await _waiting(session)
    house = await house_in_force(session)
    return [
        await _one(session, name, addresses.get(name), today.get(name, {}), waiting.get(name, 0), house, now)
        for name in NAMES
    ]


def breaker_of(answers: Iterable[tuple[datetime, str | None]], now: datetime, house: House | None = None) -> Breaker:
    """What follows from the latest answers, each with its reason, the newest first."""
    house = house or shipped_house()
    failed: list[datetime] = []
    for at, reason in answers:
        if reason not in _FAILED:
            break
        failed.append(at)
    opened = any(
        first - last <= timedelta(seconds=house.breaker_within_s)
        for first, last in zip(failed, failed[house.breaker_failures - 1 :], strict=False)
    )
    if not opened:
        return Breaker.ASKED
    return Breaker.RESTING if now - failed[0] < timedelta(seconds=house.breaker_rest_s) else Breaker.TRIED


async def _one(
    session: AsyncSession,
    name: str,
    address: str | None,
    today: Mapping[str, int],
    pending: int,
    house: House,
    now: datetime,
) -> Health:
    latest = await _latest(session, name)
    last = latest[0] if latest else None
    quota = await session.scalar(
        select(RegistryAnswer.quota_left)
        .where(RegistryAnswer.registry_name == name, RegistryAnswer.quota_left.is_not(None))
        .order_by(RegistryAnswer.at.desc())
        .limit(1)
    )
    times = [answer.ms for answer in latest if answer.ms is not None and answer.reason != Reason.BREAKER_OPEN.value]
    return Health(
        name,
        address,
        _is_simulated(address, latest),
        last.at if last is not None else None,
        last.status if last is not None else None,
        last.reason if last is not None else None,
        today,
        breaker_of(((answer.at, answer.reason) for answer in latest), now, house),
        quota,
        median_low(times) if times else None,
        pending,
    )


def _is_simulated(address: str | None, latest: Iterable[_Answer]) -> bool:
    """What answers in this process or without encryption is no real registry, and the others say it themselves."""
    if address is None:
        return False
    return address == "" or address.startswith("http://") or any(answer.simulated for answer in latest)


async def _latest(session: AsyncSession, name: str) -> list[_Answer]:
    found = await session.execute(
        select(
            RegistryAnswer.at,
            RegistryAnswer.status,
            RegistryAnswer.reason,
            RegistryAnswer.simulated,
            RegistryAnswer.ms,
        )
        .where(RegistryAnswer.registry_name == name)
        .order_by(RegistryAnswer.at.desc(), RegistryAnswer.id.desc())
        .limit(TIMED)
    )
    return [_Answer(*row) for row in found]


async def _today(session: AsyncSession, now: datetime) -> dict[str, dict[str, int]]:
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    found = await session.execute(
        select(RegistryAnswer.registry_name, RegistryAnswer.status, func.count())
        .where(RegistryAnswer.at >= midnight)
        .group_by(RegistryAnswer.registry_name, RegistryAnswer.status)
    )
    counts: dict[str, dict[str, int]] = {}
    for name, status, count in found:
        counts.setdefault(name, {})[status] = count
    return counts


async def _waiting(session: AsyncSession) -> dict[str, int]:
    """Pending stones by the registry that each waits for; one stone may wait for several."""
    found = await session.scalars(
        select(StoneVerdict.findings).where(StoneVerdict.verdict == "pending").limit(PENDING_MOST)
    )
    counts: dict[str, int] = {}
    for findings in found:
        named = {finding["params"].get("registry") for finding in findings if finding["code"] == "RG-01"}
        for name in named:
            counts[str(name)] = counts.get(str(name), 0) + 1
    return counts
