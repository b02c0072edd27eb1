"""Whether what a house answered and wrote down is what had to be: the invariants, held against the reference model."""

import hashlib
import json

from tests.simulate import reference
from tests.simulate.house import Asked, House
from tests.simulate.reference import FAR, Commitment, Lot, Table, end_of, micros, planned_end, with_fees

FINAL = ("sold", "passed", "withdrawn")
UNRECORDED = ("not_open_yet", "confirm_needed", "key_reused")


class Broken(AssertionError):
    """An invariant does not hold; its number stands first."""


def must(holds: object, invariant: str, fact: object = "") -> None:
    if not holds:
        raise Broken(f"{invariant}: {fact}")


def check(house: House) -> None:
    """Broken at the first request or event that should not be."""
    checker = Checker(house)
    checker.run()
    before = state_of(house)
    house.reload()
    must(state_of(house) == before, "I11", "the book read again is another book")


def state_of(house: House) -> list[object]:
    """All that the memory of a book holds, as far as it decides anything."""
    lots = [
        (
            lot.row(), lot.hard_end, lot.best, lot.lead, sorted(lot.aliases.items()), [*lot.live, *lot.fresh], lot.bids,
            lot.highest, lot.stands, lot.slowed,
        )
        for lot in house.book.lots.values()
    ]  # fmt: skip
    given = {key: (one.n, one.seq, one.code, one.opening, one.at) for key, one in house.book.given.items()}
    held = {paddle: lots for paddle, lots in house.book.held.items() if lots}
    return [house.book.state, house.book.n, house.book.hash, house.book.tree.root(), lots, given, held]


class Checker:
    def __init__(self, house: House) -> None:
        self.house, self.doc, self.soft = house, house.doc, house.doc["soft_close"]
        self.events = [json.loads(line.body) for line in house.lines]
        self.hashes = [hashlib.sha256(b"\x00" + line.body.encode()).hexdigest() for line in house.lines]
        self.n = 0
        self.state = "new"
        self.sale_hash, self.published = "0" * 64, ""
        self.lots: dict[str, Lot] = {}
        self.given: dict[tuple[int, str], tuple[tuple, Asked]] = {}
        self.outage = (0, 0)
        self.outages = list(house.outages)
        self.owed: set[str] = set()  # lots that an outage must still extend
        self.lowered = [act for act, _, code in house.acted if act.act == "lower_reserve" and code is None]
        self.uncalled: Lot | None = None  # whose call a bid has just taken back
        self.fresh: dict[str, tuple[int, int]] = {}  # lot -> batch and seq of its last accepted bid

    def run(self) -> None:
        for asked in self.house.asked:
            while self.n < asked.at_n:
                self.event()
            self.fall_out()
            self.level()
            self.request(asked)
        while self.n < len(self.events):
            self.event()
        self.owe_nothing()
        must(self.state == "closed", "I10", "the sale is not closed")

    # -- requests -----------------------------------------------------------------------------------------------------

    def request(self, asked: Asked) -> None:
        order, answer = asked.order, asked.answer
        paddle = self.house.people[order.company_id].paddle
        body = (order.lot, order.max, order.currency, order.rules)
        earlier = self.given.get((paddle, order.key))
        if earlier is not None:
            if earlier[0] == body:
                same = earlier[1].answer
                must(answer.replayed, "I4", "a repeated key was decided again")
                must((answer.n, answer.seq, answer.code) == (same.n, same.seq, same.code), "I3", "another answer")
            else:
                must(answer.code == "key_reused", "I4", f"key reused, answered {answer.code or answer.result}")
            return
        must(not answer.replayed, "I4", "a new key was answered as an old one")
        wanted = self.code(asked, paddle)
        must(answer.code == wanted, "I6", f"answered {answer.code}, the rules say {wanted}")
        if wanted in UNRECORDED:
            must(answer.n is None, "I4", "what is not recorded has a place in the book")
            return
        must(answer.n == self.n < len(self.events), "I3", "the answered bid is not in the book")
        self.given[paddle, order.key] = (body, asked)
        self.bid(asked, paddle, wanted)

    def code(self, asked: Asked, paddle: int) -> str | None:
        """The first thing that stands against this bid."""
        order, lot = asked.order, self.lots[asked.order.lot]
        bidder = self.house.people[order.company_id]
        if lot.state == "listed":
            return "not_open_yet"
        if lot.state == "withdrawn":
            return "lot_withdrawn"
        if lot.state in ("sold", "passed", "closing"):
            return "lot_closed"
        if lot.state == "paused":
            return "sale_paused" if self.state == "paused" else "lot_paused"
        if self.state == "paused":
            return "sale_paused"
        if asked.t >= lot.end:
            return "too_late"
        if order.rules != self.house.rules_hash:
            return "rules_changed"
        if order.company_id in self.house.facts.lots[order.lot].barred:
            return "conflict_of_interest"
        if order.currency != "USD":
            return "wrong_currency"
        if (code := lot.amount_code(paddle, order.max)) is not None:
            return code
        others = sum(with_fees(one.owed_for(paddle), self.doc) for one in self.lots.values() if one is not lot)
        if bidder.limit is not None and others + with_fees(order.max, self.doc) > bidder.limit:
            return "over_limit"
        ask = lot.stands()[2]
        large = order.max > 3 * ask and order.max > ask + 10 * lot.table.step(ask)
        return "confirm_needed" if large and order.confirm != order.max else None

    def bid(self, asked: Asked, paddle: int, code: str | None) -> None:
        """The event of a decided bid, and what it changes."""
        event, order, answer = self.events[self.n], asked.order, asked.answer
        lot, data = self.lots[order.lot], event["data"]
        must(event["type"] == ("bid.accepted" if code is None else "bid.refused"), "I3", "another event")
        must(event["lot"] == order.lot and micros(event["t"]) == asked.t, "I3", "another lot or time")
        self.linked(event, lot, refused=code is not None)
        name = lot.names.setdefault(paddle, self.next_name(lot))
        must(data["bidder"] == name, "I3", f"{data['bidder']} bids, it is {name}")
        opening = self.house.book.given[paddle, order.key].opening
        must(opening.amount == order.max, "I3", "another amount was kept")
        secret = {"amount": order.max, "bidder": name, "currency": order.currency, "key": order.key, "lot": order.lot}
        secret |= {"nonce": opening.nonce, "sale": event["sale"]}
        text = json.dumps(secret, sort_keys=True, separators=(",", ":")).encode()
        must(hashlib.sha256(b"pavilion/bid/v1\n" + text).hexdigest() == data["commit"], "I3", "another commitment")
        if code is None:
            self.accepted(asked, lot, event, paddle)
            must(answer.result == "accepted" and answer.seq == event["seq"], "I3", "the answer names another seq")
        else:
            must(data["code"] == code and answer.result == "refused", "I6", "another code was written down")
        self.n += 1

    def accepted(self, asked: Asked, lot: Lot, event: dict, paddle: int) -> None:
        must(lot.state == "open" and self.state == "open" and asked.t < lot.end, "I7", "taken outside the lot's time")
        batch, seq = self.fresh.get(asked.order.lot, (-1, 0))
        must(seq < event["seq"] and batch <= asked.batch, "I5", "not in the order of asking")
        self.fresh[asked.order.lot] = (asked.batch, event["seq"])
        before = lot.stands()
        lot.all.append(Commitment(paddle, asked.order.max, event["seq"]))
        after = lot.stands()
        must(before[1] is None or after[1] >= before[1], "I2", "the price fell")
        others = before[0] not in (None, paddle)
        # The seller's own bid may stand so near the reserve that its ask lies above it: then the reserve is enough.
        least = before[2] if before[0] != "HOUSE" else min(before[2], lot.reserve)
        must(not others or after[1] >= least, "I2", "the price stayed below the ask")
        self.standing(event, lot)
        moved = before[:2] != after[:2]
        end = lot.end_after(self.soft, asked.t) if moved and "clerked" not in self.doc else lot.end
        self.uncalled = lot if moved and "clerked" in self.doc and lot.end != FAR else None
        must(end_of(event["data"]["end"]) == end >= lot.end, "I8", "the end moved without its cause")
        old = event["data"]["extended"]
        must(
            (old is None) == (end == lot.end) and (old is None or micros(old) == lot.end), "I8", "the old end is wrong"
        )
        lot.end = end

    # -- events -------------------------------------------------------------------------------------------------------

    def event(self) -> None:
        event = self.events[self.n]
        kind = event["type"]
        self.fall_out()
        if kind != "lot.extended" and kind != "incident":
            self.owe_nothing()
            must(self.uncalled is None, "I8", "a bid did not take the call back")
        must(not kind.startswith("bid.") or kind == "bid.voided", "I4", "a bid that nobody sent")
        if event["lot"] is None:
            self.sale(event)
        elif kind == "lot.listed":
            self.listed(event)
        else:
            lot = self.lots[event["lot"]]
            self.linked(event, lot, refused=False)
            getattr(self, kind.replace(".", "_"))(event["data"], lot, micros(event["at"]), event)
        self.n += 1

    def fall_out(self) -> None:
        """What the outages before this place must give, whatever was written."""
        due = [one for one in self.outages if one[2] <= self.n]
        self.outages = self.outages[len(due) :]
        span, least = (self.doc["outage"][name] * 1_000_000 for name in ("span", "min"))
        for since, until, _ in due:
            if self.state == "open" and until - since >= least:
                self.owe(since, until + span)
        next_one = self.events[self.n] if self.n < len(self.events) else {"type": ""}
        told = next_one["type"] == "incident" and next_one["data"]["kind"] == "outage"
        must(not due or told == bool(self.owed), "I8", "an outage that is not told, or told for nothing")

    def owe(self, since: int, last: int) -> None:
        self.owed |= {name for name, lot in self.lots.items() if lot.state == "open" and since < lot.end <= last}

    def level(self) -> None:
        """Under one end for all, every open lot has the same."""
        running = {lot.end for lot in self.lots.values() if lot.state == "open"}
        must(self.soft["scope"] == "lot" or len(running) < 2, "I8", "the lots of a group end apart")

    def owe_nothing(self) -> None:
        must(not self.owed, "I8", "the outage gave a lot nothing")

    def linked(self, event: dict, lot: Lot, *, refused: bool) -> None:
        must(event["n"] == self.n, "I1", "n has a gap")
        must(refused or lot.state not in FINAL, "I9", f"something after {lot.state}")
        must(event["seq"] == (0 if refused else lot.seq + 1), "I1", f"seq {event['seq']} after {lot.seq}")
        must(event["prev"] == lot.hash and micros(event["at"]) > lot.at, "I1", "does not follow")
        must(not refused or event["data"]["after"] == lot.seq, "I1", "the refusal stands elsewhere")
        lot.at = micros(event["at"])
        if not refused:
            lot.seq, lot.hash = event["seq"], self.hashes[self.n]

    def sale(self, event: dict) -> None:
        kind, at = event["type"], micros(event["at"])
        must(event["prev"] == self.sale_hash, "I1", "the sale's book does not follow")
        self.sale_hash = self.hashes[self.n]
        if kind == "sale.published":
            self.published = self.sale_hash
        if kind == "sale.opened":
            must(at >= micros(self.doc["opens_at"]), "I7", "opened early")
        if kind == "sale.closed":
            must(all(lot.state in FINAL for lot in self.lots.values()), "I10", "closed too soon")
        if kind == "incident":
            before, self.outage = self.outage[1], (micros(event["data"]["from"]), micros(event["data"]["to"]))
            if event["data"]["kind"] == "declared":
                since, until = self.outage
                least, span = (self.doc["outage"][name] * 1_000_000 for name in ("min", "span"))
                must(self.state == "open" and since > before and until - since >= least, "I6", "declared out of turn")
                self.owe(since, until + span)
        else:
            self.state = kind.removeprefix("sale.").replace("opened", "open").replace("resumed", "open")

    def listed(self, event: dict) -> None:
        data = event["data"]
        one = self.house.publication.lots[len(self.lots)]
        end = FAR if "clerked" in self.doc else planned_end(self.doc, len(self.lots))
        must(event["prev"] == self.published and event["seq"] == 1, "I1", "a lot's book begins elsewhere")
        must(end_of(data["end"]) == end, "I8", "not the planned end")
        hard = self.soft["hard_end"] and micros(self.soft["hard_end"])
        table = Table(self.doc["increments"], self.doc["mode"])
        lot = Lot(one.opening, one.reserve, self.doc["reserve_rule"], table, end, hard)
        lot.seq, lot.hash, lot.at = 1, self.hashes[self.n], micros(event["at"])
        self.lots[event["lot"]] = lot

    def standing(self, event: dict, lot: Lot) -> None:
        data, (leader, price, ask, met) = event["data"], lot.stands()
        said = (data["leader"], data["price"], data["ask"], data["reserve_met"])
        wanted = (leader if leader in (None, "HOUSE") else lot.names[leader], price, ask, met)
        must(said == wanted, "I10", f"stands {said}, the rules say {wanted}")
        must(leader in (None, "HOUSE") or price <= lot.maxima()[0][1], "I10", "above the leader's own maximum")

    def bid_voided(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        gone = [one for one in lot.all if one.seq in data["seqs"]]
        must(gone and all(one.live for one in gone) and len(set(data["ok"])) == 2, "I6", "voids what is not live")
        for one in gone:
            one.live = False
        self.standing(event, lot)

    def lot_opened(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        must(
            lot.state == "listed" and self.state == "open" and end_of(data["end"]) == lot.end, "I8", "opened otherwise"
        )
        lot.state = "open"

    def lot_extended(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        to = end_of(data["to"])
        must(lot.state == "open" and end_of(data["from"]) == lot.end, "I8", "extended from another end")
        if data["cause"] == "staff" and lot.end == FAR:
            must(to == at + self.doc["clerked"]["final_call"] * 1_000_000, "I8", "called otherwise")
            lot.end = to
            return
        must(lot.end < to, "I8", "extended to no later end")
        if data["cause"] == "bid":
            must(lot is self.uncalled and to == FAR, "I8", "a call taken back by nothing")
            self.uncalled = None
        elif data["cause"] == "group":
            must(self.soft["scope"] == "group", "I8", "not a group")
            must(to == max(one.end for one in self.lots.values() if one.state == "open"), "I8", "past the group's end")
        elif data["cause"] == "staff":
            must(at < lot.end, "I8", "extended after its end")
        else:
            since, until = self.outage
            span, grant = (self.doc["outage"][name] * 1_000_000 for name in ("span", "grant"))
            must(data["cause"] == "outage" and until - since >= self.doc["outage"]["min"] * 1_000_000, "I8", "no cause")
            self.owed.discard(event["lot"])
            must(lot.end > since and until >= lot.end - span, "I8", "this lot lost nothing")
            must(to == until + max(grant, lot.end - since), "I8", "not what the outage gives")
        lot.end = to
        lot.hard_end = lot.hard_end and max(lot.hard_end, to)

    def lot_paused(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        must(lot.state == "open" and at < lot.end, "I8", "paused after its end")
        lot.state, lot.paused_at = "paused", at

    def lot_resumed(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        must(lot.state == "paused" and self.state == "open", "I8", "resumed out of turn")
        end = FAR if lot.end == FAR else at + max(lot.end - lot.paused_at, self.soft["window"] * 1_000_000)
        must(end_of(data["end"]) == end, "I8", "the pause gave back something else")
        lot.hard_end = lot.hard_end and max(lot.hard_end + at - lot.paused_at, end)
        lot.end, lot.state = end, "open"

    def lot_reserve_lowered(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        act = self.lowered.pop(0)
        must(act.lot == event["lot"] and len(set(data["ok"])) == 2, "I6", "lowered by one person, or another lot")
        must(
            lot.rule == "jump" and lot.reserve is not None and lot.stands()[3] is not True, "I6", "is met, or not jump"
        )
        must(lot.opening <= act.amount < lot.reserve and (lot.state != "open" or at < lot.end), "I6", "not lower")
        lot.reserve = act.amount
        self.standing(event, lot)

    def lot_notice(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        pass

    def lot_closing(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        if "clerked" in self.doc and micros(data["end"]) != lot.end:  # the clerk gives the lot up
            leader, _, _, met = lot.stands()
            must(micros(data["end"]) == at and (leader in (None, "HOUSE") or met is False), "I10", "passed unduly")
            lot.end = at
        must(lot.state == "open" and at >= lot.end == micros(data["end"]), "I7", "closed before its end")
        self.level()
        lot.state = "closing"

    def lot_sold(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        leader, price, _, met = lot.stands()
        must(lot.state == "closing" and leader not in (None, "HOUSE") and met is not False, "I10", "sold unduly")
        must((data["bidder"], data["price"]) == (lot.names[leader], price), "I10", "another winner or price")
        lot.state = "sold"

    def lot_passed(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        leader, _, _, met = lot.stands()
        must(lot.state == "closing" and (leader in (None, "HOUSE") or met is False), "I10", "passed unduly")
        must(data["reason"] == ("reserve_not_met" if lot.maxima() else "no_bids"), "I10", "another reason")
        lot.state = "passed"

    def lot_withdrawn(self, data: dict, lot: Lot, at: int, event: dict) -> None:
        must(lot.state in ("listed", "open", "paused"), "I9", "withdrawn out of turn")
        must(not lot.maxima() or len(set(data.get("ok", ()))) == 2, "I6", "withdrawn by one person")
        lot.state = "withdrawn"

    @staticmethod
    def next_name(lot: Lot) -> str:
        place = len(lot.names)
        assert place < 26 and reference.MOST
        return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place]
