"""At the door: a pass opens it once, at its office and hour, and nobody comes in unseen."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.kernel.errors import BadInput, NotFound
from pavilion.viewings import door, passes, queries, regimes, service
from pavilion.viewings.day_forms import mct_of
from pavilion.viewings.door import DocumentNotSeen, Shown, WalkIn
from pavilion.viewings.models import AppointmentEvent, Visitor
from pavilion.viewings.refusing import ViewingRefused
from pavilion.viewings.states import AppointmentState as S
from tests.make import HOUR, NOON
from tests.viewings import desks
from tests.viewings.desks import MINUTE, START

SEEN = Shown(True, "passport")


async def refused(code, work):
    with pytest.raises(ViewingRefused) as fault:
        await work
    assert fault.value.code == code
    return fault.value.facts


async def let_in(session, day, token, now=START, shown=SEEN):
    found = await passes.read(session, day.ant, token, now)
    await door.admit(session, found.appointment, found.visitor, found.link, shown, by="vic", now=now)
    return found


async def test_a_pass_opens_the_door_of_its_office_once_and_not_before_its_time(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    public_id, visitor, token = await desks.booked(sqlite_sessions, day)
    async with sqlite_sessions.begin() as session:
        await refused("pass_unknown", passes.read(session, day.ant, passes.made(), START))
        await refused("pass_unknown", passes.read(session, day.ant, "not a pass", START))
        await refused("pass_other_office", passes.read(session, day.hkg, token, START))
        facts = await refused("pass_too_early", passes.read(session, day.ant, token, NOON - MINUTE))
        assert facts["opens_at"].startswith("2026-03-02T12:00")
        spoken = " ".join(passes.grouped(token)).lower().replace(" - ", "-")
        assert (await passes.read(session, day.ant, spoken, NOON)).visitor.public_id == visitor
        await refused("pass_over", passes.read(session, day.ant, token, START + HOUR))
    async with sqlite_sessions.begin() as session:
        found = await let_in(session, day, token)
        assert found.appointment.state == S.CHECKED_IN and found.link.document_seen_by == "vic"
    async with sqlite_sessions.begin() as session:
        await refused("pass_used", passes.read(session, day.ant, token, START))
        row = await desks.of(session, day, public_id)
        kinds = await session.scalars(select(AppointmentEvent.kind).where(AppointmentEvent.appointment_id == row.id))
        assert list(kinds)[-1] == "checked_in"
        ((link, _),) = (await queries.visitors_of(session, [row.id]))[row.id]
        await door.leave(session, row, link, by="vic", now=START + MINUTE)
        with pytest.raises(door.NobodyLeft):
            await door.leave(session, row, link, by="vic", now=START + MINUTE)


async def test_two_doors_that_read_a_pass_at_once_let_one_in(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    *_, token = await desks.booked(sqlite_sessions, day)
    async with sqlite_sessions.begin() as session:
        first, second = [await passes.read(session, day.ant, token, START) for _ in range(2)]
        await passes.use(session, first.link, START)
        await refused("pass_used", passes.use(session, second.link, START))


async def test_a_new_pass_ends_the_former_one_and_the_database_knows_neither(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    *_, token = await desks.booked(sqlite_sessions, day)
    async with sqlite_sessions.begin() as session:
        found = await passes.of_token(session, token)
        newer = await passes.issue(session, found.appointment, found.visitor)
        await refused("pass_unknown", passes.of_token(session, token))
        link = (await passes.of_token(session, newer)).link
        assert link.pass_sha256 == passes.hash_of(newer) and newer not in str(vars(link))
        await service.cancel(session, found.appointment, by="house", staff=True, now=NOON)
        await refused("pass_over", passes.read(session, day.ant, newer, START))
        await refused("pass_over", passes.issue(session, found.appointment, found.visitor))


async def test_nobody_comes_in_before_the_document_was_seen(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    *_, token = await desks.booked(sqlite_sessions, day)
    async with sqlite_sessions.begin() as session:
        with pytest.raises(DocumentNotSeen):
            await let_in(session, day, token, shown=Shown(False))
        assert (await passes.read(session, day.ant, token, START)).link.pass_used_at is None


async def test_where_a_declaration_is_asked_it_is_fresh_signed_here_or_staff_say_why_not(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    public_id, _, token = await desks.booked(sqlite_sessions, day)
    async with sqlite_sessions.begin() as session:
        await regimes.set_regime(
            session, "ant", frm=NOON - HOUR, to=NOON + 9 * HOUR, declaration=True, by="house", now=NOON - HOUR
        )
        row = await desks.of(session, day, public_id)
        assert await door.declaration_needed(session, day.ant, row)
    for shown, fine in ((SEEN, False), (Shown(True, declared_now=True), True), (Shown(True, override="A child"), True)):
        async with sqlite_sessions() as session:
            if not fine:
                await refused("declaration_missing", let_in(session, day, token, shown=shown))
                continue
            found = await let_in(session, day, token, shown=shown)
            assert found.appointment.state == S.CHECKED_IN
            assert door.declaration_holds(found.appointment, found.link, START) == shown.declared_now


async def test_who_comes_late_walks_in_from_the_step_that_has_begun(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    public_id, _, token = await desks.booked(sqlite_sessions, day)
    late = START + 22 * MINUTE
    async with sqlite_sessions.begin() as session:
        found = await let_in(session, day, token, now=late)
        assert found.appointment.state == S.CHECKED_IN
    async with sqlite_sessions.begin() as session:
        row = await desks.of(session, day, public_id)
        told = await session.scalars(select(AppointmentEvent.kind).where(AppointmentEvent.appointment_id == row.id))
        assert list(told)[-2:] == ["no_show", "checked_in"]


async def test_somebody_unannounced_is_seated_where_a_desk_is_free(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    await desks.booked(sqlite_sessions, day, start=NOON)
    wish = WalkIn("lumen  TRADING", "Lev Baum", "ant-2", 45, (day.stones[2],))

    async def seat(at=NOON + 3 * MINUTE, **changes):
        async with sqlite_sessions.begin() as session:
            said = WalkIn(**({f: getattr(wish, f) for f in WalkIn.__slots__} | changes))
            made = await door.walk_in(session, day.ant, said, SEEN, by="vic", now=at)
            return made.state, made.starts_at, made.ends_at

    await refused("company_busy", seat())
    async with sqlite_sessions.begin() as session:
        other = await desks.make.company(session, "Van Dael", "BE")
        assert other.id
    for changes, field in (
        ({"company": "Nobody"}, "company"),
        ({"desk": "hkg-1"}, "desk"),
        ({"minutes": 7}, "minutes"),
        ({"born": NOON.date()}, "born"),
    ):
        with pytest.raises(BadInput) as fault:
            await seat(**{"company": "Van Dael"} | changes)
        assert field in fault.value.fields
    await refused("desk_taken", seat(company="Van Dael", desk="ant-1"))
    closing, late = NOON + 9 * HOUR, NOON + 8 * HOUR + 53 * MINUTE
    with pytest.raises(door.SitsTooLong) as long:
        await seat(late, company="Van Dael")
    assert long.value.facts == {"until": closing, "minutes": 10}
    await refused("outside_window", seat(closing, company="Van Dael"))
    born = NOON.date() - timedelta(days=9000)
    assert await seat(company="van dael", born=born) == (S.CHECKED_IN, NOON, NOON + 45 * MINUTE)
    async with sqlite_sessions() as session:
        assert await session.scalar(select(Visitor.born).where(Visitor.name == "Lev Baum")) == born


async def test_staff_of_another_office_find_no_appointment_here(sqlite_sessions):
    day = await desks.build(sqlite_sessions)
    public_id, *_ = await desks.booked(sqlite_sessions, day)
    async with sqlite_sessions() as session:
        with pytest.raises(NotFound):
            await desks.of(session, day, public_id, office=day.hkg)


@pytest.mark.parametrize(
    ("typed", "mct"),
    [("1.019", 1019), ("1,02", 1020), (" 3 ct", 3000), ("0.000", None), ("1.0195", None), ("-1", None), ("x", None)],
)
def test_a_weight_is_read_as_the_scale_writes_it(typed, mct):
    assert mct_of(typed) == mct
