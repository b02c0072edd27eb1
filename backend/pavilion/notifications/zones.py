"""Whose clock: the one a person chose; until then that of their company's country, where it has but one."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person
from pavilion.notifications.models import NoticeWishes

OFFICIAL = {"CN": "Asia/Shanghai"}  # one clock by law, though two are listed
_SEASONS = (datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC))


async def of_person(session: AsyncSession, person_id: int) -> str:
    wishes = await session.get(NoticeWishes, person_id)
    if wishes is not None:
        return wishes.zone
    country = select(Company.country).join(Person, Person.company_id == Company.id).where(Person.id == person_id)
    return of_country(await session.scalar(country) or "")


@cache
def of_country(code: str) -> str:
    """UTC where a country keeps several clocks, or is not known: a wrong guess is worse than none."""
    if code in OFFICIAL:
        return OFFICIAL[code]
    zones = [zone for zone in get_global("territory_zones").get(code, ()) if zone in available_timezones()]
    clocks = {tuple(at.astimezone(ZoneInfo(zone)).utcoffset() for at in _SEASONS) for zone in zones}
    return zones[0] if len(clocks) == 1 else "UTC"
