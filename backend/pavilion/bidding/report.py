"""The report of a sale: what did not go by itself, and how it went. Refused amounts, maxima and reserves are not in
it."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person, Proposal
from pavilion.accounts.rules import ProposalState
from pavilion.bidding.acting import KINDS
from pavilion.bidding.models import BookBid, BookEvent
from pavilion.bidding.showing import AFTER, SaleShown
from pavilion.bidding.staff_models import StaffOrder
from pavilion.bidding.tape import names_of, staff_names
from pavilion.kernel.instants import from_stamp, micros, stamp
from pavilion.kernel.money import half_up

WHOLE_BP = 10_000
KEPT = {
    "lot.paused": "pauses", "sale.paused": "pauses", "lot.resumed": "pauses", "sale.resumed": "pauses",
    "bid.voided": "voids", "lot.withdrawn": "withdrawals", "incident": "incidents",
    "lot.reserve_lowered": "reserves", "lot.reopened": "reopened", "lot.extended": "extensions",
    "sale.amended": "amendments",
}  # fmt: skip
ENDS_A_PAUSE = ("lot.resumed", "sale.resumed")
SECTIONS = (
    "amendments", "added", "voids", "withdrawals", "pauses", "extensions", "incidents", "reserves", "reopened",
    "behalf", "refusals", "slow", "proposals",
)  # fmt: skip


class Item(NamedTuple):
    """One thing that happened, or so many alike, the first `at` and the last `until`. `ms` is how long a slow decision
    took, `bid` the number of a bid in its lot."""

    section: str
    what: str
    at: datetime | None = None
    lot: str = ""
    reason: str = ""
    by: str = ""
    paddle: int | None = None
    until: datetime | None = None
    times: int = 1
    ms: int | None = None
    bid: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    at: datetime
    items: Sequence[Item]
    lots: int
    sold: int
    passed: int
    withdrawn: int
    hammer_minor: int
    by_lot_bp: int | None  # sold of those that came to a result
    by_value_bp: int | None  # the same, weighed by their low estimates

    def of(self, section: str) -> list[Item]:
        return [item for item in self.items if item.section == section]

    def count(self, section: str) -> int:
        """How often it happened; what ended a pause is no further pause."""
        return sum(item.times for item in self.of(section) if item.what not in ENDS_A_PAUSE)

    @property
    def causes(self) -> Mapping[str, int]:
        """Extensions by their cause."""
        return Counter(item.reason for item in self.of("extensions"))


async def report_of(session: AsyncSession, sale: SaleShown, now: datetime) -> Report:
    """The report as the sale stands at `now`."""
    numbers = {lot.id: lot.number for lot in sale.lots}
    staff = await staff_names(session, sale.id)
    added = set(numbers) - sale.changed.places.keys() if sale.changed.places else set()
    items = [
        *await _events(session, sale, numbers, staff, added),
        *await _bids(session, sale, numbers),
        *await _proposals(session, sale.id, numbers),
    ]
    sold = [lot for lot in sale.lots if lot.state == "sold"]
    passed = [lot for lot in sale.lots if lot.state == "passed"]
    after = [lot for lot in sale.lots if lot.state in AFTER]  # offered, and not sold by the hammer that holds
    offered, worth = len(sold) + len(passed) + len(after), sum(lot.low for lot in (*sold, *passed, *after))
    return Report(
        at=now,
        items=items,
        lots=len(sale.lots),
        sold=len(sold),
        passed=len(passed),
        withdrawn=sum(lot.state == "withdrawn" for lot in sale.lots),
        hammer_minor=sum(lot.price or 0 for lot in sold),
        by_lot_bp=half_up(len(sold) * WHOLE_BP, offered) if offered else None,
        by_value_bp=half_up(sum(lot.low for lot in sold) * WHOLE_BP, worth) if worth else None,
    )


def rows(report: Report) -> Iterator[Sequence[str]]:
    """The report as a table: figures first, then every item."""
    yield ("section", "what", "at", "lot", "reason", "by", "paddle", "until", "count", "ms", "bid")
    figures = (
        ("lots", report.lots), ("sold", report.sold), ("passed", report.passed), ("withdrawn", report.withdrawn),
        ("hammer_minor", report.hammer_minor), ("by_lot_bp", report.by_lot_bp), ("by_value_bp", report.by_value_bp),
    )  # fmt: skip
    for name, figure in figures:
        yield ("figures", name, "", "", "", "", "", "", "" if figure is None else str(figure), "", "")
    for item in sorted(report.items, key=lambda one: SECTIONS.index(one.section)):
        paddle = "" if item.paddle is None else f"P-{item.paddle:04d}"
        at, until = (stamp(one) if one else "" for one in (item.at, item.until))
        ms, bid = ("" if one is None else str(one) for one in (item.ms, item.bid))
        yield (
            item.section, item.what, at, item.lot, item.reason, item.by, paddle, until, str(item.times), ms, bid,
        )  # fmt: skip


async def _events(
    session: AsyncSession, sale: SaleShown, numbers: Mapping[str, str], staff: Mapping[str, str], added: Collection[str]
) -> list[Item]:
    wanted = select(BookEvent.lot, BookEvent.at, BookEvent.type, BookEvent.body)
    kinds = (*KEPT, "bid.accepted", "lot.listed")
    told = wanted.where(BookEvent.sale == sale.id, BookEvent.type.in_(kinds)).order_by(BookEvent.n)
    bids = select(BookBid.lot, BookBid.seq, BookBid.paddle).where(BookBid.sale == sale.id, BookBid.code.is_(None))
    paddles = {(lot, seq): paddle for lot, seq, paddle in await session.execute(bids)}
    found = []
    for lot, at, kind, body in await session.execute(told):
        data = json.loads(body)["data"]
        if kind == "lot.listed":
            found += [Item("added", kind, at, numbers.get(lot or "", ""))] if lot in added else []
        elif kind == "sale.amended":
            named = ", ".join(numbers.get(one, "") for one in data["lots"])
            found.append(Item(KEPT[kind], kind, at, named, by=" + ".join(staff.get(one, one) for one in data["ok"])))
        elif kind == "bid.voided":
            one = _item(kind, numbers.get(lot or "", ""), at, data, staff)
            found += [one._replace(bid=seq, paddle=paddles.get((lot or "", seq))) for seq in data["seqs"]]
        elif kind != "bid.accepted":
            found.append(_item(kind, numbers.get(lot or "", ""), at, data, staff))
        elif data["extended"]:
            found.append(
                Item("extensions", "bid.accepted", at, numbers.get(lot or "", ""), "bid", until=from_stamp(data["end"]))
            )
    return found


def _item(kind: str, lot: str, at: datetime, data: Mapping[str, Any], staff: Mapping[str, str]) -> Item:
    by = " + ".join(staff.get(one, one) for one in data.get("ok") or [data.get("by", "")])
    until = data.get("to") or data.get("end")
    reason = data.get("reason") or data.get("cause") or data.get("kind") or ""
    if kind == "lot.extended" and (data["from"] is None or data["to"] is None):
        reason = "called" if data["to"] else "call_off"  # a clerk's call, and its taking back
    start = from_stamp(data["from"]) if kind == "incident" else at
    return Item(KEPT[kind], kind, start, lot, reason, by, until=from_stamp(until) if until else None)


async def _bids(session: AsyncSession, sale: SaleShown, numbers: Mapping[str, str]) -> list[Item]:
    """Bids for others one by one, refusals by lot, paddle and code, decisions that took too long."""
    wanted = select(
        BookBid.lot, BookBid.paddle, BookBid.code, BookBid.entered_by, BookBid.mandate, BookEvent.t, BookEvent.at
    ).join(BookEvent, (BookEvent.sale == BookBid.sale) & (BookEvent.n == BookBid.n))
    bids = (await session.execute(wanted.where(BookBid.sale == sale.id).order_by(BookBid.n))).all()
    clerks = await names_of(session, {entered for _, _, _, entered, *_ in bids if entered})
    found: list[Item] = []
    refused: dict[tuple[str, int, str], list[datetime]] = {}
    for lot, paddle, code, entered, mandate, t, at in bids:
        if entered:
            outcome = code or "accepted"
            by = clerks.get(entered, entered)
            found.append(Item("behalf", f"mandate_{mandate}", at, numbers[lot], outcome, by, paddle))
        if code:
            refused.setdefault((numbers[lot], paddle, code), []).append(at)
        took = micros(at) - micros(t)
        if took > sale.rules.close_wait_extend:
            found.append(Item("slow", "decision", at, numbers[lot], paddle=paddle, ms=took // 1000))
    found += [
        Item(
            "refusals",
            "bid.refused",
            when[0],
            lot,
            code,
            paddle=paddle,
            times=len(when),
            until=when[-1] if len(when) > 1 else None,
        )
        for (lot, paddle, code), when in refused.items()
    ]
    return found


async def _proposals(session: AsyncSession, sale: str, numbers: Mapping[str, str]) -> list[Item]:
    """What was proposed and did not come to be: refused, taken back or run out; and what the book refused of two."""
    wanted = select(Proposal, Person.name).join(Person, Person.id == Proposal.proposed_by)
    of_sale = wanted.where(Proposal.kind.in_(KINDS.values()), Proposal.facts["sale"].as_string() == sale)
    over = of_sale.where(Proposal.state.in_((ProposalState.DECLINED, ProposalState.EXPIRED))).order_by(Proposal.id)
    found = []
    for one, name in await session.execute(over):
        taken_back = one.state == ProposalState.DECLINED and one.decided_by is None
        came = "proposal_state_withdrawn" if taken_back else f"proposal_state_{one.state}"
        lot = numbers.get(one.facts["lot"] or "", "")
        found.append(Item("proposals", f"proposal_{one.kind}", one.decided_at or one.expires_at, lot, came, name))
    refused = select(StaffOrder).where(StaffOrder.sale == sale, StaffOrder.code.is_not(None)).order_by(StaffOrder.id)
    for order in await session.scalars(refused):
        kind = f"proposal_{KINDS.get(order.document['act'], order.document['act'])}"
        found.append(Item("proposals", kind, order.at, numbers.get(order.lot or "", ""), order.code or ""))
    return found
