"""A simulated partner's program on loopback: the house calls it for one company, it makes sure that each call is the
house's, and its page shows the last ones. It ends with the house and stands on another port at the next start."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from html import escape

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pavilion.demo import people
from pavilion.kernel.clock import Clock, utc_now
from pavilion.kernel.db import Sessions
from pavilion.kernel.instants import stamp
from pavilion.notifications import webhooks
from pavilion.notifications.webhook_rules import EventKind
from pavilion.notifications.webhook_signing import BadSignature, verify
from pavilion.webkit.announcing import LOOPBACK, bound

WHO = "wen@lumen.example"
HEARS = (EventKind.STONE_LISTED, EventKind.PRICE_CHANGED, EventKind.LOT_SOLD, EventKind.LOT_PASSED)
KEPT = 50
MOST_BYTES = 256 * 1024
PATH = "/calls"
TITLE = "A simulated partner’s program", "模拟的合作方程序"
ABOUT = (
    "It takes the calls of the demonstration for Lumen Trading, and takes none that is not signed with its secret.",
    "接收演示系统发给 Lumen Trading 的通知，凡未以其密钥签名者一概不收。",
)
NONE_YET = "No call yet.", "尚无通知。"


class Partner:
    """Calls that were taken, the newest first. Before it knows its secret it takes none."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self.secret, self.taken, self._clock = "", deque[str](maxlen=KEPT), clock
        self.app = Starlette(routes=[Route("/", self.page), Route(PATH, self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_BYTES:
                return Response(status_code=413)
        try:
            verify(self.secret, request.headers, body, self._clock())
        except BadSignature:
            return Response(status_code=401)
        self.taken.appendleft(f"{stamp(self._clock())}  {body.decode(errors='replace')}")
        return Response(status_code=204)

    async def page(self, _request: Request) -> Response:
        calls = "".join(f"<li><code>{escape(call)}</code></li>" for call in self.taken)
        words = "".join(f"<p lang={lang}>{words}</p>" for lang, words in zip(("en", "zh"), ABOUT, strict=True))
        empty = " ".join(NONE_YET)
        return HTMLResponse(
            f"<!doctype html><html lang=en><meta name=viewport content=width=device-width><title>{TITLE[0]}</title>"
            f"<style>body{{font:16px/1.5 sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}}"
            f"code{{overflow-wrap:anywhere}}</style><h1>{TITLE[0]} <span lang=zh>{TITLE[1]}</span></h1>{words}"
            f"{f'<ol>{calls}</ol>' if calls else f'<p>{empty}</p>'}</html>",
            headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
        )


class Guest(uvicorn.Server):
    """The house's own server takes the signals of this process; this one is told when to end."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def beside(sessions: Sessions) -> AsyncIterator[str]:
    """It listens, and the company is called there; its address."""
    partner = Partner()
    with bound(LOOPBACK, 0) as listener:
        url = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        config = uvicorn.Config(partner.app, log_config=None, access_log=False, ws="none", lifespan="off")
        server = Guest(config)
        partner.secret = await connect(sessions, url, utc_now())
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield url
        finally:
            server.should_exit = True
            await serving


async def connect(sessions: Sessions, url: str, now: datetime) -> str:
    """The company is called at this address and no more at the one of the start before; the secret of its calls. The
    first call is a test, as the company's administrator would ask for it."""
    async with sessions.begin() as session:
        who = await people.actor(session, WHO)
        for line in await webhooks.of_company(session, who):
            if line.webhook.url.endswith(PATH) and line.webhook.url.startswith(f"http://{LOOPBACK}:"):
                await webhooks.remove(session, public_id=line.webhook.public_id, actor=who, now=now)
        row = await webhooks.make(session, url=url + PATH, kinds=HEARS, loopback=True, actor=who, now=now)
        await webhooks.try_out(session, public_id=row.public_id, actor=who, now=now)
        return await webhooks.secret_of(session, row)
