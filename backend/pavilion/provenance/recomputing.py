"""A verdict given again from its inputs, its tables and its events: the same bytes, or another document. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pavilion.kernel.canon import no_fraction, read_json
from pavilion.provenance import tables as dated
from pavilion.provenance.casefile import basis_of, concluded, facts_of, verdict_document
from pavilion.provenance.dossier import chain_of
from pavilion.provenance.facts import MAX_EVENTS
from pavilion.provenance.issuers import IssuerKeys
from pavilion.provenance.registries.port import plain_bytes
from pavilion.provenance.rules import RULESET, judge
from pavilion.provenance.trust import Trust

MOST = 4 * 1024 * 1024  # bytes of one document that is read


class NotRecomputable(ValueError):
    """Something that the verdict rests on is missing, or is not what its hash says."""


def recompute(
    verdict: bytes,
    inputs: Mapping[str, bytes],
    tables: Mapping[str, bytes],
    events: Mapping[str, bytes],
    trust: bytes,
) -> bytes:
    """The document that follows from all this by the rules as they are shipped. NotRecomputable names what bars the
    way; a verdict that does not follow comes out as another document than the one handed in."""
    try:
        return _recomputed(read_json(verdict, MOST), inputs, tables, events, trust)
    except NotRecomputable:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as fault:
        raise NotRecomputable(f"unreadable: {type(fault).__name__}") from None


def _recomputed(
    said: Any, inputs: Mapping[str, bytes], tables: Mapping[str, bytes], events: Mapping[str, bytes], trust: bytes
) -> bytes:
    if said["ruleset"] != RULESET:
        raise NotRecomputable("rules of another version")
    case_sha256, keys_sha256, *decided = said["inputs"]
    case = _document(case_sha256, inputs)
    keys = IssuerKeys(_document(keys_sha256, inputs))
    decision = _document(decided[0], inputs) if decided else None
    if len(decided) > 1 or len(case["events"]) > MAX_EVENTS or len(case["logged"]) != len(case["events"]):
        raise NotRecomputable("no case of a stone")
    bodies = [_bytes(sha256, events).decode() for sha256 in case["events"]]
    read = _tables(said["tables"], tables)
    trusted = Trust(_whole(said["tables"]["trust"], trust))
    links, told = chain_of([_event(body) for body in bodies], bodies, keys)
    as_of = date.fromisoformat(said["as_of"])
    if decision is not None and (
        decision["stone"] != case["claim"]["stone"] or decision["basis"] != basis_of(case, links)
    ):
        raise NotRecomputable("a decision on another case")
    judgement = judge(facts_of(case, told, trusted, as_of), read)
    conclusion = concluded(case, judgement, decision)
    stone = case["claim"]["stone"]
    return verdict_document(stone, conclusion, said["inputs"], trust=trusted, tables=read, as_of=as_of)


def _bytes(sha256: str, documents: Mapping[str, bytes]) -> bytes:
    found = documents.get(sha256)
    if found is None:
        raise NotRecomputable(f"missing: {sha256}")
    if len(found) > MOST or hashlib.sha256(found).hexdigest() != sha256:
        raise NotRecomputable(f"changed: {sha256}")
    return found


def _document(sha256: str, documents: Mapping[str, bytes]) -> Any:
    """A canonical document: any other spelling of it would have another hash."""
    found = _bytes(sha256, documents)
    document = read_json(found, MOST)
    if plain_bytes(document) != found:
        raise NotRecomputable(f"not canonical: {sha256}")
    return document


def _whole(sha256: str, document: bytes) -> Sequence[Mapping[str, Any]]:
    rows: Sequence[Mapping[str, Any]] = _document(sha256, {sha256: document})
    return rows


def _event(body: str) -> dict[str, Any]:
    event = read_json(body, MOST, fraction=no_fraction)
    if not isinstance(event, dict):
        raise NotRecomputable("an event is no object")
    return event


def _tables(said: Mapping[str, str], tables: Mapping[str, bytes]) -> dated.Tables:
    wanted = {name: sha256 for name, sha256 in said.items() if name != "trust"}
    if wanted.keys() != dated.NAMES.keys():
        raise NotRecomputable("other tables than the rules read")
    shipped = dated.shipped()
    found = {name: tables[name] for name in wanted if name in tables}
    for name, sha256 in wanted.items():
        if name not in found:
            raise NotRecomputable(f"missing: table {name}")
        if hashlib.sha256(found[name]).hexdigest() != sha256:
            raise NotRecomputable(f"changed: table {name}")
    if wanted == shipped.sha256:
        return shipped  # these very bytes, read before
    return dated.read({name: found[name] for name in dated.NAMES})
