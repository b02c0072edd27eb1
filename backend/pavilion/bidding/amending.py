"""What an amendment may change of a rule set, and what it does to the time of a lot. Pure: the engine and the verifier
go by it.

A rule set is amended for lots without a live bid. What holds for the sale as a whole stays: one lot alone cannot have
another currency, another opening of the sale or other terms, and what is given back after an outage, counted against a
limit or opened in the record is one for all. A tender is awarded over all its lots at once, and its envelopes name the
custodians: only its ends can be moved, and then for all lots together.
"""

from collections.abc import Sequence
from dataclasses import replace

from pavilion.bidding.closing import NEVER, Clock
from pavilion.bidding.rules import RuleSet

LASTING = (
    "format", "tender", "currency", "zone", "opens_at", "edge_delay", "close_wait_extend", "outage", "limits_required",
    "limits_include_fees", "openings", "passed_offer_days", "terms",
)  # fmt: skip
OF_A_LOT = (
    "increments", "reserve_rule", "soft_close", "stagger", "hold_results", "premium_bands", "early_bands",
    "early_before_hours", "viewing_gate", "retraction", "jump_confirm", "clerked",
)  # fmt: skip


def changed(old: RuleSet, new: RuleSet) -> Sequence[str]:
    """The members in which they differ."""
    return [name for name in (*LASTING, *OF_A_LOT) if getattr(old, name) != getattr(new, name)]


def judge(old: RuleSet, new: RuleSet, *, every_lot: bool) -> str | None:
    """The code that refuses this amendment whatever its lots, or None. `every_lot`: it names all that have no end."""
    moved = changed(old, new)
    if not moved or any(name in LASTING for name in moved):
        return "act_not_allowed"
    if old.soft_close.scope != new.soft_close.scope or (old.tender is not None and moved != ["stagger"]):
        return "act_not_allowed"
    one_end = old.soft_close.scope == "group"
    if one_end and not every_lot and (old.stagger != new.stagger or _hard_end(old) != _hard_end(new)):
        return "group_ends_differ"
    return None


def judge_clock(old: RuleSet, new: RuleSet, place: int, published: int, clock: Clock) -> str | None:
    """Why the time of this lot cannot be moved so, or None."""
    after = clock_after(old, new, place, published, clock)
    if after.end < clock.end:
        return "end_not_later"
    return "hard_end_before_end" if after.hard_end is not None and after.hard_end < after.end else None


def clock_after(old: RuleSet, new: RuleSet, place: int, published: int, clock: Clock) -> Clock:
    """The lot's time by the new rules: its end where the plan of ends is another, its hard end where that is."""
    end, hard_end = clock.end, clock.hard_end
    if old.stagger != new.stagger and new.clerked is None and clock.end != NEVER:
        end = new.stagger.planned(place, published, new.soft_close.scope)
    if _hard_end(old) != _hard_end(new):
        hard_end = _hard_end(new)
    return replace(clock, end=end, hard_end=hard_end)


def _hard_end(rules: RuleSet) -> int | None:
    return rules.soft_close.hard_end
