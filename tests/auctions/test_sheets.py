"""The lot list as a file: what goes out comes in again, every cell is answered, and all of it is one command."""

import csv
import io
import re

import pytest
from sqlalchemy import func, select

from pavilion.accounts.rules import Role
from pavilion.auctions import changes, sheet_applying, sheet_columns, sheet_comparing, sheets
from pavilion.auctions.board import sale_of
from pavilion.auctions.changes import LotsChanged
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Command, Lot, Sale
from pavilion.auctions.rules import Broken
from pavilion.auctions.sheet_columns import Column, Row
from pavilion.auctions.sheets import Cell, Line, Read
from pavilion.catalogue.models import Stone
from pavilion.kernel.errors import BadInput, NotAllowed
from pavilion.kernel.sheet import open_sheet
from pavilion.kernel.xlsx_writing import write_xlsx
from tests import make
from tests.auctions import world
from tests.auctions.test_curation import snapshot
from tests.auctions.test_pages import house as running  # noqa: F401
from tests.auctions.test_pages import reader_speaks
from tests.make import NOON

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where both databases do the same


def test_a_broken_invariant_stands_beside_its_own_figure_or_beside_the_first_that_the_file_gives():
    low, opening = Cell(Column.LOW, None, 500_000), Cell(Column.OPENING, None, 276_000)
    line = Line(Row(2, {}), None, cells=[low, opening])
    line.broken = [Broken.OPENING_OFF_LADDER, Broken.RESERVE_ABOVE_LOW]
    assert line.warned(opening) == [Broken.OPENING_OFF_LADDER]
    assert line.warned(low) == [Broken.RESERVE_ABOVE_LOW]


async def drafted(sessions, count=4, more=0):
    found = await world.build(sessions, count + more)
    return found, await world.draft(sessions, found, count), found.stones[count:]


async def rows_of(sessions, sale, actor):
    """The list as it would go out, as rows of text."""
    async with sessions() as session:
        row = await sale_of(session, sale, drafts=True)
        columns = sheet_columns.columns_of(row.type == SaleType.COLLECTION, True)
        texts = sheets.text_rows(row, await sheets.held_of(session, row, actor), columns)
        return [dict(zip(columns, line, strict=True)) for line in texts]


def read(rows, **said):
    return Read([Row(n, row) for n, row in enumerate(rows, 2)], ".", **said)


async def compared(sessions, sale, rows, actor):
    async with sessions() as session:
        row = await sale_of(session, sale, drafts=True)
        return await sheet_comparing.compare(session, row, read(rows), actor)


async def applied(sessions, sale, document, actor):
    async with sessions.begin() as session:
        said = sheets.read_document(document)
        return await sheet_applying.apply_sheet(session, sale=sale, read=said, actor=actor, now=NOON)


def codes(found):
    return {(line.row.number, cell.column): cell.code for line in found.lines for cell in line.cells if cell.code}


@ON_SQLITE
async def test_what_goes_out_and_comes_in_unchanged_changes_nothing(sessions):
    house, sale, _ = await drafted(sessions)
    rows = await rows_of(sessions, sale, house.keeper)
    found = await compared(sessions, sale, rows, house.keeper)
    assert not found.lines and not found.moves and found.kept == 0 and len(rows) == 4
    assert rows[0][Column.NUMBER] == "11" and rows[0][Column.LOW] == "5000.00"
    assert rows[0][Column.TITLE_ZH] == "圆形\u00a0· 1.01\u00a0克拉\u00a0· G\u00a0色\u00a0· VS1"
    rows[0][Column.TITLE_ZH] = rows[0][Column.TITLE_ZH].replace("\u00a0", " ")  # as a program of tables gives it back
    rows[1][Column.TITLE_ZH] = "圆形\u00a0· 1.02 克拉"
    found = await compared(sessions, sale, rows, house.keeper)
    assert [cell.new for line in found.lines for cell in line.cells] == ["圆形\u00a0· 1.02\u00a0克拉"]


async def test_a_file_edits_numbers_moves_and_adds_as_one_command_that_is_taken_back_as_one(sessions):
    house, sale, (new, other, third) = await drafted(sessions, 4, 3)
    before = await snapshot(sessions, sale)
    a, b, _, d = rows = await rows_of(sessions, sale, house.keeper)
    a |= {Column.NUMBER: "12", Column.TITLE_EN: "A fine stone"}
    b |= {Column.NUMBER: "11", Column.RESERVE: "4500"}
    d |= {Column.POSITION: "1"}
    report = f"61{third_number(house, third):08}"
    rows += [
        {Column.STONES: new, Column.POSITION: "3", Column.NUMBER: "20", Column.LOW: "6000", Column.HIGH: "7000"},
        {Column.STONES: other, Column.REPORTS: "", Column.TITLE_ZH: "一颗钻石"},
        {Column.REPORTS: report},
    ]
    found = await compared(sessions, sale, rows, house.keeper)
    assert not found.faults and found.added == 3
    held = await world.order(sessions, sale)
    assert await world.order(sessions, sale) == held, "a preview stores nothing"
    await applied(sessions, sale, found.document, house.keeper)
    async with sessions() as session:
        lots = (await session.scalars(select(Lot).where(Lot.sale.has(public_id=sale)).order_by(Lot.rank))).all()
        last = await session.scalar(select(Command).order_by(Command.id.desc()).limit(1))
    assert [lot.public_id for lot in lots][:2] == [held[3], held[0]] and lots[2].number_text == "20"
    assert [lot.public_id for lot in lots][3:5] == [held[1], held[2]] and len(lots) == 7
    assert lots[1].number_text == "12" and lots[3].number_text == "11" and lots[1].title_en == "A fine stone"
    assert lots[5].title_zh == "一颗钻石" and lots[5].title_en and lots[2].low_minor == 600_000
    assert last.kind == "sheet" and len(last.changes) == 6, "every lot once"
    async with sessions.begin() as session:
        await changes.undo(session, sale=sale, command=last.id, actor=house.keeper, now=NOON)
    assert await snapshot(sessions, sale) == before


def third_number(house, stone):
    return house.stones.index(stone) + 1


@ON_SQLITE
async def test_lots_are_known_by_their_id_and_a_lot_not_named_stays(sessions):
    house, sale, _ = await drafted(sessions)
    a, b, *_ = await rows_of(sessions, sale, house.keeper)
    rows = [{Column.LOT: b[Column.LOT], Column.NUMBER: "99"}]
    found = await compared(sessions, sale, rows, house.curator)
    assert [(c.column, c.old, c.new) for c in found.lines[0].cells] == [(Column.NUMBER, "12", "99")]
    assert found.kept == 3
    await applied(sessions, sale, found.document, house.curator)
    after = await rows_of(sessions, sale, house.keeper)
    assert [row[Column.NUMBER] for row in after] == ["11", "99", "13", "14"] and after[0] == a


@ON_SQLITE
async def test_a_new_lot_names_its_stone_by_stock_number_where_one_that_can_be_listed_bears_it(sessions):
    house, sale, (one, two, other) = await drafted(sessions, 1, 3)
    async with sessions.begin() as session:
        stones = {stone.public_id: stone for stone in await session.scalars(select(Stone))}
        stones[one].stock_no, stones[one].stock_no_key = "Tray 7/A", "tray 7/a"
        plain, doubtful = stones[two].stock_no, stones[other].stock_no
    rows = [{Column.STOCK: text} for text in ("TRAY 7/A", plain.lower(), "nobody")]
    found = await compared(sessions, sale, rows, house.keeper)
    assert [[stone.public_id for stone in line.stones] for line in found.lines] == [[one], [two], []]
    assert codes(found) == {(4, Column.STOCK): "sheet_unknown_stone"}
    async with sessions.begin() as session:
        rival = await make.company(session, "Rival")
        again = await session.get(Stone, stones[two].id)
        again.supplier_company_id, again.stock_no, again.stock_no_key = rival.id, doubtful, doubtful.casefold()
    rows = [{Column.STOCK: doubtful}]
    assert codes(await compared(sessions, sale, rows, house.keeper)) == {(2, Column.STOCK): "sheet_stock_ambiguous"}
    async with sessions.begin() as session:
        (await session.get(Stone, stones[two].id)).withdrawn_at = NOON
    (line,) = (await compared(sessions, sale, rows, house.keeper)).lines
    assert [stone.public_id for stone in line.stones] == [other] and not line.faulty
    assert sheet_columns.columns_read(["Stock No", "number"], "USD")[0].keys() == {Column.STOCK, Column.NUMBER}


@ON_SQLITE
async def test_each_cell_that_cannot_be_taken_says_why_and_nothing_of_the_file_is_applied(sessions):
    house, sale, (new, *_) = await drafted(sessions, 4, 1)
    a, b, c, d = await rows_of(sessions, sale, house.keeper)
    rows = [
        a | {Column.NUMBER: "007", Column.LOW: "many", Column.HIGH: "=", Column.POSITION: "first"},
        b | {Column.NUMBER: "13", Column.TITLE_EN: "x" * 201},
        c | {Column.STONES: new, Column.OPENING: "-5"},
        d,
        d,
        {Column.LOT: "01KJ8Q3V5W9X7Y2Z4A6B8C0D1E"},
        {Column.STONES: "", Column.REPORTS: ""},
        {Column.STONES: "nobody"},
        {Column.STONES: a[Column.STONES]},
        {Column.STONES: new},
        {Column.STONES: new},
    ]
    found = await compared(sessions, sale, rows, house.keeper)
    assert codes(found) == {
        (2, Column.NUMBER): "sheet_number",
        (2, Column.LOW): "amount_invalid",
        (2, Column.HIGH): "sheet_formula",
        (2, Column.POSITION): "sheet_count",
        (3, Column.NUMBER): "number_taken",
        (3, Column.TITLE_EN): "sheet_too_long",
        (4, Column.STONES): "sheet_stones_fixed",
        (4, Column.OPENING): "amount_invalid",
        (5, Column.LOT): "sheet_lot_twice",
        (6, Column.LOT): "sheet_lot_twice",
        (7, Column.LOT): "sheet_unknown_lot",
        (8, Column.REPORTS): "sheet_stone_missing",
        (9, Column.STONES): "sheet_unknown_stone",
        (10, Column.STONES): "already_in_sale",
        (12, Column.STONES): "already_in_sale",
    }
    with pytest.raises(sheet_applying.SheetRefused):
        await applied(sessions, sale, found.document, house.keeper)
    assert await rows_of(sessions, sale, house.keeper) == [a, b, c, d]


async def test_a_lot_changed_since_shows_both_values_and_an_order_changed_since_is_refused(sessions):
    house, sale, _ = await drafted(sessions)
    rows = await rows_of(sessions, sale, house.keeper)
    mine = [{**rows[0], Column.TITLE_EN: "Mine"}]
    seen = await compared(sessions, sale, mine, house.curator)
    moved = await compared(sessions, sale, [{**rows[3], Column.POSITION: "1"}], house.curator)
    theirs = await compared(sessions, sale, [{**rows[0], Column.TITLE_EN: "Theirs"}], house.keeper)
    await applied(sessions, sale, theirs.document, house.keeper)
    with pytest.raises(sheet_applying.SheetRefused):
        await applied(sessions, sale, seen.document, house.curator)
    (line,) = (await compared(sessions, sale, mine, house.curator)).lines
    assert [(c.old, c.new, c.code) for c in line.cells] == [("Theirs", "Mine", "sheet_stale")]
    async with sessions.begin() as session:
        from pavilion.auctions import curation

        held = [row[Column.LOT] for row in rows]
        await curation.move_lots(session, sale=sale, lots=[held[1]], position=3, actor=house.lead, now=NOON)
    with pytest.raises(LotsChanged):
        await applied(sessions, sale, moved.document, house.curator)


@ON_SQLITE
async def test_reserves_go_out_and_in_only_for_those_who_set_them(sessions):
    house, sale, _ = await drafted(sessions)
    await world.reserved(sessions, house, sale, {0: 450_000})
    a, *_ = await rows_of(sessions, sale, house.keeper)
    assert a[Column.RESERVE] == "4500.00"
    assert (await rows_of(sessions, sale, house.curator))[0][Column.RESERVE] == ""
    found = await compared(sessions, sale, [a], house.curator)
    assert codes(found) == {(2, Column.RESERVE): "sheet_reserve_right"} and found.lines[0].cells[0].new is None
    empty = await compared(sessions, sale, [a | {Column.RESERVE: ""}], house.curator)
    assert not empty.lines, "an empty cell of somebody without the right says nothing"
    gone = await compared(sessions, sale, [a | {Column.RESERVE: ""}], house.keeper)
    assert [(c.old, c.new) for c in gone.lines[0].cells] == [(450_000, None)]


@ON_SQLITE
async def test_the_owner_of_a_lot_changes_it_by_no_file(sessions):
    house, sale, _ = await drafted(sessions)
    async with sessions.begin() as session:
        own = await make.actor(session, "mireille@karowe.example", (Role.CURATOR,), house.supplier)
    a, *_ = await rows_of(sessions, sale, house.keeper)
    found = await compared(sessions, sale, [a | {Column.TITLE_EN: "The best of all"}], own)
    if not found.faults:
        with pytest.raises(NotAllowed):
            await applied(sessions, sale, found.document, own)


async def test_decimals_currency_and_heads_are_read_as_the_file_writes_them(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("Lot_ID;Estimate_low USD;opening (usd);remark\nX;1.250,50;5000.00;-\n", encoding="utf-8")
    said = sheets.read_file(path, "USD")
    (row,) = said.rows
    assert said.unread == ["remark"] and said.decimal == ","
    assert sheet_columns.amount_said(row.says(Column.LOW), "USD", ",") == 125_050
    with pytest.raises(ValueError, match="amount"):
        sheet_columns.amount_said(row.says(Column.OPENING), "USD", ",")
    for head, wrong in (("lot_id,opening EUR", sheet_columns.OtherCurrency), ("number,opening", sheet_columns.NoLots)):
        path.write_text(head + "\n1,2\n")
        with pytest.raises(wrong):
            sheets.read_file(path, "USD")
    path.write_text("lot_id,lot_id\n1,2\n")
    with pytest.raises(sheet_columns.ColumnTwice):
        sheets.read_file(path, "USD")
    for document in ("", "!!", "eJw=", "eJyrrgUAAXUA-Q=="):
        with pytest.raises(BadInput):
            sheets.read_document(document)


async def workbook(head, rows):
    async def each():
        for row in rows:
            yield row

    return b"".join([piece async for piece in write_xlsx("Lots", head, each())])


def sent(content):
    return {"file": ("lots.xlsx", content, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")}


async def test_a_whole_sale_of_250_lots_is_built_from_a_workbook_and_published(running, tmp_path):  # noqa: F811
    found = await world.build(running.sessions, 250)
    sale = await world.draft(running.sessions, found, 0)
    async with running.sessions() as session:
        reports = list(await session.scalars(select(Stone.report_no).order_by(Stone.id)))
    head = ["reports", "number", "title_en", "estimate_low USD", "estimate_high USD", "opening USD", "position"]
    lines = [
        [no, at, f"=Stone {at}", (500_000, 2), (700_000, 2), (400_000, 2), 251 - at] for at, no in enumerate(reports, 1)
    ]
    curator = await running.browser("noor@pavilion.example")
    address = f"/staff/sales/{sale}/sheet"
    book = await workbook(head, lines)
    shown = await curator.post(address, files=sent(book))
    assert shown.status_code == 200 and "new: 250" in shown.text
    document = re.search(r'name="document" value="([^"]+)"', shown.text)[1]
    made = await curator.post(f"{address}/changes", data={"document": document})
    assert made.status_code == 303, made.text[:2000]
    again = await curator.post(f"{address}/changes", data={"document": document})
    assert again.status_code == 409 and await running.first(select(func.count()).select_from(Lot)) == 250
    out = tmp_path / "out.xlsx"
    out.write_bytes((await curator.get(f"{address}.xlsx")).content)
    sheet = open_sheet(out)
    rows = [dict(zip(sheet.header, cells, strict=False)) for _, cells in sheet.rows()]
    assert rows[0]["number"] == "250" and rows[0]["estimate_low USD"] == "5000" and "reserve USD" not in rows[0]
    assert rows[0]["title_en"] == "'=Stone 250", "no program takes it for a formula"
    told = list(csv.DictReader(io.StringIO((await curator.get(f"{address}.csv")).text[1:])))
    assert [row["lot_id"] for row in told] == [row["lot_id"] for row in rows]
    unchanged = await curator.post(address, files=sent(out.read_bytes()))
    assert "nothing would change" in unchanged.text
    assert await running.first(select(func.count()).select_from(Command).where(Command.kind == "sheet")) == 1
    proposed = await world.proposed(running.sessions, found, sale, known=["description_missing"])
    await world.decide(running.sessions, proposed, found.lead)
    assert await running.first(select(Sale.state)) == "published"
    assert (await curator.post(address, files=sent(book))).status_code == 409
    assert (await curator.get(address)).status_code == 200


async def test_the_page_answers_in_both_languages_and_refuses_what_is_no_list(running):  # noqa: F811
    _, sale, _ = await drafted(running.sessions)
    address = f"/staff/sales/{sale}/sheet"
    for lang, word in (("en", "No lot of this sale"), ("zh", "本场拍卖没有此编号的拍品")):
        curator = await running.browser("noor@pavilion.example", lang)
        await reader_speaks(running, "noor@pavilion.example", lang)
        page = await curator.post(address, files=sent(await workbook(["lot_id"], [["01KJ8Q3V5W9X7Y2Z4A6B8C0D1E"]])))
        assert page.status_code == 200 and word in page.text and 'name="document"' not in page.text
    for content in (b"%PDF-1.7\0\0", b"lot_id,opening GBP\nx,1\n", b"PK\x03\x04rubbish"):
        assert (await curator.post(address, files=sent(content))).status_code == 422
    assert (await curator.post(address, files={})).status_code == 422
    buyer = await running.browser()
    assert (await buyer.get(f"{address}.xlsx")).status_code in (303, 401, 403)
