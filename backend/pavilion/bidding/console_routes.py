"""The console of a running sale: one page that works as HTML alone, and what its script asks every other second."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.bidding import console, console_words, handing, lines, lot_requests, report, showing
from pavilion.bidding.console import Head
from pavilion.bidding.console_words import Words
from pavilion.bidding.models import BookLot
from pavilion.bidding.showing import LotShown, Purse, SaleShown
from pavilion.bidding.tape import Tape
from pavilion.kernel.errors import NotFound
from pavilion.kernel.instants import stamp
from pavilion.kernel.money import MAX_AMOUNT, decimal_text, parse_minor
from pavilion.kernel.sheet import write_csv
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.figures import Figures
from pavilion.webkit.html import language, page

router = APIRouter(tags=["bidding"])

Staff = Annotated[Actor, may(Permission.STAFF_SEE)]
Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$")]
Short = Annotated[str, Query(max_length=40)]
MOST_PADDLE = 999_999
FEED = 40
REASONS: Mapping[str, tuple[str, ...]] = {
    "pause": ("staff", "notice_coming", "clock", "technical"),
    "withdraw": ("withdrawn_by_seller", "description_changed", "damaged", "not_eligible", "staff_error"),
    "void": ("typo", "bidder_barred", "shill", "description_changed", "not_eligible", "default", "staff_error"),
    "lower_reserve": ("seller_agrees",),
    "cancel": ("sale_cancelled",),
}
LATER_S = (30, 60, 120, 300, 600, 1800, 3600)  # after the present end
AGAIN_S = (60, 120, 300, 600)  # from now, for a lot that is reopened
SINCE_S = (15, 30, 60, 120, 300, 600)  # before now, when an incident began
PARTS = frozenset({"hand", "behalf"})


@router.get("/staff/sales/{sale}/console")
async def console_page(
    request: Request,
    sale: Id,
    session: Reading,
    actor: Staff,
    now: Now,
    lot: Short = "",
    show: Annotated[str, Query(max_length=12)] = "now",
    part: Annotated[str, Query(max_length=8)] = "",
    paddle: Annotated[str, Query(max_length=8)] = "",
    amount: Short = "",
    mandate: Literal["", "phone", "commission", "floor"] = "",
) -> Response:
    """All lots, the one in hand, the acts of this person. With `part`, a script gets the lot in hand, its book of
    bids, or the bid that is about to be entered alone."""
    if part == "book":  # asked again and again while a lot is fought for: the other lots are not read for it
        return await _book(request, session, sale, lot)
    shown = await showing.sale_shown(session, sale, actor, None)
    if not shown.lots:
        raise NotFound()
    here = shown.lot(lot) if lot else _first(shown)
    bids = await console.bids_of(session, shown, here.id)
    words = _words(request, shown)
    minor = parse_minor(amount, shown.currency)
    entered = paddle.upper().removeprefix("P-").lstrip("0")
    known = entered.isdecimal() and int(entered) <= MOST_PADDLE
    asked = None
    if minor is not None and 0 < minor <= MAX_AMOUNT and mandate and known:
        asked = await console.behalf(session, shown.ruled(here), int(entered), minor, mandate, now)
    facts = {
        **_facts(shown, here, actor, now),
        "bids": bids,
        "voidable": console.voidable(bids),
        "reach": await console.reaches(session, sale),
        "behalf": asked,
        "asked": {"paddle": paddle, "amount": amount, "mandate": mandate},
        "said": bool(paddle or amount or mandate),
        "words": words,
        "notices": (await lines.book_shown(session, here.id, None)).notices,
        "requests": await lot_requests.how_many_wait(session, sale) if actor.may(Permission.BID_VOID) else None,
    }
    if part in PARTS:
        return page(request, "bidding/console.html", partial=part, **facts)
    head = Head(shown.id, shown.state, shown.zone, shown.currency, shown.inner_id)
    told = await _told(request, session, head, actor, now)
    counts = console.counts(shown.lots)
    show = show if show in console.GROUPS else "now"
    return page(
        request, "bidding/console.html", **facts, told=told, show=show, counts=counts, spark=console_words.spark
    )


@router.get("/staff/sales/{sale}/console.json")
async def console_json(
    request: Request, sale: Id, session: Reading, actor: Staff, now: Now, after: Annotated[int, Query(ge=-1)] = -1
) -> Response:
    """What the room's frames do not carry: who watches, how the sale fares, what waits, and the log since `after`."""
    told = await _told(request, session, await console.head_of(session, sale), actor, now, after)
    return JSONResponse(told, headers={"cache-control": "no-store"})


@router.get("/staff/sales/{sale}/report")
async def report_page(request: Request, sale: Id, session: Reading, actor: Staff, now: Now) -> Response:
    """What did not go by itself, and how the sale went."""
    shown = await showing.sale_shown(session, sale, actor, None)
    found = await report.report_of(session, shown, now)
    return page(request, "bidding/report.html", sale=shown, report=found, words=_words(request, shown), now=now)


@router.get("/staff/sales/{sale}/report.csv")
async def report_csv(request: Request, sale: Id, session: Reading, actor: Staff, now: Now) -> Response:
    """The same as a table; what a spreadsheet would run is text."""
    shown = await showing.sale_shown(session, sale, actor, None)
    found = await report.report_of(session, shown, now)
    body = b"".join(write_csv(report.rows(found)))
    headers = {"content-disposition": f'attachment; filename="sale-{sale}-report.csv"', "cache-control": "no-store"}
    return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


async def _book(request: Request, session: AsyncSession, sale: str, lot: str) -> Response:
    """The book of bids of one lot, for a script."""
    head = await console.head_of(session, sale)
    row = await session.get(BookLot, lot)
    if row is None or row.sale != sale:
        raise NotFound()
    bids = await console.bids_of(session, head, lot)
    facts: dict[str, Any] = {"sale": head, "lot": row, "bids": bids, "voidable": console.voidable(bids)}
    facts["words"] = _words(request, head)
    return page(request, "bidding/_console_book.html", **facts)


async def _told(
    request: Request, session: AsyncSession, sale: Head, actor: Actor, now: datetime, after: int = -1
) -> dict[str, Any]:
    """What the console's script asks for; the page begins with the same."""
    state, words = request.app.state, _words(request, sale)
    tape = _tape(request, sale.id)
    await tape.read(session, now)
    watching, bidders = state.rooms.hub.audience(sale.id)
    known = await console.health(session, sale.id, now)
    vitals, ahead = await state.rooms.vitals(sale.id), await console.clock_ahead_us(session, state.clock)
    pulse = tape.pulse(now)
    return {
        "at": stamp(now),
        "state": sale.state,
        "watching": watching,
        "bidders": bidders,
        "engine": {"writes": known.writes, "epoch": known.epoch},
        "health": [{"name": name, "value": value} for name, value in words.health(known, vitals, ahead)],
        "pulse": pulse,
        "spark": console_words.spark(pulse),
        "n": tape.n,
        "feed": [console_words.document(words, line) for line in tape.lines if line.n > after][-FEED:],
        "waiting": [_waiting(words, one) for one in await console.waiting(session, sale.id, actor, now)],
        "refused": [
            {"id": order.id, "text": words.tongue.say("order_refused", why=words.reason(order.code or ""),
                                                      number=tape.numbers.get(order.lot or "", "–"))}
            for order in await console.refused_orders(session, sale.id, now)
        ],
    }  # fmt: skip


def _waiting(words: Words, one: console.Waiting) -> dict[str, Any]:
    proposal = one.proposal

    def clock(at: datetime) -> str:
        return words.figures.clock(at, words.zone, seconds=True)

    return {
        "id": proposal.public_id,
        "lot": proposal.facts["lot"],
        "text": words.proposal(one),
        "by": one.proposer,
        "proposed": clock(proposal.proposed_at),
        "expires": clock(proposal.expires_at),
        "own": one.own,
        "decidable": one.decidable and not one.own,
    }


def _tape(request: Request, sale: str) -> Tape:
    """The tape of this sale in this process."""
    state = request.app.state
    if getattr(state, "tapes", None) is None:
        state.tapes = {}
    tapes: dict[str, Tape] = state.tapes
    return tapes.setdefault(sale, Tape(sale))


def _words(request: Request, sale: Head | SaleShown) -> Words:
    tongue = request.app.state.pages.tongues[language(request)]
    return Words(tongue, Figures(tongue), sale.zone, sale.currency)


def _first(sale: SaleShown) -> LotShown:
    """The lot that is taken in hand when nobody names one: what is open and ends first, else what opens next."""
    left = [lot for lot in sale.lots if not lot.is_decided] or list(sale.lots)
    open_ = [lot for lot in left if lot.state in ("open", "closing", "paused")]
    if sale.rules.clerked or not open_:
        return (open_ or left)[0]
    return min(open_, key=lambda lot: lot.end or sale.planned_close)


def _next(sale: SaleShown, here: LotShown) -> LotShown | None:
    """The lot after this one that is still to be sold."""
    place = sale.lots.index(here)
    return next((lot for lot in [*sale.lots[place + 1 :], *sale.lots[:place]] if not lot.is_decided), None)


def _facts(sale: SaleShown, lot: LotShown, actor: Actor, now: datetime) -> dict[str, Any]:
    ends = [(seconds, stamp(lot.end + timedelta(seconds=seconds))) for seconds in LATER_S] if lot.end else []
    return {
        "sale": sale,
        "lot": lot,
        "now": now,
        "purse": Purse("not_allowed", bands=sale.ruled(lot).rules.premium_bands),
        "acts": console.lot_acts(sale, actor),
        "sale_acts": console.sale_acts(actor),
        "needs_two": console.needs_two,
        "group_of": console.group_of,
        "reasons": REASONS,
        "later": ends,
        "again": AGAIN_S,
        "since": SINCE_S,
        "next_lot": _next(sale, lot),
        "key": lambda: secrets.token_hex(16),
        "plain": lambda minor: decimal_text(minor, sale.currency).removesuffix(".00"),
        "stamp": stamp,
        "soon": lambda at: abs((at - now).total_seconds()) < 43_200,
        "minutes": handing.minutes,
        "facts": _script(sale, lot),
    }


def _script(sale: SaleShown, lot: LotShown) -> dict[str, Any]:
    given = handing.facts_for_script(sale, Purse("not_allowed", bands=sale.rules.premium_bands), lot.id, False)
    return {
        name: given[name]
        for name in ("sale", "state", "format", "rules", "currency", "zone", "window", "under", "amended", "lots")
    }
