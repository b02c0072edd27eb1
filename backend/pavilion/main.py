"""Composition root: which domains and which adapters make a house. Only this module knows every domain."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.middleware import Middleware

from pavilion.accounts import routes as accounts_routes
from pavilion.accounts import service as accounts_service
from pavilion.accounts.sign_in import SignIn
from pavilion.auctions import routes as auctions_routes
from pavilion.auctions import service as auctions_service
from pavilion.catalogue import nomenclature
from pavilion.kernel import db
from pavilion.kernel.clock import Clock, utc_now
from pavilion.pages import routes as pages_routes
from pavilion.settings import Settings
from pavilion.webkit import guards, refusals, static
from pavilion.webkit.html import Pages
from pavilion.webkit.log import RequestLog

ROUTERS: list[APIRouter] = [accounts_routes.router, auctions_routes.router, pages_routes.router]

PROPOSAL_HANDLERS: dict[str, accounts_service.ProposalHandler] = {
    **accounts_service.PROPOSAL_HANDLERS,
    **auctions_service.proposal_handlers,
}


def build_web(settings: Settings, engine: AsyncEngine, clock: Clock = utc_now) -> FastAPI:
    """Pages, forms and API over one database; the caller owns the engine."""
    sessions = db.sessions_of(engine)
    pages = Pages(static.frontend(), nomenclature.term)
    app = FastAPI(title="Pavilion", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan)
    app.state.settings, app.state.sessions, app.state.clock = settings, sessions, clock
    app.state.pages, app.state.proposal_handlers = pages, PROPOSAL_HANDLERS
    app.mount(static.MOUNT, pages.static)
    for router in ROUTERS:
        app.include_router(router)
    refusals.install(app)
    app.user_middleware = [
        Middleware(RequestLog),
        Middleware(SignIn, sessions=sessions, clock=clock),
        Middleware(guards.Guards, origins=settings.origins, secure=settings.secure, refuse=refusals.foreign(app)),
    ]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
