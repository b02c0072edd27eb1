"""A stock that lives: random acts on its stones, each through the verbs of the catalogue."""

from sqlalchemy import select

from pavilion.catalogue import lying, service
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.kernel.ids import ulid
from tests.catalogue import stones
from tests.catalogue.stones import SALES
from tests.make import NOON

K = CommitmentKind
MANY = 14


async def stocked(session, firm, luck):
    """Some stones, of which a third waits for its verdict."""
    rows = [stones.random_row(n, luck) | {"stock_no": f"PV-{n:03}"} for n in range(MANY)]
    hidden = frozenset(luck.sample(range(MANY), MANY // 3))
    return await stones.listed(session, rows, firm, but=hidden)


async def act(session, firm, luck, now=NOON):
    """One thing happens to one stone, or to a few."""
    stone = luck.choice((await session.scalars(select(Stone).order_by(Stone.id))).all())
    live = await session.scalar(
        select(StoneCommitment).where(StoneCommitment.stone_id == stone.id, StoneCommitment.released_at.is_(None))
    )
    facts = {"by": None, "now": now}
    match luck.choice(
        [
            "stored",
            "priced",
            "priced",
            "withdrawn",
            "revoked",
            "shown",
            "promised",
            "promised",
            "freed",
            "freed",
            "lies",
            "viewing",
        ]
    ):
        case "stored":
            number = int(stone.stock_no.partition("-")[2])
            row = stones.random_row(number, luck) | {"stock_no": stone.stock_no, "report_no": stone.report_no}
            row["price_total_minor"] = None
            await service.store_stones(session, [row], supplier_company_id=firm, now=now)
        case "priced" if stone.price_per_carat_minor:
            each = stone.price_per_carat_minor * luck.choice([70, 80, 95, 97]) // 100
            row = {"stock_no": stone.stock_no, "price_per_carat_minor": each, "price_total_minor": None}
            row |= {"weight_mct": stone.weight_mct, "length_um": stone.length_um, "width_um": stone.width_um}
            await service.store_stones(session, [row], supplier_company_id=firm, now=now)
        case "withdrawn":
            await service.withdraw_stones(session, supplier_company_id=firm, stock_nos=[stone.stock_no], **facts)
        case "revoked" if stone.exposed_id and live is None and luck.random() < 0.4:
            await stones.revoke(session, stone.public_id)
            await service.verdicts_changed(session, [stone.public_id], now=now)
        case "shown":
            await stones.expose(session, [stone.public_id])
            await service.verdicts_changed(session, [stone.public_id], now=now)
        case "promised" if stone.listed and live is None:
            kind = luck.choice([K.HELD, K.IN_SALE, K.OFFERED_LOCK])
            told = {"sale": luck.choice(SALES)} if kind == K.IN_SALE else {}
            await service.commit_stone(session, stone=stone.public_id, kind=kind, ref=ulid(now), facts=told, **facts)
        case "promised" if stone.listed and live.kind == K.HELD:
            turned = {"kind": K.IN_SALE, "new_ref": ulid(now), "facts": {"sale": SALES[0]}}
            await service.turn_stone(session, stone=stone.public_id, ref=live.ref, **turned, **facts)
        case "lies":
            await lying.lie(session, {stone.public_id: luck.choice(stones.LYING)}, now=now)
        case "viewing":
            await lying.viewings_freed(session, {stone.public_id: luck.choice(stones.SALES)}, now=now)
        case "freed" if live is not None and live.kind != K.SOLD:
            if luck.random() < 0.1:
                await service.sell_stone(session, stone=stone.public_id, ref=live.ref, **facts)
            else:
                await service.release_stone(session, stone=stone.public_id, ref=live.ref, **facts)
    session.expire_all()
