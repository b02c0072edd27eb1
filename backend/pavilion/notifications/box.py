"""The simulated mail box, read: what a person would have been sent. Only where no mail server is set."""

from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

from pavilion.notifications.mail import Invitation, box_of

SHOWN = 60


class MailShown(NamedTuple):
    name: str
    at: datetime
    subject: str
    text: str
    stop_url: str
    message_id: str
    invitation: Invitation | None


def mails_of(folder: Path, address: str) -> list[MailShown]:
    """The latest first."""
    files = sorted(box_of(folder, address).glob("*.eml"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    return [_shown(file) for file in reversed(files[-SHOWN:])]


def _shown(file: Path) -> MailShown:
    message = message_from_bytes(file.read_bytes(), policy=default)
    body = message.get_body(("plain",))
    text = str(body.get_content()) if body is not None else ""
    stop = str(message["List-Unsubscribe"] or "").strip("<>")
    at = parsedate_to_datetime(str(message["Date"]))
    return MailShown(
        file.stem, at, str(message["Subject"]), text, stop, str(message["Message-ID"]), _invitation(message)
    )  # fmt: skip


def _invitation(message: EmailMessage) -> Invitation | None:
    for part in message.walk():
        if part.get_content_type() == "text/calendar":
            octets = part.get_payload(decode=True)
            assert isinstance(octets, bytes)
            return Invitation(str(part.get_param("method")), octets.decode())
    return None
