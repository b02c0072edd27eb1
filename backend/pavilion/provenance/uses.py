"""What the chains of our stones lay claim to, so that no report, piece, rough or certificate serves twice."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.provenance.casefile import inscription_of
from pavilion.provenance.dossier import Dossier
from pavilion.provenance.facts import TRANSFORMATIONS, Elsewhere
from pavilion.provenance.lineage import holds_number
from pavilion.provenance.models import ChainUse
from pavilion.provenance.registries.port import plain_bytes

AT_ONCE = 5_000  # names asked for in one query


class Use(NamedTuple):
    what: str
    piece: str
    stone: str
    mct: int
    detail: str


class Uses:
    """The claims of stones known so far; each stone of a batch sees those before it."""

    def __init__(self, known: Iterable[Use]) -> None:
        self._by_what: dict[str, list[Use]] = defaultdict(list)
        for use in known:
            self._by_what[use.what].append(use)

    def add(self, uses: Iterable[Use]) -> None:
        for use in uses:
            self._by_what[use.what].append(use)

    def elsewhere(self, dossier: Dossier, own: Sequence[Use]) -> Elsewhere:
        """What other stones say about the pieces and numbers of this one."""
        consumed: set[str] = set()
        reports, inscriptions, conflicts = set(), set(), set()
        siblings: dict[str, int] = {}
        certified: dict[str, dict[str, int]] = defaultdict(dict)
        exported = {use.piece for use in own if use.what.startswith("kp:")}
        for use in own:
            kind, _, rest = use.what.partition(":")
            for other in self._by_what.get(use.what, ()):
                if other.stone == use.stone:
                    continue
                if kind == "origin":
                    consumed.add(dossier.piece)
                elif kind == "piece" and other.detail != use.detail:
                    consumed.add(use.piece)
                elif kind == "report":
                    reports.add(rest)
                elif kind == "inscription":
                    inscriptions.add(rest)
                elif kind == "rough":
                    siblings[other.piece] = other.mct
                elif kind == "kp":
                    if other.detail != use.detail:
                        conflicts.add(rest)
                    if other.piece not in exported:
                        certified[rest][other.piece] = other.mct
        return Elsewhere(
            reports_in_use=frozenset(reports),
            inscriptions_in_use=frozenset(inscriptions),
            consumed=frozenset(consumed),
            siblings_mct=siblings,
            kp_used_mct={number: sum(pieces.values()) for number, pieces in certified.items()},
            kp_conflicts=frozenset(conflicts),
        )


def uses_of(dossier: Dossier) -> list[Use]:
    """The claims of one stone's chain. Pieces are known by their registry's names."""
    stone, registry = dossier.claim.stone, dossier.producer.registry
    found = [Use(f"origin:{registry}:{dossier.claim.origin_id}", "", stone, 0, "")]
    mass: dict[str, int] = {}
    numbers: list[str] = []
    lineage = pieces_of(dossier)
    for event in dossier.events:
        mass.update(event.outputs)
        if event.kind == "MINED":
            for piece in lineage.intersection(event.outputs):
                found.append(Use(f"rough:{registry}:{piece}", dossier.piece, stone, 0, ""))
        elif event.kind in TRANSFORMATIONS:
            what = (event.kind, event.day, event.by, event.inputs, sorted(event.outputs.items()), event.loss_mct)
            detail = hashlib.sha256(repr(what).encode()).hexdigest()
            for piece in lineage.intersection(event.inputs):
                found.append(Use(f"piece:{registry}:{piece}", piece, stone, mass.get(piece, 0), detail))
        elif event.kind == "KP_EXPORT" and event.kp is not None:
            detail = hashlib.sha256(plain_bytes(event.more["kp"])).hexdigest()
            for piece in lineage.intersection(event.objects):
                found.append(Use(f"kp:{event.kp.no}", piece, stone, mass.get(piece, 0), detail))
        elif event.report is not None and dossier.piece in event.objects:
            found.append(Use(f"report:{event.report.lab}:{event.report.no}", "", stone, 0, ""))
            numbers.append(event.report.no)
    inscription = dossier.claim.inscription or inscription_of(dossier.piece, dossier.events)
    if inscription and not any(holds_number(inscription, number) for number in numbers):
        found.append(Use(f"inscription:{inscription}", "", stone, 0, ""))
    polished = mass.get(dossier.piece, 0)
    # Names longer than the table's are cut alike everywhere, which can only find more conflicts, never fewer.
    kept: dict[tuple[str, str], Use] = {}
    for use in found:
        cut = use._replace(what=use.what[:160], piece=use.piece[:80])
        kept[cut.what, cut.piece] = cut._replace(mct=polished) if cut.what.startswith("rough:") else cut
    return list(kept.values())


async def known_uses(session: AsyncSession, wanted: Iterable[str]) -> Uses:
    names, found = sorted(set(wanted)), Uses(())
    columns = (ChainUse.what, ChainUse.piece, ChainUse.stone, ChainUse.mct, ChainUse.detail)
    for start in range(0, len(names), AT_ONCE):
        rows = await session.execute(select(*columns).where(ChainUse.what.in_(names[start : start + AT_ONCE])))
        found.add(Use(*row) for row in rows)
    return found


def pieces_of(dossier: Dossier) -> set[str]:
    """The stone and everything it was made from, by the names of its registry."""
    pieces, waiting = {dossier.piece}, [dossier.piece]
    while waiting:
        wanted = waiting.pop()
        for event in dossier.events:
            if wanted in event.outputs:
                waiting += [piece for piece in event.inputs if piece not in pieces]
                pieces.update(event.inputs)
    return pieces
