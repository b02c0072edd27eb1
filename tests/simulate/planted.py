"""Bugs on purpose, each behind a switch that only tests turn: the checker must find every one of them."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pavilion.bidding import book, clerking, closing, deciding, due, folding, grouping, rules
from pavilion.bidding.rules import HOUSE, Increments, Standing
from pavilion.bidding.texts import text_of

Plant = Callable[[Any], None]  # takes pytest's monkeypatch

_standing, _judge_amount, _end_after_bid, _resumed = (
    rules.standing, rules.judge_amount, closing.end_after_bid, closing.resumed,
)  # fmt: skip
_after_outage, _apply, _load, _open_due = closing.after_outage, book.apply, folding.load, due.open_due


def _set(owner: Any, name: str, value: Any) -> Plant:
    return lambda patch: patch.setattr(owner, name, value)


def _later_bid_wins_ties(terms, best):
    return _standing(terms, {bidder: (amount, -seq) for bidder, (amount, seq) in best.items()})


def _pays_its_maximum(terms, best):
    stands = _standing(terms, best)
    if stands.leader in (None, HOUSE):
        return stands
    top = max(amount for amount, _ in best.values())
    return stands._replace(price=top, ask=terms.increments.next(top))


def _steps_twice(terms, best):
    stands = _standing(terms, best)
    if len(best) < 2 or stands.leader == HOUSE:
        return stands
    ranked = sorted((amount for amount, _ in best.values()), reverse=True)
    price = max(stands.price, min(ranked[0], terms.increments.next(terms.increments.next(ranked[1]))))
    return stands._replace(price=price, ask=terms.increments.next(price))


def _reserve_after_premium(terms, best):
    return _standing(replace(terms, reserve=terms.reserve and terms.reserve * 4 // 5), best)


def _seller_reaches_reserve(terms, best):
    stands = _standing(terms, best)
    if terms.reserve_rule == "house" and best and stands.leader != HOUSE and stands.reserve_met is False:
        price = terms.increments.next(stands.price)
        return Standing(HOUSE, price, terms.increments.next(price), False)
    return stands


def _ask_is_price(terms, best):
    stands = _standing(terms, best)
    return stands._replace(ask=stands.price or stands.ask)


def _equal_own_maximum(terms, best, stands, bidder, amount):
    code = _judge_amount(terms, best, stands, bidder, amount)
    return None if code == "not_above_own_max" and amount == best[bidder][0] else code


def _one_below_the_ask(terms, best, stands, bidder, amount):
    code = _judge_amount(terms, best, stands, bidder, amount)
    return None if code == "below_ask" and amount == stands.ask - 1 else code


def _below_opening(terms, best, stands, bidder, amount):
    code = _judge_amount(terms, best, stands, bidder, amount)
    return None if code == "below_opening" else code


def _off_ladder(terms, best, stands, bidder, amount):
    code = _judge_amount(terms, best, stands, bidder, amount)
    return None if code == "off_ladder" and stands.leader is not None and amount >= stands.ask else code


def _no_tier_start(self, p):
    start, step = self.tiers[rules.bisect_right(self._froms, p) - 1]
    return p + step if self.mode == "add" else start + ((p - start) // step + 1) * step


def _late_at_the_end(clock, t):
    return f"lot_{clock.state}" if clock.state != "open" else "too_late" if t > clock.end else None


def _late_before_the_end(clock, t):
    return f"lot_{clock.state}" if clock.state != "open" else "too_late" if t >= clock.end - 1 else None


def _extends_twice(soft, end, hard_end, t):
    once = _end_after_bid(soft, end, hard_end, t)
    return once if once == end else _end_after_bid(soft, once, hard_end, t + soft.extension)


def _brings_the_end_forward(soft, end, hard_end, t):
    return _end_after_bid(soft, end, hard_end, t) if t < end - soft.window else t + soft.extension


def _no_hard_end(soft, end, hard_end, t):
    return _end_after_bid(soft, end, None, t)


def _window_short_by_a_microsecond(soft, end, hard_end, t):
    return end if t == end - soft.window else _end_after_bid(soft, end, hard_end, t)


def _nothing_back_for_a_pause(soft, clock, now):
    return replace(_resumed(soft, clock, now), end=now + soft.window)


def _outage_reopens(rule, clock, since, now):
    return _after_outage(rule, replace(clock, state="open"), since, now)


def _outage_before_the_end_ignored(rule, clock, since, now):
    return clock if now < clock.end else _after_outage(rule, clock, since, now)


def _seq_gap_after_a_refusal(lot, line, data, secret, soft):
    _apply(lot, line, data, secret, soft)
    lot.seq += line.type == "bid.refused"


def _void_keeps_the_price(lot, line, data, secret, soft):
    before = lot.stands
    _apply(lot, line, data, secret, soft)
    if line.type == "bid.voided" and before.leader in lot.best:
        lot.stands = before


def _loads_all_but_the_last_bid(stored, vault):
    loaded = _load(stored, vault)
    loaded.given.pop(next(reversed(loaded.given), None), None)
    return loaded


def _shared_keys(self, paddle, key):
    known = {**self.book.given, **self.given}
    return next((given for (_, held), given in known.items() if held == key), None)


def _opens_early(draft):
    opens_at, draft.rules = draft.rules.opens_at, replace(draft.rules, opens_at=0)
    _open_due(draft)
    draft.rules = replace(draft.rules, opens_at=opens_at)


def _passes_anything(draft, lot):
    at = draft.next_at()
    draft.write("lot.closing", {"end": text_of(at)}, draft.lot(lot.lot), at=at)
    draft.write("lot.passed", {"reason": "reserve_not_met" if lot.best else "no_bids"}, draft.lot(lot.lot))


def _lowers_anything(terms, now_stands, lower):
    return None if terms.reserve is not None and terms.opening <= lower < terms.reserve else "act_not_allowed"


PLANTED: dict[str, Plant] = {
    "a bid at the closing instant is taken": _set(closing, "judge_bid", _late_at_the_end),
    "a bid just before the end is late": _set(closing, "judge_bid", _late_before_the_end),
    "the key is ignored": _set(folding.Draft, "earlier", lambda self, paddle, key: None),
    "a key belongs to the sale, not to its bidder": _set(folding.Draft, "earlier", _shared_keys),
    "another amount under a known key is answered as before": _set(folding.Given, "same_body", lambda *_: True),
    "seq has a gap after a refused bid": _set(book, "apply", _seq_gap_after_a_refusal),
    "a tie goes to the later bidder": _set(rules, "standing", _later_bid_wins_ties),
    "the leader pays the own maximum": _set(rules, "standing", _pays_its_maximum),
    "the price goes two steps up": _set(rules, "standing", _steps_twice),
    "the ask is the price": _set(rules, "standing", _ask_is_price),
    "the step is that of the wrong tier": _set(rules, "bisect_right", bisect_left),
    "a ladder runs past the start of a tier": _set(Increments, "next", _no_tier_start),
    "the reserve is compared after the premium": _set(rules, "standing", _reserve_after_premium),
    "the seller bids up to the reserve": _set(rules, "standing", _seller_reaches_reserve),
    "a bid equal to the own maximum is taken": _set(rules, "judge_amount", _equal_own_maximum),
    "a bid one unit below the ask is taken": _set(rules, "judge_amount", _one_below_the_ask),
    "a first bid below the opening is taken": _set(rules, "judge_amount", _below_opening),
    "a bid off the ladder is taken": _set(rules, "judge_amount", _off_ladder),
    "an extension counts twice": _set(closing, "end_after_bid", _extends_twice),
    "an extension brings the end forward": _set(closing, "end_after_bid", _brings_the_end_forward),
    "the hard end is ignored": _set(closing, "end_after_bid", _no_hard_end),
    "the first microsecond of the window does not count": _set(
        closing, "end_after_bid", _window_short_by_a_microsecond
    ),
    "a refused bid extends": _set(rules, "changed", lambda before, after: True),
    "a pause gives nothing back": _set(closing, "resumed", _nothing_back_for_a_pause),
    "an outage reopens a sold lot": _set(closing, "after_outage", _outage_reopens),
    "an outage that ends before the close is ignored": _set(closing, "after_outage", _outage_before_the_end_ignored),
    "a short outage counts": _set(closing, "judge_outage", lambda rule, since, now: None),
    "a void leaves the price": _set(book, "apply", _void_keeps_the_price),
    "only the best of all bids is remembered": _set(book, "best_two", lambda best: dict(
        sorted(best.items(), key=lambda one: (-one[1][0], one[1][1]))[:1]
    )),
    "the consignor may bid": _set(deciding, "right_code", lambda draft, facts, lot, bidder, rules, t: (
        "rules_changed" if rules != draft.book.rules_hash else None
    )),
    "old rules are taken for new": _set(deciding, "right_code", lambda draft, facts, lot, bidder, rules, t: (
        "conflict_of_interest" if bidder.company_id in facts.lots[lot.lot].barred else None
    )),
    "other lots do not count against the limit": _set(deciding, "exposure", lambda *_, **__: 0),
    "fees do not count against the limit": _set(deciding, "allin", lambda draft, bidder, amount, lot=None: amount),
    "a large bid is taken unconfirmed": _set(deciding, "_needs_confirm", lambda *_: False),
    "a lot is sold below its reserve": _set(rules, "sold", lambda stands: stands.leader not in (None, HOUSE)),
    "the seller buys": _set(rules, "sold", lambda stands: stands.leader is not None),
    "a lot without reserve passes": _set(rules, "sold", lambda stands: bool(stands.reserve_met)),
    "a bid in a group extends its own lot only": _set(grouping, "level", lambda draft: None),
    "a bid leaves the final call standing": _set(clerking, "call_is_off", lambda draft, lot: None),
    "a lot that would be sold is passed by the clerk": _set(clerking, "pass_lot", _passes_anything),
    "a reserve is lowered after it was met": _set(rules, "judge_reserve", _lowers_anything),
    "a sale opens early": _set(due, "open_due", _opens_early),
    "an answer is forgotten when the book is read again": _set(folding, "load", _loads_all_but_the_last_bid),
}  # fmt: skip
