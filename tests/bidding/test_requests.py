"""What bidders state and ask about a lot, and what staff decide: over the API, on pages, and in the book."""

import re
import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pavilion.accounts.models import Company, Proposal
from pavilion.accounts.rules import Role
from pavilion.bidding import lot_requests
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.lot_requests import NoSlip, NothingChanged, Slip, TooLate, judge_retraction
from pavilion.bidding.models import BookEvent
from pavilion.bidding.request_models import Ground, Retraction, Viewing
from pavilion.bidding.rules import Retraction as Window
from pavilion.kernel import events
from pavilion.kernel.events import Event
from tests import make
from tests.auctions.world import FIRST_CLOSE
from tests.bidding.house import house
from tests.bidding.served import enter, hear, say, served
from tests.make import HOUR, NOON

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("ground", "slip", "facts", "why"),
    [
        ("slip", Slip(1000, 100), {}, None),
        ("slip", Slip(999, 100), {}, NoSlip),
        ("slip", None, {}, NoSlip),
        ("slip", Slip(1000, 0), {}, NoSlip),
        ("slip", Slip(1000, 100), {"placed": NOON - 16 * MINUTE}, TooLate),
        ("slip", Slip(1000, 100), {"placed": NOON - 15 * MINUTE}, None),
        ("slip", Slip(1000, 100), {"end": NOON + 12 * HOUR}, TooLate),
        ("slip", Slip(1000, 100), {"end": None}, None),
        ("description", None, {}, NothingChanged),
        ("description", None, {"corrected": True, "end": NOON + MINUTE, "placed": NOON - 99 * HOUR}, None),
    ],
)
def test_the_grounds_and_windows_of_a_retraction(ground, slip, facts, why):
    stands = {"placed": NOON, "end": NOON + 13 * HOUR, "corrected": False, "now": NOON} | facts
    assert judge_retraction(Window(10, 15, 12), Ground(ground), slip, **stands) is why


async def posted(client, address, **body):
    return await client.post(address, json=body)


async def test_a_slip_is_asked_about_once_and_voided_by_two(database_url, sessions):
    far = {"first_close_at": FIRST_CLOSE + 72 * HOUR}
    async with house(database_url, sessions, lots=1, **far) as place, served(place) as web:
        bid = await place.bid(0, 4_000_000)
        address = f"/api/v1/lots/{place.lots[0]}/retractions"
        async with web.browser(place.buyers[1]) as other:
            answer = await posted(other, address, n=bid.n, ground="slip", meant=1)
            assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_void")
        async with web.browser(place.buyers[0]) as buyer:
            form = (await buyer.get(f"/lots/{place.lots[0]}")).text
            assert f'<option value="{bid.n}">' in form and '<option value="slip">' in form
            assert '<option value="description">' not in form, "nothing was changed, so nobody is asked about it"
            near = await posted(buyer, address, n=bid.n, ground="slip", meant=500_000)
            assert (near.status_code, near.json()["code"]) == (422, "retraction_no_slip")
            asked = await posted(buyer, address, n=bid.n, ground="slip", meant=400_000, words="a zero too many")
            assert asked.status_code == 201
            again = await posted(buyer, address, n=bid.n, ground="slip", meant=400_000)
            assert again.json()["code"] == "retraction_asked"
            page = (await buyer.get(f"/lots/{place.lots[0]}")).text
            assert "retract-ground" not in page, "nothing is left to ask"
            assert "The house has not decided yet." in page
        async with sessions() as session:
            row = await session.scalar(select(Retraction))
            kept = " ".join(str(value) for value in row.__dict__.values())
            assert "4000000" not in kept and "400000" not in kept
        lists = f"/staff/sales/{place.sale}/requests"
        async with web.browser(place.buyers[0]) as buyer:
            assert (await buyer.get(lists)).status_code == 403
        async with sessions.begin() as session:
            auctioneer = await make.actor(session, "ada@pavilion.example", (Role.AUCTIONEER,))
        async with web.browser(auctioneer) as staff:
            staff.headers["origin"] = web.origin
            assert "a zero too many" in (await staff.get(lists)).text
            answer = await staff.post(f"{lists}/{row.public_id}", data={"act": "void"})
            assert answer.status_code == 303
            assert (await staff.post(f"{lists}/{row.public_id}", data={"act": "decline"})).status_code == 409
            assert "Waits for a second person" in (await staff.get(lists)).text
        async with sessions() as session:
            proposal = await session.scalar(select(Proposal.public_id).where(Proposal.kind == "bid.void"))
        async with web.browser(place.world.lead) as lead:
            lead.headers["origin"] = web.origin
            assert (await lead.post(f"/staff/proposals/{proposal}/approval")).status_code == 303
        writer = place.rooms.engine.writers[place.sale]
        await place.until(lambda: not writer.book.lots[place.lots[0]].best)
        async with sessions() as session:
            names = set(await session.scalars(select(Event.name)))
            assert {"retraction:asked", "retraction:void_proposed"} <= names
            (asked,) = await lot_requests.asked_in(session, place.sale)
            assert asked.state == "voided"


async def test_a_notice_stays_until_its_bidder_has_read_it(database_url, sessions):
    async with house(database_url, sessions, lots=1) as place, served(place) as web:
        lot = place.lots[0]
        notice = {"text_en": "The weight is 1.01 ct.", "text_zh": "重量为 1.01 克拉。", "by": "01STAFF"}
        assert (await place.rooms.command(StaffAct(place.sale, "notice", lot, **notice))).code is None
        async with web.browser(place.buyers[0]) as buyer:
            page = (await buyer.get(f"/lots/{lot}")).text
            assert '<div class="notice-strip">' in page and "I have read this" in page
            async with sessions() as session:
                seq = await session.scalar(select(BookEvent.seq).where(BookEvent.type == "lot.notice"))
            address = f"/api/v1/lots/{lot}/acknowledgements"
            assert (await posted(buyer, address, seq=seq - 1)).status_code == 404
            assert (await posted(buyer, address, seq=seq)).status_code == 201
            assert (await posted(buyer, address, seq=seq)).status_code == 201
            assert "I have read this" not in (await buyer.get(f"/lots/{lot}")).text
        async with web.browser(place.buyers[1]) as other:
            assert "I have read this" in (await other.get(f"/lots/{lot}")).text
            # Paused, no time runs; withdrawn, there is a time of that, no end and no leader.
            assert (await place.bid(1)).result == "accepted"
            async with sessions.begin() as session:
                firm = await session.get(Company, place.buyers[1].company_id)
                viewer = await make.actor(session, "viewer@lumen.example", (Role.VIEWER,), firm)
            async with web.browser(viewer) as watching:
                page = (await watching.get(f"/sales/{place.sale}/room?lot={lot}")).text
                assert page.count("Your company leads") == 2 and "You lead" not in page, "standing and lane"
            assert (await place.rooms.command(StaffAct(place.sale, "pause", lot, by="01STAFF"))).code is None
            page = (await other.get(f"/lots/{lot}")).text
            assert "paused, no time runs" in page and "ends 1" not in page
            gone = StaffAct(place.sale, "withdraw", lot, ok=("01STAFF", "01OTHER"), reason="damaged")
            assert (await place.rooms.command(gone)).code is None
            page = (await other.get(f"/lots/{lot}")).text
            assert re.search(r"withdrawn \d\d:\d\d:\d\d in Antwerp", page) and "Last price" in page
            assert "not sold; no bid counts any more" in page and "ended 1" not in page


async def test_a_changed_passport_is_confirmed_by_its_live_bidders_only(database_url, sessions):
    async with house(database_url, sessions, lots=1) as place, served(place) as web:
        lot, writer = place.lots[0], place.rooms.engine.writers[place.sale]
        await place.bid(0, 500_000)
        address = f"/api/v1/lots/{lot}/confirmations"
        async with web.browser(place.buyers[0]) as buyer:
            assert (await buyer.post(address)).status_code == 409
            known = writer.facts
            changed = {lot: replace(known.lots[lot], passport="ab" * 32)}
            writer.learn(type(known)(known.bidders, changed, known.paid, known.midnight))
            await place.until(lambda: writer.book.lots[lot].state == "paused")
            assert "The passport of this lot changed" in (await buyer.get(f"/lots/{lot}")).text
            answer = await buyer.post(address)
            assert (answer.status_code, answer.json()["passport"]) == (201, "ab" * 32)
            assert "You have confirmed your maximum." in (await buyer.get(f"/lots/{lot}")).text
        async with web.browser(place.buyers[1]) as other:
            assert (await other.post(address)).status_code == 409
        async with sessions() as session:
            assert await lot_requests.confirmed(session, {lot: "ab" * 32}) == {
                lot: frozenset({place.buyers[0].company_id})
            }
            assert await lot_requests.confirmed(session, {lot: "cd" * 32}) == {}


async def test_a_waiver_and_a_viewing_open_the_gate(database_url, sessions):
    async with house(database_url, sessions, lots=1) as place, served(place) as web:
        lot, writer = place.lots[0], place.rooms.engine.writers[place.sale]
        async with web.browser(place.buyers[0]) as buyer:
            buyer.headers["origin"] = web.origin
            address = f"/lots/{lot}/waiver"
            assert (await buyer.post(address, data={"name": "Wen Li"})).status_code == 422
            assert (await buyer.post(address, data={"name": "Wen Li", "agreed": "yes"})).status_code == 303
            assert (await buyer.post(address, data={"name": "Wen Li", "agreed": "yes"})).status_code == 303
            viewing = {"paddle": "1", "kind": "remote"}
            assert (await buyer.post(f"/lots/{lot}/viewings", data=viewing)).status_code == 403
        async with sessions() as session:
            (row,) = await session.scalars(select(Viewing))
            assert (row.kind, row.signed_as, row.company_id) == ("waiver", "Wen Li", place.buyers[0].company_id)
        await place.until(lambda: place.buyers[0].company_id in writer.facts.lots[lot].viewed)
        assert writer.facts.lots[lot].low > 0


async def test_a_suspended_company_is_banned_within_a_second_and_only_watches(database_url, sessions):
    async with house(database_url, sessions, lots=1) as place, served(place) as web:
        wen, lot = place.buyers[0], place.lots[0]
        assert (await place.bid(0, 500_000)).result == "accepted"
        async with web.socket((await web.cookie(wen))[0]) as socket:
            await enter(socket, place.sale)
            async with sessions.begin() as session:
                await session.execute(update(Company).where(Company.id == wen.company_id).values(state="suspended"))
                events.record(session, "company:suspended", wen.company_id, by="01STAFF", at=place.clock())
            writer = place.rooms.engine.writers[place.sale]
            await place.until(lambda: writer.facts.bidders[wen.company_id].state == "suspended", 1)
            assert (await place.bid(0, 900_000)).code == "banned"
            await place.rooms.door.look()
            bid = {"key": secrets.token_hex(16), "lot": lot, "max": 900_000, "currency": "USD", "rules": place.rules}
            await say(socket, op="place_bid", **bid, confirm=900_000)
            assert (await hear(socket, "error"))["code"] == "not_allowed"
            assert (await place.bid(1, 700_000)).result == "accepted"
            batch = await hear(socket, "batch")
            assert batch["events"][-1]["type"] == "bid.accepted"  # it may watch
        live = writer.book.lots[lot].live
        assert {one.bidder for one in live} == {"A", "B"}  # what it bid stays until staff void it
        paddle = writer.facts.bidders[wen.company_id].paddle
        act = StaffAct(place.sale, "void", lot, ok=("01A", "01B"), reason="bidder_barred", paddle=paddle)
        assert (await place.rooms.command(act)).code is None
        assert {one.bidder for one in writer.book.lots[lot].live} == {"B"}
