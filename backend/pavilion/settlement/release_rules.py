"""Whether what was sold may leave the house, and in what order it goes (settlement spec 10). Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

WEIGHT_MCT = 1  # between weigh-in and weigh-out
EXPORT, REVERSE = "export", "reverse"  # as `auctions.fees.Regime`
LEAVING_PAPER = "leaving"  # of the customs, or of the buyer: seen before the goods are handed over inside the country
CUT_OFF_MCT = 9  # what the two decimals of a report leave out


class Bar(StrEnum):
    """What a release still lacks, in the order in which a desk works it off."""

    NOT_PAID = "not_paid"
    NOT_CLEARED = "not_cleared"
    KYC_EXPIRED = "kyc_expired"
    NOT_ELIGIBLE = "not_eligible"
    PASSPORT_REVOKED = "passport_revoked"
    TAX_UNFIT = "release_tax_unfit"
    DOCUMENTS_MISSING = "documents_missing"


class Step(StrEnum):
    """Where the goods of a sold lot are; the words of `release_models.GoodsState`."""

    AT_HOUSE = "at_house"
    RESERVED = "reserved"
    RELEASED = "released"
    HANDED_OVER = "handed_over"
    RECEIVED = "received"
    RETURNED = "returned"


NEXT: Mapping[Step, frozenset[Step]] = {
    Step.AT_HOUSE: frozenset({Step.RESERVED, Step.RETURNED}),
    Step.RESERVED: frozenset({Step.RELEASED, Step.AT_HOUSE, Step.RETURNED}),
    Step.RELEASED: frozenset({Step.HANDED_OVER, Step.RESERVED, Step.AT_HOUSE, Step.RETURNED}),
    Step.HANDED_OVER: frozenset({Step.RECEIVED, Step.RETURNED}),
    Step.RECEIVED: frozenset({Step.RETURNED}),
    Step.RETURNED: frozenset({Step.RESERVED}),  # sold again, to somebody else
}


@dataclass(frozen=True, slots=True)
class Money:
    """One payment on the invoice: from which day it counts as cleared, and whether it is disputed."""

    cleared_on: date
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides whether a release may go, as it stands today. Stones are named where they are the reason."""

    paid: bool
    money: tuple[Money, ...] = ()
    company_approved: bool = True
    verified_until: date | None = None  # none: no end
    closed: Collection[str] = ()  # stones that may not be sold to the actual destination today
    passports: Collection[str] = ()  # stones whose passport does not stand
    tax_fits: bool = True  # what the invoice charges is right for where they really go
    papers: Collection[str] = ()  # papers that are not there


def bars(facts: Facts, today: date) -> tuple[Bar, ...]:
    """Every condition that is not met today; none: it may go."""
    cleared = all(one.cleared_on <= today and not one.disputed for one in facts.money)
    verified = facts.company_approved and (facts.verified_until is None or today <= facts.verified_until)
    met = {
        Bar.NOT_PAID: facts.paid,
        Bar.NOT_CLEARED: cleared,
        Bar.KYC_EXPIRED: verified,
        Bar.NOT_ELIGIBLE: not facts.closed,
        Bar.PASSPORT_REVOKED: not facts.passports,
        Bar.TAX_UNFIT: facts.tax_fits,
        Bar.DOCUMENTS_MISSING: not facts.papers,
    }
    return tuple(bar for bar, holds in met.items() if not holds)


def may(step: Step, to: Step) -> bool:
    return to in NEXT[step]


def fitting(weighed_in: int | None, listed: int) -> tuple[int, int]:
    """Between which masses a stone must weigh as it goes: as when it was taken in; one never weighed here as it is
    listed, in hundredths of a carat that a laboratory cuts off below the ninth thousandth."""
    if weighed_in is not None:
        return weighed_in - WEIGHT_MCT, weighed_in + WEIGHT_MCT
    return listed - WEIGHT_MCT, listed + CUT_OFF_MCT + WEIGHT_MCT


def tax_fits(regime: str | None, home: str, union: Collection[str], destination: str) -> bool:
    """Whether goods invoiced so may go there: an export leaves the seller's country and its customs union, a reverse
    charge goes to another country of it. What bears the seller's own tax may go anywhere: the tax stays charged."""
    inside = home in union and destination in union
    if regime == EXPORT:
        return destination != home and not inside
    return regime != REVERSE or (destination != home and (inside or home not in union))


def leaves_by_hand(regime: str | None, *, collected: bool) -> bool:
    """Sold without tax because it leaves the country, and handed over inside it: the paper that says so comes first."""
    return collected and regime in (EXPORT, REVERSE)


def papers_due(*, diamonds: bool, declared: bool) -> tuple[str, ...]:
    """Which papers go with a shipment: the warranty with diamonds, the declaration on origin where the destination's
    table asks for it."""
    asked = {"warranty": diamonds, "due_diligence": declared}
    return "packing_list", "commercial_invoice", *(kind for kind, due in asked.items() if due)
