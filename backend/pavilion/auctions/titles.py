"""The first title of a lot, from the stone's own facts, in each language of the sale."""

from collections.abc import Sequence

from pavilion.catalogue.models import Stone
from pavilion.catalogue.nomenclature import term
from pavilion.catalogue.showing import chinese_title
from pavilion.kernel.weight import two_decimals, unparted


def title_of(stones: Sequence[Stone], lang: str) -> str:
    """`1.51 ct Fancy Vivid Yellow cushion, VS1`, `2.11 ct ruby, cushion`; several are counted and weighed together. In
    Chinese in the order in which the trade writes them: `枕形 · 1.51 克拉 · 艳彩黄色 · VS1`."""
    if len(stones) == 1:
        return _of_one(stones[0], lang)
    weight, shape = two_decimals(sum(stone.weight_mct for stone in stones)), _shape(stones, lang)
    gems = {gem_of(stone, lang) for stone in stones if stone.species != "diamond"}
    gem = gems.pop() if len(gems) == 1 and all(stone.species != "diamond" for stone in stones) else ""
    if lang == "zh":
        kind = shape.removeprefix("裸石") + gem if gem else shape
        return unparted(f"{len(stones)} 颗{kind}，共 {weight} 克拉")
    return f"{len(stones)} {shape or 'stones'}, {gem.lower() + ', ' if gem else ''}{weight} ct together"


def _of_one(stone: Stone, lang: str) -> str:
    weight, shape = two_decimals(stone.weight_mct), term("shape", stone.shape, lang)
    if stone.species != "diamond":
        return _of_gem(stone, weight, shape, lang)
    color, clarity = _color(stone, lang), stone.clarity or ""
    if lang == "zh":
        return chinese_title(shape, weight, color, clarity)
    return f"{weight} ct {color} {shape.lower()}".replace("  ", " ") + (f", {clarity}" if clarity else "")


def _of_gem(stone: Stone, weight: str, shape: str, lang: str) -> str:
    """A coloured stone is called by its gem; a laboratory's colour and clarity grades are those of diamonds."""
    gem = gem_of(stone, lang)
    if lang == "zh":
        return chinese_title(f"{gem} · {shape}", weight)
    cut = " cut" if shape == gem else ""  # an emerald cut as an emerald
    return f"{weight} ct {gem.lower()}, {shape.lower()}{cut}"


def gem_of(stone: Stone, lang: str) -> str:
    return term("variety", stone.variety, lang) if stone.variety else term("species", stone.species, lang)


def _color(stone: Stone, lang: str) -> str:
    if stone.fancy_color is None:
        return stone.color or ""
    overtones = [term("fancy_overtone", word, lang) for word in stone.overtones]
    hues = [term("fancy_color", hue, lang) for hue in (stone.fancy_secondary, stone.fancy_color) if hue]
    intensity = term("fancy_intensity", stone.fancy_intensity, lang) if stone.fancy_intensity else ""
    if lang == "zh":
        return intensity + "".join(overtones) + "".join(hues)
    return " ".join(filter(None, [intensity, *overtones, "-".join(hues)]))


def _shape(stones: Sequence[Stone], lang: str) -> str:
    shapes = {stone.shape for stone in stones}
    if len(shapes) != 1:
        return "裸石" if lang == "zh" else ""
    word = term("shape", shapes.pop(), lang)
    return word if lang == "zh" else f"{word.lower()} stones"
