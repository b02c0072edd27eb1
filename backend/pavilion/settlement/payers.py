"""How companies paid what they bought: what a registrar weighs before a limit is given. No amounts."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.strike_models import Strike
from pavilion.auctions.applicants import Paid
from pavilion.settlement.models import Invoice
from pavilion.settlement.rules import InvoiceState

OPEN = (InvoiceState.ISSUED, InvoiceState.OVERDUE, InvoiceState.DEFAULTED)


async def of_companies(session: AsyncSession, companies: Collection[int]) -> Mapping[int, Paid]:
    """Of each company that was ever sent an invoice or struck."""
    days: dict[int, list[int]] = defaultdict(list)
    late: dict[int, int] = defaultdict(int)
    unpaid: dict[int, int] = defaultdict(int)
    struck: dict[int, int] = defaultdict(int)
    wanted = select(Invoice.company_id, Invoice.state, Invoice.issued_on, Invoice.due_on, Invoice.paid_on)
    for row in await session.execute(wanted.where(Invoice.company_id.in_(companies), Invoice.number.is_not(None))):
        if row.paid_on and row.issued_on:
            issued, paid = date.fromisoformat(row.issued_on), date.fromisoformat(row.paid_on)
            days[row.company_id].append(max(0, (paid - issued).days))
            late[row.company_id] += bool(row.due_on and row.paid_on > row.due_on)
        elif row.state in OPEN:
            unpaid[row.company_id] += 1
    for company in await session.scalars(select(Strike.company_id).where(Strike.company_id.in_(companies))):
        struck[company] += 1
    known = days.keys() | unpaid.keys() | struck.keys()
    return {one: Paid(sorted(days[one]), late[one], unpaid[one], struck[one]) for one in known}
