"""A change to a published lot is a notice: told in its book, shown where the lot is shown, kept as a version."""

import json

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from pavilion.accounts.rules import Role
from pavilion.auctions import noticing
from pavilion.auctions.models import Lot
from pavilion.auctions.version_models import CatalogueVersion, LotNotice, NoticeField
from pavilion.bidding import notice_giving
from pavilion.bidding.models import BookEvent
from pavilion.kernel.events import Event
from pavilion.kernel.ids import ulid
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import watching
from pavilion.webkit.static import frontend
from tests import make
from tests.bidding.house import house
from tests.bidding.served import served
from tests.make import NOON, SECOND

LOWER = {"field": "estimate", "low": "4,500", "high": "6,000", "reason": "The market has moved"}


@pytest.fixture
async def live(database_url, sessions):
    async with house(database_url, sessions, reserve=450_000) as made, served(made) as one:
        yield one


async def give(live, actor, lot=0, **said):
    said = {"key": ulid(NOON)} | said
    async with live.browser(actor) as client:
        path = f"/staff/sales/{live.house.sale}/lots/{live.house.lots[lot]}/notices"
        return await client.post(path, data=said, headers={"origin": live.origin})


async def everything(live, wanted):
    async with live.house.sessions() as session:
        return (await session.scalars(wanted)).all()


async def told(live):
    bodies = await everything(live, select(BookEvent.body).where(BookEvent.type == "lot.notice").order_by(BookEvent.n))
    return [json.loads(body)["data"] for body in bodies]


async def test_a_new_estimate_is_told_shown_kept_and_given_once(live):
    staff = await live.employ(ada=Role.AUCTIONEER, cora=Role.CURATOR)
    assert (await give(live, staff["cora"], **LOWER)).status_code == 403
    key, form = ulid(NOON), f"/staff/sales/{live.house.sale}/lots/{live.house.lots[0]}/notices"
    async with live.browser(staff["ada"]) as client:
        assert form in (await client.get(f"/staff/sales/{live.house.sale}/console?lot={live.house.lots[0]}")).text
        empty = await client.get(form)
        assert empty.status_code == 200 and 'name="key"' in empty.text
        assert 'href="/staff/sales"' not in empty.text, "no way to a page that the auctioneer may not see"
    for _ in range(2):
        assert (await give(live, staff["ada"], key=key, **LOWER)).status_code == 303
    (data,) = await told(live)
    assert set(data) == {"text_en", "text_zh", "passport", "by"}, "the book's event is as every reader knows it"
    assert data["text_en"] == "The estimate is now USD 4,500 to 6,000."
    async with live.browser() as guest:
        lot = (await guest.get(f"/lots/{live.house.lots[0]}")).text
        assert "4,500–6,000" in lot and "The market has moved" in lot and "5,000–7,000" in lot, "before and after"
        assert "4,500–6,000" in (await guest.get(f"/sales/{live.house.sale}")).text
        facts = (await guest.get(f"/api/v1/lots/{live.house.lots[0]}")).json()
        assert facts["estimate"]["low"]["amount_minor"] == 450_000
        page = (await guest.get(f"/sales/{live.house.sale}/versions")).text
        assert "Lot 11" in page and "The market has moved" in page
        document = (await guest.get(f"/sales/{live.house.sale}/versions/2.json")).json()
    base = await everything(live, select(CatalogueVersion).where(CatalogueVersion.n == 1))
    assert document["base"] == {"n": 1, "sha256": base[0].sha256}
    assert [(one["field"], one["old"], one["new"]) for one in document["notices"]] == [
        ("estimate", "500000 700000", "450000 600000")
    ]
    for statement in ("update lot_notices set new = ''", "delete from lot_notices_given"):
        with pytest.raises(DBAPIError):
            async with live.house.sessions.begin() as session:
                await session.execute(text(statement))


async def test_a_reason_is_told_in_the_readers_language_and_one_alone_in_its_own(live):
    ada = (await live.employ(ada=Role.AUCTIONEER))["ada"]
    words = {"field": "fact", "new": "1.01 ct", "text_en": "It weighs 1.01 ct.", "text_zh": "重 1.01 克拉。"}
    assert (await give(live, ada, **words, reason=" ", reason_zh="")).status_code == 422
    assert (await give(live, ada, **words, reason="Weighed again", reason_zh="重新称量")).status_code == 303
    assert (await give(live, ada, lot=1, **words, reason_zh="只有中文")).status_code == 303
    for lang, reason, other in (("en", "Weighed again", "重新称量"), ("zh", "重新称量", "Weighed again")):
        async with live.browser() as guest:
            guest.cookies.set("lang", lang)
            page = (await guest.get(f"/lots/{live.house.lots[0]}")).text
            assert reason in page and other not in page
            assert "只有中文" in (await guest.get(f"/lots/{live.house.lots[1]}")).text
    async with live.browser() as guest:
        kept = (await guest.get(f"/sales/{live.house.sale}/versions/3.json")).json()["notices"]
    assert [(one["reason"], one.get("reason_zh")) for one in kept] == [
        ("Weighed again", "重新称量"),
        ("只有中文", None),
    ]


async def test_an_estimate_that_breaks_a_rule_is_refused_with_what_was_typed(live):
    ada = (await live.employ(ada=Role.AUCTIONEER))["ada"]
    below_reserve = await give(live, ada, field="estimate", low="4,250", high="6,000", reason="Lower")
    assert below_reserve.status_code == 422 and 'value="4,250"' in below_reserve.text
    for wrong in ({"high": "4,400"}, {"low": "4,501"}, {"low": "much"}, {"low": "5,000", "high": "7,000"}):
        assert (await give(live, ada, **LOWER | wrong)).status_code == 422, wrong
    assert (await give(live, ada, field="fact", reason="x", text_en="a", text_zh="b")).status_code == 422
    assert await told(live) == []


async def test_a_giver_who_was_interrupted_has_given_once_the_book_told_it(live):
    ada = (await live.employ(ada=Role.AUCTIONEER))["ada"]
    words = {"text_en": "The stone weighs 1.01 ct.", "text_zh": "该石重 1.01 克拉。"}
    said = {"field": "fact", "old": "1.02 ct", "new": "1.01 ct", "reason": "Weighed again"} | words
    assert (await give(live, ada, **said)).status_code == 303
    (kept,) = await everything(live, select(LotNotice))
    names = ("sale", "lot", "field", "old", "new", "reason", "text_en", "text_zh", "by", "at")
    facts = {name: getattr(kept, name) for name in names}
    async with live.house.sessions.begin() as session:
        session.add(LotNotice(public_id=ulid(NOON), **facts))
    async with live.house.sessions.begin() as session:
        session.add(LotNotice(public_id=ulid(NOON + SECOND), **facts | {"text_en": "It was never told."}))
        await notice_giving.complete(session, live.house.sale, live.house.clock())
        given = await noticing.of_sale(session, live.house.sale)
        assert [one.text_en for one in given] == [words["text_en"]] * 2, "before the sale goes into the archive"
    async with live.house.sessions.begin() as session:
        session.add(LotNotice(public_id=ulid(NOON + 2 * SECOND), **facts))
    assert await notice_giving.tick(live.house.sessions, live.house.clock() + SECOND) == 1
    assert await notice_giving.tick(live.house.sessions, live.house.clock() + SECOND) == 0
    assert len(await told(live)) == 1, "the book is not told twice"
    await watching.follow(live.house.sessions, live.house.clock())
    assert [row.payload["notice"] for row in await everything(live, select(Outbox))] == [], "nobody has bid or views it"


def test_each_change_that_can_be_chosen_shows_its_own_fields():
    page = (frontend() / "templates/bidding/lot_notices.html").read_text()
    style = (frontend() / "static/css/curation.css").read_text()
    kinds = [kind.value for kind in NoticeField if f'data-of="{kind.value}"' in page]
    assert sorted(kinds) == ["estimate", "fact", "text", "title"]
    for kind in kinds:
        assert f'(option[value="{kind}"]:checked) > [data-of]:not([data-of="{kind}"])' in style


async def test_a_title_is_corrected_in_both_languages_old_beside_new(live):
    ada = (await live.employ(ada=Role.AUCTIONEER))["ada"]
    said = {"field": "title", "title_en": "1.01 ct round, G, VS1, once more", "title_zh": "1.01 克拉圆形裸石"}
    assert (await give(live, ada, **said | {"title_zh": ""}, reason="Typing")).status_code == 422
    wrong = await give(live, ada, **said | {"title_en": "Lab-grown round"}, reason="Typing")
    assert wrong.status_code == 422 and 'value="Lab-grown round"' in wrong.text
    assert await told(live) == []
    await live.house.bid(0, 420_000)
    assert (await give(live, ada, **said, reason="Typing")).status_code == 303
    (data,) = await told(live)
    assert data["text_en"] == f"The title is now: {said['title_en']}" and said["title_zh"] in data["text_zh"]
    (lot,) = await everything(live, select(Lot).where(Lot.public_id == live.house.lots[0]))
    bound = said["title_zh"].replace(" 克拉", "\u00a0克拉")  # as a Chinese page shows what was typed
    for lang, new, chinese in (("en", said["title_en"], said["title_zh"]), ("zh", bound, bound)):
        async with live.browser() as guest:
            guest.cookies.set("lang", lang)
            page = (await guest.get(f"/lots/{lot.public_id}")).text
            assert f"<s>{lot.title_en}</s> → {said['title_en']}" in page, "old beside new"
            assert f"<s>{lot.title_zh}</s> → {chinese}" in page, "in the other language too"
            assert new in page[page.index("<h1") : page.index("</h1>")], "the lot is called so now"
            assert new in (await guest.get(f"/sales/{live.house.sale}")).text
    await watching.follow(live.house.sessions, live.house.clock())
    mailed = [row.payload for row in await everything(live, select(Outbox))]
    assert [one["notice"] for one in mailed if one.get("lot") == lot.public_id] == ["lot_notice"]
    async with live.browser(ada) as client:
        form = (await client.get(f"/staff/sales/{live.house.sale}/lots/{lot.public_id}/notices")).text
        assert f'value="{said["title_en"]}"' in form, "the next correction begins with what holds"


async def test_an_owner_sees_the_reserves_of_the_own_lots_and_nobody_else_any(live):
    house = live.house
    async with house.sessions.begin() as session:
        owner = await make.actor(session, "mina@karowe.example", (Role.SUPPLIER,), house.world.supplier)
        other_firm = await make.company(session, "Lerala Cutting", "BW")
        other = await make.actor(session, "other@lerala.example", (Role.SUPPLIER,), other_firm)
    staff = await live.employ(cora=Role.CURATOR)
    async with live.browser(owner) as mine:
        answer = await mine.get("/stock/reserves")
        assert answer.status_code == 200 and "4,500" in answer.text and answer.headers["cache-control"] == "no-store"
        assert 'href="/stock/reserves"' in (await mine.get("/stock")).text
    async with live.browser(other) as theirs:
        page = await theirs.get("/stock/reserves")
        assert page.status_code == 200 and "4,500" not in page.text and house.lots[0] not in page.text
    for nobody in (house.buyers[0], staff["cora"]):
        async with live.browser(nobody) as reader:
            assert (await reader.get("/stock/reserves")).status_code == 403
    (look,) = await everything(live, select(Event).where(Event.name == "reserve:shown_to_owner"))
    assert look.by == owner.public_id and look.facts == {"lots": house.lots}, "who and which, never how much"
