"""How the catalogue shows a stone to pages that know only its passport."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import plan
from pavilion.catalogue.models import Stone
from pavilion.catalogue.showing import name_of
from pavilion.provenance.passport_showing import Portrait
from pavilion.webkit.i18n import Lang

_LABELS = {
    "en": {"crown": "Crown of the cut", "pavilion": "Pavilion of the cut", "profile": "Profile of the cut"},
    "zh": {"crown": "冠部图", "pavilion": "亭部图", "profile": "侧视图"},
}


async def portrait_of(session: AsyncSession, public_id: str, lang: Lang) -> Portrait | None:
    """The stone as it is drawn and called; None for a stone the catalogue never had."""
    stone = await session.scalar(select(Stone).where(Stone.public_id == public_id))
    if stone is None:
        return None
    drawn, shown, labels = plan.plan_of(stone), plan.proportions_of(stone), _LABELS[lang]
    plates = (
        ("crown", plan.lines(drawn, "crown", labels["crown"])),
        ("pavilion", plan.lines(drawn, "pavilion", labels["pavilion"])),
        ("profile", plan.profile(drawn, shown, labels["profile"])),
    )
    return Portrait(
        name_of(stone, lang).title,
        stone.picture,
        drawn.name,
        plates,
        shown.measured,
        whereabouts(stone),
        f"/stones/{stone.public_id}/media/{stone.photo}/m.webp" if stone.photo and stone.listed else None,
    )


def whereabouts(stone: Stone) -> tuple[str, str | None] | None:
    """Country and city where it lies, as its supplier says."""
    return (stone.country, stone.city) if stone.country else None
