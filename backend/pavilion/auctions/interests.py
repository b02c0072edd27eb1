"""Who may not touch a lot, whatever their rights: its owner and those who share an owner with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor, share_owner
from pavilion.auctions.models import Lot
from pavilion.kernel.errors import NotAllowed


class OwnLot(NotAllowed):
    """The lot is the person's own, or of a company with which the person or the person's company shares an owner."""

    code = "own_lot"


async def refuse_interested(session: AsyncSession, changes: Sequence[Mapping[str, Any]], actor: Actor) -> None:
    """Lots that stood before are changed, moved or taken out by nobody who has an interest in them."""
    stood = [change for change in changes if change["before"] is not None]
    said = {side.get("consignor_company_id") for one in stood for side in (one["before"], one["after"] or {})}
    held = select(Lot.consignor_company_id).where(Lot.public_id.in_([one["lot"] for one in stood]))
    owners = select(Company).where(or_(Company.id.in_(held), Company.id.in_({id for id in said if id is not None})))
    companies = (await session.scalars(owners)).all()
    own = await session.get(Company, actor.company_id) if actor.company_id is not None else None
    names = [actor.name, *(own.owners if own else ())]
    if any(one.id == actor.company_id or share_owner(names, one.owners) for one in companies):
        raise OwnLot(right="own_lot")
