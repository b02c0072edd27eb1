"""What the book says was sold, as settlement needs it: by buyer, with the terms of the sale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import fees
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.auctions.queries import stones_by_lot
from pavilion.bidding import queries as book
from pavilion.bidding import rule_sets
from pavilion.bidding.models import BookLot, BookLotState, BookState, SaleBook
from pavilion.bidding.queries import Result
from pavilion.catalogue.models import Stone
from pavilion.kernel.instants import micros
from pavilion.settlement.default_models import LotRemedy
from pavilion.settlement.invoicing import Buyer, SaleTerms, SoldLot
from pavilion.settlement.models import BilledLot, Invoice, InvoiceLine
from pavilion.settlement.rules import InvoiceState
from pavilion.settlement.stop_models import SettlementStop, StopState


@dataclass(frozen=True, slots=True)
class SoldSale:
    terms: SaleTerms
    closed: bool
    by_buyer: dict[Buyer, list[SoldLot]]


async def sales_to_bill(session: AsyncSession) -> Sequence[str]:
    """Sales with a sold lot on no invoice yet, or closed with a draft that can be issued."""
    billed = select(BilledLot.lot).where(BilledLot.lot == BookLot.lot)
    cancelled = select(LotRemedy.lot).where(LotRemedy.lot == BookLot.lot)
    issued = select(InvoiceLine.id).join(Invoice, Invoice.id == InvoiceLine.invoice_id)
    was_billed = issued.where(InvoiceLine.lot == BookLot.lot, Invoice.number.is_not(None)).exists()  # credited since
    stopped = select(SettlementStop.lot).where(SettlementStop.state != StopState.RELEASED)
    unbilled = select(BookLot.sale).where(BookLot.state == BookLotState.SOLD, ~billed.exists())
    unbilled = unbilled.where(~cancelled.exists(), ~was_billed)
    unbilled = unbilled.where(BookLot.lot.not_in(stopped))
    closed = select(SaleBook.sale).where(SaleBook.state == BookState.CLOSED)
    ready = select(Invoice.sale).where(
        Invoice.state == InvoiceState.DRAFT, Invoice.regime.is_not(None), Invoice.sale.in_(closed)
    )
    ready = ready.where(Invoice.facts["waits"].as_string().is_(None))
    ready = ready.where(
        ~select(InvoiceLine.id).where(InvoiceLine.invoice_id == Invoice.id, InvoiceLine.lot.in_(stopped)).exists()
    )
    return (await session.scalars(unbilled.union(ready))).all()


async def of_sale(session: AsyncSession, sale: str) -> SoldSale:
    """Every sold lot of the sale under its buyer."""
    row = (await session.scalars(select(Sale).where(Sale.public_id == sale))).one()
    terms = terms_of(row)
    results = await book.results(session, sale)
    lots = {lot.public_id: lot for lot in await session.scalars(select(Lot).where(Lot.sale_id == row.id))}
    stones = await stones_by_lot(session, [lot.id for lot in lots.values()])
    registrations = await session.scalars(select(Registration).where(Registration.sale_id == row.id))
    buyers = {one.id: Buyer(one.company_id, one.paddle_text, one.destination) for one in registrations}
    changed = await rule_sets.amended(session, sale)
    found: dict[Buyer, list[SoldLot]] = {}
    for result in results:
        lot = lots[result.lot_public_id]
        own = changed.document_of(lot.public_id)
        premium = (own or row.rules or {})["premium"]
        sold_lot = _sold(lot, result, stones[lot.id], premium, amended=own is not None)
        found.setdefault(buyers[result.registration_id], []).append(sold_lot)
    state = await session.scalar(select(SaleBook.state).where(SaleBook.sale == sale))
    return SoldSale(terms, state == BookState.CLOSED, found)


async def offered(
    session: AsyncSession, *, lot: str, registration: str, price_minor: int, reached_at: datetime | None, now: datetime
) -> tuple[SaleTerms, Buyer, SoldLot]:
    """The lot as it is sold to the holder of this registration at this price, now; `reached_at`: when the commitment
    was made that the price rests on, none for a price that rests on no bid."""
    row = (await session.scalars(select(Lot).where(Lot.public_id == lot))).one()
    sale = await session.get_one(Sale, row.sale_id)
    one = (await session.scalars(select(Registration).where(Registration.public_id == registration))).one()
    stands = await session.get_one(BookLot, lot)
    own = (await rule_sets.amended(session, sale.public_id)).document_of(lot)
    result = Result(
        lot,
        stands.number,
        one.company_id,
        one.id,
        price_minor,
        sale.currency,
        now,
        0,
        reached_at or stands.published_end,
        stands.published_end,
    )
    premium = (own or sale.rules or {})["premium"]
    sold_lot = _sold(row, result, (await stones_by_lot(session, [row.id]))[row.id], premium, amended=own is not None)
    return terms_of(sale), Buyer(one.company_id, one.paddle_text, one.destination), sold_lot


def terms_of(sale: Sale) -> SaleTerms:
    assert sale.rules is not None, "a sold lot belongs to a published sale"
    bands, early_bands = _bands(sale.rules["premium"])
    return SaleTerms(
        sale=sale.public_id,
        title_en=sale.title_en,
        title_zh=sale.title_zh,
        currency=sale.currency,
        entity=sale.entity,
        zone=sale.zone,
        bands=bands,
        early_bands=early_bands,
    )


Bands = tuple[tuple[int | None, int], ...]


def _bands(premium: Mapping[str, Any]) -> tuple[Bands, Bands | None]:
    early = premium["early_bands"]
    usual = tuple((upto, bp) for upto, bp in premium["bands"])
    return usual, None if early is None else tuple((upto, bp) for upto, bp in early)


def _sold(lot: Lot, result: Result, stones: Sequence[Stone], premium: Mapping[str, Any], *, amended: bool) -> SoldLot:
    assert lot.consignor_company_id is not None, "the database lists no lot without its owner"
    return SoldLot(
        lot=lot.public_id,
        number=result.number,
        title_en=lot.title_en,
        title_zh=lot.title_zh,
        detail=_detail(stones),
        hammer_minor=result.price_minor,
        early=fees.is_early(micros(result.accepted_at), micros(result.published_end), premium["early_before_hours"]),
        consignor_company_id=lot.consignor_company_id,
        sold_at=result.at,
        own=_bands(premium) if amended else None,
    )


def _detail(stones: Sequence[Stone]) -> dict[str, Any]:
    """As the stones stood at the hammer; the invoice keeps it whatever changes later."""
    if not stones:
        return {}
    return {
        "stones": [stone.public_id for stone in stones],
        "stock_no": ", ".join(stone.stock_no for stone in stones),
        "weight_mct": sum(stone.weight_mct for stone in stones),
        "report": ", ".join(f"{stone.lab} {stone.report_no}" for stone in stones if stone.report_no),
        "species": stones[0].species,
        "mine_country": stones[0].mine_country,
    }
