"""What a company puts down before its paddle has a limit (settlement spec 4): asked by the terms of the sale."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions import fees, noticing, queries
from pavilion.auctions.entities import entities
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.auctions.rules import LotState
from pavilion.auctions.terms_models import SaleTermsRow
from pavilion.kernel.errors import BadInput
from pavilion.kernel.money import MAX_AMOUNT, of_two_places

MOST_TIMES = 10  # a limit above so many times the deposit needs a lead, as one above SECOND_PERSON_ABOVE does
OFFERED = (LotState.LISTED, LotState.OPEN, LotState.PAUSED, LotState.CLOSING)
WORD = "deposit_"  # how the members of this rule begin in the terms of a sale


@dataclass(frozen=True, slots=True)
class DepositRule:
    """Minor units of the sale's currency; the figure here is of one of two places. Neither a rate nor a fixed sum:
    nothing is asked."""

    rate_bp: int = 0
    fixed_minor: int = 0
    min_minor: int = 500_000
    max_minor: int | None = None
    factor: int = 10

    @classmethod
    def of(cls, currency: str, *layers: Mapping[str, Any]) -> "DepositRule":
        """Later layers say otherwise than earlier ones, in minor units of this currency; the rest of the terms is not
        read."""
        known = {WORD + field.name: field.name for field in fields(cls)}
        said = {known[name]: value for layer in layers for name, value in layer.items() if name in known}
        return cls(**{"min_minor": of_two_places(cls().min_minor, currency), **said})

    @property
    def asks(self) -> bool:
        return self.rate_bp > 0 or self.fixed_minor > 0

    @property
    def counts_lots(self) -> bool:
        """Whether it matters which lots the company marks."""
        return self.rate_bp > 0 and self.fixed_minor == 0

    def asked(self, low_estimates: Iterable[int]) -> int:
        """The deposit for a company that marked lots with these low estimates; 0: none."""
        if self.fixed_minor > 0:
            return self.fixed_minor
        return fees.deposit(low_estimates, self.rate_bp, self.min_minor, self.max_minor) if self.rate_bp > 0 else 0

    def limit(self, deposit_minor: int) -> int:
        """The limit that goes with the deposit where staff say nothing else."""
        return min(deposit_minor * self.factor, MAX_AMOUNT)


def raised_limit(limit_minor: int, before_minor: int, after_minor: int, factor: int) -> int:
    """The limit after the deposit grew: by the factor of what came, never above that of all of it; what a lead set
    higher stays. A limit that staff set lower grows from there."""
    grown = min(limit_minor + (after_minor - before_minor) * factor, after_minor * factor, MAX_AMOUNT)
    return max(limit_minor, grown)


def needed_for(wished_minor: int, limit_minor: int, deposit_minor: int, factor: int) -> int:
    """The least deposit with which that limit is reached by raising it from this one."""
    if wished_minor <= limit_minor:
        return deposit_minor
    short = max(wished_minor - limit_minor, wished_minor - deposit_minor * factor)
    return deposit_minor - (-short // factor)


async def rule_of(session: AsyncSession, sale: Sale) -> DepositRule:
    """As it stands now; what was asked before stays as it was asked."""
    row = await session.get(SaleTermsRow, sale.public_id)
    entity = entities().get(sale.entity)
    return DepositRule.of(sale.currency, entity.terms if entity else {}, row.facts if row is not None else {})


async def low_estimates(session: AsyncSession, sale: Sale, lots: Collection[str]) -> dict[str, int]:
    """The low estimate of each of these lots of the sale. A lot that is not offered in it cannot be marked."""
    wanted = select(Lot).where(Lot.sale_id == sale.id, Lot.public_id.in_(lots), Lot.state.in_(OFFERED))
    found = await _counted(session, sale, (await session.scalars(wanted)).all())
    if set(lots) - set(found):
        raise BadInput(fields={"lots": "lot_not_offered"})
    return found


async def _counted(session: AsyncSession, sale: Sale, lots: Sequence[Lot]) -> dict[str, int]:
    """What each of these lots counts: its low estimate as it is public now, so by its last notice; and its opening
    price while its estimate is on request, for a deposit tells what it is counted from."""
    notices = await noticing.of_sale(session, sale.public_id)
    told = {lot.public_id: noticing.estimate_told(lot, notices) for lot in lots}
    return {lot.public_id: known[0] if (known := told[lot.public_id]) else lot.opening_minor or 0 for lot in lots}


class Offered(NamedTuple):
    """A lot that can be marked."""

    lot: str
    number: str
    title_en: str
    title_zh: str
    low_minor: int  # or the opening price, where the estimate is on request


async def offered(session: AsyncSession, sale: Sale) -> list[Offered]:
    """The lots of the sale that a company can mark, in the order of their numbers; none that is withheld now."""
    wanted = select(Lot).where(Lot.sale_id == sale.id, Lot.state.in_(OFFERED)).order_by(Lot.rank)
    wanted = wanted.where(Lot.public_id.not_in(queries.unverified_lots(sale.id)))
    lots = (await session.scalars(wanted)).all()
    counts = await _counted(session, sale, lots)
    return [Offered(lot.public_id, lot.number_text, lot.title_en, lot.title_zh, counts[lot.public_id]) for lot in lots]


async def asked_of(session: AsyncSession, registration: Registration, sale: Sale) -> int:
    """The deposit that the sale asks of this company, as its terms stand now; 0: none."""
    rule = await rule_of(session, sale)
    if not rule.asks:
        return 0
    marked = select(Lot).where(Lot.sale_id == sale.id, Lot.public_id.in_(registration.marked))
    counts = await _counted(session, sale, (await session.scalars(marked)).all())
    return rule.asked(counts.values())
