"""Bidders who serve a seller, and bids that were never meant. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction

from pavilion.insight.fairness_chances import Stratum, at_least, at_most, meeting_at_least
from pavilion.insight.fairness_facts import History, Lot
from pavilion.insight.fairness_findings import GATE, LEAST_LOTS, PRIOR, Finding, Kind, Test, flagged

LEAST_RETRACTED = 3
STEPS_UNDER = 2  # so many raises under a standing leader are more than a last try
DRAWN = Fraction(1, 1000)  # so much must a consignor's lots draw a bidder before its raises there are weighed
NEAR_PART, NEAR_LEAST = 4, 86_400_000_000  # the last quarter of a lot's time, at least its last day


def never_wins(past: History) -> Iterator[Finding]:
    """Comes to one consignor's lots rather than to others, and loses there more than bidders of the house lose."""
    entries = sum(len(lot.bidders) for lot in past.lots if lot.winner is not None)
    won = sum(lot.winner is not None for lot in past.lots)
    tests: list[Test] = []
    for company, consignor, here, elsewhere in _by_consignor(past):
        wins = _wins(here, company)
        other_wins, other_entries = won - wins - _wins(elsewhere, company), entries - len(here) - len(elsewhere)
        if other_entries < LEAST_LOTS:
            continue
        house = Fraction(other_wins, other_entries)
        rate = min(house, Fraction(_wins(elsewhere, company) + 4 * PRIOR * house, len(elsewhere) + 4 * PRIOR))
        losing = at_most(wins, len(here), rate)
        drawn = _drawn(past, company, consignor)
        if losing <= GATE and drawn <= GATE:
            figures = {"lots": len(here), "won": wins, "permille": rate * 1000 // 1, "elsewhere": len(elsewhere)}
            tests.append((losing * drawn, (company,), consignor, figures, here))
        else:
            tests.append((Fraction(1), (company,), consignor, {}, ()))
    yield from flagged(Kind.NEVER_WINS, tests)


def pushes(past: History) -> Iterator[Finding]:
    """On one consignor's lots raises the price step by step under a standing leader and then leaves the lot to it."""
    pushed = {
        company: {lot.lot for lot in lots if _left_to_leader(lot, company)} for company, lots in past.bid_on.items()
    }
    entries, all_pushed = sum(map(len, past.bid_on.values())), sum(map(len, pushed.values()))
    tests: list[Test] = []
    for company, consignor, here, _ in _by_consignor(past):
        lots = [lot for lot in here if lot.lot in pushed[company]]
        mine = len(past.bid_on[company])
        house = Fraction(all_pushed - len(pushed[company]) + 1, entries - mine + 2)
        if _drawn(past, company, consignor) > DRAWN:
            continue
        under = sum(bid.leader not in (None, company) for lot in lots for bid in lot.bids if bid.company == company)
        second = sum(lot.second == company for lot in lots)
        figures = {
            "lots": len(here),
            "pushed": len(lots),
            "bids": under,
            "second": second,
            "permille": house * 1000 // 1,
        }
        tests.append((at_least(len(lots), len(here), house), (company,), consignor, figures, lots))
    yield from flagged(Kind.PUSHES, tests)


def _left_to_leader(lot: Lot, company: int) -> bool:
    under = sum(bid.leader not in (None, company) for bid in lot.bids if bid.company == company)
    return under >= STEPS_UNDER and lot.winner != company


def _drawn(past: History, company: int, consignor: int) -> Fraction:
    """The chance that a company that goes where it will comes to so many lots of this consignor."""
    sales = past.open_to.get(company, frozenset())
    lots = sum(past.offered[sale].total() for sale in sales)
    theirs = sum(past.offered[sale][consignor] for sale in sales)
    came = [lot for lot in past.bid_on.get(company, ()) if lot.sale in sales]
    return meeting_at_least(sum(lot.consignor == consignor for lot in came), Stratum(lots, theirs, len(came)))


def _by_consignor(past: History) -> Iterator[tuple[int, int, list[Lot], list[Lot]]]:
    """Each bidder with each consignor on whose sold lots it bid often enough: those lots, and its others."""
    for company, lots in sorted(past.bid_on.items()):
        sold = [lot for lot in lots if lot.winner is not None]
        for consignor, n in sorted(Counter(lot.consignor for lot in sold).items()):
            if n >= LEAST_LOTS:
                here = [lot for lot in sold if lot.consignor == consignor]
                yield company, consignor, here, [lot for lot in sold if lot.consignor != consignor]


def _wins(lots: Iterable[Lot], company: int) -> int:
    return sum(lot.winner == company for lot in lots)


def late_retractions(past: History) -> Iterator[Finding]:
    """Takes bids back near the close in more sales than the house's bidders do; one bad day counts once."""
    sales = {company: {lot.sale for lot in lots} for company, lots in past.bid_on.items()}
    late: dict[int, list[Lot]] = defaultdict(list)
    for lot in past.lots:
        for company in {one.company for one in lot.retractions if _near(lot, one.at)}:
            late[company].append(lot)
    days = {company: len({lot.sale for lot in lots}) for company, lots in late.items()}
    visits, taken = sum(map(len, sales.values())), sum(days.values())
    tests: list[Test] = []
    for company, visited in sorted(sales.items()):
        times = days.get(company, 0)
        rate = Fraction(taken - times + 1, visits - len(visited) + 20)
        figures = {"sales": len(visited), "times": times, "others": taken - times, "visits": visits - len(visited)}
        chance = at_least(times, len(visited), min(rate, Fraction(1))) if times >= LEAST_RETRACTED else Fraction(1)
        tests.append((chance, (company,), None, figures, late[company]))
    yield from flagged(Kind.LATE_RETRACTIONS, tests)


def _near(lot: Lot, at: int) -> bool:
    return at >= lot.ended - max(NEAR_LEAST, (lot.ended - lot.opened) // NEAR_PART)
