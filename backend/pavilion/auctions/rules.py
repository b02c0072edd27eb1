"""States of sales, lots and registrations, what a lot must satisfy, and what still bars a sale; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from pavilion.auctions.formats import SaleType, options_of, tender_fault
from pavilion.kernel.instants import from_stamp


class SaleState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    SETTLED = "settled"


class LotState(StrEnum):
    DRAFT = "draft"
    LISTED = "listed"
    OPEN = "open"
    PAUSED = "paused"
    CLOSING = "closing"
    SOLD = "sold"
    PASSED = "passed"
    WITHDRAWN = "withdrawn"


class RegistrationState(StrEnum):
    APPLIED = "applied"
    MORE_INFORMATION = "more_information"
    APPROVED = "approved"
    DECLINED = "declined"
    SUSPENDED = "suspended"
    STRUCK = "struck"
    CLOSED = "closed"


class Mode(StrEnum):
    ADD = "add"
    SNAP = "snap"


class ReserveRule(StrEnum):
    JUMP = "jump"
    PUSH = "push"
    HOUSE = "house"


LIVE_LOT = frozenset({LotState.LISTED, LotState.OPEN, LotState.PAUSED, LotState.CLOSING})
FINAL_LOT = frozenset({LotState.SOLD, LotState.PASSED, LotState.WITHDRAWN})

R = RegistrationState
REGISTRATION_TRANSITIONS: Mapping[RegistrationState, frozenset[RegistrationState]] = {
    R.APPLIED: frozenset({R.APPROVED, R.MORE_INFORMATION, R.DECLINED, R.CLOSED}),
    R.MORE_INFORMATION: frozenset({R.APPLIED, R.APPROVED, R.DECLINED, R.CLOSED}),
    R.APPROVED: frozenset({R.SUSPENDED, R.STRUCK, R.CLOSED}),
    R.SUSPENDED: frozenset({R.APPROVED, R.STRUCK, R.CLOSED}),
    R.DECLINED: frozenset({R.APPLIED, R.CLOSED}),
    R.STRUCK: frozenset(),
    R.CLOSED: frozenset(),
}


# --- The bid ladder, as far as curation needs it -------------------------------------------------------------------

MOST_TIERS = 64
LEAST_RUN = timedelta(minutes=10)  # from the opening of the bidding to the first close
VERDICT_FRESH = timedelta(hours=24)
REPORT_FRESH = timedelta(days=5 * 365 + 1)  # five years
SECOND_PERSON_ABOVE = 100_000_000  # of a currency of two places; a limit above 1,000,000.00 needs a lead

Tiers = Sequence[Sequence[int]]


def tiers_sound(tiers: Tiers) -> bool:
    """The first tier starts at 0, starts rise, steps are positive and never shrink, at most 64 tiers."""
    if not 1 <= len(tiers) <= MOST_TIERS or any(len(tier) != 2 for tier in tiers) or tiers[0][0] != 0:
        return False
    rising = all(later[0] > earlier[0] and later[1] >= earlier[1] for earlier, later in pairwise(tiers))
    return rising and all(step > 0 for _, step in tiers)


def step_below(tiers: Tiers, amount: int) -> int:
    """The largest value of the ladder that is not above the amount."""
    start, step = [tier for tier in tiers if tier[0] <= amount][-1]
    return start + (amount - start) // step * step


def on_ladder(tiers: Tiers, amount: int) -> bool:
    return step_below(tiers, amount) == amount


def bands_sound(bands: Sequence[Sequence[int | None]]) -> bool:
    """Upper ends rise, the last band has none, rates are 0 to 100 %."""
    if not bands or any(len(band) != 2 for band in bands):
        return False
    ends, rates = [band[0] for band in bands], [band[1] for band in bands]
    inner = [end for end in ends[:-1] if isinstance(end, int) and end > 0]
    rising = len(inner) == len(ends) - 1 and inner == sorted(set(inner))
    return ends[-1] is None and rising and all(rate is not None and 0 <= rate <= 10_000 for rate in rates)


def closing_plan(first: datetime, interval_s: int, per: int, breaks: Tiers, count: int) -> list[datetime]:
    """The end of each lot in the order of the numbers (bidding spec 5.5)."""
    return [
        first + timedelta(seconds=k // per * interval_s + sum(pause for at, pause in breaks if at <= k))
        for k in range(count)
    ]


# --- What bars a sale ----------------------------------------------------------------------------------------------


class Level(StrEnum):
    BLOCK = "block"
    WARN = "warn"


class Code(StrEnum):
    """Readiness codes (curation spec 5), in the order in which they are told."""

    NO_STONE = "no_stone"
    NOT_VERIFIED = "not_verified"
    VERDICT_STALE = "verdict_stale"
    IN_OTHER_SALE = "in_other_sale"
    ON_MEMO = "on_memo"
    ON_HOLD = "on_hold"
    OWNER_MISSING = "owner_missing"
    OWNER_SANCTIONED = "owner_sanctioned"
    ESTIMATE_MISSING = "estimate_missing"
    PRICE_MISSING = "price_missing"  # of a collection
    INVARIANT_BROKEN = "invariant_broken"
    TITLE_MISSING = "title_missing"
    IMAGE_MISSING = "image_missing"
    NUMBER_MISSING = "number_missing"
    RULES_MISSING = "rules_missing"
    CLOSE_MISSING = "close_missing"
    WORDING = "wording"
    DESCRIPTION_MISSING = "description_missing"
    REPORT_MISSING_FILE = "report_missing_file"
    VIDEO_MISSING = "video_missing"
    REPORT_OLD = "report_old"
    WEIGH_IN_MISSING = "weigh_in_missing"
    NOT_ELIGIBLE_IN = "not_eligible_in"
    NOT_AT_VIEWING_OFFICE = "not_at_viewing_office"
    NO_VIEWING_WINDOW = "no_viewing_window"
    CLOSE_TOGETHER = "close_together"
    ESTIMATE_OUTSIDE_BAND = "estimate_outside_band"


HANDED_IN = frozenset({Code.NOT_AT_VIEWING_OFFICE, Code.NO_VIEWING_WINDOW, Code.CLOSE_TOGETHER}) | {
    Code.WEIGH_IN_MISSING,
    Code.ESTIMATE_OUTSIDE_BAND,
}  # found elsewhere
_OF_MEDIA = frozenset({Code.REPORT_MISSING_FILE, Code.VIDEO_MISSING})
WARNINGS = _OF_MEDIA | frozenset({Code.DESCRIPTION_MISSING, Code.REPORT_OLD, Code.NOT_ELIGIBLE_IN}) | HANDED_IN


@dataclass(frozen=True, slots=True)
class Finding:
    """`lot` is the public id, or None when it is the sale's own; `fact` says which language, stone or rule."""

    code: Code
    lot: str | None = None
    fact: str = ""
    at: str = field(default="", compare=False)  # what stands in the way, or the stone, where `fact` names neither

    @property
    def level(self) -> Level:
        return Level.WARN if self.code in WARNINGS else Level.BLOCK


@dataclass(frozen=True, slots=True)
class StoneFacts:
    stone: str
    exposed: bool
    decided_at: datetime | None
    kind: str | None  # what the stone is promised to, and to whom
    ref: str | None
    pictured: bool
    place: str = ""  # of what it is promised to: of another lot its sale and itself, as in its address
    filed: bool = True  # its report can be looked at
    filmed: bool = True
    reported_on: str = ""  # the day of its report, where that is known


@dataclass(frozen=True, slots=True)
class LotFacts:
    lot: str
    number: int | None
    title_en: str
    title_zh: str
    opening: int | None
    reserve: int | None
    low: int | None
    high: int | None
    owner: int | None
    owner_state: str | None
    stones: tuple[StoneFacts, ...]
    refused: tuple[str, ...] = ()  # wordings that a natural catalogue does not use
    text_en: str = ""
    text_zh: str = ""
    closed: tuple[tuple[str, str], ...] = ()  # known destinations where it may not be sold, with rule and bidders
    # shut out, and the stone on which that rests


@dataclass(frozen=True, slots=True)
class SaleFacts:
    title_en: str
    title_zh: str
    text_en: str
    text_zh: str
    opens_at: datetime | None
    first_close_at: datetime | None
    increments: Tiers
    bands: Sequence[Sequence[int | None]]
    soft_close: Mapping[str, object]
    stagger_s: int = 60
    stagger_per: int = 1
    breaks: Tiers = ()
    type: str = SaleType.TIMED
    options: Mapping[str, object] | None = None
    refused: tuple[str, ...] = ()
    langs: tuple[str, ...] = ("en", "zh")


class Broken(StrEnum):
    """Which invariant of curation spec 4 a lot breaks."""

    OPENING_ABOVE_RESERVE = "opening_above_reserve"
    OPENING_ABOVE_LOW = "opening_above_low"
    RESERVE_ABOVE_LOW = "reserve_above_low"
    LOW_ABOVE_HIGH = "low_above_high"
    OPENING_OFF_LADDER = "opening_off_ladder"
    RESERVE_OFF_LADDER = "reserve_off_ladder"
    LOW_OFF_LADDER = "low_off_ladder"


def broken(
    tiers: Tiers, *, opening: int | None, reserve: int | None, low: int | None, high: int | None
) -> list[Broken]:
    """0 < opening <= reserve <= low <= high, and all but high on the ladder; what is not yet set breaks nothing."""
    found = []
    if opening is not None and reserve is not None and opening > reserve:
        found.append(Broken.OPENING_ABOVE_RESERVE)
    if opening is not None and low is not None and opening > low:
        found.append(Broken.OPENING_ABOVE_LOW)
    if reserve is not None and low is not None and reserve > low:
        found.append(Broken.RESERVE_ABOVE_LOW)
    if low is not None and high is not None and low > high:
        found.append(Broken.LOW_ABOVE_HIGH)
    if tiers_sound(tiers):
        amounts = (
            (opening, Broken.OPENING_OFF_LADDER),
            (reserve, Broken.RESERVE_OFF_LADDER),
            (low, Broken.LOW_OFF_LADDER),
        )
        found += [code for amount, code in amounts if amount is not None and not on_ladder(tiers, amount)]
    return found


def readiness(sale: SaleFacts, lots: Sequence[LotFacts], now: datetime) -> list[Finding]:
    """Everything that bars or questions publication, the sale's own findings first."""
    found = sale_findings(sale, len(lots), now)
    priced = sale.type == SaleType.COLLECTION
    for lot in lots:
        tiers = () if priced else sale.increments  # a price needs no ladder
        found += lot_findings(lot, tiers, now, priced=priced, langs=sale.langs)
    return found


def sale_findings(sale: SaleFacts, lots: int, now: datetime) -> list[Finding]:
    found = [] if lots else [Finding(Code.NO_STONE)]
    found += [Finding(Code.TITLE_MISSING, fact=lang) for lang in _silent(sale.title_en, sale.title_zh, sale.langs)]
    found += [Finding(Code.DESCRIPTION_MISSING, fact=lang) for lang in _silent(sale.text_en, sale.text_zh, sale.langs)]
    found += [Finding(Code.WORDING, fact=wording) for wording in sale.refused]
    if sale.type == SaleType.COLLECTION:  # neither bids nor ends
        return found if sale.opens_at else [*found, Finding(Code.CLOSE_MISSING, fact="opens_at")]
    if not tiers_sound(sale.increments):
        found.append(Finding(Code.RULES_MISSING, fact="increments"))
    if not bands_sound(sale.bands):
        found.append(Finding(Code.RULES_MISSING, fact="premium"))
    if not soft_close_sound(sale.soft_close):
        found.append(Finding(Code.RULES_MISSING, fact="soft_close"))
    if sale.type == SaleType.TENDER and (fault := tender_fault(options_of(sale.type, sale.options)["tender"])):
        found.append(Finding(Code.RULES_MISSING, fact=fault))
    return found + close_findings(sale, lots, now)


def close_findings(sale: SaleFacts, lots: int, now: datetime) -> list[Finding]:
    opens_at, first_close_at, hard_end = sale.opens_at, sale.first_close_at, sale.soft_close.get("hard_end")
    if opens_at is None:
        return [Finding(Code.CLOSE_MISSING, fact="opens_at")]
    if first_close_at is None:
        return [Finding(Code.CLOSE_MISSING, fact="first_close_at")]
    if first_close_at <= now:
        return [Finding(Code.CLOSE_MISSING, fact="past")]
    if first_close_at < opens_at + LEAST_RUN:
        return [Finding(Code.CLOSE_MISSING, fact="too_early")]
    ends = closing_plan(first_close_at, sale.stagger_s, sale.stagger_per, sale.breaks, lots)
    if sale.type == SaleType.CLERKED:
        return []  # the clerk ends each lot; the plan is only an order
    if len(set(ends)) > 1 and (sale.type == SaleType.TENDER or sale.soft_close.get("scope") == "group"):
        return [Finding(Code.CLOSE_MISSING, fact="ends_differ")]
    if isinstance(hard_end, str) and any(end > from_stamp(hard_end) for end in ends):
        return [Finding(Code.CLOSE_MISSING, fact="hard_end")]
    return []


def lot_findings(
    lot: LotFacts, tiers: Tiers, now: datetime, *, priced: bool = False, langs: Sequence[str] = ("en", "zh")
) -> list[Finding]:
    """`priced`: the lot of a collection has a price, which is opening and estimate in one."""
    found = stone_findings(lot, now)
    if lot.owner is None:
        found.append(Finding(Code.OWNER_MISSING, lot.lot))
    elif lot.owner_state != "approved":
        found.append(Finding(Code.OWNER_SANCTIONED, lot.lot))
    if lot.low is None or lot.high is None or lot.opening is None:
        found.append(Finding(Code.PRICE_MISSING if priced else Code.ESTIMATE_MISSING, lot.lot))
    reserve = None if priced else lot.reserve
    faults = broken(tiers, opening=lot.opening, reserve=reserve, low=lot.low, high=lot.high)
    found += [Finding(Code.INVARIANT_BROKEN, lot.lot, fault) for fault in faults]
    found += [Finding(Code.TITLE_MISSING, lot.lot, lang) for lang in _silent(lot.title_en, lot.title_zh, langs)]
    found += [Finding(Code.DESCRIPTION_MISSING, lot.lot, lang) for lang in _silent(lot.text_en, lot.text_zh, langs)]
    if lot.number is None:
        found.append(Finding(Code.NUMBER_MISSING, lot.lot))
    found += [Finding(Code.WORDING, lot.lot, wording) for wording in lot.refused]
    found += [Finding(Code.NOT_ELIGIBLE_IN, lot.lot, closed, stone) for closed, stone in lot.closed]
    return found


def stone_findings(lot: LotFacts, now: datetime) -> list[Finding]:
    if not lot.stones:
        return [Finding(Code.NO_STONE, lot.lot)]
    found = []
    for stone in lot.stones:
        if not stone.exposed:
            found.append(Finding(Code.NOT_VERIFIED, lot.lot, stone.stone))
        elif stone.decided_at is None or stone.decided_at < now - VERDICT_FRESH:
            found.append(Finding(Code.VERDICT_STALE, lot.lot, stone.stone))
        if stone.kind is not None and stone.ref != lot.lot:
            found.append(Finding(_PROMISED.get(stone.kind, Code.ON_HOLD), lot.lot, stone.stone, stone.place))
        if not stone.pictured:
            found.append(Finding(Code.IMAGE_MISSING, lot.lot, stone.stone))
        if not stone.filed:
            found.append(Finding(Code.REPORT_MISSING_FILE, lot.lot, stone.stone))
        if not stone.filmed:
            found.append(Finding(Code.VIDEO_MISSING, lot.lot, stone.stone))
        if stone.reported_on and stone.reported_on < (now - REPORT_FRESH).date().isoformat():
            found.append(Finding(Code.REPORT_OLD, lot.lot, stone.stone))
    return found


def soft_close_sound(soft: Mapping[str, object]) -> bool:
    window, extension = soft.get("window"), soft.get("extension")
    return (
        set(soft) == {"window", "extension", "mode", "scope", "hard_end"}
        and isinstance(window, int)
        and 0 <= window <= 86_400
        and isinstance(extension, int)
        and 1 <= extension <= 86_400
        and soft["mode"] in ("reset", "add")
        and soft["scope"] in ("lot", "group")
    )


def ready_lots(findings: Sequence[Finding], lots: Sequence[LotFacts]) -> int:
    """How many lots nothing bars: the 243 of "Ready 243 of 250"."""
    barred = {finding.lot for finding in findings if finding.level is Level.BLOCK}
    return sum(lot.lot not in barred for lot in lots)


_PROMISED = {"in_sale": Code.IN_OTHER_SALE, "sold": Code.IN_OTHER_SALE, "on_memo": Code.ON_MEMO, "held": Code.ON_HOLD}


def _silent(en: str, zh: str, langs: Sequence[str]) -> list[str]:
    return [lang for lang, text in (("en", en), ("zh", zh)) if lang in langs and not text.strip()]
