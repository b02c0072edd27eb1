"""One history at the provider, told in any order, again and again, with readings that fail: the same end."""

import shutil
import tempfile
from pathlib import Path

from sqlalchemy import select

from pavilion.kernel.db import create_engine, sessions_of, sqlite_url
from pavilion.settlement import checkouts, invoicing, ledger, queries, refunding, sending, webhooks
from pavilion.settlement.intent_models import Dispute, PaymentIntent, ProviderCustomer, ProviderEvent
from pavilion.settlement.models import Invoice
from pavilion.settlement.payments.port import ProviderUnreachable
from pavilion.settlement.receipt_models import Discrepancy, Receipt, Refund
from tests.luck import Random
from tests.make import NOON
from tests.settlement.provider import Provider
from tests.settlement.test_invoicing import TERMS, buyer, sold

URL = "https://house.example"
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


async def furnish(sessions):
    """Five invoices of five buyers; what the provider has told so far is taken, and what it will tell has happened."""
    provider, numbers = Provider(), []
    for place in range(5):
        async with sessions.begin() as session:
            who = await buyer(session)
            draft = await invoicing.add_lots(
                session, terms=TERMS, buyer=who, lots=[sold(f"{place:026d}")], now=NOON
            )  # fmt: skip
            numbers.append((await invoicing.issue(session, draft, NOON)).number)
    first = provider.pay(await _page(sessions, provider, numbers[0]))
    provider.pay(await _page(sessions, provider, numbers[4]), amount_minor=1_275_500)
    for event in provider.events:
        await webhooks.take(sessions, provider, event, NOON)
    provider.events.clear()
    await _owe(sessions, numbers[4], 500)
    await sending.tick(sessions, provider, URL, NOON)
    refund = next(iter(provider.refunds))
    provider.refund_ends(refund, "succeeded")
    provider.refund_ends(refund, "failed")
    provider.judge(provider.dispute(first.charge, amount_minor=1_000_000), "won")
    page = await _page(sessions, provider, numbers[1])
    provider.decline(page)
    second = provider.pay(page)
    provider.judge(provider.dispute(second.charge), "lost")
    provider.lapse(await _page(sessions, provider, numbers[2]))
    customer = await _account(sessions, provider, numbers[3])
    provider.transfer(customer, 400_000, numbers[3])
    provider.transfer(customer, 900_000, numbers[3].lower())
    provider.payout_fails(provider.pay_out(7_000))
    provider.pay_out(9_000)
    provider.tell("customer.updated", None, object=customer)
    return provider


async def _page(sessions, provider, number, *, by_card=True):
    async with sessions.begin() as session:
        invoice = await queries.invoice_by_number(session, number, lock=True)
        intent = await checkouts.pay_invoice(session, invoice, by_card=by_card, save=False, lang="en", now=NOON)
    await sending.send(sessions, provider, URL, intent.public_id, NOON)
    return list(provider.pages)[-1]


async def _account(sessions, provider, number):
    await _page(sessions, provider, number, by_card=False)
    async with sessions() as session:
        invoice = await queries.invoice_by_number(session, number)
        return (await session.get(ProviderCustomer, (invoice.company_id, invoice.entity))).provider_id


async def _owe(sessions, number, amount_minor):
    async with sessions.begin() as session:
        invoice = await queries.invoice_by_number(session, number)
        await refunding.owe(
            session, key="over", company_id=invoice.company_id, entity="ANT", currency="USD",
            amount_minor=amount_minor, reason="overpaid", ref="",
            from_account=f"liability:unallocated:{invoice.company_id}", by=None, now=NOON,
        )  # fmt: skip


async def play(sessions, provider, chance):
    """Every event at least once, some up to five times, in an order of chance, with readings that time out."""
    left = [event for event in provider.events for _ in range(chance.choice((1, 1, 1, 1, 1, 5)))]
    chance.shuffle(left)
    while left:
        event = left.pop()
        provider.silent = {"read"} if chance.random() < 0.2 else set()
        try:
            await webhooks.take(sessions, provider, event, NOON)
        except ProviderUnreachable:
            left.insert(chance.randrange(len(left) + 1), event)
    provider.silent = set()


async def end_of(sessions):
    """Where things stand: balances, invoices, requests, refunds, disputes, and what waits for a person."""
    async with sessions() as session:
        assert await ledger.proves(session)

        async def all_of(model, *names):
            rows = (await session.scalars(select(model))).all()
            return sorted(tuple(str(getattr(row, name)) for name in names) for row in rows)

        return {
            "balances": await ledger.balances(session),
            "invoices": await all_of(Invoice, "number", "state", "outcome"),
            "intents": await all_of(PaymentIntent, "kind", "amount_minor", "state"),
            "receipts": await all_of(Receipt, "provider_ref", "amount_minor", "purpose"),
            "refunds": await all_of(Refund, "amount_minor", "state"),
            "disputes": await all_of(Dispute, "provider_id", "state"),
            "open": await all_of(Discrepancy, "kind", "subject", "invoice"),
            "events": await all_of(ProviderEvent, "event", "type"),
        }


async def ends(template, seeds):
    """The end of each of these orders, each on its own copy of the furnished house."""
    engine = create_engine(sqlite_url(template))
    provider = await furnish(sessions_of(engine))
    await engine.dispose()
    for seed in seeds:
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            path = Path(folder) / "house.db"
            shutil.copy(template, path)
            copy = create_engine(sqlite_url(path))
            sessions = sessions_of(copy)
            await play(sessions, provider, Random(seed))
            yield seed, await end_of(sessions)
            await copy.dispose()
