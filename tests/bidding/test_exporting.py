import json

from typer.testing import CliRunner

from pavilion.bidding.exporting import record_of
from pavilion.bidding.verifying import verify
from pavilion.cli import app
from pavilion.kernel import db
from tests.bidding.room import FIRST_END, SALE, SIGNER, publication, room
from tests.make import HOUR, NOON


async def held(url):
    """A small sale from opening to close: one lot sold, one passed."""
    async with room(url, publication(2, reserve=200_000)) as sale:
        await sale.bid(1, 100_000)
        await sale.bid(2, 400_000)
        await sale.bid(3, 60_000)
        await sale.bid(1, 50_000, lot=2)
        await sale.at(FIRST_END - HOUR / 60)
        await sale.bid(3, 300_000)
        await sale.at(FIRST_END + HOUR)
        assert sale.writer.book.closed
        return sale.writer.book.tree.root().hex()


async def exported(url, now=FIRST_END + 2 * HOUR):
    engine = db.create_engine(url)
    try:
        async with db.reading(db.sessions_of(engine)) as session:
            found = await record_of(session, SALE, str(SIGNER.verifier), now)
            return None if found is None else list(found)
    finally:
        await engine.dispose()


async def test_the_record_of_a_sale_held_on_a_real_database_verifies(database_url):
    root = await held(database_url)
    record = await exported(database_url)
    verdict = verify(lambda: iter(record))
    assert verdict.root == root and verdict.hidden > 0 and verdict.lots == 1


async def test_a_running_or_unknown_sale_has_no_record(sqlite_database_url):
    assert await exported(sqlite_database_url) is None
    async with room(sqlite_database_url):
        assert await exported(sqlite_database_url, NOON) is None


async def test_the_secret_of_the_winner_is_not_in_the_record(database_url):
    await held(database_url)
    record = b"".join(await exported(database_url))
    assert b'"amount":400000' not in record and b'"amount":300000' in record


def export(*words):
    return CliRunner().invoke(app, ["export-sale", *map(str, words)])


def test_the_command_writes_what_the_verifier_accepts(sqlite_database_url, tmp_path, monkeypatch):
    import asyncio

    asyncio.run(held(sqlite_database_url))
    monkeypatch.setenv("PAVILION_HOST_NAME", SIGNER.name)
    out = tmp_path / "record.jsonl"
    assert export(SALE, "--out", out, "--data", tmp_path).exit_code == 3  # the key is not here
    (tmp_path / "keys.json").write_text(
        json.dumps({"sale_key": bytes(range(32)).hex(), "secret_key": "00" * 32, "data_key": "00" * 32})
    )
    said = export(SALE, "--out", out, "--data", tmp_path)
    assert said.exit_code == 0, said.output
    verified = CliRunner().invoke(app, ["verify-sale", str(out)])
    assert verified.exit_code == 0
    (name,) = verify(lambda: iter(out.read_bytes().splitlines(keepends=True))).hidden_lots
    assert "replayed: 1 of 2 lots" in verified.output and f"origin is not confirmed): {name}" in verified.output
    assert export("01SALE00000000000000000009", "--out", out, "--data", tmp_path).exit_code == 1
    assert export(SALE, "--out", tmp_path, "--data", tmp_path).exit_code == 3
    assert export(SALE, "--out", out, "--data", tmp_path / "nowhere").exit_code == 3
