"""A house whose reserves stood in clear is brought to this version: its first start seals them, lots and history."""

import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from pavilion import main, serving
from pavilion.auctions import reserves
from pavilion.auctions.models import Command, Lot
from pavilion.kernel.db import create_engine
from pavilion.settings import Settings
from tests.auctions.test_formats_migrated import insert, upgrade
from tests.bidding.test_markers import dump, found
from tests.conftest import on_database, run_sql

KEY = "22" * 32
DRAFTED, LISTED, SOLD, BEFORE = 7_654_300, 5_432_100, 3_456_700, 8_765_400
HIDDEN = {"drafted": DRAFTED, "listed": LISTED, "sold": SOLD, "before": BEFORE}
LOTS = {"L1": DRAFTED, "L2": None, "L3": LISTED, "L4": SOLD}
CHANGES = [
    [{"lot": "L1", "before": None, "after": {"rank": "a", "reserve_minor": None, "stones": []}}],
    [{"lot": "L1", "before": {"reserve_minor": None}, "after": {"reserve_minor": BEFORE}}],
    [{"lot": "L1", "before": {"reserve_minor": BEFORE, "number": 3}, "after": {"reserve_minor": DRAFTED, "number": 4}}],
    [{"lot": "L9", "before": {"rank": "b", "reserve_minor": BEFORE, "stones": []}, "after": None}],
    [{"lot": "L1", "before": {"rank": "0"}, "after": {"rank": "a"}}],
    [{"lot": "L1", "before": {"title_en": ""}, "after": {"title_en": '"reserve_minor":1'}}],
]  # fmt: skip
LOT = (
    "insert into lots (id, public_id, sale_id, rank, suffix, title_en, title_zh, state, version, number, "
    "consignor_company_id, opening_minor, low_minor, high_minor, reserve_minor) values "
    "(:id, :lot, :sale, :lot, '', 'A', '甲', :state, 1, :id, 1, 100, 9000000, 9000000, :reserve)"
)


@asynccontextmanager
async def settings_of(kind, request, folder):
    if kind == "sqlite":
        yield Settings(data_dir=folder, data_key=KEY, sale_key=KEY)
        return
    server = request.getfixturevalue("postgres_server")
    await run_sql(server, "create database sealed")
    try:
        url = on_database(server, "sealed")
        yield Settings(data_dir=folder, data_key=KEY, sale_key=KEY, database_url=url)
    finally:
        await run_sql(server, "drop database sealed with (force)")


async def fill(connection):
    """A draft, a published sale and a sold lot as the version before wrote them, with the history of the draft."""
    at = "'2026-03-01 12:00:00+00'" if connection.dialect.name == "postgresql" else "1772366400000000"
    await connection.execute(
        sa.text(
            "insert into companies (id, public_id, name, country, city, tax_no, owners, state, applied_at) "
            f"values (1, 'C1', 'Karowe', 'BW', '', '', '[]', 'approved', {at})"
        )
    )
    await connection.execute(
        sa.text(
            "insert into people (id, public_id, email, name, password_hash, failed_sign_ins) "
            "values (1, 'P1', 'k@pavilion.example', 'Kees', '', 0)"
        )
    )
    await insert(connection, 1, "timed", "draft")
    await insert(connection, 2, "timed", "draft")
    for number, (lot, reserve) in enumerate(LOTS.items(), 1):
        facts = {"id": number, "lot": lot, "reserve": reserve, "sale": 1 if number < 3 else 2}
        state = {3: "listed", 4: "sold"}.get(number, "draft")
        await connection.execute(sa.text(LOT), facts | {"state": state})
    await connection.execute(sa.text(f"update sales set state = 'published', rules_hash = '{'ab' * 32}' where id = 2"))
    for number, changes in enumerate(CHANGES, 1):
        await connection.execute(
            sa.text(
                'insert into curation_commands (id, sale_id, kind, "by", at, changes) '
                f"values (:id, 1, 'edit', 1, {at}, :changes)"
            ),
            {"id": number, "changes": json.dumps(changes)},
        )


def written(folder):
    """The figures that any file of this folder spells."""
    files = [path.read_bytes() for path in Path(folder).iterdir() if path.is_file()]
    return {name for name, hidden in HIDDEN.items() for content in files if b"%d" % hidden in content}


async def opened(settings, engine):
    """Every reserve and every command, in clear."""
    async with main.sessions_of(settings, engine)() as session:
        lots = (await session.scalars(sa.select(Lot).order_by(Lot.id))).all()
        commands = (await session.scalars(sa.select(Command).order_by(Command.id))).all()

        def clear(lot, facts):
            return None if facts is None else {
                {reserves.KEPT: reserves.SAID}.get(name, name): (
                    reserves.opened(session, lot, value) if name == reserves.KEPT else value
                )
                for name, value in facts.items()
            }  # fmt: skip

        told = [
            [{**one, **{side: clear(one["lot"], one[side]) for side in ("before", "after")}} for one in command.changes]
            for command in commands
        ]
        return {lot.public_id: reserves.reserve_of(session, lot) for lot in lots}, told


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_first_start_seals_what_stands_in_clear_and_loses_nothing(kind, request, tmp_path, monkeypatch):
    async with settings_of(kind, request, tmp_path) as settings:
        engine = create_engine(settings.database)
        await upgrade(engine, "0004")
        async with engine.begin() as connection:
            await fill(connection)
        await upgrade(engine, "head")
        stood = {(name, place[1]) for name, place in found(HIDDEN, await dump(settings.database))}
        assert {"listed", "before"} <= {name for name, _ in stood}
        assert kind == "postgresql" or "before" in written(tmp_path)

        monkeypatch.setattr(reserves, "AT_ONCE", 2)  # cut off after the first piece of lots
        assert await reserves._seal_lots(main.sessions_of(settings, engine)) == 2
        await engine.dispose()
        for _ in range(2):  # the start that goes on, and one that finds nothing to do
            engine = await serving.ready_to_sell(settings)
            assert await opened(settings, engine) == (LOTS, CHANGES)
            assert found(HIDDEN, await dump(settings.database)) == set()
            await engine.dispose()
        assert not written(tmp_path), "not in what the files have freed either"

        engine = create_engine(settings.database)
        for column in ("reserve_sealed = null", "reserve_sealed = 'ab'"):
            with pytest.raises(sa.exc.DBAPIError, match="a published sale does not change"):
                async with engine.begin() as connection:
                    await connection.execute(sa.text(f"update lots set {column} where id = 3"))
        await engine.dispose()


async def test_a_house_does_not_start_with_a_key_that_is_not_its_own(tmp_path):
    settings = Settings(data_dir=tmp_path, data_key=KEY, sale_key=KEY)
    engine = create_engine(settings.database)
    await upgrade(engine, "0004")
    async with engine.begin() as connection:
        await fill(connection)
    await upgrade(engine, "head")
    assert await reserves._seal_lots(main.sessions_of(settings, engine)) == 3
    other = Settings(data_dir=tmp_path, data_key="33" * 32, sale_key=KEY)
    with pytest.raises(serving.CannotStart, match="PAVILION_DATA_KEY"):
        await serving.ready_to_sell(other)
    async with engine.connect() as connection:
        kept = await connection.scalar(sa.text("select changes from curation_commands where id = 2"))
    assert json.loads(kept) == CHANGES[1], "nothing was sealed under it"
    await engine.dispose()
