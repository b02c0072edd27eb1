"""The rule set of a sale as one document (bidding spec 3), and its hash."""

from datetime import datetime
from typing import Any, Protocol

from pavilion.auctions.formats import SaleType, options_of
from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.kernel.instants import stamp

# The shape every new sale starts from. Amounts are minor units.
INCREMENTS = [[0, 5_000], [100_000, 10_000], [200_000, 25_000], [500_000, 50_000], [1_000_000, 100_000]]
SOFT_CLOSE: dict[str, Any] = {"window": 120, "extension": 120, "mode": "reset", "scope": "lot", "hard_end": None}
PREMIUM: dict[str, Any] = {"bands": [[None, 2_500]], "early_bands": None, "early_before_hours": 48}

# What the house does not let staff choose; part of the document all the same, since it decides results.
_HOUSE: dict[str, Any] = {"v": 1, "reserve_publish": "at_record", "openings": "losing"}


class Ruled(Protocol):
    """What a sale says about its rules."""

    @property
    def currency(self) -> str: ...
    @property
    def zone(self) -> str: ...
    @property
    def opens_at(self) -> datetime | None: ...
    @property
    def first_close_at(self) -> datetime | None: ...
    @property
    def stagger_s(self) -> int: ...
    @property
    def stagger_per(self) -> int: ...
    @property
    def breaks(self) -> list[list[int]]: ...
    @property
    def increments(self) -> list[list[int]]: ...
    @property
    def mode(self) -> str: ...
    @property
    def soft_close(self) -> dict[str, Any]: ...
    @property
    def premium(self) -> dict[str, Any]: ...
    @property
    def reserve_rule(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def options(self) -> dict[str, Any] | None: ...


def document(sale: Ruled, terms_sha256: str, house: str | None = None) -> dict[str, Any]:
    """The rules as they would be frozen now; the sale must name its opening and first close. `house`: the key to which
    bids of a tender in plain mode are encrypted."""
    assert sale.opens_at is not None and sale.first_close_at is not None
    doc = (
        _HOUSE
        | options_of(sale.type, sale.options)
        | {
            "format": str(sale.type),
            "currency": sale.currency,
            "zone": sale.zone,
            "opens_at": stamp(sale.opens_at),
            "increments": [list(tier) for tier in sale.increments],
            "mode": str(sale.mode),
            "reserve_rule": str(sale.reserve_rule),
            "soft_close": dict(sale.soft_close),
            "stagger": {
                "first": stamp(sale.first_close_at),
                "interval": sale.stagger_s,
                "per": sale.stagger_per,
                "breaks": [list(pause) for pause in sale.breaks],
            },
            "premium": dict(sale.premium),
            "terms": terms_sha256,
        }
    )
    if sale.type == SaleType.TENDER:  # one end for all, and no bid moves it
        del doc["soft_close"]
        doc["stagger"] |= {"interval": 0, "per": 1, "breaks": []}
        if not doc["tender"]["sealed"]:
            doc["tender"] = doc["tender"] | {"k": 1, "custodians": [] if house is None else [house]}
    return doc


def rules_hash(doc: dict[str, Any]) -> str:
    return sha256_hex(canonical(doc))
