"""A ticket lets a program without our cookie into the live room: made by a signed-in request or with a
company's key, good once."""

import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import keys
from pavilion.accounts import queries as accounts
from pavilion.accounts.models import SignInSession
from pavilion.accounts.rules import Actor
from pavilion.bidding.ticket_models import KeyTicket, SocketTicket
from pavilion.kernel.base64url import base64url
from pavilion.kernel.canon import sha256_hex
from pavilion.kernel.errors import SignedOut

GOOD_FOR = timedelta(seconds=30)


def fresh() -> str:
    return secrets.token_urlsafe(32)


def named(secret: bytes, caller: str, key: str, until: str) -> str:
    """The ticket that this caller's key names until then: the house can say it again without keeping it."""
    said = f"pavilion/ticket/v1\n{caller}\n{key}\n{until}".encode()
    return base64url(hmac.digest(secret, said, "sha256"))


async def make(session: AsyncSession, *, actor: Actor, now: datetime) -> str:
    """A ticket that nobody knew before stands."""
    ticket = fresh()
    await keep(session, ticket, actor=actor, now=now)
    return ticket


async def keep(session: AsyncSession, ticket: str, *, actor: Actor, now: datetime) -> None:
    """The ticket stands, under its hash; those of the same sign-in that nobody used in time are gone."""
    hashed, until = sha256_hex(ticket.encode()), now + GOOD_FOR
    if actor.key is not None:
        await session.execute(delete(KeyTicket).where(KeyTicket.key == actor.key, KeyTicket.expires_at < now))
        session.add(KeyTicket(token_sha256=hashed, key=actor.key, expires_at=until))
    elif actor.session_id is not None:
        old = delete(SocketTicket).where(SocketTicket.session_id == actor.session_id, SocketTicket.expires_at < now)
        await session.execute(old)
        session.add(SocketTicket(token_sha256=hashed, session_id=actor.session_id, expires_at=until))
    else:
        raise SignedOut()


async def redeem(session: AsyncSession, ticket: str, now: datetime) -> Actor | None:
    """Who made the ticket, which is used up now; None for one that is used, late or unknown, or whose maker signed
    out."""
    hashed = sha256_hex(ticket.encode(errors="replace"))
    fresh = (SocketTicket.token_sha256 == hashed) & (SocketTicket.used_at.is_(None)) & (SocketTicket.expires_at >= now)
    used = update(SocketTicket).where(fresh).values(used_at=now).returning(SocketTicket.session_id)
    owner = await session.scalar(used)
    if owner is None:
        return await _redeem_of_key(session, hashed, now)
    row = await session.get(SignInSession, owner)
    found = None if row is None else await accounts.actor_of(session, row.token_sha256, now)
    return None if found is None else found[0]


async def _redeem_of_key(session: AsyncSession, hashed: str, now: datetime) -> Actor | None:
    fresh = (KeyTicket.token_sha256 == hashed) & (KeyTicket.used_at.is_(None)) & (KeyTicket.expires_at >= now)
    key = await session.scalar(update(KeyTicket).where(fresh).values(used_at=now).returning(KeyTicket.key))
    return None if key is None else await keys.behind(session, key, now)
