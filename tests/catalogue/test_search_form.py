"""What an address may ask, what it may not, and the one spelling of each question."""

import pytest

from pavilion.catalogue import cursors, forms
from pavilion.catalogue.searching import After
from pavilion.catalogue.wanted import Wanted
from tests.catalogue import stones
from tests.luck import Random

SECRET = b"a key for tests"


def ask(query, prices=True, staff=False):
    from urllib.parse import parse_qsl

    return forms.asked(parse_qsl(query, keep_blank_values=True), prices=prices, staff=staff)


def test_an_empty_form_asks_for_everything():
    asked = ask("q=&ct_from=&ct_to=&sort=&cur=")
    assert asked.wanted == Wanted(sort="ppc-")
    assert asked.faults == ()
    assert forms.address(asked.wanted, prices=True) == "/stones"


def test_a_run_of_grades_is_one_word_and_reads_back():
    asked = ask("color=D&color=E&color=F&color=G&color=J&clarity=VS2..FL")
    address = forms.address(asked.wanted, prices=True)
    assert address == "/stones?color=D..G,J&clarity=FL..VS2"
    assert ask(address.partition("?")[2]).wanted == asked.wanted


def test_bounds_are_read_in_the_units_a_dealer_writes():
    wanted = ask("ct_from=0.5&ct_to=3.505&ppc_from=4,000&depth_to=62.4&list_from=-30.5&ratio_from=1.3").wanted
    assert wanted.ranges == {
        "ct": (500, 3505),
        "ppc": (400_000, None),
        "depth": (None, 6240),
        "list": (-3050, None),
        "ratio": (130, None),
    }


def test_bounds_the_wrong_way_round_are_turned():
    assert ask("ct_from=3&ct_to=1").wanted.ranges == {"ct": (1000, 3000)}


def test_yen_have_no_minor_units():
    assert ask("cur=JPY&total_from=150000").wanted.ranges == {"total": (150_000, None)}
    assert ask("cur=JPY&total_from=1500.5").faults == (("total_from", "search_number_unknown"),)


@pytest.mark.parametrize("seed", range(200))
def test_every_question_has_one_address_that_reads_back_as_itself(seed):
    wanted = stones.random_wanted(Random(seed))
    wanted = Wanted(wanted.text.casefold(), wanted.chosen, wanted.ranges, wanted.currency, wanted.sort)
    address = forms.address(wanted, prices=True)
    asked = ask(address.partition("?")[2], staff=True)
    assert asked.faults == ()
    assert forms.address(asked.wanted, prices=True) == address


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("colour=D", ("colour", "search_field_unknown")),
        ("shape=blob", ("shape", "search_value_unknown")),
        ("clarity=VS1..", ("clarity", "search_value_unknown")),
        ("ct_from=abc", ("ct_from", "search_number_unknown")),
        ("ct_from=1e3", ("ct_from", "search_number_unknown")),
        ("ct_from=-1", ("ct_from", "search_number_unknown")),
        ("ct_from=1.2345", ("ct_from", "search_number_unknown")),
        ("ct_from=99999999999999999999", ("ct_from", "search_number_unknown")),
        ("ct_from=١", ("ct_from", "search_number_unknown")),
        ("sort=price", ("sort", "search_value_unknown")),
        ("cur=XXX", ("cur", "search_value_unknown")),
        ("view=map", ("view", "search_value_unknown")),
        ("limit=0", ("limit", "search_number_unknown")),
        ("limit=251", ("limit", "search_number_unknown")),
        ("q=" + "x" * 41, ("q", "search_value_unknown")),
        ("q=" + "x" * 500, ("q", "search_value_unknown")),
        ("q=a%00b", ("q", "search_value_unknown")),
        ("mined=" + "&mined=".join(str(n) for n in range(30)), ("mined", "search_value_unknown")),
    ],
)
def test_rubbish_is_left_out_and_named(query, fault):
    assert ask(query).faults == (fault,)


@pytest.mark.parametrize(
    "query", ["ppc_from=1", "total_to=9", "list_from=-10", "sort=ppc", "sort=list", "sort=position"]
)
def test_nobody_searches_by_prices_without_the_right_to_see_them(query):
    asked = ask(query, prices=False)
    assert asked.wanted.ranges == {} and asked.wanted.sort == "ct-"
    assert asked.faults[0][1] == "search_price_hidden"


def test_a_cursor_opens_only_for_its_own_question_and_key():
    sealed = cursors.sealed(After(-5, 7), "/stones?shape=round", 3, SECRET)
    assert cursors.opened(sealed, "/stones?shape=round", SECRET) == After(-5, 7)
    assert cursors.opened(sealed, "/stones", SECRET) is None
    assert cursors.opened(sealed, "/stones?shape=round", b"another key") is None


@pytest.mark.parametrize("cursor", ["", "x", "ä", "A" * 400, "====", "AAAA.BBBB"])
def test_rubbish_is_no_cursor(cursor):
    assert cursors.opened(cursor, "/stones", SECRET) is None


def test_every_altered_cursor_is_refused():
    sealed = cursors.sealed(After(1, 2), "/stones", 3, SECRET)
    for place in range(len(sealed)):
        altered = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
        opened = cursors.opened(altered, "/stones", SECRET)
        assert opened is None or opened == After(1, 2)  # the last character has spare bits


def test_only_six_public_ids_are_compared():
    ids = [f"01KJQ6PSG0HV0AR049QXJ3GC{n:02}" for n in range(10, 20)]
    assert forms.compared(",".join([*ids, "../x", ids[0]])) == (ids[:6], len(ids) - 6)
    assert forms.compared("") == ([], 0)


def test_a_day_is_asked_as_a_day_and_reads_back():
    asked = ask("since_from=2026-11-01")
    assert asked.wanted.ranges == {"since": (20_758, None)} and not asked.faults
    assert "since_from=2026-11-01" in forms.address(asked.wanted, prices=True)
    for rubbish in ("1", "2026-13-01", "1969-12-31", "20261101"):
        assert ask(f"since_to={rubbish}").faults == (("since_to", "search_number_unknown"),)


def test_the_supplier_is_a_question_of_the_house_alone():
    query = "supplier=01KJQ6PSG0HV0AR049QXJ3GC01"
    assert ask(query).faults == (("supplier", "search_field_unknown"),) and not ask(query).wanted.chosen
    assert ask(query, staff=True).wanted.chosen["supplier"]
