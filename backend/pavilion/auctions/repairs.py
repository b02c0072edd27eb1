"""Where a finding of readiness is mended: the page, and in it the field or the part (curation spec 5); pure."""

from collections.abc import Callable, Mapping
from typing import Protocol

from pavilion.auctions.rules import Broken, Code, Finding


class Worded(Protocol):
    """What has titles and texts of its own: a sale or a lot."""

    title_en: str
    title_zh: str
    text_en: str
    text_zh: str


_RULES = {
    "increments": "increments",
    "premium": "premium",
    "soft_close": "window",
    "tender_final": "final_top",
    "custodians_of_plain": "sealed",
    "custodians_fewer": "k",
}
_TIMES = {"opens_at": "opens_at", "hard_end": "hard_end", "ends_differ": "stagger_s"}
_FIGURES = {
    Broken.OPENING_ABOVE_RESERVE: "opening",
    Broken.OPENING_ABOVE_LOW: "opening",
    Broken.OPENING_OFF_LADDER: "opening",
    Broken.RESERVE_ABOVE_LOW: "reserve",
    Broken.RESERVE_OFF_LADDER: "reserve",
}


def repair_of(one: Finding, sale: str, *, sets_reserves: bool = False, words: Worded | None = None) -> str:
    """The address for a curator of this sale, with the id of the field or part to mend. `words`: what the finding was
    made of, to find a wording in. Every code has one."""
    board = f"/staff/sales/{sale}"
    own = f"{board}/settings" if one.lot is None else f"{board}/lots/{one.lot}"
    if one.code in _FIELDS:
        return f"{own}#f-{_FIELDS[one.code]}"
    match one.code:
        case Code.TITLE_MISSING:
            return f"{own}#f-title_{one.fact}"
        case Code.DESCRIPTION_MISSING:
            return f"{own}#f-text_{one.fact}"
        case Code.WORDING:
            return f"{own}#f-{_worded(one.fact, words)}"
        case Code.RULES_MISSING:
            return f"{own}#f-{_RULES.get(one.fact, 'custodians')}"
        case Code.CLOSE_MISSING:
            return f"{own}#f-{_TIMES.get(one.fact, 'first_close_at')}"
        case Code.INVARIANT_BROKEN:
            name = _FIGURES.get(Broken(one.fact), "low")
            return f"{own}#f-{'low' if name == 'reserve' and not sets_reserves else name}"
        case _:
            return _ELSEWHERE[one.code](one, board)


_FIELDS: Mapping[Code, str] = {
    Code.OWNER_MISSING: "owner",
    Code.OWNER_SANCTIONED: "owner",
    Code.ESTIMATE_MISSING: "low",
    Code.ESTIMATE_OUTSIDE_BAND: "low",
    Code.PRICE_MISSING: "price",
    Code.NUMBER_MISSING: "number",
}


def _media(one: Finding, _board: str) -> str:
    return f"/stones/{one.fact}/media#f-files"


def _whereabouts(one: Finding, _board: str) -> str:
    return f"/staff/viewings/stones/{one.fact}#stays"


def _held(one: Finding, _board: str) -> str:
    return f"/staff/orders#{one.at or 'holds'}"


def _other_lot(one: Finding, board: str) -> str:
    """The lot that holds the stone; where that is not known, the stones of this one."""
    return f"/staff/sales/{one.at}#stones" if "/lots/" in one.at else f"{board}/lots/{one.lot}#stones"


_ELSEWHERE: Mapping[Code, Callable[[Finding, str], str]] = {
    Code.NO_STONE: lambda _, board: f"{board}#pool",
    Code.NOT_VERIFIED: lambda one, _: f"/staff/exceptions/{one.fact}#origin",
    Code.VERDICT_STALE: lambda one, board: f"{board}/lots/{one.lot}#origins",
    Code.IN_OTHER_SALE: _other_lot,
    Code.ON_MEMO: lambda one, _: f"/staff/orders/memos#{one.at or 'memos'}",
    Code.ON_HOLD: _held,
    Code.IMAGE_MISSING: _media,
    Code.REPORT_MISSING_FILE: _media,
    Code.VIDEO_MISSING: _media,
    Code.REPORT_OLD: _media,
    Code.WEIGH_IN_MISSING: _whereabouts,
    Code.NOT_AT_VIEWING_OFFICE: _whereabouts,
    Code.NO_VIEWING_WINDOW: _whereabouts,
    Code.NOT_ELIGIBLE_IN: lambda one, _: f"/stones/{one.at}/eligibility?dest={one.fact[:2]}#answer",
    Code.CLOSE_TOGETHER: lambda one, board: f"{board}#{one.lot}",
}


def _worded(wording: str, words: Worded | None) -> str:
    """The first field that says it."""
    names = ("title_en", "title_zh", "text_en", "text_zh")
    said = (name for name in names if wording.casefold() in getattr(words, name, "").casefold())
    return next(said, names[0])
