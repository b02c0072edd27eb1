"""What a reporter says, in one form whether it came by page or by file; and the words in which stones are described."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pavilion.kernel.canon import canonical, sha256_hex

COLORS = tuple("DEFGHIJKLMNOPQRSTUVWXYZ")
FANCY = "FANCY"
CLARITIES = ("FL", "IF", "VVS1", "VVS2", "VS1", "VS2", "SI1", "SI2", "I1", "I2", "I3")
SHAPES = (
    *("round", "pear", "emerald", "princess", "marquise", "asscher", "cushion", "heart", "oval", "radiant"),
    *("baguette", "trilliant", "other"),
)
_SHAPE_WORDS = {
    **{shape: shape for shape in SHAPES},
    **dict.fromkeys(("rbc", "br", "rd", "brilliant", "圆形"), "round"),
    "ps": "pear",
    "梨形": "pear",
    "em": "emerald",
    "祖母绿形": "emerald",
    "pr": "princess",
    "公主方形": "princess",
    "mq": "marquise",
    "马眼形": "marquise",
    "as": "asscher",
    "阿斯切形": "asscher",
    "cu": "cushion",
    "枕形": "cushion",
    "hs": "heart",
    "心形": "heart",
    "ov": "oval",
    "椭圆形": "oval",
    "rad": "radiant",
    "雷迪恩形": "radiant",
    "其他": "other",
}
_CARATS = re.compile(r"(\d{1,7})(?:[.](\d{1,3}))?")
MOST_MCT = 10**9  # a thousand kilograms of rough is no report


@dataclass(frozen=True, slots=True)
class StoneSaid:
    """A polished stone, or a parcel of like ones."""

    object: str
    mct: int
    shape: str
    color: str
    clarity: str
    stones: int = 1
    rough_mct: int | None = None
    assortment: str = ""
    cutter: str = ""


@dataclass(frozen=True, slots=True)
class ResaleSaid:
    buyer: str
    mct: int


@dataclass(frozen=True, slots=True)
class Said:
    """A whole report. `polished_mct` may exceed its lines: small goods need not be told one by one on the page."""

    polished_mct: int
    loss_mct: int
    stock_mct: int
    lost_mct: int
    cutter_named_mct: int
    resold: tuple[ResaleSaid, ...] = ()
    lines: tuple[StoneSaid, ...] = ()
    consumed: Mapping[str, int] = field(default_factory=dict)  # rough consumed, by assortment

    def document(self) -> dict[str, Any]:
        return {
            "polished_mct": self.polished_mct,
            "loss_mct": self.loss_mct,
            "stock_mct": self.stock_mct,
            "lost_mct": self.lost_mct,
            "cutter_named_mct": self.cutter_named_mct,
            "resold": [[one.buyer, one.mct] for one in self.resold],
            "consumed": dict(sorted(self.consumed.items())),
            "lines_sha256": sha256_hex("\n".join(map(_spelled, self.lines)).encode()),
        }

    @property
    def sha256(self) -> str:
        return sha256_hex(canonical(self.document()))


def _spelled(line: StoneSaid) -> str:
    words = (line.object, line.mct, line.shape, line.color, line.clarity, line.stones, line.rough_mct or 0)
    return "\t".join(map(str, (*words, line.assortment, line.cutter)))


def folded(text: str) -> str:
    """A name as names are compared: no case, width, blank or mark decides."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def carats(text: str, decimal: str = ".") -> int | None:
    """Milli-carats of a weight as written, or None."""
    plain = unicodedata.normalize("NFKC", text).strip().replace(" ", "")
    plain = plain.replace(".", "").replace(",", ".") if decimal == "," else plain.replace(",", "")
    match = _CARATS.fullmatch(plain)
    if match is None:
        return None
    mct = int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))
    return mct if mct <= MOST_MCT else None


def shape_of(text: str) -> str | None:
    return _SHAPE_WORDS.get(unicodedata.normalize("NFKC", text).strip().casefold())


def color_of(text: str) -> str | None:
    """One grade; of a range the first; any fancy colour is one group."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    if plain.startswith(FANCY) or plain == "彩":
        return FANCY
    first = plain.partition("-")[0]
    return first if first in COLORS else None


def clarity_of(text: str) -> str | None:
    plain = unicodedata.normalize("NFKC", text).strip().upper().replace(" ", "")
    return plain if plain in CLARITIES else None
