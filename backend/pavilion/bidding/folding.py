"""Memory as a fold over the stored lines, and the draft of a batch that becomes memory only when it is stored."""

import json
from dataclasses import replace
from typing import NamedTuple

from pavilion.bidding import amending, closing, tender_finals
from pavilion.bidding import book as pages
from pavilion.bidding.book import ZERO_HASH, BookRow, Line, LotBook, PrivateLine, Stored
from pavilion.bidding.plans import Plan, PlanRow, Shelf, plain, read
from pavilion.bidding.ruled import Ruled
from pavilion.bidding.rules import RuleSet, Standing
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.tender_book import First, Kept, Round, SealedLine, Weighed
from pavilion.bidding.texts import (
    Doc,
    accepted_text,
    canonical_text,
    end_of,
    event_hash,
    event_text,
    micros_of,
    refused_text,
)
from pavilion.bidding.vault import Opening, SaleVault
from pavilion.kernel.tlog import CompactTree

Secret = tuple[int, Opening]  # paddle, opening
SALE_STATES = {
    "sale.published": "published",
    "sale.unpublished": "unpublished",
    "sale.opened": "open",
    "sale.resumed": "open",
    "sale.paused": "paused",
    "sale.closed": "closed",
}


class Given(NamedTuple):
    """The answer a key was given. Asking again gets the same."""

    lot: str
    paddle: int
    key: str
    opening: Opening
    alias: str
    n: int
    seq: int  # of the bid; refused: the lot's when it was decided
    t: int
    at: int
    code: str | None
    state: str | None  # how the bidder stood just after it

    def same_body(self, lot: str, amount: int, currency: str, rules: str) -> bool:
        told = self.opening
        return (self.lot, told.amount, told.currency, told.rules) == (lot, amount, currency, rules)


class Book:
    """Everything the writer of one sale knows; never ahead of the database."""

    def __init__(self, row: BookRow, vault: SaleVault) -> None:
        self.sale, self.vault = row.sale, vault
        self.state = "unpublished"
        self.n, self.seq, self.hash, self.published_hash, self.at = 0, 0, ZERO_HASH, ZERO_HASH, 0
        self.lots: dict[str, LotBook] = {}
        self.given: dict[tuple[int, str], Given] = {}
        self.held: dict[int, frozenset[str]] = {}  # paddle -> lots it leads or has won
        self.staff: dict[str, str] = {}
        self.reserves: dict[str, bytes] = {}
        self.plans = Shelf()
        self.outage_to = 0  # until when time was given back for interruptions
        self.sealed: list[SealedLine] = []
        self.round = Round()
        self.firsts: dict[int, First] = {}  # what the first round held, while the final one runs
        self.weighed: dict[str, Weighed] = {}
        self.tree = CompactTree()
        self.places: dict[str, int] = {}  # of the lots in the plan of ends
        self.published = 0  # so many of them were in the sale from the start
        self.rule_sets: dict[str, str] = {}
        self.take_rules(row)
        self.newest, self.ruled = row.rules_hash, Ruled()  # the rule set that was published or amended last

    def take_rules(self, row: BookRow) -> None:
        """The rule set that holds from the next `sale.published` on."""
        self.row, self.rules_hash = row, row.rules_hash
        self.rules: RuleSet = parse_rules(json.loads(row.rules))
        self.rule_sets[row.rules_hash] = row.rules

    @property
    def closed(self) -> bool:
        return self.state == "closed"

    def settle(self, draft: "Draft") -> None:
        """The draft is stored: it is memory now."""
        self.state, self.n, self.seq, self.hash, self.at = draft.state, draft.n, draft.seq, draft.hash, draft.at
        self.published_hash, self.held, self.tree = draft.published_hash, draft.held, draft.tree
        self.outage_to, self.round, self.plans = draft.outage_to, draft.round, draft.plans
        self.places, self.published = draft.places, draft.published
        self.newest, self.ruled = draft.newest, draft.ruled
        self.sealed += draft.kept.envelopes
        self.firsts = draft.firsts
        self.weighed |= {one.lot: one for one in draft.kept.weighed}
        for lot in draft.lots.values():
            lot.settle()
        self.lots.update(draft.lots)
        self.given.update(draft.given)
        self.staff.update(draft.new_staff)
        self.reserves.update(draft.reserves)
        self.rule_sets.update(draft.rule_sets)


def load(stored: Stored, vault: SaleVault) -> Book:
    """The book as the stored lines leave it; a line that does not follow from the ones before stops the load."""
    book = Book(stored.book, vault)
    book.staff, book.reserves, book.sealed = dict(stored.staff), dict(stored.reserves), list(stored.envelopes)
    book.rule_sets |= stored.rule_sets
    book.firsts, book.weighed = tender_finals.read_held(stored, vault), {one.lot: one for one in stored.weighed}
    secrets = {one.n: one for one in stored.private}
    for row in stored.plans:
        plan, body = read(row, vault.open_plan(row.sealed, row.plan, row.version))
        book.plans = book.plans.put(plan, row.key, body)
    draft = Draft(book, 0)
    for line in stored.lines:
        draft.fold(line, secrets.get(line.n))
    book.settle(draft)
    return book


class Draft:
    """The book as it will be once this batch is stored. Thrown away if it is not."""

    def __init__(self, book: Book, now: int) -> None:
        self.book, self.sale, self.rules, self.vault, self.now = book, book.sale, book.rules, book.vault, now
        self.state, self.n, self.seq, self.hash, self.at = book.state, book.n, book.seq, book.hash, book.at
        self.published_hash, self.outage_to = book.published_hash, book.outage_to
        self.held, self.plans = dict(book.held), book.plans
        self.plan_rows: list[PlanRow] = []
        self.tree = book.tree.copy()
        self.lots: dict[str, LotBook] = {}
        self.given: dict[tuple[int, str], Given] = {}
        self.lines: list[Line] = []
        self.private: list[PrivateLine] = []
        self.new_staff: dict[str, str] = {}
        self.orders: list[int] = []  # agreements of two persons that this batch carries out
        self.reserves: dict[str, bytes] = {}
        self.round, self.firsts, self.kept = book.round, book.firsts, Kept()
        self.places, self.published = book.places, book.published
        self.newest, self.ruled = book.newest, book.ruled
        self.rule_sets: dict[str, str] = {}  # that this batch names first

    # -- reading ------------------------------------------------------------------------------------------------------

    def has(self, lot: str) -> bool:
        return lot in self.lots or lot in self.book.lots

    def look(self, lot: str) -> LotBook:
        """The lot as this draft has it, to read."""
        return self.lots.get(lot) or self.book.lots[lot]

    def lot(self, lot: str) -> LotBook:
        """The lot as this draft has it, to change."""
        own = self.lots.get(lot)
        if own is None:
            own = self.lots[lot] = self.book.lots[lot].copy()
        return own

    def all_lots(self) -> list[LotBook]:
        """Every lot in the order of the sale."""
        return [self.lots.get(lot.lot) or lot for lot in ({**self.book.lots, **self.lots}).values()]

    def earlier(self, paddle: int, key: str) -> Given | None:
        asked = (paddle, key)
        return self.given.get(asked) or self.book.given.get(asked)

    def rules_of(self, name: str) -> RuleSet:
        """The rule set of this hash: the sale's, or one that lots of it were given since."""
        if name == self.book.rules_hash:
            return self.rules
        return parse_rules(json.loads(self.rule_sets.get(name) or self.book.rule_sets[name]))

    def next_at(self) -> int:
        """The instant of the next event: now, or just after the last one if the clock has not moved on."""
        return self.now if self.now > self.at else self.at + 1

    def staff_alias(self, person: str) -> str:
        known = self.book.staff.get(person) or self.new_staff.get(person)
        if known is None:
            known = self.new_staff[person] = f"S{len(self.book.staff) + len(self.new_staff) + 1}"
        return known

    # -- writing ------------------------------------------------------------------------------------------------------

    def write(self, kind: str, data: Doc, lot: LotBook | None = None, *, at: int | None = None) -> Line:
        """A further event of the sale's book or of this lot's."""
        at = self.next_at() if at is None else at
        if lot is None:
            line = self._line(kind, data, None, self.seq + 1, self.hash, at, at)
        else:
            line = self._line(kind, data, lot.lot, lot.seq + 1, lot.hash, at, at)
        self._take(line, data, None)
        self.lines.append(line)
        return line

    def list_lot(self, lot: str, data: Doc, sealed_reserve: bytes | None) -> Line:
        """The first event of a lot, or its first after the sale was published again."""
        if sealed_reserve is not None:
            self.reserves[lot] = sealed_reserve
        known, at = self.lots.get(lot) or self.book.lots.get(lot), self.next_at()
        seq, prev = (known.seq + 1, known.hash) if known else (1, self.published_hash)
        line = self._line("lot.listed", data, lot, seq, prev, at, at)
        self._take(line, data, None)
        self.lines.append(line)
        return line

    def lower_reserve(self, lot: str, data: Doc, sealed: bytes) -> Line:
        """The lot has a lower reserve under a commitment of its own."""
        self.reserves[lot] = sealed
        return self.write("lot.reserve_lowered", data, self.lot(lot))

    def write_bid(
        self,
        lot: LotBook,
        data: Doc,
        paddle: int,
        key: str,
        opening: Opening,
        t: int,
        by: str | None = None,
        mandate: str | None = None,
    ) -> Given:
        """A decided bid, accepted or refused, with its secret row; `by` and `mandate` of one that staff entered."""
        code = data.get("code")
        at = self.next_at()
        if code is None:
            line = self._lined("bid.accepted", accepted_text(data), lot.lot, lot.seq + 1, lot.hash, t, at)
        else:
            line = self._lined("bid.refused", refused_text(data), lot.lot, 0, lot.hash, t, at)
        self._take(line, data, (paddle, opening))
        self.lines.append(line)
        sealed = self.vault.seal_bid(opening, lot.lot, paddle, key)
        name = data["bidder"]
        self.private.append(PrivateLine(paddle, key, line.n, lot.lot, line.seq, name, code, sealed, by, mandate))
        return self._give(line, data, paddle, key, opening, lot)

    def write_sealed(self, lot: LotBook, data: Doc, paddle: int, key: str, opening: Opening, t: int) -> Given:
        """A sealed bid, or with no envelope in `data` the end of one."""
        kind = "tender.sealed" if "envelope" in data else "tender.withdrawn"
        line = self._lined(kind, canonical_text(data), lot.lot, lot.seq + 1, lot.hash, t, self.next_at())
        self._take(line, data, (paddle, opening))
        self.lines.append(line)
        sealed, name = self.vault.seal_bid(opening, lot.lot, paddle, key), data["bidder"]
        self.private.append(PrivateLine(paddle, key, line.n, lot.lot, line.seq, name, None, sealed))
        return self._give(line, data, paddle, key, opening, lot)

    def keep_plan(self, plan: Plan, key: str, body: str) -> None:
        """The plan stands as it is now; only its bidder and this engine ever read it."""
        self.plans = self.plans.put(plan, key, body)
        sealed = self.vault.seal_plan(plain(plan, body), plan.id, plan.version)
        place = self.plans.place(plan.id)
        self.plan_rows.append(PlanRow(plan.id, plan.version, place, plan.paddle, key, self.now, sealed))

    def fold(self, line: Line, secret: PrivateLine | None) -> None:
        """A stored line again: the same as when it was written."""
        assert line.n == self.n and line.hash == event_hash(line.body), f"line {line.n} is not what was written"
        data = json.loads(line.body)["data"]
        if secret is None:
            self._take(line, data, None)
            return
        assert line.lot is not None
        opening = self.vault.open_bid(secret.sealed, secret.lot, secret.paddle, secret.key)
        self._take(line, data, (secret.paddle, opening))
        self._give(line, data, secret.paddle, secret.key, opening, self.lots[line.lot])

    def _line(self, kind: str, data: Doc, lot: str | None, seq: int, prev: str, t: int, at: int) -> Line:
        return self._lined(kind, canonical_text(data), lot, seq, prev, t, at)

    def _lined(self, kind: str, data: str, lot: str | None, seq: int, prev: str, t: int, at: int) -> Line:
        body = event_text(self.sale, lot, self.n, seq, t, at, kind, prev, data)
        return Line(self.n, lot, seq, t, at, kind, prev, event_hash(body), body)

    def _take(self, line: Line, data: Doc, secret: Secret | None) -> None:
        assert line.at > self.at, f"line {line.n}: time stands still"
        self.n, self.at = self.n + 1, line.at
        self.tree.append(bytes.fromhex(line.hash))
        if line.lot is None:
            self._take_sale(line, data)
        elif line.type == "lot.listed":
            self._take_listing(line, data)
        else:
            lot = self.lot(line.lot)
            if line.type == "lot.reserve_lowered":
                self._take_reserve(lot)
            if line.type == "lot.opened" and self.round.number > 1:
                lot.guests = tender_finals.guests_of(self, lot)
            before = _holder(lot)
            pages.apply(lot, line, data, secret)
            if (after := _holder(lot)) != before:
                self._hold(lot.lot, before, after)

    def _take_sale(self, line: Line, data: Doc) -> None:
        assert line.seq == self.seq + 1 and line.prev == self.hash, f"sale event {line.seq} after {self.seq}"
        self.seq, self.hash = line.seq, line.hash
        self.state = SALE_STATES.get(line.type, self.state)
        if line.type == "sale.published":
            self.published_hash, self.newest, self.ruled = line.hash, data["rules"], Ruled((line.n, data["rules"]))
            self.places, self.published = {lot: k for k, lot in enumerate(data["lots"])}, len(data["lots"])
        elif line.type == "sale.amended":
            self._take_amendment(line, data)
        elif line.type.startswith("tender."):
            self.round = self.round.after(line.type, line.n, line.hash, line.at)
        elif line.type == "incident":
            self.outage_to = micros_of(data["to"])

    def _take_listing(self, line: Line, data: Doc) -> None:
        assert line.lot is not None
        sealed = self.reserves.get(line.lot) or self.book.reserves.get(line.lot)
        reserve, nonce = None, None
        if data["reserve_commit"] is not None:
            assert sealed is not None, f"lot {line.lot}: the reserve is missing"
            reserve, nonce = self.vault.open_reserve(sealed, line.lot)
        known = self.lots.get(line.lot) or self.book.lots.get(line.lot)
        if line.lot not in self.places:
            self.places = {**self.places, line.lot: len(self.places)}
        rules_hash = data.get("rules", self.book.rules_hash)
        rules, self.ruled = self.rules_of(rules_hash), self.ruled.listed(line.lot, data.get("reoffer_of"))
        terms = rules.lot(data["opening"], reserve)
        end = end_of(data["end"])
        lot = LotBook(
            lot=line.lot,
            number=data["number"],
            position=known.position if known else len({**self.book.lots, **self.lots}),
            currency=data["currency"],
            terms=terms,
            reserve_nonce=nonce,
            sealed_reserve=sealed if reserve is not None else None,
            end=end,
            published_end=end,
            hard_end=closing.hard_end_of(rules.soft_close, end),
            hash=line.hash,
            passport=data["passport"],
            seq=line.seq,
            stands=Standing(None, None, terms.opening, None if reserve is None or rules.tender else False),
            rules=rules,
            rules_hash=rules_hash,
            place=self.places[line.lot],
        )
        self.lots[line.lot] = lot

    def _take_amendment(self, line: Line, data: Doc) -> None:
        """These lots run by the new rules; an end that moves with them has an event of its own."""
        rules, self.newest = self.rules_of(data["to"]), data["to"]
        self.ruled = self.ruled.amended(line.n, data["to"], data["lots"], data.get("later"))
        for name in data["lots"]:
            lot = self.lot(name)
            after = amending.clock_after(lot.rules, rules, lot.place, self.published, lot.clock())
            lot.hard_end = after.hard_end
            if after.end != lot.end:
                lot.published_end = after.end
            lot.rules, lot.rules_hash, lot.amended_at = rules, data["to"], line.at
            lot.terms = rules.lot(lot.terms.opening, lot.terms.reserve)

    def _take_reserve(self, lot: LotBook) -> None:
        sealed = self.reserves.get(lot.lot) or self.book.reserves[lot.lot]
        reserve, lot.reserve_nonce = self.vault.open_reserve(sealed, lot.lot)
        lot.terms, lot.sealed_reserve = replace(lot.terms, reserve=reserve), sealed

    def _hold(self, lot: str, before: int | None, after: int | None) -> None:
        if before is not None:
            self.held[before] = self.held[before] - {lot}
        if after is not None:
            self.held[after] = self.held.get(after, frozenset()) | {lot}

    def _give(self, line: Line, data: Doc, paddle: int, key: str, opening: Opening, lot: LotBook) -> Given:
        state = None
        if line.type == "bid.accepted":
            state = pages.standing_state(lot.stands, data["bidder"], opening.amount)
        elif line.type.startswith("tender."):
            state = lot.own_state(data["bidder"])
        given = Given(
            lot.lot,
            paddle,
            key,
            opening,
            data["bidder"],
            line.n,
            line.seq or data["after"],
            line.t,
            line.at,
            data.get("code"),
            state,
        )
        self.given[paddle, key] = given
        return given


def _holder(lot: LotBook) -> int | None:
    for first in lot.lead:
        return None if lot.state in ("passed", "withdrawn") else lot.paddles[first]
    return None
