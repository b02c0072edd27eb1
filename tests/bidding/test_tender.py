"""Sealed tenders: what an entry comes to, which bid is live, who wins and at what price."""

import json
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavilion.auctions.fees import premium
from pavilion.bidding import tender, vectors
from pavilion.bidding.tender import AwardTerms, Bid, Judged, Live, TenderLot
from pavilion.kernel.money import MAX_AMOUNT

FILE = Path(__file__).parents[1] / "vectors" / "tender.jsonl"
LINES = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
CARAT = TenderLot("L1", 1000)


@pytest.mark.parametrize("line", [pytest.param(line, id=line["id"]) for line in LINES[1:]])
def test_the_tender_vectors_hold(line):
    assert vectors.check_tender(line, LINES[0]) is None


# -- one bid ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lot", "entry", "value", "said"),
    [
        (TenderLot("L1", 1), "per_carat", 499, "amount_invalid"),  # rounds to nothing
        (TenderLot("L1", 1), "per_carat", 500, 1),
        (CARAT, "total", MAX_AMOUNT, MAX_AMOUNT),
        (CARAT, "total", MAX_AMOUNT + 1, "amount_too_large"),
        (TenderLot("L1", 10), "per_carat", MAX_AMOUNT + 1, 10_000_000_000_000),  # only the total counts
        (TenderLot("L1", 1000, benchmark_ppc=100), "discount", -100_000, 1100),
        (TenderLot("L1", 1000, benchmark_ppc=100), "discount", -100_001, "amount_invalid"),
        (TenderLot("L1", 1000, benchmark_ppc=100), "discount", 10_000, "amount_invalid"),
        (TenderLot("L1", 1000, benchmark_ppc=100), "discount", 9_999, "amount_invalid"),
        (TenderLot("L1", 1000, benchmark_ppc=MAX_AMOUNT), "discount", -1, "amount_too_large"),
        (CARAT, "total", True, "amount_invalid"),
        (CARAT, "total", "500", "amount_invalid"),
        (CARAT, "total", 500.0, "amount_invalid"),
        (CARAT, "total", None, "amount_invalid"),
        (CARAT, "dozen", 500, "amount_invalid"),
        (TenderLot("L1", 1000, benchmark_ppc=100), "discount", None, "amount_invalid"),
    ],
)
def test_an_entry_comes_to_one_total_or_to_a_code(lot, entry, value, said):
    assert tender.judge(lot, entry, value) == (Judged(None, said) if isinstance(said, str) else Judged(said, None))


def test_the_minimum_of_the_lot_is_asked_last():
    lot = TenderLot("L1", 1000, minimum=50_000)
    assert tender.judge(lot, "total", 49_999).code == "below_opening"
    assert tender.judge(lot, "total", 50_000).total == 50_000
    assert tender.judge(lot, "total", 50_000, floor=50_001).code == "below_opening"


# -- who wins ---------------------------------------------------------------------------------------------------------

BIDDERS = "ABCD"
LOTS = ("L1", "L2", "L3", "L4")


@st.composite
def tenders(draw):
    lots = [
        TenderLot(lot, 1000, draw(st.sampled_from([1, 40])), draw(st.sampled_from([None, None, 60, 90])))
        for lot in LOTS[: draw(st.integers(1, 4))]
    ]
    bids = draw(
        st.lists(
            st.builds(
                Bid,
                st.sampled_from([lot.lot for lot in lots]),
                st.sampled_from(BIDDERS),
                st.just(0),
                st.sampled_from(["total", "total", "total", None]),
                st.integers(30, 120),
            ),
            max_size=24,
        )
    )
    terms = AwardTerms(
        draw(st.sampled_from(["first", "second"])),
        draw(st.integers(1, 2)),
        draw(st.dictionaries(st.sampled_from(BIDDERS), st.integers(0, 400))),
        draw(st.dictionaries(st.sampled_from(BIDDERS), st.lists(st.sampled_from([*LOTS, "L9"]), max_size=5))),
        draw(st.sampled_from([None, [[None, 2500]], [[50, 3000], [None, 1000]]])),
    )
    return (
        lots,
        [bid._replace(seq=seq) for seq, bid in enumerate(bids, start=1)],
        terms,
        draw(st.sampled_from(["latest", "highest"])),
    )


def awarded(lots, bids, terms, replace):
    ranking = tender.ranked(tender.opened({lot.lot: lot for lot in lots}, bids, replace).live)
    return ranking, tender.award(lots, ranking, terms)


def spent(outcome, ranking, terms):
    """What each bidder's wins cost at the own totals."""
    costs: dict[str, int] = {}
    for found in outcome.awards:
        if found.winner is not None:
            [own] = [one.total for one in ranking[found.lot] if one.bidder == found.winner]
            fee = 0 if terms.bands is None else premium(own, terms.bands)
            costs[found.winner] = costs.get(found.winner, 0) + own + fee
    return costs


@given(tenders())
def test_nobody_wins_beyond_the_own_limit_and_every_price_is_within_bounds(case):
    lots, _, terms, _ = case
    ranking, outcome = awarded(*case)
    for bidder, cost in spent(outcome, ranking, terms).items():
        assert cost <= terms.limits.get(bidder, cost)
    for lot, found in zip(lots, outcome.awards, strict=True):
        assert found.lot == lot.lot
        if found.winner is None:
            assert found.price is None and found.reason in ("no_bids", "too_few_bidders", "limits", "reserve_not_met")
            assert bool(found.offer_order) == (found.reason == "reserve_not_met")
            continue
        ranks = ranking[lot.lot]
        [own] = [one for one in ranks if one.bidder == found.winner]
        assert max(lot.minimum, lot.reserve or 0) <= found.price <= own.total
        # Whoever stood before the winner was kept out by a limit, and by nothing else.
        before = [one.bidder for one in ranks[: ranks.index(own)]]
        assert [bidder for bidder in before if bidder not in outcome.skipped[lot.lot]] == []
        assert found.winner not in outcome.skipped[lot.lot]


@given(tenders())
def test_only_bidders_with_a_limit_are_kept_out_by_one(case):
    _, _, terms, _ = case
    _, outcome = awarded(*case)
    assert {bidder for kept in outcome.skipped.values() for bidder in kept} <= terms.limits.keys()


@given(tenders(), st.randoms(use_true_random=False))
def test_how_bids_of_different_bidders_interleave_matters_only_for_ties(case, luck):
    lots, bids, terms, replace = case
    seqs: dict[tuple[str, str], list[int]] = {}
    order = [(bid.lot, bid.bidder) for bid in bids]
    luck.shuffle(order)
    for bid in bids:
        seqs.setdefault((bid.lot, bid.bidder), []).append(bid.seq)
    queues = {who: [bid for bid in bids if (bid.lot, bid.bidder) == who] for who in seqs}
    other = [queues[who].pop(0)._replace(seq=seq) for seq, who in enumerate(order, start=1)]
    ranking, outcome = awarded(lots, bids, terms, replace)
    if any(len({one.total for one in ranks}) < len(ranks) for ranks in ranking.values()):
        return  # a tie is decided by who came first
    again, same = awarded(lots, other, terms, replace)
    assert same == outcome
    assert {lot: [one[:2] for one in ranks] for lot, ranks in again.items()} == {
        lot: [one[:2] for one in ranks] for lot, ranks in ranking.items()
    }


@given(tenders())
def test_a_bidder_without_wishes_or_limits_elsewhere_changes_nothing_here(case):
    """A lot that only strangers to all others bid on leaves every other lot as it was."""
    lots, bids, terms, replace = case
    _, outcome = awarded(lots, bids, terms, replace)
    far = TenderLot("L8", 1000)
    more = [*bids, Bid("L8", "Z", 90, "total", 70), Bid("L8", "Y", 91, "total", 60)]
    _, wider = awarded([*lots, far], more, terms, replace)
    assert wider.awards[:-1] == outcome.awards
    assert {lot: kept for lot, kept in wider.skipped.items() if lot != "L8"} == outcome.skipped


@given(st.permutations(["L1", "L2", "L3"]), st.integers(0, 400))
def test_a_limit_is_spent_in_the_order_the_bidder_chose(wanted, limit):
    lots = [TenderLot(lot, 1000) for lot in ("L1", "L2", "L3")]
    bids = [Bid("L1", "A", 1, "total", 100), Bid("L2", "A", 2, "total", 120), Bid("L3", "A", 3, "total", 150)]
    costs = {"L1": 100, "L2": 120, "L3": 150}
    _, outcome = awarded(lots, bids, AwardTerms(limits={"A": limit}, priority={"A": wanted}), "latest")
    left, expected = limit, set()
    for lot in wanted:
        if costs[lot] <= left:
            left -= costs[lot]
            expected.add(lot)
    assert {found.lot for found in outcome.awards if found.winner == "A"} == expected


def test_what_a_priority_does_not_name_follows_in_the_order_of_the_catalogue():
    lots = [TenderLot(lot, 1000) for lot in ("L1", "L2", "L3")]
    bids = [Bid(lot.lot, "A", seq, "total", 100) for seq, lot in enumerate(lots, start=1)]
    for wanted in permutations(["L3", "L9", "L3"]):
        _, outcome = awarded(lots, bids, AwardTerms(limits={"A": 200}, priority={"A": wanted}), "latest")
        assert [found.winner for found in outcome.awards] == ["A", None, "A"]


def test_a_lot_that_a_limit_does_not_reach_goes_to_the_next():
    lots = [TenderLot("L1", 1000), TenderLot("L2", 1000)]
    bids = [
        Bid("L1", "B", 1, "total", 100), Bid("L2", "B", 2, "total", 90), Bid("L1", "A", 3, "total", 80),
        Bid("L2", "A", 4, "total", 70),
    ]  # fmt: skip
    _, outcome = awarded(lots, bids, AwardTerms(limits={"B": 100, "A": 80}), "latest")
    assert [(found.winner, found.price) for found in outcome.awards] == [("B", 100), ("A", 70)]
    assert outcome.skipped == {"L1": (), "L2": ("B",)}


# -- best and final ---------------------------------------------------------------------------------------------------

FIRST = (Live("A", 100, 1), Live("B", 90, 2), Live("C", 80, 3))


def test_those_near_the_best_are_invited_and_at_most_so_many():
    assert tender.invited(FIRST, 5, 1000) == FIRST[:2]
    assert tender.invited(FIRST, 1, 10_000) == FIRST[:1]
    assert tender.invited((), 3, 1000) == ()


def test_a_second_round_needs_two_invited_and_as_many_bidders_as_an_award():
    ranking = {"L1": FIRST, "L2": (Live("A", 100, 4), Live("B", 80, 5)), "L3": (), "L4": FIRST[:1]}
    assert tender.final_round(ranking, 3, 1000, 1) == {"L1": FIRST[:2]}
    assert tender.final_round(ranking, 3, 2000, 1) == {"L1": FIRST, "L2": ranking["L2"]}
    assert tender.final_round(ranking, 3, 2000, 3) == {"L1": FIRST}
    assert tender.final_round(ranking, 1, 10_000, 1) == {}


def test_valid_bids_alone_tell_which_stands():
    bids = [("L1", Live("A", 90, 1)), ("L1", Live("B", 90, 2)), ("L1", Live("A", 80, 3)), ("L1", Live("A", 80, 4))]
    assert tender.standing(bids, "latest") == {"L1": {"A": Live("A", 80, 3), "B": Live("B", 90, 2)}}
    assert tender.standing(bids, "highest") == {"L1": {"A": Live("A", 90, 1), "B": Live("B", 90, 2)}}


def test_a_final_bid_is_never_below_the_first_and_none_at_all_leaves_it():
    lots, guests = {"L1": CARAT}, {"L1": FIRST[:2]}
    said = tender.finals(
        lots,
        guests,
        [
            Bid("L1", "B", 10, "total", 89), Bid("L1", "C", 11, "total", 500), Bid("L1", "B", 12, "total", 100),
            Bid("L1", "A", 13, None), Bid("L1", "B", 14, "total", 90),
        ],
        "latest",
    )  # fmt: skip
    assert [judged.code for judged in said.judged] == [
        "below_opening", "lot_closed", None, "nothing_to_withdraw", None
    ]  # fmt: skip
    assert tender.ranked(said.live)["L1"] == (Live("A", 100, 1), Live("B", 90, 14))


def test_a_final_bid_withdrawn_leaves_the_first_total_in_its_old_place():
    bids = [Bid("L1", "B", 10, "total", 120), Bid("L1", "B", 11, None), Bid("L1", "B", 12, None)]
    said = tender.finals({"L1": CARAT}, {"L1": FIRST[:2]}, bids, "latest")
    assert [judged.code for judged in said.judged] == [None, None, "nothing_to_withdraw"]
    assert said.live["L1"]["B"] == FIRST[1]


def test_competition_is_counted_over_the_first_round():
    """Three came, one is so far ahead that only it is invited: there was competition all the same."""
    drawn = AwardTerms(min_bidders=2, drawn={"L1": 3})
    [found] = tender.award([CARAT], {"L1": FIRST[:1]}, drawn).awards
    assert (found.winner, found.price) == ("A", 100)
    [alone] = tender.award([CARAT], {"L1": FIRST[:1]}, AwardTerms(min_bidders=2)).awards
    assert alone.reason == "too_few_bidders"
