"""Whose a stone is: it passes when its invoice is paid in full, or at the hand-over where the sale's terms say so. Each
passing is a SOLD event that the house signs in the owner's name, and a row by which everybody below asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.kernel import events
from pavilion.provenance import handling
from pavilion.provenance.handling import HouseHand, Sold
from pavilion.settlement.models import BilledLot, Invoice, InvoiceLine, InvoicePaper
from pavilion.settlement.release_models import Ownership
from pavilion.settlement.rules import LineKind


class SoldStone(NamedTuple):
    stone: str
    line: InvoiceLine  # the hammer line of its lot


async def pass_on(
    session: AsyncSession,
    invoice: Invoice,
    *,
    hand: HouseHand | None,
    stays: bool,
    lots: Sequence[str] | None = None,
    by: str,
    now: datetime,
) -> list[str]:
    """The stones of the invoice, or of these lots, are the buyer's from now on; the answer names those that were not
    yet. Said twice, nothing more happens. `stays`: they lie in the house's safe still."""
    stones = await stones_of(session, invoice, lots)
    newest = await _newest(session, [one.stone for one in stones])
    mine = {row.stone for row in newest.values() if row.company_id == invoice.company_id}
    # An invoice that took another's place sells nothing anew: the lot is the buyer's already.
    fresh = [one for one in stones if not (one.stone in mine and newest[one.stone].lot == one.line.lot)]
    if not fresh:
        return []
    before = {
        one.stone: newest[one.stone].company_id if one.stone in newest else int(one.line.facts["consignor"])
        for one in fresh
    }
    await _pass(session, invoice, fresh, before, invoice.company_id, hand=hand, stays=stays, by=by, now=now)
    return [one.stone for one in fresh]


async def take_back(
    session: AsyncSession, invoice: Invoice, *, hand: HouseHand | None, by: str, now: datetime
) -> list[str]:
    """Stones whose sale a credit note took back are again whose they were; those billed anew to the same buyer stay."""
    rows = await session.scalars(
        select(Ownership).where(Ownership.invoice_id == invoice.id, Ownership.company_id == invoice.company_id)
    )
    gone = {row.stone: row for row in rows}
    newest = await _newest(session, list(gone))
    billed = select(BilledLot.lot).join(Invoice, Invoice.id == BilledLot.invoice_id)
    still = set(await session.scalars(billed.where(Invoice.company_id == invoice.company_id)))
    lines = {line.lot: line for line in invoice.lines if line.kind == LineKind.HAMMER}
    back = [
        SoldStone(stone, lines[row.lot])
        for stone, row in sorted(gone.items())
        if newest[stone].id == row.id and row.lot not in still
    ]
    for one in back:
        to = gone[one.stone].from_company_id
        before = {one.stone: invoice.company_id}
        await _pass(session, invoice, [one], before, to, hand=hand, stays=True, by=by, now=now)
    return [one.stone for one in back]


async def _pass(
    session: AsyncSession,
    invoice: Invoice,
    fresh: Sequence[SoldStone],
    before: Mapping[str, int],
    to: int,
    *,
    hand: HouseHand | None,
    stays: bool,
    by: str,
    now: datetime,
) -> None:
    names = await _public_ids(session, {to, *before.values()})
    hashes: dict[str, str] = {}
    if hand is not None:
        papers = await session.scalars(select(InvoicePaper.sha256).where(InvoicePaper.invoice_id == invoice.id))
        documents = tuple(sorted(papers))
        parties = {one.stone: (names[before[one.stone]], names[to]) for one in fresh}
        told = [_told(one, invoice, parties[one.stone], documents, stays) for one in fresh]
        signed = await handling.record_sold(session, told, hand=hand, by=by, now=now)
        hashes = dict(zip((one.stone for one in fresh), signed, strict=True))
    for one in fresh:
        row = Ownership(stone=one.stone, company_id=to, from_company_id=before[one.stone])
        row.lot, row.invoice_id, row.at = one.line.lot or "", invoice.id, now
        row.event_sha256 = hashes.get(one.stone)
        session.add(row)
        events.record(session, "stone:owned", one.stone, by=by, at=now, lot=one.line.lot, stays=stays)
    await session.flush()


async def stones_of(session: AsyncSession, invoice: Invoice, lots: Sequence[str] | None = None) -> list[SoldStone]:
    """The stones sold on this invoice, in its order; lots that a credit note took back are none of it."""
    live = set(await session.scalars(select(BilledLot.lot).where(BilledLot.invoice_id == invoice.id)))
    return [
        SoldStone(stone, line)
        for line in invoice.lines
        if line.kind == LineKind.HAMMER and line.lot in live and (lots is None or line.lot in lots)
        for stone in line.facts.get("stones", ())
    ]


async def owners_of(session: AsyncSession, stones: Sequence[str]) -> dict[str, int]:
    """The company that each of these passed to last, for those that were ever sold here."""
    return {stone: row.company_id for stone, row in (await _newest(session, stones)).items()}


async def _newest(session: AsyncSession, stones: Sequence[str]) -> dict[str, Ownership]:
    newest = select(func.max(Ownership.id)).where(Ownership.stone.in_(stones)).group_by(Ownership.stone)
    rows = await session.scalars(select(Ownership).where(Ownership.id.in_(newest)))
    return {row.stone: row for row in rows}


async def owned_by(session: AsyncSession, company_id: int, stone: str | None = None) -> Sequence[Ownership]:
    """The purchases of what the company bought here and owns, the newest first; of this stone alone. A stone that came
    back because its buyer's invoice was credited is under the own invoice, if it was ever bought here, not the
    buyer's."""
    newest = select(func.max(Ownership.id)).group_by(Ownership.stone)
    held = select(Ownership.stone).where(Ownership.id.in_(newest), Ownership.company_id == company_id)
    bought = select(func.max(Ownership.id)).join(Invoice, Invoice.id == Ownership.invoice_id)
    bought = bought.where(Ownership.company_id == company_id, Invoice.company_id == company_id)
    if stone is not None:
        held, bought = held.where(Ownership.stone == stone), bought.where(Ownership.stone == stone)
    wanted = select(Ownership).where(Ownership.stone.in_(held), Ownership.id.in_(bought.group_by(Ownership.stone)))
    return (await session.scalars(wanted.order_by(Ownership.id.desc()))).all()


def invoice_hash(invoice: Invoice) -> str:
    """By which its buyer can show which invoice a sale was. The public id, which nobody can guess, is the salt."""
    return sha256(f"{invoice.number} {invoice.public_id}".encode()).hexdigest()


def _told(one: SoldStone, invoice: Invoice, parties: tuple[str, str], documents: tuple[str, ...], stays: bool) -> Sold:
    warranty = invoice.facts.get("warranty") if one.line.facts.get("species") == "diamond" else None
    return Sold(
        stone=one.stone,
        country=invoice.facts["seller"]["country"],
        invoice=invoice_hash(invoice),
        from_company=parties[0],
        to_company=parties[1],
        destination=invoice.destination,
        warranty=None if warranty is None else (warranty["id"], warranty["self_assessed"]),
        documents=documents,
        stays=stays,
    )


async def _public_ids(session: AsyncSession, companies: set[int]) -> dict[int, str]:
    rows = await session.execute(select(Company.id, Company.public_id).where(Company.id.in_(companies)))
    return dict(rows.all())
