"""ASGI middleware: what a program must pass before any route sees it: its rate, its key, the scope of the door."""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pavilion.accounts.keys import ScopeMissing
from pavilion.accounts.rules import VISITOR, Actor
from pavilion.accounts.scopes import asked_for
from pavilion.kernel.clock import Clock
from pavilion.kernel.errors import Refusal, SlowDown

Refuse = Callable[[Scope, Receive, Send, Refusal], Awaitable[None]]


class ProgramDoor:
    """Stands inside the sign-in, which has looked at the key, and inside the guards, whose headers an answer bears."""

    def __init__(self, app: ASGIApp, clock: Clock, refuse: Refuse) -> None:
        self.app, self.clock, self.refuse = app, clock, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if scope["path"].startswith("/api/"):
            standing = await scope["app"].state.rates.take(caller_of(scope), self.clock())
            inner = send

            async def send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    standing.write(message)
                await inner(message)

            refusal = refusal if standing.taken else SlowDown()
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await self.refuse(scope, receive, send, refusal)


def caller_of(scope: Scope) -> str:
    """Whose rate it is: the key's; without one the address's, for each person signed in there."""
    actor: Actor = scope.get("state", {}).get("actor", VISITOR)
    if actor.key is not None:
        return f"key {actor.key}"
    address = scope["client"][0] if scope.get("client") else "?"
    return f"{address} {actor.public_id or ''}"


def _refusal(scope: Scope) -> Refusal | None:
    """The key's own fault, or that it does not open this door."""
    state = scope.get("state", {})
    fault: Refusal | None = state.get("key_fault")
    actor: Actor = state.get("actor", VISITOR)
    if fault is not None or actor.scopes is None:
        return fault
    wanted = asked_for(scope["method"], scope["path"])
    return None if wanted & actor.scopes else ScopeMissing(scopes=sorted(wanted))
