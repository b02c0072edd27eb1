"""Where stones travel: what a change would break is shown first; changed, no appointment moves, and people are told."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from pavilion.accounts.models import Person
from pavilion.kernel.errors import BadInput, StaleVersion
from pavilion.kernel.events import Event
from pavilion.viewings import lines, tours_searching, travelling, travelling_reading
from pavilion.viewings.lines import Draft, Sending
from pavilion.viewings.models import Appointment, Claim, WaitEntry
from pavilion.viewings.place_models import Window
from pavilion.viewings.states import AppointmentState
from pavilion.viewings.stone_models import Stay, StoneBlock
from pavilion.viewings.travelling import LineRefused
from tests import make
from tests.make import HOUR, NOON
from tests.viewings import booked
from tests.viewings.desk_house import STONE, at_home, opened, shown

DAY = timedelta(days=1)


async def buyer(session):
    return await make.person(session, firm=await make.company(session))


async def furnished(session):
    for office in ("ant", "hkg"):
        await booked.office(session, office)
    return await buyer(session)


def sending(leave, arrive, office="hkg", **changes):
    return lambda line: lines.sent(line, [Sending(office, leave, arrive, **changes)])


async def draft(session, change, stones=(STONE,)):
    return Draft.of(await travelling_reading.lines_of(session, stones), change)


async def told(session, name):
    return (await session.scalars(select(Event).where(Event.name == name).order_by(Event.id))).all()


async def test_a_change_is_looked_at_first_and_then_marks_what_it_breaks_and_moves_nothing(sessions):
    async with sessions.begin() as session:
        person = await furnished(session)
        await at_home(session)
        kept = await shown(session, person, NOON + DAY)
        lost = await shown(session, person, NOON + 3 * DAY)
        before = lost.starts_at, lost.ends_at, lost.sequence
        away = await draft(session, sending(NOON + 2 * DAY, NOON + 4 * DAY))
        ahead = await travelling.look_ahead(session, away, now=NOON)
        assert [one.visit.row.id for one in ahead.broken] == [lost.id]
        assert ahead.broken[0].code == "stone_in_transit"
        assert await session.scalar(select(func.count()).select_from(Stay)) == 1  # only looked at
        assert lost.attention is None and lost.state == AppointmentState.BOOKED
    async with sessions.begin() as session:
        away = await draft(session, sending(NOON + 2 * DAY, NOON + 4 * DAY))
        await travelling.change(session, away, seen=ahead.seen, by="01PERSON", now=NOON)
    async with sessions.begin() as session:
        row = await session.get_one(Appointment, lost.id)
        assert row.attention == "stone_in_transit"
        assert (row.starts_at, row.ends_at, row.sequence) == before
        assert (await session.get_one(Appointment, kept.id)).attention is None
        [event] = await told(session, "appointment:attention")
        assert event.subject == row.public_id and event.facts["cause"] == "travel"
        assert event.facts["reason"] == "stone_in_transit" and event.by == "01PERSON"
        line = (await travelling_reading.lines_of(session, [STONE]))[STONE]
        assert [(stop.office, stop.arrive, stop.depart) for stop in line] == [
            ("ant", None, NOON + 2 * DAY), ("hkg", NOON + 4 * DAY, None),
        ]  # fmt: skip
        back = await draft(session, lambda line: lines.removed(line, line[-1].id))
        ahead = await travelling.look_ahead(session, back, now=NOON)
        assert [visit.row.id for visit in ahead.mended] == [lost.id] and not ahead.broken
        await travelling.change(session, back, seen=ahead.seen, by="01PERSON", now=NOON)
        assert row.attention is None
        assert [event.subject for event in await told(session, "appointment:changed")] == [row.public_id]


async def test_what_was_not_seen_is_not_changed(postgres_sessions):
    async with postgres_sessions.begin() as session:
        person = await furnished(session)
        await at_home(session)
        away = await draft(session, sending(NOON + 2 * DAY, NOON + 4 * DAY))
        ahead = await travelling.look_ahead(session, away, now=NOON)
        await shown(session, person, NOON + 3 * DAY)  # somebody books meanwhile
        with pytest.raises(StaleVersion):
            await travelling.change(session, away, seen=ahead.seen, by="01PERSON", now=NOON)
        again = await travelling.look_ahead(session, away, now=NOON)
        assert again.broken and again.seen != ahead.seen


async def test_the_way_needs_what_the_table_says_on_that_day(sqlite_sessions):
    async with sqlite_sessions.begin() as session:
        await furnished(session)
        await at_home(session)
        for minutes, since in ((1200, date(2026, 1, 1)), (600, date(2026, 3, 10))):
            await travelling.set_way(session, "ant", "hkg", minutes=minutes, valid_from=since, by="01P", now=NOON)
        with pytest.raises(LineRefused) as refused:
            too_soon = await draft(session, sending(NOON + DAY, NOON + DAY + 11 * HOUR))
            await travelling.look_ahead(session, too_soon, now=NOON)
        assert refused.value.code == "leg_too_short"
        assert refused.value.facts["needed"] == "20:00" and refused.value.facts["given"] == "11:00"
        later = await draft(session, sending(NOON + 9 * DAY, NOON + 9 * DAY + 11 * HOUR))
        assert not (await travelling.look_ahead(session, later, now=NOON)).broken
        for bad in ({"minutes": 7}, {"minutes": 0}, {"minutes": 30_000}, {"start": "hkg"}, {"end": "nowhere"}):
            said = {"start": "ant", "end": "hkg", "minutes": 60, "valid_from": date(2026, 1, 1)} | bad
            start, end = said.pop("start"), said.pop("end")
            with pytest.raises(BadInput):
                await travelling.set_way(session, start, end, **said, by="01P", now=NOON)


async def test_a_trunk_goes_whole_or_not_at_all_and_an_office_left_without_it_is_seen(sqlite_sessions):
    other = "01STONE0000000000000000001"
    async with sqlite_sessions.begin() as session:
        await furnished(session)
        await at_home(session)
        await at_home(session, other, "hkg")
        with pytest.raises(lines.LineFault) as fault:
            await draft(session, sending(NOON + DAY, NOON + 2 * DAY), (STONE, other))
        assert fault.value.facts["stone"] == other
        flights = travelling_reading.trunks(
            {
                name: lines.sent(line, [Sending("hkg", NOON + DAY, NOON + 3 * DAY, carrier="Sky", carrier_ref="S 1")])
                for name, line in {STONE: (lines.Stop("ant", id=1),), other: (lines.Stop("ant", id=2),)}.items()
            },
            NOON, NOON + 28 * DAY,
        )  # fmt: skip
        assert [trunk.stones for trunk in flights] == [(STONE, other)]


# The pages


@pytest.fixture
async def house(sqlite_database_url, tmp_path):
    async with opened(sqlite_database_url, tmp_path) as one:
        yield one


SEND = {"act": "send", "leave": "2026-03-04T12:00", "office": "hkg", "arrive": "2026-03-06T18:00"}


def hidden(text):
    """The fields of the form that would make the change."""
    part = text[text.index('class="ahead"') :]
    part = part[part.index("<form") : part.index("</form>")]
    pairs = [one.split('name="')[1].split('" value="') for one in part.split("<input")[1:]]
    return [(name, value.split('"')[0]) for name, value in pairs]


async def test_a_line_is_changed_in_two_steps_by_who_acts_for_an_office_of_it(house):
    here = f"/staff/viewings/stones/{house.stones[0]}"
    vic, xia, noor, wen = [
        await house.browser(f"{name}@pavilion.example" if name != "wen" else "wen@lumen.example")
        for name in ("vic", "xia", "noor", "wen")
    ]
    async with vic, xia, noor, wen:
        page = (await vic.get(here)).text
        assert "In Antwerp" in page and "ANT-0001" in page and "Lumen Trading" in page
        ahead = await vic.post(f"{here}/what-if", data=SEND)
        assert ahead.status_code == 200 and "This would break one appointment" in ahead.text, ahead.text
        assert (await xia.post(f"{here}/what-if", data=SEND)).status_code == 403  # acts for neither office
        assert (await noor.get(here)).status_code == 200
        assert (await noor.post(f"{here}/what-if", data=SEND)).status_code == 403  # a curator reads
        assert (await wen.get(here)).status_code == 403
        form = {}
        for name, value in hidden(ahead.text):
            form.setdefault(name, []).append(value)
        assert (await vic.post(f"{here}/changes", data=form | {"seen": "0" * 64})).status_code == 409
        assert (await vic.post(f"{here}/changes", data=form)).status_code == 303
        page = (await vic.get(f"{here}?done=changed")).text
        assert "In Antwerp until" in page and "Needs attention" in page
        assert (await vic.get(f"{here}0")).status_code == 404
        whole = (await vic.get("/staff/viewings/travel")).text
        assert "Antwerp to Hong Kong" in whole
    zh = await house.browser("vic@pavilion.example", "zh")
    async with zh:
        assert "安特卫普" in (await zh.get(here)).text and (await zh.get("/staff/viewings/travel")).status_code == 200


REFUSED = [
    ({"arrive": "2026-03-04T20:00"}, 409, "needs 24:00"),
    ({"arrive": "2026-03-04T11:00"}, 409, "arrives before"),
    ({"leave": "2026-03-29T02:30", "arrive": "2026-04-02T10:00"}, 422, "never shows this time"),
    ({"leave": "2026-10-25T02:30", "arrive": "2026-10-28T10:00"}, 422, "shows this time twice"),
    ({"leave": "2026-13-45T99:99"}, 422, "check"),
    ({"leave": "9999-12-31T23:59"}, 422, "check"),
    ({"leave": "2026-03-04T12:03"}, 422, "five minutes"),
    ({"office": "nowhere"}, 422, "check"),
    ({"office": "ant"}, 409, "already"),
    ({"pack": "-5"}, 422, "check"),
    ({"pack": "7"}, 422, "five minutes"),
    ({"act": "tour"}, 422, "check"),
    ({"surprise": "x"}, 422, "check"),
    ({"late": "a lot", "act": "delay"}, 422, "check"),
]


async def test_what_cannot_be_meant_is_said_and_nothing_is_changed(house):
    here = f"/staff/viewings/stones/{house.stones[0]}"
    async with await house.browser("vic@pavilion.example") as vic:
        for said, status, words in REFUSED:
            answer = await vic.post(f"{here}/what-if", data=SEND | said)
            assert answer.status_code == status, (said, answer.text)
            assert words in answer.text, (said, answer.text[answer.text.index("<main") :][:1500])
    async with house.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Stay)) == 2
        assert await session.scalar(select(func.count()).select_from(Claim)) == 0


async def test_a_memo_does_not_start_over_appointments_and_names_them(house):
    here = f"/staff/viewings/stones/{house.stones[0]}"
    form = {"kind": "memo", "company": "Lumen Trading", "office": "ant", "since": "2026-03-05T13:00"}
    async with house.sessions.begin() as session:
        row = await session.scalar(select(Appointment))
        for quantum in range(int(row.starts_at.timestamp()) // 300, int(row.ends_at.timestamp()) // 300):
            session.add(Claim(resource=f"stone:{house.stones[0]}:f", quantum=quantum, appointment_id=row.id))
    async with await house.browser("vic@pavilion.example") as vic:
        refused = await vic.post(f"{here}/blocks", data=form | {"until": "2026-03-08T13:00"})
        assert refused.status_code == 409 and "ANT-0001" in refused.text[refused.text.index("is-wrong") :][:900]
        assert (await vic.post(f"{here}/blocks", data=form | {"until": "2026-03-05T12:00"})).status_code == 422
        assert (await vic.post(f"{here}/blocks", data=form | {"until": "2026-03-08T13:00", "company": "Nobody"})
                ).status_code == 422  # fmt: skip
        free = form | {"since": "2026-03-10T09:00", "until": "2026-03-12T09:00"}
        assert (await vic.post(f"{here}/blocks", data=free)).status_code == 303
        assert "Memo" in (await vic.get(here)).text
    async with house.sessions() as session:
        assert [block.kind for block in await session.scalars(select(StoneBlock))] == ["memo"]
        assert await session.scalar(select(func.count()).select_from(Person)) > 0


async def test_a_trunk_of_stones_is_sent_round_and_delayed_together(house):
    tour = {
        "act": "tour", "stones": house.stones[:2], "home": "ant", "office": ["hkg", "ant", ""],
        "leave": ["2026-03-09T12:00", "2026-03-13T18:00", ""], "arrive": ["2026-03-11T10:00", "2026-03-16T10:00", ""],
    }  # fmt: skip
    async with await house.browser("vic@pavilion.example") as vic:
        ahead = await vic.post("/staff/viewings/travel/what-if", data=tour)
        assert "This breaks no appointment" in ahead.text, ahead.text
        assert ahead.text.count('class="ahead-line"') == 1  # two stones that go the same way
        form = {}
        for name, value in hidden(ahead.text):
            form.setdefault(name, []).append(value)
        assert (await vic.post("/staff/viewings/travel/changes", data=form)).status_code == 303
        async with house.sessions() as session:
            found = await travelling_reading.lines_of(session, house.stones[:2])
        assert all([stop.office for stop in line] == ["ant", "hkg", "ant"] for line in found.values())
        assert all(line[-1].depart is None for line in found.values())
        late = {"act": "delay", "stones": house.stones[:2], "stay": [line[1].id for line in found.values()],
                "late": "6:30", "moves": "leg"}  # fmt: skip
        ahead = await vic.post("/staff/viewings/travel/what-if", data=late)
        form = {}
        for name, value in hidden(ahead.text):
            form.setdefault(name, []).append(value)
        assert (await vic.post("/staff/viewings/travel/changes", data=form)).status_code == 303
        apart = tour | {"stones": house.stones, "leave": ["2026-03-20T12:00"], "arrive": ["2026-03-22T10:00"]}
        refused = await vic.post("/staff/viewings/travel/what-if", data=apart | {"office": ["hkg"]})
        assert refused.status_code == 409 and "is not there" in refused.text
        assert (await vic.post("/staff/viewings/travel/what-if", data=tour | {"stones": []})).status_code == 422
        way = {"start": "ant", "end": "hkg", "takes": "20:30", "valid_from": "2026-01-01"}
        assert (await vic.post("/staff/viewings/travel/ways", data=way)).status_code == 303
        assert "20:30" in (await vic.get("/staff/viewings/travel/ways")).text
        assert (await vic.post("/staff/viewings/travel/ways", data=way | {"takes": "20:3"})).status_code == 422
    async with house.sessions() as session:
        moved = (await travelling_reading.lines_of(session, house.stones[:1]))[house.stones[0]]
        assert moved[1].arrive == found[house.stones[0]][1].arrive + timedelta(hours=6, minutes=30)


async def test_a_tour_is_searched_by_the_worker_and_taken_over_at_once_or_not_at_all(house):
    async with house.sessions.begin() as session:
        wen = await session.scalar(select(Person).where(Person.email == "wen@lumen.example"))
        for office in ("ant", "hkg"):
            for day in range(28):
                opens = NOON.replace(hour=8) + day * DAY
                times = {"day": opens.date(), "opens": "09:00", "closes": "19:00", "tz_version": "2026a"}
                session.add(Window(office_id=office, opens_at=opens, closes_at=opens + 10 * HOUR, **times))
        for n, (day, office) in enumerate([(7, "hkg"), (8, "hkg"), (3, "hkg"), (9, "ant")]):
            start, wish = NOON + day * DAY, {"stones": house.stones[:1], "visitors": [], "operator": None, "quotas": []}
            session.add(WaitEntry(
                public_id=f"01WAIT{n:020d}", company_id=wen.company_id, desk_id=f"{office}-d3", starts_at=start,
                ends_at=start + HOUR, party=1, wish=wish, created_at=NOON, request_key=f"w{n}",
            ))  # fmt: skip
    async with await house.browser("vic@pavilion.example") as vic:
        whole = (await vic.get("/staff/viewings/travel")).text
        assert "Awaited where they are not" in whole
        asked = await vic.post("/staff/viewings/travel/tours", data={"stones": house.stones[:1], "weeks": 3})
        assert asked.status_code == 303, asked.text
        here = asked.headers["location"]
        assert "Searched: 0%" in (await vic.get(here)).text
        assert (await vic.post(f"{here}/acceptance")).status_code == 409  # not found yet
        assert await tours_searching.tick(house.sessions, NOON) == 1
        assert await tours_searching.tick(house.sessions, NOON) == 0
        page = (await vic.get(here)).text
        assert "It serves 2 of 4" in page and "Who is not" in page, page[page.index("<main") :]
        async with house.sessions.begin() as session:  # somebody books where the stone would be away
            row = await shown(session, wen, NOON + 7 * DAY, house.stones[0])
        assert (await vic.post(f"{here}/acceptance")).status_code == 409
        async with house.sessions.begin() as session:
            (await session.get_one(Appointment, row.id)).state = AppointmentState.CANCELLED
        assert (await vic.post(f"{here}/acceptance")).status_code == 303
        assert (await vic.post(f"{here}/acceptance")).status_code == 409
        apart = await vic.post("/staff/viewings/travel/tours", data={"stones": house.stones})
        assert apart.status_code == 409 and "not at one office" in apart.text
        assert (await vic.post("/staff/viewings/travel/tours", data={"stones": []})).status_code in (403, 422)
        assert (await vic.post("/staff/viewings/travel/tours", data={"stones": "x", "weeks": 99})).status_code == 422
        assert (await vic.get("/staff/viewings/travel/tours/01NOBODY")).status_code == 404
    async with house.sessions() as session:
        line = (await travelling_reading.lines_of(session, house.stones[:1]))[house.stones[0]]
        assert [stop.office for stop in line] == ["ant", "hkg", "ant"]
        lines.check(line, lines.Ways())
        assert line[-1].depart is None
        held = select(Appointment).where(Appointment.state == AppointmentState.HELD)
        assert len((await session.scalars(held)).all()) == 2  # whom it serves has an offer
