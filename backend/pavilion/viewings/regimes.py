"""Spans in which fewer may come, or a declaration is asked at the door."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import events
from pavilion.kernel.instants import stamp
from pavilion.viewings.place_models import Office, Regime
from pavilion.viewings.wishes import Answer, Code

LONGEST_GAP = 24 * 60


async def set_regime(
    session: AsyncSession,
    office: str,
    *,
    frm: datetime,
    to: datetime,
    factor_pct: int = 100,
    gap_min: int = 0,
    companies: int | None = None,
    declaration: bool = False,
    name_en: str = "",
    name_zh: str = "",
    by: str,
    now: datetime,
) -> tuple[Regime | None, Answer]:
    """New bookings that start in the span obey it; of several the one set first. Those that stand stay where they are,
    and count."""
    bad = [
        name
        for name, good in (
            ("to", frm < to),
            ("factor_pct", 1 <= factor_pct <= 100),
            ("gap_min", 0 <= gap_min <= LONGEST_GAP),
            ("companies", companies is None or companies > 0),
        )
        if not good
    ]
    if bad:
        return None, Answer(Code.BAD_INPUT, {"fields": dict.fromkeys(bad, Code.BAD_INPUT.value)})
    if gap_min % 5:
        return None, Answer(Code.NOT_ON_GRID, {"fields": {"gap_min": Code.NOT_ON_GRID.value}})
    if await session.get(Office, office) is None:
        return None, Answer(Code.UNKNOWN_REFERENCE, {"field": "office"})
    regime = Regime(
        office_id=office, starts_at=frm, ends_at=to, factor_pct=factor_pct, gap_min=gap_min, companies=companies,
        declaration=declaration, name_en=name_en[:80], name_zh=name_zh[:80], by=by[:40], at=now,
    )  # fmt: skip
    session.add(regime)
    await session.flush()
    _told(session, regime, "regime:set", by, now)
    return regime, Answer(facts={"regime": regime.id})


async def end_regime(session: AsyncSession, regime: Regime, *, by: str, now: datetime) -> Answer:
    """It is in force for no new booking any more."""
    if regime.ended_at is None:
        regime.ended_at = now
        await session.flush()
        _told(session, regime, "regime:ended", by, now)
    return Answer(facts={"regime": regime.id})


def _told(session: AsyncSession, regime: Regime, what: str, by: str, now: datetime) -> None:
    events.record(
        session, what, regime.office_id, by=by, at=now, regime=regime.id, start=stamp(regime.starts_at),
        end=stamp(regime.ends_at), factor_pct=regime.factor_pct, gap=regime.gap_min, companies=regime.companies,
        declaration=regime.declaration,
    )  # fmt: skip
