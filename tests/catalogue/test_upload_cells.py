"""Cells, headers and rows of a stock file answer as agreed with the trade."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from pavilion.catalogue import vectors
from pavilion.catalogue.cells import Context, read_cell
from pavilion.catalogue.checking import line_of, open_stock
from pavilion.catalogue.nomenclature import FOLDER, nomenclature, term

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "vectors" / "upload-values.jsonl").read_text().splitlines()


@pytest.mark.parametrize("line", LINES, ids=lambda line: json.loads(line)["id"])
def test_every_agreed_value_is_read_exactly(line):
    assert vectors.check(line) is None


def test_a_wrong_answer_would_be_named():
    vector = json.loads(LINES[0])
    vector["expect"]["value"] = "pear"
    assert vectors.check(json.dumps(vector)).startswith("expected")


def test_the_sample_file_is_answered_byte_for_byte():
    stock = open_stock(ROOT / "data" / "stock_sample.csv")
    golden = (ROOT / "data" / "stock_sample.golden.jsonl").read_text().splitlines()
    assert [line_of(row) for row in stock.checked()] == golden


@pytest.mark.parametrize(
    ("column", "raw", "value", "issues"),
    [
        ("price_total", "1,234,567.89", 123456789, ()),
        ("price_total", "12,34,567", None, ("number_format",)),
        ("price_total", "1'234.50 USD", 123450, ()),
        ("price_total", "-500", None, ("out_of_range",)),
        ("price_total", "1e6", None, ("number_format",)),
        ("price_total", "9" * 30, None, ("number_format",)),
        ("carat", "1,234,567", None, ("number_format",)),
        ("carat", "٣", None, ("number_format",)),
        ("list_pct", "(30.5) back", None, ("number_format",)),
        ("list_pct", "30.5% over", 3050, ()),
        ("list_pct", "30.5 disc.", -3050, ()),
        ("list_pct", "back", None, ("number_format",)),
        ("price_total", "SEK 500", None, ("currency_mismatch",)),
        ("price_total", "hk$ 500", None, ("currency_mismatch",)),
        ("fluor_intensity", "Very Strong Yellow", "very_strong", ()),
        ("girdle_min", "Thick/Thin", "thin", ()),
        ("report_date", "2025年6月7日", "2025-06-07", ()),
        ("report_date", "17 June 2025", "2025-06-17", ()),
        ("image", "https://user@evil.example/a.jpg", None, ("link_format",)),
        ("image", "../a.jpg", None, ("link_format",)),
        ("comment", "x" * 2001, None, ("too_long",)),
        ("comment", "  ＝1+1", None, ("formula_cell",)),
        ("comment", "a\u200bb\x07c", "abc", ()),
        ("stock_no", "-AB1", None, ("stock_no_format",)),
        ("kp_certificate_no", "bw-00 4321", "BW004321", ()),
        ("pair_separable", "Y", True, ()),
    ],
)
def test_edges_of_cells(column, raw, value, issues):
    cell = read_cell(column, raw, Context())
    assert (cell.value, cell.issues) == (value, issues)


def test_every_issue_code_speaks_both_languages():
    assert all(code.en and code.zh for code in nomenclature().issue_codes.values())


def test_no_issue_calls_a_stone_by_another_word_than_the_house_does():
    """The tables are shared and say 宝石; a sentence that loses a figure on the way would show."""
    shared = {row["code"]: row["zh"] for row in json.loads((FOLDER / "issue_codes.json").read_text())["codes"]}
    said = {code: issue.zh for code, issue in nomenclature().issue_codes.items()}
    assert [code for code, words in said.items() if "宝石" in words] == []
    assert said == {code: words.replace("宝石", "裸石") for code, words in shared.items()}


def test_a_term_is_told_in_the_readers_language():
    assert (term("shape", "cushion", "en"), term("shape", "cushion", "zh")) == ("Cushion", "枕形")
    assert term("color", "I-J", "zh") == "I-J"


def test_the_tables_are_known_by_their_hash():
    assert all(len(digest) == 64 for digest in nomenclature().sha256.values())


WORDS = sorted({alias for aliases in nomenclature().aliases.values() for alias in aliases})
RAW = some.one_of(some.text(max_size=30), some.sampled_from(WORDS), some.from_regex(r"[-+($€]?[0-9.,' ]{1,12}[%)ct]?"))


@given(column=some.sampled_from(sorted(nomenclature().columns)), raw=RAW, decimal=some.sampled_from(".,"))
def test_whatever_stands_in_a_cell_is_a_value_or_a_known_code(column, raw, decimal):
    cell = read_cell(column, raw, Context(decimal=decimal, lab="GIA"))
    assert set(cell.issues) <= set(nomenclature().issue_codes)
    severities = {nomenclature().issue_codes[code].severity for code in cell.issues}
    assert cell.value is None or "error" not in severities or cell.issues == ("natural_lab_mixed",)
