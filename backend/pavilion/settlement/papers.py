"""The papers that travel with the goods: packing list, commercial invoice, warranty, declaration on origin. Set after
the act from what is stored, each with its hash; for equal data the bytes are equal."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel import jobs
from pavilion.kernel.db import Sessions, reading
from pavilion.kernel.weight import as_reported, two_decimals
from pavilion.provenance import passport_queries
from pavilion.settlement import customs, legal, queries, release_queries
from pavilion.settlement.document import address_lines
from pavilion.settlement.models import Invoice, InvoiceLine
from pavilion.settlement.release_models import Release, ReleaseFile, ReleaseMode
from pavilion.settlement.releasing import PAPERS
from pavilion.settlement.rules import LineKind
from pavilion.webkit import pdf
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import LANGUAGES, Lang, Tongue

PDF = "application/pdf"


class Item(NamedTuple):
    """One lot in the parcel."""

    line: InvoiceLine
    worth_minor: int  # hammer and premium
    stones: tuple[str, ...]
    mct: int  # as weighed out, each stone as a laboratory writes it
    heading: customs.Heading
    mined: tuple[str, ...]  # countries
    made: tuple[str, ...]


class Parcel(NamedTuple):
    release: Release
    invoice: Invoice
    items: list[Item]
    declared: list[legal.Paper]
    kinds: tuple[str, ...]
    day: date
    base: str  # the house's address
    address: dict[str, str]  # of the buyer, where the invoice is of before it had a street


async def set_papers(sessions: Sessions, now: datetime, tongues: Mapping[Lang, Tongue], base: str) -> int:
    """The papers of each packed release stand in both languages. A stop loses none; one that fails is tried again."""
    job = await jobs.taken(sessions, now, kinds=[PAPERS])
    if job is None:
        return 0
    try:
        await _set(sessions, job.payload["release"], job.payload["version"], tongues, base, now)
    except Exception as error:
        async with sessions.begin() as session:
            await jobs.failed(session, job.id, f"{type(error).__name__}: {error}", now)
        raise
    async with sessions.begin() as session:
        await jobs.done(session, job.id)
    return 1


async def _set(
    sessions: Sessions, public_id: str, version: int, tongues: Mapping[Lang, Tongue], base: str, now: datetime
) -> None:
    async with reading(sessions) as session:
        release = (await session.scalars(select(Release).where(Release.public_id == public_id))).one()
        if release.version != version:
            return  # packed anew since, with papers of its own
        parcel = await parcel_of(session, release, base, now)
        known = {(row.kind, row.lang) for row in await release_queries.files_of(session, release)}
    for kind in parcel.kinds:
        for lang in LANGUAGES:
            if (kind, lang) in known:
                continue
            made = await to_thread.run_sync(pdf.render, "release.typ", data_of(kind, parcel, tongues[lang]))
            row = ReleaseFile(release_id=release.id, version=version, kind=kind, lang=lang, media=PDF)
            row.sha256, row.content, row.at = sha256(made).hexdigest(), made, now
            async with sessions.begin() as session:
                session.add(row)


async def parcel_of(session: AsyncSession, release: Release, base: str, now: datetime) -> Parcel:
    """All that the papers say, as it is stored."""
    invoice = await release_queries.invoice_of(session, release)
    lots = await release_queries.lots_of(session, release)
    packed = release.packed_at or now
    day = queries.local_day(invoice, packed)
    items = [
        await _item(session, release, invoice, line, day)
        for line in invoice.lines
        if line.kind == LineKind.HAMMER and line.lot in lots
    ]
    declared = await legal.due(session, invoice, packed, destination=release.destination, lots=lots)
    kinds = await release_queries.papers_due(session, release, invoice, packed)
    address = await release_queries.address_since(session, invoice)
    return Parcel(release, invoice, items, declared, kinds, day, base, address)


async def _item(session: AsyncSession, release: Release, invoice: Invoice, line: InvoiceLine, day: date) -> Item:
    stones = tuple(line.facts.get("stones", ()))
    priced = (LineKind.HAMMER, LineKind.PREMIUM)
    heading = customs.heading(line.facts.get("species", "diamond"), day)
    assert heading is not None, "the table has a row for every gem on every day"
    mined, made = set[str](), set[str]()
    for stone in stones:
        passport = await passport_queries.latest(session, stone)
        subject = {} if passport is None else passport.content["credentialSubject"]
        mine = subject.get("stone:origin", {}).get("mine", {}).get("country") or line.facts.get("mine_country")
        mined |= {mine} if mine else set()
        made |= {cc} if (cc := subject.get("product", {}).get("countryOfProduction")) else set()
    return Item(
        line=line,
        worth_minor=sum(one.amount_minor for one in invoice.lines if one.lot == line.lot and one.kind in priced),
        stones=stones,
        mct=sum(as_reported(release.weighed[stone]["mct"]) for stone in stones),
        heading=heading,
        mined=tuple(sorted(mined)),
        made=tuple(sorted(made)),
    )


def data_of(kind: str, parcel: Parcel, tongue: Tongue) -> dict[str, Any]:
    """Everything that `pdf/release.typ` sets, ready worded."""
    say, figures = tongue.gettext, Figures(tongue)
    release, invoice = parcel.release, parcel.invoice
    seller, buyer = invoice.facts["seller"], invoice.facts["buyer"]
    address = address_lines(buyer | parcel.address, figures)
    titles = {
        "packing_list": say("Packing list"),
        "commercial_invoice": say("Commercial invoice"),
        "warranty": say("Warranty statement"),
        "due_diligence": say("Declaration on origin"),
    }
    goods_to = release.address.splitlines() or [release.collector]
    base = {
        "lang": tongue.lang,
        "title": titles[kind],
        "subtitle": " · ".join([invoice.number or "", figures.day(parcel.day), release.public_id]),
        "seller": seller["name"],
        "footer": f"{seller['name']} · {invoice.number} · {release.public_id}",
        "parties": [
            {"word": say("Seller"), "lines": [seller["name"], *seller["address"], seller["tax_no"]]},
            {"word": say("Buyer"), "lines": [buyer["name"], *address, *filter(None, [buyer["tax_no"]])]},
            {
                "word": say("Goes to"),
                "lines": [*filter(None, goods_to), figures.country(release.destination), _way(release, tongue)],
            },
        ],
        "parts": [],
        "totals": [],
        "notes": _notes(parcel, tongue),
        "signatures": [],
    }
    return base | _OF_KIND[kind](parcel, tongue, figures)


def _way(release: Release, tongue: Tongue) -> str:
    if release.mode == ReleaseMode.COLLECTION:
        return tongue.gettext("Collected in person")
    return tongue.gettext("Secured carrier: %(name)s") % {"name": release.carrier}


def _packing(parcel: Parcel, tongue: Tongue, figures: Figures) -> dict[str, Any]:
    say = tongue.gettext
    columns = [say("Lot"), say("Stone"), say("Report"), say("Pieces"), say("Carats"), say("HS code")]
    columns += [say("Mined in"), say("Made in")]
    rows = [
        [
            one.line.facts["number"],
            _title(one, tongue),
            one.line.facts.get("report") or "–",
            str(len(one.stones)),
            two_decimals(one.mct),
            one.heading.code,
            _countries(one.mined, figures),
            _countries(one.made, figures),
        ]
        for one in parcel.items
    ]
    carats = sum(one.mct for one in parcel.items)  # the total of what stands in the lines
    return {
        "parts": [_part(columns=columns, rows=rows, widths=[2, 7, 5, 2, 3, 3, 4, 4], ends=[3, 4])],
        "totals": [
            {"word": say("Pieces"), "figure": str(sum(len(one.stones) for one in parcel.items))},
            {"word": say("Carats"), "figure": f"{two_decimals(carats)} ct"},
        ],
        "notes": [*_headings(parcel, tongue), *_notes(parcel, tongue)],
        "signatures": [say("Handed over, name and signature"), say("Received, name and signature"), say("Date")],
    }


def _commercial(parcel: Parcel, tongue: Tongue, figures: Figures) -> dict[str, Any]:
    say, unit = tongue.gettext, parcel.invoice.currency
    columns = [say("Lot"), say("Stone"), say("HS code"), say("Mined in"), say("Made in"), say("Carats")]
    rows = [
        [
            one.line.facts["number"],
            _title(one, tongue),
            one.heading.code,
            _countries(one.mined, figures),
            _countries(one.made, figures),
            two_decimals(one.mct),
            figures.amount(one.worth_minor, unit, True),
        ]
        for one in parcel.items
    ]
    worth = sum(one.worth_minor for one in parcel.items)
    totals = [{"word": say("Value of the goods"), "figure": f"{unit} {figures.amount(worth, unit, True)}"}]
    if parcel.release.insured_minor is not None:
        insured = figures.amount(parcel.release.insured_minor, unit, True)
        totals.append({"word": say("Insured for"), "figure": f"{unit} {insured}"})
    return {
        "parts": [
            _part(columns=[*columns, f"{say('Value')}, {unit}"], rows=rows, widths=[2, 7, 3, 4, 4, 3, 5], ends=[5, 6])
        ],
        "totals": totals,
        "notes": [
            *_headings(parcel, tongue),
            say("Value: hammer and premium. Taxes and charges stand on invoice %(no)s.")
            % {"no": parcel.invoice.number},
            *_notes(parcel, tongue),
        ],
    }


def _warranty(parcel: Parcel, tongue: Tongue, figures: Figures) -> dict[str, Any]:
    given = parcel.invoice.facts["warranty"]
    stones = [
        [one.line.facts["number"], _title(one, tongue), one.line.facts.get("report") or "–", two_decimals(one.mct)]
        for one in parcel.items
        if one.line.facts.get("species") == "diamond"
    ]
    say = tongue.gettext
    columns = [say("Lot"), say("Stone"), say("Report"), say("Carats")]
    assessed = figures.day(date.fromisoformat(given["self_assessed"]))
    return {
        "parts": [
            _part(text=given["text_en"]),
            _part(columns=columns, rows=stones, widths=[2, 8, 6, 3], ends=[3]),
        ],
        "notes": [
            f"{given['id']} · SHA-256 {parcel.invoice.warranty_sha256}",
            say("self-assessed %(on)s") % {"on": assessed},
            given["source"],
        ],
    }


def _declaration(parcel: Parcel, tongue: Tongue, figures: Figures) -> dict[str, Any]:
    parts, notes = [], list[str]()
    for paper in parcel.declared:
        said = legal.data_of(paper, parcel.invoice, tongue, parcel.release.packed_at or parcel.release.prepared_at)
        title = f"{paper.facts.report} · {two_decimals(as_reported(paper.facts.mct))} ct"
        parts.append(_part(title=title, text=said["operative"], translation=said["translation"]))
        for one in said["parts"]:
            widths = [1] * len(one["columns"])
            parts.append(_part(title=one["title"], columns=one["columns"], rows=one["rows"], widths=widths))
        notes += [
            f"{tongue.gettext('Source')}: {legal.source_of(paper.source, tongue)}",
            f"{paper.entry} · SHA-256 {paper.law_sha256}",
        ]
    last = tongue.gettext("Made from verified facts alone; check with a competent person before relying on it.")
    return {"parts": parts, "notes": [*dict.fromkeys(notes), last]}


_OF_KIND = {
    "packing_list": _packing,
    "commercial_invoice": _commercial,
    "warranty": _warranty,
    "due_diligence": _declaration,
}


def _part(
    *,
    title: str = "",
    text: str = "",
    translation: str = "",
    columns: Sequence[str] = (),
    rows: Sequence[Sequence[str]] = (),
    widths: Sequence[int] = (),
    ends: Sequence[int] = (),
) -> dict[str, Any]:
    told = {"title": title, "text": text, "translation": translation, "columns": list(columns)}
    return {**told, "rows": [list(row) for row in rows], "widths": list(widths), "ends": list(ends)}


def _title(one: Item, tongue: Tongue) -> str:
    return str((one.line.text_zh if tongue.lang == "zh" else one.line.text_en) or one.line.text_en)


def _countries(codes: Sequence[str], figures: Figures) -> str:
    return ", ".join(figures.country(cc) for cc in codes) or "–"


def _headings(parcel: Parcel, tongue: Tongue) -> list[str]:
    """What each number of the Harmonized System means."""
    found = {one.heading.code: one.heading for one in parcel.items}
    return [f"HS {code}: {row.text_zh if tongue.lang == 'zh' else row.text_en}" for code, row in sorted(found.items())]


def _notes(parcel: Parcel, tongue: Tongue) -> list[str]:
    say = tongue.gettext
    links = [f"{say('Passport')}: {parcel.base}/passports/{stone}" for one in parcel.items for stone in one.stones]
    demo = parcel.invoice.facts["seller"]["bank"]["bic"].startswith("DEMO")
    return [*links, *([say("Demonstration house: no money moves and nothing here is for sale.")] if demo else [])]
