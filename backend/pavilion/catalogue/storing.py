"""A batch of checked rows, with what their registries said, as stones: with the grades that the laboratory gives."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import laboratory, listing, service
from pavilion.catalogue.answering import (
    FIT,
    Answer,
    answer_of,
    heard,
    issue_of,
    listed_elsewhere,
    raw_of,
    shown_stones,
)
from pavilion.catalogue.checking import CheckedRow, StockSheet
from pavilion.catalogue.laboratory import Heard
from pavilion.catalogue.models import Stone
from pavilion.catalogue.rowrules import Issue
from pavilion.catalogue.upload_models import Mode, Outcome, StockFile
from pavilion.provenance.dossier import Dossier
from pavilion.provenance.registries.port import LABORATORY
from pavilion.provenance.registries.port import Answer as Told
from pavilion.provenance.table_versions import tables_in_force

_GRADES = sorted(laboratory.GRADES.values())
_KNOWN = (
    *(Stone.stock_no_key, Stone.lab, Stone.report_no, Stone.exposed_id, Stone.supplier_said),
    *(getattr(Stone, name) for name in _GRADES),
)


class Stored(NamedTuple):
    """Answers on their way: those of `asked` still want the verdict on the dossier at the same place."""

    answers: list[Answer]
    asked: list[tuple[str, Answer]]
    dossiers: list[Dossier]


async def store(
    session: AsyncSession,
    file: StockFile,
    sheet: StockSheet,
    batch: Sequence[CheckedRow],
    dossiers: Mapping[int, Dossier],
    now: datetime,
) -> Stored:
    """The acceptable rows are stored as stones; the dossiers of those that are to be judged know their names. A row
    that the laboratory's word refuses is stored nowhere: the stone of its number stays as it was."""
    elsewhere = await listed_elsewhere(session, file.supplier_company_id, batch)
    known = await _known(session, file.supplier_company_id, batch)
    labs = (await tables_in_force(session)).labs
    answers, fit = [], []
    for row in batch:
        answer = answer_of(file, sheet, row)
        answers.append(answer)
        if row.outcome not in FIT:
            continue
        if (row.values["lab"], row.values["report_no"]) in elsewhere:
            answer["outcome"] = Outcome.DUPLICATE_OF_OTHER
            answer["issues"].append(issue_of(sheet, row, Issue("report_no", Outcome.DUPLICATE_OF_OTHER, "error")))
            continue
        dossier, stone = dossiers[row.row], known.get(row.values["stock_no"].casefold())
        word = laboratory.compare(row.values, laboratory_of(dossier), labs, _earlier(row, stone, dossier))
        heard(answer, [issue_of(sheet, row, issue, word.values) for issue in word.issues])
        if not word.refused:
            fit.append((row, dossier, word, answer))
    fields = [field for field in sheet.fields if field is not None]
    stones = [
        listing.stone_columns(word.values, fields)
        | {"supplier_said": _said(file, sheet, row, word, known) or None}
        | (listing.origin_columns(dossier.events) if dossier.keeps_chain else {})
        for row, dossier, word, _ in fit
    ]
    supplier = file.supplier_company_id
    stored = await service.store_stones(session, stones, supplier_company_id=supplier, now=now)
    shown = await shown_stones(session, [stone.public_id for stone in stored if stone.change == "unchanged"])
    asked: list[tuple[str, Answer]] = []
    to_judge = []
    for one, (row, dossier, word, answer) in zip(stored, fit, strict=True):
        answer["stone"] = one.public_id
        if one.public_id in shown:
            answer |= {"outcome": Outcome.UNCHANGED, "verdict": "verified"}
            continue
        answer["graded"] = {name: raw_of(sheet, row, name) for name in _GRADES if name in sheet.fields}
        asked.append((one.public_id, answer))
        claim = replace(dossier.claim, stone=one.public_id, listed=listing.words_of(word.values))
        to_judge.append(replace(dossier, claim=claim))
    return Stored(answers, asked, to_judge)


def laboratory_of(dossier: Dossier) -> Told | None:
    return next((answer for answer in dossier.answers if answer.registry == LABORATORY), None)


def signed_grades(dossier: Dossier) -> dict[str, str]:
    """The grades of the listed report as the laboratory signed them into the stone's chain."""
    signed = [event.report for event in dossier.events if event.report is not None]
    listed = (dossier.claim.lab, dossier.claim.report_no)
    words = next((one.words for one in reversed(signed) if (one.lab, one.no) == listed), {})
    return laboratory.grades_in(words)


async def _known(session: AsyncSession, supplier_company_id: int, batch: Sequence[CheckedRow]) -> dict[str, RowMapping]:
    """The stones that the supplier has already under the numbers of these rows."""
    keys = [row.values["stock_no"].casefold() for row in batch if row.outcome in FIT]
    mine = select(*_KNOWN).where(Stone.supplier_company_id == supplier_company_id, Stone.stock_no_key.in_(keys))
    return {stone["stock_no_key"]: stone for stone in (await session.execute(mine)).mappings()} if keys else {}


def _earlier(row: CheckedRow, stone: RowMapping | None, dossier: Dossier) -> dict[str, str]:
    """The grades that the laboratory is known to have given this report: as it signed them into the stone's chain, and
    above that as it answered before, which is all that a verified stone has and what stands in the supplier's place."""
    found = signed_grades(dossier)
    if stone is None or not _same_report(row, stone):
        return found
    said, shown = stone["supplier_said"] or {}, stone["exposed_id"] is not None
    return found | {name: stone[name] for name in _GRADES if stone[name] is not None and (shown or name in said)}


def _said(
    file: StockFile, sheet: StockSheet, row: CheckedRow, word: Heard, known: Mapping[str, RowMapping]
) -> dict[str, Any]:
    """What the supplier says where the laboratory's value is used. What he said before stays said of the columns that
    this row does not speak of."""
    stone = known.get(row.values["stock_no"].casefold())
    before = (stone["supplier_said"] or {}) if stone is not None and _same_report(row, stone) else {}
    kept = {name: was for name, was in before.items() if not _speaks_of(file, sheet, row, name)}
    return {**kept, **word.said}


def _speaks_of(file: StockFile, sheet: StockSheet, row: CheckedRow, column: str) -> bool:
    if column not in sheet.fields:
        return False
    return file.mode != Mode.UPDATE or bool(raw_of(sheet, row, column).strip())


def _same_report(row: CheckedRow, stone: RowMapping) -> bool:
    return bool((row.values["lab"], row.values["report_no"]) == (stone["lab"], stone["report_no"]))
