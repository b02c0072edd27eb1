"""The best two of the bidders of a lot: all that decides its price."""

from pavilion.bidding.rules import Best

Two = dict[str, tuple[int, int]]


def best_two(best: Best) -> Two:
    """First and second of the standing, counted over everybody; what a void leaves is found anew from here."""
    first = second = None
    for one in best.items():
        amount, seq = one[1]
        if first is None or amount > first[1][0] or (amount == first[1][0] and seq < first[1][1]):
            first, second = one, first
        elif second is None or amount > second[1][0] or (amount == second[1][0] and seq < second[1][1]):
            second = one
    return dict((first, second)) if first and second else dict(best)


def with_newest(lead: Two, alias: str, newest: tuple[int, int]) -> Two:
    """First and second once this bid stands: being the last in time it passes only those with a lower amount."""
    others = lead if alias not in lead else {name: held for name, held in lead.items() if name != alias}
    if not others:
        return {alias: newest}
    first, held = next(iter(others.items()))
    amount = newest[0]
    if amount > held[0]:
        return {alias: newest, first: held}
    if any(amount <= other[0] for name, other in others.items() if name != first):
        return others
    return {first: held, alias: newest}
