"""Verbs: a person says what they want to be told, and which browsers may be told."""

import hashlib
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.kernel import events
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.notifications import zones
from pavilion.notifications.models import NoticeWishes, PushBrowser
from pavilion.notifications.push import Subscription
from pavilion.notifications.rules import Kind

MOST_BROWSERS = 10  # of one person; the oldest makes room


async def set_wishes(
    session: AsyncSession,
    *,
    person: int,
    mail: Collection[Kind],
    push: Collection[Kind],
    amounts: bool,
    quiet: tuple[int | None, int | None],
    zone: str,
    now: datetime,
) -> None:
    """From the next notice on."""
    if (quiet[0] is None) != (quiet[1] is None):
        raise BadInput(fields={"quiet_from" if quiet[0] is None else "quiet_to": "missing"})
    row = await _wishes(session, person, now)
    row.mail_off, row.push_off = ([one.value for one in Kind if one not in on] for on in (mail, push))
    row.amounts, row.zone, row.changed_at = amounts, zone, now
    row.quiet_from, row.quiet_to = quiet


async def stop_mail(session: AsyncSession, *, person: str, kind: Kind, now: datetime) -> None:
    """No more mail of this kind to this person, as the link in each of them offers."""
    found = await session.scalar(select(Person.id).where(Person.public_id == person))
    if found is None:
        raise NotFound()
    row = await _wishes(session, found, now)
    if kind not in row.mail_off:
        row.mail_off, row.changed_at = [*row.mail_off, kind.value], now
        events.record(session, "notices:stopped", person, by=person, at=now, kind=kind.value)


async def add_browser(
    session: AsyncSession, *, person: int, place: Subscription, browser: str, now: datetime
) -> PushBrowser:
    """The browser is told from now on, and it is this person's alone."""
    name = hashlib.sha256(place.endpoint.encode()).hexdigest()
    row = await session.scalar(select(PushBrowser).where(PushBrowser.endpoint_sha256 == name))
    if row is None:
        mine = select(PushBrowser.id).where(PushBrowser.person_id == person).order_by(PushBrowser.id.desc())
        old = (await session.scalars(mine.offset(MOST_BROWSERS - 1))).all()
        await session.execute(delete(PushBrowser).where(PushBrowser.id.in_(old)))
        row = PushBrowser(endpoint=place.endpoint, endpoint_sha256=name)
        session.add(row)
    row.person_id, row.p256dh, row.auth, row.browser, row.at = person, place.p256dh, place.auth, browser[:200], now
    await session.flush()
    return row


async def drop_browser(session: AsyncSession, *, person: int, browser: int) -> None:
    await session.execute(delete(PushBrowser).where(PushBrowser.id == browser, PushBrowser.person_id == person))


async def browsers_of(session: AsyncSession, person: int) -> list[PushBrowser]:
    mine = select(PushBrowser).where(PushBrowser.person_id == person).order_by(PushBrowser.id)
    return list(await session.scalars(mine))


async def zone_of(session: AsyncSession, person: int) -> str | None:
    """The clock that this person's quiet hours go by, if they have named one."""
    row = await session.get(NoticeWishes, person)
    return None if row is None or row.zone == "UTC" else row.zone


async def _wishes(session: AsyncSession, person: int, now: datetime) -> NoticeWishes:
    row = await session.get(NoticeWishes, person, with_for_update=True)
    if row is None:
        zone = await zones.of_person(session, person)
        row = NoticeWishes(person_id=person, mail_off=[], push_off=[], amounts=False, zone=zone, changed_at=now)
        session.add(row)
    return row


async def address_of(session: AsyncSession, person: int | None) -> str:
    return await session.scalar(select(Person.email).where(Person.id == person)) or ""
