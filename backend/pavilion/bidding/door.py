"""Who may stand in the room: so many sockets a person, and nobody whose sign-in, key or company was ended."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.key_models import ApiKey
from pavilion.accounts.models import Company, Person, SignInSession
from pavilion.accounts.rules import CompanyState
from pavilion.bidding.live import LiveSession, Viewer
from pavilion.bidding.messages import Bye, frame
from pavilion.kernel.clock import Clock
from pavilion.kernel.db import Sessions, reading

SOCKETS = 5  # of one person
LOOK_S = 0.5  # so that a sign-out closes its sockets within a second
COME_BACK_MS = 800


class Visit(Protocol):
    """One connected socket."""

    session: LiveSession

    def hear(self, encoded: bytes) -> None: ...


class Door:
    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions, self._clock = sessions, clock
        self._inside: set[Visit] = set()
        self._of_person: Counter[int] = Counter()

    def admit(self, visit: Visit) -> bool:
        """False when this person has as many sockets as one may have."""
        person = visit.session.viewer.person_id
        if person is not None and self._of_person[person] >= SOCKETS:
            return False
        self._inside.add(visit)
        if person is not None:
            self._of_person[person] += 1
        return True

    def leave(self, visit: Visit) -> None:
        if visit not in self._inside:
            return
        self._inside.discard(visit)
        person = visit.session.viewer.person_id
        if person is not None:
            self._of_person[person] -= 1
            if not self._of_person[person]:
                del self._of_person[person]

    async def look(self) -> None:
        """Whoever signed out meanwhile, or came by a key that has ended, is let out; whose company is suspended may
        only watch."""
        wanted = {_by(visit.session.viewer) for visit in self._inside} - {None}
        if not wanted:
            return
        async with reading(self._sessions) as session:
            alive = await _alive(session, wanted, self._clock())
        for visit in list(self._inside):
            viewer = visit.session.viewer
            by = _by(viewer)
            if by is None or by not in wanted:
                continue  # a newcomer: came in while we asked
            if by not in alive:
                visit.session.refuse("signed_out")
            elif viewer.may_bid and alive[by] != CompanyState.APPROVED:
                visit.session.viewer = replace(viewer, may_bid=False)
                continue
            else:
                continue
            visit.hear(b"")

    def say_goodbye(self) -> None:
        """The house closes its doors for a moment; everybody is told when to come back."""
        for visit in list(self._inside):
            visit.hear(frame(Bye(code="restart", retry_ms=COME_BACK_MS)))


def _by(viewer: Viewer) -> int | str | None:
    """By what this one came in: the number of a sign-in, or the name of a key."""
    return viewer.session_id if viewer.key is None else viewer.key


async def _alive(
    session: AsyncSession, wanted: Collection[int | str | None], now: datetime
) -> dict[int | str, str | None]:
    """The state of the company behind each sign-in and key that still stands."""
    standing = select(SignInSession.id, Company.state).join(Person, Person.id == SignInSession.person_id)
    standing = standing.outerjoin(Company, Company.id == Person.company_id).where(Person.disabled_at.is_(None))
    sign_ins = {one for one in wanted if isinstance(one, int)}
    rows = await session.execute(standing.where(SignInSession.id.in_(sign_ins), SignInSession.revoked_at.is_(None)))
    alive: dict[int | str, str | None] = {row[0]: row[1] for row in rows}
    if keys := {one for one in wanted if isinstance(one, str)}:
        held = select(ApiKey.public_id, Company.state).join(Company, Company.id == ApiKey.company_id)
        held = held.join(Person, Person.id == ApiKey.person_id).where(Person.disabled_at.is_(None))
        standing_keys = held.where(ApiKey.public_id.in_(keys), ApiKey.revoked_at.is_(None), ApiKey.expires_at > now)
        found = await session.execute(standing_keys)
        alive |= {row[0]: row[1] for row in found}
    return alive
