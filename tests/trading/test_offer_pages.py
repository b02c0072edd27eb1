"""Pages and API of offers for stones: forms that work without a script, names that nobody learns."""

from uuid import uuid4

import pytest

from pavilion.accounts.rules import Role
from pavilion.trading import offering
from pavilion.trading.models import Order
from pavilion.trading.offer_models import Offer
from tests import make
from tests.make import NOON
from tests.trading.market import PRICE, Market
from tests.trading.test_pages import SUPPLIER, Site, hidden

BUYER = "lumen.example"


@pytest.fixture
async def site(sqlite_database_url, tmp_path):
    made = Site(sqlite_database_url, tmp_path)
    yield made
    await made.engine.dispose()


async def test_an_offer_is_made_answered_and_taken_on_pages_without_names(site):
    market = await Market(site.sessions).open()
    stone = f"/stones/{market.stones[0]}"
    async with market.sessions.begin() as session:
        await make.actor(session, "tomas@pavilion.example", (Role.CASHIER,))
    async with (
        await site.browser("wen@lumen.example") as wen,
        await site.browser("sam@scheldt.example", "zh") as sam,
        await site.browser("tomas@pavilion.example") as tomas,
    ):
        assert f"{stone}/offer" in (await wen.get(stone)).text
        page = (await wen.get(f"{stone}/offer")).text
        assert SUPPLIER not in page and "6,630.00" in page
        said = hidden(page, f"{stone}/offer") | {
            "price": "6,000.00",
            "days": "3",
            "destination": "HK",
            "terms": "Boxed.",
        }
        wrong = await wen.post(f"{stone}/offer", data=said | {"price": "much"})
        assert (await wen.post(f"{stone}/offer", data=said | {"terms": "a\x00b"})).status_code == 422
        assert (
            await wen.post(f"{stone}/offer", data=said | {"terms": "two\r\nlines", "price": "0"})
        ).status_code == 422
        assert wrong.status_code == 422 and "autofocus" in wrong.text and await market.all(Offer) == []
        for price in ("6,000,000.00", "6.00"):
            slip = await wen.post(f"{stone}/offer", data=said | {"price": price})
            assert slip.status_code == 422 and 'name="confirm"' in slip.text and price in slip.text
            assert "Nothing was sent yet." in slip.text and slip.text.count(f"{price}</span>") == 1
        assert (await wen.post(f"{stone}/offer", data=said | {"price": "6", "confirm": "60"})).status_code == 422
        assert await market.all(Offer) == []
        made = await wen.post(f"{stone}/offer", data=said)
        again = await wen.post(f"{stone}/offer", data=said)
        (offer,) = await market.all(Offer)
        own = f"/desk/offers/stones/{offer.public_id}"
        assert made.status_code == 303 and made.headers["location"] == again.headers["location"] == f"{own}?done=made"
        assert own in (await wen.get(stone)).text and own in (await wen.get(f"{stone}/offer")).text
        shown = (await wen.get(own)).text
        assert "Boxed." in shown and SUPPLIER not in shown and "You would owe" in shown
        assert own in (await wen.get("/desk/offers")).text
        assert "待您答复的裸石报价：1" in (await sam.get("/desk")).text
        assert "wait for your answer" not in (await wen.get("/desk")).text
        desk = (await sam.get("/stock/offers")).text
        act = f"/stock/offers/{offer.public_id}"
        assert "Boxed." in desk and BUYER not in desk and f"{act}/acceptance" in desk
        assert (await wen.post(f"{act}/acceptance")).status_code == 403
        assert (await sam.post(f"{own}/withdrawal")).status_code == 403
        same = await sam.post(f"{act}/counter", data={"round": "1", "price": "6000", "days": "3"})
        assert same.status_code == 422 and "该价格即为现有报价" in same.text
        slip = await sam.post(f"{act}/counter", data={"round": "1", "price": "640,000", "days": "2"})
        assert slip.status_code == 422 and "请再次核对该价格" in slip.text and 'value="640,000"' in slip.text
        assert (await sam.post(f"{act}/lock")).status_code == 303
        assert "The owner keeps the stone" in (await wen.get(own)).text
        assert (await sam.post(f"{act}/unlock")).status_code == 303
        counter = await sam.post(f"{act}/counter", data={"round": "1", "price": "6,400", "days": "2"})
        assert counter.headers["location"] == "/stock/offers?done=counter"
        stale = await wen.post(f"{own}/acceptance", data={"round": "1", "seen": str(await market.seq())})
        assert stale.status_code == 409 and "The other side has answered meanwhile" in stale.text
        page = (await wen.get(own)).text
        house = (await tomas.get("/staff/orders/offers")).text
        assert BUYER in house and SUPPLIER in house and "/acceptance" not in house
        assert (await wen.post(f"{own}/acceptance", data=hidden(page, f"{own}/acceptance"))).status_code == 303
        (order,) = await market.all(Order)
        assert order.total_minor == 640_000 and order.public_id in (await wen.get(own)).text
        assert BUYER not in (await sam.get("/stock/offers")).text


async def test_the_owner_says_from_where_on_an_offer_is_worth_an_answer(site):
    market = await Market(site.sessions).open()
    async with await site.browser("sam@scheldt.example") as sam:
        assert 'value="85.50"' not in (await sam.get("/stock/offers")).text
        for share in ("0", "101", "x", "-5", "1e1", "٣"):
            refused = await sam.post("/stock/offers/floor", data={"share": share})
            assert refused.status_code == 422 and "Between 0.01 and 100" in refused.text
        assert (await sam.post("/stock/offers/floor", data={"share": "85.5%"})).status_code == 303
        assert 'value="85.50"' in (await sam.get("/stock/offers")).text
        assert (await sam.post("/stock/offers/floor", data={"share": ""})).status_code == 303
    async with market.sessions() as session:
        assert await offering.floor_of(session, market.seller) is None


async def test_programs_offer_and_answer_once_for_one_key(site):
    market = await Market(site.sessions).open()
    await market.buyer("ilse@vandael.example", "BE")
    async with (
        await site.browser("wen@lumen.example") as wen,
        await site.browser("sam@scheldt.example") as sam,
        await site.browser("ilse@vandael.example") as other,
    ):
        said = {"stones": market.stones, "seen": await market.seq(), "destination": "HK", "days": 3}
        said |= {"price": {"amount_minor": PRICE - 1, "currency": "USD"}}
        key = {"idempotency-key": "offer-0001"}
        assert (await wen.post("/api/v1/offers", json=said)).status_code == 422
        assert (await sam.post("/api/v1/offers", json=said, headers=key)).status_code == 403
        dollars = {"amount_minor": PRICE, "currency": "USD"}
        prices = [
            {"price": dollars | wrong} for wrong in ({"amount_minor": 1.0}, {"amount_minor": 0}, {"currency": "EUR"})
        ]
        for wrong in (*prices, {"days": 8}, {"more": 1}, {"stones": []}, {"terms": "\x00"}):
            assert (await wen.post("/api/v1/offers", json=said | wrong, headers=key)).status_code == 422
        far = said | {"price": dollars | {"amount_minor": PRICE * 1000}}
        slip = await wen.post("/api/v1/offers", json=far, headers=key)
        assert (slip.status_code, slip.json()["code"]) == (422, "price_unlikely")
        assert slip.json()["facts"]["asked"] == PRICE
        made = await wen.post("/api/v1/offers", json=said, headers=key)
        again = await wen.post("/api/v1/offers", json=said, headers=key)
        assert (made.status_code, made.json()) == (201, again.json()) and made.json()["turn"] == "seller"
        exists = await wen.post("/api/v1/offers", json=said, headers={"idempotency-key": "offer-0002"})
        assert (exists.status_code, exists.json()["code"]) == (409, "offer_exists")
        path = f"/api/v1/offers/{made.json()['id']}"
        assert (await other.get(path)).status_code == 404
        assert (await wen.get("/api/v1/offers/%00")).status_code == 404
        theirs = (await sam.get(path)).json()
        assert theirs["side"] == "seller" and theirs == (await sam.get("/api/v1/offers")).json()["items"][0]
        counter = {"act": "counter", "round": 1, "price": {"amount_minor": PRICE, "currency": "USD"}, "days": 1}
        assert (await sam.post(f"{path}/answers", json=counter)).status_code == 422
        short = {"act": "counter", "round": 1}
        assert (await sam.post(f"{path}/answers", json=short, headers=key)).status_code == 422
        high = counter | {"price": dollars | {"amount_minor": PRICE + 1}}
        fresh = {"idempotency-key": uuid4().hex}
        assert (await sam.post(f"{path}/answers", json=high, headers=fresh)).json()["code"] == "price_unlikely"
        for _ in range(2):
            answered = await sam.post(f"{path}/answers", json=counter, headers=key)
            assert (answered.status_code, answered.json()["round"]) == (200, 2)
        reused = await sam.post(f"{path}/answers", json=counter | {"days": 2}, headers=key)
        assert (reused.status_code, reused.json()["code"]) == (409, "key_reused")
        assert (await other.post(f"{path}/answers", json=counter, headers=key)).status_code == 404
        taken = {"act": "acceptance", "round": 2, "seen": answered.json()["seen"]}
        fresh = {"idempotency-key": uuid4().hex}
        bought = [await wen.post(f"{path}/answers", json=taken, headers=fresh) for _ in range(2)]
        assert {one.status_code for one in bought} == {200} and bought[0].json()["state"] == "accepted"
    (order,) = await market.all(Order)
    assert (bought[0].json()["order"], order.placed_at) == (order.public_id, NOON)
