"""The warranty statement that trade invoices of natural diamonds carry: a dated row of provenance's table."""

import json
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from pavilion.provenance.tables import DATA


class WarrantyText(NamedTuple):
    id: str
    text_en: str
    source: str
    valid_from: date
    valid_to: date | None


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(DATA.joinpath("warranties.json").read_bytes())["rows"])


def warranty_in_force(scope: str, on: date) -> WarrantyText | None:
    """The newest text of this scope (`rough`, `polished`) that is valid on the day; None when there is none."""
    fitting = [
        WarrantyText(row["id"], row["text_en"], row["source"], date.fromisoformat(row["from"]), _day(row["to"]))
        for row in _rows()
        if scope in row["scope"] and row["text_en"]
    ]
    valid = [row for row in fitting if row.valid_from <= on and (row.valid_to is None or on <= row.valid_to)]
    return max(valid, key=lambda row: row.valid_from, default=None)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
