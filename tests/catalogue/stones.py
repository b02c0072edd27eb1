"""Stones and questions by the hundred, from a seed."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import service
from pavilion.catalogue.lying import Lies
from pavilion.catalogue.wanted import CHOICES, RANGES, SORTS, Wanted
from pavilion.kernel.events import record
from pavilion.provenance.models import ExposedStone, StoneVerdict
from tests import make
from tests.luck import Random

PRODUCERS = ("Northern Light Mines", "Debswana", "Lucara, Ltd", "Petra")
COUNTRIES = ("CA", "BW", "LS", "ZA")
CUTTERS = ("Mireille Aerts", "J. Peeters")
OFFICES = ("ant", "hkg")
LYING = (
    Lies("ant", "ant:-"), Lies("hkg", "hkg:20510-20520 ant:20523-"), Lies(None, "ant:20500-20505 hkg:20505-20505"),
    Lies("ant", None), Lies(),
)  # fmt: skip
SALES = ("01KJQ6PSG0HV0AR049QXJ3GC01", "01KJQ6PSG0HV0AR049QXJ3GC02")
LATER = {
    "fluorcolor": "fluor_color", "eye": "eye_clean", "milky": "milky", "shade": "shade", "black": "black_inclusion",
    "white": "white_inclusion", "open": "open_inclusion", "girdle": "girdle_min", "thickest": "girdle_max",
    "culet": "culet", "degree": "treatment_degree", "gemhue": "gem_hue", "tone": "gem_tone", "term": "color_term",
    "saturation": "gem_saturation", "transparency": "transparency", "gemclarity": "gem_clarity",
    "opinion": "origin_opinion",
}  # fmt: skip
DAY = (make.NOON.date() - date(1970, 1, 1)).days


def row(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A stone that a dealer would believe."""
    facts = {
        "stock_no": f"PV-{number:06}", "shape": "round", "weight_mct": 1020, "color": "G", "clarity": "VS2",
        "cut": "excellent", "polish": "excellent", "symmetry": "very_good", "fluor_intensity": "none",
        "lab": "GIA", "report_no": f"2{number:09}", "length_um": 6500, "width_um": 6470, "depth_um": 4010,
        "depth_pct": 6180, "table_pct": 5700, "crown_angle": 3450, "pavilion_angle": 4080,
        "price_per_carat_minor": 650_000, "currency": "USD", "origin_id": f"CA:{number:08}",
        "mine_country": "CA", "mine": "Ekati", "producer": "Northern Light Mines", "rough_weight_mct": 2400,
        "cutter_name": "Mireille Aerts", "cutter_years": 31, "city": "Antwerp", "country": "BE",
    }  # fmt: skip
    return facts | changes


def random_row(number: int, luck: Random) -> dict[str, Any]:
    """Any shape, colour, money and gap that the columns allow, within few enough values that filters meet."""
    facts = row(number, stock_no=f"{luck.choice(['PV', 'pv', 'LX'])}-{number:05}")
    for name, column in (("shape", "shape"), ("clarity", "clarity"), ("cut", "cut"), ("lab", "lab")):
        facts[column] = luck.choice(CHOICES[name].codes[:5])
    kind = luck.random()
    if kind < 0.2:
        facts |= {"color": None, "fancy_color": luck.choice(["yellow", "pink", "blue"])}
        facts["fancy_intensity"] = luck.choice(["fancy", "fancy_vivid", None])
        facts["fancy_overtone"] = luck.choice([None, ["brownish"], ["brownish", "greenish"], ["green" + "ish"]])
    elif kind < 0.3:
        facts |= {"species": "corundum", "variety": luck.choice(["ruby", "sapphire"]), "color": None, "clarity": None}
    else:
        facts["color"] = luck.choice([*CHOICES["color"].codes[:4], "O-P"])
    facts["weight_mct"] = luck.choice([luck.randrange(180, 6000), 1000, 1500])
    facts["price_per_carat_minor"] = luck.choice([None, luck.randrange(50_000, 3_000_000), 650_000])
    facts["currency"] = luck.choice(["USD", "USD", "USD", "HKD"])
    facts["list_pct"] = luck.choice([None, luck.randrange(-6000, 2000)])
    facts["depth_pct"], facts["table_pct"] = luck.choice([None, luck.randrange(5500, 6800)]), luck.randrange(5200, 6500)
    facts["width_um"] = luck.randrange(4000, 6500)
    facts["mine_country"], facts["producer"] = luck.choice([*COUNTRIES, None]), luck.choice([*PRODUCERS, None])
    facts["report_no"] = f"{luck.choice('129')}{number:08}"
    for name, column in LATER.items():
        facts[column] = luck.choice([None, *CHOICES[name].codes[:4]])
    facts["pair_stock_no"], facts["pair_separable"] = luck.choice([None, "PV-9"]), luck.choice([None, False, True])
    facts["cutter_name"], facts["cutter_named"] = luck.choice([None, *CUTTERS]), luck.random() < 0.7
    return facts | _alike(luck) if luck.random() < 0.5 else facts


def _alike(luck: Random) -> dict[str, Any]:
    """One of a few kinds, so that stones stand among others, at the ends of groups and bands too, and at equal
    prices."""
    alike: dict[str, Any] = {"species": "diamond", "variety": None, "shape": "round", "color": "G", "clarity": "VS2"}
    alike |= {"fancy_color": luck.choice([None, None, None, "yellow"]), "fancy_intensity": None}
    alike |= {"cut": luck.choice(["ideal", "excellent", "excellent", "excellent", "very_good", None])}
    alike |= {"fluor_intensity": luck.choice(["none", "none", "faint", "slight", "medium", None])}
    alike |= {"weight_mct": luck.choice([999, 1000, 1010, 1200, 1300, 1499, 1500, 12_000])}
    return alike | {"price_per_carat_minor": luck.choice([None, 0, *range(600_000, 700_000, 20_000)])}


def random_facets(luck: Random) -> list[str]:
    """Some of what can be counted beside the total: all of it in three questions, and always the same thirds."""
    return sorted(CHOICES)[luck.randrange(3) :: 3]


def random_wanted(luck: Random, frames: range = range(18), suppliers: Sequence[str] = SALES) -> Wanted:
    """A question as buyers put them: mostly few filters, sometimes many. Which filters are set comes from one of the
    frames, so that the database meets most statements again; what they say is any."""
    frame = type(luck)(luck.choice(frames))
    chosen, ranges = {}, {}
    free = {"office": OFFICES, "mined": COUNTRIES, "producer": (*PRODUCERS, "Nobody"), "cutter": CUTTERS, "sale": SALES}
    free["supplier"] = suppliers
    for name in frame.sample(sorted(CHOICES), frame.choice([0, 1, 1, 2, 3, 6])):
        codes = CHOICES[name].codes or free[name]
        count = frame.randrange(1, min(4, len(codes)) + 1)
        chosen[name] = frozenset(luck.sample(codes[:6], count))
    ends = {"ct": (0, 6000), "ppc": (0, 3_000_000), "total": (0, 9_000_000), "list": (-6000, 2000)}
    ends["since"], ends["officeday"] = (DAY - 1, DAY + 2), (20_498, 20_526)
    for name in frame.sample(sorted(RANGES), frame.choice([0, 0, 1, 2])):
        low, high = ends.get(name, (3000, 7000))
        pair = sorted(luck.randrange(low, high) for _ in range(2))
        ranges[name] = frame.choice([(pair[0], pair[1]), (pair[0], None), (None, pair[1])])
    text = luck.choice(["pv", "LX-00", "1000", "2", "_", "%"]) if frame.random() < 0.3 else ""
    return Wanted(text, chosen, ranges, luck.choice(["USD", "USD", "HKD"]), frame.choice(SORTS))


async def listed(
    session: AsyncSession, rows: list[dict[str, Any]], company_id: int, *, but: frozenset[int] = frozenset()
) -> list[service.Stored]:
    """The rows stored and shown, but for those at the places named, whose origin stays unconfirmed."""
    stored = []
    for start in range(0, len(rows), service.MOST_ROWS):
        piece = rows[start : start + service.MOST_ROWS]
        stored += await service.store_stones(session, piece, supplier_company_id=company_id, now=make.NOON)
    shown = [stone.public_id for place, stone in enumerate(stored) if place not in but]
    await expose(session, shown)
    await service.expose_stones(session, shown, now=make.NOON)
    return stored


async def expose(session: AsyncSession, stones: list[str]) -> None:
    """Provenance's own rows: a verified verdict and the exposure that hangs on it."""
    judged = set(await session.scalars(select(StoneVerdict.stone).where(StoneVerdict.stone.in_(stones))))
    fresh = [stone for stone in stones if stone not in judged]
    if fresh:
        await session.execute(insert(StoneVerdict), [_verdict(stone) for stone in fresh])
        shown = [{"stone": stone, "verdict": "verified", "exposed_at": make.NOON} for stone in fresh]
        await session.execute(insert(ExposedStone), shown)


async def revoke(session: AsyncSession, stone: str) -> None:
    """As provenance does it: the exposure goes, then the verdict changes, and an event says so."""
    await session.execute(delete(ExposedStone).where(ExposedStone.stone == stone))
    await session.execute(
        update(StoneVerdict).where(StoneVerdict.stone == stone).values(verdict="rejected", grade="-", codes=" ID-01 ")
    )
    record(session, "stone:verdict_changed", stone, by=None, at=make.NOON)


def _verdict(stone: str) -> dict[str, Any]:
    known = {"stone": stone, "verdict": "verified", "grade": "B", "assurance": "B", "decided_at": make.NOON}
    known |= {"findings": [], "claim": {}}
    needed = [column for column in StoneVerdict.__table__.columns if not column.nullable and column.name not in known]
    return known | {column.name: {int: 0, bool: False}.get(column.type.python_type, "-") for column in needed}
