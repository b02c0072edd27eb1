"""`pavilion audit`: the nightly proofs at once, and their exit codes."""

import asyncio

from typer.testing import CliRunner

from pavilion.cli import app
from pavilion.kernel.db import create_engine, sessions_of
from pavilion.provenance.log_models import LogCheckpoint
from tests.make import NOON
from tests.provenance.logged import appended, signed


def kept(url, *, wrong=False):
    async def written():
        engine = create_engine(url)
        sessions = sessions_of(engine)
        await appended(sessions, 3)
        await signed(sessions)
        if wrong:
            async with sessions.begin() as session:
                session.add(LogCheckpoint(size=2, root="00" * 32, note="no note", at=NOON))
        await engine.dispose()

    asyncio.run(written())


def audited(monkeypatch, url):
    monkeypatch.setenv("PAVILION_DATABASE_URL", url)
    return CliRunner().invoke(app, ["audit"])


def test_a_house_whose_rows_agree_is_told_so(database_url, monkeypatch):
    kept(database_url)
    told = audited(monkeypatch, database_url)
    assert told.exit_code == 0 and told.output.startswith("ok: log of 3 entries, 1 checkpoints, root "), told.output


def test_a_checkpoint_that_was_never_the_tree_is_named(database_url, monkeypatch):
    kept(database_url, wrong=True)
    told = audited(monkeypatch, database_url)
    assert (told.exit_code, told.output) == (1, "log: checkpoint_wrong at 2\n")


def test_without_a_house_there_is_nothing_to_prove(tmp_path):
    assert CliRunner().invoke(app, ["audit", "--data", str(tmp_path)]).exit_code == 3
