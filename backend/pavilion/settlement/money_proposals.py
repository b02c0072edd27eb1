"""What an act on money that waits for a second person rests on, in the reader's words: who paid, for what, what was
seen of it. The second person compares it with the statement."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Proposal
from pavilion.auctions.entities import entities
from pavilion.settlement.receipt_models import Receipt, Refund
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue

Said = Callable[[AsyncSession, Sequence[Proposal], Tongue], Awaitable[dict[int, list[Any]]]]

KINDS = frozenset({"payment.wire", "payment.reverse", "payment.convert", "refund.pay"})


class Line(NamedTuple):
    text: str
    href: str | None = None


async def lines(session: AsyncSession, proposals: Sequence[Proposal], tongue: Tongue) -> dict[int, list[Line]]:
    """By proposal; of acts on money alone."""
    figures = Figures(tongue)
    return {one.id: await _lines(session, one, tongue, figures) for one in proposals if one.kind in KINDS}


def beside(others: Said) -> Said:
    """What another domain says of its own proposals, and what is said here of those about money."""

    async def both(session: AsyncSession, proposals: Sequence[Proposal], tongue: Tongue) -> dict[int, list[Any]]:
        return {**await others(session, proposals, tongue), **await lines(session, proposals, tongue)}

    return both


async def _lines(session: AsyncSession, proposal: Proposal, tongue: Tongue, figures: Figures) -> list[Line]:
    match proposal.kind:
        case "payment.wire":
            return await _of_wire(session, proposal, tongue, figures)
        case "refund.pay":
            return await _of_refunds(session, proposal, tongue, figures)
        case _:
            return await _of_receipt(session, proposal, tongue, figures)


async def _of_wire(session: AsyncSession, proposal: Proposal, tongue: Tongue, figures: Figures) -> list[Line]:
    facts, say = proposal.facts, tongue.say
    found = []
    if facts.get("entity") in entities():
        found.append(Line(say("wire_at", entity=entities()[facts["entity"]].name)))
    payer = facts.get("payer_name")
    found.append(Line(say("wire_payer", company=payer) if payer else say("wire_payer_unknown")))
    if facts.get("sender"):
        found.append(Line(sender_line(tongue, facts["sender"], facts.get("sender_account", ""))))
    if "invoice" in facts:
        if (
            "open_minor" in facts
        ):  # as it stood when the line was entered; what came later does not change what was said
            left = _sum(figures, facts["open_minor"], facts["invoice_currency"])
            found.append(Line(say("wire_for_invoice", number=facts["invoice"], left=left)))
        else:
            found.append(Line(say("wire_for_invoice_alone", number=facts["invoice"])))
        if facts.get("over_minor"):
            found.append(Line(say("wire_over", over=_sum(figures, facts["over_minor"], facts["currency"]))))
    elif "deposit" in facts:
        found.append(Line(say("wire_for_deposit")))
    else:
        found.append(Line(say("wire_unallocated")))
    if facts.get("scan"):
        found.append(Line(say("wire_scan"), f"/staff/cashier/scans/{facts['scan']}"))
    return found


async def _of_receipt(session: AsyncSession, proposal: Proposal, tongue: Tongue, figures: Figures) -> list[Line]:
    facts, say = proposal.facts, tongue.say
    receipt = await session.scalar(select(Receipt).where(Receipt.public_id == facts["receipt"]))
    if receipt is None:
        return []
    payer = await session.get(Company, receipt.company_id) if receipt.company_id else None
    found = [Line(say("wire_payer", company=payer.name) if payer else say("wire_payer_unknown"))]
    if receipt.sender:
        found.append(Line(sender_line(tongue, receipt.sender, receipt.sender_account)))
    if "into_minor" in facts:
        found.append(Line(say("conversion_gives", sum=_sum(figures, facts["into_minor"], facts["to"]))))
        if "invoice" in facts:
            found.append(Line(say("conversion_pays", number=facts["invoice"])))
    if receipt.scan_sha256:
        found.append(Line(say("wire_scan"), f"/staff/cashier/scans/{receipt.scan_sha256}"))
    return found


async def _of_refunds(session: AsyncSession, proposal: Proposal, tongue: Tongue, figures: Figures) -> list[Line]:
    wanted = select(Refund, Receipt).outerjoin(Receipt, Receipt.id == Refund.receipt_id)
    rows = await session.execute(wanted.where(Refund.public_id.in_(proposal.facts["refunds"])).order_by(Refund.id))
    found = []
    for refund, receipt in rows:
        way = "refund_by_wire" if refund.by_wire else "refund_by_provider"
        sum_ = _sum(figures, refund.amount_minor, refund.currency)
        paid = receipt.reference or receipt.public_id if receipt else refund.ref
        found.append(Line(tongue.say(way, sum=sum_, reference=paid)))
        if refund.by_wire and (payee := refund.payee or (receipt.sender if receipt else "")):
            account = refund.payee_account or (receipt.sender_account if receipt else "")
            found.append(Line(payee_line(tongue, payee, account)))
    return found


def sender_line(tongue: Tongue, sender: str, account: str) -> str:
    return tongue.say("wire_sender_at" if account else "wire_sender", sender=sender, account=account)


def payee_line(tongue: Tongue, payee: str, account: str) -> str:
    return tongue.say("wire_payee_at" if account else "wire_payee", payee=payee, account=account)


def _sum(figures: Figures, minor: int, currency: str) -> str:
    return f"{currency} {figures.amount(minor, currency, True)}"
