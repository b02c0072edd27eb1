"""Viewings for programs: the same verbs and codes as the pages, as JSON."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from pavilion.catalogue.models import Stone
from pavilion.viewings import api
from pavilion.viewings.models import Appointment, Claim
from tests.viewings import buyers
from tests.viewings.buyers import ILSE, WEN, browser

pytestmark = pytest.mark.asyncio(loop_scope="module")
SLOTS, MADE = "/api/v1/viewings/slots", "/api/v1/viewings/appointments"


def key(word):
    return {"idempotency-key": f"{word}-0000001"}


def body(app, **changes):
    return {"desk": "hkg-1", "start": "2026-03-05T02:00:00Z", "stones": app.state.stones[:1]} | changes


async def test_slots_have_their_code_and_both_forms_of_time(house):
    async with browser(house, WEN) as client:
        asked = {"stones": house.state.stones[0], "from": "2026-03-05", "to": "2026-03-06", "office": "hkg"}
        first = (await client.get(SLOTS, params=asked)).json()["slots"][0]
        assert (first["start"], first["wall"], first["offset"], first["code"]) == (
            "2026-03-05T02:00:00.000000Z", "2026-03-05T10:00", "UTC+8", "ok",
        )  # fmt: skip
        for wrong in (
            {"stones": "nonsense"}, {"from": "2101-01-01"}, {"from": "2026-03-06", "to": "2026-03-05"},
            {"from": "2026-03-01", "to": "2026-05-01"}, {"party": "21"}, {"party": "0"}, {"stones": "X," * 1500},
        ):  # fmt: skip
            answer = await client.get(SLOTS, params=asked | wrong)
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_input"), wrong
        for unknown in ({"office": "xxx"}, {"stones": "01M7Z85APYN1SA12CS184JB4HM"}):
            answer = await client.get(SLOTS, params=asked | unknown)
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_reference")


async def test_an_hour_is_held_confirmed_moved_and_cancelled_once_for_each_key(house):
    async with browser(house, WEN) as client:
        made = await client.post(MADE, json=body(house), headers=key("make"))
        assert made.status_code == 201 and made.json()["state"] == "held"
        again = await client.post(MADE, json=body(house), headers=key("make"))
        assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
        for changes in ({"party": 2}, {"stones": house.state.stones[:2]}, {"start": "2026-03-05T03:00:00Z"}):
            reused = await client.post(MADE, json=body(house, **changes), headers=key("make"))
            assert (reused.status_code, reused.json()["code"]) == (409, "key_reused"), changes
        at = f"{MADE}/{made.json()['id']}"
        answers = [await client.post(f"{at}/confirmation", headers=key("sure")) for _ in range(2)]
        assert [one.status_code for one in answers] == [200, 200] and answers[0].json() == answers[1].json()
        assert answers[0].json()["state"] == "booked"
        there = {"start": "2026-03-05T12:00", "desk": "hkg-2"}  # the office's wall time
        moved = [await client.post(f"{at}/move", json=there, headers=key("move")) for _ in range(2)]
        assert {one.json()["start"] for one in moved} == {"2026-03-05T04:00:00.000000Z"}
        other = await client.post(f"{at}/move", json=there | {"desk": "hkg-1"}, headers=key("move"))
        assert (other.status_code, other.json()["code"]) == (409, "key_reused")
        gone = [await client.post(f"{at}/cancellation", headers=key("away")) for _ in range(2)]
        assert [one.json()["state"] for one in gone] == ["cancelled", "cancelled"]
        assert (await client.get(MADE)).json()["items"][0]["sequence"] == gone[0].json()["sequence"]
    async with house.state.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Claim)) == 0


async def test_a_refusal_is_a_problem_with_its_code_and_the_nearest_hours(house):
    async with browser(house, WEN) as first, browser(house, ILSE) as second:
        made = await first.post(MADE, json=body(house, confirm=True), headers=key("make"))
        assert made.json()["state"] == "booked"
        refused = await second.post(MADE, json=body(house, desk="hkg-2"), headers=key("make"))
        said = refused.json()
        assert (refused.status_code, said["code"]) == (409, "stone_taken")
        assert len(said["facts"]["next"]) == 3 and said["detail"]
        assert "Lumen" not in refused.text
        past = body(house, start="2026-03-01T02:00:00Z")
        late = await second.post("/api/v1/viewings/waitlist", json=past, headers=key("late"))
        assert late.json()["code"] == "notice_too_short" and len(late.json()["facts"]["next"]) == 3
        waits = await second.post("/api/v1/viewings/waitlist", json=body(house), headers=key("wait"))
        assert waits.status_code == 201 and waits.json()["state"] == "waiting"
        for act in ("confirmation", "cancellation"):
            foreign = await second.post(f"{MADE}/{made.json()['id']}/{act}", headers=key(act))
            assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")


async def test_a_move_says_where_it_could_go_and_brings_no_stone_that_its_company_may_not_see(house):
    async with browser(house, WEN) as first, browser(house, ILSE) as second:
        made = await first.post(MADE, json=body(house, confirm=True), headers=key("make"))
        other = body(house, desk="hkg-2", start="2026-03-05T03:00:00Z", stones=house.state.stones[1:2], confirm=True)
        at = f"{MADE}/{(await second.post(MADE, json=other, headers=key('make'))).json()['id']}/move"
        there = {"start": "2026-03-05T02:00:00Z", "desk": "hkg-1"}
        taken = (await second.post(at, json=there, headers=key("taken"))).json()
        assert taken["code"] == "desk_taken" and len(taken["facts"]["next"]) == 3
        async with house.state.sessions.begin() as session:
            hidden = update(Stone).where(Stone.public_id == house.state.stones[0])
            await session.execute(hidden.values(withdrawn_at=buyers.NOW))
        to = {"start": "2026-03-05T04:00:00Z", "stones": house.state.stones[:2]}
        unseen = await second.post(at, json=to, headers=key("unseen"))
        assert (unseen.status_code, unseen.json()["code"]) == (404, "unknown_reference")
        own = f"{MADE}/{made.json()['id']}/move"
        kept = await first.post(own, json=to | {"stones": house.state.stones[:1]}, headers=key("own"))
        assert kept.status_code == 200, "a stone that the appointment has comes along, whoever else sees it"


async def test_people_are_numbers_of_the_house_that_no_refusal_says():
    assert api.told({"visitor": 7, "operator": 3, "at": buyers.NOW}) == {"at": "2026-03-02T12:00:00.000000Z"}


async def test_bad_input_is_answered_with_a_code_and_claims_nothing(house):
    many = [f"01M7Z85APYN1SA12CS1{n:07d}" for n in range(10_000)]
    wrong = [
        {"stones": []}, {"stones": many}, {"party": 0}, {"party": 21}, {"end": "2026-03-05T01:00:00Z"},
        {"start": "2101-03-05T02:00:00Z"}, {"start": "2000-01-01T00:00+14:00"}, {"start": "2100-12-31T23:30-12:00"},
        {"start": "yesterday"}, {"start": "9" * 40}, {"colour": "blue"},
        {"visitors": [{"name": "Lena", "born": "1780-01-01"}]}, {"mode": "by post"},
    ]  # fmt: skip
    async with browser(house, WEN) as client:
        for changes in wrong:
            answer = await client.post(MADE, json=body(house, **changes), headers=key("wrong"))
            assert (answer.status_code, answer.json()["code"]) == (422, "bad_input"), changes
        grid = await client.post(MADE, json=body(house, start="2026-03-05T02:03:00Z"), headers=key("grid"))
        assert (grid.status_code, grid.json()["code"]) == (422, "not_on_grid")
        assert (await client.post(MADE, json=body(house))).status_code == 422, "a write takes a key"
        for unknown in ({"desk": "nowhere"}, {"stones": many[:1]}, {"known_visitors": many[:1]}):
            answer = await client.post(MADE, json=body(house, **unknown), headers=key("none"))
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_reference"), unknown
        past = await client.post(MADE, json=body(house, start="2026-03-01T02:00:00Z"), headers=key("past"))
        assert (past.status_code, past.json()["code"]) == (409, "notice_too_short")
        signed_out = await browser_less(house)
        assert signed_out == 401
    async with house.state.sessions() as session:
        rows = [await session.scalar(select(func.count()).select_from(kind)) for kind in (Claim, Appointment)]
    assert rows == [0, 0]


async def browser_less(house):
    async with browser(house) as nobody:
        return (await nobody.post(MADE, json=body(house), headers=key("none"))).status_code


async def test_a_clock_time_that_does_not_exist_or_exists_twice_is_asked_back(house):
    async with browser(house, WEN) as client:
        house.state.hands.now = datetime(2026, 3, 28, 12, tzinfo=UTC)
        await client.post("/sign-in", data={"email": WEN, "password": "a long enough password"})
        spring = body(house, desk="ant-1", start="2026-03-29T02:30", stones=house.state.stones[2:])
        gap = (await client.post(MADE, json=spring, headers=key("gap"))).json()
        assert gap["code"] == "nonexistent_local_time"
        assert (gap["facts"]["before"], gap["facts"]["after"]) == (
            "2026-03-29T01:30:00+01:00",
            "2026-03-29T03:30:00+02:00",
        )
        autumn = await client.post(MADE, json=spring | {"start": "2026-10-25T02:30"}, headers=key("twice"))
        assert autumn.json()["code"] == "ambiguous_local_time"
        assert autumn.json()["facts"]["first"] == "2026-10-25T00:30:00.000000Z"
