"""Mail and push as they leave, by real servers on loopback that take, refuse, hang and die: nothing lost or doubled."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from pavilion.kernel import outbox
from pavilion.kernel.base64url import base64url, from_base64url
from pavilion.kernel.instants import stamp
from pavilion.kernel.outbox import ATTEMPTS, LEASE, Outbox
from pavilion.notifications import box, service
from pavilion.notifications.jobs import MOOT, Mailing, Pushing
from pavilion.notifications.mail import MailFolder, Smtp
from pavilion.notifications.models import PushBrowser
from pavilion.notifications.push import PushService, Subscription, decrypt, point_of
from pavilion.notifications.rules import Channel
from pavilion.notifications.wording import Author
from pavilion.webkit import static
from pavilion.webkit.html import pages_of
from tests import make
from tests.make import NOON, SECOND
from tests.notifications.mailserver import mail_server

AUTHOR = Author(pages_of(static.frontend()), "https://pavilion.example", b"secret")
SENDER = "Pavilion <notices@pavilion.example>"


async def reader(sessions, email="wen@lumen.example"):
    async with sessions.begin() as session:
        return (await make.person(session, email)).id


async def waiting(sessions, person, key="1", channel=Channel.MAIL, due_at=None):
    async with sessions.begin() as session:
        payload = {"notice": "sale_paused", "person": person, "at": stamp(NOON)}
        await outbox.enqueue(session, channel, key, payload, at=NOON, due_at=due_at)


async def rows(sessions):
    async with sessions() as session:
        return (await session.scalars(select(Outbox).order_by(Outbox.id))).all()


def mailing(sessions, post):
    return Mailing(sessions, AUTHOR, post, SENDER, "pavilion.example")


async def test_a_mail_says_who_it_is_from_and_how_it_stops(sessions):
    await waiting(sessions, await reader(sessions))
    async with mail_server() as server:
        assert await mailing(sessions, Smtp(server.url)).tick(NOON) == 1
        assert await mailing(sessions, Smtp(server.url)).tick(NOON + 2 * LEASE) == 0, "it was sent"
    (mail,) = server.taken
    assert mail["From"] == SENDER and mail["To"] == "wen@lumen.example" and mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"].startswith("<https://pavilion.example/api/v1/notices/stop/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert "https://pavilion.example/account/notifications" in plain.get_content()
    assert "<script" not in html.get_content() and "style=" not in html.get_content()


async def test_a_greylist_is_waited_out_with_growing_waits_under_the_same_message_id(sessions):
    await waiting(sessions, await reader(sessions))
    async with mail_server() as server:
        server.answers["RCPT"] = ["451 come back", "451 come back"]
        work, now, tries = mailing(sessions, Smtp(server.url)), NOON, []
        while not server.taken:
            await work.tick(now)
            (row,) = await rows(sessions)
            if row.sent_at is None:
                assert row.last_error == "451 for the address" and row.due_at is not None and row.due_at > now
                tries.append(row.due_at - now)
                assert await work.tick(row.due_at - SECOND) == 0, "not before its time"
                now = row.due_at
        assert len(tries) == 2 and tries[1] >= 1.5 * tries[0]


async def test_an_address_that_does_not_exist_is_given_up_and_hinders_nobody(sessions):
    await waiting(sessions, await reader(sessions, "gone@lumen.example"), "1")
    await waiting(sessions, await reader(sessions), "2")
    async with mail_server() as server:
        server.answers["RCPT"] = ["550 nobody here"]
        assert await mailing(sessions, Smtp(server.url)).tick(NOON) == 2
    gone, sent = await rows(sessions)
    assert gone.given_up_at == NOON and gone.last_error == "550 for the address" and sent.sent_at == NOON
    assert [mail["To"] for mail in server.taken] == ["wen@lumen.example"]


async def test_a_server_that_hangs_or_is_away_delays_all_by_one_timeout(sessions):
    for key in "123":
        await waiting(sessions, await reader(sessions, f"wen{key}@lumen.example"), key)
    async with mail_server() as server:
        server.silent = True
        assert await mailing(sessions, Smtp(server.url, timeout_s=0.2)).tick(NOON) == 0
        assert all("on connecting" in (row.last_error or "") for row in await rows(sessions))
    now = max(row.due_at for row in await rows(sessions) if row.due_at)
    assert await mailing(sessions, Smtp(server.url, timeout_s=0.2)).tick(now) == 0, "the server is gone altogether"
    async with mail_server() as server:
        now = max(row.due_at for row in await rows(sessions) if row.due_at)
        assert await mailing(sessions, Smtp(server.url)).tick(now) == 3


async def test_killed_between_effect_and_mark_a_second_copy_has_the_same_message_id(sqlite_sessions):
    await waiting(sqlite_sessions, await reader(sqlite_sessions))
    async with mail_server() as server:

        class Killed(Smtp):
            async def send(self, message, address):
                await super().send(message, address)
                raise SystemError("killed")

        with pytest.raises(SystemError):
            await mailing(sqlite_sessions, Killed(server.url)).tick(NOON)
        assert await mailing(sqlite_sessions, Smtp(server.url)).tick(NOON + SECOND) == 0, "the lease holds"
        assert await mailing(sqlite_sessions, Smtp(server.url)).tick(NOON + LEASE) == 1
        assert await mailing(sqlite_sessions, Smtp(server.url)).tick(NOON + 5 * LEASE) == 0
    assert len(server.taken) == 2 and len({mail["Message-ID"] for mail in server.taken}) == 1


async def test_a_line_dropped_after_the_mail_is_tried_again(sqlite_sessions):
    await waiting(sqlite_sessions, await reader(sqlite_sessions))
    async with mail_server() as server:
        server.drops = True
        assert await mailing(sqlite_sessions, Smtp(server.url, timeout_s=1)).tick(NOON) == 0
    (row,) = await rows(sqlite_sessions)
    assert row.sent_at is None and row.due_at is not None and row.last_error == "SMTPServerDisconnected"


async def test_two_workers_send_one_copy(sessions):
    await waiting(sessions, await reader(sessions))
    async with mail_server() as server:
        works = [mailing(sessions, Smtp(server.url)) for _ in range(2)]
        assert sum(await asyncio.gather(*(work.tick(NOON) for work in works))) == 1
    assert len(server.taken) == 1


async def test_after_the_last_attempt_it_is_given_up(sqlite_sessions):
    await waiting(sqlite_sessions, await reader(sqlite_sessions))
    now = NOON
    for _ in range(ATTEMPTS):
        (row,) = await outbox.claim(sqlite_sessions, Channel.MAIL, now)
        async with sqlite_sessions.begin() as session:
            await outbox.failed(session, row, "451", now)
        now += timedelta(days=1)
    assert await outbox.claim(sqlite_sessions, Channel.MAIL, now) == []
    (row,) = await rows(sqlite_sessions)
    assert row.given_up_at is not None
    async with sqlite_sessions() as session:
        assert await outbox.waiting(session, Channel.MAIL) == 0


async def test_without_a_server_mail_lies_in_a_box_that_shows_it(sqlite_sessions, tmp_path):
    person = await reader(sqlite_sessions)
    work = mailing(sqlite_sessions, MailFolder(tmp_path / "mail"))
    await waiting(sqlite_sessions, person, "1")
    await waiting(sqlite_sessions, person, "2", due_at=NOON + SECOND)
    assert await work.tick(NOON) == 1
    (mail,) = box.mails_of(tmp_path / "mail", "wen@lumen.example")
    assert mail.subject.endswith("is paused") and mail.at == NOON and "/sales/" in mail.text
    assert box.mails_of(tmp_path / "mail", "ilse@vandael.example") == []
    assert await work.tick(NOON + SECOND) == 1, "what was due later"
    assert len(box.mails_of(tmp_path / "mail", "WEN@lumen.example")) == 2


async def test_nobody_is_told_what_is_no_longer_so(sqlite_sessions, tmp_path):
    person = await reader(sqlite_sessions)
    async with sqlite_sessions.begin() as session:
        payload = {"notice": "outbid", "person": person, "at": stamp(NOON), "lot": "01GONE", "sale": "01GONE"}
        await outbox.enqueue(session, Channel.MAIL, "1", payload, at=NOON)
    assert await mailing(sqlite_sessions, MailFolder(tmp_path / "mail")).tick(NOON) == 1
    (row,) = await rows(sqlite_sessions)
    assert row.last_error == MOOT and row.sent_at is None and not (tmp_path / "mail").exists()


class PushDouble:
    """A push service on loopback, and the browser behind it."""

    def __init__(self):
        self.private, self.auth = ec.generate_private_key(ec.SECP256R1()), base64url(bytes(range(16)))
        self.status, self.heads, self.bodies, self.port = 201, [], [], 0

    async def talk(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:"))
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(length))
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    @property
    def place(self):
        address = f"http://127.0.0.1:{self.port}/send/abc"
        return Subscription(address, base64url(point_of(self.private.public_key())), self.auth)

    def read(self):
        return [json.loads(decrypt(body, self.private, from_base64url(self.auth))) for body in self.bodies]


@asynccontextmanager
async def pushing(sessions, hosts=("127.0.0.1",)):
    double = PushDouble()
    server = await asyncio.start_server(double.talk, "127.0.0.1", 0)
    double.port = server.sockets[0].getsockname()[1]
    carrier = PushService(bytes(range(1, 33)), "mailto:a@b.example", more_hosts=hosts, loopback=True)
    async with server:
        try:
            yield double, Pushing(sessions, AUTHOR, carrier)
        finally:
            await carrier.close()


async def subscribed(sessions, person, double):
    async with sessions.begin() as session:
        await service.add_browser(session, person=person, place=double.place, browser="Firefox", now=NOON)


async def test_a_push_is_read_by_the_browser_alone_and_a_dead_one_is_forgotten(sessions):
    person = await reader(sessions)
    async with pushing(sessions) as (double, work):
        await subscribed(sessions, person, double)
        await waiting(sessions, person, channel=Channel.PUSH)
        assert await work.tick(NOON) == 1
        (said,) = double.read()
        assert said["title"].endswith("is paused") and said["url"].startswith("https://pavilion.example/")
        assert "authorization: vapid t=" in double.heads[0].lower() and "urgency: high" in double.heads[0].lower()
        double.status = 503
        await waiting(sessions, person, "2", channel=Channel.PUSH)
        assert await work.tick(NOON) == 0
        again = (await rows(sessions))[1]
        assert again.last_error == "503" and again.due_at is not None
        double.status = 410
        assert await work.tick(again.due_at) == 1
        async with sessions() as session:
            assert (await session.scalars(select(PushBrowser))).all() == []


async def test_a_push_host_that_is_not_on_the_list_is_never_called(sqlite_sessions):
    person = await reader(sqlite_sessions)
    async with pushing(sqlite_sessions, hosts=()) as (double, work):
        await subscribed(sqlite_sessions, person, double)
        await waiting(sqlite_sessions, person, channel=Channel.PUSH)
        assert await work.tick(NOON) == 0
        (row,) = await rows(sqlite_sessions)
        assert row.given_up_at == NOON and "not on the list" in (row.last_error or "") and double.bodies == []
