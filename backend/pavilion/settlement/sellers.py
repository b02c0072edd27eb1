"""Statements to consignors: numbered, immutable; each lot, charge and share stands on one only (settlement spec 10)."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import String, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.auctions import fees
from pavilion.auctions.entities import Entity, entities, table_version
from pavilion.auctions.models import Lot
from pavilion.bidding.models import BookLot, BookState, SaleBook
from pavilion.kernel import events, jobs
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.kernel.numbering import next_number
from pavilion.settlement import ledger, postings, proceeds
from pavilion.settlement.invoicing import TaxUndecided
from pavilion.settlement.models import BilledLot, Entry, HouseCompany, Invoice, InvoiceLine, Posting
from pavilion.settlement.note_models import CreditNoteLine
from pavilion.settlement.proceeds import Proceeds
from pavilion.settlement.rules import InvoiceState, LineKind, business_days_after, document_number
from pavilion.settlement.seller_models import Payout, PayoutState, SellerStatement, StatedItem
from pavilion.settlement.seller_rules import Item, ItemKind, Sums, add_up, taken_over

RENDER = "statement.render"
SERIES = "SST"


class NothingToState(Refusal):
    """Every lot of it stands on a statement, or waits for its money."""

    status, code = 409, "nothing_to_state"


class Draft(NamedTuple):
    """What the next statement would say if it were issued now."""

    proceeds: Proceeds
    items: tuple[Item, ...]
    tax: fees.Tax
    sums: Sums
    carries: tuple[int, ...]  # ids of the statements it takes over


async def alone(session: AsyncSession, company_id: int) -> None:
    """Until this transaction ends, nobody else states or pays anything of this consignor."""
    await one_at_a_time(session, f"seller:{company_id}")


async def draft(session: AsyncSession, company_id: int, sale: str, now: datetime) -> Draft:
    """The next statement of this consignor for this sale."""
    if await session.get(HouseCompany, company_id) is not None:
        raise NotFound()  # the house owes itself nothing
    found = await proceeds.of_sale(session, company_id, sale, now)
    if found is None:
        raise NotFound()
    company = await session.get_one(Company, company_id)
    entity = entities()[found.entity]
    today = now.astimezone(ZoneInfo(entity.zone)).date()
    tax = entity.tax(company.country, has_tax_no=bool(company.tax_no), on=today)
    if tax is None:
        raise TaxUndecided(destination=company.country)
    earlier = await open_statements(session, company_id, found.entity, found.currency)
    taken = dict(taken_over(add_up(found.items, tax).net, [(str(row.id), row.net_minor) for row in earlier]))
    carried = [
        Item(key=f"statement:{row.id}", kind=ItemKind.CARRIED, label=row.number, carried_minor=row.net_minor)
        for row in earlier
        if str(row.id) in taken
    ]
    items = (*found.items, *carried) if found.items else ()
    return Draft(found, items, tax, add_up(items, tax), tuple(row.id for row in earlier if str(row.id) in taken))


async def issue(
    session: AsyncSession, *, company_id: int, sale: str, after: int, by: str | None, now: datetime
) -> SellerStatement:
    """What can be stated stands on a numbered statement, and the house's part of it in the journal. `after`: how many
    statements of this sale the reader had seen; when there is one more by now, that one is the answer."""
    await alone(session, company_id)
    mine = select(SellerStatement).where(SellerStatement.company_id == company_id, SellerStatement.sale == sale)
    known = (await session.scalars(mine.order_by(SellerStatement.id))).all()
    if len(known) > after:
        return known[after]
    said = await draft(session, company_id, sale, now)
    if not said.items:
        raise NothingToState()
    row = await _numbered(session, said, by, now)
    session.add(row)
    await session.flush()
    keys = [*(item.key for item in said.items), *said.proceeds.netted]
    session.add_all(StatedItem(item=key, statement_id=row.id) for key in keys)
    await session.flush()
    country = entities()[row.entity].country
    await ledger.post(
        session,
        key=f"statement:{row.public_id}",
        moves=postings.seller_charged(
            company_id,
            commission_minor=said.sums.commission,
            charges_minor=said.sums.charges,
            taxes={postings.tax(country, said.tax.regime.value): said.sums.tax},
        ),
        currency=row.currency,
        ref=row.number,
        at=now,
        by=by,
    )
    await jobs.enqueue(session, RENDER, row.public_id, {"statement": row.public_id}, due_at=now)
    told = {"number": row.number, "company_id": company_id, "sale": sale}
    events.record(session, "statement:issued", row.public_id, by=by, at=now, **told)
    return row


async def _numbered(session: AsyncSession, said: Draft, by: str | None, now: datetime) -> SellerStatement:
    found, sums = said.proceeds, said.sums
    entity = entities()[found.entity]
    today = now.astimezone(ZoneInfo(entity.zone)).date()
    company = await session.get_one(Company, found.company_id)
    number = await next_number(session, f"{SERIES}-{entity.code}-{today.year}")
    carried = await session.scalar(
        select(func.max(SellerStatement.payable_on)).where(SellerStatement.id.in_(said.carries))
    )
    payable = _payable_on(found, entity, today)
    return SellerStatement(
        public_id=ulid(now),
        number=document_number(SERIES, entity.code, today.year, number),
        company_id=company.id,
        sale=found.sale,
        entity=entity.code,
        currency=found.currency,
        gross_minor=sums.gross,
        forfeits_minor=sums.forfeits,
        carried_minor=sums.carried,
        commission_minor=sums.commission,
        charges_minor=sums.charges,
        tax_minor=sums.tax,
        net_minor=sums.net,
        payable_on=max(payable.isoformat(), carried or ""),
        issued_at=now,
        issued_on=today.isoformat(),
        by=by,
        facts=_facts(said, company, entity),
    )


def _payable_on(found: Proceeds, entity: Entity, today: date) -> date:
    """The terms' business days after the money was cleared; where none came in, the day of the statement."""
    if found.cleared_on is None:
        return today
    return max(today, business_days_after(found.cleared_on, found.terms.seller_days, entity.holidays))


def _facts(said: Draft, company: Company, entity: Entity) -> dict[str, Any]:
    found = said.proceeds
    party = {"name": company.name, "city": company.city, "country": company.country, "tax_no": company.tax_no}
    house = {"name": entity.name, "address": list(entity.address), "tax_no": entity.tax_no, "country": entity.country}
    return {
        "sale": {"title_en": found.titles[0], "title_zh": found.titles[1], "zone": found.zone},
        "consignor": party,
        "house": {**house, "demonstration": entity.bank["bic"].startswith("DEMO")},
        "bands": [list(band) for band in found.terms.commission],
        "tax": {"regime": said.tax.regime.value, "rate_bp": said.tax.rate_bp, "table": table_version()},
        "tax_base_minor": said.sums.tax_base,
        "items": [asdict(item) for item in said.items],
        "waiting": [one._asdict() for one in found.waiting],
        "invoices": list(found.invoices),
        "carries": list(said.carries),
    }


async def open_statements(
    session: AsyncSession, company_id: int, entity: str, currency: str
) -> Sequence[SellerStatement]:
    """Neither paid, nor about to be, nor taken over by a later one; oldest first."""
    live = select(Payout.statement_id).where(Payout.state != PayoutState.CANCELLED)
    wanted = select(SellerStatement).where(SellerStatement.company_id == company_id)
    wanted = wanted.where(SellerStatement.entity == entity, SellerStatement.currency == currency)
    wanted = wanted.where(SellerStatement.net_minor != 0, SellerStatement.id.not_in(live))
    rows = (await session.scalars(wanted.order_by(SellerStatement.id))).all()
    gone = await carried(session, [row.id for row in rows])
    return [row for row in rows if row.id not in gone]


async def carried(session: AsyncSession, statements: Sequence[int]) -> set[int]:
    """Those of these that a later statement took over."""
    keys = {f"statement:{one}": one for one in statements}
    return {keys[item] for item in await session.scalars(select(StatedItem.item).where(StatedItem.item.in_(keys)))}


class Pending(NamedTuple):
    """A consignor and a sale of which something is not stated yet."""

    company_id: int
    sale: str


async def pending(session: AsyncSession) -> list[Pending]:
    """Every consignor and sale with a sold or unsold lot, a credited part or a share of a forfeit on no statement."""
    own = set(await session.scalars(select(HouseCompany.company_id)))
    consignor = InvoiceLine.facts["consignor"].as_integer()
    lines = select(consignor, Invoice.sale).join(Invoice, Invoice.id == InvoiceLine.invoice_id)
    lines = lines.where(InvoiceLine.kind == LineKind.HAMMER, Invoice.state != InvoiceState.CANCELLED)
    lines = lines.where(~_on_one("line:", InvoiceLine.id))
    notes = select(consignor, Invoice.sale).join(Invoice, Invoice.id == InvoiceLine.invoice_id)
    notes = notes.join(CreditNoteLine, CreditNoteLine.line_id == InvoiceLine.id)
    notes = notes.where(InvoiceLine.kind == LineKind.HAMMER, _on_one("line:", InvoiceLine.id))
    notes = notes.where(~_on_one("note:", CreditNoteLine.id))
    unsold = select(Lot.consignor_company_id, BookLot.sale).join(BookLot, BookLot.lot == Lot.public_id)
    unsold = unsold.join(SaleBook, SaleBook.sale == BookLot.sale).where(SaleBook.state == BookState.CLOSED)
    unsold = unsold.where(BookLot.state.in_(proceeds.UNSOLD), ~_on_one("unsold:", Lot.public_id))
    unsold = unsold.where(Lot.public_id.not_in(select(BilledLot.lot)))
    found = {Pending(*row) for wanted in (lines, notes, unsold) for row in await session.execute(wanted.distinct())}
    shares = select(Entry.account, Invoice.sale).join(Posting, Posting.id == Entry.txn_id)
    shares = shares.join(Invoice, Invoice.number == Entry.ref).where(proceeds.of_forfeit())
    shares = shares.where(Entry.account.startswith(postings.SELLERS), ~_on_one("forfeit:", Entry.id))
    for account, sale in await session.execute(shares.distinct()):
        found.add(Pending(int(account.rpartition(":")[2]), sale))
    return sorted(one for one in found if one.company_id not in own)


def _on_one(kind: str, key: Any) -> Any:
    """Whether the item of this kind and key stands on a statement."""
    return select(StatedItem.item).where(StatedItem.item == literal(kind) + cast(key, String)).exists()
