"""What changes of stones mean for kept searches: each search hears of a stone once for each kind of news.

What is found and how far it was looked are written in one transaction, or what is found first where it is very much;
whoever dies before the place is written looks again, and what is known already is not written twice. All questions are
put to the changed stones alone, in columns as the index keeps them, equal ones once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from pavilion.accounts.models import Person
from pavilion.accounts.queries import as_actor
from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue import history, index, past, saving, searching
from pavilion.catalogue.history import VIEWING, Change
from pavilion.catalogue.index import Snapshot
from pavilion.catalogue.models import ChangeKind, Stone, StoneChange
from pavilion.catalogue.queries import AT_ONCE, LISTED, sees_prices
from pavilion.catalogue.saved_models import EVERY, AlertKind, Cadence, SavedSearch, SearchAlert
from pavilion.catalogue.saving import FOLLOWER
from pavilion.catalogue.searching import FACTS
from pavilion.catalogue.wanted import Wanted
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.events import cursor_of
from pavilion.kernel.instants import stamp
from pavilion.kernel.putting import put

LINES = 1000  # of the history, in one go
MOST_WRITTEN = 5000  # alerts in one transaction
ONCE = " on conflict do nothing"
_MATCHED = (ChangeKind.LISTED, ChangeKind.CHANGED, ChangeKind.PRICED)  # what can make a stone match that did not
_PRICE = "price_total_minor"
_PLACE = {name: place for place, name in enumerate(FACTS)}


class News(NamedTuple):
    search_id: int
    stone_id: int
    kind: AlertKind
    seq: int


async def tick(sessions: Sessions, now: datetime) -> int:
    """How many stones were found for searches, and how many mails are due."""
    return await follow(sessions, now) + await tell(sessions, now)


async def follow(sessions: Sessions, now: datetime) -> int:
    """The next changes are looked at for every kept search."""
    async with reading(sessions) as session:
        place = await saving.place(session)
        begun = place is not None
        if place is None:
            first = await session.scalar(select(func.min(SavedSearch.from_seq)))
            place = await history.head(session) if first is None else first
        lines = await history.changes(session, place, LINES)
        if begun and not lines:
            return 0
        found = await news(session, lines) if lines else []
    rows = [line._asdict() | {"at": now, "told_at": None} for line in found]
    while len(rows) > MOST_WRITTEN:  # so many that nobody else is to wait for them; the place stays where it is
        async with sessions.begin() as session:
            await put(session, SearchAlert, rows[:MOST_WRITTEN], ONCE)
        rows = rows[MOST_WRITTEN:]
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER)
        if cursor.last_id != (place if begun else 0):
            return 0  # another looked at these meanwhile
        await put(session, SearchAlert, rows, ONCE)
        cursor.last_id = lines[-1].seq if lines else place
    return len(found)


async def tell(sessions: Sessions, now: datetime) -> int:
    """Searches whose mail is due say what they found since the last one."""
    async with reading(sessions) as session:
        untold = select(SearchAlert.search_id).where(SearchAlert.told_at.is_(None)).distinct()
        live = select(SavedSearch).where(SavedSearch.id.in_(untold), SavedSearch.ended_at.is_(None))
        rows = (await session.scalars(live.where(SavedSearch.cadence != Cadence.NEVER).order_by(SavedSearch.id))).all()
        due = [row.id for row in rows if _due(row, now)]
    if not due:
        return 0
    async with sessions.begin() as session:
        mine = select(SavedSearch).where(SavedSearch.id.in_(due), SavedSearch.cadence != Cadence.NEVER)
        for search in await session.scalars(mine.order_by(SavedSearch.id).with_for_update()):
            untold_of = update(SearchAlert).where(SearchAlert.search_id == search.id, SearchAlert.told_at.is_(None))
            if (await session.execute(untold_of.values(told_at=now).returning(SearchAlert.stone_id))).all():
                search.told_at = now
                events.record(session, "search:matched", search.public_id, by=None, at=now, told=stamp(now))
    return len(due)


async def news(session: AsyncSession, lines: Sequence[Change]) -> list[News]:
    """What these changes are to the searches that are kept, without what each has heard before."""
    searches = (
        await session.scalars(
            select(SavedSearch).where(SavedSearch.ended_at.is_(None), SavedSearch.from_seq < lines[-1].seq)
        )
    ).all()
    if not searches:
        return []
    readers = await _readers(session, {search.person_id for search in searches})
    asking = await _Asking.of(session, lines)
    found: list[News] = []
    for search in searches:
        if (reader := readers.get(search.person_id)) is not None:
            found += asking.candidates(search, reader)
            await asyncio.sleep(0)  # thousands of searches are no reason for a bid to wait
    found = await _unheard(session, found)
    return await asking.sifted(session, found, {search.id: search for search in searches}, readers)


def _due(search: SavedSearch, now: datetime) -> bool:
    """The first mail of a search that tells at once is due at once."""
    if search.told_at is None and search.cadence == Cadence.AT_ONCE:
        return True
    return (search.told_at or search.made_at) + EVERY[Cadence(search.cadence)] <= now


@dataclass
class _Asking:
    """The changed stones as they are now, and the answers that were given already."""

    lines: Mapping[int, list[Change]]
    rows: Mapping[int, Sequence[Any]]
    now: Snapshot
    answers: dict[tuple[int, str, bool], frozenset[int]] = field(default_factory=dict)

    @classmethod
    async def of(cls, session: AsyncSession, lines: Sequence[Change]) -> "_Asking":
        by_stone: dict[int, list[Change]] = defaultdict(list)
        for line in lines:
            by_stone[line.stone_id].append(line)
        rows: list[Any] = []
        for some in _pieces(sorted(by_stone)):
            rows += (await session.execute(searching.facts().where(LISTED, Stone.id.in_(some)))).all()
        return cls(by_stone, {row[0]: row for row in rows}, index.snapshot(rows, 0, 0))

    def candidates(self, search: SavedSearch, reader: Actor) -> list[News]:
        """What may be news to this search, by its own lines alone."""
        prices = sees_prices(reader)
        wishes = saving.kinds_of(search.kinds, prices=prices)
        found: list[News] = []
        for stone_id in self._matching(0, self.now, len(self.rows), search, prices) if wishes else ():
            later = [line for line in self.lines[stone_id] if line.seq > search.from_seq]
            for kind in wishes:
                seqs = [line.seq for line in later if self._may_be(kind, line)]
                if seqs:
                    found.append(News(search.id, stone_id, kind, seqs[-1]))
        return found

    async def sifted(
        self,
        session: AsyncSession,
        found: Iterable[News],
        searches: Mapping[int, SavedSearch],
        readers: Mapping[int, Actor],
    ) -> list[News]:
        """Without stones that matched when the search was kept, and prices that fell by less than was wished."""
        found = list(found)
        asked = {line.stone_id for line in found if line.kind in (AlertKind.NEW, AlertKind.PRICE)}
        begun = min((searches[line.search_id].from_seq for line in found), default=0)
        before = await _lines_of(session, asked, begun)
        doubtful: dict[int, set[int]] = defaultdict(set)
        for line in found:
            search = searches[line.search_id]
            if line.kind == AlertKind.NEW and not _first_listed(before[line.stone_id], search.from_seq):
                doubtful[search.from_seq].add(line.stone_id)
        then = {}
        for seq, ids in doubtful.items():
            rows = await past.rows_at(session, sorted(ids), seq)
            then[seq] = (index.snapshot(rows, 0, 0), len(rows))
        kept = []
        for turn, line in enumerate(found):
            if turn % 1000 == 0:
                await asyncio.sleep(0)
            search = searches[line.search_id]
            if line.kind == AlertKind.PRICE and not self._fell(before[line.stone_id], line.stone_id, search):
                continue
            if line.kind == AlertKind.NEW and line.stone_id in doubtful[search.from_seq]:
                prices = sees_prices(readers[search.person_id])
                if line.stone_id in self._matching(search.from_seq, *then[search.from_seq], search, prices):
                    continue
            kept.append(line)
        return kept

    def _matching(self, seq: int, snapshot: Snapshot, many: int, search: SavedSearch, prices: bool) -> frozenset[int]:
        """Which of these stones answer the question; equal questions are put once."""
        key = seq, search.address, prices
        if key not in self.answers:
            wanted = saving.question(search.address, prices=prices, staff=False) if many else None
            self.answers[key] = frozenset(_ids(snapshot, wanted, many)) if wanted is not None else frozenset()
        return self.answers[key]

    def _may_be(self, kind: AlertKind, line: Change) -> bool:
        state = self.rows[line.stone_id][_PLACE["state"]]
        match kind:
            case AlertKind.NEW:
                return line.kind in _MATCHED
            case AlertKind.PRICE:
                return _PRICE in line.after
            case AlertKind.BACK:
                return line.kind == ChangeKind.RELEASED and state == "free"
            case AlertKind.IN_SALE:
                return line.kind == ChangeKind.COMMITTED and state == "in_sale"
            case AlertKind.VIEWING:
                return VIEWING in line.after and state != "sold"

    def _fell(self, before: Sequence[tuple[int, dict[str, Any]]], stone_id: int, search: SavedSearch) -> bool:
        """Against the price at which the search began to know the stone; another currency is no lower price."""
        since = [line for seq, line in before if seq > search.from_seq]
        first = next((line[_PRICE] for line in since if _PRICE in line), None)
        now = self.rows[stone_id][_PLACE["total"]]
        if first is None or now is None or any("currency" in line for line in since):
            return False
        return bool(now * 100 <= first * (100 - search.drop_pct))


def _ids(snapshot: Snapshot, wanted: Wanted, many: int) -> list[int]:
    return snapshot.ask(replace(wanted, sort="ct"), size=many, facets=(), bars=()).ids


def _first_listed(before: Iterable[tuple[int, dict[str, Any]]], seq: int) -> bool:
    """It was shown for the first time after this change, so nothing can have found it then."""
    return any(at > seq and "listed_at" in line for at, line in before)


async def _lines_of(
    session: AsyncSession, stones: Collection[int], after: int
) -> dict[int, list[tuple[int, dict[str, Any]]]]:
    """What each of these stones was before each of its later changes, in order."""
    found: dict[int, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for some in _pieces(sorted(stones)):
        lines = select(StoneChange.stone_id, StoneChange.seq, StoneChange.before).where(
            StoneChange.stone_id.in_(some), StoneChange.seq > after
        )
        for stone_id, seq, before in await session.execute(lines.order_by(StoneChange.seq)):
            found[stone_id].append((seq, before))
    return found


async def _unheard(session: AsyncSession, found: Sequence[News]) -> list[News]:
    heard: set[tuple[int, int, str]] = set()
    stones = sorted({line.stone_id for line in found})
    for some in _pieces(sorted({line.search_id for line in found})):
        told = select(SearchAlert.search_id, SearchAlert.stone_id, SearchAlert.kind)
        for part in _pieces(stones):
            rows = await session.execute(told.where(SearchAlert.search_id.in_(some), SearchAlert.stone_id.in_(part)))
            heard |= {(row[0], row[1], row[2]) for row in rows}
    return [line for line in found if line[:3] not in heard]


async def _readers(session: AsyncSession, people: Collection[int]) -> dict[int, Actor]:
    """Who still may keep searches, with what each may see now."""
    found: dict[int, Actor] = {}
    for some in _pieces(sorted(people)):
        wanted = select(Person).where(Person.id.in_(some), Person.disabled_at.is_(None))
        rows = await session.scalars(wanted.options(selectinload(Person.roles), joinedload(Person.company)))
        for person in rows:
            actor = as_actor(person)
            if actor.may(Permission.SHORTLIST_EDIT):
                found[person.id] = actor
    return found


def _pieces(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)]
