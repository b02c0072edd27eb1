"""The live room over a real socket."""

import asyncio
import json
import secrets

import pytest
from sqlalchemy import update
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pavilion.accounts.models import SignInSession
from tests.bidding.house import house
from tests.bidding.served import enter, hear, say, served


@pytest.fixture
async def live(sqlite_database_url, sqlite_sessions):
    async with house(sqlite_database_url, sqlite_sessions) as made, served(made) as one:
        yield one


def bid_of(live, amount, lot=0, **changes):
    made = live.house
    facts = {"op": "place_bid", "key": secrets.token_hex(16), "lot": made.lots[lot], "max": amount, "currency": "USD"}
    return facts | {"rules": made.rules, "confirm": amount} | changes


async def in_the_room(live, buyer, stack):
    cookie, _ = await live.cookie(live.house.buyers[buyer])
    socket = await stack.enter_async_context(live.socket(cookie))
    await enter(socket, live.house.sale)
    return socket


@pytest.fixture
async def stack():
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as one:
        yield one


async def test_two_buyers_bid_against_each_other(live, stack):
    wen, ilse = await in_the_room(live, 0, stack), await in_the_room(live, 1, stack)
    await say(wen, **bid_of(live, 500_000))
    ack = await hear(wen, "ack")
    assert (ack["result"], ack["state"], ack["max"]) == ("accepted", "winning", 500_000)
    batch = await hear(ilse, "batch")
    assert [event["type"] for event in batch["events"]] == ["bid.accepted"] and "checkpoint" in batch
    await say(ilse, **bid_of(live, 700_000))
    assert (await hear(ilse, "ack"))["state"] == "winning"
    you = await hear(wen, "you")
    while you["state"] != "outbid":
        you = await hear(wen, "you")
    assert you["max"] == 500_000


async def test_the_answer_comes_before_the_room_hears_of_the_bid(live, stack):
    wen = await in_the_room(live, 0, stack)
    await say(wen, **bid_of(live, 500_000))
    ops = []
    while "batch" not in ops:
        ops.append(json.loads(await asyncio.wait_for(wen.recv(), 5))["op"])
    assert ops.index("ack") < ops.index("batch")


async def test_a_lost_answer_is_given_again_under_the_same_key(live, stack):
    wen = await in_the_room(live, 0, stack)
    bid = bid_of(live, 500_000)
    await say(wen, **bid)
    first = await hear(wen, "ack")
    again = await in_the_room(live, 0, stack)
    await say(again, **bid)
    second = await hear(again, "ack")
    assert second["replayed"] and (second["n"], second["nonce"]) == (first["n"], first["nonce"])


async def test_who_comes_back_gets_what_was_missed(live, stack):
    cookie, _ = await live.cookie(live.house.buyers[2])
    snapshot = await enter(await stack.enter_async_context(live.socket(cookie)), live.house.sale)
    seen = {lot["lot"]: lot["seq"] for lot in snapshot["lots"]}
    for buyer, amount in ((0, 500_000), (1, 700_000)):
        assert (await live.house.bid(buyer, amount)).result == "accepted"
    socket = await stack.enter_async_context(live.socket(cookie))
    again = await enter(socket, live.house.sale, seen)
    assert again["lots"] == []
    missed = await hear(socket, "batch")
    first = live.house.lots[0]
    assert [(event["lot"], event["seq"]) for event in missed["events"]] == [
        (first, seen[first] + 1),
        (first, seen[first] + 2),
    ]


async def test_the_clock_answers_with_two_instants(live, stack):
    wen = await in_the_room(live, 0, stack)
    await say(wen, op="clock", t0=1234567)
    clock = await hear(wen, "clock")
    assert clock["t0"] == 1234567 and clock["t1"] <= clock["t2"]
    await say(wen, op="ping", id=7)
    assert (await hear(wen, "pong"))["id"] == 7


@pytest.mark.parametrize(
    ("origin", "protocol"), [("https://evil.example", "pavilion.1"), ("null", "pavilion.1"), ("own", "pavilion.9")]
)
async def test_a_foreign_page_is_refused_before_the_upgrade(live, origin, protocol):
    with pytest.raises(InvalidStatus) as refused:
        async with live.socket(origin=origin, protocol=protocol):
            pass
    assert refused.value.response.status_code == 403


async def test_who_is_not_signed_in_is_told_so(live):
    async with live.socket() as socket:
        await say(socket, op="hello", v=1)
        assert (await hear(socket, "error"))["code"] == "signed_out"
        with pytest.raises(ConnectionClosed):
            await hear(socket, "welcome")


async def test_a_sign_out_closes_the_socket_within_a_second(live):
    cookie, sign_in = await live.cookie(live.house.buyers[0])
    async with live.socket(cookie) as socket:
        await enter(socket, live.house.sale)
        async with live.house.sessions.begin() as session:
            await session.execute(
                update(SignInSession).where(SignInSession.id == sign_in).values(revoked_at=live.house.clock())
            )
        assert (await hear(socket, "error", 2))["code"] == "signed_out"
        with pytest.raises(ConnectionClosed):
            await hear(socket, "batch", 2)


@pytest.mark.parametrize(
    "garbage", ["", "{", '"hello"', "[1]", '{"op":"place_bid"}', "\x00", '{"op":"watch","sale":1}']
)
async def test_garbage_is_answered_and_the_third_time_closes(live, stack, garbage):
    wen = await in_the_room(live, 0, stack)
    for _ in range(3):
        await wen.send(garbage)
        assert (await hear(wen, "error"))["code"] == "bad_message"
    with pytest.raises(ConnectionClosed) as closed:
        await hear(wen, "pong")
    assert closed.value.rcvd.code == 1008


async def test_bytes_and_too_much_are_no_messages(live, stack):
    wen = await in_the_room(live, 0, stack)
    await wen.send(b"\x00\xff")
    assert (await hear(wen, "error"))["code"] == "bad_message"
    await wen.send(" " * 20_000)
    with pytest.raises(ConnectionClosed) as closed:
        await hear(wen, "pong")
    assert closed.value.rcvd.code == 1009


async def test_a_sixth_socket_of_one_person_is_turned_away(live, stack):
    cookie, _ = await live.cookie(live.house.buyers[0])
    for _ in range(5):
        await enter(await stack.enter_async_context(live.socket(cookie)), live.house.sale)
    sixth = await stack.enter_async_context(live.socket(cookie))
    assert (await hear(sixth, "error"))["code"] == "slow_down"


async def test_an_unknown_sale_or_lot_is_answered_by_code(live, stack):
    wen = await in_the_room(live, 0, stack)
    await say(wen, **bid_of(live, 500_000, lot=0) | {"lot": "01NOWHERE"})
    assert (await hear(wen, "ack"))["code"] == "lot_unknown"
    await say(wen, op="watch", sale="01NOWHERE", lots="all")
    assert (await hear(wen, "error"))["code"] == "not_found"


async def test_no_frame_holds_another_bidders_maximum(live, stack):
    wen, ilse = await in_the_room(live, 0, stack), await in_the_room(live, 1, stack)
    await say(wen, **bid_of(live, 567_891))
    nonce = (await hear(wen, "ack"))["nonce"]
    await say(ilse, **bid_of(live, 456_789))
    heard = []
    while not (heard and heard[-1]["op"] == "ack"):
        heard.append(json.loads(await asyncio.wait_for(ilse.recv(), 5)))
    await say(ilse, op="ping", id=1)
    while heard[-1]["op"] != "pong":
        heard.append(json.loads(await asyncio.wait_for(ilse.recv(), 5)))
    told = json.dumps(heard)
    assert "567891" not in told and nonce not in told
