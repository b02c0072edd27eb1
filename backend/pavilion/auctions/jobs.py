"""What the auctions do by themselves: a stone that is verified again is tied to its lot again."""

from datetime import datetime

from sqlalchemy import select, update

from pavilion.auctions.models import Lot, LotStone
from pavilion.auctions.rules import LIVE_LOT
from pavilion.catalogue.models import Stone
from pavilion.kernel import events
from pavilion.kernel.db import Sessions
from pavilion.kernel.events import Event
from pavilion.provenance.models import ExposedStone

FOLLOWER = "auctions:verdicts"
VERDICT_CHANGED = "stone:verdict_changed"
AT_ONCE = 500


async def follow_verdicts(sessions: Sessions, now: datetime) -> int:
    """A live lot whose stones are all verified again may be resumed, by a person; answers how many events were read."""
    if not await events.news(sessions, FOLLOWER, [VERDICT_CHANGED]):
        return 0
    async with sessions.begin() as session:
        cursor = await events.cursor_of(session, FOLLOWER)
        fresh = select(Event.id, Event.subject).where(Event.name == VERDICT_CHANGED, Event.id > cursor.last_id)
        read = (await session.execute(fresh.order_by(Event.id).limit(AT_ONCE))).all()
        if not read:
            return 0
        back = select(Stone.id).join(ExposedStone, ExposedStone.stone == Stone.public_id)
        back = back.where(Stone.public_id.in_({event.subject for event in read}))
        live = select(Lot.id).where(Lot.state.in_(LIVE_LOT))
        lost = select(LotStone.lot_id, LotStone.stone_id).where(LotStone.exposed_id.is_(None))
        lost = lost.where(LotStone.stone_id.in_(back), LotStone.lot_id.in_(live))
        itself = select(Stone.public_id).where(Stone.id == LotStone.stone_id).scalar_subquery()
        for lot_id, stone_id in (await session.execute(lost)).all():
            wanted = update(LotStone).where(LotStone.lot_id == lot_id, LotStone.stone_id == stone_id)
            await session.execute(wanted.values(exposed_id=itself).execution_options(synchronize_session=False))
            lot = await session.get_one(Lot, lot_id)
            events.record(session, "lot:stone_verified_again", lot.public_id, by=None, at=now)
        cursor.last_id = read[-1].id
        return len(read)
