"""Nine invented polishers who report to an invented producer what became of their rough, for two quarters."""

from datetime import datetime, timedelta
from random import Random  # noqa: TID251 - seeded; invents figures, guards nothing
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import passwords, service
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import CompanyState, Role
from pavilion.demo.people import SCHELDT
from pavilion.insight import publishing
from pavilion.insight.quarters import Quarter, latest_due
from pavilion.kernel.db import Sessions
from pavilion.provenance import outcome_service as outcomes
from pavilion.provenance.outcome_models import SupplyContract
from pavilion.provenance.outcome_said import ResaleSaid, Said, StoneSaid
from pavilion.provenance.outcomes import Category

PRODUCER, FIRST = "Kgale Diamonds", "Motse Polishing"
PRODUCER_EMAIL, FIRST_EMAIL = "kagiso@kgale.example", "lea@motse.example"


class Polisher(NamedTuple):
    name: str
    country: str
    share: int  # how much it polishes beside the others
    yield_permille: int
    category: Category = Category.MANUFACTURER


POLISHERS = (
    Polisher(FIRST, "BW", 11, 452),
    Polisher("Rupel Facets", "BE", 8, 447),
    Polisher("Sarona Cutters", "IL", 10, 439),
    Polisher("Mahi Jewels", "IN", 13, 431),
    Polisher("Tapi Polishers", "IN", 12, 428),
    Polisher("Orchard Facet", "SG", 6, 444),
    Polisher("Windhuk Schleiferei", "NA", 7, 441),
    Polisher("Bund Cutting", "CN", 9, 436),
    Polisher("Baobab Stones", "BW", 5, 449, Category.RETAILER),
)
IN_CHAINS = {PRODUCER: "kgale", SCHELDT: "consignor", "Tapi Polishers": "tapi"}
MEAN_MCT = (("round", 7), ("oval", 3), ("pear", 2), ("cushion", 2), ("emerald", 1), ("marquise", 1))
SIZES_MCT = ((210, 26), (390, 22), (720, 18), (1_310, 9), (2_450, 3))
COLORS = (("E", 5), ("G", 9), ("I", 7), ("L", 3), ("P", 1), ("FANCY", 1))
CLARITIES = (("VVS1", 3), ("VS1", 8), ("SI1", 9), ("I1", 2))
ASSORTMENT = "2-4GR"
LOT_MCT = 300_000  # of rough bought at a sight, for each share


async def furnish(sessions: Sessions, now: datetime, house: str = "did:web:pavilion.localhost") -> None:
    """Two quarters are published, the running one has its first reports, and one report waits for compliance. Asked
    again nothing changes."""
    quarters = (latest_due(now).before, latest_due(now))
    async with sessions.begin() as session:
        if await session.scalar(select(SupplyContract.id).limit(1)) is not None:
            return
        contracts = await _contracts(session, quarters[0])
        luck = Random(20261122)  # noqa: S311
        for place, quarter in enumerate(quarters):
            for contract, polisher in contracts:
                said = _said(contract, polisher, place + 1, luck)
                at = quarter.end - timedelta(days=20)
                await outcomes.report(session, contract=contract, said=said, house=house, by=None, now=at)
            await publishing.publish_quarter(session, quarter=quarter, house=house, now=quarter.published_at)
        await _known_in_chains(session, quarters[0].end - timedelta(days=300))
        contract, _ = contracts[3]
        await outcomes.report(session, contract=contract, said=_resold(contract), house=house, by=None, now=now)


async def _contracts(session: AsyncSession, first: Quarter) -> list[tuple[SupplyContract, Polisher]]:
    begun = first.end - timedelta(days=300)
    producer = await _company(session, PRODUCER, "BW", PRODUCER_EMAIL, "Kagiso Tau", begun)
    found = []
    for place, polisher in enumerate(POLISHERS):
        email, person = (FIRST_EMAIL, "Lea Motse") if polisher.name == FIRST else ("", "")
        firm = await _company(session, polisher.name, polisher.country, email, person, begun)
        contract = await outcomes.open_contract(
            session,
            supplier_id=producer.id,
            buyer=firm,
            number=f"KD-{begun.year}-{place + 11}",
            category=polisher.category,
            limit_bp=1000,
            from_day=begun.date(),
            by=None,
            now=begun,
        )
        await outcomes.know_party(session, company_id=firm.id, party=_slug(polisher.name), now=begun)
        for sight, days in ((1, 0), (2, 90), (3, 330)):
            await outcomes.record_purchase(
                session,
                contract=contract,
                lot=f"S{sight}-{place + 101}",
                sight=(begun + timedelta(days=days)).date(),
                assortment=ASSORTMENT,
                mct=polisher.share * LOT_MCT,
                est_color="H",
                est_clarity="SI1",
                by=None,
                now=begun + timedelta(days=days),
            )
        found.append((contract, polisher))
    return found


async def _known_in_chains(session: AsyncSession, now: datetime) -> None:
    """Under which names the chains of the demonstration's stones know its companies, and who assessed itself when."""
    for name, party in IN_CHAINS.items():
        firm = await session.scalar(select(Company).where(Company.name == name))
        if firm is not None:
            await outcomes.know_party(session, company_id=firm.id, party=party, now=now)
            firm.sow_self_assessed = (now + timedelta(days=200)).date().isoformat()


async def _company(session: AsyncSession, name: str, country: str, email: str, person: str, now: datetime) -> Company:
    company = await service.open_company(session, name=name, country=country, now=now)
    await service.set_company_state(session, company=company, state=CompanyState.APPROVED, by=None, now=now)
    if email:
        hashed = await session.scalar(select(Person.password_hash).limit(1))
        await service.add_person(
            session,
            email=email,
            name=person,
            password_hash=hashed or passwords.hash_now("grading-tray-at-noon"),
            roles=[Role.PRODUCER],
            company=company,
            lang=None,
            now=now,
        )
    return company


def _said(contract: SupplyContract, polisher: Polisher, until: int, luck: Random) -> Said:
    """Everything of the contract up to the end of that quarter: most parcels of the grid, and what went into them."""
    lines: list[StoneSaid] = []
    for quarter in range(1, until + 1):
        luck_ = Random(f"{contract.number}/{quarter}")  # noqa: S311 - the same parcels in every later report
        lines += _parcels(contract, polisher, quarter, luck_)
    polished, rough = sum(one.mct for one in lines), sum(one.rough_mct or 0 for one in lines)
    stock = max(0, polisher.share * 2 * LOT_MCT - rough)
    lost = luck.randrange(0, 900)
    return Said(
        polished_mct=polished,
        loss_mct=rough - polished,
        stock_mct=stock - min(stock, lost),
        lost_mct=min(stock, lost),
        cutter_named_mct=polished,
        lines=tuple(lines),
        consumed={ASSORTMENT: rough},
    )


def _parcels(contract: SupplyContract, polisher: Polisher, quarter: int, luck: Random) -> list[StoneSaid]:
    found: list[StoneSaid] = []
    for shape, shapes in MEAN_MCT:
        for mean, sizes in SIZES_MCT:
            for color, colors in COLORS:
                for clarity, clarities in CLARITIES:
                    weight = shapes * sizes * colors * clarities * polisher.share
                    stones = weight * luck.randrange(60, 140) * (quarter + 4) // 1_800_000
                    if stones:
                        mct = stones * mean + luck.randrange(0, 40)
                        permille = polisher.yield_permille + luck.randrange(-16, 17) - (20 if mean < 300 else 0)
                        name = f"{contract.number}/{quarter}/{len(found) + 1}"
                        words = {"shape": shape, "color": color, "clarity": clarity}
                        found.append(
                            StoneSaid(
                                object=name,
                                mct=mct,
                                stones=stones,
                                rough_mct=mct * 1000 // permille,
                                assortment=ASSORTMENT,
                                cutter="own works",
                                **words,
                            )
                        )
    return found


def _resold(contract: SupplyContract) -> Said:
    """A quarter of the rough sold on: more than the contract allows, and one buyer nobody knows."""
    bought = 13 * 3 * LOT_MCT
    resold = (ResaleSaid("Lumen Trading", bought // 8), ResaleSaid("Delta Rough FZE", bought // 8))
    return Said(
        polished_mct=bought * 30 // 100,
        loss_mct=bought * 40 // 100,
        stock_mct=bought * 5 // 100,
        lost_mct=0,
        cutter_named_mct=bought * 30 // 100,
        resold=resold,
    )


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())
