"""What became of the tables: every version with who, when, why, and what it changed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.kernel.canon import read_json
from pavilion.provenance import table_settings
from pavilion.provenance.house import MOST, shipped_of
from pavilion.provenance.log_models import LogEntry
from pavilion.provenance.table_models import TableVersion
from pavilion.provenance.table_settings import Change

SHOWN = 50


class Line(NamedTuple):
    version: TableVersion
    proposer: str
    approver: str
    changes: Sequence[Change]  # of settings; other tables are told by their document
    place: int | None  # in the public log


async def history(session: AsyncSession, names: Sequence[str]) -> list[Line]:
    """The newest first."""
    rows = await session.scalars(select(TableVersion).where(TableVersion.name.in_(names)).order_by(TableVersion.id))
    versions = list(rows)
    shown = versions[-SHOWN:]
    people = {one.proposed_by for one in shown} | {one.approved_by for one in shown}
    found = await session.execute(select(Person.public_id, Person.name).where(Person.public_id.in_(people)))
    called: dict[str, str] = {row.public_id: row.name for row in found}
    places = await _places(session, versions)
    before = {name: _figures(name, shipped_of(name)) for name in names}
    lines = []
    for one in versions:
        figures = _figures(one.name, one.document.encode())
        changes = table_settings.differences(before[one.name], figures)
        before[one.name] = figures
        by = called.get(one.proposed_by, ""), called.get(one.approved_by, "")
        lines.append(Line(one, *by, changes, places.get(one.id)))
    return lines[: -SHOWN - 1 : -1]


def _figures(name: str, raw: bytes) -> Mapping[str, Any]:
    return read_json(raw, MOST)[name] if name in table_settings.TABLES else {}


async def _places(session: AsyncSession, versions: Sequence[TableVersion]) -> dict[int, int]:
    """Each version was logged in its own transaction, so those of one name stand there in the same order."""
    names = {one.name for one in versions}
    wanted = select(LogEntry.subject, LogEntry.place).where(LogEntry.kind == "table", LogEntry.subject.in_(names))
    places: dict[str, list[int]] = {}
    for subject, place in await session.execute(wanted.order_by(LogEntry.place)):
        places.setdefault(subject, []).append(place)
    found: dict[int, int] = {}
    for name in names:
        own = [one.id for one in versions if one.name == name]
        found |= dict(zip(own, places.get(name, ()), strict=False))
    return found
