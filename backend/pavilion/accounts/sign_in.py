"""ASGI middleware: who asks, by a key in the header or by the session cookie; asked once per request."""

from datetime import timedelta

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from pavilion.accounts import keys, queries, service
from pavilion.accounts.rules import VISITOR, Actor
from pavilion.kernel.clock import Clock
from pavilion.kernel.db import Sessions, asking
from pavilion.kernel.errors import Refusal
from pavilion.webkit.guards import bears_key

COOKIE = "session"
SEEN_EVERY = timedelta(minutes=5)  # writing "last seen" on each request would make every page a write


class SignIn:
    """`state.actor` is set for HTTP and for sockets before anything else looks at the request."""

    def __init__(self, app: ASGIApp, sessions: Sessions, clock: Clock) -> None:
        self.app, self.sessions, self.clock = app, sessions, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not scope["path"].startswith("/static/"):
            asked, state = HTTPConnection(scope), scope.setdefault("state", {})
            said = bears_key(asked.headers) if scope["type"] == "http" else None
            if said is not None:  # the cookie beside a key is not even read
                state["actor"], state["key_fault"] = await self._by_key(said)
            else:
                token = asked.cookies.get(COOKIE, "")
                state["actor"] = await self._actor(token) if token else VISITOR
        await self.app(scope, receive, send)

    async def _by_key(self, said: str) -> tuple[Actor, Refusal | None]:
        """Whoever the key acts for; with a fault a visitor, whom the door of programs turns away."""
        now = self.clock()
        try:
            async with asking(self.sessions) as session:
                held = await keys.held_by(session, said, now)
        except Refusal as refused:
            return VISITOR, refused
        if held.last_used_at is None or now - held.last_used_at > SEEN_EVERY:
            async with self.sessions.begin() as session:
                await keys.used(session, held.key_id, now)
        return held.actor, None

    async def _actor(self, token: str) -> Actor:
        now = self.clock()
        async with asking(self.sessions) as session:
            found = await queries.actor_of(session, service.token_hash(token), now)
        if found is None:
            return VISITOR
        actor, last_seen_at = found
        if now - last_seen_at > SEEN_EVERY and actor.session_id is not None:
            async with self.sessions.begin() as session:
                await service.seen(session, actor.session_id, now)
        return actor
