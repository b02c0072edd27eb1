"""The board as a page: sorted, filtered, sent under headings, as a list and as a tray, without script."""

from sqlalchemy import select

from pavilion.auctions.models import Lot, LotGroup
from tests.auctions import world
from tests.auctions.test_pages import drafted, house  # noqa: F401  # the fixture of a running house


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
