"""The double on a port of this machine: `pavilion stripe-double`, and beside a test.

`/v1/...` is the provider's interface; `/pay/...` its hosted pages; `/` its desk for people; `POST /control` takes
orders (`control.give`), as JSON or as a form; `GET /control` tells what is ordered and which calls are waiting.
"""

import asyncio
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from pavilion.kernel.clock import utc_now
from pavilion.settlement.payments.double import api
from pavilion.settlement.payments.double.control import give
from pavilion.settlement.payments.double.front import Front
from pavilion.settlement.payments.double.posting import Postman
from pavilion.settlement.payments.double.state import State
from pavilion.settlement.payments.double.telling import Call, answered, due
from pavilion.settlement.payments.double.world import World
from pavilion.webkit.announcing import LOOPBACK, Announcing, bound

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
    with bound(LOOPBACK, port) as listener:
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
    return Starlette(routes=Front(world, postman).routes())


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
