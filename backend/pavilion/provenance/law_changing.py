"""Changing the law table, which takes two persons, and claiming that a stone was outside before the ban."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Person, Proposal
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel import events
from pavilion.kernel.canon import read_json
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotAllowed, NotFound
from pavilion.provenance import eligibility, law, log
from pavilion.provenance.law_forms import MOST_LAW, GrandfatherForm
from pavilion.provenance.law_models import GrandfatherClaim, LawVersion
from pavilion.provenance.law_table import law_in_force
from pavilion.provenance.models import StoneVerdict
from pavilion.provenance.tables import shipped, with_law

CHANGE = "law.change"
LAW_CHANGED = "law:changed"
KINDS = {"origin_any": "origin", "origin_direct": "origin", "document": "document", "generated_document": "document"}


class ClaimNotAccepted(BadInput):
    """Evidence, a day after the mine and before the ban, and a place that is not the banned origin."""

    code = "grandfather_not_accepted"


async def propose(session: AsyncSession, document: str, *, reason: str, actor: Actor, now: datetime) -> Proposal:
    """The table waits for a second compliance person; one that cannot be read is refused here."""
    raw = document.encode()
    table = checked(raw)
    if raw == await law_in_force(session):
        raise ActNotAllowed(state="law_unchanged")
    sha256 = hashlib.sha256(raw).hexdigest()
    facts = {"sha256": sha256, "document": document, "version": table["version"], "title_en": table["version"]}
    return await accounts.propose(
        session, kind=CHANGE, subject=f"law {sha256[:16]}", facts=facts, reason=reason, actor=actor, now=now
    )


async def adopt(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime, *, house: str) -> None:
    """The table is the law from here on and a leaf of the log, and every exposed stone is looked at again."""
    raw: bytes = proposal.facts["document"].encode()
    checked(raw)
    proposer = await session.scalar(select(Person.public_id).where(Person.id == proposal.proposed_by))
    assert proposer is not None and actor.public_id is not None
    version = LawVersion(sha256=hashlib.sha256(raw).hexdigest(), document=raw.decode(), reason=proposal.reason)
    version.proposed_by, version.approved_by, version.at = proposer, actor.public_id, now
    session.add(version)
    await session.flush()
    await log.append(session, [log.Leaf("table", "law", raw, house)], now)
    events.record(session, LAW_CHANGED, version.sha256, by=actor.public_id, at=now, version=proposal.facts["version"])


async def claim_grandfather(
    session: AsyncSession, stone: str, said: GrandfatherForm, *, actor: Actor, now: datetime
) -> GrandfatherClaim:
    """What compliance says about the stone before the ban stands, if the rule on such claims accepts it."""
    if not actor.may(Permission.ORIGIN_DECIDE) or actor.public_id is None:
        raise NotAllowed(right=Permission.ORIGIN_DECIDE.value)
    if await session.get(StoneVerdict, stone) is None:
        raise NotFound(stone=stone)
    document: dict[str, Any] = {"claimed": said.claimed == "yes"}
    if said.claimed:
        document |= {"date": said.day.isoformat() if said.day else None, "place": said.place or None}
        document |= {"evidence": said.evidence.split()}
    claim = GrandfatherClaim(stone=stone, document=document, reason=said.reason, by=actor.public_id, at=now)
    session.add(claim)
    await session.flush()
    case = (await eligibility.cases_of(session, [stone], now.date()))[stone]
    if list(law.grandfathering(case)):
        raise ClaimNotAccepted(fields={"day": "grandfather_not_accepted"})
    events.record(session, "law:grandfather_claimed", stone, by=actor.public_id, at=now, claimed=document["claimed"])
    return claim


def checked(raw: bytes) -> Mapping[str, Any]:
    """The table read strictly; BadInput names what is wrong with it."""
    try:
        table = read_json(raw, most=MOST_LAW)
        _look(table)
        with_law(shipped(), raw)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise BadInput(fields={"document": "law_unreadable"}, fault=str(fault)[:200]) from fault
    return dict(table)


def _look(table: Any) -> None:
    if not isinstance(table["version"], str) or not 1 <= len(table["version"]) <= 40:
        raise ValueError("version")
    names = [name for members in table["regimes"].values() for name in members]
    if len(names) != len(set(names)):
        raise ValueError("a country stands in two regimes")
    if not all(_is_region(name) for name in (*names, *table["regimes"], *table["reviewed_destinations"])):
        raise ValueError("a region is two capital letters")
    ids = [entry["id"] for entry in table["entries"]]
    if len(ids) != len(set(ids)):
        raise ValueError("an entry stands twice")
    for entry in table["entries"]:
        _look_at(entry, table["regimes"], table["reviewed_destinations"])


def _look_at(entry: Mapping[str, Any], regimes: Mapping[str, Any], reviewed: Sequence[str]) -> None:
    name, kind = entry["id"], KINDS[entry["kind"]]
    codes = {
        "origin_any": ("SN-01",),
        "origin_direct": ("SN-02",),
        "document": ("SN-03",),
        "generated_document": (None,),
    }
    if entry["code"] not in codes[entry["kind"]]:
        raise ValueError(f"{name}: code")
    if entry["regime"] not in regimes and entry["regime"] not in reviewed:
        raise ValueError(f"{name}: regime")
    if not _is_region(entry["origin"]) if kind == "origin" else not isinstance(entry["document"], str):
        raise ValueError(f"{name}: {kind}")
    if type(entry["min_mct"]) is not int or entry["min_mct"] < 0:
        raise ValueError(f"{name}: min_mct")
    if not isinstance(entry["source"], str) or not entry["source"]:
        raise ValueError(f"{name}: source")
    if entry["to"] is not None and entry["to"] < entry["from"]:
        raise ValueError(f"{name}: ends before it begins")


def _is_region(name: object) -> bool:
    return isinstance(name, str) and len(name) == 2 and name.isascii() and name.isupper()


def proposal_handlers(house: str) -> dict[str, accounts.ProposalHandler]:
    """`house` is the DID in whose name a version is logged."""
    return {CHANGE: partial(adopt, house=house)}
