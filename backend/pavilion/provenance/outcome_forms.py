"""What people may say about contracts, purchases and outcomes. Weights are typed in carats."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pavilion.kernel.errors import BadInput
from pavilion.provenance.outcome_files import Fault, read_lines
from pavilion.provenance.outcome_said import ResaleSaid, Said, carats, clarity_of, color_of
from pavilion.provenance.outcomes import Category
from pavilion.provenance.rules import REASON_MOST

Typed = Annotated[str, Field(max_length=20)]
Name = Annotated[str, Field(max_length=160)]
RESALES = 12
LINES_CHARS = 20_000


class ContractForm(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    number: str = Field(min_length=1, max_length=40)
    buyer: str = Field(min_length=1, max_length=160)
    party: str = Field(default="", max_length=80, pattern=r"[a-z0-9-]*")
    category: Category
    limit_pct: Typed | None = None  # unsaid: as the house has set it
    from_day: date
    to_day: date | None = None

    def limit_bp(self) -> int | None:
        if self.limit_pct is None:
            return None
        hundredths = carats(self.limit_pct)  # thousandths of a percent: the same way of writing
        if hundredths is None or hundredths > 100_000 or hundredths % 10:
            raise BadInput(fields={"limit_pct": "po_percent"})
        return hundredths // 10


class PurchaseForm(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    lot: str = Field(min_length=1, max_length=40)
    sight: date
    assortment: str = Field(default="", max_length=40)
    carat: Typed
    est_color: Typed = ""
    est_clarity: Typed = ""

    def facts(self) -> dict[str, object]:
        """The purchase as the service takes it; BadInput for a weight or grade that is none."""
        mct, fields = carats(self.carat), dict[str, str]()
        color, clarity = color_of(self.est_color), clarity_of(self.est_clarity)
        if not mct:
            fields["carat"] = "po_carat"
        if self.est_color and color is None:
            fields["est_color"] = "po_color"
        if self.est_clarity and clarity is None:
            fields["est_clarity"] = "po_clarity"
        if fields:
            raise BadInput(fields=fields)
        return {
            "lot": self.lot,
            "sight": self.sight,
            "assortment": self.assortment,
            "mct": mct,
            "est_color": color,
            "est_clarity": clarity,
        }


class ReportForm(BaseModel):
    """A whole report typed on the page. `stones` holds one stone a line."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    polished: Typed = ""
    loss: Typed = ""
    stock: Typed = ""
    lost: Typed = ""
    cutter_named: Typed = ""
    buyer: list[Name] = Field(default=[], max_length=RESALES)
    resold: list[Typed] = Field(default=[], max_length=RESALES)
    consumed: list[Typed] = Field(default=[], max_length=RESALES)
    assortment: list[Annotated[str, Field(max_length=40)]] = Field(default=[], max_length=RESALES)
    stones: str = Field(default="", max_length=LINES_CHARS)
    confirmed: str = Field(default="", max_length=64)  # what the sender was shown that this changes
    back: Literal["", "yes"] = ""

    def said(self) -> tuple[Said | None, dict[str, str], list[Fault]]:
        """What the form says; or the faults of its fields and of its lines of stones."""
        fields: dict[str, str] = {}
        masses = {name: self._mass(name, fields) for name in ("polished", "loss", "stock", "lost", "cutter_named")}
        resold = [ResaleSaid(who, mct) for who, mct in self._pairs("buyer", "resold", fields)]
        consumed: dict[str, int] = {}
        for code, mct in self._pairs("assortment", "consumed", fields):
            consumed[code] = consumed.get(code, 0) + mct
        reading = read_lines(self.stones)
        told = sum(line.mct for line in reading.lines)
        if not fields and not reading.faults and 0 < masses["polished"] < told:
            fields["polished"] = "po_less_than_stones"
        if not fields and not reading.faults and not any((*masses.values(), told, len(resold))):
            fields["polished"] = "po_nothing"
        if fields or reading.faults:
            return None, fields, reading.faults
        named = sum(line.mct for line in reading.lines if line.cutter)
        said = Said(
            polished_mct=max(masses["polished"], told),
            loss_mct=masses["loss"],
            stock_mct=masses["stock"],
            lost_mct=masses["lost"],
            cutter_named_mct=max(masses["cutter_named"], named),
            resold=tuple(resold),
            lines=tuple(reading.lines),
            consumed=consumed,
        )
        return said, {}, []

    def _mass(self, name: str, fields: dict[str, str]) -> int:
        text = getattr(self, name)
        mct = carats(text) if text else 0
        if mct is None:
            fields[name] = "po_carat"
        return mct or 0

    def _pairs(self, names: str, masses: str, fields: dict[str, str]) -> list[tuple[str, int]]:
        found = []
        for place, (name, text) in enumerate(zip(getattr(self, names), getattr(self, masses), strict=False)):
            mct = carats(text) if text else 0
            if not name and not text:
                continue
            if not name:
                fields[f"{names}-{place}"] = "po_needed"
            if not mct:
                fields[f"{masses}-{place}"] = "po_carat"
            found.append((name, mct or 0))
        return found


class CaseForm(BaseModel):
    model_config = ConfigDict(extra="forbid")

    word: Literal["accept", "refuse"]
    reason: str = Field(default="", max_length=REASON_MOST)
