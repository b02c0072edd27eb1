"""The one writer of a sale: whatever came in during the last commit is the next batch."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from pavilion.bidding import acts, due, folding, passport_change, planned, planning, tendering
from pavilion.bidding.book import Batch, BookStore, Fenced, Line, LotBook, Published, SignedRoot
from pavilion.bidding.deciding import Answer, BidOrder, Facts, answer_of, exposure
from pavilion.bidding.folding import Book, Draft
from pavilion.bidding.lease import Lease
from pavilion.bidding.news import Audience, Mine, News, OwnLot, OwnState
from pavilion.bidding.orders import Order, nobody_knows
from pavilion.bidding.planning import PlanOrder, PlanSeen
from pavilion.bidding.publication import Publication, list_late, publish, publishable
from pavilion.bidding.vitals import Vitals
from pavilion.kernel.clock import Clock
from pavilion.kernel.instants import micros
from pavilion.kernel.signing import SigningKey, checkpoint_text, sign_note

FAILURES = 3  # in a row, then the writer gives up its lease
ROOM = 4096  # orders waiting; beyond it nobody can say when an answer comes
BATCH = 512
POLL_S = 0.05  # while a lot waits for its last bids, or the lease for its renewal

Reply = Callable[[Answer], None]


class Watermarks(Protocol):
    def drained(self, now: int, end: int) -> bool:
        """Every live edge has sent all it stamped before `end`."""


class OneProcess:
    """Edge and engine share one queue and one clock: what was stamped is already in the queue."""

    def drained(self, now: int, end: int) -> bool:
        return True


@dataclass(slots=True)
class Waiting:
    order: Order
    t: int
    received: int
    edge: str
    counter: int
    reply: Reply


class SaleWriter:
    """Decides every bid of one sale, in order, for as long as its lease holds."""

    def __init__(
        self,
        lease: Lease,
        store: BookStore,
        book: Book,
        facts: Facts,
        signer: SigningKey,
        clock: Clock,
        audience: Audience,
        watermarks: Watermarks | None = None,
        room: int = ROOM,
        batch: int = BATCH,
    ) -> None:
        self.lease, self.store, self.book, self.facts = lease, store, book, facts
        self.signer, self.clock, self.audience, self.room, self.most = signer, clock, audience, room, batch
        self.watermarks = watermarks or OneProcess()
        self.sale, self.origin = book.sale, f"{signer.name}/sale/{book.sale}"
        self._waiting: list[Waiting] = []
        self._failures = 0
        self._bell = asyncio.Event()
        self._news, self._looked_at = 1, 0  # which facts are known, and which of them were looked at in a batch
        self._outage_since, self._clock_jumped = lease.beat_at, False
        self.vitals = Vitals()
        self.ended = False

    # -- the doors ----------------------------------------------------------------------------------------------------

    def put(self, order: Order, reply: Reply, *, t: int | None = None, edge: str = "", counter: int = 0) -> None:
        """The order waits for the next batch; `reply` is called once its answer is true on disk."""
        if self.book.closed:
            reply(self._after_the_end(order))
            return
        if self.ended or len(self._waiting) >= self.room:
            reply(nobody_knows(order))
            return
        received = micros(self.clock())
        self._waiting.append(Waiting(order, received if t is None else t, received, edge, counter, reply))
        self._bell.set()

    async def place(self, order: Order) -> Answer:
        """Returns once the answer is true on disk."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.put(order, lambda given: None if answer.done() else answer.set_result(given))
        return await answer

    def learn(self, facts: Facts) -> None:
        """What the other domains say from now on; the next batch decides by it."""
        self.facts, self._news = facts, self._news + 1
        self._bell.set()

    def clock_jumped(self) -> None:
        self._clock_jumped = True
        self._bell.set()

    def interrupted(self, since: int) -> None:
        """No bid could reach this book since then; the next batch gives the time back if it was long enough."""
        self._outage_since = since if self._outage_since is None else min(since, self._outage_since)
        self._bell.set()

    def ring(self) -> None:
        """Look at the clock: something may be due."""
        self._bell.set()

    def mine(self, company_id: int) -> Mine:
        bidder = self.facts.bidders.get(company_id)
        if bidder is None or bidder.paddle is None:
            return Mine(self.sale, None, bidder.state if bidder else "none", None, None, {})
        lots = {
            name: OwnLot(alias, lot.own_max(alias), lot.own_state(alias), lot.seq, lot.floor(alias))
            for name, lot in self.book.lots.items()
            if (alias := lot.aliases.get(bidder.paddle)) is not None
        }
        headroom = None
        if bidder.limit is not None:
            headroom = bidder.limit - exposure(Draft(self.book, 0), self.facts, bidder)
        aims = tuple(planned.still_wanted(self.book, bidder.paddle))
        return Mine(self.sale, bidder.paddle, bidder.state, bidder.limit, headroom, lots, aims)

    def plans(self, company_id: int) -> list[PlanSeen]:
        """The company's own plans as they stand."""
        bidder = self.facts.bidders.get(company_id)
        draft = Draft(self.book, micros(self.clock()))
        return [] if bidder is None else planning.seen(draft, self.facts, bidder)

    def own_bid(self, n: int, company_id: int) -> folding.Given | None:
        """The company's own bid at this place of the log."""
        bidder = self.facts.bidders.get(company_id)
        if bidder is None or bidder.paddle is None:
            return None
        own = next((one for one in self.book.given.values() if one.n == n and one.paddle == bidder.paddle), None)
        return own if own is None or own.opening.amount or own.code is not None else None  # a sealed bid opens itself

    def answer_to(self, company_id: int, key: str) -> Answer | None:
        """The answer this key was given, again."""
        bidder = self.facts.bidders.get(company_id)
        given = self.book.given.get(((bidder.paddle if bidder else None) or 0, key))
        return None if given is None else answer_of(self.sale, given, replayed=True)

    # -- the loop -----------------------------------------------------------------------------------------------------

    async def run(self, publication: Publication | None = None) -> None:
        """Until the sale is closed, or the lease is lost."""
        try:
            if publication is not None and self._is_new(publication):
                await self._publish(publication)
            while self.book.state not in ("closed", "unpublished"):
                await self._wait()
                if not self.lease.fresh:
                    await asyncio.sleep(POLL_S)
                    self._bell.set()
                    continue
                self._bell.clear()
                batch, self._waiting = self._waiting[: self.most], self._waiting[self.most :]
                if self._waiting:
                    self._bell.set()
                await self._step(batch)
        finally:
            self.ended = True
            left, self._waiting = self._waiting, []
            for one in left:
                one.reply(self._after_the_end(one.order) if self.book.closed else nobody_knows(one.order))

    async def _wait(self) -> None:
        """Until an order comes, somebody rings, or something is due."""
        if self._news != self._looked_at:
            return
        next_at = due.next_due(self.book)
        left = None if next_at is None else next_at - micros(self.clock())
        seconds = None if left is None else POLL_S if left <= 0 else left / 1_000_000
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()

    async def _step(self, batch: list[Waiting]) -> None:
        batch.sort(key=lambda one: (one.t, one.edge, one.counter))
        seen = self._news, self._clock_jumped  # what comes while the batch is written is for the next
        draft, answers = self._decide(batch)
        if not draft.lines and not draft.plan_rows:
            self._considered(*seen)
            self._answer(answers)
            return
        stored = self._batch(draft)
        started = micros(self.clock())
        try:
            await self.store.write(self.sale, self.lease.epoch, stored)
        except Fenced:
            self._answer([(one, nobody_knows(one.order)) for one, _ in answers])
            raise
        except Exception:
            # Stored or not? Only the database knows, so memory is dropped and read again.
            self._failures += 1
            if self._failures == FAILURES:
                self._answer([(one, nobody_knows(one.order)) for one, _ in answers])
                raise
            await self._ask_the_store([one for one, _ in answers])
            return
        self._failures = 0
        before = dict(self.book.lots)
        self.book.settle(draft)  # memory moves after the commit, never before
        self._considered(*seen)
        self._answer(answers)
        self.vitals.note([one.received for one, _ in answers], started, micros(self.clock()))
        self._tell(draft.lines, stored.root, before, draft.lots)

    def _considered(self, news: int, jumped: bool) -> None:
        """What was to be looked at once has been, in this batch or with nothing to write."""
        self._looked_at, self._outage_since = news, None
        self._clock_jumped = self._clock_jumped and not jumped
        self.lease.beat = True

    def _decide(self, batch: list[Waiting]) -> tuple[Draft, list[tuple[Waiting, Answer]]]:
        """A draft of the whole batch; an order that breaks the rules' own assertions is set aside, not the room."""
        while True:
            draft, answers = self._draft(), []
            for one in batch:
                try:
                    mark = len(draft.lines)
                    answers.append((one, self._decide_one(draft, one)))
                    planning.serve(draft, self.facts, mark)
                except Exception:  # noqa: BLE001 - a bug in one decision must not end the sale
                    one.reply(nobody_knows(one.order))
                    batch = [other for other in batch if other is not one]
                    break
            else:
                mark = len(draft.lines)
                due.close_due(draft, partial(self.watermarks.drained, draft.now))
                if self._news != self._looked_at or draft.round != self.book.round:
                    tendering.open_if_complete(draft, self.facts)
                planning.serve(draft, self.facts, mark)
                return draft, answers

    def _draft(self) -> Draft:
        draft = Draft(self.book, micros(self.clock()))
        if self._outage_since is not None:
            due.after_outage(draft, self._outage_since)
        if self._clock_jumped:
            due.clock_moved(draft, due.NEAR)
        if self._news != self._looked_at:
            due.lost_verdicts(draft, self.facts)
            passport_change.noticed(draft, self.facts)
            list_late(draft, self.facts)
        passport_change.lapsed(draft, self.facts)
        due.open_due(draft)
        planning.serve(draft, self.facts, 0, all_plans=self._news != self._looked_at)
        return draft

    def _decide_one(self, draft: Draft, one: Waiting) -> Answer:
        if isinstance(one.order, BidOrder):
            self._note_slowness(draft, one, one.order.lot)
            return tendering.decide_any(draft, self.facts, one.order, one.t)
        if isinstance(one.order, PlanOrder):
            return planning.take(draft, self.facts, one.order, one.t)
        code = acts.carry_out(draft, self.facts, one.order)
        return Answer("done" if code is None else "refused", one.order.lot, code=code, sale=self.sale)

    def _note_slowness(self, draft: Draft, one: Waiting, name: str) -> None:
        if draft.now - one.received <= draft.rules.close_wait_extend or not draft.has(name):
            return
        for lot in {id(known): known for known in (draft.look(name), self.book.lots.get(name)) if known}.values():
            if lot.end - lot.rules.soft_close.window <= one.t < lot.end:
                lot.slow = True

    def _batch(self, draft: Draft) -> Batch:
        note = sign_note(checkpoint_text(self.origin, draft.tree.size, draft.tree.root()), self.signer)
        return Batch(
            draft.state,
            draft.n,
            draft.lines,
            draft.private,
            [lot.row() for lot in draft.lots.values()],
            list(draft.new_staff.items()),
            SignedRoot(draft.n, draft.at, note),
            publishable(draft) if draft.state == "closed" else Published(),
            orders=draft.orders,
            kept=draft.kept,
            plans=draft.plan_rows,
            rule_sets=list(draft.rule_sets.items()),
        )

    def _is_new(self, publication: Publication) -> bool:
        state = self.book.state
        return state == "unpublished" or (state == "published" and self.book.rules_hash != publication.rules_hash)

    async def _publish(self, publication: Publication) -> None:
        """The first batch of the book."""
        book = self.book
        book.take_rules(replace(book.row, rules=publication.rules, rules_hash=publication.rules_hash))
        draft = Draft(book, micros(self.clock()))
        if book.state == "published":  # the way back to a draft was taken while no engine ran
            draft.write("sale.unpublished", {"reason": "staff", "ok": []})
        draft.rule_sets[publication.rules_hash] = publication.rules
        publish(draft, publication)
        stored = replace(self._batch(draft), rules=(publication.rules, publication.rules_hash))
        await self.store.write(self.sale, self.lease.epoch, stored)
        book.settle(draft)
        self._tell(draft.lines, stored.root, {}, draft.lots)

    async def _ask_the_store(self, batch: list[Waiting]) -> None:
        """Bids found in the store are answered from it; the others are decided again, first in line."""
        known, before = self.book.n, dict(self.book.lots)
        stored = await self.store.load(self.sale)
        assert stored is not None, "a written book does not vanish"
        self.book = folding.load(stored, self.book.vault)
        again, answers = [], []
        for one in batch:
            given = self._given(one.order)
            if isinstance(one.order, PlanOrder):
                again.append(one)  # one that is found there is answered by its key
            elif given is not None and given.n >= known:
                answers.append((one, answer_of(self.sale, given)))
            else:
                again.append(one)
        self._waiting[:0] = again
        self._bell.set()
        self._answer(answers)
        found = [line for line in stored.lines if line.n >= known]
        if found:
            root = SignedRoot(self.book.n, self.book.at, "")
            self._tell(found, root, before, {name: self.book.lots[name] for name in {x.lot for x in found} if name})

    def _given(self, order: Order) -> folding.Given | None:
        if not isinstance(order, BidOrder) or (bidder := self.facts.bidders.get(order.company_id)) is None:
            return None
        given = self.book.given.get((bidder.paddle or 0, order.key))
        return given if given and tendering.answers(given, order) else None

    def _after_the_end(self, order: Order) -> Answer:
        """The book is closed: what was answered is answered again, everything else finds the lot ended."""
        draft = Draft(self.book, micros(self.clock()))
        if isinstance(order, PlanOrder):
            return planning.take(draft, self.facts, order, draft.now)
        if not isinstance(order, BidOrder):
            return Answer("refused", order.lot, code=acts.carry_out(draft, self.facts, order), sale=self.sale)
        answer = tendering.decide_any(draft, self.facts, order, draft.now)
        return answer if answer.n is None or answer.n < self.book.n else answer._replace(n=None, t=None, at=None)

    # -- telling ------------------------------------------------------------------------------------------------------

    @staticmethod
    def _answer(answers: Sequence[tuple[Waiting, Answer]]) -> None:
        for one, answer in answers:
            one.reply(answer)

    def _tell(
        self, lines: Sequence[Line], root: SignedRoot, before: dict[str, LotBook], after: dict[str, LotBook]
    ) -> None:
        public = [line for line in lines if line.type != "bid.refused"]
        own = [state for name, lot in after.items() for state in self._moved(before.get(name), lot)]
        if public or own:
            self.audience.announce(News(self.sale, root.at, public, root.text, own, self.book.closed))

    def _moved(self, before: LotBook | None, lot: LotBook) -> list[OwnState]:
        """The bidders of this lot for whom something changed."""
        if before is None or (before.seq == lot.seq):
            return []
        moved = []
        draft: Draft | None = None
        touched = None if lot.state != before.state or len(lot.best) < len(before.best) else _touched(before, lot)
        for paddle, alias in lot.aliases.items():
            if touched is not None and alias not in touched:
                continue
            was = before.own_state(alias) if paddle in before.aliases else None
            own, had = lot.own_max(alias), before.own_max(alias)
            state = lot.own_state(alias)
            bidder = self.facts.by_paddle.get(paddle)
            if bidder is None or (state, own) == (was, had) or (own is None and had is None and not lot.tendered):
                continue
            draft = draft or Draft(self.book, 0)
            room = None if bidder.limit is None else bidder.limit - exposure(draft, self.facts, bidder)
            moved.append(OwnState(bidder.company_id, lot.lot, lot.seq, alias, state, own, room))
        return moved


def _touched(before: LotBook, lot: LotBook) -> set[str]:
    """Whose own state may have changed: new maxima, and those who stood or stand at the price, leading or tied."""
    prices, was = {before.stands.price, lot.stands.price}, before.best
    moved = {alias for alias, held in lot.best.items() if held[0] in prices or was.get(alias) != held}
    return moved | {one for one in (before.stands.leader, lot.stands.leader, before.first, lot.first) if one}
