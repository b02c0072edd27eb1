"""A browser in the room without a socket: garbage, too much, too slow, and nothing at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavilion.bidding.live import IDLE_S, LONGEST_TEXT, MESSAGES_A_MINUTE, QUEUE, LiveSession, Viewer
from pavilion.bidding.messages import Hello, PlaceBid, Watch

KEY = "7f9c1e0a5b3d4c2e8f6a7b8c9d0e1f20"
HELLO = '{"op":"hello","v":1,"lang":"zh"}'
BID = {
    "op": "place_bid",
    "key": KEY,
    "lot": "L-1",
    "max": 300000,
    "currency": "USD",
    "rules": "ab" * 32,
    "confirm": None,
}
NEWS = b'{"op":"batch"}'


def in_the_room(greeted=True, **viewer):
    session = LiveSession(
        Viewer(**{"user": "u", "person_id": 1, "company_id": 2, "session_id": 3, "may_bid": True} | viewer), 0
    )
    if greeted:
        session.receive(HELLO, 0)
    return session


def codes(session):
    return [json.loads(frame).get("code") for frame in session.take()]


def test_a_bid_comes_out_as_an_order():
    order = in_the_room().receive(json.dumps(BID), 1)
    assert isinstance(order, PlaceBid) and (order.max, order.confirm) == (300000, None)


def test_a_watch_names_lots_and_what_was_seen():
    order = in_the_room().receive('{"op":"watch","sale":"S-1","lots":["L-1"],"after":{"L-1":41}}', 1)
    assert isinstance(order, Watch) and order.after == {"L-1": 41}


@pytest.mark.parametrize(
    "change",
    [
        {"max": "300000"},
        {"max": 1.5},
        {"max": True},
        {"max": 2**53},
        {"key": "7F" * 16},
        {"key": "ab"},
        {"currency": "usd"},
        {"lot": "../etc"},
        {"lot": "x" * 41},
        {"rules": ""},
        {"confirm": "yes"},
        {"price": 1},
        {"op": "become_admin"},
    ],
)
def test_a_malformed_bid_is_not_understood(change):
    session = in_the_room()
    assert session.receive(json.dumps(BID | change), 1) is None
    assert codes(session) == ["bad_message"]


@pytest.mark.parametrize("missing", ["key", "lot", "max", "currency", "rules"])
def test_a_bid_without_a_member_is_not_understood(missing):
    session = in_the_room()
    assert session.receive(json.dumps({name: value for name, value in BID.items() if name != missing}), 1) is None


def test_three_messages_that_are_not_understood_close_the_socket():
    session = in_the_room()
    for text in ("", "{", "[]"):
        assert session.close_code is None
        assert session.receive(text, 1) is None
    assert session.close_code == 1008 and codes(session) == ["bad_message"] * 3


def test_the_greeting_comes_first():
    session = in_the_room(greeted=False)
    assert session.receive(json.dumps(BID), 1) is None and codes(session) == ["bad_message"]
    assert isinstance(session.receive(HELLO, 1), Hello)


def test_who_is_signed_out_is_told_and_let_out():
    session = in_the_room(greeted=False, user=None)
    assert session.receive(HELLO, 1) is None
    assert codes(session) == ["signed_out"] and session.close_code == 1008


def test_who_may_only_watch_may_not_bid():
    session = in_the_room(may_bid=False)
    assert session.receive(json.dumps(BID), 1) is None
    assert codes(session) == ["not_allowed"] and session.close_code is None


def test_a_text_of_the_greatest_length_passes_and_one_more_closes():
    session = in_the_room()
    longest = '{"op":"ping","id":1}'.ljust(LONGEST_TEXT)
    assert session.receive(longest, 1) is not None
    assert session.receive(longest + " ", 1) is None and session.close_code == 1009


def test_the_length_is_counted_in_bytes():
    session = in_the_room()
    session.receive("钻" * (LONGEST_TEXT // 3 + 1), 1)
    assert session.close_code == 1009


def test_a_flood_is_slowed_and_patience_is_forgiven():
    session = in_the_room()
    ping = '{"op":"ping","id":1}'
    heard = [session.receive(ping, 1) is not None for _ in range(MESSAGES_A_MINUTE + 1)]
    assert heard == [True] * MESSAGES_A_MINUTE + [False]
    assert codes(session)[-1] == "slow_down"
    assert session.receive(ping, 2) is not None


def test_an_endless_flood_closes():
    session = in_the_room()
    for _ in range(MESSAGES_A_MINUTE + 30):
        session.receive('{"op":"ping","id":1}', 1)
    assert session.close_code == 1008


def test_everything_waiting_leaves_at_once():
    session = in_the_room()
    session.tell(NEWS)
    session.tell(NEWS)
    assert (session.take(), session.take()) == ([NEWS, NEWS], [])


def test_the_256th_frame_waits_and_the_257th_asks_to_begin_anew():
    session = in_the_room()
    session.sale = "S-1"
    for _ in range(QUEUE):
        session.tell(NEWS)
    assert session.close_code is None
    session.tell(NEWS)
    assert [json.loads(frame) for frame in session.take()] == [{"op": "resync", "sale": "S-1", "reason": "slow"}]


def test_a_browser_that_never_reads_is_let_go():
    session = in_the_room()
    session.sale = "S-1"
    for _ in range(2 * QUEUE + 2):
        session.tell(NEWS)
    assert session.close_code == 1013 and len(session.take()) <= QUEUE


def test_a_minute_of_silence_ends_the_visit():
    session = in_the_room()
    session.look(IDLE_S - 0.001)
    assert session.close_code is None
    session.look(IDLE_S)
    assert session.close_code == 1001


JSON = st.recursive(st.none() | st.integers() | st.text(max_size=9), st.lists)


@given(st.text(max_size=200) | JSON.map(json.dumps))
def test_no_text_breaks_the_session(text):
    session = in_the_room()
    session.receive(text, 1)
    assert all(json.loads(frame)["op"] == "error" for frame in session.take())
