"""A sale under the hands of a curator: keys alone, the mouse, a phone without script, a whole sale from a workbook."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Role
from pavilion.auctions import curation
from pavilion.auctions.models import Registration, Sale
from pavilion.catalogue.models import Stone
from pavilion.kernel.clock import utc_now
from pavilion.provenance.models import StoneVerdict
from tests import make
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


async def stock(sessions, count: int) -> list[str]:
    """So many verified stones of a supplier; their report numbers."""
    async with sessions.begin() as session:
        supplier = await session.scalar(select(Company).where(Company.country == "BW"))
        stones = await world.stones(session, supplier, count, first=next(_FIRST))
        await world.expose(session, stones)
        await session.execute(update(StoneVerdict).where(StoneVerdict.stone.in_(stones)).values(decided_at=utc_now()))
        reports = select(Stone.report_no).where(Stone.public_id.in_(stones)).order_by(Stone.id)
        return [str(report) for report in await session.scalars(reports)]


async def last_sale(sessions) -> Sale:
    async with sessions() as session:
        found = await session.scalar(select(Sale).order_by(Sale.id.desc()).limit(1))
        assert found is not None
        return found


def lot_list(path: Path, reports: list[str]) -> None:
    """A workbook as an office would write it, by another hand than the one that reads it."""
    import openpyxl  # needed once, and slow to come in

    book = openpyxl.Workbook()
    amounts = [f"{name} USD" for name in ("estimate_low", "estimate_high", "opening")]
    book.active.append(["reports", "number", "title_en", "title_zh", *amounts])
    for at, report in enumerate(reports, 1):
        book.active.append([report, at, f"Brilliant {at}", f"圆钻 {at}", 5000, 7000, 4000])
    book.save(path)


def keyed(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def ordered_by_keys(page: Page, order: list[str]) -> list[str]:
    """Every step is a key: to the order, from lot to lot, choosing on the way, blocks to ends and places."""
    at_lot = "() => document.activeElement.dataset.lot ?? ''"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate(at_lot):
            break
    assert page.evaluate(at_lot) == order[0]
    keyed(page, "Alt+End")
    said(page, "Lot 1 moved to 250 of 250")
    order = [*order[1:], order[0]]
    keyed(page, "Home", *["ArrowDown"] * 4, " ", *["Shift+ArrowDown"] * 19, "Alt+Home")
    said(page, "20 lots moved to 1 of 250")
    order = [*order[4:24], *order[:4], *order[24:]]
    keyed(page, *["Alt+Shift+ArrowDown"] * 3)
    said(page, "20 lots moved to 31 of 250")
    order = [*order[20:50], *order[:20], *order[50:]]
    keyed(page, "m", *"200", "Enter")
    said(page, "20 lots moved to 200 of 250")
    block = order[30:50]
    rest = [lot for lot in order if lot not in block]
    return [*rest[:199], *block, *rest[199:]]


def test_a_sale_of_250_lots_is_built_from_a_workbook_ordered_and_published(house: House, reader, tmp_path: Path):
    """A draft, its list from a spreadsheet, the order by keys and mouse, figures of all lots changed and taken back,
    the publication; a second person approves, and everybody sees the sale."""
    lot_list(path := tmp_path / "lots.xlsx", house.do(stock, 250))
    page = reader(NOOR).go("/staff/sales")
    if not page.locator("[data-new-sale]").evaluate("fold => fold.open"):
        page.locator("[data-new-sale] > summary").press("Enter")
    opens = utc_now().replace(microsecond=0, tzinfo=None) + timedelta(days=3)
    for name, value in {
        "title_en": "Morning sale", "title_zh": "晨间拍卖", "text_en": "Brilliants.", "text_zh": "圆形明亮式切工钻石。",
        "opens_at": opens.isoformat(), "first_close_at": (opens + timedelta(hours=6)).isoformat(),
    }.items():  # fmt: skip
        page.locator(f'[data-new-sale] [name="{name}"]').fill(value)
    page.get_by_role("button", name="Create the draft").press("Enter")
    board = f"/staff/sales/{house.do(last_sale).public_id}"
    page.wait_for_url(f"**{board}**")

    page.get_by_role("link", name="Lot list as a file").click()
    page.locator('input[type="file"]').set_input_files(path)
    page.get_by_role("button", name="Show what it would change").click()
    expect(page.locator("#found + p")).to_contain_text("new: 250")
    page.get_by_role("button", name="Apply the file").click()
    page.wait_for_url(f"**{board}**")

    page.goto(f"{house.url}{board}#order-form")
    order = ordered_by_keys(page, shown(page))
    assert shown(page) == order == house.do(world.order, board.split("/")[-1])
    page.locator(f'tr[data-lot="{order[2]}"]').hover(position={"x": 300, "y": 20})
    page.mouse.down()
    for down in (20, 6):
        page.locator(f'tr[data-lot="{order[0]}"]').hover(position={"x": 300, "y": down})
    page.mouse.up()
    said(page, "Lot 4 moved to 1 of 250")
    order = [order[2], *order[:2], *order[3:]]
    page.get_by_role("button", name="Number by order").click()
    expect(page.locator("[data-order] .lot-no").last).to_have_text("250")
    page.wait_for_load_state()
    assert shown(page) == order

    page.locator("[data-order] tr").first.focus()
    keyed(page, "Control+a")
    assert page.locator('[data-order] input[name="lot"]:checked').count() == 250
    page.locator("#f-act").select_option("estimate_by")
    page.locator('[name="first"]').fill("10")
    page.locator('button[formaction$="/preview"]').last.click()
    expect(page.locator(".page-head")).to_contain_text("250 of 250 chosen lots would change")
    page.get_by_role("button", name="Apply the change").click()
    expect(page.locator("[data-order] tr").first).to_contain_text("5,500")
    page.get_by_role("button", name="Undo: ").first.click()
    expect(page.locator("[data-order] tr").first).to_contain_text("5,000")
    page.wait_for_load_state()  # a long page is seen before it has come to its end

    for known in page.locator('[name="acknowledged"]').all():
        known.check()
    page.get_by_role("button", name="Propose publication").click()
    expect(page.get_by_text("Publish the sale Morning sale with 250 lots")).to_be_visible()
    second = reader("oskar@pavilion.example").go("/staff/proposals")
    second.get_by_role("button", name="Approve").first.click()
    expect(second.get_by_text("Approved. It has taken effect.")).to_be_visible()
    buyer = reader(None, lang="zh", phone=True).go(f"/sales/{board.split('/')[-1]}")
    expect(buyer.locator("h1")).to_have_text("晨间拍卖")
    numbers = buyer.locator("a[href*='/lots/']").evaluate_all("links => new Set(links.map((one) => one.pathname)).size")
    assert numbers == 250


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


async def asked(sessions, names: list[str]) -> str:
    """A published sale in which these companies ask to bid."""
    now = utc_now()
    sale = await rooms.running_sale(sessions, closes_s=4000, lots=1)
    for number, name in enumerate(names):
        async with sessions.begin() as session:
            firm = await make.company(session, name, "HK")
            buyer = await make.actor(session, f"q{number}@firm.example", (Role.BUYER,), firm)
        await world.applied(sessions, sale.sale, buyer, now, asked_minor=5_000_000)
    return sale.sale


async def answered(sessions, sale: str) -> dict[str, str]:
    async with sessions() as session:
        wanted = select(Company.name, Registration.state).join(Registration, Registration.company_id == Company.id)
        wanted = wanted.join(Sale, Sale.id == Registration.sale_id).where(Sale.public_id == sale)
        return {name: state for name, state in await session.execute(wanted) if name.startswith("Queue ")}


def test_the_registrars_queue_is_worked_by_keys_alone_and_each_answer_is_told(house: House, reader):
    sale = house.do(asked, names := [f"Queue {letter}" for letter in "ABCDEF"])
    page = reader("rita@pavilion.example").go(f"/staff/registrations?sale={sale}")
    focused = "() => document.activeElement.querySelector('h2')?.textContent ?? document.activeElement.name"
    keyed(page, "j", "j", "k")
    assert page.evaluate(focused) == "Queue A"
    keyed(page, "a")
    said(page, "Approved: Queue A. 5 left in the queue.")
    assert page.evaluate(focused) == "Queue B", "the work goes on where it was"
    keyed(page, "d")
    assert page.evaluate(focused) == "why", "a reason is needed first"
    keyed(page, "ArrowDown", "Tab", "Tab", "Enter")
    said(page, "Declined: Queue B. 4 left in the queue.")
    assert page.evaluate(focused) == "Queue C"
    keyed(page, "i", *"Whose?", "Enter")
    said(page, "Asked: Queue C. 4 left in the queue.")
    assert page.evaluate(focused) == "Queue C", "it waits for the company, and stands here still"
    keyed(page, "j", "x")
    said(page, "Chosen: Queue D")
    keyed(page, "j", "x", "j", "x", "x", "b")
    expect(page.locator("main li.queue-row h2")).to_have_text(["Queue D", "Queue E"])
    expect(page.get_by_text("never held against the sanctions list")).to_have_count(2)
    assert house.do(answered, sale)["Queue D"] == "applied", "nothing is done by looking"
    page.get_by_role("button", name="Approve these 2").focus()
    keyed(page, "Enter")
    expect(page.locator("h1")).to_have_text("2 of 2 went through")
    states = ["approved", "declined", "more_information", "approved", "approved", "applied"]
    assert house.do(answered, sale) == dict(zip(names, states, strict=True))
    page.goto(f"{house.url}/staff/registrations?sale={sale}")
    keyed(page, "j", "j", "a")
    said(page, "Approved: Queue F. 1 left in the queue.")
    assert page.evaluate(focused) == "Queue C"
    assert page.url.endswith(f"?sale={sale}"), "an answer leaves the queue of the sale as it was asked for"
