"""Stones of one owner at fixed prices, and companies that would have them."""

from uuid import uuid4

from sqlalchemy import select

from pavilion.accounts.models import Company
from pavilion.accounts.rules import Role
from pavilion.catalogue.models import Stone, StoneCommitment
from pavilion.kernel.events import Event
from pavilion.trading import holding, placing
from pavilion.trading.models import Hold, Order
from pavilion.trading.placing import Line
from pavilion.trading.rules import OrderSource
from tests import make
from tests.catalogue import stones as listing
from tests.make import NOON

PRICE = 663_000  # 1.02 ct at 6,500 a carat


class Market:
    """A supplier, some stones, and a buyer in Hong Kong."""

    def __init__(self, sessions):
        self.sessions = sessions

    async def open(self, stones=1, **facts):
        async with self.sessions.begin() as session:
            seller = await make.company(session, "Scheldt Diamonds", "BE")
            self.seller = seller.id
            self.sam = await make.actor(session, "sam@scheldt.example", (Role.SUPPLIER,), seller)
            rows = [listing.row(number, **facts) for number in range(1, stones + 1)]
            self.stones = [one.public_id for one in await listing.listed(session, rows, seller.id)]
        self.wen = await self.buyer("wen@lumen.example")
        return self

    async def buyer(self, email, country="HK", **changes):
        async with self.sessions.begin() as session:
            firm = await make.company(session, email.split("@")[1], country, **changes)
            return await make.actor(session, email, (Role.BUYER,), firm)

    async def seq(self, stone=None):
        async with self.sessions() as session:
            return await session.scalar(select(Stone.seq).where(Stone.public_id == (stone or self.stones[0])))

    async def hold(self, who=None, stone=None, seen=None, key=None, now=NOON):
        who, stone = who or self.wen, stone or self.stones[0]
        seen = await self.seq(stone) if seen is None else seen
        async with self.sessions.begin() as session:
            return await holding.ask(
                session, stone=stone, seen=seen, company_id=who.company_id, key=key or uuid4().hex, actor=who, now=now
            )

    async def act(self, verb, hold, who=None, now=NOON, **more):
        who = who or self.wen
        async with self.sessions.begin() as session:
            return await verb(session, hold=hold.public_id, company_id=who.company_id, actor=who, now=now, **more)

    async def buy(self, who=None, stone=None, price=PRICE, seen=None, held=None, key=None, now=NOON, destination="HK"):
        who, stone = who or self.wen, stone or self.stones[0]
        seen = await self.seq(stone) if seen is None else seen
        async with self.sessions.begin() as session:
            return await placing.place_order(
                session, company_id=who.company_id, destination=destination,
                lines=[Line(stone, seen, price, held.public_id if held else None)], source=OrderSource.BUY_NOW,
                source_ref=None, key=key or uuid4().hex, actor=who, now=now,
            )  # fmt: skip

    async def answer(self, order, yes, now=NOON, who=None):
        who = who or self.sam
        async with self.sessions.begin() as session:
            return await placing.answer(
                session, order=order.public_id, yes=yes, reason="", company_id=who.company_id, actor=who, now=now
            )

    async def promised(self, stone=None):
        """Kind and reference of what the stone is promised to."""
        async with self.sessions() as session:
            live = select(StoneCommitment).join(Stone, Stone.id == StoneCommitment.stone_id)
            live = live.where(Stone.public_id == (stone or self.stones[0]), StoneCommitment.released_at.is_(None))
            row = await session.scalar(live)
            return None if row is None else (row.kind, row.ref)

    async def loaded(self, row):
        async with self.sessions() as session:
            return await session.get_one(type(row), row.id)

    async def all(self, model):
        async with self.sessions() as session:
            return (await session.scalars(select(model).order_by(model.id))).all()

    async def events(self, *names):
        async with self.sessions() as session:
            return (await session.scalars(select(Event).where(Event.name.in_(names)).order_by(Event.id))).all()

    async def change(self, company_id, **facts):
        async with self.sessions.begin() as session:
            firm = await session.get_one(Company, company_id)
            for name, value in facts.items():
                setattr(firm, name, value)


__all__ = ["PRICE", "Hold", "Market", "Order"]
