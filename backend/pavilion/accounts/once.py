"""How a writing route takes the name of a request: a program's `Idempotency-Key`, or the `once` of a form."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import SignedInActor
from pavilion.accounts.rules import Actor
from pavilion.kernel.base64url import base64url
from pavilion.webkit import idempotent
from pavilion.webkit.deps import Now
from pavilion.webkit.idempotent import Done

KEY = r"^[A-Za-z0-9_.:-]{8,64}$"
ABOUT = (
    "A name of yours for this request. Sent again with the same body within 24 hours it is done once and answered "
    "again, with 200; another request under the same name is refused."
)
OnceKey = Annotated[
    str | None, Header(alias="idempotency-key", pattern=KEY, description=ABOUT, examples=["nightly-0001"])
]
Act = Callable[[], Awaitable[Done]]
MADE = "made"


async def form_once(
    session: AsyncSession, *, actor: Actor, name: str, said: object, act: Callable[[], Awaitable[str]], now: datetime
) -> str:
    """The id of what the form made, now or when it was first sent: pressed twice, or sent again after a cut line, it
    makes one thing. `name`: the form's `once`, empty where none came; `said`: what it says and about what. Gone back
    to and filled in otherwise, it is another form."""
    if not name:
        return await act()
    key = hashlib.sha256(f"{name}\n{said!r}".encode()).hexdigest()

    async def done() -> Done:
        return Done(201, {MADE: await act()})

    kept = await idempotent.once(session, caller=_caller(actor), key=key, asked=b"", act=done, now=now)
    return str(kept.body[MADE])


def token_of(name: str, said: object) -> str | None:
    """A secret of 43 signs that a form makes once, where what it makes is a link or a key that its reader alone may
    know. None where the form bears no name."""
    digest = hashlib.sha256(f"link\n{name}\n{said!r}".encode()).digest()
    return base64url(digest) if name else None


class Once:
    """This request, for the caller whose key it bears. Without a key it is simply done."""

    def __init__(self, request: Request, actor: SignedInActor, now: Now, key: OnceKey = None) -> None:
        self.request, self.key, self.now = request, key, now
        self.caller = _caller(actor)

    async def done(self, session: AsyncSession, act: Act, said: bytes | None = None) -> Done:
        """What the act came to, now or before. `said`: the body, where the route reads it itself."""
        if self.key is None:
            return await act()
        body = await self.request.body() if said is None else said
        asked = f"{self.request.method} {self.request.url.path}?{self.request.url.query}\n".encode() + body
        return await idempotent.once(session, caller=self.caller, key=self.key, asked=asked, act=act, now=self.now)

    async def __call__(self, session: AsyncSession, act: Act, said: bytes | None = None) -> JSONResponse:
        done = await self.done(session, act, said)
        return JSONResponse(done.body, done.status, headers={"Cache-Control": "no-store"})


def _caller(actor: Actor) -> str:
    return f"company {actor.company_id}" if actor.company_id is not None else f"person {actor.person_id}"


Repeatable = Annotated[Once, Depends(Once)]


def as_done(status: int, **body: Any) -> Done:
    return Done(status, body)
