"""What becomes of a bid: the checks of one bid in their order, and the event that follows. Pure but for the nonce."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from pavilion.auctions.fees import UNTAXED, Tax, all_in
from pavilion.bidding import clerking, closing, grouping, planned, rules
from pavilion.bidding.book import LotBook
from pavilion.bidding.folding import Draft, Given
from pavilion.bidding.texts import bid_commitment, end_or_none, end_text
from pavilion.bidding.vault import Opening, new_nonce

NOT_REGISTERED = {"none": "not_registered", "declined": "not_registered", "closed": "not_registered"}
STANDING_CODES = NOT_REGISTERED | {
    "applied": "registration_pending",
    "more_information": "registration_pending",
    "suspended": "banned",
    "struck": "banned",
}
NOT_OPEN = {
    "listed": "not_open_yet",
    "withdrawn": "lot_withdrawn",
    "sold": "lot_closed",
    "passed": "lot_closed",
    "closing": "lot_closed",
}
# Not in the book: the same key may be used again when the matter has changed.
_FORM = re.compile(r"[0-9a-f]{32}[A-Z]{3}[0-9a-f]{64}")  # key, currency, rules
EXACT = 2**53 - 1  # the largest whole number that every reader of JSON reads alike
UNRECORDED = frozenset({"not_open_yet", "confirm_needed"})


@dataclass(frozen=True, slots=True)
class BidOrder:
    """One bid as its bidder sent it, once its form is right and its sender known."""

    sale: str
    lot: str
    company_id: int
    key: str
    max: int
    currency: str
    rules: str
    confirm: int | None = None
    via: str = "online"
    person: str | None = None
    mandate: str | None = None  # of a bid that staff enter: phone, commission or floor


class Answer(NamedTuple):
    """What an order came to. `unknown`: nobody can say yet; ask again with the same key."""

    result: str  # accepted, refused, done, unknown
    lot: str | None = None
    key: str = ""
    code: str | None = None
    seq: int | None = None
    n: int | None = None
    t: int | None = None
    at: int | None = None
    state: str | None = None
    max: int | None = None
    nonce: str | None = None
    ask: int | None = None
    headroom: int | None = None
    replayed: bool = False
    sale: str = ""
    rule: str | None = None  # why a destination is closed, and what that rests on
    source: str | None = None
    plan: str | None = None

    @property
    def receipt(self) -> str | None:
        return None if self.n is None else f"/sales/{self.sale}/receipts/{self.n}"


@dataclass(frozen=True, slots=True)
class Bidder:
    """A registration, as far as a decision asks."""

    company_id: int
    paddle: int | None
    state: str
    limit: int | None
    destination: str
    terms: str
    tax: Tax = UNTAXED  # as far as it can be told before the invoice
    until: int | None = None  # in microseconds; from here on the approval has ended and nothing new is taken

    def ended(self, t: int) -> bool:
        return self.until is not None and t >= self.until


class Rule(NamedTuple):
    """Why a lot may not be supplied to a destination: the rule with its entry of the law table, and its source."""

    name: str
    source: str


class Wish(NamedTuple):
    """What a bidder of a tender wants to spend at most, and on which lots first."""

    limit: int | None
    lots: tuple[str, ...]


class Listing(NamedTuple):
    """A lot as it is listed."""

    lot: str
    number: str
    currency: str
    opening: int
    reserve: int | None
    passport: str
    reoffer_of: str | None = None  # the lot whose stones are offered again
    notice: tuple[str, str] = ("", "")  # what the room is told of that, in English and Chinese
    by: str | None = None  # who listed it


Closures = Mapping[str, Rule]  # by destination


@dataclass(frozen=True, slots=True)
class LotFacts:
    lot: str
    barred: frozenset[int] = frozenset()  # companies with an interest in the lot
    closed: Closures = field(default_factory=dict)  # destinations it may not be supplied to
    closed_next: Closures = field(default_factory=dict)  # and those of the day after
    verified: bool = True  # every stone of it
    mct: int = 0
    benchmark_ppc: int | None = None  # what a discount in a tender is taken from
    low: int = 0  # the low estimate
    passport: str = ""  # the facts hash as it is now; empty: not known
    confirmed: frozenset[int] = frozenset()  # companies that keep their maxima under this passport
    viewed: frozenset[int] = frozenset()  # companies that viewed it, or waived the viewing
    notice: tuple[str, str] = ("", "")  # what the room is told when it is not, in English and Chinese


@dataclass(frozen=True, slots=True)
class Facts:
    """What the other domains know; read again when they say that it changed."""

    bidders: Mapping[int, Bidder] = field(default_factory=dict)  # by company
    lots: Mapping[str, LotFacts] = field(default_factory=dict)
    paid: frozenset[str] = frozenset()  # lots won and paid
    midnight: int | None = None  # from here on the day after has begun
    shares: Sequence[str] = ()  # files of a tender's custodians, as they came
    wishes: Mapping[int, "Wish"] = field(default_factory=dict)  # by company
    late: Sequence["Listing"] = ()  # lots that are to be listed after publication
    by_paddle: Mapping[int, Bidder] = field(init=False)

    def __post_init__(self) -> None:
        numbered = {one.paddle: one for one in self.bidders.values() if one.paddle is not None}
        object.__setattr__(self, "by_paddle", numbered)


def decide_bid(draft: Draft, facts: Facts, order: BidOrder, t: int) -> Answer:
    """The answer to this bid; accepted and most refused bids become the next event of the draft."""
    if _FORM.fullmatch(order.key + order.currency + order.rules) is None or abs(order.max) > EXACT:
        return turned_away(order, "bad_message")  # nothing of it may stand in a hashed text
    bidder = bidder_of(draft, facts, order)
    if isinstance(bidder, Answer):
        return bidder
    assert bidder.paddle is not None
    if draft.rules.tender is not None:
        return turned_away(order, "act_not_allowed")  # here bids are sealed
    given = draft.earlier(bidder.paddle, order.key)
    if given is not None:
        if given.same_body(order.lot, order.max, order.currency, order.rules):
            return _with_rule(answer_of(draft.sale, given, replayed=True), facts, bidder, t)
        return turned_away(order, "key_reused")
    if bidder.ended(t):
        return turned_away(order, "approval_expired")
    lot = draft.look(order.lot)
    code, headroom = code_of(draft, facts, bidder, order, t)
    if code in UNRECORDED:
        return turned_away(order, code)._replace(ask=lot.stands.ask, seq=lot.seq)
    given = _record(draft, draft.lot(order.lot), bidder.paddle, order, t, code, headroom)
    return _with_rule(answer_of(draft.sale, given), facts, bidder, t)


def code_of(draft: Draft, facts: Facts, bidder: Bidder, order: BidOrder, t: int) -> tuple[str | None, int | None]:
    """The first check that this bid fails, from the lot's state on, and what is left of a limit that it would pass."""
    assert bidder.paddle is not None
    lot, headroom = draft.look(order.lot), None
    code = state_code(draft, lot, t) or right_code(draft, facts, lot, bidder, order.rules, t)
    code = code or viewing_code(draft, facts, lot, bidder, order.max)
    if code is None:
        code = "wrong_currency" if order.currency != lot.currency else _amount_code(lot, bidder.paddle, order.max)
    if code is None and bidder.limit is not None:
        room = bidder.limit - exposure(draft, facts, bidder, without=order.lot)
        # A plan counts as a whole, all the time.
        more = 0 if order.via == "plan" else allin(draft, bidder, order.max, lot)
        if more > room:
            code, headroom = "over_limit", bidder.limit - exposure(draft, facts, bidder)
    if code is None and _needs_confirm(draft, lot, order):
        code = "confirm_needed"
    return code, headroom


def answer_of(sale: str, given: Given, *, replayed: bool = False) -> Answer:
    """The answer to a bid that stands in the book, now as when it was decided."""
    opening, accepted = given.opening, given.code is None
    return Answer(
        "accepted" if accepted else "refused",
        given.lot,
        given.key,
        given.code,
        given.seq,
        given.n,
        given.t,
        given.at,
        given.state,
        (opening.amount or None) if accepted else None,  # a sealed bid has none
        opening.nonce if accepted and opening.amount else None,
        opening.ask,
        opening.headroom,
        replayed,
        sale,
    )


def exposure(draft: Draft, facts: Facts, bidder: Bidder, *, without: str | None = None) -> int:
    """What this paddle would owe if every lot ended now: own maxima of lots it leads, prices of lots it won."""
    total, planned_lots = 0, frozenset[str]()
    if draft.plans:
        planned_lots = planned.held_by_plans(draft, bidder.paddle or 0)
        cost = partial(_weight, draft, bidder)
        total = planned.exposure(draft, bidder.paddle or 0, facts.paid, cost)
    for name in draft.held.get(bidder.paddle or 0, ()):
        if name == without or name in facts.paid or name in planned_lots:
            continue
        lot = draft.look(name)
        own = lot.stands.price if lot.state == "sold" else lot.best[lot.aliases[bidder.paddle or 0]][0]
        total += allin(draft, bidder, own or 0, lot)
    return total


def allin(draft: Draft, bidder: Bidder, amount: int, lot: LotBook | None = None) -> int:
    """What this amount counts against the bidder's limit, by the fees of the lot."""
    limited = draft.rules if lot is None else lot.rules
    return all_in(amount, limited.premium_bands, bidder.tax).total if limited.limits_include_fees else amount


def _weight(draft: Draft, bidder: Bidder, lot: LotBook, amount: int) -> int:
    return allin(draft, bidder, amount, lot)


def bidder_of(draft: Draft, facts: Facts, order: BidOrder) -> Bidder | Answer:
    """Who bids, with a paddle, on a lot that is here; or the answer to anybody else."""
    bidder = facts.bidders.get(order.company_id)
    if (code := standing_code(draft, bidder)) is not None:
        return turned_away(order, code)
    assert bidder is not None
    return bidder if draft.has(order.lot) else turned_away(order, "lot_unknown")


def standing_code(draft: Draft, bidder: Bidder | None) -> str | None:
    if bidder is None:
        return "not_registered"
    if (code := STANDING_CODES.get(bidder.state)) is not None:
        return code
    if bidder.paddle is None:
        return "registration_pending"
    return None if bidder.terms == draft.rules.terms else "terms_not_accepted"


def state_code(draft: Draft, lot: LotBook, t: int) -> str | None:
    if (code := NOT_OPEN.get(lot.state)) is not None:
        return code
    if draft.state == "paused":
        return "sale_paused"
    if lot.state == "paused":
        return "lot_paused"
    return closing.judge_bid(lot, t)


def right_code(draft: Draft, facts: Facts, lot: LotBook, bidder: Bidder, rules: str, t: int) -> str | None:
    if rules != lot.rules_hash:
        return "rules_changed"
    known = facts.lots.get(lot.lot)
    if known is None or bidder.company_id in known.barred:
        return "conflict_of_interest"  # nothing known of the lot: nobody may bid
    return None if closure(facts, known, bidder.destination, t) is None else "not_eligible"


def viewing_code(draft: Draft, facts: Facts, lot: LotBook, bidder: Bidder, amount: int) -> str | None:
    """Above so much of the low estimate somebody of the company must have seen the lot, or waived it."""
    gate, known = lot.rules.viewing_gate, facts.lots[lot.lot]
    if gate is None or (gate.lots != "all" and lot.lot not in gate.lots) or bidder.company_id in known.viewed:
        return None
    return "viewing_required" if amount * 10_000 > gate.gate_bp * known.low else None


def closure(facts: Facts, lot: LotFacts, destination: str, t: int) -> Rule | None:
    """The rule that closes the lot to this destination on the day of `t`."""
    tomorrow = facts.midnight is not None and t >= facts.midnight
    return (lot.closed_next if tomorrow else lot.closed).get(destination)


def _with_rule(answer: Answer, facts: Facts, bidder: Bidder, t: int) -> Answer:
    """A refusal by law says which, as it stands now; the book keeps the code alone."""
    known = facts.lots.get(answer.lot or "")
    if answer.code != "not_eligible" or known is None:
        return answer
    rule = closure(facts, known, bidder.destination, t)
    return answer if rule is None else answer._replace(rule=rule.name, source=rule.source)


def _amount_code(lot: LotBook, paddle: int, amount: int) -> str | None:
    return rules.judge_amount(lot.terms, lot.lead, lot.stands, lot.aliases.get(paddle, ""), amount)


def _needs_confirm(draft: Draft, lot: LotBook, order: BidOrder) -> bool:
    limits = lot.rules.jump_confirm
    if order.confirm == order.max:
        return False
    return rules.needs_confirm(lot.terms.increments, limits.factor, limits.steps, lot.stands.ask, order.max)


def _record(
    draft: Draft, lot: LotBook, paddle: int, order: BidOrder, t: int, code: str | None, headroom: int | None
) -> Given:
    alias = lot.alias_for(paddle)
    ask = None if code is None else lot.stands.ask
    opening = Opening(order.max, order.currency, order.rules, new_nonce(), ask, headroom)
    entered = (order.person, order.mandate) if order.via == "staff" else (None, None)
    commit = bid_commitment(draft.sale, lot.lot, alias, order.key, opening)
    if code is not None:
        refused = {"bidder": alias, "commit": commit, "code": code, "after": lot.seq}
        return draft.write_bid(lot, refused, paddle, order.key, opening, t, *entered)
    before = lot.stands
    after = rules.standing(lot.terms, {**lot.lead, alias: (order.max, lot.seq + 1)})
    end = former = lot.end
    changed = rules.changed(before, after)
    if changed and lot.rules.clerked is None:
        end = closing.end_after_bid(lot.rules.soft_close, lot.end, lot.hard_end, t)
    accepted = {
        "bidder": alias,
        "commit": commit,
        "via": order.via,
        "leader": after.leader,
        "price": after.price,
        "ask": after.ask,
        "reserve_met": after.reserve_met,
        "end": end_or_none(end),
        "extended": end_text(former) if end != former else None,
    }
    given = draft.write_bid(lot, accepted, paddle, order.key, opening, t, *entered)
    if end != former:
        grouping.level(draft)
    elif changed:
        clerking.call_is_off(draft, lot)
    return given


def turned_away(order: BidOrder, code: str) -> Answer:
    return Answer("refused", order.lot, order.key, code, sale=order.sale)


def away(order: BidOrder) -> Answer:
    """Nobody can say whether this bid stands; the same key finds out."""
    return Answer("unknown", order.lot, order.key, "engine_away", sale=order.sale)
