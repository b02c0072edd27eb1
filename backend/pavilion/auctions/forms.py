"""What may be said to the auctions pages, and the sale's settings as a form of texts."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from pavilion.auctions import formats
from pavilion.auctions.formats import MOST_CUSTODIANS, SaleType
from pavilion.auctions.wall_clock import local_instant, local_text
from pavilion.kernel.instants import from_stamp, stamp
from pavilion.kernel.money import CURRENCIES, MAX_AMOUNT, decimal_text, parse_minor

MOST_LOTS = 500
SPAN = ("registers_from", "registers_until")
_PLAIN = ("edge_delay_ms", "close_wait_extend_ms", "passed_offer_days")
_ZONE = re.compile(r"UTC|[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+\-]+){1,2}")
DAY = 86_400

Ulid = Annotated[str, StringConstraints(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
Amount = Annotated[str, StringConstraints(strip_whitespace=True, max_length=30)]
Version = Annotated[int, Field(ge=1, le=2**53)]


def _printable(text: str) -> str:
    if any(ord(letter) < 32 and letter not in "\r\n\t" for letter in text):
        raise ValueError("control character")
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_printable)]
Short = Annotated[Line, Field(max_length=40)]
Words = Annotated[Line, Field(max_length=500)]
Long = Annotated[Line, Field(max_length=5000)]
YesNo = Literal["yes", "no"]
Step = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{26}:(up|down|up10|down10|first|last)$")]


class Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OfBoard(BaseModel):
    """The board is one form with many buttons: each act takes its own fields and leaves the others."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Lots(OfBoard):
    lot: Annotated[list[Ulid], Field(min_length=1, max_length=MOST_LOTS)]


class Move(OfBoard):
    """Either the chosen lots to a place counted from 1, or one lot by a step: `LOT:up`."""

    lot: Annotated[list[Ulid], Field(max_length=MOST_LOTS)] = []
    to: Annotated[int, Field(ge=1, le=10_000)] | Literal[""] = ""
    step: (
        Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{26}:(up|down|up10|down10|first|last)$")] | Literal[""]
    ) = ""


class Picker(OfBoard):
    """What the picker of stones was asked and where it stood; read leniently, since it only filters."""

    q: str = ""
    shape: str = ""
    color: str = ""
    least: str = ""
    most: str = ""
    at: str = ""


class Stones(Picker):
    model_config = ConfigDict(extra="forbid", frozen=True)

    stone: Annotated[list[Ulid], Field(min_length=1, max_length=MOST_LOTS)]
    together: bool = False


class Numbers(Said):
    start: Annotated[int, Field(ge=1, le=99_999)] = 1
    step: Annotated[int, Field(ge=1, le=100)] = 1


class Undo(Said):
    command: Annotated[int, Field(ge=1, le=2**53)]


class Publication(Said):
    acknowledged: Annotated[list[Short], Field(max_length=40)] = []


class Reason(Said):
    reason: Words = ""


class LotEdit(Said):
    version: Version
    number: Annotated[int, Field(ge=1, le=99_999)] | Literal[""] = ""
    suffix: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Z]{0,2}$")] = ""
    label: Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]{0,4}[A-Z]{0,2})?$")] = ""  # a proposed one, chosen
    title_en: Annotated[Line, Field(max_length=200)] = ""
    title_zh: Annotated[Line, Field(max_length=200)] = ""
    low: Amount = ""
    high: Amount = ""
    opening: Amount = ""
    reserve: Amount | None = None
    price: Amount | None = None  # of a collection
    text_en: Long | None = None
    text_zh: Long | None = None
    on_request: YesNo | None = None  # the estimate is told to who asks
    owner: Short | None = None
    lower: Literal["", "yes"] = ""  # what is no step of the ladder becomes the next lower one


class SaleSettings(Said):
    """Every setting of a draft as typed."""

    version: Version = 1
    title_en: Annotated[Line, Field(min_length=1, max_length=160)]
    title_zh: Annotated[Line, Field(max_length=160)] = ""
    text_en: Long = ""
    text_zh: Long = ""
    currency: Short = "USD"
    zone: Short = "Europe/Brussels"
    place_city: Annotated[Line, Field(max_length=80)] = ""
    entity: Short = ""
    opens_at: Short = ""
    first_close_at: Short = ""
    registers_from: Short = ""
    registers_until: Short = ""
    langs: Literal["both", "en", "zh"] = "both"
    hard_end: Short = ""
    stagger_s: Annotated[int, Field(ge=0, le=DAY)] = 60
    stagger_per: Annotated[int, Field(ge=1, le=MOST_LOTS)] = 1
    window: Annotated[int, Field(ge=0, le=DAY)] = 120
    extension: Annotated[int, Field(ge=1, le=DAY)] = 120
    soft_mode: Literal["reset", "add"] = "reset"
    increments: Long = ""
    mode: Literal["add", "snap"] = "add"
    reserve_rule: Literal["jump", "push", "house"] = "jump"
    premium: Long = ""
    format: SaleType = SaleType.TIMED
    scope: Literal["lot", "group"] = "lot"
    hold_results: YesNo = "no"
    edge_delay_ms: Annotated[int, Field(ge=0, le=60_000)] = 2_000
    close_wait_extend_ms: Annotated[int, Field(ge=0, le=60_000)] = 500
    outage_min: Annotated[int, Field(ge=1, le=DAY)] = 10
    outage_span: Annotated[int, Field(ge=0, le=DAY)] = 600
    outage_grant: Annotated[int, Field(ge=0, le=DAY)] = 600
    limits_required: YesNo = "yes"
    limits_fees: YesNo = "yes"
    viewing_gate: Short = ""
    slip_factor: Annotated[int, Field(ge=1, le=1000)] = 10
    within_minutes: Annotated[int, Field(ge=0, le=100_000)] = 15
    before_end_hours: Annotated[int, Field(ge=0, le=100_000)] = 12
    confirm_factor: Annotated[int, Field(ge=1, le=1000)] = 3
    confirm_steps: Annotated[int, Field(ge=0, le=1000)] = 10
    passed_offer_days: Annotated[int, Field(ge=0, le=365)] = 5
    final_call: Annotated[int, Field(ge=1, le=3600)] = 10
    sealed: YesNo = "yes"
    k: Annotated[int, Field(ge=0, le=MOST_CUSTODIANS)] = 2
    custodians: Long = ""
    replace: Literal["latest", "highest"] = "latest"
    withdraw: YesNo = "yes"
    price_rule: Literal["first", "second"] = "first"
    min_bidders: Annotated[int, Field(ge=1, le=1000)] = 1
    final_top: Annotated[int, Field(ge=0, le=1000)] = 0
    final_within: Short = "10"
    final_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 24


def read_settings(said: SaleSettings, entities: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, str]]:
    """The columns of the sale, and the code of the fault of each field that could not be read."""
    faults: dict[str, str] = {}

    def field(name: str, code: str, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except ValueError:
            faults[name] = code
            return None

    if said.currency not in CURRENCIES:
        faults["currency"] = "unknown_value"
    if said.entity not in entities:
        faults["entity"] = "unknown_value"
    if said.zone not in available_timezones() or not re.fullmatch(
        r"UTC|[A-Z][A-Za-z_]+(/[A-Za-z0-9_+\-]+){1,2}", said.zone
    ):
        faults["zone"] = "unknown_value"
        return {}, faults
    zone = ZoneInfo(said.zone)
    opens_at = field("opens_at", "time_unknown", lambda: local_instant(said.opens_at, zone))
    first = field("first_close_at", "time_unknown", lambda: local_instant(said.first_close_at, zone))
    hard_end = field("hard_end", "time_unknown", lambda: local_instant(said.hard_end, zone))
    options = field("custodians", "keys_unread", lambda: _tender(said)) if said.format == SaleType.TENDER else None
    gate = field("viewing_gate", "percent_invalid", lambda: read_gate(said.viewing_gate))
    increments = field("increments", "table_unread", lambda: read_tiers(said.increments, said.currency))
    bands = field("premium", "table_unread", lambda: read_bands(said.premium, said.currency))
    names = ("title_en", "title_zh", "text_en", "text_zh", "currency", "zone", "place_city", "entity")
    values: dict[str, Any] = {name: getattr(said, name) for name in (*names, "stagger_s", "stagger_per")}
    values |= {"mode": said.mode, "reserve_rule": said.reserve_rule, "increments": increments}
    values |= {"opens_at": opens_at, "first_close_at": first}
    span = {name: field(name, "time_unknown", partial(local_instant, getattr(said, name), zone)) for name in SPAN}
    values |= span | {"langs": ["en", "zh"] if said.langs == "both" else [said.langs]}
    if span["registers_from"] and span["registers_until"] and span["registers_until"] <= span["registers_from"]:
        faults["registers_until"] = "end_not_later"
    soft = {"window": said.window, "extension": said.extension, "mode": said.soft_mode, "scope": said.scope}
    values["soft_close"] = soft | {"hard_end": stamp(hard_end) if hard_end else None}
    values["premium"] = {"bands": bands, "early_bands": None, "early_before_hours": 48}
    if said.format == SaleType.TENDER:  # one end for all
        values |= {"stagger_s": 0, "stagger_per": 1}
    if said.format != SaleType.TIMED:  # nothing of these ends by a plan that bids move
        values["soft_close"] |= {"scope": "lot", "hard_end": None}
    values |= {"type": said.format, "options": formats.kept(said.format, _options(said, gate, options))}
    return values, faults


def _options(said: SaleSettings, gate: dict[str, Any] | None, tender: dict[str, Any] | None) -> dict[str, Any]:
    options: dict[str, Any] = {name: getattr(said, name) for name in _PLAIN}
    return options | {
        "hold_results": said.hold_results == "yes",
        "outage": {"min": said.outage_min, "span": said.outage_span, "grant": said.outage_grant},
        "limits": {"required": said.limits_required == "yes", "include_fees": said.limits_fees == "yes"},
        "viewing_gate": gate,
        "retraction": {name: getattr(said, name) for name in ("slip_factor", "within_minutes", "before_end_hours")},
        "jump_confirm": {"factor": said.confirm_factor, "steps": said.confirm_steps},
        "clerked": {"final_call": said.final_call},
        "tender": tender,
    }


def read_gate(text: str) -> dict[str, Any] | None:
    """The share of the low estimate above which a viewing is needed, for every lot; empty is no gate."""
    if not text:
        return None
    if (match := re.fullmatch(r"(\d{1,5})(?:\.(\d{1,2}))?\s*%?", text)) is None:
        raise ValueError("no percentage")
    bp = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if not 1 <= bp <= 1_000_000:
        raise ValueError("no percentage")
    return {"gate_bp": bp, "lots": "all"}


def gate_text(gate: Mapping[str, Any] | None) -> str:
    return "" if gate is None else _percent(gate["gate_bp"])


def _tender(said: SaleSettings) -> dict[str, Any]:
    """The tender as typed: one custodian's public key a line. A ValueError for a line that is no key."""
    keys = [line.strip() for line in said.custodians.splitlines() if line.strip()]
    if len(keys) > MOST_CUSTODIANS or len(set(keys)) != len(keys) or not all(map(formats.is_public_key, keys)):
        raise ValueError("keys")
    final = {"top": said.final_top, "within_bp": _bp(said.final_within), "hours": said.final_hours}
    return {
        "sealed": said.sealed == "yes",
        "k": said.k if said.sealed == "yes" else 0,
        "custodians": keys if said.sealed == "yes" else [],
        "replace": said.replace,
        "withdraw": said.withdraw == "yes",
        "price_rule": said.price_rule,
        "min_bidders": said.min_bidders,
        "best_and_final": final if said.final_top else None,
    }


def settings_of(sale: Any) -> dict[str, Any]:
    """The sale as its form shows it: the inverse of `read_settings`."""
    zone, soft = ZoneInfo(sale.zone), sale.soft_close
    names = (
        *("version", "title_en", "title_zh", "text_en", "text_zh", "currency", "zone", "place_city", "entity"),
        *("stagger_s", "stagger_per", "mode", "reserve_rule"),
    )
    hard_end = from_stamp(soft["hard_end"]) if soft["hard_end"] else None
    return (
        {name: getattr(sale, name) for name in names}
        | {
            "opens_at": local_text(sale.opens_at, zone),
            **{name: local_text(getattr(sale, name), zone) for name in SPAN},
            "langs": "both" if len(sale.langs) > 1 else sale.langs[0],
            "first_close_at": local_text(sale.first_close_at, zone),
            "hard_end": local_text(hard_end, zone),
            "window": soft["window"],
            "extension": soft["extension"],
            "soft_mode": soft["mode"],
            "increments": tiers_text(sale.increments, sale.currency),
            "premium": bands_text(sale.premium["bands"], sale.currency),
            "format": sale.type,
            "scope": soft["scope"],
        }
        | _options_text(formats.options_of(sale.type, sale.options))
    )


def _options_text(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as their fields show them; what the sale's own format does not have is shown as usual."""
    outage, limits, gate = options["outage"], options["limits"], options["viewing_gate"]
    tender = options.get("tender", formats.USUAL_TENDER)
    final: Mapping[str, Any] = tender["best_and_final"] or {**formats.USUAL_FINAL, "top": 0}
    shown: dict[str, Any] = {name: options[name] for name in _PLAIN} | dict(options["retraction"])
    shown |= {name: tender[name] for name in ("replace", "price_rule", "min_bidders")}
    shown |= {f"outage_{name}": outage[name] for name in outage} | {f"final_{n}": final[n] for n in ("top", "hours")}
    truths: dict[str, bool] = {
        "hold_results": options["hold_results"],
        "sealed": tender["sealed"],
        "withdraw": tender["withdraw"],
    }
    truths |= {"limits_required": limits["required"], "limits_fees": limits["include_fees"]}
    return (
        shown
        | {name: "yes" if truth else "no" for name, truth in truths.items()}
        | {
            "viewing_gate": gate_text(gate),
            "confirm_factor": options["jump_confirm"]["factor"],
            "confirm_steps": options["jump_confirm"]["steps"],
            "final_call": options.get("clerked", formats.USUAL_CLERKED)["final_call"],
            "k": tender["k"] if tender["sealed"] else formats.USUAL_TENDER["k"],
            "custodians": "\n".join(tender["custodians"]),
            "final_within": _percent(final["within_bp"]),
        }
    )


def _percent(bp: int) -> str:
    return f"{bp // 100}" + (f".{bp % 100:02d}" if bp % 100 else "")


def read_tiers(text: str, currency: str) -> list[list[int]]:
    """One tier a line: from, step, in major units. An empty text is no table yet."""
    return [[_minor(start, currency), _minor(step, currency)] for start, step in _pairs(text)]


def tiers_text(tiers: list[list[int]], currency: str) -> str:
    return "\n".join(f"{_short(start, currency)} {_short(step, currency)}" for start, step in tiers)


def read_bands(text: str, currency: str) -> list[list[int | None]]:
    """One band a line: upper end (`*` for none), percent."""
    return [[None if upto == "*" else _minor(upto, currency), _bp(rate)] for upto, rate in _pairs(text)]


def bands_text(bands: list[list[int | None]], currency: str) -> str:
    return "\n".join(
        f"{'*' if upto is None else _short(upto, currency)} {(rate or 0) // 100}"
        + (f".{(rate or 0) % 100:02d}" if (rate or 0) % 100 else "")
        for upto, rate in bands
    )


def optional_minor(text: str, currency: str) -> int | None:
    """None when nothing was typed; a ValueError for what is no amount above nought."""
    return _minor(text, currency, least=1) if text else None


def _pairs(text: str) -> list[tuple[str, str]]:
    rows = [line.replace("\t", " ").replace("%", " ").split() for line in text.splitlines() if line.strip()]
    if len(rows) > 64 or any(len(row) != 2 for row in rows):
        raise ValueError("two figures a line, at most 64 lines")
    return [(row[0], row[1]) for row in rows]


def _minor(text: str, currency: str, least: int = 0) -> int:
    amount = parse_minor(text, currency)
    if amount is None or not least <= amount <= MAX_AMOUNT:
        raise ValueError("no amount")
    return amount


def _bp(text: str) -> int:
    if (match := re.fullmatch(r"(\d{1,3})(?:\.(\d{1,2}))?", text)) is None:
        raise ValueError("no rate")
    rate = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if rate > 10_000:
        raise ValueError("above 100 %")
    return rate


def _short(minor: int, currency: str) -> str:
    whole, _, part = decimal_text(minor, currency).partition(".")
    return f"{whole}.{part}" if part.strip("0") else whole
