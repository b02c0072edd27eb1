"""What stands in the printed catalogue of a sale: every word and figure, in one language or both. No clock is read."""

import base64
import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import segno
from PIL import Image
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.auctions import noticing, queries
from pavilion.auctions.formats import SaleType
from pavilion.auctions.models import Lot, Sale
from pavilion.auctions.terms import terms
from pavilion.auctions.version_models import LotNotice, NoticeField
from pavilion.catalogue import media_queries, plan
from pavilion.catalogue.media_shelf import Shelf
from pavilion.catalogue.models import Stone
from pavilion.catalogue.nomenclature import term
from pavilion.catalogue.showing import name_of
from pavilion.kernel.length import millimetres
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Lang, Tongue

KIND = "catalogue"
LANGS: Mapping[str, tuple[Lang, ...]] = {"en": ("en",), "zh": ("zh",), "both": ("en", "zh")}
ANYBODY = Actor(None, None, None, None, frozenset(), frozenset())
BANDS = (500, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000)  # of the index by weight, in thousandths of a carat
_WORDS = (
    *("catalogue", "contents", "terms", "lots", "index", "by_shape", "by_hue", "by_weight", "lot", "estimate", "price"),
    *("withdrawn", "notices", "scan", "page", "white", "drawn", "rules_hash", "snapshot_hash", "terms_version"),
)
Said = list[str]  # one text per language of the paper


class Printer:
    """Words and figures in the languages of one paper."""

    def __init__(self, langs: Sequence[Lang], tongues: Mapping[Lang, Tongue]) -> None:
        self.langs = list(langs)
        self.tongues = [tongues[lang] for lang in langs]
        self.figures = [Figures(tongue) for tongue in self.tongues]

    def say(self, code: str, **facts: Callable[[Figures], object] | str) -> Said:
        return [
            tongue.say(f"paper_{code}", **{name: v if isinstance(v, str) else v(of) for name, v in facts.items()})
            for tongue, of in zip(self.tongues, self.figures, strict=True)
        ]

    def each(self, of: Callable[[Figures], str]) -> Said:
        return [of(figures) for figures in self.figures]

    def term(self, enumeration: str, code: str) -> Said:
        return [term(enumeration, code, lang) for lang in self.langs]


async def source(
    session: AsyncSession, sale: Sale, lang: str, *, house: str, tongues: Mapping[Lang, Tongue]
) -> dict[str, Any]:
    """The whole paper as data. Stones that anybody may see now stand on it; a withdrawn lot keeps its number alone."""
    told = Printer(LANGS[lang], tongues)
    lots = (await session.scalars(select(Lot).where(Lot.sale_id == sale.id).order_by(Lot.rank))).all()
    lots = [lot for lot in lots if lot.state != "draft"]
    stones = await queries.stones_by_lot(session, [lot.id for lot in lots], ANYBODY)
    headings, notices = (
        await queries.headings_of(session, sale.public_id),
        await noticing.of_sale(session, sale.public_id),
    )
    lost = set(await session.scalars(queries.unverified_lots(sale.id)))
    stones |= {lot.id: [] for lot in lots if lot.public_id in lost}  # also of a pair of which one stone is left
    notices = [one for one in notices if one.lot not in lost]
    photos = await media_queries.photographs(session, [stone for each in stones.values() for stone in each])
    entries = [
        _lot(told, sale, lot, stones[lot.id], headings.get(lot.public_id), notices, photos, house) for lot in lots
    ]
    shown = [lot for lot in lots if stones[lot.id] and lot.state != "withdrawn"]
    top = max(shown, key=lambda lot: (lot.high_minor or 0, lot.id), default=None)
    return {
        "kind": KIND,
        "langs": told.langs,
        "title": _pair(told, sale.title_en, sale.title_zh),
        "text": _pair(told, sale.text_en, sale.text_zh),
        "times": _times(told, sale),
        "count": told.say("count", n=str(len(lots))),
        "words": {word: told.say(word) for word in _WORDS},
        "currency": sale.currency,
        "terms": [list(terms().in_language(one)) for one in told.langs],
        "proof": [[told.say("terms_version"), terms().version]]
        + [[told.say(name), value] for name, value in _hashes(sale) if value],
        "lots": entries,
        "cover": _cover(told, stones[top.id][0], photos) if top is not None else {},
        "notices": [_notice(told, sale, one, {lot.public_id: lot.number_text for lot in lots}) for one in notices],
        "index": _index(told, [(lot, stones[lot.id]) for lot in shown]),
        "address": house,
    }


def drawn(said: Mapping[str, Any], shelf: Shelf) -> dict[str, Any]:
    """The paper with its pictures: each plan and photograph once, and the code of each stone. Takes seconds: call it in
    a thread. A photograph that the shelf has lost costs the picture, not the paper: the plan stands in its place."""
    stones = [stone for lot in said["lots"] for stone in lot["stones"]]
    shown = [*stones, said["cover"]] if said["cover"] else stones
    plans = {name: plan.named(name) for name in sorted({stone["plate"] for stone in shown})}
    plates = {name: plan.face(one) for name, one in plans.items() if one is not None}
    for one in shown:
        if one["photo"] and one["photo"] not in plates:
            plates[one["photo"]] = _photograph(shelf, one["photo"]) or plates[one["plate"]]
    return {**said, "plates": plates, "codes": {stone["href"]: _code(stone["href"]) for stone in stones}}


def _photograph(shelf: Shelf, name: str) -> str | None:
    """The JPEG as it lies on the shelf, in a square of its own so that every stone stands as wide as the next."""
    address, _, size = name.partition("/")
    try:
        jpeg = (shelf.place(address) / f"{size}.jpg").read_bytes()
        with Image.open(io.BytesIO(jpeg)) as opened:
            width, height = opened.size
    except OSError:
        return None
    side, data = max(width, height), base64.b64encode(jpeg).decode()
    box = f"{(width - side) / 2:g} {(height - side) / 2:g} {side} {side}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}">'
        f'<image width="{width}" height="{height}" href="data:image/jpeg;base64,{data}"/></svg>'
    )


def _cover(told: Printer, stone: Stone, photos: Mapping[str, str]) -> dict[str, Any]:
    """The stone of the dearest lot: its photograph, large enough for the page, or else its plan."""
    found = _picture(told, stone, photos, "m")
    return found if found["photo"] else {**found, "alt": told.say("drawn")}


def _picture(told: Printer, stone: Stone, photos: Mapping[str, str], size: str) -> dict[str, Any]:
    """`photo`: where the first photograph lies, or nothing. Its address is the hash of what is in it."""
    address = photos.get(stone.photo or "")
    return {
        "plate": plan.plan_of(stone).name,
        "photo": f"{address}/{size}" if address else "",
        "alt": [name_of(stone, lang).title for lang in told.langs],
    }


def _hashes(sale: Sale) -> list[tuple[str, str | None]]:
    return [("rules_hash", sale.rules_hash), ("snapshot_hash", sale.snapshot_hash)]


def _times(told: Printer, sale: Sale) -> list[Said]:
    """When it is, in the sale's own zone."""
    lines = []
    if sale.opens_at is not None:
        opens = sale.opens_at
        lines.append(told.say("opens", at=lambda of: _plain(of.when(opens, sale.zone))))
    if sale.first_close_at is not None and sale.type != SaleType.COLLECTION:
        first = sale.first_close_at
        lines.append(told.say(f"closes_{sale.type}", at=lambda of: _plain(of.when(first, sale.zone))))
    return lines


def _plain(time: Any) -> str:
    return str(time.striptags())


def _pair(told: Printer, en: str, zh: str) -> Said:
    return [(zh or en) if lang == "zh" else en for lang in told.langs]


def _lot(
    told: Printer,
    sale: Sale,
    lot: Lot,
    stones: Sequence[Stone],
    heading: tuple[str, str] | None,
    notices: Sequence[LotNotice],
    photos: Mapping[str, str],
    house: str,
) -> dict[str, Any]:
    gone = lot.state == "withdrawn" or not stones
    title = noticing.titles(notices).get(lot.public_id, (lot.title_en, lot.title_zh))
    found: dict[str, Any] = {
        "id": f"lot-{lot.public_id}",
        "number": lot.number_text,
        "withdrawn": gone,
        "heading": list(_pair(told, *heading)) if heading else [],
        "title": told.say("withdrawn") if gone else _pair(told, *title),
        "estimate": "",
        "text": [],
        "priced": sale.type == SaleType.COLLECTION,
        "stones": [],
    }
    if gone:
        return found
    of = told.figures[0]
    holds = noticing.estimates(notices).get(lot.public_id, (lot.low_minor or 0, lot.high_minor or 0))
    amounts = [of.amount(minor, sale.currency) for minor in holds]
    found["estimate"] = f"{sale.currency} {amounts[0]}" + ("" if found["priced"] else f" – {amounts[1]}")
    if lot.on_request and lot.public_id not in noticing.estimates(notices):
        found["estimate"] = " · ".join(told.say("on_request"))
    words = noticing.texts(notices).get(lot.public_id, (lot.text_en, lot.text_zh))
    found["text"] = [text for text in dict.fromkeys(_pair(told, *words)) if text]
    for stone in stones:
        found["stones"].append(
            {
                **_picture(told, stone, photos, "s"),
                "facts": _facts(told, stone),
                "origin": _origin(told, stone),
                "href": f"{house}/id/stone/{stone.public_id}",
            }
        )
    return found


def _notice(told: Printer, sale: Sale, notice: LotNotice, numbers: Mapping[str, str]) -> dict[str, Any]:
    """One line of the annex: what changed after publication, and why."""
    return {
        "lot": numbers.get(notice.lot, ""),
        "at": told.each(lambda of: _plain(of.when(notice.at, sale.zone))),
        "text": _pair(told, notice.text_en, notice.text_zh),
        "reason": "" if notice.field == NoticeField.AGAIN else " · ".join(dict.fromkeys(map(notice.why, told.langs))),
    }


def _facts(told: Printer, stone: Stone) -> list[list[Said]]:
    """Label and value, in the languages of the paper; what a report does not say is not printed."""
    rows = [[told.say("weight"), told.each(lambda of: of.ct(stone.weight_mct))]]
    rows.append([told.say("shape"), told.term("shape", stone.shape)])
    if stone.species == "diamond" and not stone.fancy_color:
        colour = [stone.color or "–"] * len(told.langs)
    else:
        colour = [name_of(stone, lang).colour for lang in told.langs]
    rows.append([told.say("colour" if stone.species == "diamond" else "gem"), colour])
    if stone.clarity:
        rows.append([told.say("clarity"), [stone.clarity] * len(told.langs)])
    graded = [name for name in ("cut", "polish", "symmetry") if getattr(stone, name)]
    rows += [[told.say(name), told.term(name, getattr(stone, name))] for name in graded]
    if stone.fluor_intensity:
        rows.append([told.say("fluorescence"), told.term("fluor_intensity", stone.fluor_intensity)])
    if stone.treatment:
        rows.append([told.say("treatment"), told.term("treatment", stone.treatment)])
    sides = (stone.length_um, stone.width_um, stone.depth_um)
    if all(sides):
        size = " × ".join(millimetres(side) for side in sides if side) + "\u00a0mm"
        rows.append([told.say("measures"), [size] * len(told.langs)])
    report = f"{stone.lab.replace('_', ' ')} {stone.report_no}".strip()
    rows.append([told.say("report"), [report] * len(told.langs)])
    return rows


def _origin(told: Printer, stone: Stone) -> Said:
    if stone.mine and stone.mine_country:
        country = stone.mine_country
        return told.say("origin", mine=stone.mine, place=lambda of: of.country(country))
    return told.say("origin_alone")


def _code(address: str) -> str:
    out = io.BytesIO()
    segno.make_qr(address, error="m").save(out, kind="svg", scale=1, border=2, xmldecl=False, light=None)
    return out.getvalue().decode()


def _index(told: Printer, lots: Sequence[tuple[Lot, Sequence[Stone]]]) -> list[dict[str, Any]]:
    by: dict[str, dict[Any, tuple[Said, dict[str, Lot]]]] = defaultdict(dict)
    for lot, stones in lots:
        for stone in stones:
            hue = stone.fancy_color if stone.species == "diamond" else stone.variety or stone.species
            kind = "fancy_color" if stone.species == "diamond" else "variety" if stone.variety else "species"
            name = told.term(kind, hue) if hue else told.say("white")
            band = next((n for n, top in enumerate(BANDS) if stone.weight_mct < top), len(BANDS))
            for part, key, words in (
                ("by_shape", stone.shape, told.term("shape", stone.shape)),
                ("by_hue", hue or "", name),
                ("by_weight", band, _band(told, band)),
            ):
                by[part].setdefault(key, (words, {}))[1][lot.public_id] = lot
    return [
        {
            "title": told.say(part),
            "groups": [
                {
                    "name": by[part][key][0],
                    "lots": [[lot.number_text, f"lot-{id}"] for id, lot in by[part][key][1].items()],
                }
                for key in sorted(by[part])
            ],
        }
        for part in ("by_shape", "by_hue", "by_weight")
        if by[part]
    ]


def _band(told: Printer, band: int) -> Said:
    low, high = (
        f"{mct // 1000}.{mct % 1000 // 10:02d}" for mct in (([0, *BANDS])[band], BANDS[min(band, len(BANDS) - 1)])
    )
    return (
        told.say("under", ct=high)
        if band == 0
        else told.say("from", ct=low)
        if band == len(BANDS)
        else told.say("between", low=low, high=high)
    )
