"""What the events of a lot claim about its standing, held against the commitments that the record opens. Pure.

A commitment that is not opened is its winner's secret: it counts as larger than every opened amount. A reserve that is
not opened is bounded by what the events claim about it, and these claims must not contradict each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pavilion.bidding import closing, rules
from pavilion.bidding.reading import BadLine, Doc
from pavilion.bidding.rules import Commitment, LotTerms, RuleSet, Standing

SECRET = 10**18  # stands for a maximum that is not opened: above every amount


@dataclass(slots=True)
class Lot:
    number: str
    currency: str
    opening: int
    clock: closing.Clock
    reserve_commit: str | None
    hash: bytes
    seq: int
    at: int
    stands: Standing
    rules: RuleSet
    rules_hash: str = ""
    place: int = 0
    state: str = "listed"
    live: list[Commitment] = field(default_factory=list)
    best: dict[str, tuple[int, int]] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)
    least: int = 1  # what the reserve must be at least and at most, by what was claimed so far
    most: int = SECRET
    slowed: bool = False
    call_moved: bool = False  # the last bid moved price or leader while a final call ran
    bids: int = 0
    owed: int | None = None  # the end by an amended plan of ends, until the lot's own event has told it


def must(fits: bool, rule: str, fact: str) -> None:
    if not fits:
        raise BadLine(rule, fact)


def stand(lot: Lot, data: Doc, rule_set: RuleSet, reserves: Mapping[str, int], *, voided: bool) -> None:
    """The lot stands as claimed, since leader, price, ask and reserve follow from its live commitments."""
    claimed = Standing(data["leader"], data["price"], data["ask"], data["reserve_met"])
    if rule_set.openings != "losing":
        want = _arithmetic(lot, claimed, rule_set, voided)
    elif lot.reserve_commit is None or lot.reserve_commit in reserves:
        terms = rule_set.lot(lot.opening, reserves.get(lot.reserve_commit or ""))
        want = rules.standing(terms, lot.best)
    else:
        want = _bounded(lot, claimed, rule_set)
    for name, found, wanted in zip(Standing._fields, claimed, want, strict=True):
        must(found == wanted and type(found) is type(wanted), name, f"{found} where the rules say {wanted}")
    lot.stands = claimed


def _bounded(lot: Lot, claimed: Standing, rule_set: RuleSet) -> Standing:
    """What follows when the reserve is not opened."""
    following, rule = rule_set.increments.next, rule_set.reserve_rule
    base = rules.standing(LotTerms(lot.opening, None, rule, rule_set.increments), lot.best)
    if base.price is None:
        return base._replace(reserve_met=False)
    top = max(amount for amount, _ in lot.best.values())
    leader, price = base.leader, base.price
    if claimed.reserve_met:
        price = max(price, claimed.price or 0)
        lot.most = min(lot.most, price, top)
        lot.least = max(lot.least, price if price > base.price else 1)
    else:
        # An unopened maximum bounds nothing: only what is open must lie below the reserve.
        known = max((amount for amount, _ in lot.best.values() if amount < SECRET), default=0)
        lot.least = max(lot.least, known + 1)
        if rule == "push" or (rule == "house" and claimed.leader != rules.HOUSE):
            price = top
            lot.most = min(lot.most, following(top)) if rule == "house" else lot.most
        elif rule == "house":
            leader, price = rules.HOUSE, following(top)
            lot.least = max(lot.least, price + 1)
    must(lot.least <= lot.most, "reserve_met", "no reserve fits all that was claimed about it")
    return Standing(leader, price, following(price), bool(claimed.reserve_met))


def _arithmetic(lot: Lot, claimed: Standing, rule_set: RuleSet, voided: bool) -> Standing:
    """What can be held against the rules when no amount is opened: the ask, and that only a void lets a price fall."""
    nobody = not lot.best
    must((claimed.leader is None) == nobody and (claimed.price is None) == nobody, "leader", "does not fit the bids")
    must(voided or lot.stands.price is None or (claimed.price or 0) >= lot.stands.price, "price", "fell without a void")
    must((claimed.reserve_met is None) == (lot.reserve_commit is None), "reserve_met", "does not fit the listing")
    return claimed._replace(ask=lot.opening if claimed.price is None else rule_set.increments.next(claimed.price))
