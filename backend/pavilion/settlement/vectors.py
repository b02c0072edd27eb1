"""The public vectors of premium, tax and totals, run against the functions that make the invoice."""

from collections.abc import Mapping
from typing import Any

from pavilion.auctions import fees
from pavilion.auctions.fees import Charge, LotLine, Regime, Tax
from pavilion.kernel.money import decimal_text

Vector = Mapping[str, Any]


def check(line: Vector, header: Vector) -> str | None:
    """None when this premium vector holds, else `expected … got …` of the first member that differs."""
    got = _deposit(line) if line.get("kind") == "deposit" else _invoice(line)
    for member, value in line["expect"].items():
        if member not in got:
            return f"expected {member} {value!r} got nothing: unknown member"
        if got[member] != value or type(got[member]) is not type(value):
            return f"expected {member} {value!r} got {got[member]!r}"
    return None


def _deposit(line: Vector) -> dict[str, Any]:
    asked = fees.deposit(line["low_estimates"], line["rate_bp"], line.get("min", 0), line.get("max"))
    return {"deposit": asked}


def _invoice(line: Vector) -> dict[str, Any]:
    tax = line.get("tax", {"regime": "none", "rate_bp": 0})
    lots = [LotLine(one["hammer"], one.get("early", False)) for one in line["lines"] if one["kind"] == "lot"]
    charges = [Charge(one["net"], one.get("taxed", True)) for one in line["lines"] if one["kind"] == "charge"]
    sums = fees.totals(
        lots,
        charges,
        bands=line["bands"],
        early_bands=line.get("early_bands"),
        tax=Tax(Regime(tax["regime"]), tax.get("rate_bp", 0)),
        credits=line.get("credits", ()),
    )
    members = ("premium", "tax_base", "tax", "memo_tax", "net", "total", "due", "refund")
    return {name: getattr(sums, name) for name in members} | {
        "premiums": list(sums.premiums),
        "payment": sums.due > 0,
        "total_text": decimal_text(sums.total, line["currency"]),
    }
