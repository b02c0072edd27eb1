"""The house on a real port, and browsers signed in to it."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from httpx2 import AsyncClient
from sqlalchemy import make_url
from websockets.asyncio.client import ClientConnection, connect

from pavilion.accounts.models import SignInSession
from pavilion.accounts.rules import Actor, Role
from pavilion.kernel.db import create_engine
from pavilion.main import build_web
from pavilion.settings import Settings
from pavilion.webkit.announcing import LOOPBACK, bound
from tests import make
from tests.bidding.house import DATA_KEY, House
from tests.make import NOON


class Served:
    def __init__(self, house: House, port: int) -> None:
        self.house, self.port = house, port
        self.origin = f"http://127.0.0.1:{port}"

    async def cookie(self, actor: Actor) -> tuple[str, int]:
        """The cookie of a fresh sign-in and the sign-in's id."""
        token = secrets.token_urlsafe(16)
        async with self.house.sessions.begin() as session:
            row = SignInSession(
                token_sha256=hashlib.sha256(token.encode()).hexdigest(), person_id=actor.person_id,
                created_at=NOON, last_seen_at=self.house.clock(),
            )  # fmt: skip
            session.add(row)
            await session.flush()
            return f"session={token}", row.id

    async def employ(self, **roles: Role) -> dict[str, Actor]:
        """Staff by their first names, each with one role."""
        async with self.house.sessions.begin() as session:
            return {
                name: await make.actor(session, f"{name}@pavilion.example", (role,)) for name, role in roles.items()
            }

    @asynccontextmanager
    async def browser(self, actor: Actor | None = None) -> AsyncIterator[AsyncClient]:
        headers = {"cookie": (await self.cookie(actor))[0]} if actor else {}
        async with AsyncClient(base_url=self.origin, headers=headers, timeout=40, verify=False) as client:
            yield client

    def socket(self, cookie: str = "", origin: str | None = "own", protocol: str = "pavilion.1"):
        headers = {"cookie": cookie} if cookie else {}
        return connect(
            f"ws://127.0.0.1:{self.port}/live",
            origin=self.origin if origin == "own" else origin,
            subprotocols=[protocol],
            additional_headers=headers,
            compression=None,
            proxy=None,
        )


async def say(socket: ClientConnection, **message: object) -> None:
    await socket.send(json.dumps(message))


async def hear(socket: ClientConnection, op: str, seconds: float = 5) -> dict:
    """The next frame of this kind."""
    async with asyncio.timeout(seconds):
        while True:
            frame = json.loads(await socket.recv())
            if frame["op"] == op:
                return frame


async def enter(socket: ClientConnection, sale: str, after: dict | None = None) -> dict:
    await say(socket, op="hello", v=1, lang="en")
    await hear(socket, "welcome")
    await say(socket, op="watch", sale=sale, lots="all", after=after or {})
    return await hear(socket, "snapshot")


@asynccontextmanager
async def served(house: House) -> AsyncIterator[Served]:
    """The house's own pages over its rooms."""

    @asynccontextmanager
    async def alive(app) -> AsyncIterator[None]:
        app.state.rooms = house.rooms
        yield

    engine = create_engine(house.url)
    database = make_url(house.url)
    config = uvicorn.Config("", log_level="critical", ws="wsproto")
    socket = bound(LOOPBACK, 0)
    port = socket.getsockname()[1]
    settings = Settings(
        data_key=DATA_KEY.hex(),
        environment="test",
        public_url=f"http://127.0.0.1:{port}",
        database_url=database.render_as_string(hide_password=False),
    )
    config.app = build_web(settings, engine, house.clock, alive)
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[socket]))
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - uvicorn rings no bell
            await asyncio.sleep(0.01)
    try:
        yield Served(house, port)
    finally:
        server.should_exit = server.force_exit = True
        await running
        await engine.dispose()
