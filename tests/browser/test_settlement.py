"""From a lot that is won to a stone that has left the house: bid, invoice, the payment double's page, the safe, the
scale, the pass, and the passport that names the buyer as its owner."""

import dataclasses
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from pavilion import main
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Role
from pavilion.auctions.models import Lot, LotStone
from pavilion.catalogue.models import Stone
from pavilion.kernel.clock import utc_now
from pavilion.provenance import passport_queries, service
from pavilion.settlement import ownership
from pavilion.settlement.release_models import Goods
from tests import make
from tests.browser import rooms
from tests.browser.conftest import ANTWERP, House, free_port
from tests.cast import WEN
from tests.provenance import stones

TOMAS = "tomas@pavilion.example"
BID = "[data-bid-now]"
LATER_MS = 60_000


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], int]]:
    """The double of the payment provider as a process, and the port of the house that it tells."""
    data, port = tmp_path_factory.mktemp("double"), free_port()
    command = [sys.executable, "-m", "pavilion", "stripe-double", "--port", "0", "--data", str(data)]
    command += ["--webhook", f"http://127.0.0.1:{port}/webhooks/stripe"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said: dict[str, str] = {}
    assert process.stdout is not None
    while "ready" not in said:
        name, _, value = process.stdout.readline().strip().partition(": ")
        assert name, "the double did not start"
        said[name] = value
    yield said, port
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, double) -> Iterator[House]:
    said, port = double
    data = tmp_path_factory.mktemp("house")
    shutil.copy(sqlite_template, data / "pavilion.db")
    given = {"KEY": said["key"], "WEBHOOK_SECRET": said["secret"], "URL": said["ready"]}
    house = House(data, port, **{f"PAVILION_STRIPE_{name}": value for name, value in given.items()})
    house.do(rooms.people)
    house.do(a_cashier)
    house.start()
    yield house
    house.stop()


async def a_cashier(sessions):
    async with sessions.begin() as session:
        await make.person(session, TOMAS, (Role.CASHIER,))


async def given_a_passport(sessions, folder: Path, signer, stone: str) -> None:
    """The chain of the stone is judged and logged; the worker issues its passport by itself."""
    registry, claim = stones.registry(folder / "registry", (1, stones.chain(1))), stones.claim(1)
    claim = dataclasses.replace(claim, stone=stone)
    async with sessions.begin() as session:
        (verdict,) = await service.confirm(session, claims=[claim], registry=registry, now=utc_now(), log=signer)
    assert verdict.verdict == "verified", verdict


async def stone_of(sessions, lot):
    """Its public id, and what it weighs: sales made in one process have stones of their own."""
    async with sessions() as session:
        wanted = select(Stone).join(LotStone, LotStone.stone_id == Stone.id).join(Lot, Lot.id == LotStone.lot_id)
        stone = await session.scalar(wanted.where(Lot.public_id == lot))
        return stone.public_id, stone.weight_mct


async def standing_of(sessions, stone):
    """Where the stone is, whose it is, and whether its newest passport says that it was handed over."""
    async with sessions() as session:
        owner = (await ownership.owners_of(session, [stone]))[stone]
        name = await session.scalar(select(Company.name).where(Company.id == owner))
        state = await session.scalar(select(Goods.state))
        newest = await passport_queries.latest(session, stone)
        return state, name, "stone:held" in newest.content["credentialSubject"]


def until(page: Page, seen: str, *, wait_ms: int = LATER_MS) -> None:
    """The page shows this after the house has done its work; a page without a line of its own is looked at again."""
    for _ in range(wait_ms // 500):
        if page.get_by_text(seen).count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_text(seen).first).to_be_visible()


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


@pytest.mark.timeout(240)
def test_from_the_hammer_to_the_stone_in_the_buyers_hands(house: House, double, reader, tmp_path):
    sale = house.sale(closes_s=9, lots=1, soft_close=3)
    stone, mct = house.do(stone_of, sale.lots[0])
    signer = main.build_house(house.settings, None).state.log_signer
    house.do(given_a_passport, tmp_path, signer, stone)
    wen = reader(WEN, phone=True)
    page = wen.live(f"/lots/{sale.lots[0]}")
    page.locator(BID).click()
    expect(page.locator("[data-standing] b")).to_have_text("You lead")
    expect(page.locator("[data-standing] b")).to_have_text("You won", timeout=LATER_MS)

    page.goto(f"{house.url}/desk/invoices")
    until(page, "INV-ANT-")
    page.get_by_role("link", name=re.compile("INV-ANT-")).first.click()
    number = page.url.rpartition("/")[2]
    until(page, "To pay")
    page.get_by_role("button", name=re.compile("by card")).click()
    page.get_by_role("link", name="Pay by card").click()
    expect(page.get_by_text("Simulation. No money moves here; this is not Stripe.")).to_be_visible()
    fits(page)
    page.get_by_label("Card that is declined").check()
    page.get_by_role("button", name=re.compile("^Pay USD 15,000.00")).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was paid")
    page.get_by_label("Card that pays", exact=True).check()
    page.get_by_role("button", name=re.compile("^Pay USD")).click()
    expect(page).to_have_url(re.compile(r"/desk/payments/.*back=paid"))
    page.goto(f"{house.url}/desk/invoices/{number}")
    until(page, "Paid in full")

    page.goto(f"{house.url}/desk/invoices/{number}/release")
    page.get_by_label("Somebody collects it").check()
    page.get_by_label("Who collects it").fill("Mei Lin")
    page.get_by_role("button", name="Have it prepared this way").click()
    expect(page.get_by_text("We prepare it and tell you")).to_be_visible()

    tomas = reader(TOMAS, lang="zh", phone=True, zone=ANTWERP)
    desk = tomas.go("/staff/releases")
    desk.get_by_role("link", name=number).click()
    parcel = desk.url
    desk.locator("form[action$='/picks'] button").click()
    desk.locator("[name=weight]").fill(f"{(mct + 20) / 1000:.3f}")
    desk.locator("[name=weight]").press("Enter")
    expect(desk.get_by_role("alert")).to_be_visible()
    tomas.forgive("409")
    desk.locator("[name=weight]").fill(f"{mct / 1000:.3f}")
    desk.locator("[name=weight]").press("Enter")
    desk.locator("form[action$='/packing'] button").click()
    desk.locator("#f-leaving").set_input_files(
        {"name": "export.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    )
    desk.locator("form[action$='/export-proof'] button").click()
    release = desk.locator("form[action$='/state'] button").first
    for _ in range(LATER_MS // 500):
        if release.count():
            break
        desk.wait_for_timeout(500)
        desk.goto(parcel)
    fits(desk)
    release.click()
    expect(desk.locator("form[action$='/hand-over']")).to_be_visible()

    page.goto(f"{house.url}/desk/invoices/{number}/release")
    page.get_by_role("button", name="Make the collection pass").click()
    token = page.locator(".pass-token").inner_text()
    desk.goto(f"{house.url}/staff/releases")
    desk.locator("[name=token]").fill(token.lower())
    desk.locator("[name=token]").press("Enter")
    desk.locator("[name=document]").select_option("passport")
    signature = desk.locator(".sign")
    signature.scroll_into_view_if_needed()
    box = signature.bounding_box()
    desk.mouse.move(box["x"] + 20, box["y"] + 40)
    desk.mouse.down()
    desk.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
    desk.mouse.up()
    expect(desk.locator("#f-file")).to_have_value(re.compile("signature.png"))
    desk.locator("form[action$='/hand-over'] button.is-first").click()
    expect(desk.locator("form[action$='/state'] button")).to_be_visible()

    page.goto(f"{house.url}/desk/stones")
    expect(page.get_by_role("link", name="Passport").first).to_have_attribute("href", f"/passports/{stone}")
    fits(page)
    with page.expect_download() as bundle:
        page.get_by_role("link", name="All papers, zip").click()
    assert bundle.value.path().stat().st_size > 20_000
    page.goto(f"{house.url}/passports/{stone}")
    expect(page.get_by_text("Valid").first).to_be_visible()
    assert house.do(standing_of, stone) == ("handed_over", "Lumen Trading", True)
