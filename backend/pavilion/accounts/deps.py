"""How a route learns who asks, and turns away who may not."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from pavilion.accounts.rules import VISITOR, Actor, Permission
from pavilion.kernel.errors import NotAllowed, SignedOut


async def current_actor(request: Request) -> Actor:
    """Put there by the sign-in middleware; a request that passed none of it is a visitor's."""
    actor: Actor = getattr(request.state, "actor", VISITOR)
    return actor


CurrentActor = Annotated[Actor, Depends(current_actor)]


def may(permission: Permission) -> Any:
    """`actor: Annotated[Actor, may(Permission.LOT_CURATE)]`: signed out is 401, without the right 403."""

    return Depends(Needs(permission))


@dataclass(frozen=True, slots=True)
class Needs:
    """What a route asks of its reader, told to the document of the interface for programs too."""

    right: Permission

    async def __call__(self, actor: CurrentActor) -> Actor:
        if actor.may(self.right):
            return actor
        raise NotAllowed(right=self.right.value) if actor.signed_in else SignedOut()


async def signed_in(actor: CurrentActor) -> Actor:
    if not actor.signed_in:
        raise SignedOut()
    return actor


SignedInActor = Annotated[Actor, Depends(signed_in)]
