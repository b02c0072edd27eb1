"""A real house under load, killed with -9 again and again; what it acknowledged must be there afterwards."""

import asyncio
import contextlib
import hashlib
import itertools
import os
import secrets
import signal
import socket
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from httpx2 import AsyncClient, HTTPError
from sqlalchemy import select

from pavilion.accounts.models import SignInSession
from pavilion.auctions.models import Sale
from pavilion.bidding import folding
from pavilion.bidding.book_sqlite import SqliteBook
from pavilion.bidding.models import BookBid
from pavilion.bidding.vault import Vault
from pavilion.kernel import db, migrating
from pavilion.kernel.clock import utc_now
from pavilion.settings import Settings, with_secrets
from tests.auctions import world
from tests.bidding.house import registered
from tests.forked import Forked, pavilion

BUYERS = 8


@dataclass
class Load:
    """What the bidders sent and what they were told."""

    folder: Path
    port: int
    sale: str = ""
    rules: str = ""
    lots: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)  # key -> answer
    in_doubt: dict[str, tuple[int, str, int]] = field(default_factory=dict)  # key -> buyer, lot, amount
    amounts: "itertools.count[int]" = field(default_factory=lambda: itertools.count(400_000, 100_000))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


async def furnish(folder: Path, database_url: str = "") -> Load:
    """A house with a sale that is open now, and buyers who are signed in."""
    load = Load(folder, free_port())
    engine = db.create_engine(database_url or db.sqlite_url(folder / "pavilion.db"))
    await migrating.to_head(engine)
    sessions, now = db.sessions_of(engine), utc_now()
    made = await world.build(sessions, 2)
    soon, later = now + timedelta(seconds=1), now + timedelta(hours=3)
    load.sale = await world.published(sessions, made, opens_at=soon, first_close_at=later)
    load.lots = await world.order(sessions, load.sale)
    for number in range(1, BUYERS + 1):
        buyer, _ = await registered(sessions, made, load.sale, number)
        token = secrets.token_urlsafe(16)
        digest = hashlib.sha256(token.encode()).hexdigest()
        async with sessions.begin() as session:
            facts = {"token_sha256": digest, "person_id": buyer.person_id, "created_at": now, "last_seen_at": now}
            session.add(SignInSession(**facts))
        load.cookies.append(f"session={token}")
    async with sessions() as session:
        load.rules = str(await session.scalar(select(Sale.rules_hash).where(Sale.public_id == load.sale)))
    await engine.dispose()
    return load


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def serve(load: Load) -> Forked:
    """The production command, until it answers bids."""
    words, errors = ("serve", "--port", str(load.port), "--data", str(load.folder)), load.folder / "errors.log"
    process = Forked(pavilion, *words, env=os.environ, said=errors)
    async with asyncio.timeout(40), AsyncClient(base_url=load.url, verify=False) as client:
        while True:
            assert process.returncode is None, errors.read_text()[-2000:]
            with contextlib.suppress(HTTPError):
                if (await client.get("/api/v1/time")).status_code == 200:
                    return process
            await asyncio.sleep(0.1)


async def bid(load: Load, client: AsyncClient, key: str, buyer: int, lot: str, amount: int) -> None:
    """One bid, remembered as acknowledged or in doubt."""
    load.in_doubt[key] = (buyer, lot, amount)
    body = {"max": amount, "currency": "USD", "rules": load.rules, "confirm": amount}
    headers = {"cookie": load.cookies[buyer], "idempotency-key": key}
    answer = await client.post(f"/api/v1/lots/{lot}/bids", json=body, headers=headers)
    told = answer.json()
    facts = told if answer.status_code in (200, 201) else told["facts"] | {"code": told["code"]}
    if facts.get("n") is not None:
        load.acknowledged[key] = facts
        del load.in_doubt[key]
    elif facts["code"] != "engine_away":
        del load.in_doubt[key]  # told that nothing was recorded


async def press(load: Load, enough: int) -> None:
    """Every buyer bids as fast as one may until so many answers came."""

    async def buyer(number: int) -> None:
        async with AsyncClient(base_url=load.url, timeout=10, verify=False) as client:
            while len(load.acknowledged) < enough:
                amount = next(load.amounts)
                with contextlib.suppress(HTTPError, ValueError):
                    await bid(load, client, secrets.token_hex(16), number, load.lots[amount // 100_000 % 2], amount)
                await asyncio.sleep(0.2)  # five a second is what one paddle may

    await asyncio.gather(*(buyer(number) for number in range(BUYERS)))


async def killed_under_load(load: Load, more: int) -> None:
    """Served, pressed, and killed in the middle of it."""
    process = await serve(load)
    pressing = asyncio.create_task(press(load, 10**9))
    try:
        enough = len(load.acknowledged) + more
        async with asyncio.timeout(30):
            while len(load.acknowledged) < enough:  # noqa: ASYNC110 - the load is the clock
                await asyncio.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)
        await process.wait()


async def settle_doubts(load: Load) -> None:
    """Each bid without an answer is sent again under its key and now gets one, and only one."""
    process = await serve(load)
    try:
        async with AsyncClient(base_url=load.url, timeout=10, verify=False) as client, asyncio.timeout(40):
            for key, (buyer, lot, amount) in list(load.in_doubt.items()):
                while key in load.in_doubt:
                    await bid(load, client, key, buyer, lot, amount)
                    await asyncio.sleep(0.2)
            for key in list(load.acknowledged)[-5:]:
                answers = [
                    await client.get(f"/api/v1/bids/{key}", headers={"cookie": cookie}) for cookie in load.cookies
                ]
                assert sorted(answer.status_code for answer in answers) == [200] + [404] * (BUYERS - 1)
    finally:
        process.terminate()
        await process.wait()


async def check(load: Load) -> int:
    """Every acknowledged bid is in the book as it was told, and the book replays; how many there are."""
    engine = db.create_engine(db.sqlite_url(load.folder / "pavilion.db"))
    async with db.sessions_of(engine)() as session:
        rows = {row.key: row for row in await session.scalars(select(BookBid))}
    await engine.dispose()
    for key, told in load.acknowledged.items():
        assert key in rows, f"bid {key} was acknowledged and is gone"
        assert (rows[key].n, rows[key].code) == (told["n"], told["code"])
    store = SqliteBook(str(load.folder / "pavilion.db"), utc_now)
    stored = await store.load(load.sale)
    await store.close()
    assert stored is not None
    settings = with_secrets(Settings(data_dir=load.folder))
    vault = Vault(bytes.fromhex(settings.data_key.get_secret_value()))
    book = folding.load(stored, vault.of_sale(load.sale, stored.book.wrapped_key))
    assert book.n == len(stored.lines) and set(rows) == {key for _, key in book.given}
    return len(load.acknowledged)
