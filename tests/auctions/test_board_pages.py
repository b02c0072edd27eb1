"""The board as a page: sorted, filtered, sent under headings, as a list and as a tray, without script."""

from sqlalchemy import select, update

from pavilion.accounts.models import Person
from pavilion.auctions import presence
from pavilion.auctions.models import Lot, LotGroup
from pavilion.auctions.presence_models import LotPresence
from tests import make
from tests.auctions import world
from tests.auctions.test_pages import drafted, house  # noqa: F401  # the fixture of a running house
from tests.make import NOON


async def test_lots_are_sorted_sent_and_headed_by_forms_alone(house):  # noqa: F811
    _, sale = await drafted(house)
    a, b, c, d = await world.order(house.sessions, sale)
    browser = await house.browser("noor@pavilion.example")
    at = f"/staff/sales/{sale}"

    async def said(path, **form):
        answer = await browser.post(f"{at}/{path}", data=form)
        return answer.status_code

    assert await said("sorting", by=["-weight", "", "", ""]) == 303
    assert await world.order(house.sessions, sale) == [d, c, b, a]
    assert await said("sending", lot=[a], send="front") == 303
    assert await said("sending", lot=[d], send="back") == 303
    assert await world.order(house.sessions, sale) == [a, c, b, d]
    assert await said("headings", name_en="Whites", name_zh="白钻") == 303
    assert await said("headings", name_en="Whites", name_zh="白钻") == 409
    heading = str((await house.first(select(LotGroup))).id)
    assert await said("sending", lot=[c, d], send="heading", heading=heading) == 303
    assert await world.order(house.sessions, sale) == [a, b, c, d]
    assert await said("headings", heading=heading, name_en="Fine whites", name_zh="优质白钻") == 303
    assert await said("headings/removals", heading=heading, name_en="x", name_zh="y") == 409
    assert await said("sorting", by=["price"]) == 422
    moved = await browser.post(f"{at}/moves", data={"lot": [b], "to": "4"}, headers={"accept": "application/json"})
    assert moved.json()["headings"] == {lot: int(heading) for lot in (b, c, d)}


async def test_the_board_shows_the_lots_that_fit_and_chooses_them_at_once(house):  # noqa: F811
    _, sale = await drafted(house)
    lots = await world.order(house.sessions, sale)
    async with house.sessions.begin() as session:
        row = await session.scalar(select(Lot).where(Lot.public_id == lots[1]))
        row.tags, row.pinned = ["cover"], True
    browser = await house.browser("noor@pavilion.example")
    for said, fit in (
        ({"find": "cover"}, lots[1:2]),
        ({"find": "13"}, lots[2:3]),
        ({"find": "karowe"}, lots),
        ({"find": "nothing"}, []),
        ({"show": "pinned"}, lots[1:2]),
        ({"show": "barred"}, []),
        ({"under": "none", "view": "grid"}, lots),
        ({"show": "what", "under": "x' or 1"}, []),
    ):
        page = (await browser.get(f"/staff/sales/{sale}", params={**said, "choose": "shown"})).text
        rows = [page[page.index(f'id="{lot}"') - 60 :][:900] for lot in lots]
        assert [lot for lot, row in zip(lots, rows, strict=True) if "<tr hidden" not in row[:60]] == fit, said
        assert page.count(' checked aria-label="') == len(fit)
        assert ("is-grid" in page) == ("view" in said)


async def said_of(house, lot):  # noqa: F811
    return await house.first(select(Lot).where(Lot.public_id == lot))


async def test_words_tags_owner_and_pins_are_previewed_and_then_said_at_once(house):  # noqa: F811
    _, sale = await drafted(house)
    a, b, *_ = await world.order(house.sessions, sale)
    async with house.sessions.begin() as session:
        other = await make.company(session, "Lucara Trading", "BW")
        other.state = "approved"
    browser = await house.browser("noor@pavilion.example")
    at = f"/staff/sales/{sale}/words"
    for change, shown in (
        (
            {"words": "title", "title_en": "Fine {color}: {title}", "title_zh": "{stones}"},
            "Fine G: 1.01 ct",
        ),
        ({"words": "tag", "tag": "cover"}, "cover"),
        ({"words": "owner", "owner": other.public_id}, "Lucara Trading"),
        ({"words": "pin"}, "yes"),
    ):
        form = {**change, "lot": [a, b], "version": [f"{lot}:{(await said_of(house, lot)).version}" for lot in (a, b)]}
        before = await said_of(house, a)
        preview = await browser.post(f"{at}/preview", data=form)
        assert preview.status_code == 200 and shown in preview.text and 'name="why"' in preview.text
        assert (await said_of(house, a)).version == before.version, "nothing is stored by looking"
        stale = await browser.post(at, data={**form, "version": [f"{a}:1", f"{b}:1"]})
        assert stale.status_code == 409
        assert (await browser.post(at, data={**form, "why": "for the cover"})).status_code == 303
    lot = await said_of(house, b)
    assert (lot.title_en, lot.tags, lot.pinned) == ("Fine G: 1.01 ct G round, VS1", ["cover"], True)
    assert lot.consignor_company_id == other.id
    page = (await browser.get(f"/staff/sales/{sale}")).text
    assert "for the cover" in page and "<span>cover</span>" in page
    for wrong in ({"words": "title", "title_en": "{price}"}, {"words": "tag"}, {"words": "owner", "owner": "none"},
                  {"words": "title", "title_en": "{title}" * 9}, {"words": "all"}):  # fmt: skip
        form = {**wrong, "lot": [a], "version": [f"{a}:{(await said_of(house, a)).version}"]}
        assert (await browser.post(at, data=form)).status_code == 422, wrong


async def test_an_amount_between_the_steps_is_proposed_at_the_next_lower_one(house):  # noqa: F811
    _, sale = await drafted(house)
    (a, *_) = await world.order(house.sessions, sale)
    browser = await house.browser("noor@pavilion.example")
    lot = await said_of(house, a)
    form = {"version": lot.version, "number": 11, "title_en": lot.title_en, "title_zh": lot.title_zh,
            "low": "5,010", "high": "7,000", "opening": "4,000"}  # fmt: skip
    asked = await browser.post(f"/staff/sales/{sale}/lots/{a}", data=form)
    assert asked.status_code == 422 and 'name="lower"' in asked.text and "5,000" in asked.text
    assert (await said_of(house, a)).version == lot.version
    taken = await browser.post(f"/staff/sales/{sale}/lots/{a}", data={**form, "lower": "yes"})
    assert taken.status_code == 303 and (await said_of(house, a)).low_minor == 500_000


async def test_the_desk_shows_who_has_a_lot_open_until_they_close_it_or_a_minute_is_over(house):  # noqa: F811
    _, sale = await drafted(house)
    a, b, *_ = await world.order(house.sessions, sale)
    noor, kees = await house.browser("noor@pavilion.example"), await house.browser("kees@pavilion.example")
    at = f"/staff/sales/{sale}/lots/{a}/presence"
    assert (await noor.post(at)).json() == {"others": []}
    async with house.sessions() as session:
        (name,) = await session.scalars(select(Person.name).where(Person.email == "noor@pavilion.example"))
    assert (await kees.post(at)).json() == {"others": [name]}
    board, own = (await kees.get(f"/staff/sales/{sale}")).text, (await noor.get(f"/staff/sales/{sale}")).text
    assert f"open with {name}" in board and f"open with {name}" not in own
    assert (await kees.post(f"/staff/sales/{sale}/lots/{b}/presence")).json() == {"others": []}
    async with house.sessions.begin() as session:
        await session.execute(update(LotPresence).values(seen_at=NOON - presence.STALE))
    assert (await kees.post(at)).json() == {"others": []}
    async with house.sessions() as session:
        assert len((await session.scalars(select(LotPresence))).all()) == 1, "what is stale is forgotten"
    assert (await kees.post(at, data={"gone": "yes"})).json() == {"others": []}
    assert (await noor.post(at)).json() == {"others": []}
    assert (await noor.post(f"/staff/sales/{sale}/lots/{'0' * 26}/presence")).status_code == 404
