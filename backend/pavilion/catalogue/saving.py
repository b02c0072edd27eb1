"""Searches that people keep: kept, changed, taken back, and what each has found since the person last looked."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import distinct, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.catalogue import forms, history
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import sees_prices, visible_to
from pavilion.catalogue.saved_models import LONGEST_ADDRESS, AlertKind, Cadence, SavedSearch, SearchAlert
from pavilion.catalogue.wanted import Wanted
from pavilion.kernel import events
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.kernel.events import Cursor
from pavilion.kernel.ids import is_ulid, ulid

FOLLOWER = "search alerts"  # its cursor is a place in the history of stones
MOST = 50  # of one person
MOST_SHOWN = 200  # alerts of one search on its page
DROP_PCT = 5


class TooManySearches(Refusal):
    status, code = 409, "too_many_searches"


class SearchNotKept(Refusal):
    """No question that this person may ask."""

    status, code = 422, "search_not_kept"


class Wishes(NamedTuple):
    """What the person says of a search beside the question itself."""

    name: str
    cadence: Cadence
    kinds: Collection[AlertKind]
    drop_pct: int = DROP_PCT


class Kept(NamedTuple):
    search: SavedSearch
    fresh: int  # stones that are new since the last look


class Found(NamedTuple):
    """A stone that a search found and that the reader may still see."""

    stone: Stone
    kinds: list[AlertKind]
    at: datetime
    fresh: bool


def question(address: str, *, prices: bool, staff: bool) -> Wanted | None:
    """What an address asks; None where this reader may not ask it, or not any more."""
    params = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    asked = forms.asked(params, prices=prices, staff=staff)
    return None if asked.faults else asked.wanted


def address_of(address: str, actor: Actor) -> str:
    """The one address of a question as somebody wrote it; refused where it cannot be asked."""
    wanted = question(address, prices=sees_prices(actor), staff=actor.is_staff)
    here = "" if wanted is None else forms.address(wanted, prices=sees_prices(actor))
    if not here or len(here) > LONGEST_ADDRESS:
        raise SearchNotKept()
    return here


async def keep(session: AsyncSession, actor: Actor, address: str, wishes: Wishes, *, now: datetime) -> SavedSearch:
    """The question is kept from now on. Asked again it is the search that is kept already, as it stands."""
    assert actor.person_id is not None
    here = address_of(address, actor)
    await one_at_a_time(session, f"searches of {actor.person_id}")
    live = select(SavedSearch).where(SavedSearch.person_id == actor.person_id, SavedSearch.ended_at.is_(None))
    if (same := await session.scalar(live.where(SavedSearch.address == here))) is not None:
        return same
    await _refuse_too_many(session, actor.person_id)
    head = await history.head(session)
    search = SavedSearch(public_id=ulid(now), person_id=actor.person_id, address=here, made_at=now)
    search.from_seq = search.looked_seq = head
    _wish(search, wishes)
    session.add(search)
    await session.flush()
    events.record(session, "search:kept", search.public_id, by=actor.public_id, at=now)
    return search


async def change(session: AsyncSession, search: SavedSearch, wishes: Wishes, *, now: datetime) -> None:
    """From the next mail on. What was found while no mail was wanted is not mailed afterwards."""
    if search.cadence == Cadence.NEVER:
        untold = update(SearchAlert).where(SearchAlert.search_id == search.id, SearchAlert.told_at.is_(None))
        await session.execute(untold.values(told_at=now))
    _wish(search, wishes)


async def end(session: AsyncSession, search: SavedSearch, *, now: datetime) -> None:
    search.ended_at = search.ended_at or now


async def restore(session: AsyncSession, search: SavedSearch, *, now: datetime) -> SavedSearch:
    """A search that was deleted is kept again, with all it has found; where the same question has been kept meanwhile,
    that one is the answer."""
    if search.ended_at is None:
        return search
    await one_at_a_time(session, f"searches of {search.person_id}")
    live = select(SavedSearch).where(SavedSearch.person_id == search.person_id, SavedSearch.ended_at.is_(None))
    if (same := await session.scalar(live.where(SavedSearch.address == search.address))) is not None:
        return same
    await _refuse_too_many(session, search.person_id)
    search.ended_at = None
    return search


async def stop(session: AsyncSession, public_id: str, *, now: datetime) -> SavedSearch:
    """No more mail of this search, whoever holds the link of one; its page goes on finding."""
    search = await session.scalar(select(SavedSearch).where(SavedSearch.public_id == public_id).with_for_update())
    if search is None:
        raise NotFound()
    if search.cadence != Cadence.NEVER:
        search.cadence = Cadence.NEVER
        events.record(session, "search:stopped", public_id, by=None, at=now)
    return search


async def look(session: AsyncSession, search: SavedSearch) -> int:
    """What it has found up to now is no longer new; the answer is how far it was looked before."""
    before, search.looked_seq = search.looked_seq, max(search.looked_seq, await place(session) or 0)
    return before


async def place(session: AsyncSession) -> int | None:
    """The last change that was looked at for searches; None before the first."""
    return await session.scalar(select(Cursor.last_id).where(Cursor.follower == FOLLOWER))


async def search_of(session: AsyncSession, actor: Actor, public_id: str, *, ended: bool = False) -> SavedSearch:
    """The person's own; nobody else's is found. `ended`: a deleted one too."""
    if not is_ulid(public_id):
        raise NotFound()
    mine = select(SavedSearch).where(SavedSearch.person_id == actor.person_id, SavedSearch.public_id == public_id)
    found = await session.scalar(mine if ended else mine.where(SavedSearch.ended_at.is_(None)))
    if found is None:
        raise NotFound()
    return found


async def kept_at(session: AsyncSession, actor: Actor, address: str) -> str | None:
    """The person's own search of this question, if it is kept."""
    mine = select(SavedSearch.public_id).where(SavedSearch.person_id == actor.person_id)
    return await session.scalar(mine.where(SavedSearch.address == address, SavedSearch.ended_at.is_(None)))


async def kept_by(session: AsyncSession, actor: Actor) -> list[Kept]:
    """The newest first, each with how many stones are new to the person that may be seen now."""
    mine = select(SavedSearch).where(SavedSearch.person_id == actor.person_id, SavedSearch.ended_at.is_(None))
    searches = (await session.scalars(mine.order_by(SavedSearch.id.desc()))).all()
    counted = (
        visible_to(actor)
        .join(SearchAlert, SearchAlert.stone_id == Stone.id)
        .join(SavedSearch, SavedSearch.id == SearchAlert.search_id)
        .where(SavedSearch.id.in_([search.id for search in searches]), SearchAlert.seq > SavedSearch.looked_seq)
        .with_only_columns(SearchAlert.search_id, func.count(distinct(Stone.id)))
        .group_by(SearchAlert.search_id)
    )
    fresh = {row[0]: row[1] for row in await session.execute(counted)}
    return [Kept(search, fresh.get(search.id, 0)) for search in searches]


async def found_by(
    session: AsyncSession,
    actor: Actor,
    search: SavedSearch,
    *,
    after: int | None = None,
    told_at: datetime | None = None,
) -> list[Found]:
    """What it has found, the latest first, each stone once. `after`: the change up to which nothing is fresh;
    `told_at`: only what the mail of that instant named."""
    lines = visible_to(actor).join(SearchAlert, SearchAlert.stone_id == Stone.id)
    lines = lines.where(SearchAlert.search_id == search.id).add_columns(SearchAlert)
    if told_at is not None:
        lines = lines.where(SearchAlert.told_at == told_at)
    rows: Sequence[Any] = (
        await session.execute(lines.order_by(SearchAlert.seq.desc(), Stone.id).limit(MOST_SHOWN))
    ).all()
    found: dict[int, Found] = {}
    for row in rows:
        stone, alert = row[0], row[1]
        fresh = alert.seq > (search.looked_seq if after is None else after)
        first = found.setdefault(stone.id, Found(stone, [], alert.at, fresh))
        first.kinds.append(AlertKind(alert.kind))
    return list(found.values())


def kinds_of(found: Sequence[str], *, prices: bool) -> list[AlertKind]:
    """In one order; of prices only who sees them is told."""
    return [kind for kind in AlertKind if kind in found and (prices or kind != AlertKind.PRICE)]


def _wish(search: SavedSearch, wishes: Wishes) -> None:
    search.name, search.cadence, search.drop_pct = wishes.name, wishes.cadence, wishes.drop_pct
    search.kinds = [kind.value for kind in AlertKind if kind in wishes.kinds]


async def _refuse_too_many(session: AsyncSession, person_id: int) -> None:
    live = select(func.count()).where(SavedSearch.person_id == person_id, SavedSearch.ended_at.is_(None))
    if (await session.scalar(live) or 0) >= MOST:
        raise TooManySearches(most=MOST)
