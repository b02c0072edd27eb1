"""The double on a port of this machine: `pavilion stripe-double`, and beside a test.

`/v1/...` is the provider's interface; `/pay/...` its hosted pages; `/` its desk for people; `POST /control` takes
orders (`control.give`), as JSON or as a form; `GET /control` tells what is ordered and which calls are waiting.
"""

import asyncio
import json
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pavilion.kernel.clock import utc_now
from pavilion.settlement.payments.double import api
from pavilion.settlement.payments.double.control import give
from pavilion.settlement.payments.double.orders import NoSuchOrder
from pavilion.settlement.payments.double.posting import Postman
from pavilion.settlement.payments.double.state import State
from pavilion.settlement.payments.double.telling import Call, answered, due
from pavilion.settlement.payments.double.world import World
from pavilion.settlement.payments.double.wrong import Wrong
from pavilion.webkit.announcing import Announcing

GRACE_S = 1
KEY_START, SECRET_START = "sk_" + "test_", "whsec_"


@dataclass
class Double:
    """A double beside a test: its address, and its hands."""

    url: str
    world: World
    postman: Postman

    @property
    def key(self) -> str:
        return self.world.key

    @property
    def secret(self) -> str:
        return self.world.secret

    def do(self, what: str, **said: Any) -> str:
        """An order, as `POST /control` takes it; the id of what came of it."""
        return give(self.world, self.postman, {"do": what, **said}) or ""

    def due(self) -> list[Call]:
        """The webhook calls that would go out now; whoever makes one says so with `answered`."""
        return due(self.world)

    def answered(self, call: Call, status: int | None) -> None:
        answered(self.world, call, status)


@asynccontextmanager
async def running(
    folder: Path | None = None, *, clock: Callable[[], datetime] = utc_now, webhook: str = "", port: int = 0
) -> AsyncIterator[Double]:
    """The double answers on loopback while the block runs; without a folder it remembers nothing afterwards."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # answers cut short on order are no news
    state = State(folder / "stripe-double.db" if folder else None)
    state.free_unanswered_keys()
    world = World(state, clock, *_secrets(state))
    postman = Postman(world)
    if webhook:
        postman.call(webhook)
    app = app_of(world, postman)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        world.origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        ready = asyncio.Event()
        config = uvicorn.Config(
            api.with_line(app), log_config=None, access_log=False, server_header=False, ws="none", lifespan="off",
            timeout_graceful_shutdown=GRACE_S,
        )  # fmt: skip
        server = _Quiet(config, ready.set)
        tasks = [asyncio.ensure_future(server.serve(sockets=[listener])), asyncio.ensure_future(postman.run())]
        try:
            await ready.wait()
            yield Double(world.origin, world, postman)
        finally:
            server.should_exit = True
            tasks[1].cancel()
            await tasks[0]
            with suppress(asyncio.CancelledError):
                await tasks[1]
            state.close()


async def serve(folder: Path, port: int, started: Callable[[Double], None], webhook: str = "") -> None:
    """Answers until the process is told to stop; port 0 takes any free one."""
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with running(folder, webhook=webhook, port=port) as double:
        started(double)
        await stopping.wait()


def app_of(world: World, postman: Postman) -> Starlette:
    front = _Front(world, postman)
    routes = [
        Route("/v1/{path:path}", front.interface, methods=["GET", "POST", "DELETE"]),
        Route("/control", front.control, methods=["GET", "POST"]),
    ]
    return Starlette(routes=routes)


class _Front:
    def __init__(self, world: World, postman: Postman) -> None:
        self._world, self._postman = world, postman

    async def interface(self, request: Request) -> Response:
        return await api.answer(self._world, request)

    async def control(self, request: Request) -> Response:
        if not _from_here(request):
            return api.forbidden("foreign")
        if request.method == "GET":
            return self._standing()
        try:
            said = json.loads(await request.body())
            if not isinstance(said, dict):
                raise NoSuchOrder("object")
            made = give(self._world, self._postman, said)
        except (NoSuchOrder, Wrong, ValueError) as fault:
            return JSONResponse({"error": "no_such_order", "about": str(fault)[:200], "simulated": True}, 422)
        return JSONResponse({"made": made, "simulated": True}, headers={api.SIMULATED: "true"})

    def _standing(self) -> Response:
        orders = self._world.orders
        waiting = [one for one in self._world.state.calls(newest=1000) if one["state"] == "waiting"]
        said = {"faults": orders.faults, "posting": orders.posting, "waiting": len(waiting), "simulated": True}
        return JSONResponse(said | {"webhook": self._postman.address}, headers={api.SIMULATED: "true"})


class _Quiet(Announcing):
    """Leaves the signals of the process to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _secrets(state: State) -> tuple[str, str]:
    """The key and the secret of this account; made once and kept with it."""
    for name, start in (("key", KEY_START), ("secret", SECRET_START)):
        if state.note(name) is None:
            state.set_note(name, f"{start}simulated{secrets.token_hex(12)}")
    return str(state.note("key")), str(state.note("secret"))


def _from_here(request: Request) -> bool:
    """Orders are given on this machine's own pages or by its own programs, never by a page from elsewhere."""
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    return host.rpartition(":")[0] in ("127.0.0.1", "localhost") and origin in (None, f"http://{host}")
