"""The mail port: what is handed over, to whom, and the two hands that take it: a mail server, or a folder that shows
what would have been sent."""

import asyncio
import hashlib
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

TIMEOUT_S = 8
KEPT = 200  # mails of one person in the folder
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Later(Exception):
    """Not taken now; the same mail may be tried again. `all`: nobody's would have been."""

    def __init__(self, why: str, *, everybody: bool = False) -> None:
        super().__init__(why)
        self.everybody = everybody


class Never(Exception):
    """Refused for good."""


class Mail(NamedTuple):
    """`key` decides the message id: a second copy carries the same."""

    key: str
    address: str
    subject: str
    text: str
    html: str
    lang: str
    stop_url: str
    at: datetime
    calendar: "Invitation | None" = None


class Invitation(NamedTuple):
    """What a calendar reads: the method stands in the text and, as a parameter, on its part of the mail."""

    method: str
    text: str


class Post(Protocol):
    """Used as a context: one conversation for a handful of mails."""

    async def send(self, message: EmailMessage, address: str) -> None:
        """Later or Never when it was not taken."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, kind: object, fault: object, trace: TracebackType | None) -> None: ...


def message_of(mail: Mail, sender: str, host: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, mail.address, " ".join(mail.subject.split())
    message["Date"] = format_datetime(mail.at)
    message["Message-ID"] = f"<{hashlib.sha256(mail.key.encode()).hexdigest()[:40]}@{host.partition(':')[0]}>"
    message["Content-Language"] = "zh-Hans" if mail.lang == "zh" else "en"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Unsubscribe"] = f"<{mail.stop_url}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text, cte="base64")
    message.add_alternative(mail.html, subtype="html", cte="base64")
    if mail.calendar is not None:
        _invite(message, mail.calendar)
    return message


def _invite(message: EmailMessage, calendar: Invitation) -> None:
    """As an alternative for programs that show an invitation, and as a file for those that do not."""
    method = {"method": calendar.method}
    message.add_alternative(calendar.text, subtype="calendar", charset="utf-8", cte="base64", params=method)
    name = "cancel.ics" if calendar.method == "CANCEL" else "invite.ics"
    message.add_attachment(calendar.text.encode(), maintype="application", subtype="ics", filename=name)


class Smtp:
    """`smtps://` speaks TLS from the first byte, `smtp://` turns to it, and does without only on this machine."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        said = urlsplit(url)
        if said.scheme not in ("smtp", "smtps") or not said.hostname:
            raise ValueError("PAVILION_SMTP_URL is smtp://host:port or smtps://name:password@host")
        self._host, self._port, self._tls = said.hostname, said.port, said.scheme == "smtps"
        self._name = unquote(said.username) if said.username else None
        self._password = unquote(said.password) if said.password else None
        self._timeout_s = timeout_s
        self._line: aiosmtplib.SMTP | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, fault: object, trace: TracebackType | None) -> None:
        line, self._line = self._line, None
        if line is not None:
            try:
                await line.quit()
            except (aiosmtplib.SMTPException, OSError):
                line.close()

    async def send(self, message: EmailMessage, address: str) -> None:
        line = await self._opened()
        try:
            await line.send_message(message, recipients=[address])
        except aiosmtplib.SMTPRecipientsRefused as refused:
            code = max(one.code for one in refused.recipients)
            raise (Never if code >= 500 else Later)(f"{code} for the address") from None
        except aiosmtplib.SMTPResponseException as answer:
            raise (Never if answer.code >= 500 else Later)(f"{answer.code} {answer.message}"[:180]) from None
        except (aiosmtplib.SMTPException, OSError) as fault:
            self._drop()
            raise Later(type(fault).__name__, everybody=True) from None

    async def _opened(self) -> aiosmtplib.SMTP:
        if self._line is not None and self._line.is_connected:
            return self._line
        line = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._name,
            password=self._password,
            timeout=self._timeout_s,
            use_tls=self._tls,
            start_tls=False if self._tls else None if self._host in LOOPBACK else True,
        )
        try:
            await line.connect()
        except (aiosmtplib.SMTPException, OSError) as fault:
            line.close()
            raise Later(f"{type(fault).__name__} on connecting", everybody=True) from None
        self._line = line
        return line

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


class MailFolder:
    """The simulated mail box: a file for each mail, in a folder for each address; the newest are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, fault: object, trace: TracebackType | None) -> None:
        return None

    async def send(self, message: EmailMessage, address: str) -> None:
        try:
            await asyncio.to_thread(self._put, message, address)
        except OSError as fault:
            raise Later(type(fault).__name__, everybody=True) from None

    def _put(self, message: EmailMessage, address: str) -> None:
        box = box_of(self._folder, address)
        box.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:32]
        fresh = box / f"{name}.new"
        fresh.write_bytes(message.as_bytes())
        fresh.replace(box / f"{name}.eml")
        held = sorted(box.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
        for old in held[:-KEPT]:
            old.unlink(missing_ok=True)


def box_of(folder: Path, address: str) -> Path:
    return folder / hashlib.sha256(address.lower().encode()).hexdigest()[:24]
