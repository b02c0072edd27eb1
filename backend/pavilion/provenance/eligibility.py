"""May this stone be sold there on that day? The second answer beside the verdict, from the kept chain and dated law."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance import documents, law
from pavilion.provenance.facts import MAX_MCT, POLISHING, Facts, Happening, happenings
from pavilion.provenance.findings import VerdictCode
from pavilion.provenance.law_models import GrandfatherClaim
from pavilion.provenance.lineage import Case, case_of
from pavilion.provenance.models import ChainEvent, StoneVerdict
from pavilion.provenance.table_versions import tables_in_force
from pavilion.provenance.tables import Tables, shipped

KEPT = 20_000  # stones whose answers of the day are remembered
AT_ONCE = 500
BREATH = 8  # stones answered before others in the process get a turn


class Closed(NamedTuple):
    """Why a stone may not be sold to a destination: the rule, the entry of the law table, and what it rests on."""

    code: str
    entry: str
    source: str


ELIGIBLE: tuple[Closed, ...] = ()
Answers = Mapping[str, Mapping[str, Closed]]


def eligibility(facts: Facts, destination: str, day: date, tables: Tables | None = None) -> tuple[Closed, ...]:
    """ELIGIBLE, or every rule that closes the destination to the stone on that day. Pure."""
    return _answer(case_of(facts, tables or shipped()), destination, day)


async def closed(
    session: AsyncSession, stones: Collection[str], day: date, destinations: Collection[str] = ()
) -> Answers:
    """Of each stone the destinations where it may not be sold that day, with the first reason. Asked for are the
    countries of the law table and `destinations`; any other country has been reviewed by nobody and is closed. Chains
    are read only for what has not been answered since the verdict, the day or the law changed."""
    tables = await tables_in_force(session)
    countries = tables.regions.keys() | (tables.reviewed - set(tables.regions.values()))
    wanted = countries | frozenset(destinations)
    grounds = await _grounds(session, stones)
    answers = {stone: _remembered((ground.key, day, tables.sha256["law"])) for stone, ground in grounds.items()}
    unknown = {stone: grounds[stone] for stone, known in answers.items() if not wanted <= known.keys()}
    for nth, (stone, case) in enumerate((await _cases(session, unknown, tables, day)).items(), start=1):
        if nth % BREATH == 0:
            await asyncio.sleep(0)
        for cc in wanted - answers[stone].keys():
            answers[stone][cc] = _answer(case, cc, day)
    return {stone: {cc: known[cc][0] for cc in sorted(wanted) if known[cc]} for stone, known in answers.items()}


async def of_stone(session: AsyncSession, stone: str, destination: str, day: date) -> tuple[Closed, ...]:
    """The full answer for one stone and one destination."""
    return _answer((await cases_of(session, [stone], day))[stone], destination, day)


async def cases_of(session: AsyncSession, stones: Collection[str], day: date) -> dict[str, Case]:
    """The kept chains as the law reads them."""
    return await _cases(session, await _grounds(session, stones), await tables_in_force(session), day)


def _answer(case: Case, destination: str, day: date) -> tuple[Closed, ...]:
    asked = case._replace(facts=replace(case.facts, market=destination, as_of=day))
    found = [] if case.roots else [Closed(one.code or "", one.id, one.source) for one in law.origin_entries(asked)]
    found += [_closed(finding.code, finding.params) for finding in law.market(asked)]
    return tuple(dict.fromkeys(found))


def _closed(code: str, params: Mapping[str, Any]) -> Closed:
    return Closed(code, str(params.get("entry", "")), str(params.get("source", "")))


class _Ground(NamedTuple):
    """What an answer rests on besides the day and the law: the verdict, with all its inputs, and a claim."""

    verdict: StoneVerdict | None
    grandfather: GrandfatherClaim | None

    @property
    def key(self) -> tuple[str, ...] | None:
        if self.verdict is None:
            return None  # nothing to remember it by
        claim = "" if self.grandfather is None else str(self.grandfather.id)
        return self.verdict.stone, self.verdict.verdict_sha256, claim


async def _grounds(session: AsyncSession, stones: Collection[str]) -> dict[str, _Ground]:
    verdicts = {row.stone: row for row in await _rows(session, StoneVerdict, stones)}
    claims = {row.stone: row for row in await _rows(session, GrandfatherClaim, stones, GrandfatherClaim.id)}
    return {stone: _Ground(verdicts.get(stone), claims.get(stone)) for stone in stones}


async def _cases(session: AsyncSession, grounds: Mapping[str, _Ground], tables: Tables, day: date) -> dict[str, Case]:
    chains: dict[str, list[str]] = {stone: [] for stone in grounds}
    for event in await _rows(session, ChainEvent, chains, ChainEvent.seq):
        chains[event.stone].append(event.body)
    cases: dict[str, Case] = {}
    for nth, (stone, bodies) in enumerate(chains.items(), start=1):
        if nth % BREATH == 0:
            await asyncio.sleep(0)
        cases[stone] = _case(stone, grounds[stone], bodies, tables, day)
    return cases


async def _rows(session: AsyncSession, model: Any, stones: Collection[str], *order: Any) -> Sequence[Any]:
    wanted = sorted(set(stones))
    found: list[Any] = []
    for start in range(0, len(wanted), AT_ONCE):
        part = select(model).where(model.stone.in_(wanted[start : start + AT_ONCE])).order_by(model.stone, *order)
        found += (await session.scalars(part)).all()
    return found


def _case(stone: str, ground: _Ground, bodies: Sequence[str], tables: Tables, day: date) -> Case:
    events, verdict = happenings(json.loads(body) for body in bodies), ground.verdict
    claim: Mapping[str, Any] = verdict.claim if verdict is not None else {}
    piece = _piece(events) or claim.get("origin_id", stone)
    facts = Facts(
        stone=piece,
        as_of=day,
        events=events,
        species=claim.get("species", "diamond"),
        mass_mct=_mass(claim, piece, events),
        shape=claim.get("shape"),
        grandfather=ground.grandfather.document if ground.grandfather is not None else None,
    )
    case = case_of(facts, tables)
    if verdict is None or verdict.verdict != VerdictCode.VERIFIED:
        return case
    return case._replace(facts=replace(facts, documents=documents.provided(case)))


def _piece(events: Sequence[Happening]) -> str | None:
    """The polished stone of a kept chain: what was last graded or tested, or came last off the wheel."""
    for event in reversed(events):
        if event.kind in ("GRADED", "REGRADED", "TESTED_NATURAL") and len(event.objects) == 1:
            return str(event.objects[0])
    for event in reversed(events):
        if event.kind in POLISHING and len(event.outputs) == 1:
            return str(min(event.outputs))
    return None


def _mass(claim: Mapping[str, Any], piece: str, events: Iterable[Happening]) -> int:
    """Unknown counts as the heaviest: no threshold is passed under."""
    if isinstance(weighed := claim.get("mass_mct"), int):
        return weighed
    made = [event.outputs[piece] for event in events if piece in event.outputs]
    return made[-1] if made else MAX_MCT


def _remembered(key: tuple[tuple[str, ...] | None, date, str]) -> dict[str, tuple[Closed, ...]]:
    """The answers already given on these grounds, that day and under that law; the oldest go first."""
    if key[0] is None:
        return {}
    known = _KNOWN.setdefault(key, {})
    while len(_KNOWN) > KEPT:
        _KNOWN.popitem(last=False)
    return known


_KNOWN: OrderedDict[tuple[tuple[str, ...] | None, date, str], dict[str, tuple[Closed, ...]]] = OrderedDict()
