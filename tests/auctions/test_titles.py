"""The first title of a lot names what it is, in both languages."""

import pytest

from pavilion.auctions.titles import title_of
from pavilion.catalogue.models import Stone

RUBY = {"species": "corundum", "variety": "ruby", "shape": "cushion", "weight_mct": 2110, "color": "Red"}


@pytest.mark.parametrize(
    ("facts", "en", "zh"),
    [
        (RUBY, "2.11 ct ruby, cushion", "红宝石\u00a0· 枕形\u00a0· 2.11\u00a0克拉"),
        (
            RUBY | {"species": "beryl", "variety": "emerald", "shape": "emerald"},
            "2.11 ct emerald, emerald cut",
            "祖母绿\u00a0· 祖母绿形\u00a0· 2.11\u00a0克拉",
        ),
        (RUBY | {"variety": None}, "2.11 ct corundum, cushion", "刚玉\u00a0· 枕形\u00a0· 2.11\u00a0克拉"),
        (
            {"species": "diamond", "shape": "round", "weight_mct": 1010, "color": "G", "clarity": "VS1"},
            "1.01 ct G round, VS1",
            "圆形\u00a0· 1.01\u00a0克拉\u00a0· G\u00a0色\u00a0· VS1",
        ),
    ],
)
def test_a_coloured_stone_is_called_by_its_gem(facts, en, zh):
    stone = Stone(**facts)
    assert (title_of([stone], "en"), title_of([stone], "zh")) == (en, zh)


def test_several_stones_of_one_gem_name_it():
    two = [Stone(**RUBY), Stone(**RUBY)]
    assert title_of(two, "en") == "2 cushion stones, ruby, 4.22 ct together"
    assert title_of(two, "zh") == "2 颗枕形红宝石，共 4.22\u00a0克拉"
    mixed = [Stone(**RUBY), Stone(**RUBY | {"variety": "sapphire"})]
    assert title_of(mixed, "en") == "2 cushion stones, 4.22 ct together"
