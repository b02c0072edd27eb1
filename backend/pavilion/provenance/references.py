"""Papers of others about a stone: reports on origin and sustainability certificates, shown as their issuers' word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.kernel.events import record
from pavilion.kernel.ids import ulid
from pavilion.provenance.passport_models import ReferenceKind, StoneReference

CONTENT_CHANGED = "passport:content_changed"  # followed by the issuing of passports
ENDED = "stone:reference_ended"
AT_ONCE = 200  # certificates ended in one transaction
MOST = 20  # papers of one stone that stand
_COUNTRY = re.compile(r"[A-Z]{2}")
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./-]{0,59}")


@dataclass(frozen=True, slots=True)
class Paper:
    """What is read from a paper. A report states a country, a certificate its last day."""

    kind: str
    issuer: str
    number: str
    scheme: str | None = None
    day: str | None = None
    valid_to: str | None = None
    stated_country: str | None = None


async def add(
    session: AsyncSession, *, stone: str, paper: Paper, data: bytes | None, by: str, now: datetime
) -> StoneReference:
    """The paper stands beside the stone. `data` are its bytes, of which the hash is kept; without them the hash is of
    what was typed."""
    faults = faults_of(paper)
    if faults:
        raise BadInput(fields=faults)
    if len(await of_stone(session, stone)) >= MOST:
        raise BadInput(fields={"number": "bad_input"})
    said = {name: getattr(paper, name) for name in paper.__slots__}
    row = StoneReference(
        public_id=ulid(now),
        stone=stone,
        digest=sha256_hex(data if data else canonical({name: value for name, value in said.items() if value})),
        by=by,
        at=now,
        **said,
    )
    session.add(row)
    record(session, "stone:reference_added", stone, by=by, at=now, reference=row.public_id, kind=paper.kind)
    record(session, CONTENT_CHANGED, stone, by=by, at=now)
    await session.flush()
    return row


async def withdraw(session: AsyncSession, *, stone: str, public_id: str, by: str, now: datetime) -> None:
    """The paper no longer stands beside the stone; what passports said of it stays in their old versions."""
    wanted = select(StoneReference).where(StoneReference.public_id == public_id, StoneReference.stone == stone)
    row = await session.scalar(wanted.with_for_update())
    if row is None:
        raise NotFound()
    if row.withdrawn_at is None:
        row.withdrawn_at = now
        record(session, "stone:reference_withdrawn", stone, by=by, at=now, reference=public_id)
        record(session, CONTENT_CHANGED, stone, by=by, at=now)


async def end_due(sessions: Sessions, now: datetime) -> int:
    """Certificates whose last day has passed stand in no new passport; holder and house are told. Answers how many."""
    today = now.date().isoformat()
    due = (
        select(StoneReference.id)
        .where(
            StoneReference.valid_to < today, StoneReference.withdrawn_at.is_(None), StoneReference.ended_at.is_(None)
        )
        .order_by(StoneReference.valid_to, StoneReference.id)
        .limit(AT_ONCE)
    )
    async with reading(sessions) as session:
        if await session.scalar(due.limit(1)) is None:
            return 0
    async with sessions.begin() as session:
        found = select(StoneReference).where(StoneReference.id.in_(list(await session.scalars(due))))
        found = found.where(StoneReference.withdrawn_at.is_(None), StoneReference.ended_at.is_(None))
        rows = (await session.scalars(found.order_by(StoneReference.id).with_for_update())).all()
        for row in rows:
            row.ended_at = now
            facts = {"reference": row.public_id, "kind": row.kind, "number": row.number, "day": row.valid_to}
            record(session, ENDED, row.stone, by=None, at=now, **facts)
            record(session, CONTENT_CHANGED, row.stone, by=None, at=now)
    return len(rows)


async def ended(session: AsyncSession, stone: str) -> Sequence[StoneReference]:
    """Certificates that ended and that nobody has withdrawn yet, the first first."""
    wanted = select(StoneReference).where(StoneReference.stone == stone, StoneReference.withdrawn_at.is_(None))
    return (await session.scalars(wanted.where(StoneReference.ended_at.is_not(None)).order_by(StoneReference.id))).all()


async def of_stone(session: AsyncSession, stone: str) -> Sequence[StoneReference]:
    """The papers that nobody withdrew, the first first; some may have ended."""
    wanted = select(StoneReference).where(StoneReference.stone == stone, StoneReference.withdrawn_at.is_(None))
    return (await session.scalars(wanted.order_by(StoneReference.id))).all()


async def stated_origins(session: AsyncSession, stones: Sequence[str]) -> dict[str, dict[str, str]]:
    """For each stone the countries that reports of others state, by the report's name."""
    wanted = select(
        StoneReference.stone, StoneReference.issuer, StoneReference.number, StoneReference.stated_country
    ).where(
        StoneReference.stone.in_(stones),
        StoneReference.kind == ReferenceKind.ORIGIN_REPORT,
        StoneReference.withdrawn_at.is_(None),
    )
    found: dict[str, dict[str, str]] = {}
    for row in await session.execute(wanted.order_by(StoneReference.id)):
        found.setdefault(row.stone, {})[f"{row.issuer} {row.number}"] = row.stated_country
    return found


def faults_of(paper: Paper) -> dict[str, str]:
    """What of it cannot be right, by field."""
    faults = {}
    report = paper.kind == ReferenceKind.ORIGIN_REPORT
    if paper.kind not in set(ReferenceKind):
        faults["kind"] = "bad_input"
    if not 1 <= len(paper.issuer) <= 120 or not paper.issuer.isprintable():
        faults["issuer"] = "bad_input"
    if _NUMBER.fullmatch(paper.number) is None:
        faults["number"] = "bad_input"
    if paper.scheme is not None and (len(paper.scheme) > 120 or not paper.scheme.isprintable()):
        faults["scheme"] = "bad_input"
    if report != (paper.stated_country is not None) or (report and not _COUNTRY.fullmatch(paper.stated_country or "")):
        faults["stated_country"] = "bad_input"
    for name, day, needed in (("day", paper.day, report), ("valid_to", paper.valid_to, not report)):
        if (day is None) == needed or (day is not None and not _is_day(day)):
            faults[name] = "bad_input"
    return faults


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
