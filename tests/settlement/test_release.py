"""What was sold leaves the house only when everything is right, and then all of it changes at once."""

import asyncio
import io
import json
import shutil
from dataclasses import replace
from datetime import date

import pytest
from pypdf import PdfReader
from sqlalchemy import func, select, text, update

from pavilion.accounts.models import Company, Proposal
from pavilion.accounts.rules import VISITOR
from pavilion.bidding.models import PaidLot
from pavilion.kernel.db import sqlite_url
from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.kernel.events import Event
from pavilion.kernel.weight import as_reported
from pavilion.provenance import custody_keeping, passport_queries, standing
from pavilion.provenance.custody_models import CustodyEntry
from pavilion.provenance.log_models import LogEntry
from pavilion.provenance.passport_models import Passport
from pavilion.provenance.reported_models import ReportedEvent
from pavilion.settlement import (
    agreed,
    customs,
    goods,
    handing_over,
    holding,
    ownership,
    owning,
    papers,
    release_queries,
    release_rules,
    releasing,
    reversing,
)
from pavilion.settlement.handing_over import PassWrong, Seen
from pavilion.settlement.intent_models import Dispute
from pavilion.settlement.models import BilledLot, Invoice, InvoiceLine
from pavilion.settlement.receipt_models import Discrepancy, Receipt
from pavilion.settlement.release_models import Goods, Ownership, Release, ReleaseFile
from pavilion.settlement.release_rules import Bar, Facts, Money, Step
from pavilion.settlement.releasing import Barred, NotReady, WeightDiffers
from tests.conftest import opened
from tests.make import HOUR, NOON
from tests.settlement import releases
from tests.settlement.releases import BASE, HAND, MCT, SEEN, SENT, TONGUES, WISH, act, house
from tests.settlement.test_invoicing import TERMS

DAY = date(2026, 3, 2)


async def one_issued(_url, sessions):
    return await releases.issued_sale(sessions)


@pytest.fixture(scope="module")
def opening():
    return one_issued


@pytest.fixture
async def empty(sqlite_template, tmp_path):
    """A database in which nothing is sold yet."""
    shutil.copy(sqlite_template, tmp_path / "empty.db")
    async with opened(sqlite_url(tmp_path / "empty.db")) as sessions:
        yield sessions


def test_every_condition_that_is_not_met_has_its_code():
    good = Facts(paid=True, money=(Money(DAY),), verified_until=DAY)
    assert release_rules.bars(good, DAY) == ()
    bad = Facts(False, (Money(DAY, True),), False, None, ("s",), ("s",), False, ("packing_list",))
    assert release_rules.bars(bad, DAY) == tuple(Bar)
    assert release_rules.bars(good, date(2026, 3, 3)) == (Bar.KYC_EXPIRED,)
    assert release_rules.bars(Facts(paid=True, money=(Money(date(2026, 3, 4)),)), DAY) == (Bar.NOT_CLEARED,)


@pytest.mark.parametrize(
    ("regime", "to", "fits"),
    [
        ("export", "HK", True), ("export", "BE", False), ("export", "FR", False), ("reverse", "FR", True),
        ("reverse", "BE", False), ("reverse", "HK", False), ("full", "HK", True), ("none", "BE", True),
    ],
)  # fmt: skip
def test_what_the_invoice_charges_is_right_for_where_the_goods_go(regime, to, fits):
    assert release_rules.tax_fits(regime, "BE", {"BE", "FR"}, to) == fits
    barred = release_rules.bars(Facts(paid=True, tax_fits=fits), date(2026, 3, 2))
    assert barred == (() if fits else (Bar.TAX_UNFIT,))


def test_papers_write_a_mass_as_laboratories_do():
    assert [as_reported(mct) for mct in (2120, 2125, 2128, 2129, 2130)] == [2120, 2120, 2120, 2130, 2130]


def test_goods_go_forward_or_back_to_their_owner():
    assert [step for step in Step if not release_rules.may(step, Step.RETURNED)] == [Step.RETURNED]
    assert not release_rules.may(Step.RESERVED, Step.HANDED_OVER)
    assert not release_rules.may(Step.RECEIVED, Step.RELEASED)


def test_a_stone_weighs_as_it_came_or_as_it_is_listed():
    assert release_rules.fitting(1010, 1000) == (1009, 1011)
    assert release_rules.fitting(None, 1010) == (1009, 1020)


def test_every_gem_has_its_number_of_the_customs():
    codes = {name: customs.heading(name, DAY).code for name in ("diamond", "ruby", "emerald", "spinel")}
    assert codes == {"diamond": "7102.39", "ruby": "7103.91", "emerald": "7103.91", "spinel": "7103.99"}
    assert customs.heading("diamond", date(2021, 12, 31)) is None


async def test_on_full_payment_the_stone_is_the_buyers_and_lies_in_the_safe(sessions, as_opened):
    case = as_opened
    await owning.follow(sessions, HAND, NOON)
    async with sessions() as session:
        assert (await session.scalars(select(Goods.state))).all() == ["reserved"]
        assert await ownership.owners_of(session, [case.stone]) == {}
    await releases.pay(sessions, case)
    for _ in range(3):
        await owning.follow(sessions, HAND, NOON + HOUR)
    async with sessions() as session:
        (row,) = (await session.scalars(select(Ownership))).all()
        invoice = await releases.loaded(session, case)
        assert (row.company_id, row.from_company_id) == (invoice.company_id, case.consignor)
        assert await holding.holder_of(session, case.stone) == invoice.company_id
        (event,) = (await session.scalars(select(ReportedEvent).where(ReportedEvent.kind == "SOLD"))).all()
        said = json.loads(event.body)
        assert event.sha256 == row.event_sha256
        assert (said["issuer"], said["custody"], said["obj"]) == ("house", "stays", "P-1")
        assert said["invoice"] == ownership.invoice_hash(invoice)
        names = (await session.scalars(select(Company.name))).all()
        ids = (await session.scalars(select(Company.public_id))).all()
        assert not [word for word in (*names, *ids, invoice.number, "1275000", "1000000") if word in event.body]
        assert await session.scalar(select(LogEntry.place).where(LogEntry.subject == f"reported/{event.sha256}"))


async def test_a_release_goes_its_whole_way_and_everything_changes_at_once(sessions, as_opened):
    case = await releases.paid(sessions, as_opened)
    await releases.handed(sessions, case)
    async with sessions() as session:
        (release,) = (await session.scalars(select(Release))).all()
        assert (release.state, release.document_seen) == ("handed_over", "passport")
        entry = await custody_keeping.open_entry(session, stone=case.stone)
        assert (entry.holder, entry.out_mct, entry.ref, entry.out_to) == ("owner", MCT, release.public_id, "Mei Lin")
        assert await custody_keeping.out_now(session) == []
        (event,) = (await session.scalars(select(ReportedEvent).where(ReportedEvent.kind == "TRANSFERRED"))).all()
        said = json.loads(event.body)
        assert (said["mct_before"], said["mct_after"], said["to_cc"], said["from"]) == (MCT, MCT, "HK", "house")
        assert "Mei" not in event.body and "Lumen" not in event.body
        newest = await passport_queries.latest(session, case.stone)
        assert newest.n == 2
        held = newest.content["credentialSubject"]["stone:held"]
        assert held == {"since": "2026-03-02", "digest": f"sha256:{event.sha256}"}
        assert (await session.scalars(select(Goods.state))).all() == ["handed_over"]
    await act(sessions, case, handing_over.received)
    async with sessions() as session:
        assert (await session.scalars(select(Goods.state))).all() == ["received"]


async def test_said_twice_a_hand_over_is_done_once(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    await releases.handed(sessions, case, SENT)
    await act(sessions, case, handing_over.hand_over, Seen(airway_bill="2"), house=house())
    async with sessions() as session:
        assert await session.scalar(select(func.count(ReportedEvent.id))) == 2
        assert (await session.scalars(select(Release.airway_bill))).all() == ["176-1234 5675"]
        assert await session.scalar(select(func.count(CustodyEntry.id))) == 2
        assert await session.scalar(select(func.max(Passport.n))) == 2


async def test_two_desks_at_one_parcel_hand_it_over_once(sessions, as_opened):
    case = await releases.paid(sessions, as_opened)
    await releases.released(sessions, case, SENT)
    bills = [Seen(airway_bill=f"176-{n}") for n in range(2)]
    await asyncio.gather(*(act(sessions, case, handing_over.hand_over, one, house=house()) for one in bills))
    async with sessions() as session:
        assert await session.scalar(select(func.count(ReportedEvent.id))) == 2


async def test_nothing_goes_before_it_is_paid(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = sqlite_opened.made
    await releases.packed(sessions, case)
    with pytest.raises(Barred) as refused:
        await act(sessions, case, releasing.release_it, house=house())
    assert refused.value.code == "not_paid"


async def test_each_thing_that_goes_wrong_after_the_release_stops_the_hand_over(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    await releases.released(sessions, case, SENT)

    async def refused():
        with pytest.raises(Barred) as found:
            await act(sessions, case, handing_over.hand_over, Seen(airway_bill="1"), house=house())
        return found.value.facts["codes"]

    async def said(statement, **facts):
        async with sessions.begin() as session:
            await session.execute(text(statement), facts)

    async with sessions.begin() as session:
        receipt = await session.scalar(select(Receipt.id))
        session.add(Dispute(provider_id="dp_1", receipt_id=receipt, amount_minor=1, state="open", opened_at=NOON))
    assert await refused() == ["not_cleared"]
    await said("update disputes set state = 'won'")
    await said("update companies set verified_until = '2026-03-01'")
    assert await refused() == ["kyc_expired"]
    await said("update companies set verified_until = null")
    await said("update releases set destination = 'KP'")
    assert await refused() == ["not_eligible"]
    await said("update releases set destination = 'HK', version = version + 1")
    assert await refused() == ["documents_missing"]
    await said("update releases set version = version - 1")
    async with sessions.begin() as session:
        await standing.suspend(session, house().issuer.house.did, [case.stone], NOON)
    assert await refused() == ["passport_revoked"]
    async with sessions() as session:
        assert await custody_keeping.open_entry(session, stone=case.stone) is None
        assert await session.scalar(select(func.count(ReportedEvent.id))) == 1


async def test_a_stone_without_a_passport_stays_where_passports_are_issued(empty):
    sessions = empty
    case = await releases.paid_sale(sessions, passport=False)
    await releases.packed(sessions, case)
    with pytest.raises(Barred) as refused:
        await act(sessions, case, releasing.release_it, house=house())
    assert refused.value.facts["codes"] == ["passport_revoked"]
    await act(sessions, case, releasing.release_it, house=releasing.House(HAND, None))


async def test_a_stone_that_weighs_otherwise_is_not_taken(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    await act(sessions, case, releasing.prepare, WISH)
    with pytest.raises(NotReady):
        await act(sessions, case, releasing.weigh, case.stone, MCT)
    await act(sessions, case, releasing.pick, case.stone)
    for mct in (MCT - 2, MCT + 2):
        with pytest.raises(WeightDiffers):
            await act(sessions, case, releasing.weigh, case.stone, mct)
    with pytest.raises(NotReady):
        await act(sessions, case, releasing.pack, carrier="", insured_minor=None)
    for mct in (0, -1, 2**60):
        with pytest.raises(BadInput):
            await act(sessions, case, releasing.weigh, case.stone, mct)
    await act(sessions, case, releasing.weigh, case.stone, MCT + 1)
    with pytest.raises(BadInput):
        await act(sessions, case, releasing.pick, "ANOTHER")


async def test_a_parcel_is_insured_for_what_it_cost(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    for insured in (None, 1_274_999):
        with pytest.raises(BadInput):
            await releases.packed(sessions, case, SENT, insured=insured)
    await releases.packed(sessions, case, SENT, insured=1_275_000)


async def test_who_fetches_it_shows_the_last_pass_a_document_and_signs(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    await releases.released(sessions, case)
    old = await act(sessions, case, releasing.issue_pass)
    new = await act(sessions, case, releasing.issue_pass)
    for token in ("", old, new[:-1]):
        with pytest.raises(PassWrong):
            await act(sessions, case, handing_over.hand_over, Seen(token, "passport", b"s"), house=house())
    for seen in (Seen(new, "", b"s"), Seen(new, "passport", None)):
        with pytest.raises(BadInput):
            await act(sessions, case, handing_over.hand_over, seen, house=house())
    await act(sessions, case, releasing.hold_back)
    with pytest.raises(ActNotAllowed):
        await act(sessions, case, handing_over.hand_over, Seen(new, "passport", b"s"), house=house())


async def test_a_stone_that_somebody_is_looking_at_is_not_given_away(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    await releases.released(sessions, case, SENT)
    async with sessions.begin() as session:
        await custody_keeping.hand_out(
            session, custody_keeping.Load((case.stone,)), custody_keeping.Weighed(MCT), holder="viewer", place="ant",
            ref="A-2", by="vic", to="ilse", now=NOON,
        )  # fmt: skip
    with pytest.raises(custody_keeping.StoneIsOut):
        await act(sessions, case, handing_over.hand_over, Seen(airway_bill="1"), house=house())
    async with sessions() as session:
        assert (await session.scalars(select(Release.state))).all() == ["released"]
        assert await session.scalar(select(func.count(ReportedEvent.id))) == 1


async def test_the_papers_say_what_is_in_the_parcel_in_both_languages_and_are_the_same_tomorrow(
    sqlite_sessions, sqlite_opened
):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    await releases.packed(sessions, case, SENT, real=True)
    async with sessions() as session:
        (release,) = (await session.scalars(select(Release))).all()
        files = {(row.kind, row.lang): row for row in await release_queries.files_of(session, release)}
        parcel = await papers.parcel_of(session, release, BASE, NOON)
    assert {kind for kind, _ in files} == {"packing_list", "commercial_invoice", "warranty"}
    read = {
        name: "".join(page.extract_text() for page in PdfReader(io.BytesIO(row.content)).pages)
        for name, row in files.items()
    }
    for word in ("7102.39", "1.01", "Botswana", f"/passports/{case.stone}", "INV-ANT-2026-000001"):
        assert word in read["packing_list", "en"]
    assert "12,750.00" in read["commercial_invoice", "en"] and "装箱单" in read["packing_list", "zh"]
    assert "conflict free" in " ".join(read["warranty", "en"].split())
    again = papers.pdf.render("release.typ", papers.data_of("packing_list", parcel, TONGUES["en"]))
    assert again == files["packing_list", "en"].content


async def test_another_way_before_the_release_is_packed_anew(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    await releases.packed(sessions, case)
    await act(sessions, case, releasing.prepare, SENT)
    async with sessions() as session:
        (release,) = (await session.scalars(select(Release))).all()
        assert (release.mode, release.version, release.packed_at) == ("carrier", 2, None)
    with pytest.raises(NotReady):
        await act(sessions, case, releasing.release_it, house=house())


async def test_untaxed_goods_stay_until_the_paper_for_leaving_the_country_is_recorded(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    for at_home in ("BE", "FR"):
        with pytest.raises(BadInput) as refused:
            await act(sessions, case, releasing.prepare, releasing.Wish(WISH.mode, at_home, collector="Mei Lin"))
        assert refused.value.fields == {"destination": "release_tax_unfit"}
    await releases.packed(sessions, case, leaving=False)
    with pytest.raises(Barred) as barred:
        await act(sessions, case, releasing.release_it, house=house())
    assert barred.value.facts["codes"] == ["documents_missing"]
    await act(sessions, case, handing_over.prove_export, b"%PDF of the customs", "application/pdf")
    await act(sessions, case, releasing.release_it, house=house())
    async with sessions() as session:
        assert (await session.scalar(select(Release.export_proof_at))) is None


async def test_to_the_united_states_goes_the_importers_text(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    wish = releasing.Wish(releasing.ReleaseMode.CARRIER, "US", address="5th Avenue")
    await releases.packed(sessions, case, wish)
    async with sessions() as session:
        kinds = set(await session.scalars(select(ReleaseFile.kind)))
    assert "due_diligence" in kinds


async def test_goods_of_a_cancelled_lot_are_in_the_safe_again_and_can_go_home(sessions, as_opened):
    case = await releases.paid(sessions, as_opened)
    await releases.released(sessions, case)
    lot = "L" * 26
    with pytest.raises(ActNotAllowed):
        async with sessions.begin() as session:
            await goods.returned(session, lot, by="tomas", now=NOON)
    async with sessions.begin() as session:
        await session.execute(BilledLot.__table__.delete())
    async with sessions.begin() as session:
        await owning.put_right(session, case.invoice, HAND, NOON)
    async with sessions.begin() as session:
        assert (await session.scalars(select(Release.state))).all() == ["returned"]
        assert await holding.holder_of(session, case.stone) == case.consignor
        assert await session.scalar(select(func.count(ReportedEvent.id))) == 2
        assert (await session.get_one(Goods, lot)).state == "at_house"
        assert (await goods.returned(session, lot, by="tomas", now=NOON)).state == "returned"


async def took_back(sessions, case):
    """The transfer that paid it never came, say two persons."""
    async with sessions.begin() as session:
        receipt = (await session.scalars(select(Receipt).order_by(Receipt.id.desc()))).first()
        proposal = Proposal(facts={"receipt": receipt.public_id}, reason="never came", proposed_by=receipt.entered_by)
        actor = replace(VISITOR, person_id=receipt.confirmed_by, public_id="b")
        await reversing.reverse(session, proposal, actor, NOON + 3 * HOUR)
    await owning.follow(sessions, HAND, NOON + 3 * HOUR)


async def test_what_a_payment_set_free_is_not_free_once_it_was_taken_back(sessions, as_opened):
    case = await releases.paid(sessions, as_opened)
    await releases.released(sessions, case)
    token = await act(sessions, case, releasing.issue_pass)
    await took_back(sessions, case)
    async with sessions() as session:
        (release,) = (await session.scalars(select(Release))).all()
        assert (release.state, release.pass_sha256) == ("reserved", None)
        assert (
            (await session.scalars(select(PaidLot))).all() == (await session.scalars(select(Discrepancy))).all() == []
        )
    with pytest.raises(Barred, match="not_paid"):
        await act(sessions, case, releasing.release_it, house=house())
    await releases.pay(sessions, case, NOON + 4 * HOUR)
    await owning.follow(sessions, HAND, NOON + 4 * HOUR)
    async with sessions() as session:
        assert len((await session.scalars(select(PaidLot))).all()) == 1
    await act(sessions, case, releasing.release_it, house=house())
    seen = Seen(token, SEEN.document, SEEN.signature, SEEN.media)
    with pytest.raises(PassWrong):
        await act(sessions, case, handing_over.hand_over, seen, house=house())


async def test_of_goods_that_left_before_their_payment_was_taken_back_the_house_is_told(sqlite_sessions, sqlite_opened):
    case = await releases.paid(sqlite_sessions, sqlite_opened.made)
    await releases.handed(sqlite_sessions, case)
    await took_back(sqlite_sessions, case)
    async with sqlite_sessions() as session:
        invoice = await releases.loaded(session, case)
        (found,) = (await session.scalars(select(Discrepancy))).all()
        assert (found.kind, found.invoice, found.facts["amount_minor"]) == ("gone_unpaid", invoice.number, 1_275_000)
        assert (await session.scalars(select(Goods.state))).all() == ["handed_over"]
        assert (await session.scalars(select(Event.name).where(Event.name == "lot:owed"))).all() == ["lot:owed"]


async def test_an_invoice_that_takes_anothers_place_moves_no_stone(sqlite_sessions, sqlite_opened):
    sessions = sqlite_sessions
    case = await releases.paid(sessions, sqlite_opened.made)
    await releases.handed(sessions, case, SENT)
    async with sessions.begin() as session:
        old = await releases.loaded(session, case)
        lines = (await session.scalars(select(InvoiceLine).where(InvoiceLine.invoice_id == old.id))).all()
        new = Invoice(public_id="N" * 26, number="INV-ANT-2026-000002", state="paid", sale=old.sale, entity="ANT")
        new.company_id, new.currency, new.destination = old.company_id, "USD", "HK"
        new.facts, new.created_at = old.facts, NOON
        session.add(new)
        await session.flush()
        for one in lines:
            copy = InvoiceLine(invoice_id=new.id, place=one.place, kind=one.kind, lot=one.lot, facts=one.facts)
            copy.amount_minor = one.amount_minor
            session.add(copy)
        await session.execute(update(BilledLot).values(invoice_id=new.id))
    for name in (case.invoice, "N" * 26, case.invoice):
        async with sessions.begin() as session:
            await owning.put_right(session, name, HAND, NOON)
    async with sessions() as session:
        assert await session.scalar(select(func.count(Ownership.id))) == 1
        assert (await session.scalars(select(Goods.state))).all() == ["handed_over"]


async def test_papers_that_stopped_half_way_are_the_same_in_the_end(sqlite_sessions, sqlite_opened, monkeypatch):
    sessions, real, done = sqlite_sessions, papers.pdf.render, []

    def stops(*facts):
        if len(done) % 2:  # dead after each one that was set
            done.append("dead")
            raise OSError
        done.append("set")
        return real(*facts)

    case = await releases.paid(sessions, sqlite_opened.made)
    monkeypatch.setattr(papers.pdf, "render", stops)
    at = NOON + 2 * HOUR
    await act(sessions, case, releasing.prepare, WISH)
    await act(sessions, case, releasing.pick, case.stone)
    await act(sessions, case, releasing.weigh, case.stone, MCT)
    await act(sessions, case, releasing.pack, carrier="", insured_minor=None)
    for _ in range(10):
        try:
            await papers.set_papers(sessions, at, TONGUES, BASE)
        except OSError:
            at += HOUR
    async with sessions() as session:
        files = (await session.scalars(select(ReleaseFile.kind))).all()
    assert sorted(files) == sorted(2 * ["packing_list", "commercial_invoice", "warranty"])


async def test_where_the_terms_say_so_the_stone_is_the_sellers_until_it_is_handed_over(empty):
    sessions = empty
    async with sessions.begin() as session:
        facts = {"ownership_on_payment": False, "holdback_days": 1}
        await agreed.set_terms(session, sale=TERMS.sale, facts=facts, by="lena", now=NOON)
    case = await releases.paid_sale(sessions)
    async with sessions() as session:
        assert await ownership.owners_of(session, [case.stone]) == {}
    await releases.packed(sessions, case, SENT)
    with pytest.raises(Barred) as refused:
        await act(sessions, case, releasing.release_it, house=house())
    assert refused.value.facts["codes"] == ["not_cleared"]
    await act(sessions, case, releasing.release_it, house=house(), now=releases.LATER)
    bill = Seen(airway_bill="176-1")
    await act(sessions, case, handing_over.hand_over, bill, house=house(), now=releases.LATER)
    async with sessions() as session:
        sold, gone = (await session.scalars(select(ReportedEvent).order_by(ReportedEvent.id))).all()
        assert (sold.kind, gone.kind) == ("SOLD", "TRANSFERRED")
        assert "custody" not in json.loads(sold.body)
        assert json.loads(sold.body)["to"] == json.loads(gone.body)["to"]
        invoice = await releases.loaded(session, case)
        assert await holding.holder_of(session, case.stone) == invoice.company_id
