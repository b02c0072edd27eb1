"""A real Chromium before a real house: the server is a process of its own, on a clean SQLite.

Playwright's own loop runs while a browser is open, so browsers live no longer than a module.
"""

import os
import re
import shutil
import socket
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from pavilion.kernel.db import create_engine, sessions_of
from tests import make, need
from tests.browser import rooms, serve
from tests.conftest import run
from tests.forked import Forked

PATIENCE_S = 120  # with a house that does its work, however busy the machine is
HONG_KONG, ANTWERP = "Asia/Hong_Kong", "Europe/Brussels"
expect.set_options(timeout=30_000)  # what is awaited comes in parts of a second; on a busy machine it comes later
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 780}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class House:
    """A house at work, and the hands behind its scenes."""

    def __init__(self, data: Path, port: int, **given: str) -> None:
        """`given`: further settings, by the names they have in the environment."""
        self.data, self.port, self.url, self._given = data, port, f"http://127.0.0.1:{port}", given
        self.settings = serve.house_settings(data, port)
        self._server: Forked | None = None

    def do(self, work: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **facts: Any) -> Any:
        """The verb over the house's own database, in a loop of its own."""

        async def done() -> Any:
            engine = create_engine(self.settings.database)
            try:
                return await work(sessions_of(engine), *args, **facts)
            finally:
                await engine.dispose()

        return run(done())

    def sale(self, *, closes_s: int, lots: int = 3, soft_close: int = 120, **changes: Any) -> rooms.RunningSale:
        said = {"closes_s": closes_s, "lots": lots, "soft_close": soft_close} | changes
        made: rooms.RunningSale = self.do(rooms.running_sale, **said)
        until = time.monotonic() + PATIENCE_S
        while not self.do(rooms.is_open, made):
            assert time.monotonic() < until, "the sale did not open"
        return made

    def start(self) -> None:
        self._server = Forked(serve.run, str(self.data), str(self.port), env=os.environ | self._given)
        try:
            self._wait_until_open(self._server)
        except BaseException:
            self.stop()
            raise

    def _wait_until_open(self, server: Forked) -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            assert server.returncode is None, "the house did not open"
            try:
                with urllib.request.urlopen(f"{self.url}/sales", timeout=PATIENCE_S):
                    return
            except OSError:
                time.sleep(0.1)  # a process that starts can only be asked again
        raise AssertionError("the house did not open in time")

    def stop(self) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.ended(PATIENCE_S)
            self._server = None


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("house")
    shutil.copy(sqlite_template, data / "pavilion.db")
    house = House(data, free_port())
    house.do(rooms.people)
    house.start()
    yield house
    house.stop()


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    rooted = ["--no-sandbox"] if os.geteuid() == 0 else []
    with pytest.MonkeyPatch.context() as unwatched:
        # Its loop is Playwright's own: watched by asyncio's debugging, it took twice as long to say nothing of ours.
        unwatched.delenv("PYTHONASYNCIODEBUG", raising=False)
        playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=need.browser(), args=rooted)
    yield browser
    browser.close()
    playwright.stop()


class Reader:
    """Somebody at a browser. What the page's console complains of fails the test at its end."""

    def __init__(self, house: House, context: BrowserContext) -> None:
        self.house, self.context = house, context
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self.faults.append(said.text) if said.type == "error" else None)

    def go(self, path: str) -> Page:
        self.page.goto(self.house.url + path)
        return self.page

    def forgive(self, fault: str) -> None:
        """What a test provokes itself is no fault."""
        self.faults = [said for said in self.faults if fault not in said]

    def live(self, path: str) -> Page:
        """The page with its line to the room and the time known."""
        page = self.go(path)
        expect(page.locator("[data-link]")).to_have_attribute("data-within", re.compile(r"\d+"), timeout=15_000)
        return page


@pytest.fixture
def reader(house: House, chrome: Browser) -> Iterator[Callable[..., Reader]]:
    """`reader(WEN, lang="zh", phone=True)`: signed in, in a browser of their own."""
    opened: list[Reader] = []

    def sit_down(
        email: str | None,
        *,
        lang: str = "en",
        phone: bool = False,
        zone: str = HONG_KONG,
        script: bool = True,
        **more: Any,
    ) -> Reader:
        context = chrome.new_context(
            viewport=PHONE if phone else DESK,  # type: ignore[arg-type]
            locale="zh-CN" if lang == "zh" else "en-GB",
            timezone_id=zone,
            java_script_enabled=script,
        )
        context.set_default_timeout(PATIENCE_S * 1000)
        post = {"headers": {"origin": house.url}, "max_redirects": 0}
        if email:
            form = {"email": email, "password": make.PASSWORD}
            assert context.request.post(f"{house.url}/sign-in", form=form, **post).status == 303  # type: ignore[arg-type]
        context.request.post(f"{house.url}/language", form={"to": lang, "back": "/"}, **post)  # type: ignore[arg-type]
        found = Reader(house, context)
        opened.append(found)
        return found

    yield sit_down
    faults = [fault for one in opened for fault in one.faults]
    for one in opened:
        one.context.close()
    assert faults == []
