import copy
import json

import pytest

from pavilion.bidding.ruleset import parse_rules

RULES = json.loads("""
{"v":1,"format":"timed","currency":"USD","zone":"Europe/Brussels","opens_at":"2026-03-02T10:00:00.000000Z",
 "increments":[[0,5000],[100000,10000],[200000,25000],[500000,50000],[1000000,100000]],"mode":"add",
 "reserve_rule":"jump","reserve_publish":"at_record",
 "soft_close":{"window":120,"extension":120,"mode":"reset","scope":"lot","hard_end":null},
 "stagger":{"first":"2026-03-09T14:00:00.000000Z","interval":60,"per":1,"breaks":[]},"hold_results":false,
 "edge_delay_ms":2000,"close_wait_extend_ms":500,
 "outage":{"min":10,"span":600,"grant":600},
 "premium":{"bands":[[null,2500]],"early_bands":null,"early_before_hours":48},
 "limits":{"required":true,"include_fees":true},
 "viewing_gate":null,
 "retraction":{"slip_factor":10,"within_minutes":15,"before_end_hours":12},
 "jump_confirm":{"factor":3,"steps":10},
 "openings":"losing","passed_offer_days":5,
 "terms":"abababababababababababababababababababababababababababababababab"}
""")


def test_the_default_rules_are_read():
    rules = parse_rules(RULES)
    assert rules.soft_close.window == 120_000_000 and rules.edge_delay == 2_000_000
    assert rules.stagger.end(3) == rules.stagger.first + 180_000_000
    assert rules.premium_bands == ((None, 2500),) and rules.jump_confirm.factor == 3


FAULTS = [
    ("v", 2), ("format", "dutch"), ("format", ["timed"]),
    ("currency", "XXX"), ("currency", ["USD"]), ("zone", "../etc"), ("mode", "up"),
    ("opens_at", "2026-03-02T10:00:00Z"), ("opens_at", "2026-13-02T10:00:00.000000Z"), ("opens_at", 7),
    ("opens_at", "2026-03-09T14:00:00.000000Z"),
    ("increments", []), ("increments", [[0, 0]]), ("increments", [[0, 5], [5, 4]]), ("increments", [[0, True]]),
    ("increments", [[0, 5.0]]), ("increments", {"0": 5}), ("reserve_rule", "dutch"), ("hold_results", 0),
    ("edge_delay_ms", -1), ("edge_delay_ms", 1.5), ("terms", "AB" * 32), ("openings", "all"),
    ("soft_close.window", 86_401), ("soft_close.extension", 0), ("soft_close.scope", "room"),
    ("soft_close.hard_end", "2026-03-09T13:59:59.999999Z"), ("soft_close.surprise", 1),
    ("stagger.per", 0), ("stagger.breaks", [[2, 60], [2, 60]]), ("stagger.first", None),
    ("premium.bands", []), ("premium.bands", [[None, 2500], [None, 1]]), ("premium.bands", [[100, 2500]]),
    ("premium.bands", [[200, 1], [100, 1], [None, 1]]), ("premium.bands", [[None, 10_001]]),
    ("limits.required", None), ("viewing_gate", {"gate_bp": 1}), ("viewing_gate", {"gate_bp": 1, "lots": [1]}),
    ("retraction", 5), ("jump_confirm.factor", "3"), ("outage.min", -1), ("passed_offer_days", 366), ("extra", 1),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), FAULTS)
def test_a_wrong_member_is_named(path, value):
    doc = copy.deepcopy(RULES)
    *owners, name = path.split(".")
    owner = doc[owners[0]] if owners else doc
    owner[name] = value
    with pytest.raises(ValueError, match=name):
        parse_rules(doc)


@pytest.mark.parametrize("member", sorted(RULES))
def test_a_missing_member_is_named(member):
    with pytest.raises(ValueError, match=member):
        parse_rules({name: value for name, value in RULES.items() if name != member})


@pytest.mark.parametrize("doc", [None, [], "rules", 3])
def test_what_is_no_object_is_no_rule_set(doc):
    with pytest.raises(ValueError, match="rules"):
        parse_rules(doc)


@pytest.mark.parametrize(
    "member", ["soft_close", "stagger", "premium", "limits", "outage", "retraction", "jump_confirm"]
)
def test_a_surprise_inside_a_member_is_named(member):
    doc = copy.deepcopy(RULES)
    doc[member]["surprise"] = 1
    with pytest.raises(ValueError, match="surprise"):
        parse_rules(doc)


def test_what_a_new_sale_starts_from_is_a_rule_set():
    from datetime import UTC, datetime
    from types import SimpleNamespace

    from pavilion.auctions import ruleset

    sale = SimpleNamespace(
        currency="USD",
        zone="Europe/Brussels",
        opens_at=datetime(2026, 3, 2, 10, tzinfo=UTC),
        first_close_at=datetime(2026, 3, 9, 14, tzinfo=UTC),
        stagger_s=60,
        stagger_per=1,
        breaks=[[2, 600]],
        increments=ruleset.INCREMENTS,
        mode="add",
        soft_close=ruleset.SOFT_CLOSE,
        premium=ruleset.PREMIUM,
        reserve_rule="jump",
        type="timed",
        options=None,
    )
    rules = parse_rules(ruleset.document(sale, "ab" * 32))
    assert rules.stagger.end(2) - rules.stagger.end(1) == 660_000_000


POINTS = ["B" + letter * 86 for letter in "abc"]
TENDER = {
    "sealed": True, "k": 2, "custodians": POINTS, "replace": "latest", "withdraw": True, "price_rule": "first",
    "min_bidders": 1, "best_and_final": {"top": 3, "within_bp": 500, "hours": 24},
}  # fmt: skip


def _tender(**other):
    doc = {name: value for name, value in copy.deepcopy(RULES).items() if name != "soft_close"}
    doc["stagger"] |= {"interval": 0}
    return doc | {"format": "tender", "tender": copy.deepcopy(TENDER) | other}


def test_a_clerked_sale_says_how_long_the_final_call_is():
    rules = parse_rules(RULES | {"format": "clerked", "clerked": {"final_call": 10}})
    assert rules.format == "clerked" and rules.clerked and rules.clerked.final_call == 10_000_000
    for wrong in ({"final_call": 0}, {"final_call": 10, "surprise": 1}, None):
        with pytest.raises(ValueError, match=r"final_call|surprise|clerked"):
            parse_rules(RULES | {"format": "clerked", "clerked": wrong})


def test_a_tender_has_custodians_and_no_soft_close():
    rules = parse_rules(_tender())
    assert rules.tender and rules.tender.k == 2 and len(rules.tender.custodians) == 3 and rules.clerked is None
    assert rules.tender.best_and_final and rules.tender.best_and_final.top == 3 and rules.soft_close.window == 0
    with pytest.raises(ValueError, match="soft_close"):
        parse_rules(_tender() | {"soft_close": RULES["soft_close"]})
    with pytest.raises(ValueError, match="stagger"):
        parse_rules(_tender() | {"stagger": RULES["stagger"]})


def test_a_tender_that_is_not_sealed_names_the_houses_key_alone():
    rules = parse_rules(_tender(sealed=False, k=1, custodians=POINTS[:1]))
    assert rules.tender and not rules.tender.sealed
    for k, keys in ((0, []), (1, POINTS[:2]), (0, POINTS[:1])):
        with pytest.raises(ValueError, match=r"custodians|k:"):
            parse_rules(_tender(sealed=False, k=k, custodians=keys))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("k", 1), ("k", 4), ("custodians", []), ("custodians", [*POINTS, POINTS[0]]), ("custodians", ["A" * 87]),
        ("custodians", {"a": 1}), ("replace", "first"), ("withdraw", 1), ("price_rule", "third"), ("min_bidders", 0),
        ("best_and_final", {"top": 0, "within_bp": 1, "hours": 24}), ("best_and_final", {"top": 1, "within_bp": 1}),
    ],
)  # fmt: skip
def test_a_wrong_member_of_a_tender_is_named(member, value):
    with pytest.raises(ValueError, match=r"k:|custodians|replace|withdraw|price_rule|min_bidders|top|hours"):
        parse_rules(_tender(**{member: value}))
