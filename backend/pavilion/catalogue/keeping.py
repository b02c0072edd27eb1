"""Keeps the column index in step with the database, and decides who answers: the index, or SQL."""

import asyncio
import secrets
from typing import Any

import anyio
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import index, searching
from pavilion.catalogue.index import Snapshot
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import LISTED
from pavilion.catalogue.searching import After, Answer
from pavilion.catalogue.service import CHANGES
from pavilion.catalogue.wanted import PAGE, Wanted
from pavilion.kernel.clock import monotonic_s
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Event
from pavilion.kernel.numbering import Counter

LAG_S = 1.0  # how old a look at the change counter may be
PATIENCE_S = 3.0  # how long a question waits for the first build before SQL answers it
AT_ONCE = 2000  # changed stones that a question waits for; more are read in the background
REBUILD = 5000  # out-of-date rows after which the large part is built anew
CHUNK = 5000  # rows read at a time while building
OVERLAP = 500  # events looked at again: on PostgreSQL an event may commit after one with a higher number
VERDICT_CHANGED = "stone:verdict_changed"  # provenance took an exposure back or gave one


def index_of(app: Any) -> "Index":
    """The process's index, made when the first question comes."""
    found: Index | None = getattr(app.state, "stone_index", None)
    if found is None:
        found = app.state.stone_index = Index(app.state.sessions, app.state.settings.secret_key.get_secret_value())
    return found


class Index:
    """One per process. Answers are exact: what changed is read before the question is answered, or SQL answers it."""

    def __init__(self, sessions: Sessions, secret: str = "", patience_s: float = PATIENCE_S) -> None:
        self._sessions, self._patience_s = sessions, patience_s
        # without a key of the house cursors live as long as the process
        self.secret = secret.encode() or secrets.token_bytes(32)
        self._snapshot: Snapshot | None = None
        self._looked_at = -LAG_S
        self._building: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    async def ask(
        self, session: AsyncSession, wanted: Wanted, *, size: int = PAGE, after: After | None = None
    ) -> Answer:
        snapshot = await self._current(session)
        if snapshot is not None:
            return snapshot.ask(wanted, size=size, after=after)
        return await searching.ask(session, wanted, size=size, after=after, as_of=(await _standing(session))[0])

    async def build(self) -> None:
        """The index anew from the database; readers keep the old one until it is whole."""
        async with reading(self._sessions) as session:
            as_of, events = await _standing(session)
            rows = await _listed(session)
        self._snapshot = await anyio.to_thread.run_sync(index.snapshot, rows, as_of, events)

    def forget_look(self) -> None:
        """The next question looks at the change counter, however short ago the last one did."""
        self._looked_at = -LAG_S

    def start(self) -> None:
        """Builds in the background; until it is done SQL answers."""
        self._build_soon()

    async def close(self) -> None:
        if self._building is not None and not self._building.done():
            self._building.cancel()
            await asyncio.gather(self._building, return_exceptions=True)

    async def _current(self, session: AsyncSession) -> Snapshot | None:
        """The snapshot if it is in step, after reading what little changed; None while it is not."""
        if self._snapshot is None:
            await self._wait_for_build()
        if self._snapshot is None:
            return None
        if monotonic_s() - self._looked_at < LAG_S:
            return self._snapshot
        async with self._turn:
            looked_at = monotonic_s()
            if not await self._catch_up(session, self._snapshot):
                self._build_soon()
                return None
            self._looked_at = looked_at
            if self._snapshot.stale_rows > REBUILD:
                self._build_soon()
            return self._snapshot

    async def _catch_up(self, session: AsyncSession, snapshot: Snapshot) -> bool:
        as_of, events = await _standing(session)
        if (as_of, events) == (snapshot.as_of, snapshot.events):
            return True
        touched = set(await session.scalars(select(Stone.id).where(Stone.seq > snapshot.as_of).limit(AT_ONCE + 1)))
        lost = select(Event.subject).where(Event.name == VERDICT_CHANGED, Event.id > snapshot.events - OVERLAP)
        judged = select(Stone.id).where(Stone.public_id.in_(lost)).limit(AT_ONCE + 1)
        touched |= set(await session.scalars(judged))
        if len(touched) > AT_ONCE:
            return False
        rows = await session.execute(searching.facts().where(LISTED, Stone.id.in_(touched)))
        found: Any = rows.mappings().all()
        self._snapshot = snapshot.changed(found, touched, as_of, events)
        return True

    async def _wait_for_build(self) -> None:
        """A little: the whole index is built in the time that SQL takes for one answer over a large stock."""
        building = self._build_soon()
        if self._patience_s:
            await asyncio.wait({building}, timeout=self._patience_s)

    def _build_soon(self) -> asyncio.Task[None]:
        if self._building is None or self._building.done():
            self._building = asyncio.create_task(self.build())
        return self._building


async def _standing(session: AsyncSession) -> tuple[int, int]:
    """The last change of a stone and the last change of a verdict; both only rise."""
    changes = select(Counter.last).where(Counter.series == CHANGES).scalar_subquery()
    events = select(func.max(Event.id)).where(Event.name == VERDICT_CHANGED).scalar_subquery()
    row = (await session.execute(select(func.coalesce(changes, 0), func.coalesce(events, 0)))).one()
    return row[0], row[1]


async def _listed(session: AsyncSession) -> list[Any]:
    """Read in pieces, so that other requests get their turn."""
    rows: list[Any] = []
    last = 0
    while True:
        piece = await session.execute(searching.facts().where(LISTED, Stone.id > last).order_by(Stone.id).limit(CHUNK))
        found = piece.mappings().all()
        rows += found
        if len(found) < CHUNK:
            return rows
        last = found[-1]["id"]
