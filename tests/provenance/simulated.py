"""Simulators on a real port, in a thread of their own, and the registries of a house that asks them."""

import asyncio
import json
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx2

from pavilion.provenance import trust_table
from pavilion.provenance.registries import simulators
from pavilion.provenance.registries.connecting import connect
from pavilion.provenance.registries.file import SignedFolder
from pavilion.provenance.registries.port import SHARED_PRODUCER
from pavilion.provenance.registries.writing import RegistryWriter
from pavilion.settings import Environment, Settings
from tests.make import NOON
from tests.provenance import stones

SHARED = "SH/00001 é"  # a stone of the shared registry, with a name that must be escaped


def folder_of(folder: Path, count: int = 5) -> Path:
    with RegistryWriter(folder, stones.KEY, trust=stones.trust()) as writer:
        for number in range(1, count + 1):
            writer.add(stones.origin_id(number), chain(number))
        shared = json.loads(json.dumps(chain(900)).replace(stones.origin_id(900), SHARED))
        writer.add(SHARED, shared, registry=SHARED_PRODUCER)
    return folder


def chain(number: int) -> list[dict]:
    """A chain whose rough and stone were scanned and whose cutter claims a membership."""
    events = stones.chain(number)
    stones.event(events, "MINED")["scan"] = "11" * 32
    stones.event(events, "POLISHED") | {}
    stones.event(events, "POLISHED")["scan"] = "22" * 32
    stones.event(events, "SOLD")["rjc"] = "0000 2222"
    return events


@contextmanager
def running(folder: Path):
    """The address of simulators that speak for `folder`."""
    address, stopping, up = [], [], threading.Event()

    async def serve() -> None:
        stopping.append((asyncio.get_running_loop(), asyncio.Event()))
        await simulators.serve(folder, 0, told, stopping[0][1])

    def told(url: str) -> None:
        address.append(url)
        up.set()

    def run() -> None:
        asyncio.run(serve())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert up.wait(10)
    try:
        yield address[0]
    finally:
        loop, stop = stopping[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()


def order(address: str, registry: str, what: str, key: str | None = None) -> None:
    answer = httpx2.post(f"{address}/control", json={"registry": registry, "order": what, "key": key})
    assert answer.status_code == 200, answer.text


async def trusted(sessions, folder: Path) -> None:
    """Two persons have read who signs for these registries, and with which key."""
    signed = SignedFolder(folder)
    async with sessions.begin() as session:
        two = {"proposed_by": "cato", "approved_by": "imre", "reason": "for tests"}
        await trust_table.adopt(
            session, trust=signed.trust_rows, keys=signed.key_rows, now=NOON - timedelta(days=1), **two
        )
    signed.close()


def settings(tmp_path: Path, address: str, folder: Path, environment: Environment = Environment.TEST) -> Settings:
    path = tmp_path / "registries.json"
    path.write_text(json.dumps(simulators.registries_file(address, folder)))
    return Settings(environment=environment, data_dir=tmp_path / "house", registries=path)


def house(tmp_path: Path, address: str, folder: Path):
    return connect(settings(tmp_path, address, folder))
