"""The cases of the fairness watch as staff see them: parties by name, figures for sentences, lots bid by bid."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case as when
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company, Person, Proposal
from pavilion.auctions.models import Lot, Sale
from pavilion.bidding.voiding import LiveBids, live_bids
from pavilion.insight import fairness_facts, fairness_reading
from pavilion.insight.fairness_cases import may_be_suspended
from pavilion.insight.fairness_findings import Kind
from pavilion.insight.fairness_models import CaseState, FairnessCase, FairnessDecision
from pavilion.kernel.instants import from_micros

MOST_CASES, MOST_LOTS = 200, 8
WIDE, HIGH, EDGE = 600, 96, 8


class CaseShown(NamedTuple):
    case: FairnessCase
    parties: Sequence[str]
    consignor: str | None

    @property
    def told(self) -> str:
        """Which sentence tells it: what is shared with a consignor is another sentence than what bidders share."""
        shared = self.case.kind in (Kind.SHARED_OWNER, Kind.SHARED_ADDRESS)
        return f"{self.case.kind}_seller" if shared and self.consignor else self.case.kind

    @property
    def figures(self) -> Mapping[str, int]:
        figures: Mapping[str, int] = self.case.evidence["figures"]
        return figures

    @property
    def lots(self) -> int:
        return len(self.case.evidence["lots"])


class Step(NamedTuple):
    """One bid of a lot. `x` and `y` are its place in the drawing: bids from left to right, the price upwards."""

    seq: int
    at: datetime
    alias: str
    company: str
    leads: str
    price: int
    ours: bool  # a bid of a party
    taken_back: bool
    x: int
    y: int


class LotStory(NamedTuple):
    lot: Lot
    sale: Sale
    ended: datetime
    winner: str | None
    steps: Sequence[Step]

    @property
    def path(self) -> str:
        """The price as a line of steps."""
        if not self.steps:
            return ""
        first, *rest = self.steps
        return f"M{first.x} {first.y}" + "".join(f"H{one.x}V{one.y}" for one in rest)


class DecisionShown(NamedTuple):
    decision: FairnessDecision
    person: str
    proposals: Sequence[Proposal]


class WholeCase(NamedTuple):
    shown: CaseShown
    stories: Sequence[LotStory]  # the latest first
    more: int  # lots of the evidence that are not drawn
    decisions: Sequence[DecisionShown]
    suspendable: Sequence[Company]
    live: Sequence[LiveBids]
    names: Mapping[int, str]


async def cases(session: AsyncSession, kind: str | None = None, state: str | None = None) -> list[CaseShown]:
    """What waits for a decision first, then by score."""
    rank = when((FairnessCase.state == CaseState.OPEN, 0), else_=1)
    wanted = select(FairnessCase).order_by(rank, FairnessCase.score.desc(), FairnessCase.id.desc()).limit(MOST_CASES)
    if kind is not None:
        wanted = wanted.where(FairnessCase.kind == kind)
    if state is not None:
        wanted = wanted.where(FairnessCase.state == state)
    rows = (await session.scalars(wanted)).all()
    names = await _names(session, (id for row in rows for id in _companies(row)))
    return [_shown(row, names) for row in rows]


async def by_state(session: AsyncSession) -> dict[str, int]:
    rows = await session.execute(select(FairnessCase.state, func.count()).group_by(FairnessCase.state))
    found = dict(rows.all())
    return {state.value: found.get(state.value, 0) for state in CaseState}


async def to_decide(session: AsyncSession) -> int:
    return (await by_state(session))[CaseState.OPEN]


async def whole(session: AsyncSession, public_id: str) -> WholeCase | None:
    """One case with everything a person needs to decide it."""
    row = await session.scalar(select(FairnessCase).where(FairnessCase.public_id == public_id))
    if row is None:
        return None
    names = await _names(session, _companies(row))
    stories, names = await _stories(session, row, names)
    live = await live_bids(session, row.parties, row.consignor_id)
    return WholeCase(
        _shown(row, names),
        stories,
        len(row.evidence["lots"]) - len(stories),
        await _decisions(session, row),
        await may_be_suspended(session, row),
        live,
        names,
    )


def _companies(row: FairnessCase) -> list[int]:
    return [*row.parties, *([row.consignor_id] if row.consignor_id else ())]


def _shown(row: FairnessCase, names: Mapping[int, str]) -> CaseShown:
    consignor = names.get(row.consignor_id, "–") if row.consignor_id else None
    return CaseShown(row, [names.get(id, "–") for id in row.parties], consignor)


async def _names(session: AsyncSession, companies: Iterable[int]) -> dict[int, str]:
    rows = await session.execute(select(Company.id, Company.name).where(Company.id.in_(set(companies))))
    return dict(rows.all())


async def _stories(
    session: AsyncSession, row: FairnessCase, names: Mapping[int, str]
) -> tuple[list[LotStory], dict[int, str]]:
    """The latest lots of the evidence bid by bid, and the names of everybody who bid on them."""
    chosen: dict[str, set[str]] = defaultdict(set)
    for lot in row.evidence["lots"][-MOST_LOTS:]:
        chosen[lot["sale"]].add(lot["lot"])
    told: list[fairness_facts.Lot] = []
    aliases: dict[tuple[str, int], str] = {}
    for sale, lots in chosen.items():
        told += await fairness_reading.stories(session, sale, lots)
        aliases |= {
            (lot, company): alias for (lot, alias), company in (await fairness_reading.behind(session, sale)).items()
        }
    known = {**names, **await _names(session, {company for lot in told for company in lot.bidders})}
    rows = await session.execute(
        select(Lot, Sale).join(Sale, Sale.id == Lot.sale_id).where(Lot.public_id.in_([one.lot for one in told]))
    )
    places = {lot.public_id: (lot, sale) for lot, sale in rows}
    told.sort(key=lambda one: one.ended, reverse=True)
    return [_story(one, *places[one.lot], set(row.parties), aliases, known) for one in told if one.lot in places], known


def _story(
    told: fairness_facts.Lot,
    lot: Lot,
    sale: Sale,
    parties: set[int],
    aliases: Mapping[tuple[str, int], str],
    names: Mapping[int, str],
) -> LotStory:
    back = {seq for one in told.retractions if one.voided for seq in one.seqs}
    prices = [bid.price for bid in told.bids]
    low, span = min(prices, default=0), max(max(prices, default=1) - min(prices, default=0), 1)
    across = max(len(told.bids) - 1, 1)
    steps = [
        Step(
            bid.seq,
            from_micros(bid.at),
            aliases.get((told.lot, bid.company), "–"),
            names.get(bid.company, "–"),
            aliases.get((told.lot, bid.leader), "–") if bid.leader else "–",
            bid.price,
            bid.company in parties,
            bid.seq in back,
            EDGE + place * (WIDE - 2 * EDGE) // across,
            HIGH - EDGE - (bid.price - low) * (HIGH - 2 * EDGE) // span,
        )
        for place, bid in enumerate(told.bids)
    ]
    return LotStory(lot, sale, from_micros(told.ended), names.get(told.winner) if told.winner else None, steps)


async def _decisions(session: AsyncSession, row: FairnessCase) -> list[DecisionShown]:
    """The latest first, with what came of their proposals."""
    rows = await session.execute(
        select(FairnessDecision, Person.name)
        .join(Person, Person.id == FairnessDecision.by)
        .where(FairnessDecision.case_id == row.id)
        .order_by(FairnessDecision.id.desc())
    )
    found = [(decision, name) for decision, name in rows]
    asked = {id for decision, _ in found for id in decision.proposals}
    proposals = {
        one.public_id: one for one in await session.scalars(select(Proposal).where(Proposal.public_id.in_(asked)))
    }
    return [
        DecisionShown(decision, name, [proposals[id] for id in decision.proposals if id in proposals])
        for decision, name in found
    ]


def sentence_facts(shown: CaseShown, number: Any) -> dict[str, str]:
    """What the sentence of the pattern names, with figures written as the reader's language writes them."""
    one, *others = shown.parties
    said = {name: number(value) for name, value in shown.figures.items()}
    return said | {"one": one, "other": others[0] if others else "", "seller": shown.consignor or ""}
