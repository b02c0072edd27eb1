"""The formats of a sale and the options that staff may set before publication (bidding spec 3); pure.

A sale keeps only what differs from the house's usual options, so that an untouched sale says nothing.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pavilion.kernel.base64url import from_base64url

DAY = 86_400
MOST_CUSTODIANS = 12
LEAST_CUSTODIANS = 2
LEAST_INVITED = 2  # nobody bids against nobody

Options = Mapping[str, Any]


class SaleType(StrEnum):
    TIMED = "timed"
    CLERKED = "clerked"
    TENDER = "tender"
    COLLECTION = "collection"  # fixed prices: neither rule set nor book (settlement spec 11)


USUAL: Options = {
    "hold_results": False,
    "edge_delay_ms": 2_000,
    "close_wait_extend_ms": 500,
    "outage": {"min": 10, "span": 600, "grant": 600},
    "limits": {"required": True, "include_fees": True},
    "viewing_gate": None,
    "retraction": {"slip_factor": 10, "within_minutes": 15, "before_end_hours": 12},
    "jump_confirm": {"factor": 3, "steps": 10},
    "passed_offer_days": 5,
}
USUAL_CLERKED: Options = {"final_call": 10}
USUAL_TENDER: Options = {
    "sealed": True,
    "k": 2,
    "custodians": [],
    "replace": "latest",
    "withdraw": True,
    "price_rule": "first",
    "min_bidders": 1,
    "best_and_final": None,
}
USUAL_FINAL: Options = {"top": 3, "within_bp": 1_000, "hours": 24}


def options_of(form: str, kept: Options | None) -> dict[str, Any]:
    """Every option that a sale of this format has, as set or as usual."""
    usual = dict(USUAL)
    if form == SaleType.CLERKED:
        usual["clerked"] = dict(USUAL_CLERKED)
    if form == SaleType.TENDER:
        usual["tender"] = dict(USUAL_TENDER)
    return usual | {name: value for name, value in (kept or {}).items() if name in usual}


def kept(form: str, options: Options) -> dict[str, Any] | None:
    """What a sale has to remember of its options; None when all are as usual."""
    usual = options_of(form, None)
    different = {name: options[name] for name in usual if options[name] != usual[name]}
    return different or None


def tender_fault(tender: Options) -> str | None:
    """Why a tender cannot be held so, as the name of a fact; None when it can."""
    keys, k, final = tender["custodians"], tender["k"], tender["best_and_final"]
    if final is not None and final["top"] < LEAST_INVITED:
        return "tender_final"
    if not tender["sealed"]:
        return "custodians_of_plain" if keys else None
    if len(keys) < LEAST_CUSTODIANS:
        return "custodians_missing"
    if len(keys) > MOST_CUSTODIANS or len(set(keys)) != len(keys) or not all(is_public_key(key) for key in keys):
        return "custodians_wrong"
    return None if LEAST_CUSTODIANS <= k <= len(keys) else "custodians_fewer"


# -- custodians' keys -------------------------------------------------------------------------------------------------

# The curve P-256: y² = x³ - 3x + B modulo P (FIPS 186).
P = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_POINT = re.compile(r"B[A-Za-z0-9_-]{86}")  # 65 bytes that begin with 4: an uncompressed point


def is_public_key(text: str) -> bool:
    """A point of P-256 in base64url, written in the one way that the rule set takes."""
    if _POINT.fullmatch(text) is None:
        return False
    try:
        point = from_base64url(text)
    except ValueError:
        return False  # a last letter that hides other bits
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    return x < P and y < P and (y * y - x * x * x + 3 * x - B) % P == 0
