"""What the pages of a sale draw and hand to their scripts."""

from datetime import datetime
from typing import Any, NamedTuple

from pavilion.bidding.rules import Increments, RuleSet
from pavilion.bidding.showing import LotShown, Purse, SaleShown
from pavilion.kernel.instants import stamp
from pavilion.kernel.money import decimal_text

LEFT, MIDDLE, RIGHT = 6, 300, 554  # of the line of a sale's times
SECOND = 1_000_000


class Marks(NamedTuple):
    """Where the first close and now stand on the line from the opening to the last close."""

    first: int
    now: int


def marks_of(sale: SaleShown, now: datetime) -> Marks:
    """Each half of the line has its own measure, so that a day of closing is seen beside weeks of bidding."""
    halves = ((sale.opens_at, sale.first_close, LEFT, MIDDLE), (sale.first_close, sale.last_close, MIDDLE, RIGHT))
    place = LEFT
    for start, end, left, right in halves:
        if now > start:
            span = max(end - start, (end - start).resolution)
            place = min(right, left + int((right - left) * (now - start) / span))
    return Marks(MIDDLE, place)


def minutes(micros: int, lang: str) -> str:
    """`2 minutes`, `90 seconds`."""
    whole, rest = divmod(micros // SECOND, 60)
    if rest or not whole:
        count = micros // SECOND
        return f"{count} 秒" if lang == "zh" else f"{count} second{'' if count == 1 else 's'}"
    return f"{whole} 分钟" if lang == "zh" else f"{whole} minute{'' if whole == 1 else 's'}"


def rungs_of(increments: Increments, ask: int, held: int | None, count: int = 5) -> tuple[int, ...]:
    """The amounts above the button: beyond the ask, or, for who leads with `held`, the first ones that raise it."""
    if held is None:
        return increments.ladder(ask, count + 1)[1:]
    return increments.ladder(ask if held < ask else increments.next(held), count)


def typed_text(minor: int | None, currency: str) -> str:
    """An amount as its bidder would type it: `30,000`."""
    if minor is None:
        return ""
    whole, _, part = decimal_text(minor, currency).partition(".")
    return f"{int(whole):,}" + (f".{part}" if part.strip("0") else "")


def facts_for_script(sale: SaleShown, purse: Purse, here: str | None, alone: bool) -> dict[str, Any]:
    """All that the room's modules start from; nothing in it is for other eyes than this reader's."""
    other = [lot for lot in sale.lots if lot.rules_hash not in (None, sale.rules_hash)]
    return {
        "sale": sale.id,
        "state": sale.state,
        "format": sale.rules.format,
        "rules": sale.rules_hash,
        "currency": sale.currency,
        "zone": sale.zone,
        **_terms(sale.rules),
        "under": {lot.rules_hash: _terms(lot.rules) for lot in other if lot.rules},
        "amended": {lot.id: lot.rules_hash for lot in other},
        "tax": {"regime": purse.tax.regime, "rate_bp": purse.tax.rate_bp} if purse.tax else None,
        "fees": sale.rules.limits_include_fees,
        "limit": purse.limit,
        "headroom": purse.headroom,
        "mayBid": purse.may_bid,
        "signedIn": purse.why != "signed_out",
        "watches": purse.why == "not_allowed",
        "here": here,
        "alone": alone,
        "lots": [_script_lot(lot, place, here) for place, lot in enumerate(sale.lots)],
    }


def _terms(rules: RuleSet) -> dict[str, Any]:
    """What the scripts draw from a rule set: the sale's own, or one that some of its lots were given."""
    increments, confirm = rules.increments, rules.jump_confirm
    return {
        "window": rules.soft_close.window // 1_000_000,
        "increments": {"tiers": increments.tiers, "mode": increments.mode},
        "confirm": {"factor": confirm.factor, "steps": confirm.steps},
        "bands": rules.premium_bands,
    }


def _script_lot(lot: LotShown, place: int, here: str | None) -> dict[str, Any]:
    own = lot.own
    return {
        "place": place,
        "planned": lot.planned,
        "number": lot.number,
        "mct": lot.mct,
        "low": None if lot.on_request else lot.low,
        "high": None if lot.on_request else lot.high,
        "opening": lot.opening,
        "book": {
            "lot": lot.id,
            "seq": lot.seq,
            "state": lot.state,
            "leader": lot.leader,
            "price": lot.price,
            "ask": lot.ask,
            "reserve_met": lot.reserve_met,
            "bids": lot.bids,
            "end": stamp(lot.end) if lot.end else None,
            "hash": lot.hash,
            "extended": stamp(lot.end) if lot.end and lot.extended else None,
        },
        "own": {"alias": own.alias, "max": own.max, "state": own.state, "seq": own.seq} if own else None,
    }
