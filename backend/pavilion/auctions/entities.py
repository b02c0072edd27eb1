"""The companies through which the house sells, and which tax treatment a buyer meets at each (settlement spec 2)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from pavilion.accounts.strikes import THRESHOLD
from pavilion.auctions.fees import Regime, Tax

DATA = Path(__file__).parent / "data" / "entities.json"


@dataclass(frozen=True, slots=True)
class Entity:
    code: str
    name: str
    address: tuple[str, ...]
    country: str
    zone: str
    tax_no: str
    bank: dict[str, str]
    sow_self_assessed: tuple[date, ...]
    holidays: frozenset[date]
    due_days: int
    regimes: tuple[dict[str, Any], ...]
    eu: frozenset[str]
    terms: Mapping[str, Any]  # where it settles otherwise than the house's usual terms
    trade: Mapping[str, Any]  # where it trades at fixed prices otherwise than usual

    @property
    def strikes(self) -> int:
        """How many open strikes bar a company from its sales."""
        return int(self.terms.get("strikes", THRESHOLD))

    def self_assessed(self, on: date) -> date | None:
        """The last self-assessment under the System of Warranties before or on this day."""
        return max((day for day in self.sow_self_assessed if day <= on), default=None)

    def tax(self, country: str, *, has_tax_no: bool, on: date) -> Tax | None:
        """The first row of the table that fits; None means undecided, never guessed.

        Inside the entity's own union a row for everybody else does not fit: a buyer there without a tax number
        is a case for a person.
        """
        inside = country in self.eu and self.country in self.eu
        for row in self.regimes:
            place = row["buyer"] == country or (row["buyer"] == "EU" and inside)
            place = place or (row["buyer"] == "*" and not inside)
            number = row["tax_no"] is None or row["tax_no"] == has_tax_no
            if place and number and _in_force(row, on):
                return Tax(Regime(row["regime"]), row["rate_bp"])
        return None


@cache
def entities() -> dict[str, Entity]:
    table = json.loads(DATA.read_text())
    return {row["code"]: _entity(row, frozenset(table["eu"])) for row in table["entities"]}


def seat() -> Entity:
    """The first of them: by its clock the house tells what belongs to no sale."""
    return next(iter(entities().values()))


def table_version() -> str:
    return str(json.loads(DATA.read_text())["version"])


def _in_force(row: dict[str, Any], on: date) -> bool:
    until = row["to"]
    return date.fromisoformat(row["from"]) <= on and (until is None or on <= date.fromisoformat(until))


def _entity(row: dict[str, Any], eu: frozenset[str]) -> Entity:
    return Entity(
        code=row["code"],
        name=row["name"],
        address=tuple(row["address"]),
        country=row["country"],
        zone=row["zone"],
        tax_no=row["tax_no"],
        bank=row["bank"],
        sow_self_assessed=tuple(map(date.fromisoformat, row["sow_self_assessed"])),
        holidays=frozenset(map(date.fromisoformat, row["holidays"])),
        due_days=row["due_days"],
        regimes=tuple(row["regimes"]),
        eu=eu,
        terms={"due_days": row["due_days"], **row.get("terms", {})},
        trade=row.get("trade", {}),
    )
