"""Single amounts under the house's key, each at its own place."""

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from pavilion.kernel.seals import SEALED_BYTES, AmountSeal

SEAL, OTHER = AmountSeal(bytes(range(32))), AmountSeal(bytes(32))
PLACE = "reserve|01KJ8Q3V5W9X7Y2Z4A6B8C0D1E"


@settings(max_examples=30)
@given(st.integers(-(2**63), 2**63 - 1), st.text(max_size=40))
def test_an_amount_is_read_where_it_was_sealed_and_looks_different_each_time(amount, place):
    one, two = SEAL.close(amount, place), SEAL.close(amount, place)
    assert one != two and len(one) == len(two) == SEALED_BYTES
    assert SEAL.open(one, place) == SEAL.open(two, place) == amount
    assert amount.to_bytes(8, "big", signed=True) not in one


def test_an_altered_byte_is_noticed():
    sealed = SEAL.close(450_000, PLACE)
    for at in range(SEALED_BYTES):
        with pytest.raises(InvalidTag):
            SEAL.open(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], PLACE)


def test_another_place_and_another_key_open_nothing():
    sealed = SEAL.close(450_000, PLACE)
    for seal, place in ((SEAL, PLACE[:-1]), (SEAL, "reserve|"), (OTHER, PLACE)):
        with pytest.raises(InvalidTag):
            seal.open(sealed, place)


def test_a_mark_is_the_same_for_the_same_amount_at_the_same_place_under_the_same_key_alone():
    marks = {SEAL.mark(450_000, PLACE), SEAL.mark(450_000, "x"), SEAL.mark(450_001, PLACE), OTHER.mark(450_000, PLACE)}
    assert len(marks) == 4 and SEAL.mark(450_000, PLACE) in marks
