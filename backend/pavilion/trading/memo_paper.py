"""The memo on paper, in both languages; set once after its approval, with its hash."""

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from anyio import to_thread
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from pavilion.kernel.db import Sessions, inserting, reading
from pavilion.trading.desk import USUAL
from pavilion.trading.memo_models import Memo, MemoPaper
from pavilion.webkit import pdf
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import LANGUAGES, Lang, Tongue

TEMPLATE = "memo.typ"
AT_ONCE = 5


def data_of(row: Memo, tongue: Tongue) -> dict[str, Any]:
    """Everything that `pdf/memo.typ` sets, ready worded: as it was agreed, whatever happened since."""
    figures, say, facts = Figures(tongue), tongue.gettext, row.facts
    house, unit = facts["house"], row.currency
    assert row.number is not None and row.issued_on is not None and row.insured_minor is not None
    issued, due = figures.day(date.fromisoformat(row.issued_on)), figures.day(date.fromisoformat(facts["due_on"]))
    warranty = facts.get("warranty")
    return {
        "lang": tongue.lang,
        "title": say("Memo"),
        "subtitle": f"{row.number} · {issued}",
        "footer": f"{house['name']} · {row.number}",
        "parties": [
            [say("House"), [house["name"], *house["address"], house["tax_no"]]],
            [say("Owner"), _party(facts["owner"], figures)],
            [say("Entrusted to"), _party(facts["buyer"], figures)],
        ],
        "facts": [
            [say("Due back"), due],
            [say("Insured for"), f"{unit} {figures.amount(row.insured_minor, unit, True)}"],
            [say("Goes to"), figures.country(row.destination)],
        ],
        "columns": [say("Stone"), say("Report"), say("Weight"), f"{say('Price')}, {unit}"],
        "items": [
            [
                (line.title_zh if tongue.lang == "zh" else "") or line.title_en,
                line.facts["report"] or line.facts["stock_no"],
                figures.ct(line.facts["weight_mct"]),
                figures.amount(line.price_minor, unit, True),
            ]
            for line in row.stones
        ],
        "grand": [say("Price of the memo"), f"{unit} {figures.amount(row.total_minor, unit, True)}"],
        "terms": [
            tongue.say("memo_terms_owner"),
            tongue.say("memo_terms_back"),
            tongue.say("memo_terms_late", days=facts.get("bill_days", USUAL.memo_bill_days)),
        ],
        "warranty": [say("Warranty"), warranty["text_en"], warranty["source"]] if warranty else [],
        "signatures": [say("Handed out by"), say("Taken by")],
    }


def _party(party: Mapping[str, str], figures: Figures) -> list[str]:
    return [one for one in (party["name"], figures.place(party["city"], party["country"]), party["tax_no"]) if one]


async def tick(sessions: Sessions, now: datetime, tongues: Mapping[Lang, Tongue]) -> int:
    """Each memo with a number has its paper in both languages. One that fails keeps its number and is tried again."""
    have = select(func.count()).where(MemoPaper.memo_id == Memo.id).correlate(Memo).scalar_subquery()
    wanted = select(Memo).where(Memo.number.is_not(None), have < len(LANGUAGES)).options(selectinload(Memo.stones))
    async with reading(sessions) as session:
        rows = (await session.scalars(wanted.order_by(Memo.id).limit(AT_ONCE))).all()
    done = 0
    for row in rows:
        for lang in LANGUAGES:
            made = await to_thread.run_sync(render, row, tongues[lang])
            paper = {"memo_id": row.id, "lang": lang, "sha256": sha256(made).hexdigest(), "pdf": made, "at": now}
            async with sessions.begin() as session:
                await session.execute(inserting(session, MemoPaper).values(**paper).on_conflict_do_nothing())
            done += 1
    return done


def render(row: Memo, tongue: Tongue) -> bytes:
    """The same bytes for the same memo."""
    return pdf.render(TEMPLATE, data_of(row, tongue), made_at=row.answered_at)
