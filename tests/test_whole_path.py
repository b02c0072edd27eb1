"""From a stock file to a settled sale: the demonstration's own opening, looked at from outside."""

import asyncio
import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from pavilion import main
from pavilion.auctions import noticing
from pavilion.auctions.models import Lot, Sale
from pavilion.bidding import queries as book
from pavilion.bidding.models import SaleLease
from pavilion.bidding.request_models import Viewing
from pavilion.catalogue.models import Stone
from pavilion.demo import earlier, notices, partner, people, staging, story
from pavilion.insight import archiving, price_batching, price_grid
from pavilion.kernel.clock import utc_now
from pavilion.kernel.db import create_engine, sessions_of
from pavilion.notifications import webhooks
from pavilion.settings import Environment, Settings, with_secrets
from pavilion.settlement import invoicing, jobs, ledger
from pavilion.settlement.models import Invoice, InvoicePaper
from pavilion.viewings.models import Appointment, WaitEntry
from pavilion.viewings.stone_models import Stay
from pavilion.webkit.i18n import load
from pavilion.webkit.static import frontend

PAVILION = [sys.executable, "-m", "pavilion"]


@pytest.fixture(scope="module")
def house(furnished, tmp_path_factory) -> Path:
    """The data folder of a demonstration that has been furnished."""
    folder = tmp_path_factory.mktemp("house") / "demo"
    shutil.copytree(furnished, folder)
    return folder


@pytest.fixture
async def sessions(house):
    engine = create_engine(Settings(data_dir=house).database)
    yield sessions_of(engine)
    await engine.dispose()


def pavilion(*words) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PAVILION, *map(str, words)], capture_output=True, text=True, timeout=60)


async def finished_sale(sessions) -> str:
    async with sessions() as session:
        return await session.scalar(
            select(Sale.public_id).where(Sale.state == "closed", Sale.title_en == "Winter Whites")
        )


async def test_the_stones_were_judged_and_only_the_verified_are_listed(sessions, house):
    answers = [json.loads(line) for line in (house / "sample" / "answers.jsonl").read_text().splitlines()]
    judged = [answer for answer in answers if answer["outcome"] != "duplicate_in_file"]
    refused = {answer["stock_no"] for answer in judged if answer["verdict"] != "verified"}
    async with sessions() as session:
        listed = set(await session.scalars(select(Stone.stock_no).where(Stone.exposed_id.is_not(None))))
    assert refused, "the sample holds broken stones"
    assert not refused & listed
    assert len(listed) > 250


async def test_each_sold_lot_is_billed_exactly_and_the_ledger_balances(sessions):
    sale = await finished_sale(sessions)
    async with sessions() as session:
        results = await book.results(session, sale)
        wanted = select(Invoice).options(selectinload(Invoice.lines)).where(Invoice.sale == sale)
        invoices = (await session.scalars(wanted)).all()
        assert await ledger.proves(session)
    assert results, "something was sold"
    billed = {line.lot: line.amount_minor for invoice in invoices for line in invoice.lines if line.kind == "hammer"}
    assert billed == {result.lot_public_id: result.price_minor for result in results}
    for invoice in invoices:
        owed = sum(line.amount_minor for line in invoice.lines if line.kind != "credit")
        assert invoicing.totals_of(invoice).total == invoice.total_minor == owed
        assert invoice.state in ("issued", "paid")  # some of its buyers have paid
        assert invoice.warranty_id


async def test_each_invoice_is_set_in_both_languages_once(sessions):
    tongues = load(frontend() / "locales")
    now = utc_now() + timedelta(minutes=1)
    while await jobs.set_papers(sessions, now, tongues):
        pass
    async with sessions() as session:
        papers = (await session.scalars(select(InvoicePaper))).all()
        invoices = (await session.scalars(select(Invoice.id).where(Invoice.number.is_not(None)))).all()
    assert {(paper.invoice_id, paper.lang) for paper in papers} == {
        (i, lang) for i in invoices for lang in ("en", "zh")
    }
    assert all(paper.pdf.startswith(b"%PDF-") for paper in papers)


@pytest.fixture
async def record(house, sessions, tmp_path) -> Path:
    out = tmp_path / "record.jsonl"
    sale = await finished_sale(sessions)
    made = await asyncio.to_thread(pavilion, "export-sale", sale, "--out", out, "--data", house)
    assert made.returncode == 0, made.stderr
    return out


async def test_the_record_of_the_sale_verifies(record):
    said = await asyncio.to_thread(pavilion, "verify-sale", record)
    assert said.returncode == 0, said.stdout
    assert said.stdout.splitlines()[-1].startswith("ok: ")


async def test_one_changed_byte_is_named_by_its_line(record):
    lines = record.read_bytes().splitlines(keepends=True)
    place = next(n for n, line in enumerate(lines) if b'"bid.accepted"' in line)
    lines[place] = lines[place].replace(b'"price":', b'"pricf":', 1)
    record.write_bytes(b"".join(lines))
    said = await asyncio.to_thread(pavilion, "verify-sale", record)
    assert said.returncode == 1
    assert said.stdout.splitlines()[-1].startswith(f"failed: line {place + 1},")


async def test_a_second_start_finds_the_house_as_it_was(sessions, house):
    settings = with_secrets(Settings(environment=Environment.DEMO, data_dir=house))
    told: list[str] = []
    await story.open_house(settings, sessions, utc_now(), told.append)
    assert told == []


async def test_no_sale_opens_with_an_interruption_that_never_was(sessions, house):
    settings = with_secrets(Settings(environment=Environment.DEMO, data_dir=house))
    async with sessions() as session:
        last = await session.scalar(select(func.max(SaleLease.beat_at)))
        live = (await session.scalars(select(Sale.public_id).where(Sale.state == "open"))).all()
    assert len(live) == 2, "a sale that runs and a tender"
    started = last + timedelta(seconds=3)
    with_seals = main.sessions_of(settings, sessions.kw["bind"])
    for sale in live:
        async with staging.stage(settings, with_seals, started, sale) as stage:
            writer = await stage.writer(sale)
            for _ in range(staging.LOOKS):  # until what was lost before this start has been looked at
                if not writer.lease.beat:
                    await asyncio.sleep(staging.LOOK_S)
            assert writer.lease.beat
            assert writer.book.outage_to == 0, sale
            assert stage.engine.writers.keys() == {sale}, "by this clock no other sale is played"


async def test_everybody_of_the_house_can_sign_in(sessions):
    roles = {one.role for one in people.PEOPLE}
    wanted = "buyer viewer supplier curator registrar auctioneer lead cashier compliance admin"
    assert roles >= set(wanted.split())
    async with sessions() as session:
        for one in people.PEOPLE:
            actor = await people.actor(session, one.email)
            assert set(one.roles) == set(actor.roles)


async def test_the_demonstrations_offices_have_had_visitors_and_expect_others(sessions):
    async with sessions() as session:
        states = (await session.execute(select(Appointment.state, func.count()).group_by(Appointment.state))).all()
        assert dict(states) == {"done": 1, "no_show": 1, "booked": 8, "requested": 1}
        waits = (await session.scalars(select(WaitEntry.state))).all()
        seen = select(Viewing.lot).join(Lot, Lot.public_id == Viewing.lot).join(Sale, Sale.id == Lot.sale_id)
        gated = (await session.scalars(seen.where(Sale.options.is_not(None)))).all()
        unplaced = select(Stone.id).where(Stone.exposed_id.is_not(None), Stone.public_id.not_in(select(Stay.stone)))
        assert (waits, len(gated), (await session.scalars(unplaced)).all()) == (["waiting"], 2, [])


async def test_lots_have_words_and_a_notice_and_the_partner_is_called_at_one_address(sessions, house):
    async with sessions() as session:
        coming = (await session.scalars(select(Sale).where(Sale.title_en == "Harbour Rounds"))).one()
        lots = (await session.scalars(select(Lot).where(Lot.sale_id == coming.id).order_by(Lot.number))).all()
        notice = (await noticing.of_sale(session, coming.public_id))[0]
    assert [lot.number for lot in lots if lot.text_en and lot.text_zh] == [1, 2]
    assert [lot.number for lot in lots if lot.on_request] == [4]
    assert (notice.lot, notice.field) == (lots[0].public_id, "estimate")
    assert notice.after == (lots[0].low_minor + notices.RAISED, lots[0].high_minor + notices.RAISED)
    settings = with_secrets(Settings(environment=Environment.DEMO, data_dir=house))
    with_seals = main.sessions_of(settings, sessions.kw["bind"])
    first = await partner.connect(with_seals, "http://127.0.0.1:7001", utc_now())
    second = await partner.connect(with_seals, "http://127.0.0.1:7002", utc_now())
    async with with_seals() as session:
        wen = await people.actor(session, partner.WHO)
        assert [line.webhook.url for line in await webhooks.of_company(session, wen)] == ["http://127.0.0.1:7002/calls"]
    assert first and first != second


async def test_the_houses_own_results_tell_prices_of_six_kinds(sessions):
    """What the first looks of the worker make of the sales that have ended."""
    now = utc_now()
    while await archiving.tick(sessions, now):
        pass
    async with sessions.begin() as session:
        await price_batching.batch(session, now)
    wanted = price_grid.Wanted("results", "grades", "round", "1.00-1.49", "12", "USD")
    async with sessions() as session:
        told = await price_grid.told(session, wanted, now)
    assert {cell for cell, figure in told.cells.items() if figure.n >= earlier.EACH} >= set(earlier.KINDS)
