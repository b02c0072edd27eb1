"""An operator's price lists: taken in whole, never changed, ended by a person, and shown beside the stones they cover.

Lists are never mixed: each figure stands with the list it came from, and where the newest of a list says nothing of a
stone no older one is asked instead."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Select, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.catalogue.benchmark_models import BenchmarkEnd, BenchmarkList, BenchmarkRow
from pavilion.catalogue.benchmark_sheets import ListRead
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import LISTED, sees_prices
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal
from pavilion.kernel.events import record
from pavilion.kernel.ids import is_ulid, ulid
from pavilion.kernel.money import CURRENCIES, half_up
from pavilion.kernel.weight import as_reported

AT_ONCE = 500
SHORTEST, LONGEST = 3, 80  # characters of a name
COOKIE, NO_LIST = "price_list", "none"


class OtherList(Refusal):
    """A list of this owner, name, currency and day stands already, and says something else."""

    status, code = 409, "benchmark_stands"


class Named(NamedTuple):
    """Which list it is."""

    owner: str
    name: str
    day: date
    currency: str


class Beside(NamedTuple):
    """What one list says of a stone; `pct` is the asking price against it in hundredths of a percent, negative below,
    and none where the stone has no price."""

    owner: str
    name: str
    day: date
    currency: str
    ppc_minor: int
    total_minor: int
    pct: int | None

    def against(self, ppc_minor: int) -> int:
        """A price per carat against the list's, in hundredths of a percent."""
        return half_up((ppc_minor - self.ppc_minor) * 10_000, self.ppc_minor)


class Choice(NamedTuple):
    """The lists that a reader may set stones against, the latest of each owner and name, and the one that is set."""

    offered: Sequence[BenchmarkList]
    chosen: BenchmarkList | None


class Kept(NamedTuple):
    """A list as the house's page shows it. `counts`: it is shown beside stones."""

    row: BenchmarkList
    ended_at: datetime | None
    counts: bool


def named(typed: Mapping[str, str], today: date) -> Named:
    """What a person said of the list; BadInput names the fields that are wrong."""
    faults: dict[str, str] = {}
    owner, name = (" ".join(typed.get(field, "").split()) for field in ("owner", "name"))
    for field, text in (("owner", owner), ("name", name)):
        if not SHORTEST <= len(text) <= LONGEST or not text.isprintable():
            faults[field] = "benchmark_name"
    day = _day(typed.get("day", ""))
    if day is None or day > today:
        faults["day"] = "benchmark_day"
    if typed.get("currency") not in CURRENCIES:
        faults["currency"] = "benchmark_currency"
    if faults or day is None:
        raise BadInput(fields=faults)
    return Named(owner, name, day, typed["currency"])


async def take_in(session: AsyncSession, *, about: Named, read: ListRead, actor: Actor, now: datetime) -> BenchmarkList:
    """The list stands with all of its rows; the same said again changes nothing."""
    _may_set(actor)
    stands = await session.scalar(_called(about))
    if stands is not None:
        if stands.sha256 != read.sha256:
            raise OtherList(day=about.day.isoformat())
        return stands
    kept = BenchmarkList(
        public_id=ulid(now), **about._asdict(), rows=len(read.rows), sha256=read.sha256, sent_by=actor.public_id, at=now
    )
    session.add(kept)
    await session.flush()
    rows = [{"list_id": kept.id} | row._asdict() for row in read.rows]
    for start in range(0, len(rows), AT_ONCE):
        await session.execute(insert(BenchmarkRow), rows[start : start + AT_ONCE])
    record(
        session, "benchmark:taken_in", kept.public_id, by=actor.public_id, at=now, rows=kept.rows, sha256=kept.sha256
    )
    return kept


async def end(session: AsyncSession, *, public_id: str, actor: Actor, now: datetime) -> BenchmarkList:
    """The list is shown beside no stone any more; said again, nothing changes."""
    _may_set(actor)
    found = await session.scalar(select(BenchmarkList).where(BenchmarkList.public_id == public_id))
    if found is None:
        raise NotFound()
    if await session.get(BenchmarkEnd, found.id) is None:
        session.add(BenchmarkEnd(list_id=found.id, by=actor.public_id, at=now))
        record(session, "benchmark:ended", public_id, by=actor.public_id, at=now)
    return found


async def kept(session: AsyncSession) -> list[Kept]:
    """Every list there ever was, the latest day first."""
    wanted = select(BenchmarkList, BenchmarkEnd.at).outerjoin(BenchmarkEnd, BenchmarkEnd.list_id == BenchmarkList.id)
    rows = (await session.execute(wanted.order_by(BenchmarkList.day.desc(), BenchmarkList.id.desc()))).all()
    latest = _latest([row for row, ended in rows if ended is None])
    return [Kept(row, ended, row.id in latest) for row, ended in rows]


async def rows_of(session: AsyncSession, public_id: str) -> tuple[BenchmarkList, Sequence[BenchmarkRow]]:
    """One list with its figures, in the order of shape, weight, colour and clarity."""
    found = await session.scalar(select(BenchmarkList).where(BenchmarkList.public_id == public_id))
    if found is None:
        raise NotFound()
    wanted = select(BenchmarkRow).where(BenchmarkRow.list_id == found.id)
    order = (BenchmarkRow.shape, BenchmarkRow.from_mct, BenchmarkRow.color, BenchmarkRow.clarity)
    return found, (await session.scalars(wanted.order_by(*order))).all()


async def stands(session: AsyncSession, about: Named) -> BenchmarkList | None:
    """The list of that owner, name, currency and day, if there is one already."""
    return await session.scalar(_called(about))


async def covered(session: AsyncSession, read: ListRead, currency: str) -> int:
    """How many listed stones the list speaks of."""
    cells: dict[tuple[str | None, ...], list[tuple[int, int]]] = {}
    for row in read.rows:
        cells.setdefault((row.shape, row.color, row.clarity), []).append((row.from_mct, row.to_mct))
    group = (Stone.shape, Stone.color, Stone.clarity, Stone.weight_mct)
    counted = select(*group, func.count()).where(LISTED, Stone.currency == currency, Stone.species == "diamond")
    found = 0
    for shape, color, clarity, mct, n in await session.execute(counted.group_by(*group)):
        bands = cells.get((shape, color, clarity), ())
        found += n if any(least <= as_reported(mct) <= most for least, most in bands) else 0
    return found


async def beside(session: AsyncSession, stone: Stone) -> list[Beside]:
    """What the lists that count say of this stone in its own currency, each for itself. A list of white diamonds says
    nothing of a fancy colour, of another species or of a treated stone."""
    told = await _told(session, await _counting(session), [stone])
    return sorted(told.get(stone.id, []), key=lambda one: (one.owner, one.name))


async def choice_of(session: AsyncSession, actor: Actor, said: str) -> Choice:
    """`said`: the public id of a list of that owner and name, `none` for no list, or nothing: then the one that there
    is, and none where there are several. Who sees no prices has no choice."""
    if not sees_prices(actor):
        return Choice([], None)
    named: dict[tuple[str, str], BenchmarkList] = {}
    for one in (await _counting(session)).values():
        of = one.owner, one.name
        named[of] = max(named.get(of, one), one, key=lambda row: (row.day, row.id))
    offered = [named[of] for of in sorted(named)]
    if said == NO_LIST:
        return Choice(offered, None)
    owned = (
        await session.scalar(select(BenchmarkList).where(BenchmarkList.public_id == said)) if is_ulid(said) else None
    )
    chosen = named.get((owned.owner, owned.name)) if owned is not None else None
    return Choice(offered, chosen or (offered[0] if len(offered) == 1 else None))


async def discounts(session: AsyncSession, choice: Choice, stones: Sequence[Stone]) -> dict[int, Beside]:
    """What the chosen list says of each of these stones that it covers and that has a price, by inner id; each in its
    own currency, by the latest day of the list in that currency."""
    if choice.chosen is None or not stones:
        return {}
    ours = (choice.chosen.owner, choice.chosen.name)
    lists = {id: one for id, one in (await _counting(session)).items() if (one.owner, one.name) == ours}
    found = await _told(session, lists, stones)
    return {id: told[0] for id, told in found.items() if told[0].pct is not None}


async def _counting(session: AsyncSession) -> dict[int, BenchmarkList]:
    """The lists that are shown beside stones, by inner id."""
    wanted = select(BenchmarkList).outerjoin(BenchmarkEnd, BenchmarkEnd.list_id == BenchmarkList.id)
    return _latest((await session.scalars(wanted.where(BenchmarkEnd.list_id.is_(None)))).all())


async def _told(
    session: AsyncSession, lists: Mapping[int, BenchmarkList], stones: Sequence[Stone]
) -> dict[int, list[Beside]]:
    """What these lists say of each of these stones in its own currency, by the stone's inner id."""
    white = [stone for stone in stones if stone.species == "diamond" and not _treated(stone)]
    of_cell: dict[tuple[str, str, str], list[Stone]] = {}
    for stone in white:
        if stone.color is not None and stone.clarity is not None:
            of_cell.setdefault((stone.shape, stone.color, stone.clarity), []).append(stone)
    cell = (BenchmarkRow.shape, BenchmarkRow.color, BenchmarkRow.clarity)
    wanted = select(*cell, BenchmarkRow.list_id, BenchmarkRow.from_mct, BenchmarkRow.to_mct, BenchmarkRow.ppc_minor)
    wanted = wanted.where(BenchmarkRow.list_id.in_(lists), tuple_(*cell).in_(sorted(of_cell)))
    found: dict[int, list[Beside]] = {}
    for row in await session.execute(wanted) if lists and of_cell else ():
        for stone in of_cell[row.shape, row.color, row.clarity]:
            fits = row.from_mct <= as_reported(stone.weight_mct) <= row.to_mct
            if fits and stone.currency == lists[row.list_id].currency:
                found.setdefault(stone.id, []).append(_beside(lists[row.list_id], row.ppc_minor, stone))
    return found


def _beside(owned: BenchmarkList, ppc: int, stone: Stone) -> Beside:
    asked = stone.price_per_carat_minor
    total = half_up(ppc * stone.weight_mct, 1000)
    told = Beside(owned.owner, owned.name, owned.day, owned.currency, ppc, total, None)
    return told if asked is None else told._replace(pct=told.against(asked))


def _treated(stone: Stone) -> bool:
    return stone.treatment not in (None, "none")


def _latest(lists: Sequence[BenchmarkList]) -> dict[int, BenchmarkList]:
    """Of each list the one of the latest day, by inner id."""
    newest: dict[tuple[str, str, str], BenchmarkList] = {}
    for one in sorted(lists, key=lambda row: row.day):
        newest[one.owner, one.name, one.currency] = one
    return {one.id: one for one in newest.values()}


def _called(about: Named) -> Select[BenchmarkList]:
    return select(BenchmarkList).where(*(getattr(BenchmarkList, field) == value for field, value in _fields(about)))


def _fields(about: Named) -> list[tuple[str, object]]:
    return list(about._asdict().items())


def _may_set(actor: Actor) -> None:
    if not actor.may(Permission.SETTING_EDIT):
        raise NotAllowed(right=Permission.SETTING_EDIT.value)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
