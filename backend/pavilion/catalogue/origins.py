"""Where stones come from, as programs are told: mine, rough, cutter, verdict, and where the proofs are."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue.models import Stone
from pavilion.provenance import passport_queries
from pavilion.provenance import queries as provenance


async def of_stones(session: AsyncSession, stones: Sequence[Stone], public_url: str) -> dict[str, dict[str, Any]]:
    """The origin of each stone by its public id."""
    ids = [stone.public_id for stone in stones]
    verdicts = await provenance.verdicts_of(session, ids)
    cutters = await provenance.cutters_of(session, ids)
    papers = await passport_queries.newest_of(session, ids)
    found = {}
    for stone in stones:
        verdict, n = verdicts.get(stone.public_id), papers.get(stone.public_id)
        own = f"{public_url.rstrip('/')}/passports/{stone.public_id}"
        found[stone.public_id] = {
            "registry": stone.origin_registry,
            "origin_id": stone.origin_id,
            "mine": stone.mine,
            "country": stone.mine_country,
            "producer": stone.producer,
            "rough_weight_mct": stone.rough_weight_mct,
            "yield_bp": _yield_bp(stone),
            "cutter": _cutter(cutters.get(stone.public_id)),
            "verdict": verdict and {"verdict": verdict.verdict, "grade": verdict.grade, "ruleset": verdict.ruleset},
            "passport": {"n": n, "url": f"{own}/{n}", "proof": f"{own}/proof", "bundle": f"{own}/bundle"}
            if n
            else None,
        }
    return found


def _yield_bp(stone: Stone) -> int | None:
    """What is left of the rough, in hundredths of a percent; half up."""
    rough = stone.rough_weight_mct
    return (stone.weight_mct * 20_000 + rough) // (2 * rough) if rough else None


def _cutter(said: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The last cutter in the chain; the name only where its bearer does not mind."""
    if said is None:
        return None
    return {"name": said.get("name") if said.get("consent") == "name" else None, "years": said.get("years")}
