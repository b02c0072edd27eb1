"""Exposed stones are looked at again for as long as they are exposed: by turns, and at once when something happened.

A look asks the registries. Only if they say something else than at the last look, or a whole day has passed, or an act
of ours made the stone due, is a verdict given anew; the act's follower and the looks are separate, and each may die
anywhere and be run again. A registry that is silent takes nothing away for a day, for it has said nothing new; but it
hides nothing either: what the others say meanwhile counts at once.
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from pavilion.kernel.db import Sessions, inserting, reading
from pavilion.kernel.events import Event, cursor_of, news, record
from pavilion.kernel.instants import stamp
from pavilion.provenance import service
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.dossier import Dossier
from pavilion.provenance.findings import VerdictCode
from pavilion.provenance.house import House, shipped_house
from pavilion.provenance.law_models import Recheck
from pavilion.provenance.log import LogSigner
from pavilion.provenance.models import ChainUse, ExposedStone, StoneVerdict
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.port import Registry, Status, plain_bytes
from pavilion.provenance.reported import REPORTED, stones_with
from pavilion.provenance.table_versions import house_in_force

FOLLOWER = "provenance:rechecks"
EVERYBODY = ("trust:", "law:", "table:", "sanctions:", "registry:")  # acts that may change any verdict
SIBLINGS = ("stone:verdict_changed", "stone:event_recorded")  # acts that may change those of the same rough
AT_ONCE = 200
SHARE, BREATH = 60, timedelta(seconds=1)  # stones whose turn it is, and how long until the next share
MOST_EVENTS = 500
FALLEN_FOR = timedelta(days=30)  # so long a stone that fell is asked about again
SILENCE = timedelta(hours=24)  # so long a silent registry takes nothing away
ASK_AGAIN = tuple(timedelta(seconds=s) for s in (10, 30, 60, 120, 300))  # a silent registry, ever less often,
LIVE_AGAIN = timedelta(seconds=30)  # but never more seldom than this about a stone in a live lot
SILENT = "silent"

Live = Callable[[AsyncSession], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a stone is looked at again without a reason: in a live lot, in the catalogue, and judged anew."""

    live: timedelta
    catalogue: timedelta
    judged: timedelta = timedelta(hours=24)


DEMO = Pace(live=timedelta(seconds=30), catalogue=timedelta(minutes=5))


def pace_of(house: House) -> Pace:
    sweep = timedelta(hours=house.sweep_hours)
    return Pace(timedelta(minutes=house.live_minutes), sweep, sweep)


async def nobody_live(_session: AsyncSession) -> Collection[str]:
    return ()


async def mark(session: AsyncSession, stones: Collection[str] | None, *, why: str, now: datetime) -> None:
    """These exposed stones, or all, are looked at again at the next tick, whatever their turn."""
    wanted: Any = select(ExposedStone.stone, literal(now, Recheck.__table__.c.due_at.type), literal(why), literal(""))
    wanted = wanted.where(literal(True) if stones is None else ExposedStone.stone.in_(sorted(stones)))
    row = inserting(session, Recheck).from_select(["stone", "due_at", "why", "heard"], wanted, include_defaults=False)
    said = {"due_at": row.excluded.due_at, "why": row.excluded.why}
    await session.execute(row.on_conflict_do_update(index_elements=["stone"], set_=said))


async def follow(sessions: Sessions, now: datetime) -> int:
    """What happened in the house made those stones due whose verdicts may rest on it; answers how many events."""
    if not await news(sessions, FOLLOWER):
        return 0
    async with sessions.begin() as session:
        cursor = await cursor_of(session, FOLLOWER, from_now=True)
        fresh = select(Event.id, Event.name, Event.subject).where(Event.id > cursor.last_id)
        events = (await session.execute(fresh.order_by(Event.id).limit(MOST_EVENTS))).all()
        everybody = sorted({event.name for event in events if event.name.startswith(EVERYBODY)})
        if everybody:
            await mark(session, None, why=everybody[0][:40], now=now)
        stones = {event.subject.partition("/")[0] for event in events if event.name in SIBLINGS}
        if stones and (others := await _siblings(session, stones)):
            await mark(session, others, why="sibling", now=now)
        reported = {event.subject for event in events if event.name == REPORTED}
        if reported and (touched := await stones_with(session, reported)):
            await mark(session, touched, why="reported", now=now)
        if events:
            cursor.last_id = events[-1].id
    return len(events)


class Sweep:
    """The looks of one worker, at the pace that the house has set; `pace` holds until somebody sets one."""

    def __init__(self, pace: Pace | None = None, live: Live = nobody_live) -> None:
        self._unset, self.live = pace, live
        self.pace = pace or pace_of(shipped_house())
        self._turns_at: datetime | None = None  # nobody's turn comes before

    async def tick(
        self, sessions: Sessions, registries: Registry | Registries, now: datetime, log: LogSigner | None = None
    ) -> int:
        """A batch of those due was looked at; answers how many. Registries are asked outside any transaction."""
        async with reading(sessions) as session:
            house = await house_in_force(session)
            self.pace = self._unset if self._unset and house == shipped_house() else pace_of(house)
            live = await self.live(session)
            wanted = await self._due(session, now, live)
            before = {row.stone: row for row in await _rechecks(session, wanted)}
            claims = await _claims(session, wanted)
        dossiers = await service.ask([claim for claim, _ in claims], registries, now, at_once=service.GENTLY)
        news, silent, same = [], [], []
        for dossier, (claim, judged_at) in zip(dossiers, claims, strict=True):
            last = before.get(claim.stone)
            if _is_silent(dossier) and now < ((last.looked_at if last else None) or judged_at) + SILENCE:
                silent.append(dossier)
            elif _has_news(dossier, last) or judged_at <= now - self.pace.judged:
                news.append(dossier)
            else:
                same.append(dossier)
        if silent:
            async with reading(sessions) as session:
                bad = await service.bad_news(session, dossiers=silent, now=now)
            news += [dossier for dossier in silent if dossier.claim.stone in bad]
            silent = [dossier for dossier in silent if dossier.claim.stone not in bad]
        for start in range(0, len(news), service.SHARE):
            share = news[start : start + service.SHARE]
            async with sessions.begin() as session:
                await service.settle(session, dossiers=share, now=now, log=log)
                await _looked(session, share, now)
        if dossiers:
            async with sessions.begin() as session:
                await _looked(session, same, now)
                await _ask_again(session, silent, set(live), now)
                if news:
                    record(
                        session, "origin:rechecked", stamp(now), by=None, at=now, looked=len(dossiers), new=len(news)
                    )
        return len(dossiers)

    async def _due(self, session: AsyncSession, now: datetime, live: Collection[str]) -> list[str]:
        """Those that something happened to; then those whose turn it is, in small shares so that bids never wait."""
        called = select(Recheck.stone).join(ExposedStone, ExposedStone.stone == Recheck.stone)
        called = called.where(Recheck.due_at <= now).order_by(Recheck.due_at, Recheck.stone).limit(AT_ONCE)
        if live and (found := list(await session.scalars(called.where(Recheck.stone.in_(sorted(live)))))):
            return found
        if found := list(await session.scalars(called)):
            return found
        if self._turns_at is not None and now < self._turns_at:
            return []
        found = await self._turns(session, now, live)
        self._turns_at = now + (BREATH if found else min(self.pace.live, self.pace.catalogue) / 5)
        return found

    async def _turns(self, session: AsyncSession, now: datetime, live: Collection[str]) -> list[str]:
        """Live lots first."""
        free = or_(Recheck.due_at.is_(None), Recheck.due_at <= now)
        wanted = select(ExposedStone.stone).outerjoin(Recheck, Recheck.stone == ExposedStone.stone).where(free)
        never = or_(Recheck.stone.is_(None), Recheck.looked_at.is_(None))
        if live:
            turn = or_(never, Recheck.looked_at <= now - self.pace.live)
            first = wanted.where(ExposedStone.stone.in_(sorted(live)), turn).order_by(ExposedStone.stone)
            if found := list(await session.scalars(first.limit(SHARE))):
                return found
        turn = or_(never, Recheck.looked_at <= now - self.pace.catalogue)
        if found := list(await session.scalars(wanted.where(turn).order_by(ExposedStone.stone).limit(SHARE))):
            return found
        return await self._fallen(session, now)

    async def _fallen(self, session: AsyncSession, now: datetime) -> list[str]:
        """Stones that were shown until a registry's word took them away: it may take its word back."""
        fell = select(Recheck.stone).join(StoneVerdict, StoneVerdict.stone == Recheck.stone)
        fell = fell.outerjoin(ExposedStone, ExposedStone.stone == Recheck.stone).where(ExposedStone.stone.is_(None))
        fell = fell.where(StoneVerdict.verdict == VerdictCode.REJECTED, StoneVerdict.decided_at > now - FALLEN_FOR)
        fell = fell.where(or_(Recheck.looked_at.is_(None), Recheck.looked_at <= now - self.pace.catalogue))
        return list(await session.scalars(fell.order_by(Recheck.stone).limit(SHARE)))


def heard(dossier: Dossier) -> str:
    """The hash of what all registries said: their facts, not the bytes around them."""
    said = [
        [answer.registry, answer.status.value, answer.reason.value if answer.reason else "", list(answer.differs),
         _plain(answer.fields)]
        for answer in sorted(dossier.answers, key=lambda one: one.registry)
    ]  # fmt: skip
    return hashlib.sha256(plain_bytes([said, [link.sha256 for link in dossier.links]])).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    return value if value is None or isinstance(value, str | int) else str(value)


def _has_news(dossier: Dossier, last: Recheck | None) -> bool:
    return last is None or last.due_at is not None or last.heard != heard(dossier)


def _is_silent(dossier: Dossier) -> bool:
    return any(answer.status is Status.UNAVAILABLE and answer.mandatory for answer in dossier.answers)


async def _siblings(session: AsyncSession, stones: Collection[str]) -> set[str]:
    """Other stones that lay claim to the same rough, pieces, papers or certificates."""
    own, other = aliased(ChainUse), aliased(ChainUse)
    same = select(other.stone).join(own, own.what == other.what)
    return set(await session.scalars(same.where(own.stone.in_(sorted(stones)), other.stone != own.stone).distinct()))


async def _rechecks(session: AsyncSession, stones: Collection[str]) -> Sequence[Recheck]:
    return (await session.scalars(select(Recheck).where(Recheck.stone.in_(stones)))).all()


async def _claims(session: AsyncSession, stones: Collection[str]) -> list[tuple[ListingClaim, datetime]]:
    wanted = select(StoneVerdict.claim, StoneVerdict.decided_at).where(StoneVerdict.stone.in_(stones))
    rows = await session.execute(wanted.order_by(StoneVerdict.stone))
    return [(ListingClaim.from_document(claim), at) for claim, at in rows if claim]


async def _looked(session: AsyncSession, dossiers: Sequence[Dossier], now: datetime) -> None:
    rows = [
        {"looked_at": now, "due_at": None, "why": "", "heard": heard(one), "stone": one.claim.stone} for one in dossiers
    ]
    await _put(session, rows)


async def _ask_again(session: AsyncSession, dossiers: Sequence[Dossier], live: Collection[str], now: datetime) -> None:
    stones = [dossier.claim.stone for dossier in dossiers]
    known = {row.stone: row for row in await _rechecks(session, stones)}
    for stone in stones:
        row = known.get(stone)
        if row is None:
            row = Recheck(stone=stone, due_at=None, why="", looked_at=None, heard="")
            session.add(row)
        word, _, times = row.why.partition(" ")
        before = int(times) if word == SILENT else 0
        wait = ASK_AGAIN[min(before, len(ASK_AGAIN) - 1)]
        row.due_at = now + (min(wait, LIVE_AGAIN) if stone in live else wait)
        row.why = f"{SILENT} {before + 1}"
    await session.flush()


async def _put(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await session.execute(delete(Recheck).where(Recheck.stone.in_([row["stone"] for row in rows])))
        session.add_all(Recheck(**row) for row in rows)
        await session.flush()
