"""Rules of lots amended in a whole house, over a real port: proposed on the form, approved by a lead, seen by all."""

import hashlib
import json
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Role
from pavilion.bidding.models import BookEvent
from pavilion.bidding.rule_sets import amended
from pavilion.bidding.staff_models import StaffOrder
from pavilion.kernel.instants import from_micros
from tests import make
from tests.bidding.house import house
from tests.bidding.served import enter, hear, served
from tests.bidding.test_client import program
from tests.bidding.test_staff_acts import approve, book, told

STEEP = "0 200"


@pytest.fixture
async def live(database_url, sessions):
    async with house(database_url, sessions) as made, served(made) as one:
        yield one


@pytest.fixture
async def staff(live):
    return await live.employ(cora=Role.CURATOR, lena=Role.LEAD, liam=Role.LEAD, ada=Role.AUCTIONEER)


async def propose(live, actor, *lots, of=None, **said):
    form = {"of": of or live.house.rules, "reason": "seller asks", "lot": [live.house.lots[k] for k in lots], **said}
    async with live.browser(actor) as client:
        return await client.post(
            f"/staff/sales/{live.house.sale}/amendment",
            data=form,
            headers={"accept": "application/json", "origin": live.origin},
        )


async def done(live, number=1):
    async def carried_out():
        async with live.house.sessions() as session:
            rows = (await session.scalars(select(StaffOrder))).all()
            return len(rows) >= number and all(row.done_at for row in rows)

    await live.house.until(carried_out)


async def order_code(live):
    async with live.house.sessions() as session:
        return await session.scalar(select(StaffOrder.code).order_by(StaffOrder.id.desc()))


async def first_end(live, staff):
    async with live.browser(staff["cora"]) as curator:
        page = (await curator.get(f"/staff/sales/{live.house.sale}/amendment")).text
    return page.split('name="first" type="datetime-local" value="')[1].split('"')[0]


async def test_a_curator_proposes_a_lead_approves_and_everybody_sees_it(live, staff):
    house = live.house
    cookie, _ = await live.cookie(house.buyers[0])
    async with live.socket(cookie) as socket, live.browser(staff["cora"]) as curator:
        await enter(socket, house.sale)
        form = (await curator.get(f"/staff/sales/{house.sale}/amendment")).text
        assert 'name="increments"' in form and house.lots[1] in form and 'name="terms"' not in form
        answer = await propose(live, staff["cora"], 1, increments=STEEP, window="600", premium="* 20")
        assert (answer.status_code, answer.json()["result"]) == (202, "proposed"), answer.text
        page = (await curator.get("/staff/proposals")).text
        assert "soft_close.window: 120 → 600" in page and "premium.bands" in page
        assert (await approve(live, staff["lena"], answer.json()["proposal"])).status_code == 303
        frame = await hear(socket, "batch")
    (event,) = frame["events"]
    assert event["type"] == "sale.amended" and event["lot"] is None
    to = event["data"]["to"]
    said = {"from": house.rules, "to": to, "lots": [house.lots[1]], "ok": ["S1", "S2"], "later": False}
    assert event["data"] == said
    assert to == answer.json()["to"]
    async with live.browser() as visitor:
        text = (await visitor.get(f"/sales/{house.sale}/rules/{to}.json")).content
        assert hashlib.sha256(text).hexdigest() == to and json.loads(text)["soft_close"]["window"] == 600
        assert (await visitor.get(f"/sales/{house.sale}/rules/{'ab' * 32}.json")).status_code == 404
        words = (await visitor.get(f"/sales/{house.sale}/rules/{to}")).text
        assert "600" in words and to in words
        assert hashlib.sha256((await visitor.get(f"/sales/{house.sale}/rules.json")).content).hexdigest() == house.rules
        assert to in (await visitor.get(f"/sales/{house.sale}")).text
    async with live.browser(house.buyers[0]) as buyer:
        lot = (await buyer.get(f"/lots/{house.lots[1]}")).text
        assert f'name="rules" value="{to}"' in lot and house.rules not in lot.split("data-room")[0]
        assert f'name="rules" value="{house.rules}"' in (await buyer.get(f"/lots/{house.lots[0]}")).text
        snapshot = (await buyer.get(f"/api/v1/sales/{house.sale}/snapshot")).json()
        assert (snapshot["rules"], snapshot["amended"]) == (house.rules, {house.lots[1]: to})
    assert (await house.bid(0, 500_000, lot=1)).code == "rules_changed"
    assert (await house.bid(0, 500_000, lot=1, rules=to)).result == "accepted"
    assert (await house.bid(1, 600_000, lot=1, rules=to)).result == "accepted"
    assert book(live, 1).stands.price == 520_000
    assert (await house.bid(0, 500_000, lot=0)).result == "accepted"
    async with live.browser(staff["ada"]) as auctioneer:
        report = (await auctioneer.get(f"/staff/sales/{house.sale}/report")).text
        assert "Rules amended" in report
        assert (await auctioneer.get(f"/staff/sales/{house.sale}/console?lot={house.lots[1]}")).status_code == 200
        paddle = house.rooms.engine.writers[house.sale].facts.bidders[house.buyers[2].company_id].paddle
        form = {"act": "bid", "lot": house.lots[1], "paddle": paddle, "amount": "9,000", "mandate": "phone"}
        headers = {"accept": "application/json", "origin": live.origin}
        entered = await auctioneer.post(f"/staff/sales/{house.sale}/acts", data=form, headers=headers)
        assert entered.json()["result"] == "done", entered.text


async def test_who_may_not_and_what_may_not(live, staff):
    assert (await propose(live, staff["ada"], 1, increments=STEEP)).status_code == 403
    assert (await propose(live, live.house.buyers[0], 1, increments=STEEP)).status_code == 403
    assert (await propose(live, None, 1, increments=STEEP)).status_code in (401, 403)
    assert (await propose(live, staff["cora"], 1, increments="nonsense")).json()["facts"]["fields"] == {
        "increments": "table_unread"
    }
    assert (await propose(live, staff["cora"], increments=STEEP)).json()["facts"]["fields"] == {"lot": "required"}
    assert (await propose(live, staff["cora"], 1, increments=STEEP, reason="")).json()["facts"]["fields"] == {
        "reason": "required"
    }
    assert (await propose(live, staff["cora"], 1)).json()["code"] == "nothing_changes"
    assert (await propose(live, staff["cora"], 1, currency="EUR")).status_code == 422
    assert (await propose(live, staff["cora"], 1, of="ab" * 32, increments=STEEP)).status_code == 404
    sooner = str(datetime.fromisoformat(await first_end(live, staff)) - timedelta(seconds=1)).replace(" ", "T")
    assert (await propose(live, staff["cora"], 1, first=sooner)).json()["code"] == "end_not_later"
    await live.house.bid(0, 500_000, lot=1)
    refused = await propose(live, staff["cora"], 0, 1, increments=STEEP)
    assert (refused.status_code, refused.json()["code"]) == (409, "act_not_allowed")
    assert refused.json()["facts"]["lots"] == [book(live, 1).number]
    async with live.house.sessions() as session:
        assert await session.scalar(select(Proposal.id).where(Proposal.kind == "sale.amend")) is None


async def test_one_person_alone_amends_nothing_and_two_only_once(live, staff):
    proposal = (await propose(live, staff["lena"], 1, increments=STEEP)).json()["proposal"]
    assert (await propose(live, staff["lena"], 1, increments=STEEP)).json()["proposal"] == proposal
    assert (await approve(live, staff["lena"], proposal)).json()["code"] == "same_approver"
    assert (await approve(live, staff["cora"], proposal)).json()["code"] == "not_allowed"
    assert (await approve(live, staff["liam"], proposal)).status_code == 303
    await done(live)
    assert (await approve(live, staff["liam"], proposal)).json()["code"] == "proposal_expired"
    assert len(await told(live, "sale.amended")) == 1
    assert (await propose(live, staff["lena"], 1, increments=STEEP)).json()["code"] == "stale_version"


async def test_a_bid_between_the_two_words_refuses_the_amendment_and_both_read_why(live, staff):
    proposal = (await propose(live, staff["cora"], 0, 1, increments=STEEP)).json()["proposal"]
    assert (await live.house.bid(0, 500_000, lot=1)).result == "accepted"
    await approve(live, staff["lena"], proposal)
    await done(live)
    assert await order_code(live) == "act_not_allowed" and await told(live, "sale.amended") == []
    assert {book(live, k).rules_hash for k in (0, 1)} == {live.house.rules}
    async with live.browser(staff["ada"]) as auctioneer:
        console = (await auctioneer.get(f"/staff/sales/{live.house.sale}/console.json")).json()
        assert len(console["refused"]) == 1
        assert "Amend the rules" in (await auctioneer.get(f"/staff/sales/{live.house.sale}/report")).text


async def test_two_amendments_of_one_lot_the_second_finds_other_rules(live, staff):
    first = (await propose(live, staff["cora"], 1, increments=STEEP)).json()["proposal"]
    second = (await propose(live, staff["cora"], 1, increments="0 300")).json()["proposal"]
    assert first != second
    await approve(live, staff["lena"], first)
    await done(live)
    await approve(live, staff["lena"], second)
    await done(live, 2)
    assert await order_code(live) == "stale_version" and len(await told(live, "sale.amended")) == 1


async def test_ends_are_put_off_for_all_lots_at_once_by_the_form(live, staff):
    ends = [from_micros(book(live, k).end) for k in (0, 1)]
    shown = await first_end(live, staff)
    later = f"{int(shown[:4]) + 1}{shown[4:]}"
    answer = await propose(live, staff["cora"], every="true", first=later, hard_end="")
    assert answer.status_code == 202, answer.text
    await approve(live, staff["lena"], answer.json()["proposal"])
    await done(live)
    assert await order_code(live) is None
    assert [from_micros(book(live, k).end) - ends[k] for k in (0, 1)] == [timedelta(days=365)] * 2
    assert [one["cause"] for one in await told(live, "lot.extended")] == ["staff", "staff"]
    async with live.house.sessions() as session:
        known = await amended(session, live.house.sale)
        assert set(known.by_lot) == set(live.house.lots)
        assert await session.scalar(select(BookEvent.n).where(BookEvent.type == "sale.amended")) is not None


async def test_a_consignor_has_no_part_in_it(live, staff, sessions):
    from pavilion.auctions.models import Lot

    async with sessions.begin() as session:
        owner = await session.scalar(select(Lot.consignor_company_id).where(Lot.public_id == live.house.lots[1]))
        from pavilion.accounts.models import Company

        company = await session.get(Company, owner)
        partner = await make.actor(session, "partner@pavilion.example", (Role.LEAD,), company)
    refused = await propose(live, partner, 1, increments=STEEP)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict_of_interest")
    proposal = (await propose(live, staff["cora"], 1, increments=STEEP)).json()["proposal"]
    assert (await approve(live, partner, proposal)).json()["code"] == "conflict_of_interest"
    assert await told(live, "sale.amended") == []


async def test_a_program_bids_on_an_amended_lot_once_it_has_read_its_rules(live, staff):
    async with AsyncExitStack() as stack:
        client = await program(live, stack, buyer=1)
        lot = live.house.lots[1]
        proposal = (await propose(live, staff["cora"], 1, increments=STEEP)).json()["proposal"]
        await approve(live, staff["lena"], proposal)
        await client.until(lambda: lot in client.amended)
        assert (await client.place_bid(lot, 500_000)).code == "rules_changed"
        assert (await client.rules_of(lot))["increments"] == [[0, 20_000]]
        assert (await client.place_bid(lot, 500_000)).code is None
        assert (await client.place_bid(live.house.lots[0], 500_000)).code is None
        later = await program(live, stack, buyer=2)
        assert later.amended == client.amended
