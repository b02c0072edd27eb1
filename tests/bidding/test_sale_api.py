"""Sales and lots for programs: what the public pages say, and nothing that they hide."""

import asyncio
import json

from httpx2 import AsyncClient

from tests.bidding.house import house
from tests.bidding.served import served

SECRET = ("reserve", "maximum", "sealed", "leader", "consignor", "paddle")


async def test_a_program_reads_a_sale_and_its_lots_without_what_is_secret(sqlite_database_url, sqlite_sessions):
    async with (
        house(sqlite_database_url, sqlite_sessions) as made,
        served(made) as live,
        AsyncClient(base_url=live.origin, verify=False) as visitor,
    ):
        async with asyncio.timeout(60):  # the list of sales follows the book a moment later
            while (listed := (await visitor.get("/api/v1/sales")).json())["items"][0]["state"] != "open":
                await made.rooms.engine.sweep()
        sale = (await visitor.get(f"/api/v1/sales/{made.sale}")).json()
        lot = await visitor.get(f"/api/v1/lots/{made.lots[0]}")
        again = await visitor.get(f"/api/v1/lots/{made.lots[0]}", headers={"if-none-match": lot.headers["etag"]})
        other = await visitor.get("/api/v1/sales", headers={"if-none-match": '"other", W/"none"'})
        unknown = [await visitor.get(f"/api/v1/{one}") for one in ("sales/0", "lots/0", "sales/" + "0" * 26)]
    assert [one["id"] for one in listed["items"]] == [made.sale] and listed["cursor"] is None
    assert [one["id"] for one in sale["lots"]] == list(made.lots)
    first = lot.json()
    assert first["sale"] == made.sale and first["opening"]["currency"] == sale["currency"]
    assert {name: first[name] for name in ("id", "number", "state", "bids")} == {
        "id": made.lots[0], "number": sale["lots"][0]["number"], "state": "open", "bids": 0,
    }  # fmt: skip
    assert [one["id"] for one in first["stones"]] == first["stone_ids"]
    assert all("price" not in one and one["origin"]["verdict"] for one in first["stones"])  # a visitor
    assert not [word for word in SECRET for part in (listed, sale, first) if f'"{word}' in json.dumps(part)]
    assert (again.status_code, again.content) == (304, b"") and again.headers["etag"] == lot.headers["etag"]
    assert (other.status_code, other.json()) == (200, listed)
    assert [(one.status_code, one.json()["code"]) for one in unknown] == [(404, "not_found")] * 3
