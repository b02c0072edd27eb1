"""What happens to a memo, worded for the side it concerns. An owner never learns who has the stones."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from pavilion.trading.memo_models import Memo
from pavilion.trading.memo_rules import AWAY, MemoState
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue

# By event: what the buyer is told, and what the owner.
TOLD: Mapping[str, tuple[str, ...]] = {
    "memo:requested": ("memo_requested",),
    "memo:approved": ("memo_approved",),
    "memo:refused": ("memo_refused",),
    "memo:extension_asked": ("memo_extension_asked",),
    "memo:extended": ("memo_extended",),
    "memo:extension_refused": ("memo_extension_refused",),
    "memo:overdue": ("memo_overdue", "memo_late"),
    "memo:still_out": ("memo_overdue",),
    "memo:weight_differs": ("memo_differs", "memo_differs_owner"),
}
NAMES = tuple(TOLD)
TO_OWNER = frozenset({"memo_requested", "memo_extension_asked", "memo_late", "memo_differs_owner"})
NOTICES = tuple(notice for notices in TOLD.values() for notice in notices)
# In which states of its memo a notice still holds.
HOLDS: Mapping[str, frozenset[str]] = {
    "memo_requested": frozenset({MemoState.REQUESTED}),
    "memo_approved": frozenset({MemoState.APPROVED}),
    "memo_refused": frozenset({MemoState.REFUSED}),
    "memo_extension_asked": frozenset({MemoState.OUT}),
    "memo_extended": AWAY,
    "memo_extension_refused": AWAY,
    "memo_overdue": frozenset({MemoState.OVERDUE}),
    "memo_late": frozenset({MemoState.OVERDUE}),
}
Found = tuple[dict[str, str], str, tuple[int, str] | None]


async def read(session: AsyncSession, notice: str, about: str, tongue: Tongue, company: int | None) -> Found | None:
    row = await session.scalar(select(Memo).where(Memo.public_id == about).options(selectinload(Memo.stones)))
    side = None if row is None else row.seller_company_id if notice in TO_OWNER else row.company_id
    if row is None or side != company or row.state not in HOLDS.get(notice, frozenset({row.state})):
        return None
    first = row.stones[0]
    due = Figures(tongue).day(date.fromisoformat(row.due_on)) if row.due_on else ""
    words = {
        "name": row.number or row.public_id[-6:],
        "title": first.title_zh if tongue.lang == "zh" else first.title_en,
    }
    return words | {"due": due}, f"/desk/memos/{row.public_id}", (row.total_minor, row.currency)
