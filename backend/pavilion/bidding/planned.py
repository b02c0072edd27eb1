"""How the plans of a sale stand in its book: which lots they hold, and what they may still cost."""

from collections.abc import Callable, Collection

from pavilion.bidding import plans
from pavilion.bidding.book import FINAL, LotBook
from pavilion.bidding.folding import Book, Draft, Given
from pavilion.bidding.plans import Aim, Plan, Seat

Cost = Callable[[LotBook, int], int]  # an amount bid on this lot, with all that it counts for


def seats_of(draft: Draft, plan: Plan, paid: Collection[str], cost: Cost) -> list[Seat]:
    """Every lot of the plan that was not taken out, in its order."""
    return [_seat(draft, plan, aim, paid, cost) for aim in plan.aims if aim.max and draft.has(aim.lot)]


def placed(draft: Draft, plan: Plan, lot: str) -> Given | None:
    """The bid that this plan placed on the lot, also when it was voided since."""
    given = draft.earlier(plan.paddle, plan.key(lot))
    return given if given is not None and given.code is None else None


def committed(draft: Draft, plan: Plan) -> frozenset[str]:
    """The lots it has bid on."""
    return frozenset(lot for lot in plan.lots if placed(draft, plan, lot) is not None)


def held_by_plans(draft: Draft, paddle: int) -> frozenset[str]:
    """The lots that a bid of a plan leads or has won; they count with the plan, not by themselves."""
    found = set()
    for plan in draft.plans.of(paddle):
        for lot in plan.lots:
            if lot in draft.held.get(paddle, ()) and (given := placed(draft, plan, lot)) is not None:
                seen = draft.look(lot)
                if seen.best[seen.aliases[paddle]][1] == given.seq:
                    found.add(lot)
    return frozenset(found)


def still_wanted(book: Book, paddle: int) -> list[str]:
    """The undecided lots of this paddle's plans."""
    aims = [aim for plan in book.plans.of(paddle) for aim in plan.aims if aim.max and aim.lot in book.lots]
    return list(dict.fromkeys(aim.lot for aim in aims if book.lots[aim.lot].state not in FINAL))


def exposure(draft: Draft, paddle: int, paid: Collection[str], cost: Cost) -> int:
    """What the plans of this paddle count against its limit."""
    return sum(plans.exposure(plan, seats_of(draft, plan, paid, cost)) for plan in draft.plans.of(paddle))


def _seat(draft: Draft, plan: Plan, aim: Aim, paid: Collection[str], cost: Cost) -> Seat:
    lot = draft.look(aim.lot)
    given = placed(draft, plan, aim.lot)
    first = lot.lot in draft.held.get(plan.paddle, ())
    if given is not None and first:
        amount, seq = lot.best[lot.aliases[plan.paddle]]
        won = lot.state == "sold"
        weight = cost(lot, (lot.stands.price or 0) if won else amount)
        by_hand, held = seq != given.seq, "won" if won else "led"
        return Seat(lot.lot, cost(lot, aim.max), False, held, weight, by_hand, lot.lot in paid)
    ready = given is None and not first and _takes(lot, aim.max)
    return Seat(lot.lot, cost(lot, aim.max), ready, over=lot.state in FINAL)


def _takes(lot: LotBook, maximum: int) -> bool:
    return lot.state == "open" and lot.stands.ask <= maximum
