"""What the other domains wrote down, followed through the events: registrations decided, settlements stopped, passports
suspended, requests declined. An event committed late is still found: the last ones are looked at again, and nothing is
said twice.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.auctions.kept_words import NOT_TAKEN
from pavilion.auctions.models import Registration, Sale
from pavilion.bidding.models import BookLot
from pavilion.bidding.request_models import Retraction
from pavilion.catalogue import queries as catalogue
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Event, cursor_of
from pavilion.notifications.rules import STALE
from pavilion.notifications.telling import SUPPLIERS, Teller

FOLLOWER = "notices"
LOOK_BACK = 200  # ids behind the newest one read: a transaction that began earlier may commit later
AT_ONCE = 500
REGISTRATIONS = ("approved", "declined", "asked", "suspended", "resumed", "limit_changed", "end_changed")
SETTLEMENTS = ("stopped", "released", "cancelled")
PASSPORTS = ("suspended", "reinstated", "revoked")
NAMES = (
    *(f"registration:{one}" for one in REGISTRATIONS),
    *(f"settlement:{one}" for one in SETTLEMENTS),
    *(f"passport:{one}" for one in PASSPORTS),
    "lot:closed_to_bidder",
    "retraction:declined",
    "tender:offered",
    NOT_TAKEN,
)


Heard = Callable[[AsyncSession, Teller, Event], Awaitable[None]]


class Hearing:
    """Follows the events of one house: those of the sales, or others by their names."""

    def __init__(
        self,
        sessions: Sessions,
        follower: str = FOLLOWER,
        names: Sequence[str] = NAMES,
        heard: Heard | None = None,
        stale: timedelta = STALE,
    ) -> None:
        self._sessions, self._follower, self._names, self._stale = sessions, follower, names, stale
        self._heard: Heard = heard or _heard
        self._seen: set[int] = set()
        self._last: int | None = None

    async def tick(self, now: datetime) -> int:
        """How many events were heard."""
        if self._last is None:
            async with self._sessions.begin() as session:
                self._last = (await cursor_of(session, self._follower)).last_id
        fresh = select(Event).where(Event.name.in_(self._names), Event.id > self._last - LOOK_BACK).order_by(Event.id)
        async with reading(self._sessions) as session:
            rows = [row for row in await session.scalars(fresh.limit(AT_ONCE)) if row.id not in self._seen]
        if not rows:
            return 0
        async with self._sessions.begin() as session:
            cursor = await cursor_of(session, self._follower)
            teller = Teller(session, now)
            for row in rows:
                if row.at > now - self._stale:
                    await self._heard(session, teller, row)
            cursor.last_id = max(cursor.last_id, rows[-1].id)
            last = cursor.last_id
        self._last = last
        self._seen = {id for id in self._seen | {row.id for row in rows} if id > last - LOOK_BACK}
        return len(rows)


async def _heard(session: AsyncSession, teller: Teller, event: Event) -> None:
    subject, _, happened = event.name.partition(":")
    key, notice = str(event.id), f"{subject}_{happened}"
    if subject == "registration":
        until = event.facts.get("until")
        if happened == "end_changed" and until == event.facts.get("before"):
            return  # it was set again as it stood
        if happened == "end_changed" and not until:
            notice = "registration_end_lifted"
        await teller.tell(
            notice, key, [event.facts["company_id"]], at=event.at,
            sale=event.facts["sale"], registration=event.subject, **({"until": until} if until else {}),
        )  # fmt: skip
    elif event.name == "lot:closed_to_bidder":
        facts = {"lot": event.subject, "sale": event.facts["sale"], "rule": event.facts["rule"]}
        await teller.tell("closed_to_bidder", key, [event.facts["company"]], at=event.at, **facts)
    elif event.name == NOT_TAKEN:
        person = await session.scalar(select(Person.id).where(Person.public_id == event.facts.get("asked")))
        if person is not None:
            facts = {"lot": event.subject, "sale": event.facts["sale"], "again": event.facts["number"]}
            await teller.tell_people("lot_not_taken", key, [person], at=event.at, reason=event.facts["why"], **facts)
    elif event.name == "retraction:declined":
        asked = select(Retraction).where(Retraction.public_id == event.facts["request"])
        if (row := await session.scalar(asked)) is not None:
            facts = {"lot": row.lot, "sale": row.sale, "answer": event.facts["reason"]}
            await teller.tell(notice, key, [row.company_id], at=event.at, **facts)
    elif event.name == "tender:offered":
        paddle, sale = event.facts["paddle"], event.facts["sale"]
        holds = select(Registration.company_id).join(Sale, Sale.id == Registration.sale_id)
        company = await session.scalar(holds.where(Sale.public_id == sale, Registration.paddle == paddle))
        if company is not None:
            await teller.tell(notice, key, [company], at=event.at, lot=event.subject, sale=sale)
    elif subject == "settlement":
        buyer = await _buyer(session, event.facts["sale"], event.subject)
        if buyer is not None:
            await teller.tell(notice, key, [buyer], at=event.at, lot=event.subject, sale=event.facts["sale"])
    else:
        await _passport(session, teller, event, notice)


async def _passport(session: AsyncSession, teller: Teller, event: Event, notice: str) -> None:
    """Whose stone it is hears of its passport; a bidder hears of the lot, from the book."""
    if (supplier := await catalogue.supplied_by(session, event.subject)) is not None:
        facts: Mapping[str, Any] = {"stone": event.subject}
        await teller.tell(notice, str(event.id), [supplier], at=event.at, roles=SUPPLIERS, **facts)


async def _buyer(session: AsyncSession, sale: str, lot: str) -> int | None:
    bought = select(Registration.company_id).join(Sale, Sale.id == Registration.sale_id)
    bought = bought.join(BookLot, (BookLot.sale == Sale.public_id) & (BookLot.leader == Registration.paddle))
    return await session.scalar(bought.where(Sale.public_id == sale, BookLot.lot == lot, BookLot.state == "sold"))
