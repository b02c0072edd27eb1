"""From a happening to the people it concerns: one row of the outbox for each person and channel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person, PersonRole
from pavilion.accounts.rules import Role
from pavilion.kernel import outbox
from pavilion.kernel.instants import stamp
from pavilion.notifications.models import NoticePace, NoticeWishes, PushBrowser
from pavilion.notifications.rules import NOTICES, Channel, Kind, Quiet, due_before, next_outbid, wanted

BIDDERS = (Role.BUYER,)
SUPPLIERS = (Role.SUPPLIER,)


@dataclass
class Teller:
    """The people of companies and their wishes, read once for a run of happenings."""

    session: AsyncSession
    now: datetime
    _people: dict[tuple[int, tuple[Role, ...]], list[int]] = field(default_factory=dict)
    _wishes: dict[int, tuple[NoticeWishes | None, bool]] = field(default_factory=dict)

    async def tell(
        self,
        notice: str,
        key: str,
        companies: Iterable[int],
        *,
        at: datetime,
        roles: tuple[Role, ...] = BIDDERS,
        **facts: Any,
    ) -> int:
        """Each person of these companies who wants to know is told once, however often this is asked."""
        told = 0
        for company in dict.fromkeys(companies):
            for person in await self._of(company, roles):
                told += await self._tell(notice, key, person, at, facts)
        return told

    async def tell_people(
        self, notice: str, key: str, people: Iterable[int], *, at: datetime, last: datetime | None = None, **facts: Any
    ) -> int:
        """As `tell`, to these people alone; quiet hours do not hold it back beyond `last`."""
        return sum([await self._tell(notice, key, person, at, facts, last) for person in dict.fromkeys(people)])

    async def _tell(
        self,
        notice: str,
        key: str,
        person: int,
        at: datetime,
        facts: Mapping[str, Any],
        last: datetime | None = None,
    ) -> int:
        wishes, has_browser = await self._wish(person)
        kind = NOTICES[notice]
        due = self.now
        if kind is Kind.OUTBID:
            found = await self._paced(person, facts["lot"])
            if found is None:
                return 0
            due = found
        if wishes is not None and wishes.quiet_from is not None and wishes.quiet_to is not None:
            due = due_before(due, Quiet(wishes.quiet_from, wishes.quiet_to, wishes.zone), last)
        payload = {"notice": notice, "person": person, "at": stamp(at), **facts}
        told = 0
        for channel in Channel:
            off = ([], []) if wishes is None else (wishes.mail_off, wishes.push_off)
            if wanted(kind, channel, *off) and (channel is Channel.MAIL or has_browser):
                name = f"{notice}:{key}:{person}"
                await outbox.enqueue(self.session, channel, name, payload, at=self.now, due_at=due)
                told += 1
        return told

    async def _paced(self, person: int, lot: str) -> datetime | None:
        pace = await self.session.get(NoticePace, (person, lot))
        due = next_outbid(self.now, pace.due_at if pace else None)
        if due is None:
            return None
        if pace is None:
            self.session.add(NoticePace(person_id=person, lot=lot, due_at=due))
            await self.session.flush()
        else:
            pace.due_at = due
        return due

    async def _of(self, company: int, roles: tuple[Role, ...]) -> list[int]:
        if (company, roles) not in self._people:
            wanted_people = select(Person.id).join(PersonRole, PersonRole.person_id == Person.id).distinct()
            wanted_people = wanted_people.where(Person.company_id == company, PersonRole.role.in_(roles))
            found = await self.session.scalars(wanted_people.where(Person.disabled_at.is_(None)).order_by(Person.id))
            self._people[company, roles] = list(found)
        return self._people[company, roles]

    async def _wish(self, person: int) -> tuple[NoticeWishes | None, bool]:
        if person not in self._wishes:
            browser = await self.session.scalar(select(PushBrowser.id).where(PushBrowser.person_id == person).limit(1))
            self._wishes[person] = (await self.session.get(NoticeWishes, person), browser is not None)
        return self._wishes[person]
