"""Files as strangers send them: every one is read, or refused by a code."""

import io
import json
import zipfile
from datetime import date
from hashlib import shake_256

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as for_any
from hypothesis import strategies as some

from pavilion.catalogue.checking import Stopped, open_stock
from pavilion.catalogue.nomenclature import nomenclature
from pavilion.kernel import xlsx
from pavilion.kernel.sheet import Limits, SheetFault, harmless, open_sheet, write_csv

HEAD = "Stock #,Shape,Carat,Color,Clarity,Cut Grade,Lab,Report #,Origin ID,City"
ROW = "AB-1,RBC,1.01,G,VS1,EX,GIA,0123456789,BW:1-1,Zürich"


@pytest.fixture
def given(tmp_path):
    def write(content, name="stock.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def rows_of(path, **options):
    return list(open_stock(path, **options).checked())


def code_of(path, **options):
    with pytest.raises(Stopped) as stopped:
        rows_of(path, **options)
    return [issue.code for issue in stopped.value.issues]


def book(*rows):
    import openpyxl

    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    return workbook


def saved(workbook):
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_each_encoding_and_delimiter_is_read(given, encoding, delimiter):
    text = f"{HEAD}\r\n{ROW}\r\n".replace(",", delimiter)
    [row] = rows_of(given(text.encode(encoding)))
    assert (row.row, row.outcome) == (2, "accepted" if delimiter != ";" else "accepted_with_warnings")
    assert (row.values["city"], row.values["carat"]) == ("Zürich", 1010)


@pytest.mark.parametrize("city", ["Curaçao “Été”", "Saint-Denis, déjà créée", "ŒUVRE, 18 °C…", "Ærø"])
def test_western_words_are_read_as_they_are_written(given, city):
    [row] = rows_of(given(f"{HEAD}\n{ROW}".replace("Zürich", f'"{city}"').encode("cp1252")))
    assert row.values["city"] == city.replace("…", "...")


def test_a_semicolon_file_has_decimal_commas(given):
    [row] = rows_of(given(f"{HEAD}\n{ROW}".replace(",", ";").replace("1.01", "1,01")))
    assert (row.values["carat"], row.issues) == (1010, [])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_header"),
        (b"\n\n\n", "no_header"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not_a_table"),
        (b"PK\x03\x04 but no archive", "not_a_table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old or locked workbook", "not_a_table"),
        (b"\xff\xfeS\x00t\x00o\xd8", "encoding"),
        (b"Stock #,Shape\nA\x81\x8d", "encoding"),
        (f"{HEAD}\n{ROW}".encode("utf-16-le"), "encoding"),
        (f"{HEAD}\n{ROW}".replace("Zürich", "安特卫普").encode("gbk"), "encoding"),
        (f"{HEAD}\n{ROW}".replace("Zürich", "香港").encode("big5"), "encoding"),
        (f"{HEAD}\n{ROW}".replace("Zürich", "Якутск").encode("cp1251"), "encoding"),
        (f"{HEAD}\n{ROW}".replace("Zürich", "תל אביב").encode("cp1255"), "encoding"),
        (b"a,b,c\n1,2,3", "no_header"),
        (b"Stock #,Shape,Carat\nA,RBC,1", "header_missing"),
        (HEAD.replace("City", "Colour").encode(), "header_twice"),
        (HEAD.replace("City", "Price").encode(), "ambiguous_header"),
        (",".join(["Stock #"] * 201).encode(), "too_many_columns"),
    ],
)
def test_a_file_that_is_no_stock_file_is_refused_by_code(given, content, code):
    assert code_of(given(content))[0] == code


def test_a_file_over_the_limits_is_refused(given):
    small = Limits(file_bytes=100_000, rows=3)
    path = given(f"{HEAD}\n" + f"{ROW}\n" * 4)
    assert code_of(path, limits=small) == ["too_many_rows"]
    assert code_of(given("x" * 100_001), limits=small) == ["too_large"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_is_judged_by_the_cells_that_are_filled_in(given, kind):
    """Two hundred columns of which ten say something count ten a row; the row that passes the limit ends the file."""
    head = [*HEAD.split(","), *(f"our {n}" for n in range(190))]
    rows = [[*ROW.replace("AB-1", f"AB-{n}").split(","), *[""] * 190] for n in range(4)]

    def sent(*rows):
        if kind == "xlsx":
            return given(saved(book(head, *rows)), "wide.xlsx")
        return given("\n".join(",".join(row) for row in [head, *rows]), "wide.csv")

    limits = Limits(cells=200 + 4 * 10)
    assert len(rows_of(sent(*rows), limits=limits)) == 4
    with pytest.raises(Stopped) as stopped:
        rows_of(sent(*rows, ["AB-9"]), limits=limits)
    assert [(issue.code, issue.facts) for issue in stopped.value.issues] == [("too_many_cells", {"limit": "240"})]


def test_a_sheet_is_left_at_the_row_that_passes_the_limit(given, parts):
    """What stands behind is not read: the break in the table below is never come upon."""
    many = b"".join(b'<row r="%d">%s</row>' % (n, b"<c><v>1</v></c>" * 200) for n in range(3, 203))
    broken = parts[SHEET].replace(b"</sheetData>", many + b"</sheet")
    assert code_of(given(packed(parts | {SHEET: broken}), "many.xlsx"), limits=Limits(cells=5000)) == ["too_many_cells"]


@pytest.mark.parametrize("row", ["a," * 3000, f'"AB-2,{ROW}\n' + f"{ROW}\n" * 100, '"' + "x" * 6000])
def test_a_row_that_finds_no_end_is_left_before_it_fills_the_memory(given, row):
    limits = Limits(row_chars=5000)
    with pytest.raises(Stopped) as stopped:
        rows_of(given(f"{HEAD}\n{ROW}\n{row}\n{ROW}\n"), limits=limits)
    (issue,) = stopped.value.issues
    assert (issue.code, issue.facts) == ("row_without_end", {"row": "3"})
    assert code_of(given(row), limits=limits) == ["row_without_end"]


def test_rows_too_short_too_long_and_blank(given):
    path = given(f"{HEAD}\nAB-1\n\n,,,\n{ROW},,\n{ROW.replace('AB-1', 'AB-2')},surplus\n")
    rows = rows_of(path)
    assert [row.row for row in rows] == [2, 5, 6]
    assert [row.outcome for row in rows] == ["rejected", "accepted", "rejected"]
    assert ("", "ragged_row") in {(issue.column, issue.code) for issue in rows[2].issues}


def test_quotes_that_never_close_do_not_swallow_the_rows_behind_them(given):
    with pytest.raises(Stopped) as stopped:
        rows_of(given(f'{HEAD}\n{ROW}\n"AB-2,RBC\n' + f"{ROW}\n" * 20))
    assert [(issue.code, issue.facts) for issue in stopped.value.issues] == [("row_without_end", {"row": "3"})]
    lines = f'{HEAD}\n{ROW.replace("Zürich", chr(34) + "Zürich" + chr(10) + "West" + chr(34))}\n"AB-2,RBC'
    rows = rows_of(given(lines))  # a cell of two lines is one cell; a quotation mark in the last row hurts no other
    assert [(row.outcome, row.row) for row in rows] == [("accepted", 2), ("rejected", 3)]


def test_numbers_as_text_in_a_workbook_and_text_as_numbers(given):
    workbook = book(HEAD.split(","), ["AB-1", "RBC", "1.01", "G", "VS1", "EX", "GIA", 2205729946, "BW:1-1", "Antwerp"])
    workbook.active.append(["AB-2", "RBC", 1.01, "G", "VS1", "EX", "GIA", 123456789012, "BW:1-2", 12])
    first, second = rows_of(given(saved(workbook), "stock.xlsx"))
    assert first.outcome == "accepted" and first.values["report_no"] == "2205729946"
    assert second.values["carat"] == 1010 and second.values["city"] == "12"
    assert [issue.code for issue in second.issues] == ["report_no_format"]


def test_a_workbook_keeps_percents_days_and_gaps(given):
    head = [*HEAD.split(","), "Depth %", "Report Date"]
    workbook = book(head, [*ROW.split(","), 0.615, date(2025, 6, 17)])
    workbook.active["K2"].number_format = "0.0%"
    workbook.active.cell(9, 1, "AB-9")
    first, ninth = rows_of(given(saved(workbook), "stock.xlsx"))
    assert (first.values["depth_pct"], first.values["report_date"]) == (6150, "2025-06-17")
    assert ninth.row == 9


def test_formulas_are_refused_cell_by_cell(given):
    cells = ROW.split(",")
    cells[2] = "=1+0.01"
    [row] = rows_of(given(saved(book(HEAD.split(","), cells)), "stock.xlsx"))
    assert [issue.triple for issue in row.issues] == [("carat", "formula_cell", "error")]


def packed(parts):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def parts_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def parts():
    return parts_of(saved(book(HEAD.split(","), ROW.split(","))))


SHEET = "xl/worksheets/sheet1.xml"


def test_a_zip_bomb_is_not_unpacked(given, parts):
    assert code_of(given(packed(parts | {SHEET: b" " * 60_000_000}), "bomb.xlsx")) == ["unsafe_archive"]


def test_a_size_that_lies_is_found_out(given, parts):
    content = bytearray(packed(parts | {SHEET: parts[SHEET] + b" " * 5_000_000}))
    true_size = (len(parts[SHEET]) + 5_000_000).to_bytes(4, "little")
    lying = bytes(content).replace(true_size, (1000).to_bytes(4, "little"))
    assert lying != bytes(content)
    assert code_of(given(lying, "liar.xlsx")) == ["not_a_table"]


@pytest.mark.parametrize("name", ["xl/vbaProject.bin", "xl/externalLinks/externalLink1.xml", "xl/macrosheets/s.xml"])
def test_macros_and_links_to_elsewhere_are_refused(given, parts, name):
    assert code_of(given(packed(parts | {name: b"x"}), "macro.xlsm")) == ["unsafe_archive"]


def test_entities_are_refused(given, parts):
    laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>'
    assert code_of(given(packed(parts | {SHEET: laughs}), "laughs.xlsx")) == ["unsafe_archive"]


def test_one_cell_at_the_far_corner_costs_nothing(given, parts):
    far = parts[SHEET].replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
    assert code_of(given(packed(parts | {SHEET: far}), "far.xlsx")) == ["too_many_columns"]
    low = parts[SHEET].replace(b"</sheetData>", b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>')
    assert code_of(given(packed(parts | {SHEET: low}), "low.xlsx")) == ["too_many_rows"]


TEXTS = "xl/sharedStrings.xml"


@pytest.mark.parametrize(
    ("part", "content", "code"),
    [
        (SHEET, b'<worksheet><c r="' + b"x" * 5_000_000 + b'"/></worksheet>', "unsafe_archive"),
        (SHEET, b"<worksheet>" + b"".join(b"<n%d/>" % n for n in range(2500)) + b"</worksheet>", "unsafe_archive"),
        (SHEET, b"<worksheet>" + b"".join(b'<c n%d=""/>' % n for n in range(2500)) + b"</worksheet>", "unsafe_archive"),
        (TEXTS, b"<sst>" + b"<si><t>a</t></si>" * 500 + b"</sst>", "too_many_cells"),
        (TEXTS, b"<sst>" + b"<si><t>%s</t></si>" % (b"a" * 30_000) * 10 + b"</sst>", "unsafe_archive"),
    ],
    ids=["one long tag", "names of tags", "names of attributes", "many texts", "long texts"],
)
def test_what_a_parser_would_keep_is_bounded(given, parts, part, content, code):
    """A part may be five hundred megabytes; nothing that piles up until its end does."""
    noise = {"xl/media/noise.bin": shake_256().digest(60_000)}  # lets the rest unpack to six megabytes
    limits = Limits(file_bytes=100_000, cells=400)
    assert code_of(given(packed(parts | noise | {part: content}), "pile.xlsx"), limits=limits) == [code]


def test_an_archive_of_too_many_members_is_not_even_listed(given, parts, monkeypatch):
    many = packed(parts | {f"xl/media/{n}.png": b"" for n in range(200)})
    assert rows_of(given(many, "pictures.xlsx"))
    monkeypatch.setattr(xlsx, "_DIRECTORY", 4_000)
    assert code_of(given(many, "pictures.xlsx")) == ["unsafe_archive"]


def test_shared_texts_are_the_cells_they_are_named_by(given):
    cells = [*ROW.split(",")[:-1], "苏黎世 & 💎"]
    assert rows_of(given(saved(book(HEAD.split(","), cells)), "stock.xlsx"))[0].values["city"] == "苏黎世 & 💎"


@pytest.mark.parametrize("broken", [b"<worksheet><sheetData><row", b"", b"\xff\xff", b'<c r="A1" t="s"><v>99</v></c>'])
def test_a_broken_workbook_is_refused(given, parts, broken):
    assert code_of(given(packed(parts | {SHEET: broken}), "broken.xlsx"))[0] in ("not_a_table", "no_header")


def test_what_leaves_for_a_spreadsheet_is_no_formula(given):
    row = ["=1+1", "+1", "-1", "@a", "\ta", "\rb", "", "a=b"]
    body = b"".join(write_csv(iter([row])))
    assert body.startswith(b"\xef\xbb\xbf'=1+1,'+1,'-1,'@a")
    assert [harmless(cell) for cell in row[-2:]] == ["", "a=b"]


def test_a_mended_file_is_read_as_it_was_sent_back(given):
    head = "_error," + HEAD.replace("City", "Disc %")
    [row] = rows_of(given(f"{head}\nwhat was wrong,{ROW.replace('Zürich', chr(39) + '-30.5')}\n"))
    assert (row.outcome, row.values["list_pct"]) == ("accepted", -3050)


STARTS = (b"", HEAD.encode() + b"\n", b"PK\x03\x04", b"\xff\xfe")


def answers(path):
    """The codes that stop the file, or the outcome of each row."""
    try:
        return [row.outcome for row in rows_of(path)]
    except Stopped as stopped:
        return [issue.code for issue in stopped.issues]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
@for_any(start=some.sampled_from(STARTS), body=some.binary(max_size=300))
def test_whatever_bytes_are_sent_the_answer_is_rows_or_codes(given, start, body):
    known = {"accepted", "accepted_with_warnings", "rejected", "duplicate_in_file", *nomenclature().issue_codes}
    assert set(answers(given(start + body))) <= known


def test_a_file_may_be_read_more_than_once(given):
    sheet = open_sheet(given(f"{HEAD}\n{ROW}\n"))
    assert list(sheet.rows()) == list(sheet.rows()) and json.dumps(sheet.header)


def test_a_fault_says_its_facts():
    assert "limit" in str(SheetFault("too_large", limit="50 MB"))
