"""A buyer's program in the room: signed in by cookie or ticket, safe over broken connections, believing nothing."""

import asyncio
import json
import secrets
from contextlib import AsyncExitStack

import pytest
from httpx2 import AsyncClient

from pavilion.client import Client, Refused
from pavilion.client_checks import Broken, check_receipt
from pavilion.kernel.signing import SigningKey, checkpoint_text, sign_note
from tests.bidding.house import HOST, SALE_KEY, house
from tests.bidding.served import enter, hear, say, served

KEY = str(SigningKey(HOST, SALE_KEY).verifier)
QUICK = (10, 20, 40)


@pytest.fixture
async def live(sqlite_database_url, sqlite_sessions):
    async with house(sqlite_database_url, sqlite_sessions) as made, served(made) as one:
        yield one


@pytest.fixture
async def stack():
    async with AsyncExitStack() as one:
        yield one


async def program(live, stack, buyer=2, **options):
    cookie, _ = await live.cookie(live.house.buyers[buyer])
    client = Client(live.origin, cookie=cookie, key=KEY, back_off_ms=QUICK, **options)
    await stack.enter_async_context(client)
    await client.watch(live.house.sale)
    return client


async def browser(live, stack, buyer):
    cookie, _ = await live.cookie(live.house.buyers[buyer])
    socket = await stack.enter_async_context(live.socket(cookie))
    await enter(socket, live.house.sale)
    return socket


def bid(live, amount):
    made = live.house
    facts = {"op": "place_bid", "key": secrets.token_hex(16), "lot": made.lots[0], "max": amount, "currency": "USD"}
    return facts | {"rules": made.rules, "confirm": amount}


@pytest.mark.parametrize("ticket", [False, True])
async def test_two_browsers_and_one_program_bid_in_one_sale(live, stack, ticket):
    wen, ilse = await browser(live, stack, 0), await browser(live, stack, 1)
    client = await program(live, stack, ticket=ticket)
    lot = client.lots[live.house.lots[0]]
    await say(wen, **bid(live, 500_000))
    await say(ilse, **bid(live, 700_000))
    assert (await hear(ilse, "ack"))["result"] == "accepted"
    await client.until(lambda: lot.facts["bids"] == 0 or lot.leader == "B")
    refused = await client.place_bid(lot.lot, lot.ask - 1)
    assert (refused.accepted, refused.code) == (False, "below_ask")
    answer = await client.place_bid(lot.lot, 900_000, confirm=True)
    assert answer.accepted and answer.facts["state"] == "winning"
    while (await hear(ilse, "you"))["state"] != "outbid":
        pass
    await client.until(lambda: lot.leader == answer.facts.get("alias", lot.leader) and lot.price > 700_000)
    assert client.own[lot.lot]["state"] == "winning" and client.checkpoint.size >= answer.facts["n"]
    for one in (refused, answer):
        receipt = await client.receipt(one)
        assert receipt["event"]["n"] == one.facts["n"]
    with pytest.raises(Broken):
        check_receipt(receipt | {"opening": receipt["opening"] | {"amount": 900_001}}, client.key, "USD")


async def test_over_broken_connections_a_bid_counts_once_and_no_event_is_missed(live, stack):
    client = await program(live, stack)
    seen = []

    async def listen():
        async for event in client.events():
            seen.append((event["lot"], event["seq"]))

    listening = asyncio.create_task(listen())
    wen = await browser(live, stack, 0)
    lot, keys = client.lots[live.house.lots[0]], set()
    for step in range(6):
        sending = asyncio.create_task(client.place_bid(lot.lot, 600_000 + 200_000 * step, confirm=True))
        await asyncio.sleep(0)  # the bid is on its way when the line breaks
        if client._socket is not None:
            client._socket.transport.abort()
        await say(wen, **bid(live, 650_000 + 200_000 * step))
        answer = await asyncio.wait_for(sending, 5)
        keys.add(answer.key)
    assert client.connections > 1 and len(keys) == 6
    async with live.house.sessions() as session:
        from pavilion.bidding import queries

        bodies = await queries.events_after(session, lot.lot, 0)
    await client.until(lambda: lot.seq == len(bodies))
    due = [(lot.lot, json.loads(body)["seq"]) for body in bodies]
    mine = [one for one in seen if one[0] == lot.lot]
    assert mine == due[-len(mine) :] and len(mine) == len(set(mine))
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_a_program_that_died_sends_its_bid_again_under_its_key(live, stack, tmp_path):
    lot, key, keep = live.house.lots[0], secrets.token_hex(16), tmp_path / "bids.json"
    keep.write_text(json.dumps([bid(live, 500_000) | {"key": key}]))
    client = await program(live, stack, keep=keep)
    await client.until(lambda: json.loads(keep.read_text()) == [])
    again = await client.place_bid(lot, 500_000, confirm=True, key=key)
    assert again.accepted and again.facts["replayed"]


async def test_a_ticket_is_good_once_and_for_half_a_minute(live, stack):
    cookie, _ = await live.cookie(live.house.buyers[0])
    async with AsyncClient(base_url=live.origin, verify=False) as visitor:
        assert (await visitor.post("/api/v1/tickets")).status_code == 401
        first, second = [(await visitor.post("/api/v1/tickets", headers={"cookie": cookie})).json() for _ in range(2)]

    async def said(ticket):
        socket = await stack.enter_async_context(live.socket())
        await say(socket, op="hello", v=1, ticket=ticket)
        return json.loads(await socket.recv())

    assert (await said(first["ticket"]))["op"] == "welcome"
    live.house.clock.at = live.house.clock.at.replace(microsecond=0)
    for bad in (first["ticket"], "x" * 43, second["ticket"][:-1], ""):
        told = await said(bad)
        assert (told["op"], told["code"]) == ("error", "signed_out")
    from datetime import timedelta

    live.house.clock.at += timedelta(seconds=31)
    assert (await said(second["ticket"]))["code"] == "signed_out"


async def test_who_is_not_signed_in_is_told_so(live, stack):
    client = await stack.enter_async_context(Client(live.origin, key=KEY, back_off_ms=QUICK))
    with pytest.raises(Refused) as refused:
        await client.watch(live.house.sale)
    assert refused.value.code in ("signed_out", "not_found")


async def test_a_house_that_contradicts_itself_is_found_out(live, stack):
    client = await program(live, stack)
    lot = client.lots[live.house.lots[0]]
    event = {"v": 1, "sale": client.sale, "lot": lot.lot, "seq": lot.seq + 1, "n": 99, "prev": "ab" * 32}
    with pytest.raises(Broken):
        client._fold(event | {"t": "", "at": "", "type": "lot.paused", "data": {"reason": "x", "by": "S1"}})
    other = SigningKey(HOST, bytes(32))
    note = sign_note(checkpoint_text(f"{HOST}/sale/{client.sale}", 5, bytes(32)), other)
    with pytest.raises(Broken):
        client._seal(note)
    signer = SigningKey(HOST, SALE_KEY)
    client._seal(sign_note(checkpoint_text(f"{HOST}/sale/{client.sale}", 50, bytes(32)), signer))
    with pytest.raises(Broken):
        client._seal(sign_note(checkpoint_text(f"{HOST}/sale/{client.sale}", 50, bytes(31) + b"1"), signer))
