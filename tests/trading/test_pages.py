"""Pages and API of holds and orders: forms that work without a script, names that nobody learns too soon."""

import re
from uuid import uuid4

import pytest
from httpx2 import ASGITransport, AsyncClient
from sqlalchemy import select

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.accounts.sign_in import COOKIE
from pavilion.kernel.db import create_engine
from pavilion.main import build_web, sessions_of
from pavilion.settings import Settings
from pavilion.settlement import ordered
from pavilion.trading.models import Hold, Order
from tests import make
from tests.auctions import world
from tests.make import HOUR, NOON
from tests.trading.market import PRICE, Market

ORIGIN = {"sec-fetch-site": "same-origin"}
SUPPLIER = "Scheldt Diamonds"


class Site:
    def __init__(self, url, folder):
        self.now = NOON
        self.settings = Settings(environment="test", data_dir=folder, data_key="07" * 32)
        self.engine = create_engine(url)
        self.app = build_web(self.settings, self.engine, lambda: self.now, None)
        self.sessions = sessions_of(self.settings, self.engine)

    async def browser(self, email=None, lang="en"):
        cookies = {"lang": lang}
        if email:
            async with self.sessions.begin() as session:
                person = await session.scalar(select(Person).where(Person.email == email))
                person.lang, person.password_hash = lang, make.HASH
                cookies[COOKIE] = await accounts.sign_in(
                    session, email=email, password=make.PASSWORD, browser="t", now=self.now
                )
        return AsyncClient(
            transport=ASGITransport(self.app), base_url="http://pavilion.test", cookies=cookies, headers=ORIGIN
        )


@pytest.fixture
async def site(sqlite_database_url, tmp_path):
    made = Site(sqlite_database_url, tmp_path)
    yield made
    await made.engine.dispose()


def hidden(text, action):
    """What the form with this action sends of itself."""
    (form,) = re.findall(rf'<form[^>]*method="post" action="{action}">(.*?)</form>', text, re.S)
    return dict(re.findall(r'<input type="hidden" name="([a-z]+)" value="([^"]*)"', form))


async def test_a_stone_is_held_renewed_and_bought_from_its_page(site):
    market = await Market(site.sessions).open()
    stone = f"/stones/{market.stones[0]}"
    await market.buyer("ilse@vandael.example", "BE")
    async with (
        await site.browser("wen@lumen.example") as wen,
        await site.browser("ilse@vandael.example") as other,
    ):
        shown = (await wen.get(stone)).text
        assert SUPPLIER not in shown and f"{stone}/order" in shown
        held = await wen.post(f"{stone}/hold", data=hidden(shown, f"{stone}/hold"))
        assert (held.status_code, held.headers["location"]) == (303, "/desk/holds?done=active")
        shown = (await wen.get(stone)).text
        assert SUPPLIER in shown and "Your hold" in shown
        theirs = (await other.get(stone)).text
        assert SUPPLIER not in theirs and f"{stone}/order" not in theirs and f"{stone}/wait" in theirs
        assert (await other.post(f"{stone}/wait")).status_code == 303
        desk = (await wen.get("/desk/holds")).text
        assert (SUPPLIER in desk and "24 h" in desk.lower()) or "left" in desk
        (hold,) = await market.all(Hold)
        assert (await other.post(f"/desk/holds/{hold.public_id}/release")).status_code == 404
        assert (await wen.post(f"/desk/holds/{hold.public_id}/renewal")).status_code == 303
        assert (await wen.post(f"/desk/holds/{hold.public_id}/renewal")).status_code == 409
        for ends, said in ((NOON, "Your hold has expired."), (NOON + 48 * HOUR, "Held until")):
            async with site.sessions.begin() as session:
                (await session.get_one(Hold, hold.id)).expires_at = ends
            late = await wen.post(f"/desk/holds/{hold.public_id}/renewal")
            assert said in (await wen.get(late.headers.get("location", "/desk/holds"))).text
        page = (await wen.get(f"{stone}/order?destination=HK")).text
        assert "6,630.00" in page and "Export to" in page
        said = hidden(page, f"{stone}/order")
        bought = await wen.post(f"{stone}/order", data=said)
        again = await wen.post(f"{stone}/order", data=said)
        assert bought.status_code == 303 and bought.headers["location"] == again.headers["location"]
        (order,) = await market.all(Order)
        mine = (await wen.get(f"/desk/orders/{order.public_id}")).text
        assert SUPPLIER in mine and "Waits for the owner" in mine
        assert (await other.get(f"/desk/orders/{order.public_id}")).status_code == 404
        late = await other.post(
            f"{stone}/order", data=said | {"key": uuid4().hex, "hold": "", "seen": str(await market.seq())}
        )
        assert late.status_code == 409 and "This stone is sold." in late.text
        assert order.public_id in (await wen.get("/desk/orders")).text


async def test_what_changed_is_said_on_the_page_before_anything_is_bought(site):
    market = await Market(site.sessions).open()
    stone = f"/stones/{market.stones[0]}"
    async with await site.browser("wen@lumen.example", "zh") as wen:
        said = hidden((await wen.get(f"{stone}/order")).text, f"{stone}/order")
        dearer = await wen.post(f"{stone}/order", data=said | {"price": str(PRICE - 100)})
        assert dearer.status_code == 409 and "价格已变动" in dearer.text and "autofocus" in dearer.text
        stale = await wen.post(f"{stone}/order", data=said | {"seen": str(int(said["seen"]) - 1)})
        assert stale.status_code == 409 and "该裸石资料刚有变更" in stale.text
        held = await wen.post(f"{stone}/hold", data={"key": "k" * 8, "seen": "0"})
        assert held.status_code == 409 and "该裸石没有为您预留" in held.text and f'href="{stone}"' in held.text
        closed = await wen.post(f"{stone}/order", data=said | {"destination": "XX"})
        assert closed.status_code == 409 and await market.all(Order) == []
        for wrong in ({"price": "1.5"}, {"seen": "-1"}, {"key": ""}, {"destination": "hk"}, {"more": "1"}):
            assert (await wen.post(f"{stone}/order", data=said | wrong)).status_code == 422


async def test_the_owner_answers_and_the_house_calls_off_without_names_where_none_belong(site):
    market = await Market(site.sessions).open(stones=2)
    first, second = await market.buy(), await market.buy(stone=market.stones[1])
    async with market.sessions.begin() as session:
        await make.actor(session, "tomas@pavilion.example", (Role.CASHIER,))
    async with await site.browser("sam@scheldt.example") as sam, await site.browser("tomas@pavilion.example") as tomas:
        shown = (await sam.get("/stock/orders")).text
        assert first.public_id in shown and "lumen.example" not in shown
        assert "lumen.example" not in (await sam.get(f"/desk/orders/{first.public_id}")).text
        assert (await sam.post(f"/stock/orders/{first.public_id}/confirmation")).status_code == 303
        assert (await sam.post(f"/stock/orders/{second.public_id}/refusal")).status_code == 303
        assert (await sam.post(f"/stock/orders/{second.public_id}/confirmation")).status_code == 409
        assert [one.state for one in await market.all(Order)] == ["confirmed", "refused"]
        while await ordered.follow(site.sessions, NOON):
            pass
        listed = (await tomas.get("/staff/orders")).text
        assert "lumen.example" in listed and SUPPLIER in listed
        page, act = f"/desk/orders/{first.public_id}", f"/staff/orders/{first.public_id}/cancellation"
        assert act in (await tomas.get(page)).text
        assert (await sam.post(act, data={"reason": "I would rather keep it."})).status_code == 403
        assert (await tomas.post(act, data={"reason": "no"})).status_code == 422
        assert (await tomas.post(act, data={"reason": "Sold at the counter meanwhile."})).status_code == 303
        assert "Call off order" in (await tomas.get("/staff/proposals")).text


async def test_a_lot_of_a_collection_is_bought_from_its_page(site):
    made = await world.build(site.sessions, 1)
    sale = await world.draft(site.sessions, made, type="collection", increments=[], first_close_at=None)
    await world.decide(site.sessions, await world.proposed(site.sessions, made, sale), made.lead)
    (lot,) = await world.order(site.sessions, sale)
    site.now = NOON + 2 * HOUR
    async with site.sessions.begin() as session:
        await make.actor(session, "wen@lumen.example", (Role.BUYER,), await make.company(session))
    act = f"/collections/{sale}/lots/{lot}/order"
    async with await site.browser("wen@lumen.example") as wen, await site.browser() as anyone:
        assert act in (await wen.get(f"/collections/{sale}")).text
        assert act not in (await anyone.get(f"/collections/{sale}")).text
        page = (await wen.get(act)).text
        assert "4,000.00" in page and "Binding at once" in page
        assert (await wen.post(act, data=hidden(page, act))).status_code == 303
        assert "cannot be bought" in (await wen.get(act)).text
        assert "No stone of this collection" in (await anyone.get(f"/collections/{sale}")).text
        assert f"/collections/{sale}" in (await anyone.get("/sales")).text
        assert (await wen.post(act, data=hidden(page, act) | {"key": uuid4().hex})).status_code == 409


async def test_programs_hold_and_buy_once_for_one_key(site):
    market = await Market(site.sessions).open(stones=2)
    key = {"idempotency-key": "order-0001"}
    async with await site.browser("wen@lumen.example") as wen, await site.browser("sam@scheldt.example") as sam:
        stone = (await wen.get(f"/api/v1/stones/{market.stones[0]}")).json()
        held = await wen.post("/api/v1/holds", json={"stone": stone["id"], "seen": stone["seq"]}, headers=key)
        assert (held.status_code, held.json()["state"]) == (201, "active")
        assert (await wen.get("/api/v1/holds")).json()["items"] == [held.json()]
        said = {"stone": stone["id"], "seen": await market.seq(), "destination": "HK", "hold": held.json()["id"]}
        said |= {"price": {"amount_minor": PRICE, "currency": "USD"}}
        assert (await wen.post("/api/v1/orders", json=said)).status_code == 422  # no key
        assert (await sam.post("/api/v1/orders", json=said, headers=key)).status_code == 403
        wrong = said | {"price": {"amount_minor": PRICE / 1, "currency": "USD"}}
        assert (await wen.post("/api/v1/orders", json=wrong, headers=key)).status_code == 422
        assert (await wen.post("/api/v1/orders", json=said | {"seen": "1"}, headers=key)).status_code == 422
        assert (await wen.post("/api/v1/orders", json=said | {"lot": stone["id"]}, headers=key)).status_code == 422
        changed = said | {"price": {"amount_minor": PRICE - 1, "currency": "USD"}}
        answer = await wen.post("/api/v1/orders", json=changed, headers=key)
        assert (answer.status_code, answer.json()["code"], answer.json()["facts"]["price"]) == (
            409,
            "price_changed",
            PRICE,
        )
        placed = await wen.post("/api/v1/orders", json=said, headers=key)
        again = await wen.post("/api/v1/orders", json=said, headers=key)
        assert (placed.status_code, placed.json()) == (201, again.json())
        other = await wen.post("/api/v1/orders", json=said | {"destination": "BE"}, headers=key)
        assert (other.status_code, other.json()["code"]) == (409, "key_reused")
        assert (await wen.get("/api/v1/orders")).json()["items"] == [placed.json()]
        assert (await wen.get(f"/api/v1/orders/{placed.json()['id']}")).json()["total"]["amount_minor"] == PRICE
