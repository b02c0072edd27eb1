"""Plans: held against a slow plain definition, and what a budget promises."""

from itertools import combinations

import pytest

from pavilion.bidding import folding, planning, plans
from pavilion.bidding.acts import StaffAct, carry_out
from pavilion.bidding.book import BookRow
from pavilion.bidding.deciding import BidOrder, decide_bid, exposure
from pavilion.bidding.folding import Draft
from pavilion.bidding.planning import PlanOrder
from pavilion.bidding.plans import Aim, Plan, Seat
from pavilion.bidding.publication import publish
from pavilion.kernel.instants import micros
from tests.bidding.room import SALE, VAULT, facts, key, lot_id, publication
from tests.luck import Random
from tests.make import HOUR, NOON

LOTS, PLANNER, OTHERS = 5, (1, 2), (3, 4, 5)
RUNGS = range(50_000, 400_000, 10_000)


def cost(amount):
    return amount + (amount * 2500 + 5000) // 10_000


class Plain:
    """The rules of a plan word by word, over lists, everything counted anew each time."""

    def __init__(self, lots):
        self.bids = {lot: [] for lot in lots}  # (paddle, amount, seq), live ones
        self.sold = {}
        self.seq = 0
        self.plans = []

    def stands(self, lot):
        """Leader, price and ask by walking up from the opening with every bidder's best."""
        best = {}
        for paddle, amount, seq in self.bids[lot]:
            if paddle not in best or amount > best[paddle][0]:
                best[paddle] = (amount, seq)
        if not best:
            return None, None, 50_000
        row = sorted(best.items(), key=lambda one: (-one[1][0], one[1][1]))
        first = row[0][1][0]
        price = 50_000 if len(row) == 1 else min(first, self.up(row[1][1][0]))
        return row[0][0], price, self.up(price)

    @staticmethod
    def up(price):
        step = next(step for start, step in reversed([(0, 5000), (100000, 10000), (200000, 25000)]) if price >= start)
        return price + step

    def own(self, lot, paddle):
        return max(amount for who, amount, _ in self.bids[lot] if who == paddle)

    def bid(self, lot, paddle, amount):
        leader, _, ask = self.stands(lot)
        fits = amount > self.own(lot, paddle) if leader == paddle else amount >= ask
        if lot in self.sold or not fits:
            return False
        self.seq += 1
        self.bids[lot].append((paddle, amount, self.seq))
        return True

    def serve(self):
        acted = True
        while acted:
            acted = any(self.act(plan) for plan in self.plans)

    def act(self, plan):
        held = {}
        for lot, _ in plan["lots"]:
            leader, price, _ = self.stands(lot)
            if lot in plan["bid"] and leader == plan["paddle"]:
                held[lot] = cost(price if lot in self.sold else self.own(lot, leader))
        for lot, most in plan["lots"]:
            leader, _, ask = self.stands(lot)
            if lot in self.sold or lot in plan["bid"] or leader == plan["paddle"] or ask > most:
                continue
            if len(held) < plan["k"] and sum(held.values()) + cost(most) <= plan["budget"]:
                assert self.bid(lot, plan["paddle"], most)
                plan["bid"].add(lot)
                return True
        return False


class Sale:
    """The same sale by the real rules, without a store."""

    def __init__(self, lots=LOTS, limit=10**12):
        published = publication(lots)
        _, wrapped = VAULT.new_sale(SALE)
        row = BookRow(SALE, published.rules, published.rules_hash, wrapped, "unpublished", 0)
        self.book = folding.Book(row, VAULT.of_sale(SALE, wrapped))
        self.now = micros(NOON - HOUR)
        self.known = facts(lots)
        for one in self.known.bidders.values():
            object.__setattr__(one, "limit", limit)
        draft = self.draft()
        publish(draft, published)
        draft.write("sale.opened", {})
        for lot in draft.all_lots():
            draft.write("lot.opened", {"end": published_end(lot)}, draft.lot(lot.lot))
        self.book.settle(draft)

    def draft(self):
        self.now += 1000
        return Draft(self.book, self.now)

    def done(self, work):
        draft = self.draft()
        answer = work(draft)
        planning.serve(draft, self.known, 0)
        self.book.settle(draft)
        return answer

    def bid(self, lot, company, amount):
        order = BidOrder(SALE, lot, company, key(), amount, "USD", self.book.rules_hash, amount)
        return self.done(lambda draft: decide_bid(draft, self.known, order, draft.now))

    def plan(self, company, lots, k, budget, **more):
        order = PlanOrder(SALE, company, key(), tuple(lots), k, budget, "USD", self.book.rules_hash, **more)
        return self.done(lambda draft: planning.take(draft, self.known, order, draft.now))

    def cut(self, company, plan, **less):
        order = PlanOrder(SALE, company, key(), plan=plan, **less)
        return self.done(lambda draft: planning.take(draft, self.known, order, draft.now))

    def void(self, lot, company):
        act = StaffAct(SALE, "void", lot, ok=("a", "b"), reason="typo", paddle=100 + company)
        return self.done(lambda draft: carry_out(draft, self.known, act))

    def sell(self, lot):
        def work(draft):
            stands = draft.look(lot).stands
            draft.write("lot.closing", {"end": published_end(draft.look(lot))}, draft.lot(lot))
            if stands.leader is None:
                draft.write("lot.passed", {"reason": "no_bids"}, draft.lot(lot))
            else:
                draft.write("lot.sold", {"bidder": stands.leader, "price": stands.price}, draft.lot(lot))

        self.done(work)

    def leader(self, lot):
        holder = self.book.lots[lot].leader()
        return None if holder is None else holder - 100

    def exposure(self, company):
        return exposure(Draft(self.book, 0), self.known, self.known.bidders[company])

    def seen(self, company):
        return planning.seen(Draft(self.book, self.now), self.known, self.known.bidders[company])


def published_end(lot):
    from pavilion.bidding.texts import text_of

    return text_of(lot.end)


@pytest.mark.parametrize("seed", range(60))
def test_plans_bid_exactly_as_the_plain_definition_does(seed):
    luck = Random(seed)
    lots = [lot_id(n) for n in range(1, LOTS + 1)]
    sale, plain, voided = Sale(), Plain(lots), False
    for _ in range(40):
        kind = luck.random()
        lot = luck.choice(lots)
        if kind < 0.12 and len(plain.plans) < 6:
            who, chosen = luck.choice(PLANNER), luck.sample(lots, luck.randint(1, LOTS))
            aims = [(one, luck.choice(RUNGS)) for one in chosen if one not in plain.sold]
            if not aims:
                continue
            k, budget = luck.randint(1, len(aims)), cost(luck.choice(RUNGS)) * luck.randint(1, 3)
            assert sale.plan(who, aims, k, budget).code is None
            plain.plans.append({"paddle": who, "lots": aims, "k": k, "budget": budget, "bid": set()})
        elif kind < 0.17:
            sale.sell(lot)
            if lot not in plain.sold:
                plain.sold[lot] = plain.stands(lot)
        elif kind < 0.22 and lot not in plain.sold:
            who = luck.choice(OTHERS)
            if sale.void(lot, who) is None:
                voided = True  # a bid below one that is voided leads again, whatever the budget says
                plain.bids[lot] = [one for one in plain.bids[lot] if one[0] != who]
        else:
            who, amount = luck.choice(OTHERS), luck.choice(RUNGS)
            accepted = sale.bid(lot, who, amount).result == "accepted"
            assert accepted == plain.bid(lot, who, amount)
        plain.serve()
        for one in lots:
            leader, price, _ = plain.stands(one)
            assert (sale.leader(one), sale.book.lots[one].stands.price) == (leader, price)
    for plan in [plan for company in PLANNER for plan in sale.seen(company)]:
        if not voided and all(lot.state != "by_hand" for lot in plan.lots):
            assert plan.held <= plan.win_at_most and plan.spent <= plan.budget


@pytest.mark.parametrize("seed", range(200))
def test_what_a_plan_counts_is_the_most_it_can_come_to_owe(seed):
    """Against every set of lots that it could hold in the end."""
    luck = Random(seed)
    seats = []
    for n in range(luck.randint(1, 6)):
        dear = luck.randint(1, 30)
        held = luck.choice(["", "", "led", "won"])
        seats.append(
            Seat(
                f"L{n}",
                dear,
                False,
                held,
                luck.randint(1, dear) if held == "won" else dear,
                over=not held and luck.random() < 0.2,
            )
        )
    held = [seat for seat in seats if seat.held]
    k = max(len(held), luck.randint(1, 6))
    budget = max(plans.spent(held), luck.randint(1, 90))
    plan = Plan("P", 1, tuple(Aim(seat.lot, 1) for seat in seats), k, budget, "00")
    won = [seat for seat in seats if seat.held == "won"]
    others = [seat for seat in seats if seat.held != "won" and not seat.over]
    ends = [
        sum(seat.weight for seat in won) + sum(seat.cost for seat in more)
        for size in range(k - len(won) + 1)
        for more in combinations(others, size)
    ]
    most = plans.exposure(plan, seats)
    assert most >= max(end for end in ends if end <= budget)
    assert most <= budget and most <= max(ends)


def test_a_new_plan_counts_its_budget_or_its_dearest_lots_whichever_is_less():
    sale = Sale()
    aims = [(lot_id(1), 100_000), (lot_id(2), 200_000), (lot_id(3), 300_000)]
    sale.plan(1, aims, 2, 10**9)
    assert sale.exposure(1) == cost(300_000) + cost(200_000)
    sale.plan(2, aims, 2, cost(250_000))
    assert sale.exposure(2) == cost(250_000)


def test_a_limit_holds_for_the_plan_as_a_whole_and_for_bids_beside_it():
    sale = Sale(limit=cost(300_000))
    aims = [(lot_id(1), 200_000), (lot_id(2), 200_000)]
    answer = sale.plan(1, aims, 2, 10**9)
    assert (answer.code, answer.headroom) == ("over_limit", cost(300_000))
    assert sale.plan(1, aims, 1, 10**9).code is None
    assert sale.leader(lot_id(1)) == 1 and sale.leader(lot_id(2)) is None
    assert sale.bid(lot_id(3), 1, 150_000).code == "over_limit"
    assert sale.bid(lot_id(3), 1, 100_000).code is None


def test_a_lot_lost_frees_its_place_and_a_lot_won_keeps_it():
    sale = Sale()
    aims = [(lot_id(n), 100_000) for n in (1, 2, 3)]
    sale.plan(1, aims, 1, 10**9)
    assert [sale.leader(lot_id(n)) for n in (1, 2, 3)] == [1, None, None]
    sale.bid(lot_id(1), 3, 150_000)
    assert [sale.leader(lot_id(n)) for n in (1, 2, 3)] == [3, 1, None]
    sale.sell(lot_id(2))
    sale.bid(lot_id(2), 3, 150_000)
    assert sale.leader(lot_id(3)) is None
    assert [lot.state for lot in sale.seen(1)[0].lots] == ["outbid", "won", "waiting"]


def test_a_price_below_the_maximum_gives_budget_back_when_the_lot_is_won():
    sale = Sale()
    sale.plan(1, [(lot_id(1), 200_000), (lot_id(2), 100_000)], 2, cost(200_000))
    assert sale.leader(lot_id(2)) is None
    sale.sell(lot_id(1))  # for the opening
    assert sale.leader(lot_id(2)) == 1
    assert sale.seen(1)[0].spent == cost(50_000) + cost(100_000)


def test_plans_bid_at_the_instant_of_what_caused_them_and_are_marked_in_the_book():
    sale = Sale()
    sale.plan(1, [(lot_id(1), 100_000), (lot_id(2), 100_000)], 1, 10**9)
    draft = sale.draft()
    order = BidOrder(SALE, lot_id(1), 3, key(), 150_000, "USD", sale.book.rules_hash, 150_000)
    decide_bid(draft, sale.known, order, draft.now - 700)
    planning.serve(draft, sale.known, 0)
    cause, served = draft.lines
    assert served.lot == lot_id(2) and served.t == cause.t == draft.now - 700 and '"via":"plan"' in served.body


def test_two_plans_on_one_lot_are_served_as_they_were_made():
    sale = Sale()
    sale.plan(1, [(lot_id(1), 100_000)], 1, 10**9)
    sale.plan(2, [(lot_id(1), 100_000), (lot_id(2), 100_000)], 2, 10**9)
    assert (sale.leader(lot_id(1)), sale.leader(lot_id(2))) == (1, 2)
    assert sale.book.lots[lot_id(1)].stands.price == 100_000  # the equal maximum came later


def test_a_bid_of_a_plan_that_staff_voided_is_not_placed_again():
    sale = Sale()
    sale.plan(1, [(lot_id(1), 100_000), (lot_id(2), 100_000)], 1, 10**9)
    assert sale.void(lot_id(1), 1) is None
    assert (sale.leader(lot_id(1)), sale.leader(lot_id(2))) == (None, 1)


def test_raised_by_hand_the_lot_keeps_its_place_and_counts_by_itself():
    sale = Sale()
    sale.plan(1, [(lot_id(1), 100_000), (lot_id(2), 100_000)], 1, cost(100_000))
    assert sale.bid(lot_id(1), 1, 120_000).code is None
    assert [lot.state for lot in sale.seen(1)[0].lots] == ["by_hand", "waiting"]
    assert sale.exposure(1) == cost(120_000) + cost(100_000)


def test_only_less_is_a_cut():
    sale = Sale()
    plan = sale.plan(1, [(lot_id(1), 100_000), (lot_id(2), 100_000)], 1, 10**6).plan
    assert sale.cut(1, plan, budget=10**6 + 1).code == "plan_invalid"
    assert sale.cut(1, plan, win_at_most=2).code == "plan_invalid"
    assert sale.cut(1, plan, lots=((lot_id(2), 100_001),)).code == "plan_invalid"
    assert sale.cut(1, plan, lots=((lot_id(1), 90_000),)).code == "plan_invalid"  # a bid was placed for it
    assert sale.cut(1, plan, lots=((lot_id(3), 0),)).code == "plan_invalid"
    assert sale.cut(2, plan, budget=1).code == "not_found"
    assert sale.cut(1, plan, budget=1, version=7).code == "stale_version"
    done = sale.cut(1, plan, lots=((lot_id(2), 0),), budget=500_000, win_at_most=0, version=1)
    assert (done.result, done.seq) == ("accepted", 2)
    assert sale.leader(lot_id(1)) == 1  # what was placed stays, and counts
    assert sale.exposure(1) == cost(100_000)
    sale.bid(lot_id(1), 3, 200_000)
    assert sale.exposure(1) == 0


@pytest.mark.parametrize(
    ("lots", "k", "budget", "code"),
    [
        ([], 1, 10**6, "plan_invalid"),
        ([(1, 100_000), (1, 120_000)], 1, 10**6, "plan_invalid"),
        ([(1, 100_000)], 2, 10**6, "plan_invalid"),
        ([(1, 100_000)], 0, 10**6, "plan_invalid"),
        ([(1, 100_000)], 1, 0, "plan_invalid"),
        ([(1, -5)], 1, 10**6, "plan_invalid"),
        ([(1, 100_000)], 1, 10**15, "plan_invalid"),
        ([(9, 100_000)], 1, 10**6, "lot_unknown"),
        ([(1, 40_000)], 1, 10**6, "below_opening"),
    ],
)
def test_a_plan_that_could_never_act_is_refused(lots, k, budget, code):
    sale = Sale()
    answer = sale.plan(1, [(lot_id(n), most) for n, most in lots], k, budget)
    assert answer.code == code and not sale.book.plans


def test_the_same_key_asks_for_the_same_plan_and_for_no_other():
    sale = Sale()
    order = PlanOrder(SALE, 1, key(), ((lot_id(1), 100_000),), 1, 10**6, "USD", sale.book.rules_hash)
    first = sale.done(lambda draft: planning.take(draft, sale.known, order, draft.now))
    again = sale.done(lambda draft: planning.take(draft, sale.known, order, draft.now))
    assert again == first._replace(replayed=True) and len(sale.book.plans.plans) == 1
    other = PlanOrder(SALE, 1, order.key, ((lot_id(2), 100_000),), 1, 10**6, "USD", sale.book.rules_hash)
    assert sale.done(lambda draft: planning.take(draft, sale.known, other, draft.now)).code == "key_reused"
