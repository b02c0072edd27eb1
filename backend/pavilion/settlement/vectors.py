"""The public vectors of premium, tax, totals and default, run against the functions that make invoice and ladder."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from pavilion.auctions import fees
from pavilion.auctions.fees import Charge, LotLine, Regime, Tax
from pavilion.bidding.rules import best_of, sold
from pavilion.bidding.vectors import differs, play_bids
from pavilion.kernel.money import decimal_text
from pavilion.settlement import default

Vector = Mapping[str, Any]


def check(line: Vector, header: Vector) -> str | None:
    """None when this premium vector holds, else `expected … got …` of the first member that differs."""
    got = _deposit(line) if line.get("kind") == "deposit" else _invoice(line)
    return differs(line["expect"], got)


def check_default(line: Vector, header: Vector) -> str | None:
    """The same for a vector of default: the underbidder's offer, the ladder of days, strikes, what is forfeited."""
    match line["kind"]:
        case "counterfactual":
            got = _counterfactual(line, header.get("tables", {}))
        case "ladder":
            got = _ladder(line)
        case "strikes":
            got = _strikes(line)
        case "forfeit":
            bp = line.get("forfeit_bp", default.FORFEIT_BP)
            got = default.forfeit(line["deposit"], line["total"], bp)._asdict()
        case unknown:
            raise ValueError(f"kind {unknown!r}")
    return differs(line["expect"], got)


def _counterfactual(line: Vector, tables: Vector) -> dict[str, Any]:
    played = play_bids(line, tables)
    hammer = sold(played.stands)
    offer = default.underbidder_offer(played.terms, best_of(played.live), line["defaulters"], line.get("declined", ()))
    return {
        "sold_to": played.stands.leader if hammer else None,
        "sold_price": played.stands.price if hammer else None,
        "offer": None if offer.to is None else {"to": offer.to, "price": offer.price},
        "reason": offer.reason,
    }


def _ladder(line: Vector) -> dict[str, Any]:
    days = default.ladder(
        date.fromisoformat(line["closed_on"]),
        line.get("due_days", default.DUE_DAYS),
        line.get("grace_days", default.GRACE_DAYS),
        line.get("reminders", default.REMINDERS),
        frozenset(map(date.fromisoformat, line.get("holidays", ()))),
    )
    paid_on = None if line.get("paid_on") is None else date.fromisoformat(line["paid_on"])
    return {
        "due": days.due.isoformat(),
        "default": days.default.isoformat(),
        "reminders": [day.isoformat() for day in days.reminders],
        "states": [
            [asked, default.state_on(days, paid_on, date.fromisoformat(asked))] for asked in line.get("asks", ())
        ],
    }


def _strikes(line: Vector) -> dict[str, Any]:
    standing: tuple[str, ...] = ()
    can_bid = []
    for act, invoice in line["events"]:
        if act not in ("default", "cure", "waive"):
            raise ValueError(f"act {act!r}")
        standing = default.strike(standing, act, invoice)
        can_bid.append(default.may_bid(standing, line.get("threshold", default.THRESHOLD)))
    return {"can_bid": can_bid, "open": list(standing)}


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
