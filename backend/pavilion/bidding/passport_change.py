"""A passport that changed while its lot is bid on: the lot waits, its bidders confirm, and what they do not confirm in
time the engine voids (bidding spec 2)."""

from pavilion.bidding import rules
from pavilion.bidding.book import FINAL, LotBook
from pavilion.bidding.deciding import Facts
from pavilion.bidding.folding import Draft
from pavilion.bidding.rules import Commitment

CHANGED = "passport_changed"
NOTICE_EN = (
    "The passport of this lot has a new version. Please read it. Bidders who have a maximum here are asked to "
    "confirm it within 24 hours; one that is not confirmed is voided."
)
NOTICE_ZH = "本拍品的护照已有新版本，请阅读。已出最高价的竞买人请于 24 小时内确认；未确认的将作废。"
QUIET_EN = "The passport of this lot has a new version. Please read it before you bid."
QUIET_ZH = "本拍品的护照已有新版本，请于出价前阅读。"


def noticed(draft: Draft, facts: Facts) -> None:
    """Every lot whose passport is another than its book says has a notice of it; one with live bids waits."""
    for lot in draft.all_lots():
        known = facts.lots.get(lot.lot)
        if known is None or not known.passport or known.passport == lot.passport or lot.state in FINAL | {"closing"}:
            continue
        bids = bool(lot.best)
        if bids and lot.state == "open" and lot.end > draft.next_at():
            draft.write("lot.paused", {"reason": CHANGED, "by": "engine"}, draft.lot(lot.lot))
        en, zh = (NOTICE_EN, NOTICE_ZH) if bids else (QUIET_EN, QUIET_ZH)
        data = {"text_en": en, "text_zh": zh, "passport": known.passport, "by": "engine"}
        draft.write("lot.notice", data, draft.lot(lot.lot))


def awaited(lot: LotBook, facts: Facts) -> list[Commitment]:
    """Live bids from before the change whose bidder has not confirmed."""
    known = facts.lots.get(lot.lot)
    if lot.changed_seq is None or known is None:
        return []
    old = [one for one in (*lot.live, *lot.fresh) if one.seq < lot.changed_seq]
    return [one for one in old if _company(lot, facts, one.bidder) not in known.confirmed]


def lapsed(draft: Draft, facts: Facts) -> None:
    """What was not confirmed in time is void."""
    for seen in draft.all_lots():
        if seen.confirm_by is None or draft.now < seen.confirm_by:
            continue
        gone = awaited(seen, facts) if seen.state in ("open", "paused") else []
        for known in {id(one): one for one in (seen, draft.book.lots.get(seen.lot)) if one}.values():
            known.confirm_by = None  # looked at; after a reload it is looked at again, to no effect
        if not gone:
            continue
        lot = draft.lot(seen.lot)
        left = [one for one in (*lot.live, *lot.fresh) if one not in gone]
        stands = rules.standing(lot.terms, rules.best_of(left))
        seqs = sorted(one.seq for one in gone)
        draft.write("bid.voided", {"seqs": seqs, "reason": CHANGED, "ok": [], **stands._asdict()}, lot)


def pending(lot: LotBook, facts: Facts, now: int) -> bool:
    """Bidders still have time to confirm, and not all of them have."""
    return lot.confirm_by is not None and now < lot.confirm_by and bool(awaited(lot, facts))


def _company(lot: LotBook, facts: Facts, alias: str) -> int | None:
    bidder = facts.by_paddle.get(lot.paddles[alias])
    return None if bidder is None else bidder.company_id
