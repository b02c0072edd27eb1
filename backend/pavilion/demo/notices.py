"""What the house said of a lot after the sale was published: a new estimate, by the way every notice takes."""

from datetime import datetime

from sqlalchemy import select

from pavilion.auctions import noticing, reserves
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.noticing import Said
from pavilion.auctions.version_models import NoticeField
from pavilion.bidding import notice_giving
from pavilion.demo import people
from pavilion.demo.staging import Stage
from pavilion.kernel.db import Sessions
from pavilion.kernel.ids import ulid

RAISED = 100_000  # minor units: each end of the estimate by USD 1,000
REASON, REASON_ZH = "Carat Rounds brought more than was expected.", "克拉圆钻成交高于预期。"


async def raise_estimate(sessions: Sessions, stage: Stage, sale: str, place: int, now: datetime) -> None:
    """The lot at this place has a higher estimate, told in its book and in the annex of the catalogue."""
    wanted = select(Lot).join(Sale, Sale.id == Lot.sale_id).where(Sale.public_id == sale, Lot.number == place)
    async with sessions.begin() as session:
        lot = (await session.scalars(wanted)).one()
        low, high = (lot.low_minor or 0) + RAISED, (lot.high_minor or 0) + RAISED
        ends = f"USD {low // 100:,}", f"{high // 100:,}"
        words = f"The estimate is now {' to '.join(ends)}.", f"估价现为 {' 至 '.join(ends)}。"
        said = Said(NoticeField.ESTIMATE, (low, high), REASON, *words, reason_zh=REASON_ZH)
        notice = await noticing.prepare(
            session,
            lot=lot.public_id,
            key=ulid(now),
            said=said,
            reserve=reserves.reserve_of(session, lot),
            actor=await people.actor(session, people.role_email("lead")),
            now=now,
        )
    await notice_giving.carry(sessions, stage.rooms, notice, now)
