"""The console of a running sale over a real port: a page without script, its news, bids for others, and its rights."""

import json
import re

import pytest
from sqlalchemy import select

from pavilion.accounts.rules import Role
from pavilion.kernel.events import Event
from tests.bidding.house import house
from tests.bidding.served import enter, served

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where no query is in question
SECRET = "77,777"  # a maximum that nobody but its bidder may ever read


@pytest.fixture
async def live(database_url, sessions):
    async with house(database_url, sessions, reserve=450_000) as made, served(made) as one:
        yield one


@pytest.fixture
async def staff(live):
    return await live.employ(ada=Role.AUCTIONEER, bo=Role.AUCTIONEER, clara=Role.CLERK, audra=Role.AUDITOR)


async def console(live, actor, query=""):
    async with live.browser(actor) as client:
        return await client.get(f"/staff/sales/{live.house.sale}/console{query}")


async def news(live, actor, after=-1):
    async with live.browser(actor) as client:
        return (await client.get(f"/staff/sales/{live.house.sale}/console.json?after={after}")).json()


async def post(live, actor, **form):
    async with live.browser(actor) as client:
        headers = {"origin": live.origin, "accept": "text/html"}
        return await client.post(f"/staff/sales/{live.house.sale}/acts", data=form, headers=headers)


def paddle(live, buyer):
    facts = live.house.rooms.engine.writers[live.house.sale].facts
    return facts.bidders[live.house.buyers[buyer].company_id].paddle


async def test_the_console_shows_who_stands_behind_an_alias_and_never_a_maximum(live, staff):
    await live.house.bid(0, 7_777_700)
    await live.house.bid(1, 900_000)
    await live.house.bid(1, 910_000)  # refused: below the ask
    page = (await console(live, staff["ada"], f"?lot={live.house.lots[0]}")).text
    assert f"A, P-{paddle(live, 0):04d}" in page and "Lumen Trading 1" in page
    assert "The bid is below the next bid." in page
    told = await news(live, staff["ada"])
    lines = [line["text"] for line in told["feed"]]
    assert f"refused, paddle P-{paddle(live, 1):04d}: The bid is below the next bid." in lines
    for text in (page, json.dumps(told)):
        assert SECRET not in text and "7777700" not in text and "9,100" not in text and "910000" not in text


@ONE_DATABASE
async def test_the_acts_are_there_by_right(live, staff):
    acts = re.compile(r'data-act="(\w+)" data-of="lot"')
    assert set(acts.findall((await console(live, staff["ada"])).text)) >= {"pause", "void", "bid", "withdraw"}
    clerk = set(acts.findall((await console(live, staff["clara"])).text))
    assert clerk == {"bid", "notice"}
    auditor = await console(live, staff["audra"])
    assert auditor.status_code == 200 and not acts.findall(auditor.text) and "You may look." in auditor.text
    assert (await console(live, live.house.buyers[0])).status_code == 403
    async with live.browser(live.house.buyers[0]) as client:
        for tail in ("console.json", "report", "report.csv"):
            assert (await client.get(f"/staff/sales/{live.house.sale}/{tail}")).status_code == 403


@ONE_DATABASE
async def test_a_form_leads_back_with_what_came_of_it(live, staff):
    lot = live.house.lots[0]
    done = await post(live, staff["ada"], act="pause", lot=lot, reason="clock")
    assert done.status_code == 303 and done.headers["location"].endswith(f"console?lot={lot}&done=done")
    again = await post(live, staff["ada"], act="pause", lot=lot, reason="clock")
    assert again.headers["location"].endswith(f"console?lot={lot}&refused=lot_paused")
    assert (
        "Bidding on this lot is paused." in (await console(live, staff["ada"], f"?lot={lot}&refused=lot_paused")).text
    )
    assert "<script>" not in (await console(live, staff["ada"], "?refused=%3Cscript%3E")).text
    assert (await console(live, staff["ada"], "?lot=NOSUCH")).status_code == 404


async def test_what_two_decide_waits_on_the_console_and_leads_back_there(live, staff):
    await live.house.bid(0, 500_000)
    lot = live.house.lots[0]
    await post(live, staff["ada"], act="void", lot=lot, seqs="3", reason="typo")
    own, other = (await news(live, staff["ada"]))["waiting"], (await news(live, staff["bo"]))["waiting"]
    assert [(one["own"], one["decidable"]) for one in (*own, *other)] == [(True, False), (False, True)]
    assert "bid 3" in other[0]["text"] and other[0]["lot"] == lot
    back = f"/staff/sales/{live.house.sale}/console?lot={lot}"
    async with live.browser(staff["bo"]) as client:
        said = {"data": {"back": back}, "headers": {"origin": live.origin, "accept": "text/html"}}
        answer = await client.post(f"/staff/proposals/{other[0]['id']}/approval", **said)
        assert answer.headers["location"] == back
        foreign = {"data": {"back": "https://evil.example/"}, "headers": said["headers"]}
        assert (await client.post(f"/staff/proposals/{other[0]['id']}/approval", **foreign)).status_code == 409
    book = live.house.rooms.engine.writers[live.house.sale].book
    await live.house.until(lambda: not book.lots[lot].live)
    told = await news(live, staff["bo"])
    assert told["waiting"] == [] and any(
        line["text"] == "voided, bid 3: A typing mistake. (Ada + Bo)" or "voided, bid 3" in line["text"]
        for line in told["feed"]
    )


async def test_a_bid_for_somebody_else_is_seen_with_its_cost_before_it_is_entered(live, staff):
    lot = live.house.lots[0]
    asked = await console(live, staff["clara"], f"?lot={lot}&paddle=P-{paddle(live, 1):04d}&amount=6,000&mandate=phone")
    assert "7,500" in asked.text and "Enter the bid, up to USD 6,000" in asked.text
    wrong = await console(live, staff["clara"], f"?lot={lot}&paddle=4711&amount=6,000&mandate=phone")
    assert "Check the paddle and the amount." in wrong.text and "Enter the bid" not in wrong.text
    form = {
        "act": "bid",
        "lot": lot,
        "paddle": str(paddle(live, 1)),
        "amount": "6000",
        "mandate": "phone",
        "key": "ab" * 16,
    }
    for _ in range(2):
        assert "done=done" in (await post(live, staff["clara"], **form)).headers["location"]
    async with live.house.sessions() as session:
        told = (await session.scalars(select(Event).where(Event.name == "bid:on_behalf"))).all()
        assert [(one.facts["paddle"], one.facts["ground"], one.by) for one in told] == [
            (paddle(live, 1), "phone", staff["clara"].public_id)
        ]
        assert "600000" not in json.dumps(told[0].facts)
    feed = [line["text"] for line in (await news(live, staff["ada"]))["feed"]]
    assert f"bid 4,500 by A (P-{paddle(live, 1):04d}), on behalf (Clara, by telephone)" in feed


async def test_the_news_know_who_watches_and_how_the_sale_fares(live, staff):
    cookie, _ = await live.cookie(live.house.buyers[0])
    async with live.socket(cookie) as socket:
        await enter(socket, live.house.sale)
        await live.house.bid(0, 500_000)
        told = await news(live, staff["ada"])
    assert (told["watching"], told["bidders"]) == (1, 1) and told["engine"]["epoch"] == 1
    names = {one["name"] for one in told["health"]}
    assert {"Bid to answer, p50", "Checkpoint over events"} <= names
    assert ("Clock against database" in names) == ("postgresql" in live.house.url)
    assert len(told["pulse"]) == 60 and told["pulse"][-1] == 1
    later = await news(live, staff["ada"], told["n"])
    assert later["feed"] == [] and later["n"] == told["n"]


@ONE_DATABASE
async def test_a_part_of_the_page_is_given_to_a_script_alone(live, staff):
    async with live.browser(staff["ada"]) as client:
        address = f"/staff/sales/{live.house.sale}/console?lot={live.house.lots[1]}"
        for part, has, lacks in (("hand", "data-hand=", "data-order"), ("book", "Book of bids", "data-hand=")):
            text = (await client.get(f"{address}&part={part}", headers={"hx-request": "true"})).text
            assert has in text and lacks not in text and "<html" not in text


@ONE_DATABASE
async def test_the_way_to_the_console_stands_on_the_desk_and_on_the_sale(live, staff):
    address = f"/staff/sales/{live.house.sale}/console"

    async def mirrored():
        return await live.house.sale_state() == "open"

    await live.house.until(mirrored)
    async with live.browser(staff["ada"]) as client:
        assert address in (await client.get("/staff")).text
    async with live.browser(live.house.world.curator) as client:
        assert address in (await client.get(f"/staff/sales/{live.house.sale}")).text


async def test_the_report_tells_what_did_not_go_by_itself(live, staff):
    ada, lot = staff["ada"], live.house.lots[0]
    await live.house.bid(0, 7_777_700)
    await live.house.bid(1, 300_000)  # refused
    await post(live, ada, act="pause", lot=lot, reason="=cmd|' /C calc'!A0")
    await post(live, ada, act="resume", lot=lot)
    await post(live, ada, act="extend", lot=lot, to="+999999")
    await post(live, ada, act="withdraw", lot=live.house.lots[1], reason="damaged")
    await post(live, ada, act="void", lot=lot, seqs="3", reason="typo")
    proposal = (await news(live, staff["bo"]))["waiting"][0]["id"]
    async with live.browser(staff["bo"]) as client:
        await client.post(f"/staff/proposals/{proposal}/decline", headers={"origin": live.origin})
        await post(live, ada, act="void", lot=lot, seqs="3", reason="typo")
        agreed = (await news(live, staff["bo"]))["waiting"][0]["id"]
        await client.post(f"/staff/proposals/{agreed}/approval", headers={"origin": live.origin})
        book = live.house.rooms.engine.writers[live.house.sale].book
        await live.house.until(lambda: not book.lots[lot].live)
        page = (await client.get(f"/staff/sales/{live.house.sale}/report")).text
        table = (await client.get(f"/staff/sales/{live.house.sale}/report.csv")).content.decode("utf-8-sig")
    rows = [line.split(",") for line in table.splitlines()]
    found = {(row[0], row[1]) for row in rows}
    assert {
        ("pauses", "lot.paused"), ("pauses", "lot.resumed"), ("extensions", "lot.extended"),
        ("refusals", "bid.refused"),
        ("withdrawals", "lot.withdrawn"), ("proposals", "proposal_bid.void"), ("figures", "withdrawn"),
    } <= found  # fmt: skip
    (voided,), (refused,) = ([row for row in rows if row[0] == name] for name in ("voids", "refusals"))
    assert (voided[3], voided[6], voided[-1]) == ("11", f"P-{paddle(live, 0):04d}", "3")
    assert (refused[2][:4], refused[3], refused[6]) == ("2026", "11", f"P-{paddle(live, 1):04d}")
    assert re.search(r'id="s-pauses">Pauses</h2><p class="label">1</p>', page) and ".: " not in page
    assert "'=cmd|" in table and ",=cmd" not in table
    assert "The stone was damaged." in page and "Ada" in page
    assert SECRET not in page and "7777700" not in table and "300000" not in table
