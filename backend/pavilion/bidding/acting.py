"""What a member of staff may do to a running sale: what one person may do is commanded at once, what needs two becomes
a proposal, and the second person's word an order that the sale's writer carries out exactly once (bidding spec 2)."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Company, Person, Proposal
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.models import Lot, Registration, Sale
from pavilion.bidding import rule_sets
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.bus import Rooms
from pavilion.bidding.deciding import BidOrder
from pavilion.bidding.messages import Notice, Said, frame
from pavilion.bidding.staff_forms import ActForm
from pavilion.bidding.staff_models import StaffOrder
from pavilion.bidding.vault import Vault
from pavilion.kernel import events
from pavilion.kernel.canon import document_hash
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import BadInput, NotAllowed, NotFound
from pavilion.kernel.instants import from_stamp, micros
from pavilion.kernel.money import parse_minor
from pavilion.provenance.words import lint

P = Permission
RIGHTS: Mapping[str, Permission] = {
    "pause": P.LOT_RUN, "resume": P.LOT_RUN, "extend": P.LOT_RUN, "withdraw": P.LOT_RUN, "confirm": P.LOT_RUN,
    "void": P.BID_VOID, "reopen": P.LOT_RUN, "incident": P.LOT_RUN, "cancel": P.SALE_BUILD,
    "lower_reserve": P.RESERVE_SET, "notice": P.SALE_ANNOUNCE, "open": P.SALE_ANNOUNCE, "final_call": P.SALE_ANNOUNCE,
    "amend": P.SALE_BUILD,
    "pass": P.SALE_ANNOUNCE, "fair_warning": P.SALE_ANNOUNCE, "message": P.SALE_ANNOUNCE, "bid": P.BID_BEHALF,
}  # fmt: skip
KINDS = {
    "withdraw": "lot.withdraw",
    "void": "bid.void",
    "reopen": "lot.reopen",
    "lower_reserve": "reserve.lower",
    "incident": "sale.incident",
    "cancel": "sale.cancel",
    "amend": "sale.amend",  # by a form of its own: `amend_proposing.py`
}
ALWAYS_TWO = frozenset(KINDS) - {"withdraw"}  # a lot without a live bid is withdrawn by one


class Outcome(NamedTuple):
    """`done`, `proposed` (a second person is asked) or `refused` with the code of the book."""

    result: str
    code: str | None = None
    proposal: str | None = None
    receipt: str | None = None


class Desk(NamedTuple):
    """What an act needs of the house."""

    sessions: Sessions
    rooms: Rooms
    vault: Vault | None  # without one no amount can wait for a second person


async def carry_out(desk: Desk, sale: str, said: ActForm, actor: Actor, now: datetime) -> Outcome:
    """The outcome of one act of this person; a right that is missing is refused before anything is asked."""
    if not actor.may(RIGHTS[said.act]) or actor.public_id is None:
        raise NotAllowed(right=RIGHTS[said.act].value)
    async with reading(desk.sessions) as session:
        found = await session.scalar(select(Sale).where(Sale.public_id == sale))
        lot = await _lot(session, found, said.lot) if found and said.lot else None
    if found is None:
        raise NotFound()
    if lot is not None and actor.company_id is not None and lot.consignor_company_id == actor.company_id:
        return Outcome("refused", "conflict_of_interest")
    if said.act in ("fair_warning", "message"):
        return await _say(desk, sale, said, actor, now)
    if said.act == "bid":
        return await _bid(desk, found, said, actor, now)
    act = _act(found, said, actor, now)
    if said.act in ALWAYS_TWO:
        return await _propose(desk, found, lot, act, said, actor, now)
    answer = await desk.rooms.command(act)
    if answer.code == "second_approval_needed":
        return await _propose(desk, found, lot, act, said, actor, now)
    return Outcome("done" if answer.code is None else "refused", answer.code)


def _act(sale: Sale, said: ActForm, actor: Actor, now: datetime) -> StaffAct:
    """The act as the sale's writer reads it; BadInput names the field that is missing."""
    reason = said.reason or ("staff" if said.act not in ("void", "withdraw", "lower_reserve", "cancel") else "")
    if not reason:
        raise BadInput(fields={"reason": "missing"})
    to = _instant(said.to, now) if said.act in ("extend", "reopen", "incident") else None
    amount = None
    if said.act == "lower_reserve" and (amount := parse_minor(said.amount, sale.currency)) is None:
        raise BadInput(fields={"amount": "amount_invalid"})
    if said.act == "notice" and not (said.text_en and said.text_zh):
        raise BadInput(fields={name: "missing" for name in ("text_en", "text_zh") if not getattr(said, name)})
    seqs = tuple(int(part) for part in said.seqs.replace(",", " ").split())
    if said.act == "void" and not seqs and said.paddle is None:
        raise BadInput(fields={"seqs": "missing"})
    facts: dict[str, Any] = {"reason": reason, "to": to, "amount": amount, "paddle": said.paddle, "seqs": seqs}
    facts |= {"text_en": said.text_en, "text_zh": said.text_zh, "by": actor.public_id}
    return StaffAct(sale.public_id, said.act, said.lot or None, **facts)


def _instant(text: str, now: datetime) -> int:
    """An instant as typed: RFC 3339, or so many seconds from now (`+300`; an incident began `-300`)."""
    if text[:1] in "+-" and text[1:].isdecimal() and len(text) <= 7:
        return micros(now + timedelta(seconds=int(text)))
    try:
        return micros(from_stamp(text))
    except ValueError as fault:
        raise BadInput(fields={"to": "missing" if not text else "instant_unreadable"}) from fault


async def _propose(
    desk: Desk, sale: Sale, lot: Lot | None, act: StaffAct, said: ActForm, actor: Actor, now: datetime
) -> Outcome:
    """A second person is asked. A lower reserve waits sealed: the proposal names no amount."""
    place = act.lot or sale.public_id
    if act.amount is not None and desk.vault is None:
        return Outcome("refused", "act_not_allowed")
    sealed, mark = None, ""
    if act.amount is not None and desk.vault is not None:
        sealed, mark = desk.vault.amounts.close(act.amount, place), desk.vault.amounts.mark(act.amount, place)
    document = {name: value for name, value in asdict(act).items() if name not in ("amount", "order", "ok")}
    facts = {"sale": sale.public_id, "lot": act.lot, "number": lot.number_text if lot else "", "act": document}
    facts |= {"sealed": sealed.hex() if sealed else None, "title_en": sale.title_en, "title_zh": sale.title_zh}
    subject = f"{place} {document_hash({**document, 'amount': mark})[:16]}"
    async with desk.sessions.begin() as session:
        proposal = await accounts.propose(
            session, kind=KINDS[act.act], subject=subject, facts=facts, actor=actor, now=now, reason=said.reason
        )
        return Outcome("proposed", "second_approval_needed", proposal.public_id)


async def agree(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """The second person's word: an order for the sale's writer, which judges the act by the state it then finds."""
    proposer = await session.scalar(select(Person.public_id).where(Person.id == proposal.proposed_by))
    facts = proposal.facts
    order = StaffOrder(sale=facts["sale"], lot=facts["lot"], proposal=proposal.public_id, at=now)
    order.document = facts["act"] | {"ok": [proposer, actor.public_id], "reason": proposal.reason or "staff"}
    order.sealed = bytes.fromhex(facts["sealed"]) if facts["sealed"] else None
    session.add(order)
    events.record(session, "sale:act_agreed", facts["sale"], by=actor.public_id, at=now, proposal=proposal.public_id)


async def _bid(desk: Desk, sale: Sale, said: ActForm, actor: Actor, now: datetime) -> Outcome:
    """A bid for a paddle, on what ground, in the clerk's name and the bidder's (bidding spec 4.8)."""
    missing = {name: "missing" for name in ("lot", "paddle", "mandate") if not getattr(said, name)}
    amount = parse_minor(said.amount, sale.currency)
    if missing or amount is None:
        raise BadInput(fields=missing | ({} if amount is not None else {"amount": "amount_invalid"}))
    async with reading(desk.sessions) as session:
        company = await session.scalar(
            select(Registration.company_id).where(Registration.sale_id == sale.id, Registration.paddle == said.paddle)
        )
        rules = (await rule_sets.amended(session, sale.public_id)).hash_of(said.lot) or sale.rules_hash
    if company is None or rules is None:
        return Outcome("refused", "not_registered")
    order = BidOrder(sale.public_id, said.lot, company, said.key or secrets.token_hex(16), amount, sale.currency,
                     rules, amount, "staff", actor.public_id, said.mandate)  # fmt: skip
    answer = await desk.rooms.place(order)
    if answer.result == "accepted":
        await _tell_bidder(desk, order, said, answer.n, now)
    result = {"accepted": "done", "unknown": "unknown"}.get(answer.result, "refused")
    return Outcome(result, answer.code, receipt=answer.receipt)


async def _tell_bidder(desk: Desk, order: BidOrder, said: ActForm, n: int | None, now: datetime) -> None:
    """The bidder hears of the bid that was entered for them: once, however often it is asked for."""
    place = f"{order.sale} {n}"
    async with desk.sessions.begin() as session:
        known = select(events.Event.id).where(events.Event.name == "bid:on_behalf", events.Event.subject == place)
        if await session.scalar(known) is not None:
            return
        company = await session.scalar(select(Company.public_id).where(Company.id == order.company_id))
        facts = {"sale": order.sale, "lot": order.lot, "n": n, "company": company, "paddle": said.paddle}
        events.record(session, "bid:on_behalf", place, by=order.person, at=now, ground=order.mandate, **facts)


async def _say(desk: Desk, sale: str, said: ActForm, actor: Actor, now: datetime) -> Outcome:
    """The room hears it now; the house keeps who said it, the book does not."""
    text = None
    if said.act == "message":
        if not (said.text_en and said.text_zh):
            raise BadInput(fields={name: "missing" for name in ("text_en", "text_zh") if not getattr(said, name)})
        if lint(said.text_en, "en") or lint(said.text_zh, "zh"):
            return Outcome("refused", "wording_never")
        text = Said(en=said.text_en, zh=said.text_zh)
    async with desk.sessions.begin() as session:
        subject = said.lot or sale
        events.record(session, "room:told", subject, by=actor.public_id, at=now, key=said.act, en=said.text_en)
    await desk.rooms.say(sale, frame(Notice(lot=said.lot or None, key=said.act, n=None, text=text)))
    return Outcome("done")


async def _lot(session: AsyncSession, sale: Sale, lot: str) -> Lot:
    found = await session.scalar(select(Lot).where(Lot.public_id == lot, Lot.sale_id == sale.id))
    if found is None:
        raise NotFound()
    return found


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = dict.fromkeys(KINDS.values(), agree)
