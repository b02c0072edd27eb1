from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavilion.viewings import rotation
from pavilion.viewings.rotation import Bottleneck

WANTS = st.dictionaries(
    st.integers(0, 14).map(lambda n: f"B{n:02}"), st.lists(st.integers(0, 14).map(lambda n: f"T{n:02}"), max_size=15)
)
HOURS = st.dictionaries(
    st.integers(0, 14).map(lambda n: f"B{n:02}"),
    st.tuples(st.integers(0, 8), st.integers(0, 20)).map(lambda span: (span[0], span[0] + span[1])),
)


def greatest_degree(wants):
    seen = {}
    for buyer, trays in wants.items():
        for tray in set(trays):
            seen.setdefault(("b", buyer), set()).add(tray)
            seen.setdefault(("t", tray), set()).add(buyer)
    return max(map(len, seen.values()), default=0)


def pairs(wants):
    return sorted((buyer, tray) for buyer, trays in wants.items() for tray in set(trays))


def nobody_twice(rounds):
    for one in rounds:
        buyers, trays = [buyer for buyer, _ in one], [tray for _, tray in one]
        assert len(set(buyers)) == len(buyers) and len(set(trays)) == len(trays)


def full(size):
    return {f"B{b:02}": [f"T{t:02}" for t in range(size)] for b in range(size)}


@settings(max_examples=150, deadline=None)
@given(WANTS)
def test_the_rounds_are_as_many_as_the_busiest_has_partners_and_everybody_sees_all(wants):
    found = rotation.rounds(wants)
    assert len(found) == greatest_degree(wants)
    nobody_twice(found)
    assert sorted(pair for one in found for pair in one) == pairs(wants)
    assert found == rotation.rounds({buyer: wants[buyer][::-1] for buyer in sorted(wants, reverse=True)})


@settings(max_examples=150, deadline=None)
@given(WANTS, HOURS)
def test_within_own_hours_every_pair_is_placed_inside_them_or_named_as_without_a_place(wants, hours):
    found = rotation.plan(wants, hours)
    nobody_twice(found.rounds)
    placed = [(pair, number) for number, one in enumerate(found.rounds) for pair in one]
    assert sorted([pair for pair, _ in placed] + list(found.unplaced)) == pairs(wants)
    for (buyer, _), number in placed:
        since, until = hours.get(buyer, (0, rotation.LONGEST))
        assert since <= number <= until
    assert found.least == greatest_degree(wants)
    assert found.above == max(0, len(found.rounds) - found.least)


def test_the_bottleneck_is_named():
    wants = {f"B{n}": ["tray 7", f"T{n}"] for n in range(14)}
    found = rotation.plan(wants)
    assert (len(found.rounds), found.above) == (14, 0)
    assert found.bottlenecks == (Bottleneck("tray", "tray 7", 14),)
    assert rotation.plan({"wen": ["a", "b", "c"], "ilse": ["a"]}).bottlenecks == (Bottleneck("buyer", "wen", 3),)


def test_nobody_wants_anything():
    assert rotation.rounds({}) == rotation.rounds({"wen": []}) == []
    assert rotation.plan({"wen": []}) == rotation.Rotation((), 0)


def test_idle_rounds_lie_at_the_ends_where_that_can_be():
    # A tray for all, and for each buyer one of their own: two rounds side by side are possible for everybody.
    wants = {f"B{n:02}": ["all", f"own {n:02}"] for n in range(12)}
    assert rotation.plan(wants).idle == {}
    # Four who see everything fill all rounds in between, so that the fifth can come in the first and the last alone,
    # or one of the four waits once: the least there is.
    assert sum(rotation.plan(full(4) | {"B9": ["T00", "T01"]}).idle.values()) == 1


def test_who_leaves_early_is_served_early_without_a_further_round():
    found = rotation.plan(full(6), {"B05": (0, 5), "B03": (0, 5)})
    assert (found.above, found.unplaced) == (0, ())
    wants = {"B0": ["T0", "T1", "T2", "T3"], "B1": ["T0"], "B2": ["T1"]}
    found = rotation.plan(wants, {"B1": (3, 3), "B2": (0, 0)})
    assert (len(found.rounds), found.unplaced) == (4, ())
    assert ("B1", "T0") in found.rounds[3] and ("B2", "T1") in found.rounds[0]


def test_a_round_above_the_least_is_told_and_so_is_what_fits_nowhere():
    late = rotation.plan({"B0": ["T0"], "B1": ["T0"]}, {"B0": (0, 0), "B1": (3, 3)})
    assert (len(late.rounds), late.least, late.above) == (4, 2, 2)
    both = rotation.plan({"B0": ["T0"], "B1": ["T0"]}, {"B0": (0, 0), "B1": (0, 0)})
    assert len(both.unplaced) == len(both.rounds) == 1 and both.above == 0


@pytest.mark.parametrize("size", [1, 60])
def test_sixty_buyers_see_sixty_trays_in_sixty_rounds(size):
    begun = process_time()
    found = rotation.rounds(full(size))
    spent = process_time() - begun
    assert len(found) == size and all(len(one) == size for one in found)
    assert spent < 2  # the bar of 200 ms is measured by the bench; here only that it is no other kind of work
