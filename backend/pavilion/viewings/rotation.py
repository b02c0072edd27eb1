"""Which tray lies on whose desk in which round (viewings spec 5); pure.

A bipartite graph needs exactly as many rounds as its busiest buyer or tray has partners (Koenig).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

Pair = tuple[str, str]  # buyer, tray
Wants = Mapping[str, Iterable[str]]
Span = tuple[int, int]  # first and last round, both included, counted from 0
FREE = -1
LONGEST = 500  # rounds; more are no plan
PASSES = 40  # how often the idle rounds are pushed outwards at most


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """Why it cannot be done in fewer rounds: this buyer or tray has so many partners."""

    kind: str  # buyer or tray
    name: str
    partners: int


@dataclass(frozen=True, slots=True)
class Rotation:
    rounds: tuple[tuple[Pair, ...], ...]
    least: int  # the greatest degree: nobody can do with fewer
    bottlenecks: tuple[Bottleneck, ...] = ()
    idle: Mapping[str, int] = field(default_factory=dict)  # buyer: rounds waited between the first and the last
    unplaced: tuple[Pair, ...] = ()  # nothing fits into the buyer's own hours

    @property
    def above(self) -> int:
        """Rounds beyond the least possible; more than none only where buyers have their own hours."""
        return max(0, len(self.rounds) - self.least)


def rounds(wants: Wants) -> list[list[Pair]]:
    """The least rounds in which everybody sees every tray they want, nobody two at once."""
    table = _coloured(wants)
    _outwards(table)
    return table.rounds()


def plan(wants: Wants, hours: Mapping[str, Span] | None = None, most: int | None = None) -> Rotation:
    """The rounds with their bottleneck. With `hours`, buyers come in their own rounds only: as few rounds more as a
    greedy search finds, at most `most` in all, and what fits nowhere is named."""
    table = _coloured(wants)
    least = table.colours
    unplaced: list[Pair] = []
    if hours:
        unplaced = _within(table, hours, most)
    _outwards(table, hours)
    made = table.rounds()
    while made and not made[-1]:
        made.pop()
    return Rotation(
        tuple(tuple(one) for one in made), least, _bottlenecks(wants, least), table.waits(), tuple(unplaced)
    )


class _Table:
    """Who sits with what in which round: `of[node][round]` is the partner, buyers first, then trays."""

    def __init__(self, wants: Wants) -> None:
        pairs = sorted({(buyer, tray) for buyer, trays in wants.items() for tray in trays})
        self.buyers = sorted({buyer for buyer, _ in pairs})
        self.trays = sorted({tray for _, tray in pairs})
        ours = {name: n for n, name in enumerate(self.buyers)}
        theirs = {name: n + len(ours) for n, name in enumerate(self.trays)}
        self.edges = [(ours[buyer], theirs[tray]) for buyer, tray in pairs]
        degree = [0] * (len(ours) + len(theirs))
        for buyer, tray in self.edges:
            degree[buyer] += 1
            degree[tray] += 1
        self.colours = max(degree, default=0)
        self.of = [[FREE] * self.colours for _ in degree]

    def put(self, buyer: int, tray: int, colour: int) -> None:
        self.of[buyer][colour], self.of[tray][colour] = tray, buyer

    def take(self, buyer: int, tray: int, colour: int) -> None:
        self.of[buyer][colour] = self.of[tray][colour] = FREE

    def path(self, node: int, first: int, second: int) -> list[int]:
        """The nodes of the maximal path from a node without `second` whose edges are in these two rounds in turn."""
        of, found, colour = self.of, [node], first
        while (node := of[node][colour]) != FREE:
            found.append(node)
            colour = second if colour == first else first
        return found

    def swap(self, nodes: list[int], first: int, second: int) -> None:
        """Exchange the two rounds along the path, whose first edge is in `first`."""
        of = self.of
        steps = list(enumerate(pairwise(nodes)))
        for n, (one, two) in steps:
            was = second if n % 2 else first
            of[one][was] = of[two][was] = FREE
        for n, (one, two) in steps:
            now = first if n % 2 else second
            of[one][now], of[two][now] = two, one

    def add_round(self) -> int:
        for row in self.of:
            row.append(FREE)
        self.colours += 1
        return self.colours - 1

    def name(self, buyer: int, tray: int) -> Pair:
        return self.buyers[buyer], self.trays[tray - len(self.buyers)]

    def rounds(self) -> list[list[Pair]]:
        seats = range(len(self.buyers))
        return [
            [self.name(buyer, self.of[buyer][colour]) for buyer in seats if self.of[buyer][colour] != FREE]
            for colour in range(self.colours)
        ]

    def mask(self, buyer: int) -> int:
        return sum(1 << colour for colour, tray in enumerate(self.of[buyer]) if tray != FREE)

    def waits(self) -> dict[str, int]:
        return {name: wait for n, name in enumerate(self.buyers) if (wait := _inner(self.mask(n)))}


def _coloured(wants: Wants) -> _Table:
    table = _Table(wants)
    of = table.of
    for buyer, tray in table.edges:
        ours, theirs = of[buyer].index(FREE), of[tray].index(FREE)
        if ours != theirs:  # the path cannot come back to the buyer: the graph has no odd circle
            table.swap(table.path(tray, ours, theirs), ours, theirs)
        table.put(buyer, tray, ours)
    return table


def _inner(mask: int) -> int:
    """Idle rounds between the first and the last busy one."""
    return mask.bit_length() - ((mask & -mask).bit_length() - 1) - mask.bit_count() if mask else 0


def _outwards(table: _Table, hours: Mapping[str, Span] | None = None) -> None:
    """Push idle rounds to a buyer's ends: exchange two rounds along a path wherever all its buyers together then wait
    less. The number of rounds stays. Where nothing helps at once, a wait is handed on to another buyer, for whom it
    may be easier to lose; what is found at the least waiting stands."""
    spans = _spans(table, hours)
    masks = [table.mask(n) for n in range(len(table.buyers))]
    best, kept = sum(map(_inner, masks)), [row[:] for row in table.of]
    for turn in range(PASSES):
        for buyer in range(len(masks)):
            while _inner(masks[buyer]) and _nearer(table, buyer, masks, spans, 1):
                pass
        waiting = sum(map(_inner, masks))
        if waiting < best:
            best, kept = waiting, [row[:] for row in table.of]
        if not waiting:
            return
        handed = [_nearer(table, buyer, masks, spans, 0, turn) for buyer in range(len(masks)) if _inner(masks[buyer])]
        if not any(handed):
            break
    table.of = kept


def _nearer(table: _Table, buyer: int, masks: list[int], spans: list[Span] | None, least: int, turn: int = 0) -> bool:
    """One exchange after which all buyers together wait at least so many rounds less."""
    mask, before = masks[buyer], _inner(masks[buyer])
    busy = [colour for colour in range(table.colours) if mask >> colour & 1]
    idle = [colour for colour in range(busy[0], busy[-1]) if not mask >> colour & 1]
    turned = turn % len(idle)
    for here in (busy[0], busy[-1], *busy[1:-1]) if turn % 2 == 0 else (busy[-1], busy[0], *busy[1:-1]):
        for there in idle[turned:] + idle[:turned]:
            flip = 1 << here | 1 << there
            gain = before - _inner(mask ^ flip)
            if gain <= 0:
                continue
            path = table.path(buyer, here, there)
            end = path[-1]
            other = end if end < len(masks) and end != buyer else None
            if other is not None:
                gain += _inner(masks[other]) - _inner(masks[other] ^ flip)
            if gain >= least and _allowed(path, here, there, len(masks), spans):
                table.swap(path, here, there)
                masks[buyer] ^= flip
                if other is not None:
                    masks[other] ^= flip
                return True
    return False


def _spans(table: _Table, hours: Mapping[str, Span] | None) -> list[Span] | None:
    return [hours.get(name, (0, 1 << 30)) for name in table.buyers] if hours else None


def _allowed(path: list[int], first: int, second: int, buyers: int, spans: list[Span] | None) -> bool:
    """Whether each buyer on the path stays within the own rounds once the two are exchanged."""
    if spans is None:
        return True
    for n, (one, two) in enumerate(pairwise(path)):
        since, until = spans[one if one < buyers else two]
        if not since <= (first if n % 2 else second) <= until:
            return False
    return True


def _within(table: _Table, hours: Mapping[str, Span], most: int | None) -> list[Pair]:
    """Move what lies outside a buyer's own rounds: to a free one, else by exchanging along a path, else to a new one.
    Gives back what found no place."""
    spans = _spans(table, hours)
    assert spans is not None
    outside = [
        (buyer, tray, colour)
        for buyer in range(len(table.buyers))
        for colour, tray in enumerate(table.of[buyer])
        if tray != FREE and not spans[buyer][0] <= colour <= spans[buyer][1]
    ]
    for buyer, tray, colour in outside:
        table.take(buyer, tray, colour)
    # The tightest first: who may come in few rounds finds them while they are free.
    outside.sort(key=lambda one: (spans[one[0]][1] - spans[one[0]][0], one))
    bound = min(most or LONGEST, LONGEST)
    return [table.name(buyer, tray) for buyer, tray, _ in outside if not _placed(table, buyer, tray, spans, bound)]


def _placed(table: _Table, buyer: int, tray: int, spans: list[Span], most: int) -> bool:
    since, until = spans[buyer]
    own = range(max(0, since), min(until + 1, table.colours))
    ours = [colour for colour in own if table.of[buyer][colour] == FREE]
    theirs = [colour for colour in range(table.colours) if table.of[tray][colour] == FREE]
    for colour in ours:
        if table.of[tray][colour] == FREE:
            table.put(buyer, tray, colour)
            return True
    for here in ours:
        for there in theirs:
            path = table.path(tray, here, there)
            if path[-1] != buyer and _allowed(path, here, there, len(table.buyers), spans):
                table.swap(path, here, there)
                table.put(buyer, tray, here)
                return True
    while table.colours <= until and table.colours < most:
        colour = table.add_round()
        if colour >= since:
            table.put(buyer, tray, colour)
            return True
    return False


def _bottlenecks(wants: Wants, least: int) -> tuple[Bottleneck, ...]:
    """Everybody and everything with as many partners as there are rounds; trays first."""
    seen: dict[str, set[str]] = {}
    asked = {buyer: set(trays) for buyer, trays in wants.items()}
    for buyer, trays in asked.items():
        for tray in trays:
            seen.setdefault(tray, set()).add(buyer)
    if not least:
        return ()
    of_trays = [Bottleneck("tray", name, least) for name in sorted(seen) if len(seen[name]) == least]
    of_buyers = [Bottleneck("buyer", name, least) for name in sorted(asked) if len(asked[name]) == least]
    return (*of_trays, *of_buyers)
