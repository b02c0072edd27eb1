"""The trust table as its page shows it: rows and keys, each with its deeds."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Person
from pavilion.kernel.errors import NotFound
from pavilion.provenance.trust_models import IssuerKeyAct, KeyDeed, TrustAct, TrustDeed
from pavilion.provenance.trust_reach import names_of

ROW_STATES = ("trusted", "stopped", "removed", "ended")
KEY_STATES = ("valid", "revoked", "ended")


class RowShown(NamedTuple):
    row: TrustAct  # as it was added
    state: str
    stopped_until: datetime | None
    deeds: Sequence[TrustAct]


class KeyShown(NamedTuple):
    key: IssuerKeyAct
    state: str
    revoked_from: str | None


class TrustShown(NamedTuple):
    rows: Sequence[RowShown]
    keys: Sequence[KeyShown]
    people: dict[str, str]  # names by public id
    parties: dict[str, str]  # names by short name


async def shown(session: AsyncSession, now: datetime) -> TrustShown:
    acts = (await session.scalars(select(TrustAct).order_by(TrustAct.id))).all()
    keys = (await session.scalars(select(IssuerKeyAct).order_by(IssuerKeyAct.id))).all()
    named = {one for act in acts for one in (act.proposed_by, act.approved_by) if one}
    named |= {one for key in keys for one in (key.proposed_by, key.approved_by) if one}
    people = await session.scalars(select(Person).where(Person.public_id.in_(named)))
    names = {person.public_id: person.name for person in people}
    return TrustShown(_rows(acts, now), _keys(keys, now), names, await names_of(session))


async def one(session: AsyncSession, row: str, now: datetime) -> RowShown:
    """The row with its deeds; NotFound for one that nobody added."""
    deeds = (await session.scalars(select(TrustAct).where(TrustAct.row == row).order_by(TrustAct.id))).all()
    if not deeds:
        raise NotFound()
    return _row(deeds, now)


def _rows(acts: Iterable[TrustAct], now: datetime) -> list[RowShown]:
    deeds: dict[str, list[TrustAct]] = {}
    for act in acts:
        deeds.setdefault(act.row, []).append(act)
    found = [_row(of_one, now) for of_one in deeds.values()]
    return sorted(found, key=lambda one: (one.state in ("removed", "ended"), one.row.issuer, one.row.id))


def _row(deeds: Sequence[TrustAct], now: datetime) -> RowShown:
    first, today = deeds[0], now.date().isoformat()
    resumed = max((place for place, deed in enumerate(deeds) if deed.act == TrustDeed.RESUME), default=0)
    stops = [deed.until for deed in deeds[resumed:] if deed.until is not None and deed.until > now]
    if any(deed.act == TrustDeed.REMOVE for deed in deeds):
        state = "removed"
    elif stops:
        state = "stopped"
    else:
        state = "ended" if first.to_day is not None and first.to_day < today else "trusted"
    return RowShown(first, state, max(stops, default=None), deeds)


def _keys(acts: Iterable[IssuerKeyAct], now: datetime) -> list[KeyShown]:
    revoked = {act.kid: act.from_day for act in acts if act.act == KeyDeed.REVOKE}
    today, found = now.date().isoformat(), []
    for act in acts:
        if act.act == KeyDeed.ADD:
            ended = act.to_day is not None and act.to_day < today
            state = "revoked" if act.kid in revoked else "ended" if ended else "valid"
            found.append(KeyShown(act, state, revoked.get(act.kid)))
    return sorted(found, key=lambda one: (one.state != "valid", one.key.kid))
