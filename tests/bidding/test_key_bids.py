"""A company's program bids with a key: over the interface, and in the room by a ticket; both end with the key."""

import asyncio
import json
import secrets
from contextlib import AsyncExitStack
from dataclasses import replace

from httpx2 import AsyncClient
from sqlalchemy import select

from pavilion.accounts import keys
from pavilion.accounts.rules import Permission
from pavilion.accounts.scopes import Scope
from pavilion.webkit.kept_models import KeptAnswer
from tests.bidding.house import house
from tests.bidding.served import enter, hear, say, served


async def test_a_key_bids_and_enters_the_room_until_it_is_revoked(sqlite_database_url, sqlite_sessions):
    async with house(sqlite_database_url, sqlite_sessions) as made, served(made) as live, AsyncExitStack() as stack:
        buyer = made.buyers[0]
        admin = replace(buyer, permissions=buyer.permissions | {Permission.PEOPLE_EDIT})
        async with made.sessions.begin() as session:
            said = {"days": 30, "actor": admin, "now": made.clock()}
            bids, reads = [
                (await keys.make(session, name=scope, scopes=[scope], **said))[1]
                for scope in (Scope.BID_WRITE, Scope.SALES_READ)
            ]
        client = await stack.enter_async_context(AsyncClient(base_url=live.origin, verify=False))
        offer = {"max": 500_000, "currency": "USD", "rules": made.rules, "confirm": 500_000}
        sent = {"authorization": f"Bearer {bids}", "idempotency-key": secrets.token_hex(16)}
        address = f"/api/v1/lots/{made.lots[0]}/bids"
        first = await client.post(address, json=offer, headers=sent)
        again = await client.post(address, json=offer, headers=sent)
        shut = await client.post(address, json=offer, headers=sent | {"authorization": f"Bearer {reads}"})
        own = await client.get(f"/api/v1/bids/{sent['idempotency-key']}", headers=sent)
        assert (first.status_code, again.status_code) == (201, 200) and again.json()["replayed"]
        assert (shut.status_code, shut.json()["code"]) == (403, "scope_missing")
        assert own.json()["n"] == first.json()["n"]
        asked = [await client.post("/api/v1/tickets", headers=sent) for _ in range(2)]
        ticket = asked[0].json()["ticket"]
        async with made.sessions() as session:
            kept = await session.scalar(select(KeptAnswer.body))
        assert [one.status_code for one in asked] == [201, 200] and asked[1].json() == asked[0].json()
        assert kept == {"expires_at": asked[0].json()["expires_at"]}, "a ticket is told again, and never kept"
        socket = await stack.enter_async_context(live.socket())
        await say(socket, op="hello", v=1, ticket=ticket)
        assert json.loads(await socket.recv())["op"] == "welcome"
        await enter(socket, made.sale)
        async with made.sessions.begin() as session:
            await keys.revoke(session, public_id=bids[3:29], actor=admin, now=made.clock())
        assert (await client.post("/api/v1/tickets", headers=sent)).json()["code"] == "api_key_unknown"
        async with asyncio.timeout(10):
            assert (await hear(socket, "error"))["code"] == "signed_out"
        late = await stack.enter_async_context(live.socket())
        await say(late, op="hello", v=1, ticket=ticket)
        assert json.loads(await late.recv())["code"] == "signed_out"
