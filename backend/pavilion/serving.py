"""Processes: a house in one process, its pages, its worker; what each checks before it starts."""

import asyncio
import fcntl
import secrets
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from random import Random  # noqa: TID251 - seeds the demonstration's rivals

import uvicorn
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from pavilion import housework, main, worker
from pavilion.auctions.reserves import OtherKey
from pavilion.kernel import db, migrating
from pavilion.kernel.clock import utc_now
from pavilion.settings import Environment, Settings, with_secrets
from pavilion.settlement.payments import connecting
from pavilion.webkit.announcing import Announcing, bound
from pavilion.webkit.html import Pages
from pavilion.webkit.static import frontend
from pavilion.worker import Tick

LONGEST_FRAME = 65_536  # bytes of one socket message that the server reads at all
GRACE_S = 5


class CannotStart(Exception):
    """One sentence that says what to change."""


def serve(settings: Settings) -> None:
    """Everything in one process on one port, until told to stop."""
    with held(settings):
        asyncio.run(_house(with_secrets(settings)))


def demo(settings: Settings, *, reset: bool, rivals: bool, told: Callable[[str], None]) -> None:
    """The demonstration house, furnished at its first start; one that was stopped in the middle of it starts afresh."""
    from pavilion.demo.story import HALF_FURNISHED

    unfinished = (settings.data_dir / HALF_FURNISHED).exists()
    if reset or unfinished:
        forget(settings.data_dir)
    if unfinished:
        told("the last start was stopped before the house was furnished: it begins again")
    with held(settings):
        asyncio.run(_demo(with_secrets(settings), rivals, told))


def work(settings: Settings) -> None:
    """The worker alone, beside web processes on the same PostgreSQL; or alone on an embedded house that rests."""
    with nullcontext() if settings.database_url else held(settings):
        asyncio.run(_work(with_secrets(settings)))


def web(settings: Settings) -> None:
    """Pages, API and sockets; bids go over Redis to the engine."""
    asyncio.run(_web(with_secrets(several(settings))))


def edge(settings: Settings) -> None:
    """Sockets alone; bids go over Redis to the engine."""
    asyncio.run(_edge(with_secrets(several(settings))))


def engine(settings: Settings) -> None:
    """The bid writer alone."""
    asyncio.run(_engine(with_secrets(several(settings))))


def several(settings: Settings) -> Settings:
    """A house in several processes needs what they meet in."""
    if not settings.database_url or not settings.redis_url:
        raise CannotStart(
            "Several processes need PAVILION_DATABASE_URL and PAVILION_REDIS_URL; or use `pavilion serve`."
        )
    return settings


def migrate(settings: Settings) -> tuple[str | None, str]:
    """The schema before and after."""

    async def run() -> tuple[str | None, str]:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        engine = db.create_engine(settings.database)
        try:
            return await migrating.to_head(engine), migrating.head()
        finally:
            await engine.dispose()

    return asyncio.run(run())


def first_admin(settings: Settings, email: str) -> str:
    """The password of a new administrator; it is kept nowhere else."""
    from pavilion.accounts import passwords, service
    from pavilion.accounts.rules import Role

    password = secrets.token_urlsafe(15)

    async def run() -> None:
        engine = await ready(settings)
        try:
            async with db.sessions_of(engine).begin() as session:
                await service.add_person(
                    session,
                    email=email,
                    name=email.partition("@")[0],
                    password_hash=passwords.hash_now(password),
                    roles=[Role.ADMIN],
                    company=None,
                    lang=None,
                    now=utc_now(),
                )
        finally:
            await engine.dispose()

    try:
        asyncio.run(run())
    except service.EmailTaken:
        raise CannotStart(f"{email} already has an account.") from None
    return password


def lay_out_offices(settings: Settings, content: bytes) -> list[str]:
    """The offices of this file stand in the house; a line for each."""
    from pavilion.viewings import places_reading

    async def run() -> list[str]:
        engine = await ready(settings)
        try:
            return await places_reading.lay_out(db.sessions_of(engine), places_reading.read(content), utc_now())
        finally:
            await engine.dispose()

    try:
        return asyncio.run(run())
    except places_reading.NotOffices as fault:
        raise CannotStart(f"Not offices: {fault}") from None


async def _house(settings: Settings) -> None:
    engine = await ready_to_sell(settings)
    try:
        await listen(main.build_house(settings, engine), settings.listen)
    finally:
        await engine.dispose()


async def _demo(settings: Settings, rivals: bool, told: Callable[[str], None]) -> None:
    from pavilion.demo import neighbours, partner, story, viewings
    from pavilion.demo.rivals import Rivals

    engine = await ready_to_sell(settings)
    sessions = main.sessions_of(settings, engine)

    def more(app: FastAPI) -> Sequence[Tick]:
        ticks = [
            Tick("next sale", lambda now: story.next_sale(sessions, now)),
            Tick("where new stones are", lambda now: viewings.put_stones(sessions, now)),
        ]
        if rivals:
            ticks.append(Tick("rivals", Rivals(sessions, app.state.rooms, Random(story.SEED)).tick))  # noqa: S311
        return ticks

    try:
        async with neighbours.around(settings) as (settings, simulators):
            await story.open_house(settings, sessions, utc_now(), lambda what: told(f"furnishing: {what}"))
            async with partner.beside(sessions) as program:
                for line in story.welcome(simulators, settings.data_dir, settings.stripe_url, program):
                    told(line)
                app = main.build_house(settings, engine, more_ticks=more)
                await listen(app, settings.listen, lambda: told(f"ready: {settings.public_url}/"))
    finally:
        await engine.dispose()


async def _web(settings: Settings) -> None:
    engine = await ready_to_sell(settings)
    try:
        await listen(main.build_front(settings, engine), settings.listen)
    finally:
        await engine.dispose()


async def _edge(settings: Settings) -> None:
    engine = await ready(settings)
    try:
        await listen(main.build_edge(settings, engine), settings.listen)
    finally:
        await engine.dispose()


async def _engine(settings: Settings) -> None:
    engine, stopping = await ready_to_sell(settings), stop_event()
    try:
        async with main.engine_of(settings, engine), _healthy(settings, engine):
            await stopping.wait()
    finally:
        await engine.dispose()


def stop_event() -> asyncio.Event:
    """Set when the process is told to stop."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, stopping.set)
    return stopping


async def _work(settings: Settings) -> None:
    engine, stopping = await ready(settings), stop_event()
    payments = connecting.connect(settings)
    try:
        ticks = housework.ticks_of(settings, main.sessions_of(settings, engine), Pages(frontend()), payments)
        async with _healthy(settings, engine):
            await worker.work(ticks, utc_now, stopping, housework.stirring_of(engine))
    finally:
        if payments is not None:
            await payments.close()
        await engine.dispose()


@asynccontextmanager
async def _healthy(settings: Settings, engine: AsyncEngine) -> AsyncIterator[None]:
    """While the block runs, `health_listen` answers for this process; it ends when the process is told to stop."""
    if not settings.health_listen:
        yield
        return
    host, _, port = settings.health_listen.rpartition(":")
    config = uvicorn.Config(main.build_health(engine), log_config=None, access_log=False, server_header=False)
    server = _Beside(config)
    answering = asyncio.create_task(server.serve(sockets=[_bound(host, int(port))]))
    try:
        yield
    finally:
        server.should_exit = True
        await answering


class _Beside(uvicorn.Server):
    """A server that leaves the signals of its process to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def ready(settings: Settings) -> AsyncEngine:
    """An engine on a schema that fits this code. The embedded database is brought there; a server is only asked."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        connecting.connect(settings)
    except connecting.WrongMode as fault:
        raise CannotStart(str(fault)) from None
    engine = db.create_engine(settings.database)
    if not settings.database_url:
        await migrating.to_head(engine)
        return engine
    if await migrating.current(engine) != migrating.head():
        await engine.dispose()
        raise CannotStart("The database's schema is not this version's. Run `pavilion migrate` first.")
    return engine


async def ready_to_sell(settings: Settings) -> AsyncEngine:
    """Ready, and no reserve stands in clear."""
    engine = await ready(settings)
    try:
        await main.seal_reserves(settings, engine)
    except OtherKey:
        await engine.dispose()
        raise CannotStart(
            "PAVILION_DATA_KEY is not the key under which this house sealed its maxima and reserves. Give that one."
        ) from None
    return engine


async def listen(app: FastAPI, address: str, started: Callable[[], None] = lambda: None) -> None:
    host, _, port = address.rpartition(":")
    listener = _bound(host, int(port))
    config = uvicorn.Config(
        app,
        ws="wsproto",
        ws_max_size=LONGEST_FRAME,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    await Announcing(config, started).serve(sockets=[listener])


def _bound(host: str, port: int) -> socket.socket:
    try:
        return bound(host, port)
    except OSError as fault:
        raise CannotStart(f"Port {port} on {host} cannot be used ({fault.strerror}). Choose another.") from None


@contextmanager
def held(settings: Settings) -> Iterator[None]:
    """The data folder is ours alone: two processes on one embedded house would both think they are its clock."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with (settings.data_dir / "house.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(
                f"A house already runs on {settings.data_dir}. Stop it, or name another folder."
            ) from None
        yield


def forget(folder: Path) -> None:
    """The house in this folder is gone; a folder that holds no house is left alone."""
    if not folder.exists():
        return
    if any(folder.iterdir()) and not (folder / "house.lock").exists():
        raise CannotStart(f"{folder} holds no house; it was not emptied.")
    with held(Settings(data_dir=folder)):
        shutil.rmtree(folder)


def settings_for(port: int, data: Path, environment: Environment) -> Settings:
    """Those of the environment, on this loopback port and folder."""
    listen = f"127.0.0.1:{port}"
    said = Settings()
    public = said.public_url if "public_url" in said.model_fields_set else f"http://{listen}"
    origins = said.allowed_origins | {f"http://localhost:{port}"}
    update = {"environment": environment, "data_dir": data, "listen": listen, "public_url": public}
    return said.model_copy(update=update | {"allowed_origins": origins})
