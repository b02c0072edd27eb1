"""What staff do to a running sale, over a real port: one person's acts at once, weighty ones with a second person."""

import json
import re
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.bidding.models import BookBid, BookEvent
from pavilion.bidding.staff_models import StaffOrder
from pavilion.kernel.db import create_engine, sessions_of
from pavilion.kernel.instants import from_micros
from tests.bidding.house import house
from tests.bidding.served import enter, hear, served

FIVE_MORE = "+604800"


@pytest.fixture
async def live(database_url, sessions):
    async with house(database_url, sessions, reserve=450_000) as made, served(made) as one:
        yield one


@pytest.fixture
async def staff(live):
    """Two auctioneers, a clerk, the reserve desk and a lead."""
    auctioneers = {"ada": Role.AUCTIONEER, "bo": Role.AUCTIONEER}
    return await live.employ(**auctioneers, clara=Role.CLERK, rosa=Role.RESERVE, cora=Role.CURATOR)


async def act(live, actor, act, lot=0, **said):
    async with live.browser(actor) as client:
        form = {"act": act, **said} | ({} if lot is None else {"lot": live.house.lots[lot]})
        return await client.post(
            f"/staff/sales/{live.house.sale}/acts",
            data=form,
            headers={"accept": "application/json", "origin": live.origin},
        )


async def approve(live, actor, proposal):
    async with live.browser(actor) as client:
        return await client.post(
            f"/staff/proposals/{proposal}/approval", headers={"accept": "application/json", "origin": live.origin}
        )


def book(live, lot=0):
    house = live.house
    return house.rooms.engine.writers[house.sale].book.lots[house.lots[lot]]


async def told(live, kind):
    async with live.house.sessions() as session:
        bodies = await session.scalars(select(BookEvent.body).where(BookEvent.type == kind).order_by(BookEvent.n))
        return [json.loads(body)["data"] for body in bodies]


async def test_an_auctioneer_pauses_extends_and_resumes(live, staff):
    ada = staff["ada"]
    assert (await act(live, ada, "pause", reason="clock")).json()["result"] == "done"
    assert book(live).state == "paused"
    assert (await act(live, ada, "extend", to=FIVE_MORE)).json()["code"] == "lot_paused"
    assert (await act(live, ada, "resume")).status_code == 200
    before = book(live).end
    assert (await act(live, ada, "extend", to="+10")).json()["code"] == "end_not_later"
    assert (await act(live, ada, "extend", to="+999999")).status_code == 200
    assert book(live).end > before
    async with live.browser(staff["cora"]) as client:
        board = (await client.get(f"/staff/sales/{live.house.sale}")).text
    closes = re.findall(r'data-label="Closes">(\d\d:\d\d)<', board)
    moved = from_micros(book(live).end).astimezone(ZoneInfo("Europe/Brussels"))
    assert closes[0] == f"{moved:%H:%M}" and len(closes) == 2
    assert (await act(live, ada, "extend", to="tomorrow")).json()["facts"]["fields"] == {"to": "instant_unreadable"}
    assert (await act(live, ada, "pause", lot=None)).status_code == 200
    assert (await act(live, ada, "resume", lot=None)).status_code == 200


@pytest.mark.parametrize(
    ("who", "what"),
    [("clara", "pause"), ("rosa", "pause"), ("cora", "void"), ("ada", "lower_reserve"), ("cora", "bid"),
     ("rosa", "message"), ("clara", "cancel")],
)  # fmt: skip
async def test_an_act_without_the_right_is_refused_and_leaves_no_trace(live, staff, who, what):
    size = live.house.rooms.engine.writers[live.house.sale].book.n
    answer = await act(live, staff[who], what, reason="x", text_en="a", text_zh="b")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert live.house.rooms.engine.writers[live.house.sale].book.n == size


async def test_a_buyer_and_a_visitor_run_nothing(live):
    assert (await act(live, live.house.buyers[0], "pause")).status_code == 403
    assert (await act(live, None, "pause")).status_code in (401, 403)


async def test_a_lot_with_a_bid_is_withdrawn_by_two_and_once(live, staff):
    await live.house.bid(0, 500_000)
    first = await act(live, staff["ada"], "withdraw", reason="typo")
    assert (first.status_code, first.json()["result"]) == (202, "proposed") and book(live).state == "open"
    own = await approve(live, staff["ada"], first.json()["proposal"])
    assert own.json()["code"] == "same_approver"
    assert (await approve(live, staff["clara"], first.json()["proposal"])).json()["code"] == "not_allowed"
    assert (await approve(live, staff["bo"], first.json()["proposal"])).status_code == 303
    await live.house.until(lambda: book(live).state == "withdrawn")
    assert len((await told(live, "lot.withdrawn"))[0]["ok"]) == 2
    again = await approve(live, staff["bo"], first.json()["proposal"])
    assert again.json()["code"] == "proposal_expired"
    async with live.house.sessions() as session:
        order = await session.scalar(select(StaffOrder))
        assert order.done_at is not None and order.code is None


async def test_a_lot_without_a_bid_is_withdrawn_by_one(live, staff):
    assert (await act(live, staff["ada"], "withdraw", lot=1, reason="typo")).json()["result"] == "done"
    assert book(live, 1).state == "withdrawn"


async def test_a_void_by_two_lets_the_price_fall(live, staff):
    await live.house.bid(0, 900_000)
    await live.house.bid(1, 700_000)
    seq = book(live).seq
    proposed = await act(live, staff["ada"], "void", seqs=str(seq), reason="typo")
    async with live.browser(staff["bo"]) as client:
        english = (await client.get("/staff/proposals")).text
        async with live.house.sessions.begin() as session:
            (await session.get_one(Person, staff["bo"].person_id)).lang = "zh"
        chinese = (await client.get("/staff/proposals")).text
    paddle = live.house.rooms.engine.writers[live.house.sale].facts.bidders[live.house.buyers[1].company_id].paddle
    assert f"Bid {seq} of B, P-{paddle:04d}, Lumen Trading" in english and "USD" in english
    assert f"/staff/sales/{live.house.sale}/console?lot={live.house.lots[0]}" in english
    assert "The amount was a slip." in english and "which number 1" in english and "typo" not in english
    assert f"第 {seq} 号出价：B" in chinese and "typo" not in chinese
    await approve(live, staff["bo"], proposed.json()["proposal"])
    await live.house.until(lambda: len(book(live).live) == 1)
    assert (await told(live, "bid.voided"))[0]["reason"] == "typo"
    missing = await act(live, staff["ada"], "void", reason="typo")
    assert missing.json()["facts"]["fields"] == {"seqs": "missing"}


async def test_what_the_book_refuses_of_two_persons_is_told_and_done_with(live, staff):
    proposed = await act(live, staff["ada"], "void", paddle=99, reason="typo")
    await approve(live, staff["bo"], proposed.json()["proposal"])

    async def refused():
        async with live.house.sessions() as session:
            return await session.scalar(select(StaffOrder.code))

    await live.house.until(refused)
    assert await refused() == "nothing_to_void"


async def test_a_lower_reserve_waits_sealed(live, staff):
    await live.house.bid(0, 430_000)
    assert book(live).stands.reserve_met is False
    proposed = await act(live, staff["rosa"], "lower_reserve", amount="4,251.00", reason="seller")
    assert proposed.json()["result"] == "proposed", proposed.text
    engine = create_engine(live.house.url)
    async with sessions_of(engine)() as session:
        from pavilion.accounts.models import Proposal

        facts = json.dumps(await session.scalar(select(Proposal.facts).where(Proposal.kind == "reserve.lower")))
    await engine.dispose()
    assert "425100" not in facts and "4,251" not in facts
    await approve(live, staff["bo"], proposed.json()["proposal"])

    async def decided():
        async with live.house.sessions() as session:
            return await session.scalar(select(StaffOrder).where(StaffOrder.done_at.is_not(None)))

    await live.house.until(decided)
    async with live.house.sessions() as session:
        order = await session.scalar(select(StaffOrder))
        assert order.code is None and book(live).stands.reserve_met
        assert "425100" not in json.dumps(order.document) and order.sealed


async def test_a_bid_on_behalf_is_the_bidders_and_the_clerks(live, staff):
    paddle = live.house.rooms.engine.writers[live.house.sale].facts.bidders[live.house.buyers[1].company_id].paddle
    answer = await act(live, staff["clara"], "bid", paddle=paddle, amount="6,000", mandate="phone", key="ab" * 16)
    assert answer.json()["result"] == "done", answer.text
    assert (await told(live, "bid.accepted"))[0]["via"] == "staff"
    again = await act(live, staff["clara"], "bid", paddle=paddle, amount="6,000", mandate="phone", key="ab" * 16)
    assert again.json()["receipt"] == answer.json()["receipt"]
    async with live.house.sessions() as session:
        row = (await session.scalars(select(BookBid))).one()
        assert (row.entered_by, row.mandate) == (staff["clara"].public_id, "phone")
    unknown = await act(live, staff["clara"], "bid", paddle=4711, amount="6,000", mandate="phone")
    assert unknown.json()["code"] == "not_registered"


async def test_the_room_hears_a_warning_and_a_message(live, staff):
    cookie, _ = await live.cookie(live.house.buyers[0])
    async with live.socket(cookie) as socket:
        await enter(socket, live.house.sale)
        await act(live, staff["clara"], "fair_warning")
        assert (await hear(socket, "notice"))["key"] == "fair_warning"
        await act(live, staff["clara"], "message", lot=None, text_en="Ten minutes' rest.", text_zh="休息十分钟。")
        heard = await hear(socket, "notice")
        assert heard["text"] == {"en": "Ten minutes' rest.", "zh": "休息十分钟。"} and heard["lot"] is None
    assert (await act(live, staff["clara"], "message", text_en="Only one")).status_code == 422


async def test_twenty_hands_on_one_pause_write_one_event(live, staff):
    import asyncio

    answers = await asyncio.gather(*(act(live, staff["ada" if k % 2 else "bo"], "pause") for k in range(20)))
    assert sorted(a.json()["result"] if a.status_code == 200 else a.json()["code"] for a in answers).count("done") == 1
    assert len(await told(live, "lot.paused")) == 1
