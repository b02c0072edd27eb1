from pavilion.bidding.closing import (
    Clock,
    Outage,
    SoftClose,
    Stagger,
    after_outage,
    after_slow,
    end_after_bid,
    extended,
    judge_bid,
    judge_schedule,
    paused,
    resumed,
)

S = 1_000_000
SOFT = SoftClose(120 * S, 120 * S)


def test_the_end_itself_is_late():
    assert judge_bid(Clock(100), 99) is None
    assert judge_bid(Clock(100), 100) == "too_late"


def test_the_window_begins_on_its_first_microsecond():
    assert end_after_bid(SOFT, 1000 * S, None, 880 * S - 1) == 1000 * S
    assert end_after_bid(SOFT, 1000 * S, None, 880 * S + 1) == 1000 * S + 1


def test_a_hard_end_bounds_every_extension_and_never_brings_the_end_forward():
    assert end_after_bid(SOFT, 1000 * S, 1010 * S, 999 * S) == 1010 * S
    assert end_after_bid(SOFT, 1000 * S, 990 * S, 999 * S) == 1000 * S
    assert after_slow(SOFT, Clock(1000 * S, 1000 * S)).end == 1000 * S
    assert after_slow(SOFT, Clock(1000 * S)).end == 1120 * S


def test_a_pause_gives_back_what_was_left_and_at_least_a_window():
    assert resumed(SOFT, paused(Clock(1000 * S), 500 * S), 2000 * S) == Clock(2500 * S)
    assert resumed(SOFT, paused(Clock(1000 * S, 1100 * S), 999 * S), 2000 * S) == Clock(2120 * S, 2120 * S)


def test_a_hard_end_rises_to_an_end_that_staff_gave():
    assert extended(Clock(10, 20), 30) == Clock(30, 30)
    assert extended(Clock(10, 20), 15) == Clock(15, 20)


def test_an_outage_touches_only_open_lots_that_were_near_their_end():
    rule = Outage()
    ended = Clock(3590 * S)
    assert after_outage(rule, ended, 3590 * S, 3700 * S) == ended
    assert after_outage(rule, Clock(3600 * S, state="closed"), 3590 * S, 3700 * S).end == 3600 * S
    assert after_outage(rule, Clock(4301 * S), 3590 * S, 3700 * S).end == 4301 * S
    assert after_outage(rule, Clock(4300 * S), 3590 * S, 3700 * S).end == 4410 * S


def test_lots_end_in_groups_with_breaks():
    plan = Stagger(first=1000, interval=60, per=2, breaks=((2, 500),))
    assert [plan.end(k) for k in range(5)] == [1000, 1000, 1560, 1560, 1620]


def test_a_schedule_is_judged_against_its_last_lot():
    assert judge_schedule(Stagger(100, 60), SoftClose(1, 1, hard_end=160), 2) is None
    assert judge_schedule(Stagger(100, 60), SoftClose(1, 1, hard_end=160), 3) == "hard_end_before_end"
    assert judge_schedule(Stagger(100, 60), SoftClose(1, 1, scope="group"), 2) == "group_ends_differ"
    assert judge_schedule(Stagger(100, 60, per=2), SoftClose(1, 1, scope="group"), 2) is None
