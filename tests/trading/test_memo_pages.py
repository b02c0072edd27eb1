"""Pages, paper and API of memos: forms that work without a script, names that an owner never learns."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import select

from pavilion.catalogue.models import Stone
from pavilion.notifications import trade_notices
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.settlement import ordered
from pavilion.settlement.models import Invoice
from pavilion.settlement.release_models import Release
from pavilion.trading import memo_desk, memo_paper, memoing
from pavilion.trading.memo_models import Memo, MemoPaper
from pavilion.trading.models import Order
from pavilion.viewings import facts, memos_followed
from pavilion.viewings.desk_models import Incident
from pavilion.viewings.place_models import Office
from pavilion.viewings.stone_models import StoneBlock
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests import make
from tests.make import HOUR, NOON
from tests.settlement import releases
from tests.settlement.test_ordered import with_origin
from tests.trading.lent import DAY, WEIGHT, Lent
from tests.trading.market import PRICE
from tests.trading.test_pages import Site, hidden
from tests.trading.test_told import told

BUYER = "lumen.example"


@pytest.fixture
async def site(sqlite_database_url, tmp_path):
    made = Site(sqlite_database_url, tmp_path)
    yield made
    await made.engine.dispose()


async def test_a_memo_goes_from_the_stone_to_the_scale_and_back_on_pages(site):
    market = await Lent(site.sessions).open()
    stone = market.stones[0]
    async with (
        await site.browser("wen@lumen.example") as wen,
        await site.browser("sam@scheldt.example", "zh") as sam,
        await site.browser("vic@pavilion.example") as vic,
        await site.browser("tess@pavilion.example") as tess,
    ):
        assert f"/stones/{stone}/memo" in (await wen.get(f"/stones/{stone}")).text
        page = (await wen.get(f"/stones/{stone}/memo")).text
        said = hidden(page, f"/stones/{stone}/memo") | {"days": "7", "destination": "HK"}
        wrong = await wen.post(f"/stones/{stone}/memo", data=said | {"days": "99"})
        assert wrong.status_code == 422 and "autofocus" in wrong.text
        made = await wen.post(f"/stones/{stone}/memo", data=said)
        (memo,) = await market.all(Memo)
        own = f"/desk/memos/{memo.public_id}"
        assert made.headers["location"] == f"{own}?done=requested"
        assert own in (await wen.get("/desk/memos")).text and own in (await wen.get(f"/stones/{stone}")).text
        shown = (await sam.get(own)).text
        assert BUYER not in shown and f"/stock/memos/{memo.public_id}/approval" in shown and "待货主答复" in shown
        assert own in (await sam.get("/stock/memos")).text
        assert "待您答复的寄售申请：1" in (await sam.get("/desk")).text
        low = await sam.post(f"/stock/memos/{memo.public_id}/approval", data={"insured": "1"})
        assert low.status_code == 422 and "autofocus" in low.text
        assert (await wen.post(f"/stock/memos/{memo.public_id}/approval")).status_code == 403
        assert (await sam.post(f"/stock/memos/{memo.public_id}/approval")).status_code == 303
        desk = f"/staff/orders/memos/{memo.public_id}"
        assert own in (await vic.get("/staff/orders/memos")).text
        empty = await vic.post(f"{desk}/hand-out", data={f"weight-{stone}": "x", "to": "Wen"})
        assert empty.status_code == 422 and "autofocus" in empty.text
        out = await vic.post(f"{desk}/hand-out", data={f"weight-{stone}": "1.020", "to": "Wen Li, passport"})
        assert out.status_code == 303
        assert "Keep it at" in (await wen.get(own)).text and BUYER not in (await sam.get(own)).text
        assert (await wen.post(f"{own}/extension")).status_code == 303
        assert "买家申请延期一周" in (await sam.get(own)).text
        assert (
            await sam.post(f"/stock/memos/{memo.public_id}/extensions/approval", data={"extensions": "0"})
        ).is_redirect
        back = await vic.post(f"{desk}/returns", data={f"weight-{stone}": "1.018", "giver": "Wen Li"})
        assert back.headers["location"] == f"{own}?done=differs"
        assert "weight at hand-over" in (await vic.get(back.headers["location"])).text
        looked = {"stone": stone, "reason": "A facet is chipped, seen."}
        assert (await vic.post(f"{desk}/acceptance", data=looked)).status_code == 403
        assert (await tess.post(f"{desk}/acceptance", data=looked)).status_code == 303
        assert "Returned" in (await wen.get(own)).text
        again = await sam.post(f"/stock/memos/{memo.public_id}/approval")
        assert again.status_code == 409 and "已归还" in again.text


async def test_several_stones_are_asked_for_at_once_all_or_none_and_come_back_in_parts(site):
    market = await Lent(site.sessions).open(stones=4)
    one, two, three, four = market.stones
    other = await market.buyer("ilse@vandael.example")
    await market.change(market.wen.company_id, trade_limit_minor=9 * PRICE)
    async with market.sessions.begin() as session:
        theirs = await make.company(session, "Meuse Gems", "BE")
        rows = {row.public_id: row for row in (await session.scalars(select(Stone))).all()}
        rows[three].supplier_company_id = theirs.id
        numbers = {name: row.stock_no for name, row in rows.items()}
    await market.hold(other, four)
    async with await site.browser("wen@lumen.example") as wen, await site.browser("vic@pavilion.example") as vic:
        pasted = f"{numbers[two].lower()}, {numbers[three]}\nX-404"
        shown = (await wen.get("/desk/memos/new", params={"ids": f"{one},{four}", "numbers": pasted})).text
        assert all(f'name="ids" value="{name}"' in shown for name in market.stones) and "X-404" in shown
        said = hidden(shown, "/desk/memos") | {"ids": [one, two, three, four], "days": "7", "destination": "HK"}
        refused = await wen.post("/desk/memos", data=said)
        assert refused.status_code == 409 and await market.all(Memo) == []
        assert refused.text.count("state is-outbid") == 1 and f"ids={one},{two},{three}" in refused.text
        said = hidden(refused.text, "/desk/memos") | said | {"ids": [one, two, three]}
        for _ in range(2):  # pressed twice
            made = await wen.post("/desk/memos", data=said)
            assert made.headers["location"] == "/desk/memos?done=requested"
        memos = {memo.seller_company_id: memo for memo in await market.all(Memo)}
        assert len(memos) == 2 and (await market.lines(memos[theirs.id]))[0].stone == three
        again = await wen.post("/desk/memos", data=said | {"key": uuid4().hex})
        assert again.status_code == 409 and "asked for this stone on memo already" in again.text
        memo = await market.hand_out(await market.approve(memos[market.seller]))
        own, desk = f"/desk/memos/{memo.public_id}", f"/staff/orders/memos/{memo.public_id}/returns"
        none = await wen.post(f"{own}/purchases", data={})
        assert none.status_code == 422 and "No stone was ticked" in none.text
        wrong = await vic.post(desk, data={f"weight-{one}": "1.020", f"weight-{two}": "x", "giver": "Wen Li"})
        assert wrong.status_code == 422 and [line.state for line in await market.lines(memo)] == ["out", "out"]
        part = await vic.post(desk, data={f"weight-{one}": "1.020", f"weight-{two}": "", "giver": "Wen Li"})
        assert part.headers["location"] == f"{own}?done=returned"
        assert [line.state for line in await market.lines(memo)] == ["returned", "out"]
        back = await wen.post(f"{own}/purchases", data={"stone": [one, two]})
        assert back.status_code == 409 and await market.all(Order) == []
        address, key = f"/api/v1{own.removeprefix('/desk')}/purchases", {"idempotency-key": "keep-2026-11-0001"}
        asked = [await wen.post(address, json={"stones": [two]}, headers=key) for _ in range(2)]
        assert [one.status_code for one in asked] == [200, 200] and asked[0].json() == asked[1].json()
        assert asked[0].json()["state"] == "invoiced" and len(await market.all(Order)) == 1, "kept once"
        other = await wen.post(address, json={"stones": [one]}, headers=key)
        assert (other.status_code, other.json()["code"]) == (409, "key_reused")


async def test_the_paper_is_set_once_in_both_languages_and_not_for_the_owner(site):
    market = await Lent(site.sessions).open()
    memo = await market.approve(await market.ask())
    tongues = pages_of(static.frontend()).tongues
    assert await memo_paper.tick(site.sessions, NOON, tongues) == 2
    assert await memo_paper.tick(site.sessions, NOON, tongues) == 0
    async with site.sessions() as session:
        papers = {row.lang: row for row in await session.scalars(select(MemoPaper))}
    async with site.sessions() as session:
        row = (await session.scalars(select(Memo).options(memo_paper.selectinload(Memo.stones)))).one()
    assert memo_paper.render(row, tongues["zh"]) == papers["zh"].pdf
    async with await site.browser("wen@lumen.example") as wen, await site.browser("sam@scheldt.example") as sam:
        path = f"/desk/memos/{memo.public_id}.pdf?lang=zh"
        assert (await wen.get(path)).content == papers["zh"].pdf
        assert (await sam.get(path)).status_code == 404


async def test_programs_ask_for_a_memo_and_the_desk_says_what_came_back(site):
    market = await Lent(site.sessions).open()
    body = {"stones": market.stones, "seen": await market.seq(), "destination": "HK", "days": 7}
    key = {"idempotency-key": uuid4().hex}
    async with (
        await site.browser("wen@lumen.example") as wen,
        await site.browser("sam@scheldt.example") as sam,
        await site.browser("vic@pavilion.example") as vic,
    ):
        first = await wen.post("/api/v1/memos", json=body, headers=key)
        site.now += HOUR
        again = await wen.post("/api/v1/memos", json=body, headers=key)
        assert (first.status_code, again.status_code) == (201, 200) and first.json() == again.json()
        at = f"/api/v1/memos/{first.json()['id']}"
        (memo,) = await market.all(Memo)
        await market.hand_out(await market.approve(memo))
        assert (await sam.get("/api/v1/memos")).json()["items"][0]["side"] == "seller"
        said = {"stone": market.stones[0], "weight_mct": WEIGHT - 2, "giver": "Wen Li"}
        assert (await wen.post(f"{at}/returns", json=said)).status_code == 403
        differs = await vic.post(f"{at}/returns", json=said)
        assert (differs.status_code, differs.json()["code"]) == (409, "weight_differs")
        assert (await wen.get(at)).json()["stones"][0]["state"] == "incident"
        other = await wen.post("/api/v1/holds", json={"stone": market.stones[0], "seen": 1}, headers=key)
        assert other.json()["code"] == "on_memo_until"


async def test_viewings_know_at_once_and_an_incident_is_opened_once(sqlite_sessions):
    market = await Lent(sqlite_sessions).open()
    async with market.sessions.begin() as session:
        session.add(Office(id="ant", name_en="Antwerp", name_zh="安特卫普", zone="Europe/Brussels", address_en="",
                           address_zh="", country="BE", rules={}))  # fmt: skip
    memo = await market.out()
    async with market.sessions() as session:
        (block,) = (await facts.stones(session, market.stones))[market.stones[0]].blocks
    assert (block.kind, block.end) == ("memo", memo.due_at)
    await memos_followed.follow(market.sessions, NOON + HOUR)
    await market.bring_back(memo, mct=WEIGHT + 2)
    for _ in range(2):
        async with market.sessions.begin() as session:
            await memos_followed.put_right(session, [memo.public_id], NOON + DAY)
    async with market.sessions() as session:
        incidents = (await session.scalars(select(Incident))).all()
        (stands,) = (await session.scalars(select(StoneBlock))).all()
    assert [(one.out_mct, one.in_mct) for one in incidents] == [(WEIGHT, WEIGHT + 2)]
    assert stands.ends_at == memo.due_at
    await market.say(memo_desk.accept, memo, market.tess, NOON + DAY, stone=market.stones[0], reason="Looked at twice.")
    await memos_followed.follow(market.sessions, NOON + DAY)
    async with market.sessions() as session:
        (over,) = (await session.scalars(select(StoneBlock))).all()
    assert over.ends_at == NOON + DAY


async def test_a_bought_memo_stone_is_billed_as_every_order_and_stays_where_it_is(sqlite_sessions):
    market = await Lent(sqlite_sessions).open()
    await with_origin(market)
    memo = await market.out()
    order = await market.say(memo_desk.buy, memo, market.wen, NOON + HOUR, stones=market.stones)
    while await ordered.follow(market.sessions, NOON + HOUR):
        pass
    async with market.sessions() as session:
        invoice = (await session.scalars(select(Invoice))).one()
        row = await session.get_one(Order, order.id)
    assert invoice.number and row.state == "invoiced" and row.invoice == invoice.number
    case = releases.Case(invoice.public_id, market.stones[0], market.seller)
    await releases.paid(market.sessions, case)
    await releases.handed(market.sessions, case)  # picked from nowhere and weighed by nobody
    async with market.sessions() as session:
        (release,) = (await session.scalars(select(Release))).all()
    assert (
        release.weighed[market.stones[0]] | {"mct": WEIGHT, "memo": memo.public_id, "by": market.vic.public_id}
        == (release.weighed[market.stones[0]])
    )
    async with market.sessions() as session:
        here = select(CustodyEntry).where(CustodyEntry.closed_at.is_(None))
        (entry,) = (await session.scalars(here)).all()  # no second hand-over: it is the buyer's where it is
    assert (entry.ref, entry.holder, entry.closed_at) == (memo.public_id, "owner", None)


async def test_each_side_hears_what_the_other_did(sqlite_sessions):
    market = await Lent(sqlite_sessions).open()
    memo = await market.ask()
    ((who, subject, text),) = await told(market)
    assert (who, subject) == ("sam", "A buyer asks for your stone on memo") and BUYER not in text
    memo = await market.approve(memo)
    assert [who for who, *_ in await told(market)] == ["wen"]
    await market.hand_out(memo)
    await market.say(memoing.ask_extension, memo, market.wen)
    assert ("sam", "The buyer asks for a week more") in {(who, said) for who, said, _ in await told(market)}
    assert re.match("memo:", trade_notices.NAMES[-1])
