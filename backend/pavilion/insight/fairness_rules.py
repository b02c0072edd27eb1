"""Patterns of shilling and of bidders who act together, found in the house's own past. Pure: the same past and the same
instant always give the same findings.

A finding accuses nobody. Patterns that could be chance are weighed against the house's own rates by exact tests, and
against how many were looked at; too small a sample gives none. `docs/fairness.md` publishes them all.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from pavilion.insight.fairness_facts import Firm, History, Lot
from pavilion.insight.fairness_findings import Finding, Kind, capped, grains_of, pairs_of
from pavilion.insight.fairness_ring import gives_way, rings
from pavilion.insight.fairness_seller import late_retractions, never_wins, pushes
from pavilion.kernel.instants import micros

BACK = timedelta(days=400)  # how far the watch looks back
HANDED_OVER = 600_000_000  # one signs in within ten minutes of the other's use of the browser
LEAST_HANDED, LEAST_FIRMS, MOST_USERS = 3, 10, 3
MOST_SHARED_BY = 3  # what more companies have in common is a provider's, not theirs
SAME_OWNER, SAME_ADDRESS, SAME_BROWSER, OWN_LOT = 60, 40, 30, 25  # scores of what is a fact and not a chance


def find(history: History, now: datetime) -> list[Finding]:
    """Every pattern that the past shows, the strongest first."""
    past = _recent(history, now)
    found = [
        *_shared_owner(past), *_shared_address(past), *_shared_browser(past), *never_wins(past), *pushes(past),
        *late_retractions(past), *rings(past), *gives_way(past),
    ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.score, one.key))


def _recent(history: History, now: datetime) -> History:
    since, until = micros(now - BACK), micros(now)
    lots = sorted((lot for lot in history.lots if since <= lot.ended <= until), key=lambda lot: (lot.ended, lot.lot))
    sign_ins = [one for one in history.sign_ins if one.ended >= since]
    return History(lots, history.paddles, history.firms, sign_ins)


# -- what two companies have in common --------------------------------------------------------------------------------


def _shared_owner(past: History) -> Iterator[Finding]:
    """A beneficial owner of two bidders of one lot, or of a bidder and the lot's consignor."""
    common = _common(past.firms, lambda firm: firm.owners)
    yield from _together(past, Kind.SHARED_OWNER, common, SAME_OWNER)


def _shared_address(past: History) -> Iterator[Finding]:
    """The same tax number or own e-mail domain."""

    def marks(firm: Firm) -> frozenset[str]:
        return firm.domains | ({f"tax {firm.tax_no}"} if firm.tax_no else set())

    yield from _together(past, Kind.SHARED_ADDRESS, _common(past.firms, marks), SAME_ADDRESS)


def _common(firms: Mapping[int, Firm], marks: Callable[[Firm], frozenset[str]]) -> dict[tuple[int, int], int]:
    """By pair how many marks both have; a mark of many companies is nobody's own."""
    holders: dict[str, list[int]] = defaultdict(list)
    for company, firm in sorted(firms.items()):
        for mark in marks(firm):
            holders[mark].append(company)
    found: Counter[tuple[int, int]] = Counter()
    for inside in holders.values():
        if len(inside) <= MOST_SHARED_BY:
            found.update(pairs_of(inside))
    return dict(found)


def _together(past: History, kind: Kind, common: Mapping[tuple[int, int], int], start: int) -> Iterator[Finding]:
    for pair, marks in sorted(common.items()):
        met = past.meetings.get(pair, ())
        if met:
            figures = {"lots": len(met), "marks": marks}
            yield Finding(kind, pair, None, capped(start + len(met)), figures, grains_of(met, pair))
        for bidder, owner in (pair, pair[::-1]):
            own = [lot for lot in past.bid_on.get(bidder, ()) if lot.consignor == owner]
            tried = [lot for lot in past.lots if lot.consignor == owner and _refused(lot, bidder)]
            if own or tried:
                figures = {"lots": len(own), "marks": marks, "refused": len(tried)}
                score = capped(start + OWN_LOT + len(own) + len(tried))
                grains = grains_of([*own, *(lot for lot in tried if lot not in own)], (bidder,))
                yield Finding(kind, (bidder,), owner, score, figures, grains)


def _refused(lot: Lot, company: int) -> bool:
    return any(one.company == company for one in lot.refused)


def _shared_browser(past: History) -> Iterator[Finding]:
    """Two companies that meet on lots and hand one rare browser back and forth."""
    by_browser: dict[str, dict[int, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    firms = {one.company for one in past.sign_ins}
    for one in past.sign_ins:
        if one.browser:
            by_browser[one.browser][one.company].append((one.begun, one.ended))
    if len(firms) < LEAST_FIRMS:
        return
    handed: Counter[tuple[int, int]] = Counter()
    users: dict[tuple[int, int], int] = {}
    for companies in by_browser.values():
        if 2 <= len(companies) <= MOST_USERS:
            for pair in pairs_of(sorted(companies)):
                handed[pair] += _hand_overs(companies[pair[0]], companies[pair[1]])
                users[pair] = len(companies)
    for pair, times in sorted(handed.items()):
        met = past.meetings.get(pair, ())
        if times >= LEAST_HANDED and met:
            figures = {"lots": len(met), "times": times, "users": users[pair], "firms": len(firms)}
            yield Finding(
                Kind.SHARED_BROWSER, pair, None, capped(SAME_BROWSER + times + len(met)), figures, grains_of(met, pair)
            )


def _hand_overs(ours: Sequence[tuple[int, int]], theirs: Sequence[tuple[int, int]]) -> int:
    """How often one signed in while the other used that browser, or within ten minutes after."""

    def after(these: Sequence[tuple[int, int]], those: Sequence[tuple[int, int]]) -> int:
        return sum(any(begun <= at <= ended + HANDED_OVER for begun, ended in those) for at, _ in these)

    return after(ours, theirs) + after(theirs, ours)
