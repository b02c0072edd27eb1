"""The engine's part of a sealed tender: envelopes taken and taken back, the common end, the opening and its results.

Until the opening nobody here knows an amount. What is decided before it rests on who sent an envelope, for which lot,
and when; so two tenders that differ in amounts alone give the same answers, byte for byte."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pavilion.bidding import tender, tender_finals, tender_plain
from pavilion.bidding.book import FINAL, LotBook
from pavilion.bidding.custody import Refused, read_shares
from pavilion.bidding.deciding import (
    Answer,
    Bidder,
    BidOrder,
    Facts,
    LotFacts,
    answer_of,
    bidder_of,
    decide_bid,
    right_code,
    state_code,
    turned_away,
)
from pavilion.bidding.folding import Draft, Given
from pavilion.bidding.sealing import Envelope, Payload, combine, envelopes_hash, is_share, read_envelope
from pavilion.bidding.tender_book import NO_ENVELOPE, OpenedLine, SealedLine, Weighed, counted, may_take_back
from pavilion.bidding.texts import bid_commitment
from pavilion.bidding.vault import Opening
from pavilion.kernel.canon import canonical, read_json

LONGEST = 16 * 1024  # characters of an envelope as it came
STAFF_MAY_OPEN = 24 * 3_600_000_000  # after the closing, with the shares that are there
_KEY = re.compile(r"[0-9a-f]{32}")

Shares = dict[str, dict[int, bytes]]  # envelope -> custodian -> good share


@dataclass(frozen=True, slots=True)
class SealOrder(BidOrder):
    """One sealed bid as its bidder sent it; without an envelope, the wish to take the standing one back."""

    envelope: str = ""


def seal_order(
    sale: str, lot: str, company_id: int, key: str, envelope: str = "", person: str | None = None
) -> SealOrder:
    return SealOrder(sale, lot, company_id, key, 0, "", "", person=person, envelope=envelope)


def paddle_text(paddle: int) -> str:
    """The paddle as an envelope names it."""
    return f"P-{paddle:04d}"


# -- one envelope -----------------------------------------------------------------------------------------------------


def decide(draft: Draft, facts: Facts, order: SealOrder, t: int) -> Answer:
    """The answer to a sealed bid, by all checks of a bid that need no amount; or to one that is taken back."""
    if _KEY.fullmatch(order.key) is None or len(order.envelope) > LONGEST:
        return turned_away(order, "bad_message")
    bidder = bidder_of(draft, facts, order)
    if isinstance(bidder, Answer):
        return bidder
    assert bidder.paddle is not None
    if draft.rules.tender is None:
        return turned_away(order, "act_not_allowed")
    envelope = _envelope(draft, order, bidder.paddle) if order.envelope else None
    if order.envelope and envelope is None:
        return turned_away(order, "seal_broken")
    named = NO_ENVELOPE if envelope is None else envelope.hash
    given = draft.earlier(bidder.paddle, order.key)
    if given is not None:
        same = (given.lot, given.opening.nonce) == (order.lot, named)
        return answer_of(draft.sale, given, replayed=True) if same else turned_away(order, "key_reused")
    lot = draft.look(order.lot)
    if envelope is None:
        return _take_back(draft, order, lot, bidder, t)
    if bidder.ended(t):
        return turned_away(order, "approval_expired")
    code = _state_code(draft, lot, bidder.paddle, t) or right_code(draft, facts, lot, bidder, lot.rules_hash, t)
    if code == "not_open_yet":
        return turned_away(order, code)
    return answer_of(draft.sale, _record(draft, draft.lot(order.lot), bidder.paddle, order, envelope, t, code))


def decide_any(draft: Draft, facts: Facts, order: BidOrder, t: int) -> Answer:
    """The answer to a bid in clear or sealed."""
    return decide(draft, facts, order, t) if isinstance(order, SealOrder) else decide_bid(draft, facts, order, t)


def answers(given: Given, order: BidOrder) -> bool:
    """Whether a stored answer is the answer to this order."""
    if not isinstance(order, SealOrder):
        return given.same_body(order.lot, order.max, order.currency, order.rules)
    if given.lot != order.lot:
        return False
    if not order.envelope:
        return given.opening.nonce == NO_ENVELOPE
    try:
        doc = read_json(order.envelope.encode())
        return read_envelope(doc, len(doc["shares"])).hash == given.opening.nonce
    except (ValueError, KeyError, TypeError):
        return False


def _envelope(draft: Draft, order: SealOrder, paddle: int) -> Envelope | None:
    """The envelope, if it is well formed, and of this very bid."""
    assert draft.rules.tender is not None
    try:
        envelope = read_envelope(read_json(order.envelope.encode()), len(draft.rules.tender.custodians))
    except ValueError:
        return None
    meant = (draft.sale, order.lot, paddle_text(paddle), order.key)
    return envelope if (envelope.sale, envelope.lot, envelope.paddle, envelope.key) == meant else None


def _state_code(draft: Draft, lot: LotBook, paddle: int, t: int) -> str | None:
    """Why the lot takes no sealed bid of this paddle; in the final round it is closed to all but the invited."""
    if lot.guests is not None and lot.state in ("open", "paused") and lot.aliases.get(paddle) not in lot.guests:
        return "lot_closed"
    return state_code(draft, lot, t)


def _take_back(draft: Draft, order: SealOrder, lot: LotBook, bidder: Bidder, t: int) -> Answer:
    assert draft.rules.tender is not None and bidder.paddle is not None
    if (code := _state_code(draft, lot, bidder.paddle, t)) is not None:
        return turned_away(order, code)
    if not draft.rules.tender.withdraw:
        return turned_away(order, "act_not_allowed")
    alias = lot.aliases.get(bidder.paddle)
    if not may_take_back(lot, alias):
        return turned_away(order, "nothing_to_withdraw")
    opening = Opening(0, lot.currency, draft.book.rules_hash, NO_ENVELOPE, None, None)
    given = draft.write_sealed(draft.lot(order.lot), {"bidder": alias}, bidder.paddle, order.key, opening, t)
    return answer_of(draft.sale, given)


def _record(
    draft: Draft, lot: LotBook, paddle: int, order: SealOrder, envelope: Envelope, t: int, code: str | None
) -> Given:
    """A refused envelope is committed to like a bid of nothing whose nonce is the envelope's hash."""
    alias = lot.alias_for(paddle)
    opening = Opening(0, lot.currency, draft.book.rules_hash, envelope.hash, None, None)
    if code is not None:
        commit = bid_commitment(draft.sale, lot.lot, alias, order.key, opening)
        refused = {"bidder": alias, "commit": commit, "code": code, "after": lot.seq}
        return draft.write_bid(lot, refused, paddle, order.key, opening, t)
    given = draft.write_sealed(lot, {"bidder": alias, "envelope": envelope.hash}, paddle, order.key, opening, t)
    text = canonical(envelope.document()).decode()
    draft.kept.envelopes.append(SealedLine(given.n, lot.lot, alias, envelope.hash, text))
    return given


# -- the common end ---------------------------------------------------------------------------------------------------


def close_round(draft: Draft) -> None:
    """The closing stands in the sale's book once no lot takes envelopes any more: what custodians answer to."""
    if draft.rules.tender is None or draft.state != "open" or draft.round.waits:
        return
    states = {lot.state for lot in draft.all_lots()}
    if states <= FINAL and draft.round.number > 1:
        tender_finals.release(draft)  # every lot of the final round was withdrawn: there is no second opening
    if "closing" not in states or not states <= FINAL | {"closing"}:
        return
    hashes = [one.hash for one in due_envelopes(draft)]
    draft.write("tender.closed", {"count": len(hashes), "envelopes": envelopes_hash(hashes)})


def due_envelopes(draft: Draft) -> list[SealedLine]:
    """The envelopes of this round that are to be opened, in the order of the book."""
    return counted([*draft.book.sealed, *draft.kept.envelopes], _taken_back(draft), draft.round)


def _taken_back(draft: Draft) -> Mapping[tuple[str, str], int]:
    back: dict[tuple[str, str], int] = {}
    for given in (*draft.book.given.values(), *draft.given.values()):
        if given.code is None and given.opening.nonce == NO_ENVELOPE:
            back[given.lot, given.alias] = max(given.n, back.get((given.lot, given.alias), -1))
    return back | {(lot.lot, ""): draft.n for lot in draft.all_lots() if lot.state == "withdrawn"}


# -- the opening ------------------------------------------------------------------------------------------------------


def good_shares(custodians: Sequence[str], closed: str, envelopes: Sequence[Envelope], files: Sequence[str]) -> Shares:
    """The shares that are what the bidder promised, of custodians who answered this very closing."""
    good: Shares = {one.hash: {} for one in envelopes}
    by_hash = {one.hash: one for one in envelopes}
    for text in files:
        try:
            read = read_shares(read_json(text.encode(), 64 * 1024 * 1024), custodians)
        except (Refused, ValueError):
            continue
        if read.closed != closed:
            continue
        for one in read.shares:
            envelope = by_hash.get(one.envelope)
            if envelope is not None and one.share is not None and is_share(envelope, read.x, one.share):
                good[one.envelope][read.x] = one.share
    return good


def open_if_complete(draft: Draft, facts: Facts) -> None:
    """Opened as soon as every envelope has enough good shares."""
    rules = draft.rules.tender
    if rules is None or not draft.round.waits or draft.state != "open":
        return
    if not rules.sealed:
        tender_plain.open_by_itself(draft, partial(_open, draft, facts), _read(draft))
        return
    if len(facts.shares) < rules.k and due_envelopes(draft):
        return
    envelopes = _read(draft)
    good = _good(draft, facts, envelopes)
    if all(len(good[one.hash]) >= rules.k for _, one in envelopes):
        _open(draft, facts, envelopes, good)


def open_by_staff(draft: Draft, facts: Facts) -> str | None:
    """Opened with the shares that are there, a day after the closing; what lacks shares stays unopened."""
    if draft.rules.tender is None or not draft.round.waits or draft.state != "open":
        return "act_not_allowed"
    if draft.now < draft.round.closed_at + STAFF_MAY_OPEN:
        return "act_not_allowed"
    envelopes = _read(draft)
    _open(draft, facts, envelopes, _good(draft, facts, envelopes))
    return None


Read = list[tuple[SealedLine, Envelope]]


def _read(draft: Draft) -> Read:
    assert draft.rules.tender is not None
    count = len(draft.rules.tender.custodians)
    return [(one, read_envelope(read_json(one.envelope.encode()), count)) for one in due_envelopes(draft)]


def _good(draft: Draft, facts: Facts, envelopes: Read) -> Shares:
    assert draft.rules.tender is not None
    return good_shares(draft.rules.tender.custodians, draft.round.closed, [one for _, one in envelopes], facts.shares)


def _open(draft: Draft, facts: Facts, envelopes: Read, good: Shares) -> None:
    """Every envelope opened and judged, and every lot decided, in one batch; or after the first of two rounds those
    lots opened again whose best bidders are invited."""
    rules, final = draft.rules.tender, draft.round.number > 1
    assert rules is not None
    lots = [lot for lot in draft.all_lots() if lot.state == "closing"]
    terms = {lot.lot: lot_terms(lot, facts.lots.get(lot.lot), draft.book.weighed.get(lot.lot)) for lot in lots}
    bids, inside = _inside(draft, envelopes, good)
    guests: Mapping[str, Sequence[tender.Live]] = tender_finals.invited(draft) if final else {}
    found = tender.finals(terms, guests, bids, rules.replace) if final else tender.opened(terms, bids, rules.replace)
    judged = iter(found.judged)
    lines = [_opened_line(line, within, judged, good[line.hash]) for line, within in inside]
    valid = sum(one.total is not None for one in lines)
    at = draft.write("tender.opened", {"valid": valid, "invalid": len(lines) - valid}).at
    ranking = tender.ranked(found.live)
    if final:
        firsts = tender_finals.first_ranks(draft)
        ranking = {lot: ranks if lot in guests else firsts.get(lot, ()) for lot, ranks in ranking.items()}
        tender_finals.release(draft)
        draft.kept.opened += lines
        _award(draft, facts, lots, terms, ranking, {lot: len(firsts.get(lot, ())) for lot in terms})
        return
    draft.kept.weighed += [Weighed(lot, one.mct, one.benchmark_ppc) for lot, one in terms.items()]
    if rules.best_and_final is not None:
        top, within_bp = rules.best_and_final.top, rules.best_and_final.within_bp
        guests = tender.final_round(ranking, top, within_bp, rules.min_bidders)
    if guests:
        tender_finals.hold(draft, lines, guests)
        tender_finals.reopen(draft, lots, ranking, guests, at)
        return
    draft.kept.opened += lines
    _award(draft, facts, lots, terms, ranking, None)


Inside = list[tuple[SealedLine, Payload | str]]


def _inside(draft: Draft, envelopes: Read, good: Shares) -> tuple[list[tender.Bid], Inside]:
    """What each envelope held, or why nothing could be read; and the bids among it, by paddle."""
    rules = draft.rules.tender
    assert rules is not None
    bids: list[tender.Bid] = []
    inside: Inside = []
    for line, envelope in envelopes:
        found = combine(envelope, rules.custodians, rules.k, good[envelope.hash].items())
        inside.append((line, found))
        if isinstance(found, Payload):
            paddle = str(draft.look(line.lot).paddles[line.bidder])
            bids.append(tender.Bid(line.lot, paddle, line.n, found.entry, found.value))
    return bids, inside


def lot_terms(lot: LotBook, known: LotFacts | None, weighed: Weighed | None = None) -> tender.TenderLot:
    """The minimum of a lot is its opening price; what was weighed at the first opening holds for the final round."""
    mct, benchmark = (known.mct, known.benchmark_ppc) if known else (0, None)
    if weighed is not None:
        mct, benchmark = weighed.mct, weighed.benchmark_ppc
    return tender.TenderLot(lot.lot, mct, lot.terms.opening, lot.terms.reserve, benchmark)


def _opened_line(
    line: SealedLine, within: Payload | str, judged: Iterator[tender.Judged], shares: Mapping[int, bytes]
) -> OpenedLine:
    told = json.dumps({str(x): share.hex() for x, share in sorted(shares.items())})
    if not isinstance(within, Payload):
        return OpenedLine(line.n, within, None, None, None, told)
    said = next(judged)
    value = within.value if type(within.value) is int and abs(within.value) < 2**53 else None
    return OpenedLine(line.n, said.code, within.entry, value, said.total, told)


def _award(
    draft: Draft,
    facts: Facts,
    lots: Sequence[LotBook],
    terms: Mapping[str, tender.TenderLot],
    ranking: tender.Ranking,
    drawn: Mapping[str, int] | None,
) -> None:
    """`drawn`: how many were ranked in the first round, where this is the final one."""
    outcome = tender.award([terms[lot.lot] for lot in lots], ranking, replace(award_terms(draft, facts), drawn=drawn))
    for award in outcome.awards:
        own = draft.lot(award.lot)
        if award.winner is not None:
            draft.write("lot.sold", {"bidder": own.aliases[int(award.winner)], "price": award.price}, own)
        else:
            draft.write("lot.passed", {"reason": award.reason}, own)
    if all(lot.state in FINAL for lot in draft.all_lots()):
        draft.write("sale.closed", {})


def award_terms(draft: Draft, facts: Facts) -> tender.AwardTerms:
    """A bidder's limit is the lower of the paddle's and of what the bidder wants to spend."""
    assert draft.rules.tender is not None
    limits, priority = {}, {}
    for paddle, bidder in facts.by_paddle.items():
        wish = facts.wishes.get(bidder.company_id)
        bounds = [one for one in (bidder.limit, wish.limit if wish else None) if one is not None]
        if bounds:
            limits[str(paddle)] = min(bounds)
        if wish is not None:
            priority[str(paddle)] = wish.lots
    return tender.AwardTerms(
        price_rule=draft.rules.tender.price_rule,
        min_bidders=draft.rules.tender.min_bidders,
        limits=limits,
        priority=priority,
        bands=draft.rules.premium_bands if draft.rules.limits_include_fees else None,
    )
