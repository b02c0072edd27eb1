"""Late answers: a stone that waited is judged with the laboratory's grades, and its row of a stock file is answered."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import laboratory, listing, service
from pavilion.catalogue.answering import POLICY, WAIT, Answer, heard, judged
from pavilion.catalogue.laboratory import COLUMNS, GRADES, Heard
from pavilion.catalogue.models import Stone
from pavilion.catalogue.storing import laboratory_of, signed_grades
from pavilion.catalogue.upload_models import WAITING, FileState, Outcome, StockFile, StockRow
from pavilion.kernel import events
from pavilion.kernel.db import Sessions, reading
from pavilion.provenance import gathering
from pavilion.provenance import service as provenance
from pavilion.provenance.claims import Verdict
from pavilion.provenance.dossier import Dossier
from pavilion.provenance.findings import Finding, Severity, VerdictCode
from pavilion.provenance.log import LogSigner
from pavilion.provenance.models import StoneVerdict
from pavilion.provenance.registries.port import LABORATORY, Status
from pavilion.provenance.registries.port import Answer as Told
from pavilion.provenance.table_versions import tables_in_force
from pavilion.provenance.tables import Lab

AT_ONCE = 200
_STONES = Stone.__table__
_SEEN = [column.key for column in _STONES.columns]


async def settle(
    session: AsyncSession, *, dossiers: Sequence[Dossier], now: datetime, log: LogSigner | None = None
) -> list[Verdict]:
    """As `provenance.service.settle`, for listings that were asked about again: of one that waited, the grades that the
    laboratory gives now are used first. Whose listing became another one meanwhile is left out; it was judged anew."""
    dossiers = await _with_the_laboratorys_grades(session, dossiers, now)
    verdicts = await provenance.settle(session, dossiers=dossiers, now=now, log=log)
    verified = [verdict.stone for verdict in verdicts if verdict.verdict == VerdictCode.VERIFIED]
    await service.expose_stones(session, verified, now=now)
    return verdicts


async def tick(sessions: Sessions, now: datetime) -> int:
    """Rows whose stone has another verdict than the one they waited with are answered; how many. A file that is still
    being read is left to its reader. When the last row of a file that waited has its answer, an event says so, once."""
    async with reading(sessions) as session:
        files = set(await session.scalars(_answered().with_only_columns(StockRow.file_id)))
    if not files:
        return 0
    async with sessions.begin() as session:
        locked = select(StockFile).where(StockFile.id.in_(files)).order_by(StockFile.id).with_for_update()
        by_id = {file.id: file for file in await session.scalars(locked)}
        labs = (await tables_in_force(session)).labs
        found = (await session.execute(_answered().where(StockRow.file_id.in_(by_id)))).all()
        for row, verdict, stone in found:
            file, before = by_id[row.file_id], row.outcome
            _answer(row, await _answered_now(session, file, row, verdict, stone, labs))
            if row.outcome != before:
                counts = {**file.counts, before: file.counts.get(before, 1) - 1}
                counts[row.outcome] = counts.get(row.outcome, 0) + 1
                file.counts = {outcome: n for outcome, n in counts.items() if n}
                if not any(file.counts.get(outcome) for outcome in WAIT):
                    told = {"state": file.state, "counts": file.counts}
                    events.record(session, "upload:completed", file.public_id, by=None, at=now, **told)
    return len(found)


def _answered() -> Any:
    """Rows that wait with an older verdict on their stone, in files read to their end."""
    wanted = select(StockRow, StoneVerdict, Stone).where(WAITING).join(StockFile, StockFile.id == StockRow.file_id)
    wanted = wanted.join(StoneVerdict, StoneVerdict.stone == StockRow.stone)
    wanted = wanted.join(Stone, Stone.public_id == StockRow.stone)
    ended = StockFile.state == FileState.DONE
    another = StoneVerdict.verdict_sha256 != StockRow.verdict_sha256
    return wanted.where(ended, another).order_by(StockRow.file_id, StockRow.row).limit(AT_ONCE)


async def _with_the_laboratorys_grades(
    session: AsyncSession, dossiers: Sequence[Dossier], now: datetime
) -> list[Dossier]:
    names = [dossier.claim.stone for dossier in dossiers]
    mine = select(_STONES).where(_STONES.c.public_id.in_(names))
    stones = {stone["public_id"]: stone for stone in (await session.execute(mine)).mappings()}
    wanted = select(StoneVerdict.stone, StoneVerdict.claim, StoneVerdict.verdict).where(StoneVerdict.stone.in_(names))
    standing = {row.stone: row for row in await session.execute(wanted)}
    labs = (await tables_in_force(session)).labs
    found: list[Dossier] = []
    changed: dict[int, list[dict[str, Any]]] = {}
    for dossier in dossiers:
        was, stone = standing.get(dossier.claim.stone), stones.get(dossier.claim.stone)
        if was is not None and was.claim != dossier.claim.document():
            continue
        waited = was is not None and was.verdict == VerdictCode.PENDING
        if waited and stone is not None and stone["withdrawn_at"] is None:
            word = _heard_late(dict(stone), laboratory_of(dossier), labs, signed_grades(dossier))
            if not word.refused and (columns := _columns(stone, word)):
                changed.setdefault(stone["supplier_company_id"], []).append(columns)
                dossier = replace(dossier, claim=replace(dossier.claim, listed=_listed(dossier, columns)))
        found.append(dossier)
    for company, rows in changed.items():
        await service.store_stones(session, rows, supplier_company_id=company, now=now)
    return found


def _heard_late(
    stone: Mapping[str, Any], answer: Told | None, labs: Mapping[str, Lab], signed: Mapping[str, str] | None = None
) -> Heard:
    """What the laboratory says of what the supplier said. While it is silent: what stands in the supplier's place, and
    what it signed."""
    said = stone["supplier_said"] or {}
    earlier = {**(signed or {}), **{column: stone[column] for column in said}}
    return laboratory.compare({**listing.values_of(stone), **said}, answer, labs, earlier)


def _columns(stone: RowMapping, word: Heard) -> dict[str, Any]:
    """The columns of the stone that become others; empty where none does."""
    after = {name: word.values.get(name) for name in COLUMNS} | {"supplier_said": dict(word.said) or None}
    differing = {name: value for name, value in after.items() if stone[name] != value}
    return {"stock_no": stone["stock_no"], **differing} if differing else {}


def _listed(dossier: Dossier, columns: Mapping[str, Any]) -> dict[str, str]:
    """The claim's grades, those that became others in the laboratory's words."""
    listed = dict(dossier.claim.listed)
    for word, column in GRADES.items():
        if word in listed and columns.get(column) is not None:
            listed[word] = laboratory.word_of(column, columns[column])
    return listed


async def _answered_now(
    session: AsyncSession,
    file: StockFile,
    row: StockRow,
    verdict: StoneVerdict,
    stone: Stone,
    labs: Mapping[str, Lab],
) -> Answer:
    """What a reader of the file would be answered now."""
    columns = {name: getattr(stone, name) for name in _SEEN}
    heard_of = await _answers_kept(session, verdict)
    word = _heard_late(columns, heard_of.get(LABORATORY), labs)
    if word.refused and verdict.verdict != VerdictCode.REJECTED:  # the table of laboratories changed since
        word = Heard(word.values)
    kept = [issue for issue in row.issues if not _of_a_later_stage(issue)]
    answer: Answer = {"outcome": Outcome.WITH_WARNINGS if kept else Outcome.ACCEPTED, "issues": kept}
    headers = {column: header for header, column in file.header_map.items()}
    heard(answer, [_told(issue, row, headers, word) for issue in word.issues])
    findings = tuple(
        Finding(said["code"], Severity(said["severity"]), said["link"], said["params"]) for said in verdict.findings
    )
    now = Verdict(verdict.stone, verdict.verdict, verdict.grade, findings, verdict.verdict_sha256)
    silent = {name for name, told in heard_of.items() if told.mandatory and told.status is Status.UNAVAILABLE}
    judged(answer, now, stone.exposed_id is not None, silent)
    return answer


async def _answers_kept(session: AsyncSession, verdict: StoneVerdict) -> dict[str, Told]:
    """What the registries said on which the verdict rests, by their names."""
    case = await gathering.case_of(session, verdict.stone)
    return {
        said["registry"]: Told(
            said["registry"],
            Status(said["status"]),
            verdict.decided_at,
            fields=said["fields"],
            mandatory=said["mandatory"],
        )
        for said in (case["answers"] if case is not None else ())
    }


def _told(issue: Any, row: StockRow, headers: Mapping[str, str], word: Heard) -> dict[str, Any]:
    document = {"column": issue.column, "code": issue.code, "severity": issue.severity, "facts": dict(issue.facts)}
    if issue.column in headers:
        raw = (row.graded or {}).get(issue.column)
        document |= {"header": headers[issue.column]} | ({} if raw is None else {"raw": raw})
    if issue.severity == "warning":
        document["normalised"] = word.values[issue.column]
    return document


def _of_a_later_stage(issue: Mapping[str, Any]) -> bool:
    return "rule" in issue or issue["code"] == POLICY or issue["code"] in laboratory.CODES


def _answer(row: StockRow, answer: Answer) -> None:
    row.outcome, row.issues = answer["outcome"], answer["issues"]
    row.verdict, row.grade, row.verdict_sha256 = answer["verdict"], answer["grade"], answer["verdict_sha256"]
