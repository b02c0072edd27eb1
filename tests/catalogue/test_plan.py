"""Drawn plans: every facet comes from planes, every stone has a picture, equal stones share one."""

import xml.etree.ElementTree as ET

import pytest

from pavilion.catalogue import plan
from pavilion.catalogue.cuts import CUTS, facets
from pavilion.catalogue.models import Stone
from pavilion.catalogue.nomenclature import nomenclature
from tests.catalogue import stones


def a_stone(**changes):
    return Stone(**({"species": "diamond"} | stones.row(ratio=100, **changes)))


@pytest.mark.parametrize(("shape", "crown", "pavilion"), [("round", 33, 24), ("cushion", 33, 24), ("emerald", 25, 20)])
def test_cuts_have_the_facets_of_their_kind(shape, crown, pavilion):
    drawn = plan.standard(shape)
    assert (plan.facet_count(drawn, "crown"), plan.facet_count(drawn, "pavilion")) == (crown, pavilion)


@pytest.mark.parametrize("shape", nomenclature().codes["shape"])
@pytest.mark.parametrize("view", plan.VIEWS)
def test_every_shape_of_the_trade_is_drawn_in_every_view(shape, view):
    drawn = plan.plan_of(a_stone(shape=shape))
    root = ET.fromstring(plan.picture(drawn, view, plan.proportions_of(a_stone())))
    paths = [element for element in root.iter() if element.tag.endswith("path")]
    assert paths and all("nan" not in element.attrib["d"] for element in paths)


@pytest.mark.parametrize("shape", sorted(CUTS))
def test_a_cut_stays_within_its_box_and_has_a_crown(shape):
    cut = CUTS[shape]
    corners = [corner for facet in facets(cut.family, cut.ratio, cut.table) for corner in facet.corners]
    assert 0.05 < max(corner[2] for corner in corners) < 0.6
    assert all(abs(corner[0]) <= 1.01 and abs(corner[1]) <= 1.01 for corner in corners)


def test_like_stones_share_a_picture_and_its_name_reads_back():
    one, two = plan.plan_of(a_stone(table_pct=5700)), plan.plan_of(a_stone(table_pct=5740, weight_mct=3000))
    assert one == two == plan.named(one.name)


@pytest.mark.parametrize(
    "name", ["round-101-57-white1", "round-100-99-white1", "round-400-57-white1", "x", "round-100-57-mauve1", "../etc"]
)
def test_only_so_many_pictures_exist(name):
    assert plan.named(name) is None


def test_a_measured_stone_is_drawn_to_its_angles_and_another_to_the_standard():
    steep = plan.proportions_of(a_stone(crown_angle=3900, pavilion_angle=4200))
    flat = plan.proportions_of(a_stone(crown_angle=3000, pavilion_angle=4000))
    bare = plan.proportions_of(a_stone(crown_angle=None, pavilion_angle=None))
    drawn = plan.standard("round")
    assert steep.measured and not bare.measured
    assert len({plan.profile(drawn, shown) for shown in (steep, flat, bare)}) == 3


@pytest.mark.parametrize(
    ("changes", "hue"),
    [
        ({}, "white"),
        ({"fancy_color": "pink", "fancy_intensity": "fancy_vivid"}, "pink"),
        ({"species": "corundum", "variety": "ruby"}, "ruby"),
    ],
)
def test_the_face_has_the_colour_of_the_stone(changes, hue):
    assert plan.plan_of(a_stone(**changes)).hue == hue
