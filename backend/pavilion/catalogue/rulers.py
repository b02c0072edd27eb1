"""The four rulers of a stone's page: a line with ticks, a mark at the stone's place."""

from collections.abc import Sequence
from typing import NamedTuple

from pavilion.catalogue.models import Stone
from pavilion.catalogue.wanted import CHOICES
from pavilion.kernel.weight import two_decimals

_LEFT, _WIDE = 4, 192  # of a view box 200 wide
_SHOWN = 6  # grades on a ruler
_STEPS_MCT = (100, 250, 500, 1000, 2500, 5000, 10_000, 50_000, 250_000)


class Tick(NamedTuple):
    x: int
    anchor: str
    code: str | None  # a grade, a weight in carats, or none for a bare tick
    here: bool


class Ruler(NamedTuple):
    ticks: list[Tick]
    at: int
    enumeration: str | None


def rulers_of(stone: Stone) -> dict[str, Ruler | None]:
    """Weight, colour, clarity and cut; None where the stone has no grade to mark."""
    fancy = stone.fancy_intensity is not None
    return {
        "weight": _weight(stone.weight_mct),
        "color": _graded("intensity", stone.fancy_intensity) if fancy else _graded("color", stone.color),
        "clarity": _graded("clarity", stone.clarity),
        # only one laboratory grades above excellent: a ruler of the others begins there
        "cut": _graded("cut", stone.cut, without=frozenset({"none", "ideal"} - {stone.cut or ""})),
    }


def _graded(name: str, code: str | None, without: frozenset[str] = frozenset({"none"})) -> Ruler | None:
    """Six neighbouring grades, the stone's own among them."""
    codes: Sequence[str] = [one for one in CHOICES[name].codes if one not in without and "-" not in one]
    if code not in codes:
        return None
    shown = min(_SHOWN if name != "intensity" else 4, len(codes))
    start = max(0, min(codes.index(code) - shown // 2, len(codes) - shown))
    places = codes[start : start + shown]
    here = places.index(code)
    # Words of cut grades are long: only the ends and the stone's own stand, and no end beside the own.
    bare = (
        {i for i in range(shown) if i not in (0, here, shown - 1) or 0 < abs(i - here) < 2} if name == "cut" else set()
    )
    ticks = [_tick(i, shown, None if i in bare else place, i == here) for i, place in enumerate(places)]
    return Ruler(ticks, next(tick.x for tick in ticks if tick.here), CHOICES[name].enumeration)


def _weight(mct: int) -> Ruler:
    """Four equal steps around the weight, each a round number of carats."""
    step = next((step for step in _STEPS_MCT if mct < 8 * step), _STEPS_MCT[-1])
    start = max(0, mct // step - 1) * step
    ends = [start + i * step for i in range(5)]
    ticks = [_tick(i, 5, two_decimals(end) if i % 2 == 0 else None, False) for i, end in enumerate(ends)]
    at = _LEFT + min(_WIDE, _WIDE * (mct - start) // (4 * step))
    return Ruler(ticks, at, None)


def _tick(place: int, count: int, code: str | None, here: bool) -> Tick:
    anchor = "start" if place == 0 else "end" if place == count - 1 else "middle"
    return Tick(_LEFT + _WIDE * place // max(1, count - 1), anchor, code, here)
