"""Notices of published lots, field by field: what was said, what holds now, and why (curation spec 8)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import queries, versions, wording
from pavilion.auctions.formats import SaleType
from pavilion.auctions.interests import refuse_interested
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import FINAL_LOT, LotState, SaleState, broken
from pavilion.auctions.version_models import LotNotice, LotNoticeGiven, NoticeField, kept_estimate, kept_text
from pavilion.kernel import events
from pavilion.kernel.canon import read_json
from pavilion.kernel.errors import ActNotAllowed, BadInput, NotFound
from pavilion.kernel.ids import ulid
from pavilion.kernel.instants import stamp
from pavilion.provenance.words import lint

GIVEN = "lot:notice_given"
AGAIN = {  # told in the book, whose bytes are the same for every reader
    LotState.PASSED: (
        "Lot {old}, which was not sold, is offered again as lot {new}. No other lot moves.",
        "第{old}号拍品未成交，现作为第{new}号拍品再次上拍；其他拍品不变。",
    ),
    LotState.WITHDRAWN: (
        "Lot {old}, which was withdrawn, is offered again as lot {new}. No other lot moves.",
        "第{old}号拍品此前撤回，现作为第{new}号拍品再次上拍；其他拍品不变。",
    ),
}


class Said(NamedTuple):
    """A notice as it is about to be given. `old` counts where nothing of the lot says what stood before. One reason is
    enough: where it stands in one language alone, every reader is told it in that."""

    field: NoticeField
    new: tuple[int, int] | tuple[str, str] | str  # an estimate, a title or description in both languages, or a fact
    reason: str
    text_en: str
    text_zh: str
    old: str = ""
    reason_zh: str = ""


async def prepare(
    session: AsyncSession, *, lot: str, key: str, said: Said, reserve: int | None, actor: Actor, now: datetime
) -> LotNotice:
    """The notice is written down, to be given next; said again under its key it is the same one. `reserve`: as it
    stands now, which no estimate undercuts."""
    sale, row = await _published(session, lot)
    await refuse_interested(session, [{"lot": lot, "before": {}, "after": {}}], actor)
    known = await session.scalar(select(LotNotice).where(LotNotice.public_id == key))
    if known is not None:
        if known.lot != lot:
            raise NotFound()
        return known
    reasons = [text for text in (said.reason.strip(), said.reason_zh.strip()) if text]
    faults = {} if reasons else {"reason": "required"}
    if faults := faults | {name: "required" for name in ("text_en", "text_zh") if not getattr(said, name).strip()}:
        raise BadInput(fields=faults)
    if faults := {
        f"text_{lang}": "wording_never" for lang in ("en", "zh") if lint(getattr(said, f"text_{lang}"), lang)
    }:
        raise BadInput(fields=faults)
    old, new = await _sides(session, sale, row, said, reserve)
    if old == new:
        raise BadInput(fields={"new": "nothing_changed"})
    facts = {name: getattr(said, name) for name in ("field", "text_en", "text_zh")}
    facts |= {"reason": reasons[0], "reason_zh": reasons[1] if len(reasons) > 1 else ""}
    notice = LotNotice(public_id=key, sale=sale.public_id, lot=lot, old=old, new=new, at=now, **facts)
    notice.by = actor.public_id or ""
    session.add(notice)
    await session.flush()
    return notice


async def announce_again(
    session: AsyncSession, *, sale: str, old: Lot, new: Lot, actor: Actor, now: datetime
) -> LotNotice:
    """Written down with the act that lists the lot: bidders are told that it offers again what an earlier one did not
    sell. It is given once the book has listed the lot and told it. Said twice, it is one notice."""
    known = select(LotNotice).where(LotNotice.lot == new.public_id, LotNotice.field == NoticeField.AGAIN)
    if (notice := await session.scalar(known)) is not None:
        return notice
    en, zh = AGAIN[LotState(old.state)]
    numbers = {"old": old.number_text, "new": new.number_text}
    facts = {"old": old.number_text, "new": new.number_text, "reason": old.state, "by": actor.public_id or ""}
    notice = LotNotice(public_id=ulid(now), sale=sale, lot=new.public_id, field=NoticeField.AGAIN, at=now, **facts)
    notice.text_en, notice.text_zh = en.format(**numbers), zh.format(**numbers)
    session.add(notice)
    await session.flush()
    return notice


async def again_of(session: AsyncSession, lots: Sequence[str]) -> dict[str, LotNotice]:
    """Of each of these lots that offers another again, the notice that says so."""
    wanted = select(LotNotice).where(LotNotice.lot.in_(lots), LotNotice.field == NoticeField.AGAIN)
    return {one.lot: one for one in await session.scalars(wanted)} if lots else {}


async def give(session: AsyncSession, notice: LotNotice, seq: int | None, now: datetime) -> None:
    """The notice holds, and the sale has a version with it. Given twice it is given once."""
    sale = (await session.scalars(select(Sale).where(Sale.public_id == notice.sale).with_for_update())).one()
    if await session.get(LotNoticeGiven, notice.id) is not None:
        return
    session.add(LotNoticeGiven(notice_id=notice.id, seq=seq, at=now))
    await session.flush()
    await versions.keep(session, sale.public_id, await _with_notices(session, sale.public_id), now)
    facts = {"sale": notice.sale, "field": notice.field, "notice": notice.public_id, "in_book": seq is not None}
    events.record(session, GIVEN, notice.lot, by=notice.by, at=now, **facts)


async def of_sale(session: AsyncSession, sale: str) -> Sequence[LotNotice]:
    """Those that were given since it was published, the first one first."""
    return await _given(session, LotNotice.sale == sale)


async def of_lots(session: AsyncSession, lots: Collection[str]) -> Sequence[LotNotice]:
    """The same, of these lots, of whatever sales."""
    return await _given(session, LotNotice.lot.in_(lots)) if lots else ()


async def _given(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[LotNotice]:
    given = select(LotNotice).join(LotNoticeGiven, LotNoticeGiven.notice_id == LotNotice.id)
    given = given.join(Sale, Sale.public_id == LotNotice.sale).where(LotNoticeGiven.at >= Sale.published_at)
    return (await session.scalars(given.where(which).order_by(LotNotice.id))).all()


def estimates(notices: Sequence[LotNotice]) -> dict[str, tuple[int, int]]:
    """Of each lot with a notice of it, the estimate that holds."""
    return {one.lot: one.after for one in notices if one.field == NoticeField.ESTIMATE}


def estimate_told(lot: Lot, notices: Sequence[LotNotice]) -> tuple[int, int] | None:
    """The estimate as anybody may know it: by its last notice, else as published; None while it is on request."""
    if (given := estimates(notices).get(lot.public_id)) is not None:
        return given
    return None if lot.on_request or not (lot.low_minor and lot.high_minor) else (lot.low_minor, lot.high_minor)


def texts(notices: Sequence[LotNotice]) -> dict[str, tuple[str, str]]:
    """Of each lot with a notice of it, the description that holds, English and Chinese."""
    return {one.lot: one.after for one in notices if one.field == NoticeField.TEXT}


def titles(notices: Sequence[LotNotice]) -> dict[str, tuple[str, str]]:
    """Of each lot with a notice of it, the title that holds, English and Chinese."""
    return {one.lot: one.after for one in notices if one.field == NoticeField.TITLE}


async def ungiven(
    session: AsyncSession, since: datetime | None = None, *, sale: str | None = None
) -> Sequence[LotNotice]:
    """Notices that were written down and not given: their giver was interrupted, or the room refused them."""
    left = select(LotNotice).outerjoin(LotNoticeGiven, LotNoticeGiven.notice_id == LotNotice.id)
    left = left.where(LotNoticeGiven.notice_id.is_(None)).order_by(LotNotice.id)
    left = left if since is None else left.where(LotNotice.at >= since)
    return (await session.scalars(left if sale is None else left.where(LotNotice.sale == sale))).all()


async def _published(session: AsyncSession, lot: str) -> tuple[Sale, Lot]:
    found = (
        await session.execute(select(Sale, Lot).join(Lot, Lot.sale_id == Sale.id).where(Lot.public_id == lot))
    ).first()
    if found is None:
        raise NotFound()
    sale, row = found
    if sale.state == SaleState.DRAFT or row.state == LotState.DRAFT or row.state in FINAL_LOT:
        raise ActNotAllowed(state=row.state)
    return sale, row


async def _sides(session: AsyncSession, sale: Sale, lot: Lot, said: Said, reserve: int | None) -> tuple[str, str]:
    """What held and what is to hold, as a notice keeps them."""
    if said.field is NoticeField.ESTIMATE:
        if sale.type == SaleType.COLLECTION:
            raise BadInput(fields={"field": "unknown_value"})  # a price has no estimate beside it
        low, high = (int(amount) for amount in said.new)
        if found := broken(sale.increments, opening=lot.opening_minor, reserve=reserve, low=low, high=high):
            raise BadInput(fields={"new": f"fact_{found[0].value}"})
        before = estimate_told(lot, await of_sale(session, sale.public_id))
        return kept_estimate(*before) if before else "", kept_estimate(low, high)  # what was on request stays untold
    if said.field is NoticeField.TEXT:
        words = texts(await of_sale(session, sale.public_id)).get(lot.public_id, (lot.text_en, lot.text_zh))
        en, zh = (str(text) for text in said.new)
        return kept_text(*words), kept_text(en, zh)
    if said.field is NoticeField.TITLE:
        title = titles(await of_sale(session, sale.public_id)).get(lot.public_id, (lot.title_en, lot.title_zh))
        en, zh = (str(text).strip() for text in said.new)
        await _refuse_title(session, lot, en, zh)
        return kept_text(*title), kept_text(en, zh)
    return said.old, str(said.new)


async def _refuse_title(session: AsyncSession, lot: Lot, en: str, zh: str) -> None:
    """A published lot has a title in both languages, and says of its stones what may be said of them."""
    said = {"title_en": en, "title_zh": zh}
    stones = (await queries.stones_by_lot(session, [lot.id]))[lot.id]
    faults = {name: "required" for name in said if not said[name]}
    if faults := faults or wording.faults_of(said, wording.clarity_of(stones)):
        raise BadInput(fields=faults)


async def _with_notices(session: AsyncSession, sale: str) -> Mapping[str, Any]:
    """The version that was published, named by its hash, and every notice since."""
    last = await versions.latest(session, sale)
    body = await versions.document_of(session, sale, last.n) if last is not None else None
    known = read_json(body) if body is not None else {}
    base = known.get("base") or ({"n": last.n, "sha256": last.sha256} if last is not None else None)
    names = ("lot", "field", "old", "new", "reason", "text_en", "text_zh", "by")
    notices = [
        {name: getattr(one, name) for name in names}
        | ({"reason_zh": one.reason_zh} if one.reason_zh else {})
        | {"at": stamp(one.at)}
        for one in await of_sale(session, sale)
    ]
    return {"sale": sale, "base": base, "notices": notices}
