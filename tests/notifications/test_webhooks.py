"""Addresses of companies are called for what they may see: each event once, signed, tried again, and never inside."""

import asyncio
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from pavilion import partner
from pavilion.accounts import keys
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import CompanyState, Role
from pavilion.accounts.scopes import Scope
from pavilion.bidding.models import BookEvent, BookLot, SaleBook
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.models import CommitmentKind
from pavilion.catalogue.upload_models import StockContent, StockFile
from pavilion.kernel import events
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.kernel.events import Cursor
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import webhook_rules, webhook_sending, webhooks
from pavilion.notifications.webhook_following import Following
from pavilion.notifications.webhook_models import Webhook, WebhookCall
from pavilion.notifications.webhook_rules import EventKind
from pavilion.notifications.webhook_sending import Calling
from pavilion.notifications.wording import Author
from pavilion.provenance.registries.outbound import Outbound, Refused
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from pavilion.webkit.kept_models import KeptAnswer
from tests import make
from tests.catalogue import stones as listing
from tests.make import HOUR, NOON, SECOND
from tests.notifications.hook_server import hook_server
from tests.test_partner import line
from tests.trading.test_pages import Site, site  # noqa: F401

ADMIN = (Role.BUYER, Role.COMPANY_ADMIN)
ALL = tuple(EventKind)
PUBLIC = "https://hooks.lumen.example/pavilion"
SALE, LOT = "01KJQ6PSG0HV0AR049QXJ3GC01", "01KJQ6PSG0HV0AR049QXJ3GC02"


async def hooked(sessions, email="ada@lumen.example", url=PUBLIC, kinds=ALL, roles=ADMIN, firm=None):
    """An address of a company, and who keeps it."""
    async with sessions.begin() as session:
        firm = firm or await make.company(session, email.split("@")[1])
        actor = await make.actor(session, email, roles, firm)
        row = await webhooks.make(session, url=url, kinds=kinds, loopback=True, actor=actor, now=NOON)
        return row, actor, await webhooks.secret_of(session, row)


async def calls_of(sessions, row):
    async with sessions() as session:
        mine = select(WebhookCall).where(WebhookCall.webhook_id == row.id).order_by(WebhookCall.id)
        return (await session.scalars(mine)).all()


async def told(sessions, row):
    return [json.loads(call.body) for call in await calls_of(sessions, row)]


async def in_the_trade(sessions):
    """A stone is listed, priced anew and withdrawn."""
    async with sessions.begin() as session:
        firm = await make.company(session, "Scheldt Diamonds", "BE")
        (stone,) = await listing.listed(session, [listing.row(1)], firm.id)
    return firm, stone.public_id


async def priced(sessions, firm):
    cheaper = {"price_per_carat_minor": 600_000, "price_total_minor": 612_000}
    async with sessions.begin() as session:
        await catalogue.store_stones(session, [listing.row(1) | cheaper], supplier_company_id=firm.id, now=NOON)


async def withdrawn(sessions, firm):
    said = {"supplier_company_id": firm.id, "stock_nos": ["pv-000001"], "by": None, "now": NOON}
    async with sessions.begin() as session:
        await catalogue.withdraw_stones(session, **said)


async def test_a_stone_is_told_of_once_however_often_and_by_how_many_it_is_read(sessions):
    row, _, _ = await hooked(sessions)
    blind, _, _ = await hooked(sessions, "bo@other.example", roles=(Role.COMPANY_ADMIN,))
    following = Following(sessions)
    firm, stone = await in_the_trade(sessions)
    assert await following.tick(NOON) == 1
    await priced(sessions, firm)
    await asyncio.gather(following.tick(NOON), Following(sessions).tick(NOON))
    await withdrawn(sessions, firm)
    await following.tick(NOON)
    async with sessions.begin() as session:
        await session.execute(delete(Cursor).where(Cursor.follower.startswith("webhooks:")))
    await Following(sessions).tick(NOON)  # all is read again
    found = await told(sessions, row)
    kinds = ["stone.listed", "price.changed", "stone.withdrawn"]
    assert [one["type"] for one in found] == kinds and len({one["id"] for one in found}) == 3
    assert found[0]["data"]["stone"]["price"]["total"] == {"amount_minor": 663_000, "currency": "USD"}
    assert found[1]["data"]["stone"]["price"]["total"]["amount_minor"] == 612_000
    assert found[2]["data"]["stone"] == {"id": stone} and found[2]["at"] == "2026-03-02T12:00:00.000000Z"
    unpriced = await told(sessions, blind)
    assert [one["type"] for one in unpriced] == ["stone.listed", "stone.withdrawn"], "who sees no prices hears of none"
    assert "price" not in unpriced[0]["data"]["stone"]


async def test_what_was_asked_for_a_stone_that_is_sold_by_now_is_told_no_more(sqlite_sessions):
    row, _, _ = await hooked(sqlite_sessions)
    firm, stone = await in_the_trade(sqlite_sessions)
    await priced(sqlite_sessions, firm)
    async with sqlite_sessions.begin() as session:
        facts = {"stone": stone, "kind": CommitmentKind.SOLD, "ref": stone, "facts": {}}
        await catalogue.commit_stone(session, **facts, by=None, now=NOON)
    await Following(sqlite_sessions).tick(NOON)
    (found,) = await told(sqlite_sessions, row)
    assert found["type"] == "stone.listed" and set(found["data"]["stone"]["price"].values()) == {None}


async def test_calls_and_the_place_that_was_read_stand_in_one_transaction(sqlite_sessions):
    row, _, _ = await hooked(sqlite_sessions)
    await in_the_trade(sqlite_sessions)
    following = Following(sqlite_sessions)
    async with sqlite_sessions.begin() as session:
        await session.execute(
            text("create trigger cut before insert on webhook_calls begin select raise(abort, 'cut'); end")
        )
    with pytest.raises(DBAPIError):
        await following.tick(NOON)
    async with sqlite_sessions.begin() as session:
        assert not await session.scalar(select(func.count()).select_from(Cursor))
        await session.execute(text("drop trigger cut"))
    await following.tick(NOON)
    assert [one["type"] for one in await told(sqlite_sessions, row)] == ["stone.listed"]


async def test_nobody_hears_of_another_companys_appointments_and_uploads(sqlite_sessions):
    ours, actor, _ = await hooked(sqlite_sessions)
    theirs, other, _ = await hooked(sqlite_sessions, "otto@other.example")
    async with sqlite_sessions.begin() as session:
        for who in (actor, other, actor):
            facts = {"company_id": who.company_id, "number": f"HKG-{who.company_id}", "state": "booked"}
            events.record(session, "appointment:booked", make.NOON.isoformat(), by="x", at=NOON, **facts, desk="d1")
        events.record(session, "appointment:booked", "x", by="x", at=NOON - HOUR, company_id=actor.company_id)
        events.record(session, "upload:finished", "F" * 26, by="x", at=NOON, state="done", counts={"accepted": 3})
        session.add(StockContent(sha256="0" * 64, content=b"x"))
        await session.flush()
        file = StockFile(public_id="F" * 26, supplier_company_id=other.company_id, sha256="0" * 64, filename="a.csv")
        file.mode, file.profile, file.state, file.queued_at, file.finished_at = "add", "none", "done", NOON, NOON
        session.add(file)
        late = {"accepted": 2, "rejected": 1}
        events.record(session, "upload:completed", "F" * 26, by=None, at=NOON, state="done", counts=late)
    for _ in range(2):
        await Following(sqlite_sessions).tick(NOON)
    mine, its = await told(sqlite_sessions, ours), await told(sqlite_sessions, theirs)
    assert [one["data"]["number"] for one in mine] == [f"HKG-{actor.company_id}"] * 2
    assert "desk" not in mine[0]["data"] and mine[0]["data"]["happened"] == "booked"
    assert sorted(one["type"] for one in its) == ["appointment.changed", "upload.finished", "upload.finished"]
    for counts in ({"accepted": 3}, late):
        assert {"file": "F" * 26, "state": "done", "counts": counts} in [one["data"] for one in its]


def _some(kind):
    return {bool: False, int: 0, str: "x", dict: {}, list: []}.get(kind.python_type, NOON)


async def test_a_verdict_is_told_to_the_owner_whatever_it_says_and_to_others_of_what_they_see(sqlite_sessions):
    firm, stone = await in_the_trade(sqlite_sessions)
    roles = (Role.SUPPLIER, Role.COMPANY_ADMIN)
    owner, _, _ = await hooked(sqlite_sessions, "sam@scheldt.example", roles=roles, firm=firm)
    other, _, _ = await hooked(sqlite_sessions)
    async with sqlite_sessions.begin() as session:
        await listing.revoke(session, stone)
        await catalogue.verdicts_changed(session, [stone], now=NOON)
    await Following(sqlite_sessions).tick(NOON + SECOND)
    assert {one["type"] for one in await told(sqlite_sessions, owner)} >= {"stone.verdict_changed", "stone.withdrawn"}
    said = [one for one in await told(sqlite_sessions, other) if one["type"] != "stone.listed"]
    assert [(one["type"], one["data"]["stone"]) for one in said] == [("stone.withdrawn", {"id": stone})]


async def test_lots_are_told_from_the_book_without_the_bidder(sqlite_sessions):
    row, _, _ = await hooked(sqlite_sessions)
    kinds = {"lot.listed": {}, "bid.accepted": {}, "lot.sold": {"bidder": "B1", "price": 900}, "lot.passed": {}}
    async with sqlite_sessions.begin() as session:
        book = {"sale": SALE, "rules": "{}", "rules_hash": "0" * 64, "wrapped_key": b"", "state": "open", "size": 4}
        await session.execute(insert(SaleBook).values(book))
        lot = {"lot": LOT, "sale": SALE, "number": "1", "position": 1, "currency": "USD", "state": "sold"}
        needed = {one.name: _some(one.type) for one in BookLot.__table__.columns if not one.nullable}
        await session.execute(insert(BookLot).values(needed | lot))
        for n, (kind, data) in enumerate(kinds.items()):
            said = {"sale": SALE, "n": n, "lot": LOT, "seq": n + 1, "t": NOON, "at": NOON, "type": kind}
            hashes = {"prev": "0" * 64, "hash": "0" * 64, "body": json.dumps({"data": data})}
            await session.execute(insert(BookEvent).values(said | hashes))
    following = Following(sqlite_sessions)
    assert (await following.tick(NOON), await following.tick(NOON)) == (3, 0)
    found = [(one["type"], one["data"]) for one in await told(sqlite_sessions, row)]
    place = {"sale": SALE, "lot": LOT}
    price = {"price": {"amount_minor": 900, "currency": "USD"}}
    assert found == [("lot.listed", place), ("lot.sold", place | price), ("lot.passed", place)]


async def test_who_is_gone_or_not_approved_is_called_no_more(sqlite_sessions):
    row, actor, _ = await hooked(sqlite_sessions)
    async with sqlite_sessions.begin() as session:
        await webhooks.try_out(session, public_id=row.public_id, actor=actor, now=NOON)
        await session.execute(update(Company).where(Company.id == row.company_id).values(state=CompanyState.SUSPENDED))
    firm, _ = await in_the_trade(sqlite_sessions)
    assert await Following(sqlite_sessions).tick(NOON) == 0 and await webhook_sending.claim(sqlite_sessions, NOON) == []
    async with sqlite_sessions.begin() as session:
        await session.execute(update(Company).where(Company.id == row.company_id).values(state=CompanyState.APPROVED))
        await session.execute(update(Person).where(Person.id == row.person_id).values(disabled_at=NOON))
    await priced(sqlite_sessions, firm)
    assert await Following(sqlite_sessions).tick(NOON) == 0


async def test_a_call_is_signed_and_tried_until_it_is_taken(sessions):
    async with hook_server() as server:
        row, _, secret = await hooked(sessions, url=server.url)
        await in_the_trade(sessions)
        await Following(sessions).tick(NOON)
        door = Outbound(None, loopback=True, timeout_s=2)  # a busy machine answers late; what hangs costs this once
        calling = Calling(sessions, door)
        server.answers = ["500 No", "302 Found", "hang", "200 OK"]
        now, seen = NOON, []
        for _ in range(4):
            assert await calling.tick(now) == 1 and await calling.tick(now) == 0
            (call,) = await calls_of(sessions, row)
            seen.append((call.status, call.fault, call.sent_at))
            now = call.due_at or now
        assert seen == [
            (500, "webhook_not_taken", None), (None, "webhook_not_called", None), (None, "webhook_slow", None),
            (200, None, now),
        ]  # fmt: skip
        assert now - NOON >= timedelta(minutes=36) and call.attempts == 4 and await calling.tick(now + 48 * HOUR) == 0
        assert [json.loads(body)["id"] for _, body in server.heard] == [call.event] * 4
        headers, body = server.heard[-1]
        partner.verify(secret, headers, body, now)
        for wrong in ({"secret": "whsec_other"}, {"body": body + b" "}, {"now": now + timedelta(minutes=6)}):
            said = {"secret": secret, "headers": headers, "body": body, "now": now} | wrong
            with pytest.raises(partner.BadSignature):
                partner.verify(**said)
        await door.close()


async def test_a_target_that_takes_nothing_is_given_up_paused_told_and_resumed(sqlite_sessions):
    async with hook_server() as server:
        row, actor, _ = await hooked(sqlite_sessions, url=server.url)
        await in_the_trade(sqlite_sessions)
        await Following(sqlite_sessions).tick(NOON)
        door = Outbound(None, loopback=True)
        calling, now, tries = Calling(sqlite_sessions, door), NOON, 0
        server.answers = ["503 No"] * 20
        while (call := (await calls_of(sqlite_sessions, row))[0]).due_at and await calling.tick(call.due_at):
            now, tries = call.due_at, tries + 1
        assert tries == len(webhook_rules.WAITS) + 1 and call.given_up_at == now and now - NOON > 44 * HOUR
        assert call.due_at is None
        async with sqlite_sessions() as session:
            assert (await session.get(Webhook, row.id)).paused_at == now
            mails = (await session.scalars(select(Outbox).where(Outbox.kind == "mail"))).all()
            author = Author(pages_of(static.frontend()), "https://pavilion.example", b"secret")
            said = await author.worded(session, mails[0].payload, "mail")
        assert len(mails) == 1 and said.subject == "Your webhook at 127.0.0.1 is paused"
        assert said.url == "https://pavilion.example/account/company/webhooks"
        await in_the_trade_again(sqlite_sessions)
        assert await Following(sqlite_sessions).tick(now) == 0
        async with sqlite_sessions.begin() as session:
            mine = {"public_id": row.public_id, "actor": actor, "now": now}
            with pytest.raises(webhooks.WebhookPaused):
                await webhooks.replay(session, event=call.event, **mine)
            await webhooks.resume(session, **mine)
            assert await webhooks.replay(session, event=call.event, **mine) == 1
            assert await webhooks.replay(session, since=NOON - HOUR, **mine) == 1
        server.answers = []
        assert await calling.tick(now) == 1
        (again,) = await calls_of(sqlite_sessions, row)
        assert (again.sent_at, again.given_up_at, again.attempts) == (now, None, 1)
        assert json.loads(server.heard[-1][1])["id"] == call.event
        await calling.tick(now + webhook_rules.KEPT + HOUR)
        assert await calls_of(sqlite_sessions, row) == [], "what was settled a month ago is gone"
        await door.close()


async def in_the_trade_again(sessions):
    async with sessions.begin() as session:
        firm = await make.company(session, "Another BV", "BE")
        await listing.listed(session, [listing.row(2)], firm.id)


INSIDE = ("10.0.0.1", "127.0.0.1", "localhost", "169.254.169.254", "[::1]", "[fe80::1]", "[::ffff:10.0.0.1]", "0.0.0.0")


async def test_an_address_inside_is_refused_when_it_is_connected_to(sqlite_sessions):
    door = Outbound(None)
    for host in INSIDE:
        with pytest.raises(Refused):
            await door.post(f"https://{host}/x", b"{}")
    for url in ("http://hooks.lumen.example/", "ftp://hooks.lumen.example/", "https://a:b@hooks.lumen.example/", "x"):
        with pytest.raises(Refused):
            door.check(url)
        with pytest.raises(BadInput):
            await hooked(sqlite_sessions, url=url)
    await door.close()


async def test_a_secret_is_sealed_and_for_a_day_the_one_before_signs_too(sqlite_sessions):
    row, actor, secret = await hooked(sqlite_sessions)
    assert secret.startswith("whsec_") and secret.encode() not in row.secret_sealed
    async with sqlite_sessions.begin() as session:
        await webhooks.try_out(session, public_id=row.public_id, actor=actor, now=NOON)
        row = await webhooks.renew_secret(session, public_id=row.public_id, actor=actor, now=NOON)
        fresh = await webhooks.secret_of(session, row)
    (ready,) = await webhook_sending.claim(sqlite_sessions, NOON)
    assert ready.secrets == (fresh, secret) and await webhook_sending.claim(sqlite_sessions, NOON) == []
    (ready,) = await webhook_sending.claim(sqlite_sessions, NOON + 25 * HOUR)
    assert ready.secrets == (fresh,), "who died with a call leaves it to another"


async def test_only_the_administrator_keeps_addresses_and_ten_at_most(sqlite_sessions):
    row, actor, _ = await hooked(sqlite_sessions)
    _, other, _ = await hooked(sqlite_sessions, "otto@other.example")
    async with sqlite_sessions.begin() as session:
        firm = await session.get(Company, row.company_id)
        buyer = await make.actor(session, "wen@lumen.example", (Role.BUYER,), firm)
        said = {"url": PUBLIC, "kinds": ALL, "loopback": False, "now": NOON}
        with pytest.raises(NotAllowed):
            await webhooks.make(session, actor=buyer, **said)
        for act in (webhooks.remove, webhooks.resume, webhooks.try_out, webhooks.renew_secret):
            with pytest.raises(NotFound):
                await act(session, public_id=row.public_id, actor=other, now=NOON)
        for _ in range(webhook_rules.MOST - 1):
            await webhooks.make(session, actor=actor, **said)
        with pytest.raises(webhooks.WebhooksEnough):
            await webhooks.make(session, actor=actor, **said)


async def test_programs_keep_addresses_over_a_key(site):  # noqa: F811
    async with site.sessions.begin() as session:
        actor = await make.actor(session, "ada@lumen.example", ADMIN, await make.company(session))
        other = await make.actor(session, "otto@other.example", ADMIN, await make.company(session, "Other"))
        said = {"name": "x", "scopes": [Scope.WEBHOOKS], "days": 90, "now": NOON}
        (_, key), (_, foreign) = [await keys.make(session, actor=one, **said) for one in (actor, other)]
    async with line(site, key) as house, line(site, foreign) as stranger:
        made = await house.make_webhook(PUBLIC, ["stone.listed"], once="first-hook")
        again = await house.make_webhook(PUBLIC, ["stone.listed"], once="first-hook")
        assert made == again and made.secret.startswith("whsec_")
        assert [(one.id, one.secret) for one in await house.webhooks()] == [(made.id, "")]
        async with site.sessions() as session:
            assert made.secret not in str([one.body for one in await session.scalars(select(KeptAnswer))])
        call = await house.test_webhook(made.id)
        assert [one.event for one in await house.webhook_calls(made.id)] == [call.event] and call.type == "test"
        assert await house.replay_webhook(made.id, event=call.event) == 1
        assert await house.replay_webhook(made.id, since="2026-03-02T00:00:00Z") == 1
        assert (await house.renew_webhook_secret(made.id)).secret != made.secret
        assert (await house.resume_webhook(made.id)).paused_at is None
        assert await stranger.webhooks() == []
        for act in (stranger.webhook_calls, stranger.test_webhook, stranger.remove_webhook):
            with pytest.raises(partner.Refused, match="404"):
                await act(made.id)
        with pytest.raises(partner.Refused, match="bad_input"):
            await house.make_webhook("http://hooks.lumen.example", ["stone.listed"])
        await house.remove_webhook(made.id)
        assert await house.webhooks() == []


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_the_page_names_tries_replays_and_removes_an_address(site, lang):  # noqa: F811
    async with site.sessions.begin() as session:
        firm = await make.company(session)
        await make.actor(session, "ada@lumen.example", ADMIN, firm)
        await make.actor(session, "otto@other.example", ADMIN, await make.company(session, "Other"))
    home = "/account/company/webhooks"
    async with await site.browser("ada@lumen.example", lang) as ada, await site.browser("otto@other.example") as otto:
        said = {"url": PUBLIC, "events": ["stone.listed", "lot.sold"], "password": make.PASSWORD}
        assert (await ada.post(home, data=said | {"password": "no"})).status_code == 422
        assert (await ada.post(home, data=said | {"url": "http://x.example"})).status_code == 422
        said["once"] = re.search(r'name="once" value="([\w-]{43})"', (await ada.get(home)).text)[1]
        made = await ada.post(home, data=said)
        secret = re.search(r"whsec_[\w-]{43}", made.text)[0]
        assert secret in (await ada.post(home, data=said)).text  # pressed twice: one address, the same secret
        shown = (await ada.get(home)).text
        assert made.status_code == 201 and secret not in shown and shown.count(f'href="{home}/') == 1
        one = re.search(rf'href="({home}/\w+)"', shown)[1]
        assert (await ada.post(f"{one}/tests")).headers["location"] == f"{one}?done=sent"
        calls = (await ada.get(f"{one}?done=sent")).text
        event = re.search(r'name="event" value="(test-\w+)"', calls)[1]
        assert (await ada.post(f"{one}/replays", data={"event": event})).status_code == 303
        assert re.search(r"whsec_[\w-]{43}", (await ada.post(f"{one}/secret")).text)[0] != secret
        assert [(await otto.get(one)).status_code, (await otto.post(f"{one}/removal")).status_code] == [404, 404]
        assert (await ada.post(f"{one}/removal")).headers["location"] == f"{home}?done=removed"
        assert (await ada.get(one)).status_code == 404
