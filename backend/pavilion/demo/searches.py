"""What buyers keep looking for: kept once the stock is listed, so that the sales and holds after it are their news."""

from datetime import datetime

from pavilion.catalogue import saving
from pavilion.catalogue.saved_models import AlertKind, Cadence
from pavilion.catalogue.saving import Wishes
from pavilion.demo import people
from pavilion.kernel.db import Sessions

KEPT = (
    (
        "wen@lumen.example",
        "/stones?tab=fancy",
        Wishes("Fancy colours", Cadence.AT_ONCE, [*AlertKind]),
    ),
    (
        "wen@lumen.example",
        "/stones?color=D..F&ct_from=1",
        Wishes("White, one carat and up", Cadence.DAILY, [AlertKind.NEW, AlertKind.PRICE, AlertKind.BACK]),
    ),
    (
        "ilse@vandael.example",
        "/stones?tab=coloured",
        Wishes("彩色宝石", Cadence.NEVER, [AlertKind.IN_SALE]),
    ),
)


async def keep(sessions: Sessions, now: datetime) -> None:
    async with sessions.begin() as session:
        for email, address, wishes in KEPT:
            await saving.keep(session, await people.actor(session, email), address, wishes, now=now)
