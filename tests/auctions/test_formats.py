"""The formats of a sale: what staff set is what the document says, what the engine reads, and what a page tells."""

import re

import pytest

from pavilion.auctions import formats, ruleset
from pavilion.auctions.entities import entities
from pavilion.auctions.forms import SaleSettings, read_settings, settings_of
from pavilion.auctions.models import Sale
from pavilion.auctions.queries import plan_of, running_sales
from pavilion.auctions.rules import Code, SaleFacts, sale_findings
from pavilion.auctions.typed import typed_settings, usual_settings
from pavilion.bidding.closing import judge_schedule
from pavilion.bidding.ruleset import parse_rules
from pavilion.kernel.base64url import base64url
from pavilion.kernel.errors import Refusal
from tests.auctions import world
from tests.auctions.test_pages import house
from tests.bidding.tenders import CUSTODIANS
from tests.make import NOON

__all__ = ["house"]

TERMS = "cd" * 32
ALL = ("timed", "clerked", "tender")
ODD = {
    "hold_results": "yes", "edge_delay_ms": 1500, "close_wait_extend_ms": 250, "outage_min": 11, "outage_span": 601,
    "outage_grant": 602, "limits_required": "no", "limits_fees": "no", "viewing_gate": "150.5", "slip_factor": 9,
    "within_minutes": 14, "before_end_hours": 13, "confirm_factor": 4, "confirm_steps": 11, "passed_offer_days": 6,
    "final_call": 20, "k": 3, "custodians": "\n".join(CUSTODIANS), "replace": "highest", "withdraw": "no",
    "price_rule": "second", "min_bidders": 2, "final_top": 4, "final_within": "7.5", "final_hours": 48,
}  # fmt: skip


def typed(**changes):
    said = usual_settings() | {
        "title_en": "Spectral", "opens_at": "2026-03-02T14:00:00", "first_close_at": "2026-03-09T14:00:00",
    } | changes  # fmt: skip
    return typed_settings({name: str(value) for name, value in said.items()})


def sale(**changes):
    said = typed(**changes)
    assert said.faults == {}
    return Sale(**said.values, breaks=[], version=1)


def findings(row):
    facts = SaleFacts(
        row.title_en, "光谱", "x", "x", row.opens_at, row.first_close_at, row.increments, row.premium["bands"],
        row.soft_close, row.stagger_s, row.stagger_per, row.breaks, row.type, row.options,
    )  # fmt: skip
    return [(found.code, found.fact) for found in sale_findings(facts, 3, NOON)]


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("odd", [{}, ODD])
def test_what_staff_set_is_what_the_engine_reads(form, odd):
    keys = {"custodians": "\n".join(CUSTODIANS)} if form == "tender" else {}
    row = sale(format=form, **(odd | keys))
    doc = ruleset.document(row, TERMS)
    rules = parse_rules(doc)
    assert rules.format == form and doc["openings"] == "losing"
    assert (rules.clerked is not None, rules.tender is not None) == (form == "clerked", form == "tender")
    if odd:
        assert rules.hold_results and rules.edge_delay == 1_500_000 and rules.passed_offer_days == 6
        assert rules.viewing_gate.gate_bp == 15_050 and rules.viewing_gate.lots == "all"
        assert (rules.limits_required, rules.limits_include_fees) == (False, False)
        assert (rules.retraction.slip_factor, rules.jump_confirm.steps) == (9, 11)
        assert rules.outage.grant == 602_000_000
    if odd and form == "tender":
        assert (rules.tender.k, rules.tender.custodians) == (3, CUSTODIANS)
        assert (rules.tender.replace, rules.tender.withdraw, rules.tender.price_rule) == ("highest", False, "second")
        assert tuple(vars_of(rules.tender.best_and_final)) == (4, 750, 48)
    if odd and form == "clerked":
        assert rules.clerked.final_call == 20_000_000


def vars_of(final):
    return final.top, final.within_bp, final.hours


@pytest.mark.parametrize("form", [*ALL, "collection"])
def test_a_form_that_is_shown_and_sent_back_changes_nothing(form):
    row = sale(format=form, **ODD)
    shown = settings_of(row)
    assert set(shown) == set(SaleSettings.model_fields)
    said = SaleSettings.model_validate({name: str(value) for name, value in shown.items()})
    values, faults = read_settings(said, entities())
    assert faults == {} and values == {name: getattr(row, name) for name in values}


def test_a_sale_with_usual_options_remembers_none_and_its_rules_are_those_of_before():
    row = sale()
    assert row.options is None and row.type == "timed"
    doc = ruleset.document(row, TERMS)
    assert doc["retraction"] == {"slip_factor": 10, "within_minutes": 15, "before_end_hours": 12}
    assert "clerked" not in doc and "tender" not in doc and doc["format"] == "timed"


def test_an_option_of_another_format_is_not_kept():
    assert sale(format="timed", **ODD).options.keys() & {"tender", "clerked"} == set()


def test_lots_move_together_only_where_all_end_together():
    apart, together = sale(scope="group"), sale(scope="group", stagger_s=0)
    assert (Code.CLOSE_MISSING, "ends_differ") in findings(apart) and findings(together) == []
    for row, fault in ((apart, "group_ends_differ"), (together, None)):
        rules = parse_rules(ruleset.document(row, TERMS))
        assert judge_schedule(rules.stagger, rules.soft_close, 3) == fault


def test_a_clerked_sale_has_an_order_and_no_plan_of_ends():
    row = sale(format="clerked", stagger_s=90, scope="group", hard_end="2026-03-09T14:00:01")
    assert findings(row) == [] and row.soft_close["hard_end"] is None


def test_all_lots_of_a_tender_end_together_whatever_was_typed():
    row = sale(format="tender", stagger_s=60, stagger_per=4, custodians="\n".join(CUSTODIANS))
    assert (row.stagger_s, row.stagger_per) == (0, 1) and findings(row) == []
    assert "soft_close" not in ruleset.document(row, TERMS)


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"custodians": ""}, "custodians_missing"),
        ({"custodians": CUSTODIANS[0]}, "custodians_missing"),
        ({"k": 4}, "custodians_fewer"),
        ({"k": 1}, "custodians_fewer"),
    ],
)
def test_a_tender_that_nobody_could_open_is_not_ready(changes, fact):
    row = sale(**({"format": "tender", "custodians": "\n".join(CUSTODIANS)} | changes))
    assert (Code.RULES_MISSING, fact) in findings(row)


def test_a_plain_tender_has_no_custodians():
    row = sale(format="tender", sealed="no", custodians="\n".join(CUSTODIANS))
    assert row.options["tender"]["custodians"] == [] and findings(row) == []
    told = parse_rules(ruleset.document(row, TERMS, CUSTODIANS[0])).tender
    assert (told.sealed, told.k, told.custodians) == (False, 1, (CUSTODIANS[0],))


def test_a_second_round_invites_at_least_two():
    row = sale(format="tender", custodians="\n".join(CUSTODIANS), final_top="1")
    assert findings(row) == [(Code.RULES_MISSING, "tender_final")]
    assert findings(sale(format="tender", custodians="\n".join(CUSTODIANS), final_top="3")) == []


def off_curve():
    return base64url(b"\x04" + bytes(31) + b"\x05" + bytes(31) + b"\x01")


@pytest.mark.parametrize(
    "text",
    ["x", CUSTODIANS[0] + "\n" + CUSTODIANS[0], CUSTODIANS[0][:-1], off_curve(), CUSTODIANS[0] + "=",
     "\n".join(f"{n}" for n in range(13))],
)  # fmt: skip
def test_a_line_that_is_no_key_is_said_at_its_field(text):
    assert typed(format="tender", custodians=text).faults == {"custodians": "keys_unread"}


def test_the_curve_knows_its_own_generator_and_no_other_spelling_of_it():
    x = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
    y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
    point = base64url(b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))
    assert formats.is_public_key(point) and all(map(formats.is_public_key, CUSTODIANS))
    last = point[:-1] + chr(ord(point[-1]) + 1)
    assert not formats.is_public_key(last)


@pytest.mark.parametrize(
    "changes",
    [{"format": "dance"}, {"k": 99}, {"outage_min": 0}, {"edge_delay_ms": "-1"}, {"sealed": "maybe"},
     {"final_call": 0}, {"min_bidders": 0}, {"scope": "lots"}],
)  # fmt: skip
def test_rubbish_in_an_option_is_said_at_its_field(changes):
    assert typed(**changes).faults == dict.fromkeys(changes, "bad_input")


@pytest.mark.parametrize("gate", ["0", "-5", "x", "100000000"])
def test_a_gate_that_is_no_percentage_is_said_at_its_field(gate):
    assert typed(viewing_gate=gate).faults == {"viewing_gate": "percent_invalid"}


# -- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("form", ALL)
async def test_every_member_of_the_rules_is_told_in_words(house, lang, form):
    made = await world.build(house.sessions, 1)
    values = typed(format=form, **(ODD | {"final_top": 0})).values
    number = await world.draft(house.sessions, made, **(values | {"title_zh": "光谱", "text_en": "x", "text_zh": "x"}))
    staff, anyone = await house.browser("noor@pavilion.example", lang), await house.browser(None, lang)
    assert (await anyone.get(f"/sales/{number}/rules")).status_code == 404
    draft = (await staff.get(f"/staff/sales/{number}/rules")).text
    await world.decide(house.sessions, await world.proposed(house.sessions, made, number), made.lead)
    public = (await anyone.get(f"/sales/{number}/rules")).text
    row = await house.first(world.select(Sale).where(Sale.public_id == number))
    for text in (draft, public):
        assert sorted(re.findall(r'data-rule="(\w+)"', text)) == sorted(row.rules)
    assert row.rules_hash in public and row.rules_hash not in draft


async def test_a_draft_without_times_says_when_its_rules_can_be_read(house):
    made = await world.build(house.sessions, 1)
    number = await world.draft(house.sessions, made, opens_at=None)
    staff = await house.browser("noor@pavilion.example")
    assert "can be read once" in (await staff.get(f"/staff/sales/{number}/rules")).text


async def test_a_tender_is_set_up_on_the_page_without_script(house):
    made = await world.build(house.sessions, 1)
    number = await world.draft(house.sessions, made)
    staff = await house.browser("noor@pavilion.example")
    row = await house.first(world.select(Sale).where(Sale.public_id == number))
    form = settings_of(row) | {"format": "tender", "custodians": "not a key"}
    wrong = await staff.post(f"/staff/sales/{number}/settings", data=form)
    assert wrong.status_code == 422 and "A line is not a custodian" in wrong.text
    done = await staff.post(f"/staff/sales/{number}/settings", data=form | {"custodians": "\r\n".join(CUSTODIANS)})
    assert done.status_code == 303
    row = await house.first(world.select(Sale).where(Sale.public_id == number))
    assert row.type == "tender" and row.options["tender"]["custodians"] == list(CUSTODIANS)
    board = (await staff.get(f"/staff/sales/{number}")).text
    assert "Sealed tender" in board and "any 2 of them together can open" in board and "Second round" in board
    assert not [word for word in ("Soft close", "Stagger", "First close") if word in board]


async def test_a_collection_is_published_without_rules_and_shows_its_prices(house):
    made = await world.build(house.sessions, 2)
    number = await world.draft(house.sessions, made, type="collection", increments=[], first_close_at=None)
    anyone, buyer = await house.browser(), await world.buyer(house.sessions)
    assert (await anyone.get(f"/collections/{number}")).status_code == 404
    curator = await house.browser("noor@pavilion.example")
    lot = (await world.order(house.sessions, number))[0]
    form = (await curator.get(f"/staff/sales/{number}/lots/{lot}")).text
    assert 'name="price"' in form and 'name="low"' not in form and "Closes" not in form
    said = dict(re.findall(r'name="(version|number|title_en|title_zh)"[^>]*? value="([^"]*)"', form))
    path = f"/staff/sales/{number}/lots/{lot}"
    assert (await curator.post(path, data=said | {"price": "dear"})).status_code == 422
    assert (await curator.post(path, data=said | {"price": ""})).status_code == 303
    board = (await curator.get(f"/staff/sales/{number}")).text
    assert "Price missing" in board
    assert not [word for word in ("Estimate", "Soft close", "Stagger", "First close") if word in board]
    version = re.search(r'name="version" value="(\d+)"', (await curator.get(path)).text)
    assert version is not None
    sent = await curator.post(
        path, data=said | {"price": "4,000", "text_en": "From one old collection", "version": version[1]}
    )
    assert sent.status_code == 303 and "Price missing" not in (await curator.get(f"/staff/sales/{number}")).text
    await world.decide(house.sessions, await world.proposed(house.sessions, made, number), made.lead)
    row = await house.first(world.select(Sale).where(Sale.public_id == number))
    assert (row.state, row.rules, row.rules_hash) == ("published", None, None)
    shown = (await anyone.get(f"/collections/{number}")).text
    assert shown.count("</abbr>4,000</span>") == 2 and "On offer from" in shown
    assert shown.count("From one old collection") == 1, "a lot's own words stand beside its price"
    assert f"/collections/{number}" in (await anyone.get("/sales")).text
    assert (await anyone.get(f"/sales/{number}/rules")).status_code == 404
    async with house.sessions() as session:
        assert await running_sales(session) == [] and await plan_of(session, number) is None
    with pytest.raises(Refusal):
        await world.applied(house.sessions, number, buyer)
