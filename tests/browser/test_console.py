"""A sale run from the console in a real browser, while two buyers bid: each sees and hears what was done, in their own
language, and nothing moves under the hand of the person who runs it."""

import re

import pytest
from playwright.sync_api import Page, expect

from pavilion.accounts.rules import Role
from tests import make
from tests.browser import axe, rooms
from tests.browser.conftest import ANTWERP, House
from tests.cast import ILSE, WEN

ADA, BO, CLARA = "ada@pavilion.example", "bo@pavilion.example", "clara@pavilion.example"
BID = "[data-bid-now]"
STANDING = "[data-standing] b"
HOLD_BACK = """() => {
  const send = window.fetch;
  const coming = new Promise((come) => { window.letCome = come; });
  window.fetch = async (where, how) => {
    if (how?.method !== "POST") return send(where, how);
    window.fetch = send;
    const answer = await send(where, how);
    await coming;
    return answer;
  };
}"""


@pytest.fixture(scope="module")
def staff(house: House) -> None:
    async def hire(sessions) -> None:
        async with sessions.begin() as session:
            for email, role in ((ADA, Role.AUCTIONEER), (BO, Role.AUCTIONEER), (CLARA, Role.CLERK)):
                await make.person(session, email, (role,))

    house.do(hire)


def came(page: Page, words: str) -> None:
    expect(page.locator("[data-answer]")).to_contain_text(words)


def test_a_sale_is_run_while_two_buyers_bid(house: House, reader, staff):
    sale = house.sale(closes_s=1500)
    first, second = sale.lots[0], sale.lots[1]
    ada = reader(ADA).live(f"/staff/sales/{sale.sale}/console?lot={first}")
    bo = reader(BO, zone=ANTWERP).live(f"/staff/sales/{sale.sale}/console?lot={first}")
    wen = reader(WEN).live(f"/sales/{sale.sale}/room?lot={first}")
    ilse = reader(ILSE, lang="zh", phone=True).live(f"/lots/{first}")

    # Both bid; the console follows without being touched, and the focus stays where the hand put it.
    ada.locator("[data-find]").focus()
    wen.locator(BID).click()
    expect(wen.locator(STANDING)).to_have_text("You lead")
    expect(ilse.locator(BID)).to_contain_text("13,000")
    ilse.locator(BID).click()
    expect(ada.locator("[data-hand-price]")).to_contain_text("13,000")
    expect(ada.locator(".bids li")).to_have_count(2)
    expect(ada.locator("[data-hand-leader]")).to_have_text(re.compile(r"leader B, P-\d{4}"))
    expect(ada.locator(f"tr[data-lot='{first}'] [data-price]")).to_have_text("13,000")
    assert ada.evaluate("document.activeElement.id") == "find"
    ada.locator("#main").click(position={"x": 5, "y": 400})

    # Pause and resume by keys: one opens, the second acts.
    ada.keyboard.press("p")
    ada.keyboard.press("Tab")
    ada.keyboard.press("p")
    came(ada, "Done.")
    expect(wen.locator("[data-announce=assertive]")).to_contain_text("Paused")
    expect(ilse.locator("[data-lot-state]")).to_contain_text("已暂停")
    expect(ilse.locator("[data-ends]")).to_have_text("已暂停，不计时")
    expect(wen.locator("[data-ends]")).to_have_text("paused, no time runs")
    expect(wen.locator("[data-clock]")).to_be_empty()
    expect(wen.locator(f".lanes [data-lot='{first}'] [data-time]")).to_have_text("paused")
    expect(ada.locator(f"tr[data-lot='{first}'] [data-state]")).to_have_text("Paused")
    expect(ada.locator("[data-show=exceptions] [data-count]")).to_have_text("1")
    ada.locator("[data-act=resume] summary").first.click()
    ada.locator("[data-act=resume] button").first.click()
    expect(ilse.locator("[data-lot-state]")).not_to_contain_text("已暂停")

    # Extend: both buyers see the new end. The line tells them before the answer does, which is late today.
    ada.keyboard.press("Escape")
    ada.evaluate(HOLD_BACK)
    ada.locator("[data-act=extend] summary").click()
    ada.select_option("#extend-to", index=4)
    ada.locator("[data-act=extend] button").click()
    expect(wen.locator("[data-lot-state]")).to_contain_text("Extended to")
    expect(ilse.locator("[data-lot-state]")).to_contain_text("已顺延至")

    # A void needs two: proposed here, approved there, and the price falls in both rooms.
    ada.locator("[data-act=void] summary").click()
    ada.select_option("#void-seqs", index=0)
    ada.locator("[data-act=void] button").click()
    came(ada, "A second person must approve.")
    ada.evaluate("letCome()")
    expect(ada.locator("[data-answer]")).to_have_text(re.compile(r"Extend: Done\.\s*Propose: Void a bid: Proposed"))
    expect(ada.locator("[data-waiting]")).to_contain_text("Take back")
    expect(bo.locator("[data-waiting]")).to_contain_text("Void a bid on lot 11")
    expect(bo.locator("[data-announce=assertive]")).to_contain_text("waits for your approval")
    bo.locator("[data-waiting] .is-first").click()
    expect(wen.locator(STANDING)).to_have_text("You lead")
    expect(ilse.locator(STANDING)).to_have_text("您的出价已作废")
    expect(wen.locator("[data-book] .event").first).to_contain_text(re.compile(r"Bid \d+ was voided: "))
    expect(wen.locator("[data-book] .is-voided")).to_have_count(1)
    expect(wen.locator("[data-book-count]")).to_have_text("1 bid, 1 bidder")
    expect(ilse.locator("[data-standing] span")).to_have_text("金额为误输入。")
    expect(bo.locator("[data-waiting]")).to_be_hidden()

    # A word to the room, and another lot withdrawn by one, since nobody bid on it.
    ada.keyboard.press("m")
    ada.fill("#sale-message-en", "Ten minutes’ rest.")
    ada.fill("#sale-message-zh", "休息十分钟。")
    ada.locator("[data-act=message] button").click()
    expect(wen.locator("[data-said]")).to_contain_text("Ten minutes’ rest.")
    expect(ilse.locator("[data-said]")).to_contain_text("休息十分钟。")
    for page in (wen, ilse):
        assert page.evaluate("document.querySelector('[data-said]').offsetHeight") < 160, "a strip, whatever the screen"
    ada.locator(f"tr[data-lot='{second}'] a").click()
    expect(ada.locator("[data-hand]")).to_have_attribute("data-hand", second)
    ada.locator("[data-act=withdraw] summary").click()
    ada.locator("[data-act=withdraw] button").click()
    expect(ada.locator(f"tr[data-lot='{second}']")).to_be_hidden()
    expect(wen.locator(f"[data-lane=decided] [data-lot='{second}']")).to_have_count(1)
    expect(ada.locator("[data-feed]")).to_contain_text("withdrawn")
    assert axe.violations(ada, runOnly=["wcag2a", "wcag2aa"]) == []


def test_a_clerk_opens_calls_and_sells_lot_by_lot(house: House, reader, staff):
    clerked = {"type": "clerked", "options": {"clerked": {"final_call": 4}}}
    sale = house.do(rooms.running_sale, closes_s=1500, lots=2, **clerked)
    lot = sale.lots[0]
    while not house.do(rooms.sale_is_open, sale):
        pass  # each question takes a moment
    clara = reader(CLARA).live(f"/staff/sales/{sale.sale}/console")
    wen = reader(WEN).live(f"/sales/{sale.sale}/room?lot={lot}")
    ilse = reader(ILSE, lang="zh", phone=True).live(f"/lots/{lot}")
    expect(ilse.locator("[data-ends]")).to_have_text("由拍卖师开始竞价")
    for key, words in (("g", "Done."), ("f", "Done.")):
        clara.keyboard.press(key)
        clara.keyboard.press(key)
        came(clara, words)
        clara.wait_for_timeout(100)  # the same words may come twice
    expect(clara.locator("[data-hand-state]")).to_have_text("Open")
    expect(clara.locator(f"tr[data-lot='{lot}'] [data-time]")).to_have_text("until called")
    expect(ilse.locator("[data-said]")).to_contain_text("即将最后叫价")
    expect(wen.locator("[data-announce=assertive]")).to_contain_text("fair warning")
    wen.locator(BID).click()
    expect(wen.locator(STANDING)).to_have_text("You lead")
    expect(wen.locator("[data-ends]")).to_have_text("open until it is called")
    clara.keyboard.press("c")
    clara.keyboard.press("c")
    expect(ilse.locator("[data-announce=assertive]")).to_contain_text("最后叫价")
    expect(ilse.locator("[data-clock]")).to_have_text(re.compile(r"0:0\d"))
    ilse.locator(BID).click()
    expect(ilse.locator("[data-book] .event").first).to_contain_text("最后叫价撤回")
    expect(wen.locator("[data-ends]")).to_have_text("open until it is called")
    expect(clara.locator("[data-act=final_call] summary")).not_to_have_attribute("aria-disabled", "true")
    clara.keyboard.press("c")
    clara.keyboard.press("c")
    expect(ilse.locator(STANDING)).to_have_text("您已拍得", timeout=15_000)
    clara.keyboard.press("l")
    expect(clara.locator("[data-hand]")).to_have_attribute("data-hand", sale.lots[1])


def test_a_clerk_bids_for_somebody_without_script(house: House, reader, staff):
    sale = house.sale(closes_s=1500, lots=1)
    wen = reader(WEN).live(f"/lots/{sale.lots[0]}")
    clara = reader(CLARA, script=False, phone=True).go(f"/staff/sales/{sale.sale}/console")
    assert clara.locator("[data-act=pause]").count() == 0
    clara.locator("[data-act=bid] summary").click()
    clara.fill("#bid-paddle", paddle_of(house, sale.sale))
    clara.fill("#bid-amount", "15,000")
    clara.locator("[data-act=bid] button").click()
    expect(clara.locator("#behalf")).to_contain_text("USD 18,750")
    clara.locator("#behalf button").click()
    expect(clara.locator("[data-answer]")).to_contain_text("Done.")
    expect(clara.locator(".bids")).to_contain_text("entered by Clara, by telephone")
    expect(wen.locator(STANDING)).to_have_text("You lead")
    assert "15,000" not in clara.content().split("data-book-part")[1]


def paddle_of(house: House, sale: str) -> str:
    """Wen's paddle, as the clerk hears it on the telephone."""
    from sqlalchemy import select

    from pavilion.accounts.models import Person
    from pavilion.auctions.models import Registration, Sale

    async def find(sessions) -> int:
        async with sessions() as session:
            held = select(Registration.paddle).join(Sale, Sale.id == Registration.sale_id)
            held = held.join(Person, Person.company_id == Registration.company_id)
            return await session.scalar(held.where(Sale.public_id == sale, Person.email == WEN))

    return f"P-{house.do(find):04d}"
