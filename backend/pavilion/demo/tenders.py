"""A small sealed tender of the demonstration, with three simulated custodians: it ends minutes after the start, and
whoever has two of their key files opens it."""

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded; plays, guards nothing

from sqlalchemy import select

from pavilion.accounts.models import Company
from pavilion.bidding.custody import key_document, new_key
from pavilion.bidding.sealing import Payload, seal
from pavilion.bidding.tendering import paddle_text, seal_order
from pavilion.demo import people, rivals, sales, staging
from pavilion.demo.people import LUMEN, RIVALS, VAN_DAEL
from pavilion.demo.sales import Bill
from pavilion.kernel.base64url import base64url
from pavilion.kernel.canon import canonical
from pavilion.kernel.clock import Clock
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.instants import stamp
from pavilion.settings import Settings

LOTS, K, N = 3, 2, 3
OPEN_FOR = timedelta(minutes=6)
WHO = (
    "Simulated custodians of the demonstration. In life these files lie with three different people, never together.\n"
)


async def hold(settings: Settings, sessions: Sessions, clock: Clock, limit: int) -> None:
    """Three lots, sealed bids of the rivals on each, and the custodians' key files beside the house's data."""
    now = clock()
    opens, begun = now - timedelta(hours=1), now - timedelta(hours=2)
    custodians = write_keys(settings.data_dir / "custodians")
    bill = Bill(
        "Quiet Tender", "静谧密封标售",
        "Three stones by sealed bids. Nobody at the house can read a bid before two of three custodians open it.",
        "三颗裸石，密封投标。在三位保管人中的两位开启之前，拍卖行无人能读取出价。",
        opens, now + OPEN_FOR, stagger_s=0,
        type="tender", options={"tender": tender_options(custodians), "outage": {"min": 60, "span": 600, "grant": 60}},
    )  # fmt: skip
    async with sessions() as session:
        noor = await people.actor(session, "noor@pavilion.example")
        chosen = await sales.free_stones(session, noor, jewels=False, most=LOTS)
    sale = await sales.stage(sessions, bill, chosen, begun)
    await sales.register(sessions, sale, {LUMEN: limit, VAN_DAEL: limit, **dict.fromkeys(RIVALS, limit)}, begun)
    async with staging.stage(settings, sessions, begun, sale) as stage:
        await stage.writer(sale)
        await stage.move_to(sale, opens)
        await _rivals_seal(sessions, stage, sale, custodians, opens)
        await stage.move_to(sale, clock())


def write_keys(folder: Path) -> list[str]:
    """The public keys; each pair lies in a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.txt").write_text(WHO)
    public = []
    for x in range(1, N + 1):
        key = new_key(secrets.token_bytes)
        (folder / f"custodian-{x}.json").write_bytes(canonical(key_document(key)) + b"\n")
        public.append(base64url(key.point))
    return public


def tender_options(custodians: list[str]) -> dict[str, object]:
    return {
        "sealed": True,
        "k": K,
        "custodians": custodians,
        "replace": "latest",
        "withdraw": True,
        "price_rule": "first",
        "min_bidders": 1,
        "best_and_final": None,
    }


async def _rivals_seal(
    sessions: Sessions, stage: staging.Stage, sale: str, custodians: list[str], at: datetime
) -> None:
    writer, luck = stage.engine.writers[sale], Random(sale)  # noqa: S311
    async with reading(sessions) as session:
        firms = {one.id: one.name for one in await session.scalars(select(Company).where(Company.name.in_(RIVALS)))}
    for lot in writer.book.lots.values():
        for company in firms:
            paddle = writer.mine(company).paddle
            if paddle is None or luck.randrange(4) == 0:
                continue
            key, worth = secrets.token_hex(16), rivals.worth(lot.lot, company, lot.terms.opening * 16 // 10)
            bid = Payload(sale, lot.lot, paddle_text(paddle), key, "total", worth, stamp(at))
            envelope = canonical(seal(bid, custodians, K, secrets.token_bytes).document()).decode()
            await writer.place(seal_order(sale, lot.lot, company, key, envelope))
