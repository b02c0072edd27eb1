"""The rules on polished outcomes, and that nothing suppressed can be computed from what is told."""

from datetime import date
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from pavilion.provenance import outcomes
from pavilion.provenance.outcomes import (
    Account,
    Assortment,
    Category,
    Grades,
    Line,
    Published,
    Purchase,
    ReportState,
    Resale,
    judge,
    publish,
    publishable,
    sealed,
    spoken,
)

DAY = date(2026, 9, 1)


def account(**changes):
    facts = {
        "as_of": DAY,
        "buyer": "manu",
        "category": Category.MANUFACTURER,
        "resale_limit_bp": 1000,
        "purchases": (Purchase("L1", date(2026, 1, 15), 10_000_000),),
        "polished_mct": 3_900_000,
        "loss_mct": 5_700_000,
        "stock_mct": 400_000,
        "lost_mct": 0,
    }
    return Account(**(facts | changes))


def codes(**changes):
    return judge(account(**changes)).codes


def test_every_limit_is_inclusive_on_the_good_side():
    assert codes(stock_mct=200_000) == [], "98 % is accounted for"
    assert codes(stock_mct=199_999) == ["PO-01"]
    assert codes(stock_mct=410_000) == [], "0.1 % more than was bought"
    assert codes(stock_mct=410_001) == ["PO-02"]
    resold = (Resale("x", 1_000_000, True),)
    assert codes(polished_mct=2_900_000, resold=resold) == []
    assert codes(polished_mct=2_899_999, resold=(Resale("x", 1_000_001, True),)) == ["PO-03"]


def test_a_purchase_is_due_180_days_after_its_sight_and_not_a_day_before():
    late = (Purchase("L1", date(2026, 3, 6), 10_000_000),)  # 179 days before
    assert codes(purchases=late, polished_mct=0, loss_mct=0) == []
    assert codes(purchases=(Purchase("L1", date(2026, 3, 5), 10_000_000),), polished_mct=0, loss_mct=0) == ["PO-01"]


def test_what_was_seen_is_held_against_what_was_declared_to_the_same_counterpart():
    resold = (Resale("x", 500_000, True), Resale("x", 500_000, True))
    assert codes(polished_mct=2_900_000, resold=resold, seen={"x": 1_001_000}) == []
    assert codes(polished_mct=2_900_000, resold=resold, seen={"x": 1_001_001}) == ["PO-04"]
    assert codes(polished_mct=2_900_000, resold=resold, seen={"x": 900_000, "y": 1}) == ["PO-04"]


def test_a_flag_opens_a_case_and_a_block_outweighs_it():
    flagged = judge(account(seen={"y": 1}))
    assert (flagged.state, flagged.opens_case) == (ReportState.REVIEW, True)
    both = judge(account(seen={"y": 1}, stones=("P-1",), elsewhere=frozenset({"P-1"})))
    assert (both.state, both.codes) == (ReportState.REJECTED, ["PO-04", "PO-06"])


def test_a_yield_is_compared_only_with_twenty_peers_and_never_closer_than_half_a_percent():
    peers = (4000,) * 20
    assert codes(assortments=(Assortment("A", 10_000, 4150, peers),)) == []
    assert codes(assortments=(Assortment("A", 10_000, 4151, peers),)) == ["PO-05"]
    assert codes(assortments=(Assortment("A", 10_000, 9999, peers[:19]),)) == []
    assert codes(assortments=(Assortment("A", 10_000, 4061, (*peers[:10], *(4041,) * 10)),)) == []


def test_stones_two_grades_better_than_the_rough_was_estimated_are_asked_about():
    estimated = {"color": Grades(1000, 4000)}
    assert codes(assortments=(Assortment("A", 10, 4, (), estimated, {"color": Grades(400, 800)}),)) == ["PO-05"]
    assert codes(assortments=(Assortment("A", 10, 4, (), estimated, {"color": Grades(400, 801)}),)) == []


def test_figures_are_told_in_three_digits_half_up():
    assert [spoken(n) for n in (0, 999, 1000, 1004, 1005, 123_456, 123_500, 999_500, None)] == [
        *(0, 999, 1000, 1000, 1010, 123_000, 124_000, 1_000_000, None)
    ]


masses = st.one_of(st.just(0), st.integers(1, 50))
by_reporter = st.one_of(st.just({}), st.fixed_dictionaries({f"m{n}": masses for n in range(7)}))


@st.composite
def grids(draw):
    rows = [f"r{n}" for n in range(draw(st.integers(1, 4)))]
    cols = [f"c{n}" for n in range(draw(st.integers(1, 4)))]
    return rows, cols, {(row, col): draw(by_reporter) for row in rows for col in cols}


def computable(cell, told: Published):
    """Whether elimination over the published totals leaves this suppressed cell alone in an equation."""
    unknown = [one for one, mass in told.cells.items() if mass is None]
    equations = [
        [Fraction(one[0 if line.is_row else 1] == line.name) for one in unknown]
        for line, total in told.totals.items()
        if total is not None
    ]
    wanted = [Fraction(one == cell) for one in unknown]
    return rank([*equations, wanted]) == rank(equations)


def rank(matrix):
    rows, found = [list(row) for row in matrix], 0
    for place in range(len(rows[0]) if rows else 0):
        pivot = next((n for n in range(found, len(rows)) if rows[n][place]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for n in range(len(rows)):
            if n != found and rows[n][place]:
                times = rows[n][place] / rows[found][place]
                rows[n] = [a - times * b for a, b in zip(rows[n], rows[found], strict=True)]
        found += 1
    return found


@given(grids(), st.booleans(), st.booleans())
def test_no_suppressed_cell_follows_from_what_is_told(grid, row_totals, col_totals):
    rows, cols, cells = grid
    told = sealed(publish(rows, cols, cells, row_totals=row_totals, col_totals=col_totals))
    assert [cell for cell, mass in told.cells.items() if mass is None and computable(cell, told)] == []


def test_a_cell_that_only_several_lines_together_give_away_is_sealed():
    """Two blocks of four suppressed cells, and between them one that each of its lines hides well."""
    cells = {(f"r{n}", f"c{m}"): {"m1": 3} for n, m in [(0, 0), (0, 1), (1, 0), (1, 1)]}
    cells |= {(f"r{n}", f"c{m}"): {"m2": 3} for n, m in [(2, 2), (2, 3), (3, 2), (3, 3)]} | {("r1", "c2"): {"m3": 3}}
    told = {(f"r{n}", f"c{m}"): None if (f"r{n}", f"c{m}") in cells else 0 for n in range(4) for m in range(4)}
    totals = {Line(is_row, f"{'r' if is_row else 'c'}{n}"): 9 for is_row in (True, False) for n in range(4)}
    open_grid = Published(told, totals)
    assert computable(("r1", "c2"), open_grid) and not computable(("r1", "c1"), open_grid)
    assert not computable(("r1", "c2"), sealed(open_grid))


@given(grids(), st.booleans(), st.booleans())
def test_what_is_told_is_exact_and_its_reporters_are_enough(grid, row_totals, col_totals):
    rows, cols, cells = grid
    told = publish(rows, cols, cells, row_totals=row_totals, col_totals=col_totals)
    for cell, mass in told.cells.items():
        assert mass in (None, sum(cells[cell].values()))
        assert not mass or publishable(cells[cell])
        assert mass is not None or sum(cells[cell].values()), "an empty cell is told as nothing at all"
    for line, total in told.totals.items():
        inside = [cell for cell in cells if cell[0 if line.is_row else 1] == line.name]
        if total is not None:
            assert total == sum(sum(cells[cell].values()) for cell in inside)
            hidden = [cell for cell in inside if told.cells[cell] is None]
            together = outcomes._together(cells, hidden)
            assert not hidden or (len(hidden) >= 2 and publishable(together))


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 100), min_size=1))
def test_a_publishable_set_has_five_reporters_none_above_half(by):
    held = [mass for mass in by.values() if mass]
    assert publishable(by) == (len(held) >= 5 and 2 * max(held) <= sum(held))


def test_a_comparison_is_shown_only_to_who_has_a_part_in_it():
    by = dict.fromkeys(("m1", "m2", "m3", "m4", "m5"), 10)
    value = {"m1": 4100, "m2": 3900, "m3": 4001, "m4": 3800, "m5": 4200, "m6": 1}
    assert outcomes.benchmark("m1", by, value) == (4100, 3951)
    assert outcomes.benchmark("m6", by, value) is None
