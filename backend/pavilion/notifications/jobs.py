"""The worker's part: books and events are followed, and what the outbox holds for people is sent."""

import hashlib
from datetime import datetime

from sqlalchemy import delete, select

from pavilion.kernel import outbox
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.outbox import Outbox
from pavilion.notifications import viewing_words
from pavilion.notifications.mail import Invitation, Later, Mail, MailFolder, Never, Post, Smtp, message_of
from pavilion.notifications.models import PushBrowser
from pavilion.notifications.push import Gone, NotTaken, PushService, Subscription
from pavilion.notifications.rules import Channel
from pavilion.notifications.wording import Author, Worded
from pavilion.settings import Environment, Settings

MAILS, PUSHES = 10, 20  # in one go: with every one of them timing out, still within the lease
MOOT = "no longer so, or no longer wanted"


def post_of(settings: Settings) -> Post:
    """The mail server of the settings, or the simulated box."""
    url = settings.smtp_url.get_secret_value()
    return Smtp(url) if url else MailFolder(settings.data_dir / "mail")


def push_of(settings: Settings) -> PushService | None:
    """None in a house without the key by which push services would know it."""
    key = settings.push_key.get_secret_value()
    if not key:
        return None
    loopback = settings.environment is not Environment.PRODUCTION
    contact = settings.public_url if settings.secure else f"mailto:notices@{settings.host_name.partition(':')[0]}"
    return PushService(bytes.fromhex(key), contact, more_hosts=settings.outbound_hosts, loopback=loopback)


class Mailing:
    """Hands the waiting mails over, one conversation for a handful."""

    def __init__(self, sessions: Sessions, author: Author, post: Post, sender: str, host: str) -> None:
        self._sessions, self._author, self._post = sessions, author, post
        self._sender, self._host = sender, host

    async def tick(self, now: datetime) -> int:
        """How many were sent, refused or found to be no news any more."""
        rows = await outbox.claim(self._sessions, Channel.MAIL, now, most=MAILS)
        if not rows:
            return 0
        done, silent = 0, ""  # why nobody's mail would be taken now
        async with self._post as post:
            for row in rows:
                async with reading(self._sessions) as session:
                    said = await self._author.worded(session, row.payload, Channel.MAIL)
                if said is not None and not silent:
                    try:
                        await post.send(message_of(self._mail(row, said, now), self._sender, self._host), said.address)
                    except Later as fault:
                        silent = str(fault) if fault.everybody else ""
                        await self._failed(row, str(fault), now)
                        continue
                    except Never as fault:
                        await self._failed(row, str(fault), now, final=True)
                        done += 1
                        continue
                elif said is not None:
                    await self._failed(row, silent, now)
                    continue
                await _settled(self._sessions, row, now, moot=said is None)
                done += 1
        return done

    def _mail(self, row: Outbox, said: Worded, now: datetime) -> Mail:
        text, html = self._author.plain(said), self._author.html(said)
        calendar = None if said.entry is None else Invitation(*viewing_words.sent(said.entry, now))
        return Mail(row.key, said.address, said.subject, text, html, said.lang, said.one_click_url, row.at, calendar)

    async def _failed(self, row: Outbox, error: str, now: datetime, *, final: bool = False) -> None:
        async with self._sessions.begin() as session:
            await outbox.failed(session, row, error, now, final=final)


class Pushing:
    """Sends the waiting pushes to every browser of their reader."""

    def __init__(self, sessions: Sessions, author: Author, service: PushService) -> None:
        self._sessions, self._author, self._service = sessions, author, service

    async def tick(self, now: datetime) -> int:
        rows = await outbox.claim(self._sessions, Channel.PUSH, now, most=PUSHES)
        return sum([await self._one(row, now) for row in rows])

    async def _one(self, row: Outbox, now: datetime) -> int:
        async with reading(self._sessions) as session:
            said = await self._author.worded(session, row.payload, Channel.PUSH)
            mine = select(PushBrowser).where(PushBrowser.person_id == row.payload["person"])
            browsers = (await session.scalars(mine.order_by(PushBrowser.id))).all()
        fault = None
        for browser in browsers if said is not None else ():
            assert said is not None
            try:
                await self._push(browser, said, row, now)
            except NotTaken as found:
                fault = found
        if fault is None:
            await _settled(self._sessions, row, now, moot=said is None or not browsers)
            return 1
        async with self._sessions.begin() as session:
            await outbox.failed(session, row, str(fault), now, final=fault.final)
        return 0

    async def _push(self, browser: PushBrowser, said: Worded, row: Outbox, now: datetime) -> None:
        topic = hashlib.sha256(row.key.encode()).hexdigest()[:32]  # a second copy replaces the first
        message = {"title": said.subject, "body": said.lines[0][:400], "url": said.url, "tag": topic, "lang": said.lang}
        place = Subscription(browser.endpoint, browser.p256dh, browser.auth)
        try:
            await self._service.send(place, message, now, topic=topic)
        except Gone:
            async with self._sessions.begin() as session:
                await session.execute(delete(PushBrowser).where(PushBrowser.id == browser.id))


async def _settled(sessions: Sessions, row: Outbox, now: datetime, *, moot: bool) -> None:
    async with sessions.begin() as session:
        if moot:
            await outbox.failed(session, row, MOOT, now, final=True)
        else:
            await outbox.sent(session, row, now)
