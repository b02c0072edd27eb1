"""What became of every stone, change by change: written where stones change, never altered, read from a place on.

A stone that is only stored has no history yet: it begins with the change that lists it. What was listed before
histories were kept has no line of that either; `begins` is the change from which on nothing is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import ChangeKind, Stone, StoneChange
from pavilion.kernel.instants import stamp
from pavilion.kernel.numbering import Counter
from pavilion.kernel.putting import put

CHANGES = "catalogue:changes"  # the counter behind `Stone.seq`
BEGINS = "catalogue:history"  # the counter's place when histories began to be kept
VIEWING = "viewing"  # in a line: the appointment that gave its time back; nothing that the stone has
TOTAL = "price_total_minor"
PRICES = frozenset(
    {"price_per_carat_minor", TOTAL, "currency", "list_pct"} | {"list_price_minor", "cash_price_minor", "cash_list_pct"}
)
_ON_OR_OFF = (ChangeKind.LISTED, ChangeKind.UNLISTED, ChangeKind.WITHDRAWN)
Promise = tuple[str, dict[str, Any]]  # what it is promised to, and what is public of that


class Change(NamedTuple):
    """`stone` is its public id; `before` and `after` name only what differs."""

    seq: int
    stone: str
    stone_id: int
    kind: ChangeKind
    before: dict[str, Any]
    after: dict[str, Any]
    at: datetime


class Told(NamedTuple):
    """A line before it is written."""

    stone_id: int
    kind: ChangeKind
    before: dict[str, Any]
    after: dict[str, Any]


async def changes(session: AsyncSession, after: int, limit: int) -> list[Change]:
    """What changed past change `after`, in order. A change is never cut in two: where `limit` ends within one, the
    rest of it comes too, so the last `seq` is the place to go on from."""
    lines = select(StoneChange, Stone.public_id).join(Stone, Stone.id == StoneChange.stone_id)
    lines = lines.order_by(StoneChange.seq, StoneChange.stone_id)
    rows = (await session.execute(lines.where(StoneChange.seq > after).limit(limit))).all()
    if len(rows) == limit:
        last = rows[-1][0]
        rest = lines.where(StoneChange.seq == last.seq, StoneChange.stone_id > last.stone_id)
        rows = [*rows, *(await session.execute(rest)).all()]
    return [
        Change(line.seq, public_id, line.stone_id, ChangeKind(line.kind), line.before, line.after, line.at)
        for line, public_id in rows
    ]


async def head(session: AsyncSession) -> int:
    """The last change of the catalogue; whoever reads it has everything up to it."""
    return await session.scalar(select(Counter.last).where(Counter.series == CHANGES)) or 0


async def begins(session: AsyncSession) -> int:
    """From this change on every line is kept."""
    return await session.scalar(select(Counter.last).where(Counter.series == BEGINS)) or 0


async def moment(session: AsyncSession, seq: int) -> datetime | None:
    """When the change was made that was the last one then; None where no line goes so far back."""
    told = select(StoneChange.at).where(StoneChange.seq <= seq).order_by(StoneChange.seq.desc()).limit(1)
    return await session.scalar(told)


async def last_before(session: AsyncSession, at: datetime) -> int:
    """The last change that had been made at this instant."""
    told = select(StoneChange.seq).where(StoneChange.at <= at).order_by(StoneChange.seq.desc()).limit(1)
    return await session.scalar(told) or await begins(session)


async def repriced(session: AsyncSession, stone: Stone, seen: int) -> bool:
    """Whether the stone's price is another than it was when change `seen` was the last one."""
    if seen >= stone.seq:
        return False
    since = select(StoneChange.before).where(StoneChange.stone_id == stone.id, StoneChange.seq > seen)
    told = (await session.scalars(since.order_by(StoneChange.seq))).all()
    first = next((before for before in told if TOTAL in before), None)
    return first is not None and first[TOTAL] != stone.price_total_minor


async def record(session: AsyncSession, seq: int, told: Sequence[Told], *, now: datetime) -> None:
    """The lines of one change, a thousand of them in one step. The service's verbs alone call this."""
    rows = [line._asdict() | {"seq": seq, "at": now, "kind": line.kind.value} for line in told]
    await put(session, StoneChange, rows)


def stored(before: RowMapping, facts: Mapping[str, Any]) -> Told:
    """A stone that a file changed: `before` is its row, `facts` are the columns as they are now."""
    differing = [name for name, value in facts.items() if before[name] != value]
    was, now = ({name: side[name] for name in differing} for side in (before, facts))
    kind = ChangeKind.CHANGED if PRICES.isdisjoint(now) else ChangeKind.PRICED
    if before["withdrawn_at"] is not None and before["exposed_id"] is not None:
        kind, was, now = ChangeKind.LISTED, was | {"listed": False}, now | {"listed": True}
    return Told(before["id"], kind, was, now)


def shown(rows: Iterable[Any], now: datetime) -> list[Told]:
    """Stones that are exposed from now on; a withdrawn one is not listed by that."""
    told = []
    for row in rows:
        was: dict[str, Any] = {} if row.listed_at else {"listed_at": None}
        then: dict[str, Any] = {} if row.listed_at else {"listed_at": stamp(now)}
        if row.withdrawn_at is None:
            told.append(Told(row.id, ChangeKind.LISTED, was | {"listed": False}, then | {"listed": True}))
        elif then:
            told.append(Told(row.id, ChangeKind.CHANGED, was, then))
    return told


def withdrawn(stone_id: int, *, listed: bool) -> Told:
    return Told(stone_id, ChangeKind.WITHDRAWN, {"listed": listed}, {"listed": False})


def promised(stone_id: int, before: Promise | None, after: Promise | None) -> Told:
    kind = ChangeKind.RELEASED if after is None else ChangeKind.COMMITTED
    return Told(stone_id, kind, {"promised": _promise(before)}, {"promised": _promise(after)})


async def unlisted(session: AsyncSession, stones: Sequence[str]) -> list[Told]:
    """Those of these stones (public ids) that stood on the list and stand there no more: their exposure is gone, and
    their history does not say so yet."""
    last = select(StoneChange.kind).where(StoneChange.stone_id == Stone.id, StoneChange.kind.in_(_ON_OR_OFF))
    last_kind = last.order_by(StoneChange.seq.desc()).limit(1).correlate(Stone).scalar_subquery()
    gone = (
        select(Stone.id)
        .where(
            Stone.public_id.in_(stones),
            Stone.exposed_id.is_(None),
            Stone.withdrawn_at.is_(None),
            Stone.listed_at.is_not(None),
            func.coalesce(last_kind, ChangeKind.LISTED) == ChangeKind.LISTED,
        )
        .order_by(Stone.id)
    )
    return [Told(id, ChangeKind.UNLISTED, {"listed": True}, {"listed": False}) for id in await session.scalars(gone)]


def _promise(promise: Promise | None) -> dict[str, Any] | None:
    return None if promise is None else {"kind": str(promise[0]), "facts": promise[1]}
