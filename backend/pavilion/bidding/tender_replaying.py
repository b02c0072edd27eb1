"""A tender once more, by its rules alone: who sealed what in time, what the closing counted, what the envelopes held,
and who won at what price. Pure.

Not in the record, so not proved: the buying limits. Whoever stands above the winner was passed over for a limit, as the
house says; the price follows all the same, since only those above the winner can have been. Nor that no custodian's
share was kept back: an envelope with too few shares counts as unopened."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pavilion.bidding import closing, tender
from pavilion.bidding.claims import SECRET, Lot, must
from pavilion.bidding.opened import Failed
from pavilion.bidding.reading import Event
from pavilion.bidding.rules import Commitment, RuleSet
from pavilion.bidding.sealing import Envelope, Payload, combine, envelopes_hash, is_share, read_envelope
from pavilion.bidding.tender_book import Round, SealedLine, counted
from pavilion.bidding.tender_reading import EnvelopeLine, ShareLine, TenderLine, WeightLine

if TYPE_CHECKING:
    from pavilion.bidding.replaying import Replay

HOUR = 3_600_000_000
FINAL = frozenset({"sold", "passed", "withdrawn"})


class Opened:
    """The end of a tender's record, read: envelopes with their shares, by the hash that the book names."""

    def __init__(self, sale: str, rule_set: RuleSet, lines: Sequence[tuple[int, TenderLine]]) -> None:
        self.weights: dict[str, WeightLine] = {}
        self.envelopes: dict[str, tuple[int, EnvelopeLine, Envelope]] = {}
        self.shares: dict[str, dict[int, bytes]] = {}
        if lines and rule_set.tender is None:
            raise Failed(lines[0][0], None, "form", "these are not the rules of a tender")
        current = ""
        for number, line in lines:
            match line:
                case WeightLine():
                    if self.envelopes or line.lot <= max(self.weights, default=""):
                        raise Failed(number, None, "order", "the weights are not in order")
                    self.weights[line.lot] = line
                case EnvelopeLine():
                    current = self._envelope(number, line, sale, rule_set)
                case ShareLine():
                    self._share(number, line, current)

    def _envelope(self, number: int, line: EnvelopeLine, sale: str, rule_set: RuleSet) -> str:
        assert rule_set.tender is not None
        try:
            envelope = read_envelope(line.envelope, len(rule_set.tender.custodians))
        except ValueError as fault:
            raise Failed(number, None, "envelope", str(fault)[:200]) from None
        if (envelope.sale, envelope.lot) != (sale, line.lot) or envelope.hash in self.envelopes:
            raise Failed(number, None, "envelope", "of another lot, or twice")
        self.envelopes[envelope.hash] = (number, line, envelope)
        self.shares[envelope.hash] = {}
        return envelope.hash

    def _share(self, number: int, line: ShareLine, current: str) -> None:
        if current not in self.envelopes or (line.lot, line.bidder) != self._place(current):
            raise Failed(number, None, "order", "a share of no envelope")
        held, share = self.shares[current], bytes.fromhex(line.share)
        if line.x <= max(held, default=0) or not is_share(self.envelopes[current][2], line.x, share):
            raise Failed(number, None, "share", "not the share that the bidder promised")
        held[line.x] = share

    def _place(self, hash: str) -> tuple[str, str]:
        line = self.envelopes[hash][1]
        return line.lot, line.bidder


class TenderReplay:
    """What a tender's events say, held against each other and against what was opened."""

    def __init__(self, opened: Opened | None) -> None:
        self.opened = opened
        self.round = Round()
        self.sealed: list[SealedLine] = []
        self.back: dict[tuple[str, str], int] = {}
        self.ranks: tender.Ranking | None = None
        self.firsts: tender.Ranking = {}  # of the first round
        self.guests: dict[str, tuple[tender.Live, ...]] = {}  # lot -> the invited, where there is a final round
        self.opened_at = 0
        self.again: set[str] = set()  # lots that were opened again
        self.seen: set[str] = set()

    @property
    def closed(self) -> bool:
        """Its first round takes no more envelopes."""
        return self.round.waits or self.round.number > 1

    # -- the sale's book ----------------------------------------------------------------------------------------------

    def close(self, replay: "Replay", line: Event) -> None:
        states = {lot.state for lot in replay.lots.values()}
        must(replay.state == "open" and not self.round.waits, "state", "closed out of turn")
        must(states <= FINAL | {"closing"}, "state", "closed while a lot takes bids")
        if replay.hidden == 0:
            hashes = [one.hash for one in self._due()]
            must(line.data["count"] == len(hashes), "count", f"{len(hashes)} envelopes were sealed")
            must(line.data["envelopes"] == envelopes_hash(hashes), "envelopes", "not the envelopes that were sealed")
        if self.round.number > 1:
            must(self.round.number == 2 and bool(self.again or replay.hidden), "state", "closed twice in one round")
            missed = {name for name in self.guests.keys() - self.again if replay.lots[name].state == "closing"}
            must(not missed, "final", f"lot {min(missed, default='')} was not opened to its invited")
        self.round = self.round.after(line.type, line.n, line.hash.hex(), line.at)

    def open(self, replay: "Replay", line: Event) -> None:
        must(self.round.waits, "state", "opened before the closing")
        due = self._due()
        if self.opened is not None and replay.opened:
            self._judge(replay, line, due)
        self.round = self.round.after(line.type, line.n, line.hash.hex(), line.at)
        self.opened_at = line.at

    def _due(self) -> list[SealedLine]:
        return counted(self.sealed, self.back, self.round)

    def _judge(self, replay: "Replay", line: Event, due: Sequence[SealedLine]) -> None:
        rules, opened = replay.rules.tender, self.opened
        assert rules is not None and opened is not None
        lots = {name: self._terms(replay, name, lot) for name, lot in replay.lots.items() if lot.state == "closing"}
        bids = []
        for one in due:
            must(one.hash in opened.envelopes, "envelope", f"the envelope of {one.bidder} on {one.lot} is not shown")
            _, told, envelope = opened.envelopes[one.hash]
            must(told.bidder == one.bidder, "envelope", f"the envelope is that of {one.bidder}")
            self.seen.add(one.hash)
            found = combine(envelope, rules.custodians, rules.k, opened.shares[one.hash].items())
            if isinstance(found, Payload):
                bids.append(tender.Bid(one.lot, one.bidder, one.n, found.entry, found.value))
        final = self.round.number > 1
        guests = {name: held for name, held in self.guests.items() if name in lots}
        found_all = (
            tender.finals(lots, guests, bids, rules.replace) if final else tender.opened(lots, bids, rules.replace)
        )
        valid = sum(one.total is not None for one in found_all.judged)
        if replay.hidden == 0:
            counts = {"valid": valid, "invalid": len(due) - valid}
            must(line.data == counts, "count", f"{valid} of {len(due)} are valid")
        self.ranks = tender.ranked(found_all.live)
        if final:
            self.ranks = {name: held if name in guests else self.firsts[name] for name, held in self.ranks.items()}
            return
        self.firsts = self.ranks
        if rules.best_and_final is not None:
            top, within_bp = rules.best_and_final.top, rules.best_and_final.within_bp
            self.guests = tender.final_round(self.ranks, top, within_bp, rules.min_bidders)

    def _terms(self, replay: "Replay", name: str, lot: Lot) -> tender.TenderLot:
        assert self.opened is not None
        weight = self.opened.weights.get(name)
        must(weight is not None, "weight", f"the weight of {name} is missing")
        assert weight is not None
        return tender.TenderLot(name, weight.mct, lot.opening, self._reserve(replay, lot), weight.benchmark)

    @staticmethod
    def _reserve(replay: "Replay", lot: Lot) -> int | None:
        return replay.reserves.get(lot.reserve_commit or "")

    def finish(self) -> None:
        """Nothing stands at the end of the record that the book does not know."""
        for hash, (number, _, _) in self.opened.envelopes.items() if self.opened else ():
            if hash not in self.seen and self.ranks is not None:
                raise Failed(number, None, "envelope", "was not counted by the closing")

    # -- a lot's book -------------------------------------------------------------------------------------------------

    def seal(self, replay: "Replay", line: Event, lot: Lot) -> None:
        _in_time(replay, line, lot)
        replay.name(lot, line.data["bidder"])
        must(self.turned_away(line, lot) is None, "final", "an envelope was taken of somebody who is not invited")
        lot.live = [one for one in lot.live if one.bidder != line.data["bidder"]]
        lot.live.append(Commitment(line.data["bidder"], SECRET, line.seq))
        lot.bids += 1
        assert line.lot is not None
        self.sealed.append(SealedLine(line.n, line.lot, line.data["bidder"], line.data["envelope"], ""))

    def take_back(self, replay: "Replay", line: Event, lot: Lot) -> None:
        _in_time(replay, line, lot)
        assert replay.rules.tender is not None and line.lot is not None
        bidder = line.data["bidder"]
        must(replay.rules.tender.withdraw, "state", "the rules let nobody take a bid back")
        since = max(self.round.since, self.back.get((line.lot, bidder), -1))
        own = [one.n for one in self.sealed if (one.lot, one.bidder) == (line.lot, bidder)]
        must(max(own, default=-1) > since, "void", "takes back what is not there")
        if line.lot not in self.again:  # in the final round the first bid stands
            lot.live = [one for one in lot.live if one.bidder != bidder]
        self.back[line.lot, bidder] = line.n

    def opened_again(self, replay: "Replay", line: Event, lot: Lot) -> None:
        """The final round of a lot begins."""
        rules = replay.rules.tender
        assert rules is not None and line.lot is not None
        must(self.round.number == 2 and not self.round.waits and line.lot not in self.again, "state", "opened again")
        must(rules.best_and_final is not None, "final", "the rules know no second round")
        assert rules.best_and_final is not None
        must(self.ranks is None or line.lot in self.guests, "final", "opened again, though nobody has a rival near")
        end = self.opened_at + rules.best_and_final.hours * HOUR
        must(line.data["end"] == end, "end", "is not the end of the second round by the rule set")
        lot.clock, lot.state = closing.Clock(end), "open"
        self.again.add(line.lot)

    def turned_away(self, line: Event, lot: Lot) -> set[str] | None:
        """Why a bid on a lot of the final round finds it closed: its bidder is not invited. None where that is not so,
        or cannot be known from this record."""
        if line.lot not in self.again or lot.state not in ("open", "paused"):
            return None
        if self.ranks is None:
            return {"lot_closed"} if line.data.get("code") == "lot_closed" else None
        invited = any(one.bidder == line.data["bidder"] for one in self.guests[line.lot or ""])
        return None if invited else {"lot_closed"}

    def _over(self) -> bool:
        """Both rounds are, or there is only one."""
        return self.round.number == 3 or not (self.guests or self.again)

    def sold(self, replay: "Replay", line: Event, lot: Lot) -> None:
        must(lot.state == "closing" and self.round.since >= 0, "result", "sold before the opening")
        must(self._over(), "result", "sold before the final round was opened")
        lot.state = "sold"
        ranks = self._ranks(line)
        if ranks is None:
            return
        rules = replay.rules.tender
        assert rules is not None
        place = next((k for k, one in enumerate(ranks) if one.bidder == line.data["bidder"]), None)
        must(place is not None, "result", "the winner made no valid bid")
        assert place is not None
        must(self._drawn(line) >= rules.min_bidders, "result", "too few bidders for a sale")
        reserve = self._reserve(replay, lot)
        must(reserve is None or ranks[place].total >= reserve, "result", "sold below the reserve")
        price = ranks[place].total
        if rules.price_rule == "second":
            price = max([lot.opening, reserve or 0, *(one.total for one in ranks[place + 1 :])])
        must(line.data["price"] == price, "result", f"the price is {price}")

    def passed(self, replay: "Replay", line: Event, lot: Lot) -> None:
        must(lot.state == "closing" and self.round.since >= 0, "result", "passed before the opening")
        lot.state = "passed"
        rules, reason = replay.rules.tender, line.data["reason"]
        must(self._over() or reason in ("no_bids", "too_few_bidders"), "result", "passed before the final round")
        ranks = self._ranks(line)
        if ranks is None:
            return
        assert rules is not None
        first = "no_bids" if not ranks else "too_few_bidders" if self._drawn(line) < rules.min_bidders else None
        if first is not None:
            must(reason == first, "result", f"the reason is {first}")
            return
        reserve = self._reserve(replay, lot)
        below = lot.reserve_commit is not None and (reserve is None or ranks[-1].total < reserve)
        must(self._over(), "result", "passed before the final round")
        must(reason == "limits" or (reason == "reserve_not_met" and below), "result", "passed, though it is sold")

    def _ranks(self, line: Event) -> Sequence[tender.Live] | None:
        return None if self.ranks is None else self.ranks.get(line.lot or "", ())

    def _drawn(self, line: Event) -> int:
        """How many bidders were ranked in the first round."""
        return len(self.firsts.get(line.lot or "", ()))


def _opened(replay: "Replay", line: Event, lot: Lot) -> None:
    if lot.state == "closing":
        replay.tender.opened_again(replay, line, lot)
    else:
        replay.begun(line, lot)


def _in_time(replay: "Replay", line: Event, lot: Lot) -> None:
    must(lot.state == "open" and replay.state == "open", "state", "an envelope was taken while the lot was not open")
    must(line.t <= line.at, "time", "arrived after it was decided")
    must(line.t < lot.clock.end, "late", "an envelope was taken at or after the end")


def _withdrawn(replay: "Replay", line: Event, lot: Lot) -> None:
    assert line.lot is not None
    replay.withdrawn(line, lot)
    replay.tender.back[line.lot, ""] = line.n


SALE: Mapping[str, Callable[[TenderReplay, "Replay", Event], None]] = {
    "tender.closed": TenderReplay.close,
    "tender.opened": TenderReplay.open,
}
LOT: Mapping[str, Callable[["Replay", Event, Lot], None]] = {
    "tender.sealed": lambda replay, line, lot: replay.tender.seal(replay, line, lot),
    "tender.withdrawn": lambda replay, line, lot: replay.tender.take_back(replay, line, lot),
    "lot.opened": _opened,
    "lot.sold": lambda replay, line, lot: replay.tender.sold(replay, line, lot),
    "lot.passed": lambda replay, line, lot: replay.tender.passed(replay, line, lot),
    "lot.withdrawn": _withdrawn,
}
# What a tender's book never holds: bids in clear, and lots that take bids again after the custodians may have looked.
NEVER = frozenset({"bid.accepted", "bid.voided", "lot.reopened"})
