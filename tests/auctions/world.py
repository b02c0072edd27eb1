"""A house with listed stones, its staff, a draft and companies that would bid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor, Role
from pavilion.auctions import curation, publishing, registering, service
from pavilion.auctions.models import Lot
from pavilion.auctions.terms import terms
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.media_models import BITS
from pavilion.catalogue.models import Stone
from pavilion.kernel.db import Sessions
from tests import make
from tests.catalogue import stones as listing
from tests.make import HOUR, NOON

OPENS, FIRST_CLOSE = NOON + HOUR, NOON + 3 * HOUR


@dataclass
class World:
    curator: Actor
    lead: Actor
    registrar: Actor
    keeper: Actor  # of the reserves
    supplier: Any
    stones: list[str]


def row(number: int, **changes: Any) -> dict[str, Any]:
    facts = {
        "stock_no": f"PV-{number:05}", "shape": "round", "weight_mct": 1010 + number, "color": "G", "clarity": "VS1",
        "cut": "excellent", "lab": "GIA", "report_no": f"61{number:08}", "length_um": 6500, "width_um": 6470,
        "depth_um": 4010, "price_total_minor": 650_000, "currency": "USD", "origin_id": f"BW:{number:08}",
        "mine_country": "BW", "mine": "Karowe", "cutter_name": "Mireille Aerts", "cutter_years": 31, "city": "Antwerp",
    }  # fmt: skip
    return facts | changes


async def expose(session: AsyncSession, stones: Sequence[str]) -> None:
    """Each stone's origin stands verified and it is listed."""
    await listing.expose(session, list(stones))
    await catalogue.expose_stones(session, list(stones), now=NOON)


async def stones(session: AsyncSession, company: Any, count: int, *, first: int = 1, **changes: Any) -> list[str]:
    rows = [row(first + place, **changes) for place in range(count)]
    stored = await catalogue.store_stones(session, rows, supplier_company_id=company.id, now=NOON)
    has_all = update(Stone).where(Stone.supplier_company_id == company.id).values(media=sum(BITS.values()))
    await session.execute(has_all)
    return [stone.public_id for stone in stored]


async def build(sessions: Sessions, count: int = 6) -> World:
    async with sessions.begin() as session:
        supplier = await make.company(session, "Karowe Cutting", "BW")
        found = await stones(session, supplier, count)
        await expose(session, found)
        return World(
            curator=await make.actor(session, "noor@pavilion.example", (Role.CURATOR,)),
            lead=await make.actor(session, "oskar@pavilion.example", (Role.LEAD,)),
            registrar=await make.actor(session, "rita@pavilion.example", (Role.REGISTRAR,)),
            keeper=await make.actor(session, "kees@pavilion.example", (Role.CURATOR, Role.RESERVE)),
            supplier=supplier,
            stones=found,
        )


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "title_en": "Spectral IV", "title_zh": "光谱四", "text_en": "Fancy colours.", "text_zh": "彩色钻石。",
        "currency": "USD", "zone": "Europe/Brussels", "place_city": "Antwerp", "entity": "ANT",
        "opens_at": OPENS, "first_close_at": FIRST_CLOSE,
    } | changes  # fmt: skip


async def draft(sessions: Sessions, world: World, count: int | None = None, **changes: Any) -> str:
    """A draft of the world's first stones, one to a lot, complete and numbered."""
    wanted = world.stones if count is None else world.stones[:count]
    async with sessions.begin() as session:
        sale = await curation.create_sale(session, values=settings(**changes), actor=world.curator, now=NOON)
        lots = await curation.add_stones(session, sale=sale.public_id, stones=wanted, actor=world.curator, now=NOON)
        words = {"text_en": "Bright and well cut.", "text_zh": "火彩明亮，切工精良。"}
        figures = {"low_minor": 500_000, "high_minor": 700_000, "opening_minor": 400_000} | words
        edits = {lot.public_id: (lot.version, figures) for lot in lots}
        await curation.edit_lots(session, sale=sale.public_id, edits=edits, actor=world.curator, now=NOON)
        await curation.number_lots(session, sale=sale.public_id, start=11, actor=world.curator, now=NOON)
        return sale.public_id


async def reserved(sessions: Sessions, world: World, sale: str, reserves: dict[int, int | None]) -> None:
    """The keeper of the reserves sets those of the lots at these places."""
    async with sessions.begin() as session:
        lots = (await session.scalars(select(Lot).where(Lot.sale.has(public_id=sale)).order_by(Lot.rank))).all()
        edits = {lots[at].public_id: (lots[at].version, {"reserve_minor": reserve}) for at, reserve in reserves.items()}
        await curation.edit_lots(session, sale=sale, edits=edits, actor=world.keeper, now=NOON)


async def order(sessions: Sessions, sale: str) -> list[str]:
    async with sessions() as session:
        held = await session.scalars(select(Lot).join(Lot.sale).where(Lot.sale.has(public_id=sale)).order_by(Lot.rank))
        return [lot.public_id for lot in held]


async def proposed(sessions: Sessions, world: World, sale: str, now: datetime = NOON, known: Sequence[str] = ()) -> str:
    """`known`: warnings that the curator has read."""
    async with sessions.begin() as session:
        proposal = await publishing.propose_publication(
            session, sale=sale, acknowledged=list(known), actor=world.curator, now=now
        )
        return proposal.public_id


async def decide(sessions: Sessions, proposal: str, actor: Actor, now: datetime = NOON) -> Proposal:
    async with sessions.begin() as session:
        return await accounts.decide(
            session, proposal_id=proposal, approve=True, actor=actor, handlers=service.proposal_handlers, now=now
        )


async def published(sessions: Sessions, world: World, **changes: Any) -> str:
    """A sale that a curator proposed and a lead approved."""
    sale = await draft(sessions, world, **changes)
    await decide(sessions, await proposed(sessions, world, sale), world.lead)
    return sale


async def buyer(sessions: Sessions, number: int = 1) -> Actor:
    async with sessions.begin() as session:
        firm = await make.company(session, f"Lumen Trading {number}", "HK")
        return await make.actor(session, f"wen{number}@lumen.example", (Role.BUYER,), firm)


async def applied(sessions: Sessions, sale: str, actor: Actor, now: datetime = NOON, **changes: Any) -> str:
    said = {"destination": "HK", "asked_minor": 5_000_000, "terms_sha256": terms().sha256} | changes
    async with sessions.begin() as session:
        return (await registering.apply(session, sale=sale, actor=actor, now=now, **said)).public_id
