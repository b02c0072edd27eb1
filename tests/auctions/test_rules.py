"""What a lot must satisfy, and what bars a sale, one code at a time."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavilion.auctions.rules import (
    HANDED_IN,
    Broken,
    Code,
    Level,
    LotFacts,
    SaleFacts,
    StoneFacts,
    bands_sound,
    broken,
    closing_plan,
    on_ladder,
    readiness,
    ready_lots,
    step_below,
    tiers_sound,
)
from pavilion.auctions.ruleset import INCREMENTS, SOFT_CLOSE
from pavilion.bidding import closing
from pavilion.bidding.rules import Increments
from pavilion.kernel.instants import from_micros, micros
from tests.make import HOUR, NOON

STONE = StoneFacts("S-1", exposed=True, decided_at=NOON, kind=None, ref=None, pictured=True)
WORDS = {"text_en": "Bright.", "text_zh": "火彩明亮。"}
LOT = LotFacts("L-1", 1, "Ruby", "红宝石", 100_000, 150_000, 200_000, 300_000, 7, "approved", (STONE,), **WORDS)
SALE = SaleFacts(
    "Spectral", "光谱", "Text", "文字", NOON + HOUR, NOON + 3 * HOUR, INCREMENTS, [[None, 2500]], SOFT_CLOSE
)

# Each code, and the smallest change to a complete sale that calls it.
CASES = {
    Code.NO_STONE: (SALE, replace(LOT, stones=())),
    Code.NOT_VERIFIED: (SALE, replace(LOT, stones=(replace(STONE, exposed=False),))),
    Code.VERDICT_STALE: (SALE, replace(LOT, stones=(replace(STONE, decided_at=NOON - 25 * HOUR),))),
    Code.IN_OTHER_SALE: (SALE, replace(LOT, stones=(replace(STONE, kind="in_sale", ref="L-2"),))),
    Code.ON_MEMO: (SALE, replace(LOT, stones=(replace(STONE, kind="on_memo", ref="M-1"),))),
    Code.ON_HOLD: (SALE, replace(LOT, stones=(replace(STONE, kind="held", ref="H-1"),))),
    Code.OWNER_MISSING: (SALE, replace(LOT, owner=None, owner_state=None)),
    Code.OWNER_SANCTIONED: (SALE, replace(LOT, owner_state="suspended")),
    Code.ESTIMATE_MISSING: (SALE, replace(LOT, low=None)),
    Code.PRICE_MISSING: (replace(SALE, type="collection"), replace(LOT, opening=None)),
    Code.INVARIANT_BROKEN: (SALE, replace(LOT, reserve=250_000)),
    Code.TITLE_MISSING: (SALE, replace(LOT, title_zh=" ")),
    Code.IMAGE_MISSING: (SALE, replace(LOT, stones=(replace(STONE, pictured=False),))),
    Code.NUMBER_MISSING: (SALE, replace(LOT, number=None)),
    Code.REPORT_MISSING_FILE: (SALE, replace(LOT, stones=(replace(STONE, filed=False),))),
    Code.VIDEO_MISSING: (SALE, replace(LOT, stones=(replace(STONE, filmed=False),))),
    Code.RULES_MISSING: (replace(SALE, increments=[]), LOT),
    Code.CLOSE_MISSING: (replace(SALE, first_close_at=None), LOT),
    Code.WORDING: (SALE, replace(LOT, refused=("lab grown",))),
    Code.NOT_ELIGIBLE_IN: (SALE, replace(LOT, closed=(("US: SN-01 US-RU-THIRD-500 (2)", "S1"),))),
    Code.DESCRIPTION_MISSING: (replace(SALE, text_zh=""), LOT),
    Code.REPORT_OLD: (SALE, replace(LOT, stones=(replace(STONE, reported_on="2021-02-27"),))),
}


def test_a_sale_in_one_language_asks_for_words_in_no_other():
    silent = replace(LOT, title_zh="", text_zh="")
    sale = replace(SALE, title_zh="", text_zh="", langs=("en",))
    assert readiness(sale, [silent], NOON) == []
    found = readiness(replace(sale, langs=("en", "zh")), [silent], NOON)
    assert [(one.code, one.lot) for one in found] == [
        (Code.TITLE_MISSING, None),
        (Code.DESCRIPTION_MISSING, None),
        (Code.TITLE_MISSING, "L-1"),
        (Code.DESCRIPTION_MISSING, "L-1"),
    ]


def test_a_report_of_just_under_five_years_is_not_old():
    fresh = replace(LOT, stones=(replace(STONE, reported_on="2021-03-02"),))
    assert readiness(SALE, [fresh], NOON) == []


def test_a_complete_sale_is_ready():
    assert readiness(SALE, [LOT], NOON) == []


@pytest.mark.parametrize("code", CASES)
def test_each_fault_has_its_code(code):
    sale, lot = CASES[code]
    assert {finding.code for finding in readiness(sale, [lot], NOON)} == {code}


def test_every_code_has_a_case():
    assert set(CASES) == set(Code) - HANDED_IN


def test_ready_counts_lots_that_nothing_bars():
    lots = [LOT, replace(LOT, lot="L-2", number=None), replace(LOT, lot="L-3")]
    found = readiness(replace(SALE, text_en=""), lots, NOON)
    assert ready_lots(found, lots) == 2
    assert [finding.level for finding in found] == [Level.WARN, Level.BLOCK]


def test_a_stone_promised_to_this_very_lot_is_no_fault():
    lot = replace(LOT, stones=(replace(STONE, kind="in_sale", ref="L-1"),))
    assert readiness(SALE, [lot], NOON) == []


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"opens_at": None}, "opens_at"),
        ({"first_close_at": NOON}, "past"),
        ({"first_close_at": NOON + HOUR + timedelta(minutes=9)}, "too_early"),
    ],
)
def test_the_close_must_be_set_ahead_and_far_enough_from_the_opening(changes, fact):
    found = readiness(replace(SALE, **changes), [LOT], NOON)
    assert [(finding.code, finding.fact) for finding in found] == [(Code.CLOSE_MISSING, fact)]


def test_the_hard_end_is_not_before_any_lot_closes():
    soft = SOFT_CLOSE | {"hard_end": "2026-03-02T15:00:30.000000Z"}
    lots = [LOT, replace(LOT, lot="L-2", number=2)]
    found = readiness(replace(SALE, soft_close=soft), lots, NOON)
    assert [(finding.code, finding.fact) for finding in found] == [(Code.CLOSE_MISSING, "hard_end")]


@pytest.mark.parametrize(
    ("figures", "fault"),
    [
        ({"opening": 200_000, "reserve": 150_000}, Broken.OPENING_ABOVE_RESERVE),
        ({"opening": 300_000, "low": 200_000}, Broken.OPENING_ABOVE_LOW),
        ({"reserve": 300_000, "low": 200_000}, Broken.RESERVE_ABOVE_LOW),
        ({"low": 300_000, "high": 200_000}, Broken.LOW_ABOVE_HIGH),
        ({"opening": 102_000}, Broken.OPENING_OFF_LADDER),
        ({"reserve": 105_000}, Broken.RESERVE_OFF_LADDER),
        ({"low": 210_000}, Broken.LOW_OFF_LADDER),
    ],
)
def test_each_invariant_is_named_when_broken(figures, fault):
    known = {"opening": None, "reserve": None, "low": None, "high": None} | figures
    assert broken(INCREMENTS, **known) == [fault]


@given(st.integers(1, 10**9))
def test_curation_and_the_engine_climb_the_same_ladder(amount):
    ladder = Increments(tuple((start, step) for start, step in INCREMENTS), "snap")
    assert on_ladder(INCREMENTS, amount) == ladder.on_ladder(amount)
    below = step_below(INCREMENTS, amount)
    assert below <= amount < ladder.next(below)


@pytest.mark.parametrize(
    "tiers", [[], [[5, 10]], [[0, 0]], [[0, 10], [0, 20]], [[0, 10], [100, 5]], [[i, 1] for i in range(65)], [[0]]]
)
def test_a_table_that_bidders_could_not_climb_is_refused(tiers):
    assert not tiers_sound(tiers)


@pytest.mark.parametrize(
    "bands", [[], [[100, 2500]], [[200, 1], [100, 1], [None, 1]], [[None, 1], [None, 2]], [[None, 10_001]]]
)
def test_premium_bands_rise_and_end_open(bands):
    assert not bands_sound(bands)
    assert bands_sound([[100, 2500], [200, 2000], [None, 1500]])


@given(st.integers(0, 600), st.integers(1, 5), st.integers(0, 40))
def test_the_preview_closes_the_lots_when_the_engine_will(interval, per, count):
    breaks = [[3, 300], [10, 60]]
    plan = closing.Stagger(
        micros(NOON), interval * 1_000_000, per, tuple((at, pause * 1_000_000) for at, pause in breaks)
    )
    assert closing_plan(NOON, interval, per, breaks, count) == [from_micros(plan.end(k)) for k in range(count)]
