"""What follows when a buyer does not pay (settlement spec 7 and 8); pure.

Days are local dates of the sale's city. The offer to the underbidder is computed as if the defaulters had never bid.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from typing import Literal, NamedTuple

from pavilion.bidding.rules import Best, LotTerms
from pavilion.kernel.money import half_up
from pavilion.settlement.rules import business_days_after, business_days_before

DUE_DAYS, GRACE_DAYS, REMINDERS = 3, 2, (-1, 1)
THRESHOLD = 2  # open strikes that bar a company from every sale
FORFEIT_BP = 10_000

Act = Literal["default", "cure", "waive"]


class Offer(NamedTuple):
    """Who may have the lot now, and for how much; or why nobody."""

    to: str | None
    price: int | None
    reason: str | None


class Ladder(NamedTuple):
    """The days of one invoice. From `default` on it counts as defaulted."""

    due: date
    default: date
    reminders: tuple[date, ...]


class Forfeit(NamedTuple):
    forfeited: int
    refund: int


def underbidder_offer(terms: LotTerms, best: Best, defaulters: Collection[str], declined: Collection[str]) -> Offer:
    """Only the first who has not declined is judged; the maxima of those who declined still move the price."""
    left = {bidder: held for bidder, held in best.items() if bidder not in defaulters}
    ranked = sorted(left.items(), key=lambda one: (-one[1][0], one[1][1]))
    candidate = next((bidder for bidder, _ in ranked if bidder not in declined), None)
    if candidate is None:
        return Offer(None, None, "no_bidder")
    own = left[candidate][0]
    others = max((amount for bidder, (amount, _) in left.items() if bidder != candidate), default=None)
    if terms.reserve is not None and own < terms.reserve:
        return Offer(None, None, "reserve_not_met")
    base = terms.opening if others is None else min(own, terms.increments.next(others))
    return Offer(candidate, max(base, terms.reserve or 0), None)


def ladder(
    closed_on: date, due_days: int, grace_days: int, reminders: Iterable[int], holidays: Collection[date]
) -> Ladder:
    """Due, reminders and the day of default, counted in business days from the day of the result."""
    due = business_days_after(closed_on, due_days, holidays)
    last = business_days_after(due, grace_days, holidays)
    return Ladder(due, last + timedelta(days=1), reminder_days(due, reminders, holidays))


def reminder_days(due: date, offsets: Iterable[int], holidays: Collection[date]) -> tuple[date, ...]:
    """The days on which the buyer is reminded, in the order of the offsets (negative: before, 0: the due day)."""
    return tuple(_offset(due, days, holidays) for days in offsets)


def state_on(days: Ladder, paid_on: date | None, today: date) -> str:
    """What is said of the invoice on this day; a payment says nothing before it is made."""
    if paid_on is not None and paid_on <= today:
        return "paid" if paid_on <= days.due else "paid_late" if paid_on < days.default else "cured"
    return "issued" if today <= days.due else "overdue" if today < days.default else "defaulted"


def strike(standing: Sequence[str], act: Act, invoice: str) -> tuple[str, ...]:
    """The open strikes after this act, in the order of default; a second default or a cure of nothing is no act."""
    if act == "default":
        return (*standing, invoice) if invoice not in standing else tuple(standing)
    return tuple(one for one in standing if one != invoice)


def may_bid(standing: Sequence[str], threshold: int = THRESHOLD) -> bool:
    return len(standing) < threshold


def forfeit(deposit: int, total: int, forfeit_bp: int = FORFEIT_BP) -> Forfeit:
    """What the house keeps of the deposit held, and what goes back."""
    kept = min(deposit, half_up(total * forfeit_bp, 10_000))
    return Forfeit(kept, deposit - kept)


def _offset(day: date, days: int, holidays: Collection[date]) -> date:
    return business_days_after(day, days, holidays) if days >= 0 else business_days_before(day, -days, holidays)
