"""Issued invoices are cancelled, written off and corrected, each by two persons or by the day the law sets."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from pavilion.accounts import service as accounts
from pavilion.accounts.rules import Role
from pavilion.auctions import sequels
from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.kernel.ids import ulid
from pavilion.settlement import correcting, crediting, ledger, queries, service
from pavilion.settlement.models import BilledLot, Invoice
from pavilion.settlement.note_models import CreditNote
from pavilion.settlement.release_models import Goods, GoodsState, Release, ReleaseMode
from tests import make
from tests.make import NOON
from tests.settlement.test_crediting import ONE, TWO, paid
from tests.settlement.test_invoicing import issued, sold

LATER = NOON + timedelta(days=2)
WHY = "The stone was damaged before the hand-over."


async def agreed(sessions, proposal, *, approve=True):
    async with sessions.begin() as session:
        lead = await make.actor(session, f"{proposal.public_id}@pavilion.example".lower(), (Role.LEAD,))
        await accounts.decide(
            session, proposal_id=proposal.public_id, approve=approve, actor=lead,
            handlers=service.PROPOSAL_HANDLERS, now=LATER,
        )  # fmt: skip


async def proposed(sessions, invoice, verb=correcting.propose_cancel, **what):
    said = {"number": invoice.number, "reason": WHY, "now": LATER} | what
    if verb is correcting.propose_cancel:
        said = {"lots": None, "again": False} | said
    async with sessions.begin() as session:
        tomas = await make.actor(session, f"{ulid(NOON)}@pavilion.example".lower(), (Role.CASHIER,))
        return await verb(session, actor=tomas, **said)


async def in_state(sessions, invoice, state):
    async with sessions.begin() as session:
        (await session.get_one(Invoice, invoice.id)).state = state


async def found(sessions, **where):
    async with sessions() as session:
        wanted = select(Invoice).filter_by(**where).options(selectinload(Invoice.lines)).order_by(Invoice.id)
        return (await session.scalars(wanted)).all()


async def test_two_persons_cancel_an_invoice_and_bill_its_lots_again(sessions):
    invoice = await issued(sessions, sold(), sold(TWO, 2_000_000), country="BE")
    proposal = await proposed(sessions, invoice, again=True)
    assert proposal.facts["amount_minor"] == invoice.total_minor
    await agreed(sessions, proposal)
    old, draft = await found(sessions)
    assert (old.state, draft.state, draft.total_minor) == ("cancelled", "draft", invoice.total_minor)
    assert (draft.facts["instead_of"], draft.facts["waits"]) == (invoice.number, True)
    async with sessions() as session:
        assert set(await session.scalars(select(BilledLot.invoice_id))) == {draft.id}
        assert {amount for _, _, amount in await ledger.balances(session)} == {0}
        assert await sequels.of_lots(session, [ONE, TWO]) == {}  # they are sold as before


async def test_a_paid_invoice_is_not_cancelled_whole_but_a_lot_of_it_comes_back(sessions):
    invoice = await issued(sessions, sold(), sold(TWO, 2_000_000))
    async with sessions.begin() as session:
        await paid(session, invoice, invoice.total_minor)
    with pytest.raises(ActNotAllowed):
        await proposed(sessions, invoice)
    await agreed(sessions, await proposed(sessions, invoice, lots=[ONE]))
    async with sessions() as session:
        row = await session.get_one(Invoice, invoice.id)
        assert (row.state, await queries.open_minor(session, row)) == ("paid", 0)
        account = f"liability:unallocated:{invoice.company_id}"
        assert await ledger.balance(session, account, "USD") == -1_275_000
        assert await sequels.of_lots(session, [ONE, TWO]) == {ONE: "cancelled"}


async def test_the_second_person_approves_the_sum_that_was_shown_or_nothing(sqlite_sessions):
    invoice = await issued(sqlite_sessions, sold(), sold(TWO, 2_000_000))
    whole = await proposed(sqlite_sessions, invoice)
    await agreed(sqlite_sessions, await proposed(sqlite_sessions, invoice, lots=[TWO]))
    with pytest.raises(ActNotAllowed):
        await agreed(sqlite_sessions, whole)
    for wrong in ({"reason": "short"}, {"lots": ["X" * 26]}, {"lots": []}):
        with pytest.raises(BadInput):
            await proposed(sqlite_sessions, invoice, **wrong)


async def test_only_a_defaulted_invoice_is_written_off(sqlite_sessions):
    invoice = await issued(sqlite_sessions)
    with pytest.raises(ActNotAllowed):
        await proposed(sqlite_sessions, invoice, correcting.propose_write_off)
    await in_state(sqlite_sessions, invoice, "defaulted")
    await agreed(sqlite_sessions, await proposed(sqlite_sessions, invoice, correcting.propose_write_off))
    (row,) = await found(sqlite_sessions)
    assert row.state == "written_off"
    async with sqlite_sessions() as session:
        assert await queries.open_minor(session, row) == 0
        assert await ledger.balance(session, "expense:writeoff", "USD") == invoice.total_minor
    with pytest.raises(ActNotAllowed):
        await proposed(sqlite_sessions, invoice)


async def handed_over(sessions, invoice, lots):
    async with sessions.begin() as session:
        release = Release(
            public_id=ulid(NOON), invoice_id=invoice.id, company_id=invoice.company_id, mode=ReleaseMode.CARRIER,
            state=GoodsState.HANDED_OVER, office="ANT", destination="HK", picked={}, weighed={}, prepared_by="t",
            prepared_at=NOON, handed_at=NOON,
        )  # fmt: skip
        session.add(release)
        for lot in lots:
            goods = {"invoice_id": invoice.id, "state": GoodsState.HANDED_OVER, "changed_at": NOON}
            session.add(Goods(lot=lot, release=release.public_id, **goods))


async def test_an_export_without_proof_after_ninety_days_is_credited_and_invoiced_with_tax(sessions):
    invoice = await issued(sessions, sold(), sold(TWO, 2_000_000))
    async with sessions.begin() as session:
        await paid(session, invoice, invoice.total_minor)
    await handed_over(sessions, invoice, [TWO])
    assert await correcting.correct_exports(sessions, NOON + timedelta(days=89)) == 0
    assert await correcting.correct_exports(sessions, NOON + timedelta(days=90)) == 1
    assert await correcting.correct_exports(sessions, NOON + timedelta(days=91)) == 0
    old, new = await found(sessions)
    assert (old.state, old.regime, new.regime, new.number) == ("paid", "export", "full", "INV-ANT-2026-000002")
    assert new.total_minor == 2_531_250 + 531_563
    async with sessions() as session:
        note = (await session.scalars(select(CreditNote))).one()
        assert (note.reason, note.total_minor) == (crediting.EXPORT_UNPROVED, 2_531_250)
        assert await queries.open_minor(session, new) == 531_563  # what was paid before pays it; the tax is left
        assert dict((await session.execute(select(BilledLot.lot, BilledLot.invoice_id))).all()) == {
            ONE: old.id, TWO: new.id,
        }  # fmt: skip
        assert await ledger.proves(session)
