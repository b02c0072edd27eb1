"""The facts hash of a stone (passport spec 1): what a lot carries and watches."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import Stone
from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.provenance import passport_sources


async def facts_hashes(session: AsyncSession, stones: Iterable[Stone]) -> dict[str, str]:
    """The hash that each stone's passport has or, issued now, would have. A stone without a logged chain behind its
    verdict has no passport; its own columns are hashed instead."""
    listed = list(stones)
    known = await passport_sources.facts_hashes(session, [stone.public_id for stone in listed])
    return {stone.public_id: known.get(stone.public_id) or _column_hash(stone) for stone in listed}


def lot_hash(hashes: Sequence[str]) -> str:
    """One stone's own hash; of several stones the hash of their list in the lot's order."""
    return hashes[0] if len(hashes) == 1 else sha256_hex(canonical(list(hashes)))


def _column_hash(stone: Stone) -> str:
    return sha256_hex(canonical(published_facts(stone)))


def published_facts(stone: Stone) -> dict[str, Any]:
    """What the passport says of the stone itself, its origin and its report: integers and texts, no prices."""
    return {
        "characteristics": {
            "species": stone.species,
            "claim": "natural",
            "shape": stone.shape,
            "mass_mct": stone.weight_mct,
            "dimensions_um": {"length": stone.length_um, "width": stone.width_um, "depth": stone.depth_um},
            "color": stone.color,
            "fancy": [stone.fancy_intensity, stone.fancy_overtone, stone.fancy_color],
            "clarity": stone.clarity,
            "cut": stone.cut,
            "polish": stone.polish,
            "symmetry": stone.symmetry,
            "fluorescence": [stone.fluor_intensity, stone.fluor_color],
            "treatment": stone.treatment,
        },
        "origin": {
            "id": stone.origin_id,
            "mine": {"country": stone.mine_country, "name": stone.mine, "producer": stone.producer},
            "rough": {"mass_mct": stone.rough_weight_mct},
            "cutter": {"displayName": stone.cutter_name if stone.cutter_named else None, "years": stone.cutter_years},
        },
        "reports": [{"lab": stone.lab, "number": stone.report_no}],
    }
