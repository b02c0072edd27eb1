"""A sealed bid between processes, and the record of a tender beside that of an auction."""

import json

from pavilion.bidding import wire
from pavilion.bidding.deciding import BidOrder
from pavilion.bidding.tender_book import NO_ENVELOPE, Kept, Round, SealedLine, counted
from pavilion.bidding.tendering import SealOrder, seal_order


def test_a_sealed_bid_comes_out_of_the_bus_as_it_went_in():
    order = seal_order("S-1", "L-1", 7, "ab" * 16, '{"v":1}', "01PERSON")
    came = wire.order_in(json.loads(json.dumps(wire.order_out(order))))
    assert came == order and isinstance(came, SealOrder)
    bid = BidOrder("S-1", "L-1", 7, "ab" * 16, 1, "USD", "cd" * 32)
    assert type(wire.order_in(wire.order_out(bid))) is BidOrder


def sealed(n, bidder, lot="L-1"):
    return SealedLine(n, lot, bidder, f"{n:064x}", "{}")


def test_what_was_taken_back_or_withdrawn_is_not_counted_and_what_came_after_is():
    lines = [sealed(3, "A"), sealed(4, "B"), sealed(6, "A"), sealed(7, "A", "L-2")]
    assert [one.n for one in counted(lines, {("L-1", "A"): 5}, Round())] == [4, 6, 7]
    assert [one.n for one in counted(lines, {("L-2", ""): 9}, Round())] == [3, 4, 6]
    assert [one.n for one in counted(lines, {}, Round(2, since=5))] == [6, 7]


def test_a_closing_waits_until_its_opening():
    closed = Round().after("tender.closed", 9, NO_ENVELOPE, 5)
    assert closed.waits and not Round().waits
    assert closed.after("tender.opened", 10, NO_ENVELOPE, 6) == Round(2, since=10)
    assert not Kept()
