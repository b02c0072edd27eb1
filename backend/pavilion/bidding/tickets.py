"""A ticket lets a program without our cookie into the live room: made by a signed-in request, good once."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import queries as accounts
from pavilion.accounts.models import SignInSession
from pavilion.accounts.rules import Actor
from pavilion.bidding.ticket_models import SocketTicket
from pavilion.kernel.canon import sha256_hex
from pavilion.kernel.errors import SignedOut

GOOD_FOR = timedelta(seconds=30)


async def make(session: AsyncSession, *, actor: Actor, now: datetime) -> str:
    """The ticket stands, under its hash; those of the same sign-in that nobody used in time are gone."""
    if actor.session_id is None:
        raise SignedOut()
    old = delete(SocketTicket).where(SocketTicket.session_id == actor.session_id, SocketTicket.expires_at < now)
    await session.execute(old)
    ticket = secrets.token_urlsafe(32)
    hashed = sha256_hex(ticket.encode())
    session.add(SocketTicket(token_sha256=hashed, session_id=actor.session_id, expires_at=now + GOOD_FOR))
    return ticket


async def redeem(session: AsyncSession, ticket: str, now: datetime) -> Actor | None:
    """Who made the ticket, which is used up now; None for one that is used, late or unknown, or whose maker signed
    out."""
    hashed = sha256_hex(ticket.encode(errors="replace"))
    fresh = (SocketTicket.token_sha256 == hashed) & (SocketTicket.used_at.is_(None)) & (SocketTicket.expires_at >= now)
    used = update(SocketTicket).where(fresh).values(used_at=now).returning(SocketTicket.session_id)
    owner = await session.scalar(used)
    row = None if owner is None else await session.get(SignInSession, owner)
    found = None if row is None else await accounts.actor_of(session, row.token_sha256, now)
    return None if found is None else found[0]
