"""Order as text: there is always room between two keys, and many hands at once leave some serial order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pavilion.auctions.ranks import ALPHABET, between, keys_for_move, rearranged, spread, well_formed

keys = st.text(alphabet=ALPHABET, min_size=1, max_size=8).filter(lambda key: not key.endswith("0"))


def test_the_alphabet_rises_byte_by_byte():
    assert list(ALPHABET.encode()) == sorted(ALPHABET.encode()) and len(set(ALPHABET)) == 62


@given(st.lists(keys, min_size=2, max_size=2, unique=True))
def test_a_key_stands_strictly_between_its_neighbours(pair):
    low, high = sorted(pair)
    found = between(low, high)
    assert low < found < high and well_formed(found)


@given(keys)
def test_there_is_room_before_and_after_everything(key):
    before, after = between(None, key), between(key, None)
    assert before < key < after and well_formed(before) and well_formed(after)


@given(st.integers(1, 500), st.one_of(st.none(), keys))
def test_many_keys_at_once_rise_and_stay_short(count, low):
    found = spread(low, None, count)
    assert found == sorted(set(found)) and len(found) == count
    assert all(well_formed(key) and (low is None or key > low) for key in found)
    assert max(map(len, found)) <= len(low or "") + 3


@given(st.lists(st.integers(), unique=True, max_size=30), st.data())
def test_a_move_loses_and_doubles_nothing_and_keeps_the_order_of_the_moved(order, data):
    moving = data.draw(st.lists(st.sampled_from(order), unique=True)) if order else []
    position = data.draw(st.integers(-3, 40))
    after = rearranged(order, moving, position)
    assert sorted(after) == sorted(order)
    assert [one for one in after if one in moving] == [one for one in order if one in moving]
    assert [one for one in after if one not in moving] == [one for one in order if one not in moving]


@given(st.integers(2, 40), st.data())
def test_the_new_keys_give_exactly_the_wanted_order(count, data):
    held = spread(None, None, count)
    moving = sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1)))
    position = data.draw(st.integers(0, count))
    fresh = keys_for_move(held, moving, position)
    keyed = {at: fresh.get(at, key) for at, key in enumerate(held)}
    assert sorted(keyed, key=keyed.__getitem__) == rearranged(range(count), moving, position)
    assert len(set(keyed.values())) == count


@settings(max_examples=10)
@given(st.randoms(use_true_random=True))
def test_a_thousand_moves_from_stale_views_equal_some_serial_replay(luck):
    """Each curator decides from an order seen earlier; a taken key is tried again; the log of keys tells the end."""
    table = dict(enumerate(spread(None, None, 30)))
    views, log = [dict(table), dict(table)], []
    for _ in range(1_000):
        hand = luck.randrange(2)
        if luck.random() < 0.3:
            views[hand] = dict(table)
        lot, position = luck.randrange(30), luck.randrange(30)
        while True:
            order = sorted(views[hand], key=views[hand].__getitem__)
            held = [views[hand][one] for one in order]
            key = keys_for_move(held, [order.index(lot)], position)[order.index(lot)]
            if key not in [table[one] for one in table if one != lot]:  # what the unique constraint refuses
                break
            views[hand] = dict(table)
        table[lot] = views[hand][lot] = key
        log.append((lot, key))
        assert len(set(table.values())) == 30
    replayed = dict(enumerate(spread(None, None, 30)))
    for lot, key in log:
        replayed[lot] = key
    assert sorted(replayed, key=replayed.__getitem__) == sorted(table, key=table.__getitem__)
