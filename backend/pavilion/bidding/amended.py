"""The act that gives lots without a live bid a new rule set (bidding spec 3): all of them, or nothing changes."""

import hashlib
import json

from pavilion.bidding import amending
from pavilion.bidding.book import FINAL, LotBook
from pavilion.bidding.folding import Draft
from pavilion.bidding.rules import RuleSet
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.texts import Doc, canonical_text, end_or_none

RUNNING = frozenset({"listed", "open", "paused"})


def amend(draft: Draft, text: str, was: str, names: tuple[str, ...], persons: tuple[str, ...]) -> str | None:
    """The lots run by the rules in `text` from here on, and if none without a live bid is left out, so do those that
    are listed later; else the code, and nothing is done. `was` is the hash of the rules that the two who agreed saw."""
    if draft.state not in ("published", "open", "paused") or not names:
        return "act_not_allowed"
    if len(set(persons)) < 2:
        return "second_approval_needed"
    lots: list[LotBook] = []
    for name in dict.fromkeys(names):
        if not draft.has(name):
            return "lot_unknown"
        lots.append(draft.look(name))
    new = _read(text)
    if new is None or (code := _code(draft, lots, was, new)) is not None:
        return "act_not_allowed" if new is None else code
    lots.sort(key=lambda lot: lot.place)
    moved = [(lot.lot, amending.clock_after(lot.rules, new, lot.place, draft.published, lot.clock())) for lot in lots]
    to = hashlib.sha256(text.encode()).hexdigest()
    ok = [draft.staff_alias(person) for person in persons]
    draft.rule_sets[to] = text
    named = {lot.lot for lot in lots}
    later = all(lot.lot in named or lot.best or lot.state not in RUNNING for lot in draft.all_lots())
    data: Doc = {"from": was, "to": to, "lots": [lot.lot for lot in lots], "ok": ok, "later": later}
    draft.write("sale.amended", data)
    for name, clock in moved:
        lot = draft.lot(name)
        if clock.end != lot.end:
            ends = {"from": end_or_none(lot.end), "to": end_or_none(clock.end)}
            draft.write("lot.extended", {**ends, "cause": "staff", "by": ok[0]}, lot)
    return None


def _code(draft: Draft, lots: list[LotBook], was: str, new: RuleSet) -> str | None:
    for lot in lots:
        if lot.state in FINAL:
            return "lot_withdrawn" if lot.state == "withdrawn" else "lot_closed"
        if lot.state not in RUNNING or lot.best:
            return "act_not_allowed"  # a live bid was made under the rules that stood then
        if lot.rules_hash != was:
            return "stale_version"
        if lot.state == "open" and draft.next_at() >= lot.end:
            return "too_late"
    named = {lot.lot for lot in lots}
    every = all(lot.lot in named for lot in draft.all_lots() if lot.state not in FINAL)
    old = lots[0].rules
    if (code := amending.judge(old, new, every_lot=every)) is not None:
        return code
    codes = (amending.judge_clock(old, new, lot.place, draft.published, lot.clock()) for lot in lots)
    return next((code for code in codes if code is not None), None)


def _read(text: str) -> RuleSet | None:
    """None for what is not the canonical text of a rule set."""
    try:
        document = json.loads(text)
        return parse_rules(document) if canonical_text(document) == text else None
    except ValueError:
        return None
