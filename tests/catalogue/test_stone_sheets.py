"""An answer of the catalogue as a file: what the reader may see, and nothing that a spreadsheet runs."""

import csv
import io

from sqlalchemy import select

from pavilion.catalogue import service, sheet_routes, sheets
from pavilion.catalogue.cells import Context
from pavilion.catalogue.headers import read_headers
from pavilion.catalogue.models import CommitmentKind
from pavilion.kernel.events import Event
from tests.catalogue import stones
from tests.catalogue.test_stone_pages import browsing, house, stock, warm  # noqa: F401 - fixtures
from tests.make import NOON


def read(answer):
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_our_importer_knows_the_columns_again():
    header = sheets.columns(prices=True)
    read_back = read_headers(header, Context())[0]
    unknown = {name for name, field in zip(header, read_back, strict=True) if field != name}
    assert unknown == {"stone", "mine", "producer", "ratio", "on_the_market"}  # what no supplier says


async def test_a_file_holds_what_the_page_shows_and_is_written_down(house, stock):  # noqa: F811
    async with house.state.sessions.begin() as session:
        rows = [stones.row(1, weight_mct=1001, city="=1+1", list_pct=-3050, price_per_carat_minor=500_001)]
        await service.store_stones(session, rows, supplier_company_id=1, now=NOON)
        sold = {"stone": stock[1].public_id, "ref": stock[1].public_id, "kind": CommitmentKind.SOLD, "facts": {}}
        await service.commit_stone(session, **sold, by=None, now=NOON)
    await warm(house)
    async with browsing(house, "wen@lumen.example") as browser:
        found = {row["stone"]: row for row in read(await browser.get("/stones.csv?shape=round"))}
        book = await browser.get("/stones.xlsx")
    assert len(found) == 10 and stock[2].public_id not in found
    one, gone = found[stock[0].public_id], found[stock[1].public_id]
    told = (
        one["carat"],
        one["price_per_carat"],
        one["list_pct"],
        one["city"],
        one["cutter_name"],
        one["on_the_market"],
    )
    assert told == ("1.001", "5000.01", "-30.50", "'=1+1", "", "free")
    assert (gone["price_total"], gone["on_the_market"]) == ("", "sold")
    assert book.status_code == 200 and book.content[:2] == b"PK"
    async with house.state.sessions() as session:
        taken = select(Event).where(Event.name == "stones:exported").order_by(Event.id)
        logged = (await session.scalars(taken)).all()
    assert [event.facts["kind"] for event in logged] == ["csv", "xlsx"]
    assert (logged[0].facts["rows"], logged[0].facts["query"]) == (10, "/stones?shape=round")


async def test_a_file_without_prices_is_for_those_who_see_none_and_for_nobody_unknown(house, stock):  # noqa: F811
    async with browsing(house, "vera@lumen.example") as browser:
        answer = await browser.get("/stones.csv")
        refused = await browser.get("/stones.csv?ppc_from=1")
    assert len(read(answer)) == 10 and "price" not in answer.text and "USD" not in answer.text
    assert refused.status_code == 422
    async with browsing(house) as browser:
        assert (await browser.get("/stones.csv")).status_code in (303, 401)


async def test_a_file_ends_with_the_most_rows_and_says_so_in_the_record(house, stock, monkeypatch):  # noqa: F811
    assert sheet_routes.MOST_ROWS == 10_000
    monkeypatch.setattr(sheet_routes, "MOST_ROWS", 3)
    await warm(house)
    async with browsing(house, "wen@lumen.example") as browser:
        assert len(read(await browser.get("/stones.csv?sort=ct-"))) == 3
    async with house.state.sessions() as session:
        taken = await session.scalar(select(Event).where(Event.name == "stones:exported"))
    assert taken.facts["rows"] == 3
