"""What staff and the engine itself do to lots and sales. Each act is refused with a code or becomes events."""

from collections.abc import Callable
from dataclasses import dataclass

from pavilion.bidding import closing, rules
from pavilion.bidding.book import FINAL, LotBook
from pavilion.bidding.deciding import Facts, LotFacts
from pavilion.bidding.folding import Book, Draft
from pavilion.bidding.texts import Doc, text_of
from pavilion.provenance.words import lint

ENGINE = "engine"
NEAR = 300 * 1_000_000  # lots that end so soon are paused when the clock cannot be trusted
HOLD_MOST = 15 * 60 * 1_000_000  # a held result decides itself after this
VERDICT_LOST = "verdict_lost"  # reason of a lot whose stone is no longer verified
WITH_SALE = "sale_paused"  # reason of a lot that pauses because its sale does


@dataclass(frozen=True, slots=True)
class StaffAct:
    """`ok` names the two persons where two must agree; `by` the one person where one is enough."""

    sale: str
    act: str
    lot: str | None = None
    by: str | None = None
    ok: tuple[str, ...] = ()
    reason: str = ""
    to: int | None = None  # a new end
    paddle: int | None = None  # whose bids are voided
    seqs: tuple[int, ...] = ()  # or which
    text_en: str = ""
    text_zh: str = ""


def carry_out(draft: Draft, facts: Facts, act: StaffAct) -> str | None:
    """None when done, else the code of the refusal; nothing is half done."""
    if draft.state == "closed":
        return _unfit(draft.look(act.lot)) if act.lot and draft.has(act.lot) else "act_not_allowed"
    if act.lot is not None:
        if not draft.has(act.lot):
            return "lot_unknown"
        handler = LOT_ACTS.get(act.act)
        return "act_not_allowed" if handler is None else handler(draft, facts, act, draft.look(act.lot))
    sale_handler = SALE_ACTS.get(act.act)
    return "act_not_allowed" if sale_handler is None else sale_handler(draft, act)


# -- one lot ----------------------------------------------------------------------------------------------------------


def _pause(draft: Draft, _facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state not in ("open", "paused"):
        return _unfit(lot)
    if (code := closing.judge_pause(lot.clock(), draft.next_at())) is not None:
        return code
    draft.write("lot.paused", {"reason": act.reason or "staff", "by": _by(draft, act)}, draft.lot(lot.lot))
    return None


def _resume(draft: Draft, facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state not in ("open", "paused"):
        return _unfit(lot)
    if (code := closing.judge_resume(lot.clock())) is not None:
        return code
    known = facts.lots.get(lot.lot)
    if draft.state == "paused" or known is None or not known.verified:
        return "act_not_allowed"
    _resumed(draft, lot, _by(draft, act))
    return None


def _extend(draft: Draft, _facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state not in ("open", "paused"):
        return _unfit(lot)
    if act.to is None:
        return "end_not_later"
    if (code := closing.judge_extend(lot.clock(), draft.next_at(), act.to)) is not None:
        return code
    _extended(draft, lot, act.to, "staff", _by(draft, act))
    return None


def _withdraw(draft: Draft, _facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state not in ("listed", "open", "paused"):
        return _unfit(lot)
    if lot.best and len(set(act.ok)) < 2:
        return "second_approval_needed"
    who: Doc = {"ok": _ok(draft, act)} if act.ok else {"by": _by(draft, act)}
    draft.write("lot.withdrawn", {"reason": act.reason or "staff", **who}, draft.lot(lot.lot))
    return None


def _void(draft: Draft, _facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state not in ("open", "paused", "closing"):
        return _unfit(lot)
    if len(set(act.ok)) < 2:
        return "second_approval_needed"
    alias = lot.aliases.get(act.paddle) if act.paddle is not None else None
    live = [*lot.live, *lot.fresh]
    gone = [one for one in live if one.bidder == alias or one.seq in act.seqs]
    if not gone:
        return "nothing_to_void"
    left = [one for one in live if one not in gone]
    stands = rules.standing(lot.terms, rules.best_of(left))
    draft.write(
        "bid.voided",
        {
            "seqs": sorted(one.seq for one in gone),
            "reason": act.reason,
            "ok": _ok(draft, act),
            "leader": stands.leader,
            "price": stands.price,
            "ask": stands.ask,
            "reserve_met": stands.reserve_met,
        },
        draft.lot(lot.lot),
    )
    return None


def _notice(draft: Draft, _facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state in FINAL:
        return _unfit(lot)
    if lint(act.text_en, "en") or lint(act.text_zh, "zh"):
        return "wording_never"
    data = {"text_en": act.text_en, "text_zh": act.text_zh, "passport": None, "by": _by(draft, act)}
    draft.write("lot.notice", data, draft.lot(lot.lot))
    return None


def _reopen(draft: Draft, _facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state != "closing":
        return _unfit(lot)
    if len(set(act.ok)) < 2:
        return "second_approval_needed"
    if act.to is None or act.to <= draft.next_at():
        return "end_not_later"
    draft.write("lot.reopened", {"end": text_of(act.to), "ok": _ok(draft, act)}, draft.lot(lot.lot))
    return None


def _confirm(draft: Draft, _facts: Facts, _act: StaffAct, lot: LotBook) -> str | None:
    if lot.state != "closing":
        return _unfit(lot)
    _decided(draft, lot)
    return None


LOT_ACTS: dict[str, Callable[[Draft, Facts, StaffAct, LotBook], str | None]] = {
    "pause": _pause,
    "resume": _resume,
    "extend": _extend,
    "withdraw": _withdraw,
    "void": _void,
    "notice": _notice,
    "reopen": _reopen,
    "confirm": _confirm,
}


# -- the whole sale ---------------------------------------------------------------------------------------------------


def _pause_sale(draft: Draft, act: StaffAct) -> str | None:
    if draft.state != "open":
        return "act_not_allowed"
    by = _by(draft, act)
    draft.write("sale.paused", {"by": by, "reason": act.reason or "staff"})
    for lot in draft.all_lots():
        if lot.state == "open" and lot.end > draft.next_at():
            draft.write("lot.paused", {"reason": WITH_SALE, "by": by}, draft.lot(lot.lot))
    return None


def _resume_sale(draft: Draft, act: StaffAct) -> str | None:
    if draft.state != "paused":
        return "act_not_allowed"
    draft.write("sale.resumed", {})
    by = _by(draft, act)
    for lot in draft.all_lots():
        if lot.state == "paused" and lot.pause_reason == WITH_SALE:
            _resumed(draft, lot, by)
    return None


def _cancel(draft: Draft, act: StaffAct) -> str | None:
    if draft.state != "published":
        return "act_not_allowed"
    if len(set(act.ok)) < 2:
        return "second_approval_needed"
    for lot in draft.all_lots():
        if lot.state not in FINAL:
            data = {"reason": act.reason or "sale_cancelled", "ok": _ok(draft, act)}
            draft.write("lot.withdrawn", data, draft.lot(lot.lot))
    draft.write("sale.closed", {})
    return None


def _unpublish(draft: Draft, act: StaffAct) -> str | None:
    if draft.state != "published" or draft.now >= draft.rules.opens_at or any(lot.bids for lot in draft.all_lots()):
        return "act_not_allowed"
    draft.write("sale.unpublished", {"reason": act.reason or "staff", "ok": _ok(draft, act)})
    return None


SALE_ACTS: dict[str, Callable[[Draft, StaffAct], str | None]] = {
    "pause": _pause_sale,
    "resume": _resume_sale,
    "cancel": _cancel,
    "unpublish": _unpublish,
}


# -- what time brings -------------------------------------------------------------------------------------------------


def open_due(draft: Draft) -> None:
    """The sale and its listed lots are open once the hour has come."""
    if draft.state == "published" and draft.now >= draft.rules.opens_at:
        draft.write("sale.opened", {})
    if draft.state != "open":
        return
    for lot in draft.all_lots():
        if lot.state == "listed":
            draft.write("lot.opened", {"end": text_of(lot.end)}, draft.lot(lot.lot))


def close_due(draft: Draft, drained: Callable[[int], bool]) -> None:
    """Every lot whose end has come and whose bids have all been counted has its result; the sale ends with the last."""
    soft = draft.rules.soft_close
    for seen in draft.all_lots():
        if seen.state == "closing" and draft.now >= (seen.closing_at or 0) + HOLD_MOST:
            _decided(draft, seen)
        if seen.state != "open" or draft.now < seen.end or draft.state == "paused":
            continue
        if draft.now < seen.end + draft.rules.edge_delay and not drained(seen.end):
            continue
        if seen.slow and not seen.slowed:
            later = closing.after_slow(soft, seen.clock()).end
            if later > seen.end:
                _extended(draft, seen, later, "slow", ENGINE)
                if later > draft.now:
                    continue
        draft.write("lot.closing", {"end": text_of(draft.look(seen.lot).end)}, draft.lot(seen.lot))
        if not draft.rules.hold_results:
            _decided(draft, draft.look(seen.lot))
    if draft.state == "open" and all(lot.state in FINAL for lot in draft.all_lots()):
        draft.write("sale.closed", {})


def lost_verdicts(draft: Draft, facts: Facts) -> None:
    """A lot whose stone is no longer verified takes no further bid, and the room is told why."""
    for lot in draft.all_lots():
        known = facts.lots.get(lot.lot)
        if known is None or known.verified:
            continue
        if lot.state == "listed":
            _told(draft, lot, known)
            draft.write("lot.withdrawn", {"reason": VERDICT_LOST, "by": ENGINE}, draft.lot(lot.lot))
        elif lot.state == "open":
            draft.write("lot.paused", {"reason": VERDICT_LOST, "by": ENGINE}, draft.lot(lot.lot))
            _told(draft, lot, known)


def _told(draft: Draft, lot: LotBook, known: LotFacts) -> None:
    en, zh = known.notice
    if en and zh:
        data = {"text_en": en, "text_zh": zh, "passport": None, "by": ENGINE}
        draft.write("lot.notice", data, draft.lot(lot.lot))


def after_outage(draft: Draft, since: int) -> None:
    """Open lots get back what they lost while no engine ran."""
    outage = draft.rules.outage
    if draft.state != "open" or closing.judge_outage(outage, since, draft.now) is not None:
        return
    moved = [
        lot for lot in draft.all_lots() if closing.after_outage(outage, lot.clock(), since, draft.now) != lot.clock()
    ]
    if not moved:
        return
    draft.write("incident", {"kind": "outage", "from": text_of(since), "to": text_of(draft.now)})
    for lot in moved:
        _extended(draft, lot, closing.after_outage(outage, lot.clock(), since, draft.now).end, "outage", ENGINE)


def clock_moved(draft: Draft, near: int) -> None:
    """The clock jumped: lots that end within `near` wait until staff resume them."""
    for lot in draft.all_lots():
        if lot.state == "open" and draft.now < lot.end <= draft.now + near:
            draft.write("lot.paused", {"reason": "clock", "by": ENGINE}, draft.lot(lot.lot))


def next_due(book: Book) -> int | None:
    """When time alone will bring the next event, as far as is known now."""
    if book.state == "published":
        return book.rules.opens_at
    if book.state != "open":
        return None
    ends = [lot.end for lot in book.lots.values() if lot.state == "open"]
    held = [(lot.closing_at or 0) + HOLD_MOST for lot in book.lots.values() if lot.state == "closing"]
    return min([*ends, *held], default=None)


def _decided(draft: Draft, lot: LotBook) -> None:
    own = draft.lot(lot.lot)
    if rules.sold(own.stands):
        draft.write("lot.sold", {"bidder": own.stands.leader, "price": own.stands.price}, own)
    else:
        draft.write("lot.passed", {"reason": "reserve_not_met" if own.best else "no_bids"}, own)


def _extended(draft: Draft, lot: LotBook, to: int, cause: str, by: str) -> None:
    data = {"from": text_of(lot.end), "to": text_of(to), "cause": cause, "by": by}
    draft.write("lot.extended", data, draft.lot(lot.lot))


def _resumed(draft: Draft, lot: LotBook, by: str) -> None:
    at = draft.next_at()
    end = closing.resumed(draft.rules.soft_close, lot.clock(), at).end
    draft.write("lot.resumed", {"end": text_of(end), "by": by}, draft.lot(lot.lot), at=at)


def _unfit(lot: LotBook) -> str:
    return "lot_withdrawn" if lot.state == "withdrawn" else "lot_closed" if lot.state in FINAL else "act_not_allowed"


def _by(draft: Draft, act: StaffAct) -> str:
    return ENGINE if act.by is None else draft.staff_alias(act.by)


def _ok(draft: Draft, act: StaffAct) -> list[str]:
    return [draft.staff_alias(person) for person in act.ok]
