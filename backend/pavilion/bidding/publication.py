"""The first batch of a book, and what is published of its secrets with the last."""

from collections.abc import Sequence
from dataclasses import dataclass

from pavilion.bidding import closing, grouping
from pavilion.bidding.book import Published
from pavilion.bidding.deciding import Facts, Listing
from pavilion.bidding.folding import Book, Draft, Given
from pavilion.bidding.texts import Doc, reserve_commitment, text_of
from pavilion.bidding.vault import new_nonce

LotPublication = Listing


LATEST = 3600 * 1_000_000  # before the opening
RUNNING = ("listed", "open", "paused")
WAITS = "sale_paused"


@dataclass(frozen=True, slots=True)
class Publication:
    """What a sale is published with."""

    rules: str  # canonical text
    rules_hash: str
    lots: Sequence[LotPublication]


def publish(draft: Draft, publication: Publication) -> None:
    """The sale, then each lot with its committed reserve and its end, stand in the draft."""
    draft.write("sale.published", {"rules": publication.rules_hash, "lots": [one.lot for one in publication.lots]})
    for one in publication.lots:
        list_lot(draft, one)


def list_late(draft: Draft, facts: Facts) -> None:
    """Lots that came after publication stand in the book, each once: any if there is an hour left before the opening,
    and while the sale runs those that are offered again."""
    unverified = {name for name, one in facts.lots.items() if not one.verified}
    for one in facts.late:
        if not draft.has(one.lot) and one.lot not in unverified and _bar(draft, one) is None:
            list_lot(draft, one)
            if all(one.notice):
                by = grouping.ENGINE if one.by is None else draft.staff_alias(one.by)
                data = {"text_en": one.notice[0], "text_zh": one.notice[1], "passport": None, "by": by}
                draft.write("lot.notice", data, draft.lot(one.lot))


def turned_away(draft: Draft, facts: Facts, lot: str) -> str | None:
    """Why the book does not list this late lot, and by what it knows never will: a code; None for one that it has, or
    that waits."""
    one = next((one for one in facts.late if one.lot == lot), None)
    code = None if one is None or draft.has(lot) else _bar(draft, one)
    return None if code == WAITS else code


def _bar(draft: Draft, one: Listing) -> str | None:
    """None when the book takes the lot now, else the code of `auctions.again` that says why not."""
    if draft.state == "published":
        return None if draft.now <= draft.rules.opens_at - LATEST else "again_before_opening"
    if _offered_before(draft, one) is None or draft.state not in ("open", "paused"):
        return "again_over"
    if draft.rules.clerked:
        return None
    if draft.rules.tender is not None and (draft.round.number > 1 or draft.round.waits):
        return "again_closed"
    if draft.state == "paused":
        return WAITS  # ends stand still
    return None if _end(draft, one) is not None else "again_no_time"


def _offered_before(draft: Draft, one: Listing) -> str | None:
    """The lot of this book whose stones come back; None of one that was in another sale, or in none."""
    old = one.reoffer_of
    return old if old is not None and draft.has(old) and draft.look(old).state in ("passed", "withdrawn") else None


def list_lot(draft: Draft, one: Listing) -> None:
    """The lot with its committed reserve, and its end by its place in the plan of ends."""
    end = None if draft.rules.clerked else _end(draft, one)
    assert end is not None or draft.rules.clerked, f"lot {one.lot} has no time to run"
    commit = sealed = None
    if one.reserve is not None:
        nonce = new_nonce()
        commit = reserve_commitment(draft.sale, one.lot, one.currency, one.reserve, nonce)
        sealed = draft.vault.seal_reserve(one.reserve, nonce, one.lot)
    listing: Doc = {
        "number": one.number,
        "currency": one.currency,
        "opening": one.opening,
        "reserve_commit": commit,
        "end": None if end is None else text_of(end),
        "passport": one.passport,
    }
    old = _offered_before(draft, one)
    if old is not None:
        listing["reoffer_of"] = old
    if (due := draft.ruled.due(old)) != draft.book.rules_hash:
        listing["rules"] = due
    draft.list_lot(one.lot, listing, sealed)


def _end(draft: Draft, one: Listing) -> int | None:
    """By its place in the plan; in a sale that runs by where the other lots stand now, or None: it is too late."""
    rules = draft.rules_of(draft.ruled.due(_offered_before(draft, one)))
    soft, stagger = rules.soft_close, rules.stagger
    place = draft.places.get(one.lot, len(draft.places))
    planned = stagger.planned(place, draft.published, soft.scope)
    if draft.state == "published":
        return planned if place < draft.published else closing.late(soft, planned)
    running = [lot.end for lot in draft.all_lots() if lot.state in RUNNING]
    return closing.again(soft, planned, running, draft.next_at(), stagger.interval)


def publishable(draft: Draft) -> Published:
    """What the record may show of the maxima: all but the winner's own reach, and nothing of lots that passed."""
    if draft.rules.openings != "losing":
        return Published()
    shown, reserves = [], []
    lots = {lot.lot: lot for lot in draft.all_lots()}
    for given in {**draft.book.given, **draft.given}.values():
        if _is_sealed(given):
            continue
        lot = lots[given.lot]
        won = lot.state == "sold" and lot.stands.leader == given.alias
        if lot.state in ("sold", "withdrawn") and (not won or given.opening.amount <= lot.highest):
            shown.append((given.n, given.opening.amount, given.opening.nonce, given.key))
    for lot in lots.values():
        if lot.state == "sold" and lot.terms.reserve is not None and lot.reserve_nonce is not None:
            reserves.append((lot.lot, lot.terms.reserve, lot.reserve_nonce))
    return Published(sorted(shown), reserves)


def of_passed(book: Book) -> Published:
    """The bids on the lots that passed, once they can no longer be offered to anybody by hand."""
    if book.rules.openings != "losing":
        return Published()
    shown = [
        (given.n, given.opening.amount, given.opening.nonce, given.key)
        for given in book.given.values()
        if book.lots[given.lot].state == "passed" and not _is_sealed(given)
    ]
    return Published(sorted(shown))


def _is_sealed(given: Given) -> bool:
    """Opened by its custodians' shares, not by an amount and its nonce."""
    return given.code is None and given.opening.amount == 0
