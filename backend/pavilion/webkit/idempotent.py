"""A write that bears a key is done once: sent again within a day, it is answered as it was."""

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.db import Sessions, one_at_a_time, reading
from pavilion.kernel.errors import KeyReused
from pavilion.webkit.kept_models import KeptAnswer

KEPT_FOR = timedelta(hours=24)
PIECE = 500


class Done(NamedTuple):
    status: int
    body: dict[str, Any]


async def once(
    session: AsyncSession, *, caller: str, key: str, asked: bytes, act: Callable[[], Awaitable[Done]], now: datetime
) -> Done:
    """What the act came to, kept in the same transaction; 200 and the same again where the key is known, KeyReused
    where it came with another request. A refusal is not kept: sent again, the act is looked at anew."""
    await one_at_a_time(session, f"once {caller} {key}")
    said = hashlib.sha256(key.encode() + b"\n" + asked).hexdigest()
    kept = await session.get(KeptAnswer, (caller, key))
    if kept is not None and kept.at > now - KEPT_FOR:
        if kept.request_sha256 != said:
            raise KeyReused()
        return Done(200, kept.body)
    done = await act()
    if kept is None:
        kept = KeptAnswer(caller=caller, key=key)
        session.add(kept)
    kept.request_sha256, kept.status, kept.body, kept.at = said, done.status, done.body, now
    await session.flush()
    return done


async def purge(sessions: Sessions, now: datetime) -> int:
    """What was kept for a day is gone; how many, a piece at a time."""
    old = select(KeptAnswer.caller, KeptAnswer.key).where(KeptAnswer.at <= now - KEPT_FOR).limit(PIECE)
    async with reading(sessions) as session:
        found = (await session.execute(old)).all()
    if found:
        async with sessions.begin() as session:
            gone = tuple_(KeptAnswer.caller, KeptAnswer.key).in_([tuple(row) for row in found])
            await session.execute(delete(KeptAnswer).where(gone, KeptAnswer.at <= now - KEPT_FOR))
    return len(found)
