"""Sales that run now, made by the house's own verbs: published by two persons, two buyers registered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from sqlalchemy import select, update

from pavilion.accounts import queries
from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Actor, Role
from pavilion.auctions import arranging, curation, publishing, registering, service
from pavilion.bidding.models import BookLot, SaleBook
from pavilion.kernel.clock import utc_now
from pavilion.kernel.db import Sessions
from pavilion.provenance.models import StoneVerdict
from tests import make
from tests.auctions import world
from tests.cast import ILSE, WEN

LIMIT = 50_000_000
LONG_AGO = timedelta(minutes=40)  # proposed and approved before the doors opened
OPEN_FOR = timedelta(minutes=11)  # the least a sale may be open before it closes is ten
SOFT_CLOSE = {"window": 120, "extension": 120, "mode": "reset", "scope": "lot", "hard_end": None}
VIVID = {"fancy_color": "yellow", "fancy_intensity": "fancy_vivid"}
CUTS: Sequence[dict[str, Any]] = (
    {"shape": "cushion", "picture": "cushion-vivid-yellow.webp", "color": None} | VIVID,
    {"shape": "emerald", "picture": "emerald-d.webp", "color": "D"},
    {"shape": "round", "color": "G"},
)  # fmt: skip
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class RunningSale:
    sale: str
    lots: Sequence[str]


async def is_open(sessions: Sessions, sale: RunningSale) -> bool:
    """Whether the engine has opened every lot."""
    async with sessions() as session:
        states = await session.scalars(select(BookLot.state).where(BookLot.sale == sale.sale))
        return list(states) == ["open"] * len(sale.lots)


async def sale_is_open(sessions: Sessions, sale: RunningSale) -> bool:
    """Whether the engine has opened the sale, whoever opens its lots."""
    async with sessions() as session:
        return await session.scalar(select(SaleBook.state).where(SaleBook.sale == sale.sale)) == "open"


async def people(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await make.company(session, "Karowe Cutting", "BW")
        await make.person(session, "noor@pavilion.example", (Role.CURATOR,))
        await make.person(session, "oskar@pavilion.example", (Role.LEAD,))
        await make.person(session, "rita@pavilion.example", (Role.REGISTRAR,))
        await make.person(session, WEN, (Role.BUYER,), await make.company(session, "Lumen Trading", "HK"))
        await make.person(session, ILSE, (Role.BUYER,), await make.company(session, "Van Dael", "HK"))


async def actor(sessions: Sessions, email: str) -> Actor:
    async with sessions() as session:
        number = await session.scalar(select(Person.id).where(Person.email == email))
        found = await queries.person_with_rights(session, number or 0)
        assert found is not None
        return queries.as_actor(found)


async def running_sale(
    sessions: Sessions, *, closes_s: int, lots: int = 3, soft_close: int = 120, **changes: Any
) -> RunningSale:
    """A sale whose first lot ends in so many seconds; both buyers hold paddles."""
    now = utc_now()
    then, first = now - LONG_AGO, now + timedelta(seconds=closes_s)
    curator, lead, registrar = [await actor(sessions, f"{name}@pavilion.example") for name in ("noor", "oskar", "rita")]
    async with sessions.begin() as session:
        supplier = await session.scalar(select(Company).where(Company.country == "BW"))
        stones = []
        for place in range(lots):
            number = next(_numbers)
            stones += await world.stones(
                session, supplier, 1, first=number, weight_mct=1510 + number, **CUTS[place % 3]
            )
        await world.expose(session, stones)
        await session.execute(update(StoneVerdict).where(StoneVerdict.stone.in_(stones)).values(decided_at=now))
    async with sessions.begin() as session:
        soft = SOFT_CLOSE | {"window": soft_close, "extension": soft_close}
        said = world.settings(opens_at=min(now, first - OPEN_FOR), first_close_at=first, soft_close=soft, **changes)
        made = await curation.create_sale(session, values=said, actor=curator, now=then)
        added = await curation.add_stones(session, sale=made.public_id, stones=stones, actor=curator, now=then)
        figures = {"low_minor": 2_200_000, "high_minor": 3_000_000, "opening_minor": 1_200_000}
        figures |= {"text_en": "Bright and well cut.", "text_zh": "火彩明亮，切工精良。"}
        edits = {lot.public_id: (lot.version, figures) for lot in added}
        await curation.edit_lots(session, sale=made.public_id, edits=edits, actor=curator, now=then)
        await curation.number_lots(session, sale=made.public_id, start=11, actor=curator, now=then)
        sale, ids = made.public_id, [lot.public_id for lot in added]
        named = {"sale": sale, "actor": curator, "now": then}
        heading = await arranging.name_group(session, names=("Whites and near", "白钻及近白"), **named)
        await arranging.send_lots(session, lots=ids[-1:], to=str(heading.id), **named)
    async with sessions.begin() as session:
        warned: list[str] = []
        asked = await publishing.propose_publication(session, sale=sale, acknowledged=warned, actor=curator, now=then)
        proposal = asked.public_id
    async with sessions.begin() as session:
        handlers = service.proposal_handlers
        await accounts.decide(session, proposal_id=proposal, approve=True, actor=lead, handlers=handlers, now=then)
    for email in (WEN, ILSE):
        asked_by = await actor(sessions, email)
        registration = await world.applied(sessions, sale, asked_by, now)
        async with sessions.begin() as session:
            await registering.approve(session, registration=registration, limit_minor=LIMIT, actor=registrar, now=now)
    return RunningSale(sale, ids)
