"""From a draft to a sale that is frozen: what still bars it, the two persons, and the way back before it opens."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company, Proposal
from pavilion.accounts.rules import Actor
from pavilion.auctions import queries, reserves, ruleset, versions, wording
from pavilion.auctions.changes import draft
from pavilion.auctions.models import Lot, LotStone, Registration, Sale
from pavilion.auctions.rules import (
    Code,
    Finding,
    Level,
    LotFacts,
    LotState,
    SaleFacts,
    SaleState,
    StoneFacts,
    readiness,
    ready_lots,
)
from pavilion.auctions.snapshots import live_lots, rules_now, snapshot_document
from pavilion.catalogue import service as catalogue
from pavilion.catalogue.cuts import CUTS
from pavilion.catalogue.media_models import BITS, MediaKind
from pavilion.catalogue.models import CommitmentKind, Stone, StoneCommitment
from pavilion.catalogue.queries import commitments_of
from pavilion.kernel import events
from pavilion.kernel.canon import document_hash
from pavilion.kernel.errors import ActNotAllowed, NotAllowed, NotFound, Refusal
from pavilion.provenance import eligibility
from pavilion.provenance.models import StoneVerdict
from pavilion.provenance.words import lint

# What a higher domain looks at before publication: asked of the sale and the stones of each lot (public ids).
Check = Callable[[AsyncSession, Sale, Mapping[str, Sequence[str]], datetime], Awaitable[Sequence[Finding]]]


class NotReady(Refusal):
    """Something bars publication; nobody can override it."""

    status, code = 409, "not_ready"


class WarningsOpen(Refusal):
    """Each warning has to be acknowledged by name."""

    status, code = 409, "warnings_open"


class ChangedSince(Refusal):
    """The draft is no longer what was proposed."""

    status, code = 409, "changed_since"


UNOPENED = (LotState.DRAFT, LotState.LISTED)  # a draft of a published sale may have its stones promised already


@dataclass(frozen=True, slots=True)
class Readiness:
    findings: tuple[Finding, ...]
    ready: int
    lots: int

    @property
    def blocks(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level is Level.BLOCK]

    @property
    def warnings(self) -> list[Code]:
        """The codes to acknowledge, each once."""
        return list(dict.fromkeys(f.code for f in self.findings if f.level is Level.WARN))

    def of(self, lot: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.lot == lot]


async def readiness_of(session: AsyncSession, sale: Sale, now: datetime) -> Readiness:
    """What bars or questions the publication of this draft now."""
    lots = await live_lots(session, sale)
    stones = await queries.stones_by_lot(session, [lot.id for lot in lots])
    facts = await _lot_facts(session, lots, stones, await _closed(session, sale, stones, now))
    found = readiness(_sale_facts(sale), facts, now)
    held = {lot.public_id: [stone.public_id for stone in stones[lot.id]] for lot in lots}
    checks: Sequence[Check] = session.info.get("checks", ())  # those that `main.py` handed in
    for check in checks:
        found += await check(session, sale, held, now)
    return Readiness(tuple(found), ready_lots(found, facts), len(facts))


async def propose_publication(
    session: AsyncSession, *, sale: str, acknowledged: Collection[str], actor: Actor, now: datetime
) -> Proposal:
    """A lead is asked to publish exactly this draft; refused while anything bars it or a warning is passed over."""
    row = await draft(session, sale)
    state = await _ready(session, row, acknowledged, now)
    facts = {
        "acknowledged": sorted(code for code in acknowledged if code in state.warnings),
        "lots": state.lots,
        "snapshot": document_hash(await snapshot_document(session, row)),
        "title_en": row.title_en,
        "title_zh": row.title_zh,
    }
    return await accounts.propose(session, kind="sale.publish", subject=sale, facts=facts, actor=actor, now=now)


async def publish(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """Numbers, facts and rules stand from here on; the stones are promised to their lots; the room can open."""
    sale = await draft(session, proposal.subject)
    await _ready(session, sale, proposal.facts["acknowledged"], now)
    document = await snapshot_document(session, sale)
    if document_hash(document) != proposal.facts["snapshot"]:
        raise ChangedSince(sale=sale.public_id)
    lots = await live_lots(session, sale)
    await _promise(session, sale, lots, actor, now)
    await _link(session, lots)
    for lot in lots:  # a title in the sale's only language stands for both
        lot.title_en, lot.title_zh = lot.title_en or lot.title_zh, lot.title_zh or lot.title_en
        lot.state = LotState.LISTED
    await session.flush()
    sale.rules = rules = rules_now(session, sale)
    sale.rules_hash = None if rules is None else ruleset.rules_hash(rules)
    sale.snapshot_hash, sale.published_at = proposal.facts["snapshot"], now
    sale.state, sale.version = SaleState.PUBLISHED, sale.version + 1
    await session.flush()
    await versions.keep(session, sale.public_id, document, now)
    facts = {
        "rules": sale.rules_hash,
        "snapshot": sale.snapshot_hash,
        "lots": len(lots),
        "proposal": proposal.public_id,
    }
    events.record(session, "sale:published", sale.public_id, by=actor.public_id, at=now, **facts)


async def propose_unpublication(
    session: AsyncSession, *, sale: str, reason: str, actor: Actor, now: datetime
) -> Proposal:
    row = await _unopened(session, sale, now)
    facts = {"title_en": row.title_en, "title_zh": row.title_zh}
    return await accounts.propose(
        session, kind="sale.unpublish", subject=sale, facts=facts, reason=reason, actor=actor, now=now
    )


async def unpublish(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """A draft again, with its numbers; its stones are free. Before it opened nobody can have bid."""
    sale = await _unopened(session, proposal.subject, now)
    sale.state, sale.version = SaleState.DRAFT, sale.version + 1
    sale.rules, sale.rules_hash, sale.snapshot_hash, sale.published_at = None, None, None, None
    await session.flush()
    lots = (await session.scalars(select(Lot).where(Lot.sale_id == sale.id, Lot.state.in_(UNOPENED)))).all()
    stones = await queries.stones_by_lot(session, [lot.id for lot in lots])
    for lot in lots:
        lot.state = LotState.DRAFT
    refs = {stone.public_id: lot.public_id for lot in lots for stone in stones[lot.id]}
    await catalogue.release_stones(session, refs, by=actor.public_id, now=now)
    await session.flush()
    events.record(
        session, "sale:unpublished", sale.public_id, by=actor.public_id, at=now, reason=proposal.reason or "staff"
    )


async def _ready(session: AsyncSession, sale: Sale, acknowledged: Collection[str], now: datetime) -> Readiness:
    state = await readiness_of(session, sale, now)
    if state.blocks:
        codes = list(dict.fromkeys(finding.code.value for finding in state.blocks))
        raise NotReady(codes=codes, ready=state.ready, lots=state.lots)
    if passed_over := [code.value for code in state.warnings if code not in acknowledged]:
        raise WarningsOpen(codes=passed_over)
    return state


async def _unopened(session: AsyncSession, sale: str, now: datetime) -> Sale:
    row = await session.scalar(select(Sale).where(Sale.public_id == sale).with_for_update())
    if row is None:
        raise NotFound()
    if row.state != SaleState.PUBLISHED or row.opens_at is None or now >= row.opens_at:
        raise ActNotAllowed(state=row.state)
    return row


async def _promise(session: AsyncSession, sale: Sale, lots: Sequence[Lot], actor: Actor, now: datetime) -> None:
    stones = await queries.stones_by_lot(session, [lot.id for lot in lots])
    promises = []
    for lot in lots:
        if actor.company_id is not None and actor.company_id == lot.consignor_company_id:
            raise NotAllowed(right="own_lot")
        facts = {
            "number": lot.number_text,
            "sale": sale.public_id,
            "title_en": sale.title_en,
            "title_zh": sale.title_zh,
        }
        promises += [catalogue.Promise(stone.public_id, lot.public_id, facts) for stone in stones[lot.id]]
    await catalogue.commit_stones(session, promises, kind=CommitmentKind.IN_SALE, by=actor.public_id, now=now)


async def _link(session: AsyncSession, lots: Sequence[Lot]) -> None:
    """Every stone is tied to its exposure again: one that lost its verdict and got it back had lost the link."""
    itself = select(Stone.public_id).where(Stone.id == LotStone.stone_id).scalar_subquery()
    await session.execute(
        update(LotStone)
        .where(LotStone.lot_id.in_([lot.id for lot in lots]), LotStone.exposed_id.is_(None))
        .values(exposed_id=itself)
        .execution_options(synchronize_session=False)
    )


async def _closed(
    session: AsyncSession, sale: Sale, stones: dict[int, list[Stone]], now: datetime
) -> dict[int, tuple[tuple[str, str], ...]]:
    """Of each lot the destinations, among those asked for by companies of the house, where it may not be sold today:
    the country, the rule, and how many companies registered for this sale it shuts out; and the stone it is for."""
    asked = select(Registration.destination, func.count(case((Registration.sale_id == sale.id, 1)))).where(
        Registration.state.in_(("applied", "more_information", "approved"))
    )
    known: dict[str, int] = dict((await session.execute(asked.group_by(Registration.destination))).all())
    everyone = {stone.public_id for group in stones.values() for stone in group}
    found = await eligibility.closed(session, everyone, now.astimezone(UTC).date(), known) if known else {}
    return {lot: tuple(_shut(group, found, known)) for lot, group in stones.items()}


def _shut(group: Sequence[Stone], found: eligibility.Answers, known: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for cc in sorted(known):
        stone = next((one.public_id for one in group if cc in found.get(one.public_id, {})), None)
        if stone is not None:
            why = found[stone][cc]
            yield f"{cc}: {why.code} {why.entry}".strip() + f" ({known[cc]})", stone


async def _lot_facts(
    session: AsyncSession,
    lots: Sequence[Lot],
    stones: dict[int, list[Stone]],
    closed: Mapping[int, tuple[tuple[str, str], ...]],
) -> list[LotFacts]:
    everyone = [stone for group in stones.values() for stone in group]
    promised = await commitments_of(session, [stone.id for stone in everyone])
    decided = await _decided_at(session, [stone.public_id for stone in everyone])
    owners = {lot.consignor_company_id for lot in lots}
    states = dict((await session.execute(select(Company.id, Company.state).where(Company.id.in_(owners)))).all())
    return [
        LotFacts(
            lot=lot.public_id,
            number=lot.number,
            title_en=lot.title_en,
            title_zh=lot.title_zh,
            opening=lot.opening_minor,
            reserve=reserves.reserve_of(session, lot),
            low=lot.low_minor,
            high=lot.high_minor,
            owner=lot.consignor_company_id,
            owner_state=states.get(lot.consignor_company_id or 0),
            stones=tuple(_stone_facts(stone, promised, decided) for stone in stones[lot.id]),
            refused=_refused(
                (lot.title_en, lot.title_zh, lot.text_en, lot.text_zh), wording.clarity_of(stones[lot.id])
            ),
            text_en=lot.text_en,
            text_zh=lot.text_zh,
            closed=closed[lot.id],
        )
        for lot in lots
    ]


def _stone_facts(stone: Stone, promised: dict[int, StoneCommitment], decided: dict[str, datetime]) -> StoneFacts:
    live = promised.get(stone.id)
    return StoneFacts(
        stone=stone.public_id,
        exposed=stone.listed,
        decided_at=decided.get(stone.public_id),
        kind=live.kind if live else None,
        ref=live.ref if live else None,
        place=_place(live) if live else "",
        pictured=bool(stone.photo or stone.picture) or stone.shape in CUTS,
        filed=bool(stone.media & BITS[MediaKind.REPORT]),
        filmed=bool(stone.media & (BITS[MediaKind.VIDEO] | BITS[MediaKind.SPIN])),
        reported_on=stone.report_date or "",
    )


def _place(live: StoneCommitment) -> str:
    sale = live.facts.get("sale")
    return f"{sale}/lots/{live.ref}" if live.kind == CommitmentKind.IN_SALE and sale else live.ref


async def _decided_at(session: AsyncSession, stones: Sequence[str]) -> dict[str, datetime]:
    rows = select(StoneVerdict.stone, StoneVerdict.decided_at).where(StoneVerdict.stone.in_(stones))
    return dict((await session.execute(rows)).all())


def _sale_facts(sale: Sale) -> SaleFacts:
    return SaleFacts(
        title_en=sale.title_en,
        title_zh=sale.title_zh,
        text_en=sale.text_en,
        text_zh=sale.text_zh,
        opens_at=sale.opens_at,
        first_close_at=sale.first_close_at,
        increments=sale.increments,
        bands=sale.premium["bands"],
        soft_close=sale.soft_close,
        stagger_s=sale.stagger_s,
        stagger_per=sale.stagger_per,
        breaks=sale.breaks,
        type=sale.type,
        options=sale.options,
        langs=tuple(sale.langs),
        refused=_refused((sale.title_en, sale.title_zh, sale.text_en, sale.text_zh)),
    )


def _refused(texts: Sequence[str], clarity: str | None = None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.found for text in texts for found in lint(text, "en", clarity)))


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {"sale.publish": publish, "sale.unpublish": unpublish}
