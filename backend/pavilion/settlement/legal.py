"""The invoice pack's papers of law: an EU due-diligence statement, the US importer's text. Only of verified facts."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.kernel.canon import sha256_hex
from pavilion.kernel.weight import as_reported, two_decimals
from pavilion.provenance import documents, eligibility
from pavilion.provenance.documents import EU_DDS, US_CERT, Statement
from pavilion.provenance.lineage import Case
from pavilion.provenance.models import ExposedStone, StoneVerdict
from pavilion.provenance.table_versions import law_in_force, tables_in_force
from pavilion.settlement.legal_models import LegalPaper
from pavilion.settlement.models import Invoice
from pavilion.settlement.rules import LineKind
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue

_TRADE_PRESS = re.compile(r"idexonline (\d+) \((\d{4}-\d\d-\d\d)\)(;.*)?")


class Paper(NamedTuple):
    """A paper before it is set: its kind, the stone, the entry that asks for it, and what it says."""

    kind: str
    stone: str
    entry: str
    source: str
    law_sha256: str
    verdict_sha256: str
    text: str
    facts: Statement


async def due(
    session: AsyncSession,
    invoice: Invoice,
    now: datetime,
    *,
    destination: str | None = None,
    lots: Collection[str] | None = None,
) -> list[Paper]:
    """The papers that the law of the destination knows for the stones of this invoice; a stone without the facts, or
    without its verdict, has none. Where they really go, and which of them, may be said."""
    day, raw = now.astimezone(UTC).date(), await law_in_force(session)
    region, law = (await tables_in_force(session)).reg(destination or invoice.destination), json.loads(raw)
    asked = [entry for entry in law["entries"] if entry["regime"] == region and "document" in entry]
    asked = [e for e in asked if e["from"] <= day.isoformat() and (e["to"] is None or day.isoformat() <= e["to"])]
    lines = [line for line in invoice.lines if line.kind == LineKind.HAMMER and (lots is None or line.lot in lots)]
    stones = [stone for line in lines for stone in line.facts.get("stones", ())]
    if not asked or not stones:
        return []
    shown = set(await session.scalars(select(ExposedStone.stone).where(ExposedStone.stone.in_(stones))))
    verdicts = {row.stone: row.verdict_sha256 for row in await _verdicts(session, stones)}
    found = []
    for stone, case in (await eligibility.cases_of(session, sorted(shown), day)).items():
        for entry in asked:
            if (paper := _paper(stone, case, entry, verdicts[stone], sha256_hex(raw))) is not None:
                found.append(paper)
    return found


async def kept(session: AsyncSession, invoice: Invoice, lang: str) -> Sequence[LegalPaper]:
    wanted = select(LegalPaper).where(LegalPaper.invoice_id == invoice.id, LegalPaper.lang == lang)
    return (await session.scalars(wanted.order_by(LegalPaper.kind, LegalPaper.stone))).all()


def data_of(paper: Paper, invoice: Invoice, tongue: Tongue, now: datetime) -> dict[str, Any]:
    """Everything that `pdf/statement.typ` sets, ready worded; the operative text is English in both languages."""
    say, figures, facts = tongue.gettext, Figures(tongue), paper.facts
    seller = invoice.facts["seller"]
    title = say("Due-diligence statement") if paper.kind == EU_DDS else say("Importer’s self-certification")
    weight = two_decimals(as_reported(facts.mct))
    operative = paper.text or (
        f"We state that the natural diamond described below, report {facts.report}, {weight} ct, was "
        "mined, cut and polished at the places and on the days below, as recorded in signed events of its chain."
    )
    return {
        "lang": tongue.lang,
        "title": title,
        "subtitle": f"{facts.report} · {weight} ct · {invoice.number or ''}",
        "seller": seller["name"],
        "footer": f"{seller['name']} · {invoice.number or ''} · {paper.stone}",
        "operative": operative,
        "translation": tongue.say(f"law_text_{paper.kind}") if tongue.lang == "zh" else "",
        "parts": _parts(facts, figures, tongue),
        "notes": [
            f"{say('Buyer')}: {invoice.facts['buyer']['name']}, {figures.country(invoice.destination)}",
            f"{say('Source')}: {source_of(paper.source, tongue)}",
            f"{paper.entry} · SHA-256 {paper.law_sha256} · {say('Verdict')} {paper.verdict_sha256}",
            say("Made from verified facts alone; check with a competent person before relying on it."),
            now.astimezone(UTC).date().isoformat(),
        ],
    }


def source_of(source: str, tongue: Tongue) -> str:
    """What the entry of the law table rests on, in words: a number of a trade journal is named as such."""
    found = _TRADE_PRESS.fullmatch(source)
    if found is None:
        return source
    said = tongue.gettext("trade press on the rule, IDEX Online article %(no)s of %(day)s")
    return said % {"no": found[1], "day": found[2]} + (found[3] or "")


def _authority(issuer: str, figures: Figures, tongue: Tongue) -> str:
    """Who issued a Kimberley Process certificate; two letters stand for the authority of that country."""
    named = figures.country(issuer)
    said = tongue.gettext("Kimberley Process authority of %(country)s") % {"country": named}
    return issuer if named == issuer else said


def _paper(stone: str, case: Case, entry: Mapping[str, Any], verdict: str, law: str) -> Paper | None:
    facts = documents.statement(case)
    if not isinstance(facts, Statement) or not case.facts.is_diamond or case.facts.mass_mct < entry["min_mct"]:
        return None
    kind, text = entry["document"], entry.get("text_en", "")
    if kind == US_CERT and documents.certificate(case, text) is None:
        return None
    if kind not in (EU_DDS, US_CERT):
        return None
    return Paper(kind, stone, entry["id"], entry["source"], law, verdict, text, facts)


def _parts(facts: Statement, figures: Figures, tongue: Tongue) -> list[dict[str, Any]]:
    say = tongue.gettext
    mined = [
        [figures.country(one.country), one.mine or "–", one.day, f"{two_decimals(as_reported(one.mct))} ct"]
        for one in facts.extractions
    ]
    made = [[tongue.say(f"event_{one.kind}"), figures.country(one.country), one.day] for one in facts.makings]
    parts = [
        {
            "title": say("Mined"),
            "columns": [say("Country"), say("Mine"), say("Day"), say("Rough")],
            "rows": mined,
        },
        {"title": say("Cut and polished"), "columns": [say("Step"), say("Country"), say("Day")], "rows": made},
    ]
    if facts.crossings:
        crossed = [[one.no, _authority(one.issuer, figures, tongue), one.day] for one in facts.crossings]
        columns = [say("Certificate"), say("Authority"), say("Day")]
        parts.append({"title": say("Kimberley Process certificates"), "columns": columns, "rows": crossed})
    return parts


async def _verdicts(session: AsyncSession, stones: Sequence[str]) -> Sequence[StoneVerdict]:
    return (await session.scalars(select(StoneVerdict).where(StoneVerdict.stone.in_(stones)))).all()
