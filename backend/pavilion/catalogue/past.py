"""Stones as they were at an earlier change: what stands now, with everything that changed since taken back."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from pavilion.accounts.models import Company
from pavilion.catalogue.history import VIEWING, Promise
from pavilion.catalogue.models import CommitmentKind, Stone, StoneChange
from pavilion.catalogue.queries import AT_ONCE, commitments_of
from pavilion.catalogue.searching import ASKED, CHOSEN, FACTS, LIES, LISTED_AT, MEASURED
from pavilion.catalogue.wanted import CHOICES
from pavilion.kernel.instants import from_stamp, micros

_DAY_US = 86_400_000_000
_COLUMNS = Stone.__table__.columns


class Past(NamedTuple):
    """`stone` belongs to no session; `promise` is what it was promised to."""

    stone: Stone
    listed: bool
    promise: Promise | None
    supplier: str


async def stones_at(session: AsyncSession, ids: Sequence[int], seq: int) -> list[Past]:
    """These stones as they were when change `seq` was the last one."""
    found: list[Past] = []
    for start in range(0, len(ids), AT_ONCE):
        found += await _some_at(session, ids[start : start + AT_ONCE], seq)
    return found


async def as_known(session: AsyncSession, chosen: Sequence[tuple[Stone, datetime]]) -> list[Stone]:
    """Stones for somebody who chose each of them at the instant beside it: one that is shown no more is as it was then,
    and says that it is listed no longer."""
    gone = [(stone.id, since) for stone, since in chosen if not stone.listed]
    then = iter(await stones_then(session, gone) if gone else ())
    return [stone if stone.listed else next(then) for stone, _ in chosen]


async def stones_then(session: AsyncSession, asked: Sequence[tuple[int, datetime]]) -> list[Stone]:
    """Each of these stones as it was at the instant beside it."""
    ids = {id_ for id_, _ in asked}
    rows = (await session.execute(select(*_COLUMNS).where(Stone.id.in_(ids)))).mappings().all()
    lines = select(StoneChange.stone_id, StoneChange.at, StoneChange.before).where(StoneChange.stone_id.in_(ids))
    changed: dict[int, list[tuple[datetime, dict[str, Any]]]] = {}
    for stone_id, at, before in await session.execute(lines.order_by(StoneChange.seq.desc())):
        changed.setdefault(stone_id, []).append((at, before))
    own = {row["id"]: dict(row) for row in rows}
    found = []
    for id_, since in asked:
        taken_back: dict[str, Any] = {}
        for at, before in changed.get(id_, ()):
            if at > since:
                taken_back |= before
        found.append(_as_it_was({**own[id_], "supplier": ""}, None, taken_back).stone)
    return found


async def rows_at(session: AsyncSession, ids: Sequence[int], seq: int) -> list[tuple[Any, ...]]:
    """In the columns of `searching.facts`, those of these stones that were listed then."""
    return [facts_of(past) for past in await stones_at(session, ids, seq) if past.listed]


async def changed_since(session: AsyncSession, seq: int, most: int) -> set[int] | None:
    """The stones that changed after this change; None where they are more than `most`."""
    found = select(StoneChange.stone_id).where(StoneChange.seq > seq).distinct().limit(most + 1)
    ids = set(await session.scalars(found))
    return ids if len(ids) <= most else None


def facts_of(past: Past) -> tuple[Any, ...]:
    """What can be asked about it, as the database says it of a stone of now."""
    own = {"id": past.stone.id, "seq": past.stone.seq, "currency": past.stone.currency}
    own |= {"stock_no_key": past.stone.stock_no_key, "report_no": past.stone.report_no, LIES: past.stone.lies}
    return tuple(own[name] if name in own else _READ[name](past) for name in FACTS)


async def _some_at(session: AsyncSession, ids: Sequence[int], seq: int) -> list[Past]:
    # What changes while this reads is taken back too: lines are read last, and a line sets what it was before.
    own = select(*_COLUMNS, Company.public_id.label("supplier")).join(Company, Company.id == Stone.supplier_company_id)
    rows = (await session.execute(own.where(Stone.id.in_(ids)).order_by(Stone.id))).mappings().all()
    live = await commitments_of(session, ids)
    lines = select(StoneChange.stone_id, StoneChange.before).where(StoneChange.stone_id.in_(ids), StoneChange.seq > seq)
    taken_back: dict[int, dict[str, Any]] = {}
    for stone_id, before in await session.execute(lines.order_by(StoneChange.seq.desc())):
        taken_back.setdefault(stone_id, {}).update(before)
    return [_as_it_was(dict(row), live.get(row["id"]), taken_back.get(row["id"], {})) for row in rows]


def _as_it_was(row: dict[str, Any], live: Any, before: dict[str, Any]) -> Past:
    supplier = row.pop("supplier")
    before.pop(VIEWING, None)
    listed = before.pop("listed", row["exposed_id"] is not None and row["withdrawn_at"] is None)
    promise = (live.kind, live.facts) if live is not None else None
    if "promised" in before:
        told = before.pop("promised")
        promise = told and (told["kind"], told["facts"])
    if "listed_at" in before:
        before["listed_at"] = before["listed_at"] and from_stamp(before["listed_at"])
    return Past(Stone(**row | before), listed, promise, supplier)


def _tab(past: Past) -> str:
    stone = past.stone
    if stone.species != "diamond":
        return "coloured"
    return "white" if stone.fancy_color is None and stone.fancy_intensity is None else "fancy"


def _state(past: Past) -> str:
    if past.promise is None:
        return "free"
    kind = past.promise[0]
    return kind if kind in (CommitmentKind.IN_SALE, CommitmentKind.SOLD) else "reserved"


def _sale(past: Past) -> str | None:
    in_sale = past.promise is not None and past.promise[0] == CommitmentKind.IN_SALE
    return past.promise[1].get("sale") if past.promise is not None and in_sale else None


def _pair(past: Past) -> str | None:
    if past.stone.pair_stock_no is None:
        return None
    return "separable" if past.stone.pair_separable else "pair"


def _media(past: Past) -> str | None:
    bits = _column("media")(past)
    return " ".join(kind for place, kind in enumerate(CHOICES["media"].codes) if bits >> place & 1) or None


def _column(name: str) -> Callable[[Past], Any]:
    return lambda past: getattr(past.stone, name)


def _asked(column: str) -> Callable[[Past], Any]:
    return lambda past: None if _state(past) == CommitmentKind.SOLD else getattr(past.stone, column)


_READ: dict[str, Callable[[Past], Any]] = {
    name: _column(column.key)
    for name, column in (CHOSEN | MEASURED).items()
    if isinstance(column, InstrumentedAttribute)
} | {
    **{name: _asked(column.key) for name, column in ASKED.items()},
    "tab": _tab,
    "state": _state,
    "sale": _sale,
    "pair": _pair,
    "media": _media,
    "cutter": lambda past: past.stone.cutter_name if past.stone.cutter_named else None,
    "supplier": lambda past: past.supplier,
    "since": lambda past: past.stone.listed_at and micros(past.stone.listed_at) // _DAY_US,
    LISTED_AT: lambda past: past.stone.listed_at and micros(past.stone.listed_at),
}
assert {*_READ} >= {*CHOSEN, *MEASURED}, "every filter can be asked of the past"
