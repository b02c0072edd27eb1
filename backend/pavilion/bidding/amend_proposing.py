"""An amendment on its way: what one person proposes for lots without a live bid, and the second person's word, which
is an order for the sale's writer. Only the writer can say whether a bid came first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.models import Lot, Sale
from pavilion.bidding import acting, amending, rule_sets
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.amend_forms import AmendForm, amended, difference
from pavilion.bidding.amended import RUNNING
from pavilion.bidding.closing import Clock
from pavilion.bidding.models import BookLot
from pavilion.bidding.rule_sets import Amended
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.texts import canonical_text
from pavilion.kernel.canon import document_hash
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotDone, NotFound, StaleVersion
from pavilion.kernel.instants import micros

STATES = ("published", "open", "paused")
LASTS = frozenset({"sold", "passed", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Under:
    """The lots of a sale that run under one of its rule sets; `free` are those that may be amended now."""

    sale: Sale
    of: str
    document: Mapping[str, Any]
    lots: Sequence[BookLot]
    free: Collection[str]
    unfinished: Collection[str]  # of the whole sale
    changed: Amended


async def under(session: AsyncSession, sale: str, of: str = "") -> Under:
    """What runs under the rule set of this hash, or under the one that was given last."""
    row = await session.scalar(select(Sale).where(Sale.public_id == sale))
    if row is None or row.rules is None or row.rules_hash is None:
        raise NotFound()
    changed = await rule_sets.amended(session, sale)
    rows = await session.scalars(select(BookLot).where(BookLot.sale == sale).order_by(BookLot.position))
    lots = list(rows)
    of = of or row.rules_hash
    document = row.rules if of == row.rules_hash else changed.documents.get(of)
    if document is None:
        raise NotFound()
    held = [lot for lot in lots if (changed.hash_of(lot.lot) or row.rules_hash) == of]
    free = {lot.lot for lot in held if lot.state in RUNNING and not _live(lot, document)}
    unfinished = {lot.lot for lot in lots if lot.state not in LASTS}
    return Under(row, of, document, held, free, unfinished, changed)


def _live(lot: BookLot, document: Mapping[str, Any]) -> bool:
    """Whether somebody has a live bid: in a tender nobody leads, so there every bid ever made counts."""
    return lot.bids > 0 if "tender" in document else lot.alias is not None


async def propose(session: AsyncSession, *, sale: str, said: AmendForm, actor: Actor, now: datetime) -> Proposal:
    """A second person is asked to give these lots the rules that the form means."""
    if not actor.may(Permission.SALE_BUILD) or actor.public_id is None:
        raise NotAllowed(right=Permission.SALE_BUILD.value)
    known = await under(session, sale, said.of)
    if known.sale.state not in STATES:
        raise ActNotAllowed(state=known.sale.state)
    lots = [lot for lot in known.lots if lot.lot in (known.free if said.every else said.lot)]
    if not said.every and len(lots) != len(set(said.lot)):
        raise StaleVersion(sale=sale)  # some have other rules by now
    if not lots or not said.reason:
        raise BadInput(fields=({} if lots else {"lot": "required"}) | ({} if said.reason else {"reason": "required"}))
    if taken := [lot.number for lot in lots if lot.lot not in known.free]:
        raise ActNotAllowed(lots=taken)
    if actor.company_id is not None and actor.company_id in await _owners(session, [lot.lot for lot in lots]):
        raise NotDone("conflict_of_interest")
    document, faults = amended(known.document, said)
    if faults:
        raise BadInput(fields=faults)
    if (code := _code(known, lots, document)) is not None:
        raise NotDone(code)
    text = canonical_text(document)
    named = tuple(lot.lot for lot in lots)
    act = StaffAct(sale, "amend", by=actor.public_id, reason=said.reason, lots=named, rules=text, was=said.of)
    return await _proposed(session, known, lots, act, document, actor, now)


def _code(known: Under, lots: Sequence[BookLot], document: Mapping[str, Any]) -> str | None:
    """Why the writer would refuse it as things stand; the writer judges again."""
    old, new = parse_rules(known.document), parse_rules(document)
    every = set(known.unfinished) <= {lot.lot for lot in lots}
    if document == known.document:
        return "nothing_changes"
    if (code := amending.judge(old, new, every_lot=every)) is not None:
        return code
    hard_end = old.soft_close.hard_end
    places = known.changed.places
    clocks = [(places.get(lot.lot, lot.position), Clock(micros(lot.end), hard_end)) for lot in lots]
    codes = (amending.judge_clock(old, new, place, known.changed.published, clock) for place, clock in clocks)
    return next((code for code in codes if code is not None), None)


async def _proposed(
    session: AsyncSession, known: Under, lots: Sequence[BookLot], act: StaffAct, document: Mapping[str, Any],
    actor: Actor, now: datetime,
) -> Proposal:  # fmt: skip
    asked = {name: value for name, value in asdict(act).items() if name not in ("amount", "order", "ok")}
    facts = {
        "sale": act.sale, "lot": None, "number": ", ".join(lot.number for lot in lots), "act": asked, "sealed": None,
        "title_en": known.sale.title_en, "title_zh": known.sale.title_zh,
        "diff": difference(known.document, document), "to": document_hash(document),
    }  # fmt: skip
    subject = f"{act.sale} {document_hash(asked)[:16]}"
    kind = acting.KINDS["amend"]
    return await accounts.propose(
        session, kind=kind, subject=subject, facts=facts, actor=actor, now=now, reason=act.reason
    )


async def agree(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """The second person's word, unless they act for the consignor of one of the lots."""
    owners = await _owners(session, proposal.facts["act"]["lots"])
    if actor.company_id is not None and actor.company_id in owners:
        raise NotDone("conflict_of_interest")
    await acting.agree(session, proposal, actor, now)


async def _owners(session: AsyncSession, lots: Collection[str]) -> set[int | None]:
    return set(await session.scalars(select(Lot.consignor_company_id).where(Lot.public_id.in_(lots))))


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {acting.KINDS["amend"]: agree}
