"""What a house does by itself: the work its worker looks at, in this order."""

from datetime import datetime
from functools import partial
from itertools import starmap

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from pavilion.auctions import jobs as auctions_jobs
from pavilion.auctions import papers as sale_papers
from pavilion.auctions.queries import live_stones
from pavilion.bidding import closed, notice_giving
from pavilion.bidding.models import SaleBook
from pavilion.catalogue import alerting, completing, importing, shortlist_reading, watching
from pavilion.catalogue import jobs as catalogue_jobs
from pavilion.catalogue.media_shelf import Shelf
from pavilion.catalogue.media_work import MediaWork
from pavilion.insight import archiving as insight_archiving
from pavilion.insight import fairness_cases, price_batching, seller_interest
from pavilion.insight import publishing as insight_publishing
from pavilion.kernel import db
from pavilion.kernel.stirring import Stirring
from pavilion.notifications import ticks as notice_ticks
from pavilion.provenance import (
    issuing,
    log_audit,
    log_wiring,
    outcome_jobs,
    references,
    reverifying,
    screening,
    table_versions,
    video_making,
)
from pavilion.provenance import jobs as provenance_jobs
from pavilion.provenance.log import LogSigner
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.connecting import connect
from pavilion.settings import Environment, Settings
from pavilion.settlement import ticks as settlement_ticks
from pavilion.settlement.payments.port import Payments
from pavilion.trading import interested, memo_paper
from pavilion.trading import jobs as trading_jobs
from pavilion.viewings import bookers
from pavilion.viewings import ticks as viewing_ticks
from pavilion.webkit import idempotent
from pavilion.webkit.html import Pages
from pavilion.worker import Tick

# Of whom a seller's stones find interest; insight knows no viewings.
INTEREST = (shortlist_reading.put_on_lists, interested.wanted, bookers.booked)


def stirring_of(engine: AsyncEngine) -> Stirring:
    """Tells the worker of news. The lines of a sale's book are numbered within their sale: there its length rises."""
    return Stirring(engine, (select(func.sum(SaleBook.size)),))


class Ports:
    """The outside parties of this house."""

    def __init__(self, registries: Registries, log: LogSigner | None) -> None:
        self.registries, self.log = registries, log


def ticks_of(settings: Settings, sessions: db.Sessions, pages: Pages, payments: Payments | None = None) -> list[Tick]:
    """The house's own work. The caller closes the payment provider's line."""
    ports = Ports(connect(settings), signer_of(settings))
    pace = None if settings.environment is Environment.PRODUCTION else reverifying.DEMO
    sweep = reverifying.Sweep(pace, live_stones)
    shelf = Shelf(settings.data_dir)
    return [
        Tick("stock files", lambda now: importing.tick(sessions, ports, now)),
        Tick("media", partial(MediaWork(shelf).tick, sessions)),
        Tick("verdicts", partial(catalogue_jobs.follow_verdicts, sessions)),
        Tick("settings", partial(table_versions.follow_house, sessions, ports.registries)),
        Tick("origin", partial(_ask_again, sessions, ports)),
        Tick("waiting rows", partial(completing.tick, sessions)),
        Tick("searches", partial(alerting.tick, sessions)),
        Tick("lots", partial(auctions_jobs.follow_verdicts, sessions)),
        Tick("papers of sales", partial(sale_papers.tick, sessions, pages.tongues, settings.public_url, shelf)),
        Tick("origin again", lambda now: sweep.tick(sessions, ports.registries, now, ports.log)),
        Tick("certificates", partial(references.end_due, sessions)),
        Tick("companies screened", screening.Screening(sessions, ports.registries).tick),
        Tick("origin triggers", partial(reverifying.follow, sessions)),
        Tick("outcome files", partial(outcome_jobs.read_files, sessions, settings.house_did)),
        Tick("outcomes", partial(outcome_jobs.follow_chains, sessions)),
        Tick("results", partial(insight_archiving.tick, sessions)),
        Tick("prices", price_batching.Batching(sessions).tick),
        Tick("interest", seller_interest.ticking(sessions, *INTEREST)),
        Tick("insight", partial(insight_publishing.tick, sessions, settings.house_did)),
        Tick("fairness", partial(fairness_cases.tick, sessions)),
        Tick("closed bids", partial(closed.follow, sessions)),
        Tick("notices of lots", partial(notice_giving.tick, sessions)),
        Tick("trades", partial(trading_jobs.tick, sessions)),
        Tick("memos on paper", partial(memo_paper.tick, sessions, tongues=pages.tongues)),
        *starmap(Tick, settlement_ticks.of_house(settings, sessions, pages, payments)),
        *_folder_ticks(settings, sessions, pages),
        *_passport_ticks(settings, sessions),
        Tick("films", partial(video_making.tick, sessions)),
        Tick("kept answers", partial(idempotent.purge, sessions)),
        *_log_ticks(settings, sessions),
        *starmap(Tick, viewing_ticks.of_house(sessions) + notice_ticks.of_house(settings, sessions, pages)),
    ]


def signer_of(settings: Settings) -> LogSigner | None:
    """Who signs the origin log; a house without its key signs nothing, and verifies nothing new."""
    return log_wiring.signer_of(settings) if settings.log_key.get_secret_value() else None


async def _ask_again(sessions: db.Sessions, ports: Ports, now: datetime) -> int:
    """Registries that were silent are asked again; of what they say the laboratory's grades are used first."""
    ask = provenance_jobs.retry_pending
    return await ask(sessions, ports.registries, now, log=ports.log, settle=completing.settle)


def _folder_ticks(settings: Settings, sessions: db.Sessions, pages: Pages) -> list[Tick]:
    """Stock files are taken from a folder, in a house that was given one."""
    folder = settings.stock_folder
    if folder is None:
        return []

    def say(lang: str, code: str) -> str:
        return pages.tongues["zh" if lang == "zh" else "en"].say(code)

    return [Tick("stock folder", lambda now: watching.tick(sessions, folder, settings.public_url, say, now))]


def _passport_ticks(settings: Settings, sessions: db.Sessions) -> list[Tick]:
    """Passports follow the verdicts, in a house that has a key to sign them."""
    if not settings.passport_key.get_secret_value():
        return []
    issuer = issuing.Issuer.of(settings)
    return [Tick("passports", lambda now: issuing.tick(sessions, issuer, now))]


def _log_ticks(settings: Settings, sessions: db.Sessions) -> list[Tick]:
    """The origin log is signed, witnessed, and once a day recomputed from its entries."""
    if not settings.log_key.get_secret_value():
        return []
    witnessing = log_wiring.witnessing_of(settings, log_wiring.signer_of(settings), sessions)
    return [Tick("log", witnessing.tick), Tick("log audit", log_audit.Nightly(sessions).tick)]
