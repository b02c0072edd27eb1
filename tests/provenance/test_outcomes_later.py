"""What comes after the first report: a workbook instead of a form, and a chain that contradicts what was said."""

import io
import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.kernel.ids import ulid
from pavilion.provenance import outcome_jobs
from pavilion.provenance import outcome_service as outcomes
from pavilion.provenance.models import ChainEvent, VerdictRecord
from pavilion.provenance.outcome_models import OutcomeCase, OutcomeReport, SupplyContract
from pavilion.provenance.outcome_said import ResaleSaid, Said
from pavilion.provenance.outcomes import Category
from tests import make
from tests.make import NOON

HOUSE = "did:web:pavilion.test"
HEAD = ("Kind", "ID", "Pieces", "Carat", "Rough carat", "Shape", "Colour", "Clarity", "Assortment", "Cutter", "Buyer")
STONE = ulid(NOON)


@pytest.fixture
async def contract(sessions):
    async with sessions.begin() as session:
        mine = await make.company(session, "Kgale Rough", "BW")
        shop = await make.company(session, "Motse Polishing", "BE")
        dealer = await make.company(session, "Lumen Trading", "HK")
        made = await outcomes.open_contract(
            session,
            supplier_id=mine.id,
            buyer=shop,
            number="C-77",
            category=Category.DEALER,
            limit_bp=1000,
            from_day=(NOON - timedelta(days=400)).date(),
            by=None,
            now=NOON,
        )
        await outcomes.know_party(session, company_id=shop.id, party="motse", now=NOON)
        await outcomes.know_party(session, company_id=dealer.id, party="lumen", now=NOON)
        sight = (NOON - timedelta(days=200)).date()
        await outcomes.record_purchase(
            session, contract=made, lot="L1", sight=sight, assortment="2-4GR", mct=1_000_000, by=None, now=NOON
        )
        return made.public_id


async def report(sessions, public_id, resold_mct):
    said = Said(
        polished_mct=390_000,
        loss_mct=510_000,
        stock_mct=100_000 - resold_mct,
        lost_mct=0,
        cutter_named_mct=390_000,
        resold=(ResaleSaid("Lumen Trading", resold_mct),) if resold_mct else (),
    )
    async with sessions.begin() as session:
        contract = await session.scalar(select(SupplyContract).where(SupplyContract.public_id == public_id))
        return await outcomes.report(session, contract=contract, said=said, house=HOUSE, by=None, now=NOON)


async def chain_comes_in(sessions, mct, to="lumen"):
    """A stone is judged whose chain says that the polisher sold rough on."""
    events = [
        {"t": "MINED", "at": "2025-02-01", "by": "kgale", "out": {"R": mct}},
        {"t": "SOLD_ROUGH", "at": "2025-03-01", "by": "kgale", "to": "motse", "obj": "R"},
        {"t": "SOLD_ROUGH", "at": "2025-04-01", "by": "motse", "to": to, "obj": "R"},
    ]
    async with sessions.begin() as session:
        for seq, event in enumerate(events):
            row = ChainEvent(stone=STONE, seq=seq, kind=event["t"], at=NOON, body=json.dumps(event), recorded_at=NOON)
            row.sha256 = f"{seq:064x}"
            session.add(row)
        session.add(VerdictRecord(stone=STONE, verdict="verified", grade="B", document="{}", sha256="0" * 64, at=NOON))
    return await outcome_jobs.follow_chains(sessions, NOON)


async def cases(sessions):
    async with sessions() as session:
        return list(await session.scalars(select(OutcomeCase)))


async def test_a_later_chain_opens_one_case_against_a_report_that_had_been_accepted(sessions, contract):
    assert (await report(sessions, contract, 0)).state == "accepted"
    assert await chain_comes_in(sessions, 40_000) == 1
    (case,) = await cases(sessions)
    facts = {"counterpart": "lumen", "seen_mct": 40_000, "declared_mct": 0}
    assert case.flagged and case.subject == "lumen" and case.remarks == [{"code": "PO-04", "facts": facts}]
    assert await outcome_jobs.follow_chains(sessions, NOON) == 0, "what was read is not read again"
    assert len(await cases(sessions)) == 1


@pytest.mark.parametrize(("declared", "opens"), [(40_000, False), (39_961, False), (39_960, True)])
async def test_what_was_declared_to_that_counterpart_opens_nothing_within_a_thousandth(
    sessions, contract, declared, opens
):
    await report(sessions, contract, declared)
    before = len(await cases(sessions))
    await chain_comes_in(sessions, 40_000)
    assert (len(await cases(sessions)) > before) is opens


async def test_a_workbook_is_a_report_like_any_other(sessions, contract):
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(HEAD)
    sheet.append(("stone", "P-1", 1, 390, 960.5, "round", "G", "VS1", "2-4GR", "L. Motse", None))
    sheet.append(("consumed", None, None, 960.5, None, None, None, None, "2-4GR", None, None))
    sheet.append(("loss", None, None, "570.5", None, None, None, None, None, None, None))
    sheet.append(("stock", None, None, 39.5, None, None, None, None, None, None, None))
    content = io.BytesIO()
    book.save(content)
    async with sessions.begin() as session:
        row = await session.scalar(select(SupplyContract).where(SupplyContract.public_id == contract))
        _, again = await outcome_jobs.receive(
            session, contract=row, content=content.getvalue(), filename="report.xlsx", by=None, now=NOON
        )
    assert not again and await outcome_jobs.read_files(sessions, HOUSE, NOON) == 1
    async with sessions() as session:
        made = (await session.scalars(select(OutcomeReport))).one()
    assert (made.polished_mct, made.loss_mct, made.stock_mct) == (390_000, 570_500, 39_500)
    assert made.accounted_mct == 1_000_000 and made.lines == 1
