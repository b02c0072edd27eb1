"""Notices of a published lot: the form by which staff give one, and the way it takes through the lot's book."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import board, noticing
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.noticing import Said
from pavilion.auctions.rules import FINAL_LOT, LotState, SaleState
from pavilion.auctions.version_models import NoticeField
from pavilion.bidding import notice_giving
from pavilion.bidding.own_reserves import reserve_now
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.errors import BadInput, NotDone, NotFound, Refusal
from pavilion.kernel.ids import ulid
from pavilion.kernel.money import MAX_AMOUNT, parse_minor
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.figures import Figures
from pavilion.webkit.html import page

router = APIRouter(prefix="/staff/sales", tags=["bidding"])

Announcer = Annotated[Actor, may(Permission.SALE_ANNOUNCE)]
Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$")]


def _lines(typed: object) -> object:
    """A browser ends the lines of what it sends in its own way."""
    return typed.replace("\r\n", "\n") if isinstance(typed, str) else typed


_Lines = BeforeValidator(_lines)
Text = Annotated[
    str, _Lines, StringConstraints(strip_whitespace=True, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f]*$")
]
Long = Annotated[
    str, _Lines, StringConstraints(strip_whitespace=True, max_length=5000, pattern=r"^[^\x00-\x08\x0b-\x1f]*$")
]
Title = Annotated[str, _Lines, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)]


class NoticeForm(BaseModel):
    """One notice as typed. Of an estimate the words may be left to the house."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    field: Literal["estimate", "text", "title", "fact"] = "estimate"
    low: Short = ""
    high: Short = ""
    new_en: Long = ""
    new_zh: Long = ""
    title_en: Title = ""
    title_zh: Title = ""
    old: Text = ""
    new: Text = ""
    reason: Text = ""
    reason_zh: Text = ""
    text_en: Text = ""
    text_zh: Text = ""


@router.get("/{sale}/lots/{lot}/notices")
async def show(request: Request, sale: Id, lot: Id, session: Reading, actor: Announcer, now: Now) -> Response:
    return await _page(request, session, sale, lot, now)


@router.post("/{sale}/lots/{lot}/notices")
async def give(
    request: Request, sale: Id, lot: Id, said: Annotated[NoticeForm, Form()], actor: Announcer, now: Now
) -> Response:
    """Written down, told in the lot's book, and from then on it holds. Sent twice it is given once."""
    sessions: Sessions = request.app.state.sessions
    try:
        async with reading(sessions) as session:
            row, held = await _lot(session, sale, lot)
            reserve = await reserve_now(session, request.app.state.vault, held)
            meant = _meant(request, row, said)._replace(reason_zh=said.reason_zh)
        async with sessions.begin() as session:
            notice = await noticing.prepare(
                session, lot=lot, key=said.key, said=meant, reserve=reserve, actor=actor, now=now
            )
        await notice_giving.carry(sessions, request.app.state.rooms, notice, now)
    except (BadInput, NotDone) as refused:
        async with reading(sessions) as session:
            return await _page(request, session, sale, lot, now, said=said, refused=refused)
    return RedirectResponse(f"/staff/sales/{sale}/lots/{lot}/notices", 303)


async def _lot(session: AsyncSession, sale: str, lot: str) -> tuple[Sale, Lot]:
    row = await board.sale_of(session, sale)
    held = await session.scalar(select(Lot).where(Lot.public_id == lot, Lot.sale_id == row.id))
    if held is None:
        raise NotFound()
    return row, held


def _meant(request: Request, sale: Sale, said: NoticeForm) -> Said:
    """The notice in figures and words. Of a new estimate the house says what nobody typed."""
    field = NoticeField(said.field)
    if field is NoticeField.TEXT:
        return Said(field, (said.new_en, said.new_zh), said.reason, said.text_en, said.text_zh)
    if field is NoticeField.TITLE:
        return Said(field, (said.title_en, said.title_zh), said.reason, *_of_title(request, said))
    if field is NoticeField.FACT:
        if not said.new:
            raise BadInput(fields={"new": "required"})
        return Said(field, said.new, said.reason, said.text_en, said.text_zh, old=said.old)
    amounts = [parse_minor(text, sale.currency) for text in (said.low, said.high)]
    faults = {
        name: "amount_invalid"
        for name, minor in zip(("low", "high"), amounts, strict=True)
        if minor is None or not 0 < minor <= MAX_AMOUNT
    }
    if faults:
        raise BadInput(fields=faults)
    low, high = (minor or 0 for minor in amounts)
    tongues = request.app.state.pages.tongues
    words = {
        lang: tongues[lang].say(
            "estimate_now",
            currency=sale.currency,
            low=Figures(tongues[lang]).amount(low, sale.currency),
            high=Figures(tongues[lang]).amount(high, sale.currency),
        )
        for lang in ("en", "zh")
    }
    return Said(field, (low, high), said.reason, said.text_en or words["en"], said.text_zh or words["zh"])


def _of_title(request: Request, said: NoticeForm) -> tuple[str, str]:
    """The words of the notice; what nobody typed the house says itself."""
    tongues, new = request.app.state.pages.tongues, {"en": said.title_en, "zh": said.title_zh}
    typed = {"en": said.text_en, "zh": said.text_zh}
    en, zh = (typed[lang] or (tongues[lang].say("title_now", title=new[lang]) if new[lang] else "") for lang in new)
    return en, zh


async def _page(
    request: Request,
    session: AsyncSession,
    sale: str,
    lot: str,
    now: datetime,
    *,
    said: NoticeForm | None = None,
    refused: Refusal | None = None,
) -> Response:
    row, held = await _lot(session, sale, lot)
    given = [one for one in await noticing.of_sale(session, sale) if one.lot == lot]
    words = noticing.texts(given).get(lot, (held.text_en, held.text_zh))
    title = noticing.titles(given).get(lot, (held.title_en, held.title_zh))
    figures = noticing.estimates(given).get(lot, (held.low_minor, held.high_minor))
    takes = row.state != SaleState.DRAFT and held.state != LotState.DRAFT and held.state not in FINAL_LOT
    facts: dict[str, Any] = {"sale": row, "lot": held, "given": given, "figures": figures}
    kept = said or NoticeForm.model_construct(
        key=ulid(now), new_en=words[0], new_zh=words[1], title_en=title[0], title_zh=title[1]
    )
    facts |= {"kept": kept, "refused": refused, "faults": refused.fields if isinstance(refused, BadInput) else {}}
    status = 200 if refused is None else refused.status
    return page(request, "bidding/lot_notices.html", status, **facts, takes=takes)
