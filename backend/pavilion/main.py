"""Composition root: which domains and which adapters make a house. This module and `doors` alone know every domain."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware import Middleware

from pavilion import worker
from pavilion.accounts import service as accounts_service
from pavilion.accounts import trade_terms
from pavilion.accounts.program_door import ProgramDoor
from pavilion.accounts.sign_in import SignIn
from pavilion.auctions import entities, rates, reached, reserves
from pavilion.auctions import service as auctions_service
from pavilion.auctions.viewed import Views
from pavilion.bidding import (
    acting,
    amend_proposing,
    proposal_lines,
)
from pavilion.bidding import queries as bidding_queries
from pavilion.bidding.vault import Vault
from pavilion.bidding.wiring import engine_alone, one_process, rooms_over_redis
from pavilion.catalogue import (
    completing,
    nomenclature,
    portraits,
    share_routes,
)
from pavilion.catalogue.keeping import index_of
from pavilion.doors import EDGE_ROUTERS, ROUTERS
from pavilion.housework import signer_of, stirring_of, ticks_of
from pavilion.insight import appearances, estimating
from pavilion.kernel import db
from pavilion.kernel.clock import Clock, utc_now
from pavilion.kernel.signing import SigningKey
from pavilion.notifications import service as notifications_service
from pavilion.pages import health
from pavilion.provenance import (
    table_changing,
    trusting,
)
from pavilion.provenance.registries.connecting import connect
from pavilion.settings import Settings
from pavilion.settlement import (
    correction_lines,
    deposit_standing,
    holding,
    linking,
    money_proposals,
    payers,
    warranted,
)
from pavilion.settlement import service as settlement_service
from pavilion.settlement.payments import connecting as payments_connecting
from pavilion.trading import memo_desk, offer_queries
from pavilion.trading import showing as trading_showing
from pavilion.viewings import interest, remote, trays_reading
from pavilion.viewings import readiness as seen_before
from pavilion.webkit import guards, refusals, static
from pavilion.webkit import rates as limits_of_programs
from pavilion.webkit.finding import ByFirstWord
from pavilion.webkit.html import pages_of
from pavilion.webkit.log import RequestLog
from pavilion.worker import Tick

PROPOSAL_HANDLERS: dict[str, accounts_service.ProposalHandler] = {
    **accounts_service.PROPOSAL_HANDLERS,
    **trade_terms.PROPOSAL_HANDLERS,
    **auctions_service.proposal_handlers,
    **rates.PROPOSAL_HANDLERS,
    **acting.PROPOSAL_HANDLERS,
    **amend_proposing.PROPOSAL_HANDLERS,
    **settlement_service.PROPOSAL_HANDLERS,
    **memo_desk.PROPOSAL_HANDLERS,
}

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class Keys(NamedTuple):
    """The secrets of the bid's path, as bytes."""

    data: bytes
    sale: bytes
    bus: bytes  # seals what crosses Redis

    @classmethod
    def of(cls, settings: Settings) -> "Keys":
        data = bytes.fromhex(settings.data_key.get_secret_value())
        sale = bytes.fromhex(settings.sale_key.get_secret_value())
        return cls(data, sale, sha256(b"pavilion/bus/v1\n" + data).digest())

    def verifier(self, host_name: str) -> str:
        return str(SigningKey(host_name, self.sale).verifier)


def build_house(
    settings: Settings,
    engine: AsyncEngine,
    clock: Clock = utc_now,
    more_ticks: Callable[[FastAPI], Sequence[Tick]] = lambda _app: (),
) -> FastAPI:
    """Everything in one process: pages, sockets, the bidding engine and the worker. The caller owns the engine."""

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        sessions, stopping = app.state.sessions, asyncio.Event()
        keys = Keys.of(settings)
        async with one_process(
            settings.database,
            sessions,
            clock,
            data_key=keys.data,
            sale_key=keys.sale,
            host_name=settings.host_name,
        ) as rooms:
            app.state.rooms = rooms
            index_of(app).start()
            more = [tick._replace(timely=True) for tick in more_ticks(app)]
            ticks = [*ticks_of(settings, sessions, app.state.pages, app.state.payments), _views_of(app), *more]
            working = asyncio.create_task(worker.work(ticks, clock, stopping, stirring_of(engine)))
            try:
                yield
            finally:
                stopping.set()
                working.cancel()
                await asyncio.gather(working, return_exceptions=True)
                await app.state.views.write(sessions)
                await _close_index(app)
                await _close_payments(app)

    return build_web(settings, engine, clock, alive)


def build_edge(settings: Settings, engine: AsyncEngine, clock: Clock = utc_now) -> FastAPI:
    """Sockets of the rooms, and no page: what crowds at a close waits for nobody who reads a catalogue."""
    return build_web(settings, engine, clock, _over_redis(settings, clock), EDGE_ROUTERS)


def build_health(engine: AsyncEngine, clock: Clock = utc_now) -> FastAPI:
    """Whether a process without pages lives and may be sent work."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.sessions, app.state.clock = db.sessions_of(engine), clock
    app.include_router(health.router)
    return app


def build_front(settings: Settings, engine: AsyncEngine, clock: Clock = utc_now) -> FastAPI:
    """Pages, API and sockets of a house whose bidding engine and worker are other processes."""
    return build_web(settings, engine, clock, _over_redis(settings, clock, indexed=True))


def _over_redis(settings: Settings, clock: Clock, *, indexed: bool = False) -> Lifespan:
    """Alive while the bus to the engine is; with the index of stones where pages are served."""

    @asynccontextmanager
    async def alive(app: FastAPI) -> AsyncIterator[None]:
        keys = Keys.of(settings)
        bridge = rooms_over_redis(
            settings.redis_url, app.state.sessions, clock, bus_key=keys.bus, verifier=keys.verifier(settings.host_name)
        )
        async with bridge as rooms:
            app.state.rooms, app.state.rates = rooms, limits_of_programs.over_redis(settings.redis_url)
            stopping = asyncio.Event()
            counting = asyncio.create_task(worker.work([_views_of(app)], clock, stopping))
            if indexed:
                index_of(app).start()
            try:
                yield
            finally:
                stopping.set()
                counting.cancel()
                await asyncio.gather(counting, return_exceptions=True)
                await app.state.views.write(app.state.sessions)
                await app.state.rates.close()
                await _close_index(app)
                await _close_payments(app)

    return alive


def _views_of(app: FastAPI) -> Tick:
    """What this process saw of lots looked at is written by itself."""
    return Tick("views of lots", partial(app.state.views.tick, app.state.sessions))


def engine_of(settings: Settings, engine: AsyncEngine, clock: Clock = utc_now) -> AbstractAsyncContextManager[object]:
    """The bidding engine of a house in several processes; a second one stands by."""
    keys = Keys.of(settings)
    return engine_alone(
        settings.database,
        settings.redis_url,
        sessions_of(settings, engine),
        clock,
        data_key=keys.data,
        sale_key=keys.sale,
        bus_key=keys.bus,
        host_name=settings.host_name,
    )


def build_web(
    settings: Settings,
    engine: AsyncEngine,
    clock: Clock,
    lifespan: Lifespan,
    routers: Sequence[APIRouter] = ROUTERS,
) -> FastAPI:
    """Pages, forms, API and sockets over one database."""
    sessions = sessions_of(settings, engine)
    pages = pages_of(static.frontend(), nomenclature.term, entities.seat().zone)
    # The routes themselves: included, each router would be worked through again for every house that is built.
    routes = [route for router in routers for route in router.routes]
    app = FastAPI(title="Pavilion", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan, routes=routes)
    app.state.settings, app.state.sessions, app.state.clock = settings, sessions, clock
    app.state.pages = pages
    app.state.rates = limits_of_programs.in_memory()
    app.state.proposal_handlers = {
        **PROPOSAL_HANDLERS,
        **trusting.proposal_handlers(settings.house_did),
        **table_changing.proposal_handlers(settings.house_did),
    }
    app.state.proposal_lines = money_proposals.beside(correction_lines.beside(proposal_lines.lines))
    app.state.views = Views()
    app.state.ends_of = bidding_queries.ends_of
    app.state.vault = _vault_of(settings)
    app.state.registries = connect(settings)
    app.state.payments = payments_connecting.connect(settings)
    app.state.log_signer = signer_of(settings)
    app.state.settle = completing.settle
    app.state.holder_of = holding.holder_of
    app.state.lots_with = reached.lots_with
    app.state.invoices = warranted.Invoices()
    app.state.bills_of = linking.bills_of
    app.state.deposit_standings = deposit_standing.of_registrations
    app.state.payers_of = payers.of_companies
    app.state.shared_stones = share_routes.shared_stones
    app.state.stood_in = appearances.of_stone
    app.state.evidence_of = estimating.of_stones
    app.state.trade_of = trading_showing.of_stone
    app.state.offers_of = offer_queries.of_desk
    app.state.filmed = remote.told_of
    app.state.trays_of = trays_reading.on_paper
    app.state.portraits = portraits.portrait_of
    app.state.zone_of = notifications_service.zone_of
    app.mount(static.MOUNT, pages.static)
    app.router.middleware_stack = ByFirstWord(app.router)
    refusals.install(app)
    app.user_middleware = [
        Middleware(RequestLog),
        Middleware(SignIn, sessions=sessions, clock=clock),
        Middleware(guards.Guards, origins=settings.origins, secure=settings.secure, refuse=refusals.foreign(app)),
        Middleware(ProgramDoor, clock=clock, refuse=refusals.refusing(app)),
    ]
    return app


async def _close_payments(app: FastAPI) -> None:
    if app.state.payments is not None:
        await app.state.payments.close()


async def _close_index(app: FastAPI) -> None:
    if (index := getattr(app.state, "stone_index", None)) is not None:
        await index.close()


def sessions_of(settings: Settings, engine: AsyncEngine) -> db.Sessions:
    """Sessions of this house, which read what it keeps sealed."""
    vault = _vault_of(settings)
    handed = {
        "checks": (*seen_before.CHECKS, estimating.outside_band),
        "figures": interest.figures,
        "house": settings.house_did,
    }
    return db.sessions_of(engine, vault.amounts if vault else None, **handed)


async def seal_reserves(settings: Settings, engine: AsyncEngine) -> None:
    """What an earlier version left in clear stands sealed; OtherKey when the data key given is not this house's."""
    vault, sessions = _vault_of(settings), sessions_of(settings, engine)
    assert vault is not None, "a house that sells has a data key"
    async with db.reading(sessions) as session:
        if not await bidding_queries.unlocks(session, vault):
            raise reserves.OtherKey
    if await reserves.seal_all(sessions):
        await db.forget_freed(engine)


def _vault_of(settings: Settings) -> Vault | None:
    """What seals amounts; a house without its data key has no reserves, and two persons agree on no lower one."""
    key = settings.data_key.get_secret_value()
    return Vault(bytes.fromhex(key)) if key else None
