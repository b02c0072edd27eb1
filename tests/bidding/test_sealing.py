"""Sealed bids: what k custodians open, and everything that fewer of them, others or forgers do not."""

import os
from dataclasses import replace
from itertools import combinations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from pavilion.bidding import sealing
from pavilion.bidding.sealing import (
    BOX_BYTES,
    PAYLOAD_BYTES,
    check_value,
    combine,
    joined,
    open_share,
    read_envelope,
    seal,
    split,
)
from pavilion.kernel.base64url import base64url
from pavilion.kernel.canon import canonical
from pavilion.kernel.hpke import NotSealed, PrivateKey
from tests.bidding.tenders import CUSTODIANS, KEYS, LOT, OTHER, luck, payload, sealed

ENVELOPE = sealed()
ALL = [(x, open_share(key, CUSTODIANS, ENVELOPE, x)) for x, key in enumerate(KEYS, start=1)]


# -- the check values of the specification ----------------------------------------------------------------------------


def test_the_check_values_of_the_specification_hold():
    shares = split(bytes(range(32)), 2, 3)
    assert shares[0].hex() == "64909498d0f05a5647dcb7b38dc9c1230e16c38169b15da5f2c9cca27d38d401"
    assert check_value(1, shares[0]).hex() == "7ed121a580a23d5293a6ba62bf02f511cffbe8e0e0856cc81a53bd9ef61158fd"
    assert shares[2].hex() == "aca9a3b56301e2f4d96dd6d8945a447b32187abe93e2cbda3d727bcbbf725b3d"
    assert check_value(3, shares[2]).hex() == "aa46b5abc6aa3f55dfa3197a7a64ffbe30b96809ba0eff6c7f79926b5fb2eb2e"


@given(st.binary(min_size=32, max_size=32), st.integers(1, 6), st.integers(0, 4), st.randoms(use_true_random=False))
def test_any_k_shares_find_the_key_again(lock, k, more, dice):
    shares = list(enumerate(split(lock, k, k + more), start=1))
    dice.shuffle(shares)
    assert joined(shares[:k]) == lock
    if k > 1 and more:
        assert joined(shares[: k - 1]) != lock


@pytest.mark.parametrize(("k", "n"), [(0, 3), (4, 3), (1, 0), (2, 256)])
def test_a_key_is_split_among_at_least_one_of_at_most_all(k, n):
    with pytest.raises(ValueError, match="k custodians of n"):
        split(bytes(32), k, n)


# -- sealing and opening ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("entry", "value"), [("total", 1), ("per_carat", 10**15 - 1), ("discount", -100_000)])
def test_any_two_of_three_open_what_was_sealed(entry, value):
    envelope = sealed(entry=entry, value=value)
    shares = [(x, open_share(key, CUSTODIANS, envelope, x)) for x, key in enumerate(KEYS, start=1)]
    for chosen in [*combinations(shares, 2), shares]:
        assert combine(envelope, CUSTODIANS, 2, chosen) == payload(entry=entry, value=value)


def test_one_custodian_alone_opens_nothing():
    for share in ALL:
        assert combine(ENVELOPE, CUSTODIANS, 2, [share]) == "seal_unopened"
        assert combine(ENVELOPE, CUSTODIANS, 2, [share, share]) == "seal_unopened"
    assert combine(ENVELOPE, CUSTODIANS, 2, []) == "seal_unopened"


def test_shares_that_are_not_the_promised_ones_count_for_nothing():
    elsewhere = sealed(2, lot=OTHER)
    strange = [(x, open_share(key, CUSTODIANS, elsewhere, x)) for x, key in enumerate(KEYS, start=1)]
    swapped = [(2, ALL[0][1]), (1, ALL[1][1]), (0, ALL[0][1]), (4, ALL[0][1]), (256, ALL[0][1]), (-1, ALL[0][1])]
    assert combine(ENVELOPE, CUSTODIANS, 2, [*strange, *swapped, ALL[1]]) == "seal_unopened"
    assert combine(ENVELOPE, CUSTODIANS, 2, [*strange, *swapped, ALL[1], ALL[2]]) == payload()
    assert combine(ENVELOPE, CUSTODIANS, 2, [(1, b""), (2, ALL[1][1][:-1]), ALL[2]]) == "seal_unopened"


def test_a_good_share_given_again_as_rubbish_is_not_lost():
    assert combine(ENVELOPE, CUSTODIANS, 2, [*ALL[:2], (1, bytes(32)), (2, bytes(32))]) == payload()


def test_only_the_custodian_opens_a_share_and_only_that_one():
    stranger = PrivateKey.derived(os.urandom(32))
    for key, x in ((KEYS[0], 2), (KEYS[0], 0), (KEYS[0], 4), (stranger, 1)):
        with pytest.raises(NotSealed):
            open_share(key, CUSTODIANS, ENVELOPE, x)


def test_an_envelope_carried_to_another_place_opens_to_nobody():
    """Box and shares are bound to sale, lot, paddle, key and the custodians."""
    other = PrivateKey.derived(os.urandom(32))
    for name, value in {"sale": "S-8", "lot": OTHER, "paddle": "P-0001", "key": "00" * 16}.items():
        moved = replace(ENVELOPE, **{name: value})
        with pytest.raises(NotSealed):
            open_share(KEYS[0], CUSTODIANS, moved, 1)
        assert combine(moved, CUSTODIANS, 2, ALL) == "seal_broken"
    circle = (CUSTODIANS[0], CUSTODIANS[1], base64url(other.point))
    with pytest.raises(NotSealed):
        open_share(KEYS[0], circle, ENVELOPE, 1)
    assert combine(ENVELOPE, circle, 2, ALL) == "seal_broken"
    assert combine(ENVELOPE, CUSTODIANS[:2], 2, ALL) == "seal_broken"
    assert combine(ENVELOPE, CUSTODIANS, 1, ALL) == "seal_broken"


def test_two_seals_of_one_bid_have_nothing_in_common():
    first, second = (seal(payload(), CUSTODIANS, 2, os.urandom) for _ in range(2))
    assert first.box != second.box and first.hash != second.hash
    assert {one.check for one in first.shares}.isdisjoint(one.check for one in second.shares)


@pytest.mark.parametrize(
    ("entry", "value"), [("total", 1), ("total", 10**15 - 1), ("per_carat", 250_000), ("discount", -100_000)]
)
def test_every_bid_has_the_same_size_whatever_it_says(entry, value):
    envelope = sealed(entry=entry, value=value)
    assert len(envelope.box) == BOX_BYTES == 12 + PAYLOAD_BYTES + 16
    assert len(canonical(envelope.document())) == len(canonical(ENVELOPE.document())) <= 4096


def test_the_book_holds_the_hash_of_the_envelope_as_it_was_sent():
    again = read_envelope(ENVELOPE.document(), 3)
    assert again == ENVELOPE and again.hash == ENVELOPE.hash and len(ENVELOPE.hash) == 64


def test_twelve_custodians_fit_an_envelope_and_fourteen_do_not():
    keys = [PrivateKey.derived(luck(x)(32)) for x in range(14)]
    circle = [base64url(key.point) for key in keys]
    name = "01J0000000000000000000000Z"
    bid = payload()._replace(sale=name, lot=name)
    envelope = seal(bid, circle[:12], 7, os.urandom)
    shares = [(x, open_share(keys[x - 1], circle[:12], envelope, x)) for x in range(6, 13)]
    assert combine(envelope, circle[:12], 7, shares) == bid
    with pytest.raises(ValueError, match="too many custodians"):
        seal(bid, circle, 7, os.urandom)


# -- one changed byte -------------------------------------------------------------------------------------------------


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]


def test_every_byte_of_the_box_counts():
    for at in range(BOX_BYTES):
        assert combine(replace(ENVELOPE, box=flipped(ENVELOPE.box, at)), CUSTODIANS, 2, ALL) == "seal_broken"


def test_every_byte_of_a_sealed_share_counts():
    for name in ("enc", "ct", "check"):
        for at in range(len(getattr(ENVELOPE.shares[0], name))):
            first = ENVELOPE.shares[0]._replace(**{name: flipped(getattr(ENVELOPE.shares[0], name), at)})
            with pytest.raises(NotSealed):
                open_share(KEYS[0], CUSTODIANS, replace(ENVELOPE, shares=(first, *ENVELOPE.shares[1:])), 1)


def test_a_promise_that_does_not_follow_from_the_key_breaks_the_seal_for_everybody():
    """Custodians 2 and 3 find a key, but 1 and 2 would not: nobody may choose who opens a bid, and to what."""
    first = ENVELOPE.shares[0]._replace(check=check_value(1, bytes(32)))
    envelope = replace(ENVELOPE, shares=(first, *ENVELOPE.shares[1:]))
    assert combine(envelope, CUSTODIANS, 2, ALL[1:]) == "seal_broken"
    assert combine(envelope, CUSTODIANS, 2, [(1, bytes(32)), ALL[1]]) == "seal_broken"
    assert combine(envelope, CUSTODIANS, 2, ALL[:2]) == "seal_unopened"


@given(st.integers(0, 2), st.integers(0, 31), st.integers(1, 255))
def test_every_byte_of_a_share_counts(which, at, change):
    x, share = ALL[which]
    wrong = (x, share[:at] + bytes([share[at] ^ change]) + share[at + 1 :])
    others = [one for one in ALL if one[0] != x]
    assert combine(ENVELOPE, CUSTODIANS, 2, [wrong, others[0]]) == "seal_unopened"
    assert combine(ENVELOPE, CUSTODIANS, 2, [wrong, *others]) == payload()


# -- envelopes and bids of others -------------------------------------------------------------------------------------

SHARE = ENVELOPE.document()["shares"][0]


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2}, {"v": True}, {"v": "1"}, {"box": ""}, {"box": ENVELOPE.document()["box"] + "A"}, {"box": 7},
        {"box": "é" * 720}, {"sale": ""}, {"sale": "x" * 65}, {"lot": 7}, {"paddle": "P 1"}, {"key": "7F" * 16},
        {"key": "7f" * 15}, {"shares": []}, {"shares": {}}, {"shares": [SHARE] * 3},
        {"shares": ENVELOPE.document()["shares"][::-1]}, {"shares": ENVELOPE.document()["shares"] * 2},
        {"shares": [SHARE | {"x": "1"}] * 3}, {"shares": [SHARE | {"x": True}] * 3}, {"shares": [7, 8, 9]},
        {"shares": [SHARE | {"enc": base64url(b"\4" + bytes(64))}] * 3}, {"shares": [SHARE | {"more": 1}] * 3},
        {"shares": [SHARE | {"c": "x" * 64}] * 3}, {"shares": [SHARE | {"ct": SHARE["enc"]}] * 3}, {"more": 1},
    ],
)  # fmt: skip
def test_an_envelope_of_another_form_is_refused(change):
    with pytest.raises(ValueError, match=r".+"):
        read_envelope(ENVELOPE.document() | change, 3)


@pytest.mark.parametrize("document", [None, [], 7, "x", {}])
def test_what_is_no_envelope_at_all_is_refused(document):
    with pytest.raises(ValueError, match="members"):
        read_envelope(document, 3)


@pytest.mark.parametrize(
    "plain",
    [
        b"", b"{", b"[]", b"null", b'{"v":1}', b"\xff\xfe", b"[" * 400, b"9" * 400,
        canonical({"v": 1, "sale": "S-9", "lot": LOT, "paddle": "P-0417", "key": "7f" * 16, "entry": ["total"],
                   "amount": 1, "at": "2026-03-08T09:00:00.000000Z"}),
        canonical({"v": 1, "sale": "S-9", "lot": LOT, "paddle": "P-0417", "key": "7f" * 16, "entry": "total",
                   "bp": 1, "at": "2026-03-08T09:00:00.000000Z"}),
        canonical({"v": 1, "sale": "S-9", "lot": LOT, "paddle": "P-0417", "key": "7f" * 16, "entry": "total",
                   "amount": 1, "at": "yesterday"}),
        canonical({"v": 1, "sale": "S-9", "lot": OTHER, "paddle": "P-0417", "key": "7f" * 16, "entry": "total",
                   "amount": 1, "at": "2026-03-08T09:00:00.000000Z"}),
        canonical({"v": 1, "sale": "S-9", "lot": LOT, "paddle": "P-0418", "key": "7f" * 16, "entry": "total",
                   "amount": 1, "at": "2026-03-08T09:00:00.000000Z"}),
        canonical({"v": 1, "sale": "S-9", "lot": LOT, "paddle": "P-0417", "key": "80" * 16, "entry": "total",
                   "amount": 1, "at": "2026-03-08T09:00:00.000000Z"}),
        b" " + canonical({"v": 1}),
    ],
)  # fmt: skip
def test_a_box_that_holds_no_bid_for_this_place_is_broken(plain):
    """A bidder who writes own software may lock anything into a box."""
    lock, iv = joined(ALL[:2]), bytes(12)
    aad = sealing._bound_to(ENVELOPE, CUSTODIANS)
    rubbish = replace(ENVELOPE, box=iv + AESGCM(lock).encrypt(iv, plain.ljust(PAYLOAD_BYTES), aad))
    assert combine(rubbish, CUSTODIANS, 2, ALL) == "seal_broken"


@pytest.mark.parametrize("value", [0, -5, 10**15, "500", None, [1], True])
def test_what_an_amount_is_worth_is_for_the_rules_to_say(value):
    """An honest program seals no such thing, but if one is found in a box the rules refuse it by its own code."""
    envelope = sealed(value=value)
    assert combine(envelope, CUSTODIANS, 2, shares_of(envelope)) == payload(value=value)


def shares_of(envelope):
    return [(x, open_share(key, CUSTODIANS, envelope, x)) for x, key in enumerate(KEYS, start=1)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"entry": "dozen"}, "entry"), ({"sale": "S 9"}, "sale"), ({"key": "x"}, "key"), ({"at": "now"}, "instant"),
        ({"value": "9" * 400}, "longer than 512"), ({"value": 10**18}, "canonical"), ({"lot": "x" * 65}, "lot"),
    ],
)  # fmt: skip
def test_what_cannot_be_sealed_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        seal(payload()._replace(**change), CUSTODIANS, 2, os.urandom)


@pytest.mark.parametrize("key", ["", "AAAA", base64url(b"\4" + bytes(64)), "é" * 87])
def test_nothing_is_sealed_to_what_is_no_key(key):
    with pytest.raises(ValueError, match=r"not (a public key|base64url)"):
        seal(payload(), (*CUSTODIANS[:2], key), 2, os.urandom)
