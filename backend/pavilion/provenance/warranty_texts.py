"""The warranty statement that trade papers of natural diamonds carry: a dated row of our table (settlement spec 10)."""

import json
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from pavilion.kernel.errors import Refusal
from pavilion.provenance.tables import DATA

YEAR = timedelta(days=365)


class WarrantyOutdated(Refusal):
    status, code = 409, "warranty_outdated"


class WarrantyNotEntitled(Refusal):
    status, code = 409, "warranty_not_entitled"


class WarrantyText(NamedTuple):
    id: str
    text_en: str
    source: str
    valid_from: date
    valid_to: date | None


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(DATA.joinpath("warranties.json").read_bytes())["rows"])


def given_by(entity: str, name: str, self_assessed: date | None, on: date) -> dict[str, str]:
    """What a paper of this day says, with the text's hash; refused where the house may not say it today."""
    row = warranty_in_force("polished", on)
    if row is None:
        raise WarrantyOutdated(day=on.isoformat())
    if self_assessed is None or not self_assessed <= on <= self_assessed + YEAR:
        raise WarrantyNotEntitled(entity=entity)
    said = {"id": row.id, "sha256": sha256(row.text_en.encode()).hexdigest(), "text_en": row.text_en}
    return said | {"source": row.source, "seller": name, "self_assessed": self_assessed.isoformat()}


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
