"""Listing, lot, share, shortlist line and appointment hold to one sentence (catalogue spec, hard rule 1): the stone's
id and a frozen snapshot stay; the link to its exposure must be set at insert, and is emptied when the exposure goes."""

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError

from pavilion.accounts.models import Person
from pavilion.auctions import versions
from pavilion.auctions.models import LotStone
from pavilion.catalogue import past, sharing, shortlists
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import Stone, StoneCommitment
from pavilion.catalogue.share_models import StoneShareLine
from pavilion.catalogue.shortlist_models import ShortlistLine
from pavilion.kernel.db import Base
from pavilion.kernel.ids import ulid
from pavilion.viewings.models import AppointmentStone
from tests.auctions import world
from tests.catalogue import stones as listing
from tests.make import HOUR, NOON
from tests.viewings import booked

WITH_SNAPSHOT = (ShortlistLine, StoneShareLine, AppointmentStone)
LINKED = (Stone, LotStone, *WITH_SNAPSHOT)


def test_whoever_links_to_an_exposure_is_known_here_and_loses_only_the_link_with_it():
    links = {
        table.name: (key.parent.name, key.ondelete, key.parent.nullable)
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "exposed_stones"
    }
    known = {model.__tablename__ for model in (*LINKED, StoneCommitment)}
    assert links == dict.fromkeys(known, ("exposed_id", "SET NULL", True))


async def test_a_link_must_be_set_at_insert_and_is_emptied_with_the_exposure_and_what_the_stone_was_stays(sessions):
    made = await world.build(sessions, 2)
    stone, other = made.stones
    buyer, sale = await world.buyer(sessions), await world.draft(sessions, made)
    async with sessions.begin() as session:
        (hidden,) = await world.stones(session, made.supplier, 1, first=50)
        await shortlists.add(session, buyer, made.stones, to=None, otherwise="Shortlist", now=NOON)
        await sharing.share(session, buyer, made.stones, sharing.Terms(), NOON)
        await booked.office(session, "ant")
        row = await booked.appointment(session, await session.get_one(Person, buyer.person_id), office="ant")
        await booked.lines(session, row, made.stones)
    async with sessions() as session:
        for model in LINKED:
            for link in (None, hidden, other):
                await refused(session, model, hidden, link)
    await world.decide(sessions, await world.proposed(sessions, made, sale), made.lead)
    async with sessions() as session:
        before = await kept(session, sale, stone)
        assert await linked(session, stone) == dict.fromkeys(LINKED, stone)
    async with sessions.begin() as session:
        await listing.revoke(session, stone)
        await catalogue.verdicts_changed(session, [stone], now=NOON + HOUR)
        changed = [world.row(1, weight_mct=9_990, color="Z")]
        await catalogue.store_stones(session, changed, supplier_company_id=made.supplier.id, now=NOON + 2 * HOUR)
    async with sessions() as session:
        assert await kept(session, sale, stone) == before
        assert await linked(session, stone) == dict.fromkeys(LINKED)
        assert await linked(session, other) == dict.fromkeys(LINKED, other)


def of(model, stone):
    """Whether a row is of this stone (a public id)."""
    if model is Stone:
        return model.public_id == stone
    if model is AppointmentStone:
        return model.stone == stone
    return model.stone_id == select(Stone.id).where(Stone.public_id == stone).scalar_subquery()


async def linked(session, stone):
    """The link of the one row of each table that is of this stone."""
    return {
        model: (await session.execute(select(model.exposed_id).where(of(model, stone)))).scalar_one()
        for model in LINKED
    }


async def refused(session, model, hidden, link):
    """The database lets nobody link a stone that is not exposed, whatever the row says. A listing stands before its
    origin is judged, and begins when its link is set."""
    if model is Stone:
        act = update(Stone).where(Stone.public_id == hidden).values(exposed_id=link)
        says = "(?i)exposed_as_itself|foreign key"
    else:
        row = dict((await session.execute(select(model.__table__).limit(1))).mappings().one())
        row.pop("id", None)
        column = "stone" if model is AppointmentStone else "stone_id"
        named = hidden if column == "stone" else select(Stone.id).where(Stone.public_id == hidden).scalar_subquery()
        facts = {"place": 9, "public_id": ulid(NOON)}
        act = insert(model).values(
            row | {n: v for n, v in facts.items() if n in row} | {column: named, "exposed_id": link}
        )
        says = "(?i)only an exposed stone|foreign key"
    if model is not Stone or link is not None:
        with pytest.raises(DBAPIError, match=says):
            async with session.begin_nested():
                await session.execute(act)


async def kept(session, sale, stone):
    """What each table knows of the stone as it was: the listing in its history, the lot in the version of its sale."""
    snapshots = {model: await session.scalar(select(model.snapshot).where(of(model, stone))) for model in WITH_SNAPSHOT}
    assert all(snapshots.values())
    id_ = await session.scalar(select(Stone.id).where(Stone.public_id == stone))
    (then,) = await past.stones_then(session, [(id_, NOON)])
    document = await versions.document_of(session, sale, 1)
    assert stone.encode() in document
    return snapshots, (then.weight_mct, then.color), document
