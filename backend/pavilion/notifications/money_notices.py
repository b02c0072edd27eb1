"""What happens to money, offers and goods after a sale, told to the company it concerns and to nobody else."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Lot
from pavilion.kernel.db import Sessions
from pavilion.kernel.events import Event
from pavilion.notifications.hearing import Hearing
from pavilion.notifications.telling import BIDDERS, SUPPLIERS, Teller
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import Receipt

FOLLOWER = "money notices"
INVOICES = (
    "issued",
    "reminded",
    "overdue",
    "defaulted",
    "paid",
    "reopened",
    "credited",
    "charge_refused",
    "way_reminded",
)
THREADS = ("approach", "bargain")  # offers for a passed lot, and for stones
APPROACHED = frozenset({"made", "raised", "withdrawn", "taken", "refused"})  # the buyer spoke: the owner hears it
ANSWERED = ("countered", "accepted", "declined", "recalled", "lapsed", "void")
NAMES = (
    *(f"{thread}:{one}" for thread in THREADS for one in (*sorted(APPROACHED), *ANSWERED)),
    *(f"invoice:{one}" for one in INVOICES),
    *(
        "refund:paid",
        "deposit:asked",
        "deposit:held",
        "deposit:lapsed",
        "deposit:raise_asked",
        "deposit:raised",
        "deposit:released",
        "statement:issued",
        "payout:paid",
    ),
    *("offer:made", "offer:lapsing", "offer:lapsed", "dispute:opened", "release:released", "release:handed_over"),
)
SELLERS = frozenset({"statement", "payout"})


def hearing(sessions: Sessions) -> Hearing:
    return Hearing(sessions, FOLLOWER, NAMES, heard)


async def heard(session: AsyncSession, teller: Teller, event: Event) -> None:
    """One notice for each event, of which only the thing it is about is kept: its words are those of the moment at
    which it is sent."""
    subject, _, happened = event.name.partition(":")
    company = event.facts.get("company_id")
    if subject == "invoice":
        company = await session.scalar(select(Invoice.company_id).where(Invoice.public_id == event.subject))
    elif subject == "dispute":
        company = await session.scalar(select(Receipt.company_id).where(Receipt.public_id == event.subject))
    elif subject == "approach" and happened in APPROACHED:
        company = await session.scalar(select(Lot.consignor_company_id).where(Lot.public_id == event.facts["lot"]))
    elif subject == "bargain" and happened in APPROACHED:
        company = event.facts["seller_company_id"]
    if company is None or event.facts.get("amount_minor") == 0:  # of a deposit nothing was left to go back
        return
    to_owner = subject in THREADS and happened in APPROACHED
    roles = SUPPLIERS if subject in SELLERS or to_owner else BIDDERS
    about: dict[str, Any] = {"about": event.subject}
    if subject == "statement":
        about["number"] = event.facts["number"]
    if happened == "credited":
        about["note"] = event.facts["note"]
    await teller.tell(f"{subject}_{happened}", str(event.id), [company], at=event.at, roles=roles, **about)
