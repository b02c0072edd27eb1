"""Being told, in a real browser: sounds and the tab in the room, a second currency, the mail a moment later."""

import re

from playwright.sync_api import expect

from pavilion.auctions import rates
from tests.browser.conftest import House
from tests.cast import ILSE, WEN
from tests.make import NOON

BID = "[data-bid-now]"
COUNTING = """
window.tones = [];
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  const wave = make.call(this); const start = wave.start;
  wave.start = function (at) { window.tones.push(wave.frequency.value); return start.call(wave, at); };
  return wave;
};
"""


async def set_rates(sessions):
    async with sessions.begin() as session:
        facts = {"day": "2026-03-02", "source": "Figures of a test", "rates": {"USD": rates.ONE, "HKD": 7_781_200}}
        rates.put(session, facts, "01A", "01B", NOON)


def test_who_is_outbid_hears_it_where_they_asked_for_it_sees_it_in_the_tab_and_has_mail(house: House, reader):
    sale = house.sale(closes_s=1500)
    wen, ilse = reader(WEN), reader(ILSE)
    wen.page.add_init_script(COUNTING)
    page = wen.live(f"/sales/{sale.sale}/room?lot={sale.lots[0]}")
    other = ilse.live(f"/lots/{sale.lots[0]}")
    switch = page.locator("[data-sounds-on]")
    expect(switch).not_to_be_checked()
    switch.check()
    assert page.evaluate("window.tones") == [880], "one hears at once how loud it is"
    page.locator(BID).click()
    expect(page.locator("[data-standing] b")).to_have_text("You lead")
    expect(other.locator(BID)).to_contain_text("13,000")
    other.locator(BID).click()
    expect(page.locator("[data-standing] b")).to_have_text("You are outbid")
    expect(page).to_have_title(re.compile(r"^\(1\) Lot"))
    assert page.evaluate("window.tones") == [880, 440, 330]
    page.reload()
    expect(page.locator("[data-sounds-on]")).to_be_checked()
    page.goto(f"{house.url}/mail")
    for _ in range(20):
        if page.get_by_text("you are outbid").count():
            break
        page.wait_for_timeout(250)  # following and sending have a second each
        page.reload()
    expect(page.locator(".mails summary").first).to_contain_text("you are outbid")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


def test_amounts_stand_in_the_readers_currency_too_and_move_with_the_price(house: House, reader):
    house.do(set_rates)
    sale = house.sale(closes_s=1500)
    page = reader(WEN, lang="zh", phone=True).live(f"/lots/{sale.lots[0]}")
    page.locator(".about-choice summary").click()
    page.select_option("#about-to", "HKD")
    page.locator(".about-choice button").click()
    expect(page.locator("[data-about]")).to_have_text("约 HKD\u00a093,400")
    page.fill("#max", "20,000")
    expect(page.locator("[data-about-total]")).to_have_text("约 HKD\u00a0195,000")
    expect(page.locator(".about-choice")).to_contain_text("Figures of a test")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_page_of_notices_on_a_phone_and_the_worker_behind_it(house: House, reader):
    page = reader(WEN, lang="zh", phone=True).go("/account/notifications")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    small = "els => els.filter(e => e.getBoundingClientRect().height < 44).length"
    assert page.locator(".tick.is-cell").evaluate_all(small) == 0
    page.locator("input[name=mail][value=extended]").uncheck()
    page.locator("button.is-first").click()
    expect(page.locator("input[name=mail][value=extended]")).not_to_be_checked()
    active = "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(r => r.scope)"
    assert page.evaluate(active) == f"{house.url}/"
