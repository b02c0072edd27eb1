"""Who came to the demonstration's offices, who is coming, and who waits; booked by the same verbs as by anybody."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Actor
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.queries import HOUSE
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.demo import people
from pavilion.demo.people import LUMEN, VAN_DAEL
from pavilion.demo.viewings import ANT, HKG, STAFF
from pavilion.kernel.db import Sessions
from pavilion.viewings import service, sweeping, visitors
from pavilion.viewings.forms import NamedVisitor
from pavilion.viewings.models import Appointment
from pavilion.viewings.place_models import Window
from pavilion.viewings.service import Made
from pavilion.viewings.states import ViewingMode
from pavilion.viewings.wishes import Wish

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
STEP = 5 * MINUTE


class Visit(NamedTuple):
    """Hours after the window of the day opens, desk, company, named visitors, and which of the office's stones."""

    after: int
    desk: str
    firm: str
    names: tuple[tuple[str, date], ...]
    stones: slice
    hours: int = 1


MARC = ("Marc Oriel", date(1961, 6, 30))
IN_HONG_KONG = (
    Visit(1, "hkg-2", LUMEN, (("Vera Lau", date(1991, 4, 17)), ("Kenneth Ho", date(1968, 9, 2))), slice(0, 3), 2),
    Visit(1, "hkg-3", "Harbour Jewels", (("Li Wei Tan", date(1979, 12, 5)),), slice(4, 6)),
    Visit(5, "hkg-2", "Meridian Gems", (("Farah Nasser", date(1984, 7, 21)),), slice(0, 2)),
)
IN_ANTWERP = (
    Visit(0, "ant-1", VAN_DAEL, (("Ilse Van Dael", date(1975, 2, 11)),), slice(0, 4), 2),
    Visit(0, "ant-2", "Oriel & Sons", (MARC, ("Ida Oriel", date(1993, 3, 8))), slice(4, 6)),
    Visit(5, "ant-1", "Kestrel Stones", (("Dale Whitman", date(1970, 10, 19)),), slice(0, 2)),
    Visit(7, "ant-4", "Oriel & Sons", (MARC,), slice(6, 9)),
)


async def arrange(sessions: Sessions, sale: str, now: datetime) -> None:
    """Two came last week, one did not; the next open days in Hong Kong and Antwerp are booked, one viewing is by video,
    one company asks and one waits for a place that is taken."""
    async with sessions.begin() as session:
        offered, jewels = await _of_sale(session, sale), await _jewels(session)
        await _last_week(session, sale, offered, now)
    async with sessions.begin() as session:
        await sweeping.due(session, now)
        for office, visits, stones in ((HKG, IN_HONG_KONG, offered), (ANT, IN_ANTWERP, jewels)):
            opens = await _next(session, office, now)
            for visit in visits:
                await _book(session, visit, stones, opens + visit.after * HOUR, now, sale if office == HKG else None)
        await _by_video(session, jewels[8:10], await _next(session, ANT, now) + 5 * HOUR, now)
        await _ask_and_wait(session, jewels, await _next(session, ANT, now), now)


async def _last_week(session: AsyncSession, sale: str, stones: Sequence[str], now: datetime) -> None:
    """Ilse saw two stones of the sale to come, and Kestrel did not."""
    opened = select(Window.opens_at).where(Window.office_id == HKG, Window.closes_at < now - 12 * HOUR)
    start = await session.scalar(opened.order_by(Window.opens_at.desc()).limit(1))
    assert start is not None, "the offices were open last week"
    begun = start - 48 * HOUR
    mei = str((await people.actor(session, "mei@pavilion.example")).public_id)
    seen = Visit(0, "hkg-1", VAN_DAEL, (("Ilse Van Dael", date(1975, 2, 11)),), slice(0, 2))
    came = await _book(session, seen, stones, start, begun, sale)
    for answer in (
        await service.check_in(session, came, by=mei, now=start - STEP),
        await service.start(session, came, by=mei, now=start),
        await service.finish(session, came, by=mei, now=start + 50 * MINUTE),
    ):
        assert answer.ok, answer
    missed = Visit(0, "hkg-2", "Kestrel Stones", (("Dale Whitman", date(1970, 10, 19)),), slice(4, 5))
    await _book(session, missed, stones, start, begun, sale)


async def _book(
    session: AsyncSession, visit: Visit, stones: Sequence[str], start: datetime, now: datetime, sale: str | None
) -> Appointment:
    who = await people.actor_for(session, visit.firm)
    named = [NamedVisitor(name=name, born=born) for name, born in visit.names]
    wish = Wish(
        company_id=_company(who), desk=visit.desk, start=start, end=start + visit.hours * HOUR, party=len(named),
        stones=tuple(stones[visit.stones]), sale=sale,
        visitors=tuple(await visitors.named(session, _company(who), named, today=now.date(), now=now)),
    )  # fmt: skip
    made = await service.book(session, wish, key=f"demo-{visit.desk}-{start:%m%d%H}", by=_id(who), now=now)
    return _sure(made)


async def _by_video(session: AsyncSession, stones: Sequence[str], start: datetime, now: datetime) -> None:
    """Joris shows stones to Harbour Jewels in Singapore."""
    who = await people.actor_for(session, "Harbour Jewels")
    operator = await session.scalar(select(Person.id).where(Person.email == "joris@pavilion.example"))
    assert STAFF["joris@pavilion.example"] == ANT
    wish = Wish(
        company_id=_company(who), desk="ant-v1", start=start, end=start + HOUR, party=0, stones=tuple(stones),
        operator=operator, mode=ViewingMode.REMOTE,
    )  # fmt: skip
    _sure(await service.book(session, wish, key="demo-video", by=_id(who), now=now))


async def _ask_and_wait(session: AsyncSession, stones: Sequence[str], opens: datetime, now: datetime) -> None:
    """Meridian asks the office for an hour, and waits for the one that Van Dael has."""
    who = await people.actor_for(session, "Meridian Gems")
    wish = Wish(
        company_id=_company(who), desk="ant-3", start=opens + 7 * HOUR, end=opens + 8 * HOUR, stones=tuple(stones[:2])
    )
    _sure(await service.ask(session, wish, key="demo-ask", by=_id(who), now=now))
    taken = Wish(company_id=_company(who), desk="ant-1", start=opens, end=opens + HOUR, stones=tuple(stones[:2]))
    entry, answer = await service.join(session, taken, key="demo-wait", by=_id(who), now=now)
    assert entry is not None, answer


async def _next(session: AsyncSession, office: str, now: datetime) -> datetime:
    """When this office opens next for a whole day, on another one than today."""
    coming = select(Window).where(Window.office_id == office, Window.opens_at > now + 12 * HOUR)
    windows = await session.scalars(coming.order_by(Window.opens_at).limit(7))
    return next(one.opens_at for one in windows if one.closes_at - one.opens_at >= 8 * HOUR)


async def _of_sale(session: AsyncSession, sale: str) -> list[str]:
    """The stones of this sale that are in Hong Kong already."""
    held = select(LotStone.stone_id).join(Lot, Lot.id == LotStone.lot_id).join(Sale, Sale.id == Lot.sale_id)
    stones = visible_to(HOUSE).where(Stone.id.in_(held.where(Sale.public_id == sale))).order_by(Stone.id)
    return [stone.public_id for n, stone in enumerate(await session.scalars(stones)) if n % 3]


async def _jewels(session: AsyncSession) -> list[str]:
    """The stones with a drawn picture: all of them are in Antwerp these days."""
    stones = visible_to(HOUSE).where(Stone.picture.is_not(None), Stone.exposed_id.is_not(None)).order_by(Stone.stock_no)
    return [stone.public_id for stone in await session.scalars(stones)]


def _company(actor: Actor) -> int:
    assert actor.company_id is not None
    return actor.company_id


def _id(actor: Actor) -> str:
    assert actor.public_id is not None
    return actor.public_id


def _sure(made: Made) -> Appointment:
    row, answer = made
    assert row is not None, answer
    return row
