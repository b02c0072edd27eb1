"""Why a lot takes no bids at this moment, since when, and which rules keep its stones from being sold."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.rules import SaleState
from pavilion.bidding.acts import WITH_SALE
from pavilion.bidding.due import VERDICT_LOST
from pavilion.bidding.lines import BookLine
from pavilion.bidding.models import BookEvent, BookLot
from pavilion.bidding.showing import LotShown
from pavilion.kernel.instants import from_stamp
from pavilion.provenance import queries as origins
from pavilion.provenance.findings import VerdictCode
from pavilion.provenance.law import public_codes

CHECKED, VERIFIED_AGAIN, LOST = "checked", "verified_again", "lost"
WITHDRAWN_REPORT = "GR-01_withdrawn"


class Still(NamedTuple):
    """`kind` is empty where no verdict is the cause; `codes` have a sentence each, in every language."""

    kind: str
    reason: str
    since: datetime
    codes: Sequence[str]


async def still_of(session: AsyncSession, lot: LotShown, book: Sequence[BookLine]) -> Still | None:
    """None for a lot that takes bids, that has not opened, or that ended by itself."""
    if lot.state not in ("paused", "withdrawn"):
        return None
    line = next((line for line in book if line.event == lot.state), None)
    if line is None:
        return None
    if line.reason != VERDICT_LOST:
        return Still("", line.reason, line.at, ())
    lost = await unverified(session, lot.held)
    codes = sorted({code for findings in lost.values() for code in said_codes(findings)})
    kind = LOST if lot.state == "withdrawn" else CHECKED if lost else VERIFIED_AGAIN
    return Still(kind, line.reason, line.at, codes)


async def unverified(session: AsyncSession, stones: Sequence[str]) -> dict[str, Sequence[Mapping[str, Any]]]:
    """The findings of those of the stones that are not verified now."""
    verdicts = await origins.verdicts_of(session, stones)
    found: dict[str, Sequence[Mapping[str, Any]]] = {}
    for stone in stones:
        verdict = verdicts.get(stone)
        if verdict is None or verdict.verdict != VerdictCode.VERIFIED:
            found[stone] = verdict.findings if verdict is not None else ()
    return found


def said_codes(findings: Iterable[Mapping[str, Any]]) -> list[str]:
    """The public codes by the name of their sentence: a report that was withdrawn is told as that, and told once."""
    held = list(findings)
    codes = public_codes(held)
    if not any(f["code"] == "GR-01" and f["params"].get("reason") == "withdrawn" for f in held):
        return codes
    echo = {f["params"].get("fields") for f in held if f["code"] == "RG-02"} == {"withdrawn"}
    return [WITHDRAWN_REPORT if code == "GR-01" else code for code in codes if not (echo and code == "RG-02")]


class StillLot(NamedTuple):
    """A paused lot on the desk of who may resume it; `again` when nothing but a person keeps it still."""

    lot: Lot
    sale: Sale
    reason: str
    since: datetime
    again: bool


async def still_lots(session: AsyncSession) -> list[StillLot]:
    """Every lot that was paused by itself in a running sale, the longest first; lots paused with their sale resume
    with it."""
    wanted = select(Lot, Sale).join(BookLot, BookLot.lot == Lot.public_id).join(Sale, Sale.id == Lot.sale_id)
    rows = (await session.execute(wanted.where(BookLot.state == "paused", Sale.state == SaleState.OPEN))).all()
    why = select(BookEvent.lot, BookEvent.body).where(
        BookEvent.lot.in_([lot.public_id for lot, _ in rows]), BookEvent.type == "lot.paused"
    )
    bodies = {name: json.loads(body) for name, body in await session.execute(why.order_by(BookEvent.n))}
    held = await stones_by_lot(session, [lot.id for lot, _ in rows])
    lost = await unverified(session, [stone.public_id for stones in held.values() for stone in stones])
    found = []
    for lot, sale in rows:
        pause = bodies[lot.public_id]
        again = not any(stone.public_id in lost for stone in held[lot.id])
        found.append(StillLot(lot, sale, pause["data"]["reason"], from_stamp(pause["at"]), again))
    return sorted((one for one in found if one.reason != WITH_SALE), key=lambda one: one.since)
