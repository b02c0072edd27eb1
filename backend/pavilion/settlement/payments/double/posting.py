"""Calls the house's webhook with what is due, again and again, until it is told to stop."""

import asyncio
from urllib.parse import urlsplit

import httpx2

from pavilion.settlement.payments.double import checkout
from pavilion.settlement.payments.double.orders import NoSuchOrder
from pavilion.settlement.payments.double.telling import Call, answered, due
from pavilion.settlement.payments.double.world import World

PAUSE_S = 0.5  # between two looks when nothing rings
PATIENCE_S = 20
LOCAL = ("127.0.0.1", "localhost", "::1")


class Postman:
    """One at a time, in the order in which they are due."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bell = asyncio.Event()
        world.rung = self._bell.set

    @property
    def address(self) -> str | None:
        return self._world.state.note("webhook") or None

    def call(self, address: str) -> None:
        """Where the house is told from now on; only on this machine."""
        parts = urlsplit(address)
        if address and (parts.scheme not in ("http", "https") or parts.hostname not in LOCAL):
            raise NoSuchOrder("webhook")
        self._world.state.set_note("webhook", address)
        self._bell.set()

    async def run(self) -> None:
        async with httpx2.AsyncClient(timeout=PATIENCE_S) as client:
            while True:
                self._bell.clear()
                checkout.expire_due(self._world)
                if self.address:
                    await self._round(client)
                try:
                    async with asyncio.timeout(PAUSE_S):
                        await self._bell.wait()
                except TimeoutError:
                    continue

    async def _round(self, client: httpx2.AsyncClient) -> None:
        for call in due(self._world):
            answered(self._world, call, await self._send(client, call))

    async def _send(self, client: httpx2.AsyncClient, call: Call) -> int | None:
        headers = {"Stripe-Signature": call.signature, "Content-Type": "application/json; charset=utf-8"}
        try:
            answer = await client.post(self.address or "", content=call.body, headers=headers)
        except httpx2.HTTPError:
            return None
        return int(answer.status_code)
