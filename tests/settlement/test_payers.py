"""How companies paid: days from issue to payment, what came late, what is open, what was struck."""

from pavilion.accounts import strikes
from pavilion.auctions.applicants import Paid
from pavilion.settlement import payers
from pavilion.settlement.models import Invoice
from tests import make
from tests.make import NOON


def invoice(company, number, state, paid_on=None):
    return Invoice(
        public_id=f"{number:0>26}", number=number, state=state, sale="0" * 26, company_id=company.id, currency="USD",
        entity="ANT", destination="HK", facts={}, created_at=NOON, issued_on="2026-05-01", due_on="2026-05-08",
        paid_on=paid_on,
    )  # fmt: skip


async def test_a_registrar_is_told_how_a_company_paid_without_amounts(sessions):
    async with sessions.begin() as session:
        firm, other = [await make.company(session, name, "HK") for name in ("Lumen", "Vandael")]
        session.add_all(
            [
                invoice(firm, "A1", "paid", "2026-05-03"),
                invoice(firm, "A2", "paid", "2026-05-07"),
                invoice(firm, "A3", "paid", "2026-05-20"),
                invoice(firm, "A4", "overdue"),
                invoice(firm, "A5", "cancelled"),
            ]
        )
        await session.flush()
        await strikes.strike(session, company_id=firm.id, invoice="A3", now=NOON)
        told = await payers.of_companies(session, {firm.id, other.id})
    assert told == {firm.id: Paid([2, 6, 19], late=1, unpaid=1, defaults=1)} and told[firm.id].usual == 6
