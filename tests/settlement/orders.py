"""One history at the provider, told in any order, again and again, with readings that fail: the same end.

Orders that begin alike are one road as long as they do: the walk is a tree, depth first on one connection, a savepoint
for each call, which is taken back on the way home. Each leaf is an order of its own, told to its end."""

from collections import Counter
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncTransaction, async_sessionmaker

from pavilion.settlement import checkouts, invoicing, ledger, queries, refunding, sending, webhooks
from pavilion.settlement.intent_models import Dispute, PaymentIntent, ProviderCustomer, ProviderEvent
from pavilion.settlement.models import Invoice
from pavilion.settlement.payments.port import ProviderUnreachable
from pavilion.settlement.receipt_models import Discrepancy, Receipt, Refund
from tests.make import NOON
from tests.settlement.provider import Provider
from tests.settlement.test_invoicing import TERMS, buyer, sold

URL = "https://house.example"
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # where a throw-away database lies fastest


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


# With so many calls left the road forks into so many. What follows the last fork but one differs in much, and nearly
# all the work is shared.
FORKS = {32: 2, 24: 2, 18: 2, 13: 5, 8: 5, 4: 5, 2: 2}
FEW = {17: 2, 9: 4, 5: 3}


@asynccontextmanager
async def one_connection(engine):
    """Sessions whose commits are savepoints of one transaction, which leaves nothing behind."""
    async with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            await _at_once(connection)
        whole = await connection.begin()
        info = {"seal": None}
        yield (
            connection,
            async_sessionmaker(connection, expire_on_commit=False, info=info, join_transaction_mode="create_savepoint"),
        )
        await whole.rollback()


async def _at_once(connection):
    """The embedded database is asked where we are, not in its driver's thread: there is nobody else to wait for, and
    the way there and back is most of a statement's time."""
    driver = (await connection.get_raw_connection()).driver_connection

    async def execute(verb, *args, **said):
        return verb(*args, **said)

    driver._execute = execute


class Fork(NamedTuple):
    """So far, this was told; these may be next."""

    told: tuple[tuple[int, bool], ...]
    places: Iterator[int]
    savepoint: AsyncTransaction | None  # before the last that was told


async def walk(connection, sessions, provider, chance, forks=FORKS):
    """(order, end) of each leaf. Every event is told at least once, some up to five times, with readings that time out;
    an order is what was told one after another, and whether the answer of a reading was lost."""
    bag = Counter({place: chance.choice((1, 1, 1, 1, 1, 5)) for place in range(len(provider.events))})

    def fork(told, savepoint):
        places = sorted(place for place, count in bag.items() if count)
        chance.shuffle(places)
        lost = bool(told) and not told[-1][1]
        return Fork(told, iter(places[: 1 if lost else forks.get(bag.total(), 1)]), savepoint)

    road = [fork((), None)]
    while road:
        here = road[-1]
        place = next(here.places, None)
        if place is not None:
            savepoint = await connection.begin_nested()
            taken = await _take(sessions, provider, provider.events[place], chance.random() < 0.2)
            bag[place] -= taken
            road.append(fork((*here.told, (place, taken)), savepoint))
            if not bag.total():
                yield road[-1].told, await end_of(sessions)
            continue
        road.pop()
        if here.savepoint is not None:
            await here.savepoint.rollback()
            place, taken = here.told[-1]
            bag[place] += taken


async def _take(sessions, provider, event, silent):
    """Whether the call was taken; its reading may get no answer, and then nothing is left of it."""
    provider.silent = {"read"} if silent else set()
    try:
        await webhooks.take(sessions, provider, event, NOON)
    except ProviderUnreachable:
        return False
    finally:
        provider.silent = set()
    return True


async def end_of(sessions):
    """Where things stand: balances, invoices, requests, refunds, disputes, and what waits for a person."""
    async with sessions() as session:
        assert await ledger.proves(session)

        async def all_of(model, *names):
            rows = await session.execute(select(*(getattr(model, name) for name in names)))
            return sorted(tuple(str(value) for value in row) for row in rows)

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
