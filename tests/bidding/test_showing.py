"""What the pages make of a book: lanes, lines and the line of a sale's times."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from pavilion.bidding.handing import MIDDLE, RIGHT, marks_of, minutes, rungs_of, typed_text
from pavilion.bidding.lanes import lanes_of, next_of
from pavilion.bidding.lines import Outage, fold, outages
from pavilion.bidding.models import BookEvent
from pavilion.bidding.news import OwnLot
from pavilion.bidding.rules import Increments
from pavilion.bidding.showing import LotShown, SaleShown
from pavilion.kernel.instants import stamp
from tests.make import HOUR, NOON, SECOND

LOT = LotShown(
    id="L", number="11", titles={"en": "Round", "zh": ""}, low=5, high=9, opening=4, currency="USD", state="open",
    seq=3, hash="", price=4, ask=5, leader="A", reserve_met=None, bids=1, end=NOON + HOUR, published_end=NOON + HOUR,
    stones=(), own=None,
)  # fmt: skip
WINDOW = timedelta(minutes=2)


def own(state):
    return OwnLot("A", 60, state, 3)


@pytest.mark.parametrize(
    ("changes", "lane"),
    [
        ({"own": own("outbid"), "end": NOON + SECOND}, "outbid"),
        ({"own": own("tied_later")}, "outbid"),
        ({"own": own("winning"), "end": NOON + SECOND}, "leading"),
        ({"own": own("winning_reserve_not_met")}, "leading"),
        ({"end": NOON + timedelta(minutes=5)}, "closing"),
        ({"end": NOON + timedelta(minutes=5) + SECOND}, "later"),
        ({"state": "listed", "end": NOON + SECOND}, "later"),
        ({"state": "sold", "own": own("won")}, "decided"),
    ],
)
def test_each_lot_stands_in_one_lane(changes, lane):
    lanes = lanes_of([replace(LOT, **changes)], NOON)
    assert [one.id for one in lanes if one.lots] == [lane]


def test_the_next_to_end_stands_on_top_and_of_the_decided_the_latest():
    early, late = replace(LOT, id="E"), replace(LOT, id="T", end=NOON + 2 * HOUR)
    by_lane = {lane.id: [lot.id for lot in lane.lots] for lane in lanes_of([late, early], NOON)}
    assert by_lane["later"] == ["E", "T"]
    decided = lanes_of([replace(early, state="sold"), replace(late, state="passed")], NOON)[-1]
    assert [lot.id for lot in decided.lots] == ["T", "E"]


def test_the_next_lot_is_the_undecided_one_that_stands_after():
    early, late, gone = replace(LOT, id="E"), replace(LOT, id="T", end=NOON + 2 * HOUR), replace(LOT, state="sold")
    lanes = lanes_of([late, early, gone], NOON)
    assert [next_of(lanes, here) for here in (early, late, gone)] == [late, early, early]
    assert next_of(lanes_of([early], NOON), early) is None


def test_the_first_close_is_the_one_that_came():
    late = replace(LOT, id="T", end=NOON + 2 * HOUR)
    sale = SaleShown(
        id="S", titles={}, texts={}, state="open", currency="USD", zone="UTC", entity="ANT", opens_at=NOON - HOUR,
        planned_close=NOON, rules=None, rules_hash="", lots=[LOT, late], checkpoint=None, inner_id=1,  # type: ignore[arg-type]
    )  # fmt: skip
    assert (sale.first_close, sale.has_closed) == (NOON + HOUR, False), "a late bid moved the first end"
    gone = replace(sale, lots=[replace(LOT, state="withdrawn"), replace(late, state="sold")])
    assert (gone.first_close, gone.has_closed) == (NOON + 2 * HOUR, True)


def test_the_last_window_is_a_state_of_its_own():
    assert replace(LOT, end=NOON + WINDOW).shown_state(NOON, WINDOW) == "ending"
    assert replace(LOT, end=NOON + WINDOW + SECOND).shown_state(NOON, WINDOW) == "open"
    assert replace(LOT, state="paused", end=NOON + SECOND).shown_state(NOON, WINDOW) == "paused"
    assert LOT.title("zh") == "Round", "a missing title is said in English rather than not at all"


def event(seq, kind, **data):
    return {"seq": seq, "at": stamp(NOON + seq * SECOND), "type": kind, "data": data}


BID = {"commit": "", "via": "online", "reserve_met": None, "end": stamp(NOON + HOUR), "extended": None, "ask": 0}


def test_the_book_is_told_latest_first_with_numbered_bids():
    shown = fold(
        [
            event(1, "lot.listed", opening=4),
            event(2, "bid.accepted", bidder="A", leader="A", price=4, **BID),
            event(3, "bid.accepted", bidder="B", leader="A", price=5, **BID | {"extended": stamp(NOON)}),
            event(4, "lot.paused", reason="clock", by="engine"),
            event(5, "bid.voided", seqs=[2], reason="typo", ok=[], leader="B", price=4, ask=5, reserve_met=None),
        ],
        "A",
    )
    told = [(line.event or "bid", line.number, line.bidder, line.mine, line.leader_mine) for line in shown.lines]
    assert told == [
        ("voided", 0, "", False, False),
        ("paused", 0, "", False, False),
        ("bid", 3, "B", False, True),
        ("extended", 0, "", False, False),
        ("bid", 2, "A", True, True),
    ]
    assert shown.lines[3].reason == "bid", "the book says what moved the end"
    assert shown.bidders == 1, "who has no live bid is no bidder"
    assert [line.number for line in shown.lines if line.voided] == list(shown.lines[0].seqs) == [2]
    assert (shown.void_of([2]), shown.void_of([3])) == ("typo", "")
    assert [price for _, price, _ in shown.steps] == [4, 5, 4]


async def test_a_sale_tells_its_interruptions_the_latest_first(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        for n, kind in ((1, "incident"), (2, "sale.paused"), (3, "incident")):
            said = {"data": {"kind": "outage", "from": stamp(NOON + n * HOUR), "to": stamp(NOON + n * HOUR + SECOND)}}
            row = BookEvent(sale="S", n=n, seq=n, t=NOON, at=NOON, type=kind, prev="", hash="", body=json.dumps(said))
            session.add(row)
    async with sqlite_sessions() as session:
        found = await outages(session, "S")
        assert found == [Outage(NOON + n * HOUR, NOON + n * HOUR + SECOND) for n in (3, 1)]
        assert await outages(session, "T") == []


@pytest.mark.parametrize(
    ("held", "first"),
    [
        (None, (115_000, 125_000)),
        (95_000, (105_000, 115_000)),
        (105_000, (115_000, 125_000)),
        (195_000, (205_000, 230_000)),
    ],
)
def test_who_leads_is_offered_what_raises_the_own_maximum(held, first):
    steps = Increments(((0, 5_000), (100_000, 10_000), (200_000, 25_000)))
    assert rungs_of(steps, 105_000, held, 2) == first


def test_an_empty_book_has_no_lines():
    assert fold([], None).lines == []


@pytest.mark.parametrize(
    ("seconds", "en", "zh"), [(120, "2 minutes", "2 分钟"), (60, "1 minute", "1 分钟"), (90, "90 seconds", "90 秒")]
)
def test_spans_are_said_in_the_unit_that_is_whole(seconds, en, zh):
    assert (minutes(seconds * 1_000_000, "en"), minutes(seconds * 1_000_000, "zh")) == (en, zh)


class Times:
    opens_at, first_close, last_close = NOON, NOON + 10 * HOUR, NOON + 11 * HOUR


@pytest.mark.parametrize(
    ("now", "place"),
    [(NOON - HOUR, 6), (NOON + 5 * HOUR, 153), (NOON + 10 * HOUR, MIDDLE), (NOON + 99 * HOUR, RIGHT)],
)
def test_now_moves_along_the_line_of_the_sale(now, place):
    assert marks_of(Times, now).now == place  # type: ignore[arg-type]


def test_an_amount_is_shown_as_it_would_be_typed():
    assert [typed_text(*one) for one in ((3_000_000, "USD"), (1_250, "USD"), (12_500, "JPY"), (None, "USD"))] == [
        "30,000", "12.50", "12,500", "",
    ]  # fmt: skip
