"""The printed catalogue: what stands on it, the same bytes for the same sale, for anybody, after publication."""

import asyncio
import re
from pathlib import Path

from sqlalchemy import func, select

from pavilion.auctions import catalogue_paper, papers
from pavilion.auctions.board import sale_of
from pavilion.auctions.models import Lot
from pavilion.auctions.paper_models import SalePaper
from pavilion.catalogue.media_models import StoneMedia
from pavilion.catalogue.media_shelf import Shelf
from pavilion.catalogue.models import Stone
from pavilion.webkit.i18n import load
from pavilion.webkit.static import frontend
from tests.auctions import world
from tests.auctions.test_pages import house as running  # noqa: F401
from tests.catalogue.media_world import picture
from tests.make import NOON

TONGUES = load(frontend() / "locales")
HOUSE = "https://pavilion.example"
BARE = Shelf(Path("no-folder"))  # no stone was photographed


async def published(house, count=3):
    found = await world.build(house.sessions, count)
    return found, await world.published(house.sessions, found)


async def source_of(house, sale, lang):
    async with house.sessions() as session:
        row = await sale_of(session, sale)
        return await catalogue_paper.source(session, row, lang, house=HOUSE, tongues=TONGUES)


async def test_each_lot_stands_with_its_report_origin_code_and_estimate(running):  # noqa: F811
    found, sale = await published(running)
    said = await source_of(running, sale, "both")
    assert said["langs"] == ["en", "zh"] and said["title"] == ["Spectral IV", "光谱四"] and len(said["lots"]) == 3
    first = said["lots"][0]
    assert first["number"] == "11" and first["estimate"] == "USD 5,000 – 7,000" and not first["withdrawn"]
    (stone,) = first["stones"]
    assert stone["origin"] == ["Origin confirmed: Karowe, Botswana", "来源已确认：博茨瓦纳 Karowe"]
    assert stone["href"] == f"{HOUSE}/id/stone/{found.stones[0]}"
    told = {row[0][0]: row[1] for row in stone["facts"]}
    assert told["Report"] == ["GIA 6100000001"] * 2 and told["Weight"] == ["1.01\xa0ct", "1.01\xa0克拉"]
    drawn = catalogue_paper.drawn(said, BARE)
    assert len(drawn["plates"]) == 1, "one drawing serves all stones that look alike"
    assert len(drawn["codes"]) == 3 and all(code.startswith("<svg") for code in drawn["codes"].values())
    assert [part["title"][0] for part in said["index"]] == ["By shape", "By colour", "By weight"]
    assert [number for number, _ in said["index"][0]["groups"][0]["lots"]] == ["11", "12", "13"]
    assert "reserve" not in str(said["lots"]).casefold()


async def test_the_same_sale_is_the_same_bytes_tagged_with_fonts_of_its_own(running):  # noqa: F811
    _, sale = await published(running, 2)
    said = await source_of(running, sale, "zh")
    one, two = (papers.print_catalogue(said, BARE) for _ in range(2))
    assert one == two and one.startswith(b"%PDF") and b"/StructTreeRoot" in one and b"/MarkInfo" in one
    assert re.search(rb"NotoSansSC|NotoSans", one)


async def test_anybody_gets_the_catalogue_of_a_published_sale_once_it_is_printed(running):  # noqa: F811
    found = await world.build(running.sessions, 2)
    draft = await world.draft(running.sessions, found)
    browser = await running.browser()
    assert (await browser.get(f"/sales/{draft}/catalogue.pdf")).status_code == 404
    await world.decide(running.sessions, await world.proposed(running.sessions, found, draft), found.lead)
    address = f"/sales/{draft}/catalogue.pdf?lang=both"
    waits = await browser.get(address)
    assert waits.status_code == 202 and "about 2 seconds" in waits.text and waits.headers["retry-after"] == "2"
    assert (await browser.get(address)).status_code == 202, "asked twice, printed once"
    url = running.app.state.settings.public_url
    assert await papers.tick(running.sessions, TONGUES, url, BARE, NOON) == 1
    assert await papers.tick(running.sessions, TONGUES, url, BARE, NOON) == 0
    made = await browser.get(address)
    assert made.status_code == 200 and made.headers["content-type"] == "application/pdf"
    assert (await browser.get(address)).content == made.content
    assert await running.first(select(func.count()).select_from(SalePaper)) == 1
    assert (await browser.get(f"/sales/{draft}/catalogue.pdf?lang=fr")).status_code == 422


async def test_a_withdrawn_lot_keeps_its_number_alone_and_the_paper_is_another(running):  # noqa: F811
    found, sale = await published(running, 2)
    before = await source_of(running, sale, "en")
    async with running.sessions.begin() as session:
        lot = await session.scalar(select(Lot).order_by(Lot.rank).limit(1))
        lot.state = "withdrawn"
    after = await source_of(running, sale, "en")
    gone = after["lots"][0]
    assert gone["withdrawn"] and gone["number"] == "11" and gone["title"] == ["Withdrawn"] and not gone["stones"]
    assert after != before and found.stones[0] not in str(after)
    assert await asyncio.to_thread(papers.print_catalogue, after, BARE)
    async with running.sessions.begin() as session:
        for lot in await session.scalars(select(Lot)):
            lot.state = "withdrawn"
    assert await asyncio.to_thread(papers.print_catalogue, await source_of(running, sale, "both"), BARE), "none to draw"


async def test_a_photographed_stone_stands_as_its_photograph_and_the_rest_as_they_are_drawn(running, tmp_path):  # noqa: F811
    found, sale = await published(running, 2)
    drawn = await source_of(running, sale, "en")
    address, shelf = "a" * 64, Shelf(tmp_path)
    async with running.sessions.begin() as session:
        stone = await session.scalar(select(Stone).where(Stone.public_id == found.stones[0]))
        facts = {"sha256": address, "address": address, "name": "one.jpg", "width": 400, "height": 300, "bytes": 9}
        session.add(StoneMedia(public_id="P" * 26, stone_id=stone.id, kind="photo", position=0, at=NOON, **facts))
        stone.photo, stone.media = "P" * 26, 1
    said = await source_of(running, sale, "en")
    assert said != drawn, "the paper is another once a photograph stands"
    assert [one["photo"] for lot in said["lots"] for one in lot["stones"]] == [f"{address}/s", ""]
    lost = papers.print_catalogue(said, shelf)
    assert b"DCTDecode" not in lost, "a photograph that is lost costs the picture, not the paper"
    shelf.place(address).mkdir(parents=True)
    for size, width in (("s", 400), ("m", 1200)):
        (shelf.place(address) / f"{size}.jpg").write_bytes(picture(size=(width, width * 3 // 4)))
    one, two = (papers.print_catalogue(said, shelf) for _ in range(2))
    assert one == two and b"DCTDecode" in one and picture(size=(400, 300)) in one, "the bytes of the shelf, as they are"
