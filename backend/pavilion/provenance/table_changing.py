"""Changing a table, which takes two persons: one proposes what shall stand, another puts it in force."""

from collections.abc import Mapping
from datetime import datetime
from difflib import unified_diff
from functools import partial
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Person, Proposal
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel import events
from pavilion.kernel.canon import read_json, sha256_hex
from pavilion.kernel.errors import BadInput, NotAllowed, Refusal, StaleVersion
from pavilion.provenance import log, table_settings
from pavilion.provenance.house import HOUSE
from pavilion.provenance.table_checking import checked
from pavilion.provenance.table_models import TableVersion
from pavilion.provenance.table_settings import Change
from pavilion.provenance.table_versions import bytes_in_force

LAW, TABLE, SETTINGS = "law.change", "table.change", "settings.change"
LAW_CHANGED, TABLE_CHANGED, HOUSE_CHANGED = "law:changed", "table:changed", "house:changed"
DIFF_MOST, DIFF_WIDE = 60, 160  # lines and characters of what a proposal shows of a table
_ONE_AT_A_TIME = 0x70_74_61_62  # advisory lock: of two approvals at once, the second sees what the first put in force


class NothingChanged(Refusal):
    """What is proposed stands already."""

    status, code = 409, "table_unchanged"


async def propose(
    session: AsyncSession, name: str, document: str, *, reason: str, actor: Actor, now: datetime
) -> Proposal:
    """The whole table waits for a second person; one that cannot be relied on is refused here."""
    raw, before = document.encode(), await bytes_in_force(session, name)
    table = checked(name, raw)
    if raw == before:
        raise NothingChanged()
    about = {"name": name, "base": sha256_hex(before), "sha256": sha256_hex(raw), "document": document}
    facts = {
        "tables": [about],
        "table": name,
        "diff": _diff(before, raw),
        "version": table.get("version", ""),
        "title_en": table.get("version", ""),
    }
    kind = LAW if name == "law" else TABLE
    return await _proposed(
        session, kind, f"{name} {about['sha256'][:16]} {about['base'][:8]}", facts, reason, actor, now
    )


async def figures_in_force(session: AsyncSession) -> tuple[dict[str, Any], dict[str, str]]:
    """All settings, and the hashes of the tables they stand in."""
    figures: dict[str, Any] = {}
    bases: dict[str, str] = {}
    for name in table_settings.TABLES:
        raw = await bytes_in_force(session, name)
        figures |= read_json(raw)[name]
        bases[name] = sha256_hex(raw)
    return figures, bases


async def changes_of(
    session: AsyncSession, values: Mapping[str, str], bases: Mapping[str, str], actor: Actor
) -> list[Change]:
    """What these values would change; StaleVersion when others stand in force than those on the form."""
    figures, standing = await figures_in_force(session)
    try:
        changes = table_settings.differences(figures, figures | table_settings.typed(values))
    except table_settings.OutOfBounds as fault:
        raise BadInput(fields=dict(fault.faults)) from fault
    if any(standing[name] != bases.get(name) for name in table_settings.TABLES):
        raise StaleVersion()
    if any(change.setting.table != HOUSE for change in changes) and not actor.may(Permission.TRUST_EDIT):
        raise NotAllowed(right=Permission.TRUST_EDIT.value)
    if not changes:
        raise NothingChanged()
    return changes


async def propose_settings(
    session: AsyncSession,
    values: Mapping[str, str],
    bases: Mapping[str, str],
    *,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Proposal:
    """All changed settings wait as one proposal, each told with what stands and what shall stand."""
    if not (actor.may(Permission.TRUST_EDIT) or actor.may(Permission.SETTING_EDIT)):
        raise NotAllowed(right=Permission.SETTING_EDIT.value)
    changes = await changes_of(session, values, bases, actor)
    figures, standing = await figures_in_force(session)
    after = figures | {change.setting.name: change.new for change in changes}
    tables = []
    for name in sorted({change.setting.table for change in changes}):
        raw = table_settings.written(name, after, now.date())
        checked(name, raw)
        tables.append({"name": name, "base": standing[name], "sha256": sha256_hex(raw), "document": raw.decode()})
    facts = {"tables": tables, "changes": [change.document() for change in changes], "title_en": str(len(changes))}
    subject = " ".join(["settings", *(f"{one['sha256'][:16]} {one['base'][:8]}" for one in tables)])
    return await _proposed(session, SETTINGS, subject, facts, reason, actor, now)


async def adopt(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime, *, house: str) -> None:
    """The tables are in force from here on and leaves of the log, and every exposed stone is looked at again."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
    proposer = await session.scalar(select(Person.public_id).where(Person.id == proposal.proposed_by))
    assert proposer is not None and actor.public_id is not None
    for said in proposal.facts["tables"]:
        name, raw = said["name"], said["document"].encode()
        if sha256_hex(await bytes_in_force(session, name)) != said["base"]:
            raise StaleVersion()
        table = checked(name, raw)
        version = TableVersion(name=name, sha256=sha256_hex(raw), document=said["document"], reason=proposal.reason)
        version.proposed_by, version.approved_by, version.at = proposer, actor.public_id, now
        session.add(version)
        await session.flush()
        await log.append(session, [log.Leaf("table", name, raw, house)], now)
        told = {"version": table.get("version", ""), "sha256": version.sha256}
        events.record(session, event_of(name), name, by=actor.public_id, at=now, **told)


def _diff(before: bytes, after: bytes) -> list[str]:
    """The lines that go and come, for the eyes of the second person."""
    lines = unified_diff(before.decode().splitlines(), after.decode().splitlines(), lineterm="", n=0)
    told = [line[:DIFF_WIDE] for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    return told[:DIFF_MOST] + (["…"] if len(told) > DIFF_MOST else [])


def event_of(name: str) -> str:
    """What is written when another version of this table is in force; who looks at stones again follows two of them."""
    return {"law": LAW_CHANGED, HOUSE: HOUSE_CHANGED}.get(name, TABLE_CHANGED)


def proposal_handlers(house: str) -> dict[str, accounts.ProposalHandler]:
    """`house` is the DID in whose name a version is logged."""
    return {kind: partial(adopt, house=house) for kind in (LAW, TABLE, SETTINGS)}


async def _proposed(
    session: AsyncSession, kind: str, subject: str, facts: dict[str, Any], reason: str, actor: Actor, now: datetime
) -> Proposal:
    return await accounts.propose(session, kind=kind, subject=subject, facts=facts, reason=reason, actor=actor, now=now)
