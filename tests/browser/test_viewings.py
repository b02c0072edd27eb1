"""A viewing from the page of a lot to an opened gate: the buyer in English, the door in Chinese on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from pavilion.accounts.rules import Role
from pavilion.auctions.models import Lot, LotStone
from pavilion.catalogue.models import Stone
from pavilion.kernel.clock import utc_now
from pavilion.viewings import places
from pavilion.viewings.places import DeskPlan, HoursPlan, OfficePlan, RoomPlan
from tests import make
from tests.browser.conftest import ANTWERP, House
from tests.cast import WEN

VIC = "vic@pavilion.example"
GATE = {"viewing_gate": {"gate_bp": 10_000, "lots": "all"}}
OFFICE = OfficePlan(
    "ant", "Antwerp", "安特卫普", ANTWERP, "BE", "Hoveniershof 12", "Hoveniershof 12 号",
    rooms=(RoomPlan("ant-main", "Room", "看货室", 6),),
    desks=(DeskPlan("ant-1", "Desk 1", "1 号看货台", "ant-main"),),
    hours=(HoursPlan((0, 1, 2, 3, 4, 5, 6), "00:00", "24:00"),),
    rules={"sitting": 30, "step": 15},
)  # fmt: skip


async def lay_out(sessions, lots):
    """An office that never closes, somebody at its door, and the stones of these lots in its safe: what they weigh."""
    now = utc_now()
    async with sessions.begin() as session:
        vic = await make.person(session, VIC, (Role.VIEWINGS,))
        await places.lay_out(session, OFFICE, valid_from=now.date(), by="house", now=now)
        await places.employ(session, "ant", vic.id, operator=True, by="house", now=now)
        held = select(Stone).join(LotStone, LotStone.stone_id == Stone.id)
        held = held.join(Lot, Lot.id == LotStone.lot_id).where(Lot.public_id.in_(lots))
        stones = list(await session.scalars(held))
        for stone in stones:
            await places.keep(session, stone.public_id, "ant", now=now)
        return [stone.weight_mct for stone in stones]


def bid(page: Page, amount: str) -> None:
    page.fill("#max", amount)
    page.locator(".max-form button[type=submit]").click()


@pytest.mark.timeout(120)
def test_from_the_lot_to_the_desk_and_back_to_a_bid_above_the_gate(house: House, reader):
    sale = house.sale(closes_s=1500, lots=1, options=GATE)
    [mct] = house.do(lay_out, sale.lots)  # each sale made in this process has heavier stones than the one before
    lot = f"/lots/{sale.lots[0]}"
    wen = reader(WEN)
    page = wen.live(lot)
    bid(page, "23,500")
    expect(page.get_by_text("Above this amount a viewing is needed").first).to_be_visible()

    page.get_by_role("link", name="See this stone").first.click()
    expect(page).to_have_url(re.compile(r"/viewings\?"))
    page.locator("input[name=slot]").first.check(force=True)
    page.fill("#visitor-name-0", "Vera Lau")
    page.fill("#visitor-born-0", "1991-04-17")
    page.locator("[data-submit]").click()
    expect(page.get_by_role("timer")).to_contain_text(":")
    page.get_by_role("button", name="Confirm the viewing").click()
    expect(page.get_by_text("Booked. The invitation")).to_be_visible()
    appointment = page.url.partition("?")[0].rpartition("/")[2]
    page.get_by_role("button", name="Show the pass").click()
    token = page.locator(".pass-token").inner_text()
    wide = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 700})
    page.evaluate("document.querySelector('.head-row .label').textContent = 'Demonstration'")  # the longest label
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size(wide)

    vic = reader(VIC, lang="zh", phone=True, zone=ANTWERP)
    door = vic.go("/staff/viewings/ant/door")
    door.get_by_role("textbox").first.fill(token.lower())
    door.get_by_role("textbox").first.press("Enter")
    expect(door.get_by_role("heading", name="Vera Lau")).to_be_visible()
    door.locator("form[action$=admission] [name=document_seen]").first.check()
    with door.expect_response(lambda answer: answer.url.endswith("/admission")) as told:
        door.locator("form[action$=admission] button[type=submit]").first.click()
    assert told.value.status == 303  # who leaves the page before the door has answered has let nobody in
    door.goto(f"{house.url}/staff/viewings/ant/appointments/{appointment}/desk")
    door.route("**/desk", lambda asked: asked.abort(), times=1)  # the line drops between the act and the page after it
    for way in ("out", "in"):
        scale = door.locator("[name=weight]")
        scale.fill(f"{mct / 1000:.3f}")
        scale.press("Enter")
        if way == "out":
            expect(door.locator("[data-line]")).to_contain_text("尚未能重新读取")
            door.evaluate("dispatchEvent(new Event('online'))")
        expect(door.locator("[name=weight]")).to_have_value("", timeout=10_000)
    vic.forgive("ERR_FAILED")
    door.locator("form[action$=end] button[type=submit]").click()
    expect(door.get_by_text("已结束").first).to_be_visible()
    assert door.evaluate("document.documentElement.scrollWidth") <= 360

    page = wen.live(lot)
    bid(page, "23,500")
    expect(page.locator("[data-standing] b")).to_have_text("You lead")
    page.goto(f"{house.url}/viewings/appointments/{appointment}")
    expect(page.locator(".page-head")).to_contain_text("Done")
