"""Acts of the desk arrive once, however often a device that lost its line sends them."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import canonical
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import KeyReused
from pavilion.viewings.desk_models import DeskAct

Answer = dict[str, object]


async def once(
    session: AsyncSession,
    key: str,
    kind: str,
    asked: Mapping[str, object],
    act: Callable[[], Awaitable[Answer]],
    *,
    now: datetime,
) -> Answer:
    """What the act answered when it was carried out; sent again it changes nothing. KeyReused where the key came with
    another act. A refusal is not kept: sent again, the act is looked at anew.

    What was asked is known again by its hash alone: it may name visitors, and these rows outlive them."""
    await one_at_a_time(session, f"desk act {key}")
    done = await session.get(DeskAct, key)
    said = hashlib.sha256(key.encode() + canonical(dict(asked))).hexdigest()
    if done is not None:
        if done.kind != kind or done.answer.get("asked") != said:
            raise KeyReused()
        return {name: value for name, value in done.answer.items() if name != "asked"}
    answer = await act()
    session.add(DeskAct(key=key, kind=kind, answer={**answer, "asked": said}, at=now))
    await session.flush()
    return answer
