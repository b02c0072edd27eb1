"""Changing who is trusted: two persons add and remove, one alone may stop for a day."""

from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Person, Proposal
from pavilion.accounts.rules import Actor
from pavilion.kernel import events
from pavilion.kernel.errors import ActNotAllowed, NotFound
from pavilion.kernel.ids import ulid
from pavilion.provenance import log, trust_queries
from pavilion.provenance.registries.port import plain_bytes
from pavilion.provenance.table_versions import house_in_force
from pavilion.provenance.trust_forms import KeyForm, RevocationForm, RowForm
from pavilion.provenance.trust_models import IssuerKeyAct, KeyDeed, TrustAct, TrustDeed
from pavilion.provenance.trust_reach import LotsWith, names_of, reach

TRUST_CHANGED = "trust:changed"
ADD, REMOVE, RESUME = "trust.add", "trust.remove", "trust.resume"
ADD_KEY, REVOKE_KEY = "key.add", "key.revoke"


async def propose_row(session: AsyncSession, said: RowForm, *, actor: Actor, now: datetime) -> Proposal:
    facts: dict[str, Any] = {"issuer": said.issuer, "types": sorted(set(said.types)), "cc": said.cc, "lab": said.lab}
    facts |= {"from": said.start.isoformat(), "to": said.end.isoformat() if said.end else None}
    title = f"{await _named(session, said.issuer)}: {', '.join(facts['types'])}"
    facts["name"] = await _named(session, said.issuer)
    subject = f"{said.issuer} {ulid(now)}"
    return await _propose(session, ADD, subject, {**facts, "title_en": title}, said.reason, actor, now)


async def propose_removal(
    session: AsyncSession, row: str, *, reason: str, actor: Actor, lots_with: LotsWith, now: datetime
) -> Proposal:
    facts = await _row_facts(session, await _standing_row(session, row), lots_with)
    return await _propose(session, REMOVE, row, facts, reason, actor, now)


async def propose_resumption(
    session: AsyncSession, row: str, *, reason: str, actor: Actor, lots_with: LotsWith, now: datetime
) -> Proposal:
    """Two persons end a stop before its day is over."""
    act = await _stopped_row(session, row, now)
    return await _propose(session, RESUME, row, await _row_facts(session, act, lots_with), reason, actor, now)


async def propose_key(session: AsyncSession, said: KeyForm, *, actor: Actor, now: datetime) -> Proposal:
    kid = f"{said.issuer}#{said.number}"
    if await _key(session, kid) is not None:
        raise ActNotAllowed(state="key_known", kid=kid)
    facts = {"issuer": said.issuer, "kid": kid, "public": said.public, "from": said.start.isoformat()}
    facts["to"] = said.end.isoformat() if said.end else ""
    return await _propose(session, ADD_KEY, kid, {**facts, "title_en": kid}, said.reason, actor, now)


async def propose_revocation(
    session: AsyncSession, kid: str, said: RevocationForm, *, actor: Actor, now: datetime
) -> Proposal:
    if await _key(session, kid) is None:
        raise NotFound()
    facts = {"kid": kid, "day": said.day.isoformat(), "title_en": kid}
    return await _propose(session, REVOKE_KEY, kid, facts, said.reason, actor, now)


async def stop(session: AsyncSession, row: str, *, reason: str, actor: Actor, house: str, now: datetime) -> None:
    """Nothing signed under this row is believed for a while, on one person's word."""
    act = await _standing_row(session, row)
    deed = _again(act, TrustDeed.STOP, reason, now, proposed_by=str(actor.public_id), approved_by=None)
    deed.until = now + (await house_in_force(session)).stop_lasts
    await _kept(session, deed, actor, now, house)


async def add(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime, *, house: str) -> None:
    facts, public_id = proposal.facts, ulid(now)
    act = TrustAct(
        public_id=public_id,
        act=TrustDeed.ADD,
        row=public_id,
        issuer=facts["issuer"],
        types=facts["types"],
        cc=facts["cc"],
        lab=facts["lab"],
        from_day=facts["from"],
        to_day=facts["to"],
        reason=proposal.reason,
        proposed_by=await _proposer(session, proposal),
        approved_by=actor.public_id,
        at=now,
        until=None,
    )
    await _kept(session, act, actor, now, house)


async def remove(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime, *, house: str) -> None:
    row = await _standing_row(session, proposal.facts["row"])
    by = await _proposer(session, proposal)
    deed = _again(row, TrustDeed.REMOVE, proposal.reason, now, proposed_by=by, approved_by=actor.public_id)
    await _kept(session, deed, actor, now, house)


async def resume(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime, *, house: str) -> None:
    row = await _stopped_row(session, proposal.facts["row"], now)
    by = await _proposer(session, proposal)
    deed = _again(row, TrustDeed.RESUME, proposal.reason, now, proposed_by=by, approved_by=actor.public_id)
    await _kept(session, deed, actor, now, house)


async def add_key(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime, *, house: str) -> None:
    facts = proposal.facts
    if await _key(session, facts["kid"]) is not None:
        raise ActNotAllowed(state="key_known", kid=facts["kid"])
    act = IssuerKeyAct(
        act=KeyDeed.ADD,
        issuer=facts["issuer"],
        kid=facts["kid"],
        public=facts["public"],
        from_day=facts["from"],
        to_day=facts["to"] or None,
        hosted=False,
        reason=proposal.reason,
        proposed_by=await _proposer(session, proposal),
        approved_by=actor.public_id,
        at=now,
    )
    await _kept(session, act, actor, now, house)


async def revoke_key(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime, *, house: str) -> None:
    key = await _key(session, proposal.facts["kid"])
    revoked = select(func.count(IssuerKeyAct.id)).where(
        IssuerKeyAct.kid == proposal.facts["kid"], IssuerKeyAct.act == KeyDeed.REVOKE
    )
    if key is None or await session.scalar(revoked):
        raise ActNotAllowed(state="key_revoked", kid=proposal.facts["kid"])
    act = IssuerKeyAct(
        act=KeyDeed.REVOKE,
        issuer=key.issuer,
        kid=key.kid,
        public=key.public,
        from_day=proposal.facts["day"],
        to_day=None,
        hosted=key.hosted,
        reason=proposal.reason,
        proposed_by=await _proposer(session, proposal),
        approved_by=actor.public_id,
        at=now,
    )
    await _kept(session, act, actor, now, house)


def proposal_handlers(house: str) -> dict[str, accounts.ProposalHandler]:
    """The acts that follow an approval; the house of this DID logs them."""
    acts = {ADD: add, REMOVE: remove, RESUME: resume, ADD_KEY: add_key, REVOKE_KEY: revoke_key}
    return {kind: partial(act, house=house) for kind, act in acts.items()}


async def _propose(
    session: AsyncSession, kind: str, subject: str, facts: dict[str, Any], reason: str, actor: Actor, now: datetime
) -> Proposal:
    return await accounts.propose(session, kind=kind, subject=subject, facts=facts, actor=actor, now=now, reason=reason)


async def _kept(session: AsyncSession, act: TrustAct | IssuerKeyAct, actor: Actor, now: datetime, house: str) -> None:
    """The act stands, the log commits to it, and who re-verifies stones hears of it."""
    session.add(act)
    await session.flush()
    subject = act.row if isinstance(act, TrustAct) else act.kid
    leaf = log.Leaf("trust", subject, plain_bytes(_document(act)), house)
    await log.append(session, [leaf], now)
    events.record(session, TRUST_CHANGED, subject, by=actor.public_id, at=now, act=act.act, issuer=act.issuer)


def _document(act: TrustAct | IssuerKeyAct) -> dict[str, Any]:
    """What the log's leaf commits to."""
    left_out = {"id", "at", "until"}
    facts = {c.key: getattr(act, c.key) for c in act.__mapper__.column_attrs if c.key not in left_out}
    return {"v": 1, "table": act.__tablename__, **facts}


def _again(
    act: TrustAct, deed: TrustDeed, reason: str, now: datetime, *, proposed_by: str, approved_by: str | None
) -> TrustAct:
    return TrustAct(
        public_id=ulid(now),
        act=deed,
        row=act.row,
        issuer=act.issuer,
        types=act.types,
        cc=act.cc,
        lab=act.lab,
        from_day=act.from_day,
        to_day=act.to_day,
        reason=reason,
        proposed_by=proposed_by,
        approved_by=approved_by,
        at=now,
        until=None,
    )


async def _standing_row(session: AsyncSession, row: str) -> TrustAct:
    acts = (await session.scalars(select(TrustAct).where(TrustAct.row == row).order_by(TrustAct.id))).all()
    if not acts:
        raise NotFound()
    if any(act.act == TrustDeed.REMOVE for act in acts):
        raise ActNotAllowed(state="removed", row=row)
    return acts[0]


async def _stopped_row(session: AsyncSession, row: str, now: datetime) -> TrustAct:
    shown = await trust_queries.one(session, row, now)
    if shown.state != "stopped":
        raise ActNotAllowed(state=shown.state, row=row)
    return shown.row


async def _row_facts(session: AsyncSession, act: TrustAct, lots_with: LotsWith) -> dict[str, Any]:
    """What the second person is told: whose row, for which events, and how much hangs on it."""
    name = await _named(session, act.issuer)
    found = await reach(session, act.issuer, act.types, lots_with)
    facts = {"row": act.row, "types": act.types, "name": name, "title_en": f"{name}: {', '.join(act.types)}"}
    return {**facts, "stones": found.stones, "lots": found.lots}


async def _named(session: AsyncSession, party: str) -> str:
    name = (await names_of(session)).get(party)
    return f"{name} ({party})" if name else party


async def _key(session: AsyncSession, kid: str) -> IssuerKeyAct | None:
    wanted = select(IssuerKeyAct).where(IssuerKeyAct.kid == kid, IssuerKeyAct.act == KeyDeed.ADD)
    return await session.scalar(wanted)


async def _proposer(session: AsyncSession, proposal: Proposal) -> str:
    person = await session.get_one(Person, proposal.proposed_by)
    return person.public_id
