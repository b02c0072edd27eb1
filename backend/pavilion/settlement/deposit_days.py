"""A deposit's beginning and its end: asked when a paddle waits for it, given back when the sale needs it no more."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import registering
from pavilion.auctions.entities import entities
from pavilion.auctions.models import Registration, Sale
from pavilion.auctions.rules import SaleState
from pavilion.bidding import queries as book
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, inserting, reading
from pavilion.kernel.errors import Refusal
from pavilion.kernel.events import Event
from pavilion.kernel.ids import ulid
from pavilion.settlement import deposits, discrepancies, postings, queries, refunding
from pavilion.settlement.agreed import terms_of
from pavilion.settlement.default_models import LotRemedy
from pavilion.settlement.deposit_models import Deposit, DepositState
from pavilion.settlement.models import Invoice, Posting
from pavilion.settlement.rules import PAYABLE, InvoiceState, business_days_after
from pavilion.settlement.stop_models import SettlementStop, StopState
from pavilion.webkit.log import get_logger

OVER = (SaleState.DRAFT, SaleState.CLOSED, SaleState.SETTLED)  # a draft: its publication was taken back
log = get_logger()
RELEASED = "deposit_released"  # why the money goes back
AT_ONCE = 200


async def ask_all(sessions: Sessions, now: datetime) -> int:
    """Every paddle that waits for a deposit has one to pay. Where nothing is due there is no row and nothing to pay."""
    known = select(Deposit.id).where(Deposit.registration == Registration.public_id)
    wanted = select(Registration, Sale).join(Sale, Sale.id == Registration.sale_id).order_by(Registration.id)
    wanted = wanted.where(Registration.awaits_deposit, Sale.state.not_in(OVER))
    wanted = wanted.where(~known.where(Deposit.state != DepositState.CLOSED).exists())
    async with reading(sessions) as session:
        waiting = (await session.execute(wanted.limit(AT_ONCE))).all()
    for registration, sale in waiting:
        async with sessions.begin() as session:
            await ask(session, registration, sale, now)
    return len(waiting)


async def ask(session: AsyncSession, registration: Registration, sale: Sale, now: datetime) -> Deposit:
    """The deposit that was counted at the approval stands to be paid. Said twice, asked once."""
    assert registration.deposit_minor, "nothing is asked where nothing is due"
    terms = await terms_of(session, sale.public_id, sale.entity)
    public_id = ulid(now)
    row = inserting(session, Deposit).values(
        public_id=public_id,
        company_id=registration.company_id,
        sale=sale.public_id,
        registration=registration.public_id,
        entity=sale.entity,
        currency=sale.currency,
        asked_minor=registration.deposit_minor,
        lots=list(registration.marked),
        factor=terms.deposit_factor,
        state=DepositState.ASKED,
        by_hold=terms.deposit_by_hold,
        asked_at=now,
    )
    await session.execute(row.on_conflict_do_nothing(index_elements=["company_id", "sale"]))
    deposit = await deposits.of_company(session, registration.company_id, sale.public_id, lock=True)
    assert deposit is not None
    again = deposit.state == DepositState.CLOSED  # the sale was taken back and published once more
    if again:
        deposit.state, deposit.asked_minor, deposit.asked_at = DepositState.ASKED, registration.deposit_minor, now
        deposit.lots, deposit.closed_at, deposit.held_at, deposit.raise_minor = (
            list(registration.marked),
            None,
            None,
            None,
        )
        await session.flush()
    if again or deposit.public_id == public_id:
        told = {"currency": deposit.currency, "amount_minor": deposit.asked_minor, **deposits.facts_of(deposit)}
        events.record(session, "deposit:asked", deposit.public_id, by=None, at=now, **told)
    return deposit


async def release_all(sessions: Sessions, now: datetime) -> int:
    """After the close whoever bought nothing gets the deposit back, and a winner what its invoices left of it; each by
    itself."""
    async with reading(sessions) as session:
        over = select(Deposit.id).join(Sale, Sale.public_id == Deposit.sale)
        over = over.where(Deposit.state != DepositState.CLOSED, Sale.state.in_(OVER)).order_by(Deposit.id)
        waiting = [id_ for id_ in (await session.scalars(over)).all() if await _free(session, id_, now)]
    done = 0
    for id_ in waiting:
        done += await _released(sessions, id_, now)
        if done == AT_ONCE:
            break
    return done


async def _free(session: AsyncSession, deposit_id: int, now: datetime) -> bool:
    """Nothing needs it, or that cannot be said: then its own release says why."""
    try:
        return not await needed(session, await session.get_one(Deposit, deposit_id), now)
    except Exception as fault:
        log.error("deposit not understood", act="deposit.release", outcome=type(fault).__name__, exc_info=fault)
        return True


async def _released(sessions: Sessions, deposit_id: int, now: datetime) -> bool:
    """By itself: one that cannot go back holds up no other, and is put to a person."""
    try:
        async with sessions.begin() as session:
            return await release(session, deposit_id, now=now)
    except DBAPIError as fault:  # of the moment: tried again with the next look
        log.error("deposit not released", act="deposit.release", outcome=type(fault).__name__, exc_info=fault)
        return False
    except Exception as fault:
        code = fault.code if isinstance(fault, Refusal) else type(fault).__name__
        async with sessions.begin() as session:
            new = await _stuck(session, deposit_id, code, now)
        if new:
            log.error("deposit not released", act="deposit.release", outcome=code, exc_info=fault)
        return False


async def _stuck(session: AsyncSession, deposit_id: int, code: str, now: datetime) -> bool:
    deposit = await session.get_one(Deposit, deposit_id)
    held = await deposits.held_minor(session, deposit.company_id, deposit.sale)
    facts = {"sale": deposit.sale, "amount_minor": held, "currency": deposit.currency, "code": code}
    key = f"deposit_stuck:{deposit.public_id}:{code}"
    return await discrepancies.found(
        session, key=key, kind="deposit_stuck", subject=deposit.public_id, facts=facts, now=now
    )


async def release(session: AsyncSession, deposit_id: int, *, now: datetime) -> bool:
    """Nothing of the sale needs the deposit any more: what is left of it is owed back, and it is closed. False where
    something still needs it, or it was closed before."""
    wanted = select(Deposit).where(Deposit.id == deposit_id).with_for_update()
    deposit = (await session.scalars(wanted.execution_options(populate_existing=True))).one()
    if deposit.state == DepositState.CLOSED or await needed(session, deposit, now):
        return False
    left = await deposits.held_minor(session, deposit.company_id, deposit.sale)
    if left > 0:
        earlier = (await deposits.figures(session, deposit)).refunded
        await refunding.owe(
            session,
            key=f"deposit:{deposit.public_id}:{earlier}",
            company_id=deposit.company_id,
            entity=deposit.entity,
            currency=deposit.currency,
            amount_minor=left,
            reason=RELEASED,
            ref=deposit.public_id,
            from_account=postings.deposit(deposit.company_id, deposit.sale),
            by=None,
            now=now,
        )
    deposit.state, deposit.closed_at, deposit.raise_minor = DepositState.CLOSED, now, None
    await session.flush()
    if await session.scalar(select(Sale.state).where(Sale.public_id == deposit.sale)) == SaleState.DRAFT:
        await registering.deposit_gone(session, registration=deposit.registration, by=None, now=now)
    told = {"amount_minor": left, "currency": deposit.currency, **deposits.facts_of(deposit)}
    events.record(session, "deposit:released", deposit.public_id, by=None, at=now, **told)
    return True


async def needed(session: AsyncSession, deposit: Deposit, now: datetime) -> bool:
    """Whether a lot the company bought is not yet invoiced, or an invoice of it not yet settled."""
    if await _unbilled(session, deposit):
        return True
    wanted = select(Invoice).where(Invoice.sale == deposit.sale, Invoice.company_id == deposit.company_id)
    invoices: Sequence[Invoice] = (await session.scalars(wanted.order_by(Invoice.id))).all()
    for invoice in invoices:
        if invoice.state == InvoiceState.DRAFT:
            return True
        kept = await session.scalar(select(Posting.at).where(Posting.key == f"{deposits.FORFEITED}{invoice.number}"))
        if kept is None and invoice.state == InvoiceState.DEFAULTED:  # by terms that keep nothing
            said = select(Event.at).where(Event.subject == invoice.public_id, Event.name == "invoice:defaulted")
            kept = await session.scalar(said.order_by(Event.id).limit(1))
        if kept is not None:
            if await _waits(session, deposit, kept, now):
                return True
        elif InvoiceState(invoice.state) in PAYABLE and await queries.open_minor(session, invoice) > 0:
            return True
    return False


async def _unbilled(session: AsyncSession, deposit: Deposit) -> bool:
    won = {
        one.lot_public_id for one in await book.results(session, deposit.sale) if one.company_id == deposit.company_id
    }
    if not won:
        return False
    left = won - await queries.billed(session, deposit.sale)
    left -= set(await session.scalars(select(LotRemedy.lot).where(LotRemedy.lot.in_(left))))
    stopped = select(SettlementStop.lot).where(SettlementStop.lot.in_(left))
    return bool(left - set(await session.scalars(stopped.where(SettlementStop.state == StopState.CANCELLED))))


async def _waits(session: AsyncSession, deposit: Deposit, kept_at: datetime, now: datetime) -> bool:
    """The rest of a defaulter's deposit stays for the terms' days, by the selling entity's calendar."""
    entity = entities()[deposit.entity]
    zone, terms = ZoneInfo(entity.zone), await terms_of(session, deposit.sale, deposit.entity)
    until = business_days_after(kept_at.astimezone(zone).date(), terms.forfeit_wait_days, entity.holidays)
    return now.astimezone(zone).date() < until
