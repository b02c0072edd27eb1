from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavilion.kernel.ids import is_ulid, ulid
from pavilion.kernel.instants import from_micros, from_stamp, micros, stamp
from tests.make import NOON

INSTANTS = st.integers(0, 230 * 365 * 86_400_000_000).map(from_micros)


@given(INSTANTS)
def test_microseconds_and_stamps_lose_nothing(at):
    assert from_micros(micros(at)) == at
    assert from_stamp(stamp(at)) == at


@pytest.mark.parametrize(
    "text", ["2026-03-02T12:00:00Z", "2026-03-02 12:00:00.000000Z", "", "2026-13-02T12:00:00.000000Z"]
)
def test_only_the_one_form_is_an_instant(text):
    with pytest.raises(ValueError, match=r"instant|does not match"):
        from_stamp(text)


def test_ids_sort_by_their_time_and_never_repeat():
    made = [ulid(NOON + timedelta(milliseconds=n)) for n in range(100)]
    assert made == sorted(made)
    assert all(map(is_ulid, made))
    assert len({ulid(NOON) for _ in range(1000)}) == 1000
