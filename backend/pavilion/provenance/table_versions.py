"""The tables in force: each the newest version that two persons agreed on, before the first the shipped one."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import read_json, sha256_hex
from pavilion.kernel.db import Sessions, reading
from pavilion.provenance.house import HOUSE, MOST, House, house_of, shipped_house, shipped_of
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.table_models import TableVersion
from pavilion.provenance.tables import NAMES, Tables, read, shipped
from pavilion.provenance.tolerances import tolerances_of

_KEPT = 8  # readings; a new version is a rare event
_TABLES: dict[tuple[str, ...], Tables] = {}
_HOUSES: dict[str, House] = {}


async def tables_in_force(session: AsyncSession) -> Tables:
    """All tables that the rules read, as they stand now."""
    changed = {name: sha256 for name, sha256 in (await _newest(session)).items() if name in NAMES}
    wanted = {**shipped().sha256, **changed}
    if wanted == shipped().sha256:
        return shipped()
    key = tuple(wanted[name] for name in NAMES)
    if key not in _TABLES:
        files = {name: await bytes_in_force(session, name) for name in NAMES}
        tables = read(files)
        _forget(_TABLES)
        _TABLES[tuple(tables.sha256[name] for name in NAMES)] = tables
        return tables
    return _TABLES[key]


async def house_in_force(session: AsyncSession) -> House:
    """How the house goes about its work now."""
    sha256 = (await _newest(session)).get(HOUSE)
    if sha256 is None:
        return shipped_house()
    if sha256 not in _HOUSES:
        raw = await bytes_in_force(session, HOUSE)
        _forget(_HOUSES)
        _HOUSES[sha256_hex(raw)] = house_of(read_json(raw, MOST))
        return _HOUSES[sha256_hex(raw)]
    return _HOUSES[sha256]


async def follow_house(sessions: Sessions, registries: Registries, now: datetime) -> int:
    """The registries are asked as the house now says; a changed figure needs no restart."""
    async with reading(sessions) as session:
        await registries.abide(await house_in_force(session))
    return 0


async def bytes_in_force(session: AsyncSession, name: str) -> bytes:
    """A table's own bytes."""
    wanted = select(TableVersion.document).where(TableVersion.name == name)
    newest = await session.scalar(wanted.order_by(TableVersion.id.desc()).limit(1))
    return shipped_of(name) if newest is None else newest.encode()


async def law_in_force(session: AsyncSession) -> bytes:
    return await bytes_in_force(session, "law")


async def ever_listed(session: AsyncSession) -> frozenset[str]:
    """The grades that may be listed now, or once might: what was public does not become a secret."""
    found = await session.scalars(select(TableVersion.document).where(TableVersion.name == "limits"))
    return shipped().limits.listed.union(*(tolerances_of(read_json(text, MOST)).listed for text in found))


async def _newest(session: AsyncSession) -> Mapping[str, str]:
    newest = select(func.max(TableVersion.id)).group_by(TableVersion.name)
    rows = await session.execute(select(TableVersion.name, TableVersion.sha256).where(TableVersion.id.in_(newest)))
    return {row.name: row.sha256 for row in rows}


def _forget(readings: dict[str, House] | dict[tuple[str, ...], Tables]) -> None:
    if len(readings) >= _KEPT:
        readings.clear()
