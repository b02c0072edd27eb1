"""The drawn plan of a cut as SVG: crown, pavilion and profile as lines, and the stone face up in its own colour.

View box 120 x 120, half the longer side 54 units. Lines take the colour of the text around them, so that a plan
belongs to the page; the face carries its colours with it, since it is shown as a picture.
"""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from pavilion.catalogue.cuts import CUTS, GIRDLE, OTHER, Cut, Flat, facets, outline
from pavilion.catalogue.models import Stone
from pavilion.catalogue.solids import Facet

VIEWS = ("face", "crown", "small", "pavilion", "profile")
_NAME = re.compile(r"([a-z_]{3,20})-(\d{3})-(\d{2})-([a-z]{2,12})(\d)")
_PLAIN = re.compile(r"\.?0+$")

# Face-up colours as red, green, blue: a pale and a full one; the grade says how far between them a stone lies.
HUES: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "white": ((246, 247, 248), (240, 226, 178)),
    "yellow": ((250, 240, 190), (240, 196, 20)),
    "orange": ((250, 222, 186), (226, 120, 24)),
    "brown": ((232, 214, 196), (120, 74, 40)),
    "pink": ((250, 220, 230), (214, 62, 120)),
    "red": ((240, 180, 180), (166, 16, 36)),
    "purple": ((230, 214, 240), (122, 50, 142)),
    "violet": ((220, 216, 240), (86, 66, 160)),
    "blue": ((214, 226, 240), (40, 84, 156)),
    "green": ((220, 236, 204), (56, 132, 62)),
    "olive": ((222, 222, 186), (112, 112, 40)),
    "gray": ((224, 226, 228), (92, 96, 102)),
    "black": ((120, 122, 126), (30, 30, 34)),
    "ruby": ((240, 150, 160), (176, 12, 52)),
    "sapphire": ((170, 190, 230), (22, 46, 140)),
    "emerald": ((170, 220, 190), (10, 116, 72)),
    "tanzanite": ((190, 186, 232), (62, 52, 160)),
}
_STEPS = 9
_INK = "#444"  # the page's second ink, where the page cannot lend its own
_INTENSITY = {
    "faint": 0, "very_light": 1, "light": 2, "fancy_light": 3, "fancy": 5, "fancy_dark": 7, "fancy_intense": 7,
    "fancy_deep": 9, "fancy_vivid": 9,
}  # fmt: skip
_OF_VARIETY = {
    "ruby": "ruby", "sapphire": "sapphire", "padparadscha": "orange", "emerald": "emerald", "aquamarine": "blue",
    "morganite": "pink", "alexandrite": "green", "cats_eye": "olive", "tsavorite": "green", "demantoid": "green",
    "spessartine": "orange", "paraiba": "blue", "rubellite": "pink", "tanzanite": "tanzanite",
}  # fmt: skip
_PALE = {"aquamarine": 4, "morganite": 4, "padparadscha": 6, "paraiba": 6}
_OF_FANCY = {"white": "white", "chameleon": "olive"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a picture is drawn from. Equal plans are equal pictures, so that one drawing serves many stones."""

    shape: str
    ratio: int  # hundredths, in steps of two
    table: int  # percent
    hue: str
    step: int  # of nine between the pale and the full colour

    @property
    def name(self) -> str:
        return f"{self.shape}-{self.ratio:03}-{self.table}-{self.hue}{self.step}"

    @property
    def cut(self) -> Cut:
        return CUTS.get(self.shape, OTHER)


@dataclass(frozen=True, slots=True)
class Proportions:
    """Percent of the width, in hundredths, and angles; what is not measured is None."""

    table: int | None
    depth: int | None
    crown_angle: int | None
    pavilion_angle: int | None

    @property
    def measured(self) -> bool:
        """Whether the drawing follows the stone's own angles; otherwise it is the standard plan."""
        return self.crown_angle is not None and self.pavilion_angle is not None


def plan_of(stone: Stone) -> Plan:
    cut = CUTS.get(stone.shape, OTHER)
    ratio = cut.ratio if stone.ratio is None or stone.ratio < 106 >= cut.ratio else stone.ratio
    table = cut.table if stone.table_pct is None else min(75, max(45, round(stone.table_pct / 100)))
    hue, step = _tint(stone)
    return Plan(stone.shape, min(300, max(100, ratio // 2 * 2)), table, hue, step)


def proportions_of(stone: Stone) -> Proportions:
    return Proportions(stone.table_pct, stone.depth_pct, stone.crown_angle, stone.pavilion_angle)


def named(name: str) -> Plan | None:
    """The inverse of `Plan.name`; None for anything that is not one, so that only so many pictures exist."""
    if (match := _NAME.fullmatch(name)) is None:
        return None
    shape, ratio, table, hue, step = match[1], int(match[2]), int(match[3]), match[4], int(match[5])
    fits = 100 <= ratio <= 300 and ratio % 2 == 0 and 45 <= table <= 75
    return Plan(shape, ratio, table, hue, step) if fits and shape in CUTS and hue in HUES else None


def standard(shape: str) -> Plan:
    cut = CUTS.get(shape, OTHER)
    return Plan(shape, cut.ratio // 2 * 2, cut.table, "white", 0)


def facet_count(plan: Plan, view: str) -> int:
    """How many facets lie above or below the girdle; both halves of a heart count."""
    side = 1 if view == "crown" else -1
    return len(_polygons(plan, side))


@lru_cache(maxsize=1024)
def lines(plan: Plan, view: str, label: str = "", width: str = "") -> str:
    """Crown or pavilion as an inline drawing; with `width` (`6.44 mm`) the outline is measured below it."""
    shapes = _polygons(plan, 1 if view == "crown" else -1)
    body = "".join(_path(corners) for kind, corners in shapes if kind == "facet")
    table = "".join(
        f'<path class="cut-table" d="{_path(corners)}" stroke-width=".9"/>'
        for kind, corners in shapes
        if kind == "table"
    )
    rim = outline(plan.cut.family, plan.ratio, plan.table)
    girdle = f'<path class="cut-girdle" d="{_path(rim)}" stroke-width="1.3"/>'
    measure = _width_measure(rim, width) if width else ""
    drawn = f'<path class="cut-facets" d="{body}" stroke-width=".55"/>{table}{girdle}{measure}'
    return _svg(drawn, 132 if width else 120, label)


@lru_cache(maxsize=1024)
def profile(plan: Plan, shown: Proportions, label: str = "", table: str = "", depth: str = "") -> str:
    """The stone from the side, to its own heights where measured; `table` and `depth` are the texts beside it."""
    crown, pavilion = _heights(plan, shown)
    parts = []
    for face in facets(plan.cut.family, plan.ratio, plan.table):
        corners = [(x, _height(z, plan, crown, pavilion)) for x, y, z in face.corners]
        if face.normal[1] < -0.02 and not all(abs(z) <= 4 * GIRDLE for _, z in corners) and _area(corners) > 3e-4:
            parts.append(corners)
            if plan.cut.family == "heart":
                parts.append([(-x, z) for x, z in corners])
    body = "".join(_path(corners, 34) for corners in parts)
    drawn = f'<path class="cut-facets" d="{body}" stroke-width=".55"/>' + _profile_measures(parts, plan, table, depth)
    return _svg(drawn, 96, label)


@lru_cache(maxsize=2048)
def face(plan: Plan) -> str:
    """Face up in the stone's colour: the pavilion shines through the crown."""
    pale, full = HUES[plan.hue]
    colour = [low + (high - low) * plan.step / _STEPS for low, high in zip(pale, full, strict=True)]
    below = [_filled(f, colour, 0.40, 0.82) for f in _both_halves(plan, -1)]
    above = [_filled(f, colour, 0.74, 0.44) for f in _both_halves(plan, 1)]
    lines_of_crown = "".join(_path(corners) for _, corners in _polygons(plan, 1))
    edge = _hex([part * 0.52 for part in colour])
    rim = _path(outline(plan.cut.family, plan.ratio, plan.table))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120" stroke-linejoin="round">'
        f'<path d="{rim}" fill="{_hex(colour)}"/>{"".join(below)}<g fill-opacity=".5">{"".join(above)}</g>'
        f'<path d="{lines_of_crown}" fill="none" stroke="{edge}" stroke-width=".35" stroke-opacity=".55"/>'
        f'<path d="{rim}" fill="none" stroke="{edge}" stroke-width=".8"/></svg>'
    )


def picture(plan: Plan, view: str, shown: Proportions | None = None) -> str:
    """Any view as a picture of its own, with colours of its own; `small` has the heavier lines of a 36 px plan."""
    if view == "face":
        return face(plan)
    if view == "profile":
        drawn = profile(plan, shown or Proportions(None, None, None, None))
    else:
        drawn = lines(plan, "pavilion" if view == "pavilion" else "crown")
    if view == "small":
        drawn = drawn.replace('"1.3"', '"2"').replace('".9"', '"1.2"').replace('".55"', '".9"')
    return drawn.replace("currentColor", _INK)


def _tint(stone: Stone) -> tuple[str, int]:
    if stone.species != "diamond":
        hue = _OF_VARIETY.get(stone.variety or "", "gray")
        return hue, _PALE.get(stone.variety or "", 8)
    if stone.fancy_color:
        hue = _OF_FANCY.get(stone.fancy_color, stone.fancy_color)
        return (hue if hue in HUES else "gray"), _INTENSITY.get(stone.fancy_intensity or "fancy", 5)
    letter = (stone.color or "G")[0]
    return "white", max(0, min(_STEPS, (ord(letter) - ord("D")) * _STEPS // 22))


def _visible(plan: Plan, side: int) -> list[Facet]:
    return [f for f in facets(plan.cut.family, plan.ratio, plan.table) if f.normal[2] * side > 0.02]


def _both_halves(plan: Plan, side: int) -> list[Facet]:
    found = _visible(plan, side)
    if plan.cut.family != "heart":
        return found
    mirrored = [Facet((-f.normal[0], *f.normal[1:]), [(-c[0], *c[1:]) for c in f.corners]) for f in found]
    return found + mirrored


def _polygons(plan: Plan, side: int) -> list[tuple[str, list[Flat]]]:
    """Facets as seen from their own side; a heart's two halves of one facet are joined."""
    found: list[tuple[str, list[Flat]]] = []
    for f in _visible(plan, side):
        flat = [(corner[0] * side, corner[1]) for corner in f.corners]
        if _area(flat) <= 2e-4:
            continue
        kind = "table" if f.normal[2] > 0.999 else "facet"
        if plan.cut.family != "heart":
            found.append((kind, flat))
        elif sum(abs(x) < 1e-6 for x, _ in flat) >= 2:
            found.append((kind, _whole(flat)))
        else:
            found += [(kind, flat), (kind, [(-x, y) for x, y in flat])]
    return found


def _whole(half: list[Flat]) -> list[Flat]:
    """A polygon with an edge on the line of symmetry and its mirror image, as one."""
    start = next(i for i, p in enumerate(half) if abs(p[0]) < 1e-6 and abs(half[(i + 1) % len(half)][0]) > 1e-6)
    turned = half[start:] + half[:start]
    chain = [p for p in turned if abs(p[0]) > 1e-6]
    on_line = [p for p in turned if abs(p[0]) <= 1e-6]
    last = max(on_line, key=lambda p: abs(p[1] - on_line[0][1]))
    return [on_line[0], *chain, last, *[(-x, y) for x, y in reversed(chain)]]


def _filled(f: Facet, colour: list[float], least: float, span: float) -> str:
    """Flat light from the upper left: steep facets alternate, as they do in a stone."""
    x, y, z = f.normal
    light = max(0.0, -0.42 * x + 0.55 * y + 0.72 * abs(z))
    spark = 0.5 + 0.5 * math.cos(7 * math.atan2(y, x) + 9 * z)
    fill = _hex([part * (least + span * (0.45 * light + 0.55 * spark)) for part in colour])
    flat = [(corner[0], corner[1]) for corner in f.corners]
    return f'<path d="{_path(flat)}" fill="{fill}" stroke="{fill}" stroke-width=".2"/>'


def _heights(plan: Plan, shown: Proportions) -> tuple[float, float]:
    """Crown and pavilion in the units of the cut: from the angles, else all scaled to the measured depth."""
    solid = facets(plan.cut.family, plan.ratio, plan.table)
    heights = [corner[2] for f in solid for corner in f.corners]
    crown, pavilion = max(heights), -min(heights)
    half = max(abs(corner[0]) for f in solid for corner in f.corners)
    if shown.measured:
        assert shown.crown_angle is not None and shown.pavilion_angle is not None
        crown = half * (1 - plan.table / 100) * math.tan(math.radians(shown.crown_angle / 100)) + GIRDLE
        pavilion = half * math.tan(math.radians(shown.pavilion_angle / 100)) + GIRDLE
    elif shown.depth is not None:
        scale = 2 * half * shown.depth / 10_000 / (crown + pavilion)
        crown, pavilion = crown * scale, pavilion * scale
    return min(crown, 0.9), min(pavilion, 1.1)


def _height(z: float, plan: Plan, crown: float, pavilion: float) -> float:
    heights = [corner[2] for f in facets(plan.cut.family, plan.ratio, plan.table)[:1] for corner in f.corners]
    top = heights[0]
    bottom = _bottom(plan)
    return z / top * crown if z > 0 else z / bottom * pavilion


@lru_cache(maxsize=512)
def _bottom(plan: Plan) -> float:
    return -min(corner[2] for f in facets(plan.cut.family, plan.ratio, plan.table) for corner in f.corners)


def _width_measure(rim: list[Flat], text: str) -> str:
    left, right = (_number(60 + 54 * end(x for x, _ in rim)) for end in (min, max))
    line = f'<path class="dim" d="M{left} 119v4M{right} 119v4M{left} 121H{right}"/>'
    return f'{line}<text x="60" y="128" text-anchor="middle">{text}</text>'


def _profile_measures(parts: list[list[Flat]], plan: Plan, table: str, depth: str) -> str:
    heights = [34 - 54 * z for corners in parts for _, z in corners]
    if not heights:
        return ""
    top, bottom = min(heights), max(heights)
    found = ""
    if table:
        flat = [x for corners in parts for x, z in corners if 34 - 54 * z < top + 0.5]
        left, right = (_number(60 + 54 * end(flat)) for end in (min, max))
        found += f'<path class="dim" d="M{left} 8H{right}M{left} 6v4M{right} 6v4"/>'
        found += f'<text x="60" y="6" text-anchor="middle">{table}</text>'
    if depth:
        a, b = _number(top), _number(bottom)
        found += f'<path class="dim" d="M116 {a}V{b}M114 {a}h4M114 {b}h4"/>'
        found += f'<text x="113" y="{_number((top + bottom) / 2 + 6)}" text-anchor="end">{depth}</text>'
    return found


def _svg(drawn: str, height: int, label: str) -> str:
    named_ = f'role="img"><title>{label}</title>' if label else 'aria-hidden="true">'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 {height}" class="cut" fill="none" '
        f'stroke="currentColor" stroke-linejoin="round" {named_}{drawn}</svg>'
    )


def _path(corners: list[Flat], base: int = 60) -> str:
    return "M" + "L".join(f"{_number(60 + 54 * x)} {_number(base - 54 * y)}" for x, y in corners) + "Z"


def _number(value: float) -> str:
    return _PLAIN.sub("", f"{value:.1f}") if abs(value) >= 0.05 else "0"


def _area(corners: list[Flat]) -> float:
    turned = corners[1:] + corners[:1]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, turned, strict=True))) / 2


def _hex(colour: list[float]) -> str:
    return "#" + "".join(f"{max(0, min(255, round(part))):02x}" for part in colour)
