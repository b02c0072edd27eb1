"""The buyer's pages: from the stones to a booked hour, its changes, and what is refused."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from pavilion.accounts.models import Person
from pavilion.viewings import forms, sweeping
from pavilion.viewings.models import Appointment, AppointmentVisitor, Claim, Visitor, WaitEntry
from pavilion.viewings.place_models import Regime
from tests.make import PASSWORD
from tests.viewings import buyers
from tests.viewings.buyers import DAY, HOUR, ILSE, NOW, OPENS, WEN, browser, slot, wish

pytestmark = pytest.mark.asyncio(loop_scope="module")
VISITOR = {"visitor_name": "Lena Maes", "visitor_born": "1980-02-29", "visitor_document": "id_card"}


async def count(app, kind):
    async with app.state.sessions() as session:
        return await session.scalar(select(func.count()).select_from(kind))


async def held(client, app, **changes):
    answer = await client.post("/viewings/holds", data=wish(app, **changes))
    assert answer.status_code == 303, answer.text[:2000]
    return answer.headers["location"]


async def test_the_booking_page_shows_where_the_stones_are_and_the_hours_in_both_clocks(house):
    async with browser(house, WEN) as client:
        client.cookies.set("zone", "America/New_York")
        answer = await client.get("/viewings", params={"stones": ",".join(house.state.stones[:2])})
        assert answer.status_code == 200
        assert "all 2 on Tuesday 3 March" in answer.text
        assert "<b>10:00</b>" in answer.text and "21:00 New York, yesterday" in answer.text
        three = await client.get("/viewings", params={"stones": ",".join(house.state.stones), "office": "hkg"})
        assert "2 of your 3 stones" in three.text and "2 of 3 stones" in three.text
        part = await held(client, house, n=3, slot=slot() + "~2")
        assert "2 stones" in (await client.get(part)).text, "those that are there then"
        none = await client.post("/viewings/holds", data=wish(house, 3, slot=slot() + "~3", key="o" * 9))
        assert none.status_code == 404 or none.status_code == 409


async def test_an_hour_is_held_then_confirmed_once_however_often_it_is_asked(house):
    async with browser(house, WEN) as client:
        at = await held(client, house, note="north light", **VISITOR)
        assert await held(client, house, note="north light", **VISITOR) == at, "the same form is the same hold"
        other = await client.post("/viewings/holds", data=wish(house, party="2", note="north light", **VISITOR))
        assert other.status_code == 409, "the form that was kept open and says more is not answered with the first"
        assert "north light" in (await client.get(at)).text
        page = await client.get(at)
        assert "Held for you" in page.text and "5:00" in page.text and "Lena Maes" in page.text
        assert "Free changes of this hour ended" not in page.text
        for _ in range(2):
            said = await client.post(f"{at}/confirmation", data={"key": buyers.key_in(page.text)})
            assert (said.status_code, said.headers["location"]) == (303, f"{at}?done=confirm")
        booked = await client.get(at)
        assert "Booked" in booked.text and "10:00–11:00 (HKT, UTC+8)" in booked.text
        assert "Show the pass" in booked.text and "calendar.ics" in booked.text
        assert "Wednesday" not in (await client.get("/viewings/appointments")).text
    assert await count(house, Appointment) == 1


async def test_a_hold_that_ended_is_renewed_with_one_press(house):
    async with browser(house, WEN) as client:
        at = await held(client, house)
        key = buyers.key_in((await client.get(at)).text)
        house.state.hands.now = NOW + 6 * HOUR / 60
        late = await client.post(f"{at}/confirmation", data={"key": key})
        assert late.status_code == 409 and "Hold it again" in late.text
        again = await client.post(f"{at}/renewal", data={"key": key})
        assert again.status_code == 303 and again.headers["location"] != at
        assert (await client.post(f"{at}/renewal", data={"key": key})).headers["location"] == again.headers["location"]
        assert "Held for you" in (await client.get(again.headers["location"])).text


async def test_a_taken_hour_is_refused_with_its_reason_the_nearest_hours_and_what_was_typed(house):
    async with browser(house, WEN) as first, browser(house, ILSE) as second:
        await held(first, house)
        before = await count(house, Claim)
        answer = await second.post(
            "/viewings/holds", data=wish(house, slot=slot("hkg-2"), note="north light", **VISITOR)
        )
        assert answer.status_code == 409
        assert "Nearest times that are free" in answer.text
        assert "north light" in answer.text and "Lena Maes" in answer.text
        assert "Lumen" not in answer.text, "who has it is nobody's business"
        assert await count(house, Claim) == before
        assert await count(house, Visitor) == 0, "a refusal leaves no row behind"
        full = await second.get("/viewings", params={"stones": house.state.stones[0], "office": "hkg"})
        assert "shown to another" in full.text and "Wait list" in full.text


async def test_a_wish_waits_shows_its_place_and_is_left(house):
    async with browser(house, WEN) as first, browser(house, ILSE) as second:
        await held(first, house)
        form = wish(house) | {"wait": slot()}
        del form["slot"]
        joined = await second.post("/viewings/waitlist", data=form)
        assert joined.status_code == 303, joined.text[:1500]
        page = await second.get("/viewings/waitlist")
        assert "first for this hour" in page.text
        for minutes in (6, 127):  # the hour is kept for who waits, who does not answer, and waits again
            await sweeping.tick(house.state.sessions, house.state.hands.now + timedelta(minutes=minutes))
            page = await second.get("/viewings/waitlist")
            assert ("Take it" in page.text, "Leave the list" in page.text) == (minutes == 6, minutes == 127)
        assert (await first.get("/viewings/waitlist")).text.count("viewing-line") == 0
        entry = joined.headers["location"].split("#")[1]
        assert (await first.post(f"/viewings/waitlist/{entry}/leaving", data={"key": "x" * 9})).status_code == 404
        for _ in range(2):
            left = await second.post(f"/viewings/waitlist/{entry}/leaving", data={"key": buyers.key_in(page.text)})
            assert left.status_code == 303
    async with house.state.sessions() as session:
        assert await session.scalar(select(WaitEntry.state)) == "gone"


async def test_whoever_leaves_the_list_as_the_place_is_offered_gives_it_back(house):
    async with browser(house, WEN) as first, browser(house, ILSE) as second:
        await held(first, house)
        form = wish(house) | {"wait": slot()}
        del form["slot"]
        entry = (await second.post("/viewings/waitlist", data=form)).headers["location"].split("#")[1]
        await sweeping.tick(house.state.sessions, house.state.hands.now + timedelta(minutes=6))
        left = await second.post(f"/viewings/waitlist/{entry}/leaving", data={"key": "l" * 9})
        assert left.status_code == 303
    assert await count(house, Claim) == 0


async def booked(client, app, **changes):
    at = await held(client, app, **changes)
    answer = await client.post(f"{at}/confirmation", data={"key": "c" * 9})
    assert answer.status_code == 303
    return at


async def test_a_move_shows_first_which_stones_it_would_lose(house):
    async with browser(house, WEN) as client:
        at = await booked(client, house, n=2)
        page = await client.get(f"{at}/move")
        assert page.status_code == 200 and "Move to another hour" in page.text
        to = slot("ant-1", OPENS.replace(hour=9))
        preview = await client.post(f"{at}/move", data={"key": "m" * 9, "slot": to})
        assert preview.status_code == 409, "both stones are in Hong Kong: none would be left"
        near = slot("hkg-2", OPENS + HOUR)
        preview = await client.post(f"{at}/move", data={"key": "m" * 9, "slot": near})
        assert preview.status_code == 200 and "All stones come along" in preview.text
        form = {"key": buyers.key_in(preview.text), "slot": near, "sure": "true", "stones": house.state.stones[:2]}
        for _ in range(2):
            moved = await client.post(f"{at}/move", data=form)
            assert moved.status_code == 303
    async with house.state.sessions() as session:
        row = await session.scalar(select(Appointment))
        assert (row.starts_at, row.desk_id, row.sequence) == (OPENS + HOUR, "hkg-2", 1)


async def test_a_stone_that_travels_is_named_before_a_move_loses_it(house):
    from pavilion.viewings.stone_models import Stay

    async with house.state.sessions.begin() as session:
        gone = update(Stay).where(Stay.stone == house.state.stones[1])
        await session.execute(gone.values(depart=OPENS + 12 * HOUR))
    async with browser(house, WEN) as client:
        at = await booked(client, house, n=2)
        to = slot("hkg-1", OPENS + DAY)
        preview = await client.post(f"{at}/move", data={"key": "m" * 9, "slot": to})
        assert preview.status_code == 200 and "One stone would be lost" in preview.text
        assert "Move with the stone" in preview.text
        form = {"key": "n" * 9, "slot": to, "sure": "true", "stones": house.state.stones[:1]}
        assert (await client.post(f"{at}/move", data=form)).status_code == 303


async def test_cancelling_is_free_until_its_cut_off_and_asked_of_the_office_after_it(house):
    async with browser(house, WEN) as client:
        at = await booked(client, house)
        page = (await client.get(at)).text
        assert "Tuesday 3 March 2026, 10:00 in Hong Kong" in page, "the cut-off in the office's wall time"
        house.state.hands.now = OPENS - 47 * HOUR
        await client.post("/sign-in", data={"email": WEN, "password": PASSWORD})  # the day before's session has ended
        late = await client.post(f"{at}/cancellation", data={"key": "x" * 9})
        assert late.status_code == 409 and "Ask the office to cancel" in late.text
        for _ in range(2):
            asked = await client.post(f"{at}/late-cancellation", data={"key": "y" * 9, "reason": "flight missed"})
            assert asked.status_code == 303
        assert "The office has been asked." in (await client.get(at)).text
    async with house.state.sessions() as session:
        row = await session.scalar(select(Appointment))
        assert (row.state, row.attention) == ("booked", "late_cancel_asked")


async def test_who_cancels_in_time_is_free(house):
    async with browser(house, WEN) as client:
        at = await booked(client, house)
        for _ in range(2):
            assert (await client.post(f"{at}/cancellation", data={"key": "x" * 9})).status_code == 303
        assert "Cancelled" in (await client.get(at)).text
    assert await count(house, Claim) == 0


async def test_visitors_are_added_and_taken_away(house):
    async with browser(house, WEN) as client:
        at = await booked(client, house, **VISITOR)
        async with house.state.sessions() as session:
            lena = await session.scalar(select(Visitor.public_id))
        two = {"key": "v" * 9, "known": lena, "visitor_name": ["Jan Peeters"], "visitor_born": ["1971-05-05"]}
        said = await client.post(f"{at}/visitors", data=two)
        assert said.status_code == 303, said.text[:800]
        assert await count(house, AppointmentVisitor) == 2
        assert (await client.post(f"{at}/visitors", data={"key": "w" * 9})).status_code == 303
        assert await count(house, AppointmentVisitor) == 0
        wrong = {"key": "z" * 9, "visitor_name": "Jan Peeters", "visitor_born": "2031-01-01"}
        kept = await client.post(f"{at}/visitors", data=wrong)
        assert kept.status_code == 422 and "2031-01-01" in kept.text and "Jan Peeters" in kept.text


async def test_another_company_finds_nothing_of_it(house):
    async with browser(house, WEN) as client, browser(house, ILSE) as other:
        at = await booked(client, house, **VISITOR)
        assert (await other.get(at)).status_code == 404
        for act in ("confirmation", "cancellation", "renewal", "giving-back", "declaration", "late-cancellation"):
            assert (await other.post(f"{at}/{act}", data={"key": "x" * 9})).status_code == 404
        assert (await other.post(f"{at}/move", data={"key": "x" * 9, "slot": slot()})).status_code == 404
        async with house.state.sessions() as session:
            lena = await session.scalar(select(Visitor.public_id))
        foreign = await other.post("/viewings/holds", data=wish(house, slot=slot("hkg-2", OPENS + HOUR), known=lena))
        assert foreign.status_code == 404


UNREADABLE = (
    {"party": "21"}, {"party": "many"}, {"slot": "hkg-1"}, {"slot": ""}, {"key": "short"}, {"colour": "blue"},
    {"slot": "hkg-1~2026-03-05T03:00Z~2026-03-05T02:00Z"}, {"slot": "hkg-1~2101-03-05T02:00Z~2101-03-05T03:00Z"},
    {"slot": slot() + "~all"}, {"slot": slot() + "~1~2"}, {"stones": ["nonsense"]}, {"mode": "by post"},
    {"named": [{"name": "Lena", "born": "30 February"}]}, {"named": [{"name": "Lena", "born": "1780-01-01"}]},
)  # fmt: skip


async def test_what_cannot_be_meant_is_not_read():
    said = {"key": "k" * 9, "slot": slot(), "stones": ["01M7Z85APYN1SA12CS184JB4HM"]}
    assert forms.read(forms.BookForm, said)[0] is not None
    for changes in UNREADABLE:
        form, faults = forms.read(forms.BookForm, said | changes)
        assert form is None and set(faults.values()) == {"bad_input"}, changes


async def test_bad_input_comes_back_with_the_page_and_claims_nothing(house):
    async with browser(house, WEN) as client:
        unread = [{"party": "0"}, {"slot": "hkg-1"}, {"stones": ""}, {"colour": "blue"}]
        for changes in (*unread, {"slot": "hkg-1~2026-03-05T02:03Z~2026-03-05T03:03Z"}, {"slot": slot(hours=30)}):
            answer = await client.post("/viewings/holds", data=wish(house) | changes)
            assert (answer.status_code, 'id="refused"' in answer.text) == (422, True), changes
    assert (await count(house, Claim), await count(house, Appointment), await count(house, Visitor)) == (0, 0, 0)


async def test_ten_thousand_stones_are_too_many(house):
    many = [f"01M7Z85APYN1SA12CS1{n:07d}" for n in range(10_000)]
    async with browser(house, WEN) as client:
        lines = await client.post("/viewings/holds", data=wish(house, stones=",".join(many)))
        assert lines.status_code == 422
        fields = await client.post("/viewings/holds", data=wish(house, stones=many))
        assert fields.status_code in (400, 422)
        assert (await client.get("/viewings", params={"stones": ",".join(many[:200])})).status_code == 200
    assert await count(house, Claim) == 0


async def test_a_stone_that_is_not_shown_is_not_found(house):
    async with browser(house, WEN) as client:
        answer = await client.post("/viewings/holds", data=wish(house, stones=["01M7Z85APYN1SA12CS184JB4HM"]))
        assert answer.status_code == 404


async def test_every_page_of_a_buyer_stands_in_chinese(house):
    async with house.state.sessions.begin() as session:
        await session.execute(update(Person).values(lang="zh"))
    async with browser(house, WEN) as client:
        at = await booked(client, house, **VISITOR)
        for path in ("/viewings", "/viewings/appointments", "/viewings/waitlist", at, f"{at}/move"):
            page = await client.get(path)
            assert page.status_code == 200 and 'lang="zh-Hans"' in page.text
            main = page.text[page.text.index("<main") :]
            for alien in ("办公室", "钻石", "看货次数", "我的工作台", "签署方"):  # right elsewhere, false here
                assert alien not in main, (path, alien)


async def test_strangers_learn_how_to_come_and_staff_have_no_company_to_book_for(house):
    async with browser(house) as nobody, browser(house, "vic@pavilion.example") as vic:
        assert "Come without a company" in (await nobody.get("/viewings")).text
        assert (await nobody.get("/viewings/appointments")).status_code == 303
        assert (await vic.get("/viewings")).status_code == 403


async def test_a_reader_without_script_sets_the_own_clock(house):
    async with browser(house, WEN) as client:
        said = await client.post("/viewings/zone", data={"zone": "Asia/Dubai", "back": "/viewings/appointments"})
        assert said.headers["location"] == "/viewings/appointments"
        page = await client.get("/viewings", params={"stones": house.state.stones[0]})
        assert "06:00 Dubai" in page.text
        assert (await client.post("/viewings/zone", data={"zone": "Europe/Nowhere"})).status_code == 422


async def test_a_hold_says_before_it_is_confirmed_that_free_changes_are_over_and_that_some_are_not_named(house):
    async with browser(house, WEN) as client:
        at = await held(client, house, slot=slot(start=OPENS - DAY), party="2", **VISITOR)
        page = (await client.get(at)).text
        assert "Free changes of this hour ended" in page and "1 of 2 persons are named" in page


async def test_nearest_times_at_another_office_stand_on_its_clock_and_under_its_name(house):
    async with browser(house, WEN) as client:
        form = wish(house, office="ant", slot=slot("ant-1", OPENS.replace(hour=9)))
        answer = await client.post("/viewings/holds", data=form)
        assert answer.status_code == 409 and "is in Hong Kong then." in answer.text, "no office is called by its id"
        offers = answer.text.split('id="offers-head"')[1].split("</section>")[0]
        assert re.findall(r"<b>(\d\d:\d\d)</b>", offers) == ["11:00", "12:00", "13:00"]
        assert offers.count("Hong Kong</small>") == 3 and "HKT, UTC+8" in offers and "CET" not in offers
        gone = await client.post("/viewings/holds", data=wish(house, slot=slot("hkg-1", NOW - HOUR)))
        assert "That time is over." in gone.text and "0 minutes" not in gone.text


async def test_a_taken_desk_gives_way_to_another_and_a_stone_that_is_shown_is_the_reason(house):
    async with browser(house, WEN) as first, browser(house, ILSE) as second:
        await held(first, house)
        shown = await second.post("/viewings/holds", data=wish(house))
        assert shown.status_code == 409 and "being shown to someone else" in shown.text
        other = wish(house) | {"stones": house.state.stones[1]}
        at = await second.post("/viewings/holds", data=other)
        assert at.status_code == 303, "the desk that it names is taken, the other one is free"
        assert (await second.post("/viewings/holds", data=other)).headers["location"] == at.headers["location"]
        assert "Desk 2" in (await second.get(at.headers["location"])).text


async def test_a_day_on_which_nothing_may_begin_any_more_is_not_offered(house):
    house.state.hands.now = (NOW + DAY).replace(hour=5, minute=5)  # Tuesday, 13:05 in Hong Kong: open until 14:00
    async with browser(house, WEN) as client:
        answer = await client.get("/viewings", params={"stones": house.state.stones[0]})
        assert "from Wednesday 4 March" in answer.text and "Tue 3 Mar" not in answer.text


async def test_a_declaration_is_asked_for_before_the_hour_is_chosen_and_before_a_move(house):
    async with house.state.sessions.begin() as session:
        span = {"starts_at": OPENS, "ends_at": OPENS + 4 * HOUR, "at": NOW}
        session.add(Regime(office_id="hkg", declaration=True, **span))
    async with browser(house, WEN) as client:
        page = await client.get("/viewings", params={"stones": house.state.stones[0]})
        assert page.text.count("health declaration asked") == 1, "on Thursday alone"
        assert "weighed out to you" in page.text and 'href="#sum"' in page.text
        video = await client.get("/viewings", params={"stones": house.state.stones[0], "mode": "remote"})
        assert "weighed out to you" not in video.text and "health declaration asked" not in video.text
        away = await client.get("/viewings", params={"stones": house.state.stones[0], "office": "ant"})
        assert "To Hong Kong: one stone can be seen there" in away.text and "join the wait list" not in away.text
        at = await booked(client, house, slot=slot(start=OPENS + DAY))
        to = await client.post(f"{at}/move", data={"key": "m" * 9, "slot": slot("hkg-2")})
        assert "health declaration of the last 24 hours" in to.text and "Desk 2" in to.text
