"""What happens elsewhere reaches who comes to see: a stone sold or withdrawn, a verdict lost, a sale taken back.

Appointments are told and changed once, however often an event is read; none is cancelled.
"""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, select, update

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.auctions import publishing, service
from pavilion.catalogue import awaiting, searching
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.forms import FIRST_DAY
from pavilion.catalogue.models import AwaitedStone, CommitmentKind, Stone, StoneChange
from pavilion.catalogue.queries import called_in
from pavilion.catalogue.showing import name_of
from pavilion.catalogue.wanted import Wanted
from pavilion.kernel import events
from pavilion.kernel.events import Cursor, Event
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import viewing_notices
from pavilion.notifications.rules import Channel
from pavilion.notifications.wording import Author
from pavilion.provenance import custody_keeping
from pavilion.provenance.custody_keeping import Load, Weighed
from pavilion.viewings import following, lying_told, places, showing_own, stone_cards
from pavilion.viewings import service as viewings
from pavilion.viewings.models import Appointment, AppointmentStone, Claim
from pavilion.viewings.place_models import Office, OfficeStaff, Window
from pavilion.viewings.states import AppointmentState, BlockKind, StoneFate
from pavilion.viewings.stone_models import Stay, StoneBlock, StoneEnd
from pavilion.viewings.wishes import Code, Wish
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests import make
from tests.auctions import world
from tests.catalogue import stones as listing
from tests.luck import Random
from tests.make import HOUR, NOON
from tests.viewings import booked

S = AppointmentState
COMING = NOON + 48 * HOUR


class House:
    """A published sale of three stones, and two companies that come to see them."""

    def __init__(self, sessions, made, sale, lots, pair, single):
        self.sessions, self.made, self.sale, self.lots = sessions, made, sale, lots
        self.stones, self.pair, self.single = made.stones, pair, single

    async def ended(self, place, state):
        """The book says so of the lot at this place."""
        async with self.sessions.begin() as session:
            lots = {self.lots[place]: state}
            await service.mirror_states(session, sale=self.sale, state="open", lots=lots, now=NOON)

    async def follow(self, hours=1, again=False):
        if again:  # as after a restart from an older copy of the place read up to
            async with self.sessions.begin() as session:
                await session.execute(update(Cursor).where(Cursor.follower == following.FOLLOWER).values(last_id=0))
        return await following.follow(self.sessions, NOON + hours * HOUR)

    async def appointment(self, public_id):
        async with self.sessions() as session:
            row = await session.scalar(select(Appointment).where(Appointment.public_id == public_id))
            lines = await session.scalars(select(AppointmentStone).where(AppointmentStone.appointment_id == row.id))
            return row, {line.stone: line.dropped for line in lines}

    async def fates(self):
        async with self.sessions() as session:
            return dict((await session.execute(select(StoneEnd.stone, StoneEnd.fate))).all())

    async def told(self):
        async with self.sessions() as session:
            said = select(Event.name, Event.subject).where(Event.name.startswith("appointment:")).order_by(Event.id)
            return [tuple(row) for row in await session.execute(said)]


@pytest.fixture
async def house(sessions):
    made = await world.build(sessions, 3)
    sale = await world.published(sessions, made)
    first, second = [await world.buyer(sessions, n) for n in (1, 2)]
    async with sessions.begin() as session:
        await booked.office(session, "ant")
        people = {one.company_id: one for one in await session.scalars(select(Person))}
        rows = []
        for n, (buyer, seen) in enumerate([(first, made.stones[:2]), (second, made.stones[:1])]):
            row = await booked.appointment(
                session, people[buyer.company_id], office="ant", start=COMING + 4 * n * HOUR, sale=sale
            )
            await booked.lines(session, row, seen)
            claims = [
                Claim(resource=f"stone:{one}:f", quantum=int(row.starts_at.timestamp()) // 300, appointment_id=row.id)
                for one in seen
            ]
            session.add_all(claims)
            rows.append(row.public_id)
        await awaiting.await_stones(session, made.stones[:2], COMING + 6 * HOUR)
    return House(sessions, made, sale, await world.order(sessions, sale), *rows)


@pytest.mark.parametrize(("state", "fate"), [("sold", StoneFate.SOLD), ("withdrawn", StoneFate.WITHDRAWN)])
async def test_a_lot_that_left_its_sale_takes_its_stone_out_of_coming_appointments_once(house, state, fate):
    stone, code = house.stones[0], f"stone_{fate.value}"
    await house.ended(0, state)
    for again in (False, True, False):
        await house.follow(again=again)
        assert await house.fates() == {stone: fate}
        pair, seen = await house.appointment(house.pair)
        assert (pair.state, pair.sequence, pair.attention) == (S.BOOKED, 1, None)
        assert seen == {stone: code, house.stones[1]: None}
        single, seen = await house.appointment(house.single)
        assert (single.state, single.sequence, single.attention, seen) == (S.BOOKED, 1, code, {stone: code})
        assert await house.told() == [("appointment:changed", house.pair), ("appointment:attention", house.single)]
    async with house.sessions() as session:
        assert (await session.scalars(select(Claim.resource))).all() == [f"stone:{house.stones[1]}:f"]


async def test_a_passed_lot_can_still_be_seen(house):
    await house.ended(0, "passed")
    assert await house.follow() > 0
    assert (await house.fates(), await house.told()) == ({}, [])


async def test_what_a_killed_worker_left_undone_is_found_again(house):
    await house.ended(0, "sold")
    with pytest.raises(ZeroDivisionError):
        async with house.sessions.begin() as session:
            await following.look(session, house.stones, NOON)
            raise ZeroDivisionError
    assert await house.fates() == {}
    await house.follow()
    assert await house.fates() == {house.stones[0]: StoneFate.SOLD}
    assert len(await house.told()) == 2


async def test_who_booked_a_stone_that_is_shown_no_more_reads_of_it_what_it_was_then(house):
    stone = house.stones[0]
    row, _ = await house.appointment(house.single)

    async def read():
        async with house.sessions() as session:
            line = (await showing_own.own_of(session, row, "en")).stones[0]
            card = (await stone_cards.of_lines(session, house.made.curator, [line.row]))[line.row]
            assert (line.shown.title, line.shown.plan) == (name_of(card.stone, "en").title, card.plan)
            lots = line.shown.lot, card.lot
            return line.shown.stone.listed, lots, line.shown.title, card.stone.weight_mct, card.stone.stock_no

    listed, lots, *before = await read()
    async with house.sessions.begin() as session:
        await listing.revoke(session, stone)
        mine = await session.scalar(select(Stone).where(Stone.public_id == stone))
        changed = [{"stock_no": mine.stock_no, "weight_mct": 9_990, "color": "Z"}]
        await catalogue.store_stones(session, changed, supplier_company_id=mine.supplier_company_id, now=NOON + HOUR)
    assert (listed, lots) == (True, ("11", "11"))
    assert await read() == (False, ("", "11"), *before), "what is known of its lot now is the staff's alone"


async def test_a_verdict_lost_while_appointments_stand_is_told_to_company_and_office_and_names_nothing(house):
    stone = house.stones[0]
    async with house.sessions.begin() as session:
        vic = await make.person(session, "vic@pavilion.example", (Role.VIEWINGS,))
        session.add(OfficeStaff(office_id="ant", person_id=vic.id))
        await session.execute(update(Person).where(Person.email == "wen2@lumen.example").values(lang="zh"))
        facts = await session.scalar(select(Stone).where(Stone.public_id == stone))
        words = (stone, facts.stock_no, facts.report_no, name_of(facts, "en").title, name_of(facts, "zh").title)
        hidden = [*words, "1.01", "verdict", "verif", "reject", "origin", "ID-01", "lot 11", "验证", "产地"]
        await listing.revoke(session, stone)
    hearing = viewing_notices.hearing(house.sessions)
    for _ in range(2):
        await house.follow(again=True)
        await hearing.tick(NOON + HOUR)
    author = Author(pages_of(static.frontend()), "https://pavilion.example", b"secret")
    async with house.sessions() as session:
        people = {one.public_id: one.email for one in await session.scalars(select(Person))}
        rows = await session.scalars(select(Outbox).where(Outbox.kind == Channel.MAIL).order_by(Outbox.id))
        told = {}
        for row in rows:
            said = await author.worded(session, row.payload, Channel.MAIL)
            text = author.plain(said)
            assert [one for one in hidden if one.lower() in text.lower()] == []
            told.setdefault(people[said.person], []).append((row.payload["notice"], text))
    notices = {who: [notice for notice, _ in several] for who, several in told.items()}
    assert notices == {
        "wen1@lumen.example": ["viewing_changed"], "wen2@lumen.example": ["viewing_attention"],
        "vic@pavilion.example": ["office_stone_gone", "office_attention"],
    }  # fmt: skip
    assert "A stone of this viewing has been withdrawn." in told["wen1@lumen.example"][0][1]
    assert "看货" in told["wen2@lumen.example"][0][1]


async def test_a_stone_that_lost_its_verdict_is_shown_again_once_it_has_it_back(house):
    stone = house.stones[0]
    async with house.sessions.begin() as session:
        await listing.revoke(session, stone)
    await house.follow()
    assert await house.fates() == {stone: StoneFate.WITHDRAWN}
    await verified_again(house, stone)
    await house.follow()
    assert await house.fates() == {}
    assert (await house.appointment(house.single))[0].attention == "stone_withdrawn", "staff look at it all the same"


async def test_a_verdict_that_is_back_before_anybody_looked_has_changed_no_appointment_and_the_link_stands(house):
    stone = house.stones[0]
    for lost_for_good in (False, True):
        async with house.sessions.begin() as session:
            await listing.revoke(session, stone)
        links = select(AppointmentStone.exposed_id).where(AppointmentStone.stone == stone)
        async with house.sessions() as session:
            assert set(await session.scalars(links)) == {None}
        if not lost_for_good:
            await verified_again(house, stone)
        await house.follow()
        async with house.sessions() as session:
            assert set(await session.scalars(links)) == ({None} if lost_for_good else {stone})
        assert bool(await house.told()) == lost_for_good


async def verified_again(house, stone):
    async with house.sessions.begin() as session:
        await session.execute(
            update(listing.StoneVerdict)
            .where(listing.StoneVerdict.stone == stone)
            .values(verdict="verified", grade="B", codes="")
        )
        session.add(listing.ExposedStone(stone=stone, verdict="verified", exposed_at=NOON))
        await session.flush()
        await catalogue.verdicts_changed(session, [stone], now=NOON)
        events.record(session, "stone:verdict_changed", stone, by=None, at=NOON)


async def test_a_stone_offered_anew_is_shown_again(house):
    stone = house.stones[2]
    await house.ended(2, "withdrawn")
    await house.follow()
    assert await house.fates() == {stone: StoneFate.WITHDRAWN}
    async with house.sessions.begin() as session:
        await catalogue.commit_stone(
            session, stone=stone, kind=CommitmentKind.HELD, ref="01HOLD", facts={}, by=None, now=NOON
        )
    await house.follow()
    assert await house.fates() == {}


async def test_who_comes_for_a_sale_that_is_taken_back_is_told_and_told_again_when_it_is_on(house):
    async with house.sessions.begin() as session:
        proposal = await publishing.propose_unpublication(
            session, sale=house.sale, reason="other date", actor=house.made.curator, now=NOON
        )
    await world.decide(house.sessions, proposal.public_id, house.made.lead)
    for again in (False, True):
        await house.follow(again=again)
        row, seen = await house.appointment(house.pair)
        assert (row.state, row.attention, set(seen.values())) == (S.BOOKED, following.SALE_OFF, {None})
        assert [name for name, subject in await house.told() if subject == house.pair] == ["appointment:attention"]
    await world.decide(house.sessions, await world.proposed(house.sessions, house.made, house.sale), house.made.lead)
    await house.follow()
    assert (await house.appointment(house.pair))[0].attention is None
    assert (await house.told())[-1] == ("appointment:changed", house.single)


async def test_a_stone_is_awaited_as_long_as_somebody_comes(house):
    async def awaited():
        async with house.sessions() as session:
            stones = select(Stone.public_id, AwaitedStone.until).join(Stone, Stone.id == AwaitedStone.stone_id)
            return dict((await session.execute(stones)).all())

    async def gone(public_id):
        async with house.sessions.begin() as session:
            wanted = update(Appointment).where(Appointment.public_id == public_id)
            await session.execute(wanted.values(state=S.CANCELLED))
            events.record(session, "appointment:cancelled", public_id, by="house", at=NOON)
        await house.follow()

    first, second = house.stones[:2]
    await gone(house.single)
    assert await awaited() == {first: COMING + 2 * HOUR, second: COMING + 6 * HOUR}, "what nobody asked about stays"
    await gone(house.pair)
    assert await awaited() == {}


async def test_a_booked_time_that_is_given_back_and_not_taken_since_is_told_to_the_catalogue_once(house):
    async def told():
        async with house.sessions() as session:
            lines = select(Stone.public_id, StoneChange.after["viewing"].as_string()).join_from(StoneChange, Stone)
            lines = lines.where(StoneChange.after["viewing"].as_string().is_not(None))
            return sorted(map(tuple, await session.execute(lines)))

    async def gone(public_id, booked):
        async with house.sessions.begin() as session:
            wanted = update(Appointment).where(Appointment.public_id == public_id)
            await session.execute(wanted.values(state=S.CANCELLED))
            for name in (*booked, "appointment:cancelled"):
                events.record(session, name, public_id, by="house", at=NOON)
        await house.follow()

    await gone(house.single, ())
    assert await told() == [], "a hold that lapsed was taken by nobody"
    await gone(house.pair, ("appointment:booked",))
    await house.follow(again=True)
    assert await told() == sorted((stone, house.pair) for stone in house.stones[:2])


async def test_the_catalogue_is_told_where_each_stone_lies_as_stays_begin_and_end(house):
    first, second = house.stones[:2]

    async def lying():
        async with house.sessions() as session:
            found = select(Stone.public_id, Stone.office).where(Stone.office.is_not(None))
            return dict((await session.execute(found)).all())

    async with house.sessions.begin() as session:
        await places.keep(session, first, "ant", now=NOON)
        session.add(Stay(stone=second, office_id="ant", arrive=NOON + HOUR, depart=NOON + 3 * HOUR, at=NOON))
    tell = partial(lying_told.tell, house.sessions)
    assert [await tell(NOON), await lying(), await tell(NOON)] == [2, {first: "ant"}, 0], "days to come are told before"
    assert [await tell(NOON + HOUR), await lying()] == [1, {first: "ant", second: "ant"}]
    assert [await tell(NOON + 3 * HOUR), await lying()] == [1, {first: "ant"}]
    async with house.sessions.begin() as session:
        asked = await searching.ask(session, Wanted(chosen={"office": frozenset({"ant"})}), size=9, bars=())
        named = await called_in(session, Wanted(), asked.facets, "en")
    assert (asked.total, asked.facets["office"]) == (1, {"ant": 1}) and named["ant"]


async def test_who_lies_in_an_office_on_a_day_is_what_the_stays_without_the_memos_say_hour_by_hour(house):
    luck, stays, memos = Random(11), [], []
    for stone in house.stones:
        at = -30
        for office in luck.sample(["ant", "hkg", "ant"], luck.randrange(1, 4)):
            begin, end = at + luck.randrange(0, 40), at + luck.randrange(41, 90)
            stays.append((stone, office, luck.choice([None, begin]) if at == -30 else begin, end))
            memos.append((stone, begin + luck.randrange(-9, 40), begin + luck.randrange(41, 99)))
            at = end
        if luck.random() < 0.5:
            stays[-1] = (*stays[-1][:3], None)
    async with house.sessions.begin() as session:
        await session.execute(delete(Stay))
        await booked.office(session, "hkg")
        zones = {one.id: ZoneInfo(one.zone) for one in await session.scalars(select(Office))}
        for stone, office, begin, end in stays:
            ends = (None if one is None else NOON + one * HOUR for one in (begin, end))
            session.add(Stay(stone=stone, office_id=office, arrive=next(ends), depart=next(ends), at=NOON))
        for stone, begin, end in memos:
            out = {"kind": BlockKind.MEMO, "starts_at": NOON + begin * HOUR, "ends_at": NOON + end * HOUR}
            session.add(StoneBlock(stone=stone, **out, at=NOON))
    assert await lying_told.tell(house.sessions, NOON) and not await lying_told.tell(house.sessions, NOON)

    def there(stone, office, hour):
        stay = any(
            one == stone and at == office and (begin is None or begin <= hour) and (end is None or hour < end)
            for one, at, begin, end in stays
            if end is None or end > 0
        )
        return stay and not any(one == stone and begin <= hour < end for one, begin, end in memos if end > 0)

    found, now = 0, {office: {one for one in house.stones if there(one, office, 0)} for office in ("ant", "hkg")}
    async with house.sessions() as session:
        ids = {stone.id: stone.public_id for stone in await session.scalars(select(Stone))}
        for office in ("ant", "hkg"):
            asked = await searching.ask(session, Wanted(chosen={"office": frozenset({office})}), size=99, bars=())
            assert {ids[one] for one in asked.ids} == now[office], "at this instant"
            for day in range(10):
                date = (NOON + timedelta(days=day)).date()
                hours = [
                    hour for hour in range(-48, 300) if (NOON + hour * HOUR).astimezone(zones[office]).date() == date
                ]
                number = (date - FIRST_DAY).days
                wanted = Wanted(chosen={"office": frozenset({office})}, ranges={"officeday": (number, number)})
                asked = await searching.ask(session, wanted, size=99, facets=("office",), bars=())
                lie = {stone for stone in house.stones if any(there(stone, office, hour) for hour in hours)}
                assert {ids[one] for one in asked.ids} == lie, (office, day)
                assert asked.facets["office"].get(office, 0) == len(lie)
                found += len(lie)
    assert found


async def test_a_stone_that_was_carried_out_of_the_house_lies_in_no_office(house):
    lent, bought, seen = house.stones
    async with house.sessions.begin() as session:
        await session.execute(delete(Stay))
        for stone, holder in ((lent, "buyer"), (bought, custody_keeping.GONE), (seen, "viewer")):
            await places.keep(session, stone, "ant", now=NOON)
            said = {"holder": holder, "place": "ant", "ref": holder, "by": "01ANT", "to": "A. Wen", "now": NOON}
            await custody_keeping.hand_out(session, Load((stone,)), Weighed(1000), **said)
    await lying_told.tell(house.sessions, NOON)
    async with house.sessions() as session:
        rows = await session.execute(select(Stone.public_id, Stone.office, Stone.lies))
        assert {row[0]: tuple(row[1:]) for row in rows} == {
            lent: (None, "ant:-"), bought: (None, None), seen: ("ant", "ant:-"),
        }  # fmt: skip


async def test_now_and_then_every_awaited_stone_is_looked_at_without_an_event(house):
    tick = following.Following(house.sessions).tick
    await tick(NOON)
    async with house.sessions.begin() as session:
        gone = update(Stone).where(Stone.public_id == house.stones[0])
        await session.execute(gone.values(withdrawn_at=NOON).execution_options(synchronize_session=False))
    assert await tick(NOON + timedelta(seconds=1)) == 0
    assert await tick(NOON + following.ANEW) == 1
    assert await house.fates() == {house.stones[0]: StoneFate.WITHDRAWN}


async def test_a_booking_keeps_its_stones_listed_and_a_sold_one_is_booked_no_more(house):
    stone, start = house.stones[1], NOON + 24 * HOUR
    async with house.sessions.begin() as session:
        await places.keep(session, stone, "ant", now=NOON)
        opens = {"day": start.date(), "opens": "00:00", "closes": "24:00", "tz_version": "2026a"}
        session.add(Window(office_id="ant", opens_at=NOON, closes_at=NOON + 96 * HOUR, **opens))
        company = await session.scalar(select(Appointment.company_id).where(Appointment.public_id == house.single))
        wish = Wish(company, "ant-d3", start, start + HOUR, stones=(stone,), sale=house.sale)

        async def asked(key):
            return (await viewings.book(session, wish, key=key, by="01WEN", now=NOON))[1].code

        await session.execute(delete(AwaitedStone))
        assert await asked("first") == Code.OK
        stock_no = await session.scalar(select(Stone.stock_no).where(Stone.public_id == stone))
        await catalogue.release_stone(session, stone=stone, ref=house.lots[1], by=None, now=NOON)
        said = {"supplier_company_id": house.made.supplier.id, "stock_nos": [stock_no], "by": None}
        assert await catalogue.withdraw_stones(session, **said, now=NOON) == []
        assert await catalogue.withdraw_stones(session, **said, now=start + HOUR) == [stone]
    await house.follow()
    async with house.sessions.begin() as session:
        again = replace(wish, start=start + 4 * HOUR, end=start + 5 * HOUR)
        row, answer = await viewings.book(session, again, key="second", by="01WEN", now=NOON)
        assert (row, answer.code) == (None, Code.STONE_WITHDRAWN)
