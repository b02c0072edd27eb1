"""Lots by the hundred, and what is told of them: a few statements, however many lots a command changes."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Table, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from pavilion.auctions import reserves
from pavilion.auctions.models import Lot, LotMove, Sale
from pavilion.kernel.db import Base
from pavilion.kernel.events import Event
from pavilion.kernel.putting import put

Change = dict[str, Any]
_LABEL = ("number", "suffix")
_PLACE = "rank = '~' || id"  # above every key, and free


class Standing(NamedTuple):
    """A lot as far as its place goes; a whole row of five hundred lots costs more than the move itself."""

    id: int
    public_id: str
    rank: str
    number: int | None
    suffix: str
    state: str
    group_id: int | None
    pinned: bool


async def standing(session: AsyncSession, sale: Sale) -> list[Standing]:
    """Every lot of the sale in running order."""
    await session.flush()
    columns = [getattr(Lot, name) for name in Standing._fields]
    rows = await session.execute(select(*columns).where(Lot.sale_id == sale.id).order_by(Lot.rank))
    return [Standing(*row) for row in rows]


async def rewrite(session: AsyncSession, rows: Sequence[tuple[Lot | Standing, Mapping[str, Any]]]) -> None:
    """Each lot takes its facts and a new version. Ranks and numbers may swap among the lots: those are cleared first,
    so that no two ever claim one place."""
    await session.flush()
    facts = [(lot, _labelled(lot, after)) for lot, after in rows]
    taken = {after["rank"] for _, after in facts if "rank" in after}
    await _clear(session, [lot.id for lot, _ in facts if lot.rank in taken], _PLACE)
    await _clear(session, [lot.id for lot, after in facts if "number" in after], "number = null")
    alike = defaultdict(list)
    for lot, after in facts:
        alike[tuple(after)].append({"id": lot.id, **after})
    for names, found in alike.items():
        await session.execute(text(_write(session, names)), {"rows": json.dumps(found)})
    held = {one.id: one for one in session.sync_session.identity_map.values() if isinstance(one, Lot)}
    for lot, after in facts:  # what was read before says what the database says now
        if (one := held.get(lot.id)) is not None:
            for name, value in {**after, "version": one.version + 1}.items():
                set_committed_value(one, name, value)


async def tell(
    session: AsyncSession, sale: Sale, changes: Sequence[Change], by: str | None, at: datetime, reason: str = ""
) -> None:
    """One event for each lot and thing that happened to it, with the reason if one was given; each change of place also
    in the history of the order."""
    why = {"reason": reason} if reason else {}
    moves, told = [], []
    for change in changes:
        before, after, lot = change["before"], change["after"], change["lot"]
        from_key, to_key = (before or {}).get("rank"), (after or {}).get("rank")
        if from_key != to_key:
            keys = {"from_key": from_key, "to_key": to_key}
            moves.append({"sale_id": sale.id, "lot": lot, **keys, "by": by, "at": at})
            told.append(("lot:moved", lot, keys))
        told += [(name, lot, facts) for name, facts in _told(sale, before, after)]
    await _append(session, LotMove, moves)
    events = [{"name": n, "subject": lot, "by": by, "at": at, "facts": facts | why} for n, lot, facts in told]
    await _append(session, Event, events)


async def _append(session: AsyncSession, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """On a server all rows go in one document: one by one, a thousand of them cost more than all the rest."""
    table, dialect = model.metadata.tables[model.__tablename__], session.get_bind().dialect
    if dialect.name == "sqlite" or not rows:
        await put(session, model, rows)
        return
    columns = ", ".join(f'"{name}"' for name in rows[0])
    said = ", ".join(f'"{name}" {table.c[name].type.compile(dialect)}' for name in rows[0])
    into = f"insert into {table.name} ({columns}) select {columns} "
    document = json.dumps(rows, default=datetime.isoformat)
    await session.execute(
        text(f"{into} from json_to_recordset(cast(:rows as json)) as said({said})"), {"rows": document}
    )


def _told(sale: Sale, before: Change | None, after: Change | None) -> Iterable[tuple[str, dict[str, Any]]]:
    if before is None or after is None:
        happened = "lot:added" if before is None else "lot:removed"
        yield happened, {"sale": sale.public_id, "stones": (after or before or {})["stones"]}
        return
    # The reserve is a secret: that it changed is told, the figure is not.
    changed = {n: [before[n], after[n]] for n in after if n not in ("rank", reserves.KEPT)}
    if changed or reserves.KEPT in after:
        yield "lot:edited", {"changed": changed, "reserve_changed": reserves.KEPT in after}


def _labelled(lot: Lot | Standing, after: Mapping[str, Any]) -> dict[str, Any]:
    """A label is one thing of two parts: whoever writes one of them writes both."""
    label = {name: getattr(lot, name) for name in _LABEL} if any(name in after for name in _LABEL) else {}
    return label | dict(after)


async def _clear(session: AsyncSession, lots: Sequence[int], what: str) -> None:
    if not lots:
        return
    many = "select cast(value as bigint) from json_array_elements_text(cast(:lots as json))"
    if session.get_bind().dialect.name == "sqlite":
        many = "select value from json_each(:lots)"
    clear = f"update lots set {what} where id in ({many})"  # noqa: S608
    await session.execute(text(clear), {"lots": json.dumps(lots)})


def _write(session: AsyncSession, names: Sequence[str]) -> str:
    """One statement that gives each row of the document its facts, in the words of the database at hand."""
    table, dialect = Lot.__table__, session.get_bind().dialect
    assert isinstance(table, Table)
    set_ = ", ".join([*(f"{name} = said.{name}" for name in names), "version = lots.version + 1"])
    if dialect.name == "sqlite":
        columns = ", ".join(f"value ->> '{name}' as {name}" for name in ("id", *names))
        said = f"(select {columns} from json_each(:rows)) as said"  # noqa: S608
    else:
        columns = ", ".join(f"{name} {table.c[name].type.compile(dialect)}" for name in ("id", *names))
        said = f"json_to_recordset(cast(:rows as json)) as said({columns})"
    return f"update lots set {set_} from {said} where lots.id = said.id"  # noqa: S608
