"""May this stone be sold there on that day? The second answer beside the verdict, from the kept chain and dated law."""

import json
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance import documents, law
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.facts import MAX_MCT, POLISHING, Facts, Happening, happenings
from pavilion.provenance.findings import VerdictCode
from pavilion.provenance.law_models import GrandfatherClaim
from pavilion.provenance.law_table import tables_in_force
from pavilion.provenance.lineage import Case, case_of
from pavilion.provenance.models import ChainEvent, StoneVerdict
from pavilion.provenance.tables import Tables, shipped

KEPT = 20_000  # stones whose answers of the day are remembered
AT_ONCE = 500


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
    countries of the law table and `destinations`; any other country has been reviewed by nobody and is closed."""
    tables = await tables_in_force(session)
    countries = tables.regions.keys() | (tables.reviewed - set(tables.regions.values()))
    wanted = countries | frozenset(destinations)
    found: dict[str, dict[str, Closed]] = {}
    for stone, (key, case) in (await _cases(session, stones, tables, day)).items():
        known = _remembered(key)
        for cc in wanted - known.keys():
            known[cc] = _answer(case, cc, day)
        found[stone] = {cc: known[cc][0] for cc in sorted(wanted) if known[cc]}
    return found


async def of_stone(session: AsyncSession, stone: str, destination: str, day: date) -> tuple[Closed, ...]:
    """The full answer for one stone and one destination."""
    tables = await tables_in_force(session)
    cases = await _cases(session, [stone], tables, day)
    return _answer(cases[stone][1], destination, day)


async def cases_of(session: AsyncSession, stones: Collection[str], day: date) -> dict[str, Case]:
    """The kept chains as the law reads them."""
    tables = await tables_in_force(session)
    return {stone: case for stone, (_, case) in (await _cases(session, stones, tables, day)).items()}


def _answer(case: Case, destination: str, day: date) -> tuple[Closed, ...]:
    asked = case._replace(facts=replace(case.facts, market=destination, as_of=day))
    found = [_closed(finding.code, finding.params) for finding in law.market(asked)]
    if not case.roots:
        found += [Closed(entry.code or "", entry.id, entry.source) for entry in law.origin_entries(asked)]
    return tuple(dict.fromkeys(found))


def _closed(code: str, params: Mapping[str, Any]) -> Closed:
    return Closed(code, str(params.get("entry", "")), str(params.get("source", "")))


async def _cases(
    session: AsyncSession, stones: Collection[str], tables: Tables, day: date
) -> dict[str, tuple[tuple[str, ...], Case]]:
    wanted = sorted(set(stones))
    found: dict[str, tuple[tuple[str, ...], Case]] = {}
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        verdicts = {row.stone: row for row in await _rows(session, StoneVerdict, part)}
        claims = {row.stone: row for row in await _rows(session, GrandfatherClaim, part, GrandfatherClaim.id)}
        chains: dict[str, list[str]] = {stone: [] for stone in part}
        for event in await _rows(session, ChainEvent, part, ChainEvent.seq):
            chains[event.stone].append(event.body)
        for stone in part:
            found[stone] = _case(stone, verdicts.get(stone), claims.get(stone), chains[stone], tables, day)
    return found


async def _rows(session: AsyncSession, model: Any, stones: Sequence[str], *order: Any) -> Sequence[Any]:
    wanted = select(model).where(model.stone.in_(stones)).order_by(model.stone, *order)
    return (await session.scalars(wanted.execution_options(populate_existing=True))).all()


def _case(
    stone: str,
    verdict: StoneVerdict | None,
    grandfather: GrandfatherClaim | None,
    bodies: Sequence[str],
    tables: Tables,
    day: date,
) -> tuple[tuple[str, ...], Case]:
    events = happenings(json.loads(body) for body in bodies)
    claim = ListingClaim.from_document(verdict.claim) if verdict is not None else None
    piece = _piece(events) or (claim.origin_id if claim is not None else stone)
    facts = Facts(
        stone=piece,
        as_of=day,
        events=events,
        species=claim.species if claim is not None else "diamond",
        mass_mct=_mass(claim, piece, events),
        shape=claim.shape if claim is not None else None,
        grandfather=grandfather.document if grandfather is not None else None,
    )
    case = case_of(facts, tables)
    if verdict is not None and verdict.verdict == VerdictCode.VERIFIED:
        case = case._replace(facts=replace(facts, documents=documents.provided(case)))
    last = str(grandfather.id) if grandfather is not None else ""
    sha256 = verdict.verdict_sha256 if verdict is not None else ""
    return (stone, sha256, str(len(bodies)), last, day.isoformat(), tables.sha256["law"]), case


def _piece(events: Sequence[Happening]) -> str | None:
    """The polished stone of a kept chain: what was last graded or tested, or came last off the wheel."""
    for event in reversed(events):
        if event.kind in ("GRADED", "REGRADED", "TESTED_NATURAL") and len(event.objects) == 1:
            return event.objects[0]
    for event in reversed(events):
        if event.kind in POLISHING and len(event.outputs) == 1:
            return min(event.outputs)
    return None


def _mass(claim: ListingClaim | None, piece: str, events: Iterable[Happening]) -> int:
    """Unknown counts as the heaviest: no threshold is passed under."""
    if claim is not None and claim.mass_mct is not None:
        return claim.mass_mct
    made = [event.outputs[piece] for event in events if piece in event.outputs]
    return made[-1] if made else MAX_MCT


def _remembered(key: tuple[str, ...]) -> dict[str, tuple[Closed, ...]]:
    """The answers already given for this stone, verdict, day and law; the oldest go first."""
    known = _KNOWN.get(key)
    if known is None:
        known = _KNOWN[key] = {}
        while len(_KNOWN) > KEPT:
            _KNOWN.popitem(last=False)
    return known


_KNOWN: OrderedDict[tuple[str, ...], dict[str, tuple[Closed, ...]]] = OrderedDict()
