"""The watch over the loop finds a step of the house that takes long, and leaves a test's own work alone."""

import asyncio
from time import thread_time

from httpx2 import ASGITransport, AsyncClient

from tests import unhurried


def work(seconds: float) -> None:
    until = thread_time() + seconds
    while thread_time() < until:
        pass


async def lazy(scope, receive, send):
    if scope["path"] == "/spared":
        with unhurried.spared():
            work(0.05)
    else:
        work(0.05)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def test_a_request_that_works_on_the_loop_is_found_and_the_tests_own_work_is_not(monkeypatch):
    monkeypatch.setattr(unhurried, "MOST_S", 0.03)
    work(0.05)
    await asyncio.sleep(0)
    assert unhurried.held_up() == []
    async with AsyncClient(transport=ASGITransport(lazy), base_url="http://house.test") as client:
        assert (await client.get("/")).status_code == 204
        (told,) = unhurried.held_up()
        assert (await client.get("/spared")).status_code == 204 and unhurried.held_up() == []
    assert told.startswith("ASGITransport.handle_async_request held up the loop for 0.0")


async def test_what_a_thread_works_out_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(unhurried, "MOST_S", 0.03)
    await asyncio.to_thread(work, 0.05)
    assert unhurried.held_up() == []
