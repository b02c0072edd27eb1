"""What the worker does for provenance: asks silent registries again."""

from collections.abc import Mapping
from datetime import datetime

from pavilion.kernel.db import Sessions, reading
from pavilion.provenance import queries, service
from pavilion.provenance.registries.port import Registry

AT_ONCE = 200


async def retry_pending(sessions: Sessions, registries: Mapping[str, Registry], now: datetime) -> int:
    """Every listing due was asked for once more, outside any transaction; the answer tells how many."""
    asked = 0
    for name, registry in registries.items():
        async with reading(sessions) as session:
            claims = await queries.due(session, name, now, AT_ONCE)
        dossiers = await service.ask(claims, registry, now)
        if dossiers:
            async with sessions.begin() as session:
                await service.settle(session, dossiers=dossiers, now=now)
        asked += len(dossiers)
    return asked
