"""Every text that staff write is looked through for wordings that a natural catalogue may not use."""

import pytest

from pavilion.provenance.tables import shipped
from pavilion.provenance.words import Wording, lint, refused_wordings


def test_a_plain_description_is_left_alone():
    assert lint("A natural diamond of 1.01 ct, G, VS1, laboratory report enclosed.", "en") == []
    assert lint("天然钻石，1.01 克拉，G 色。", "zh") == []


def test_a_wording_never_used_is_found_where_it_stands_with_the_permitted_one():
    text = "Not a Lab Grown stone"
    assert lint(text, "en") == [Wording(6, 15, "NM-02", "wording_never", "Lab Grown", "laboratory-grown")]
    assert lint(text, "zh")[0].suggestion == "实验室培育"


@pytest.mark.parametrize("text", ["synthetic", "Simulants", "laboratory-created", "实验室培育", "培育钻", "合成钻石"])
def test_a_qualified_word_contradicts_the_natural_catalogue(text):
    (found,) = lint(f"x {text}。", "en")
    assert (found.code, found.found, found.suggestion) == ("wording_not_natural", text, "")


@pytest.mark.parametrize(
    "text", ["人造钻石", "人工钻石", "养殖钻石", "cultured diamond", "syn-diamonds", "lab diamond"]
)
def test_what_is_never_used_has_no_way_round(text):
    assert [found.code for found in lint(text, "zh")] == ["wording_never"]


def test_a_word_inside_another_is_another_word():
    assert lint("photosynthetical, collaboratory-grownups", "en") == []


@pytest.mark.parametrize(
    ("text", "span"),
    [("l\u200bab gro\u2060wn", (0, 11)), ("a ｌａｂ－ｇｒｏｗｎ b", (2, 11)), ("人\u00ad造钻石", (0, 5))],
)
def test_a_disguise_is_folded_and_the_place_is_the_typed_one(text, span):
    (found,) = lint(text, "en")
    assert (found.start, found.end) == span
    assert found.found == text[slice(*span)]


def test_flawless_belongs_to_two_grades():
    assert lint("A flawless stone, 无瑕", "en", "IF") == []
    assert [one.suggestion for one in lint("A flawless stone, 无瑕", "en", "VS1")] == ["VS1", "VS1"]
    assert [one.code for one in lint("flawless", "en")] == ["wording_clarity"]


def test_every_place_is_told_once_in_order_of_the_text():
    found = lint("synthetic, lab-grown, synthetic", "en")
    assert [(one.start, one.found) for one in found] == [(0, "synthetic"), (11, "lab-grown"), (22, "synthetic")]


@pytest.mark.parametrize("text", ["Lab grown", "无瑕", "人造钻石", "plain words", "l\u200bab-diamonds"])
def test_the_linter_finds_exactly_what_the_rule_holds(text):
    assert bool(lint(text, "en")) == bool(list(refused_wordings(shipped().words, {"en": text}, None)))
