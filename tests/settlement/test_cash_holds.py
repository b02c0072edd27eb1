"""What must hold at the cashier's whatever is done, in any order, and wherever it is broken off."""

from datetime import date, timedelta

from sqlalchemy import event, func, select

from pavilion.accounts import service as accounts
from pavilion.kernel.errors import Refusal
from pavilion.settlement import (
    aging,
    converting,
    crediting,
    ledger,
    matching,
    postings,
    queries,
    receiving,
    refunding,
    reversing,
    service,
    tax_report,
    wiring,
)
from pavilion.settlement.aging import Debt
from pavilion.settlement.models import Entry, Guarded, Invoice, Posting
from pavilion.settlement.receipt_models import Allocation, Receipt, Refund, RefundState
from pavilion.settlement.wiring import Seen
from tests.luck import Random
from tests.make import NOON
from tests.settlement.test_cash import TOTAL, Desk, paid_by_card
from tests.settlement.test_invoicing import issued, sold

OWED = (RefundState.DECIDED, RefundState.SENT, RefundState.FAILED)
ACTS = 45


async def holds(session):
    """The books agree with what became of each receipt and refund, to the last cent."""
    assert await ledger.proves(session)
    receipts = (await session.scalars(select(Receipt))).all()
    left, owed = {}, {}
    for receipt in receipts:
        there = await receiving.left_of(session, receipt)
        assert 0 <= there <= receipt.amount_minor
        assert await queries.refunded_minor(session, receipt) <= receipt.amount_minor
        key = postings.unallocated(receipt.company_id), receipt.currency
        left[key] = left.get(key, 0) + there
    for refund in await session.scalars(select(Refund).where(Refund.state.in_(OWED))):
        key = postings.refund(refund.company_id), refund.currency
        owed[key] = owed.get(key, 0) + refund.amount_minor
    kept = {
        (account, currency): -minor
        for account, currency, minor in await ledger.balances(session)
        if account.startswith(("liability:unallocated:", "liability:refund:")) and minor
    }
    assert kept == {key: amount for key, amount in (left | owed).items() if amount}
    guarded = await session.execute(select(Guarded.account, Guarded.currency, Guarded.amount_minor))
    assert {(a, c): -minor for a, c, minor in guarded if minor and not a.startswith("liability:deposit")} == kept
    for invoice in await session.scalars(select(Invoice)):
        paid = await session.scalar(
            select(func.coalesce(func.sum(Allocation.amount_minor), 0)).where(Allocation.invoice_id == invoice.id)
        )
        assert paid >= 0
        if invoice.state in ("paid", "cancelled"):
            assert await queries.open_minor(session, invoice) == 0


class Chance:
    """A cashier who does anything at all; what the house refuses changes nothing."""

    def __init__(self, desk, seed):
        self.desk, self.luck, self.done = desk, Random(seed), 0

    async def run(self):
        self.invoices = [await self.desk.invoice(hammer) for hammer in (1_000_000, 300_000, 77_777)]
        acts = (self.wire, self.wire, self.card, self.match, self.back, self.pay, self.end, self.reverse, self.credit)
        for _ in range(ACTS):
            try:
                await self.luck.choice(acts)()
                self.done += 1
            except Refusal:
                pass
        async with self.desk.sessions() as session:
            await holds(session)

    async def _one(self, model, *where):
        async with self.desk.sessions() as session:
            rows = (await session.scalars(select(model).where(*where).order_by(model.id))).all()
            return self.luck.choice(rows) if rows else None

    async def wire(self):
        meant = self.luck.choice([*self.invoices, None])
        amount = self.luck.choice([1, 500, 99_999, 383_315, TOTAL, 2_000_000])
        await self.desk.wire(amount, invoice=meant.number if meant else "")

    async def card(self):
        await paid_by_card(self.desk, [self.luck.choice([1, 5_000, 383_315])], self.luck.choice(self.invoices))

    async def match(self):
        receipt, amount = await self._one(Receipt), self.luck.choice([None, None, 1, 50_000])
        number = self.luck.choice(self.invoices).number
        if receipt:
            why = {"reason": "its parent company"}
            await self.desk.act(matching.match, receipt.public_id, number=number, amount_minor=amount, **why)

    async def back(self):
        if receipt := await self._one(Receipt):
            to = {"payee": "Hanley Trust", "payee_account": "BE68 5390"}
            await self.desk.act(matching.give_back, receipt.public_id, **to)

    async def pay(self):
        if refund := await self._one(Refund, Refund.state == "decided"):
            await self.desk.agree(await self.desk.act(refunding.propose, [refund.public_id]))

    async def end(self):
        if (refund := await self._one(Refund)) is None:
            return
        verb = self.luck.choice(["confirmed", "confirmed", "failed", "replace"])
        if verb == "replace":
            await self.desk.act(refunding.replace, refund.public_id)
            return
        async with self.desk.sessions.begin() as session:
            row = await session.get_one(Refund, refund.id)
            if verb == "failed":
                await refunding.failed(session, row, reason="closed", now=NOON)
            else:
                await refunding.confirmed(session, row, by=None, now=NOON)

    async def reverse(self):
        if receipt := await self._one(Receipt):
            reason = "never came, says the bank"
            await self.desk.agree(await self.desk.act(reversing.propose, receipt.public_id, reason=reason))

    async def credit(self):
        if self.luck.random() < 0.2:
            async with self.desk.sessions.begin() as session:
                await crediting.credit(session, self.luck.choice(self.invoices), reason="r", by=None, now=NOON)


async def test_whatever_a_cashier_does_the_books_agree_with_every_receipt(sqlite_sessions):
    chance = Chance(await Desk(sqlite_sessions).open(), 2)
    await chance.run()
    assert chance.done > ACTS // 4


class Cut(Exception):
    """The process died here."""


async def cut_at_every_write(desk, act):
    """The act broken off at its first write, its second, and so on, until it goes through; how often it was cut."""
    async with desk.sessions() as session:
        before = await session.scalar(select(func.count(Entry.id)))
    for write in range(1, 40):
        try:
            async with desk.sessions.begin() as session:
                seen = 0

                def after(*_, last=write):
                    nonlocal seen
                    seen += 1
                    if seen == last:
                        raise Cut

                event.listen(session.sync_session, "after_flush", after)
                await act(session)
            return write - 1
        except Cut:
            async with desk.sessions() as session:
                assert await session.scalar(select(func.count(Entry.id))) == before
                await holds(session)
    raise AssertionError("never went through")


async def test_an_act_cut_off_at_any_write_leaves_nothing_and_is_done_by_saying_it_again(sqlite_sessions):
    desk = await Desk(sqlite_sessions).open()
    invoice = await desk.invoice()
    seen = Seen("ANT", TOTAL + 70_000, "USD", date(2026, 3, 2), "B-1", invoice=invoice.number)
    cuts = [await decided_with_cuts(desk, await desk.act(wiring.enter, seen))]
    async with desk.sessions() as session:
        receipt = (await session.scalars(select(Receipt))).one()
    said = {"actor": desk.tomas, "now": NOON}
    cuts.append(await cut_at_every_write(desk, lambda s: matching.give_back(s, receipt.public_id, **said)))
    async with desk.sessions() as session:
        refund = (await session.scalars(select(Refund))).one()
    cuts.append(await decided_with_cuts(desk, await desk.act(refunding.propose, [refund.public_id])))
    cuts.append(
        await cut_at_every_write(desk, lambda s: refunding.carried_out(s, refund.public_id, bank_reference="O", **said))
    )
    yen = await desk.wire(2_000_000, currency="JPY")
    rate = {"to": "USD", "rate": "0.00655", "rate_source": "ECB", "rate_on": NOON.date()}
    cuts.append(await decided_with_cuts(desk, await desk.act(converting.propose, yen.public_id, **rate)))
    wrong = await desk.wire(5_000)
    reason = {"reason": "never came, says the bank"}
    cuts.append(await decided_with_cuts(desk, await desk.act(reversing.propose, wrong.public_id, **reason)))
    assert min(cuts) >= 2, cuts
    assert await desk.balance("asset:bank:ANT") == TOTAL
    async with desk.sessions() as session:
        keys = (await session.scalars(select(Posting.key))).all()
        assert len(keys) == len(set(keys))


async def decided_with_cuts(desk, proposal):
    def agree(session):
        return accounts.decide(
            session, proposal_id=proposal.public_id, approve=True, actor=desk.lena,
            handlers=service.PROPOSAL_HANDLERS, now=NOON,
        )  # fmt: skip

    return await cut_at_every_write(desk, agree)


async def test_the_tax_of_a_credited_invoice_is_taken_back_on_the_day_of_the_note(sqlite_sessions):
    first = await issued(sqlite_sessions, sold(), sold("M" * 26, 2_000_000), country="BE")
    march, april = (date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 4, 1), date(2026, 4, 30))
    async with sqlite_sessions.begin() as session:
        (row,) = await tax_report.report(session, *march)
        assert (row.country, row.regime, row.rate_bp, row.documents) == ("BE", "full", 2_100, 1)
        assert (row.turnover_minor, row.base_minor) == (3_806_250, 3_806_250)
        assert row.tax_minor == first.total_minor - 3_806_250
        await crediting.credit(
            session, first, lots=["M" * 26], reason="rescinded", by=None, now=NOON + timedelta(days=30)
        )  # fmt: skip
    async with sqlite_sessions() as session:
        (note,) = await tax_report.report(session, *april)
        assert (note.documents, note.turnover_minor, note.base_minor) == (1, -2_531_250, -2_531_250)
        both = await tax_report.report(session, march[0], april[1])
        (booked,) = await tax_report.booked(session, march[0], april[1], both)
        assert booked.tax_minor == booked.by_documents_minor == both[0].tax_minor == 267_750


def test_a_debt_is_as_old_as_its_due_day_says():
    today = date(2026, 3, 31)
    for days, name in [
        (-5, "not_due"), (0, "not_due"), (1, "to_30"), (30, "to_30"), (31, "to_60"), (60, "to_60"),
        (61, "to_90"), (90, "to_90"), (91, "over_90"), (4_000, "over_90"),
    ]:  # fmt: skip
        assert aging.bucket(today - timedelta(days=days), today) == name
    rows = aging.aged(
        [
            Debt(1, "Lumen", "USD", 100, today), Debt(1, "Lumen", "USD", 50, today - timedelta(days=31)),
            Debt(1, "Lumen", "JPY", 7, None), Debt(2, "Axis", "USD", -3, today), Debt(2, "Axis", "EUR", 0, today),
        ],
        today,
    )  # fmt: skip
    assert [(row.company, row.currency, row.parts, row.total_minor) for row in rows] == [
        ("Axis", "USD", (-3, 0, 0, 0, 0), -3), ("Lumen", "JPY", (7, 0, 0, 0, 0), 7),
        ("Lumen", "USD", (100, 0, 50, 0, 0), 150),
    ]  # fmt: skip
    assert aging.sums(rows) == {"JPY": (7, 0, 0, 0, 0), "USD": (97, 0, 50, 0, 0)}
