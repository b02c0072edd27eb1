"""Keys of companies: made and revoked by the company's administrator, shown once, refused the moment they end."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import queries
from pavilion.accounts.key_models import ApiKey
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Actor, CompanyState, Permission
from pavilion.accounts.scopes import Scope, on_offer
from pavilion.kernel import events
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound, Refusal
from pavilion.kernel.ids import ulid

MOST = 20  # live keys of one company
SHOWN = 100
LIVES = (30, 90, 365)  # days a key may be made for
_KEY = re.compile(r"pv_([0-9A-HJKMNP-TV-Z]{26})_([A-Za-z0-9_-]{43})")


class KeyUnknown(Refusal):
    """Unknown, mistyped and revoked keys answer alike."""

    status, code = 401, "api_key_unknown"


class KeyExpired(Refusal):
    """Told to nobody who does not hold the secret."""

    status, code = 401, "api_key_expired"


class KeyRests(Refusal):
    """The company is not approved now."""

    status, code = 403, "api_key_rests"


class ScopeMissing(Refusal):
    status, code = 403, "scope_missing"


class KeyNameTaken(Refusal):
    status, code = 409, "api_key_name_taken"


class KeysEnough(Refusal):
    status, code = 409, "api_keys_enough"


class KeyMadeBefore(Refusal):
    """The same form once more, and its key has ended since."""

    status, code = 409, "api_key_made_before"


class KeyLine(NamedTuple):
    key: ApiKey
    by: str


class Held(NamedTuple):
    """Who a key acts for, and when that was last written down."""

    actor: Actor
    key_id: int
    last_used_at: datetime | None


def may_keep(actor: Actor) -> bool:
    return actor.company_id is not None and actor.may(Permission.PEOPLE_EDIT)


async def keys_of(session: AsyncSession, actor: Actor) -> list[KeyLine]:
    """Of the own company: the live ones first, the newest first."""
    _refuse_others(actor)
    wanted = select(ApiKey, Person.name).join(Person, Person.id == ApiKey.person_id)
    wanted = wanted.where(ApiKey.company_id == actor.company_id)
    ordered = wanted.order_by(ApiKey.revoked_at.is_not(None), ApiKey.id.desc()).limit(SHOWN)
    return [KeyLine(*row) for row in await session.execute(ordered)]


async def make(
    session: AsyncSession,
    *,
    name: str,
    scopes: Sequence[Scope],
    days: int,
    actor: Actor,
    now: datetime,
    secret: str | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its text, of which we keep only a hash. `secret`: 43 signs, where a form names its own."""
    _refuse_others(actor)
    if actor.company_state != CompanyState.APPROVED:
        raise KeyRests()
    if days not in LIVES or not scopes or not set(scopes) <= set(on_offer(actor.permissions)):
        raise BadInput(fields={"scopes" if days in LIVES else "days": "bad_input"})
    assert actor.company_id is not None and actor.person_id is not None
    await session.execute(select(Company.id).where(Company.id == actor.company_id).with_for_update())
    live = select(func.count(ApiKey.id)).where(ApiKey.company_id == actor.company_id, ApiKey.revoked_at.is_(None))
    if (await session.scalar(live.where(ApiKey.expires_at > now)) or 0) >= MOST:
        raise KeysEnough(most=MOST)
    if await session.scalar(live.where(ApiKey.name == name)):
        raise KeyNameTaken()
    secret = secret or secrets.token_urlsafe(32)  # 256 bits: nothing to guess, so one plain hash is enough
    key = ApiKey(public_id=ulid(now), company_id=actor.company_id, person_id=actor.person_id, name=name)
    key.secret_sha256, key.scopes = _hash(secret), sorted(scopes)
    key.made_at, key.expires_at = now, now + timedelta(days=days)
    session.add(key)
    await session.flush()
    events.record(session, "key:made", key.public_id, by=actor.public_id, at=now, scopes=key.scopes, days=days)
    return key, _text(key, secret)


async def made_by(session: AsyncSession, *, public_id: str, secret: str, actor: Actor) -> tuple[ApiKey, str]:
    """The live key that a form made with its own secret, and its text: pressed twice, the form shows one key."""
    _refuse_others(actor)
    own = select(ApiKey).where(ApiKey.public_id == public_id, ApiKey.company_id == actor.company_id)
    key = await session.scalar(own)
    if key is None or key.revoked_at is not None or not hmac.compare_digest(key.secret_sha256, _hash(secret)):
        raise KeyMadeBefore()
    return key, _text(key, secret)


async def revoke(session: AsyncSession, *, public_id: str, actor: Actor, now: datetime) -> None:
    """Void at once, in every process. Said twice, done once."""
    _refuse_others(actor)
    own = select(ApiKey).where(ApiKey.public_id == public_id, ApiKey.company_id == actor.company_id)
    key = await session.scalar(own.with_for_update())
    if key is None:
        raise NotFound()
    if key.revoked_at is None:
        key.revoked_at = now
        events.record(session, "key:revoked", key.public_id, by=actor.public_id, at=now)


async def held_by(session: AsyncSession, said: str, now: datetime) -> Held:
    """For whom this key acts now; a refusal says why it does not."""
    parts = _KEY.fullmatch(said)
    key = await session.scalar(select(ApiKey).where(ApiKey.public_id == parts[1])) if parts else None
    if parts is None or key is None or not hmac.compare_digest(key.secret_sha256, _hash(parts[2])):
        raise KeyUnknown()
    return Held(await _acting(session, key, now), key.id, key.last_used_at)


async def behind(session: AsyncSession, public_id: str, now: datetime) -> Actor | None:
    """For whom this key acts now, where its secret was shown before; None once it has ended."""
    key = await session.scalar(select(ApiKey).where(ApiKey.public_id == public_id))
    try:
        return None if key is None else await _acting(session, key, now)
    except Refusal:
        return None


async def used(session: AsyncSession, key_id: int, now: datetime) -> None:
    await session.execute(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))


async def _acting(session: AsyncSession, key: ApiKey, now: datetime) -> Actor:
    person = await queries.person_with_rights(session, key.person_id)
    gone = person is None or person.disabled_at is not None or person.company_id != key.company_id
    if person is None or gone or key.revoked_at is not None:
        raise KeyUnknown()
    if now >= key.expires_at:
        raise KeyExpired()
    actor = queries.as_actor(person)
    if actor.company_state != CompanyState.APPROVED:
        raise KeyRests()
    return replace(actor, scopes=frozenset(key.scopes), key=key.public_id)


def _text(key: ApiKey, secret: str) -> str:
    return f"pv_{key.public_id}_{secret}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _refuse_others(actor: Actor) -> None:
    if not may_keep(actor) or actor.key is not None:
        raise NotAllowed(right=Permission.PEOPLE_EDIT.value)
