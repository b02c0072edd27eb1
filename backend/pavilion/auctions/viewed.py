"""How often the page of each lot is looked at: a number for a lot and a UTC day, and nothing of who looked.

A look costs no transaction: looks are added up in memory and written together every few seconds. A process that is
killed loses what it had not written, one batch; one that is told to stop writes first.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.view_models import LotViews
from pavilion.kernel.db import Sessions, inserting

EVERY = timedelta(seconds=5)  # a batch
AT_ONCE = 500  # rows of one statement
_BROWSER = "mozilla/5.0"  # what every browser says it is, and few programs do
_ROBOT = re.compile(r"bot|crawl|spider|slurp|preview|monitor|headless|lighthouse|facebookexternalhit|python|curl|wget")
_AHEAD = ("prefetch", "prerender", "preview")  # fetched in case somebody looks


def is_person(headers: Mapping[str, str]) -> bool:
    """Whether somebody at a browser asked for this page, as far as the request says."""
    agent = headers.get("user-agent", "").lower()
    ahead = f"{headers.get('sec-purpose', '')} {headers.get('purpose', '')}".lower()
    return _BROWSER in agent and _ROBOT.search(agent) is None and not any(word in ahead for word in _AHEAD)


class Views:
    """Those that one process has not yet written."""

    def __init__(self) -> None:
        self._waiting: Counter[tuple[str, str]] = Counter()  # by lot and day
        self._wrote_at: datetime | None = None

    def saw(self, lot: str, headers: Mapping[str, str], *, staff: bool, now: datetime) -> None:
        """The lot's page was answered; staff and programs count for nothing."""
        if not staff and is_person(headers):
            self._waiting[lot, now.astimezone(UTC).date().isoformat()] += 1

    async def tick(self, sessions: Sessions, now: datetime) -> int:
        """A batch is written when its time has come; answers how many views were in it. None asks to be called again
        at once."""
        if not self._waiting or (self._wrote_at is not None and self._wrote_at <= now < self._wrote_at + EVERY):
            return 0
        self._wrote_at = now
        return await self.write(sessions)

    async def write(self, sessions: Sessions) -> int:
        """All that waits stands in the database, or waits still."""
        if not self._waiting:
            return 0
        taken, self._waiting = self._waiting, Counter()
        rows = [{"lot": lot, "day": day, "n": n} for (lot, day), n in sorted(taken.items())]
        try:
            async with sessions.begin() as session:
                for start in range(0, len(rows), AT_ONCE):
                    row = inserting(session, LotViews).values(rows[start : start + AT_ONCE])
                    more = {"n": LotViews.n + row.excluded.n}
                    await session.execute(row.on_conflict_do_update(index_elements=["lot", "day"], set_=more))
        except BaseException:
            self._waiting += taken  # nothing of it was written: it goes with the next
            raise
        return taken.total()


async def of_lots(session: AsyncSession, lots: Collection[str]) -> Mapping[str, int]:
    """For the curators: views of each lot that had any, all days together."""
    wanted = select(LotViews.lot, func.sum(LotViews.n)).where(LotViews.lot.in_(lots)).group_by(LotViews.lot)
    return {lot: int(n) for lot, n in await session.execute(wanted)}
