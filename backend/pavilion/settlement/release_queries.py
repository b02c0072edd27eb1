"""Reads of releases: what is to go, what it still lacks, what belongs to it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, CompanyState, Permission
from pavilion.auctions.entities import entities
from pavilion.catalogue import queries as catalogue
from pavilion.kernel.ids import is_ulid
from pavilion.provenance import custody_keeping, eligibility, passport_queries
from pavilion.settlement import legal, queries, release_rules
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.deposit_models import Deposit
from pavilion.settlement.intent_models import Dispute
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.ownership import SoldStone, stones_of
from pavilion.settlement.receipt_models import Allocation, Receipt
from pavilion.settlement.release_models import Goods, GoodsState, Release, ReleaseFile, ReleaseMode
from pavilion.settlement.release_rules import Facts, Money
from pavilion.settlement.rules import InvoiceState, LineKind, business_days_after
from pavilion.webkit.i18n import LANGUAGES

PAGE = 200


class Waiting(NamedTuple):
    """A release on the list, with who bought and what it is worth."""

    release: Release
    invoice: Invoice
    company: str
    lots: int
    stones: int


async def visible(session: AsyncSession, actor: Actor, public_id: str) -> Release | None:
    """The one gate: the desk sees every release, a buyer those of the own company."""
    if not is_ulid(public_id):
        return None
    wanted = select(Release).where(Release.public_id == public_id)
    if not actor.may(Permission.RELEASE_PREPARE):
        wanted = wanted.where(Release.company_id == (actor.company_id or 0))
    found: Release | None = await session.scalar(wanted)
    return found


async def by_pass(session: AsyncSession, pass_sha256: str) -> Release | None:
    found: Release | None = await session.scalar(select(Release).where(Release.pass_sha256 == pass_sha256))
    return found


async def invoice_of(session: AsyncSession, release: Release) -> Invoice:
    wanted = select(Invoice).where(Invoice.id == release.invoice_id).options(selectinload(Invoice.lines))
    return (await session.scalars(wanted)).one()


async def locked_invoice(session: AsyncSession, invoice_id: int) -> Invoice:
    """As it stands now, and stays so until the transaction ends."""
    wanted = select(Invoice).where(Invoice.id == invoice_id).options(selectinload(Invoice.lines))
    fresh = wanted.with_for_update(of=Invoice).execution_options(populate_existing=True)
    return (await session.scalars(fresh)).one()


async def locked(session: AsyncSession, actor: Actor, public_id: str) -> Release | None:
    """The release with its invoice, locked in this order: the same as wherever money moves."""
    seen = await visible(session, actor, public_id)
    if seen is None:
        return None
    await locked_invoice(session, seen.invoice_id)
    await session.refresh(seen, with_for_update=True)
    return seen


async def waiting(session: AsyncSession) -> list[Waiting]:
    """What is under way, the oldest first; then what was received last."""
    rows = (
        await session.execute(
            select(Release, Invoice, Company.name)
            .join(Invoice, Invoice.id == Release.invoice_id)
            .join(Company, Company.id == Release.company_id)
            .order_by(Release.received_at.is_not(None), Release.id)
            .limit(PAGE)
        )
    ).all()
    lines: dict[str, list[InvoiceLine]] = {}
    mine = select(Goods.release, InvoiceLine).join(
        InvoiceLine, and_(InvoiceLine.invoice_id == Goods.invoice_id, InvoiceLine.lot == Goods.lot)
    )
    mine = mine.where(Goods.release.in_([row[0].public_id for row in rows]), InvoiceLine.kind == LineKind.HAMMER)
    for name, line in await session.execute(mine):
        lines.setdefault(str(name), []).append(line)
    found = []
    for release, invoice, name in rows:
        held = lines.get(release.public_id, [])
        found.append(Waiting(release, invoice, name, len(held), sum(len(one.facts.get("stones", ())) for one in held)))
    return found


async def of_invoice(session: AsyncSession, invoice: Invoice) -> Sequence[Release]:
    wanted = select(Release).where(Release.invoice_id == invoice.id, Release.state != GoodsState.RETURNED)
    return (await session.scalars(wanted.order_by(Release.id))).all()


async def goods_of(session: AsyncSession, invoice: Invoice, *, lock: bool = False) -> Sequence[Goods]:
    wanted = select(Goods).where(Goods.invoice_id == invoice.id).order_by(Goods.lot)
    return (await session.scalars(wanted.with_for_update() if lock else wanted)).all()


async def lots_of(session: AsyncSession, release: Release) -> list[str]:
    wanted = select(Goods.lot).where(Goods.release == release.public_id).order_by(Goods.lot)
    return list(await session.scalars(wanted))


async def stones_in(session: AsyncSession, release: Release, invoice: Invoice) -> list[SoldStone]:
    return await stones_of(session, invoice, await lots_of(session, release))


async def files_of(session: AsyncSession, release: Release) -> Sequence[ReleaseFile]:
    """The papers of its version, and what was seen at its end."""
    wanted = select(ReleaseFile).where(ReleaseFile.release_id == release.id)
    rows = await session.scalars(wanted.order_by(ReleaseFile.id))
    return [row for row in rows if row.version == release.version or not row.lang]


async def masses(session: AsyncSession, stones: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Between which masses each must weigh as it goes."""
    listed = await catalogue.weights_of(session, stones)
    weighed = await custody_keeping.last_weights(session, stones)
    return {
        stone: release_rules.fitting(weighed.get(stone), listed.get(stone, 0))
        if stone in weighed or stone in listed
        else (1, custody_keeping.HEAVIEST_MCT)
        for stone in stones
    }


def worth_minor(invoice: Invoice, lots: Sequence[str]) -> int:
    """What these lots cost, premium included; all of them: the invoice's total."""
    every = {line.lot for line in invoice.lines if line.lot}
    if every <= set(lots):
        return invoice.total_minor
    priced = (LineKind.HAMMER, LineKind.PREMIUM)
    return sum(line.amount_minor for line in invoice.lines if line.lot in lots and line.kind in priced)


async def facts_of(
    session: AsyncSession, release: Release, invoice: Invoice, *, passports: bool, now: datetime
) -> Facts:
    """All that decides whether it may go, as it stands now. `passports`: whether this house issues any."""
    stones = [one.stone for one in await stones_in(session, release, invoice)]
    today = queries.local_day(invoice, now)
    company = await session.get_one(Company, invoice.company_id)
    closed = await eligibility.closed(session, stones, today, [release.destination])
    files = {(row.kind, row.lang) for row in await files_of(session, release)}
    due = [(kind, lang) for kind in await papers_due(session, release, invoice, now) for lang in LANGUAGES]
    missing = sorted({kind for kind, lang in due if (kind, lang) not in files})
    leaving = leaving_paper(release)
    if leaves_by_hand(release, invoice) and not any(kind.startswith(leaving) for kind, _ in files):
        missing.append(release_rules.LEAVING_PAPER)
    return Facts(
        paid=invoice.state == InvoiceState.PAID and await queries.open_minor(session, invoice) <= 0,
        money=tuple(await _money(session, invoice)),
        company_approved=company.state == CompanyState.APPROVED,
        verified_until=date.fromisoformat(company.verified_until) if company.verified_until else None,
        closed=[stone for stone in stones if release.destination in closed.get(stone, {})],
        passports=[stone for stone in stones if passports and not await _stands(session, stone)],
        tax_fits=tax_fits(invoice, release.destination),
        papers=missing,
    )


def tax_fits(invoice: Invoice, destination: str) -> bool:
    """Whether what the invoice charges is right for goods that really go there."""
    seller = entities()[invoice.entity]
    return release_rules.tax_fits(invoice.regime, seller.country, seller.eu, destination)


def leaves_by_hand(release: Release, invoice: Invoice) -> bool:
    return release_rules.leaves_by_hand(invoice.regime, collected=release.mode == ReleaseMode.COLLECTION)


def leaving_paper(release: Release) -> str:
    """What the paper is kept as: one for another country is another paper."""
    return f"{release_rules.LEAVING_PAPER}_{release.destination}_"


async def address_since(session: AsyncSession, invoice: Invoice) -> dict[str, str]:
    """Where the buyer sits today, if the invoice does not name a street; else nothing is added to what it says."""
    if invoice.facts["buyer"].get("street"):
        return {}
    company = await session.get_one(Company, invoice.company_id)
    return {"street": company.street, "postcode": company.postcode, "city": company.city} if company.street else {}


async def street_missing(session: AsyncSession, invoice: Invoice, destination: str) -> bool:
    """Whether the customs papers for goods that go there would lack the buyer's street."""
    if destination == invoice.facts["seller"]["country"] or invoice.facts["buyer"].get("street"):
        return False
    return not await address_since(session, invoice)


async def papers_due(session: AsyncSession, release: Release, invoice: Invoice, now: datetime) -> tuple[str, ...]:
    lots = set(await lots_of(session, release))
    lines = [line for line in invoice.lines if line.kind == LineKind.HAMMER and line.lot in lots]
    return release_rules.papers_due(
        diamonds=invoice.warranty_id is not None and any(map(_diamond, lines)),
        declared=bool(await legal.due(session, invoice, now, destination=release.destination, lots=lots)),
    )


def _diamond(line: InvoiceLine) -> bool:
    return bool(line.facts.get("species") == "diamond")


async def _money(session: AsyncSession, invoice: Invoice) -> list[Money]:
    terms = await terms_of(session, invoice.sale, invoice.entity)
    holidays = entities()[invoice.entity].holidays
    used = Allocation.invoice_id == invoice.id
    if invoice.credits_minor:
        mine = (Deposit.company_id == invoice.company_id, Deposit.sale == invoice.sale)
        used = or_(used, Allocation.deposit.in_(select(Deposit.public_id).where(*mine)))
    wanted = select(Receipt).where(Receipt.id.in_(select(Allocation.receipt_id).where(used)))
    receipts = (await session.scalars(wanted.order_by(Receipt.id))).all()
    open_disputes = select(Dispute.receipt_id).where(
        Dispute.state == "open", Dispute.receipt_id.in_([one.id for one in receipts])
    )
    disputed = set(await session.scalars(open_disputes))
    return [
        Money(
            business_days_after(queries.local_day(invoice, one.at), terms.holdback_days, holidays), one.id in disputed
        )
        for one in receipts
    ]


async def _stands(session: AsyncSession, stone: str) -> bool:
    newest = await passport_queries.latest(session, stone)
    if newest is None:
        return False
    return (await passport_queries.standing_of(session, newest)).state == "current"
