"""Status lists as bits, and as rows that change with the act that changes them."""

import gzip

import pytest

from pavilion.kernel.base64url import base64url
from pavilion.provenance import status
from pavilion.provenance.proofs import BadCredential
from tests.make import NOON

HOUSE = ("https://pavilion.example", "did:web:pavilion.example")


def test_a_list_says_which_indices_are_set_and_no_others():
    marked = {0, 7, 8, 4711, status.LENGTH - 1}
    bits = status.decode(status.encode(marked))
    assert len(bits) == status.LENGTH // 8
    assert {index for index in range(status.LENGTH) if status.is_set(bits, index)} == marked
    assert bits[0] == 0b1000_0001  # the first entry is the leftmost bit
    assert status.encode(marked) == status.encode(sorted(marked))


def test_an_index_outside_is_never_answered():
    bits = status.decode(status.encode([]))
    with pytest.raises(BadCredential, match="STATUS"):
        status.is_set(bits, status.LENGTH)
    with pytest.raises(ValueError, match="outside"):
        status.encode([status.LENGTH])


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "u",
        "z" + status.encode([])[1:],
        status.encode([]) + "AA",
        "u" + base64url(b"no gzip"),
        "u" + base64url(gzip.compress(b"short")),
        "u" + base64url(gzip.compress(bytes(17 * status.LENGTH))),
        "u" + base64url(gzip.compress(bytes(status.LENGTH // 8)) + b"more"),
    ],
    ids=["nothing", "no bits", "another base", "longer", "no gzip", "too short", "too long", "something behind"],
)
def test_what_is_no_list_is_refused(encoded):
    with pytest.raises(BadCredential, match="STATUS"):
        status.decode(encoded)


def test_an_entry_is_answered_only_by_the_list_it_names():
    document = status.list_document(*HOUSE, 2, status.encode([4711]), NOON)
    entry = {
        "statusPurpose": "suspension",
        "statusListIndex": "4711",
        "statusListCredential": "https://pavilion.example/status/2",
    }
    assert status.marked_in(document, entry)
    assert not status.marked_in(document, {**entry, "statusListIndex": "4712"})
    for change in (
        {"statusPurpose": "revocation"},
        {"statusListCredential": "https://pavilion.example/status/1"},
        {"statusListIndex": "-1"},
        {"statusListIndex": "x"},
        {"statusListIndex": 4711},
    ):
        with pytest.raises(BadCredential, match="STATUS"):
            status.marked_in(document, {**entry, **change})
    assert document["validUntil"] > document["validFrom"]
    assert document["credentialSubject"]["ttl"] == 300_000


def test_lists_come_in_pairs_and_places_are_free_ones():
    assert [status.purpose_of(number) for number in (1, 2, 3, 4)] == ["revocation", "suspension"] * 2
    drawn = iter([5, 5, 9])
    assert status.free_index({5}, lambda _: next(drawn)) == 9
