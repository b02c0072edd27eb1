"""The passport's page in a real browser: with and without scripts, on a phone and on paper."""

import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pavilion import main
from pavilion.kernel.clock import utc_now
from pavilion.provenance import passport_queries, service
from tests.browser import axe
from tests.browser.conftest import PATIENCE_S, House
from tests.provenance import stones


async def verified(sessions, folder: Path, signer) -> str:
    """A stone of Botswana, cut in Antwerp: the worker issues its passport by itself."""
    events = stones.chain(1)
    stones.event(events, "MINED").update(region="Central District", producer="Kgale Diamonds")
    cutter = {"name": "Anna Peeters", "years": 27, "consent": "name"}
    stones.event(events, "POLISHED").update(plant="Scheldt Works, Antwerp", cutter=cutter)
    registry, claim = stones.registry(folder / "registry", (1, events)), stones.claim(1)
    async with sessions.begin() as session:
        (verdict,) = await service.confirm(session, claims=[claim], registry=registry, now=utc_now(), log=signer)
    assert verdict.verdict == "verified", verdict
    return claim.stone


async def issued(sessions, stone: str) -> tuple[int, str] | None:
    """The version and the first digits of its passport."""
    async with sessions() as session:
        found = await passport_queries.latest(session, stone)
        return None if found is None else (found.n, found.sha256[:16])


def in_the_log(house: House, stone: str, version: int) -> bool:
    """Only then a page can check it."""
    try:
        with urllib.request.urlopen(f"{house.url}/passports/{stone}/{version}/bundle", timeout=PATIENCE_S):
            return True
    except urllib.error.HTTPError as refused:
        if refused.code != 409:
            raise
        return False


@pytest.fixture(scope="module")
def passport(house: House, tmp_path_factory) -> tuple[str, str]:
    """The stone, and the first digits of its passport."""
    signer = main.build_house(house.settings, None).state.log_signer  # type: ignore[arg-type]
    stone = house.do(verified, tmp_path_factory.mktemp("registry"), signer)
    until = time.monotonic() + PATIENCE_S
    while (found := house.do(issued, stone)) is None or not in_the_log(house, stone, found[0]):
        assert time.monotonic() < until, "no passport was issued and logged"
        time.sleep(0.2)  # the worker of another process can only be looked at again
    return stone, found[1]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
def test_the_page_has_no_fault_and_is_no_wider_than_the_screen(reader, passport, lang, phone):
    page = reader(None, lang=lang, phone=phone).go(f"/passports/{passport[0]}")
    expect(page.locator("[data-proof-panel][data-checked]")).to_be_visible(timeout=20_000)
    found = axe.violations(page)
    assert [(fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    expect(page.locator(".way-map svg")).to_be_visible()


def test_the_browser_checks_the_passport_itself(reader, passport):
    page = reader(None).go(f"/passports/{passport[0]}")
    panel = page.locator("[data-proof-panel]")
    expect(panel).to_have_attribute("data-checked", "0")


def test_without_scripts_everything_is_read_and_the_page_says_what_was_not_checked(reader, passport):
    page = reader(None, script=False).go(f"/passports/{passport[0]}")
    shown = page.locator("main").inner_text()
    for words in ("Valid", "Origin confirmed", "Cut by Anna Peeters", "From the rough", "Nothing was checked here"):
        assert words in shown, words


def test_a_card_that_fits_no_version_is_told(reader, passport):
    stone, digits = passport
    someone = reader(None)
    page = someone.go(f"/id/stone/{stone}#{digits}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[data-scanned]")).to_be_hidden()
    page.goto(f"{someone.house.url}/passports/{stone}#{'0' * 16}")
    page.reload()
    expect(page.get_by_text("fits no version of this passport")).to_be_visible()


def test_on_paper_the_page_leaves_out_what_only_a_screen_can_do(reader, passport):
    page = reader(None).go(f"/passports/{passport[0]}")
    page.emulate_media(media="print")
    expect(page.locator("#downloads")).to_be_hidden()
    expect(page.locator(".qr")).to_be_visible()
    expect(page.locator(".way-map svg")).to_be_visible()
