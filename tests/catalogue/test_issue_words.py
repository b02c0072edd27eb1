"""What a supplier reads of a cell names the file's own money, laboratory and grades, in the reader's language."""

from functools import partial
from types import SimpleNamespace

import pytest

from pavilion.catalogue import issue_words
from pavilion.catalogue.answering import issue_of
from pavilion.catalogue.cells import Context
from pavilion.catalogue.rowrules import RowReader
from pavilion.webkit.i18n import load
from pavilion.webkit.static import frontend

TONGUES = load(frontend() / "locales")


def say(lang, code, facts):
    return TONGUES[lang].say(code, **facts)


def said(lang, **cells):
    """Every sentence of a row with these cells."""
    fields = list(cells)
    row = RowReader(fields, Context()).read(list(cells.values()))
    sheet = SimpleNamespace(fields=fields, sheet=SimpleNamespace(header=fields))
    checked = SimpleNamespace(cells=list(cells.values()), values=row.values)
    issues = [issue_of(sheet, checked, issue) for issue in row.ordered]
    return {issue["code"]: issue_words.message(issue, lang, partial(say)) for issue in issues}


@pytest.mark.parametrize(
    ("cells", "code", "english", "chinese"),
    [
        ({"currency": "EUR", "price_total": "$ 500"}, "currency_mismatch", "currency EUR.", "币种EUR"),
        ({"lab": "GIA", "report_no": "12"}, "report_no_format", "does not fit GIA.", "不符合GIA的"),
        ({"report_no": "!"}, "report_no_format", "does not fit the laboratory.", "不符合该实验室的"),
        ({"currency": "JPY", "price_total": "50000.4"}, "precision_dropped", "Rounded to 50000.", "50000"),
        ({"currency": "USD", "price_total": "-5"}, "out_of_range", "-5 is outside 0 to ", "-5"),
        ({"carat": "1,234 ct"}, "ambiguous_value", "“1,234 ct” can mean 1234, 1.234.", "1234、1.234"),
        ({"list_pct": "1"}, "ambiguous_value", "can mean below the list, above the list", "1"),
        ({"measurements": "6.50001x6.47x4.01"}, "precision_dropped", "6.5 x 6.47 x 4.01", "6.5 x 6.47 x 4.01"),
        (
            {"measurements": "6.5x6.4x4", "meas_length": "6.5", "meas_width": "6.4", "meas_depth": "4.1"},
            "value_conflict", "6.5 x 6.4 x 4,", "6.5 x 6.4 x 4",
        ),
        ({"fluor_intensity": "Strong Blue", "fluor_color": "yellow"}, "value_conflict", "says Blue", "蓝"),
        ({"fancy_color": "yellow", "fancy_intensity": "faint"}, "fancy_pair_illegal", "Faint Yellow does", "黄"),
    ],
)  # fmt: skip
def test_a_sentence_of_a_cell_tells_what_the_row_says(cells, code, english, chinese):
    told = said("en", **cells)[code]
    assert english in told and "…" not in told
    told = said("zh", **cells)[code]
    assert chinese in told and "…" not in told
