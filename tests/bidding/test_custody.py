"""A custodian's tools: what they believe of the house, what they refuse, and what they hand over."""

import json
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavilion.bidding import custody, sealing
from pavilion.bidding.custody import Refused, Sealed, check_tender, open_tender, read_shares, read_tender, signed_shares
from pavilion.kernel.canon import canonical, document_hash
from pavilion.kernel.hpke import PrivateKey
from pavilion.kernel.signing import SigningKey
from tests.bidding.tenders import (
    CUSTODIANS,
    KEYS,
    LATER,
    LOT,
    OTHER,
    SALE,
    SIGNER,
    event,
    payload,
    rules,
    sealed,
    tender,
)

HOUSE = str(SIGNER.verifier)


def read(document):
    return read_tender(canonical(document))


def refusal(document, now=LATER, **pins):
    with pytest.raises(Refused) as refused:
        check_tender(read(document), now, **pins)
    return refused.value.code


# -- key files --------------------------------------------------------------------------------------------------------


def test_a_key_file_brings_back_the_same_key():
    key = custody.new_key(os.urandom)
    again = custody.read_key(json.dumps(custody.key_document(key)).encode())
    assert (again.point, again.to_bytes()) == (key.point, key.to_bytes())


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"[]", b"\xff", b'{"v":1,"kind":"custodian","public":"x","private":7}',
        json.dumps(custody.key_document(KEYS[0]) | {"public": CUSTODIANS[1]}).encode(),
        json.dumps(custody.key_document(KEYS[0]) | {"private": "A" * 43}).encode(),
        json.dumps(custody.key_document(KEYS[0]) | {"more": 1}).encode(), b" " * 10_001,
    ],
)  # fmt: skip
def test_a_key_file_with_a_slip_of_the_pen_is_refused(data):
    with pytest.raises(Refused, match="custodian_key_bad"):
        custody.read_key(data)


# -- the tender file --------------------------------------------------------------------------------------------------


def test_a_closed_tender_is_believed_and_any_two_custodians_open_every_bid():
    file = read(tender())
    check_tender(file, LATER, house=HOUSE, rules=rules())
    handed = [read_shares(signed_shares(key, open_tender(key, file)), CUSTODIANS) for key in KEYS[:2]]
    assert [(one.sale, one.x, one.closed) for one in handed] == [(SALE, x, file.closed.leaf.hex()) for x in (1, 2)]
    for place, one in enumerate(file.envelopes):
        shares = [(found.x, found.shares[place].share) for found in handed]
        assert {found.shares[place].envelope for found in handed} == {one.envelope.hash}
        assert sealing.combine(one.envelope, CUSTODIANS, 2, shares) == payload(lot=one.lot)


def test_a_tender_without_bids_is_opened_too():
    file = read(tender(envelopes=[]))
    check_tender(file, LATER)
    assert read_shares(signed_shares(KEYS[2], open_tender(KEYS[2], file)), CUSTODIANS).shares == ()


def test_the_clock_must_have_passed_the_end_of_the_rules_and_the_closing():
    due = read(tender()).due
    assert refusal(tender(), due - 1) == "tender_early"
    assert refusal(tender(), due) == "tender_clock"  # the house says it closed two seconds from now
    check_tender(read(tender()), due + 2_000_000)
    assert refusal(tender(at="2026-03-09T13:59:59.999999Z")) == "tender_early"


def test_a_custodian_opens_each_round_once_so_final_bids_do_not_pass_for_first_ones():
    first, final = read(tender()), read(tender(final=True))
    answered = {1: first.closed.leaf.hex()}
    check_tender(first, LATER, answered=answered)
    check_tender(final, final.due + 1_000_000, answered=answered)
    forged = read(tender(envelopes=[Sealed(LOT, "A", sealed(7))]))
    with pytest.raises(Refused, match="tender_twice"):
        check_tender(forged, LATER, answered=answered)


def test_the_second_round_ends_so_many_hours_after_the_first_was_opened():
    file = read(tender(final=True))
    assert file.due == read(tender()).due + 25 * 3_600_000_000
    assert refusal(tender(final=True), file.due - 1) == "tender_early"
    check_tender(file, file.due + 1_000_000)
    assert refusal(tender(final=True, doc=rules(best_and_final=None)), file.due + 1_000_000) == "tender_false"


def test_rules_and_house_known_beforehand_are_not_replaced_by_those_in_the_file():
    """A house that wants to look early would put an earlier end into the rules of the file."""
    early = rules()
    early["stagger"]["first"] = "2026-03-05T14:00:00.000000Z"
    forged = tender(doc=early, at="2026-03-05T14:00:01.000000Z")
    check_tender(read(forged), LATER)
    assert refusal(forged, rules=rules()) == "tender_other_rules"
    other = SigningKey("house.example", b"\7" * 32)
    assert refusal(tender(signer=other), house=HOUSE) == "tender_other_house"


def test_keys_beside_the_pinned_one_do_not_count():
    other = SigningKey("house.example", b"\7" * 32)
    forged = tender(signer=other, keys=[HOUSE, str(other.verifier)])
    check_tender(read(forged), LATER)
    assert refusal(forged, house=HOUSE) == "tender_false"


def changed(part, **members):
    document = tender()
    return document | {part: document[part] | {"event": document[part]["event"] | members}}


@pytest.mark.parametrize(
    "document",
    [
        tender(doc=rules(k=3), rules=rules()),
        tender(closing={"count": 1, "envelopes": "00" * 32}),
        tender(closing={"count": 2, "envelopes": sealing.envelopes_hash([])}),
        tender() | {"envelopes": tender()["envelopes"][::-1]},
        tender() | {"envelopes": tender()["envelopes"][:1]},
        tender() | {"closed": tender()["published"]},
        tender() | {"published": tender()["closed"]},
        tender() | {"opened": tender()["published"]},
        tender() | {"checkpoint": tender()["checkpoint"].replace("\n4\n", "\n5\n")},
        tender() | {"checkpoint": "rubbish"},
        tender() | {"checkpoint": tender(signer=SigningKey("house.example", b"\7" * 32))["checkpoint"]},
        tender() | {"keys": ["house.example+00000000+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"]},
        changed("closed", at="2026-03-09T14:00:01.000000Z"),
        changed("closed", n=2),
        changed("closed", lot=LOT),
        changed("published", data={"rules": "00" * 32, "lots": []}),
    ],
)  # fmt: skip
def test_what_the_log_does_not_say_is_false(document):
    assert refusal(document) == "tender_false"


def test_another_log_of_the_same_house_is_another_log():
    document = tender()
    text = json.dumps(document).replace(f'"{SALE}"', '"S-8"')
    moved = json.loads(text)
    for one in moved["envelopes"]:
        one["envelope"]["sale"] = "S-8"
    assert refusal(moved) == "tender_false"


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2}, {"kind": "shares"}, {"rules": {}}, {"rules": rules(sealed=False, custodians=[], k=0)}, {"keys": []},
        {"keys": ["x"] * 17}, {"keys": [7]}, {"envelopes": {}}, {"envelopes": [{}]}, {"more": 1}, {"checkpoint": 7},
        {"closed": None}, {"opened": {}}, {"sale": "S-8"},
        {"closed": {"event": event(3, "tender.closed", []), "path": []}},
        {"closed": {"event": event(3, "tender.closed", {}) | {"n": "3"}, "path": []}},
        {"closed": {"event": event(3, "tender.closed", {}) | {"at": "now"}, "path": []}},
        {"closed": {"event": event(3, "tender.closed", {}), "path": ["x"]}},
        {"closed": {"event": event(3, "tender.closed", {}), "path": ["AAAA"] * 64}},
        {"envelopes": [{"lot": OTHER, "bidder": "A", "envelope": sealed().document()}]},
        {"envelopes": [{"lot": LOT, "bidder": "P-0417", "envelope": sealed().document()}]},
        {"envelopes": [{"lot": LOT, "bidder": "A", "envelope": sealed(custodians=CUSTODIANS[:2]).document()}]},
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_refused(change):
    with pytest.raises(Refused, match="tender_bad"):
        read(tender() | change)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b'{"v":1,"v":1}'])
def test_what_is_no_tender_file_at_all_is_refused(data):
    with pytest.raises(Refused, match="tender_bad"):
        read_tender(data)


@given(st.integers(0, len(canonical(tender())) - 1), st.integers(0, 6))
def test_one_changed_bit_of_a_tender_file_is_refused(at, bit):
    """All but the aliases, which only say under which name the book has an envelope: its hash says which it is."""
    data = canonical(tender())
    wrong = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
    try:
        file = read_tender(wrong)
        check_tender(file, LATER)
    except Refused:
        return
    assert [one.envelope for one in file.envelopes] == [one.envelope for one in read_tender(data).envelopes]
    assert {one.bidder for one in file.envelopes} != {"A", "B"}


# -- the share file ---------------------------------------------------------------------------------------------------


def test_a_stranger_opens_nothing():
    with pytest.raises(Refused, match="tender_not_custodian"):
        open_tender(PrivateKey.derived(os.urandom(32)), read(tender()))


def test_a_share_that_a_bidder_spoilt_is_handed_over_as_none():
    first = sealed()
    spoilt = replace(first, shares=(first.shares[0]._replace(ct=bytes(48)), *first.shares[1:]))
    file = read(tender(envelopes=[Sealed(LOT, "A", spoilt)]))
    check_tender(file, LATER)
    handed = [read_shares(signed_shares(key, open_tender(key, file)), CUSTODIANS) for key in KEYS]
    assert [one.shares[0].share is None for one in handed] == [True, False, False]
    rest = [(one.x, one.shares[0].share) for one in handed[1:]]
    assert sealing.combine(spoilt, CUSTODIANS, 2, rest) == payload()


SHARES = signed_shares(KEYS[0], open_tender(KEYS[0], read(tender())))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"v": 2}, "shares_bad"), ({"kind": "tender"}, "shares_bad"), ({"more": 1}, "shares_bad"),
        ({"x": 2}, "tender_not_custodian"), ({"x": 0}, "tender_not_custodian"), ({"x": 4}, "tender_not_custodian"),
        ({"x": "1"}, "shares_bad"), ({"x": 2, "custodian": CUSTODIANS[1]}, "shares_false"),
        ({"sale": "S-8"}, "shares_false"), ({"closed": "00" * 32}, "shares_false"), ({"closed": 7}, "shares_bad"),
        ({"shares": []}, "shares_false"), ({"shares": SHARES["shares"][::-1]}, "shares_false"),
        ({"shares": 7}, "shares_bad"),
        ({"shares": [SHARES["shares"][0] | {"share": None}]}, "shares_false"),
        ({"shares": [SHARES["shares"][0] | {"share": "x"}]}, "shares_bad"),
        ({"shares": [SHARES["shares"][0] | {"bidder": "a"}]}, "shares_bad"), ({"sig": ""}, "shares_false"),
        ({"sig": "A" * 86}, "shares_false"), ({"sig": "A"}, "shares_bad"), ({"sig": 7}, "shares_bad"),
    ],
)  # fmt: skip
def test_a_share_file_of_anybody_else_is_refused(change, code):
    with pytest.raises(Refused) as refused:
        read_shares(SHARES | change, CUSTODIANS)
    assert refused.value.code == code


@pytest.mark.parametrize("document", [None, [], {}, "x"])
def test_what_is_no_share_file_at_all_is_refused(document):
    with pytest.raises(Refused, match="shares_bad"):
        read_shares(document, CUSTODIANS)


def test_shares_are_bound_to_the_closing_that_they_answer():
    again = open_tender(KEYS[0], read(tender(at="2026-03-09T14:00:03.000000Z")))
    assert again.closed != SHARES["closed"] and [one.share.hex() for one in again.shares] == [
        one["share"] for one in SHARES["shares"]
    ]


def test_the_hash_of_the_rules_is_the_one_that_every_lot_shows():
    assert read(tender()).published.event["data"]["rules"] == document_hash(rules())
