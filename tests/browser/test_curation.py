"""A sale's order under the hands of a curator: keys alone, the mouse, a phone without script."""

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from pavilion.accounts.models import Company
from pavilion.auctions import curation
from pavilion.kernel.clock import utc_now
from pavilion.provenance.models import StoneVerdict
from tests.auctions import world
from tests.browser import rooms
from tests.browser.conftest import House
from tests.cast import NOOR

LOTS = 6
_FIRST = iter(range(5000, 9000, 300))


async def draft(sessions, lots: int = LOTS) -> tuple[str, list[str]]:
    """A draft of so many lots and one stone more to choose."""
    now, curator = utc_now(), await rooms.actor(sessions, NOOR)
    async with sessions.begin() as session:
        supplier = await session.scalar(select(Company).where(Company.country == "BW"))
        stones = await world.stones(session, supplier, lots + 1, first=next(_FIRST))
        await world.expose(session, stones)
        await session.execute(update(StoneVerdict).where(StoneVerdict.stone.in_(stones)).values(decided_at=now))
    async with sessions.begin() as session:
        sale = await curation.create_sale(session, values=world.settings(), actor=curator, now=now)
        await curation.add_stones(session, sale=sale.public_id, stones=stones[:lots], actor=curator, now=now)
        await curation.number_lots(session, sale=sale.public_id, actor=curator, now=now)
    return sale.public_id, await world.order(sessions, sale.public_id)


def shown(page: Page) -> list[str]:
    return page.locator("[data-order] tr").evaluate_all("rows => rows.map((row) => row.dataset.lot)")


def said(page: Page, words: str) -> None:
    expect(page.locator("[data-announce=polite] p").last).to_have_text(words)


def test_lots_are_ordered_by_keys_alone_and_each_move_is_told(house: House, reader):
    sale, (a, b, c, d, e, f) = house.do(draft)
    page = reader(NOOR).go(f"/staff/sales/{sale}")
    row = page.locator(f'tr[data-lot="{a}"]')
    row.focus()
    page.keyboard.press("Alt+ArrowDown")
    said(page, "Lot 1 moved to 2 of 6")
    page.keyboard.press("Alt+End")
    said(page, "Lot 1 moved to 6 of 6")
    page.keyboard.press("Alt+Shift+ArrowUp")
    said(page, "Lot 1 moved to 1 of 6")
    page.keyboard.press("m")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    said(page, "Lot 1 moved to 3 of 6")
    expect(row).to_be_focused()
    assert shown(page) == [b, c, a, d, e, f] == house.do(world.order, sale)


def test_250_lots_are_curated_by_keys_alone(house: House, reader):
    """Every step is a key: to the order, from lot to lot, choosing on the way, blocks to ends and places."""
    sale, order = house.do(draft, 250)
    page = reader(NOOR).go(f"/staff/sales/{sale}#order-form")
    at_lot = "() => document.activeElement.dataset.lot ?? ''"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate(at_lot):
            break
    assert page.evaluate(at_lot) == order[0]

    def keys(*pressed: str) -> None:
        for key in pressed:
            page.keyboard.press(key)

    keys("Alt+End")
    said(page, "Lot 1 moved to 250 of 250")
    order = [*order[1:], order[0]]
    keys("Home", *["ArrowDown"] * 4, " ", *["Shift+ArrowDown"] * 19, "Alt+Home")
    said(page, "20 lots moved to 1 of 250")
    order = [*order[4:24], *order[:4], *order[24:]]
    keys(*["Alt+Shift+ArrowDown"] * 3)
    said(page, "20 lots moved to 31 of 250")
    order = [*order[20:50], *order[:20], *order[50:]]
    keys("m", *"200", "Enter")
    said(page, "20 lots moved to 200 of 250")
    block = order[30:50]
    rest = [lot for lot in order if lot not in block]
    order = [*rest[:199], *block, *rest[199:]]
    assert shown(page) == order == house.do(world.order, sale)
    keys("Control+a")
    assert page.locator('[data-order] input[name="lot"]:checked').count() == 250


def test_chosen_lots_are_carried_together_with_the_mouse(house: House, reader):
    sale, (a, b, c, d, e, f) = house.do(draft)
    page = reader(NOOR, lang="zh").go(f"/staff/sales/{sale}")
    for lot in (d, f):
        page.locator(f'tr[data-lot="{lot}"] input[name="lot"]').check()
    carried, target = page.locator(f'tr[data-lot="{f}"]'), page.locator(f'tr[data-lot="{b}"]')
    carried.hover(position={"x": 300, "y": 20})
    page.mouse.down()
    target.hover(position={"x": 300, "y": 20})
    target.hover(position={"x": 300, "y": 6})
    page.mouse.up()
    said(page, "2 件拍品已移至第 2 位，共 6 位")
    assert shown(page) == [a, d, f, b, c, e] == house.do(world.order, sale)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_sale_is_ordered_and_undone_on_a_phone_without_script(house: House, reader, lang: str):
    sale, (a, b, *rest) = house.do(draft)
    page = reader(NOOR, lang=lang, phone=True, script=False).go(f"/staff/sales/{sale}")
    page.locator(f'tr[data-lot="{b}"] button[name="step"]').first.click()
    assert house.do(world.order, sale) == [b, a, *rest]
    page.locator('form[action$="/undo"] button').first.click()
    assert house.do(world.order, sale) == [a, b, *rest]
    page.locator(f'tr[data-lot="{a}"] input[name="lot"]').check()
    page.locator('button[formaction$="/removals"]').click()
    assert house.do(world.order, sale) == [b, *rest]
