"""A house that already holds changed laws and acts of trust keeps them when its tables become rows of one kind."""

import pytest
import sqlalchemy as sa

from pavilion.kernel.db import create_engine
from tests.auctions.test_formats_migrated import database, upgrade

LAW = "insert into law_versions values (:id, :hash, '{}', 'why', 'A', 'B', :at)"
ACT = (
    "insert into trust_acts (id, public_id, act, row, issuer, types, from_day, reason, proposed_by, approved_by, at) "
    "values (:id, :name, :act, 'R1', 'gia', '[]', '2026-01-01', 'why', 'A', 'B', :at)"
)


def when(connection):
    return sa.literal_column("now()" if connection.dialect.name == "postgresql" else "1772366400000000")


async def put(engine, words, **facts):
    async with engine.begin() as connection:
        await connection.execute(sa.text(words.replace(":at", str(when(connection)))), facts)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_what_two_persons_agreed_on_stays_agreed_on(kind, request, tmp_path):
    async with database(kind, request, tmp_path) as url:
        engine = create_engine(url)
        await upgrade(engine, "0002")
        for number in (1, 2):
            await put(engine, LAW, id=number, hash=f"{number}" * 64)
        await put(engine, ACT, id=1, name="T1", act="add")
        await upgrade(engine, "head")
        async with engine.connect() as connection:
            rows = await connection.execute(sa.text("select id, name, sha256 from table_versions order by id"))
            assert [tuple(row) for row in rows] == [(1, "law", "1" * 64), (2, "law", "2" * 64)]
        await put(engine, ACT, id=2, name="T2", act="resume")
        await put(
            engine,
            "insert into table_versions (name, sha256, document, reason, proposed_by, approved_by, at) "
            "values ('limits', :hash, '{}', 'why', 'A', 'B', :at)",
            hash="3" * 64,
        )
        with pytest.raises(sa.exc.DBAPIError):
            await put(engine, ACT, id=3, name="T3", act="forget")
        with pytest.raises(sa.exc.DBAPIError, match="append only"):
            await put(engine, "update table_versions set reason = :why", why="another")
        await engine.dispose()
