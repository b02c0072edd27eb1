"""Ten thousand sales by seed, held against the reference; and every planted bug is found by the same checker."""

from collections import Counter

import pytest

from tests.simulate.checker import check
from tests.simulate.house import House, S
from tests.simulate.planted import PLANTED

RUNS, CHUNKS = 10_000, 40
STEPS = 36
PATIENCE = 1500  # seeds in which a planted bug must show


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_answer_and_event_of_a_simulated_sale_is_what_had_to_be(chunk):
    size = RUNS // CHUNKS
    for seed in range(chunk * size, (chunk + 1) * size):
        try:
            check(House(seed).run(STEPS))
        except Exception as broken:
            raise AssertionError(f"seed {seed}: {broken}") from broken


@pytest.mark.parametrize("seed", range(40))
def test_a_long_sale_of_many_lots_is_what_had_to_be(seed):
    check(House(seed, lots=6, bidders=12, staff=0.06).run(260))


def test_the_stories_are_worth_telling():
    """At least 30 % of bids taken, 30 % declined, 5 % within two seconds of a close; every kind of event."""
    codes, types, near, all_bids = Counter(), Counter(), 0, 0
    causes, kinds = Counter(), Counter()
    for seed in range(500):
        house = House(seed).run(STEPS)
        types.update(line.type for line in house.lines)
        events = house.events()
        causes.update(event["data"]["cause"] for event in events if event["type"] == "lot.extended")
        kinds.update(event["data"]["kind"] for event in events if event["type"] == "incident")
        ends = {line.at for line in house.lines if line.type == "lot.closing"}
        for asked in house.asked:
            codes[asked.answer.code or asked.answer.result] += 1
            all_bids += 1
            near += any(abs(asked.t - end) <= 2 * S for end in ends)
    assert codes["accepted"] * 10 >= all_bids * 3 and (all_bids - codes["accepted"]) * 10 >= all_bids * 3
    assert near * 20 >= all_bids, f"{near} of {all_bids}"
    told = {
        "bid.voided",
        "lot.extended",
        "lot.paused",
        "lot.resumed",
        "lot.notice",
        "lot.sold",
        "lot.passed",
        "incident",
        "lot.reserve_lowered",
    }
    assert told | {"sale.paused", "sale.resumed", "lot.withdrawn"} <= set(types)
    assert {"staff", "group", "outage", "bid"} <= set(causes) and set(kinds) == {"outage", "declared"}
    assert {"too_late", "below_ask", "over_limit", "off_ladder", "key_reused", "confirm_needed"} <= set(codes)


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug, monkeypatch):
    PLANTED[bug](monkeypatch)
    for seed in range(PATIENCE):
        try:
            check(House(seed).run(STEPS))
        except Exception:  # noqa: BLE001 - a crash shows the bug as well as an invariant does
            return
    raise AssertionError(f"not found in {PATIENCE} sales: {bug}")
