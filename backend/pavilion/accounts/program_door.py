"""ASGI middleware: what a request with a key must pass before any route sees it."""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from pavilion.accounts.keys import ScopeMissing
from pavilion.accounts.rules import VISITOR, Actor
from pavilion.accounts.scopes import asked_for
from pavilion.kernel.errors import Refusal

Refuse = Callable[[Scope, Receive, Send, Refusal], Awaitable[None]]


class ProgramDoor:
    """Stands inside the sign-in, which has looked at the key, and inside the guards, whose headers an answer bears."""

    def __init__(self, app: ASGIApp, refuse: Refuse) -> None:
        self.app, self.refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await self.refuse(scope, receive, send, refusal)


def _refusal(scope: Scope) -> Refusal | None:
    """The key's own fault, or that it does not open this door."""
    state = scope.get("state", {})
    fault: Refusal | None = state.get("key_fault")
    actor: Actor = state.get("actor", VISITOR)
    if fault is not None or actor.scopes is None:
        return fault
    wanted = asked_for(scope["method"], scope["path"])
    return None if wanted & actor.scopes else ScopeMissing(scopes=sorted(wanted))
