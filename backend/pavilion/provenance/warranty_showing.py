"""The yearly report on paper and as a table: the same figures, worded in the reader's language."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from pavilion.kernel.sheet import write_csv
from pavilion.provenance.tables import Warranty
from pavilion.provenance.warranty_gathering import Year
from pavilion.provenance.warranty_report import Deed, Finding, Way, faults, kept_until
from pavilion.webkit.figures import Figures
from pavilion.webkit.i18n import Tongue

PARTS = ("opening", "in", "mined", "loss", "out", "closing")
GIVES = frozenset({"opening", "in", "mined"})
PAGE = 50
ON_PAPER = 1_500  # lines of each way; the table holds all
COLUMNS = (
    *("way", "day", "kind", "reference", "partner", "carat", "stones", "statement", "statement_sha256"),
    *("seller", "given_on", "self_assessed", "holds"),
)
WIDE = 1000


class DeedRow(NamedTuple):
    deed: Deed
    partner: str
    wrong: tuple[str, ...]  # codes


class Bar(NamedTuple):
    """What came beside what became of it, in thousandths of the longer of the two."""

    parts: tuple[tuple[str, int, int, int], ...]  # name, mass, where it begins, how long it is


def rows(year: Year, way: Way, texts: Mapping[str, Sequence[Warranty]]) -> list[DeedRow]:
    return [
        DeedRow(deed, year.names.get(deed.partner, deed.partner), tuple(one.code for one in faults(deed, texts)))
        for deed in year.told.of(way)
    ]


def bars(year: Year) -> tuple[Bar, Bar]:
    balance = year.told.balance
    masses = [(name, int(getattr(balance, f"{name}_mct"))) for name in PARTS]
    came, became = [one for one in masses if one[0] in GIVES], [one for one in masses if one[0] not in GIVES]
    whole = max(sum(mct for _, mct in came), sum(mct for _, mct in became), 1)
    return _bar(came, whole), _bar(became, whole)


def csv(found: Iterable[DeedRow]) -> bytes:
    """Every invoice and memo of the year; what a spreadsheet would run as a formula is made harmless."""

    def lines() -> Iterator[list[str]]:
        yield list(COLUMNS)
        for row in found:
            deed, said = row.deed, row.deed.statement
            yield [
                *(deed.way.value, deed.day.isoformat(), deed.kind.value, deed.reference, row.partner),
                *(carats(deed.mct), " ".join(deed.stones), said.text or "", said.sha256 or "", said.seller),
                *(said.given_on.isoformat(), said.assessed.isoformat() if said.assessed else ""),
                "no" if row.wrong else "yes",
            ]

    return b"".join(write_csv(lines()))


def paper(year: Year, incoming: list[DeedRow], outgoing: list[DeedRow], tongue: Tongue, today: date) -> dict[str, Any]:
    """Everything that `pdf/warranties.typ` sets, ready worded."""
    say, figures, balance = tongue.gettext, Figures(tongue), year.told.balance
    unit = tongue.pgettext("unit", "ct")
    span = {"start": figures.day(year.start), "end": figures.day(year.end)}
    verdict = say("Warranties in and out agree.") if balance.holds else say("Warranties in and out do not agree.")
    wrong = [tongue.say(one.code) + " " + _facts(one, tongue, figures) for one in year.told.findings[:200]]
    return {
        "lang": tongue.lang,
        "title": say("Warranty reconciliation"),
        "subtitle": f"{year.subject.name} · {year.year}",
        "span": say("%(start)s to %(end)s") % span,
        "verdict": verdict,
        "balance": [
            *([tongue.say(f"warranty_{name}"), f"{carats(getattr(balance, f'{name}_mct'))} {unit}"] for name in PARTS),
            [say("Unexplained"), f"{carats(balance.gap_mct)} {unit}"],
        ],
        "findings": {"title": say("To be looked at"), "rows": wrong, "none": say("Nothing to be looked at.")},
        "columns": [
            *(say("Day"), say("Document"), say("Partner"), say("Carats"), say("Stones")),
            *(say("Statement"), say("Assessed")),
        ],
        "texts": {"title": say("Texts of the statements"), "rows": _texts([*incoming, *outgoing])},
        "parts": [
            {"title": say("Warranties in"), "rows": [_line(row, figures) for row in incoming[:ON_PAPER]]},
            {"title": say("Warranties out"), "rows": [_line(row, figures) for row in outgoing[:ON_PAPER]]},
        ],
        "none": say("None in this year."),
        "footer": say("To be kept until %(day)s.") % {"day": figures.day(kept_until(today))},
    }


def carats(mct: int) -> str:
    sign = "-" if mct < 0 else ""
    return f"{sign}{abs(mct) // 1000}.{abs(mct) % 1000:03d}"


def _bar(masses: Iterable[tuple[str, int]], whole: int) -> Bar:
    parts, at = [], 0
    for name, mct in masses:
        x, end = at * WIDE // whole, (at + mct) * WIDE // whole
        parts.append((name, mct, x, end - x))
        at += mct
    return Bar(tuple(parts))


def _line(row: DeedRow, figures: Figures) -> list[str]:
    deed, said = row.deed, row.deed.statement
    assessed = figures.day(said.assessed) if said.assessed else "–"
    mark = f"{said.text or '–'}{' ✗' if row.wrong else ''}, {said.seller}"
    masses = [carats(deed.mct), figures.number(len(deed.stones))]
    return [figures.day(deed.day), deed.reference or "–", row.partner, *masses, mark, assessed]


def _texts(rows: Iterable[DeedRow]) -> list[str]:
    """Each statement that was given, with the hash of its text."""
    given = {(row.deed.statement.text, row.deed.statement.sha256) for row in rows if row.deed.statement.text}
    return [f"{text}: SHA-256 {digest or '–'}" for text, digest in sorted(given, key=str)]


def _facts(one: Finding, tongue: Tongue, figures: Figures) -> str:
    said = []
    for name, value in one.facts.items():
        word = carats(value) if name.endswith("_mct") or name == "mct" else str(value)
        if name not in ("way", "day") and word:
            said.append(f"{tongue.say('fact_' + name)} {word}")
    return tongue.gettext(", ").join(said)
