"""What of a sale a consignor's next statement may say, and what still waits: read from invoices, credit notes, the
journal and the book. Nothing here names a buyer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.entities import Entity, entities
from pavilion.auctions.models import Lot, Sale
from pavilion.bidding.models import BookLot, BookLotState, BookState, SaleBook
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.approach_models import Approach
from pavilion.settlement.clearing import cleared_on
from pavilion.settlement.default_models import LotOffer, OfferState
from pavilion.settlement.models import BilledLot, Entry, Invoice, InvoiceLine, Posting
from pavilion.settlement.note_models import CreditNote, CreditNoteLine
from pavilion.settlement.postings import seller
from pavilion.settlement.rules import InvoiceState, LineKind, business_days_after, state_on
from pavilion.settlement.seller_models import SellerStatement, StatedItem
from pavilion.settlement.seller_rules import Item, ItemKind, commission, commission_back
from pavilion.settlement.terms import Terms
from pavilion.trading.turns import ThreadState

FORFEITED = "deposit:forfeited:"  # the keys of these postings begin so
UNSOLD = (BookLotState.PASSED, BookLotState.WITHDRAWN)


class Waiting(NamedTuple):
    """A sold lot whose money is not there yet. `state`: one of STATES."""

    lot: str
    number: str
    title_en: str
    title_zh: str
    hammer_minor: int
    state: str


@dataclass(frozen=True, slots=True)
class Proceeds:
    """One consignor in one sale, as it stands now."""

    company_id: int
    sale: str
    entity: str
    currency: str
    zone: str
    titles: tuple[str, str]
    terms: Terms
    items: tuple[Item, ...]  # may be stated now
    waiting: tuple[Waiting, ...]
    netted: tuple[str, ...]  # items that a credit note took back before they were ever stated
    invoices: tuple[str, ...]  # numbers: an open discrepancy on one holds the payment up
    cleared_on: date | None  # the last day on which money of these items was cleared


async def of_sale(session: AsyncSession, company_id: int, sale: str, now: datetime) -> Proceeds | None:
    """None when the company consigned nothing to this sale."""
    house: Sale | None = await session.scalar(select(Sale).where(Sale.public_id == sale))
    lines = await _lines(session, company_id, sale)
    first = lines[0][1] if lines else None
    if (named := first or house) is None:
        return None
    entity, currency = named.entity, named.currency
    terms = await terms_of(session, sale, entity)
    invoices = {invoice.id: invoice for _, invoice in lines}
    cleared = await cleared_on(session, list(invoices.values()), terms.holdback_days)
    zone = entities()[entity].zone
    today = now.astimezone(ZoneInfo(zone)).date()
    known = await _stated(session, company_id, sale)
    notes = await _notes(session, [line.id for line, _ in lines])
    sold = _Sold(terms, known.items, known.bands, cleared, today)
    for line, invoice in lines:
        sold.look(line, invoice, notes.get(line.id, ()))
    items = [*sold.items, *await _forfeits(session, company_id, sale, currency, known.items)]
    if house is not None:
        items += await _unsold(session, company_id, house, terms, known.items, today)
    if not (items or sold.waiting or known.items):
        return None
    days = [cleared[key] for key in sold.used if key in cleared]
    titles = (first.facts["sale"]["title_en"], first.facts["sale"]["title_zh"]) if first else ("", "")
    return Proceeds(
        company_id=company_id,
        sale=sale,
        entity=entity,
        currency=currency,
        zone=zone,
        titles=(house.title_en, house.title_zh) if house is not None else titles,
        terms=terms,
        items=tuple(sorted(items, key=_in_order)),
        waiting=tuple(sorted(sold.waiting, key=lambda one: _counted(one.number))),
        netted=tuple(sold.netted),
        invoices=tuple(sorted(invoices[key].number or "" for key in sold.used)),
        cleared_on=max(days, default=None),
    )


def _in_order(item: Item) -> tuple[bool, tuple[int, str]]:
    """Lots as they are numbered, then what is no lot in the order it happened."""
    is_lot = item.kind in (ItemKind.SOLD, ItemKind.UNSOLD)
    return not is_lot, _counted(item.label) if is_lot else (0, "")


def _counted(number: str) -> tuple[int, str]:
    """9 before 10 before 10A."""
    figures = "".join(takewhile(str.isdecimal, number))
    return int(figures or 0), number


class _Known(NamedTuple):
    items: frozenset[str]
    bands: Mapping[str, Any]  # by item: the bands of the statement it stands on


async def _stated(session: AsyncSession, company_id: int, sale: str) -> _Known:
    """The items that stand on a statement of this consignor and sale already."""
    wanted = select(StatedItem.item, SellerStatement).join(
        SellerStatement, SellerStatement.id == StatedItem.statement_id
    )
    wanted = wanted.where(SellerStatement.company_id == company_id, SellerStatement.sale == sale)
    rows = (await session.execute(wanted)).all()
    return _Known(frozenset(item for item, _ in rows), {item: row.facts["bands"] for item, row in rows})


async def _lines(session: AsyncSession, company_id: int, sale: str) -> Sequence[tuple[InvoiceLine, Invoice]]:
    """The hammer lines of this consignor in this sale, on whatever invoice."""
    wanted = select(InvoiceLine, Invoice).join(Invoice, Invoice.id == InvoiceLine.invoice_id)
    wanted = wanted.where(Invoice.sale == sale, InvoiceLine.kind == LineKind.HAMMER)
    wanted = wanted.where(InvoiceLine.facts["consignor"].as_integer() == company_id)
    return [(line, invoice) for line, invoice in await session.execute(wanted.order_by(InvoiceLine.id))]


async def _notes(session: AsyncSession, lines: Sequence[int]) -> dict[int, list[tuple[int, str, int]]]:
    """By line: (id, number of its credit note, amount) of each part that was credited, in order."""
    wanted = select(CreditNoteLine.line_id, CreditNoteLine.id, CreditNote.number, CreditNoteLine.amount_minor)
    wanted = wanted.join(CreditNote, CreditNote.id == CreditNoteLine.note_id).order_by(CreditNoteLine.id)
    found: dict[int, list[tuple[int, str, int]]] = {}
    for line, note, number, amount in await session.execute(wanted.where(CreditNoteLine.line_id.in_(lines))):
        found.setdefault(line, []).append((note, number, amount))
    return found


class _Sold:
    """Goes through the sold lots one by one: to be stated now, taken back, or waiting."""

    def __init__(
        self,
        terms: Terms,
        stated: frozenset[str],
        bands: Mapping[str, Any],
        cleared: Mapping[int, date],
        today: date,
    ) -> None:
        self.terms, self.stated, self.bands, self.cleared, self.today = terms, stated, bands, cleared, today
        self.items: list[Item] = []
        self.waiting: list[Waiting] = []
        self.netted: list[str] = []
        self.used: set[int] = set()  # invoices whose money the items are

    def look(self, line: InvoiceLine, invoice: Invoice, notes: Sequence[tuple[int, str, int]]) -> None:
        if f"line:{line.id}" in self.stated:
            self._corrected(line, invoice, notes)
            return
        left = line.amount_minor - sum(amount for _, _, amount in notes)
        if left == 0 or invoice.state == InvoiceState.CANCELLED:
            return
        on = self.cleared.get(invoice.id)
        if on is None or on > self.today:
            self.waiting.append(_waits(line, invoice, left, self.today))
            return
        self.used.add(invoice.id)
        self.netted += [f"note:{note}" for note, _, _ in notes]
        fee = commission(left, self.terms.commission)
        self.items.append(_item(f"line:{line.id}", ItemKind.SOLD, line, hammer=left, fee=fee))

    def _corrected(self, line: InvoiceLine, invoice: Invoice, notes: Sequence[tuple[int, str, int]]) -> None:
        """What was credited after it was stated is taken back, with its commission by the bands it was stated with."""
        left = line.amount_minor
        bands = tuple((upto, bp) for upto, bp in self.bands[f"line:{line.id}"])
        for note, number, amount in notes:
            key = f"note:{note}"
            if key not in self.stated:
                back = commission_back(left, amount, bands)
                self.used.add(invoice.id)
                self.items.append(_item(key, ItemKind.CORRECTION, line, hammer=-amount, fee=-back, label=number))
            left -= amount


def _item(key: str, kind: ItemKind, line: InvoiceLine, *, hammer: int, fee: int, label: str = "") -> Item:
    return Item(
        key=key,
        kind=kind,
        label=label or str(line.facts["number"]),
        title_en=line.text_en,
        title_zh=line.text_zh,
        lot=line.lot,
        hammer_minor=hammer,
        commission_minor=fee,
    )


STATES = ("waiting", "overdue", "defaulted", "written_off", "not_cleared")
_WORDS = {
    InvoiceState.OVERDUE: "overdue",
    InvoiceState.DEFAULTED: "defaulted",
    InvoiceState.WRITTEN_OFF: "written_off",
    InvoiceState.PAID: "not_cleared",
}


def _waits(line: InvoiceLine, invoice: Invoice, left: int, today: date) -> Waiting:
    state = state_on(InvoiceState(invoice.state), invoice.due_day, today)
    said = _WORDS.get(state, "waiting")
    return Waiting(line.lot or "", str(line.facts["number"]), line.text_en, line.text_zh, left, said)


def of_forfeit() -> ColumnElement[bool]:
    """The postings by which a deposit was lost, or given back after all."""
    return Posting.key.startswith(FORFEITED) | Posting.key.startswith(f"reversal:{FORFEITED}")


async def _forfeits(
    session: AsyncSession, company_id: int, sale: str, currency: str, stated: frozenset[str]
) -> list[Item]:
    """Its shares of deposits lost by defaulters of this sale, and what of them was taken back."""
    wanted = select(Entry).join(Posting, Posting.id == Entry.txn_id)
    wanted = wanted.where(Entry.account == seller(company_id), Entry.currency == currency)
    wanted = wanted.where(of_forfeit()).join(Invoice, Invoice.number == Entry.ref).where(Invoice.sale == sale)
    return [
        Item(key=f"forfeit:{one.id}", kind=ItemKind.FORFEIT, label="", share_minor=-one.amount_minor)
        for one in await session.scalars(wanted.order_by(Entry.id))
        if f"forfeit:{one.id}" not in stated
    ]


async def _unsold(
    session: AsyncSession, company_id: int, sale: Sale, terms: Terms, stated: frozenset[str], today: date
) -> list[Item]:
    """Lots that found no buyer, once the sale is closed and the days of after-sale offers are over."""
    entity: Entity = entities()[sale.entity]
    closed = await session.scalar(select(SaleBook.state).where(SaleBook.sale == sale.public_id))
    last = await session.scalar(select(func.max(BookLot.end)).where(BookLot.sale == sale.public_id))
    if closed != BookState.CLOSED or last is None:
        return []
    days = max(terms.passed_offer_days, int((sale.rules or {}).get("passed_offer_days", 0)))  # it may still be sold
    over = business_days_after(last.astimezone(ZoneInfo(sale.zone)).date(), days, entity.holidays)
    if today <= over:
        return []
    offered = select(LotOffer.lot).where(LotOffer.state == OfferState.OPEN)
    approached = select(Approach.lot).where(Approach.state == ThreadState.OPEN)
    wanted = select(Lot).join(BookLot, BookLot.lot == Lot.public_id)
    wanted = wanted.where(Lot.sale_id == sale.id, Lot.consignor_company_id == company_id, BookLot.state.in_(UNSOLD))
    wanted = wanted.where(Lot.public_id.not_in(offered), Lot.public_id.not_in(approached))
    wanted = wanted.where(Lot.public_id.not_in(select(BilledLot.lot)))
    return [
        Item(
            key=f"unsold:{lot.public_id}",
            kind=ItemKind.UNSOLD,
            label=lot.number_text,
            title_en=lot.title_en,
            title_zh=lot.title_zh,
            lot=lot.public_id,
            charge_minor=terms.unsold_charge_minor,
        )
        for lot in await session.scalars(wanted.order_by(Lot.rank))
        if f"unsold:{lot.public_id}" not in stated
    ]
