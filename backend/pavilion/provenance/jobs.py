"""What the worker does for provenance: asks silent registries again, and judges what only waited for witnesses."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from pavilion.kernel.db import Sessions, reading
from pavilion.provenance import queries, service
from pavilion.provenance.log import LogSigner
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.port import Registry
from pavilion.provenance.reviving import covered_now

AT_ONCE = 200

Settle = Callable[..., Awaitable[Any]]  # as `service.settle`


async def retry_pending(
    sessions: Sessions,
    registries: Registries | Mapping[str, Registry],
    now: datetime,
    *,
    log: LogSigner | None = None,
    settle: Settle = service.settle,
) -> int:
    """Every listing due was judged once more; the answer tells how many. Registries are asked outside any transaction,
    and not at all about a stone that only waited for the log's witnesses. `settle`: who keeps listings may have to say
    something on what was heard, before it is judged."""
    asked = registries if isinstance(registries, Registries) else Registries.of(*registries.values())
    async with reading(sessions) as session:
        witnessed = await covered_now(session, now, AT_ONCE)
        claims = await queries.due(session, now, AT_ONCE)
    dossiers = [*witnessed, *await service.ask(claims, asked, now, at_once=service.GENTLY)]
    for start in range(0, len(dossiers), service.SHARE):
        async with sessions.begin() as session:
            await settle(session, dossiers=dossiers[start : start + service.SHARE], now=now, log=log)
    return len(dossiers)
