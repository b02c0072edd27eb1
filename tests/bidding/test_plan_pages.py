"""Plans over the API and on the page: only their own company sees them, and nothing needs a script."""

import re
import secrets

from sqlalchemy import text

from tests.bidding.house import house
from tests.bidding.served import served


def said(place, *lots, k=1, budget=5_000_000, **more):
    aims = [{"lot": place.lots[number], "max": most} for number, most in lots]
    body = {
        "sale": place.sale,
        "lots": aims,
        "win_at_most": k,
        "budget": budget,
        "currency": "USD",
        "rules": place.rules,
    }
    return body | more


def key(text=None):
    return {"idempotency-key": text or secrets.token_hex(16)}


async def test_a_program_makes_reads_and_cuts_a_plan(database_url, sessions):
    async with house(database_url, sessions) as place, served(place) as web, web.browser(place.buyers[0]) as buyer:
        made_under = key()
        made = await buyer.post("/api/v1/plans", json=said(place, (0, 500_000), (1, 600_000)), headers=made_under)
        assert made.status_code == 201
        plan = made.json()
        assert [lot["state"] for lot in plan["lots"]] == ["leading", "waiting"]
        assert (plan["free"], plan["held"], plan["version"]) == (plan["budget"] - plan["spent"], 1, 1)
        again = await buyer.post("/api/v1/plans", json=said(place, (0, 500_000), (1, 600_000)), headers=made_under)
        assert again.status_code == 200 and again.json()["replayed"] and again.json()["plan"] == plan["plan"]
        other = await buyer.post("/api/v1/plans", json=said(place, (0, 500_000)), headers=made_under)
        assert (other.status_code, other.json()["code"]) == (409, "key_reused")
        address = f"/api/v1/plans/{plan['plan']}"
        assert (await buyer.get(address)).json() == {name: plan[name] for name in plan if name != "replayed"}
        cut = await buyer.patch(address, json={"budget": 4_000_000, "version": 1}, headers=key())
        assert (cut.status_code, cut.json()["budget"], cut.json()["version"]) == (200, 4_000_000, 2)
        for body, status, code in (
            ({"budget": 4_500_000}, 422, "plan_invalid"),
            ({"budget": 3_000_000, "version": 1}, 409, "stale_version"),
            ({"win_at_most": -1}, 422, "bad_input"),
            ({"lots": [{"lot": place.lots[0], "max": 1}]}, 422, "plan_invalid"),
        ):
            refused = await buyer.patch(address, json=body, headers=key())
            assert (refused.status_code, refused.json()["code"]) == (status, code)
        listed = (await buyer.get("/api/v1/plans", params={"sale": place.sale})).json()["plans"]
        assert [one["plan"] for one in listed] == [plan["plan"]]


async def test_nobody_else_finds_a_plan(database_url, sessions):
    async with house(database_url, sessions) as place, served(place) as web:
        async with web.browser(place.buyers[0]) as buyer:
            plan = (await buyer.post("/api/v1/plans", json=said(place, (0, 777_700)), headers=key())).json()["plan"]
        async with web.browser(place.buyers[1]) as other:
            assert (await other.get(f"/api/v1/plans/{plan}")).status_code == 404
            assert (await other.patch(f"/api/v1/plans/{plan}", json={"budget": 1}, headers=key())).status_code == 404
            assert (await other.get("/api/v1/plans", params={"sale": place.sale})).json() == {"plans": []}
            assert "777" not in (await other.get(f"/sales/{place.sale}/plans")).text
        async with web.browser(place.world.lead) as staff:
            assert (await staff.get(f"/api/v1/plans/{plan}")).status_code == 403
            assert (await staff.get(f"/sales/{place.sale}/plans")).status_code == 403
        async with web.browser() as nobody:
            assert (await nobody.get(f"/api/v1/plans/{plan}")).status_code == 401
        async with sessions() as session:
            for table in ("book_plans", "book_events", "events", "book_bids"):
                assert "777700" not in str((await session.execute(text(f"select * from {table}"))).all())


async def test_a_plan_above_the_limit_is_refused_with_what_is_left(database_url, sessions):
    async with house(database_url, sessions) as place, served(place) as web, web.browser(place.buyers[0]) as buyer:
        dear = said(place, (0, 60_000_000), budget=90_000_000)
        answer = await buyer.post("/api/v1/plans", json=dear, headers=key())
        assert (answer.status_code, answer.json()["code"]) == (422, "over_limit")
        assert answer.json()["facts"]["headroom"] == 50_000_000


async def test_the_page_makes_orders_and_cuts_a_plan_without_a_script(database_url, sessions):
    async with house(database_url, sessions) as place, served(place) as web, web.browser(place.buyers[0]) as buyer:
        address, (one, two) = f"/sales/{place.sale}/plans", place.lots
        buyer.headers["origin"] = web.origin
        page = (await buyer.get(f"{address}?add={one}")).text
        assert f'data-row="{one}"' in page and f'<option value="{two}"' in page
        said_so_far = {"lot": [one], "max": ["5,000"], "win_at_most": "1", "budget": "20,000"}
        added = (await buyer.post(address, data=said_so_far | {"add": two, "act": "add"})).text
        assert re.findall(r'data-row="(\w+)"', added) == [one, two] and 'value="5,000"' in added
        both = said_so_far | {"lot": [one, two], "max": ["5,000", "6,000"]}
        moved = (await buyer.post(address, data=both | {"act": f"up:{two}"})).text
        assert re.findall(r'data-row="(\w+)"', moved) == [two, one]
        refused = await buyer.post(address, data=both | {"act": "make", "budget": "nothing"})
        assert refused.status_code == 422 and 'value="nothing" required aria-invalid="true"' in refused.text
        assert 'value="6,000"' in refused.text and refused.text.count("aria-invalid") == 1
        slip = await buyer.post(address, data=both | {"act": "make", "max": ["7,0", "6,000"], "win_at_most": "3"})
        assert slip.status_code == 422 and 'value="7,0" required aria-invalid="true"' in slip.text
        assert slip.text.count("aria-invalid") == 2 and f'href="#max-{one}"' in slip.text
        made = await buyer.post(address, data=both | {"act": "make", "key": secrets.token_hex(16)})
        assert made.status_code == 303
        shown = (await buyer.get(made.headers["location"])).text
        assert "You lead" in shown and "Waiting" in shown and "Still free" in shown
        plan = re.search(r'id="plan-(\w{26})"', shown)[1]
        assert 'value="20,000"' in shown and "Does not fit now" not in shown
        assert (await buyer.post(f"{address}/{plan}", data={"budget": "1,000"})).status_code == 303
        assert "Does not fit now" in (await buyer.get(address)).text
        out = await buyer.post(f"{address}/{plan}", data={"out": two, "version": "2"})
        assert out.status_code == 303 and "Taken out" in (await buyer.get(address)).text
        raised = await buyer.post(f"{address}/{plan}", data={"budget": "30,000"})
        assert raised.status_code == 422


async def test_the_room_shows_what_a_plan_wants(database_url, sessions):
    async with house(database_url, sessions) as place, served(place) as web, web.browser(place.buyers[0]) as buyer:
        await buyer.post("/api/v1/plans", json=said(place, (0, 500_000), (1, 600_000)), headers=key())
        page = (await buyer.get(f"/sales/{place.sale}/room")).text
        lane = re.search(r'data-lane="plan".*?</section>', page, re.S)[0]
        assert place.lots[1] in lane and place.lots[0] not in lane and "In a plan" in lane
        assert f"/sales/{place.sale}/plans" in page
        async with web.browser(place.buyers[1]) as other:
            assert "in-plan" not in (await other.get(f"/sales/{place.sale}/room")).text
