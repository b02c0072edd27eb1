"""The saleroom as bidders meet it in a real browser: two languages, desk and phone, with and without script."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser import axe
from tests.browser.conftest import ANTWERP, House
from tests.cast import ILSE, WEN

STANDING = "[data-standing] b"
BID = "[data-bid-now]"


def standing(page: Page, words: str) -> None:
    expect(page.locator(STANDING)).to_have_text(words)


def test_two_buyers_bid_against_each_other_in_two_languages(house: House, reader):
    sale = house.sale(closes_s=1500)
    wen = reader(WEN).live(f"/sales/{sale.sale}/room?lot={sale.lots[0]}")
    ilse = reader(ILSE, lang="zh", phone=True, zone=ANTWERP).live(f"/lots/{sale.lots[0]}")

    expect(wen.locator(BID)).to_contain_text("Bid USD\u00a012,000")
    wen.locator(BID).click()
    standing(wen, "You lead")
    expect(ilse.locator(BID)).to_contain_text("出价 USD\u00a013,000")
    expect(ilse.locator("[data-ask-words]")).to_have_text("含佣金及税合计")
    expect(ilse.locator(f"{BID} small")).to_have_text("含佣金及税合计 USD\u00a016,250")
    ilse.locator(BID).click()
    standing(ilse, "您领先")
    standing(wen, "You are outbid")
    expect(wen.locator("[data-standing] span")).to_have_text("by B at 13,000; your maximum was 12,000")
    expect(wen.locator("[data-announce=assertive]")).to_contain_text("You are outbid")
    expect(wen.locator("[data-lane=outbid] [data-lot]")).to_have_count(1)

    expect(ilse.locator("[data-ask-words]")).to_have_text("若现在结束，您支付")
    wen.fill("#max", "23,500")
    expect(wen.locator(".max-form [data-cost=total]")).to_have_text("USD\u00a029,375")
    expect(wen.locator(".max-form [data-cost=left]")).to_have_text("470,625")
    wen.keyboard.press("Enter")
    standing(wen, "You lead")
    standing(ilse, "您的出价已被超过")
    expect(ilse.locator("[data-announce=assertive]")).to_contain_text("您的出价已被超过")
    expect(wen.locator("[data-book] tr").first).to_contain_text("A, you")
    assert "23,500" not in ilse.content(), "another bidder's maximum is nobody's business"
    assert ilse.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_late_bid_moves_the_end_and_the_lot_then_closes_by_itself(house: House, reader):
    sale = house.sale(closes_s=14, lots=1, soft_close=7)
    wen = reader(WEN).live(f"/lots/{sale.lots[0]}")
    ilse = reader(ILSE, lang="zh", phone=True).live(f"/lots/{sale.lots[0]}")
    wen.locator(BID).click()
    standing(wen, "You lead")
    expect(wen.locator("[data-closing]")).to_have_class(re.compile("is-closing"), timeout=20_000)
    expect(ilse.locator(BID)).to_contain_text("13,000")
    ilse.locator(BID).click()
    standing(ilse, "您领先")
    expect(wen.locator("[data-lot-state]")).to_contain_text("extended to")
    expect(wen.locator("[data-announce=polite]")).to_contain_text("extended to", timeout=15_000)
    expect(wen.locator("[data-book] .event").first).to_contain_text("End moved to")
    expect(ilse.locator(STANDING)).to_have_text("您已拍得", timeout=30_000)
    standing(wen, "Sold to another bidder")
    expect(wen.locator("[data-price-head]")).to_have_text("Hammer price")
    expect(wen.locator("[data-announce=assertive]")).to_contain_text("Sold to another bidder")
    for page in (wen, ilse):
        expect(page.locator("form[data-bid], [data-ladder], [data-while-live]")).to_have_count(0)
    expect(ilse.locator("[data-cost=total]").first).to_have_text("USD\u00a016,250")
    expect(ilse.locator(".all-in .sum dt").first).to_have_text("应付总额（含佣金及税）")
    expect(ilse.locator("[data-panel] a[href='/desk/invoices']")).to_be_visible()
    expect(ilse.locator("[data-book] .event").first).to_have_text("以 13,000 成交，买家 B")


def test_a_cut_line_comes_back_and_nothing_is_lost(house: House, reader):
    sale = house.sale(closes_s=1500)
    at_desk = reader(WEN)
    wen = at_desk.live(f"/lots/{sale.lots[0]}")
    ilse = reader(ILSE).live(f"/lots/{sale.lots[0]}")
    wen.locator(BID).click()
    standing(wen, "You lead")

    at_desk.context.set_offline(True)
    wen.evaluate("() => {}")
    expect(wen.locator("[data-link-words]")).to_contain_text("Connection lost", timeout=15_000)
    expect(wen.locator("[data-lot-state]")).to_contain_text("time unknown")
    expect(wen.locator(f"{BID} small")).to_have_text("connection lost, time unknown")
    ilse.locator(BID).click()
    standing(ilse, "You lead")
    standing(wen, "You lead")  # it does not know better yet, and says that the line is cut
    at_desk.context.set_offline(False)
    expect(wen.locator("[data-link-words]")).to_contain_text("Live", timeout=20_000)
    standing(wen, "You are outbid")
    expect(wen.locator("[data-book] tr").first).to_contain_text("13,000")
    at_desk.forgive("ERR_INTERNET_DISCONNECTED")


def test_a_bid_without_an_answer_is_not_known_yet_and_then_found_once(house: House, reader):
    sale = house.sale(closes_s=1500)
    at_desk = reader(WEN)
    wen = at_desk.live(f"/lots/{sale.lots[0]}")
    at_desk.context.set_offline(True)
    expect(wen.locator("[data-link-words]")).to_contain_text("Connection lost", timeout=15_000)
    wen.locator(BID).click()
    expect(wen.locator(f"{BID} b")).to_contain_text("Sending")
    assert json.loads(wen.evaluate(f"localStorage.getItem('pavilion.bids.{sale.sale}')"))[0]["max"] == 1_200_000
    expect(wen.locator(f"{BID} b")).to_contain_text("Not known yet", timeout=10_000)
    at_desk.context.set_offline(False)
    expect(wen.locator(STANDING)).to_have_text("You lead", timeout=20_000)
    expect(wen.locator("[data-book] tr[data-n]")).to_have_count(1)
    assert wen.evaluate(f"localStorage.getItem('pavilion.bids.{sale.sale}')") is None
    at_desk.forgive("ERR_INTERNET_DISCONNECTED")


def test_a_bid_by_form_alone(house: House, reader):
    sale = house.sale(closes_s=1500)
    at_desk = reader(WEN, script=False)
    page = at_desk.go(f"/lots/{sale.lots[0]}")
    page.locator(BID).click()
    expect(page).to_have_url(re.compile(rf"/lots/{sale.lots[0]}\?answer=[0-9a-f]{{32}}"))
    standing(page, "You lead")
    expect(page.locator("[data-answer]")).to_contain_text("Your bid stands.")
    page.fill("#max", "ten thousand")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("[data-hint]")).to_have_text("Please enter a valid amount.")
    page.fill("#max", "30,000")
    page.get_by_role("button", name="Show the whole price first").click()
    expect(page.locator(".max-form [data-cost=total]")).to_have_text("USD 37,500")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("[data-standing] span")).to_contain_text("your maximum 30,000")
    page.fill("#max", "90,000")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bid far above the ask?")
    page.fill("#again", "9,000")
    page.get_by_role("button", name="Bid up to USD 90,000").click()
    expect(page.locator("#again-hint")).to_be_visible()
    page.fill("#again", "90000")
    page.get_by_role("button", name="Bid up to USD 90,000").click()
    expect(page.locator("[data-standing] span")).to_contain_text("your maximum 90,000")
    at_desk.forgive("status of 422")


def test_a_bid_by_keyboard_alone(house: House, reader):
    sale = house.sale(closes_s=1500)
    page = reader(WEN).live(f"/sales/{sale.sale}/room?lot={sale.lots[0]}")
    page.keyboard.press("n")
    expect(page.locator(BID)).to_be_focused()
    standing(page, "No bids yet")  # one key alone never bids
    page.keyboard.press("n")
    standing(page, "You lead")
    page.keyboard.press("b")
    expect(page.locator("#max")).to_be_focused()
    page.keyboard.type("25000")
    page.keyboard.press("Tab")
    page.keyboard.press("m")
    expect(page.locator("[data-standing] span")).to_contain_text("your maximum 25,000")
    page.keyboard.press("b")
    page.keyboard.type("95000")
    page.keyboard.press("Enter")
    expect(page.locator("[data-confirm]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-confirm]")).to_be_hidden()
    expect(page.locator("#max")).to_have_value("95000")
    page.locator("[data-keys-on]").uncheck()
    page.locator("[data-keys-on]").blur()
    page.keyboard.press("b")
    expect(page.locator("#max")).not_to_be_focused()


def test_a_large_jump_is_confirmed_by_typing_or_by_sliding(house: House, reader):
    sale = house.sale(closes_s=1500)
    page = reader(WEN, phone=True).live(f"/lots/{sale.lots[0]}")
    page.fill("#max", "90,000")
    page.locator(".max-form button[type=submit]").click()
    expect(page.locator("[data-confirm]")).to_be_in_viewport(ratio=1)
    assert page.evaluate("scrollY") > 100, "the question comes to the reader, wherever the page is scrolled to"
    expect(page.locator("[data-confirm-why]")).to_have_text(
        "The ask is 12,000. You typed 90,000, which is 78 steps more."
    )
    page.fill("#again", "9,000")
    page.keyboard.press("Enter")
    expect(page.locator("[data-again-hint]")).to_have_text("That is not 90,000.")
    expect(page.locator("#again")).to_have_attribute("aria-invalid", "true")
    page.locator("[data-change]").click()
    expect(page.locator("[data-confirm]")).to_be_hidden()
    standing(page, "No bids yet")
    page.locator(".max-form button[type=submit]").click()
    page.locator("[data-slide]").focus()
    page.keyboard.press("End")
    standing(page, "You lead")
    expect(page.locator("[data-standing] span")).to_contain_text("your maximum 90,000")


def test_the_receipt_of_a_bid_can_be_taken_away(house: House, reader):
    sale = house.sale(closes_s=1500)
    at_desk = reader(WEN)
    page = at_desk.live(f"/lots/{sale.lots[0]}")
    page.locator(BID).click()
    page.locator("[data-answer] a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("receipt")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Receipt as JSON").click()
    receipt = json.loads(taken.value.path().read_text())
    assert receipt["opening"]["amount"] == 1_200_000
    assert receipt["event"]["type"] == "bid.accepted"
    assert reader(ILSE).context.request.get(page.url).status == 404, "nobody else's receipt is here"
    expect(at_desk.go("/desk/bids").locator("tbody tr")).not_to_have_count(0)


def test_another_lot_comes_into_focus_without_leaving_the_room(house: House, reader):
    sale = house.sale(closes_s=1500)
    page = reader(WEN).live(f"/sales/{sale.sale}/room?lot={sale.lots[0]}")
    page.evaluate("window.stayed = true")
    page.locator(f"[data-lot='{sale.lots[1]}'] a").click()
    expect(page.locator("[data-stand]")).to_have_attribute("data-stand", sale.lots[1])
    page.locator(BID).click()
    standing(page, "You lead")
    page.go_back()
    expect(page.locator("[data-stand]")).to_have_attribute("data-stand", sale.lots[0])
    standing(page, "No bids yet")
    assert page.evaluate("window.stayed") is True


@pytest.mark.parametrize(("lang", "phone"), [("en", False), ("zh", True)], ids=["en-desk", "zh-phone"])
def test_every_page_is_free_of_faults_that_axe_knows(house: House, reader, lang, phone):
    sale = house.sale(closes_s=1500)
    wen = reader(WEN, lang=lang, phone=phone)
    page = wen.live(f"/lots/{sale.lots[0]}")
    page.locator(BID).click()
    expect(page.locator("[data-standing]")).to_have_class(re.compile("is-leading"))
    receipt = page.locator("[data-answer] a").get_attribute("href") or ""
    rows = (
        f"/lots/{sale.lots[0]}",
        f"/sales/{sale.sale}/room",
        f"/sales/{sale.sale}",
        receipt,
        "/desk/bids",
        "/results",
    )
    for path in rows:
        page = wen.go(path)
        page.wait_for_load_state("networkidle")
        assert faults_of(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0, path
    page = wen.live(f"/lots/{sale.lots[0]}")
    page.fill("#max", "99,000")
    page.locator(".max-form button[type=submit]").click()
    expect(page.locator("[data-confirm]")).to_be_visible()
    assert faults_of(page) == []


def faults_of(page: Page) -> list[str]:
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in axe.violations(page)]
