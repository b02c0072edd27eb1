"""What a buyer owns here, page by page; and who has paid and not said how the stones go."""

from datetime import timedelta

from sqlalchemy import insert, select

from pavilion.accounts.models import Company, Person
from pavilion.kernel.events import Event
from pavilion.kernel.ids import ulid
from pavilion.notifications import money_words
from pavilion.settlement import owned_stones, releasing, unanswered
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.release_models import Ownership
from tests import make
from tests.make import HOUR, NOON
from tests.settlement import releases

STONES = 1_000


async def test_a_thousand_stones_stand_on_pages_each_once_and_are_found(sqlite_sessions):
    sessions = sqlite_sessions
    case = await releases.paid_sale(sessions)
    async with sessions.begin() as session:
        first = await releases.loaded(session, case)
        (line,) = await session.scalars(select(InvoiceLine).where(InvoiceLine.kind == "hammer"))
        lots = [ulid(NOON) for _ in range(1, STONES)]
        told = {"invoice_id": first.id, "kind": "hammer", "text_zh": "", "amount_minor": 1}
        await session.execute(insert(InvoiceLine), [
            told | {"place": 100 + n, "lot": lot, "text_en": "A stone", "facts": line.facts | {"number": str(n + 2)}}
            for n, lot in enumerate(lots)
        ])  # fmt: skip
        owned = {"company_id": first.company_id, "from_company_id": case.consignor, "invoice_id": first.id, "at": NOON}
        await session.execute(insert(Ownership), [owned | {"stone": ulid(NOON), "lot": lot} for lot in lots])
        sold = select(Ownership).where(Ownership.lot == lots[0])
        gone = await session.scalar(sold)
        await session.execute(insert(Ownership), [  # sold on, outside of its own invoice
            owned | {"stone": gone.stone, "lot": "X" * 26, "company_id": case.consignor}
        ])  # fmt: skip
    seen, after = [], None
    async with sessions() as session:
        company = first.company_id
        while True:
            page = await owned_stones.page_of(session, company, after=after)
            seen += [one.row.stone for one in page.stones]
            if (after := page.after) is None:
                break
        assert len(seen) == len(set(seen)) == STONES - 1 == await owned_stones.count(session, company)
        assert gone.stone not in seen and case.stone in seen
        (found,) = (await owned_stones.page_of(session, company, said="777")).stones
        assert found.line.facts["number"] == "777" and found.goods is None
        assert len((await owned_stones.page_of(session, company, said=first.number.lower())).stones) == 50
        assert (await owned_stones.page_of(session, company, said="100%")).stones == []
        assert (await owned_stones.page_of(session, case.consignor)).stones == []


async def test_who_paid_and_has_not_said_how_the_stones_go_is_reminded_once(sessions):
    case = await releases.paid_sale(sessions)
    late = NOON + timedelta(days=10)
    assert await unanswered.remind(sessions, NOON + HOUR) == 0
    async with sessions.begin() as session:
        invoice = await releases.loaded(session, case)
        (waits,) = await unanswered.of_house(session)
        assert (waits.invoice.id, waits.reminded_at) == (invoice.id, None)
        assert (waits.remind_on - invoice.paid_day).days in (3, 4, 5)  # three business days
        assert await unanswered.of_company(session, case.consignor) == []
        firm = await session.get_one(Company, invoice.company_id)
        reader = await make.person(session, "mei@lumen.example", firm=firm)
    assert [await unanswered.remind(sessions, late) for _ in "ab"] == [1, 0]
    async with sessions() as session:
        (waits,) = await unanswered.of_company(session, invoice.company_id)
        assert waits.reminded_at == late
        payload = {"notice": "invoice_way_reminded", "about": invoice.public_id}
        person = await session.get_one(Person, reader.id)
        for tongue in releases.TONGUES.values():
            told = await money_words.told(session, payload, tongue, person, amounts=True)
            assert invoice.number in told.subject and told.path.endswith("/release")
    await releases.act(sessions, case, releasing.prepare, releases.WISH)
    async with sessions() as session:
        assert await unanswered.of_house(session) == []
        assert await money_words.told(session, payload, tongue, person, amounts=True) is None
        events = await session.scalars(select(Event).where(Event.name == unanswered.REMINDED))
        assert len(events.all()) == 1
        assert await session.scalar(select(Invoice.state)) == "paid"
