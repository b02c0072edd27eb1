"""What was typed on the pages of curation, read into what it means or the codes of its faults; pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from pavilion.auctions import wording
from pavilion.auctions.bulk import Act
from pavilion.auctions.entities import entities
from pavilion.auctions.forms import (
    MOST_LOTS,
    LotEdit,
    Picker,
    SaleSettings,
    bands_text,
    optional_minor,
    read_settings,
    tiers_text,
)
from pavilion.auctions.ruleset import INCREMENTS, PREMIUM
from pavilion.kernel.errors import BadInput
from pavilion.kernel.ids import is_ulid

RESERVED_ACTS = (Act.RESERVE, Act.NO_RESERVE)
_AMOUNTS = (Act.ESTIMATE, Act.ESTIMATE_PER_CARAT)
_PAIRS = (*_AMOUNTS, Act.ESTIMATE_OF_PRICE)


class Typed(NamedTuple):
    """A form as typed, the columns it means, and the code of each field's fault."""

    said: dict[str, Any]
    values: dict[str, Any]
    faults: dict[str, str]


class PoolAsked(NamedTuple):
    """The filters of the picker; empty means any."""

    words: str = ""
    shape: str = ""
    color: str = ""
    least_mct: int | None = None
    most_mct: int | None = None
    at: int = 0  # stones passed over: those of the earlier pages

    @property
    def said(self) -> dict[str, str]:
        """As a form says it; what is empty is left out."""
        least, most = (f"{mct // 1000}.{mct % 1000:03}" if mct else "" for mct in (self.least_mct, self.most_mct))
        place = str(self.at) if self.at else ""
        said = {"q": self.words, "shape": self.shape, "color": self.color, "least": least, "most": most, "at": place}
        return {name: value for name, value in said.items() if value}


class BulkSaid(NamedTuple):
    """Which change over which lots, and the versions they were seen in."""

    act: Act
    first: int
    second: int
    typed: tuple[str, str]
    lots: list[str]
    versions: dict[str, int]
    why: str = ""


def usual_settings() -> dict[str, Any]:
    """What the form of a new sale starts with."""
    return {
        "increments": tiers_text(INCREMENTS, "USD"),
        "premium": bands_text(PREMIUM["bands"], "USD"),
        "entity": next(iter(entities())),
    }


def typed_settings(said: Mapping[str, str]) -> Typed:
    kept: dict[str, Any] = SaleSettings(title_en="-").model_dump() | {name: text[:5000] for name, text in said.items()}
    try:
        form = SaleSettings.model_validate(said)
    except ValidationError as error:
        return Typed(kept, {}, {str(fault["loc"][0]): "bad_input" for fault in error.errors() if fault["loc"]})
    values, faults = read_settings(form, entities())
    return Typed(kept | {"version": form.version}, values, wording.faults_of(values) | faults)


def lot_values(form: LotEdit, currency: str, *, priced: bool = False) -> dict[str, Any]:
    """The lot's columns as typed; the reserve only when the form has its field. The price of a lot that is `priced`
    is its opening and both estimates: there is no bidding from one to the other."""
    faults: dict[str, str] = {}
    values: dict[str, Any] = {"title_en": form.title_en, "title_zh": form.title_zh, "suffix": form.suffix}
    values["number"] = form.number if form.number != "" else None
    if form.label:
        digits = form.label.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        values["number"], values["suffix"] = int(digits), form.label.removeprefix(digits)
    values |= {name: text for name in ("text_en", "text_zh") if (text := getattr(form, name)) is not None}
    if form.on_request is not None:
        values["on_request"] = form.on_request == "yes"
    typed = {"low": form.low, "high": form.high, "opening": form.opening}
    if priced and form.price is not None:
        typed = {"price": form.price}
    if form.reserve is not None:
        typed["reserve"] = form.reserve
    for name, text in typed.items():
        try:
            values[f"{name}_minor"] = optional_minor(text, currency)
        except ValueError:
            faults[name] = "amount_invalid"
    if faults:
        raise BadInput(fields=faults)
    if "price" in typed:
        price = values.pop("price_minor")
        values |= {"opening_minor": price, "low_minor": price, "high_minor": price}
    return values


def bulk_said(form: Mapping[str, str], lots: Sequence[str], versions: Sequence[str], currency: str) -> BulkSaid:
    act, first, second = (form.get(name, "")[:30].strip() for name in ("act", "first", "second"))
    if act not in set(Act):
        raise BadInput(fields={"act": "unknown_value"})
    if not (chosen := [lot for lot in lots if is_ulid(lot)][:MOST_LOTS]):
        raise BadInput(fields={"lot": "required"})
    known = Act(act)
    try:
        low = _figure(known, first, currency)
        high = _figure(known, second, currency) if known in _PAIRS else low
    except ValueError as fault:
        raise BadInput(fields={"first": "amount_invalid" if known in _AMOUNTS else "percent_invalid"}) from fault
    seen = [version.partition(":") for version in versions[:MOST_LOTS]]
    known_versions = {lot: int(version) for lot, _, version in seen if version.isdecimal() and len(version) < 16}
    why = "".join(filter(str.isprintable, form.get("why", "")))[:500].strip()
    return BulkSaid(known, low, high, (first, second), chosen, known_versions, why)


def _figure(act: Act, text: str, currency: str) -> int:
    if act is Act.NO_RESERVE:
        return 0
    if act in _AMOUNTS:
        return optional_minor(text, currency) or 0
    percent = int(text.removesuffix("%").strip())
    least = -90 if act is Act.ESTIMATE_BY else 1
    if not least <= percent <= 1000:
        raise ValueError("percent")
    return percent


def picked(said: Picker) -> PoolAsked:
    """The filters of the picker; what cannot be read filters nothing."""
    words, shape, color = ("".join(filter(str.isprintable, text)) for text in (said.q[:80], said.shape, said.color))
    at = int(said.at) if re.fullmatch(r"[0-9]{1,6}", said.at) else 0
    return PoolAsked(words, shape[:20], color[:20], carats(said.least), carats(said.most), at)


def carats(text: str) -> int | None:
    """Milli-carats of a weight typed in carats; what cannot be read filters nothing."""
    if (match := re.fullmatch(r"(\d{1,4})(?:[.,](\d{1,3}))?", text.strip()[:12])) is None:
        return None
    return int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))
