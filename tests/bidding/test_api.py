"""The rooms for programs, over a real port."""

import asyncio
import secrets
from base64 import b64decode
from hashlib import sha256

import pytest

from pavilion.bidding.bus import Pace
from pavilion.bidding.verifying import verify
from pavilion.kernel.canon import canonical
from pavilion.kernel.signing import parse_checkpoint, verify_note
from pavilion.kernel.tlog import leaf_hash, verify_inclusion
from tests.auctions.world import FIRST_CLOSE
from tests.bidding.house import house
from tests.bidding.served import served
from tests.make import SECOND


@pytest.fixture
async def live(sqlite_database_url, sqlite_sessions):
    async with house(sqlite_database_url, sqlite_sessions) as made, served(made) as one:
        yield one


async def post(live, client, amount=500_000, lot=0, key=None, **changes):
    body = {"max": amount, "currency": "USD", "rules": live.house.rules, "confirm": amount} | changes
    headers = {"idempotency-key": key or secrets.token_hex(16)}
    return await client.post(f"/api/v1/lots/{live.house.lots[lot]}/bids", json=body, headers=headers)


async def test_a_bid_is_created_once_and_found_again(live):
    async with live.browser(live.house.buyers[0]) as wen:
        key = secrets.token_hex(16)
        first, second = await post(live, wen, key=key), await post(live, wen, key=key)
        assert (first.status_code, second.status_code) == (201, 200)
        assert second.json() == first.json() | {"replayed": True}
        found = await wen.get(f"/api/v1/bids/{key}")
        assert found.json()["n"] == first.json()["n"]
        other = await post(live, wen, amount=600_000, key=key)
        assert (other.status_code, other.json()["code"]) == (409, "key_reused")
    async with live.browser(live.house.buyers[1]) as ilse:
        assert (await ilse.get(f"/api/v1/bids/{key}")).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"amount": 1}, 422, "below_opening"),
        ({"amount": 0}, 422, "amount_invalid"),
        ({"amount": 10**15}, 422, "amount_too_large"),
        ({"currency": "EUR"}, 422, "wrong_currency"),
        ({"rules": "0" * 64}, 409, "rules_changed"),
        ({"amount": 40_000_000, "confirm": None}, 422, "confirm_needed"),
        ({"amount": 45_000_000}, 422, "over_limit"),
        ({"amount": "much"}, 422, "bad_input"),
        ({"amount": 1.5}, 422, "bad_input"),
        ({"amount": 2**63}, 422, "bad_input"),
        ({"currency": None}, 422, "bad_input"),
        ({"rules": ["x"]}, 422, "bad_input"),
        ({"price": 1}, 422, "bad_input"),
        ({"key": "not-hex"}, 422, "bad_input"),
    ],
)
async def test_each_refusal_is_a_problem_with_its_code(live, changes, status, code):
    async with live.browser(live.house.buyers[0]) as wen:
        answer = await post(live, wen, **changes)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unknown_lot_a_visitor_and_a_body_that_is_no_json(live):
    headers = {"idempotency-key": secrets.token_hex(16)}
    async with live.browser(live.house.buyers[0]) as wen:
        body = {"max": 1, "currency": "USD", "rules": live.house.rules}
        unknown = await wen.post("/api/v1/lots/01NOWHERE/bids", json=body, headers=headers)
        assert (unknown.status_code, unknown.json()["code"]) == (404, "lot_unknown")
        path = f"/api/v1/lots/{live.house.lots[0]}/bids"
        for rubbish in (b"", b"{", b"[]", b"\xff\xfe", b"null", b"[" * 10_000, b'{"max":1,"currency":"\\ud800"}'):
            answer = await wen.post(path, content=rubbish, headers=headers | {"content-type": "application/json"})
            assert answer.status_code in (400, 422), rubbish[:20]
    async with live.browser() as visitor:
        assert (await post(live, visitor)).status_code == 401
        assert (await visitor.get(f"/api/v1/sales/{live.house.sale}/snapshot")).status_code == 401


async def test_a_long_poll_ends_with_the_next_event(live):
    async with live.browser(live.house.buyers[0]) as wen, live.browser(live.house.buyers[1]) as ilse:
        snapshot = (await ilse.get(f"/api/v1/sales/{live.house.sale}/snapshot")).json()
        lot = snapshot["lots"][0]
        path = f"/api/v1/lots/{lot['lot']}/events?after_seq={lot['seq']}"
        assert (await ilse.get(path)).json()["events"] == []
        poll = asyncio.create_task(ilse.get(path + "&wait=25"))
        while not live.house.rooms.hub._bells:  # noqa: ASYNC110 - until the poll waits
            await asyncio.sleep(0.005)
        await post(live, wen)
        [event] = (await asyncio.wait_for(poll, 10)).json()["events"]
        assert (event["type"], event["prev"]) == ("bid.accepted", lot["hash"])
        for bad in ("?after_seq=-1", "?after_seq=x", "?wait=9999", "?after_seq=99999999999999999999"):
            assert (await ilse.get(f"/api/v1/lots/{lot['lot']}/events{bad}")).status_code == 422
        assert (await ilse.get("/api/v1/lots/01NOWHERE/events")).status_code == 404


async def test_a_receipt_proves_the_bid_to_its_bidder_alone(live):
    async with live.browser(live.house.buyers[0]) as wen, live.browser(live.house.buyers[1]) as ilse:
        told = (await post(live, wen)).json()
        await post(live, ilse, amount=700_000)
        receipt = (await wen.get(told["receipt"] + ".json")).json()
        text = verify_note(receipt["checkpoint"], [live.house.rooms.engine.signer.verifier])
        root = parse_checkpoint(text)
        proof = receipt["proof"]
        leaf = leaf_hash(canonical(receipt["event"]))
        assert verify_inclusion(leaf, proof["index"], proof["size"], [b64decode(x) for x in proof["path"]], root.root)
        assert receipt["opening"]["amount"] == 500_000 and receipt["opening"]["nonce"] == told["nonce"]
        assert (await wen.get(told["receipt"] + ".tlog-proof")).text.startswith("c2sp.org/tlog-proof@v1\nindex ")
        assert (await ilse.get(told["receipt"] + ".json")).status_code == 404
        for bad in ("x", "-1", "999999", "99999999999999999999"):
            assert (await wen.get(f"/sales/{live.house.sale}/receipts/{bad}.json")).status_code in (404, 422)


async def test_the_rules_are_public_and_the_record_once_the_sale_is_closed(live):
    async with live.browser(live.house.buyers[0]) as wen, live.browser() as visitor:
        rules = await visitor.get(f"/sales/{live.house.sale}/rules.json")
        assert sha256(rules.content).hexdigest() == live.house.rules
        record = f"/sales/{live.house.sale}/record.jsonl"
        assert (await visitor.get(record)).status_code == 404
        await post(live, wen)
        live.house.clock.at = FIRST_CLOSE + 300 * SECOND
        await live.house.until(lambda: live.house.sale not in live.house.rooms.engine.writers, 10)
        answer = await visitor.get(record)
        assert answer.status_code == 200
        verdict = verify(lambda: iter(answer.content.splitlines(keepends=True)))
        assert verdict.events > 5


async def test_the_time_is_told(live):
    async with live.browser() as visitor:
        assert (await visitor.get("/api/v1/time")).json()["t"] == "2026-03-02T13:00:01.000000Z"


async def test_too_many_bids_are_slowed_down(live):
    live.house.rooms.pace = Pace(lambda: 1.0)
    async with live.browser(live.house.buyers[0]) as wen:
        answers = [await post(live, wen, amount=500_000 + 100_000 * n) for n in range(6)]
        assert [answer.status_code for answer in answers] == [201] * 5 + [429]
