"""The sales of the demonstration, built by its staff with the same verbs and the same two persons as any sale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company
from pavilion.accounts.rules import Actor
from pavilion.auctions import curation, deposits, publishing, registering, rules
from pavilion.auctions.models import Lot, LotStone, Sale
from pavilion.auctions.queries import stones_by_lot
from pavilion.auctions.ruleset import INCREMENTS
from pavilion.auctions.terms import terms
from pavilion.catalogue.models import Stone, StoneCommitment
from pavilion.catalogue.queries import visible_to
from pavilion.demo import people
from pavilion.kernel.db import Sessions
from pavilion.settlement import agreed, terms_form

COMMISSION = "100000 5\n* 3"  # the consignor's: 5 % of a hammer up to 100,000.00, 3 % of what is above
SAID_OF_LOTS = {  # by place
    1: (
        "Its colour is best judged face up; the desk in Hong Kong lays master stones beside it.",
        "颜色宜正面评判，香港看货台备有比色石。",
    ),
    2: (
        "For a setting that shows the pavilion: seen from the side it stays white.",
        "适合露出亭部的镶嵌，侧看仍显洁白。",
    ),
}
CARD_CEILING = "30000"  # a lot with its premium and tax is still paid by card


@dataclass(frozen=True, slots=True)
class Bill:
    """What is announced: a sale's words, place and times."""

    title_en: str
    title_zh: str
    text_en: str
    text_zh: str
    opens_at: datetime
    first_close_at: datetime
    stagger_s: int = 60
    breaks: tuple[tuple[int, int], ...] = ()
    zone: str = "Europe/Brussels"
    city: str = "Antwerp"
    entity: str = "ANT"
    type: str = "timed"
    options: Mapping[str, Any] | None = None
    words: Mapping[int, tuple[str, str]] = field(default_factory=dict)  # of the lots at these places, in both languages
    on_request: tuple[int, ...] = ()  # places of lots whose estimate is told to who asks


async def free_stones(session: AsyncSession, actor: Actor, *, jewels: bool, most: int) -> list[str]:
    """Stones promised to nothing: those with a traced picture in their order, or others, the dearest first."""
    taken = select(LotStone.stone_id).union(
        select(StoneCommitment.stone_id).where(StoneCommitment.released_at.is_(None))
    )
    wanted = visible_to(actor).where(Stone.exposed_id.is_not(None), Stone.id.not_in(taken))
    wanted = wanted.where(Stone.price_total_minor.is_not(None))
    wanted = wanted.where(Stone.picture.is_not(None) if jewels else Stone.picture.is_(None))
    order = Stone.stock_no if jewels else Stone.price_total_minor.desc()
    rows = await session.scalars(wanted.order_by(order, Stone.id).limit(most))
    return [stone.public_id for stone in rows]


async def stage(sessions: Sessions, bill: Bill, stones: Sequence[str], now: datetime) -> str:
    """The sale is published: a curator built and proposed it, a keeper set the reserves, a lead approved."""
    async with sessions.begin() as session:
        rosa = await people.actor(session, "rosa@pavilion.example")
        sale = await curation.create_sale(session, values=_values(bill), actor=rosa, now=now)
        lots = await curation.add_stones(session, sale=sale.public_id, stones=stones, actor=rosa, now=now)
        await _price(session, sale, lots, bill, rosa, now)
        await curation.number_lots(session, sale=sale.public_id, actor=rosa, now=now)
        await _agree(session, sale.public_id, {"commission": COMMISSION, "card_ceiling_minor": CARD_CEILING}, rosa, now)
        ready = await publishing.readiness_of(session, sale, now)
        assert not ready.blocks, f"the sale is not ready: {ready.blocks[:3]}"
        proposal = await publishing.propose_publication(
            session, sale=sale.public_id, acknowledged=ready.warnings, actor=rosa, now=now
        )
        public_id = sale.public_id
    async with sessions.begin() as session:
        lena = await people.actor(session, "lena@pavilion.example")
        await accounts.decide(
            session,
            proposal_id=proposal.public_id,
            approve=True,
            actor=lena,
            handlers=publishing.PROPOSAL_HANDLERS,
            now=now,
        )
    return public_id


async def register(sessions: Sessions, sale: str, limits: Mapping[str, int], now: datetime) -> None:
    """Each of these companies has a paddle with this limit in minor units; 0 leaves it waiting for the registrar."""
    for firm, limit in limits.items():
        async with sessions.begin() as session:
            who = await people.actor_for(session, firm)
            company = await session.get_one(Company, who.company_id)
            registration = await registering.apply(
                session,
                sale=sale,
                destination=company.country,
                asked_minor=limit or 10_000_000,
                terms_sha256=terms().sha256,
                actor=who,
                now=now,
            )
            if limit:
                rita = await people.actor(session, people.role_email("registrar"))
                await registering.approve(
                    session, registration=registration.public_id, limit_minor=limit, actor=rita, now=now
                )


async def ask_deposits(sessions: Sessions, sale: str, firm: str, marked: int, now: datetime) -> None:
    """From now on the sale asks a deposit of a tenth of the low estimates; this company marked its first lots and was
    approved, and has the deposit to pay before its paddle has a limit."""
    async with sessions.begin() as session:
        lena = await people.actor(session, people.role_email("lead"))
        asked = {"deposit_rate_bp": "10", "deposit_min_minor": "2500"}
        await _agree(session, sale, asked, lena, now)
    async with sessions.begin() as session:
        who = await people.actor_for(session, firm)
        company = await session.get_one(Company, who.company_id)
        row = (await session.scalars(select(Sale).where(Sale.public_id == sale))).one()
        lots = [one.lot for one in await deposits.offered(session, row)][:marked]
        registration = await registering.apply(
            session, sale=sale, destination=company.country, asked_minor=None, terms_sha256=terms().sha256, lots=lots,
            actor=who, now=now,
        )  # fmt: skip
        rita = await people.actor(session, people.role_email("registrar"))
        await registering.approve(session, registration=registration.public_id, limit_minor=None, actor=rita, now=now)


async def _agree(session: AsyncSession, sale: str, said: Mapping[str, str], actor: Actor, now: datetime) -> None:
    """The sale settles by its terms as they stood, but for these members, as they are typed."""
    row = (await session.scalars(select(Sale).where(Sale.public_id == sale))).one()
    stood = await agreed.stated(session, row)
    typed = terms_form.texts(stood.terms, row.currency) | dict(said)
    await agreed.change(session, sale=sale, version=stood.version, said=typed, actor=actor, now=now)


def _values(bill: Bill) -> dict[str, Any]:
    return {
        "title_en": bill.title_en,
        "title_zh": bill.title_zh,
        "text_en": bill.text_en,
        "text_zh": bill.text_zh,
        "currency": "USD",
        "zone": bill.zone,
        "place_city": bill.city,
        "entity": bill.entity,
        "opens_at": bill.opens_at,
        "first_close_at": bill.first_close_at,
        "stagger_s": bill.stagger_s,
        "breaks": [list(pause) for pause in bill.breaks],
        "type": bill.type,
        "options": None if bill.options is None else dict(bill.options),
    }


async def _price(
    session: AsyncSession, sale: Sale, lots: Sequence[Lot], bill: Bill, actor: Actor, now: datetime
) -> None:
    """Estimates around the asking price, opening at about half, a reserve on two lots of three; and what is said."""
    stones = await stones_by_lot(session, [lot.id for lot in lots])
    edits: dict[str, tuple[int, dict[str, Any]]] = {}
    for place, lot in enumerate(lots):
        asked = sum(stone.price_total_minor or 0 for stone in stones[lot.id])
        figures: dict[str, Any] = {
            "low_minor": _step(asked * 80),
            "high_minor": _step(asked * 110),
            "opening_minor": _step(asked * 45),
            "reserve_minor": None if place % 3 == 2 else _step(asked * 72),
            "on_request": place + 1 in bill.on_request,
        }
        if place + 1 in bill.words:
            figures["text_en"], figures["text_zh"] = bill.words[place + 1]
        edits[lot.public_id] = (lot.version, figures)
    await curation.edit_lots(session, sale=sale.public_id, edits=edits, actor=actor, now=now)


def _step(hundred_times: int) -> int:
    """The value of the ladder at or below this share of the asking price, at least one step."""
    wanted = hundred_times // 100
    return max(INCREMENTS[0][1], rules.step_below(INCREMENTS, wanted))
