"""What staff do to lots and sales. Each act is refused with a code or becomes events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pavilion.bidding import amended, clerking, closing, due, grouping, passport_change, publication, rules, tendering
from pavilion.bidding.book import FINAL, LotBook
from pavilion.bidding.deciding import Facts
from pavilion.bidding.folding import Draft
from pavilion.bidding.texts import Doc, end_or_none, reserve_commitment, text_of
from pavilion.bidding.vault import new_nonce
from pavilion.provenance.words import lint

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
    to: int | None = None  # a new end; of an incident, when it began
    amount: int | None = None  # a lower reserve
    paddle: int | None = None  # whose bids are voided
    seqs: tuple[int, ...] = ()  # or which
    text_en: str = ""
    text_zh: str = ""
    lots: tuple[str, ...] = ()  # whose rule set is amended
    rules: str = ""  # the canonical text of the new one
    was: str = ""  # the hash of the one that they have
    order: int | None = None  # the row of two persons' agreement that this act carries out


class Agreed(NamedTuple):
    """An act that two persons agreed on and that the book has not carried out yet."""

    id: int
    document: Mapping[str, Any]
    sealed: bytes | None
    place: str


def carry_out(draft: Draft, facts: Facts, act: StaffAct) -> str | None:
    """None when done, else the code of the refusal; nothing is half done."""
    code = _carried_out(draft, facts, act)
    if code is None and act.order is not None:
        draft.orders.append(act.order)
    return code


def _carried_out(draft: Draft, facts: Facts, act: StaffAct) -> str | None:
    if act.act == "list_late" and act.lot is not None:  # the engine's own: no form asks for it
        publication.list_late(draft, facts)
        return publication.turned_away(draft, facts, act.lot)
    if draft.state == "closed":
        return _unfit(draft.look(act.lot)) if act.lot and draft.has(act.lot) else "act_not_allowed"
    if act.lot is not None:
        if not draft.has(act.lot):
            return "lot_unknown"
        handler = LOT_ACTS.get(act.act)
        return "act_not_allowed" if handler is None else handler(draft, facts, act, draft.look(act.lot))
    if act.act == "open_tender":
        return tendering.open_by_staff(draft, facts)
    sale_handler = SALE_ACTS.get(act.act)
    return "act_not_allowed" if sale_handler is None else sale_handler(draft, act)


# -- one lot ----------------------------------------------------------------------------------------------------------


def _pause(draft: Draft, _facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state not in ("open", "paused"):
        return _unfit(lot)
    if (code := closing.judge_pause(lot.clock(), draft.next_at())) is not None:
        return code
    by, group = _by(draft, act), grouping.together(draft, lot, "open")
    if any(draft.next_at() + k >= one.end for k, one in enumerate(group)):  # each event takes a microsecond
        return "too_late"
    for one in group:
        draft.write("lot.paused", {"reason": act.reason or "staff", "by": by}, draft.lot(one.lot))
    return None


def _resume(draft: Draft, facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state not in ("open", "paused"):
        return _unfit(lot)
    if (code := closing.judge_resume(lot.clock())) is not None:
        return code
    if draft.state == "paused" or not _verified(facts, lot) or passport_change.pending(lot, facts, draft.now):
        return "act_not_allowed"
    by = _by(draft, act)
    for one in grouping.together(draft, lot, "paused"):
        if _verified(facts, one):
            _resumed(draft, one, by)
    grouping.level(draft)
    return None


def _verified(facts: Facts, lot: LotBook) -> bool:
    """Every stone of the lot is verified now."""
    known = facts.lots.get(lot.lot)
    return known is not None and known.verified


def _extend(draft: Draft, _facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state not in ("open", "paused"):
        return _unfit(lot)
    if act.to is None:
        return "end_not_later"
    if (code := closing.judge_extend(lot.clock(), draft.next_at(), act.to)) is not None:
        return code
    grouping.extended(draft, lot, act.to, "staff", _by(draft, act))
    grouping.level(draft)
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
    if lot.state != "closing" or draft.rules.tender is not None:
        return _unfit(lot)  # what custodians may have opened is not sealed again
    if len(set(act.ok)) < 2:
        return "second_approval_needed"
    if act.to is None or act.to <= draft.next_at():
        return "end_not_later"
    draft.write("lot.reopened", {"end": text_of(act.to), "ok": _ok(draft, act)}, draft.lot(lot.lot))
    return None


def _open(draft: Draft, facts: Facts, _act: StaffAct, lot: LotBook) -> str | None:
    if lot.state != "listed":
        return _unfit(lot)
    return clerking.open_lot(draft, lot) if _verified(facts, lot) else "act_not_allowed"


def _final_call(draft: Draft, _facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    return clerking.final_call(draft, lot, _by(draft, act)) if lot.state == "open" else _unfit(lot)


def _pass(draft: Draft, _facts: Facts, _act: StaffAct, lot: LotBook) -> str | None:
    return clerking.pass_lot(draft, lot) if lot.state == "open" else _unfit(lot)


def _lower_reserve(draft: Draft, _facts: Facts, act: StaffAct, lot: LotBook) -> str | None:
    if lot.state not in ("listed", "open", "paused"):
        return _unfit(lot)
    if len(set(act.ok)) < 2:
        return "second_approval_needed"
    if lot.state == "open" and draft.next_at() >= lot.end:
        return "too_late"
    if act.amount is None:
        return "amount_invalid"
    if (code := rules.judge_reserve(lot.terms, lot.stands, act.amount)) is not None:
        return code
    nonce = new_nonce()
    commit = reserve_commitment(draft.sale, lot.lot, lot.currency, act.amount, nonce)
    stands = rules.standing(replace(lot.terms, reserve=act.amount), lot.lead)
    data = {"reserve_commit": commit, "ok": _ok(draft, act), **stands._asdict()}
    draft.lower_reserve(lot.lot, data, draft.vault.seal_reserve(act.amount, nonce, lot.lot))
    return None


def _confirm(draft: Draft, _facts: Facts, _act: StaffAct, lot: LotBook) -> str | None:
    if lot.state != "closing" or draft.rules.tender is not None:
        return _unfit(lot)
    clerking.decided(draft, lot)
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
    "lower_reserve": _lower_reserve,
    "open": _open,
    "final_call": _final_call,
    "pass": _pass,
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
    grouping.level(draft)
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


def _incident(draft: Draft, act: StaffAct) -> str | None:
    if draft.state != "open" or act.to is None or act.to <= draft.outage_to:
        return "act_not_allowed"  # what lies before the last interruption was given back with it
    if len(set(act.ok)) < 2:
        return "second_approval_needed"
    if (code := closing.judge_outage(draft.rules.outage, act.to, draft.now)) is not None:
        return code
    due.given_back(draft, act.to, "declared")
    return None


def _amend(draft: Draft, act: StaffAct) -> str | None:
    return amended.amend(draft, act.rules, act.was, act.lots, act.ok)


SALE_ACTS: dict[str, Callable[[Draft, StaffAct], str | None]] = {
    "pause": _pause_sale,
    "resume": _resume_sale,
    "cancel": _cancel,
    "unpublish": _unpublish,
    "incident": _incident,
    "amend": _amend,
}


def _resumed(draft: Draft, lot: LotBook, by: str) -> None:
    at = draft.next_at()
    end = closing.resumed(lot.rules.soft_close, lot.clock(), at).end
    draft.write("lot.resumed", {"end": end_or_none(end), "by": by}, draft.lot(lot.lot), at=at)


def _unfit(lot: LotBook) -> str:
    return "lot_withdrawn" if lot.state == "withdrawn" else "lot_closed" if lot.state in FINAL else "act_not_allowed"


def _by(draft: Draft, act: StaffAct) -> str:
    return grouping.ENGINE if act.by is None else draft.staff_alias(act.by)


def _ok(draft: Draft, act: StaffAct) -> list[str]:
    return [draft.staff_alias(person) for person in act.ok]
