"""What an act that waits for a second person would do to a running sale, in the reader's words: the bids and who made
them, where the lot stands, what follows. Maxima and reserves are not in it."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Proposal
from pavilion.accounts.rules import ProposalState
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.bidding.acting import KINDS
from pavilion.bidding.console_words import paddle_text
from pavilion.bidding.models import BookBid, BookEvent, BookLot
from pavilion.kernel.instants import from_micros
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue


class Line(NamedTuple):
    text: str
    href: str | None = None


class Held(NamedTuple):
    """An accepted bid, as the room saw it, and whose it is."""

    seq: int
    alias: str
    paddle: int
    price: int | None
    live: bool


async def lines(session: AsyncSession, proposals: Sequence[Proposal], tongue: Tongue) -> dict[int, list[Line]]:
    """By proposal; what is no act on a running sale has none."""
    return {one.id: await _lines(session, one, tongue) for one in proposals if one.kind in KINDS.values() and one.facts}


async def _lines(session: AsyncSession, proposal: Proposal, tongue: Tongue) -> list[Line]:
    facts, say = proposal.facts, tongue.say
    sale = await session.scalar(select(Sale).where(Sale.public_id == facts["sale"]))
    if sale is None:
        return []
    told = _Told(tongue, Figures(tongue), sale, proposal.state == ProposalState.OPEN)
    desk = f"/staff/sales/{sale.public_id}"
    found = [Line(say("proposed_sale", title=_titled(sale, tongue)), desk)]
    lot, stands = None, None
    if facts.get("lot"):
        lot = await session.scalar(select(Lot).where(Lot.public_id == facts["lot"]))
        stands = await session.get(BookLot, facts["lot"])
    if lot is not None:
        said = say("proposed_lot", number=lot.number_text, title=_titled(lot, tongue))
        found.append(Line(said, f"{desk}/console?lot={lot.public_id}"))
    act = facts["act"]
    if stands is not None and act["act"] == "void":
        found += await told.void(session, act, stands)
    elif stands is not None:
        found += told.lot_act(act, stands)
    else:
        found += await told.sale_act(session, act)
    return found


class _Told(NamedTuple):
    tongue: Tongue
    figures: Figures
    sale: Sale
    waits: bool  # what follows is said only while it may still happen

    async def void(self, session: AsyncSession, act: dict[str, Any], lot: BookLot) -> list[Line]:
        held = await _held(session, lot.lot)
        named = [one for one in held if one.seq in act["seqs"] or (not act["seqs"] and one.paddle == act["paddle"])]
        firms = await _firms(session, self.sale, {one.paddle for one in named})
        found = [
            Line(
                self.tongue.say(
                    "proposed_bid", seq=one.seq, alias=one.alias, paddle=paddle_text(one.paddle),
                    company=firms.get(one.paddle, "–"), sum=self._sum(one.price),
                )
            )
            for one in named
        ]  # fmt: skip
        if self.waits:
            found.append(self._stands(lot))
            left = sum(one.live for one in held if one not in named)
            code = "follows_void_some" if left else "follows_void_none"
            found.append(Line(self.tongue.say(code, n=left, sum=self._sum(lot.opening))))
        return found

    def lot_act(self, act: dict[str, Any], lot: BookLot) -> list[Line]:
        if not self.waits:
            return []
        return [self._stands(lot), self._follows(act)]

    async def sale_act(self, session: AsyncSession, act: dict[str, Any]) -> list[Line]:
        if not self.waits:
            return []
        count = await session.scalar(select(func.count()).where(BookLot.sale == self.sale.public_id)) or 0
        return [self._follows(act, count)]

    def _follows(self, act: dict[str, Any], lots: int = 0) -> Line:
        at = "–"
        if act.get("to"):
            at = str(self.figures.when(from_micros(act["to"]), self.sale.zone, seconds=True).striptags())
        return Line(self.tongue.say(f"follows_{act['act']}", at=at, lots=lots))

    def _stands(self, lot: BookLot) -> Line:
        say = self.tongue.say
        state = say(f"lot_state_{lot.state}")
        if not lot.bids:
            return Line(say("proposed_stands_unbid", state=state, sum=self._sum(lot.opening)))
        who = f"{lot.alias}, {paddle_text(lot.leader)}" if lot.leader is not None else say("feed_house")
        return Line(say("proposed_stands", state=state, sum=self._sum(lot.price), who=who, n=lot.bids))

    def _sum(self, minor: int | None) -> str:
        return "–" if minor is None else f"{self.sale.currency} {self.figures.amount(minor, self.sale.currency)}"


async def _held(session: AsyncSession, lot: str) -> list[Held]:
    """The accepted bids of a lot in their order."""
    bodies = select(BookEvent.body).where(BookEvent.lot == lot, BookEvent.type == "bid.voided")
    gone = {seq for body in await session.scalars(bodies) for seq in json.loads(body)["data"]["seqs"]}
    wanted = (
        select(BookBid.alias, BookBid.paddle, BookEvent.seq, BookEvent.body)
        .join(BookEvent, (BookEvent.sale == BookBid.sale) & (BookEvent.n == BookBid.n))
        .where(BookBid.lot == lot, BookBid.code.is_(None))
        .order_by(BookBid.n)
    )
    return [
        Held(seq, alias, paddle, json.loads(body)["data"].get("price"), seq not in gone)
        for alias, paddle, seq, body in await session.execute(wanted)
    ]


async def _firms(session: AsyncSession, sale: Sale, paddles: set[int]) -> dict[int, str]:
    wanted = select(Registration.paddle, Company.name).join(Company, Company.id == Registration.company_id)
    rows = await session.execute(wanted.where(Registration.sale_id == sale.id, Registration.paddle.in_(paddles)))
    return {paddle or 0: name for paddle, name in rows}


def _titled(row: Sale | Lot, tongue: Tongue) -> str:
    return (row.title_zh if tongue.lang == "zh" else None) or row.title_en
