"""Lists for the house's own hands: who gets them, what stands on them, the same bytes for the same list."""

import asyncio

from sqlalchemy import select

from pavilion.accounts.rules import Role
from pavilion.auctions import house_papers
from pavilion.auctions.board import sale_of
from pavilion.auctions.house_papers import Kind, Tray
from pavilion.auctions.models import Lot
from pavilion.viewings import trays_reading
from pavilion.viewings.desk_models import Tray as DeskTray
from pavilion.viewings.place_models import Office
from pavilion.webkit.i18n import load
from pavilion.webkit.static import frontend
from tests import make
from tests.auctions import world
from tests.auctions.test_pages import house as running  # noqa: F401
from tests.make import NOON

TONGUES = load(frontend() / "locales")


async def source_of(house, sale, kind, actor, lang="en", trays=()):
    async with house.sessions() as session:
        row = await sale_of(session, sale, drafts=True)
        return await house_papers.source(session, row, kind, lang, actor=actor, trays=trays, tongues=TONGUES)


async def test_the_saleroom_list_names_reserves_only_to_who_may_see_them(running):  # noqa: F811
    found = await world.build(running.sessions, 2)
    sale = await world.draft(running.sessions, found)
    await world.reserved(running.sessions, found, sale, {0: 600_000, 1: None})
    plain = await source_of(running, sale, Kind.SALEROOM, found.curator)
    assert [one["word"] for one in plain["columns"]] == [
        "Lot", "Title and report", "Estimate", "Opening", "Hammer", "Paddle",
    ]  # fmt: skip
    number, what, estimate, opening, *blank = plain["parts"][0]["rows"][0]
    assert (number, estimate, opening, blank) == ("11", "USD\xa05,000–7,000", "USD\xa04,000", ["", ""])
    assert "GIA 6100000001, 1.01\xa0ct" in what and plain["draft"] == "Draft" and not plain["secret"]
    assert "6,000" not in str(plain)
    kept = await source_of(running, sale, Kind.SALEROOM, found.keeper)
    assert [row[4] for row in kept["parts"][0]["rows"]] == ["USD\xa06,000", "–"] and kept["secret"]
    assert kept["state"] != plain["state"]


async def test_a_tray_list_follows_the_trays_of_each_office_and_forgets_no_stone(running):  # noqa: F811
    found = await world.build(running.sessions, 3)
    sale = await world.draft(running.sessions, found)
    async with running.sessions.begin() as session:
        place = {"zone": "Europe/Brussels", "address_en": "", "address_zh": "", "country": "BE"}
        session.add(Office(id="ant", name_en="Antwerp", name_zh="安特卫普", **place))
        await session.flush()
        for label, stones in (("10", found.stones[2:]), ("2", found.stones[:1])):
            tray = {"public_id": f"{label:0>26}", "office_id": "ant", "sale": sale, "made_at": NOON}
            session.add(DeskTray(label=label, stones=stones, **tray))
    async with running.sessions() as session:
        trays = await trays_reading.on_paper(session, await sale_of(session, sale, drafts=True))
    said = await source_of(running, sale, Kind.TRAYS, found.curator, "zh", trays)
    assert [part["title"] for part in said["parts"]] == ["安特卫普，2 号托盘", "安特卫普，10 号托盘", "尚未入托盘"]
    (row,) = said["parts"][0]["rows"]
    async with running.sessions() as session:
        lot = await session.scalar(select(Lot).where(Lot.number == 11))
    assert row == ["11", "2", "GIA 6100000001", "1.01\xa0克拉", "6.50 × 6.47 × 4.01\xa0mm", "", "", lot.public_id[-8:]]


async def test_each_paper_is_the_same_bytes_for_the_same_list_and_tagged(running):  # noqa: F811
    found = await world.build(running.sessions, 2)
    sale = await world.draft(running.sessions, found)
    for kind in Kind:
        trays = [Tray("Antwerp", "安特卫普", "1", found.stones)]
        said = await source_of(running, sale, kind, found.keeper, "zh", trays)
        one, two = [await asyncio.to_thread(house_papers.printed, kind, said) for _ in range(2)]
        assert one == two and one.startswith(b"%PDF") and b"/StructTreeRoot" in one


async def test_the_papers_open_for_who_lays_out_shows_or_sells_and_for_nobody_else(running):  # noqa: F811
    found = await world.build(running.sessions, 1)
    sale = await world.draft(running.sessions, found)
    await world.buyer(running.sessions)
    async with running.sessions.begin() as session:
        await make.actor(session, "aron@pavilion.example", (Role.AUCTIONEER,))
    address = f"/staff/sales/{sale}/papers"
    for email, status in ((None, 303), ("wen1@lumen.example", 403), ("rita@pavilion.example", 403),
                          ("aron@pavilion.example", 404), ("noor@pavilion.example", 200)):  # fmt: skip
        browser = await running.browser(email)
        assert (await browser.get(f"{address}/saleroom.pdf")).status_code in (status, 401 if email is None else status)
        assert (await browser.get(address)).status_code in (status, 401 if email is None else status)
    shown = await browser.get(address)
    assert "The sale is a draft" in shown.text and f"{address}/labels.pdf?lang=zh" in shown.text
    made = await browser.get(f"{address}/trays.pdf?lang=zh")
    assert made.status_code == 200 and made.headers["cache-control"] == "private, no-store"
    assert (await browser.get(f"{address}/menus.pdf")).status_code in (404, 422)
    async with running.sessions() as session:
        code = (await session.scalar(select(Lot.public_id)))[-8:]
    assert "data-lot" in (await browser.get(f"/staff/sales/{sale}?find={code}")).text
