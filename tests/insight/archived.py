"""An archive of made-up lots: written straight into its table, beside the sales they stand in."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.auctions.models import Sale
from pavilion.auctions.ruleset import INCREMENTS, PREMIUM, SOFT_CLOSE
from pavilion.insight import result_rules as rules
from pavilion.insight.results_models import ResultLot
from pavilion.kernel.ids import ulid
from pavilion.kernel.weight import per_carat_minor
from tests.luck import Random
from tests.make import NOON

SHAPES, COLOURS = ("round", "oval", "pear", "cushion", "emerald"), "DEFGHIJKL"
CLARITIES, LABS = ("IF", "VVS1", "VS1", "VS2", "SI1"), ("GIA", "HRD", "IGI")
HUES = ("yellow", "pink", "blue")


def closed_sale(place: int, **changes: Any) -> Sale:
    at = NOON - timedelta(days=30 * place + 30)
    facts: dict[str, Any] = {
        "public_id": ulid(at), "state": "closed", "title_en": f"Winter {place}", "title_zh": f"冬季 {place}",
        "currency": "USD", "zone": "Europe/Brussels", "entity": "ANT", "opens_at": at - timedelta(days=7),
        "first_close_at": at, "increments": INCREMENTS, "soft_close": SOFT_CLOSE, "premium": PREMIUM,
        "rules": {"v": 1}, "rules_hash": "ab" * 32, "created_at": at, "breaks": [],
    }  # fmt: skip
    return Sale(**facts | changes)


def result(sale: Sale, place: int, luck: Random, **changes: Any) -> dict[str, Any]:
    """One lot of the archive; what `changes` says stands, all that follows from it follows."""
    assert sale.first_close_at is not None
    weight, fancy = luck.randrange(300, 5000), luck.random() < 0.2
    facts: dict[str, Any] = {
        "lot": ulid(sale.first_close_at), "sale": sale.public_id, "position": place, "number": str(place),
        "title_en": f"Round {place}", "title_zh": f"圆形 {place}", "stones": 1, "shape": luck.choice(SHAPES),
        "color": "" if fancy else luck.choice(COLOURS), "fancy_color": luck.choice(HUES) if fancy else "",
        "clarity": luck.choice(CLARITIES), "lab": luck.choice(LABS), "weight_mct": weight,
        "currency": sale.currency, "state": luck.choice(("sold", "sold", "sold", "passed", "withdrawn")),
        "low": 1_000_000, "high": 1_400_000, "hammer": luck.randrange(500_000, 3_000_000, 5000), "bids": 7,
        "bidders": 3, "ended_at": sale.first_close_at + timedelta(minutes=place),
        "bids_told_at": sale.first_close_at + timedelta(days=5),
    } | changes  # fmt: skip
    sold = facts["state"] == "sold"
    facts["hammer"] = facts["hammer"] if sold else 0
    stands = rules.against(facts["hammer"], facts["low"], facts["high"]) if sold else rules.UNSOLD
    facts |= {
        "tone": rules.tone("diamond", facts["color"] or None), "premium": facts["hammer"] // 4,
        "per_carat": per_carat_minor(facts["hammer"], facts["weight_mct"]), "against": stands.where,
        "against_bp": stands.bp, "step": stands.step,
    }  # fmt: skip
    return facts


async def keep(session: AsyncSession, sales: Sequence[Sale], rows: Sequence[dict[str, Any]]) -> None:
    session.add_all(sales)
    await session.flush()
    for start in range(0, len(rows), 2000):
        await session.execute(insert(ResultLot), rows[start : start + 2000])
