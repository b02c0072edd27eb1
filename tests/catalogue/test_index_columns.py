"""Bits, measures and leaves say what a plain look at each row says, also among more rows than are sorted outright."""

from itertools import pairwise

import numpy as np
import pytest

from pavilion.catalogue import bits
from pavilion.catalogue.bits import Picked, Sliced
from pavilion.catalogue.leaves import Leaves
from pavilion.catalogue.measures import FEW, NONE, Measures
from pavilion.catalogue.parts import Loading, new_words
from pavilion.catalogue.searching import FACTS, LAST, After
from tests.luck import Random

ROWS = 70_001
CHANCE = np.random.default_rng(2026)
MEASURES = {
    "few": CHANCE.integers(5200, 5450, ROWS),
    "coded": CHANCE.integers(-6000, 2000, ROWS),
    "narrow": CHANCE.permutation(ROWS) * 7 + 50_000,
    "wide": CHANCE.permutation(ROWS) * 10**9,
}


def holes(values):
    return np.where(CHANCE.random(ROWS) < 0.1, NONE, values)


@pytest.fixture(params=MEASURES)
def values(request):
    return holes(MEASURES[request.param])


def test_each_measure_is_as_narrow_as_its_values_allow():
    kinds = {name: Measures.of(values).codes.dtype.itemsize for name, values in MEASURES.items()}
    assert kinds == {"few": 1, "coded": 2, "narrow": 4, "wide": 8}


def test_rows_between_two_values_are_those_that_a_look_finds(values):
    measures, there = Measures.of(values), values != NONE
    low, high = np.quantile(values[there], [0.2, 0.7]).astype(int)
    for least, most in ((low, high), (None, high), (low, None), (None, None), (high, low), (values.max() + 5, None)):
        wanted = there.copy()
        wanted &= True if least is None else values >= least
        wanted &= True if most is None else values <= most
        found = measures.between(None if least is None else int(least), None if most is None else int(most))
        assert np.array_equal(bits.positions(found), np.flatnonzero(wanted)), (least, most)


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("share", [0.02, 1])
def test_the_first_rows_by_a_measure_are_among_those_it_names(values, down, share):
    measures, left = Measures.of(values), (values != NONE) & (CHANCE.random(ROWS) < share)
    keys = -values if down else values
    after = int(values[np.flatnonzero(left)[5]])
    for start in (None, after):
        wanted = left if start is None else left & (keys >= (-start if down else start))
        most = min(51, int(wanted.sum()))
        limit = np.sort(keys[wanted])[most - 1]
        found = measures.first(bits.packed(left), most, down=down, after=start)
        assert set(np.flatnonzero(wanted & (keys <= limit))) <= set(found) <= set(np.flatnonzero(left))


def test_bars_and_ends_are_those_that_a_look_finds(values):
    measures, left = Measures.of(values), CHANCE.random(ROWS) < 0.5
    there = values[left & (values != NONE)]
    assert measures.ends(bits.packed(left)) == [there.min(), there.max()]
    bounds = [int(bound) for bound in np.linspace(there.min() + 10, there.max() - 10, 7)]
    counted = np.bincount(measures.bins(bounds)[left], minlength=7)[1:7]
    assert list(counted) == [((there >= low) & (there < high)).sum() for low, high in pairwise(bounds)]


def test_small_numbers_are_counted_and_found_again():
    numbers = CHANCE.integers(0, 43, ROWS)
    sliced = Sliced.of(numbers)
    for share in (0.001, 0.9):
        left = CHANCE.random(ROWS) < share
        counted = {int(n): int(c) for n, c in zip(*np.unique(numbers[left], return_counts=True), strict=True)}
        assert sliced.counts(Picked.of(bits.packed(left))) == counted
    for wanted in ({7}, {0, 42}, set(range(43)), {99}, set()):
        assert np.array_equal(bits.positions(sliced.any_of(wanted)), np.flatnonzero(np.isin(numbers, list(wanted))))
    for share in (0.01, 0.6):
        rows = np.flatnonzero(CHANCE.random(ROWS) < share)
        assert np.array_equal(sliced.at(rows), numbers[rows])
    assert sliced.nbytes * 8 <= 6.01 * ROWS


def test_runs_of_rows_are_counted_between_their_bounds():
    left = CHANCE.random(ROWS) < 0.3
    bounds = [0, 1, 63, 64, 65, 640, 70_000, ROWS]
    counted = [int(left[low:high].sum()) for low, high in pairwise(bounds)]
    assert bits.counts_between(bits.packed(left), bounds) == counted


def test_texts_that_begin_so_are_found_in_pressed_leaves():
    luck = Random(5)
    texts = [f"{luck.choice(['pv', 'lx', '石'])}-{luck.randrange(40_000):05}" for _ in range(3_000)]
    order = CHANCE.permutation(len(texts))
    leaves = Leaves.of(np.array([texts[place].encode() for place in np.argsort(order)], np.bytes_), order)
    for first in ("", "pv-0", "pv-1234", "lx-39999", "石-2", "a", "zz", *texts[:40]):
        wanted = {row for row, text in enumerate(texts) if text.startswith(first)}
        found = leaves.beginning(first)
        assert len(found) == len(wanted) and set(found) == wanted, first
    nothing = Leaves.of(np.zeros(0, np.bytes_), np.zeros(0, np.int64))
    assert list(nothing.beginning("a")) == []


def priced_stones(many):
    """(id, currency, price, instant): thousands share a price and an instant, some have none."""
    luck = Random(11)
    ids = list(range(7, 7 + 3 * many, 3))
    luck.shuffle(ids)
    prices, instants = [None, 100, *range(400, 460)], [None, 10**15, 10**15 + 1, 10**15 + 2]
    return [(id_, luck.choice(["USD", "USD", "EUR"]), luck.choice(prices), luck.choice(instants)) for id_ in ids]


def part_of(stones):
    loading = Loading(new_words())
    loading.add([
        [{"id": id_, "currency": money, "ppc": price, "listed_at": at, "stock_no_key": "", "report_no": ""}.get(name)
         for name in FACTS]
        for id_, money, price, at in stones
    ])  # fmt: skip
    return loading.part(), loading.words["currency"]


@pytest.mark.parametrize("order", ["cheapest", "dearest", "newest"])
def test_many_that_share_a_price_or_an_instant_come_in_the_order_of_their_ids_page_by_page(order):
    stones = priced_stones(FEW + 3_000)
    part, monies = part_of(stones)
    here = {id_ for id_, *_ in stones if id_ % 2 or id_ > 300}
    left = bits.some(part.rows_of(np.array(sorted(here))), len(part))

    def keyed(money):
        for id_, its, price, at in stones:
            if id_ in here and order == "newest":
                yield (LAST if at is None else -at, id_)
            elif id_ in here and its == money and price is not None:
                yield (price if order == "cheapest" else -price, id_)

    def page(after, most):
        if order == "newest":
            return part.first_newest(left, most, after)
        return part.first_priced(monies["EUR"], left, most, after, down=order == "dearest")

    wanted = [(id_, key) for key, id_ in sorted(keyed("EUR"))]
    assert page(None, 51) == wanted[:51]
    for place in (0, 50, 700, len(wanted) // 2, len(wanted) - 20, len(wanted) - 1):
        assert page(After(wanted[place][1], wanted[place][0]), 51) == wanted[place + 1 : place + 52], place
    assert page(None, len(wanted) + 5) == wanted
