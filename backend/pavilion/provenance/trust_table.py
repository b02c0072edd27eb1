"""The trust table and the key table as they stand at an instant, folded from the acts that made them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.ids import ulid
from pavilion.provenance.issuers import IssuerKeys
from pavilion.provenance.trust import Trust
from pavilion.provenance.trust_models import IssuerKeyAct, KeyDeed, TrustAct, TrustDeed


class InForce(NamedTuple):
    trust: Trust
    keys: IssuerKeys


async def in_force(session: AsyncSession, now: datetime) -> InForce:
    """Who may sign what at this instant, and the keys by which their signatures are checked."""
    acts = (await session.scalars(select(TrustAct).order_by(TrustAct.id))).all()
    keys = (await session.scalars(select(IssuerKeyAct).order_by(IssuerKeyAct.id))).all()
    return InForce(Trust(trust_rows(acts, now)), IssuerKeys(key_rows(keys)))


async def decided(session: AsyncSession) -> frozenset[tuple[object, ...]]:
    """The names of all rows that persons ever added: on these the table alone has the word, though they be stopped or
    removed."""
    acts = await session.scalars(select(TrustAct).where(TrustAct.act == TrustDeed.ADD))
    return frozenset(name_of(_trust_row(act)) for act in acts)


def trust_rows(acts: Iterable[TrustAct], now: datetime) -> list[dict[str, Any]]:
    """The rows that were added and are neither removed nor stopped, in the order in which they were added."""
    standing: dict[str, dict[str, Any]] = {}
    stopped: set[str] = set()
    for act in acts:
        if act.act == TrustDeed.ADD:
            standing[act.row] = _trust_row(act)
        elif act.act == TrustDeed.REMOVE:
            standing.pop(act.row, None)
        elif act.act == TrustDeed.RESUME:
            stopped.discard(act.row)
        elif act.until is not None and now < act.until:  # a clock that was put back ends no stop
            stopped.add(act.row)
    return [row for name, row in standing.items() if name not in stopped]


def key_rows(acts: Iterable[IssuerKeyAct]) -> list[dict[str, Any]]:
    """Every key ever added, with the day from which it is revoked, if it is."""
    rows: dict[str, dict[str, Any]] = {}
    for act in acts:
        if act.act == KeyDeed.ADD:
            row = {"issuer": act.issuer, "kid": act.kid, "public": act.public, "from": act.from_day, "to": act.to_day}
            rows[act.kid] = {**row, "revoked_at": None}
        elif act.kid in rows:
            rows[act.kid]["revoked_at"] = act.from_day
    return list(rows.values())


async def adopt(
    session: AsyncSession,
    *,
    trust: Iterable[Mapping[str, Any]],
    keys: Iterable[Mapping[str, Any]],
    proposed_by: str,
    approved_by: str,
    reason: str,
    now: datetime,
) -> None:
    """What a newly connected registry brings is trusted from here on, on the word of two persons. What stands already
    is not written again."""
    standing = await in_force(session, now)
    known = {
        name_of(row) for row in trust_rows((await session.scalars(select(TrustAct).order_by(TrustAct.id))).all(), now)
    }
    for row in trust:
        if name_of(row) in known:
            continue
        public_id = ulid(now)
        session.add(
            TrustAct(
                public_id=public_id,
                act=TrustDeed.ADD,
                row=public_id,
                issuer=row["issuer"],
                types=list(row["types"]),
                cc=row.get("cc"),
                lab=row.get("lab"),
                from_day=row.get("from") or "2000-01-01",
                to_day=row.get("to"),
                reason=reason,
                proposed_by=proposed_by,
                approved_by=approved_by,
                at=now,
                until=None,
            )
        )
    for key in keys:
        if standing.keys.find(key["kid"]) is not None:
            continue
        session.add(
            IssuerKeyAct(
                act=KeyDeed.ADD,
                issuer=key["issuer"],
                kid=key["kid"],
                public=key["public"],
                from_day=key.get("from") or "2000-01-01",
                to_day=key.get("to"),
                hosted=False,
                reason=reason,
                proposed_by=proposed_by,
                approved_by=approved_by,
                at=now,
            )
        )
    await session.flush()


def _trust_row(act: TrustAct) -> dict[str, Any]:
    row: dict[str, Any] = {"issuer": act.issuer, "types": act.types, "from": act.from_day, "to": act.to_day}
    return row | ({"cc": act.cc} if act.cc else {}) | ({"lab": act.lab} if act.lab else {})


def name_of(row: Mapping[str, Any]) -> tuple[object, ...]:
    return row["issuer"], tuple(sorted(row["types"])), row.get("cc"), row.get("lab"), row.get("from"), row.get("to")
