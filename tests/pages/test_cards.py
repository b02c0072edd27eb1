"""The lots on the front page: the soonest of every running sale, and a cover that can still be had."""

from dataclasses import replace
from types import SimpleNamespace

from pavilion.bidding.showing import SaleShown
from pavilion.catalogue.models import Stone
from pavilion.pages.queries import lots_ahead, own_lots, plate_of
from tests.bidding.test_showing import LOT, own
from tests.make import HOUR, NOON

SALE = SaleShown(
    id="S", titles={}, texts={}, state="open", currency="USD", zone="UTC", entity="ANT", opens_at=NOON - HOUR,
    planned_close=NOON, rules=None, rules_hash="", lots=[LOT], checkpoint=None, inner_id=1,  # type: ignore[arg-type]
)  # fmt: skip
SOON, MINE = replace(LOT, id="SOON", end=NOON), replace(LOT, id="MINE", own=own("winning"), end=NOON + 2 * HOUR)
SOLD = replace(LOT, id="SOLD", state="sold", price=9)


def test_the_soonest_lots_are_taken_from_every_running_sale():
    other = replace(SALE, id="T", lots=[SOLD, MINE, SOON])
    assert [(card.lot.id, card.sale.id) for card in lots_ahead([SALE, other], 2)] == [("SOON", "T"), ("L", "S")]
    assert [card.lot.id for card in own_lots([SALE, other], 4)] == ["MINE"]


def test_the_lots_of_a_tender_that_waits_for_its_custodians_close_no_more():
    tender = replace(SALE, id="T", rules=SimpleNamespace(tender=True), lots=[replace(SOON, state="closing")])
    assert [card.sale.id for card in lots_ahead([SALE, tender], 4)] == ["S"]


def test_of_a_sale_that_is_over_only_what_was_sold_is_shown():
    over = replace(SALE, lots=[replace(LOT, state="passed"), replace(SOLD, id="LESS", price=2), SOLD])
    assert [card.lot.id for card in lots_ahead([over], 4)] == ["SOLD", "LESS"]


def test_a_lot_that_can_still_be_had_is_on_the_cover():
    traced, drawn = Stone(picture="a.webp"), Stone(picture=None)
    sold, left = replace(SOLD, stones=[traced]), replace(LOT, stones=[drawn])
    assert plate_of([sold, left]) is left
    assert plate_of([replace(left, id="D"), replace(LOT, id="P", stones=[traced])]).id == "P"
    assert plate_of([LOT]) is None
