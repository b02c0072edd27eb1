"""Which number of the Harmonized System a stone travels under: a dated table, shipped with the house."""

import json
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple


class Heading(NamedTuple):
    code: str
    text_en: str
    text_zh: str


def heading(species: str, on: date) -> Heading | None:
    """The row for the species, else that for every other gem, as valid on the day."""
    for wanted in (species, "*"):
        for row in _rows():
            if row["species"] == wanted and row["from"] <= on.isoformat() <= (row["to"] or "9999-12-31"):
                return Heading(row["code"], row["text_en"], row["text_zh"])
    return None


def table() -> bytes:
    return files("pavilion.settlement").joinpath("data", "hs_codes.json").read_bytes()


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(table())["rows"])
