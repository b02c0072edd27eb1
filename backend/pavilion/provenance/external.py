"""External ids of stones: rows of scheme and value, made from what was claimed and from what the chain says."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Select, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.putting import put
from pavilion.provenance.casefile import inscription_of
from pavilion.provenance.dossier import Dossier
from pavilion.provenance.external_models import ExternalId, Scheme
from pavilion.provenance.facts import POLISHING
from pavilion.provenance.models import StoneVerdict
from pavilion.provenance.registries.port import SHARED_PRODUCER

LONGEST = 160
REPORTING = ("GIA",)  # laboratories whose numbers have a scheme of their own


async def keep(session: AsyncSession, dossiers: Sequence[Dossier]) -> None:
    """The rows of these stones are what is claimed and known now."""
    stones = [dossier.claim.stone for dossier in dossiers]
    if not stones:
        return
    await session.execute(delete(ExternalId).where(ExternalId.stone.in_(stones)))
    await put(session, ExternalId, [row for dossier in dossiers for row in _rows(dossier)])


async def of_stone(session: AsyncSession, stone: str) -> Sequence[ExternalId]:
    wanted = select(ExternalId).where(ExternalId.stone == stone)
    return (await session.scalars(wanted.order_by(ExternalId.scheme, ExternalId.value))).all()


def named(said: str) -> Select[StoneVerdict]:
    """The stones, whatever their verdict, that bear this name in any scheme, or are called so by us."""
    bearing = select(ExternalId.stone).where(ExternalId.key == key_of(said))
    return select(StoneVerdict).where(or_(StoneVerdict.stone.in_(bearing), StoneVerdict.stone == said.strip().upper()))


def key_of(value: str) -> str:
    return "".join(value.split()).casefold()[:LONGEST]


def ids_of(dossier: Dossier) -> set[tuple[Scheme, str]]:
    """Every name of the stone. Names of its rough belong to the rough."""
    claim, found = dossier.claim, set[tuple[Scheme, str]]()
    shared = claim.origin_registry == SHARED_PRODUCER
    found.add((Scheme.TRACR if shared else Scheme.PRODUCER, claim.origin_id))
    if claim.lab in REPORTING and claim.report_no:
        found.add((Scheme.GIA_REPORT, claim.report_no))
    for event in dossier.events:
        if event.report is not None and event.report.lab in REPORTING and dossier.piece in event.objects:
            found.add((Scheme.GIA_REPORT, event.report.no))
        if event.kind in POLISHING and dossier.piece in event.outputs and (scan := event.text("scan")):
            found.add((Scheme.SCANNER, scan))
    if inscription := claim.inscription or inscription_of(dossier.piece, dossier.events):
        found.add((Scheme.INSCRIPTION, inscription))
    return {(scheme, value) for scheme, value in found if value.strip()}


def _rows(dossier: Dossier) -> Iterable[dict[str, str]]:
    kept = {(scheme, value[:LONGEST]) for scheme, value in ids_of(dossier)}
    for scheme, value in sorted(kept):
        yield {"stone": dossier.claim.stone, "scheme": scheme.value, "value": value, "key": key_of(value)}
