"""What the house says of a lot itself, in which languages, whether its estimate is shown, and when one can register."""

import pytest
from sqlalchemy import select

from pavilion.auctions import catalogue_paper, curation, noticing, papers, registering
from pavilion.auctions.board import sale_of
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.noticing import Said
from pavilion.auctions.version_models import NoticeField
from pavilion.kernel.ids import ulid
from pavilion.kernel.jobs import Job
from pavilion.notifications import lot_notices
from tests.auctions import world
from tests.auctions.test_catalogue_paper import HOUSE, TONGUES
from tests.auctions.test_pages import house as running  # noqa: F401
from tests.make import HOUR, NOON


async def paper(house, sale, lang):
    async with house.sessions() as session:
        row = await sale_of(session, sale)
        return await catalogue_paper.source(session, row, lang, house=HOUSE, tongues=TONGUES)


async def test_words_of_a_lot_are_typed_shown_and_printed_and_an_estimate_can_be_kept_back(running):  # noqa: F811
    made = await world.build(running.sessions, 2)
    sale = await world.draft(running.sessions, made)
    lot = (await world.order(running.sessions, sale))[0]
    curator = await running.browser("noor@pavilion.example")
    async with running.sessions() as session:
        row = await session.scalar(select(Lot).where(Lot.public_id == lot))
    said = {"version": row.version, "number": 11, "title_en": row.title_en, "title_zh": row.title_zh}
    said |= {"low": "5,000", "high": "7,000", "opening": "4,000", "on_request": "yes"}
    said |= {"text_en": "The finest of its mine.", "text_zh": "该矿最佳之作。"}
    path = f"/staff/sales/{sale}/lots/{lot}"
    assert (await curator.post(path, data=said)).status_code == 303
    kept = (await curator.get(path)).text
    assert "The finest of its mine." in kept and '<option value="yes" selected>' in kept
    refused = await curator.post(path, data=said | {"version": row.version + 1, "text_en": "Lab grown beauty"})
    assert refused.status_code == 422
    await world.decide(running.sessions, await world.proposed(running.sessions, made, sale), made.lead)
    guest = await running.browser()
    page = (await guest.get(f"/lots/{lot}")).text
    assert "The finest of its mine." in page and "on request" in page and "5,000–7,000" not in page
    assert (await guest.get(f"/api/v1/lots/{lot}")).json()["estimate"] is None
    first, second = (await paper(running, sale, "both"))["lots"]
    assert first["text"] == ["The finest of its mine.", "该矿最佳之作。"]
    assert first["estimate"] == "on request · 估价待询" and second["estimate"] == "USD 5,000 – 7,000"


async def test_a_notice_stands_in_the_annex_and_its_figures_with_the_lot(running):  # noqa: F811
    made = await world.build(running.sessions, 2)
    sale = await world.published(running.sessions, made)
    lot = (await world.order(running.sessions, sale))[1]
    words = ("The market has moved", "Lower now.", "现已调低。")
    async with running.sessions.begin() as session:
        said = Said(NoticeField.ESTIMATE, (450_000, 600_000), *words)
        notice = await noticing.prepare(
            session, lot=lot, key=ulid(NOON), said=said, reserve=None, actor=made.curator, now=NOON
        )
        await noticing.give(session, notice, 3, NOON)
        assert await lot_notices.interested_in(session, lot) == []
    printed = await paper(running, sale, "both")
    assert printed["lots"][1]["estimate"] == "USD 4,500 – 6,000"
    (line,) = printed["notices"]
    assert (line["lot"], line["text"], line["reason"]) == ("12", ["Lower now.", "现已调低。"], "The market has moved")


async def test_a_catalogue_in_one_language_is_printed_in_it_and_its_titles_stand_for_both(running):  # noqa: F811
    made = await world.build(running.sessions, 2)
    sale = await world.draft(running.sessions, made, langs=["zh"], text_en="")
    async with running.sessions.begin() as session:
        lots = (await session.scalars(select(Lot).order_by(Lot.rank))).all()
        edits = {lots[0].public_id: (lots[0].version, {"title_en": "", "text_en": ""})}
        await curation.edit_lots(session, sale=sale, edits=edits, actor=made.curator, now=NOON)
    await world.decide(running.sessions, await world.proposed(running.sessions, made, sale), made.lead)
    row = await running.first(select(Lot).where(Lot.public_id == lots[0].public_id))
    assert row.title_en == row.title_zh != ""
    guest = await running.browser()
    assert (await guest.get(f"/sales/{sale}/catalogue.pdf?lang=both")).status_code == 202
    assert (await running.first(select(Job.payload).where(Job.kind == papers.JOB)))["lang"] == "zh"


async def test_companies_register_within_the_span_and_those_who_asked_in_it_can_answer_later(running):  # noqa: F811
    made = await world.build(running.sessions, 2)
    span = {"registers_from": NOON + HOUR / 2, "registers_until": NOON + HOUR}
    sale = await world.published(running.sessions, made, **span)
    buyer = await world.buyer(running.sessions)
    page = await (await running.browser("wen1@lumen.example")).get(f"/sales/{sale}/registration")
    assert "Registration for this sale opens on" in page.text and 'name="terms"' not in page.text
    for early in (NOON, NOON + HOUR):
        with pytest.raises(registering.RegistrationShut):
            await world.applied(running.sessions, sale, buyer, early)
    asked = await world.applied(running.sessions, sale, buyer, NOON + HOUR / 2)
    assert await world.applied(running.sessions, sale, buyer, NOON + 2 * HOUR) == asked
    async with running.sessions() as session:
        row = await session.scalar(select(Sale).where(Sale.public_id == sale))
        assert not registering.takes_registrations(row, NOON + HOUR)
