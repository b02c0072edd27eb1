"""How a writing route of the interface for programs takes its `Idempotency-Key`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import SignedInActor
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


class Once:
    """This request, for the caller whose key it bears. Without a key it is simply done."""

    def __init__(self, request: Request, actor: SignedInActor, now: Now, key: OnceKey = None) -> None:
        self.request, self.key, self.now = request, key, now
        company = actor.company_id
        self.caller = f"company {company}" if company is not None else f"person {actor.person_id}"

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


Repeatable = Annotated[Once, Depends(Once)]


def as_done(status: int, **body: Any) -> Done:
    return Done(status, body)
