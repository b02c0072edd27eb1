"""Lists for the house's own hands: the saleroom, the trays, labels. What stands on each, as data; no clock is read."""

import io
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import segno
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import noticing, queries, reserves
from pavilion.auctions.catalogue_paper import Printer
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.rules import LotState, SaleState
from pavilion.catalogue.models import Stone
from pavilion.catalogue.showing import name_of
from pavilion.kernel.canon import sha256_hex
from pavilion.webkit import pdf
from pavilion.webkit.i18n import Lang, Tongue

CODE = 8  # characters at the end of a lot's id that a scanner reads; the board finds the lot by them
FREE, FIT = 0, -1  # widths of columns: what is left, what the words need


class Kind(StrEnum):
    SALEROOM = "saleroom"
    TRAYS = "trays"
    LABELS = "labels"


TEMPLATES: Mapping[Kind, str] = {
    Kind.SALEROOM: "sale_list.typ",
    Kind.TRAYS: "sale_list.typ",
    Kind.LABELS: "labels.typ",
}


class Tray(NamedTuple):
    """Stones (public ids) that lie together at an office, as the viewing desk composed them."""

    office_en: str
    office_zh: str
    label: str
    stones: Sequence[str]


class _Line(NamedTuple):
    lot: Lot
    stones: Sequence[Stone]
    estimate: tuple[int, int]
    reserve_minor: int | None
    title: tuple[str, str]  # English and Chinese, as it holds


class _Column(NamedTuple):
    """Its word, its width in millimetres or FREE or FIT, and whether figures stand in it."""

    word: str
    width: int
    figures: bool = False


async def source(
    session: AsyncSession,
    sale: Sale,
    kind: Kind,
    lang: Lang,
    *,
    actor: Actor,
    trays: Sequence[Tray],
    tongues: Mapping[Lang, Tongue],
) -> dict[str, Any]:
    """The paper for this reader: reserves stand on the saleroom list only for who may see them."""
    told = Printer([lang], tongues)
    lines, draft = await _lines(session, sale, actor), sale.state == SaleState.DRAFT
    title = (sale.title_zh or sale.title_en) if lang == "zh" else sale.title_en
    secret = kind == Kind.SALEROOM and _reserved(sale, actor)
    made: dict[str, Any] = {
        "lang": lang,
        "title": f"{_say(told, kind)}{'：' if lang == 'zh' else ': '}{title}",
        "kind": _say(told, kind),
        "sale": title,
        "draft": _say(told, "draft") if draft else "",
        "secret": _say(told, "secret") if secret else "",
        "flipped": kind == Kind.SALEROOM,
    }
    if kind == Kind.LABELS:
        made |= {"labels": _labels(told, lines)}
    else:
        columns = _saleroom_columns(sale, secret) if kind == Kind.SALEROOM else _tray_columns()
        parts = [_saleroom(told, sale, lines, secret)] if kind == Kind.SALEROOM else _trays(told, lines, trays, lang)
        made |= {
            "columns": [{"word": _say(told, one.word), "width": one.width, "figures": one.figures} for one in columns],
            "coded": kind == Kind.TRAYS,
            "parts": parts,
            "empty": _say(told, "empty"),
        }
    return made | {"state": _say(told, "state", state=sha256_hex(repr(made).encode())[:12])}


def printed(kind: Kind, said: Mapping[str, Any]) -> bytes:
    """The bytes of the paper; the same for the same data. Takes up to some seconds: call it in a thread."""
    if kind == Kind.LABELS:
        codes = {one["code"] for one in said["labels"]}
    else:
        codes = {row[-1] for part in said["parts"] for row in part["rows"]} if said["coded"] else set()
    drawn = {**said, "codes": {code: _drawn(code) for code in sorted(codes)}}
    return pdf.render(TEMPLATES[kind], drawn, apart=True)


async def _lines(session: AsyncSession, sale: Sale, actor: Actor) -> list[_Line]:
    """In running order. Of a sale that stands published, what was added since and is a draft stays off the paper."""
    lots: Sequence[Lot] = (await session.scalars(select(Lot).where(Lot.sale_id == sale.id).order_by(Lot.rank))).all()
    if sale.state != SaleState.DRAFT:
        lots = [lot for lot in lots if lot.state != LotState.DRAFT]
    stones = await queries.stones_by_lot(session, [lot.id for lot in lots], actor)
    notices = await noticing.of_sale(session, sale.public_id)
    given, named = noticing.estimates(notices), noticing.titles(notices)
    told = _reserved(sale, actor)
    return [
        _Line(
            lot,
            stones[lot.id],
            given.get(lot.public_id, (lot.low_minor or 0, lot.high_minor or 0)),
            reserves.reserve_of(session, lot) if told else None,
            named.get(lot.public_id, (lot.title_en, lot.title_zh)),
        )
        for lot in lots
    ]


def _reserved(sale: Sale, actor: Actor) -> bool:
    return actor.may(Permission.RESERVE_SEE) and sale.type != SaleType.COLLECTION


def _saleroom_columns(sale: Sale, secret: bool) -> list[_Column]:
    if sale.type == SaleType.COLLECTION:
        return [_Column("lot", FIT), _Column("what", FREE), _Column("price", FIT, True), _Column("remarks", 60)]
    figures = ["estimate", "opening"] + (["reserve"] if secret else [])
    return [
        _Column("lot", FIT),
        _Column("what", FREE),
        *(_Column(one, FIT, True) for one in figures),
        _Column("hammer", 32),
        _Column("paddle", 24),
    ]


def _tray_columns() -> list[_Column]:
    return [
        _Column("lot", FIT), _Column("tray", FIT), _Column("report", FREE), _Column("ct", FIT, True),
        _Column("mm", FIT), _Column("verdict", 26), _Column("limit", 26), _Column("code", 24),
    ]  # fmt: skip


def _saleroom(told: Printer, sale: Sale, lines: Sequence[_Line], secret: bool) -> dict[str, Any]:
    figures = told.figures[0]

    def amount(minor: int | None) -> str:
        return f"{sale.currency}\u00a0{figures.amount(minor, sale.currency)}" if minor else "–"

    rows = []
    for line in lines:
        gone = line.lot.state == LotState.WITHDRAWN
        low, high = line.estimate
        if sale.type == SaleType.COLLECTION:
            cells = [amount(low), ""]
        else:
            estimate = f"{amount(low)}–{figures.amount(high, sale.currency)}" if high else amount(None)
            cells = [estimate, amount(line.lot.opening_minor)]
            cells += [amount(line.reserve_minor)] if secret else []
            cells += ["", ""]
        what = _say(told, "withdrawn") if gone else _what(told, line)
        rows.append([line.lot.number_text or "–", what, *(["–"] * len(cells) if gone else cells)])
    return {"title": "", "rows": rows}


def _what(told: Printer, line: _Line) -> str:
    zh = told.langs[0] == "zh"
    title = (line.title[1] or line.title[0]) if zh else line.title[0]
    reports = (f"{_report(stone)}, {told.figures[0].ct(stone.weight_mct)}" for stone in line.stones)
    return "\n".join(text for text in (title, *reports) if text)


def _trays(told: Printer, lines: Sequence[_Line], trays: Sequence[Tray], lang: Lang) -> list[dict[str, Any]]:
    """A page for each tray of each desk, in the order of the tray; then what lies in none."""
    of = {
        stone.public_id: (line.lot, stone)
        for line in lines
        if line.lot.state != LotState.WITHDRAWN
        for stone in line.stones
    }
    parts = []
    for tray in trays:
        office = tray.office_zh if lang == "zh" else tray.office_en
        rows = [_tray_row(told, tray.label, *of[stone]) for stone in tray.stones if stone in of]
        if rows:
            parts.append({"title": _say(told, "tray_at", office=office, tray=tray.label), "rows": rows})
    lying = {stone for tray in trays for stone in tray.stones}
    loose = [_tray_row(told, "", *of[stone]) for stone in of if stone not in lying]
    if loose:
        parts.append({"title": _say(told, "no_tray"), "rows": loose})
    return parts


def _tray_row(told: Printer, tray: str, lot: Lot, stone: Stone) -> list[str]:
    sides = [side for side in (stone.length_um, stone.width_um, stone.depth_um) if side]
    size = told.figures[0].mm(*sides) if len(sides) == 3 else "–"
    return [
        lot.number_text or "–", tray, _report(stone), told.figures[0].ct(stone.weight_mct), size, "", "",
        lot.public_id[-CODE:],
    ]  # fmt: skip


def _labels(told: Printer, lines: Sequence[_Line]) -> list[dict[str, str]]:
    """One for each stone."""
    return [
        {
            "number": line.lot.number_text or "–",
            "what": name_of(stone, told.langs[0]).title,
            "report": _report(stone),
            "ct": told.figures[0].ct(stone.weight_mct),
            "of": _say(told, "stone_of", n=str(place), all=str(len(line.stones))) if len(line.stones) > 1 else "",
            "code": line.lot.public_id[-CODE:],
        }
        for line in lines
        if line.lot.state != LotState.WITHDRAWN
        for place, stone in enumerate(line.stones, start=1)
    ]


def _report(stone: Stone) -> str:
    return f"{stone.lab.replace('_', ' ')} {stone.report_no}".strip() or "–"


def _say(told: Printer, code: str, **facts: str) -> str:
    return told.tongues[0].say(f"list_{code}", **facts)


def _drawn(code: str) -> str:
    out = io.BytesIO()
    segno.make_qr(code, error="m").save(out, kind="svg", scale=1, border=2, xmldecl=False, light=None)
    return out.getvalue().decode()
