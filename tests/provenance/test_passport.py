"""What a passport says, and above all what it does not say."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pavilion.kernel.canon import canonical
from pavilion.provenance import contexts, passport, passport_facts, proofs
from pavilion.provenance.passport import House, Place
from pavilion.provenance.passport_facts import Known, Step
from tests.provenance import issued

EXAMPLE = json.loads((Path(__file__).parents[1] / "vectors" / "passport-example.json").read_text())["passport"]
HOUSE = House("https://pavilion.example", "did:web:pavilion.example", "Pavilion", "pavilion.example/origin")
AT = datetime(2026, 4, 1, tzinfo=UTC)
PLACE = Place(3, 1, 4711, 152)


def known(events=None, **changes) -> Known:
    chain = issued.chain() if events is None else events
    steps = [Step(event["t"], event, f"{n:064x}", 100 + n, f"{n:064x}") for n, event in enumerate(chain)]
    verdict = {"verdict": "verified", "grade": "B", "as_of": "2026-04-01", "ruleset": "origin-1", "findings": []}
    claim = issued.claim(stone="01KJ8Q3V5W9X7Y2Z4A6B8C0D1E")
    return replace(Known(claim, steps, verdict, "ab" * 32), **changes)


def document(facts: Known) -> dict:
    return passport.document_of(HOUSE, facts, passport.content_of(facts), PLACE, AT)


def shape(value: object) -> object:
    """The names and kinds of a document, lists by their first member; what may be absent is compared apart."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_a_passport_has_the_shape_of_the_example():
    made, example = document(known()), proofs.unproved(EXAMPLE)
    subject, theirs = made["credentialSubject"], example["credentialSubject"]
    for name in ("@context", "type", "issuer", "credentialStatus", "renderMethod"):
        assert made[name] == example[name]
    assert made.keys() == example.keys() and subject.keys() == theirs.keys()
    assert (made["id"], made["validFrom"], made["validUntil"]) == (
        example["id"],
        example["validFrom"],
        example["validUntil"],
    )
    assert shape(subject["conformityClaim"]) == shape(theirs["conformityClaim"])
    assert shape(subject["traceabilityInformation"]) == shape(theirs["traceabilityInformation"])
    assert shape(subject["stone:events"]) == shape(theirs["stone:events"])
    assert subject["stone:log"] == theirs["stone:log"]
    assert subject["stone:origin"].keys() == theirs["stone:origin"].keys()
    assert subject["stone:reports"][0].keys() == theirs["stone:reports"][0].keys()
    ours, product = subject["product"], theirs["product"]
    assert product.keys() - ours.keys() == {"producedByParty"}  # its cutter did not agree to be named
    assert ours["name"] == product["name"] == "Natural diamond, round brilliant, 1.01 ct, G, VS1"
    assert shape(ours["productCategory"]) == shape(product["productCategory"])
    contexts.check(made)


def test_a_passport_holds_whole_numbers_and_texts_only_and_is_the_same_every_time():
    def walk(value):
        if isinstance(value, dict):
            for part in value.values():
                yield from walk(part)
        elif isinstance(value, list):
            for part in value:
                yield from walk(part)
        else:
            yield value

    assert {type(value) for value in walk(document(known()))} <= {str, int, type(None)}
    assert canonical(document(known())) == canonical(document(known()))


def test_nothing_that_only_some_may_see_stands_in_it():
    text = canonical(document(known())).decode()
    chain = issued.chain()
    for event in chain:
        for name in ("invoice", "sow", "kp_no", "plant", "parcel", "licence", "geo", "buyer", "to"):
            if isinstance(event.get(name), str):
                assert f'"{event[name]}"' not in text, name
    certificate = issued.event_of(chain, "KP_EXPORT")["kp"]
    assert certificate["no"] not in text and certificate["importer"] not in text
    for kind in ("SOLD_ROUGH", "SOLD", "SORTED", "PLANNED", "TRANSFERRED", "VIEWED", "LISTED"):
        assert f'"{kind}"' not in text


def cutting(**cutter) -> Known:
    events = issued.chain()
    event = issued.event_of(events, "POLISHED")
    event["cutter"], event["plant"] = {"name": "A. Peeters", "years": 27, **cutter}, "Scheldt Diamond Works, Antwerp"
    return known(events)


def test_a_cutter_is_told_by_initials_unless_it_agreed():
    silent, agreed = document(cutting()), document(cutting(consent="name"))
    told = silent["credentialSubject"]["stone:origin"]["cutter"]
    assert told == {"displayName": "A. P.", "years": 27, "consent": "initials"}
    assert "Peeters" not in canonical(silent).decode() and "Scheldt" not in canonical(silent).decode()
    named = agreed["credentialSubject"]
    assert named["stone:origin"]["cutter"] == {"displayName": "A. Peeters", "years": 27, "consent": "name"}
    assert named["product"]["producedByParty"]["name"] == "Scheldt Diamond Works, Antwerp"
    assert [passport_facts.initials(name) for name in ("陈明", "L. De Smet")] == ["陈.", "L. D. S."]


def test_a_mine_is_told_by_country_and_region_unless_its_owner_says_more():
    events = issued.chain()
    mined = issued.event_of(events, "MINED")
    mined |= {"mine": "Khwebe Ridge", "region": "Central District", "geo": {"lat": "-21.3", "lon": "25.4"}}
    mine = document(known(events))["credentialSubject"]["stone:origin"]["mine"]
    assert (mine["country"], mine["region"], mine["name"]) == (mined["cc"], "Central District", None)
    mined["mine_public"] = True
    told = canonical(document(known(events))).decode()
    assert "Khwebe Ridge" in told and "25.4" not in told


def test_the_facts_hash_leaves_out_the_day_of_judging_and_what_owners_add():
    facts = known()
    first = passport.facts_hash_of(document(facts))
    later = replace(facts, verdict={**facts.verdict, "as_of": "2027-01-01"}, verdict_sha256="cd" * 32)
    held = {"since": "2026-03-05", "digest": "sha256:1"}
    presented = replace(facts, presented=[{"digest": "sha256:1", "displayName": "J"}], held=held)
    assert passport.facts_hash_of(document(later)) == passport.facts_hash_of(document(presented)) == first
    worse = replace(facts, verdict={**facts.verdict, "grade": "A"})
    assert passport.facts_hash_of(document(worse)) != first
    assert len(first) == 64 and int(first, 16)


@pytest.mark.parametrize(
    ("change", "new"),
    [
        ({"verdict_sha256": "cd" * 32}, False),
        ({"presented": [{"digest": "sha256:1"}]}, True),
        ({"held": {"since": "2026-03-05", "digest": "sha256:1"}}, True),
        ({"references": [{"kind": "sustainability-certificate"}]}, True),
        ({"weakest": {"place": 0, "kind": "MINED", "evidence": "attested"}}, True),
    ],
)
def test_a_new_version_is_due_exactly_when_something_told_changes(change, new):
    facts = known()
    before = passport.content_hash(passport.content_of(facts))
    assert (passport.content_hash(passport.content_of(replace(facts, **change))) != before) is new


def test_the_weakest_link_is_named_with_its_place_in_the_log_if_it_is_public():
    public = known(weakest={"place": 0, "kind": "MINED", "evidence": "declared"})
    hidden = known(weakest={"place": 1, "kind": "SORTED", "evidence": "declared"})
    assert passport_facts.origin(public)["weakestLink"] == {"type": "MINED", "index": 100, "evidence": "declared"}
    assert passport_facts.origin(hidden)["weakestLink"] == {"type": "SORTED", "evidence": "declared"}
    assert passport_facts.origin(known())["weakestLink"] is None


def test_the_laboratorys_words_stand_before_the_listings_and_fill_its_gaps():
    events = issued.chain()
    issued.event_of(events, "GRADED")["report"] |= {"polish": "Very Good", "clarity": "VS2", "color": "G"}
    listed = {"weight": "1.01", "color": "G", "clarity": "VS1", "fluorescence": "None"}
    said = passport_facts.characteristics(known(events, claim=issued.claim(listed=listed)))
    assert (said["color"], said["clarity"], said["polish"], said["fluorescence"]) == ("G", "VS2", "Very Good", "None")
    fancy = issued.claim(listed=listed, fancy={"intensity": "Fancy Vivid", "hue": "Yellow"})
    said = passport_facts.characteristics(known(events, claim=fancy))
    assert "color" not in said and said["fancy"] == {"intensity": "Fancy Vivid", "hue": "Yellow"}


def test_names_are_plain_trade_words():
    say = passport_facts.name_of
    fancy = {"species": "diamond", "shape": "CUSHION_MODIFIED", "mass_mct": 2049, "clarity": "IF"}
    assert (
        say({**fancy, "fancy": {"intensity": "Fancy Intense", "hue": "Yellow"}})
        == "Natural diamond, cushion modified, 2.04 ct, Fancy Intense Yellow, IF"
    )
    assert say({"species": "corundum", "variety": "ruby", "shape": "OVAL", "mass_mct": 990}) == (
        "Natural ruby, oval, 0.99 ct"
    )


def test_a_passport_stays_far_below_the_limit():
    assert len(canonical(document(known()))) < 16 * 1024


def test_ten_years_after_a_leap_day_is_a_day_that_exists():
    facts = known()
    made = passport.document_of(HOUSE, facts, passport.content_of(facts), PLACE, datetime(2028, 2, 29, tzinfo=UTC))
    assert made["validUntil"] == "2038-03-01T00:00:00Z"
