"""The protocol's document says what the code says: every op, every member, and every frame that really flows."""

import asyncio
import json
import secrets
from contextlib import AsyncExitStack
from typing import get_args

import pytest
from httpx2 import AsyncClient
from jsonschema import Draft202012Validator

from pavilion.bidding.asyncapi import document
from pavilion.bidding.messages import FromBrowser, ToBrowser
from tests.bidding.house import house
from tests.bidding.served import enter, say, served
from tests.pointed import found, pointers

DOC = document("https://auctions.example")
SAID = {
    "hello": {"v": 1, "ticket": "x", "lang": "zh"},
    "watch": {"sale": "S", "lots": "all", "after": {"L": 4}},
    "unwatch": {"sale": "S", "lots": ["L"]},
    "place_bid": {
        "key": "ab" * 16, "lot": "L", "max": 5, "currency": "USD", "rules": "ab" * 32, "confirm": None,
    },
    "seal_bid": {"key": "ab" * 16, "lot": "L", "envelope": {}},
    "clock": {"t0": 12},
    "ping": {"id": 7},
}  # fmt: skip


def schemas_of(operation):
    """Schema by op of all that an operation carries, with the parts it points to."""
    by_op = {}
    for one in DOC["operations"][operation]["messages"]:
        message = found(DOC, found(DOC, one["$ref"])["$ref"])
        schema = {"$ref": message["payload"]["$ref"], "components": DOC["components"]}
        Draft202012Validator.check_schema(found(DOC, message["payload"]["$ref"]))
        by_op[message["name"]] = Draft202012Validator(schema)
    return by_op


def test_every_message_stands_in_it_with_all_its_members():
    for operation, union in (("say", FromBrowser), ("hear", ToBrowser)):
        there = {}
        for one in DOC["operations"][operation]["messages"]:
            message = found(DOC, found(DOC, one["$ref"])["$ref"])
            there[message["name"]] = set(found(DOC, message["payload"]["$ref"])["properties"])
        assert there == {get_args(m.model_fields["op"].annotation)[0]: set(m.model_fields) for m in get_args(union)}
    assert (DOC["asyncapi"], DOC["channels"]["live"]["address"]) == ("3.0.0", "/live")


def test_every_pointer_leads_somewhere():
    assert all(found(DOC, pointer) is not None for pointer in pointers(DOC))


def test_what_a_client_may_say_is_what_it_says():
    says = schemas_of("say")
    assert says.keys() == SAID.keys()
    for op, facts in SAID.items():
        says[op].validate({"op": op} | facts)
        assert not says[op].is_valid({"op": op, "more": 1} | facts)


async def test_what_the_house_says_is_what_the_document_says(sqlite_database_url, sqlite_sessions):
    hears, heard = schemas_of("hear"), {}
    async with house(sqlite_database_url, sqlite_sessions) as made, served(made) as live, AsyncExitStack() as stack:
        async with AsyncClient(base_url=live.origin, verify=False) as visitor:
            given = (await visitor.get("/api/v1/asyncapi.json")).json()
        assert given == document(live.origin)
        cookie, _ = await live.cookie(made.buyers[0])
        socket = await stack.enter_async_context(live.socket(cookie))
        await say(socket, op="hello", v=1)
        await say(socket, op="watch", sale=made.sale, lots="all")
        await say(socket, op="ping", id=1)
        await say(socket, op="clock", t0=1)
        await say(socket, op="nothing")
        bid = {"op": "place_bid", "lot": made.lots[0], "max": 500_000, "currency": "USD", "rules": made.rules}
        await say(socket, **bid, key=secrets.token_hex(16))
        await say(socket, **bid, key=secrets.token_hex(16), confirm=500_000)
        wanted = {"welcome", "snapshot", "pong", "clock", "error", "ack", "batch", "you"}
        async with asyncio.timeout(10):
            while not wanted <= heard.keys():
                frame = json.loads(await socket.recv())
                hears[frame["op"]].validate(frame)
                heard[frame["op"]] = frame
        again = await stack.enter_async_context(live.socket(cookie))
        hears["snapshot"].validate(await enter(again, made.sale, {made.lots[0]: 1}))


@pytest.mark.parametrize("url", ["https://auctions.example", "http://127.0.0.1:8000"])
def test_the_server_is_the_house_itself(url):
    server = document(url)["servers"]["house"]
    assert server["protocol"] == ("wss" if url.startswith("https") else "ws") and server["host"] in url
