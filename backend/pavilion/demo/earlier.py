"""A sale of some days ago with five stones each of six kinds, so that the house's own results say something of prices:
a price is told from five results up. Its buyers pay as those of the other sale do."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.demo import people, sales, staging
from pavilion.demo.people import LUMEN, RIVALS, VAN_DAEL
from pavilion.demo.sales import Bill
from pavilion.kernel.db import Sessions
from pavilion.settings import Settings
from pavilion.settlement import jobs

AGO = timedelta(days=3)
LIMIT = 90_000_000
KINDS = (("F", "SI1"), ("F", "VS2"), ("G", "SI1"), ("G", "VS2"), ("H", "SI1"), ("I", "VS2"))
EACH = 5
FROM_MCT, TO_MCT = 1000, 1500
WINNERS = RIVALS[:3]
SHARES_BP = (9_600, 10_400, 10_900)  # of the low estimate: the most that one of them pays
UNDER_BP = 9_400  # at which somebody else stops: above the reserves, below what the winners pay


async def play(settings: Settings, sessions: Sessions, now: datetime) -> None:
    """Every lot is sold to one of three, and billed."""
    opens, closes = now - AGO - timedelta(hours=3), now - AGO
    bill = Bill(
        "Carat Rounds", "克拉圆钻",
        "Thirty white rounds of a carat and more, five of each kind.", "三十颗一克拉以上白钻圆形裸石，六种等级各五颗。",
        opens, closes, stagger_s=10,
    )  # fmt: skip
    begun = opens - timedelta(hours=1)
    async with sessions() as session:
        chosen = await _of_each_kind(session, await people.actor(session, "noor@pavilion.example"))
    sale = await sales.stage(sessions, bill, chosen, begun)
    await sales.register(sessions, sale, dict.fromkeys((*WINNERS, LUMEN, VAN_DAEL), LIMIT), begun)
    lots = range(1, len(chosen) + 1)
    async with staging.stage(settings, sessions, begun, sale) as stage:
        await stage.writer(sale)
        await stage.move_to(sale, opens)
        for place, firm in enumerate((LUMEN, VAN_DAEL)):
            await stage.bid_maximum(sale, firm, lots=lots[place::2], share_bp=UNDER_BP)
        for place, (firm, share_bp) in enumerate(zip(WINNERS, SHARES_BP, strict=True)):
            await stage.bid_maximum(sale, firm, lots=lots[place::3], share_bp=share_bp)
        while sale in stage.engine.writers:
            await stage.move_to(sale, stage.clock.at + timedelta(minutes=30))
        for _ in WINNERS:
            await jobs.bill_sold_lots(sessions, stage.clock.at)


async def _of_each_kind(session: AsyncSession, noor: Actor) -> list[str]:
    """Free stones, five of each kind, kind after kind."""
    free = await sales.free_stones(session, noor, jewels=False, most=500)
    wanted = visible_to(noor).where(Stone.public_id.in_(free), Stone.weight_mct >= FROM_MCT, Stone.weight_mct < TO_MCT)
    of_kind: dict[tuple[str | None, str | None], list[str]] = {kind: [] for kind in KINDS}
    for stone in await session.scalars(wanted.order_by(Stone.id)):
        of_kind.get((stone.color, stone.clarity), []).append(stone.public_id)
    return [stone for stones in of_kind.values() for stone in stones[:EACH]]
