"""What the worker does for notices, by name."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from pavilion.kernel.db import Sessions
from pavilion.notifications import (
    lot_notices,
    money_notices,
    reminding,
    search_notices,
    shortlist_notices,
    trade_notices,
    viewing_notices,
    watching,
    webhook_following,
    webhook_sending,
)
from pavilion.notifications.hearing import Hearing
from pavilion.notifications.jobs import Mailing, Pushing, post_of, push_of
from pavilion.notifications.wording import Author
from pavilion.settings import Settings
from pavilion.webkit.html import Pages

Tick = tuple[str, Callable[[datetime], Awaitable[int]]]


def of_house(settings: Settings, sessions: Sessions, pages: Pages) -> list[Tick]:
    """Following never waits for sending: a mail server that hangs delays mail alone."""
    author = Author(pages, settings.public_url, settings.secret_key.get_secret_value().encode(), settings.mail_from)
    mailing = Mailing(sessions, author, post_of(settings), settings.mail_from, settings.host_name)
    ticks: list[Tick] = [
        ("books told", partial(watching.follow, sessions)),
        ("events told", Hearing(sessions).tick),
        ("viewings told", viewing_notices.hearing(sessions).tick),
        ("money told", money_notices.hearing(sessions).tick),
        ("trades told", trade_notices.hearing(sessions).tick),
        ("searches told", search_notices.hearing(sessions).tick),
        ("shortlists told", shortlist_notices.Following(sessions).tick),
        ("notices of lots told", lot_notices.hearing(sessions).tick),
        ("reminders", partial(reminding.tick, sessions)),
        ("mail", mailing.tick),
        ("webhooks told", webhook_following.Following(sessions).tick),
        ("webhooks called", webhook_sending.Calling(sessions, webhook_sending.door_of(settings)).tick),
    ]
    if (service := push_of(settings)) is not None:
        ticks.append(("push", Pushing(sessions, author, service).tick))
    return ticks
