"""Weight of a stone in whole milli-carats (mct); one carat is 200 mg."""

import re
from dataclasses import dataclass

from pavilion.kernel.money import half_up

_WITH_ITS_FIGURE = re.compile(r"(?<=[0-9]) (?=克拉)|(?<=[A-Z]) (?=色)| (?=· )")


@dataclass(frozen=True, slots=True, order=True)
class Carat:
    mct: int

    def __str__(self) -> str:
        return f"{self.mct // 1000}.{self.mct % 1000:03d} ct"


def two_decimals(mct: int) -> str:
    """Carats as buyers read them: two decimals, rounded half up (`1.51`)."""
    hundredths = half_up(mct, 10)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def as_reported(mct: int) -> int:
    """The mass as a laboratory writes it, still in milli-carats: hundredths of a carat, cut off, and taken up only from
    nine thousandths. What was weighed to a thousandth then says on paper what report and invoice say."""
    return (mct + 1) // 10 * 10


def unparted(title: str) -> str:
    """A Chinese title in which a weight keeps its unit and a grade its word on one line, and no line begins with a
    dot, also on a phone and on paper: `1.51 克拉`, `D 色` with a space that does not break."""
    return _WITH_ITS_FIGURE.sub("\u00a0", title)


def per_carat_minor(total_minor: int, mct: int) -> int:
    """The price per carat in minor units that belongs to a total; derived wherever shown, never stored."""
    return half_up(total_minor * 1000, mct)
