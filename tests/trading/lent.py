"""A market whose stones go out on memo."""

from uuid import uuid4

from pavilion.accounts.rules import Role
from pavilion.trading import memo_desk, memoing
from pavilion.trading.memo_models import Memo, MemoStone
from tests import make
from tests.make import HOUR, NOON
from tests.trading.market import PRICE, Market

DAY = 24 * HOUR
WEIGHT = 1_020  # milli-carats


class Lent(Market):
    """Wen's company may have three stones unpaid; Vic stands at the desk."""

    async def open(self, stones=1, **facts):
        await super().open(stones, **facts)
        await self.change(self.wen.company_id, trade_limit_minor=3 * PRICE)
        async with self.sessions.begin() as session:
            self.vic = await make.actor(session, "vic@pavilion.example", (Role.VIEWINGS,))
            self.tess = await make.actor(session, "tess@pavilion.example", (Role.VIEWINGS,))
            self.tomas = await make.actor(session, "tomas@pavilion.example", (Role.CASHIER,))
        return self

    async def ask(self, who=None, stones=None, days=7, key=None, now=NOON, seen=None):
        stones = stones or self.stones
        seen = max([await self.seq(stone) for stone in stones]) if seen is None else seen
        async with self.sessions.begin() as session:
            return await memoing.ask(
                session, stones=stones, seen=seen, days=days, destination="HK", key=key or uuid4().hex,
                actor=who or self.wen, now=now,
            )  # fmt: skip

    async def say(self, verb, memo, who=None, now=NOON, **more):
        who = who or self.sam
        if verb in (memoing.approve, memoing.refuse, memoing.extend, memoing.withdraw, memo_desk.buy) or (
            verb is memoing.ask_extension
        ):
            more["company_id"] = who.company_id
        async with self.sessions.begin() as session:
            return await verb(session, memo=memo.public_id, actor=who, now=now, **more)

    async def approve(self, memo, now=NOON, insured_minor=None):
        return await self.say(memoing.approve, memo, insured_minor=insured_minor, now=now)

    async def hand_out(self, memo, now=NOON + HOUR, mct=WEIGHT):
        weights = dict.fromkeys([line.stone for line in await self.lines(memo)], mct)
        return await self.say(memo_desk.hand_out, memo, self.vic, now, weights=weights, to="Wen Li, passport seen")

    async def bring_back(self, memo, stone=None, mct=WEIGHT, now=NOON + DAY):
        stone = stone or self.stones[0]
        return await self.say(memo_desk.weigh_in, memo, self.vic, now, stone=stone, mct=mct, giver="Wen Li")

    async def out(self, **more):
        return await self.hand_out(await self.approve(await self.ask(**more)))

    async def lines(self, memo):
        async with self.sessions() as session:
            return await memoing.lines_of(session, memo)

    async def memo(self, memo):
        async with self.sessions() as session:
            return await session.get_one(Memo, memo.id)

    async def line(self, memo, stone=None):
        async with self.sessions() as session:
            return await session.get_one(MemoStone, (memo.id, stone or self.stones[0]))
