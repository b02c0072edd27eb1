"""All registries of the simulated world on one port of this machine: `pavilion simulators`.

`/own-production/`, `/shared/`, `/laboratory/{lab}/`, `/kp/`, `/rjc/`, `/sow/` and `/sanctions/` answer as the real ones
would, signed in `X-Signature` and marked as simulated. `X-Sim: delay=3000 | status=503 | drop | garble` spoils one
answer; `POST /control` with `{registry, order, key?}` (also as a form) gives an order that stands until `well`
(`orders.Orders.give`); `GET /control` tells the orders; `/` is a page for people.
"""

import asyncio
import base64
import logging
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pavilion.kernel.canon import read_json
from pavilion.provenance.issuers import key_of
from pavilion.provenance.registries import simulator_page
from pavilion.provenance.registries.lines import SIGNATURE, SIMULATED, SLOW_S
from pavilion.provenance.registries.orders import LONGEST_DELAY_MS, Fault, NoSuchOrder
from pavilion.provenance.registries.port import (
    KP,
    LABORATORY,
    MATCH,
    OWN_PRODUCTION,
    RJC,
    SANCTIONS,
    SHARED_PRODUCER,
    WARRANTY,
    plain_bytes,
)
from pavilion.provenance.registries.world import HOUSE, World
from pavilion.webkit.announcing import LOOPBACK, Announcing, bound

PLACES = {
    OWN_PRODUCTION: "own-production",
    SHARED_PRODUCER: "shared",
    MATCH: "shared",
    LABORATORY: "laboratory/{lab}",
    KP: "kp",
    RJC: "rjc",
    WARRANTY: "sow",
    SANCTIONS: "sanctions",
}
KEYED = (SHARED_PRODUCER, MATCH, LABORATORY)  # nobody is answered there without a key
KEY = f"simulated-{HOUSE}"
SEED_FILE = "simulators.key"
MOST_BYTES = 64 * 1024
GRACE_S = 1
_FOLDERS = {place.partition("/")[0]: name for name, place in reversed(PLACES.items())}


def registries_file(url: str, folder: Path) -> dict[str, Any]:
    """The content of `PAVILION_REGISTRIES` for simulators at `url` that speak for `folder`, written or not."""
    seed = seed_of(folder)
    return {
        "registries": [
            {"name": name, "url": f"{url.rstrip('/')}/{place}", "public_key": _public(seed, name)}
            | ({"key": KEY} if name in KEYED else {})
            for name, place in PLACES.items()
        ]
    }


def seed_of(folder: Path) -> bytes:
    """The seed of the simulators' keys; made once, kept beside the signed files."""
    path = folder / SEED_FILE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return bytes.fromhex(path.read_text().strip())


async def serve(folder: Path, port: int, started: Callable[[str], None], stopping: asyncio.Event | None = None) -> None:
    """Answers on loopback until the process is told to stop or `stopping` is set; port 0 takes any free one."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # answers cut short on order are no news
    world = World(folder)
    app = app_of(world, seed_of(folder))
    with bound(LOOPBACK, port) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=GRACE_S
        )
        server = Announcing(config, lambda: started(f"http://127.0.0.1:{port}"))
        watching = asyncio.create_task(_stop(server, stopping))
        try:
            await server.serve(sockets=[listener])
        finally:
            watching.cancel()
            world.close()


async def _stop(server: uvicorn.Server, stopping: asyncio.Event | None) -> None:
    if stopping is not None:
        await stopping.wait()
        server.should_exit = True


def app_of(world: World, seed: bytes) -> Starlette:
    simulators = _Simulators(world, seed)
    app = Starlette(
        routes=[
            Route("/", simulators.page),
            Route("/control", simulators.control, methods=["GET", "POST"]),
            Route("/{place}/{path:path}", simulators.registry, methods=["GET", "POST"]),
        ]
    )
    app.state.world = world
    return app


class _Simulators:
    def __init__(self, world: World, seed: bytes) -> None:
        self._world = world
        self._keys = {name: _private(seed, name) for name in PLACES}
        self._at_once = dict.fromkeys(PLACES, 0)
        self._most_at_once = dict(self._at_once)

    async def page(self, request: Request) -> Response:
        if not _from_here(request):
            return _plain(403, "foreign")
        asked = request.query_params.get("lang") or request.headers.get("accept-language", "")[:2]
        html = simulator_page.html(self._world, "zh" if asked.startswith("zh") else "en")
        policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
        return HTMLResponse(html, headers={"Content-Security-Policy": policy, SIMULATED: "true"})

    async def control(self, request: Request) -> Response:
        if not _from_here(request):
            return _plain(403, "foreign")
        if request.method == "GET":
            return JSONResponse(self._standing())
        is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        try:
            said = dict(await request.form()) if is_form else read_json(await _body(request))
            key = said.get("key")
            self._world.orders.give(str(said["registry"]), str(said["order"]), str(key).strip() if key else None)
        except (NoSuchOrder, ValueError, KeyError, TypeError, AttributeError):
            return _plain(422, "no_such_order")
        if is_form:
            return RedirectResponse(f"/?lang={'zh' if said.get('lang') == 'zh' else 'en'}", status_code=303)
        return JSONResponse(self._standing())

    async def registry(self, request: Request) -> Response:
        place, path = request.path_params["place"], _raw_path(request)
        name = _FOLDERS.get(place)
        if name is None:
            return _plain(404, "no_such_registry")
        if name == SHARED_PRODUCER and path == "v1/match":
            name = MATCH
        self._at_once[name] += 1
        self._most_at_once[name] = max(self._most_at_once[name], self._at_once[name])
        try:
            return await self._answer(request, name, path)
        finally:
            self._at_once[name] -= 1

    async def _answer(self, request: Request, name: str, path: str) -> Response:
        fault, wait_ms, status = _ordered(request.headers.get("x-sim", ""), self._world.orders.fault(name))
        await asyncio.sleep((wait_ms + self._world.orders.delay_ms(name)) / 1000)
        if status != 200:
            return _plain(status, "ordered")
        participant = _participant(request)
        if name in KEYED and participant is None:
            return _plain(401, "key_missing")
        try:
            content = read_json(await _body(request)) if request.method == "POST" else None
        except ValueError:
            return _plain(400, "unreadable")
        lab, below = "", path
        if name == LABORATORY:
            lab, below = path.strip("/") or "GIA", ""
        once = request.headers.get("idempotency-key", "")[:200]
        told = self._world.answer(
            name,
            below,
            content if isinstance(content, Mapping) else None,
            lab=lab,
            once=once,
            participant=participant or HOUSE,
        )
        return self._signed(name, told.status, plain_bytes(told.document), fault)

    def _standing(self) -> dict[str, Any]:
        """The orders, and how busy each simulator has been."""
        orders, asked = self._world.orders.document(), self._world.asked
        most = self._most_at_once
        return {name: {**orders[name], "questions": asked[name], "most_at_once": most[name]} for name in orders}

    def _signed(self, name: str, status: int, body: bytes, fault: Fault | None) -> Response:
        signature = base64.b64encode(self._keys[name].sign(body)).decode()
        headers = {SIGNATURE: signature, SIMULATED: "true"}
        if fault is Fault.GARBLE:
            body = body[: len(body) // 2] + bytes([body[len(body) // 2] ^ 1]) + body[len(body) // 2 + 1 :]
        if fault is Fault.DROP:
            return _CutShort(body, status, headers, "application/json")
        return Response(body, status, headers, "application/json")


class _CutShort(Response):
    """Promises a body and hangs up in the middle of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = self.body[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


def _ordered(said: str, standing: Fault | None) -> tuple[Fault | None, int, int]:
    """What is to go wrong, for how long to wait first, and the status to answer with."""
    fault, wait_ms, status = standing, 0, 200
    if standing is Fault.SLOW:
        wait_ms = SLOW_S * 1000
    if standing is Fault.DOWN:
        status = 503
    order, _, value = said.strip().partition("=")
    if order in ("drop", "garble"):
        fault = Fault(order)
    elif order == "delay" and value.isdigit():
        wait_ms = min(int(value), LONGEST_DELAY_MS)
    elif order == "status" and value.isdigit() and 400 <= int(value) <= 599:
        status = int(value)
    return fault, wait_ms, status


def _raw_path(request: Request) -> str:
    """Below the registry's place, still escaped: a stone's name may hold a slash."""
    raw = bytes(request.scope.get("raw_path", request.url.path.encode())).decode("ascii", "replace")
    return raw.partition("?")[0].split("/", 2)[2]


def _participant(request: Request) -> str | None:
    prefix, _, name = request.headers.get("authorization", "").partition("-")
    return name if prefix == "simulated" and name else None


def _from_here(request: Request) -> bool:
    """Orders are given on this machine's own page or by its own programs, never by a page from elsewhere."""
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    return host.partition(":")[0] in ("127.0.0.1", "localhost") and origin in (None, f"http://{host}")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            raise ValueError("too long")
    return bytes(body)


def _plain(status: int, code: str) -> Response:
    return JSONResponse({"error": code, "simulated": True}, status, {SIMULATED: "true"})


def _private(seed: bytes, name: str) -> Ed25519PrivateKey:
    return key_of(seed, f"registry {name}")


def _public(seed: bytes, name: str) -> str:
    return _private(seed, name).public_key().public_bytes_raw().hex()
