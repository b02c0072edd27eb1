"""A house with one running sale, visited without a browser."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from pavilion.kernel.db import create_engine, sessions_of
from pavilion.main import build_house
from tests import make
from tests.browser import rooms
from tests.browser.serve import house_settings

PORT = 8099
URL = f"http://127.0.0.1:{PORT}"


@dataclass
class Visit:
    """A house with one running sale, and browsers without script."""

    app: FastAPI
    sale: rooms.RunningSale

    @asynccontextmanager
    async def reader(self, email: str | None = None, lang: str = "en") -> AsyncIterator[AsyncClient]:
        transport = ASGITransport(self.app)
        headers = {"origin": URL, "accept-language": lang}
        async with AsyncClient(transport=transport, base_url=URL, headers=headers) as client:
            if email:
                said = {"email": email, "password": make.PASSWORD}
                assert (await client.post("/sign-in", data=said)).status_code == 303
            yield client


@asynccontextmanager
async def visiting(folder: Path) -> AsyncIterator[Visit]:
    """The house whose database stands in this folder, once its sale is open."""
    settings, others = house_settings(folder, PORT), set(threading.enumerate())
    engine = create_engine(settings.database)
    sessions = sessions_of(engine)
    await rooms.people(sessions)
    sale = await rooms.running_sale(sessions, closes_s=1500)
    app = build_house(settings, engine)
    async with app.router.lifespan_context(app):
        async with asyncio.timeout(120):
            bell = app.state.rooms.hub.bell(sale.sale)  # taken before reading, so that nothing is missed
            while not await rooms.is_open(sessions, sale):
                await bell.wait()
                bell = app.state.rooms.hub.bell(sale.sale)
        yield Visit(app, sale)
    await engine.dispose()
    await _lines_ended(others)


async def _lines_ended(others: Set[threading.Thread]) -> None:
    """A line to the database that was given up while it opened ends in its own thread, which tells this loop."""
    for line in {*threading.enumerate()} - others:
        if "_connection_worker_thread" in line.name:
            await asyncio.to_thread(line.join, 60)


def fields(page: Response, which: str = "next") -> dict[str, str]:
    """The hidden fields of one of the page's bid forms."""
    form = re.search(rf'<form[^>]*data-bid="{which}".*?</form>', page.text, re.S)
    assert form is not None
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
