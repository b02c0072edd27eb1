"""What registries handed over becomes part of a stone's record and of the public log, before anybody judges it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.putting import put
from pavilion.provenance import log as public_log
from pavilion.provenance import log_queries
from pavilion.provenance.dossier import Dossier, Link
from pavilion.provenance.facts import Happening
from pavilion.provenance.issuers import IssuerKeys
from pavilion.provenance.log import Leaf, LogSigner
from pavilion.provenance.models import ChainEvent, StoneVerdict
from pavilion.provenance.putting import put_inputs
from pavilion.provenance.table_versions import house_in_force
from pavilion.provenance.trust import Trust
from pavilion.provenance.trust_table import decided, in_force, name_of

HOUSE = "pavilion.localhost"  # a process that signs nothing speaks for the house of this name
_ONE_AT_A_TIME = 0x70_72_6F_76  # advisory lock: no two batches claim the same piece unseen
_EVERYTHING = 2**62


@dataclass(frozen=True, slots=True)
class Recorded:
    """A dossier whose chain is kept and logged. `places` are its events' places in the log, `covered` how many leaves
    stand under a checkpoint that counts."""

    dossier: Dossier
    trust: Trust
    was: StoneVerdict | None
    places: tuple[int | None, ...]
    covered: int
    unbroken: bool  # it goes on from what was kept earlier, or is not kept at all
    overdue: bool  # some event has waited too long for its witnesses

    @property
    def waits(self) -> bool:
        """Some event stands in the log, but not yet under a checkpoint that counts."""
        return not self.overdue and any(place is not None and place >= self.covered for place in self.places)

    @property
    def awaits_log(self) -> bool:
        """Nothing can be judged yet."""
        return self.waits and not self.behind

    @property
    def behind(self) -> bool:
        """Only what was judged before is judged again: the events that came since wait for their witnesses."""
        was = self.was
        if not self.waits or was is None or was.verdict == "pending":
            return False
        return self._seen() > 0 and was.claim == self.dossier.claim.document()

    @property
    def highest(self) -> int:
        """How many leaves must be covered before all of its events are."""
        return max((place + 1 for place in self.places if place is not None), default=0)

    def judged(self) -> tuple[Sequence[Link], Sequence[Happening], Sequence[int | None]]:
        """The events that are judged now, and where each stands in the log."""
        count = self._seen() if self.behind else 0 if self.awaits_log else len(self.places)
        logged = [place if place is not None and place < self.covered else None for place in self.places[:count]]
        return self.dossier.links[:count], self.dossier.events[:count], logged

    def _seen(self) -> int:
        """How many events from the first on are covered."""
        return next(
            (n for n, place in enumerate(self.places) if place is None or place >= self.covered), len(self.places)
        )


async def record(
    session: AsyncSession,
    dossiers: Sequence[Dossier],
    now: datetime,
    *,
    log: LogSigner | None = None,
    rehearsal: bool = False,
) -> list[Recorded]:
    """New events are kept and have their places in the log; what was recorded before is not recorded again. In a
    rehearsal nothing is written, and everything counts as logged."""
    stones = [dossier.claim.stone for dossier in dossiers]
    assert len(set(stones)) == len(stones), "a stone twice in one batch"
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
    standing, heads, tables = await _standing(session, stones), await _heads(session, stones), _Tables(session, now)
    await tables.read()
    checked = [tables.checked(dossier) for dossier in dossiers]
    fresh = [_continued(dossier, heads.get(dossier.claim.stone)) for dossier in checked]
    places: list[list[int | None]] = [[None] * len(dossier.links) for dossier in checked]
    kept = [n for n, dossier in enumerate(checked) if dossier.keeps_chain and fresh[n] is not None]
    if rehearsal:
        for n in kept:
            places[n] = list(range(len(checked[n].links)))
        covered = _EVERYTHING
    else:
        rows = [row for n in kept for row in _rows(checked[n].claim.stone, fresh[n] or (), now)]
        await put(session, ChainEvent, rows)
        loose = [link for n, dossier in enumerate(checked) if n not in set(kept) for link in dossier.links]
        await put_inputs(session, {link.sha256: link.body for link in loose})
        await _log(session, [(checked[n], places[n]) for n in kept], heads, log, now)
        covered = await (log.cover_now(session, now) if log is not None else public_log.covered(session))
    overdue = await _overdue(session, checked, places, heads, covered, now)
    return [
        Recorded(
            dossier=dossier,
            trust=tables.trust(dossier),
            was=standing.get(dossier.claim.stone),
            places=tuple(places[n]),
            covered=covered,
            unbroken=fresh[n] is not None,
            overdue=dossier.claim.stone in overdue,
        )
        for n, dossier in enumerate(checked)
    ]


def host_of(log: LogSigner | None) -> str:
    return HOUSE if log is None else log.origin.removesuffix("/origin")


def did_of(host: str, party: str | None = None) -> str:
    """The house's DID, or that of a party which it hosts."""
    house = f"did:web:{quote(host, safe='.-_')}"
    return house if party is None else f"{house}:did:{quote(party, safe='._-')[:200]}"


class _Tables:
    """Trust and keys in force, joined with what each connected registry brings."""

    def __init__(self, session: AsyncSession, now: datetime) -> None:
        self._session, self._now = session, now
        self._trust: dict[str, Trust] = {}
        self._keys: dict[str, IssuerKeys] = {}

    async def read(self) -> None:
        self._in_force, self._decided = await in_force(self._session, self._now), await decided(self._session)

    def trust(self, dossier: Dossier) -> Trust:
        theirs = dossier.trust
        if theirs.sha256 not in self._trust:
            others = theirs.without(lambda row: name_of(row) in self._decided)
            self._trust[theirs.sha256] = self._in_force.trust.with_(others)
        return self._trust[theirs.sha256]

    def checked(self, dossier: Dossier) -> Dossier:
        theirs = dossier.keys
        if theirs.sha256 not in self._keys:
            self._keys[theirs.sha256] = self._in_force.keys.with_(theirs)
        return dossier.checked_with(self._keys[theirs.sha256])


def _continued(dossier: Dossier, head: tuple[int, str] | None) -> tuple[tuple[int, Link], ...] | None:
    """The links that follow those already kept; None if the record no longer begins with what was kept."""
    if not dossier.keeps_chain:
        return ()
    links = tuple(enumerate(dossier.links))
    if head is None:
        return links
    seq, sha256 = head
    if len(links) <= seq or dossier.links[seq].sha256 != sha256:
        return None
    return links[seq + 1 :]


def _rows(stone: str, fresh: Iterable[tuple[int, Link]], now: datetime) -> Iterable[dict[str, object]]:
    for seq, link in fresh:
        kind, at, body, sha256, prev = link
        yield {
            "stone": stone,
            "seq": seq,
            "kind": kind,
            "at": at,
            "body": body,
            "sha256": sha256,
            "prev_sha256": prev,
            "recorded_at": now,
        }


async def _log(
    session: AsyncSession,
    kept: Sequence[tuple[Dossier, list[int | None]]],
    heads: Mapping[str, tuple[int, str]],
    log: LogSigner | None,
    now: datetime,
) -> None:
    """Every kept event has its place in the log; those without one get the next."""
    before = [(d, list(range(heads[d.claim.stone][0] + 1))) for d, _ in kept if d.claim.stone in heads]
    subjects = [f"{dossier.claim.stone}/{seq}" for dossier, seqs in before for seq in seqs]
    known = await log_queries.indices(session, "event", subjects) if subjects else {}
    leaves: list[Leaf] = []
    missing: list[tuple[list[int | None], int]] = []
    dids, host = dict[str | None, str](), host_of(log)
    for dossier, places in kept:
        stone = dossier.claim.stone
        for seq, link in enumerate(dossier.links):
            if known and (place := known.get(f"{stone}/{seq}")) is not None:
                places[seq] = place
                continue
            issuer = dossier.events[seq].issuer or ""
            if issuer not in dids:
                dids[issuer] = did_of(host, issuer or "unknown")
            leaves.append(Leaf("event", f"{stone}/{seq}", link.body.encode(), dids[issuer]))
            missing.append((places, seq))
    given = await public_log.append(session, leaves, now)
    for (places, seq), place in zip(missing, given, strict=True):
        places[seq] = place


async def _overdue(
    session: AsyncSession,
    dossiers: Sequence[Dossier],
    places: Sequence[Sequence[int | None]],
    heads: Mapping[str, tuple[int, str]],
    covered: int,
    now: datetime,
) -> set[str]:
    """Stones with an event that has waited for its witnesses longer than the house lets it."""
    waiting: dict[str, int] = {}
    for dossier, each in zip(dossiers, places, strict=True):
        first = next((seq for seq, place in enumerate(each) if place is not None and place >= covered), None)
        head = heads.get(dossier.claim.stone)
        if first is not None and head is not None and first <= head[0]:
            waiting[dossier.claim.stone] = first
    if not waiting:
        return set()
    rows = await session.execute(
        select(ChainEvent.stone, ChainEvent.seq, ChainEvent.recorded_at).where(ChainEvent.stone.in_(waiting))
    )
    patience = (await house_in_force(session)).unwitnessed
    return {stone for stone, seq, at in rows if seq == waiting[stone] and now - at > patience}


async def _standing(session: AsyncSession, stones: Sequence[str]) -> dict[str, StoneVerdict]:
    wanted = select(StoneVerdict).where(StoneVerdict.stone.in_(stones)).order_by(StoneVerdict.stone).with_for_update()
    return {row.stone: row for row in await session.scalars(wanted.execution_options(populate_existing=True))}


async def _heads(session: AsyncSession, stones: Sequence[str]) -> dict[str, tuple[int, str]]:
    """The last kept event of each chain."""
    if not stones:
        return {}
    last = select(ChainEvent.stone, func.max(ChainEvent.seq).label("seq")).where(ChainEvent.stone.in_(stones))
    top = last.group_by(ChainEvent.stone).subquery()
    joined = (ChainEvent.stone == top.c.stone) & (ChainEvent.seq == top.c.seq)
    rows = await session.execute(select(ChainEvent.stone, ChainEvent.seq, ChainEvent.sha256).join(top, joined))
    return {stone: (seq, sha256) for stone, seq, sha256 in rows}
