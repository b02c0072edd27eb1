"""Hypothesis plays the house: it looks for the shortest story that the reference model would tell otherwise."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pavilion.bidding.acts import StaffAct
from pavilion.bidding.deciding import BidOrder, decide_bid
from pavilion.bidding.folding import Draft
from pavilion.bidding.verifying import verify
from tests.simulate.checker import check, state_of
from tests.simulate.house import SALE, House, S

TWO = ("Ada", "Noor")


class Saleroom(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 10_000), lots=st.integers(1, 3), bidders=st.integers(2, 6))
    def publish(self, seed, lots, bidders):
        self.house = House(seed, lots=lots, bidders=bidders)
        self.keys = 0
        self.house.now += S
        self.house.batch([])

    @property
    def running(self):
        return hasattr(self, "house") and not self.house.book.closed

    def lot(self, which):
        lots = list(self.house.book.lots.values())
        return lots[which % len(lots)]

    def key(self):
        self.keys += 1
        return f"{self.keys:032x}"

    def order(self, who, which, amount, key=None):
        company = 1 + who % len(self.house.people)
        return BidOrder(
            SALE, self.lot(which).lot, company, key or self.key(), amount, "USD", self.house.rules_hash, amount
        )

    @precondition(lambda self: self.running)
    @rule(who=st.integers(0, 5), which=st.integers(0, 2), rung=st.integers(1, 8), off=st.sampled_from((-1, 0, 0, 0, 1)))
    def bid(self, who, which, rung, off):
        lot = self.lot(which)
        amount = lot.terms.increments.ladder(lot.stands.ask, rung)[-1] + off
        self.house.batch([(self.order(who, which, amount), self.house.now)])

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 2), whos=st.lists(st.integers(0, 5), min_size=2, max_size=4))
    def bid_at_once(self, which, whos):
        ask = self.lot(which).stands.ask
        self.house.batch([(self.order(who, which, ask), self.house.now) for who in whos])

    @precondition(lambda self: self.running and self.house.asked)
    @rule(back=st.integers(1, 5), more=st.integers(0, 1))
    def send_again(self, back, more):
        former = self.house.asked[-min(back, len(self.house.asked))].order
        who, which = former.company_id - 1, list(self.house.book.lots).index(former.lot)
        self.house.batch([(self.order(who, which, former.max + more, former.key), self.house.now)])

    @precondition(lambda self: self.running)
    @rule(microseconds=st.sampled_from((1, S, 5 * S, 60 * S, 400 * S)))
    def wait(self, microseconds):
        self.house.now += microseconds
        self.house.batch([])

    @precondition(lambda self: self.running and any(lot.state == "open" for lot in self.house.book.lots.values()))
    @rule(which=st.integers(0, 2), off=st.sampled_from((-S, -1, 0, 1)), who=st.integers(0, 5))
    def bid_at_the_very_end(self, which, off, who):
        lot = self.lot(which)
        self.house.now = max(self.house.now + 1, lot.end + off)
        self.house.batch([(self.order(who, which, lot.stands.ask), self.house.now)])

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 2), act=st.sampled_from(("pause", "resume", "notice", "void", "extend", "withdraw")))
    def act(self, which, act):
        lot = self.lot(which)
        live = [one.seq for one in lot.live]
        self.house.batch([], [
            StaffAct(SALE, act, lot.lot, by="Ada", ok=TWO, reason="typo", to=lot.end + 60 * S, seqs=tuple(live[-1:]))
        ])  # fmt: skip

    @precondition(lambda self: self.running)
    @rule(act=st.sampled_from(("pause", "resume")))
    def act_on_the_sale(self, act):
        self.house.batch([], [StaffAct(SALE, act, by="Noor")])

    @precondition(lambda self: self.running)
    @rule(seconds=st.sampled_from((5, 10, 700)))
    def fall_out(self, seconds):
        since = self.house.now
        self.house.now += seconds * S
        self.house.outage(since)

    @precondition(lambda self: self.running)
    @rule()
    def read_the_book_again(self):
        before = state_of(self.house)
        self.house.reload()
        assert state_of(self.house) == before

    @precondition(lambda self: not self.running)
    @rule(who=st.integers(0, 5), which=st.integers(0, 2))
    def ask_after_the_close(self, who, which):
        house = self.house
        size, order = len(house.lines), self.order(who, which, 10**9)
        answer = decide_bid(Draft(house.book, house.now), house.facts, order, house.now)
        assert answer.code in ("lot_closed", "lot_withdrawn") and len(house.lines) == size

    @invariant()
    def one_leader_who_pays_no_more_than_promised(self):
        for lot in self.house.book.lots.values() if hasattr(self, "house") else ():
            if lot.stands.leader not in (None, "HOUSE"):
                assert lot.stands.price <= lot.best[lot.stands.leader][0]
                assert lot.stands.price < lot.stands.ask

    def teardown(self):
        if not hasattr(self, "house"):
            return
        house = self.house.run(0)
        check(house)
        record = house.record()
        assert verify(lambda: iter(record)).events == len(house.lines)


TestSaleroom = Saleroom.TestCase
TestSaleroom.settings = settings(
    max_examples=100, stateful_step_count=35, deadline=None, suppress_health_check=list(HealthCheck)
)
