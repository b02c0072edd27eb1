"""Visitors are forgotten 90 days after the sale they came for."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.kernel.errors import KeyReused
from pavilion.viewings import desk_acts, erasing, passes, staffing
from pavilion.viewings.desk_models import DeskAct
from pavilion.viewings.models import Appointment, AppointmentVisitor, Visitor
from pavilion.viewings.place_models import SaleViewing
from pavilion.viewings.refusing import ViewingRefused
from tests.make import NOON
from tests.viewings import desks

DAY = timedelta(days=1)


async def named(sessions):
    async with sessions() as session:
        return [one.name for one in await session.scalars(select(Visitor).order_by(Visitor.id))]


async def test_nothing_tells_who_came_once_ninety_days_have_passed_since_the_sale(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    public_id, _, token = await desks.booked(sqlite_sessions, day)
    async with sqlite_sessions.begin() as session:
        row = await session.scalar(select(Appointment))
        row.sale = "01SALE"
        session.add(SaleViewing(sale="01SALE", ends_at=NOON + 10 * DAY, rules={}))
        later = Visitor(public_id="01LATER", company_id=day.company.id, name="Mei", created_at=NOON + 60 * DAY)
        never = Visitor(public_id="01NEVER", company_id=day.company.id, name="Lev", created_at=NOON)
        session.add_all([later, never])
    tick = erasing.Erasing(sqlite_sessions).tick
    assert await tick(NOON + 89 * DAY) == 0
    assert await tick(NOON + 89 * DAY) == 0  # asked again within the hour, nothing is looked for
    assert await tick(NOON + 95 * DAY) == 1 and await named(sqlite_sessions) == ["Ada", "Mei", ""]
    assert await tick(NOON + 101 * DAY) == 1 and await named(sqlite_sessions) == ["", "Mei", ""]
    assert await tick(NOON + 400 * DAY) == 1 and await named(sqlite_sessions) == ["", "", ""]
    async with sqlite_sessions() as session:
        ada = await session.scalar(select(Visitor).order_by(Visitor.id))
        assert (ada.born, ada.email, ada.document_kind, ada.person_id) == (None, "", "", None)
        assert await session.scalar(select(AppointmentVisitor.pass_sha256)) is None
        assert (await staffing.appointment_at(session, day.ant, public_id)).number  # that somebody came stays told
        with pytest.raises(ViewingRefused):
            await passes.of_token(session, token)


async def test_what_a_form_asked_is_known_again_by_its_hash_and_names_nobody(sqlite_sessions):
    asked = {"named": [{"name": "Ada Visitor", "born": "1980-02-29"}]}

    async def act():
        return {"appointment": "01APP"}

    async with sqlite_sessions.begin() as session:
        for _ in range(2):
            assert await desk_acts.once(session, "k", "visitors", asked, act, now=NOON) == {"appointment": "01APP"}
        with pytest.raises(KeyReused):
            await desk_acts.once(session, "k", "visitors", {"named": []}, act, now=NOON)
        kept = await session.scalar(select(DeskAct.answer))
        assert kept.keys() == {"appointment", "asked"} and "Ada" not in str(kept) and "1980" not in str(kept)
