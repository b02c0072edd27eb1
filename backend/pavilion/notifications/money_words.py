"""A notice about money, an offer or goods, in the language of its reader. Sums are said to who allows them in mail."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.accounts.models import Person
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.titles import title_of
from pavilion.auctions.told import one_told, owner
from pavilion.notifications.money_notices import APPROACHED
from pavilion.notifications.rules import Kind
from pavilion.settlement import clearing, queries, unanswered
from pavilion.settlement.approach_models import Approach
from pavilion.settlement.default_models import LotOffer, OfferState
from pavilion.settlement.deposit_models import Deposit, DepositState
from pavilion.settlement.intent_models import Dispute
from pavilion.settlement.models import Invoice
from pavilion.settlement.receipt_models import Allocation, Receipt, Refund
from pavilion.settlement.release_models import Release
from pavilion.settlement.rules import PAYABLE, InvoiceState
from pavilion.settlement.seller_models import Payout, SellerStatement
from pavilion.trading import offering
from pavilion.trading.conditions import house_of
from pavilion.trading.offer_models import Offer
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue

KINDS = frozenset({Kind.PAYMENT, Kind.OFFER, Kind.GOODS})
# In which states of the invoice a notice still holds; any other notice always does.
HOLDS: Mapping[str, frozenset[str]] = {
    "invoice_issued": frozenset({InvoiceState.ISSUED, InvoiceState.OVERDUE}),
    "invoice_reminded": frozenset({InvoiceState.ISSUED, InvoiceState.OVERDUE}),
    "invoice_charge_refused": PAYABLE,
    "invoice_reopened": PAYABLE,
    "invoice_overdue": frozenset({InvoiceState.OVERDUE}),
    "invoice_defaulted": frozenset({InvoiceState.DEFAULTED, InvoiceState.CANCELLED, InvoiceState.WRITTEN_OFF}),
    "invoice_paid": frozenset({InvoiceState.PAID}),
    "invoice_way_reminded": frozenset({InvoiceState.PAID}),
}


class Told(NamedTuple):
    subject: str
    lines: Sequence[str]
    path: str


class _Facts(NamedTuple):
    """What the sentences name; `sum` is said in a line of its own."""

    company_id: int | None
    words: dict[str, str]
    path: str
    sum: tuple[int, str] | None = None


async def told(
    session: AsyncSession, payload: Mapping[str, Any], tongue: Tongue, person: Person, *, amounts: bool
) -> Told | None:
    """None when it holds no longer, or the reader left the company since."""
    notice = str(payload["notice"])
    facts = await _READERS[notice.partition("_")[0]](session, notice, payload, tongue)
    if facts is None or facts.company_id != person.company_id:
        return None
    lines = [tongue.say(f"notice_{notice}_text", **facts.words)]
    if amounts and facts.sum is not None:
        minor, currency = facts.sum
        lines.append(tongue.say("notice_sum", sum=f"{currency} {Figures(tongue).amount(minor, currency, True)}"))
    return Told(tongue.say(f"notice_{notice}", **facts.words), lines, facts.path)


async def _invoice(session: AsyncSession, notice: str, payload: Mapping[str, Any], tongue: Tongue) -> _Facts | None:
    wanted = select(Invoice).where(Invoice.public_id == payload["about"]).options(selectinload(Invoice.lines))
    row = await session.scalar(wanted)
    if row is None or row.number is None or row.state not in HOLDS.get(notice, {row.state}):
        return None
    title = row.facts["sale"]["title_zh"] if tongue.lang == "zh" else ""
    words = {
        "number": row.number,
        "sale": title or row.facts["sale"]["title_en"],
        "due": Figures(tongue).day(row.due_day) if row.due_day else "",
        "note": str(payload.get("note", "")),
    }
    if notice == "invoice_way_reminded":
        if not await unanswered.waits(session, row):
            return None
        return _Facts(row.company_id, words, f"/desk/invoices/{row.number}/release")
    left = (await queries.open_minor(session, row), row.currency) if row.state in PAYABLE else None
    return _Facts(row.company_id, words, f"/desk/invoices/{row.number}", left)


async def _refund(session: AsyncSession, notice: str, payload: Mapping[str, Any], tongue: Tongue) -> _Facts | None:
    row = await session.scalar(select(Refund).where(Refund.public_id == payload["about"]))
    if row is None:
        return None
    return _Facts(row.company_id, {"ref": row.ref}, "/desk/account", (row.amount_minor, row.currency))


async def _dispute(session: AsyncSession, notice: str, payload: Mapping[str, Any], tongue: Tongue) -> _Facts | None:
    """Of the first invoice whose stones stay; what paid none, or is decided by now, is not told."""
    wanted = select(Invoice, Dispute.amount_minor).join(Allocation, Allocation.invoice_id == Invoice.id)
    wanted = wanted.join(Receipt, Receipt.id == Allocation.receipt_id).join(Dispute, Dispute.receipt_id == Receipt.id)
    wanted = wanted.where(Receipt.public_id == payload["about"], Dispute.state == "open").order_by(Invoice.id)
    found = (await session.execute(wanted.limit(1))).one_or_none()
    if found is None or not await clearing.disputed(session, (found[0],)):
        return None
    row, contested = found
    return _Facts(
        row.company_id, {"number": row.number or ""}, f"/desk/invoices/{row.number}", (int(contested), row.currency)
    )


async def _deposit(session: AsyncSession, notice: str, payload: Mapping[str, Any], tongue: Tongue) -> _Facts | None:
    row = await session.scalar(select(Deposit).where(Deposit.public_id == payload["about"]))
    if row is None or (notice in ("deposit_asked", "deposit_lapsed") and row.state != DepositState.ASKED):
        return None
    if notice == "deposit_raise_asked" and row.raise_minor is None:
        return None
    words = {"sale": await _title(session, select(Sale).where(Sale.public_id == row.sale), tongue)}
    asked = row.raise_minor if notice == "deposit_raise_asked" and row.raise_minor else row.asked_minor
    return _Facts(row.company_id, words, "/desk/deposits", (asked, row.currency))


async def _offer(session: AsyncSession, notice: str, payload: Mapping[str, Any], tongue: Tongue) -> _Facts | None:
    row = await session.scalar(select(LotOffer).where(LotOffer.public_id == payload["about"]))
    if row is None or row.state != (OfferState.LAPSED if notice == "offer_lapsed" else OfferState.OPEN):
        return None
    lot = (await session.scalars(select(Lot).where(Lot.public_id == row.lot))).one()
    zone = await session.scalar(select(Sale.zone).where(Sale.public_id == row.sale)) or "UTC"
    words = {"number": lot.number_text, "until": _when(tongue, row.expires_at, zone)}
    words["title"] = (await one_told(session, lot, owner(row.company_id))).title(tongue.lang)
    return _Facts(row.company_id, words, "/desk/offers", (row.price_minor, row.currency))


async def _approach(session: AsyncSession, notice: str, payload: Mapping[str, Any], tongue: Tongue) -> _Facts | None:
    """To the side that the other one spoke to; what was answered since is told no more. The seller never learns who."""
    wanted = select(Approach, Lot, Sale.zone).join(Lot, Lot.public_id == Approach.lot)
    found = (await session.execute(wanted.join(Sale, Sale.public_id == Approach.sale).where(
        Approach.public_id == payload["about"]
    ))).one_or_none()  # fmt: skip
    word = notice.removeprefix("approach_")
    if found is None or (found[0].state, found[0].turn) not in _SAID[word]:
        return None
    row, lot, zone = found
    reader, path = (
        (lot.consignor_company_id, "/desk/approaches") if word in APPROACHED else (row.company_id, "/desk/offers")
    )
    words = {"number": lot.number_text, "until": _when(tongue, row.expires_at, zone)}
    words["title"] = (await one_told(session, lot, owner(reader))).title(tongue.lang)
    return _Facts(reader, words, path, (row.price_minor, row.currency))


async def _bargain(session: AsyncSession, notice: str, payload: Mapping[str, Any], tongue: Tongue) -> _Facts | None:
    """To the side that the other one spoke to; what was answered since is told no more. Neither learns who the other
    is."""
    row = await session.scalar(select(Offer).where(Offer.public_id == payload["about"]))
    word = notice.removeprefix("bargain_")
    if row is None or (row.state, row.turn) not in _SAID[word]:
        return None
    stones = await offering.stones_of(session, row)
    title = title_of(stones, "zh" if tongue.lang == "zh" else "en")
    words = {"title": title, "until": _when(tongue, row.expires_at, house_of(stones).zone)}
    if word in APPROACHED:
        return _Facts(row.seller_company_id, words, "/stock/offers", (row.price_minor, row.currency))
    return _Facts(row.company_id, words, f"/desk/offers/stones/{row.public_id}", (row.price_minor, row.currency))


_SAID: Mapping[str, frozenset[tuple[str, str]]] = {
    **dict.fromkeys(("made", "raised"), frozenset({("open", "seller")})),
    "countered": frozenset({("open", "buyer")}),
    "withdrawn": frozenset({("withdrawn", "seller")}),
    "recalled": frozenset({("withdrawn", "buyer")}),
    "taken": frozenset({("accepted", "buyer")}),
    "accepted": frozenset({("accepted", "seller")}),
    "refused": frozenset({("declined", "buyer")}),
    "declined": frozenset({("declined", "seller")}),
    "lapsed": frozenset({("lapsed", "buyer"), ("lapsed", "seller")}),
    "void": frozenset({("void", "buyer"), ("void", "seller")}),
}


async def _release(session: AsyncSession, notice: str, payload: Mapping[str, Any], tongue: Tongue) -> _Facts | None:
    wanted = select(Release.company_id, Invoice.number).join(Invoice, Invoice.id == Release.invoice_id)
    row = (await session.execute(wanted.where(Release.public_id == payload["about"]))).one_or_none()
    if row is None:
        return None
    path = "/desk/stones" if notice == "release_handed_over" else f"/desk/invoices/{row.number}"
    return _Facts(row.company_id, {"number": row.number or ""}, path)


async def _statement(session: AsyncSession, notice: str, payload: Mapping[str, Any], tongue: Tongue) -> _Facts | None:
    row = await session.scalar(select(SellerStatement).where(SellerStatement.public_id == payload["about"]))
    return None if row is None else _Facts(row.company_id, {"number": row.number}, f"/desk/statements/{row.number}")


async def _payout(session: AsyncSession, notice: str, payload: Mapping[str, Any], tongue: Tongue) -> _Facts | None:
    wanted = select(SellerStatement).join(Payout, Payout.statement_id == SellerStatement.id)
    row = await session.scalar(wanted.where(Payout.public_id == payload["about"]))
    return None if row is None else _Facts(row.company_id, {"number": row.number}, f"/desk/statements/{row.number}")


_READERS = {
    "invoice": _invoice,
    "refund": _refund,
    "dispute": _dispute,
    "deposit": _deposit,
    "offer": _offer,
    "approach": _approach,
    "bargain": _bargain,
    "release": _release,
    "statement": _statement,
    "payout": _payout,
}


async def _title(session: AsyncSession, wanted: Any, tongue: Tongue) -> str:
    row = await session.scalar(wanted)
    return "" if row is None else _titled(row, tongue)


def _titled(thing: Sale, tongue: Tongue) -> str:
    return (thing.title_zh if tongue.lang == "zh" else "") or thing.title_en


def _when(tongue: Tongue, at: datetime, zone: str) -> str:
    return str(Figures(tongue).when(at, zone).striptags())
