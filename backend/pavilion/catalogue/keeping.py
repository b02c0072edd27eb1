"""Keeps the column index in step with the database, and decides who answers: the index, or SQL."""

import asyncio
import secrets
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import anyio
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import index, past, searching
from pavilion.catalogue.history import CHANGES
from pavilion.catalogue.index import Snapshot
from pavilion.catalogue.models import Stone
from pavilion.catalogue.parts import Loading, new_words
from pavilion.catalogue.queries import LISTED
from pavilion.catalogue.searching import After, Answer
from pavilion.catalogue.wanted import CHOICES, HISTOGRAMS, PAGE, Wanted
from pavilion.kernel.clock import monotonic_s
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import Event
from pavilion.kernel.numbering import Counter
from pavilion.webkit.log import get_logger

LAG_S = 0.5  # how old a look at the change counter may be: a change is seen within a second
PATIENCE_S = 3.0  # how long a question waits for the first build before SQL answers it
LONGEST_LAG_S = 5.0  # how far behind an answer may be while much is read in the background; beyond that SQL answers
AT_ONCE = 2000  # changed stones that a question waits for; more are read in the background
MOST_AT_ONCE = 100_000  # changed stones beyond which the whole is built anew
MOST_TAKEN_BACK = 20_000  # stones that changed since an earlier state that is asked for
CHUNK = 5000  # rows read at a time while building
OVERLAP = 500  # events looked at again: on PostgreSQL an event may commit after one with a higher number
VERDICT_CHANGED = "stone:verdict_changed"  # provenance took an exposure back or gave one

log = get_logger()


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
        self._following: asyncio.Task[None] | None = None
        self._turn, self._closing = asyncio.Lock(), asyncio.Event()

    async def ask(
        self,
        session: AsyncSession,
        wanted: Wanted,
        *,
        size: int = PAGE,
        after: After | None = None,
        facets: Collection[str] = CHOICES.keys(),
        bars: Collection[str] = HISTOGRAMS,
    ) -> Answer:
        """`facets` and `bars`: what is to be counted beside the total."""
        if (snapshot := await self._current(session)) is not None:
            return snapshot.ask(wanted, size=size, after=after, facets=facets, bars=bars)
        as_of, _ = await _standing(session)
        return await searching.ask(session, wanted, size=size, after=after, as_of=as_of, facets=facets, bars=bars)

    async def build(self) -> None:
        """The index anew from the database; readers keep the old one until it is whole."""
        async with reading(self._sessions) as session:
            as_of, events = await _standing(session)
            loading = await _listed(session)
        self._snapshot = await anyio.to_thread.run_sync(index.of, loading, as_of, events)
        self.forget_look()  # what changed while it was built is not in it

    async def at(self, session: AsyncSession, seq: int) -> Snapshot | None:
        """The listed stones as of this earlier change; None where too many have changed since to take it back."""
        self.forget_look()
        if (snapshot := await self._current(session)) is None:
            await self.build()
            snapshot = self._snapshot
        assert snapshot is not None
        changed = await past.changed_since(session, seq, MOST_TAKEN_BACK)
        if changed is None:
            return None
        rows = await past.rows_at(session, sorted(changed), seq)
        return await _changed(snapshot, rows, changed, seq, snapshot.events)

    @property
    def nbytes(self) -> int:
        """What the index takes in memory; 0 before it is built."""
        return 0 if self._snapshot is None else self._snapshot.nbytes

    @property
    def stones(self) -> int:
        """How many listed stones the index holds; 0 before it is built."""
        return 0 if self._snapshot is None else self._snapshot.stones

    def forget_look(self) -> None:
        """The next question looks at the change counter, however short ago the last one did."""
        self._looked_at = -LAG_S

    def start(self) -> None:
        """Builds in the background, and keeps in step however seldom somebody asks; until it is built SQL answers."""
        if self._following is None:
            self._following = asyncio.create_task(self._follow())

    async def close(self) -> None:
        self._closing.set()
        if self._building is not None:
            self._building.cancel()
        running = [task for task in (self._following, self._building) if task is not None]
        await asyncio.gather(*running, return_exceptions=True)

    async def _follow(self) -> None:
        while not self._closing.is_set():
            try:
                if self._snapshot is None or self._snapshot.worn:
                    await self._build_soon()
                await self._catch_up_alone()
            except SQLAlchemyError as fault:  # the database is away; a question would say so
                log.warning("index not in step", act="index", outcome=type(fault).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), LAG_S)

    async def _current(self, session: AsyncSession) -> Snapshot | None:
        """The snapshot if it is in step, after reading what little changed; None while it is not."""
        if self._snapshot is None:
            await self._wait_for_build()
        if self._snapshot is None:
            return None
        since = monotonic_s() - self._looked_at
        if since < LAG_S or (since < LONGEST_LAG_S and self._turn.locked()):
            return self._snapshot
        try:
            await asyncio.wait_for(self._turn.acquire(), PATIENCE_S)
        except TimeoutError:
            return None
        try:
            caught_up = await self._catch_up(session, self._snapshot, AT_ONCE)
        finally:
            self._turn.release()
        if not caught_up or self._snapshot.worn:
            self._build_soon(self.build if caught_up else self._catch_up_alone)
        return self._snapshot if monotonic_s() - self._looked_at < LONGEST_LAG_S else None

    async def _catch_up(self, session: AsyncSession, snapshot: Snapshot, most: int) -> bool:
        """In step again; False where more than that has changed."""
        looked_at = monotonic_s()
        as_of, events = await _standing(session)
        if (as_of, events) != (snapshot.as_of, snapshot.events):
            touched = set(await session.scalars(select(Stone.id).where(Stone.seq > snapshot.as_of).limit(most + 1)))
            lost = select(Event.subject).where(Event.name == VERDICT_CHANGED, Event.id > snapshot.events - OVERLAP)
            judged = select(Stone.id).where(Stone.public_id.in_(lost)).limit(most + 1)
            touched |= set(await session.scalars(judged))
            if len(touched) > most:
                return False
            rows = await _rows_of(session, sorted(touched))
            self._snapshot = await _changed(snapshot, rows, touched, as_of, events)
        self._looked_at = looked_at
        return True

    async def _catch_up_alone(self) -> None:
        """In step again, however much has changed."""
        assert self._snapshot is not None
        async with self._turn, reading(self._sessions) as session:
            caught_up = await self._catch_up(session, self._snapshot, MOST_AT_ONCE)
        if not caught_up:
            await self.build()

    async def _wait_for_build(self) -> None:
        """A little: the whole index is built in the time that SQL takes for one answer over a large stock."""
        building = self._build_soon()
        if self._patience_s:
            await asyncio.wait({building}, timeout=self._patience_s)

    def _build_soon(self, work: Callable[[], Coroutine[Any, Any, None]] | None = None) -> asyncio.Task[None]:
        if self._building is None or self._building.done():
            self._building = asyncio.create_task((work or self.build)())
        return self._building


async def _changed(
    snapshot: Snapshot, rows: Sequence[Sequence[Any]], touched: set[int], as_of: int, events: int
) -> Snapshot:
    if len(touched) <= AT_ONCE:
        return snapshot.changed(rows, touched, as_of, events)
    return await anyio.to_thread.run_sync(snapshot.changed, rows, touched, as_of, events)


async def _rows_of(session: AsyncSession, ids: Sequence[int]) -> list[Any]:
    """The facts of those that are listed."""
    rows: list[Any] = []
    for start in range(0, len(ids), AT_ONCE):
        some = Stone.id.in_(ids[start : start + AT_ONCE])
        rows += (await session.execute(searching.facts().where(LISTED, some))).all()
    return rows


async def _standing(session: AsyncSession) -> tuple[int, int]:
    """The last change of a stone and the last change of a verdict; both only rise."""
    changes = select(Counter.last).where(Counter.series == CHANGES).scalar_subquery()
    events = select(func.max(Event.id)).where(Event.name == VERDICT_CHANGED).scalar_subquery()
    row = (await session.execute(select(func.coalesce(changes, 0), func.coalesce(events, 0)))).one()
    return row[0], row[1]


async def _listed(session: AsyncSession) -> Loading:
    """Read in pieces, so that other requests get their turn. Each is taken in, and given up, while the database makes
    the next."""
    loading, connection = Loading(new_words()), await session.connection()  # plain rows: nothing here is an entity
    pieces = searching.facts().where(LISTED).order_by(Stone.id).limit(CHUNK)
    found = (await connection.execute(pieces)).all()
    while found:
        adding = asyncio.create_task(anyio.to_thread.run_sync(loading.add, found))
        try:
            found = (await connection.execute(pieces.where(Stone.id > found[-1][0]))).all()
        finally:
            await adding
    return loading
