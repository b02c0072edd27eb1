"""A sealed tender through the doors of the house: programs, forms, the ceremony, and what staff see."""

import html
import json
import re
import secrets
from contextlib import asynccontextmanager

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select, text

from pavilion.accounts.models import Person
from pavilion.accounts.rules import Role
from pavilion.bidding import queries
from pavilion.bidding.custody import check_tender, open_tender, read_tender, signed_shares
from pavilion.bidding.sealing import Payload, seal
from pavilion.bidding.tendering import paddle_text
from pavilion.bidding.verifying import verify
from pavilion.doors import ROUTERS
from pavilion.kernel.base64url import base64url
from pavilion.kernel.canon import canonical
from pavilion.kernel.db import create_engine
from pavilion.kernel.instants import micros, stamp
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import watching
from pavilion.notifications.rules import Channel
from pavilion.notifications.wording import Author
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests import make
from tests.auctions.world import FIRST_CLOSE
from tests.bidding.house import house
from tests.bidding.served import enter, hear, say, served
from tests.bidding.tenders import CUSTODIANS, KEYS
from tests.make import HOUR, NOON, SECOND

MARKER = 37_373_737  # an amount that nothing else in the house spells


def options(**changes):
    usual = {
        "sealed": True, "k": 2, "custodians": list(CUSTODIANS), "replace": "latest", "withdraw": True,
        "price_rule": "first", "min_bidders": 1, "best_and_final": None,
    }  # fmt: skip
    return {"tender": usual | changes}


@asynccontextmanager
async def tender_house(url, sessions, reserve=None, lots=2, **changes):
    async with house(
        url, sessions, lots=lots, reserve=reserve, type="tender", stagger_s=0, options=options(**changes)
    ) as made:
        yield made


async def paddle_of(made, buyer):
    mine = await made.rooms.mine(made.sale, made.buyers[buyer].company_id)
    return paddle_text(mine.paddle)


async def envelope(made, buyer, value, lot=0, entry="total", key=None):
    payload = Payload(
        made.sale, made.lots[lot], await paddle_of(made, buyer), key or secrets.token_hex(16), entry, value, stamp(NOON)
    )
    return seal(payload, CUSTODIANS, 2, secrets.token_bytes)


async def post(browser, made, sealed, lot=0):
    path = f"/api/v1/lots/{made.lots[lot]}/envelopes"
    return await browser.post(path, content=canonical(sealed.document()), headers={"idempotency-key": sealed.key})


async def closed(made, end=FIRST_CLOSE):
    made.clock.at = end + 3 * SECOND
    await made.until(lambda: made.rooms.engine.writers[made.sale].book.round.waits)


async def opened(made, *custodians):
    await handed_in(made, *custodians)
    await made.until(lambda: made.sale not in made.rooms.engine.writers, 10)


async def handed_in(made, *custodians):
    async with served(made) as site, site.browser() as anybody:
        for x in custodians:
            file = read_tender((await anybody.get(f"/sales/{made.sale}/tender.json")).content)
            check_tender(file, micros(made.clock() + SECOND), house=made.rooms.verifier)
            answer = await anybody.post(
                f"/api/v1/sales/{made.sale}/shares",
                content=canonical(signed_shares(KEYS[x - 1], open_tender(KEYS[x - 1], file))),
            )
            assert (answer.status_code, answer.json()) == (201, {"custodian": x})


async def test_a_bid_is_sealed_over_http_and_socket_and_opened_by_two_custodians(database_url, sessions):
    async with tender_house(database_url, sessions) as made:
        async with served(made) as site, site.browser(made.buyers[0]) as wen:
            sealed = await envelope(made, 0, 500_000)
            first = await post(wen, made, sealed)
            assert (first.status_code, first.json()["state"], first.json()["max"]) == (201, "sealed", None)
            again = await post(wen, made, sealed)
            assert (again.status_code, again.json()["n"]) == (200, first.json()["n"])
            receipt = (await wen.get(first.json()["receipt"] + ".json")).json()
            assert receipt["event"]["data"] == {"bidder": "A", "envelope": sealed.hash} and receipt["opening"] is None
            assert (await wen.get(first.json()["receipt"])).status_code == 200
            assert (await wen.get(f"/api/v1/bids/{sealed.key}")).json()["state"] == "sealed"
            shown = (await wen.get(f"/lots/{made.lots[0]}")).text
            assert sealed.hash in shown and "500,000" not in shown and "5,000.00" not in shown
            cookie, _ = await site.cookie(made.buyers[1])
            async with site.socket(cookie) as socket:
                await enter(socket, made.sale)
                other = await envelope(made, 1, 450_000)
                await say(socket, op="seal_bid", key=other.key, lot=made.lots[0], envelope=other.document())
                assert (await hear(socket, "ack"))["state"] == "sealed"
                await say(socket, op="seal_bid", key=secrets.token_hex(16), lot=made.lots[0], envelope={"v": 2})
                assert (await hear(socket, "ack"))["code"] == "seal_broken"
            taken = await wen.delete(
                f"/api/v1/lots/{made.lots[1]}/envelopes", headers={"idempotency-key": secrets.token_hex(16)}
            )
            assert taken.json()["code"] == "nothing_to_withdraw"
            assert (await wen.get(f"/sales/{made.sale}/tender.json")).status_code == 404
            for path in (f"/sales/{made.sale}/opening", "/desk/bids", f"/sales/{made.sale}"):
                assert (await wen.get(path)).status_code == 200
            assert (await wen.get(f"/sales/{made.sale}/room")).headers["location"] == f"/sales/{made.sale}"
        await closed(made)
        await opened(made, 1, 3)
        async with served(made) as site, site.browser(made.buyers[0]) as wen:
            page = (await wen.get(f"/sales/{made.sale}/opening")).text
            assert "5,000" in page and "4,500" not in page  # the others' totals stand in the record, not here
            assert "5,000" in (await wen.get(f"/lots/{made.lots[0]}")).text
            assert (await wen.get(f"/lots/{made.lots[1]}")).status_code == 200
            for path in (f"/sales/{made.sale}", "/desk/bids", f"/sales/{made.sale}/opening"):
                assert (await wen.get(path)).status_code == 200
            record = (await wen.get(f"/sales/{made.sale}/record.jsonl")).content
            assert (
                verify(lambda: iter(record.splitlines(keepends=True))).lots == 1
            )  # the other passed, and is hidden yet
        async with made.sessions() as session:
            (won,) = await queries.results(session, made.sale)
            assert (won.lot_public_id, won.company_id, won.price_minor) == (
                made.lots[0], made.buyers[0].company_id, 500_000,
            )  # fmt: skip


async def test_forms_without_script_take_envelope_files_and_share_files(sqlite_database_url, sqlite_sessions):
    async with (
        tender_house(sqlite_database_url, sqlite_sessions) as made,
        served(made) as site,
        site.browser(made.buyers[0]) as wen,
    ):
        origin = {"origin": site.origin}
        sealed = await envelope(made, 0, 500_000)
        file = {"file": ("bid.json", canonical(sealed.document()), "application/json")}
        sent = await wen.post(f"/lots/{made.lots[0]}/envelopes", files=file, headers=origin)
        assert (sent.status_code, sent.headers["location"]) == (303, f"/lots/{made.lots[0]}#bid")
        bad = {"file": ("bid.json", b"{}", "application/json")}
        sent = await wen.post(f"/lots/{made.lots[0]}/envelopes", files=bad, headers=origin)
        assert "fault=seal_broken" in sent.headers["location"]
        assert (await wen.get(sent.headers["location"])).status_code == 200
        form = {"key": secrets.token_hex(16)}
        sent = await wen.post(f"/lots/{made.lots[0]}/withdrawal", data=form, headers=origin)
        assert sent.headers["location"] == f"/lots/{made.lots[0]}#bid"
        wish = {"limit": "10,000", "currency": "USD", "lots": "12 11"}
        assert (await wen.post(f"/sales/{made.sale}/wishes", data=wish, headers=origin)).status_code == 303
        page = (await wen.get(f"/sales/{made.sale}/opening")).text
        assert 'value="12 11"' in page and "10,000" in page
        wrong = await wen.post(f"/sales/{made.sale}/wishes", data=wish | {"lots": "99"}, headers=origin)
        assert wrong.status_code == 422
        await every_staff_page_is_linked(made, site)


def flat(routes):
    """Those of routers that another one includes as well."""
    for route in routes:
        yield from flat(route.original_router.routes) if hasattr(route, "original_router") else [route]


async def every_staff_page_is_linked(made, site):
    """From the board, console and report of the sale to every page of it that the house has, for those who may."""
    runners = await site.employ(ada=Role.AUCTIONEER, cora=Role.CURATOR)
    desk = f"/staff/sales/{made.sale}"
    routes = [route for router in ROUTERS for route in flat(router.routes) if isinstance(route, APIRoute)]
    every = {route.path for route in routes if "GET" in (route.methods or ()) and "/staff/sales/{sale}" in route.path}
    of_drafts = {"settings", "lots/{lot}", "estimates", "ordering"}
    asked_by_script = {"console.json"}
    of_pages = {"sheet.csv", "sheet.xlsx", "papers/{kind}.pdf", "preview", "preview/lots/{lot}"}  # theirs lead there
    of_money = {"deposits", "deposits.csv"}  # the board leads there for who keeps the ledger or the registrations
    pages = {path.removeprefix("/staff/sales/{sale}/") for path in every if path != "/staff/sales/{sale}"}
    linked = {}
    for name, runner in runners.items():
        async with site.browser(runner) as browser:
            texts = [(await browser.get(desk + tail)).text for tail in ("", "/console", "/report")]
            assert "have no acts of their own" in texts[1] and "You may look" not in texts[1]
            assert "None leads" not in texts[1] and not re.search(r"data-hand-ask>ask", texts[1])
            found = set(re.findall(rf'href="{desk}/([^"?#]+)', "".join(texts)))
            for page in found:
                assert (await browser.get(f"{desk}/{page}")).status_code == 200, page
            linked[name] = {re.sub(r"^lots/[0-9A-Z]{26}", "lots/{lot}", page) for page in found}
    assert linked["ada"] | linked["cora"] == pages - of_drafts - asked_by_script - of_pages - of_money
    assert "tender" in linked["ada"] - linked["cora"] and "amendment" in linked["cora"] - linked["ada"]


@pytest.mark.parametrize("what", ["not json", "another", "unsigned"])
async def test_a_share_file_that_is_not_of_this_closing_is_refused(sqlite_database_url, sqlite_sessions, what):
    async with (
        tender_house(sqlite_database_url, sqlite_sessions) as made,
        served(made) as site,
        site.browser() as anybody,
    ):
        path = f"/api/v1/sales/{made.sale}/shares"
        assert (await anybody.post(path, content=b"{}")).json()["code"] == "act_not_allowed"
        async with site.browser(made.buyers[0]) as wen:
            await post(wen, made, await envelope(made, 0, 500_000))
        await closed(made)
        file = read_tender((await anybody.get(f"/sales/{made.sale}/tender.json")).content)
        good = signed_shares(KEYS[0], open_tender(KEYS[0], file))
        bad = {
            "not json": (b"[", "shares_bad"),
            "unsigned": (canonical(good | {"sig": base64url(bytes(63) + b"1")}), "shares_false"),
            "another": (
                canonical(signed_shares(KEYS[0], open_tender(KEYS[0], file).__class__(made.sale, 1, "ab" * 32, ()))),
                "shares_other",
            ),
        }[what]
        said = await anybody.post(path, content=bad[0])
        assert (said.status_code, said.json()["code"]) == (422, bad[1])


async def test_no_amount_stands_anywhere_in_clear_before_the_opening(database_url, sessions, capfd):
    async with tender_house(database_url, sessions) as made:
        frames = []
        async with served(made) as site, site.browser(made.buyers[0]) as wen, site.browser(made.world.lead) as staff:
            cookie, _ = await site.cookie(made.buyers[1])
            async with site.socket(cookie) as socket:
                await enter(socket, made.sale)
                answer = await post(wen, made, await envelope(made, 0, MARKER))
                frames.append(await hear(socket, "batch"))
            pages = [
                (await browser.get(path)).text
                for browser in (wen, staff)
                for path in (
                    f"/lots/{made.lots[0]}", f"/sales/{made.sale}", f"/sales/{made.sale}/opening",
                    f"/sales/{made.sale}/tender.json", f"/api/v1/sales/{made.sale}/snapshot",
                    f"/staff/sales/{made.sale}/tender", f"/api/v1/lots/{made.lots[0]}/events",
                )
            ]  # fmt: skip
            await closed(made)
            pages.append((await staff.get(f"/sales/{made.sale}/tender.json")).text)
        rows = await everything_stored(database_url)
        assert_hidden("".join([*pages, *rows, json.dumps(frames), answer.text, *capfd.readouterr()]))


async def everything_stored(url):
    rows = []
    engine = create_engine(url)
    async with engine.connect() as connection:
        listing = "select tablename from pg_tables where schemaname = 'public'"
        if engine.dialect.name == "sqlite":
            listing = "select name from sqlite_master where type = 'table'"
        for (name,) in (await connection.execute(text(listing))).all():
            rows += [str(row) for row in await connection.execute(text(f'select * from "{name}"'))]
    await engine.dispose()
    return rows


def assert_hidden(seen):
    for spelled in (f"{MARKER}", f"{MARKER:,}", f"{MARKER / 100:,.2f}", f"{MARKER / 100:.2f}"):
        assert spelled not in seen


def words(page):
    return re.sub(r"<[^>]+>", "", page)


async def mails(made):
    """Whom the notices go to, in order."""
    while await watching.follow(made.sessions, made.clock()):
        pass
    async with made.sessions() as session:
        rows = await session.scalars(select(Outbox).where(Outbox.kind == Channel.MAIL).order_by(Outbox.id))
        people = dict((await session.execute(select(Person.id, Person.email))).all())
        words = pages_of(static.frontend())
        author = Author(words, "https://pavilion.example", b"secret")
        return [
            (row.payload["notice"], people[row.payload["person"]].split("@")[0],
             " ".join((await author.worded(session, row.payload, Channel.MAIL)).lines))
            for row in rows if row.payload["notice"].startswith("tender_")
        ]  # fmt: skip


async def test_a_tender_of_two_rounds_invites_tells_and_hides_until_the_award(
    sqlite_database_url, sqlite_sessions, capfd
):
    final = {"top": 3, "within_bp": 1000, "hours": 24}
    async with tender_house(sqlite_database_url, sqlite_sessions, lots=1, best_and_final=final) as made:
        async with served(made) as site:
            for buyer, value in ((0, MARKER), (1, MARKER - 1_000_000), (2, 30_000_000)):
                async with site.browser(made.buyers[buyer]) as browser:
                    assert (await post(browser, made, await envelope(made, buyer, value))).status_code == 201
        await closed(made)
        await handed_in(made, 1, 3)
        lot = f"/lots/{made.lots[0]}"
        await made.until(lambda: made.rooms.engine.writers[made.sale].book.lots[made.lots[0]].state == "open")
        async with made.sessions.begin() as session:
            runner = await make.actor(session, "auction@pavilion.example", (Role.AUCTIONEER,))
        told = await mails(made)
        assert [one[:2] for one in told] == [
            ("tender_invited", "wen1"), ("tender_invited", "wen2"), ("tender_not_invited", "wen3"),
        ]  # fmt: skip
        assert "second sealed round until 3 March 2026, 16:00 in Antwerp" in told[0][2]
        async with (
            served(made) as site,
            site.browser(made.buyers[0]) as best,
            site.browser(made.buyers[1]) as second,
            site.browser(made.buyers[2]) as last,
            site.browser(runner) as staff,
        ):
            mine = (await best.get(lot)).text
            assert "You are invited to bid once more" in mine and f"{MARKER / 100:,.2f}" in mine
            assert f'"minimum": {MARKER}' in html.unescape(html.unescape(mine))
            assert "You are not among them" in (await last.get(lot)).text
            assert (await best.get(f"/sales/{made.sale}/record.jsonl")).status_code == 404
            hidden = [
                (await browser.get(path)).text
                for browser in (second, last, staff)
                for path in (
                    lot, f"/sales/{made.sale}", f"/sales/{made.sale}/opening", f"/sales/{made.sale}/tender.json",
                    f"/api/v1/sales/{made.sale}/snapshot", f"/staff/sales/{made.sale}/tender", "/desk/bids",
                )
            ]  # fmt: skip
            assert "The second round runs until" in hidden[-2]
            assert "you are invited" in hidden[2] and "you are invited" not in hidden[9]
            assert_hidden("".join([*hidden, *await everything_stored(sqlite_database_url), *(one[2] for one in told)]))
            refused = await post(last, made, await envelope(made, 2, MARKER))
            assert (refused.status_code, refused.json()["code"]) == (409, "lot_closed")
            origin = {"origin": site.origin}
            wish = {"limit": "2,000,000", "currency": "USD", "lots": ""}
            assert (await second.post(f"/sales/{made.sale}/wishes", data=wish, headers=origin)).status_code == 303
            assert (await post(second, made, await envelope(made, 1, MARKER + 1))).status_code == 201
            assert_hidden("".join(capfd.readouterr()))
        end = FIRST_CLOSE + 24 * HOUR
        await closed(made, end + 2 * SECOND + 3 * SECOND)
        async with served(made) as site, site.browser() as anybody:
            assert "Second round" in (await anybody.get(f"/sales/{made.sale}/opening")).text
        await opened(made, 2, 3)
        async with served(made) as site, site.browser(made.buyers[1]) as winner:
            assert "You won" in (await winner.get(lot)).text
            assert "has its result" in (await winner.get(f"/sales/{made.sale}/opening")).text
            record = (await winner.get(f"/sales/{made.sale}/record.jsonl")).content
            assert verify(lambda: iter(record.splitlines(keepends=True))).lots == 1
        async with made.sessions() as session:
            (won,) = await queries.results(session, made.sale)
            assert (won.company_id, won.price_minor) == (made.buyers[1].company_id, MARKER + 1)


async def test_below_the_reserve_the_seller_is_asked_in_the_order_of_the_rank(sqlite_database_url, sqlite_sessions):
    async with tender_house(sqlite_database_url, sqlite_sessions, reserve=450_000, lots=1) as made:
        async with served(made) as site:
            for buyer, value in ((0, 410_000), (1, 430_000)):
                async with site.browser(made.buyers[buyer]) as browser:
                    assert (await post(browser, made, await envelope(made, buyer, value))).status_code == 201
                    page = (await browser.get(f"/sales/{made.sale}")).text
                    assert "Your sealed bid stands" in page and "Least total" in page
                    assert "Reserve not met" not in page and '"reserve_met": null' in html.unescape(page)
                    assert "data-discount" not in (await browser.get(f"/lots/{made.lots[0]}")).text
        await closed(made)
        async with served(made) as site, site.browser() as anybody:
            told = html.unescape((await anybody.get(f"/sales/{made.sale}/opening")).text)
            assert f"--house '{made.rooms.verifier}' --rules rules.json" in told
        await opened(made, 1, 2)
        async with made.sessions.begin() as session:
            runner = await make.actor(session, "auction@pavilion.example", (Role.AUCTIONEER,))
        async with served(made) as site, site.browser(runner) as staff:
            path = f"/staff/sales/{made.sale}/tender"
            page = (await staff.get(path)).text
            assert page.index("4,300") < page.index("4,100")
            said = {"lot": made.lots[0], "bidder": "A", "answer": "offer"}
            origin = {"origin": site.origin}
            assert (await staff.post(f"{path}/offers", data=said, headers=origin)).status_code == 409  # B is first
            assert (
                await staff.post(f"{path}/offers", data=said | {"bidder": "B", "answer": "decline"}, headers=origin)
            ).status_code == 303
            assert (await staff.post(f"{path}/offers", data=said, headers=origin)).status_code == 303


async def test_a_trial_in_plain_mode_says_that_the_operator_could_read_it_and_opens_by_itself(
    sqlite_database_url, sqlite_sessions
):
    plain = {"sealed": False, "k": 0, "custodians": []}
    async with tender_house(sqlite_database_url, sqlite_sessions, lots=1, **plain) as made:
        said = "the operator could read these"
        async with served(made) as site, site.browser(made.buyers[0]) as wen:
            rules = (await wen.get(f"/sales/{made.sale}/rules.json")).json()["tender"]
            assert (rules["sealed"], rules["k"], len(rules["custodians"])) == (False, 1, 1)
            payload = Payload(
                made.sale, made.lots[0], await paddle_of(made, 0), "ab" * 16, "total", 500_000, stamp(NOON)
            )
            sealed = seal(payload, rules["custodians"], rules["k"], secrets.token_bytes)
            taken = await post(wen, made, sealed)
            assert "the operator could read it" in (await wen.get(taken.json()["receipt"])).text
            sale = f"/sales/{made.sale}"
            for path in (f"/lots/{made.lots[0]}", sale, f"{sale}/opening", f"{sale}/rules"):
                assert said in (await wen.get(path)).text
            made.clock.at = FIRST_CLOSE + 3 * SECOND
            await made.until(lambda: made.sale not in made.rooms.engine.writers, 10)
            assert (await wen.get(f"/sales/{made.sale}/tender.json")).status_code == 404
            assert "You won" in (await wen.get(f"/lots/{made.lots[0]}")).text
            record = (await wen.get(f"/sales/{made.sale}/record.jsonl")).content
            assert verify(lambda: iter(record.splitlines(keepends=True))).lots == 1


async def test_who_is_passed_over_for_an_own_sum_is_told_so_and_nobody_else_is(sqlite_database_url, sqlite_sessions):
    async with tender_house(sqlite_database_url, sqlite_sessions, lots=1) as made:
        lot, said = f"/lots/{made.lots[0]}", "with premium your bid comes to USD11,875"
        async with served(made) as site, site.browser(made.buyers[0]) as wen, site.browser(made.buyers[1]) as ilse:
            wish = {"limit": "10,000", "currency": "USD", "lots": ""}
            origin = {"origin": site.origin}
            assert (await wen.post(f"/sales/{made.sale}/wishes", data=wish, headers=origin)).status_code == 303
            for buyer, browser, value in ((0, wen, 950_000), (1, ilse, 654_000)):
                assert (await post(browser, made, await envelope(made, buyer, value))).status_code == 201
            before = (await wen.get(f"{lot}/why")).text
            assert "You sent a sealed bid" in before and "9,500" not in before
        await closed(made)
        await opened(made, 2, 3)
        async with served(made) as site, site.browser(made.buyers[0]) as wen, site.browser(made.buyers[1]) as ilse:
            for path in (lot, f"{lot}/why", "/desk/bids", f"/sales/{made.sale}/opening"):
                mine = words((await wen.get(path)).text)
                assert said in mine and "your sum of USD10,000" in mine and "9,500" in mine, path
                theirs = (await ilse.get(path)).text
                assert "Passed over" not in theirs and "9,500" not in theirs and "10,000" not in theirs, path
            assert "place 1 of 2" in (await wen.get(lot)).text
            assert "sold to you for USD6,540" in words((await ilse.get(f"{lot}/why")).text)
        async with served(made) as site, site.browser(made.buyers[2]) as nobody:
            assert (await nobody.get(f"{lot}/why")).status_code == 404
            assert "Passed over" not in (await nobody.get(lot)).text
