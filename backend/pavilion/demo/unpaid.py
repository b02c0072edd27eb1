"""A sale of some weeks ago whose winner never paid: reminded, overdue and defaulted on the days of the terms. Its lots
wait for a person's choice; the next who bid on them can sign in."""

from datetime import datetime, timedelta

from pavilion.demo import people, sales, staging
from pavilion.demo.people import LUMEN, RIVALS, VAN_DAEL
from pavilion.demo.sales import Bill
from pavilion.kernel.db import Sessions
from pavilion.settings import Settings
from pavilion.settlement import defaulting, jobs

AGO = timedelta(days=16)  # the days of the terms are over by now, whatever holidays lie among them
LIMIT = 90_000_000
LOTS = 2
WINNER = RIVALS[0]


async def play(settings: Settings, sessions: Sessions, now: datetime) -> None:
    """The winner's invoice stands defaulted, with its strike."""
    opens, closes = now - AGO - timedelta(hours=3), now - AGO
    bill = Bill(
        "Autumn Pair", "秋季双钻",
        "Two white rounds, sold one after the other.", "两颗白钻圆形裸石，先后成交。",
        opens, closes, stagger_s=60,
    )  # fmt: skip
    begun = opens - timedelta(hours=1)
    async with sessions() as session:
        noor = await people.actor(session, "noor@pavilion.example")
        chosen = (await sales.free_stones(session, noor, jewels=False, most=500))[-LOTS:]
    sale = await sales.stage(sessions, bill, chosen, begun)
    await sales.register(sessions, sale, dict.fromkeys((WINNER, LUMEN, VAN_DAEL), LIMIT), begun)
    async with staging.stage(settings, sessions, begun, sale) as stage:
        await stage.writer(sale)
        await stage.move_to(sale, opens)
        for firm, share_bp in ((VAN_DAEL, 11_000), (LUMEN, 12_000), (WINNER, 13_000)):
            await stage.bid_maximum(sale, firm, lots=range(1, LOTS + 1), share_bp=share_bp)
        while sale in stage.engine.writers:
            await stage.move_to(sale, stage.clock.at + timedelta(minutes=30))
        for _ in range(2):
            await jobs.bill_sold_lots(sessions, stage.clock.at)
        billed = stage.clock.at
    for day in range(1, AGO.days + 1):
        at = min(billed + timedelta(days=day), now)
        await defaulting.late(sessions, at)
        await defaulting.remind(sessions, at)
