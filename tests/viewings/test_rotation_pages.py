"""The rotation of an office: trays and wants as forms, the rounds as a page and as papers, and who may."""

from io import BytesIO

import pytest
from pypdf import PdfReader
from sqlalchemy import select

from pavilion.accounts.models import Company, Person
from pavilion.auctions.models import Lot, Sale
from pavilion.viewings.desk_models import Tray
from pavilion.viewings.place_models import Window
from pavilion.viewings.travelling_models import RotationSpan, TrayWant
from tests import make
from tests.make import HOUR, NOON
from tests.viewings.desk_house import DAY, opened

HERE = "/staff/viewings/ant/rotation"


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    async with opened(sqlite_database_url, tmp_path) as one:
        async with one.sessions.begin() as session:
            sale = await session.scalar(select(Sale).where(Sale.public_id == one.sale))
            for n, lot in enumerate(
                await session.scalars(select(Lot).where(Lot.sale_id == sale.id).order_by(Lot.rank))
            ):
                lot.number = n + 11
            opens = NOON.replace(hour=8) + DAY
            times = {"day": opens.date(), "opens": "09:00", "closes": "18:00", "tz_version": "2026a"}
            session.add(Window(office_id="ant", opens_at=opens, closes_at=opens + 9 * HOUR, **times))
            await make.company(session, "Okada", "JP")
        yield one


async def composed(browser, sale, label, numbers):
    return await browser.post(f"{HERE}/trays", data={"sale": sale, "label": label, "numbers": numbers})


async def test_trays_are_composed_wanted_and_shown_in_rounds_with_their_papers(house):
    noor, vic, xia, wen = [
        await house.browser(email)
        for email in ("noor@pavilion.example", "vic@pavilion.example", "xia@pavilion.example", "wen@lumen.example")
    ]
    async with noor, vic, xia, wen:
        assert (await noor.get(HERE)).status_code == 200
        whole = await noor.get(HERE, params={"sale": house.sale})
        assert "There is no tray yet" in whole.text, whole.text
        assert (await vic.get(HERE)).status_code == 200
        assert (await vic.get(HERE, params={"sale": house.sale})).status_code == 404  # a draft is its makers'
        assert (await xia.get(HERE)).status_code == 404  # works elsewhere
        assert (await wen.get(HERE)).status_code == 403
        assert (await composed(noor, house.sale, "1", "11")).status_code == 303
        assert (await composed(noor, house.sale, "2", "12-13")).status_code == 303
        for label, numbers, words in [
            ("1", "13", "has this name"), ("3", "99", "no lot of this sale"), ("3", "", "at least one lot"),
            ("3", "13", "another tray already"), ("<b>", "13", "check"), ("3", "x" * 300, "no lot of this sale"),
        ]:  # fmt: skip
            refused = await composed(noor, house.sale, label, numbers)
            assert refused.status_code == 422 and words in refused.text, (label, numbers, refused.status_code)
        async with house.sessions() as session:
            trays = {tray.label: tray for tray in await session.scalars(select(Tray))}
            okada = await session.scalar(select(Company.public_id).where(Company.name == "Okada"))
        page = (await noor.get(HERE, params={"sale": house.sale})).text
        assert "1 round" in page and "by appointment" in page  # Wen has an appointment for a stone of one
        assert page.count(" checked disabled>") == 1 and "one buyer" in page
        said = {"sale": house.sale, "company_name": "okada", "new_want": [trays["1"].public_id, trays["2"].public_id]}
        assert (await noor.post(f"{HERE}/wants", data=said)).status_code == 303
        page = (await noor.get(HERE, params={"sale": house.sale, "minutes": 30})).text
        assert "3 rounds" in page and "the number of desks: 1" in page and "Okada: 2 trays" in page
        for kind in ("circulation", "desks", "buyers"):
            paper = await noor.get(f"{HERE}/{kind}.pdf", params={"sale": house.sale})
            assert paper.headers["content-type"] == "application/pdf"
            text = "".join(one.extract_text() for one in PdfReader(BytesIO(paper.content)).pages)
            assert "Okada" in text and ("开始" in text) == (kind == "buyers")
        spans = said | {"company": okada, "from": "2", "to": "2", "want": [
            f"{trays[label].public_id}~{okada}" for label in "12"]}  # fmt: skip
        del spans["company_name"], spans["new_want"]
        assert (await noor.post(f"{HERE}/wants", data=spans)).status_code == 303
        assert "no place in the buyer" in (await noor.get(HERE, params={"sale": house.sale})).text
        for bad in (
            {"want": "x~y"},
            {"from": "9", "to": "2"},
            {"from": "-1"},
            {"from": "²"},
            {"company_name": "Nobody"},
        ):
            assert (await noor.post(f"{HERE}/wants", data=spans | bad)).status_code == 422, bad
        for bad in ({"day": "2027-13-01"}, {"first": "25:00"}, {"minutes": 7}, {"day": "0001-01-01"}):
            assert (await noor.get(HERE, params={"sale": house.sale} | bad)).status_code == 422, bad
        assert (await noor.get(f"{HERE}/nothing.pdf", params={"sale": house.sale})).status_code == 404
        gone = await noor.post(f"{HERE}/trays/{trays['2'].public_id}/dissolution", data={"sale": house.sale})
        assert gone.status_code == 303
        async with await house.browser("noor@pavilion.example", "zh") as chinese:
            paper = await chinese.get(f"{HERE}/circulation.pdf", params={"sale": house.sale})
            assert "轮" in PdfReader(BytesIO(paper.content)).pages[0].extract_text()
    async with house.sessions() as session:
        assert [tray.label for tray in await session.scalars(select(Tray))] == ["1"]
        assert len((await session.scalars(select(TrayWant))).all()) == 1
        assert [(one.first, one.last) for one in await session.scalars(select(RotationSpan))] == [(2, 2)]
        assert await session.scalar(select(Person.id).limit(1))
