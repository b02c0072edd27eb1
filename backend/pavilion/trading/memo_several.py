"""Several stones asked for on memo in one word: one memo for each owner, all of them or none (settlement spec 11.5)."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions.queries import HOUSE
from pavilion.catalogue import unavailable
from pavilion.catalogue.models import Stone
from pavilion.catalogue.queries import visible_to
from pavilion.catalogue.service import PriceChanged
from pavilion.kernel.db import one_at_a_time
from pavilion.kernel.errors import BadInput, KeyReused, NotAllowed, NotFound, Refusal, StaleVersion
from pavilion.trading import conditions, holding, memo_queries, memoing
from pavilion.trading.conditions import NotEligible, OverTradeLimit, OwnStone
from pavilion.trading.memo_models import Memo, MemoStone
from pavilion.trading.memo_rules import MOST_STONES
from pavilion.trading.memoing import StoneAwaited


class MemoExists(Refusal):
    """The company has asked for this stone already, or has it."""

    status, code = 409, "memo_exists"


class PriceMissing(Refusal):
    """It is sold at a price on request: no memo can name one."""

    status, code = 409, "memo_price_missing"


class StonesRefused(Refusal):
    """Some of the stones cannot be asked for, so none was; `stones` names each with the code of what is in its way."""

    status, code = 409, "memo_stones_refused"


OF_A_STONE = (
    unavailable.NotAvailable, PriceChanged, StaleVersion, OwnStone, NotEligible, StoneAwaited, MemoExists, PriceMissing
)  # fmt: skip
OF_THE_FAULT = ("reason", "date", "until", "price", "currency")


async def ask(
    session: AsyncSession,
    *,
    stones: Sequence[str],
    seen: int,
    days: int,
    destination: str,
    key: str,
    actor: Actor,
    now: datetime,
) -> list[Memo]:
    """Each owner is asked for its stones among these. `seen` is the latest change of any of them, as read; said twice
    with one key, the memos are those of the first time."""
    company, names = actor.company_id, sorted(set(stones))
    if company is None:
        raise NotAllowed(right="company")
    if not 0 < len(names) == len(stones) <= MOST_STONES:
        raise BadInput(fields={"stones": "bad_input"})
    await one_at_a_time(session, f"trade:{company}")
    keys = [sha256(f"{key} {place}".encode()).hexdigest() for place in range(MOST_STONES)]
    if known := await _known(session, company, keys, names, days, destination):
        return known
    wanted = visible_to(HOUSE).where(Stone.public_id.in_(names)).order_by(Stone.id)
    rows = (await session.scalars(wanted.execution_options(populate_existing=True))).all()
    if len(rows) != len(names):
        raise NotFound()
    if faults := await _faults(session, rows, seen, company, destination, now):
        raise StonesRefused(stones=faults)
    await _refuse_over_limit(session, rows, company)
    owners: dict[tuple[int, str], list[Stone]] = {}
    for row in rows:
        owners.setdefault((row.supplier_company_id, row.currency), []).append(row)
    return [
        await memoing.ask(
            session, stones=[one.public_id for one in some], seen=max(one.seq for one in some), days=days,
            destination=destination, key=of_owner, actor=actor, now=now,
        )
        for some, of_owner in zip(owners.values(), keys, strict=False)
    ]  # fmt: skip


async def _known(
    session: AsyncSession, company: int, keys: Sequence[str], names: list[str], days: int, destination: str
) -> list[Memo]:
    mine = select(Memo).where(Memo.company_id == company, Memo.key.in_(keys)).order_by(Memo.id)
    known = list(await session.scalars(mine))
    if known:
        lines = await session.scalars(select(MemoStone.stone).where(MemoStone.memo_id.in_([one.id for one in known])))
        if sorted(lines) != names or any((one.days, one.destination) != (days, destination) for one in known):
            raise KeyReused()
    return known


async def _faults(
    session: AsyncSession, rows: Sequence[Stone], seen: int, company: int, destination: str, now: datetime
) -> list[dict[str, object]]:
    """What is in the way of each stone; what is in the way of the company itself is refused at once."""
    found = []
    for stone in rows:
        try:
            await _refuse_stone(session, stone, seen, company, destination, now)
        except OF_A_STONE as refused:
            told = {name: fact for name, fact in refused.facts.items() if name in OF_THE_FAULT}
            found.append({"stone": stone.public_id, "code": refused.code, **told})
    return found


async def _refuse_stone(
    session: AsyncSession, stone: Stone, seen: int, company: int, destination: str, now: datetime
) -> None:
    held = await holding.standing(session, stone.public_id, company, now)
    if await memo_queries.open_for(session, company, stone.public_id) is not None:
        raise MemoExists()
    await holding.free(
        session,
        stone.public_id,
        min(stone.seq, seen),
        company,
        now,
        held_ref=held.public_id if held is not None else None,
    )
    if not stone.price_total_minor:
        raise PriceMissing()
    await conditions.refuse_unfit(
        session, company_id=company, stones=[stone], destination=destination, total_minor=0, on_credit=False, now=now
    )
    coming = await unavailable.awaited(session, [stone.public_id], now)
    if coming:
        raise StoneAwaited(until=coming[stone.public_id].isoformat())


async def _refuse_over_limit(session: AsyncSession, rows: Sequence[Stone], company: int) -> None:
    """The memos together stand within what the company may have unpaid."""
    for currency in {row.currency for row in rows}:
        total = sum(row.price_total_minor or 0 for row in rows if row.currency == currency)
        if total > await memo_queries.left_minor(session, company, currency):
            raise OverTradeLimit()
