"""kill -9 in the middle of a stock upload: the next start goes on after the last batch that was answered."""

import asyncio
import contextlib
import gzip
import os
import signal

import pytest
from sqlalchemy import func, select, update
from typer.testing import CliRunner

from pavilion import serving
from pavilion.catalogue.models import Stone
from pavilion.catalogue.upload_models import FileState, StockRow
from pavilion.cli import app
from pavilion.kernel.clock import utc_now
from pavilion.kernel.events import Event
from pavilion.kernel.jobs import Job
from pavilion.kernel.jobs import State as JobState
from pavilion.provenance.log_models import LogEntry
from pavilion.provenance.models import ChainEvent, ExposedStone, StoneVerdict
from pavilion.provenance.registries.world import QUOTA
from pavilion.settings import Settings
from tests.catalogue import upload_world as world
from tests.forked import Forked, pavilion
from tests.make import HOUR, NOON
from tests.provenance import simulated, stones

ROWS = 300  # a running house answers fifty at a time


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    table = tmp_path_factory.mktemp("table") / "diamonds.csv"
    table.write_bytes(gzip.decompress(world.TABLE.read_bytes()))
    return world.made(table, tmp_path_factory.mktemp("stock"), rows=ROWS, seed=21, broken_bp=2000)


@contextlib.asynccontextmanager
async def working(url, place, folder):
    """The production command that imports stock files on this database, and nothing softer than -9 at its end."""
    said = {
        "PAVILION_ENVIRONMENT": "test", "PAVILION_DATA_DIR": str(place), "PAVILION_DATABASE_URL": url,
        "PAVILION_REGISTRIES": str(folder / "registry"),
    }  # fmt: skip
    process = Forked(pavilion, "worker", env=os.environ | said, said=place / "errors.log")
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def seen(sessions, public_id, process, enough):
    """The file, as soon as it is as `enough` wants it."""
    async with asyncio.timeout(120):
        while not enough(file := await world.file_of(sessions, public_id)):
            assert process.returncode is None, "the worker ended by itself"
            await asyncio.sleep(0.05)  # another process works; its rows are all that can be looked at
    return file


async def lease_over(sessions):
    """The minute for which a file rests when its process died has passed."""
    async with sessions.begin() as session:
        running = update(Job).where(Job.kind == world.uploads.JOB, Job.state == JobState.RUNNING)
        await session.execute(running.values(run_until=utc_now() - HOUR))


async def rows_kept(sessions):
    """The rows as the house answered them, after a look at what else it holds."""
    async with sessions() as session:
        rows = (await session.scalars(select(StockRow).order_by(StockRow.row))).all()
        exposed = set(await session.scalars(select(ExposedStone.stone)))
        verdicts = dict((await session.execute(select(StoneVerdict.stone, StoneVerdict.verdict))).all())
        stock_nos = (await session.scalars(select(Stone.stock_no))).all()
        events = (await session.execute(select(ChainEvent.stone, ChainEvent.seq))).all()
        leaves = (await session.scalars(select(LogEntry.subject).where(LogEntry.kind == "event"))).all()
    assert {verdicts.get(stone) for stone in exposed} <= {"verified"}, "no stone is shown without its verdict"
    assert len(stock_nos) == len(set(stock_nos)) and len(leaves) == len(set(leaves)) == len(events)
    return [world.told(row) for row in rows]


async def test_an_upload_killed_in_the_middle_ends_as_was_foretold(sessions, database_url, folder, tmp_path):
    url = database_url if database_url.startswith("postgresql") else ""
    company = await world.supplier(sessions)
    sent = (await world.send(sessions, company, (folder / "stock.csv").read_bytes())).file
    foretold = [{key: said[key] for key in said if key != "broken"} for said in world.answers_of(folder)]
    async with working(url, tmp_path, folder) as process:
        await seen(sessions, sent.public_id, process, lambda file: file.done > 0)
    half = await world.file_of(sessions, sent.public_id)
    assert not half.ended and await rows_kept(sessions) == foretold[: half.done], "whole batches, in their order"
    await lease_over(sessions)
    async with working(url, tmp_path, folder) as process:
        whole = await seen(sessions, sent.public_id, process, lambda file: file.ended)
    assert (whole.state, whole.done, whole.received) == (FileState.DONE, ROWS, ROWS)
    assert await rows_kept(sessions) == foretold and sum(whole.counts.values()) == ROWS
    async with sessions() as session:
        assert await session.scalar(select(func.count()).where(Event.name == "upload:finished")) == 1


async def test_what_one_process_asked_the_next_asks_without_a_second_charge(tmp_path):
    folder = simulated.folder_of(tmp_path / "registry", 3)
    claims = [stones.claim(number) for number in (1, 2, 3)]
    left = []
    with simulated.running(folder) as address:
        for process in ("killed", "next"):
            (tmp_path / process).mkdir()
            house = simulated.house(tmp_path / process, address, folder)
            heard = await asyncio.gather(*(house.ask(claim, NOON) for claim in claims))
            await house.close()
            left.append(min(one.quota_left for answers in heard for one in answers if one.quota_left is not None))
    assert left == [QUOTA - len(claims)] * 2


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_nobody_else_works_on_the_folder_of_a_house_that_runs(command, tmp_path, monkeypatch):
    """Two houses on one embedded database would both think that they are its clock."""
    monkeypatch.setenv("PAVILION_DATA_DIR", str(tmp_path))
    words = [command, "--data", str(tmp_path)] if command == "serve" else [command]
    with serving.held(Settings(data_dir=tmp_path)):
        second = CliRunner().invoke(app, words)
    assert (second.exit_code, type(second.exception)) == (1, SystemExit)
    assert f"A house already runs on {tmp_path}. Stop it, or name another folder." in second.output
    assert {path.name for path in tmp_path.iterdir()} == {"house.lock"}, "and touches nothing"
