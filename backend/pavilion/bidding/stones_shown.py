"""What the pages of a lot say and draw of its stones."""

from collections.abc import Sequence
from typing import NamedTuple

from pavilion.catalogue import plan
from pavilion.catalogue.models import Stone
from pavilion.catalogue.nomenclature import term
from pavilion.kernel.length import millimetres
from pavilion.kernel.weight import two_decimals, unparted


class Plans(NamedTuple):
    """Drawings as SVG, made of figures alone."""

    crown: str
    pavilion: str
    profile: str


class StonesShown:
    """A lot, as far as its stones go."""

    __slots__ = ()
    stones: Sequence[Stone]

    @property
    def mct(self) -> int:
        return sum(stone.weight_mct for stone in self.stones)

    @property
    def plans(self) -> Plans | None:
        """The drawn plan of the first stone, for the page to set beside its own words."""
        if not self.stones:
            return None
        found = plan.plan_of(self.stones[0])
        side = plan.profile(found, plan.proportions_of(self.stones[0]))
        return Plans(plan.lines(found, "crown"), plan.lines(found, "pavilion"), side)

    @property
    def plan_name(self) -> str:
        return plan.plan_of(self.stones[0]).name

    def facts_line(self, lang: str) -> str:
        """What the title does not say: `6.62 × 6.44 × 4.31 mm`, or how many stones there are."""
        zh = lang == "zh"
        if not self.stones:  # a lot of which nothing is told now
            return (
                "产地来源未获确认期间不予展示。" if zh else "Not shown while the origin of its stone is not confirmed."
            )
        if len(self.stones) != 1:
            n, weight = len(self.stones), two_decimals(self.mct)
            return unparted(f"{n} 颗，共 {weight} 克拉") if zh else f"{n} stones, {weight}\u00a0ct"
        stone = self.stones[0]
        sides = [side for side in (stone.length_um, stone.width_um, stone.depth_um) if side is not None]
        return " × ".join(millimetres(side) for side in sides) + "\u00a0mm" if len(sides) == 3 else ""

    def finish(self, lang: str) -> str:
        stone = self.stones[0]
        grades = [term("polish", code, lang) for code in (stone.polish, stone.symmetry) if code]
        return ("、" if lang == "zh" else ", ").join(dict.fromkeys(grades))

    def fluorescence(self, lang: str) -> str:
        return term("fluor_intensity", self.stones[0].fluor_intensity or "", lang)
