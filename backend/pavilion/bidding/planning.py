"""Plans at work: made and cut at their bidder's word, and served after every event before the next bid from outside
(bidding spec 5.9). Their bids are ordinary ones, under keys that the engine makes."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from pavilion.bidding import planned, plans, rules
from pavilion.bidding.book import LotBook
from pavilion.bidding.deciding import (
    NOT_OPEN,
    Answer,
    Bidder,
    BidOrder,
    Facts,
    allin,
    code_of,
    decide_bid,
    exposure,
    right_code,
    standing_code,
    viewing_code,
)
from pavilion.bidding.folding import Draft
from pavilion.bidding.plans import MOST_PLANS, Aim, Plan, Seat
from pavilion.bidding.vault import new_nonce
from pavilion.kernel.ids import minted_ms, ulid
from pavilion.kernel.instants import from_micros


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """A new plan, or with `plan` a cut of one: only what is named changes, and of the lots a maximum of 0 takes one
    out."""

    sale: str
    company_id: int
    key: str
    lots: tuple[tuple[str, int], ...] = ()
    win_at_most: int | None = None
    budget: int | None = None
    currency: str = ""
    rules: str = ""
    plan: str | None = None
    version: int | None = None  # the one that the bidder saw

    @property
    def lot(self) -> None:
        """A plan is of no one lot."""

    @property
    def body(self) -> str:
        told = [self.lots, self.win_at_most, self.budget, self.currency, self.rules, self.plan, self.version]
        return json.dumps(told)


class LotSeen(NamedTuple):
    """A lot of a plan, for its bidder. `state`: waiting, leading, outbid, won, lost, by_hand, beyond (the ask is above
    the maximum), over (decided, never bid on) or out; `code` says why a waiting lot takes no bid of the plan."""

    lot: str
    max: int
    state: str
    code: str | None = None


class PlanSeen(NamedTuple):
    """A plan, for its bidder alone. Sums are all-in, as they count against the budget."""

    id: str
    version: int
    win_at_most: int
    budget: int
    held: int
    spent: int
    exposure: int
    lots: tuple[LotSeen, ...]

    @property
    def free(self) -> int:
        return max(0, self.budget - self.spent)


# -- served -----------------------------------------------------------------------------------------------------------


def serve(draft: Draft, facts: Facts, since: int, *, all_plans: bool = False, t: int | None = None) -> None:
    """No plan would bid on anything any more. `since`: the lines of the draft before it have been served; a plan's bid
    takes the instant of the event that caused it."""
    if not draft.plans or draft.state != "open":
        return
    moved = [line for line in draft.lines[since:] if line.type != "bid.refused"]
    if not moved and not all_plans:
        return
    at = t if t is not None else moved[-1].t if moved else draft.now
    lots = {line.lot for line in moved if line.lot is not None}
    everybody = all_plans or any(line.lot is None for line in moved)
    while (bid := _next_bid(draft, facts, None if everybody else lots, at)) is not None:
        answer = decide_bid(draft, facts, bid, at)
        assert answer.result == "accepted", f"a plan's bid was looked at before it was placed: {answer.code}"
        lots.add(bid.lot)


def _next_bid(draft: Draft, facts: Facts, lots: set[str] | None, t: int) -> BidOrder | None:
    """The first bid that a plan would place, of those plans that something moved for."""
    for plan in draft.plans.plans.values():
        if lots is not None and not _touched(draft, plan, lots):
            continue
        bidder = facts.by_paddle.get(plan.paddle)
        if bidder is None or standing_code(draft, bidder) is not None or bidder.ended(t):
            continue
        for seat in plans.wanted(plan, _seats(draft, facts, plan, bidder)):
            order = _order(draft, plan, bidder, seat.lot)
            if code_of(draft, facts, bidder, order, t)[0] is None:
                return order
    return None


def _touched(draft: Draft, plan: Plan, lots: Collection[str]) -> bool:
    """Something moved on a lot of the plan, or on one that its bidder bid on and so may count less for."""
    return any(lot in plan.lots or plan.paddle in draft.look(lot).aliases for lot in lots)


def _order(draft: Draft, plan: Plan, bidder: Bidder, lot: str) -> BidOrder:
    most = next(aim.max for aim in plan.aims if aim.lot == lot)
    known = draft.look(lot)
    facts = (most, known.currency, _rules_read(plan, known), most, "plan")
    return BidOrder(draft.sale, lot, bidder.company_id, plan.key(lot), *facts)


def _rules_read(plan: Plan, lot: LotBook) -> str:
    """The rules of the lot as they stood when the plan was made: one made before an amendment does not bid under it."""
    stale = lot.amended_at is not None and minted_ms(plan.id) <= lot.amended_at // 1000
    return "" if stale else lot.rules_hash


def _seats(draft: Draft, facts: Facts, plan: Plan, bidder: Bidder) -> list[Seat]:
    return planned.seats_of(draft, plan, facts.paid, _cost(draft, bidder))


def _cost(draft: Draft, bidder: Bidder) -> planned.Cost:
    return lambda lot, amount: allin(draft, bidder, amount, lot)


# -- made and cut -----------------------------------------------------------------------------------------------------


def take(draft: Draft, facts: Facts, order: PlanOrder, t: int) -> Answer:
    """The plan stands as asked and has placed what it would place, or it is refused with a code."""
    bidder = facts.bidders.get(order.company_id)
    if (code := standing_code(draft, bidder)) is not None:
        return _refused(order, code)
    assert bidder is not None and bidder.paddle is not None
    if (known := draft.plans.asked.get((bidder.paddle, order.key))) is not None:
        if known.body != order.body:
            return _refused(order, "key_reused")
        return Answer("accepted", key=order.key, seq=known.version, replayed=True, sale=order.sale, plan=known.plan)
    if draft.state == "closed":
        return _refused(order, "lot_closed")
    if draft.rules.tender is not None:
        return _refused(order, "act_not_allowed")
    if bidder.ended(t) and not order.plan:
        return _refused(order, "approval_expired")
    made = _cut(draft, bidder.paddle, order) if order.plan else _new(draft, facts, bidder, order, t)
    if isinstance(made, Answer):
        return made
    if draft.plans.plans.get(made.id) != made:
        draft.keep_plan(made, order.key, order.body)
        serve(draft, facts, len(draft.lines), all_plans=True, t=t)
    return Answer("accepted", key=order.key, seq=made.version, sale=order.sale, plan=made.id)


def _new(draft: Draft, facts: Facts, bidder: Bidder, order: PlanOrder, t: int) -> Plan | Answer:
    assert bidder.paddle is not None
    aims = tuple(Aim(lot, most) for lot, most in order.lots)
    places, budget = order.win_at_most or 0, order.budget or 0
    code = plans.judge(aims, places, budget)
    if code is not None or len(draft.plans.of(bidder.paddle)) >= MOST_PLANS:
        return _refused(order, code or "plan_invalid")
    for aim in aims:
        if (code := _aim_code(draft, facts, bidder, order, aim, t)) is not None:
            return _refused(order, code, aim.lot)
    plan = Plan(ulid(from_micros(draft.now)), bidder.paddle, aims, places, budget, new_nonce())
    if bidder.limit is not None:
        room = bidder.limit - exposure(draft, facts, bidder)
        if plans.exposure(plan, _seats(draft, facts, plan, bidder)) > room:
            return _refused(order, "over_limit")._replace(headroom=room)
    return plan


def _aim_code(draft: Draft, facts: Facts, bidder: Bidder, order: PlanOrder, aim: Aim, t: int) -> str | None:
    """Why no bid at this maximum could ever be taken on the lot, as far as is known now."""
    if not draft.has(aim.lot):
        return "lot_unknown"
    lot = draft.look(aim.lot)
    if lot.state != "listed" and (code := NOT_OPEN.get(lot.state)) is not None:
        return code
    newest = order.rules == draft.newest != draft.book.rules_hash  # who has read the last amendment has read all
    read = lot.rules_hash if newest else order.rules
    code = right_code(draft, facts, lot, bidder, read, t) or viewing_code(draft, facts, lot, bidder, aim.max)
    if code is not None:
        return code
    if order.currency != lot.currency:
        return "wrong_currency"
    nobody = lot.stands._replace(leader=None)  # what was bid so far is no matter: a place may come free
    return rules.judge_amount(lot.terms, {}, nobody, "", aim.max)


def _cut(draft: Draft, paddle: int, order: PlanOrder) -> Plan | Answer:
    plan = draft.plans.plans.get(order.plan or "")
    if plan is None or plan.paddle != paddle:
        return _refused(order, "not_found")
    if order.version is not None and order.version != plan.version:
        return _refused(order, "stale_version")._replace(plan=plan.id, seq=plan.version)
    bids = planned.committed(draft, plan)
    maxima = dict(order.lots)
    less = plans.cut(plan, bids, win_at_most=order.win_at_most, budget=order.budget, maxima=maxima)
    return less or _refused(order, "plan_invalid")


def _refused(order: PlanOrder, code: str, lot: str | None = None) -> Answer:
    return Answer("refused", lot, order.key, code, sale=order.sale, plan=order.plan)


def away(order: PlanOrder) -> Answer:
    """Nobody can say whether the plan stands; the same key finds out."""
    return Answer("unknown", key=order.key, code="engine_away", sale=order.sale, plan=order.plan)


# -- shown ------------------------------------------------------------------------------------------------------------


def seen(draft: Draft, facts: Facts, bidder: Bidder) -> list[PlanSeen]:
    """The plans of this bidder as they stand, the first made first."""
    return [_plan_seen(draft, facts, bidder, plan) for plan in draft.plans.of(bidder.paddle or 0)]


def _plan_seen(draft: Draft, facts: Facts, bidder: Bidder, plan: Plan) -> PlanSeen:
    seats = {seat.lot: seat for seat in _seats(draft, facts, plan, bidder)}
    lots = tuple(_lot_seen(draft, facts, bidder, plan, aim, seats.get(aim.lot)) for aim in plan.aims)
    held = [seat for seat in seats.values() if seat.held]
    most = plans.exposure(plan, list(seats.values()))
    return PlanSeen(plan.id, plan.version, plan.win_at_most, plan.budget, len(held), plans.spent(held), most, lots)


def _lot_seen(draft: Draft, facts: Facts, bidder: Bidder, plan: Plan, aim: Aim, seat: Seat | None) -> LotSeen:
    if seat is None:
        return LotSeen(aim.lot, aim.max, "out")
    if seat.held:
        state = "won" if seat.held == "won" else "by_hand" if seat.by_hand else "leading"
        return LotSeen(aim.lot, aim.max, state)
    tried = planned.placed(draft, plan, aim.lot) is not None
    if seat.over:
        return LotSeen(aim.lot, aim.max, "lost" if tried else "over")
    if tried:
        return LotSeen(aim.lot, aim.max, "outbid")
    lot = draft.look(aim.lot)
    if lot.lot in draft.held.get(plan.paddle, ()):
        return LotSeen(aim.lot, aim.max, "by_hand")
    if lot.stands.ask > aim.max:
        return LotSeen(aim.lot, aim.max, "beyond")
    code = code_of(draft, facts, bidder, _order(draft, plan, bidder, aim.lot), draft.now)[0] if seat.ready else None
    return LotSeen(aim.lot, aim.max, "waiting", code)
