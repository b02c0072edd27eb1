"""What settlement does by itself, in this order."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from pavilion.kernel.db import Sessions
from pavilion.settings import Settings
from pavilion.settlement import (
    accepting,
    approach_days,
    checkouts,
    consents,
    correcting,
    defaulting,
    deposit_days,
    deposit_holds,
    jobs,
    ordered,
    owning,
    papers,
    proving,
    reconciling,
    sending,
    settled,
    statement_paper,
    stopping,
    unanswered,
)
from pavilion.settlement.payments.port import Payments
from pavilion.webkit.html import Pages

Named = tuple[str, Callable[[datetime], Awaitable[int]]]


def of_house(settings: Settings, sessions: Sessions, pages: Pages, payments: Payments | None = None) -> list[Named]:
    """Name and work of each; more than none done: asked again at once."""
    return [
        ("deposits asked", partial(deposit_days.ask_all, sessions)),
        ("bills", partial(jobs.bill_sold_lots, sessions)),
        ("orders billed", ordered.Following(sessions).tick),
        ("stops", partial(stopping.follow, sessions)),
        ("papers", lambda now: jobs.set_papers(sessions, now, pages.tongues)),
        ("statements set", lambda now: statement_paper.set_papers(sessions, now, pages.tongues)),
        ("books proved", partial(proving.prove_nightly, sessions)),
        ("exports unproved", partial(correcting.correct_exports, sessions)),
        ("unpaid", defaulting.ladder(sessions).tick),
        ("ways unanswered", unanswered.reminders(sessions).tick),
        ("offers", partial(accepting.tick, sessions)),
        ("offers of buyers", partial(approach_days.tick, sessions)),
        ("goods", partial(owning.follow, sessions, owning.hand_of(settings))),
        ("release papers", lambda now: papers.set_papers(sessions, now, pages.tongues, settings.public_url)),
        ("consented charges", partial(consents.charge_all, sessions)),
        ("pages closed", partial(checkouts.close_all, sessions)),
        ("payments asked", partial(sending.tick, sessions, payments, settings.public_url.rstrip("/"))),
        ("provider", reconciling.Nightly(sessions, payments).tick),
        ("deposit holds", partial(deposit_holds.follow, sessions)),
        ("deposits released", partial(deposit_days.release_all, sessions)),
        ("sales settled", settled.ending_of_sales(sessions).tick),
    ]
