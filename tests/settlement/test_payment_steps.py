"""Whoever is killed between any two steps of a payment is followed by another who does the rest: the same end, nothing
twice. A step is a commit or a call of the provider; it is cut off before it, and after it."""

import shutil
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.kernel.db import create_engine, sessions_of, sqlite_url
from pavilion.kernel.errors import ActNotAllowed
from pavilion.settlement import checkouts, intents, reconciling, refunding, sending, webhooks
from pavilion.settlement.intent_models import IntentKind, PaymentIntent, ProviderCustomer
from pavilion.settlement.models import Invoice
from tests.make import NOON
from tests.settlement.orders import end_of
from tests.settlement.provider import Provider
from tests.settlement.test_invoicing import issued
from tests.settlement.test_provider import URL, asked


class Killed(BaseException):
    """As sudden as a signal: nothing between here and the top catches it."""


class Life:
    """Ends at the given step; none: lives on."""

    def __init__(self, end=None):
        self.end, self.step = end, 0

    def pass_on(self):
        self.step += 1
        if self.step == self.end:
            raise Killed


class Mortal:
    """Sessions, or the provider, in the hands of one who may be killed at each step."""

    def __init__(self, inner, life):
        self._inner, self._life = inner, life

    def __getattr__(self, name):
        found = getattr(self._inner, name)
        if name not in ("customer", "checkout", "virtual_account", "refund", "refund_cash", "expire", "charge"):
            return found

        async def called(*args, **said):
            self._life.pass_on()
            answer = await found(*args, **said)
            self._life.pass_on()
            return answer

        return called

    def __call__(self, *args, **said):
        return self._inner(*args, **said)

    @asynccontextmanager
    async def begin(self):
        async with self._inner.begin() as session:
            yield session
            self._life.pass_on()
        self._life.pass_on()


async def by_card(sessions, provider, invoice, now):
    await press(sessions, invoice, now)
    await work(sessions, provider, now)
    for page in [page for page, shown in provider.pages.items() if shown["state"] == "open"]:
        provider.pay(page)
    await hear(sessions, provider, now)
    await checkouts.close_all(sessions, now)
    await work(sessions, provider, now)


async def by_transfer(sessions, provider, invoice, now):
    await press(sessions, invoice, now, by_card=False)
    await work(sessions, provider, now)
    async with sessions() as session:
        customer = (await session.scalars(select(ProviderCustomer))).one().provider_id
    if not provider.cash:
        provider.transfer(customer, invoice.total_minor + 900, invoice.number)
    await hear(sessions, provider, now)
    async with sessions.begin() as session:
        await refunding.owe(
            session, key="over", company_id=invoice.company_id, entity="ANT", currency="USD", amount_minor=900,
            reason="overpaid", ref="", from_account=f"liability:unallocated:{invoice.company_id}", by=None, now=now,
        )  # fmt: skip
    await work(sessions, provider, now)
    for refund, said in list(provider.refunds.items()):
        if said.state == "waiting":
            provider.refund_ends(refund, "succeeded")
    await hear(sessions, provider, now)


async def by_night(sessions, provider, invoice, now):
    """Nothing is told; the nightly pass finds it."""
    await press(sessions, invoice, now)
    await work(sessions, provider, now)
    for page in [page for page, shown in provider.pages.items() if shown["state"] == "open"]:
        provider.pay(page)
    await reconciling.reconcile(sessions, provider, now + timedelta(hours=3))


async def press(sessions, invoice, now, **how):
    with suppress(ActNotAllowed):  # paid meanwhile
        await asked(sessions, invoice.number, now=now, **how)


async def work(sessions, provider, now):
    while await sending.tick(sessions, provider, URL, now):
        pass


async def hear(sessions, provider, now):
    for event in list(provider.events):
        await webhooks.take(sessions, provider, event, now)


@pytest.mark.parametrize("flow", [by_card, by_transfer, by_night])
async def test_killed_between_any_two_steps_it_is_carried_to_the_same_end(flow, sqlite_template, tmp_path):
    template = await furnished(sqlite_template, tmp_path)
    async with life_of(template, tmp_path) as sessions:
        life, provider = Life(), Provider()
        invoice = await the_invoice(sessions)
        await flow(Mortal(sessions, life), Mortal(provider, life), invoice, NOON)
        wanted, steps = await plain(sessions), life.step
    assert steps >= 10
    for end in range(1, steps + 1):
        async with life_of(template, tmp_path) as sessions:
            life, provider = Life(end), Provider()
            with pytest.raises(Killed):
                await flow(Mortal(sessions, life), Mortal(provider, life), deepcopy(invoice), NOON)
            await flow(sessions, provider, deepcopy(invoice), NOON + timedelta(minutes=2))
            assert await plain(sessions) == wanted, f"killed at step {end}"


async def furnished(sqlite_template, tmp_path):
    template = tmp_path / "furnished.db"
    template.write_bytes(sqlite_template.read_bytes())
    engine = create_engine(sqlite_url(template))
    await issued(sessions_of(engine))
    await engine.dispose()
    return template


@asynccontextmanager
async def life_of(template, tmp_path):
    path = tmp_path / "life.db"
    for old in tmp_path.glob("life.db*"):
        old.unlink()
    shutil.copy(template, path)
    engine = create_engine(sqlite_url(path))
    try:
        yield sessions_of(engine)
    finally:
        await engine.dispose()


async def the_invoice(sessions):
    async with sessions() as session:
        return (await session.scalars(select(Invoice))).one()


async def plain(sessions):
    """Where things stand, without the names that chance gave them."""
    end = await end_of(sessions)
    counted = {name: [row[1:] for row in end[name]] for name in ("receipts", "disputes")}
    kinds = sorted((kind, state) for kind, _, state in end["intents"])
    return {**counted, "intents": kinds, **{name: end[name] for name in ("balances", "invoices", "refunds", "open")}}


async def test_a_request_is_one_row_however_often_it_is_asked(sessions):
    async def ask(**changes):
        said = {"company_id": None, "entity": "ANT", "currency": "USD", "amount_minor": 5, "facts": {}, "now": NOON}
        async with sessions.begin() as session:
            return await intents.ask(session, kind=IntentKind.CHARGE, key="k", ref="r", **said | changes)

    first, second = await ask(), await ask(amount_minor=6)
    assert (first.public_id, second.amount_minor) == (second.public_id, 5)
    async with sessions() as session:
        assert len((await session.scalars(select(PaymentIntent))).all()) == 1
