"""Trays are composed of lots; rounds fit the desks and the hours."""

from datetime import UTC, datetime, timedelta

import pytest

from pavilion.viewings import rotation
from pavilion.viewings.rotation_sheets_seating import seated, timed
from pavilion.viewings.trays import label_order
from tests.luck import Random

NINE = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("seed", range(20))
def test_rounds_that_need_more_desks_than_there_are_become_the_least_that_fit(seed):
    luck = Random(seed)
    buyers, trays, desks = luck.randint(1, 20), luck.randint(1, 15), luck.randint(1, 6)
    wants = {
        f"b{n}": luck.sample([f"t{m}" for m in range(trays)], luck.randint(1, trays)) for n in range(buyers)
    }  # fmt: skip
    pairs = sorted((buyer, tray) for buyer, some in wants.items() for tray in some)
    least = len(rotation.rounds(wants))
    made = seated(rotation.rounds(wants), desks)
    assert sorted(pair for one in made for pair in one) == pairs
    assert len(made) == max(least, -(-len(pairs) // desks))
    for one in made:
        assert len(one) <= desks
        assert len({buyer for buyer, _ in one}) == len({tray for _, tray in one}) == len(one)


def test_rounds_begin_in_opening_hours_one_after_the_other_and_not_in_breaks():
    noon = (NINE + 3 * HOUR, NINE + 4 * HOUR)
    day = (NINE, NINE + 6 * HOUR, [noon])
    tomorrow = (NINE + 24 * HOUR, NINE + 30 * HOUR, [])
    begun = timed(8, 90, [day, tomorrow])
    assert begun == [
        NINE, NINE + HOUR * 1.5, NINE + 4 * HOUR, NINE + 24 * HOUR, NINE + 25.5 * HOUR, NINE + 27 * HOUR,
        NINE + 28.5 * HOUR,
    ]  # fmt: skip
    assert timed(3, 45, []) == []


def test_trays_stand_in_the_order_people_count_them():
    assert sorted(["10", "2", "A", "2b", "1"], key=label_order) == ["1", "2", "2b", "10", "A"]
