"""Who holds a stone, as far as presenting it goes. The house's records say so; they live in storeys above, which hand
the question's answer in."""

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, CompanyState
from pavilion.kernel.errors import NotFound

HolderOf = Callable[[AsyncSession, str], Awaitable[int | None]]


async def nobody(_session: AsyncSession, _stone: str) -> int | None:
    return None


def of_app(app: Any) -> HolderOf:
    """How this house finds the company that owns or keeps a stone."""
    found: HolderOf = getattr(app.state, "holder_of", nobody)
    return found


async def may_present(session: AsyncSession, actor: Actor, stone: str, holder_of: HolderOf) -> bool:
    """Whether the person speaks for the approved company that owns or keeps the stone (CU-01)."""
    if actor.company_id is None or actor.company_state != CompanyState.APPROVED:
        return False
    return await holder_of(session, stone) == actor.company_id


async def holder(session: AsyncSession, actor: Actor, stone: str, holder_of: HolderOf) -> int:
    """The company of the person who may present the stone; for everybody else there is nothing here."""
    if actor.company_id is None or not await may_present(session, actor, stone, holder_of):
        raise NotFound()
    return actor.company_id
